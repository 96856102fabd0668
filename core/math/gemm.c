/* Matrix products by BLAS, cut into tiles whose bounds do not depend on the number of threads. */
#include "math/gemm.h"

#include <cblas.h>
#include <limits.h>

#include "base/memory.h"
#include "math/blas.h"
#include "parallel/parallel.h"

/* ---- one tile ------------------------------------------------------------------------------------------ */

static bool fits(int64_t lead, int64_t extent)
{
    return lead >= (extent > 1 ? extent : 1) && lead <= INT_MAX;
}

/* Rows contiguous (or columns, for the transposed one); a stride along a size of 1 is never used. */
static bool straight(int64_t rows, int64_t cols, int64_t row, int64_t col)
{
    return (col == 1 || cols == 1) && (rows == 1 || fits(row, cols));
}

bool em__gemm_takes(int64_t rows, int64_t cols, int64_t row, int64_t col)
{
    return rows == 0 || cols == 0 || straight(rows, cols, row, col) || straight(cols, rows, col, row);
}

/* A matrix in BLAS's words. */
typedef struct view {
    CBLAS_TRANSPOSE transpose;
    int lead;
} view;

static view view_of(int64_t rows, int64_t cols, int64_t row, int64_t col)
{
    const bool plain = straight(rows, cols, row, col);
    const int64_t lead = plain ? (rows == 1 ? cols : row) : (cols == 1 ? rows : col);
    return (view){plain ? CblasNoTrans : CblasTrans, (int)(lead > 1 ? lead : 1)};
}

/* A step along a size of 1 is never taken, but BLAS refuses 0. */
static int step(int64_t size, int64_t stride) { return size == 1 ? 1 : (int)stride; }

#define REAL float
#define TYPED(name) name##_f32
#define BLAS(name) cblas_s##name
#include "math/gemm_typed.h"
#define REAL double
#define TYPED(name) name##_f64
#define BLAS(name) cblas_d##name
#include "math/gemm_typed.h"

/* BLAS counts in int. */
enum { MOST = 1 << 30 };

/* The part of the product from row i and column j on, of at most MOST rows and columns; c is multiplied by `beta`. */
static void tile(const em_gemm *g, int64_t i, int64_t j, int64_t m, int64_t n, const void *a, const void *b,
                 double beta, void *c)
{
    for (int64_t l = 0; l < g->k || l == 0; l += MOST) {
        const int k = (int)em__min(MOST, g->k - l);
        const int64_t at_a = i * g->a_row + l * g->a_col, at_b = l * g->b_row + j * g->b_col, at_c = i * g->c_row + j;
        const double more = l ? 1 : beta;
        if (g->dtype == EM_F32)
            tile_f32(g, (int)m, (int)n, k, (const float *)a + at_a, (const float *)b + at_b, more, (float *)c + at_c);
        else
            tile_f64(g, (int)m, (int)n, k, (const double *)a + at_a, (const double *)b + at_b, more,
                     (double *)c + at_c);
    }
}

/* ---- tiles --------------------------------------------------------------------------------------------- */

/* Multiplications that are worth a tile of their own, and those of the largest tile: some 10 microseconds, and a few
 * milliseconds, so that an interrupt is soon seen. Up to LARGE in all there are at most PIECES tiles: a tile reads all
 * of its rows of a and columns of b, so the fewer the better. */
enum { SMALLEST = 1 << 19, LARGEST = 1 << 27, PIECES = 8, ALIGN = 16, NARROWEST = 32 };

static int64_t pieces_of(int64_t size, int64_t piece) { return (size + piece - 1) / piece; }

static int64_t half(int64_t size) { return ((size + 1) / 2 + ALIGN - 1) / ALIGN * ALIGN; }

static double wanted_tiles(const em_gemm *g, int64_t products)
{
    const double work = (double)g->m * (double)g->n * (double)g->k;
    double wanted = (double)pieces_of(PIECES, products);
    if (wanted > work / SMALLEST) wanted = work / SMALLEST;
    return wanted < work / LARGEST ? work / LARGEST : wanted;
}

static void choose_tile(const em_gemm *g, int64_t products, int64_t *m, int64_t *n)
{
    const double wanted = wanted_tiles(g, products);
    *m = em__min(g->m, g->c_row <= INT_MAX ? MOST : 1);
    *n = em__min(g->n, MOST);
    while ((double)(pieces_of(g->m, *m) * pieces_of(g->n, *n)) < wanted) {
        if (*m > NARROWEST && (*m >= *n || *n <= NARROWEST))
            *m = half(*m);
        else if (*n > NARROWEST)
            *n = half(*n);
        else
            break;
    }
}

/* In units of EM_GRAIN: BLAS does some 16 operations in the time of one of a plain loop. */
static double work_of(double m, double n, double k) { return m * n * k / 8 + m * k + k * n + m * n; }

typedef struct batch {
    const em_gemm *g;
    const em_iterator *each, *sum;
    const char *a, *b;
    char *c;
    int64_t tile_m, tile_n, across, tiles, terms;
} batch;

static int64_t points(const em_iterator *w) { return w ? w->outer * w->inner : 1; }

static void piece(const batch *p, int64_t t)
{
    const em_gemm *g = p->g;
    const int64_t size = (int64_t)em_dtype_size(g->dtype);
    const int64_t i = t % p->tiles / p->across * p->tile_m, j = t % p->tiles % p->across * p->tile_n;
    int64_t at[EM_ITERATED] = {0}, term[EM_ITERATED] = {0};
    if (p->each) em__iterator_point(p->each, t / p->tiles, at);
    for (int64_t s = 0; s < p->terms && !em__stop; s++) {
        if (p->sum) em__iterator_point(p->sum, s, term);
        tile(g, i, j, em__min(p->tile_m, g->m - i), em__min(p->tile_n, g->n - j), p->a + (at[0] + term[0]) * size,
             p->b + (at[1] + term[1]) * size, s ? 1 : g->beta, p->c + at[2] * size);
    }
}

