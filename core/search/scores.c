/* Scores of a tile of queries and rows, compiled for each variant. Each score is summed in one way: the lanes of a
 * vector along the width, then the lanes, four rows at a time; a tile with fewer reads its last row again. */
#include "search/scores.h"

#include <float.h>
#include <math.h>

#include "parallel/parallel.h"
#include "tensor/simd.h"

/* Queries that go through four rows together: as many sums as keep the processor busy and its registers suffice for. */
enum { TOGETHER = EM__MACHINE_BYTES >= 64 ? 4 : 2 };

/* What two elements add to a score. A macro: how vectors are passed as arguments depends on the machine. */
#define TERM(a, b, distance) ((distance) ? ((a) - (b)) * ((b) - (a)) : (a) * (b))

/* Elements of an em_vector, for the preprocessor, which knows no sizeof. */
#define WIDE_OF_float (EM__MACHINE_BYTES / 4)
#define WIDE_OF_double (EM__MACHINE_BYTES / 8)
#define WIDE_OF(real) WIDE_OF_##real
#define WIDE_OF_NAMED(real) WIDE_OF(real)

/* The halves of a vector, added, until four elements are left: em__sum_four goes through memory for it. */
#define HALVES_OF_8(v) \
    (__builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7))
#define HALVES_OF_16(v) \
    (__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) + \
     __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15))
#if WIDE_OF_NAMED(EM_REAL) == 16
typedef em_real em_eight EM__VECTOR(8 * sizeof(em_real));
#define TO_FOUR(four, v) \
    do { \
        const em_eight eight = HALVES_OF_16(v); \
        four = HALVES_OF_8(eight); \
    } while (0)
#elif WIDE_OF_NAMED(EM_REAL) == 8
#define TO_FOUR(four, v) (four = HALVES_OF_8(v))
#else
#define TO_FOUR(four, v) (four = (v))
#endif

