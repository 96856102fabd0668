/* Sum of a touched row's gradient, for kernels (needs EM_VARIANT): entries are added in order, so the result does not
 * depend on who adds. */
#ifndef EM_TENSOR_ROWS_SUM_H
#define EM_TENSOR_ROWS_SUM_H

#include "parallel/parallel.h"
#include "tensor/four_rows.h"
#include "tensor/real.h"
#include "tensor/rows.h"

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
    int64_t row = e;
    if (p->index)
        row = EM_DATA(int64_t, p->index)[e];
    else if (p->every > 1)      /* a division of 32 bits takes half as long */
        row = (e | p->every) <= UINT32_MAX ? (uint32_t)e / (uint32_t)p->every : e / p->every;
    *coef = (em_real)(p->scale * (p->coef ? (double)EM_REALS(p->coef)[e] : 1.0));
    return EM_REALS(p->source) + row * p->source->stride[0];
}

/* sum += entry e, which belongs to row `id`. */
static inline void em__add_entry(em_real *restrict sum, const em_rows *r, int64_t e, int64_t id)
{
    const int64_t width = r->width;
    em_real coef;
    const em_part *p;
    const em_real *row = em__entry(r, e, &coef, &p);
    const em_real *own = p->table ? EM_REALS(p->table) + id * width : NULL;
    switch (p->form) {
    case EM_FORM_SIGN: em__add_signs_one(sum, row, own, coef, width); break;
    case EM_FORM_DIFFERENCE: em__add_differences_one(sum, row, own, coef, width); break;
    case EM_FORM_ROW: em__add_scaled_one(sum, row, row, coef, width); break;
    }
}

/* sum += entries order[0 .. count-1], which belong to row `id`. */
static inline void em__add_entries(em_real *restrict sum, const em_rows *r, const int64_t *order, int64_t count,
                                   int64_t id)
{
    const int64_t width = r->width;
    const em_part *p = r->parts;
    const em_real *own = p->table ? EM_REALS(p->table) + id * width : NULL;
    int64_t k = 0;
    for (; r->n_parts == 1 && k + 4 <= count; k += 4) {
        const em_real *row[4];
        em_real coef[4];
        for (int i = 0; i < 4; i++) row[i] = em__entry(r, order[k + i], &coef[i], &p);
        switch (p->form) {
        case EM_FORM_SIGN: em__add_signs(sum, row, own, coef, width); break;
        case EM_FORM_DIFFERENCE: em__add_differences(sum, row, own, coef, width); break;
        case EM_FORM_ROW: em__add_scaled(sum, row, row[0], coef, width); break;
        }
    }
    for (; k < count; k++) em__add_entry(sum, r, order[k], id);
}

/* sum[0 .. width) = gradient of the row of group u. `sum` is scratch of `width` elements; returns where the sum is:
 * there, or the source row itself where it is the only entry and has coefficient 1. */
static inline const em_real *em__group_sum(const em_rows *r, const em_groups *g, int64_t u, em_real *restrict sum)
{
    const int64_t width = r->width;
    em_real coef;
    const em_part *p;
    const em_real *row = em__entry(r, g->order[g->start[u]], &coef, &p);
    const bool plain = p->form == EM_FORM_ROW;
    const int64_t count = g->start[u + 1] - g->start[u];
    if (plain && coef == 1 && count == 1) return row;
    for (int64_t d = 0; d < width; d++) sum[d] = plain ? coef * row[d] : 0;
    em__add_entries(sum, r, g->order + g->start[u] + plain, count - plain, g->ids[u]);
    return sum;
}

/* Groups lo .. hi-1 of each piece, in parallel, pieces balanced by entries, each entry of `each` units of work. */
enum { EM_ROW_PIECE = 64 };     /* entries a piece */
#define EM_PARALLEL_ROW_PIECES(lo, hi, g, each) \
    EM_PARALLEL_EACH(em__k, ((g)->entries + EM_ROW_PIECE - 1) / EM_ROW_PIECE, (each) * EM_ROW_PIECE) \
        for (int64_t em__p = ((g)->entries + EM_ROW_PIECE - 1) / EM_ROW_PIECE, \
             lo = em__groups_split(g, em__k, em__p), hi = em__groups_split(g, em__k + 1, em__p), em__once = !em__stop; \
             em__once; em__once = 0)

#endif
