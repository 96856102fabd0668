/* Clipping of gradients, dense and row-sparse together. Norms are sums in double over fixed chunks, added in order. */
#include <math.h>

#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "tensor/sparse/row_sparse.h"
#include "tensor/tensor.h"

enum { CHUNK = 1 << 14, LANES = 8 };

/* ---- norms --------------------------------------------------------------------------------------------- */

static double term(double x, double p)
{
    const double a = fabs(x);
    return p == 2 ? a * a : p == 1 ? a : pow(a, p);
}

static double larger(double a, double b) { return a > b || a != a ? a : b; }    /* NaN wins */

/* The sum of |x|^p, or the largest |x| for p = inf, over n elements of a type known when this is compiled. */
EM_INLINE double measure(const em_dtype dtype, const void *x, int64_t n, double p)
{
#define ELEMENT(i) (dtype == EM_F32 ? (double)((const float *)x)[i] : ((const double *)x)[i])
    double lane[LANES] = {0}, total = 0;
    if (isinf(p)) {
        for (int64_t i = 0; i < n; i++) total = larger(fabs(ELEMENT(i)), total);
        return total;
    }
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] += term(ELEMENT(i + j), p);
    for (; i < n; i++) lane[i % LANES] += term(ELEMENT(i), p);
    for (int j = 0; j < LANES; j++) total += lane[j];
    return total;
#undef ELEMENT
}

static double measure_chunk(const em_tensor *t, int64_t chunk, double p)
{
    const int64_t lo = chunk * CHUNK, n = em__min(CHUNK, t->count - lo);
    return t->dtype == EM_F32 ? measure(EM_F32, EM_DATA(float, t) + lo, n, p)
                              : measure(EM_F64, EM_DATA(double, t) + lo, n, p);
}

static double root(double sum, double p)
{
    return p == 2 ? sqrt(sum) : p == 1 || isinf(p) ? sum : pow(sum, 1 / p);
}

static em_status norm_of_dense(double *norm, const em_tensor *t, double p)
{
    const int64_t chunks = (t->count + CHUNK - 1) / CHUNK;
    const size_t bytes = (size_t)chunks * sizeof(double);
    double *partial = em__alloc(bytes), total = 0;
    if (!partial) return em__fail_memory("partial sums of a norm", bytes);
    EM_PARALLEL_EACH(c, chunks, (double)CHUNK) partial[c] = measure_chunk(t, c, p);
    for (int64_t c = 0; c < chunks; c++) total = isinf(p) ? larger(partial[c], total) : total + partial[c];
    em__free(partial, bytes);
    *norm = root(total, p);
    return EM_OK;
}

/* t contiguous, of a dtype to compute in: t itself if it is. */
static em_status computable(em_tensor **out, em_tensor *t)
{
    return em_dtype_is_half(t->dtype) ? em_tensor_to(out, t, EM_F32) : em_tensor_contiguous(out, t);
}

/* What a gradient's norm is the norm of: its elements, a sparse one's summed rows. */
static em_status values_of(em_tensor **out, em_tensor *grad)
{
    *out = NULL;
    if (!grad->rows) return computable(out, grad);
    em_tensor *summed, *values;
    EM_TRY(em_rows_coalesce(&summed, grad));
    em_status s = em_rows_values(&values, summed);
    if (!s) s = computable(out, values);
    em_tensor_release(values);
    em_tensor_release(summed);
    return s;
}

static em_status norm_of(double *norm, em_tensor *grad, double p)
{
    em_tensor *values;
    EM_TRY(values_of(&values, grad));
    const em_status s = norm_of_dense(norm, values, p);
    em_tensor_release(values);
    return s;
}

/* ---- changing gradients in place ----------------------------------------------------------------------- */

typedef struct change {
    bool clamps;
    double by;                          /* factor, or limit */
} change;

#define CHANGE(name, type) \
    static void name(type *x, int64_t n, change c) \
    { \
        const type by = (type)c.by; \
        if (c.clamps) \
            for (int64_t i = 0; i < n; i++) x[i] = x[i] > by ? by : x[i] < -by ? -by : x[i]; \
        else \
            for (int64_t i = 0; i < n; i++) x[i] *= by; \
    }
CHANGE(change_f32, float)
CHANGE(change_f64, double)

static void change_values(em_tensor *t, change c)
{
    const int64_t chunks = (t->count + CHUNK - 1) / CHUNK;
    EM_PARALLEL_EACH(k, chunks, (double)CHUNK) {
        const int64_t lo = k * CHUNK, n = em__min(CHUNK, t->count - lo);
        if (t->dtype == EM_F32)
            change_f32(EM_DATA(float, t) + lo, n, c);
        else
            change_f64(EM_DATA(double, t) + lo, n, c);
    }
    em_tensor_touch(t);
}

