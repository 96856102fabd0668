/* Reductions: a tensor seen as (O, R, K), of which the middle is folded into one number, giving (O, K). Needs
 * EM_VARIANT.
 *
 * Sums are kept in double (integers: in 64 bits). Long folds are cut into pieces whose bounds depend on the shape
 * alone, and pieces are joined in order, so the result is the same for any number of threads, and rounding stays
 * small. */
#ifndef EM_OPS_FOLD_H
#define EM_OPS_FOLD_H

#include "graph/op.h"

#if EM_REAL_FLOAT
typedef double em_acc;
#define EM_IS_NAN(x) ((x) != (x))
#else
typedef int64_t em_acc;
#define EM_IS_NAN(x) 0
#endif

/* The one of two that is greater or less, NaN before all; without a branch. */
static inline em_acc em__greater(em_acc s, em_acc x) { return ((x > s) | EM_IS_NAN(x)) ? x : s; }
static inline em_acc em__lesser(em_acc s, em_acc x) { return ((x < s) | EM_IS_NAN(x)) ? x : s; }

/* ---- shapes -------------------------------------------------------------------------------------------- */

typedef struct em_lines {
    em_tensor *x;                       /* contiguous, its elements in the order (O, R, K): a new reference */
    int64_t O, R, K;
    int dims;                           /* how x's dims were permuted to bring it into that order */
    int order[EM_MAX_DIMS];
} em_lines;

/* Sizes of the result. */
static inline int em__kept_sizes(int64_t *sizes, const em_tensor *x, unsigned mask, bool keep)
{
    int dims = 0;
    for (int d = 0; d < x->dims; d++) {
        if (mask & 1u << d) {
            if (keep) sizes[dims++] = 1;
        } else {
            sizes[dims++] = x->size[d];
        }
    }
    return dims;
}

/* Elements folded into one. */
static inline int64_t em__folded(const em_tensor *x, unsigned mask)
{
    int64_t n = 1;
    for (int d = 0; d < x->dims; d++)
        if (mask & 1u << d) n *= x->size[d];
    return n;
}

/* Whether the dims of the mask lie side by side, so that x needs no permuting. */
static inline bool em__side_by_side(const em_tensor *x, unsigned mask)
{
    int changes = 0;
    bool before = false;
    for (int d = 0; d < x->dims; d++) {
        if (x->size[d] == 1) continue;
        const bool folded = (mask & 1u << d) != 0;
        changes += folded && !before;
        before = folded;
    }
    return changes <= 1;
}

/* x (contiguous) as lines along the dims of the mask. Give l->x back. */
static inline em_status em__lines(em_lines *l, em_tensor *x, unsigned mask)
{
    l->O = l->R = l->K = 1;
    l->dims = 0;
    const bool plain = em__side_by_side(x, mask);
    for (int d = 0; d < x->dims; d++) {
        const bool folded = (mask & 1u << d) != 0;
        if (!folded) l->order[l->dims++] = d;
        *(folded ? &l->R : plain && l->R != 1 ? &l->K : &l->O) *= x->size[d];
    }
    for (int d = 0; d < x->dims; d++)
        if (mask & 1u << d) l->order[l->dims++] = d;
    if (plain) {
        for (int d = 0; d < l->dims; d++) l->order[d] = d;
        em_tensor_retain(l->x = x);
        return EM_OK;
    }
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS];
    for (int d = 0; d < l->dims; d++) {
        sizes[d] = x->size[l->order[d]];
        strides[d] = x->stride[l->order[d]];
    }
    em_tensor *view;
    EM_TRY(em__tensor_window(&view, x, x->data, l->dims, sizes, strides));
    const em_status s = em_tensor_contiguous(&l->x, view);
    em_tensor_release(view);
    return s;
}

