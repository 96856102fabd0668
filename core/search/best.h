/* The best few of many hits: a higher score is better, and of equal scores the lower id. That order has no ties, so
 * which they are does not depend on the order in which hits come. */
#ifndef EM_SEARCH_BEST_H
#define EM_SEARCH_BEST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct em__hit {
    double score;               /* never NaN */
    int64_t id;
} em__hit;

static inline bool em__better(em__hit a, em__hit b)
{
    return a.score > b.score || (a.score == b.score && a.id < b.id);
}

/* A heap, the worst of them at at[0]. */
typedef struct em__best {
    em__hit *at;                /* room for `most` */
    int64_t n, most;
} em__best;

static inline bool em__best_is_full(const em__best *b) { return b->n == b->most; }

/* Takes the hit in unless there are `most` better ones. Whether it did. */
bool em__best_offer(em__best *b, em__hit hit);

/* Takes out the worst of at least one. */
em__hit em__best_pop(em__best *b);

/* The best first; no heap any more. */
void em__best_sort(em__best *b);

#endif
