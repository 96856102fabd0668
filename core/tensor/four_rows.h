/* Vectors added and compared four at a time, for kernels (needs EM_VARIANT): what they are added to, or compared with,
 * is read once for the four. */
#ifndef EM_TENSOR_FOUR_ROWS_H
#define EM_TENSOR_FOUR_ROWS_H

#include "parallel/parallel.h"
#include "tensor/real.h"

#define EM__SCALED(a, x, q) ((a) * (x))
#define EM__SIGN(a, x, q) ((x) > (q) ? (a) : (x) < (q) ? -(a) : 0)          /* of x - q; 0 for NaN */
#define EM__DIFFERENCE(a, x, q) ((a) * ((q) - (x)))

/* name: y += the sum of term(a[i], x[i], q), element by element; x[0] first, so that the sum is the same as that of
 * name_one, which adds a single vector. `q` of `term`s that have none is any vector. */
#define EM__ADD_FOUR(name, term) \
    static inline void name##_one(em_real *restrict y, const em_real *restrict x, const em_real *restrict q, \
                                  em_real a, int64_t width) \
    { \
        for (int64_t d = 0; d < width; d++) y[d] += term(a, x[d], q[d]); \
        (void)q; \
    } \
    static inline void name(em_real *restrict y, const em_real *const x[4], const em_real *restrict q, \
                            const em_real a[4], int64_t width) \
    { \
        const em_real *restrict x0 = x[0], *restrict x1 = x[1], *restrict x2 = x[2], *restrict x3 = x[3]; \
        const em_real a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3]; \
        for (int64_t d = 0; d < width; d++) \
            y[d] = y[d] + term(a0, x0[d], q[d]) + term(a1, x1[d], q[d]) + term(a2, x2[d], q[d]) + \
                   term(a3, x3[d], q[d]); \
        (void)q; \
    }
EM__ADD_FOUR(em__add_scaled, EM__SCALED)
EM__ADD_FOUR(em__add_signs, EM__SIGN)
EM__ADD_FOUR(em__add_differences, EM__DIFFERENCE)

/* name: sums over d of f(q[d], x[i][d]). The four run side by side, so that none waits for itself. */
#define EM_FOUR_SUMS(name, f) \
    static inline void name(em_real to[4], const em_real *restrict q, const em_real *const x[4], int64_t width) \
    { \
        const em_real *restrict x0 = x[0], *restrict x1 = x[1], *restrict x2 = x[2], *restrict x3 = x[3]; \
        em_real s0 = 0, s1 = 0, s2 = 0, s3 = 0; \
        EM__PRAGMA(omp simd reduction(+ : s0, s1, s2, s3)) \
        for (int64_t d = 0; d < width; d++) { \
            s0 += f(q[d], x0[d]); \
            s1 += f(q[d], x1[d]); \
            s2 += f(q[d], x2[d]); \
            s3 += f(q[d], x3[d]); \
        } \
        to[0] = s0, to[1] = s1, to[2] = s2, to[3] = s3; \
    }

#endif
