/* exp, log and related functions without branches or calls, so that a loop over them becomes vector instructions. In
 * float they are right to one or two units in the last place, infinities, not-a-number and denormals included; double
 * takes the C library's. Written for kernels, whose build sets EM_REAL. */
#ifndef EM_MATH_VECTOR_MATH_H
#define EM_MATH_VECTOR_MATH_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t em__bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float em__from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* log 2 in two pieces; the first has so few digits that its product with an exponent is exact. */
#define EM__LN2_HIGH 0.693145751953125f
#define EM__LN2_LOW 1.42860682031e-6f

/* x = n log 2 + r with |r| <= log(2) / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits. */
static inline float em__exp_split(float x, int32_t *n)
{
    const float shift = 0x1.8p23f;
    const float z = x * 1.44269504f + shift;
    const float integer = z - shift;
    *n = (int32_t)(em__bits(z) - em__bits(shift));
    return (x - integer * EM__LN2_HIGH) - integer * EM__LN2_LOW;
}

/* exp(r) - 1 for a small r: r + r^2 / 2 + … */
static inline float em__exp_tail(float r)
{
    float q = 1.39269268e-3f;
    q = q * r + 8.36377405e-3f;
    q = q * r + 4.16665487e-2f;
    q = q * r + 1.66665733e-1f;
    q = q * r + 0.5f;
    return r + r * r * q;
}

static inline float em__power_of_2(int32_t n) { return em__from_bits((uint32_t)(n + 127) << 23); }

static inline float em__exp_f32(float x)
{
    const float in = x < -104 ? -104 : x > 89 ? 89 : x;     /* beyond these the result is 0 or infinity */
    int32_t n;
    const float r = em__exp_split(in, &n);
    const int32_t half = n >> 1;                            /* 2^n itself may be no float where the result is one */
    return (1 + em__exp_tail(r)) * em__power_of_2(half) * em__power_of_2(n - half);
}

/* 2^n exp(r) - 1 = 2^n (exp(r) - 1) + (2^n - 1): nothing cancels near 0, where n = 0. */
static inline float em__expm1_f32(float x)
{
    const float in = x < -18 ? -18 : x > 89 ? 89 : x;
    int32_t n;
    const float r = em__exp_split(in, &n);
    const int32_t half = n >> 1;
    const float a = em__power_of_2(half), b = em__power_of_2(n - half), inverse_b = em__power_of_2(half - n);
    return (em__exp_tail(r) * a + (a - inverse_b)) * b;
}

static inline float em__log_f32(float x)
{
    const int tiny = x < FLT_MIN;
    const uint32_t u = em__bits(tiny ? x * 0x1p23f : x);
    /* x = 2^e m with m in sqrt(1/2) .. sqrt(2) */
    const int32_t e = (int32_t)(u - em__bits(0.707106781f)) >> 23;
    const float f = em__from_bits(u - ((uint32_t)e << 23)) - 1;
    const float n = (float)(e - (tiny ? 23 : 0));
    float p = 6.97161183e-2f;
    p = p * f - 1.14797339e-1f;
    p = p * f + 1.16854198e-1f;
    p = p * f - 1.24256872e-1f;
    p = p * f + 1.42490581e-1f;
    p = p * f - 1.66678026e-1f;
    p = p * f + 2.00007156e-1f;
    p = p * f - 2.49999970e-1f;
    p = p * f + 3.33333313e-1f;
    const float y = n * EM__LN2_HIGH + (f + (n * EM__LN2_LOW + f * f * (p * f - 0.5f)));
    return !(x <= FLT_MAX) ? x : x > 0 ? y : x == 0 ? -INFINITY : NAN;
}

/* log(1 + x), and what rounding 1 + x lost. */
static inline float em__log1p_f32(float x)
{
    const float u = 1 + x;
    const float lost = x > 1 ? 1 - (u - x) : x - (u - 1);
    const float y = em__log_f32(u);
    return u > 0 && u <= FLT_MAX ? y + lost / u : y;
}

static inline float em__tanh_f32(float x)
{
    const float size = fabsf(x);
    const float e = em__expm1_f32(2 * (size > 10 ? 10 : size));
    return copysignf(e / (e + 2), x);
}

static inline float em__sigmoid_f32(float x)
{
    const float e = em__exp_f32(-fabsf(x));
    return (x < 0 ? e : 1) / (1 + e);
}

static inline float em__erf_f32(float x)
{
    const float size = fabsf(x), s = x * x;
    float p = 7.87587487e-5f;                               /* below 1: erf(x) / x - 1 as a polynomial of x^2 */
    p = p * s - 8.01686430e-4f;
    p = p * s + 5.18908724e-3f;
    p = p * s - 2.68542115e-2f;
    p = p * s + 1.12835944e-1f;
    p = p * s - 3.76126260e-1f;
    p = p * s + 1.28379166e-1f;
    const float t = size > 4 ? 4 : size;                    /* above: -log(1 - erf(x)) as a polynomial of x */
    float q = -1.63715140e-6f;
    q = q * t + 4.60580413e-5f;
    q = q * t - 5.96805675e-4f;
    q = q * t + 4.75959620e-3f;
    q = q * t - 2.64211353e-2f;
    q = q * t + 1.10080086e-1f;
    q = q * t + 6.31826043e-1f;
    q = q * t + 1.13023341f;
    q = q * t - 3.20138060e-4f;
    const float far = copysignf(1 - em__exp_f32(-q), x);
    return size < 1 ? x + x * p : far;
}

static inline double em__sigmoid_f64(double x)
{
    const double e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

#define EM__PICK(name, of_double) \
    static inline EM_REAL em__##name(EM_REAL x) \
    { \
        return _Generic((EM_REAL)0, float: em__##name##_f32, double: of_double)(x); \
    }
EM__PICK(exp, exp)
EM__PICK(expm1, expm1)
EM__PICK(log, log)
EM__PICK(log1p, log1p)
EM__PICK(tanh, tanh)
EM__PICK(sigmoid, em__sigmoid_f64)
EM__PICK(erf, erf)
#undef EM__PICK

#endif