/* What lines of shape (O, R, K) are as a tensor with the dims where x had them: takes `t` over. */
static inline em_status em__unlines(em_tensor **out, const em_lines *l, em_tensor *t)
{
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS];
    for (int d = 0; d < l->dims; d++) {
        sizes[l->order[d]] = t->size[d];
        strides[l->order[d]] = t->stride[d];
    }
    const em_status s = em__tensor_window(out, t, t->data, l->dims, sizes, strides);
    em_tensor_release(t);
    return s;
}

/* ---- folding ------------------------------------------------------------------------------------------- */

enum {
    EM_FOLD_TILE = 256,         /* columns folded at once */
    EM_FOLD_LANES = 16,         /* rows folded side by side where there are few columns */
};

typedef struct em_fold em_fold;

/* acc[j] = step(acc[j], x[r * stride + j]) for each of `rows` rows and `width` columns. */
typedef void em_fold_rows(em_acc *acc, const em_scalar *x, int64_t rows, int64_t stride, int64_t width, const em_acc *p,
                          em_acc a);
/* s[j] joined with t[j] -> s[j] */
typedef void em_fold_join(em_acc *s, const em_acc *t, int64_t n);

/* Results at .. at + n - 1 are what `acc` says. */
typedef void em_fold_store(const em_fold *f, int64_t at, const em_acc *acc, int64_t n);

struct em_fold {
    em_fold_rows *rows;
    em_fold_join *join;
    em_acc start;
    em_fold_store *store;
    const em_acc *p;            /* (O, K) numbers that the step or the store reads, or null */
    em_acc a, b;                /* numbers that the step and the store read */
    void *out;
    const em_scalar *x;
    int64_t O, R, K;
    int64_t length, pieces, tiles;      /* rows a piece; pieces of R; tiles of K */
    em_acc *partial;            /* (O, pieces, K) if pieces > 1 */
};

/* Folds `rows` rows of all K columns, few: many rows side by side, which are then joined in pairs. */
static inline void em__fold_narrow(const em_fold *f, em_acc *acc, const em_scalar *x, int64_t rows, const em_acc *p)
{
    const int64_t K = f->K, width = K * EM_FOLD_LANES, whole = rows / EM_FOLD_LANES;
    for (int64_t j = 0; j < width; j++) acc[j] = f->start;
    f->rows(acc, x, whole, width, width, p, f->a);
    f->rows(acc, x + whole * width, 1, 0, (rows - whole * EM_FOLD_LANES) * K, p, f->a);
    for (int64_t half = width / 2; half >= K; half /= 2) f->join(acc, acc + half, half);
}

/* One piece of one tile: item number i of O * pieces * tiles. */
static inline void em__fold_item(const em_fold *f, int64_t i)
{
    const int64_t K = f->K, tile = i % f->tiles, piece = i / f->tiles % f->pieces, o = i / f->tiles / f->pieces;
    const int64_t k = tile * EM_FOLD_TILE, width = em__min(K - k, EM_FOLD_TILE);
    const int64_t first = piece * f->length, rows = em__min(f->R - first, f->length);
    const em_scalar *x = f->x + (o * f->R + first) * K + k;
    em_acc acc[EM_FOLD_TILE], p[EM_FOLD_TILE];
    const bool narrow = K * EM_FOLD_LANES <= EM_FOLD_TILE && rows >= 2 * EM_FOLD_LANES;
    const int64_t lanes = narrow ? EM_FOLD_LANES : 1;
    if (f->p)
        for (int64_t j = 0; j < lanes * width; j++) p[j] = f->p[o * K + k + j % width];
    if (narrow) {
        em__fold_narrow(f, acc, x, rows, f->p ? p : NULL);
    } else {
        for (int64_t j = 0; j < width; j++) acc[j] = f->start;
        f->rows(acc, x, rows, K, width, f->p ? p : NULL, f->a);
    }
    if (f->pieces == 1)
        f->store(f, o * K + k, acc, width);
    else
        for (int64_t j = 0; j < width; j++) f->partial[(o * f->pieces + piece) * K + k + j] = acc[j];
}

