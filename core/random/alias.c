/* Alias tables: built from weights. */
#include "random/alias.h"

#include "base/memory.h"

static int64_t heaviest(const double *weights, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (weights[i] > weights[best]) best = i;
    return best;
}

static uint32_t fixed_point(double share)
{
    return share <= 0 ? 0 : share >= 1 ? UINT32_MAX : (uint32_t)(share * 0x1p32);
}

/* `share` holds each number's weight in columns (mean 1); numbers below 1 stand in the first half of `order`, from the
 * left, the others from the right. A small one's column is filled up by a large one, which is then less large. */
static void pair_up(em__alias *a, double *share, int32_t *order, int64_t most)
{
    int64_t small = 0, large = a->n;
    for (int64_t i = a->n - 1; i >= 0; i--) {
        if (share[i] < 1)
            order[small++] = (int32_t)i;
        else
            order[--large] = (int32_t)i;
    }
    while (small > 0 && large < a->n) {
        const int32_t low = order[--small], high = order[large];
        a->columns[low] = (em__column){fixed_point(share[low]), high};
        share[high] -= 1 - share[low];
        if (share[high] < 1) {
            large++;
            order[small++] = high;
        }
    }
    /* What is left is 1 but for rounding; numbers of weight 0 must not gain by it. */
    while (large < a->n) {
        a->columns[order[large]] = (em__column){UINT32_MAX, order[large]};
        large++;
    }
    while (small > 0) {
        const int32_t low = order[--small];
        a->columns[low] =
            share[low] < 0.5 ? (em__column){fixed_point(share[low]), (int32_t)most} : (em__column){UINT32_MAX, low};
    }
}

em_status em__alias_new(em__alias *a, const double *weights, int64_t n)
{
    const size_t columns = (size_t)n * sizeof *a->columns, shares = (size_t)n * sizeof(double),
                 orders = (size_t)n * sizeof(int32_t);
    *a = (em__alias){.n = n, .columns = em__alloc(columns)};
    double *share = em__alloc(shares);
    int32_t *order = em__alloc(orders);
    if (!a->columns || !share || !order) {
        em__free(share, shares);
        em__free(order, orders);
        em__alias_free(a);
        return em__fail_memory("a table of weights", columns);
    }
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += weights[i];
    for (int64_t i = 0; i < n; i++) share[i] = weights[i] / total * (double)n;
    pair_up(a, share, order, heaviest(weights, n));
    em__free(share, shares);
    em__free(order, orders);
    return EM_OK;
}

void em__alias_free(em__alias *a)
{
    em__free(a->columns, (size_t)a->n * sizeof *a->columns);
    *a = (em__alias){0};
}
