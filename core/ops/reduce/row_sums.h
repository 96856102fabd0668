/* Sums and maxima along a row, in lanes whose number does not depend on the machine's vectors. Needs em_real of
 * graph/op.h. */
#ifndef EM_OPS_ROW_SUMS_H
#define EM_OPS_ROW_SUMS_H

#include <math.h>

#include "graph/op.h"

enum { EM_LANES = 16 };

/* The lanes of a sum added to what is left of it, in order. */
static inline em_real em__lanes_sum(const em_real lane[EM_LANES], em_real sum)
{
    for (int k = 0; k < EM_LANES; k++) sum += lane[k];
    return sum;
}

/* Function `name(n, …)`: the sum over i in 0 .. n-1 of an expression of i and the further arguments. One sum a loop:
 * compilers make vectors of one array of lanes, but not of two. */
#define EM_ROW_SUM(name, expression, ...) \
    static inline em_real name(int64_t n, __VA_ARGS__) \
    { \
        em_real lane[EM_LANES] = {0}, sum = 0; \
        int64_t at = 0; \
        for (; at + EM_LANES <= n; at += EM_LANES) \
            for (int64_t k = 0, i = at; k < EM_LANES; k++, i = at + k) lane[k] += (expression); \
        for (int64_t i = at; i < n; i++) sum += (expression); \
        return em__lanes_sum(lane, sum); \
    }

EM_ROW_SUM(em__row_sum, x[i], const em_real *x)
EM_ROW_SUM(em__row_squares, (x[i] - mean) * (x[i] - mean), const em_real *x, em_real mean)
EM_ROW_SUM(em__row_dot, x[i] * y[i], const em_real *x, const em_real *y)
EM_ROW_SUM(em__row_product, dy[i] * (x[i] - mean), const em_real *dy, const em_real *x, em_real mean)
EM_ROW_SUM(em__row_product_3, dy[i] * w[i] * (x[i] - mean), const em_real *dy, const em_real *w, const em_real *x,
           em_real mean)

/* 1 / sqrt(mean of (x - mean)^2 + eps); squares that are too large for em_real are added in double. */
static inline em_real em__row_rstd(int64_t n, const em_real *x, em_real mean, em_real eps)
{
    const em_real squares = em__row_squares(n, x, mean);
    if (isfinite(squares)) return 1 / (em_real)sqrt((double)(squares / (em_real)n + eps));
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)(x[i] - mean) * (double)(x[i] - mean);
    return (em_real)(1 / sqrt(sum / (double)n + (double)eps));
}

/* sqrt(sum of (x - y)^2) of a sum that was added as em_real: where that is too large or small to hold, it is added
 * again, in double. */
static inline double em__row_distance(em_real squares, int64_t n, const em_real *x, const em_real *y)
{
    if (squares > (em_real)1e-30 && squares < (em_real)1e30) return sqrt((double)squares);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sqrt(sum);
}

/* The largest number, -infinity if there is none; one that is not a number is passed over. */
static inline em_real em__row_max(int64_t n, const em_real *x)
{
    em_real lane[EM_LANES], most = -(em_real)INFINITY;
    int64_t i = 0;
    for (int k = 0; k < EM_LANES; k++) lane[k] = most;
    for (; i + EM_LANES <= n; i += EM_LANES)
        for (int k = 0; k < EM_LANES; k++) lane[k] = x[i + k] > lane[k] ? x[i + k] : lane[k];
    for (; i < n; i++) most = x[i] > most ? x[i] : most;
    for (int k = 0; k < EM_LANES; k++) most = lane[k] > most ? lane[k] : most;
    return most;
}

#endif
