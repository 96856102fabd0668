/* Arithmetic of two tensors that broadcast to one shape. Whole numbers wrap around; bools add as "or" and multiply as
 * "and", as in PyTorch. */
#include <tgmath.h>

#include "ops/pointwise.h"
#include "ops/whole.h"

#define FLAGS (EM_OP_STRIDED | EM_OP_STRIDED_DY | EM_OP_INPLACE)

static em_status binary_check(em_call *c) { return em__pointwise_out(c, 0, 1, c->dtype); }

/* ---- add, sub: the second one times alpha ---------------------------------------------------------------- */

static const em_opt_spec alpha_opts[] = {{"alpha", EM_OPT_NUMBER, "1", "", "factor of y"}, {0}};

static em_status add_check(em_call *c)
{
    EM_TRY(em__check_element(c, 0));
    return binary_check(c);
}

static em_status sub_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, "; use logical_xor"));
    return add_check(c);
}

EM_ROW_OF_2(add, em_real, em__plus(x, em__times(a, y)))
EM_ROW_OF_2(sub, em_real, em__minus(x, em__times(a, y)))

static em_status add_forward(em_call *c) { return em__pointwise_of_2(c, add_row, em__element(c->opts.at[0].x)); }
static em_status sub_forward(em_call *c) { return em__pointwise_of_2(c, sub_row, em__element(c->opts.at[0].x)); }

static em_status add_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) EM_TRY(em__scaled_slope(dx, n, 0, 1));
    return em__wants(n, 1) ? em__scaled_slope(dx, n, 1, n->opts.at[0].x) : EM_OK;
}

static em_status sub_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) EM_TRY(em__scaled_slope(dx, n, 0, 1));
    return em__wants(n, 1) ? em__scaled_slope(dx, n, 1, -n->opts.at[0].x) : EM_OK;
}

#define ADDITION(op_name, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "x y", \
        .outputs = "z", \
        .doc = help, \
        .opts = alpha_opts, \
        .types = EM_TYPES_ALL, \
        .flags = FLAGS, \
        .check = op_name##_check, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
ADDITION(add, "x + alpha * y, broadcast.")
ADDITION(sub, "x - alpha * y, broadcast.")

/* ---- the others, from rows ------------------------------------------------------------------------------- */

#if EM_REAL_FLOAT

#define division_check binary_check
#define pow_check binary_check

static inline em_real remainder_of(em_real x, em_real y)
{
    const em_real r = fmod(x, y);
    return r != 0 && (y < 0) != (r < 0) ? r + y : r;
}

/* From the remainder, so that floor_divide(x, y) * y + remainder(x, y) gives x back where floor(x / y) would not. */
static inline em_real floor_divide_of(em_real x, em_real y)
{
    if (y == 0) return x / y;
    const em_real whole = (x - remainder_of(x, y)) / y;
    return whole == 0 ? copysign((em_real)0, x / y) : rint(whole);
}

/* The usual exponents of a single number are spared the general power. */
static inline em_real pow_of(em_real x, em_real y)
{
    return y == 2 ? x * x : y == 1 ? x : y == 3 ? x * x * x : y == 0 ? 1 : y == -1 ? 1 / x : y == (em_real)0.5 ? sqrt(x)
         : y == (em_real)-0.5 ? 1 / sqrt(x) : y == -2 ? 1 / (x * x) : pow(x, y);
}

#define FMOD_OF fmod(x, y)

#else

static inline em_real remainder_of(em_real x, em_real y)
{
    const em_real r = (em_real)(em__is_minus_1(y) ? 0 : x % y);     /* the least number by -1 is an overflow */
    return r != 0 && em__below_0(y) != em__below_0(r) ? (em_real)(r + y) : r;
}

static inline em_real floor_divide_of(em_real x, em_real y)
{
    return (em_real)(em__is_minus_1(y) ? em__minus(0, x) : em__minus(x, remainder_of(x, y)) / y);
}

static inline em_real pow_of(em_real x, em_real y)
{
    em_real power = 1;
    if (em__below_0(y)) return x == 1 ? 1 : em__is_minus_1(x) ? (em_real)(y % 2 ? x : 1) : 0;
    for (; y > 0; y = (em_real)(y / 2)) {
        if (y % 2) power = em__times(power, x);
        x = em__times(x, x);
    }
    return power;
}

#define FMOD_OF (em__is_minus_1(y) ? 0 : x % y)

/* First place (in row-major order) where y is 0, or, if asked for, negative; -1 if there is none. */
static int64_t find_bad(const em_tensor *y, bool negative)
{
    for (int64_t i = 0; i < y->count; i++) {
        int64_t at = i, offset = 0;
        for (int d = y->dims - 1; d >= 0; d--) {
            offset += at % y->size[d] * y->stride[d];
            at /= y->size[d];
        }
        const em_real value = EM_REALS(y)[offset];
        if (negative ? em__below_0(value) : value == 0) return i;
    }
    return -1;
}

