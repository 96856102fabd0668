/* Loops over several tensors at once, element by element, each broadcast to the shape of the first, which is written.
 * Needs EM_VARIANT. */
#ifndef EM_OPS_POINTWISE_H
#define EM_OPS_POINTWISE_H

#include "graph/op.h"

/* n elements of each tensor: p[0] is written; strides in elements, s[k] of p[k]. `a` is an option's number. */
typedef void em_row_loop(char *const *p, const int64_t *s, int64_t n, em_scalar a);

enum { EM_POINTWISE_EACH = 4 };                 /* units of work an element, about */

typedef struct em_pointwise {
    em_iterator iterator;
    char *data[EM_ITERATED];
    int64_t bytes[EM_ITERATED];                 /* an element */
    int64_t inner[EM_ITERATED];                 /* strides of the inner loop */
    em_row_loop *row;
    em_scalar a;
} em_pointwise;

/* Elements lo .. hi-1 in row-major order. */
static inline void em__pointwise_run(const em_pointwise *q, int64_t lo, int64_t hi)
{
    const em_iterator *w = &q->iterator;
    int64_t at[EM_MAX_DIMS], offset[EM_ITERATED], outer = lo / w->inner, first = lo % w->inner;
    em__iterator_at(w, outer, offset);
    for (int d = w->dims - 2; d >= 0; d--) {
        at[d] = outer % w->size[d];
        outer /= w->size[d];
    }
    while (lo < hi) {
        char *p[EM_ITERATED];
        const int64_t n = em__min(w->inner - first, hi - lo);
        for (int k = 0; k < w->n; k++) p[k] = q->data[k] + (offset[k] + first * q->inner[k]) * q->bytes[k];
        q->row(p, q->inner, n, q->a);
        lo += n;
        first = 0;
        for (int d = w->dims - 2; d >= 0; d--) {
            for (int k = 0; k < w->n; k++) offset[k] += w->stride[k][d];
            if (++at[d] < w->size[d]) break;
            for (int k = 0; k < w->n; k++) offset[k] -= w->stride[k][d] * w->size[d];
            at[d] = 0;
        }
    }
}

/* Whether all are one plain run of memory, or one element repeated: then no iterator over dims is needed. */
static inline bool em__pointwise_flat(em_pointwise *q, em_tensor *const *t, int n)
{
    const int64_t count = t[0]->count;
    for (int k = 0; k < n; k++) {
        if (!(t[k]->contiguous && t[k]->count == count) && t[k]->count != 1) return false;
        q->inner[k] = t[k]->count == 1 ? 0 : 1;
    }
    q->inner[0] = 1;
    q->iterator.n = n;
    q->iterator.dims = 1;
    q->iterator.inner = count;
    return true;
}

static inline void em__pointwise_strided(em_pointwise *q, em_tensor *const *t, int n)
{
    int64_t strides[EM_ITERATED][EM_MAX_DIMS];
    const int64_t *lists[EM_ITERATED];
    for (int k = 0; k < n; k++) {
        em__broadcast_strides(strides[k], t[k], t[0]->dims, t[0]->size);
        lists[k] = strides[k];
    }
    em__iterator_init(&q->iterator, n, t[0]->dims, t[0]->size, lists);
    for (int k = 0; k < n; k++) q->inner[k] = q->iterator.stride[k][q->iterator.dims - 1];
}

/* Runs `row` over tensors t[0] .. t[n-1], n <= EM_ITERATED. */
static inline void em__pointwise(em_tensor *const *t, int n, em_row_loop *row, em_scalar a)
{
    const int64_t count = t[0]->count;
    if (!count) return;
    em_pointwise q;
    q.row = row;
    q.a = a;
    for (int k = 0; k < n; k++) {
        q.data[k] = t[k]->data;
        q.bytes[k] = (int64_t)em_dtype_size(t[k]->dtype);
    }
    if (!em__pointwise_flat(&q, t, n)) em__pointwise_strided(&q, t, n);
    if (count < 2 * EM_GRAIN / EM_POINTWISE_EACH)
        em__pointwise_run(&q, 0, count);
    else
        EM_PARALLEL_CHUNKS(lo, hi, count, EM_POINTWISE_EACH) em__pointwise_run(&q, lo, hi);
}

/* Gradient of input i: `row` from dy and the values of inputs j and k, summed to the input's shape. */
static inline em_status em__pointwise_slope(em_tensor **dx, const em_node *n, int i, em_row_loop *row, int j, int k,
                                            em_scalar a)
{
    em_tensor *dy = n->dy[0], *full;
    EM_TRY(em_tensor_empty(&full, n->dtype, dy->dims, dy->size));
    em__pointwise((em_tensor *[]){full, dy, n->x[j], n->x[k]}, 4, row, a);
    const em_status s = em__sum_to(&dx[i], full, n->x[i]);
    em_tensor_release(full);
    return s;
}

