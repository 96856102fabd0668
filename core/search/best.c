/* The best few of many hits, in a heap. */
#include "search/best.h"

/* Puts a hit where at[0] stood, and in order with the n - 1 others. */
static void sink(em__hit *at, int64_t n, em__hit hit)
{
    int64_t i = 0;
    for (int64_t child = 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && em__better(at[child], at[child + 1])) child++;
        if (!em__better(hit, at[child])) break;
        at[i] = at[child];
        i = child;
    }
    at[i] = hit;
}

static void rise(em__hit *at, int64_t i, em__hit hit)
{
    for (; i > 0 && em__better(at[(i - 1) / 2], hit); i = (i - 1) / 2) at[i] = at[(i - 1) / 2];
    at[i] = hit;
}

bool em__best_offer(em__best *b, em__hit hit)
{
    if (!em__best_is_full(b)) {
        rise(b->at, b->n, hit);
        b->n++;
        return true;
    }
    if (!b->n || !em__better(hit, b->at[0])) return false;
    sink(b->at, b->n, hit);
    return true;
}

em__hit em__best_pop(em__best *b)
{
    const em__hit worst = b->at[0];
    b->n--;
    if (b->n) sink(b->at, b->n, b->at[b->n]);
    return worst;
}

void em__best_sort(em__best *b)
{
    const int64_t n = b->n;
    for (int64_t i = n - 1; i > 0; i--) b->at[i] = em__best_pop(b);
    b->n = n;
}
