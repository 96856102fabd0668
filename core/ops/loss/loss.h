/* What the losses share: how the losses of elements, or of rows, become one number. */
#ifndef EM_OPS_LOSS_H
#define EM_OPS_LOSS_H

#include "graph/op.h"

enum em_reduction { EM_MEAN, EM_SUM, EM_NONE, EM_BATCHMEAN };

#define EM_REDUCTION \
    {"reduction", EM_OPT_ENUM, "mean", "mean sum none", "mean over all losses, their sum, or none: each by itself"}

/* Works on lo .. hi-1 of a loss's elements or rows and returns their sum (0 in a backward). */
typedef double em_loss_term(const void *job, int64_t lo, int64_t hi);

enum { EM_LOSS_TERMS = 256 };

/* The sum over 0 .. n-1, each of `each` units of work. The terms depend on n alone and are added in order; there are
 * at most EM_LOSS_TERMS, so that their sums need no memory of their own. */
static inline double em__loss_total(em_loss_term *term, const void *job, int64_t n, double each)
{
    const int64_t size = em__max(em__chunk(each), (n + EM_LOSS_TERMS - 1) / EM_LOSS_TERMS);
    if (n <= size) return term(job, 0, n);
    const int64_t terms = (n + size - 1) / size;
    double sums[EM_LOSS_TERMS], total = 0;
    EM_PARALLEL_EACH(k, terms, (double)size * each)
        sums[k] = em__stop ? 0 : term(job, k * size, em__min((k + 1) * size, n));
    for (int64_t k = 0; k < terms; k++) total += sums[k];
    return total;
}

#ifdef EM_VARIANT
/* Sum of n numbers in an order that is the same for every vector width. */
static inline double em__loss_sum(const em_real *x, int64_t n)
{
    enum { LANES = 16 };
    double lane[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k];
    for (; i < n; i++) sum += (double)x[i];
    for (int k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}
#endif

#endif
