/* Tensors filled with random numbers: distributions, and elements filled in parallel; permutations. */
#include "random/rng.h"

#include <math.h>
#include <string.h>

#include "parallel/parallel.h"
#include "tensor/half.h"
#include "tensor/shape.h"

/* Filling goes in runs of RUN numbers: a distribution makes them in its own type, then they are stored in the tensor's.
 * Element i takes its bits from block position + i / (numbers a block), so runs are independent of each other. */
enum { RUN = 64 };

typedef union run {
    float f32[RUN];
    double f64[RUN];
    int64_t i64[RUN];
    uint32_t bits[4 * RUN];
} run;

typedef enum kind { KIND_F32, KIND_F64, KIND_I64 } kind;

typedef struct source {
    uint64_t seed, position;
    double a, b;                /* low and high, or mean and standard deviation */
    double last;                /* largest number below high of the tensor's dtype */
    int64_t low;
    uint64_t span;
    kind kind;                  /* of the numbers made */
    int per_block;              /* numbers made from one block */
    void (*make)(const struct source *s, run *r);   /* from r->bits, in place */
} source;

/* ---- distributions ------------------------------------------------------------------------------------- */

static double between(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

static void make_uniform_f32(const source *s, run *r)
{
    for (int i = 0; i < RUN; i++) {
        const double u = (double)em__uniform_f32(r->bits[i]);
        r->f32[i] = (float)between(s->a * (1 - u) + s->b * u, s->a, s->last);
    }
}

static void make_uniform_f64(const source *s, run *r)
{
    for (int i = 0; i < RUN; i++) {
        const double u = em__uniform_f64(em__join_bits(r->bits[2 * i], r->bits[2 * i + 1]));
        r->f64[i] = between(s->a * (1 - u) + s->b * u, s->a, s->last);
    }
}

static void make_integers(const source *s, run *r)
{
    for (int i = 0; i < RUN; i++) {
        const uint64_t bits = em__join_bits(r->bits[2 * i], r->bits[2 * i + 1]);
        r->i64[i] = (int64_t)((uint64_t)s->low + em__bounded(bits, s->span));
    }
}

/* Natural logarithm of 0 < x <= 1, to 1e-7 of its size. x = 2^e (1 + f) with 1 + f between sqrt(1/2) and sqrt(2);
 * log(1 + f) = f - f^2/2 + f^3 P(f), P fitted to that range. */
static inline float log_f32(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t e = (bits - 0x3f3504f3) >> 23;
    bits -= (int32_t)((uint32_t)e << 23);
    memcpy(&x, &bits, sizeof x);
    const float f = x - 1;
    float p = -0.0790274377f;
    p = p * f + 0.126223198f;
    p = p * f - 0.129981838f;
    p = p * f + 0.142144959f;
    p = p * f - 0.166412815f;
    p = p * f + 0.200010451f;
    p = p * f - 0.250003064f;
    p = p * f + 0.333333307f;
    return (float)e * 0.693147181f + (f - f * f * (0.5f - f * p));
}

/* Cosine and sine of `turn` / 2^32 of a full turn. The nearest quarter is split off exactly, in integers; the
 * rest, t of a quarter with |t| <= 1/2, goes through polynomials fitted to that range. */
static inline void turn_f32(uint32_t turn, float *cosine, float *sine)
{
    const uint32_t quarter = (turn + (1u << 29)) >> 30;
    const float t = (float)(int32_t)(turn - (quarter << 30)) * 0x1p-30f, tt = t * t;
    const float s = t * (1.57079632f + tt * (-0.645963478f + tt * (0.0796802176f + tt * -0.00460214921f)));
    const float c = 1 + tt * (-1.23370054f + tt * (0.253669204f + tt * (-0.0208600695f + tt * 0.000903628066f)));
    const float x = quarter & 1 ? s : c, y = quarter & 1 ? c : s;
    *cosine = (quarter + 1) & 2 ? -x : x;
    *sine = quarter & 2 ? -y : y;
}

/* Box and Muller: sqrt(-2 log u) times cosine and sine of a random angle are two independent normal numbers. */
static void make_normal_f32(const source *s, run *r)
{
    const float mean = (float)s->a, std = (float)s->b;
    for (int i = 0; i < RUN; i += 2) {
        const float u = (float)(int32_t)(r->bits[i] >> 1 | 1) * 0x1p-31f;   /* (0, 1] */
        float c, n;
        turn_f32(r->bits[i + 1], &c, &n);
        const float radius = sqrtf(-2 * log_f32(u));
        r->f32[i] = mean + std * (radius * c);
        r->f32[i + 1] = mean + std * (radius * n);
    }
}

static void make_normal_f64(const source *s, run *r)
{
    const double two_pi = 6.283185307179586;
    for (int i = 0; i < RUN; i += 2) {
        const uint32_t *b = r->bits + 2 * i;
        const double u = 1 - em__uniform_f64(em__join_bits(b[0], b[1]));    /* (0, 1] */
        const double angle = two_pi * em__uniform_f64(em__join_bits(b[2], b[3]));
        const double radius = sqrt(-2 * log(u));
        r->f64[i] = s->a + s->b * (radius * cos(angle));
        r->f64[i + 1] = s->a + s->b * (radius * sin(angle));
    }
}

/* ---- filling ------------------------------------------------------------------------------------------- */

static void make_run(const source *s, int64_t first, run *r)
{
    const uint64_t block = s->position + (uint64_t)(first / s->per_block);
    for (int b = 0; b < RUN / s->per_block; b++) em__rng_at(s->seed, block + (uint64_t)b, r->bits + 4 * b);
    s->make(s, r);
}

static int64_t to_integer(double x) { return (int64_t)between(x, -0x1p62, 0x1p62); }

#define TO_INTEGER(x) _Generic((x), int64_t: (x), default: to_integer((double)(x)))
#define STORE_EM_F32(x) (float)(x)
#define STORE_EM_F64(x) (double)(x)
#define STORE_EM_I64(x) TO_INTEGER(x)
#define STORE_EM_I32(x) (int32_t)TO_INTEGER(x)
#define STORE_EM_U8(x) (uint8_t)TO_INTEGER(x)
#define STORE_EM_BOOL(x) (uint8_t)((x) != 0)
#define STORE_EM_F16(x) em__write_f16((float)(x))
#define STORE_EM_BF16(x) em__write_bf16((float)(x))

/* Numbers x[0 .. n-1] go to elements at[0 .. n-1]. */
#define X(constant, type, name) \
    case constant: for (int k = 0; k < n; k++) EM_DATA(type, t)[at[k]] = STORE_##constant(x[k]); break;

static void store_f32(const em_tensor *t, const float *x, const int64_t *at, int n)
{
    switch (t->dtype) {
#include "tensor/dtype.def"
    default: break;
    }
}

static void store_f64(const em_tensor *t, const double *x, const int64_t *at, int n)
{
    switch (t->dtype) {
#include "tensor/dtype.def"
    default: break;
    }
}

static void store_i64(const em_tensor *t, const int64_t *x, const int64_t *at, int n)
{
    switch (t->dtype) {
#include "tensor/dtype.def"
    default: break;
    }
}
#undef X

static void store_scattered(const em_tensor *t, kind from, const run *r, const int64_t *at, int n)
{
    if (from == KIND_F32)
        store_f32(t, r->f32, at, n);
    else if (from == KIND_F64)
        store_f64(t, r->f64, at, n);
    else
        store_i64(t, r->i64, at, n);
}

static bool same_type(em_dtype dtype, kind from)
{
    return (from == KIND_F32 && dtype == EM_F32) || (from == KIND_F64 && dtype == EM_F64) ||
           (from == KIND_I64 && dtype == EM_I64);
}

/* Where elements first .. first+n-1 of the iterated tensor lie. */
static void positions(const em_iterator *w, int64_t first, int n, int64_t *at)
{
    const int64_t step = w->stride[0][w->dims - 1];
    int k = 0;
    while (k < n) {
        int64_t offset[EM_ITERATED];
        em__iterator_at(w, (first + k) / w->inner, offset);
        for (int64_t i = (first + k) % w->inner; i < w->inner && k < n; i++, k++) at[k] = offset[0] + i * step;
    }
}

static em_status fill(em_tensor *t, em_rng *rng, source s, const char *name)
{
    EM_TRY(em__before_change(t, name));
    em__apply_pending(t);
    s.seed = rng->seed;
    s.position = rng->position;
    em_iterator w;
    const int64_t *strides[] = {t->stride};
    em__iterator_init(&w, 1, t->dims, t->size, strides);
    const bool straight = t->contiguous && same_type(t->dtype, s.kind);
    const size_t size = em_dtype_size(t->dtype);
    EM_PARALLEL_CHUNKS(lo, hi, t->count, 8)
        for (int64_t i = lo; i < hi; i += RUN) {
            run r;
            int64_t at[RUN];
            const int n = (int)em__min(RUN, hi - i);
            make_run(&s, i, &r);
            if (straight) {
                memcpy(t->data + (size_t)i * size, &r, (size_t)n * size);
            } else {
                positions(&w, i, n, at);
                store_scattered(t, s.kind, &r, at, n);
            }
        }
    rng->position += ((uint64_t)t->count + (uint64_t)s.per_block - 1) / (uint64_t)s.per_block;
    em_tensor_touch(t);
    return EM_OK;
}

/* Largest number below `high` that a tensor of dtype `d` can hold, or `high` itself if it is infinite. */
static double below(double high, em_dtype d)
{
    if (d == EM_F32) return (double)nextafterf((float)high, -INFINITY);
    if (!em_dtype_is_half(d)) return nextafter(high, -INFINITY);
    uint16_t h = d == EM_F16 ? em__write_f16((float)high) : em__write_bf16((float)high);
    const double near = (double)(d == EM_F16 ? em__read_f16(h) : em__read_bf16(h));
    if (near < high || high != high) return near;
    h = (uint16_t)(h == 0 ? 0x8001 : h & 0x8000 ? h + 1 : h - 1);
    return (double)(d == EM_F16 ? em__read_f16(h) : em__read_bf16(h));
}

em_status em_tensor_fill_uniform(em_tensor *t, double low, double high, em_rng *rng)
{
    source s = {.a = low, .b = high, .kind = KIND_F64, .per_block = 2, .make = make_uniform_f64};
    s.last = fmax(below(high, t->dtype), low);
    if (em__computed_in(t->dtype) == EM_F32) {
        s.a = (double)(float)low;
        s.b = (double)(float)high;
        s.last = fmax(below(high, t->dtype), s.a);
        s.kind = KIND_F32;
        s.per_block = 4;
        s.make = make_uniform_f32;
    }
    return fill(t, rng, s, "uniform_");
}

em_status em_tensor_fill_normal(em_tensor *t, double mean, double std, em_rng *rng)
{
    source s = {.a = mean, .b = std, .kind = KIND_F64, .per_block = 2, .make = make_normal_f64};
    if (em__computed_in(t->dtype) == EM_F32) {
        s.kind = KIND_F32;
        s.per_block = 4;
        s.make = make_normal_f32;
    }
    return fill(t, rng, s, "normal_");
}

em_status em_tensor_fill_integers(em_tensor *t, int64_t low, int64_t high, em_rng *rng)
{
    source s = {.low = low, .span = (uint64_t)high - (uint64_t)low, .kind = KIND_I64, .per_block = 2,
                .make = make_integers};
    if (high <= low) s.span = 1;
    return fill(t, rng, s, "random_");
}

/* Fisher and Yates: place i takes one of the i + 1 numbers not yet placed. Each choice hangs on the last one, so this
 * runs on one thread. */
em_status em_tensor_fill_permutation(em_tensor *t, em_rng *rng)
{
    EM_TRY(em__before_change(t, "randperm"));
    int64_t *data = EM_DATA(int64_t, t);
    const int64_t step = t->stride[0], n = t->count;
    for (int64_t i = 0; i < n; i++) data[i * step] = i;
    uint32_t bits[4];
    for (int64_t i = n - 1, drawn = 0; i > 0; i--, drawn++) {
        if (drawn % 65536 == 0 && em__stop) break;
        if (drawn % 2 == 0) em__rng_at(rng->seed, rng->position + (uint64_t)drawn / 2, bits);
        const uint32_t *two = bits + 2 * (drawn % 2);
        const int64_t j = (int64_t)em__bounded(em__join_bits(two[0], two[1]), (uint64_t)i + 1);
        const int64_t kept = data[i * step];
        data[i * step] = data[j * step];
        data[j * step] = kept;
    }
    rng->position += (uint64_t)n / 2;
    em_tensor_touch(t);
    return EM_OK;
}
