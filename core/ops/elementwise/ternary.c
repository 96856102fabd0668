/* Elementwise operations of three tensors, or of two and a mask, that broadcast to one shape; gradients are summed over
 * what was repeated. dy is the gradient of the result, d the difference end - input.
 *
 *     where    mask ? x : y         dx = mask ? dy : 0,  d(y) = mask ? 0 : dy;  masked_fill is the same with a number
 *     addcmul  x + a t1 t2          dy,  a dy t2,  a dy t1;  addcdiv x + a t1 / t2:  dy,  a dy / t2,  -a dy t1 / t2^2
 *     lerp     x + w d              dy (1 - w),  dy w,  dy d;  clamp min(max(x, low), high): to the one it came from */
#include "ops/elementwise/pointwise.h"
#include "ops/elementwise/integer.h"

#define FLAGS (EM_OP_STRIDED | EM_OP_STRIDED_DY)

/* Result 0 in the shape to which all n inputs broadcast. */
static em_status broadcast_out(em_call *c)
{
    em_tensor shape = *c->in[0];
    for (int i = 1; i < c->n; i++) {
        const em_tensor so_far = shape;
        EM_TRY(em__broadcast(&shape.dims, shape.size, &so_far, c->in[i], c->op->name));
    }
    return em__out(c, 0, c->dtype, shape.dims, shape.size);
}

/* ---- choosing by a mask -------------------------------------------------------------------------------- */

static inline void choose(char *const *p, const int64_t *s, int64_t n, int64_t sx, int64_t sy)
{
    em_scalar *to = (void *)p[0];
    const uint8_t *mask = (void *)p[1];
    const em_scalar *x = (void *)p[2], *y = (void *)p[3];
    if (s[0] == 1 && s[1] == 1) {
        EM_SIMD
        for (int64_t i = 0; i < n; i++) {
            const em_scalar a = x[i * sx], b = y[i * sy];
            to[i] = mask[i] ? a : b;
        }
    } else {
        for (int64_t i = 0; i < n; i++) to[i * s[0]] = mask[i * s[1]] ? x[i * sx] : y[i * sy];
    }
}

/* to = mask ? x : y */
static void choose_row(char *const *p, const int64_t *s, int64_t n, em_scalar a)
{
    (void)a;
    if (s[2] == 1 && s[3] == 1)
        choose(p, s, n, 1, 1);
    else if (s[2] == 1 && s[3] == 0)
        choose(p, s, n, 1, 0);
    else if (s[2] == 0 && s[3] == 1)
        choose(p, s, n, 0, 1);
    else
        choose(p, s, n, s[2], s[3]);
}

/* A 0-d tensor on the stack: a number to broadcast. */
static em_tensor number(em_scalar *value)
{
    return (em_tensor){.data = (char *)value, .dtype = EM_REAL_DTYPE, .count = 1, .contiguous = true};
}

static void choose_into(em_tensor *to, em_tensor *mask, em_tensor *x, em_tensor *y)
{
    em__pointwise((em_tensor *[]){to, mask, x, y}, 4, choose_row, 0);
}

/* dx[i] = dy where the mask is `side`, else 0 */
static em_status choose_slope(em_tensor **dx, const em_node *n, int i, em_tensor *mask, bool side)
{
    if (!em__wants(n, i)) return EM_OK;
    em_tensor *dy = n->dy[0], *full;
    em_scalar nothing = 0;
    em_tensor zero = number(&nothing);
    EM_TRY(em_tensor_empty(&full, n->dtype, dy->dims, dy->size));
    choose_into(full, mask, side ? dy : &zero, side ? &zero : dy);
    const em_status s = em__sum_to(&dx[i], full, n->x[i]);
    em_tensor_release(full);
    return s;
}

static em_status where_forward(em_call *c)
{
    choose_into(c->out[0], c->in[0], c->in[1], c->in[2]);
    return EM_OK;
}

static em_status where_backward(const em_node *n, em_tensor **dx)
{
    EM_TRY(choose_slope(dx, n, 1, n->x[0], true));
    return choose_slope(dx, n, 2, n->x[0], false);
}

const em_op EM_OP(where) = {
    .name = "where",
    .inputs = "condition! input other",
    .outputs = "output",
    .doc = "input where the condition holds, other elsewhere; all three broadcast.",
    .types = EM_TYPES_ALL,
    .flags = FLAGS,
    .saves = EM_SAVE_X(0),
    .check = broadcast_out,
    .forward = where_forward,
    .backward = where_backward,
};

static em_status masked_fill_check(em_call *c)
{
    if (!EM_REAL_DTYPE_IS_BOOL) EM_TRY(em__check_element(c, 0));
    return broadcast_out(c);
}

static em_status masked_fill_forward(em_call *c)
{
    em_scalar value = EM_REAL_DTYPE_IS_BOOL ? EM_STORE(c->opts.at[0].x) : em__element(&c->opts.at[0]);
    em_tensor filling = number(&value);
    choose_into(c->out[0], c->in[1], &filling, c->in[0]);
    return EM_OK;
}

