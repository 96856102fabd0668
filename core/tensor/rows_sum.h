/* Sums of rows read from wherever they lie, for kernels (needs EM_VARIANT): those that a query looks up, or the entries
 * of a touched row's gradient. They are added in order, so the result does not depend on who adds. */
#ifndef EM_TENSOR_ROWS_SUM_H
#define EM_TENSOR_ROWS_SUM_H

#include "parallel/parallel.h"
#include "tensor/real.h"
#include "tensor/rows.h"

/* ---- some rows ----------------------------------------------------------------------------------------- */

enum { EM_LIST = 16 };

typedef struct em_row_list {
    int64_t n;
    const em_real *row[EM_LIST];
    em_real coef[EM_LIST];
} em_row_list;

#define em__list_sum EM__NAME(em_list, _sum, EM_VARIANT)

/* y (width) += the sum over the list of what `form` makes of coef, row and `own` (null for EM_FORM_ROW); fresh: y = it.
 * Row after row is added: the same bits however a sum is cut into lists. */
void em__list_sum(em_real *restrict y, const em_row_list *l, em_form form, const em_real *restrict own, int64_t width,
                  bool fresh);

/* ---- entries of a gradient ----------------------------------------------------------------------------- */

/* e / every; a division of 32 bits takes half as long, and a lookup's own entries need none. */
static inline int64_t em__quotient(int64_t e, int64_t every)
{
    return every == 1 ? e : (e | every) <= UINT32_MAX ? (uint32_t)e / (uint32_t)every : e / every;
}

/* Entry `e` (of the whole) as its part, and its coefficient and source row. */
static inline const em_real *em__entry(const em_rows *r, int64_t e, em_real *coef, const em_part **part)
{
    const em_part *p = r->parts;
    int64_t count = p->ids->count;
    while (e >= count) {
        e -= count;
        count = (++p)->ids->count;
    }
    *part = p;
    const int64_t row = p->index ? EM_DATA(int64_t, p->index)[e] : em__quotient(e, p->every);
    *coef = (em_real)(p->scale * (p->coef ? (double)EM_REALS(p->coef)[e] : 1.0));
    return EM_REALS(p->source) + row * p->source->stride[0];
}

#define em__add_entries EM__NAME(em_add, _entries, EM_VARIANT)

/* sum (width) += entries order[0 .. count-1], which belong to row `id`; fresh: sum = they. */
void em__add_entries(em_real *restrict sum, const em_rows *r, const int64_t *order, int64_t count, int64_t id,
                     bool fresh);

/* The gradient of the row of group u. `sum` is scratch of `width` elements; returns where the sum is: there, or the
 * source row itself where it is the only entry and has coefficient 1. */
static inline const em_real *em__group_sum(const em_rows *r, const em_groups *g, int64_t u, em_real *restrict sum)
{
    const int64_t *order = g->order + g->start[u], count = g->start[u + 1] - g->start[u];
    if (count == 1) {
        em_real coef;
        const em_part *p;
        const em_real *row = em__entry(r, *order, &coef, &p);
        if (p->form == EM_FORM_ROW && coef == 1) return row;
    }
    em__add_entries(sum, r, order, count, g->ids[u], true);
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
