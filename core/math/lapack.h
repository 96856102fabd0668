/* LAPACK's routines, which OpenBLAS holds, in Fortran's calling form: everything by address, matrices by columns, the
 * lengths of texts at the end. They are weak: a BLAS without them links, and LAPACK(name) is null. */
#ifndef EM_MATH_LAPACK_H
#define EM_MATH_LAPACK_H

#include <stddef.h>

#define EM__WEAK __attribute__((weak))
#define EM__DECOMPOSITIONS(s, real) \
    void s##gesdd_(const char *job, const int *m, const int *n, real *a, const int *lda, real *singular, real *u, \
                   const int *ldu, real *vt, const int *ldvt, real *work, const int *lwork, int *iwork, int *info, \
                   size_t) EM__WEAK; \
    void s##syevd_(const char *job, const char *uplo, const int *n, real *a, const int *lda, real *values, real *work, \
                   const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t) EM__WEAK;
#define EM__FACTORS(s, real) \
    void s##potrf_(const char *uplo, const int *n, real *a, const int *lda, int *info, size_t) EM__WEAK; \
    void s##getrf_(const int *m, const int *n, real *a, const int *lda, int *pivots, int *info) EM__WEAK; \
    void s##getrs_(const char *trans, const int *n, const int *columns, const real *a, const int *lda, \
                   const int *pivots, real *b, const int *ldb, int *info, size_t) EM__WEAK;
#define EM__ORTHOGONAL(s, real) \
    void s##geqrf_(const int *m, const int *n, real *a, const int *lda, real *tau, real *work, const int *lwork, \
                   int *info) EM__WEAK; \
    void s##orgqr_(const int *m, const int *n, const int *k, real *a, const int *lda, const real *tau, real *work, \
                   const int *lwork, int *info) EM__WEAK;
EM__DECOMPOSITIONS(s, float)
EM__DECOMPOSITIONS(d, double)
EM__FACTORS(s, float)
EM__FACTORS(d, double)
EM__ORTHOGONAL(s, float)
EM__ORTHOGONAL(d, double)

#endif
