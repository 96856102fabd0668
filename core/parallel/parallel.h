/* Parallel loops. Work is cut into chunks whose bounds depend on the amount of work alone, never on the number of
 * threads, so what a chunk computes, and the order in which chunk sums are added, is the same for any team.
 *
 * Inside a loop: no errors, no allocation, no handles, no Lua. */
#ifndef EM_PARALLEL_PARALLEL_H
#define EM_PARALLEL_PARALLEL_H

#include <stdint.h>

#include "base/interrupt.h"

extern int em__thread_count;
extern _Thread_local bool em__alone;            /* this thread has no team: see background.h */

/* The team is woken only for at least two grains of work: waking costs a microsecond or two. A unit of work is about
 * one floating-point operation or element moved. Always the whole team: libgomp lets go of the threads that a smaller
 * one leaves over, and has to make them again. */
enum { EM_GRAIN = 1 << 15 };

static inline int em__team(double work)
{
    return em__thread_count == 1 || work < 2.0 * EM_GRAIN || em__alone ? 1 : em__thread_count;
}

/* Inside a loop: which of the team's em_threads() or fewer threads runs, counted from 0; 0 outside. For scratch memory
 * of its own; results must not depend on it. */
int em__thread(void);

static inline int64_t em__min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t em__max(int64_t a, int64_t b) { return a > b ? a : b; }

/* Elements a chunk holds when one costs `each` units of work: a multiple of 64 elements for cheap ones, so that no
 * two chunks share a vector or a cache line. */
static inline int64_t em__chunk(double each)
{
    const int64_t n = (int64_t)(EM_GRAIN / (each < 1 ? 1 : each));
    return n >= 64 ? n & ~(int64_t)63 : n < 1 ? 1 : n;
}

static inline int64_t em__chunks(int64_t n, double each)
{
    const int64_t chunk = em__chunk(each);
    return (n + chunk - 1) / chunk;
}

/* for (lo, hi) in pieces of 0..n, one after the other on this thread: a long line inside a loop, or one that cannot be
 * shared out. Between pieces an interrupt is looked for; the rest is then left out. */
#define EM_PIECES(lo, hi, n) \
    for (int64_t lo = 0, hi = em__min(EM_GRAIN, (n)); lo < (n) && !em__stop; lo = hi, hi = em__min(lo + EM_GRAIN, (n)))

#define EM__PRAGMA(x) _Pragma(#x)

/* Before a for whose passes do not depend on each other: one pass may become one lane of a vector. */
#define EM_SIMD EM__PRAGMA(omp simd)

/* Before a for of at most 8 passes, whose number is known when it is compiled: written out, so that a small array stays
 * in registers. */
#ifdef __clang__
#define EM_WRITTEN_OUT EM__PRAGMA(unroll)
#else
#define EM_WRITTEN_OUT EM__PRAGMA(GCC unroll 8)
#endif

/* A function that is given a function, or a constant, to be compiled for: each call of it is a loop of its own. */
#define EM_INLINE static inline __attribute__((always_inline))

/* for (lo, hi) in chunks of 0..n, in parallel; an element costs `each` units of work:
 *     EM_PARALLEL_CHUNKS(lo, hi, n, 4.0 * D)
 *         for (int64_t i = lo; i < hi; i++) …                                                                  */
#define EM_PARALLEL_CHUNKS(lo, hi, n, each) \
    EM__PRAGMA(omp parallel for schedule(static) num_threads(em__team((double)(n) * (double)(each)))) \
    for (int64_t em__c = 0; em__c < em__chunks((n), (double)(each)); em__c++) \
        for (int64_t lo = em__c * em__chunk((double)(each)), hi = em__min(lo + em__chunk((double)(each)), (n)), \
             em__once = !em__stop; em__once; em__once = 0)

/* for (i) in 0..n, in parallel, each of `each` units of work: for few, large, equal pieces. An interrupt leaves none of
 * them out, so that what one loop lays down (positions, counts) the next may rely on. */
#define EM_PARALLEL_EACH(i, n, each) \
    EM__PRAGMA(omp parallel for schedule(static) num_threads(em__team((double)(n) * (double)(each)))) \
    for (int64_t i = 0; i < (n); i++)

/* The same, pieces of unequal size taken as threads get free. */
#define EM_PARALLEL_DYNAMIC(i, n, each) \
    EM__PRAGMA(omp parallel for schedule(dynamic) num_threads(em__team((double)(n) * (double)(each)))) \
    for (int64_t i = 0; i < (n); i++)

/* The same, for many pieces of neighbouring memory: threads take long runs of them first, then ever shorter ones. */
#define EM_PARALLEL_RUNS(i, n, each) \
    EM__PRAGMA(omp parallel for schedule(guided) num_threads(em__team((double)(n) * (double)(each)))) \
    for (int64_t i = 0; i < (n); i++)

/* The lowest offending position goes to `bad` (start it at INT64_MAX):
 *     EM_PARALLEL_MIN(i, n, bad) if (ids[i] < 0 || ids[i] >= rows) bad = em__min(bad, i);                        */
#define EM_PARALLEL_MIN(i, n, bad) \
    EM__PRAGMA(omp parallel for schedule(static) reduction(min : bad) num_threads(em__team((double)(n)))) \
    for (int64_t i = 0; i < (n); i++)

/* Before a loop that adds into `sum`: in vector lanes, always the same ones, so it has one order of its own. */
#define EM_SIMD_SUM(sum) EM__PRAGMA(omp simd reduction(+ : sum))

#endif
