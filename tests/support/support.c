/* Tensors out of lists, comparisons with lists, and failing allocations. */
#include "support.h"

#include <math.h>

/* ---- elements by strides ------------------------------------------------------------------------------- */

static const void *address(const em_tensor *t, int64_t at)
{
    int64_t offset = 0;
    for (int d = em_tensor_dims(t) - 1; d >= 0; d--) {
        const int64_t size = em_tensor_size(t, d);
        offset += at % size * em_tensor_stride(t, d);
        at /= size;
    }
    return (const char *)em_tensor_data(t) + offset * (int64_t)em_dtype_size(em_tensor_dtype(t));
}

int64_t element_int(const em_tensor *t, int64_t at)
{
    const void *p = address(t, at);
    switch (em_tensor_dtype(t)) {
    case EM_I64: return *(const int64_t *)p;
    case EM_I32: return *(const int32_t *)p;
    case EM_U8:
    case EM_BOOL: return *(const uint8_t *)p;
    default: return (int64_t)element(t, at);
    }
}

double half_value(uint16_t bits, int exponent_bits, int fraction_bits)
{
    const int bias = (1 << (exponent_bits - 1)) - 1, most = (1 << exponent_bits) - 1;
    const int exponent = bits >> fraction_bits & most, fraction = bits & ((1 << fraction_bits) - 1);
    const double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == most) return fraction ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexp(fraction, 1 - bias - fraction_bits);
    return sign * ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

void release_all(int n, em_tensor *const *tensors)
{
    for (int i = 0; i < n; i++) em_tensor_release(tensors[i]);
}

double element(const em_tensor *t, int64_t at)
{
    const void *p = address(t, at);
    switch (em_tensor_dtype(t)) {
    case EM_F16: return half_value(*(const uint16_t *)p, 5, 10);
    case EM_BF16: return half_value(*(const uint16_t *)p, 8, 7);
    case EM_F32: return (double)*(const float *)p;
    case EM_F64: return *(const double *)p;
    default: return (double)element_int(t, at);
    }
}

/* By search: the bits of a finite value of one sign rise with it. Exact values only, so that no rule of rounding is
 * needed. */
static uint16_t nearest_half(double value, int exponent_bits, int fraction_bits)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    for (uint32_t bits = 0; bits < 0x8000; bits++)
        if (half_value((uint16_t)bits, exponent_bits, fraction_bits) == fabs(value)) return (uint16_t)(sign | bits);
    fail_msg("%g is no value of a half type", value);
    return 0;
}

static void write_element(void *data, em_dtype dtype, int64_t at, double value)
{
    switch (dtype) {
    case EM_F32: ((float *)data)[at] = (float)value; break;
    case EM_F64: ((double *)data)[at] = value; break;
    case EM_F16: ((uint16_t *)data)[at] = nearest_half(value, 5, 10); break;
    case EM_BF16: ((uint16_t *)data)[at] = nearest_half(value, 8, 7); break;
    case EM_I64: ((int64_t *)data)[at] = (int64_t)value; break;
    case EM_I32: ((int32_t *)data)[at] = (int32_t)value; break;
    default: ((uint8_t *)data)[at] = (uint8_t)value; break;
    }
}

em_tensor *tensor_of(em_dtype dtype, int dims, const int64_t *sizes, int64_t count, const double *values)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, dtype, dims, sizes));
    assert_int_equal(em_tensor_count(t), count);
    for (int64_t i = 0; i < count; i++) write_element(em_tensor_data(t), dtype, i, values[i]);
    return t;
}

/* ---- comparison ---------------------------------------------------------------------------------------- */

#define FAIL(...) \
    do { \
        print_error(__VA_ARGS__); \
        print_error("\n"); \
        _fail(file, line); \
    } while (0)

static void check_shape(const char *file, int line, const em_tensor *t, em_dtype dtype, int dims, const int64_t *sizes)
{
    if (!t) FAIL("the tensor is null");
    if (em_tensor_dtype(t) != dtype)
        FAIL("dtype is %s, want %s", em_dtype_name(em_tensor_dtype(t)), em_dtype_name(dtype));
    if (em_tensor_dims(t) != dims) FAIL("%d dims, want %d", em_tensor_dims(t), dims);
    for (int d = 0; d < dims; d++)
        if (em_tensor_size(t, d) != sizes[d])
            FAIL("size %lld at dim %d, want %lld", (long long)em_tensor_size(t, d), d, (long long)sizes[d]);
}

static bool near(double got, double want, double rtol, double atol)
{
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    return got == want || fabs(got - want) <= atol + rtol * fabs(want);
}

void check_tensor(const char *file, int line, double rtol, double atol, const em_tensor *t, em_dtype dtype, int dims,
                  const int64_t *sizes, int64_t count, const double *values)
{
    check_shape(file, line, t, dtype, dims, sizes);
    if (em_tensor_count(t) != count)
        FAIL("%lld elements, but %lld are listed", (long long)em_tensor_count(t), (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (!near(element(t, i), values[i], rtol, atol))
            FAIL("element %lld is %.17g, want %.17g", (long long)i, element(t, i), values[i]);
}

void check_same_bits(const char *file, int line, const em_tensor *a, const em_tensor *b)
{
    if (!a || !b) FAIL("a tensor is null");
    check_shape(file, line, a, em_tensor_dtype(b), em_tensor_dims(b), em_tensor_sizes(b));
    const size_t size = em_dtype_size(em_tensor_dtype(a));
    for (int64_t i = 0; i < em_tensor_count(a); i++)
        if (memcmp(address(a, i), address(b, i), size) != 0)
            FAIL("element %lld: %.17g and %.17g differ in bits", (long long)i, element(a, i), element(b, i));
}

void check_status(const char *file, int line, em_status got, em_status want, const char *part)
{
    if (got != want)
        FAIL("status \"%s\" (%s), want \"%s\"", em_status_text(got), got ? em_error() : "", em_status_text(want));
    if (want && !*part) FAIL("the sentence to look for is missing; the error is \"%s\"", em_error());
    if (want && !strstr(em_error(), part)) FAIL("error \"%s\" lacks \"%s\"", em_error(), part);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

/* One run with the allocation after `count` others failing. True if the call succeeded all the same. */
static bool run_failing(const fallible *f, void *context, int count, bool sticky)
{
    em_tensor *out[EM_MAX_OUT] = {NULL};
    const int64_t outside = em_memory_blocks();
    if (f->prepare) f->prepare(context);
    const int64_t before = em_memory_blocks();
    em_memory_fail_after(count, sticky);
    const em_status status = f->call(context, out);
    em_memory_fail_after(-1, false);
    if (status) {
        check_status("allocation failing", count, status, EM_ENOMEM, "not enough memory");
        for (int k = 0; k < EM_MAX_OUT; k++) assert_null(out[k]);
        if (!f->prepare) assert_int_equal(em_memory_blocks(), before);
    }
    for (int k = 0; k < EM_MAX_OUT; k++) em_tensor_release(out[k]);
    if (f->clean) f->clean(context);
    assert_int_equal(em_memory_blocks(), outside);
    return status == EM_OK;
}

int each_allocation_fails(const fallible *f, void *context)
{
    enum { MANY = 100000 };     /* a call that never succeeds must not run for ever */
    for (int sticky = 1; sticky >= 0; sticky--)
        for (int count = 0;; count++) {
            assert_true(count < MANY);
            if (!run_failing(f, context, count, sticky)) continue;
            if (!sticky) return count;
            break;
        }
    return 0;
}