static em_status masked_fill_backward(const em_node *n, em_tensor **dx)
{
    return choose_slope(dx, n, 0, n->x[1], false);
}

const em_op EM_OP(masked_fill) = {
    .name = "masked_fill",
    .inputs = "input mask!",
    .outputs = "output",
    .doc = "input with the value where the mask is true; both broadcast.",
    .opts = (const em_opt_spec[]){{"value", EM_OPT_NUMBER, "!", "", "what to put there"}, {0}},
    .types = EM_TYPES_ALL,
    .flags = FLAGS | EM_OP_INPLACE,
    .saves = EM_SAVE_X(1),
    .check = masked_fill_check,
    .forward = masked_fill_forward,
    .backward = masked_fill_backward,
};

/* ---- bounds that are tensors ------------------------------------------------------------------------------- */

/* The first argument of EM_ROW_OF_3 is called dy, whatever it is. NaN stays, and a bound of NaN makes NaN. */
#define KEPT_ABOVE(x, low) ((x) < (low) || (low) != (low) ? (low) : (x))
#define KEPT_BELOW(x, high) ((x) > (high) || (high) != (high) ? (high) : (x))
EM_ROW_OF_3(between, KEPT_BELOW(KEPT_ABOVE(dy, x), y))

static em_status between_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, ""));
    return broadcast_out(c);
}

static em_status between_forward(em_call *c)
{
    em__pointwise((em_tensor *[]){c->out[0], c->in[0], c->in[1], c->in[2]}, 4, between_row, 0);
    return EM_OK;
}

#if EM_REAL_FLOAT

/* Slopes are found in two steps, each of three tensors: dy (or what is left of it), then two to compare. */
EM_ROW_OF_3(where_ge, x >= y ? dy : 0)
EM_ROW_OF_3(where_le, x <= y ? dy : 0)
EM_ROW_OF_3(where_lt, x < y ? dy : 0)
EM_ROW_OF_2(raised, em_scalar, KEPT_ABOVE(x, y))

/* Gradient i: `first` and then `second`, each with its pair of tensors. */
static em_status two_steps(em_tensor **dx, const em_node *n, int i, em_row_loop *first, em_tensor *a, em_tensor *b,
                           em_row_loop *second, em_tensor *p, em_tensor *q)
{
    em_tensor *dy = n->dy[0], *full;
    if (!em__wants(n, i)) return EM_OK;
    EM_TRY(em_tensor_empty(&full, n->dtype, dy->dims, dy->size));
    em__pointwise((em_tensor *[]){full, dy, a, b}, 4, first, 0);
    em__pointwise((em_tensor *[]){full, full, p, q}, 4, second, 0);
    const em_status s = em__sum_to(&dx[i], full, n->x[i]);
    em_tensor_release(full);
    return s;
}

/* As in PyTorch: to x between the bounds and at them; to min where it is what x was raised to, unless max takes over;
 * to max where it is what that was lowered to. */
static em_status between_backward(const em_node *n, em_tensor **dx)
{
    em_tensor *x = n->x[0], *low = n->x[1], *high = n->x[2], *up;
    EM_TRY(two_steps(dx, n, 0, where_ge_row, x, low, where_le_row, x, high));
    EM_TRY(two_steps(dx, n, 1, where_lt_row, x, low, where_lt_row, low, high));
    if (!em__wants(n, 2)) return EM_OK;
    EM_TRY(em_tensor_empty(&up, n->dtype, n->dy[0]->dims, n->dy[0]->size));
    em__pointwise((em_tensor *[]){up, x, low}, 3, raised_row, 0);
    const em_status s = two_steps(dx, n, 2, where_lt_row, high, up, where_lt_row, high, up);
    em_tensor_release(up);
    return s;
}

#else
static em_status between_backward(const em_node *n, em_tensor **dx) { return (void)n, (void)dx, EM_OK; }
#endif

const em_op EM_OP(clamp_between) = {
    .name = "clamp",
    .key = "clamp_between",
    .inputs = "input min max",
    .outputs = "output",
    .doc = "min(max(input, min), max) with bounds that are tensors, broadcast: what clamp is then.",
    .types = EM_TYPES_ALL,
    .flags = FLAGS | EM_OP_INPLACE | EM_OP_METHOD_ONLY,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2),
    .check = between_check,
    .forward = between_forward,
    .backward = between_backward,
};

/* ---- of three tensors ---------------------------------------------------------------------------------- */

#if EM_REAL_FLOAT

/* Rows over x, y and z here; EM_ROW_OF_3 calls the first one dy. */
EM_ROW_OF_3(addcmul, dy + a * x * y)
EM_ROW_OF_3(addcdiv, dy + a * x / y)
EM_ROW_OF_3(product_slope, dy * a * y)
EM_ROW_OF_3(quotient_slope, dy * a / y)
EM_ROW_OF_3(divisor_slope, -dy * a * (x / y) / y)

