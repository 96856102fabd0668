/* Vectors of the compiler's, for kernels whose sums must stay in registers (needs EM_VARIANT): gcc and clang keep
 * variables of these types there, small arrays they often do not. */
#ifndef EM_TENSOR_SIMD_H
#define EM_TENSOR_SIMD_H

#include "tensor/scalar.h"

#if defined __AVX512F__
#define EM__MACHINE_BYTES 64
#elif defined __AVX__
#define EM__MACHINE_BYTES 32
#else
#define EM__MACHINE_BYTES 16
#endif

enum {
    EM__FOUR_BYTES = 4 * (int)sizeof(em_real),
    EM__VECTOR_BYTES = EM__MACHINE_BYTES > EM__FOUR_BYTES ? EM__MACHINE_BYTES : EM__FOUR_BYTES,
    EM_WIDE = EM__VECTOR_BYTES / (int)sizeof(em_real)               /* elements of an em_vector */
};

#define EM__VECTOR(bytes) __attribute__((vector_size(bytes), aligned(sizeof(em_real)), may_alias))

typedef em_real em_vector EM__VECTOR(EM__VECTOR_BYTES);             /* as long as the machine's, at any address */
typedef em_real em_four EM__VECTOR(EM__FOUR_BYTES);                 /* for what is left of a row */

#define EM_VECTOR_AT(p) (*(const em_vector *)(p))
#define EM_FOUR_AT(p) (*(const em_four *)(p))

/* v = the n = 1 .. 4 elements at p, and zeros; and back. */
static inline void em__read_few(em_four *v, const em_real *p, int64_t n)
{
    *v = n >= 4 ? EM_FOUR_AT(p) : (em_four){p[0], n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, 0};
}

static inline void em__write_few(em_real *p, const em_four *v, int64_t n)
{
    if (n >= 4)
        *(em_four *)p = *v;
    else
        for (int64_t i = 0; i < n; i++) p[i] = (*v)[i];
}

#define EM__BITS(v) __typeof__((v) < (v))                           /* integers as long as v's elements */

#define EM_ALL(v, number) ((number) - (__typeof__(v)){0})           /* a vector like v of one number */
#define EM_MAGNITUDE(v) ((__typeof__(v))((EM__BITS(v))(v) & ~(EM__BITS(v))-(__typeof__(v)){0}))
/* +a, -a or 0 by the sign of x - q; 0 for NaN */
#define EM_SIGNED(a, x, q) \
    ((__typeof__(x))((((x) > (q)) & (EM__BITS(x))(a)) | (((x) < (q)) & (EM__BITS(x)) - (a))))

/* a0 b0 a1 b1, and a2 b2 a3 b3 */
#define EM__LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define EM__HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)

/* sum = the sums of four vectors' elements, each with those of its tail. */
static inline void em__sum_four(em_real sum[4], const em_vector v[4], const em_four tail[4])
{
    em_four s[4];
    for (int k = 0; k < 4; k++) {
        s[k] = tail[k];
        for (int i = 0; i < EM_WIDE; i += 4) s[k] += EM_FOUR_AT((const em_real *)&v[k] + i);
    }
    const em_four ab = EM__LOW(s[0], s[1]) + EM__HIGH(s[0], s[1]), cd = EM__LOW(s[2], s[3]) + EM__HIGH(s[2], s[3]);
    *(em_four *)sum = __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

#endif
