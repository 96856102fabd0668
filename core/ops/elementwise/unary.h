/* Elementwise operations of one tensor, stamped from rows. A row says everything about one operation:
 *
 *     name   value   dx   what dx reads   options   help
 *
 * The value is an expression of x; the gradient dx one of dy and of what it reads: X (x), Y (the result, y) or
 * NOTHING. In both, a and b are the first two options. Expressions without calls or branches become vector code. */
#ifndef EM_OPS_UNARY_H
#define EM_OPS_UNARY_H

#include "ops/op.h"

typedef void em_map_loop(em_real *y, const em_real *x, int64_t lo, int64_t hi, em_real a, em_real b);
typedef void em_slope_loop(em_real *dx, const em_real *dy, const em_real *s, int64_t lo, int64_t hi, em_real a,
                           em_real b);

enum { EM_UNARY_EACH = 8 };                     /* units of work an element, about */
#define EM_UNARY_SMALL(n) ((n) < 2 * EM_GRAIN / EM_UNARY_EACH)

static inline em_status em__unary_check(em_call *c) { return em__out_like(c, 0, c->in[0]); }

static inline void em__unary_map(em_real *y, const em_real *x, int64_t n, em_map_loop *loop, em_real a, em_real b)
{
    if (EM_UNARY_SMALL(n))
        loop(y, x, 0, n, a, b);
    else
        EM_PARALLEL_CHUNKS(lo, hi, n, EM_UNARY_EACH) loop(y, x, lo, hi, a, b);
}

static inline em_status em__unary_forward(em_call *c, em_map_loop *loop)
{
    em__unary_map(EM_REALS(c->out[0]), EM_REALS(c->in[0]), c->in[0]->count, loop, (em_real)c->opts.at[0].x,
                  (em_real)c->opts.at[1].x);
    return EM_OK;
}

/* `saved`: the tensor that the row's dx reads, null for none. */
static inline em_status em__unary_slope(const em_node *n, em_tensor **dx, em_slope_loop *loop, const em_tensor *saved,
                                        em_real a, em_real b)
{
    EM_TRY(em__dx(dx, n, 0));
    em_real *to = EM_REALS(dx[0]);
    const em_real *dy = EM_REALS(n->dy[0]), *s = saved ? EM_REALS(saved) : dy;
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
    return em__unary_slope(n, dx, loop, saved, (em_real)n->opts.at[0].x, (em_real)n->opts.at[1].x);
}

#define EM_SAVED_X(n) (n)->x[0]
#define EM_SAVED_Y(n) (n)->y[0]
#define EM_SAVED_NOTHING(n) NULL
#define EM_SAVES_X EM_SAVE_X(0)
#define EM_SAVES_Y EM_SAVE_Y(0)
#define EM_SAVES_NOTHING 0

/* The two loops of a row. */
#define EM_UNARY_MAP(name, value) \
    static inline em_real name##_value(em_real x, em_real a, em_real b) \
    { \
        (void)a, (void)b; \
        return (em_real)(value); \
    } \
    static void name##_map(em_real *to, const em_real *from, int64_t lo, int64_t hi, em_real a, em_real b) \
    { \
        EM_SIMD \
        for (int64_t i = lo; i < hi; i++) to[i] = name##_value(from[i], a, b); \
    }
#define EM_UNARY_SLOPE(name, slope) \
    static inline em_real name##_dx(em_real dy, em_real x, em_real y, em_real a, em_real b) \
    { \
        (void)dy, (void)x, (void)y, (void)a, (void)b; \
        return (em_real)(slope); \
    } \
    static void name##_slope(em_real *to, const em_real *dy, const em_real *s, int64_t lo, int64_t hi, em_real a, \
                             em_real b) \
    { \
        EM_SIMD \
        for (int64_t i = lo; i < hi; i++) to[i] = name##_dx(dy[i], s[i], s[i], a, b); \
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
        .inputs = "x", \
        .outputs = "y", \
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