/* Results lo .. hi-1 where each is a short run of memory (K and pieces are 1): stored many at a time. */
static inline void em__fold_runs(const em_fold *f, int64_t lo, int64_t hi)
{
    em_acc result[EM_FOLD_TILE], lane[EM_FOLD_LANES], p[EM_FOLD_LANES];
    for (int64_t first = lo; first < hi; first += EM_FOLD_TILE) {
        const int64_t n = em__min(hi - first, EM_FOLD_TILE);
        for (int64_t i = 0; i < n; i++) {
            const em_scalar *x = f->x + (first + i) * f->R;
            if (f->R < 2 * EM_FOLD_LANES) {
                result[i] = f->start;
                f->rows(&result[i], x, f->R, 1, 1, f->p ? f->p + first + i : NULL, f->a);
                continue;
            }
            for (int j = 0; f->p && j < EM_FOLD_LANES; j++) p[j] = f->p[first + i];
            em__fold_narrow(f, lane, x, f->R, f->p ? p : NULL);
            result[i] = lane[0];
        }
        f->store(f, first, result, n);
    }
}

static inline void em__fold_items(const em_fold *f, int64_t lo, int64_t hi)
{
    if (f->K == 1 && f->pieces == 1)
        em__fold_runs(f, lo, hi);
    else
        for (int64_t i = lo; i < hi; i++) em__fold_item(f, i);
}

/* Joins the pieces of results lo .. hi-1, in order. */
static inline void em__fold_pieces(const em_fold *f, int64_t lo, int64_t hi)
{
    for (int64_t at = lo; at < hi; at++) {
        const em_acc *part = f->partial + at / f->K * f->pieces * f->K + at % f->K;
        em_acc s = part[0];
        for (int64_t i = 1; i < f->pieces; i++) f->join(&s, part + i * f->K, 1);
        f->store(f, at, &s, 1);
    }
}

/* Folds l into f->out; f holds what is to be done. */
static inline em_status em__fold(em_fold *f, const em_lines *l)
{
    f->x = EM_SCALARS(l->x);
    f->O = l->O;
    f->R = l->R;
    f->K = l->K;
    f->length = EM_GRAIN / em__min(em__max(f->K, 1), EM_FOLD_TILE);
    f->pieces = em__max((f->R + f->length - 1) / f->length, 1);
    f->tiles = (f->K + EM_FOLD_TILE - 1) / EM_FOLD_TILE;
    f->partial = NULL;
    const int64_t items = f->O * f->pieces * f->tiles, results = f->O * f->K;
    const size_t bytes = (size_t)(results * f->pieces) * sizeof(em_acc);
    if (f->pieces > 1 && results) {
        f->partial = em__alloc(bytes);
        if (!f->partial) return em__fail_memory("the parts of a sum", bytes);
    }
    const double each = 2.0 * (double)em__min(f->R, f->length) * (double)em__min(f->K, EM_FOLD_TILE) + 8;
    if ((double)items * each < 2.0 * EM_GRAIN)
        em__fold_items(f, 0, items);
    else
        EM_PARALLEL_CHUNKS(lo, hi, items, each) em__fold_items(f, lo, hi);
    if (f->partial) {
        if (results * f->pieces < 2 * EM_GRAIN)
            em__fold_pieces(f, 0, results);
        else
            EM_PARALLEL_CHUNKS(lo, hi, results, f->pieces) em__fold_pieces(f, lo, hi);
        em__free(f->partial, bytes);
    }
    return EM_OK;
}

/* What a step makes of the sum so far and an element, and a join of two sums. */
typedef em_acc em_fold_step(em_acc s, em_acc x, em_acc p, em_acc a);
typedef em_acc em_fold_two(em_acc s, em_acc t);

EM_INLINE void em__fold_join(em_fold_two *two, em_acc *s, const em_acc *t, int64_t n)
{
    for (int64_t j = 0; j < n; j++) s[j] = two(s[j], t[j]);
}

