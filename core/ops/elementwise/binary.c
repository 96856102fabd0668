/* Arithmetic of two tensors that broadcast to one shape: f(x, y), with the gradients dy df/dx and dy df/dy, where dy is
 * that of the result; each is summed over what was repeated. A row says all three, but for add and sub,
 *
 *     x + a y and x - a y:  dx = dy,  d(y) = a dy or -a dy.
 *
 * Integers wrap around; bools add as "or" and multiply as "and", as in PyTorch. */
#include <tgmath.h>

#if EM_REAL_FLOAT
#include "math/vector_math.h"
#endif
#include "ops/elementwise/pointwise.h"
#include "ops/elementwise/integer.h"

#define FLAGS (EM_OP_STRIDED | EM_OP_STRIDED_DY | EM_OP_INPLACE)

static em_status binary_check(em_call *c) { return em__pointwise_out(c, 0, 1, c->dtype); }

static em_status bound_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, ""));
    return binary_check(c);
}

/* ---- add, sub: the second one times alpha ---------------------------------------------------------------- */

static const em_opt_spec alpha_opts[] = {{"alpha", EM_OPT_NUMBER, "1", "", "factor of other"}, {0}};

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

EM_ROW_OF_2(add, em_scalar, em__plus(x, em__times(a, y)))
EM_ROW_OF_2(sub, em_scalar, em__minus(x, em__times(a, y)))

static em_status add_forward(em_call *c) { return em__pointwise_of_2(c, add_row, em__element(&c->opts.at[0])); }
static em_status sub_forward(em_call *c) { return em__pointwise_of_2(c, sub_row, em__element(&c->opts.at[0])); }

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
        .inputs = "input other", \
        .outputs = "output", \
        .doc = help, \
        .opts = alpha_opts, \
        .types = EM_TYPES_ALL, \
        .flags = FLAGS | EM_OP_MODULAR, \
        .check = op_name##_check, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
ADDITION(add, "input + alpha * other, broadcast.")
ADDITION(sub, "input - alpha * other, broadcast.")

/* ---- the others, from rows ------------------------------------------------------------------------------- */

#if EM_REAL_FLOAT

#define division_check binary_check
#define pow_check binary_check

static inline em_scalar remainder_of(em_scalar x, em_scalar y)
{
    const em_scalar r = fmod(x, y);
    return r != 0 && (y < 0) != (r < 0) ? r + y : r;
}

/* From the remainder, so that floor_divide(x, y) * y + remainder(x, y) gives x back where floor(x / y) would not; an
 * infinite y has none to take away. */
static inline em_scalar floor_divide_of(em_scalar x, em_scalar y)
{
    if (y == 0) return x / y;
    const em_scalar rest = fmod(x, y), whole = rint((x - rest) / y) - (rest != 0 && (y < 0) != (rest < 0));
    return whole == 0 ? copysign((em_scalar)0, x / y) : whole;
}

/* x^0.5: that of -0 is 0, and that of -inf infinite, where the square root has -0 and NaN. */
static inline em_scalar root_of(em_scalar x) { return x == -(em_scalar)INFINITY ? (em_scalar)INFINITY : sqrt(x) + 0; }

/* The usual exponents are spared the general power. */
static inline em_scalar pow_of(em_scalar x, em_scalar y)
{
    return y == 2 ? x * x : y == 1 ? x : y == 3 ? x * x * x : y == 0 ? 1 : y == -1 ? 1 / x : y == -2 ? 1 / x / x
         : y == (em_scalar)0.5 ? root_of(x) : y == (em_scalar)-0.5 ? 1 / root_of(x) : pow(x, y);
}

/* The same of a plain number, which stands, as in PyTorch, for what one would write instead: x^0.5 for sqrt(x), x^-2
 * for 1 / (x x). */
