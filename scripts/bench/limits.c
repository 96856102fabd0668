/* What this machine allows: the bare accesses of the cases that memory bounds, in plain loops that do nothing else, and
 * the bare products of those that arithmetic bounds. compare.lua compiles this and sets the cases beside it.
 *
 *     limits ACCESS THREADS        prints ACCESS<TAB>threads<TAB>median_seconds<TAB>p10, n, GB/s or GFLOP/s
 *
 * ACCESS is one of these, or several with + between, one after the other:
 *     copy/N16M                           N numbers from one array to another
 *     gather/N8192/d128/V100k/uniform     N random rows of a V x d table to an output
 *     read/N10240/d64/V100k/zipf          N random rows, each read once
 *     update2/N8192/d128/V100k/zipf       the distinct ones of N random rows, changed in place, in 2 tables
 *     sweep3/d64/V1M                      all rows, changed in place, in 3 tables
 *     sgemm/M1024xK128xN64nt              cblas_sgemm, the second matrix transposed (nn, nt, tn; default nn)
 * Numbers are float32, ids int64, and ids rotate through a pool, as the cases' do. Each loop is tried in several forms:
 * how far ahead it prefetches, whether its stores go past the cache, whether a little work stays on one thread. The
 * fastest counts: a limit is what the machine can do, not what one loop happens to. */
#include <cblas.h>
#include <immintrin.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MAX_TABLES = 4, MAX_POOL = 32, SAMPLES = 31, TRIALS = 7, LITTLE = 1 << 18 };

typedef struct access {
    char kind[16];
    long n, dim, rows, tables, pool, m, k;
    CBLAS_TRANSPOSE first, second;
    int zipf, threads;
    int ahead, past_cache;          /* the form in which it is tried */
    float *table[MAX_TABLES], *out;
    int64_t *ids[MAX_POOL];
    long count[MAX_POOL];           /* of the ids of one set: n, or the distinct ones of them */
} access;

/* ---- data ---------------------------------------------------------------------------------------------- */

static void *got(void *p)
{
    if (!p) exit((fputs("limits: out of memory\n", stderr), 1));
    return p;
}

