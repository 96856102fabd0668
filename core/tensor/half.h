/* The half types, which are kept in memory and never computed with: float16 (IEEE binary16: 5 bits of exponent, 10 of
 * fraction) and bfloat16 (the upper half of a float32). Reading is exact; writing rounds to the nearest, ties to even,
 * beyond the largest to infinity. A NaN stays a NaN of its sign. */
#ifndef EM_TENSOR_HALF_H
#define EM_TENSOR_HALF_H

#include <stdint.h>
#include <string.h>

#include "embla.h"

static inline float em__float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t em__bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float em__read_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, size = h & 0x7fff;
    uint32_t bits;
    if (size < 0x400)
        bits = em__bits_of_float((float)size * 0x1p-24f);               /* subnormal: units of the smallest one */
    else if (size < 0x7c00)
        bits = (size << 13) + ((127 - 15) << 23);
    else
        bits = 0x7f800000 | size << 13 | (uint32_t)(size > 0x7c00) << 22;       /* infinity, or a quiet NaN */
    return em__float_of_bits(sign | bits);
}

static inline uint16_t em__write_f16(float x)
{
    const uint32_t bits = em__bits_of_float(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    uint32_t h;
    if (size > 0x7f800000)
        h = 0x7e00 | (size >> 13 & 0x3ff);
    else if (size >= 0x477ff000)                                        /* 65520 lies halfway to what is too large */
        h = 0x7c00;
    else if (size < 0x38800000)                                         /* beside 0.5 a float has steps of 2^-24 */
        h = em__bits_of_float(em__float_of_bits(size) + 0.5f) - 0x3f000000;
    else
        h = (size - ((127 - 15) << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    return (uint16_t)(sign | h);
}

static inline float em__read_bf16(uint16_t h) { return em__float_of_bits((uint32_t)h << 16); }

static inline uint16_t em__write_bf16(float x)
{
    const uint32_t bits = em__bits_of_float(x), rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
}

/* n of them, with the processor's own instructions where it has some. */
void em__read_f16s(float *restrict to, const uint16_t *restrict from, int64_t n);
void em__write_f16s(uint16_t *restrict to, const float *restrict from, int64_t n);

/* The dtype that operations compute in for tensors of dtype d. */
static inline em_dtype em__computed_in(em_dtype d) { return em_dtype_is_half(d) ? EM_F32 : d; }

#endif