/* A sparse gradient of the clamped sums. */
static em_status clamped_rows(em_tensor **out, em_tensor *grad, change c)
{
    em_tensor *summed, *ids = NULL, *values = NULL, *clamped = NULL;
    EM_TRY(em_rows_coalesce(&summed, grad));
    em_status s = em_rows_indices(&ids, summed);
    if (!s) s = em_rows_values(&values, summed);        /* a copy: the sums may lie in the upstream gradient */
    if (!s) s = computable(&clamped, values);
    if (!s) change_values(clamped, c);
    if (!s) s = em_rows_new(out, ids, clamped, grad->size[0]);
    if (!s) (*out)->rows->coalesced = true;
    em_tensor_release(clamped);
    em_tensor_release(values);
    em_tensor_release(ids);
    em_tensor_release(summed);
    return s;
}

/* What a gradient is to become, made before any is changed. Null: it can be changed where it is. */
static em_status stand_in(em_tensor **out, em_tensor *grad, change c)
{
    *out = NULL;
    if (!grad->rows && em_dtype_is_half(grad->dtype)) return em_tensor_to(out, grad, EM_F32);
    if (!grad->rows) return grad->contiguous ? EM_OK : em_tensor_clone(out, grad);
    return c.clamps ? clamped_rows(out, grad, c) : EM_OK;
}

static em_status change_one(em_tensor *grad, em_tensor *created, change c)
{
    if (grad->rows && created) {
        em_rows *rows = grad->rows;
        grad->rows = created->rows;
        created->rows = rows;
        return EM_OK;
    }
    if (grad->rows) return em_rows_scale_(grad, c.by);
    change_values(created ? created : grad, c);
    return created ? em_tensor_copy(grad, created) : EM_OK;
}

static em_status change_all(const char *name, em_tensor *const *grads, int n, change c)
{
    const size_t bytes = (size_t)n * sizeof(em_tensor *);
    em_tensor **created = em__alloc_zeroed(bytes);
    if (!created) return em__fail_memory("clipped gradients", bytes);
    em_status s = EM_OK;
    for (int i = 0; i < n && !s; i++) s = em__before_change(grads[i], name);
    for (int i = 0; i < n && !s; i++) s = stand_in(&created[i], grads[i], c);
    for (int i = 0; i < n && !s; i++) s = change_one(grads[i], created[i], c);
    for (int i = 0; i < n; i++) em_tensor_release(created[i]);
    em__free(created, bytes);
    return s;
}

/* ---- the two calls ------------------------------------------------------------------------------------- */

static em_status check_grads(const char *name, em_tensor *const *grads, int n)
{
    for (int i = 0; i < n; i++)
        if (!em_dtype_is_float(grads[i]->dtype))
            return em__fail(EM_ETYPE, "%s: gradient %d is %s, expected float32 or float64", name, i,
                            em_dtype_name(grads[i]->dtype));
    return EM_OK;
}

em_status em_clip_grad_norm(em_tensor *const *grads, int n, double max_norm, double norm_type, double *total)
{
    *total = 0;
    if (!(norm_type > 0)) return em__fail(EM_EVALUE, "clip_grad_norm_: norm_type must be > 0, given %g", norm_type);
    if (!(max_norm >= 0)) return em__fail(EM_EVALUE, "clip_grad_norm_: max_norm must be >= 0, given %g", max_norm);
    EM_TRY(check_grads("clip_grad_norm_", grads, n));
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double norm = 0;
        EM_TRY(norm_of(&norm, grads[i], norm_type));
        sum = isinf(norm_type) ? larger(norm, sum) : sum + term(norm, norm_type);
    }
    if (em_interrupted()) return em__fail(EM_EINTERRUPT, "clip_grad_norm_: interrupted");
    const double norm = root(sum, norm_type), factor = max_norm / (norm + 1e-6);
    if (!isinf(max_norm) && !(factor >= 1)) EM_TRY(change_all("clip_grad_norm_", grads, n, (change){.by = factor}));
    *total = norm;
    return EM_OK;
}

em_status em_clip_grad_value(em_tensor *const *grads, int n, double limit)
{
    if (!(limit >= 0)) return em__fail(EM_EVALUE, "clip_grad_value_: clip_value must be >= 0, given %g", limit);
    EM_TRY(check_grads("clip_grad_value_", grads, n));
    return change_all("clip_grad_value_", grads, n, (change){.clamps = true, .by = limit});
}