static inline em_scalar pow_of_number(em_scalar x, em_scalar y)
{
    return y == 2 ? x * x : y == 1 ? x : y == 3 ? x * x * x : y == 0 ? 1 : y == -1 ? 1 / x
         : y == (em_scalar)0.5 ? sqrt(x) : y == (em_scalar)-0.5 ? 1 / sqrt(x) : y == -2 ? 1 / (x * x) : pow(x, y);
}

#define FMOD_OF fmod(x, y)

/* ---- of floats alone -------------------------------------------------------------------------------------- */

static inline em_scalar logaddexp_of(em_scalar x, em_scalar y)
{
    const em_scalar gap = x == y ? 0 : fabs(x - y);         /* infinities of one sign have no difference */
    return (x > y || x != x ? x : y) + em__log1p(em__exp(-gap));
}

/* The part of the result that is x: a half where they are equal, infinities too. */
static inline em_scalar logaddexp_share(em_scalar x, em_scalar y)
{
    return x == y ? (em_scalar)0.5 : em__sigmoid(x - y);
}

/* 0 log y is 0, unless y is NaN. */
static inline em_scalar xlogy_of(em_scalar x, em_scalar y) { return x == 0 && y == y ? 0 : x * em__log(y); }

/* The slope of the length of (x, y) along x; 0 in the tip, where all from -1 to 1 would do. */
static inline em_scalar hypot_slope(em_scalar x, em_scalar y) { return x == 0 && y == 0 ? 0 : x / hypot(x, y); }

#else

static inline em_scalar remainder_of(em_scalar x, em_scalar y)
{
    const em_scalar r = (em_scalar)(em__is_minus_1(y) ? 0 : x % y); /* the least number by -1 is an overflow */
    return r != 0 && em__below_0(y) != em__below_0(r) ? (em_scalar)(r + y) : r;
}

static inline em_scalar floor_divide_of(em_scalar x, em_scalar y)
{
    return (em_scalar)(em__is_minus_1(y) ? em__minus(0, x) : em__minus(x, remainder_of(x, y)) / y);
}

#define pow_of_number pow_of

static inline em_scalar pow_of(em_scalar x, em_scalar y)
{
    em_scalar power = 1;
    if (em__below_0(y)) return x == 1 ? 1 : em__is_minus_1(x) ? (em_scalar)(y % 2 ? x : 1) : 0;
    for (; y > 0; y = (em_scalar)(y / 2)) {
        if (y % 2) power = em__times(power, x);
        x = em__times(x, x);
    }
    return power;
}

#define FMOD_OF (em__is_minus_1(y) ? 0 : x % y)

/* First position (in row-major order) where y is 0, or, if asked for, negative; -1 if there is none. */
static int64_t find_bad(const em_tensor *y, bool negative)
{
    for (int64_t i = 0; i < y->count; i++) {
        int64_t at = i, offset = 0;
        for (int d = y->dims - 1; d >= 0; d--) {
            offset += at % y->size[d] * y->stride[d];
            at /= y->size[d];
        }
        const em_scalar value = EM_SCALARS(y)[offset];
        if (negative ? em__below_0(value) : value == 0) return i;
    }
    return -1;
}

static em_status division_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, ""));
    const int64_t bad = find_bad(c->in[1], false);
    if (bad >= 0)
        return em__fail(EM_EVALUE, "%s: division of %s by zero (element %lld of other)", c->op->name,
                        em_dtype_name(c->dtype), (long long)bad);
    return binary_check(c);
}

static em_status pow_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, ""));
    const int64_t bad = c->in[1]->number ? find_bad(c->in[1], true) : -1;     /* of tensors: 1 / x ^ -y, cut off */
    if (bad >= 0)
        return em__fail(EM_EVALUE, "pow: integers have no negative powers (element %lld of exponent is %lld); "
                        "convert input to float32 first", (long long)bad, (long long)em_tensor_get_int(c->in[1], bad));
    return binary_check(c);
}

#endif