static inline void em__scale_row(char *const *p, const int64_t *s, int64_t n, em_scalar a)
{
    em_scalar *to = (void *)p[0];
    const em_scalar *x = (void *)p[1];
    for (int64_t i = 0; i < n; i++) to[i * s[0]] = (em_scalar)(a * x[i * s[1]]);
}

/* Gradient of an input that enters with a constant factor: factor * dy, summed to the input's shape. */
static inline em_status em__scaled_slope(em_tensor **dx, const em_node *n, int i, double factor)
{
    em_tensor *sum;
    EM_TRY(em__sum_to(&sum, n->dy[0], n->x[i]));
    if (factor == 1) {
        dx[i] = sum;
        return EM_OK;
    }
    const em_status s = em__dx(dx, n, i);
    if (!s) em__pointwise((em_tensor *[]){dx[i], sum}, 2, em__scale_row, (em_scalar)factor);
    em_tensor_release(sum);
    return s;
}

/* Checks that inputs j and k broadcast; makes result 0 of that shape. */
static inline em_status em__pointwise_out(em_call *c, int j, int k, em_dtype dtype)
{
    int dims;
    int64_t sizes[EM_MAX_DIMS];
    EM_TRY(em__broadcast(&dims, sizes, c->in[j], c->in[k], c->op->name));
    return em__out(c, 0, dtype, dims, sizes);
}

/* Result 0 from inputs 0 and 1. */
static inline em_status em__pointwise_of_2(em_call *c, em_row_loop *row, em_scalar a)
{
    em__pointwise((em_tensor *[]){c->out[0], c->in[0], c->in[1]}, 3, row, a);
    return EM_OK;
}

/* em__row_of_2_em_real and em__row_of_2_uint8_t: the loop of a row over x and y, by what it gives. */
#define EM_GIVEN em_scalar
#include "ops/elementwise/row_of_2.h"
#define EM_GIVEN uint8_t
#include "ops/elementwise/row_of_2.h"

/* A row over x and y: `value` is an expression of x, y and a, of type `to_type`. */
#define EM_ROW_OF_2(name, to_type, value) \
    static inline to_type name##_value(em_scalar x, em_scalar y, em_scalar a) \
    { \
        return (void)x, (void)y, (void)a, (to_type)(value); \
    } \
    static void name##_row(char *const *p, const int64_t *s, int64_t n, em_scalar a) \
    { \
        em__row_of_2_##to_type(name##_value, p, s, n, a); \
    }

/* A whole operation without a gradient, for every dtype, out of such a row and a check that makes its result. */
#define EM_OP_OF_2(op_name, to_type, value, checks, how, help) \
    EM_ROW_OF_2(op_name, to_type, value) \
    static em_status op_name##_forward(em_call *c) { return em__pointwise_of_2(c, op_name##_row, 0); } \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input other", \
        .outputs = "output", \
        .doc = help, \
        .types = EM_TYPES_ALL, \
        .flags = EM_OP_STRIDED | EM_OP_INPLACE | (how), \
        .check = checks, \
        .forward = op_name##_forward, \
    };

typedef em_scalar em_value_of_3(em_scalar dy, em_scalar x, em_scalar y, em_scalar a);

EM_INLINE void em__row_of_3(em_value_of_3 *value, char *const *p, const int64_t *s, int64_t n, em_scalar a)
{
    em_scalar *to = (void *)p[0];
    const em_scalar *dy = (void *)p[1], *x = (void *)p[2], *y = (void *)p[3];
    if (s[0] == 1 && s[1] == 1 && s[2] == 1 && s[3] == 1) {
        EM_SIMD
        for (int64_t i = 0; i < n; i++) to[i] = value(dy[i], x[i], y[i], a);
    } else if (s[0] == 1 && s[1] == 1 && s[2] == 1 && s[3] == 0) {
        const em_scalar y0 = *y;
        EM_SIMD
        for (int64_t i = 0; i < n; i++) to[i] = value(dy[i], x[i], y0, a);
    } else {
        for (int64_t i = 0; i < n; i++) to[i * s[0]] = value(dy[i * s[1]], x[i * s[2]], y[i * s[3]], a);
    }
}

/* A row over dy, x and y: `value` is an expression of these and a. */
#define EM_ROW_OF_3(name, value) \
    static inline em_scalar name##_value(em_scalar dy, em_scalar x, em_scalar y, em_scalar a) \
    { \
        return (void)dy, (void)x, (void)y, (void)a, (em_scalar)(value); \
    } \
    static void name##_row(char *const *p, const int64_t *s, int64_t n, em_scalar a) \
    { \
        em__row_of_3(name##_value, p, s, n, a); \
    }

#endif
