/* The matrix product c = alpha a b + beta c, of a (M, K), b (K, N) and c (M, N).
 *
 * BLAS does the arithmetic, one thread a call; the parallel loop is ours. It runs over tiles of c that depend on the
 * sizes alone, so the bits of a result do not depend on the number of threads. Element (i, j) of a matrix lies at
 * data[i * row + j * col]: a transposed matrix is the same memory with row and col exchanged. */
#ifndef EM_MATH_GEMM_H
#define EM_MATH_GEMM_H

#include "tensor/shape.h"

typedef struct em_gemm {
    em_dtype dtype;                     /* EM_F32 or EM_F64 */
    int64_t m, n, k;
    int64_t a_row, a_col, b_row, b_col; /* a and b each such that em__gemm_takes it */
    int64_t c_row;                      /* the rows of c are contiguous */
    double alpha, beta;                 /* beta = 0: what c held does not matter */
} em_gemm;

/* Whether BLAS can read a matrix with these strides: rows or columns contiguous, none overlapping another. */
bool em__gemm_takes(int64_t rows, int64_t cols, int64_t row, int64_t col);

/* One product, in parallel. Fails: EM_ENOMEM (a long sum is cut into parts; BLAS has buffers), c then is as it was. */
em_status em__gemm(const em_gemm *g, const void *a, const void *b, void *c);

/* One product on the calling thread, for use inside a parallel loop, before which em__blas_ready succeeded. */
void em__gemm_serial(const em_gemm *g, const void *a, const void *b, void *c);

/* Many products, in parallel. `each` iterates over a, b and c (tensors 0, 1, 2) from one c to the next; `sum` over the
 * products that are added, in order, into the same c. Either may be null: just one. */
em_status em__gemm_batch(const em_gemm *g, const em_iterator *each, const em_iterator *sum, const void *a,
                         const void *b, void *c);

/* Sum of x[i * x_step] * y[i * y_step], in parallel, in an order that depends on n alone. */
double em__dot(em_dtype dtype, int64_t n, const void *x, int64_t x_step, const void *y, int64_t y_step);

#endif