/* name, value of x and y, gradients of both from dy, x and y, check, further flags, help */
#define DIFFERENTIABLE(ROW) \
    ROW(mul, em__times(x, y), dy * y, dy * x, binary_check, EM_OP_MODULAR, "input * other, broadcast.") \
    ROW(maximum, x >= y || x != x ? x : y, x < y ? 0 : x == y ? dy / 2 : dy, y < x ? 0 : x == y ? dy / 2 : dy, \
        binary_check, 0, "The greater of input and other, broadcast; NaN if either is; ties halve the gradient.") \
    ROW(minimum, x <= y || x != x ? x : y, x > y ? 0 : x == y ? dy / 2 : dy, y > x ? 0 : x == y ? dy / 2 : dy, \
        binary_check, 0, "The lesser of input and other, broadcast; NaN if either is; ties halve the gradient.") \
    ROW(fmax, x >= y || y != y ? x : y, x >= y || y != y ? dy : 0, x >= y || y != y ? 0 : dy, binary_check, 0, \
        "The greater of input and other, broadcast; the other one where one is NaN; ties give input the gradient.") \
    ROW(fmin, x <= y || y != y ? x : y, x <= y || y != y ? dy : 0, x <= y || y != y ? 0 : dy, binary_check, 0, \
        "The lesser of input and other, broadcast; the other one where one is NaN; ties give input the gradient.") \
    ROW(fmod, FMOD_OF, dy, -dy * trunc(x / y), division_check, 0, \
        "Remainder of input / other with the sign of input, broadcast.") \
    ROW(remainder, remainder_of(x, y), dy, -dy * floor_divide_of(x, y), division_check, 0, \
        "Remainder of input / other with the sign of other, broadcast.")

/* The same of one tensor and its bound: input y is called min or max. */
#define BOUNDS(ROW) \
    ROW(clamp_min, "input min", x < y || y != y ? y : x, x >= y ? dy : 0, x < y ? dy : 0, \
        "Elements kept from falling below a bound, broadcast; the gradient goes through at the bound itself.") \
    ROW(clamp_max, "input max", x > y || y != y ? y : x, x <= y ? dy : 0, x > y ? dy : 0, \
        "Elements kept from rising above a bound, broadcast; the gradient goes through at the bound itself.")

#define FLOATS_ONLY(ROW) \
    ROW(div, x / y, dy / y, -dy * (x / y) / y, "input / other, broadcast; of integers in float32.") \
    ROW(atan2, atan2(x, y), dy * y / (x * x + y * y), -dy * x / (x * x + y * y), \
        "Angle of the point (other, input), -pi to pi, broadcast.") \
    ROW(hypot, hypot(x, y), dy * hypot_slope(x, y), dy * hypot_slope(y, x), \
        "sqrt(input^2 + other^2) without overflow, broadcast; the gradients at 0, 0 are 0.") \
    ROW(logaddexp, logaddexp_of(x, y), dy * logaddexp_share(x, y), dy * logaddexp_share(y, x), \
        "log(exp(input) + exp(other)) without overflow, broadcast.") \
    ROW(xlogy, xlogy_of(x, y), dy * (x == 0 && y <= 0 ? 0 : em__log(y)), x == 0 && y == y ? 0 : dy * x / y, \
        "input * log(other), broadcast; 0 where input is 0 and other is no NaN.")

/* What functions of the same names are made of. */
#define INNER(ROW) \
    ROW(prelu, "input weight", x > 0 ? x : y * x, x > 0 ? dy : y * dy, x > 0 ? 0 : x * dy, \
        "input above 0, weight * input below, broadcast.") \
    ROW(glu, "input gate", x * em__sigmoid(y), dy * em__sigmoid(y), dy * x * em__sigmoid(y) * (1 - em__sigmoid(y)), \
        "input times the sigmoid of gate, broadcast.")

/* Integers have no gradient; their backward is never called. */
#if EM_REAL_FLOAT
#define SLOPES(name, dx, dy) EM_ROW_OF_3(name##_dx, dx) EM_ROW_OF_3(name##_dy, dy)
#define GRADIENTS(name) gradients(n, dx, name##_dx_row, name##_dy_row)

