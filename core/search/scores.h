/* Scores of queries against rows, in which the greatest is the best: the loops under every search, compiled for each
 * variant. A score's bits depend on its two vectors alone, however many of them are worked out at once. */
#ifndef EM_SEARCH_SCORES_H
#define EM_SEARCH_SCORES_H

#include "embla.h"

typedef struct em__tile {
    const void *queries, *rows; /* (n, width), (m, width) */
    int64_t n, m, width;
    void *out;                  /* (n, m): row i begins at i * stride */
    int64_t stride;
    const int32_t *which;       /* m numbers of the rows that are meant; null: the first m */
} em__tile;

typedef struct em__scores {
    void (*dot)(const em__tile *t);
    void (*l2)(const em__tile *t);                      /* minus the square of the distance */
    /* out = 1 / the lengths of m rows, 0 for a length of 0; no length is too small or large for its square */
    void (*inverse_norms)(void *out, const void *rows, int64_t m, int64_t width);
    void (*invert)(void *out, const void *norms, int64_t m);
    void (*scale)(void *scores, const void *factors, int64_t m);
    void (*to_unit)(void *rows, int64_t m, int64_t width);
    /* Positions of the n scores that are greater than a number, ascending, into `at`; returns how many. */
    int64_t (*above)(int32_t *at, const void *scores, int64_t n, double than);
} em__scores;

/* For float32 or float64, for the best instruction set this processor runs; null if none was built that it can. */
const em__scores *em__scores_find(em_dtype dtype);

#endif