EM_INLINE void em__fold_rows(em_fold_step *step, em_acc *acc, const em_scalar *x, int64_t rows, int64_t stride,
                             int64_t width, const em_acc *p, em_acc a)
{
    if (width == 1) {
        const em_acc p0 = p ? *p : 0;
        em_acc s = *acc;
        for (int64_t r = 0; r < rows; r++) s = step(s, (em_acc)x[r * stride], p0, a);
        *acc = s;
    } else if (width == EM_FOLD_LANES) {
        em_acc s[EM_FOLD_LANES], q[EM_FOLD_LANES];
        for (int j = 0; j < EM_FOLD_LANES; j++) s[j] = acc[j], q[j] = p ? p[j] : 0;
        for (int64_t r = 0; r < rows; r++) {
            EM_SIMD
            for (int j = 0; j < EM_FOLD_LANES; j++) s[j] = step(s[j], (em_acc)x[r * stride + j], q[j], a);
        }
        for (int j = 0; j < EM_FOLD_LANES; j++) acc[j] = s[j];
    } else {
        for (int64_t r = 0; r < rows; r++) {
            const em_scalar *row = x + r * stride;
            if (p) {
                EM_SIMD
                for (int64_t j = 0; j < width; j++) acc[j] = step(acc[j], (em_acc)row[j], p[j], a);
            } else {
                EM_SIMD
                for (int64_t j = 0; j < width; j++) acc[j] = step(acc[j], (em_acc)row[j], 0, a);
            }
        }
    }
}

/* Functions name_rows, whose step is an expression of the sum so far s, the element x, p and a, and name_join of an
 * expression of two sums s and t. */
#define EM__FOLD_ROWS(name, step) \
    static inline em_acc name##_step(em_acc s, em_acc x, em_acc p, em_acc a) \
    { \
        return (void)p, (void)a, (em_acc)(step); \
    } \
    static void name##_rows(em_acc *acc, const em_scalar *x, int64_t rows, int64_t stride, int64_t width, \
                            const em_acc *p, em_acc a) \
    { \
        em__fold_rows(name##_step, acc, x, rows, stride, width, p, a); \
    }
#define EM__FOLD_JOIN(name, joined) \
    static inline em_acc name##_two(em_acc s, em_acc t) { return (em_acc)(joined); } \
    static void name##_join(em_acc *s, const em_acc *t, int64_t n) { em__fold_join(name##_two, s, t, n); }
#define EM_FOLD(name, step, joined) EM__FOLD_ROWS(name, step) EM__FOLD_JOIN(name, joined)
#define EM_FOLD_OF(name) .rows = name##_rows, .join = name##_join

/* Stores into elements of the variant's own type, and into numbers as wide as the sums. */
static inline void em__store_real(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_scalar *)f->out)[at + j] = (em_scalar)acc[j];
}

static inline void em__store_wide(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_acc *)f->out)[at + j] = acc[j];
}

/* ---- the way back: one number for each result, spread over the elements it came from ------------------- */

/* dx[i] from x[i], p and g; where `step` is 0 there is one p and one g for all. */
typedef void em_spread_row(em_scalar *dx, const em_scalar *x, const em_acc *p, const em_acc *g, int64_t step, int64_t n,
                           em_acc a);

static inline void em__spread_run(em_scalar *dx, const em_lines *l, const em_acc *p, const em_acc *g,
                                  em_spread_row *row, em_acc a, int64_t lo, int64_t hi)
{
    const em_scalar *x = EM_SCALARS(l->x);
    const int64_t length = l->K == 1 ? l->R : l->K;
    while (lo < hi) {
        const int64_t line = lo / length, first = lo % length, n = em__min(length - first, hi - lo);
        const int64_t at = l->K == 1 ? line : line / l->R * l->K + first;
        row(dx + lo, x + lo, p + at, g + at, l->K != 1, n, a);
        lo += n;
    }
}

