/* Elementary functions. */
#include <tgmath.h>

#include "math/vector_math.h"
#include "ops/unary.h"

#define PI 3.14159265358979323846
#define LN_2 0.69314718055994530942
#define LN_10 2.30258509299404568402

/* name, value of x, gradient from dy and x or y, which of them, options, help */
#define ROWS(ROW) \
    ROW(exp, em__exp(x), dy * y, Y, NULL, "e to the power of each element.") \
    ROW(exp2, exp2(x), dy * y * (em_real)LN_2, Y, NULL, "2 to the power of each element.") \
    ROW(expm1, em__expm1(x), dy * (y + 1), Y, NULL, "exp(x) - 1, exact also near 0.") \
    ROW(log, em__log(x), dy / x, X, NULL, "Natural logarithm; NaN below 0, -inf at 0.") \
    ROW(log1p, em__log1p(x), dy / (x + 1), X, NULL, "log(1 + x), exact also near 0.") \
    ROW(log2, log2(x), dy / (x * (em_real)LN_2), X, NULL, "Logarithm to base 2.") \
    ROW(log10, log10(x), dy / (x * (em_real)LN_10), X, NULL, "Logarithm to base 10.") \
    ROW(sqrt, sqrt(x), dy / (2 * y), Y, NULL, "Square root; NaN below 0.") \
    ROW(rsqrt, 1 / sqrt(x), dy * (em_real)-0.5 * y * y * y, Y, NULL, "1 / sqrt(x).") \
    ROW(reciprocal, 1 / x, -dy * y * y, Y, NULL, "1 / x.") \
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
        "Error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.") \
    ROW(erfc, erfc(x), dy * (em_real)(-2 / sqrt(PI)) * em__exp(-x * x), X, NULL, "1 - erf(x), also exact far out.") \
    ROW(sigmoid, em__sigmoid(x), dy * y * (1 - y), Y, NULL, "1 / (1 + exp(-x)).") \
    ROW(frac, x - trunc(x), dy, NOTHING, NULL, "The part after the point, with the sign of x.")

ROWS(EM_UNARY)