static void run(const em_gemm *g, const em_iterator *each, const em_iterator *sum, const void *a, const void *b,
                void *c)
{
    batch p = {.g = g, .each = each, .sum = sum, .a = a, .b = b, .c = c};
    const int64_t products = points(each);
    p.terms = points(sum);
    choose_tile(g, products, &p.tile_m, &p.tile_n);
    p.across = pieces_of(g->n, p.tile_n);
    p.tiles = pieces_of(g->m, p.tile_m) * p.across;
    const double work = work_of((double)p.tile_m, (double)p.tile_n, (double)g->k) * (double)p.terms;
    if (products * p.tiles == 1 || em__team(work * (double)(products * p.tiles)) == 1)
        for (int64_t t = 0; t < products * p.tiles; t++) piece(&p, t);
    else
        EM_PARALLEL_EACH(t, products * p.tiles, work) piece(&p, t);
}

/* ---- a long sum for a small c -------------------------------------------------------------------------- */

/* Tiles of a small c would be so small that reading a and b costs more than multiplying. Then the sum is cut instead,
 * into as many slices as there would be tiles, at least SHORTEST long, and their results are added in order. */
enum { SMALL = 1 << 16, SHORTEST = 256 };

static int64_t slices_of(const em_gemm *g)
{
    if (g->m * g->n > SMALL || g->k < 4 * em__max(g->m, g->n)) return 1;
    const double wanted = wanted_tiles(g, 1);
    return em__max(1, em__min(g->k / SHORTEST, wanted < 1e6 ? (int64_t)wanted : 1000000));
}

static em_status run_slices(const em_gemm *g, const void *a, const void *b, void *c, int64_t slices)
{
    const int64_t size = (int64_t)em_dtype_size(g->dtype), most = pieces_of(g->k, slices), count = g->m * g->n;
    const size_t bytes = (size_t)(slices * count * size);
    char *slice = em__alloc(bytes);
    if (!slice) return em__fail_memory("the partial sums of a matrix product", bytes);
    EM_PARALLEL_EACH(p, slices, work_of((double)g->m, (double)g->n, (double)most)) {
        em_gemm own = *g;
        const int64_t from = p * most;
        own.k = em__max(0, em__min(most, g->k - from));
        own.c_row = g->n;
        if (!em__stop)
            tile(&own, 0, 0, g->m, g->n, (const char *)a + from * g->a_col * size,
                 (const char *)b + from * g->b_row * size, 0, slice + p * count * size);
    }
    if (g->dtype == EM_F32)
        add_f32(g, (const float *)(const void *)slice, slices, c);
    else
        add_f64(g, (const double *)(const void *)slice, slices, c);
    em__free(slice, bytes);
    return EM_OK;
}

/* ---- products ------------------------------------------------------------------------------------------ */

em_status em__gemm_batch(const em_gemm *g, const em_iterator *each, const em_iterator *sum, const void *a,
                         const void *b, void *c)
{
    const int64_t products = points(each), terms = points(sum);
    if (g->m * g->n * products == 0) return EM_OK;
    EM_TRY(em__blas_ready());
    const int64_t slices = products * terms == 1 ? slices_of(g) : 1;
    if (slices > 1) return run_slices(g, a, b, c, slices);
    run(g, each, sum, a, b, c);
    return EM_OK;
}

em_status em__gemm(const em_gemm *g, const void *a, const void *b, void *c)
{
    return em__gemm_batch(g, NULL, NULL, a, b, c);
}

void em__gemm_serial(const em_gemm *g, const void *a, const void *b, void *c)
{
    if (g->m == 0 || g->n == 0) return;
    em__blas_quiet();
    int64_t tile_m, tile_n;
    choose_tile(g, PIECES, &tile_m, &tile_n);
    for (int64_t i = 0; i < g->m; i += tile_m)
        for (int64_t j = 0; j < g->n && !em__stop; j += tile_n)
            tile(g, i, j, em__min(tile_m, g->m - i), em__min(tile_n, g->n - j), a, b, g->beta, c);
}

/* ---- two vectors --------------------------------------------------------------------------------------- */

enum { DOT_SLICES = 64, DOT_SLICE = 1 << 14 };

static double dot_slice(em_dtype dtype, int64_t n, const void *x, int64_t x_step, const void *y, int64_t y_step)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += DOT_SLICE) {
        const int count = (int)em__min(DOT_SLICE, n - i);
        sum += dtype == EM_F32 ? (double)cblas_sdot(count, (const float *)x + i * x_step, (int)x_step,
                                                    (const float *)y + i * y_step, (int)y_step)
                               : cblas_ddot(count, (const double *)x + i * x_step, (int)x_step,
                                            (const double *)y + i * y_step, (int)y_step);
    }
    return sum;
}

double em__dot(em_dtype dtype, int64_t n, const void *x, int64_t x_step, const void *y, int64_t y_step)
{
    double slice[DOT_SLICES];
    const int64_t size = (int64_t)em_dtype_size(dtype), length = em__max(DOT_SLICE, pieces_of(n, DOT_SLICES));
    const int64_t slices = pieces_of(n, length);
    em__blas_quiet();
    EM_PARALLEL_EACH(p, slices, length) {
        const int64_t from = p * length;
        slice[p] = dot_slice(dtype, em__min(length, n - from), (const char *)x + from * x_step * size, x_step,
                             (const char *)y + from * y_step * size, y_step);
    }
    double sum = 0;
    for (int64_t p = 0; p < slices; p++) sum += slice[p];
    return sum;
}
