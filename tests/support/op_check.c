/* Refused calls, numeric gradients and random tensors for tests of operations. */
#include "op_check.h"

#include <math.h>
#include <stdio.h>

void op_fails(const char *name, const char *options, int n, em_tensor *const *inputs, em_status code, const char *part)
{
    em_tensor *out[EM_MAX_OUT] = {0};
    const int64_t blocks = em_memory_blocks();
    const em_status s = op_try(out, name, options, n, inputs);
    if (s != code) fail_msg("%s(%s): status %s (%s), expected %s", name, options, em_status_text(s), em_error(),
                            em_status_text(code));
    const char *title = em_op_title(em_op_find(name));
    if (!strstr(em_error(), title) || !strstr(em_error(), part))
        fail_msg("%s(%s): the error is '%s', expected '%s' in it", name, options, em_error(), part);
    for (int k = 0; k < EM_MAX_OUT; k++) assert_null(out[k]);
    assert_int_equal(em_memory_blocks(), blocks);
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

em_tensor *random_tensor(em_dtype dtype, int dims, const int64_t *sizes, uint64_t seed)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, dtype, dims, sizes));
    uint64_t state = seed * 977 + 1;
    next(&state);
    for (int64_t i = 0; i < em_tensor_count(t); i++) {
        const double x = (double)next(&state) / 1073741824.0 - 1;
        em_tensor_set(t, i, em_dtype_is_float(dtype) ? x : dtype == EM_BOOL ? x > 0 : floor(8 + 8 * x));
    }
    return t;
}

em_tensor *random_ids(int64_t high, int dims, const int64_t *sizes, uint64_t seed)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, EM_I64, dims, sizes));
    uint64_t state = seed * 977 + 1;
    next(&state);
    for (int64_t i = 0; i < em_tensor_count(t); i++) em_tensor_set_int(t, i, (int64_t)(next(&state) % (uint64_t)high));
    return t;
}

/* ---- gradients ----------------------------------------------------------------------------------------- */

static bool is_float(const em_tensor *t) { return t && em_dtype_is_float(em_tensor_dtype(t)); }

static double weighted_sum(em_tensor *const *out, em_tensor *const *weight)
{
    double sum = 0;
    for (int k = 0; k < EM_MAX_OUT; k++)
        for (int64_t i = 0; weight[k] && i < em_tensor_count(out[k]); i++)
            sum += element(out[k], i) * element(weight[k], i);
    return sum;
}

static double value_at(const char *name, const char *options, int n, em_tensor *const *inputs, em_tensor *const *weight)
{
    em_tensor *out[EM_MAX_OUT] = {0};
    em_set_grad_enabled(false);
    assert_ok(op_try(out, name, options, n, inputs));
    em_set_grad_enabled(true);
    const double sum = weighted_sum(out, weight);
    release_all(EM_MAX_OUT, out);
    return sum;
}

static void compare(const char *file, int line, const char *name, const char *options, int n, em_tensor *const *inputs,
                    em_tensor *const *weight, int i, const em_tensor *grad)
{
    const double step = 1e-5;
    em_tensor *x = inputs[i];
    for (int64_t k = 0; k < em_tensor_count(x); k++) {
        const double old = element(x, k);
        em_tensor_set(x, k, old + step);
        const double above = value_at(name, options, n, inputs, weight);
        em_tensor_set(x, k, old - step);
        const double below = value_at(name, options, n, inputs, weight);
        em_tensor_set(x, k, old);
        const double want = (above - below) / (2 * step), got = grad ? element(grad, k) : 0;
        if (!(fabs(got - want) <= 1e-7 + 1e-6 * fabs(want)))
            fail_msg("%s:%d: %s(%s): gradient of input %d at %lld is %.12g, by differences %.12g", file, line, name,
                     options, i, (long long)k, got, want);
    }
}

void check_gradient(const char *file, int line, const char *name, const char *options, int n, em_tensor *const *inputs)
{
    em_tensor *out[EM_MAX_OUT] = {0}, *weight[EM_MAX_OUT] = {0}, *results[EM_MAX_OUT], *upstream[EM_MAX_OUT];
    em_tensor *leaf[16], *grad[16];
    int n_leaf = 0, n_results = 0;
    assert_true(n <= 16);
    for (int i = 0; i < n; i++)
        if (is_float(inputs[i])) {
            assert_ok(em_tensor_set_requires_grad(inputs[i], true));
            leaf[n_leaf++] = inputs[i];
        }
    assert_ok(op_try(out, name, options, n, inputs));
    for (int k = 0; k < EM_MAX_OUT; k++)
        if (is_float(out[k]) && em_tensor_requires_grad(out[k])) {
            weight[k] = random_tensor(EM_F64, em_tensor_dims(out[k]), em_tensor_sizes(out[k]), 77 + (uint64_t)k);
            results[n_results] = out[k];
            upstream[n_results++] = weight[k];
        }
    assert_true(n_results > 0);
    assert_ok(em_grad(results, upstream, n_results, leaf, n_leaf, false, grad));
    for (int i = 0, k = 0; i < n; i++)
        if (is_float(inputs[i])) compare(file, line, name, options, n, inputs, weight, i, grad[k++]);
    release_all(n_leaf, grad);
    release_all(EM_MAX_OUT, out);
    release_all(EM_MAX_OUT, weight);
}