/* *dx = row over all of l, with the dims where x had them; p and g (O, K). */
static inline em_status em__spread(em_tensor **dx, const em_lines *l, const em_acc *p, const em_acc *g,
                                   em_spread_row *row, em_acc a)
{
    em_tensor *t;
    EM_TRY(em__tensor_like(&t, l->x, l->x->dtype));
    const int64_t n = t->count;
    if (n < EM_GRAIN / 2)
        em__spread_run(EM_SCALARS(t), l, p, g, row, a, 0, n);
    else
        EM_PARALLEL_CHUNKS(lo, hi, n, 4) em__spread_run(EM_SCALARS(t), l, p, g, row, a, lo, hi);
    return em__unlines(dx, l, t);
}

typedef em_scalar em_spread_value(em_acc x, em_acc p, em_acc g, em_acc a);

EM_INLINE void em__spread_each(em_spread_value *value, em_scalar *dx, const em_scalar *x, const em_acc *p,
                               const em_acc *g, int64_t step, int64_t n, em_acc a)
{
    if (step) {
        EM_SIMD
        for (int64_t i = 0; i < n; i++) dx[i] = value((em_acc)x[i], p[i], g[i], a);
    } else {
        const em_acc p0 = *p, g0 = *g;
        EM_SIMD
        for (int64_t i = 0; i < n; i++) dx[i] = value((em_acc)x[i], p0, g0, a);
    }
}

/* Function name_spread: `value` is an expression of the element x, p, g and a. */
#define EM_SPREAD(name, value) \
    static inline em_scalar name##_value(em_acc x, em_acc p, em_acc g, em_acc a) \
    { \
        return (void)x, (void)p, (void)g, (void)a, (em_scalar)(value); \
    } \
    static void name##_spread(em_scalar *dx, const em_scalar *x, const em_acc *p, const em_acc *g, int64_t step, \
                              int64_t n, em_acc a) \
    { \
        em__spread_each(name##_value, dx, x, p, g, step, n, a); \
    }

/* ---- the phases of a call over the dims of INTS option number `dim` ------------------------------------ */

/* Makes result 0, in the shape that is left. */
static inline em_status em__fold_out(em_call *c, int dim, int keepdim, em_dtype dtype)
{
    unsigned mask;
    int64_t sizes[EM_MAX_DIMS];
    EM_TRY(em__dim_mask(c->op, &c->opts, dim, c->in[0]->dims, &mask));
    const int dims = em__kept_sizes(sizes, c->in[0], mask, c->op->opts && c->opts.at[keepdim].i);
    return em__out(c, 0, dtype, dims, sizes);
}

static inline em_status em__fold_forward(em_call *c, int dim, em_fold *f)
{
    unsigned mask;
    em_lines l;
    EM_TRY(em__dim_mask(c->op, &c->opts, dim, c->in[0]->dims, &mask));
    EM_TRY(em__lines(&l, c->in[0], mask));
    f->out = c->out[0]->data;
    const em_status s = em__fold(f, &l);
    em_tensor_release(l.x);
    return s;
}

static inline em_status em__node_mask(const em_node *n, int dim, unsigned *mask)
{
    return em__dim_mask(n->op, &n->opts, dim, n->x[0]->dims, mask);
}

/* Fills the two numbers for each result, (O, K), that a spread reads. */
typedef em_status em_coefficients(const em_node *n, const em_lines *l, em_acc *p, em_acc *g);

/* dx[0] of a saved x[0]. */
static inline em_status em__fold_backward(em_tensor **dx, const em_node *n, int dim, em_coefficients *coefficients,
                                          em_spread_row *row, em_acc a)
{
    unsigned mask;
    em_lines l;
    EM_TRY(em__node_mask(n, dim, &mask));
    EM_TRY(em__lines(&l, n->x[0], mask));
    const int64_t results = l.O * l.K;
    const size_t bytes = 2 * (size_t)results * sizeof(em_acc);
    em_acc *p = em__alloc(bytes);
    em_status s = p ? coefficients(n, &l, p, p + results) : em__fail_memory("a reduction's gradient", bytes);
    if (!s) s = em__spread(&dx[0], &l, p, p + results, row, a);
    em__free(p, bytes);
    em_tensor_release(l.x);
    return s;
}

#endif
