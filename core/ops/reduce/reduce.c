/* Sums, products, means and counts over dims: sum mean prod all any count_nonzero. With n numbers folded into one,
 *
 *     sum   dx_i = dy        mean  dx_i = dy / n        (both a view of dy, or of its quotient, repeated)
 *     prod  dx_i = dy times the product of the others;  the rest have no gradient */
#include "ops/reduce/fold.h"
#include "ops/elementwise/pointwise.h"
#include "ops/elementwise/integer.h"

enum { DIM, KEEPDIM };          /* options */
static const em_opt_spec dim_opts[] = {
    {"dim", EM_OPT_INTS, "", "", "dims to fold; all by default"},
    {"keepdim", EM_OPT_BOOL, "false", "", "whether they stay, with size 1"},
    {0},
};

#if EM_REAL_FLOAT
#define SUM_DTYPE EM_REAL_DTYPE
EM_FOLD(sum, s + x, s + t)
EM_FOLD(prod, s * x, s * t)
#else
#define SUM_DTYPE EM_I64
EM_FOLD(sum, (uint64_t)s + (uint64_t)x, (uint64_t)s + (uint64_t)t)
EM_FOLD(prod, (uint64_t)s * (uint64_t)x, (uint64_t)s * (uint64_t)t)
#endif
EM_FOLD(all, (s != 0) & (x != 0), (s != 0) & (t != 0))
EM_FOLD(any, (s != 0) | (x != 0), (s != 0) | (t != 0))
EM_FOLD(count, s + (x != 0), s + t)

/* Sums come out in 64 bits, so that integers fit. */
#if EM_REAL_FLOAT
#define store_sum em__store_real
#else
#define store_sum em__store_wide
#endif

static void store_integer(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((int64_t *)f->out)[at + j] = (int64_t)acc[j];
}

static void store_byte(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((uint8_t *)f->out)[at + j] = acc[j] != 0;
}

static em_status out_of(em_call *c, em_dtype dtype) { return em__fold_out(c, DIM, KEEPDIM, dtype); }
static em_status sum_check(em_call *c) { return out_of(c, SUM_DTYPE); }
static em_status count_check(em_call *c) { return out_of(c, EM_I64); }
/* As in PyTorch, uint8 stays what it is. */
static em_status test_check(em_call *c) { return out_of(c, c->dtype == EM_U8 ? EM_U8 : EM_BOOL); }

static em_status mean_check(em_call *c)
{
    if (!EM_REAL_FLOAT)
        return em__fail(EM_ETYPE, "mean: input: expected float32 or float64, got %s; convert it first, as with "
                        "input:float()", em_dtype_name(c->dtype));
    return out_of(c, c->dtype);
}

#define FORWARD(name, fold, first, stores) \
    static em_status name##_forward(em_call *c) \
    { \
        em_fold f = {EM_FOLD_OF(fold), .start = first, .store = stores}; \
        return em__fold_forward(c, DIM, &f); \
    }
FORWARD(sum, sum, 0, store_sum)
FORWARD(prod, prod, 1, store_sum)
FORWARD(all, all, 1, store_byte)
FORWARD(any, any, 0, store_byte)
FORWARD(count_nonzero, count, 0, store_integer)

/* ---- backward of sum and mean: dy repeated, not copied ------------------------------------------------- */

static em_status repeated(em_tensor **dx, const em_node *n, em_tensor *dy)
{
    const em_tensor *x = n->x[0];
    unsigned mask;
    EM_TRY(em__node_mask(n, DIM, &mask));
    int64_t strides[EM_MAX_DIMS];
    for (int d = 0, at = 0; d < x->dims; d++) {
        const bool folded = (mask & 1u << d) != 0;
        strides[d] = folded ? 0 : dy->stride[at];
        at += !folded || n->opts.at[KEEPDIM].i;
    }
    return em__tensor_window(dx, dy, dy->data, x->dims, x->size, strides);
}

static em_status sum_backward(const em_node *n, em_tensor **dx) { return repeated(&dx[0], n, n->dy[0]); }

#if EM_REAL_FLOAT

static void store_mean(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_scalar *)f->out)[at + j] = (em_scalar)(acc[j] / (em_acc)f->R);
}

FORWARD(mean, sum, 0, store_mean)

static void divide_row(char *const *p, const int64_t *s, int64_t n, em_scalar a)
{
    em_scalar *to = (void *)p[0];
    const em_scalar *from = (void *)p[1];
    for (int64_t i = 0; i < n; i++) to[i * s[0]] = from[i * s[1]] / a;
}

static em_status mean_backward(const em_node *n, em_tensor **dx)
{
    unsigned mask;
    em_tensor *dy = n->dy[0], *part;
    EM_TRY(em__node_mask(n, DIM, &mask));
    EM_TRY(em__tensor_like(&part, dy, n->dtype));
    em__pointwise((em_tensor *[]){part, dy}, 2, divide_row, (em_scalar)em__folded(n->x[0], mask));
    const em_status s = repeated(&dx[0], n, part);
    em_tensor_release(part);
    return s;
}

/* ---- backward of prod: the product of the others, also where some are 0 -------------------------------- */

EM_FOLD(zeros, s + (x == 0), s + t)
EM_FOLD(nonzero_prod, x == 0 ? s : s * x, s * t)
/* p serves the only 0 of a line, g the elements of a line without one. */
EM_SPREAD(prod, x == 0 ? p : g / x)

static em_status prod_coefficients(const em_node *n, const em_lines *l, em_acc *p, em_acc *g)
{
    const em_scalar *dy = EM_SCALARS(n->dy[0]);
    em_fold zeros = {EM_FOLD_OF(zeros), .store = em__store_wide, .out = p};
    em_fold product = {EM_FOLD_OF(nonzero_prod), .start = 1, .store = em__store_wide, .out = g};
    EM_TRY(em__fold(&zeros, l));
    EM_TRY(em__fold(&product, l));
    for (int64_t i = 0; i < l->O * l->K; i++) {
        const em_acc count = p[i], others = dy[i] * g[i];
        p[i] = count == 1 ? others : 0;
        g[i] = count == 0 ? others : 0;
    }
    return EM_OK;
}

static em_status prod_backward(const em_node *n, em_tensor **dx)
{
    return em__fold_backward(dx, n, DIM, prod_coefficients, prod_spread, 0);
}

#else
#define mean_forward NULL
#define mean_backward sum_backward
#define prod_backward sum_backward
#endif

/* ---- descriptors --------------------------------------------------------------------------------------- */

#define STAMP(op_name, checks, back, saved, more_flags, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "output", \
        .doc = help, \
        .opts = dim_opts, \
        .types = EM_TYPES_ALL, \
        .flags = more_flags, \
        .saves = saved, \
        .check = checks, \
        .forward = op_name##_forward, \
        .backward = back, \
    };
STAMP(sum, sum_check, sum_backward, 0, EM_OP_STRIDED_DY,
      "Sum over dims; of integers and bools in int64; 0 over nothing.")
STAMP(mean, mean_check, mean_backward, 0, EM_OP_STRIDED_DY, "Mean over dims, of floats only; NaN over nothing.")
STAMP(prod, sum_check, prod_backward, EM_SAVE_X(0), 0,
      "Product over dims; of integers and bools in int64; 1 over nothing.")
STAMP(all, test_check, NULL, 0, 0, "Whether all elements are different from 0, over dims; true over nothing.")
STAMP(any, test_check, NULL, 0, 0, "Whether any element is different from 0, over dims; false over nothing.")
STAMP(count_nonzero, count_check, NULL, 0, 0, "How many elements are different from 0, over dims.")
