/* Takes a rule's row function over a parameter, for the files of rules (needs EM_VARIANT). Each element is updated by
 * one call, whose result does not depend on what else the call covers: same bits for any number of threads. */
#ifndef EM_OPTIM_APPLY_H
#define EM_OPTIM_APPLY_H

#include <string.h>
#include <tgmath.h>

#include "optim/deferred.h"
#include "optim/rule.h"
#include "tensor/sparse/row_sums.h"

#define EM_RULE(name) EM__NAME(em_rule_, name, EM_VARIANT)

/* The formula: w (n) of the parameter by g (n) of the gradient; s[k] is where state k is for these, or null. */
typedef void em_row_fn(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s,
                       int64_t n);

#define EM_X(u, k) ((em_real)(u)->opts->at[k].x)                /* option k as a number of the kernel's type */
#define EM_N(u, k) ((em_real)(u)->number[k])
#define EM_IS(u, k) ((u)->opts->at[k].i != 0)

/* Gradient to descend by: +-g, plus weight decay in its L2 form. */
static inline em_real em__slope(em_real g, em_real w, em_real sign, em_real decay)
{
    return decay != 0 ? sign * g + decay * w : sign * g;
}
#define EM_SIGN(u, maximize) ((em_real)(EM_IS(u, maximize) ? -1 : 1))

/* Where the parameter and its state begin, and how far apart their rows (or elements) are. */
typedef struct em_layout {
    em_real *w, *s[EM_MAX_STATE];
    int64_t step[EM_MAX_STATE];
} em_layout;

static inline em_layout em__layout(const em_update *u, int64_t width)
{
    em_layout p = {.w = EM_REALS(u->param)};
    for (int k = 0; k < EM_MAX_STATE; k++) {
        const em_state_kind kind = u->rule->kinds[k];
        if (!u->state[k] || kind == EM_STATE_NUMBER) continue;
        p.s[k] = EM_REALS(u->state[k]);
        p.step[k] = kind == EM_STATE_LIKE ? width : 1;
    }
    return p;
}

static inline void em__state_at(const em_layout *p, int64_t i, em_real *s[EM_MAX_STATE])
{
    for (int k = 0; k < EM_MAX_STATE; k++) s[k] = p->s[k] ? p->s[k] + i * p->step[k] : NULL;
}

/* Pieces of `width` elements, lo .. hi-1, each the row function's own call. */
static inline void em__update_pieces(const em_update *u, em_row_fn *row, const em_layout *p, int64_t width, int64_t lo,
                                     int64_t hi)
{
    em_real *s[EM_MAX_STATE];
    const em_real *g = EM_REALS(u->grad);
    for (int64_t r = lo; r < hi; r++) {
        if (u->frozen && u->frozen[r]) continue;
        em__state_at(p, r, s);
        row(u, p->w + r * width, g + r * width, s, width);
    }
}

/* Dense gradient, elementwise rule. */
static inline void em__update_elements(const em_update *u, em_row_fn *row)
{
    const em_layout p = em__layout(u, 1);
    const em_real *g = EM_REALS(u->grad);
    const int64_t n = u->param->count;
    if (n <= em__chunk(u->rule->cost)) {
        row(u, p.w, g, p.s, n);
        return;
    }
    EM_PARALLEL_CHUNKS(lo, hi, n, u->rule->cost) {
        em_real *s[EM_MAX_STATE];
        em__state_at(&p, lo, s);
        row(u, p.w + lo, g + lo, s, hi - lo);
    }
}

/* Dense gradient, rule with numbers of its own for each row, or rows to pass over. */
static inline void em__update_rows(const em_update *u, em_row_fn *row)
{
    const int64_t width = u->width, rows = width ? u->param->count / width : 0;
    const double each = (double)u->rule->cost * (double)width;
    const em_layout p = em__layout(u, width);
    if (rows <= em__chunk(each)) {
        em__update_pieces(u, row, &p, width, 0, rows);
        return;
    }
    EM_PARALLEL_CHUNKS(lo, hi, rows, each) em__update_pieces(u, row, &p, width, lo, hi);
}

/* ---- row-sparse gradients ------------------------------------------------------------------------------ */

/* Groups whose rows are asked for ahead of their turn: a random row of a large table takes as long to arrive as
 * several take to update. */
enum { EM_AHEAD = 8 };

static inline void em__fetch_row(const em_update *u, const em_layout *p, int64_t id)
{
    em__fetch(p->w + id * u->width, (size_t)u->width * sizeof(em_real));
    for (int i = 0; i < EM_MAX_STATE; i++)
        if (p->s[i]) em__fetch(p->s[i] + id * p->step[i], (size_t)p->step[i] * sizeof(em_real));
}

