/* Row-sparse gradients in factored form: a list of parts (row_part.h), one a lookup. Entries are grouped by id once,
 * when somebody needs sums. Parts of a gradient of halves are float32; what is read out of it is rounded. */
#ifndef EM_TENSOR_ROW_SPARSE_H
#define EM_TENSOR_ROW_SPARSE_H

#include "tensor/sparse/row_part.h"

/* Entries sorted by id, equal ids in order of entry. Entry numbers run through the parts in order. */
struct em_groups {
    int64_t n;                  /* unique ids */
    int64_t entries;
    int64_t *ids;               /* (n) ascending */
    int64_t *start;             /* (n + 1) into order */
    int64_t *order;             /* (entries) entry numbers */
    size_t bytes;               /* of the one block that holds all three */
};

struct em_rows {
    int64_t refs;
    int64_t entries;
    int64_t width;              /* D: elements a row */
    bool coalesced;             /* ids ascending and unique */
    int n_parts;
    em_row_part *parts;
    em_groups *groups;          /* made when first needed; null until then */
};

/* Of so many parts, all zeros yet; null without memory. em__rows_of_parts makes a tensor of it, which takes it over. */
em_rows *em__rows_alloc(int n_parts);
em_status em__rows_of_parts(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_rows *r);

/* Takes references to the part's tensors, which are kept (em__keep) from now on, in `part` too. `sizes` of the whole
 * table: (V, …), dims >= 1. Entries whose id is `padding` (-1: none) are left out. */
em_status em__rows_from_part(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_row_part *part,
                             int64_t padding);

/* t without the entries of rows marked in `dropped` (V); t itself if it has none. */
em_status em__rows_without(em_tensor **out, em_tensor *t, const uint8_t *dropped);

em_status em__rows_clone(em_tensor **out, const em_tensor *t);       /* entries and values copied */

/* Whether entries are read from memory of `dense`, as those of a distance to its rows are. If not, and if
 * em__rows_groups has been asked for, em_rows_add_to such a one, contiguous and of no half dtype, cannot fail with a
 * factor of 1. */
bool em__rows_read(const em_rows *r, const em_tensor *dense);

void em__rows_retain(em_rows *r);
void em__rows_release(em_rows *r);              /* null is fine */

/* EM_EGRAD if entries refer to a table that was changed since: call before reading them. */
em_status em__rows_check(const em_tensor *t);

/* Groups of t's entries, lent; made and kept on first use. Checks as em__rows_check does. */
em_status em__rows_groups(const em_groups **out, em_tensor *t);

/* Whether both take their ids from the same memory, so that the groups of one are those of the other. */
bool em__rows_same_ids(const em_rows *a, const em_rows *b);

/* Groups ids (n) of 0 .. rows-1: a stable sort on em_threads() threads. Free with em__groups_free. */
em_status em__group(em_groups **out, const int64_t *const *ids, const int64_t *counts, int lists, int64_t rows);
void em__groups_free(em_groups *g);

/* Threads get the same number of entries, not of rows: first group of piece k of `pieces`. */
int64_t em__groups_split(const em_groups *g, int64_t k, int64_t pieces);

/* What is compiled for each instruction set (row_sums.c), for values of float (or double). */
typedef struct em_rows_kernel {
    void (*values)(void *to, const em_rows *r, int64_t from, int64_t count);    /* to: (count, width) */
    /* The sum of group u is added to row ids[u] of to; compact: it becomes row u. */
    void (*sums)(void *to, const em_rows *r, const em_groups *g, bool compact);
} em_rows_kernel;

/* What computes for gradients of `dtype`; and what it gave rounded to that, in place of t: null on failure. */
em_status em__rows_find_kernel(const em_rows_kernel **kernel, em_dtype dtype);
em_status em__rows_round(em_tensor **t, em_dtype dtype);

#endif
