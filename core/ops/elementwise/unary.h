/* Elementwise operations of one tensor, stamped from rows. A row says everything about one operation:
 *
 *     name   value   dx   what dx reads   options   help
 *
 * The value is an expression of x; the gradient dx one of dy and of what it reads: X (x), Y (the result, y) or
 * NOTHING. In both, a and b are the first two options. Expressions without calls or branches become vector code. */
#ifndef EM_OPS_UNARY_H
#define EM_OPS_UNARY_H

#include "graph/op.h"

typedef void em_map_loop(em_scalar *y, const em_scalar *x, int64_t lo, int64_t hi, em_scalar a, em_scalar b);
typedef void em_slope_loop(em_scalar *dx, const em_scalar *dy, const em_scalar *s, int64_t lo, int64_t hi, em_scalar a,
                           em_scalar b);

enum { EM_UNARY_EACH = 8 };                     /* units of work an element, about */
#define EM_UNARY_SMALL(n) ((n) < 2 * EM_GRAIN / EM_UNARY_EACH)

static inline em_status em__unary_check(em_call *c) { return em__out_like(c, 0, c->in[0]); }

static inline void em__unary_map(em_scalar *y, const em_scalar *x, int64_t n, em_map_loop *loop, em_scalar a,
                                 em_scalar b)
{
    if (EM_UNARY_SMALL(n))
        loop(y, x, 0, n, a, b);
    else
        EM_PARALLEL_CHUNKS(lo, hi, n, EM_UNARY_EACH) loop(y, x, lo, hi, a, b);
}

static inline em_status em__unary_forward(em_call *c, em_map_loop *loop)
{
    em__unary_map(EM_SCALARS(c->out[0]), EM_SCALARS(c->in[0]), c->in[0]->count, loop, (em_scalar)c->opts.at[0].x,
                  (em_scalar)c->opts.at[1].x);
    return EM_OK;
}

/* `saved`: the tensor that the row's dx reads, null for none. */
static inline em_status em__unary_slope(const em_node *n, em_tensor **dx, em_slope_loop *loop, const em_tensor *saved,
                                        em_scalar a, em_scalar b)
{
    EM_TRY(em__dx(dx, n, 0));
    em_scalar *to = EM_SCALARS(dx[0]);
    const em_scalar *dy = EM_SCALARS(n->dy[0]), *s = saved ? EM_SCALARS(saved) : dy;
    const int64_t count = dx[0]->count;
    if (EM_UNARY_SMALL(count))
        loop(to, dy, s, 0, count, a, b);
    else
        EM_PARALLEL_CHUNKS(lo, hi, count, EM_UNARY_EACH) loop(to, dy, s, lo, hi, a, b);
    return EM_OK;
}

static inline em_status em__unary_backward(const em_node *n, em_tensor **dx, em_slope_loop *loop,
                                           const em_tensor *saved)
{
    return em__unary_slope(n, dx, loop, saved, (em_scalar)n->opts.at[0].x, (em_scalar)n->opts.at[1].x);
}

#define EM_SAVED_X(n) (n)->x[0]
#define EM_SAVED_Y(n) (n)->y[0]
#define EM_SAVED_NOTHING(n) NULL
#define EM_SAVES_X EM_SAVE_X(0)
#define EM_SAVES_Y EM_SAVE_Y(0)
#define EM_SAVES_NOTHING 0

typedef em_scalar em_map_value(em_scalar x, em_scalar a, em_scalar b);
typedef em_scalar em_slope_value(em_scalar dy, em_scalar x, em_scalar y, em_scalar a, em_scalar b);

EM_INLINE void em__map_each(em_map_value *value, em_scalar *to, const em_scalar *from, int64_t lo, int64_t hi,
                            em_scalar a, em_scalar b)
{
    EM_SIMD
    for (int64_t i = lo; i < hi; i++) to[i] = value(from[i], a, b);
}

/* s is the x or the y that the slope reads. */
EM_INLINE void em__slope_each(em_slope_value *slope, em_scalar *to, const em_scalar *dy, const em_scalar *s, int64_t lo,
                              int64_t hi, em_scalar a, em_scalar b)
{
    EM_SIMD
    for (int64_t i = lo; i < hi; i++) to[i] = slope(dy[i], s[i], s[i], a, b);
}

/* The two loops of a row. */
#define EM_UNARY_MAP(name, value) \
    static inline em_scalar name##_value(em_scalar x, em_scalar a, em_scalar b) \
    { \
        return (void)a, (void)b, (em_scalar)(value); \
    } \
    static void name##_map(em_scalar *to, const em_scalar *from, int64_t lo, int64_t hi, em_scalar a, em_scalar b) \
    { \
        em__map_each(name##_value, to, from, lo, hi, a, b); \
    }
#define EM_UNARY_SLOPE(name, slope) \
    static inline em_scalar name##_dx(em_scalar dy, em_scalar x, em_scalar y, em_scalar a, em_scalar b) \
    { \
        return (void)dy, (void)x, (void)y, (void)a, (void)b, (em_scalar)(slope); \
    } \
    static void name##_slope(em_scalar *to, const em_scalar *dy, const em_scalar *s, int64_t lo, int64_t hi, \
                             em_scalar a, em_scalar b) \
    { \
        em__slope_each(name##_dx, to, dy, s, lo, hi, a, b); \
    }
#define EM_UNARY_LOOPS(name, value, slope) EM_UNARY_MAP(name, value) EM_UNARY_SLOPE(name, slope)

/* The operation itself, which knows how to check its arguments. */
#define EM_UNARY_OP(op_name, op_types, saved, specs, checks, help) \
    static em_status op_name##_forward(em_call *c) { return em__unary_forward(c, op_name##_map); } \
    static em_status op_name##_backward(const em_node *n, em_tensor **dx) \
    { \
        return em__unary_backward(n, dx, op_name##_slope, EM_SAVED_##saved(n)); \
    } \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "output", \
        .doc = help, \
        .opts = specs, \
        .types = op_types, \
        .flags = EM_OP_INPLACE, \
        .saves = EM_SAVES_##saved, \
        .check = checks, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };

/* A whole row of float operations. */
#define EM_UNARY(name, value, slope, saved, specs, help) \
    EM_UNARY_LOOPS(name, value, slope) \
    EM_UNARY_OP(name, EM_TYPES_FLOAT, saved, specs, em__unary_check, help)

#endif
