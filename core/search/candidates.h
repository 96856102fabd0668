/* What every search reads and gives: the rows of a table in the dtype that is computed in, queries, ids, results. */
#ifndef EM_SEARCH_CANDIDATES_H
#define EM_SEARCH_CANDIDATES_H

#include "search/best.h"
#include "search/scores.h"
#include "tensor/half.h"
#include "tensor/tensor.h"

/* Rows of a table, numbered from 0 by ascending id. */
typedef struct em__candidates {
    em_tensor *table;           /* (V, width), contiguous; owned */
    int64_t *only;              /* their ids, or null: the first n; owned */
    int64_t n, only_room;
} em__candidates;

/* `name` leads the messages. A table (V, D) of floats, queries (Q, D) or (D), ids (n) int64 from `least` to
 * rows - 1. */
em_status em__check_table(const em_tensor *table, const char *name);
em_status em__check_queries(const em_tensor *queries, const em_tensor *table, const char *name);
em_status em__check_candidate_ids(const em_tensor *ids, int64_t least, int64_t rows, const char *name);

void em__sort_ids(int64_t *ids, int64_t n);             /* ascending */

/* The rows of `only`, or null: all; and of these the first `first` of the table, < 0: all. em__candidates_close is
 * needed after a failure too. */
em_status em__candidates_open(em__candidates *r, const em_tensor *table, const em_tensor *only, int64_t first,
                              const char *name);
void em__candidates_close(em__candidates *r);

static inline bool em__candidates_are_copied(const em__candidates *r)
{
    return r->only || em_dtype_is_half(r->table->dtype);
}
static inline int64_t em__candidate_id(const em__candidates *r, int64_t at) { return r->only ? r->only[at] : at; }

/* n rows from `lo` on, where they lie or, if they are to be copied, in `to`. */
const void *em__candidates_at(const em__candidates *r, int64_t lo, int64_t n, void *to);

/* Queries as rows of a dtype, contiguous, a new reference: with `unit` a copy, each divided by its length. */
em_status em__queries_of(em_tensor **out, const em_tensor *queries, em_dtype dtype, const em__scores *unit);

/* Row `i` of results (Q, k): what has been found, sorted, then the id -1. Of `squares`, negative ones, the roots. */
void em__write_hits(em_tensor *scores, em_tensor *ids, int64_t i, int64_t k, const em__best *best, bool squares);

#endif