static em_status division_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, ""));
    const int64_t bad = find_bad(c->in[1], false);
    if (bad >= 0)
        return em__fail(EM_EVALUE, "%s: division of %s by zero (element %lld of y)", c->op->name,
                        em_dtype_name(c->dtype), (long long)bad);
    return binary_check(c);
}

static em_status pow_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, ""));
    const int64_t bad = c->in[1]->number ? find_bad(c->in[1], true) : -1;     /* of tensors: 1 / x ^ -y, cut off */
    if (bad >= 0)
        return em__fail(EM_EVALUE, "pow: whole numbers have no negative powers (element %lld of y is %lld); convert x "
                        "to float32 first", (long long)bad, (long long)em_tensor_get_int(c->in[1], bad));
    return binary_check(c);
}

#endif

/* name, value of x and y, gradients of both from dy, x and y, check, types, help */
#define DIFFERENTIABLE(ROW) \
    ROW(mul, em__times(x, y), dy * y, dy * x, binary_check, EM_TYPES_ALL, "x * y, broadcast.") \
    ROW(pow, pow_of(x, y), y == 0 ? 0 : dy * y * pow_of(x, y - 1), \
        x == 0 && y >= 0 ? 0 : dy * pow_of(x, y) * log(x), pow_check, EM_TYPES_ALL, "x to the power of y, broadcast.") \
    ROW(maximum, x > y || x != x ? x : y, x < y ? 0 : x == y ? dy / 2 : dy, y < x ? 0 : x == y ? dy / 2 : dy, \
        binary_check, EM_TYPES_ALL, "The greater of x and y, broadcast; NaN if either is; ties halve the gradient.") \
    ROW(minimum, x < y || x != x ? x : y, x > y ? 0 : x == y ? dy / 2 : dy, y > x ? 0 : x == y ? dy / 2 : dy, \
        binary_check, EM_TYPES_ALL, "The lesser of x and y, broadcast; NaN if either is; ties halve the gradient.") \
    ROW(fmod, FMOD_OF, dy, -dy * trunc(x / y), division_check, EM_TYPES_ALL, \
        "Remainder of x / y with the sign of x, broadcast.") \
    ROW(remainder, remainder_of(x, y), dy, -dy * floor(x / y), division_check, EM_TYPES_ALL, \
        "Remainder of x / y with the sign of y, broadcast.")

#define FLOATS_ONLY(ROW) \
    ROW(div, x / y, dy / y, -dy * (x / y) / y, binary_check, EM_TYPES_FLOAT, \
        "x / y, broadcast; of whole numbers in float32.") \
    ROW(atan2, atan2(x, y), dy * y / (x * x + y * y), -dy * x / (x * x + y * y), binary_check, EM_TYPES_FLOAT, \
        "Angle of the point (y, x), -pi to pi, broadcast.")

/* Whole numbers have no gradient; their backward is never called. */
#if EM_REAL_FLOAT
#define SLOPES(name, dx, dy) EM_ROW_OF_3(name##_dx, dx) EM_ROW_OF_3(name##_dy, dy)
#define SLOPE(name, i) em__pointwise_slope(dx, n, i, i ? name##_dy_row : name##_dx_row, 0, 1, 0)
#else
#define SLOPES(name, dx, dy)
#define SLOPE(name, i) (void)n, (void)dx, EM_OK
#endif

#define STAMP(op_name, value, slope_x, slope_y, checks, op_types, help) \
    EM_ROW_OF_2(op_name, em_real, value) \
    SLOPES(op_name, slope_x, slope_y) \
    static em_status op_name##_forward(em_call *c) { return em__pointwise_of_2(c, op_name##_row, 0); } \
    static em_status op_name##_backward(const em_node *n, em_tensor **dx) \
    { \
        if (em__wants(n, 0)) EM_TRY(SLOPE(op_name, 0)); \
        if (em__wants(n, 1)) EM_TRY(SLOPE(op_name, 1)); \
        return EM_OK; \
    } \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "x y", \
        .outputs = "z", \
        .doc = help, \
        .types = op_types, \
        .flags = FLAGS, \
        .saves = EM_SAVE_X(0) | EM_SAVE_X(1), \
        .check = checks, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
DIFFERENTIABLE(STAMP)
#if EM_REAL_FLOAT
FLOATS_ONLY(STAMP)
#endif

EM_OP_OF_2(floor_divide, em_real, floor_divide_of(x, y), division_check,
           "The greatest whole number up to x / y, broadcast.")