/* The sums of four vectors, each with its tail. */
EM_INLINE void sum_four(em_four *sum, const em_vector v[4], const em_four tail[4])
{
    em_four s[4];
    EM_WRITTEN_OUT
    for (int k = 0; k < 4; k++) {
        TO_FOUR(s[k], v[k]);
        s[k] += tail[k];
    }
    const em_four ab = EM__LOW(s[0], s[1]) + EM__HIGH(s[0], s[1]), cd = EM__LOW(s[2], s[3]) + EM__HIGH(s[2], s[3]);
    *sum = __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/* sum[q][r] of `count` queries, q rows of `width` apart, and four rows. */
EM_INLINE void four_rows(em_four sum[], const em_real *query, int count, const em_real *const row[4], int64_t width,
                         bool distance)
{
    em_vector v[TOGETHER][4] = {{{0}}};
    int64_t d = 0;
    for (; d + EM_WIDE <= width; d += EM_WIDE) {
        EM_WRITTEN_OUT
        for (int q = 0; q < count; q++) {
            const em_vector x = EM_VECTOR_AT(query + q * width + d);
            EM_WRITTEN_OUT
            for (int r = 0; r < 4; r++) v[q][r] += TERM(x, EM_VECTOR_AT(row[r] + d), distance);
        }
    }
    EM_WRITTEN_OUT
    for (int q = 0; q < count; q++) {
        em_four tail[4] = {{0}}, x, y;
        int64_t e = d;
        for (; e + 4 <= width; e += 4) {
            x = EM_FOUR_AT(query + q * width + e);
            EM_WRITTEN_OUT
            for (int r = 0; r < 4; r++) tail[r] += TERM(x, EM_FOUR_AT(row[r] + e), distance);
        }
        if (e < width) {
            em__read_few(&x, query + q * width + e, width - e);
            EM_WRITTEN_OUT
            for (int r = 0; r < 4; r++) {
                em__read_few(&y, row[r] + e, width - e);
                tail[r] += TERM(x, y, distance);
            }
        }
        sum_four(&sum[q], v[q], tail);
    }
}

EM_INLINE void score_group(const em__tile *t, int64_t q, int count, const em_real *const row[4], int64_t at,
                           bool distance)
{
    em_four sum[TOGETHER];
    em_real *out = (em_real *)t->out + q * t->stride + at;
    four_rows(sum, (const em_real *)t->queries + q * t->width, count, row, t->width, distance);
    const int64_t n = em__min(4, t->m - at);
    EM_WRITTEN_OUT
    for (int i = 0; i < count; i++) em__write_few(out + i * t->stride, &sum[i], n);
}

EM_INLINE void score_tile(const em__tile *t, bool distance)
{
    const em_real *rows = t->rows;
    for (int64_t at = 0; at < t->m; at += 4) {
        const em_real *row[4];
        for (int64_t r = 0; r < 4; r++) {
            const int64_t i = em__min(at + r, t->m - 1);
            row[r] = rows + (t->which ? t->which[i] : i) * t->width;
        }
        int64_t q = 0;
        for (; q + TOGETHER <= t->n; q += TOGETHER) score_group(t, q, TOGETHER, row, at, distance);
        for (; q < t->n; q++) score_group(t, q, 1, row, at, distance);
    }
}

static void dot(const em__tile *t) { score_tile(t, false); }
static void l2(const em__tile *t) { score_tile(t, true); }

/* ---- lengths ------------------------------------------------------------------------------------------- */

static em_real inverse(em_real length) { return length == 0 ? 0 : 1 / length; }

/* Of a row whose squares need not be numbers of this size. */
static double wide_norm(const em_real *x, int64_t width)
{
    double largest = 0, sum = 0;
    for (int64_t d = 0; d < width; d++) largest = fmax(largest, fabs((double)x[d]));
    for (int64_t d = 0; largest > 0 && d < width; d++) sum += (double)x[d] / largest * ((double)x[d] / largest);
    return largest * sqrt(sum);
}

/* The length. A sum in which squares were lost, or that is infinite, is not taken. */
static double norm(const em_real *x, int64_t width)
{
    const double least = sizeof(em_real) == 4 ? 1e-24 : 1e-276, most = sizeof(em_real) == 4 ? FLT_MAX : DBL_MAX;
    em_real sum = 0;
    EM_SIMD_SUM(sum)
    for (int64_t d = 0; d < width; d++) sum += x[d] * x[d];
    return (double)sum < least || (double)sum > most ? wide_norm(x, width) : sqrt((double)sum);
}

/* At most the largest number: the inverse of the smallest lengths is none. */
static em_real inverse_norm(const em_real *x, int64_t width)
{
    const em_real largest = sizeof(em_real) == 4 ? (em_real)FLT_MAX : (em_real)DBL_MAX;
    const em_real factor = inverse((em_real)norm(x, width));
    return factor > largest ? largest : factor;
}

static void inverse_norms(void *out, const void *rows, int64_t m, int64_t width)
{
    for (int64_t i = 0; i < m; i++) ((em_real *)out)[i] = inverse_norm((const em_real *)rows + i * width, width);
}

static void invert(void *out, const void *norms, int64_t m)
{
    for (int64_t i = 0; i < m; i++) ((em_real *)out)[i] = inverse(((const em_real *)norms)[i]);
}

static void scale(void *scores, const void *factors, int64_t m)
{
    em_real *restrict s = scores;
    const em_real *restrict f = factors;
    for (int64_t i = 0; i < m; i++) s[i] *= f[i];
}

static void to_unit(void *rows, int64_t m, int64_t width)
{
    for (int64_t i = 0; i < m; i++) {
        em_real *x = (em_real *)rows + i * width;
        const em_real factor = inverse_norm(x, width);
        for (int64_t d = 0; d < width; d++) x[d] *= factor;
    }
}

/* ---- choice -------------------------------------------------------------------------------------------- */

static int64_t above(int32_t *at, const void *scores, int64_t n, double than)
{
    enum { LOOK = 16 };         /* almost always none of so many is, and the next are looked at */
    const em_real *s = scores, least = (em_real)than;
    int64_t found = 0;
    for (int64_t lo = 0; lo < n; lo += LOOK) {
        const int64_t hi = em__min(lo + LOOK, n);
        int any = hi - lo < LOOK;
        if (!any)
            for (int i = 0; i < LOOK; i++) any |= s[lo + i] > least;
        for (int64_t i = lo; any && i < hi; i++)
            if (s[i] > least) at[found++] = (int32_t)i;
    }
    return found;
}

const em__scores EM__NAME(em__, scores, EM_VARIANT) = {dot, l2, inverse_norms, invert, scale, to_unit, above};
