/* Elementary functions: y = f(x), dx = dy f'(x), both in a row for each; f' is written by x or by y, whichever is less
 * to compute. logit: y = log(x / (1 - x)), dx = dy / (x (1 - x)); with eps, x is first kept between eps and 1 - eps,
 * and dx is 0 where it lay outside. */
#include <tgmath.h>

#include "math/vector_math.h"
#include "ops/elementwise/unary.h"

#define PI 3.14159265358979323846
#define LN_2 0.69314718055994530942
#define LN_10 2.30258509299404568402

/* From here on sqrt(x^2 + 1) and sqrt(x^2 - 1) are |x|, and 1 + x is x. */
#define FAR_OUT ((em_real)(sizeof(em_real) == sizeof(float) ? 1e9 : 1e17))

static inline em_real length_with_1(em_real x) { return fabs(x) > FAR_OUT ? fabs(x) : sqrt(x * x + 1); }

/* log(|x| + sqrt(x^2 + 1)), exact also near 0. */
static inline em_real asinh_of(em_real x)
{
    const em_real a = fabs(x), near = a + a * a / (sqrt(a * a + 1) + 1);
    const bool far = a > FAR_OUT;
    return copysign(em__log1p(far ? a : near) + (far ? (em_real)LN_2 : 0), x);
}

/* log(x + sqrt(x^2 - 1)), exact also near 1. */
static inline em_real acosh_of(em_real x)
{
    const em_real t = x - 1, near = t + sqrt(t * (t + 2));
    const bool far = x > FAR_OUT;
    return x < 1 ? (em_real)NAN : em__log1p(far ? x : near) + (far ? (em_real)LN_2 : 0);
}

/* (t cos t - sin t) / (x t) with t = pi x; near 0, where these cancel, its series. */
static inline em_real sinc_slope_of(em_real x)
{
    const em_real t = (em_real)PI * x, s = t * t;
    em_real p = (em_real)(-1 / 93405312000.);
    p = p * s + (em_real)(1 / 518918400.);
    p = p * s - (em_real)(1 / 3991680.);
    p = p * s + (em_real)(1 / 45360.);
    p = p * s - (em_real)(1 / 840.);
    p = p * s + (em_real)(1 / 30.);
    p = p * s - (em_real)(1 / 3.);
    return fabs(t) < (em_real)0.5 ? (em_real)PI * t * p : (cos(t) - sin(t) / t) / x;
}