static inline void em__fetch_group(const em_update *u, const em_layout *p, int64_t k)
{
    const em_groups *g = u->groups;
    if (k >= g->n) return;
    em__fetch_row(u, p, g->ids[k]);
    int64_t e = g->order[g->start[k]];
    const em_row_part *part = em__row_part_of(u->grad->rows, &e);
    if (part->source->stride[0]) __builtin_prefetch(em__source_row(part, e));
}

static inline em_real *em__scratch(const em_update *u, em_real *stack)
{
    return u->scratch ? (em_real *)(void *)(u->scratch + (size_t)em__thread() * u->scratch_step) : stack;
}

/* Groups lo .. hi-1: sums a row's gradient and updates the row while the sum is in the nearest cache. */
static inline void em__update_groups(const em_update *u, em_row_fn *row, const em_layout *p, int64_t lo, int64_t hi)
{
    em_real stack[EM_STACK_ROW], *s[EM_MAX_STATE];
    em_real *sum = em__scratch(u, stack);
    for (int64_t k = lo; k < hi; k++) {
        em__fetch_group(u, p, k + EM_AHEAD);
        const int64_t id = u->groups->ids[k];
        if (u->frozen && u->frozen[id]) continue;
        if (u->deferred) em__deferred_apply_before(u->deferred, id);
        const em_real *g = em__group_sum(u->grad->rows, u->groups, k, sum);
        em__state_at(p, id, s);
        row(u, p->w + id * u->width, g, s, u->width);
    }
}

static inline void em__update_touched(const em_update *u, em_row_fn *row)
{
    const em_groups *g = u->groups;
    if (!g) return;
    const em_layout p = em__layout(u, u->width);
    const double each = (double)(u->rule->cost + 2) * (double)u->width;
    if (em__team(each * (double)g->entries) == 1) {
        em__update_groups(u, row, &p, 0, g->n);
        return;
    }
    EM_PARALLEL_ROW_PIECES(lo, hi, g, each) em__update_groups(u, row, &p, lo, hi);
}

/* Dense gradient whose other rows are 0, of a rule by which those do not move. */
static inline void em__update_filled(const em_update *u, em_row_fn *row)
{
    const em_groups *g = u->groups;
    const em_layout p = em__layout(u, u->width);
    EM_PARALLEL_CHUNKS(lo, hi, g->n, (double)u->rule->cost * (double)u->width)
        for (int64_t k = lo; k < hi; k++) {
            if (k + EM_AHEAD < g->n) {
                const int64_t next = g->ids[k + EM_AHEAD];
                em__fetch_row(u, &p, next);
                em__fetch(EM_REALS(u->grad) + next * u->width, (size_t)u->width * sizeof(em_real));
            }
            em__update_pieces(u, row, &p, u->width, g->ids[k], g->ids[k] + 1);
        }
}

/* ---- deferred updates ----------------------------------------------------------------------------------- */

static inline bool em__is_zero(const em_real *x, int64_t n, const char *zeros)
{
    return !memcmp(x, zeros, (size_t)n * sizeof *x);
}

/* A row goes through recorded steps from .. to-1, with a gradient of zeros. */
static void em__catch_up(const em_deferred *d, int64_t id, int64_t from, int64_t to)
{
    const int64_t width = d->base.width;
    em_real *w = (em_real *)(void *)d->table + id * width, *s[EM_MAX_STATE];
    bool lazy = from >= d->lazy_from;
    for (int k = 0; k < EM_MAX_STATE; k++) {
        const em_state_kind kind = d->rule->kinds[k];
        const int64_t n = kind == EM_STATE_LIKE ? width : 1;
        s[k] = d->state[k] && kind != EM_STATE_NUMBER ? EM_REALS(d->state[k]) + id * n : NULL;
        lazy = lazy && (!s[k] || em__is_zero(s[k], n, d->zeros));
    }
    if (lazy) return;
    const em_real *zeros = (const em_real *)(const void *)d->zeros;
    for (int64_t k = from; k < to; k++) ((em_row_fn *)d->row)(&d->steps.at[k].at, w, zeros, s, width);
}

/* Records the step, then takes it over the touched rows, each once it has caught up with the steps before. */
static inline void em__update_deferred(const em_update *u, em_row_fn *row)
{
    if (em__deferred_record(u->deferred, u, em__catch_up, (em_any_fn *)row)) em__update_touched(u, row);
}

static inline void em__update(const em_update *u, em_row_fn *row)
{
    if (u->deferred)
        em__update_deferred(u, row);
    else if (em_tensor_is_sparse(u->grad))
        em__update_touched(u, row);
    else if (u->groups)
        em__update_filled(u, row);
    else if (u->rule->flags & EM_RULE_ROWS_ONLY || u->frozen)
        em__update_rows(u, row);
    else
        em__update_elements(u, row);
}

#endif
