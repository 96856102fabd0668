/* Rows of float16 and bfloat16 from and to float32, eight at a time where the processor can. */
#include "tensor/half.h"

#include "base/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Of whole eights; the rest is left. Every processor with AVX2 has these. */
__attribute__((target("avx,f16c"))) static int64_t read_eights(float *to, const uint16_t *from, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from + i))));
    return i;
}

__attribute__((target("avx,f16c"))) static int64_t write_eights(uint16_t *to, const float *from, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    return i;
}
#else
static int64_t read_eights(float *to, const uint16_t *from, int64_t n) { return (void)to, (void)from, 0 * n; }
static int64_t write_eights(uint16_t *to, const float *from, int64_t n) { return (void)to, (void)from, 0 * n; }
#endif

void em__read_f16s(float *restrict to, const uint16_t *restrict from, int64_t n)
{
    for (int64_t i = em__cpu_level() >= 3 ? read_eights(to, from, n) : 0; i < n; i++) to[i] = em__read_f16(from[i]);
}

void em__write_f16s(uint16_t *restrict to, const float *restrict from, int64_t n)
{
    for (int64_t i = em__cpu_level() >= 3 ? write_eights(to, from, n) : 0; i < n; i++) to[i] = em__write_f16(from[i]);
}