/* name, value of x, gradient from dy and x or y, which of them, options, help */
#define ROWS(ROW) \
    ROW(exp, em__exp(x), dy * y, Y, NULL, "e to the power of each element.") \
    ROW(exp2, exp2(x), dy * y * (em_real)LN_2, Y, NULL, "2 to the power of each element.") \
    ROW(expm1, copysign(em__expm1(x), x), dy * (y + 1), Y, NULL, "exp(input) - 1, exact also near 0.") \
    ROW(log, em__log(x), dy / x, X, NULL, "Natural logarithm; NaN below 0, -inf at 0.") \
    ROW(log1p, copysign(em__log1p(x), x), dy / (x + 1), X, NULL, "log(1 + input), exact also near 0.") \
    ROW(log2, log2(x), dy / (x * (em_real)LN_2), X, NULL, "Logarithm to base 2.") \
    ROW(log10, log10(x), dy / (x * (em_real)LN_10), X, NULL, "Logarithm to base 10.") \
    ROW(sqrt, sqrt(x), dy / (2 * y), Y, NULL, "Square root; NaN below 0.") \
    ROW(rsqrt, 1 / sqrt(x), dy * (em_real)-0.5 * y * y * y, Y, NULL, "1 / sqrt(input).") \
    ROW(reciprocal, 1 / x, -dy * y * y, Y, NULL, "1 / input.") \
    ROW(sin, sin(x), dy * cos(x), X, NULL, "Sine of an angle in radians.") \
    ROW(cos, cos(x), -dy * sin(x), X, NULL, "Cosine of an angle in radians.") \
    ROW(tan, tan(x), dy * (1 + y * y), Y, NULL, "Tangent of an angle in radians.") \
    ROW(asin, asin(x), dy / sqrt(1 - x * x), X, NULL, "Arc sine, -pi/2 to pi/2; NaN outside -1 to 1.") \
    ROW(acos, acos(x), -dy / sqrt(1 - x * x), X, NULL, "Arc cosine, 0 to pi; NaN outside -1 to 1.") \
    ROW(atan, atan(x), dy / (1 + x * x), X, NULL, "Arc tangent, -pi/2 to pi/2.") \
    ROW(sinh, sinh(x), dy * cosh(x), X, NULL, "Hyperbolic sine.") \
    ROW(cosh, cosh(x), dy * sinh(x), X, NULL, "Hyperbolic cosine.") \
    ROW(tanh, em__tanh(x), dy * (1 - y * y), Y, NULL, "Hyperbolic tangent.") \
    ROW(erf, em__erf(x), dy * (em_real)(2 / sqrt(PI)) * em__exp(-x * x), X, NULL, \
        "Error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to input.") \
    ROW(erfc, erfc(x), dy * (em_real)(-2 / sqrt(PI)) * em__exp(-x * x), X, NULL, \
        "1 - erf(input), also exact far out.") \
    ROW(sigmoid, em__sigmoid(x), dy * y * (1 - y), Y, NULL, "1 / (1 + exp(-input)).") \
    ROW(frac, x - trunc(x), dy, NOTHING, NULL, "The part after the point, with the sign of input.") \
    ROW(asinh, asinh_of(x), dy / length_with_1(x), X, NULL, "Inverse of sinh.") \
    ROW(acosh, acosh_of(x), dy / (sqrt(fabs(x) - 1) * sqrt(fabs(x) + 1)), X, NULL, "Inverse of cosh; NaN below 1.") \
    ROW(atanh, copysign((em_real)0.5 * em__log1p(2 * fabs(x) / (1 - fabs(x))), x), dy / (1 - x * x), X, NULL, \
        "Inverse of tanh; NaN outside -1 .. 1.") \
    ROW(sinc, x == 0 ? 1 : sin((em_real)PI * x) / ((em_real)PI * x), dy * sinc_slope_of(x), X, NULL, \
        "sin(pi * input) / (pi * input); 1 at 0.") \
    ROW(deg2rad, x * (em_real)(PI / 180), dy * (em_real)(PI / 180), NOTHING, NULL, "Degrees as radians.") \
    ROW(rad2deg, x * (em_real)(180 / PI), dy * (em_real)(180 / PI), NOTHING, NULL, "Radians as degrees.")

ROWS(EM_UNARY)

/* ---- logit: with or without a margin at 0 and 1 ---------------------------------------------------------- */

static inline em_real logit_of(em_real x) { return em__log(x / (1 - x)); }
static inline em_real logit_slope_of(em_real x) { return 1 / (fabs(x) * (1 - x)); }       /* inf at -0 as at 0 */
static inline em_real kept_within(em_real x, em_real a, em_real b) { return x < a ? a : x > b ? b : x; }

EM_UNARY_LOOPS(logit_open, logit_of(x), x < 0 || x > 1 ? NAN : dy * logit_slope_of(x))
EM_UNARY_LOOPS(logit_kept, logit_of(kept_within(x, a, b)), x < a || x > b ? 0 : dy * logit_slope_of(x))

/* eps and 1 - eps */
static em_real margin(const em_opts *opts, em_real *high)
{
    *high = (em_real)(1 - opts->at[0].x);
    return (em_real)opts->at[0].x;
}

static em_status logit_forward(em_call *c)
{
    em_real high, low = margin(&c->opts, &high);
    em__unary_map(EM_REALS(c->out[0]), EM_REALS(c->in[0]), c->in[0]->count,
                  c->opts.at[0].given ? logit_kept_map : logit_open_map, low, high);
    return EM_OK;
}

static em_status logit_backward(const em_node *n, em_tensor **dx)
{
    em_real high, low = margin(&n->opts, &high);
    return em__unary_slope(n, dx, n->opts.at[0].given ? logit_kept_slope : logit_open_slope, n->x[0], low, high);
}

const em_op EM_OP(logit) = {
    .name = "logit",
    .inputs = "input",
    .outputs = "output",
    .doc = "log(input / (1 - input)), of probabilities; NaN outside 0 .. 1.",
    .opts = (const em_opt_spec[]){
        {"eps", EM_OPT_NUMBER, "", "", "input is first kept between eps and 1 - eps; not given: it is not"},
        {0},
    },
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_INPLACE,
    .saves = EM_SAVE_X(0),
    .check = em__unary_check,
    .forward = logit_forward,
    .backward = logit_backward,
};
