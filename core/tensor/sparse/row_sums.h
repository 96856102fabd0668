/* Sums of rows read from wherever they lie, for kernels (needs EM_VARIANT): those that a query looks up, or the entries
 * of a touched row's gradient. They are added in order, so the result does not depend on who adds. */
#ifndef EM_TENSOR_ROW_SUMS_H
#define EM_TENSOR_ROW_SUMS_H

#include "parallel/parallel.h"
#include "tensor/scalar.h"
#include "tensor/sparse/row_sparse.h"

/* ---- some rows ----------------------------------------------------------------------------------------- */

enum { EM_LIST = 16, EM_LINE = 64, EM_FETCHED = 512 };

/* Asks for a row, or the beginning of a long one. */
static inline void em__fetch(const void *row, size_t bytes)
{
    const size_t n = bytes < EM_FETCHED ? bytes : EM_FETCHED;
    for (size_t at = 0; at < n; at += EM_LINE) __builtin_prefetch((const char *)row + at);
}

typedef struct em_row_list {
    int64_t n;
    const em_real *row[EM_LIST];
    em_real coef[EM_LIST];
} em_row_list;

#define em__list_sum EM__NAME(em_list, _sum, EM_VARIANT)

/* y (width) += the sum over the list of what `term` makes of coef, row and `own` (null for EM_TERM_ROW); fresh: y = it.
 * Row after row is added: the same bits however a sum is cut into lists. */
void em__list_sum(em_real *restrict y, const em_row_list *l, em_row_term term, const em_real *restrict own,
                  int64_t width, bool fresh);

/* ---- entries of a gradient ----------------------------------------------------------------------------- */

/* e / every; a division of 32 bits takes half as long, and a lookup's own entries need none. */
static inline int64_t em__quotient(int64_t e, int64_t every)
{
    return every == 1 ? e : (e | every) <= UINT32_MAX ? (uint32_t)e / (uint32_t)every : e / every;
}

/* The part of entry `*e` (of the whole), which becomes its number there. */
static inline const em_row_part *em__row_part_of(const em_rows *r, int64_t *e)
{
    const em_row_part *p = r->parts;
    while (*e >= p->ids->count) *e -= (p++)->ids->count;
    return p;
}

/* The source row of entry e of a part. */
static inline const em_real *em__source_row(const em_row_part *p, int64_t e)
{
    const int64_t row = p->index ? EM_DATA(int64_t, p->index)[e] : em__quotient(e, p->every);
    return EM_REALS(p->source) + row * p->source->stride[0];
}

static inline em_real em__coef(const em_row_part *p, int64_t e)
{
    return (em_real)(p->coef ? p->scale * (double)EM_REALS(p->coef)[e] : p->scale);
}

/* Whether the source is more than a processor's own cache holds, so that its rows are worth asking for early. */
static inline bool em__is_far(const em_row_part *p)
{
    enum { NEAR = 4 << 20 };
    return p->source->count * (int64_t)sizeof(em_real) > NEAR && p->source->stride[0];
}

/* Asks for the source row of an entry (of the whole) ahead of its turn. */
static inline void em__fetch_entry(const em_rows *r, int64_t e)
{
    const em_row_part *p = em__row_part_of(r, &e);
    if (em__is_far(p)) em__fetch(em__source_row(p, e), (size_t)r->width * sizeof(em_real));
}

#define em__add_entries EM__NAME(em_add, _entries, EM_VARIANT)

/* sum (width) += entries order[0 .. count-1], which belong to row `id`; fresh: sum = they. The `more` entries behind
 * them come next: the first of those are asked for. */
void em__add_entries(em_real *restrict sum, const em_rows *r, const int64_t *order, int64_t count, int64_t more,
                     int64_t id, bool fresh);

/* y (width) += the gradient of the row of group u; fresh: y = it. */
static inline void em__add_group(em_real *restrict y, const em_rows *r, const em_groups *g, int64_t u, bool fresh)
{
    const int64_t lo = g->start[u], hi = g->start[u + 1];
    em__add_entries(y, r, g->order + lo, hi - lo, g->entries - hi, g->ids[u], fresh);
}

/* The gradient of the row of group u. `sum` is scratch of `width` elements; returns where the sum is: there, or the
 * source row itself where it is the only entry and has coefficient 1. */
static inline const em_real *em__group_sum(const em_rows *r, const em_groups *g, int64_t u, em_real *restrict sum)
{
    const int64_t at = g->start[u];
    if (g->start[u + 1] == at + 1) {
        int64_t e = g->order[at];
        const em_row_part *p = em__row_part_of(r, &e);
        if (p->term == EM_TERM_ROW && em__coef(p, e) == 1) {
            if (at + EM_LIST < g->entries) em__fetch_entry(r, g->order[at + EM_LIST]);
            return em__source_row(p, e);
        }
    }
    em__add_group(sum, r, g, u, true);
    return sum;
}

/* Groups lo .. hi-1 of each piece, in parallel, pieces balanced by entries, each entry of `each` units of work. By
 * Zipf's law some pieces hold one row of many entries, others as many rows as entries, which take longer. */
enum { EM_ROW_PIECE = 128 };    /* entries a piece */
#define EM_PARALLEL_ROW_PIECES(lo, hi, g, each) \
    EM_PARALLEL_RUNS(em__k, ((g)->entries + EM_ROW_PIECE - 1) / EM_ROW_PIECE, (each) * EM_ROW_PIECE) \
        for (int64_t em__p = ((g)->entries + EM_ROW_PIECE - 1) / EM_ROW_PIECE, \
             lo = em__groups_split(g, em__k, em__p), hi = em__groups_split(g, em__k + 1, em__p), \
             em__once = !em__stop; \
             em__once; em__once = 0)

#endif
