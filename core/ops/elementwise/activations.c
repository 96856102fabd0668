/* Activation functions: y = f(x), dx = dy f'(x), both in a row for each; at a corner f' is what PyTorch takes there.
 * gelu, which has two formulas, with P and p the distribution and the density of N(0, 1):
 *
 *     y = x P(x),  dx = dy (P(x) + x p(x));  or P(x) taken as (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
#include <tgmath.h>

#include "math/vector_math.h"
#include "ops/elementwise/unary.h"

static inline em_real softplus_of(em_real x) { return (x > 0 ? x : 0) + em__log1p(em__exp(-fabs(x))); }

/* x times the distribution function of N(0, 1), exactly and as GPT-2 has it. */
#define SQRT_HALF ((em_real)0.70710678118654752440)
#define SQRT_2_BY_PI ((em_real)0.79788456080286535588)
#define CUBE ((em_real)0.044715)

static inline em_real normal_cdf(em_real x) { return (em_real)0.5 * (1 + em__erf(x * SQRT_HALF)); }
static inline em_real normal_pdf(em_real x) { return (em_real)0.39894228040143267794 * em__exp((em_real)-0.5 * x * x); }
static inline em_real gelu_tanh_of(em_real x) { return em__tanh(SQRT_2_BY_PI * (x + CUBE * x * x * x)); }

static inline em_real gelu_tanh_slope_of(em_real x)
{
    const em_real t = gelu_tanh_of(x);
    return (em_real)0.5 * (1 + t + x * (1 - t * t) * SQRT_2_BY_PI * (1 + 3 * CUBE * x * x));
}

static inline em_real softsign_of(em_real x)
{
    return fabs(x) == (em_real)INFINITY ? copysign((em_real)1, x) : x / (1 + fabs(x));
}

static inline em_real silu_slope_of(em_real x)
{
    const em_real s = em__sigmoid(x);
    return s * (1 + x * (1 - s));
}

static inline em_real mish_slope_of(em_real x)
{
    const em_real t = em__tanh(softplus_of(x));
    return t + x * em__sigmoid(x) * (1 - t * t);
}

/* Self-normalizing: these two keep mean 0 and variance 1. */
#define SELU_ALPHA ((em_real)1.6732632423543772848)
#define SELU_SCALE ((em_real)1.0507009873554804934)

static const em_opt_spec softplus_opts[] = {
    {"beta", EM_OPT_NUMBER, "1", "", "how sharp the corner is"},
    {"threshold", EM_OPT_NUMBER, "20", "", "where beta * input is above this, the value is input itself"},
    {0},
};
static const em_opt_spec alpha_opts[] = {
    {"alpha", EM_OPT_NUMBER, "1", "", "minus the value far below 0"},
    {0},
};
static const em_opt_spec leaky_relu_opts[] = {
    {"negative_slope", EM_OPT_NUMBER, "0.01", "", "slope below 0"},
    {0},
};
static const em_opt_spec lambd_opts[] = {
    {"lambd", EM_OPT_NUMBER, "0.5", "", "half the width of the range that becomes 0"},
    {0},
};
static const em_opt_spec softshrink_opts[] = {
    {"lambd", EM_OPT_NUMBER, "0.5", ">= 0", "half the width of the range that becomes 0"},
    {0},
};
static const em_opt_spec celu_opts[] = {
    {"alpha", EM_OPT_NUMBER, "1", "~= 0", "minus the value far below 0"},
    {0},
};

