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

/* y = alpha a x + beta y, a (m, k). */
#define STAMP_VECTOR(name, real, gemv, dot) \
    static void name(int m, int k, real alpha, const real *a, int64_t row, int64_t col, const real *x, int x_step, \
                     real beta, real *y, int y_step) \
    { \
        const view v = view_of(m, k, row, col); \
        if (m == 1) { \
            const real old = beta == 0 ? 0 : beta * *y; \
            *y = old + alpha * dot(k, a, step(k, col), x, x_step); \
        } else if (v.transpose == CblasNoTrans) { \
            gemv(CblasRowMajor, CblasNoTrans, m, k, alpha, a, v.lead, x, x_step, beta, y, y_step); \
        } else { \
            gemv(CblasRowMajor, CblasTrans, k, m, alpha, a, v.lead, x, x_step, beta, y, y_step); \
        } \
    }
STAMP_VECTOR(vector_f32, float, cblas_sgemv, cblas_sdot)
STAMP_VECTOR(vector_f64, double, cblas_dgemv, cblas_ddot)

/* k = 0: no sum to add. */
#define STAMP_SCALE(name, real) \
    static void name(int64_t m, int64_t n, real beta, real *c, int64_t c_row) \
    { \
        for (int64_t i = 0; i < m; i++) \
            for (int64_t j = 0; j < n; j++) c[i * c_row + j] = beta == 0 ? 0 : beta * c[i * c_row + j]; \
    }
STAMP_SCALE(scale_f32, float)
STAMP_SCALE(scale_f64, double)

#define STAMP_TILE(name, real, gemm, vector, scale) \
    static void name(const em_gemm *g, int m, int n, int k, const real *a, const real *b, double more, real *c) \
    { \
        const real alpha = (real)g->alpha, beta = (real)more; \
        if (k == 0) { \
            scale(m, n, beta, c, g->c_row); \
        } else if (n == 1) { \
            vector(m, k, alpha, a, g->a_row, g->a_col, b, step(k, g->b_row), beta, c, step(m, g->c_row)); \
        } else if (m == 1) { \
            vector(n, k, alpha, b, g->b_col, g->b_row, a, step(k, g->a_col), beta, c, 1); \
        } else { \
            const view va = view_of(m, k, g->a_row, g->a_col), vb = view_of(k, n, g->b_row, g->b_col); \
            gemm(CblasRowMajor, va.transpose, vb.transpose, m, n, k, alpha, a, va.lead, b, vb.lead, beta, c, \
                 m == 1 ? n : (int)g->c_row); \
        } \
    }
STAMP_TILE(tile_f32, float, cblas_sgemm, vector_f32, scale_f32)
STAMP_TILE(tile_f64, double, cblas_dgemm, vector_f64, scale_f64)

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
    const em_walk *each, *sum;
    const char *a, *b;
    char *c;
    int64_t tile_m, tile_n, across, tiles, terms;
} batch;

static int64_t points(const em_walk *w) { return w ? w->outer * w->inner : 1; }

static void piece(const batch *p, int64_t t)
{
    const em_gemm *g = p->g;
    const int64_t size = (int64_t)em_dtype_size(g->dtype);
    const int64_t i = t % p->tiles / p->across * p->tile_m, j = t % p->tiles % p->across * p->tile_n;
    int64_t at[EM_WALK] = {0}, term[EM_WALK] = {0};
    if (p->each) em__walk_point(p->each, t / p->tiles, at);
    for (int64_t s = 0; s < p->terms && !em__stop; s++) {
        if (p->sum) em__walk_point(p->sum, s, term);
        tile(g, i, j, em__min(p->tile_m, g->m - i), em__min(p->tile_n, g->n - j), p->a + (at[0] + term[0]) * size,
             p->b + (at[1] + term[1]) * size, s ? 1 : g->beta, p->c + at[2] * size);
    }
}

static void run(const em_gemm *g, const em_walk *each, const em_walk *sum, const void *a, const void *b, void *c)
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
 * into as many parts as there would be tiles, at least SHORTEST long, and their results are added in order. */
enum { SMALL = 1 << 16, SHORTEST = 256 };

