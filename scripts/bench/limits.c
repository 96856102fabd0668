/* What this machine's memory allows: the bare accesses of the bandwidth-bound cases, in plain loops that do nothing
 * else. compare.lua compiles this (cc -O3 -march=native -fopenmp) and sets the cases beside it.
 *
 *     limits ACCESS THREADS        prints ACCESS<TAB>threads<TAB>median_seconds<TAB>GB/s
 *
 * ACCESS is one of
 *     copy/64MB                           one array to another
 *     gather/N8192/d128/V100k/uniform     N random rows of a V x d table to an output
 *     read/N10240/d64/V100k/zipf          N random rows, summed into one
 *     update2/N8192/d128/V100k/zipf       the distinct ones of N random rows, added to in place, in 2 tables
 * Rows are float32. Ids rotate through a pool as the cases' do. */
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { AHEAD = 12, MAX_TABLES = 4, MAX_POOL = 32, SAMPLES = 41 };

typedef struct access {
    char kind[16];
    long n, dim, rows, tables, pool;
    int zipf;
    float *table[MAX_TABLES], *out;
    int32_t *ids[MAX_POOL];
    long count[MAX_POOL];           /* of the ids of one set: n, or the distinct ones of them */
} access;

/* ---- data ---------------------------------------------------------------------------------------------- */

static float *floats(long n)
{
    const size_t bytes = ((size_t)n * sizeof(float) + (2u << 20)) & ~(size_t)((2u << 20) - 1);
    float *p = aligned_alloc(2u << 20, bytes);
    if (!p) exit(fputs("limits: out of memory\n", stderr));
    madvise(p, bytes, MADV_HUGEPAGE);
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) p[i] = 1e-3f;
    return p;
}

static double uniform(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}