static float *floats(long n)
{
    const size_t page = 2u << 20, bytes = ((size_t)n * sizeof(float) + page) & ~(page - 1);
    float *p = got(aligned_alloc(page, bytes));
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
static int64_t draw(const access *a, const double *sums)
{
    if (!a->zipf) return (int64_t)(uniform() * (double)a->rows);
    const double x = uniform() * sums[a->rows - 1];
    long low = 0, high = a->rows - 1;
    while (low < high) {
        const long middle = (low + high) / 2;
        if (sums[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void draw_ids(access *a, int distinct)
{
    double *sums = got(malloc((size_t)a->rows * sizeof *sums)), total = 0;
    char *seen = got(malloc((size_t)a->rows));
    for (long r = 0; r < a->rows; r++) sums[r] = total += 1.0 / (double)(r + 1);
    for (long set = 0; set < a->pool; set++) {
        a->ids[set] = got(malloc((size_t)a->n * sizeof(int64_t)));
        memset(seen, 0, (size_t)a->rows);
        for (long i = 0; i < a->n; i++) {
            const int64_t id = draw(a, sums);
            if (distinct && seen[id]) continue;
            seen[id] = 1;
            a->ids[set][a->count[set]++] = id;
        }
    }
    free(sums);
    free(seen);
}

static void release(access *a)
{
    for (long t = 0; t < MAX_TABLES; t++) free(a->table[t]);
    for (long set = 0; set < MAX_POOL; set++) free(a->ids[set]);
    free(a->out);
}

/* ---- accesses ------------------------------------------------------------------------------------------ */

static inline const float *row_of(const access *a, const int64_t *ids, long i) { return a->table[0] + ids[i] * a->dim; }

static inline void fetch_row(const float *row, long dim)
{
    for (long j = 0; j < dim; j += 16) __builtin_prefetch(row + j);
}

static inline void copy_past_cache(float *to, const float *from, long n)
{
    for (long j = 0; j < n; j += 4) _mm_stream_ps(to + j, _mm_loadu_ps(from + j));
}

/* The sizes of the cases have moves of their own: a call of memcpy costs as much as a short row. */
static inline void copy_row(float *to, const float *from, long n)
{
    switch (n) {
    case 16: memcpy(to, from, 16 * sizeof(float)); break;
    case 64: memcpy(to, from, 64 * sizeof(float)); break;
    case 128: memcpy(to, from, 128 * sizeof(float)); break;
    default: memcpy(to, from, (size_t)n * sizeof(float));
    }
}

static void copy(const access *a, long set)
{
    (void)set;
#pragma omp parallel
    {
        const long each = a->n / omp_get_num_threads() & ~3L, start = each * omp_get_thread_num();
        const long last = omp_get_thread_num() + 1 == omp_get_num_threads() ? a->n - start : each;
        if (a->past_cache)
            copy_past_cache(a->out + start, a->table[0] + start, last & ~3L);
        else
            memcpy(a->out + start, a->table[0] + start, (size_t)last * sizeof(float));
        _mm_sfence();
    }
}

static void gather(const access *a, long set)
{
    const int64_t *ids = a->ids[set];
    const int past_cache = a->past_cache && a->dim % 4 == 0;
#pragma omp parallel
    {
#pragma omp for schedule(static) nowait
        for (long i = 0; i < a->n; i++) {
            if (a->ahead && i + a->ahead < a->n) fetch_row(row_of(a, ids, i + a->ahead), a->dim);
            if (past_cache)
                copy_past_cache(a->out + i * a->dim, row_of(a, ids, i), a->dim);
            else
                copy_row(a->out + i * a->dim, row_of(a, ids, i), a->dim);
        }
        _mm_sfence();
    }
}

static void read_rows(const access *a, long set)
{
    const int64_t *ids = a->ids[set];
#pragma omp parallel
    {
        float *sum = a->out + omp_get_thread_num() * a->dim;
#pragma omp for schedule(static) nowait
        for (long i = 0; i < a->n; i++) {
            const float *restrict row = row_of(a, ids, i);
            if (a->ahead && i + a->ahead < a->n) fetch_row(row_of(a, ids, i + a->ahead), a->dim);
            for (long j = 0; j < a->dim; j++) sum[j] += row[j];
        }
    }
}

static void update(const access *a, long set)
{
    const int64_t *ids = a->ids[set];
    const long count = a->count[set];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < count; i++)
        for (long t = 0; t < a->tables; t++) {
            float *row = a->table[t] + ids[i] * a->dim;
            if (a->ahead && i + a->ahead < count) fetch_row(a->table[t] + ids[i + a->ahead] * a->dim, a->dim);
            for (long j = 0; j < a->dim; j++) row[j] += 1e-6f;
        }
}

static void sweep(const access *a, long set)
{
    (void)set;
    const long block = 1024, blocks = (a->rows * a->dim + block - 1) / block;
#pragma omp parallel for schedule(static)
    for (long b = 0; b < blocks; b++)
        for (long t = 0; t < a->tables; t++) {
            const long start = b * block, end = start + block < a->rows * a->dim ? start + block : a->rows * a->dim;
            for (long i = start; i < end; i++) a->table[t][i] += 1e-6f;
        }
}

static void sgemm(const access *a, long set)
{
    (void)set;
    const int m = (int)a->m, n = (int)a->n, k = (int)a->k;
    cblas_sgemm(CblasRowMajor, a->first, a->second, m, n, k, 1, a->table[0], a->first == CblasNoTrans ? k : m,
                a->table[1], a->second == CblasNoTrans ? n : k, 0, a->out, n);
}

/* What each needs, and what it is tried with. */
static const struct kind {
    const char *name;
    void (*run)(const access *, long);
    int random, distinct;           /* rows are drawn, each once */
    int writes_out;                 /* stores may go past the cache */
    int moved;                      /* how often a number passes the bus: read, and written */
} kinds[] = {
    {"copy", copy, 0, 0, 1, 2},     {"gather", gather, 1, 0, 1, 2}, {"read", read_rows, 1, 0, 0, 1},
    {"update", update, 1, 1, 0, 2}, {"sweep", sweep, 0, 0, 0, 2},   {"sgemm", sgemm, 0, 0, 0, 0},
};

/* ---- the words of an access ---------------------------------------------------------------------------- */

/* The number after a letter that follows / or x, or 0. */
static long number(const char *text, char letter)
{
    for (const char *p = text; *p; p++) {
        if ((*p != '/' && *p != 'x') || p[1] != letter) continue;
        char *end;
        const long n = strtol(p + 2, &end, 10);
        return *end == 'k' ? n * 1000 : *end == 'M' ? n * 1000000 : n;
    }
    return 0;
}

static const struct kind *read_access(access *a, const char *text)
{
    if (sscanf(text, "%15[a-z]%ld", a->kind, &a->tables) < 2) a->tables = 1;
    a->n = number(text, 'N'), a->dim = number(text, 'd'), a->rows = number(text, 'V');
    a->m = number(text, 'M'), a->k = number(text, 'K');
    a->zipf = strstr(text, "zipf") != NULL;
    a->first = strstr(text, "tn") ? CblasTrans : CblasNoTrans;
    a->second = strstr(text, "nt") ? CblasTrans : CblasNoTrans;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct kind *kind = &kinds[i];
        if (strcmp(a->kind, kind->name)) continue;
        const int product = kind->run == sgemm, rows = kind->random || kind->run == sweep;
        if (a->tables < 1 || a->tables > MAX_TABLES || (rows && (a->dim <= 0 || a->rows <= 0))) return NULL;
        if ((kind->run != sweep && a->n <= 0) || (product && (a->m <= 0 || a->k <= 0))) return NULL;
        const long sets = kind->random ? 64000000 / (a->n * a->dim * 4) + 1 : 1;
        a->pool = !kind->random ? 1 : a->n >= 65536 || sets < 4 ? 4 : sets > MAX_POOL ? MAX_POOL : sets;
        return kind;
    }
    return NULL;
}

static void make_data(access *a, const struct kind *kind)
{
    if (kind->run == sgemm) {
        a->table[0] = floats(a->m * a->k), a->table[1] = floats(a->k * a->n), a->out = floats(a->m * a->n);
        return;
    }
    const long width = a->dim ? a->dim : 1, threads = a->threads;
    for (long t = 0; t < a->tables; t++) a->table[t] = floats(kind->run == copy ? a->n : a->rows * width);
    if (kind->writes_out || kind->run == read_rows) a->out = floats((a->n > threads ? a->n : threads) * width);
    if (kind->random) draw_ids(a, kind->distinct);
}

/* ---- timing -------------------------------------------------------------------------------------------- */

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

/* Seconds a call: the median, and the 10th percentile. */
typedef struct timing { double median, low; } timing;

/* Samples of at least a millisecond. */
static timing time_calls(const access *a, const struct kind *kind, int samples)
{
    double each[SAMPLES];
    long call = 0, calls = 1;
    for (long i = 0; i < a->pool; i++) kind->run(a, i);
    for (int s = -1; s < samples; s++) {            /* the first only finds how many calls last a millisecond */
        const double start = seconds();
        for (long i = 0; i < calls; i++) kind->run(a, call++ % a->pool);
        const double took = (seconds() - start) / (double)calls;
        if (s >= 0) each[s] = took;
        else if (took < 1e-3) calls = (long)(1e-3 / took) + 1;
    }
    qsort(each, (size_t)samples, sizeof *each, ascending);
    return (timing){each[samples / 2], each[samples / 10]};
}

static void use_threads(int threads)
{
    omp_set_num_threads(threads);
    openblas_set_num_threads(threads);
}

/* The fastest form: the one with the fastest trial, since other processes only ever slow a trial down. */
static timing best_of(access *a, const struct kind *kind)
{
    static const int AHEAD[] = {0, 4, 8, 16, 32};
    const long work = kind->run == sgemm ? LITTLE : a->n * (a->dim ? a->dim : 1);
    const int forms = kind->random ? sizeof AHEAD / sizeof *AHEAD : 1;
    double least = 1e30;
    struct { int threads, ahead, past_cache; } best = {a->threads, AHEAD[0], 0};
    for (int threads = a->threads; threads >= 1; threads = threads > 1 && work < LITTLE ? 1 : 0)
        for (int i = 0; i < forms; i++)
            for (int past_cache = 0; past_cache <= kind->writes_out; past_cache++) {
                use_threads(threads);
                a->ahead = AHEAD[i], a->past_cache = past_cache;
                const double low = time_calls(a, kind, TRIALS).low;
                if (low >= least) continue;
                least = low;
                best.threads = threads, best.ahead = a->ahead, best.past_cache = past_cache;
            }
    use_threads(best.threads);
    a->ahead = best.ahead, a->past_cache = best.past_cache;
    fprintf(stderr, "# %s: %d threads, %d rows ahead, stores %s the cache\n", a->kind, best.threads, best.ahead,
            best.past_cache ? "past" : "into");
    return time_calls(a, kind, SAMPLES);
}

/* ---- the program --------------------------------------------------------------------------------------- */

typedef struct sums { double median, low, bytes, flops; } sums;

/* Adds one access; false where its words are not understood. */
static int measure(const char *text, int threads, sums *s)
{
    access a = {.threads = threads};
    const struct kind *kind = read_access(&a, text);
    if (!kind) return 0;
    use_threads(threads);
    make_data(&a, kind);
    const timing took = best_of(&a, kind);
    s->median += took.median, s->low += took.low;
    const double rows = (double)(a.count[0] ? a.count[0] : kind->run == sweep ? a.rows : a.n);
    const double width = a.dim ? (double)a.dim : 1;
    s->bytes += kind->moved * (double)a.tables * rows * width * sizeof(float);
    if (kind->run == sgemm) s->flops += 2.0 * (double)a.m * (double)a.n * (double)a.k;
    release(&a);
    return 1;
}

int main(int argc, char **argv)
{
    const int threads = argc == 3 ? atoi(argv[2]) : 0;
    if (threads < 1) return fputs("usage: limits ACCESS[+ACCESS...] THREADS\n", stderr), 2;
    sums s = {0};
    char *words = strcpy(got(malloc(strlen(argv[1]) + 1)), argv[1]);
    for (char *word = strtok(words, "+"); word; word = strtok(NULL, "+"))
        if (!measure(word, threads, &s)) {
            fprintf(stderr, "limits: '%s' is no access (copy gather read update sweep sgemm)\n", word);
            return 2;
        }
    printf("%s\t%d\t%.4e\tp10=%.3e n=%d ", argv[1], threads, s.median, s.low, SAMPLES);
    printf(s.flops > 0 ? "GFLOP/s=%.4g\n" : "GB/s=%.4g\n", (s.flops > 0 ? s.flops : s.bytes) / s.median / 1e9);
    return 0;
}