static int64_t parts_of(const em_gemm *g)
{
    if (g->m * g->n > SMALL || g->k < 4 * em__max(g->m, g->n)) return 1;
    const double wanted = wanted_tiles(g, 1);
    return em__max(1, em__min(g->k / SHORTEST, wanted < 1e6 ? (int64_t)wanted : 1000000));
}

/* c = beta c + the parts, in order. */
#define STAMP_ADD(name, real) \
    static void name(const em_gemm *g, const real *part, int64_t parts, real *c) \
    { \
        const int64_t n = g->n, count = g->m * n; \
        const real beta = (real)g->beta; \
        EM_PARALLEL_CHUNKS(lo, hi, count, parts) \
            for (int64_t i = lo; i < hi; i++) { \
                real *at = c + i / n * g->c_row + i % n, sum = beta == 0 ? 0 : beta * *at; \
                for (int64_t p = 0; p < parts; p++) sum += part[p * count + i]; \
                *at = sum; \
            } \
    }
STAMP_ADD(add_f32, float)
STAMP_ADD(add_f64, double)

static em_status run_parts(const em_gemm *g, const void *a, const void *b, void *c, int64_t parts)
{
    const int64_t size = (int64_t)em_dtype_size(g->dtype), most = pieces_of(g->k, parts), count = g->m * g->n;
    const size_t bytes = (size_t)(parts * count * size);
    char *part = em__alloc(bytes);
    if (!part) return em__fail_memory("the parts of a matrix product", bytes);
    EM_PARALLEL_EACH(p, parts, work_of((double)g->m, (double)g->n, (double)most)) {
        em_gemm own = *g;
        const int64_t from = p * most;
        own.k = em__max(0, em__min(most, g->k - from));
        own.c_row = g->n;
        if (!em__stop)
            tile(&own, 0, 0, g->m, g->n, (const char *)a + from * g->a_col * size,
                 (const char *)b + from * g->b_row * size, 0, part + p * count * size);
    }
    if (g->dtype == EM_F32)
        add_f32(g, (const float *)(const void *)part, parts, c);
    else
        add_f64(g, (const double *)(const void *)part, parts, c);
    em__free(part, bytes);
    return EM_OK;
}

/* ---- products ------------------------------------------------------------------------------------------ */

em_status em__gemm_batch(const em_gemm *g, const em_walk *each, const em_walk *sum, const void *a, const void *b,
                         void *c)
{
    const int64_t products = points(each), terms = points(sum);
    if (g->m * g->n * products == 0) return EM_OK;
    EM_TRY(em__blas_ready());
    const int64_t parts = products * terms == 1 ? parts_of(g) : 1;
    if (parts > 1) return run_parts(g, a, b, c, parts);
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

enum { DOT_PARTS = 64, DOT_PART = 1 << 14 };

static double dot_part(em_dtype dtype, int64_t n, const void *x, int64_t x_step, const void *y, int64_t y_step)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += DOT_PART) {
        const int count = (int)em__min(DOT_PART, n - i);
        sum += dtype == EM_F32 ? (double)cblas_sdot(count, (const float *)x + i * x_step, (int)x_step,
                                                    (const float *)y + i * y_step, (int)y_step)
                               : cblas_ddot(count, (const double *)x + i * x_step, (int)x_step,
                                            (const double *)y + i * y_step, (int)y_step);
    }
    return sum;
}

double em__dot(em_dtype dtype, int64_t n, const void *x, int64_t x_step, const void *y, int64_t y_step)
{
    double part[DOT_PARTS];
    const int64_t size = (int64_t)em_dtype_size(dtype), length = em__max(DOT_PART, pieces_of(n, DOT_PARTS));
    const int64_t parts = pieces_of(n, length);
    em__blas_quiet();
    EM_PARALLEL_EACH(p, parts, length) {
        const int64_t from = p * length;
        part[p] = dot_part(dtype, em__min(length, n - from), (const char *)x + from * x_step * size, x_step,
                           (const char *)y + from * y_step * size, y_step);
    }
    double sum = 0;
    for (int64_t p = 0; p < parts; p++) sum += part[p];
    return sum;
}