/* p(r) ~ 1 / (r + 1) from its running sums, or evenly. */
static int32_t draw(const access *a, const double *sums)
{
    if (!a->zipf) return (int32_t)(uniform() * (double)a->rows);
    const double x = uniform() * sums[a->rows - 1];
    long low = 0, high = a->rows - 1;
    while (low < high) {
        const long middle = (low + high) / 2;
        if (sums[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return (int32_t)low;
}

static void draw_ids(access *a, int distinct)
{
    double *sums = malloc((size_t)a->rows * sizeof *sums), total = 0;
    char *seen = malloc((size_t)a->rows);
    if (!sums || !seen) exit(fputs("limits: out of memory\n", stderr));
    for (long r = 0; r < a->rows; r++) sums[r] = total += 1.0 / (double)(r + 1);
    for (long set = 0; set < a->pool; set++) {
        a->ids[set] = malloc((size_t)a->n * sizeof(int32_t));
        if (!a->ids[set]) exit(fputs("limits: out of memory\n", stderr));
        memset(seen, 0, (size_t)a->rows);
        for (long i = 0; i < a->n; i++) {
            const int32_t id = draw(a, sums);
            if (distinct && seen[id]++) continue;
            a->ids[set][a->count[set]++] = id;
        }
    }
    free(sums);
    free(seen);
}

/* ---- accesses ------------------------------------------------------------------------------------------ */

static void prefetch_row(const float *row, long dim)
{
    for (long j = 0; j < dim; j += 16) __builtin_prefetch(row + j, 1);
}

static void copy(const access *a, long set)
{
    (void)set;
#pragma omp parallel
    {
        const long each = a->n / omp_get_num_threads(), start = each * omp_get_thread_num();
        memcpy(a->out + start, a->table[0] + start, (size_t)each * sizeof(float));
    }
}

static void gather(const access *a, long set)
{
    const int32_t *ids = a->ids[set];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < a->n; i++) {
        if (i + AHEAD < a->n) prefetch_row(a->table[0] + ids[i + AHEAD] * a->dim, a->dim);
        memcpy(a->out + i * a->dim, a->table[0] + ids[i] * a->dim, (size_t)a->dim * sizeof(float));
    }
}

static void read_rows(const access *a, long set)
{
    const int32_t *ids = a->ids[set];
#pragma omp parallel
    {
        float *sum = a->out + omp_get_thread_num() * a->dim;
#pragma omp for schedule(static)
        for (long i = 0; i < a->n; i++) {
            const float *row = a->table[0] + ids[i] * a->dim;
            if (i + AHEAD < a->n) prefetch_row(a->table[0] + ids[i + AHEAD] * a->dim, a->dim);
            for (long j = 0; j < a->dim; j++) sum[j] += row[j];
        }
    }
}

static void update(const access *a, long set)
{
    const int32_t *ids = a->ids[set];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < a->count[set]; i++)
        for (long t = 0; t < a->tables; t++) {
            float *row = a->table[t] + ids[i] * a->dim;
            if (i + AHEAD < a->count[set]) prefetch_row(a->table[t] + ids[i + AHEAD] * a->dim, a->dim);
            for (long j = 0; j < a->dim; j++) row[j] += 1e-6f;
        }
}

/* ---- the program --------------------------------------------------------------------------------------- */

static long number(const char *text, char letter)
{
    const char key[] = {'/', letter, '\0'}, *p = strstr(text, key);
    if (!p) return 0;
    char *end;
    const long n = strtol(p + 2, &end, 10);
    return *end == 'k' ? n * 1000 : *end == 'M' ? n * 1000000 : n;
}

static int read_access(access *a, const char *text)
{
    if (sscanf(text, "%15[a-z]%ld", a->kind, &a->tables) < 2) a->tables = 1;
    a->n = number(text, 'N'), a->dim = number(text, 'd'), a->rows = number(text, 'V');
    a->zipf = strstr(text, "zipf") != NULL;
    if (!strcmp(a->kind, "copy")) return a->n = a->rows = 16 << 20, a->dim = a->pool = 1;
    if (a->n <= 0 || a->dim <= 0 || a->rows <= 0 || a->tables < 1 || a->tables > MAX_TABLES) return 0;
    const long sets = 64000000 / (a->n * a->dim * 4) + 1;
    a->pool = a->n >= 65536 || sets < 4 ? 4 : sets > MAX_POOL ? MAX_POOL : sets;
    return 1;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *x, const void *y)
{
    return (*(const double *)x > *(const double *)y) - (*(const double *)x < *(const double *)y);
}

static double median_of(const access *a, void (*run)(const access *, long))
{
    double samples[SAMPLES];
    long call = 0, calls = 1;
    for (long i = 0; i < a->pool; i++) run(a, i);
    for (int s = -1; s < SAMPLES; s++) {            /* the first only finds how many calls last a millisecond */
        const double start = seconds();
        for (long i = 0; i < calls; i++) run(a, call++ % a->pool);
        const double each = (seconds() - start) / (double)calls;
        if (s >= 0) samples[s] = each;
        else if (each < 1e-3) calls = (long)(1e-3 / each) + 1;
    }
    qsort(samples, SAMPLES, sizeof *samples, ascending);
    return samples[SAMPLES / 2];
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(const access *, long);
        int moved;                  /* how often a row passes the bus: read, and written */
    } kinds[] = {{"copy", copy, 2}, {"gather", gather, 2}, {"read", read_rows, 1}, {"update", update, 2}};
    access a = {0};
    const int threads = argc == 3 ? atoi(argv[2]) : 0;
    if (threads < 1 || !read_access(&a, argv[1])) return fputs("usage: limits ACCESS THREADS\n", stderr), 2;
    omp_set_num_threads(threads);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (strcmp(a.kind, kinds[k].name)) continue;
        for (long t = 0; t < a.tables; t++) a.table[t] = floats(a.rows * a.dim);
        a.out = floats((a.n > threads ? a.n : threads) * a.dim);
        if (strcmp(a.kind, "copy")) draw_ids(&a, !strcmp(a.kind, "update"));
        const double median = median_of(&a, kinds[k].run);
        const double rows = (double)(a.count[0] ? a.count[0] : a.n);
        const double bytes = kinds[k].moved * (double)a.tables * rows * (double)a.dim * sizeof(float);
        printf("%s\t%d\t%.4e\tGB/s=%.4g\n", argv[1], threads, median, bytes / median / 1e9);
        return 0;
    }
    fputs("limits: the accesses are copy, gather, read, update\n", stderr);
    return 2;
}
