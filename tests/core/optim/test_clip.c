/* Clipping by norm and by value: dense with sparse gradients, what is not finite, strides, threads. */
#include <math.h>

#include "support.h"

/* Rows 2, 0, 2 of (3, 2): sums (1, -2) and (3 - 9, 4 + 4) = (-6, 8). */
static em_tensor *sparse(void)
{
    em_tensor *ids = tensor_of(EM_I64, SHAPE(3), VALUES(2, 0, 2)), *grad;
    em_tensor *values = tensor_of(EM_F32, SHAPE(3, 2), VALUES(3, 4, 1, -2, -9, 4));
    assert_ok(em_rows_new(&grad, ids, values, 3));
    em_tensor_release(ids);
    em_tensor_release(values);
    return grad;
}

static void assert_rows(em_tensor *t, double rtol, int64_t count, const double *values)
{
    em_tensor *dense;
    assert_ok(em_rows_to_dense(&dense, t));
    assert_tensor_close(rtol, 0, dense, EM_F32, SHAPE(3, 2), count, values);
    em_tensor_release(dense);
}

/* ---- norm ---------------------------------------------------------------------------------------------- */

static void norms_of_dense_and_sparse_together(void **context)
{
    (void)context;
    static const struct {
        double type, norm;
    } cases[] = {
        {1, 3 + 12 + 1 + 2 + 6 + 8}, {2, 0}, {3, 0}, {INFINITY, 12}, {0.5, 0},
    };
    const double all[] = {3, 12, 1, 2, 6, 8};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double want = 0;
        for (int k = 0; k < 6; k++) want += pow(all[k], cases[i].type);
        want = cases[i].norm != 0 ? cases[i].norm : pow(want, 1 / cases[i].type);
        em_tensor *grads[] = {tensor_of(EM_F64, SHAPE(2), VALUES(-3, 12)), sparse()};
        double total;
        assert_ok(em_clip_grad_norm(grads, 2, 1.5, cases[i].type, &total));
        assert_true(fabs(total - want) <= 1e-12 * want);
        const double f = 1.5 / (want + 1e-6);
        assert_tensor_close(1e-12, 0, grads[0], EM_F64, SHAPE(2), VALUES(-3 * f, 12 * f));
        assert_rows(grads[1], 1e-6, VALUES(f, -2 * f, 0, 0, -6 * f, 8 * f));
        em_tensor_release(grads[0]);
        em_tensor_release(grads[1]);
    }
}

static void short_gradients_stay(void **context)
{
    (void)context;
    em_tensor *grads[] = {tensor_of(EM_F32, SHAPE(2), VALUES(3, 4))};
    double total;
    assert_ok(em_clip_grad_norm(grads, 1, 6, 2, &total));
    assert_true(total == 5);
    assert_tensor(grads[0], EM_F32, SHAPE(2), VALUES(3, 4));
    assert_ok(em_clip_grad_norm(grads, 1, INFINITY, 2, &total));
    assert_tensor(grads[0], EM_F32, SHAPE(2), VALUES(3, 4));
    assert_ok(em_clip_grad_norm(grads, 1, 0, 2, &total));
    assert_tensor(grads[0], EM_F32, SHAPE(2), VALUES(0, 0));
    assert_ok(em_clip_grad_norm(grads, 0, 1, 2, &total));
    assert_true(total == 0);
    em_tensor_release(grads[0]);
}

static void what_is_not_finite(void **context)
{
    (void)context;
    em_tensor *grads[] = {tensor_of(EM_F32, SHAPE(3), VALUES(1, NAN, 2))};
    double total;
    assert_ok(em_clip_grad_norm(grads, 1, 1, 2, &total));
    assert_true(isnan(total));
    assert_tensor(grads[0], EM_F32, SHAPE(3), VALUES(NAN, NAN, NAN));
    em_tensor_set(grads[0], 0, 1);
    assert_ok(em_clip_grad_norm(grads, 1, INFINITY, INFINITY, &total));
    assert_true(isnan(total));
    em_tensor_set(grads[0], 1, -INFINITY);
    em_tensor_set(grads[0], 2, 1);
    assert_ok(em_clip_grad_norm(grads, 1, 1, 2, &total));
    assert_true(isinf(total));
    assert_tensor(grads[0], EM_F32, SHAPE(3), VALUES(0, NAN, 0));
    em_tensor_release(grads[0]);
}

static void norm_does_not_depend_on_threads(void **context)
{
    (void)context;
    const int64_t n = 300007;
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, EM_F32, 1, &n));
    for (int64_t i = 0; i < n; i++) em_tensor_set(t, i, sin((double)i));
    double want = 0;
    for (int threads = 1; threads <= 8; threads++) {
        double total;
        em_set_threads(threads);
        assert_ok(em_clip_grad_norm(&t, 1, INFINITY, 2, &total));
        if (threads == 1) want = total;
        assert_memory_equal(&total, &want, sizeof want);
    }
    double square = 0;
    for (int64_t i = 0; i < n; i++) square += pow((double)(float)sin((double)i), 2);
    assert_true(fabs(want - sqrt(square)) <= 1e-9 * want);
    em_tensor_release(t);
}