static em_status gradients(const em_node *n, em_tensor **dx, em_row_loop *row_of_x, em_row_loop *row_of_y)
{
    if (em__wants(n, 0)) EM_TRY(em__pointwise_slope(dx, n, 0, row_of_x, 0, 1, 0));
    return em__wants(n, 1) ? em__pointwise_slope(dx, n, 1, row_of_y, 0, 1, 0) : EM_OK;
}
#else
#define SLOPES(name, dx, dy)
#define GRADIENTS(name) ((void)n, (void)dx, EM_OK)
#endif

#define STAMP(op_name, names, value, slope_x, slope_y, checks, op_types, how, help) \
    EM_ROW_OF_2(op_name, em_scalar, value) \
    SLOPES(op_name, slope_x, slope_y) \
    static em_status op_name##_forward(em_call *c) { return em__pointwise_of_2(c, op_name##_row, 0); } \
    static em_status op_name##_backward(const em_node *n, em_tensor **dx) { return GRADIENTS(op_name); } \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = names, \
        .outputs = "output", \
        .doc = help, \
        .types = op_types, \
        .flags = how, \
        .saves = EM_SAVE_X(0) | EM_SAVE_X(1), \
        .check = checks, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
#define STAMP_ANY(name, value, slope_x, slope_y, checks, how, help) \
    STAMP(name, "input other", value, slope_x, slope_y, checks, EM_TYPES_ALL, FLAGS | (how), help)
#define STAMP_BOUND(name, names, value, slope_x, slope_y, help) \
    STAMP(name, names, value, slope_x, slope_y, bound_check, EM_TYPES_ALL, FLAGS, help)
#define STAMP_FLOAT(name, value, slope_x, slope_y, help) \
    STAMP(name, "input other", value, slope_x, slope_y, binary_check, EM_TYPES_FLOAT, FLAGS, help)
#define STAMP_INNER(name, names, value, slope_x, slope_y, help) \
    STAMP(name, names, value, slope_x, slope_y, binary_check, EM_TYPES_FLOAT, FLAGS & ~EM_OP_INPLACE, help)
DIFFERENTIABLE(STAMP_ANY)
BOUNDS(STAMP_BOUND)
#if EM_REAL_FLOAT
FLOATS_ONLY(STAMP_FLOAT)
INNER(STAMP_INNER)
#endif

/* ---- pow --------------------------------------------------------------------------------------------------- */

#define BASE_SLOPE(power) (y == 0 ? 0 : dy * y * power(x, y - 1))
#define EXPONENT_SLOPE(power) (x == 0 && y >= 0 ? 0 : dy * power(x, y) * log(x))
EM_ROW_OF_2(pow, em_scalar, pow_of(x, y))
EM_ROW_OF_2(pow_number, em_scalar, pow_of_number(x, y))
SLOPES(pow, BASE_SLOPE(pow_of), EXPONENT_SLOPE(pow_of))
SLOPES(pow_number, BASE_SLOPE(pow_of_number), EXPONENT_SLOPE(pow_of_number))

static em_status pow_forward(em_call *c)
{
    return em__pointwise_of_2(c, c->in[1]->number ? pow_number_row : pow_row, 0);
}

static em_status pow_backward(const em_node *n, em_tensor **dx)
{
    return n->numbers & 2 ? GRADIENTS(pow_number) : GRADIENTS(pow);
}

const em_op EM_OP(pow) = {
    .name = "pow",
    .inputs = "input exponent",
    .outputs = "output",
    .doc = "input to the power of exponent, broadcast.",
    .types = EM_TYPES_ALL,
    .flags = FLAGS,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1),
    .check = pow_check,
    .forward = pow_forward,
    .backward = pow_backward,
};

EM_OP_OF_2(floor_divide, em_scalar, floor_divide_of(x, y), division_check, 0,
           "The greatest integer up to input / other, broadcast.")