static em_status three_forward(em_call *c, em_row_loop *row)
{
    const em_scalar a = c->op->opts ? (em_scalar)c->opts.at[0].x : 0;
    em__pointwise((em_tensor *[]){c->out[0], c->in[0], c->in[1], c->in[2]}, 4, row, a);
    return EM_OK;
}

/* d = sum of dy * (slope of input i), which reads inputs j and k. */
static em_status three_slope(em_tensor **dx, const em_node *n, int i, em_row_loop *row, int j, int k)
{
    return em__wants(n, i) ? em__pointwise_slope(dx, n, i, row, j, k, (em_scalar)n->opts.at[0].x) : EM_OK;
}

static em_status addcmul_forward(em_call *c) { return three_forward(c, addcmul_row); }
static em_status addcdiv_forward(em_call *c) { return three_forward(c, addcdiv_row); }

static em_status addcmul_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) EM_TRY(em__sum_to(&dx[0], n->dy[0], n->x[0]));
    EM_TRY(three_slope(dx, n, 1, product_slope_row, 2, 2));
    return three_slope(dx, n, 2, product_slope_row, 1, 1);
}

static em_status addcdiv_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) EM_TRY(em__sum_to(&dx[0], n->dy[0], n->x[0]));
    EM_TRY(three_slope(dx, n, 1, quotient_slope_row, 2, 2));
    return three_slope(dx, n, 2, divisor_slope_row, 1, 2);
}

static const em_opt_spec value_opts[] = {{"value", EM_OPT_NUMBER, "1", "", "factor of the product or quotient"}, {0}};

#define STAMP(op_name, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input tensor1 tensor2", \
        .outputs = "output", \
        .doc = help, \
        .opts = value_opts, \
        .types = EM_TYPES_FLOAT, \
        .flags = FLAGS | EM_OP_INPLACE, \
        .saves = EM_SAVE_X(1) | EM_SAVE_X(2), \
        .check = broadcast_out, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
STAMP(addcmul, "input + value * tensor1 * tensor2, broadcast.")
STAMP(addcdiv, "input + value * tensor1 / tensor2, broadcast.")

/* ---- lerp ---------------------------------------------------------------------------------------------- */

/* From the nearer end, so that weights 0 and 1 give x and y themselves. */
EM_ROW_OF_2(lerp, em_scalar, a < (em_scalar)0.5 ? x + a * (y - x) : y - (y - x) * (1 - a))

static em_status lerp_forward(em_call *c)
{
    em__pointwise((em_tensor *[]){c->out[0], c->in[0], c->in[1]}, 3, lerp_row, (em_scalar)c->opts.at[0].x);
    return EM_OK;
}

static em_status lerp_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) EM_TRY(em__scaled_slope(dx, n, 0, 1 - n->opts.at[0].x));
    return em__wants(n, 1) ? em__scaled_slope(dx, n, 1, n->opts.at[0].x) : EM_OK;
}

const em_op EM_OP(lerp) = {
    .name = "lerp",
    .inputs = "input end",
    .outputs = "output",
    .doc = "input + weight * (end - input), broadcast.",
    .opts = (const em_opt_spec[]){{"weight", EM_OPT_NUMBER, "!", "", "0 gives input, 1 gives end"}, {0}},
    .types = EM_TYPES_FLOAT,
    .flags = FLAGS | EM_OP_INPLACE,
    .check = broadcast_out,
    .forward = lerp_forward,
    .backward = lerp_backward,
};

/* ---- lerp by a tensor ---------------------------------------------------------------------------------- */

/* As above of x, y and the weight, here called dy, x and y. */
EM_ROW_OF_3(lerp_by, y < (em_scalar)0.5 ? dy + y * (x - dy) : x - (x - dy) * (1 - y))
EM_ROW_OF_3(start_slope, dy * (1 - x))
EM_ROW_OF_3(end_slope, dy * x)
EM_ROW_OF_3(weight_slope, dy * (y - x))

static em_status lerp_by_forward(em_call *c) { return three_forward(c, lerp_by_row); }

static em_status lerp_by_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) EM_TRY(em__pointwise_slope(dx, n, 0, start_slope_row, 2, 2, 0));
    if (em__wants(n, 1)) EM_TRY(em__pointwise_slope(dx, n, 1, end_slope_row, 2, 2, 0));
    return em__wants(n, 2) ? em__pointwise_slope(dx, n, 2, weight_slope_row, 0, 1, 0) : EM_OK;
}

const em_op EM_OP(lerp_by) = {
    .name = "lerp",
    .key = "lerp_by",
    .inputs = "input end weight",
    .outputs = "output",
    .doc = "input + weight * (end - input) with a weight that is a tensor, broadcast: what lerp is then.",
    .types = EM_TYPES_FLOAT,
    .flags = FLAGS | EM_OP_INPLACE | EM_OP_METHOD_ONLY,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2),
    .check = broadcast_out,
    .forward = lerp_by_forward,
    .backward = lerp_by_backward,
};

#endif