/* ---- value --------------------------------------------------------------------------------------------- */

static void values_are_clamped(void **context)
{
    (void)context;
    em_tensor *grads[] = {tensor_of(EM_F64, SHAPE(4), VALUES(-3, 12, 2.5, NAN)), sparse()};
    assert_ok(em_clip_grad_value(grads, 2, 2.5));
    assert_tensor(grads[0], EM_F64, SHAPE(4), VALUES(-2.5, 2.5, 2.5, NAN));
    assert_rows(grads[1], 0, VALUES(1, -2, 0, 0, -2.5, 2.5));       /* the sums, not the entries */
    assert_true(em_rows_is_coalesced(grads[1]));
    em_tensor_release(grads[0]);
    em_tensor_release(grads[1]);
}

/* A gradient of one entry per row refers to its values: they belong to the upstream gradient and must not change. */
static void values_elsewhere_stay(void **context)
{
    (void)context;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(1), VALUES(1)), *g;
    em_tensor *values = tensor_of(EM_F32, SHAPE(1, 2), VALUES(7, -7));
    assert_ok(em_rows_new(&g, ids, values, 3));
    assert_ok(em_clip_grad_value(&g, 1, 1));
    assert_rows(g, 0, VALUES(0, 0, 1, -1, 0, 0));
    assert_ok(em_clip_grad_norm(&g, 1, 0.5, INFINITY, &(double){0}));
    assert_rows(g, 1e-5, VALUES(0, 0, 0.5, -0.5, 0, 0));
    assert_tensor(values, EM_F32, SHAPE(1, 2), VALUES(7, -7));
    em_tensor_release(ids);
    em_tensor_release(values);
    em_tensor_release(g);
}

static void strided_gradients(void **context)
{
    (void)context;
    em_tensor *base = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *g;
    assert_ok(em_tensor_view(&g, base, 0, 1, (int64_t[]){2}, (int64_t[]){2}));
    assert_ok(em_clip_grad_value(&g, 1, 2));
    assert_tensor(base, EM_F32, SHAPE(2, 2), VALUES(1, 2, 2, 4));
    em_tensor_release(g);
    em_tensor_release(base);
}

static void refusals(void **context)
{
    (void)context;
    em_tensor *grads[] = {tensor_of(EM_I64, SHAPE(1), VALUES(1))};
    double total;
    assert_fails(em_clip_grad_norm(grads, 1, 1, 2, &total), EM_ETYPE, "clip_grad_norm_: gradient 0 is int64");
    assert_fails(em_clip_grad_norm(grads, 0, -1, 2, &total), EM_EVALUE, "max_norm must be >= 0, given -1");
    assert_fails(em_clip_grad_norm(grads, 0, NAN, 2, &total), EM_EVALUE, "max_norm");
    assert_fails(em_clip_grad_norm(grads, 0, 1, 0, &total), EM_EVALUE, "norm_type must be > 0");
    assert_fails(em_clip_grad_value(grads, 1, 1), EM_ETYPE, "clip_grad_value_: gradient 0 is int64");
    assert_fails(em_clip_grad_value(grads, 0, NAN), EM_EVALUE, "clip_value must be >= 0");
    em_tensor_release(grads[0]);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

static em_tensor *created[2];

static void make(void *context)
{
    (void)context;
    created[0] = tensor_of(EM_F32, SHAPE(2), VALUES(-3, 12));
    created[1] = sparse();
}

static void unmake(void *context)
{
    (void)context;
    em_tensor_release(created[0]);
    em_tensor_release(created[1]);
}

static em_status clip(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    double total;
    const em_status s = *(bool *)context ? em_clip_grad_value(created, 2, 1)
                                         : em_clip_grad_norm(created, 2, 1, 2, &total);
    if (s) assert_tensor(created[0], EM_F32, SHAPE(2), VALUES(-3, 12));
    return s;
}

static void survives_failing_allocations(void **context)
{
    (void)context;
    for (int by_value = 0; by_value < 2; by_value++)
        assert_true(each_allocation_fails(&(fallible){make, clip, unmake}, &(bool){by_value}) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_of_dense_and_sparse_together),
        cmocka_unit_test(short_gradients_stay),
        cmocka_unit_test(what_is_not_finite),
        cmocka_unit_test(norm_does_not_depend_on_threads),
        cmocka_unit_test(values_are_clamped),
        cmocka_unit_test(values_elsewhere_stay),
        cmocka_unit_test(strided_gradients),
        cmocka_unit_test(refusals),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