/* name, value of x, gradient from dy and x or y, which of them, options (a, b), help */
#define ROWS(ROW) \
    ROW(silu, x * em__sigmoid(x), dy * silu_slope_of(x), X, NULL, "input * sigmoid(input), also called swish.") \
    ROW(softplus, x * a > b ? x : em__log1p(em__exp(x * a)) / a, x * a > b ? dy : dy * em__sigmoid(x * a), X, \
        softplus_opts, "log(1 + exp(beta * input)) / beta, a smooth relu.") \
    ROW(softsign, softsign_of(x), dy / ((1 + fabs(x)) * (1 + fabs(x))), X, NULL, "input / (1 + |input|).") \
    ROW(tanhshrink, x - em__tanh(x), dy * em__tanh(x) * em__tanh(x), X, NULL, "input - tanh(input).") \
    ROW(logsigmoid, (x < 0 ? x : 0) - em__log1p(em__exp(-fabs(x))), dy * em__sigmoid(-x), X, NULL, \
        "log(sigmoid(input)), exact for large |input|.") \
    ROW(elu, x <= 0 ? a * em__expm1(x) : x, x <= 0 ? dy * a * em__exp(x) : dy, X, alpha_opts, \
        "input above 0, alpha * (exp(input) - 1) below.") \
    ROW(selu, SELU_SCALE * (x <= 0 ? SELU_ALPHA * em__expm1(x) : x), \
        dy * SELU_SCALE * (x <= 0 ? SELU_ALPHA * em__exp(x) : 1), X, NULL, \
        "scale * elu(input), with the scale and alpha that keep mean 0 and variance 1.") \
    ROW(celu, x <= 0 ? a * em__expm1(x / a) : x, x <= 0 ? dy * em__exp(x / a) : dy, X, celu_opts, \
        "input above 0, alpha * (exp(input / alpha) - 1) below.") \
    ROW(mish, x * em__tanh(softplus_of(x)), dy * mish_slope_of(x), X, NULL, "input * tanh(softplus(input)).") \
    ROW(leaky_relu, x > 0 ? x : x * a, x > 0 ? dy : dy * a, X, leaky_relu_opts, \
        "input above 0, negative_slope * input below.") \
    ROW(hardsigmoid, x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + (em_real)0.5, x > -3 && x < 3 ? dy / 6 : 0, X, NULL, \
        "input / 6 + 1/2, kept within 0 and 1.") \
    ROW(hardswish, x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) / 6, x < -3 ? 0 : x <= 3 ? dy * (x / 3 + (em_real)0.5) : dy, \
        X, NULL, "input * hardsigmoid(input).") \
    ROW(hardshrink, x >= -a && x <= a ? 0 : x, x >= -a && x <= a ? 0 : dy, X, lambd_opts, \
        "input, but 0 where |input| is at most lambd.") \
    ROW(softshrink, x > a ? x - a : x < -a ? x + a : x * 0, x >= -a && x <= a ? 0 : dy, X, softshrink_opts, \
        "input brought nearer to 0 by lambd; 0 where |input| is at most lambd.")

ROWS(EM_UNARY)

/* ---- gelu: two formulas ---------------------------------------------------------------------------------- */

EM_UNARY_LOOPS(gelu_exact, x * normal_cdf(x), dy * (normal_cdf(x) + x * normal_pdf(x)))
EM_UNARY_LOOPS(gelu_by_tanh, (em_real)0.5 * x * (1 + gelu_tanh_of(x)), dy * gelu_tanh_slope_of(x))

static em_status gelu_forward(em_call *c)
{
    return em__unary_forward(c, c->opts.at[0].i ? gelu_by_tanh_map : gelu_exact_map);
}

static em_status gelu_backward(const em_node *n, em_tensor **dx)
{
    return em__unary_backward(n, dx, n->opts.at[0].i ? gelu_by_tanh_slope : gelu_exact_slope, n->x[0]);
}

const em_op EM_OP(gelu) = {
    .name = "gelu",
    .inputs = "input",
    .outputs = "output",
    .doc = "input times the chance that a standard normal number is below input.",
    .opts = (const em_opt_spec[]){
        {"approximate", EM_OPT_ENUM, "none", "none tanh", "the formula: the error function, or a tanh near to it"},
        {0},
    },
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_INPLACE,
    .saves = EM_SAVE_X(0),
    .check = em__unary_check,
    .forward = gelu_forward,
    .backward = gelu_backward,
};
