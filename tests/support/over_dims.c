/* The naive loop over dims, and the shapes it is compared on. */
#include "over_dims.h"

#include <math.h>
#include <stdio.h>

/* Elements that fold into result number `at`, gathered in order. */
static int64_t gather(double *to, const em_tensor *x, unsigned mask, int64_t at)
{
    const int dims = em_tensor_dims(x);
    int64_t n = 0;
    for (int64_t i = 0; i < em_tensor_count(x); i++) {
        int64_t left = i, position = 0, step = 1;
        for (int d = dims - 1; d >= 0; d--) {
            const int64_t size = em_tensor_size(x, d), where = left % size;
            left /= size;
            if (mask & 1u << d) continue;
            position += where * step;
            step *= size;
        }
        if (position == at) to[n++] = element(x, i);
    }
    return n;
}

static void options_text(char text[128], unsigned mask, int dims, bool keep, const char *more)
{
    int at = snprintf(text, 128, "%s keepdim=%s dim=", more, keep ? "true" : "false");
    bool first = true;
    for (int d = dims - 1; d >= 0; d--)
        if (mask & 1u << d) {
            at += snprintf(text + at, 128 - (size_t)at, first ? "%d" : ",%d", d % 2 ? d : d - dims);
            first = false;
        }
}

static void check_shape_of(const em_tensor *y, const em_tensor *x, unsigned mask, bool keep)
{
    int at = 0;
    for (int d = 0; d < em_tensor_dims(x); d++) {
        if (mask & 1u << d) {
            if (keep) assert_int_equal(em_tensor_size(y, at++), 1);
        } else {
            assert_int_equal(em_tensor_size(y, at++), em_tensor_size(x, d));
        }
    }
    assert_int_equal(em_tensor_dims(y), at);
}

static void check_mask(const char *op, const char *more, em_tensor *x, unsigned mask, bool keep,
                       fold_reference *reference,
                       double rtol)
{
    char options[128];
    options_text(options, mask, em_tensor_dims(x), keep, more);
    em_tensor *y = op_call(op, options, 1, &x);
    double *part = malloc(((size_t)em_tensor_count(x) + 1) * sizeof *part);
    check_shape_of(y, x, mask, keep);
    const int64_t all = em_tensor_count(y), step = em_tensor_count(x) > 2000 ? all / 5 + 1 : 1;    /* some of many */
    for (int64_t i = 0; i < all; i += step) {
        const int64_t n = gather(part, x, mask, i);
        const double want = reference(part, n), got = element(y, i);
        if (isnan(want) ? !isnan(got) : got != want && !(fabs(got - want) <= rtol * fmax(fabs(want), 1e-30)))
            fail_msg("%s %s: result %lld is %.17g, want %.17g", op, options, (long long)i, got, want);
    }
    free(part);
    em_tensor_release(y);
}

void check_over_dims(const char *op, const char *more, em_dtype dtype, fold_reference *reference, double rtol)
{
    static const struct { int dims; int64_t sizes[4]; } shapes[] = {
        {1, {1}}, {1, {7}}, {1, {40000}}, {2, {3, 5}}, {2, {5, 33}}, {2, {700, 3}}, {2, {3, 700}}, {2, {40, 300}},
        {3, {2, 3, 4}}, {3, {3, 1, 5}}, {3, {1, 4, 1}}, {4, {2, 3, 2, 3}}, {2, {40000, 2}},
    };
    em_set_threads(4);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        em_tensor *x;
        assert_ok(em_tensor_empty(&x, dtype, shapes[k].dims, shapes[k].sizes));
        /* around 1, so that products neither vanish nor overflow; small integers in other dtypes */
        for (int64_t i = 0; i < em_tensor_count(x); i++)
            em_tensor_set(x, i,
                          em_dtype_is_float(dtype) ? 1 + 0.001 * (double)(i * 37 % 101 - 50) : (double)(i * 7 % 5));
        for (unsigned mask = 1; mask < 1u << shapes[k].dims; mask++)
            for (int keep = 0; keep < 2; keep++) check_mask(op, more, x, mask, keep, reference, rtol);
        em_tensor_release(x);
    }
    em_set_threads(1);
}
