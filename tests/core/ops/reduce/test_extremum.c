/* Greatest and least: a naive loop over all kinds of shapes, NaN, ties and their gradients, places, empty tensors. */
#include <math.h>

#include "over_dims.h"

static double greatest_of(const double *x, int64_t n)
{
    double best = x[0];
    for (int64_t i = 1; i < n; i++) best = x[i] > best ? x[i] : best;
    return best;
}
static double least_of(const double *x, int64_t n)
{
    double best = x[0];
    for (int64_t i = 1; i < n; i++) best = x[i] < best ? x[i] : best;
    return best;
}

static void all_shapes_and_dims(void **state)
{
    (void)state;
    for (em_dtype d = EM_F32; d <= EM_BOOL; d++) {
        check_over_dims("amax", "", d, greatest_of, 0);
        check_over_dims("amin", "", d, least_of, 0);
    }
}

/* Along each dim of a tensor big enough for several threads and tiles: the first place that holds the value. */
static void places_are_those_of_the_first(void **state)
{
    (void)state;
    const int64_t sizes[] = {37, 61, 300};
    em_tensor *x, *out[2];
    assert_ok(em_tensor_empty(&x, EM_F32, 3, sizes));
    for (int64_t i = 0; i < em_tensor_count(x); i++) em_tensor_set(x, i, (double)(i * i % 29));
    em_set_threads(4);
    for (int d = 0; d < 3; d++) {
        char options[] = "dim=0";
        options[4] = (char)('0' + d);
        const int64_t K = d == 2 ? 1 : d == 1 ? 300 : 61 * 300, R = sizes[d];
        assert_ok(op_try(out, "min_dim", options, 1, &x));
        em_tensor *place = op_call("argmin", options, 1, &x);
        assert_same_bits(out[1], place);
        for (int64_t i = 0; i < em_tensor_count(place); i += 13) {
            int64_t best = 0;
            for (int64_t r = 1; r < R; r++)
                if (element(x, (i / K * R + r) * K + i % K) < element(x, (i / K * R + best) * K + i % K)) best = r;
            assert_int_equal(element_int(place, i), best);
            assert_true(element(out[0], i) == element(x, (i / K * R + best) * K + i % K));
        }
        em_tensor_release(place);
        em_tensor_release(out[0]);
        em_tensor_release(out[1]);
    }
    em_tensor *whole = op_call("argmax", "", 1, &x);
    int64_t first = 0;
    while (element(x, first) != 28) first++;
    assert_tensor(whole, EM_I64, SCALAR, VALUES((double)first));
    em_set_threads(1);
    em_tensor_release(whole);
    em_tensor_release(x);
}

static void not_a_number_wins(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, NAN, 3, -INFINITY, 5, INFINITY)), *out[2];
    static const struct { const char *op; double value[2], place[2]; } both[] = {
        {"max_dim", {NAN, INFINITY}, {1, 2}}, {"min_dim", {NAN, -INFINITY}, {1, 0}},
    };
    for (int k = 0; k < 2; k++) {
        assert_ok(op_try(out, both[k].op, "dim=1", 1, &x));
        assert_tensor(out[0], EM_F32, SHAPE(2), 2, both[k].value);
        assert_tensor(out[1], EM_I64, SHAPE(2), 2, both[k].place);
        em_tensor_release(out[0]);
        em_tensor_release(out[1]);
    }
    em_tensor *whole = op_call("max", "", 1, &x), *place = op_call("argmax", "", 1, &x);
    assert_tensor(whole, EM_F32, SCALAR, VALUES(NAN));
    assert_tensor(place, EM_I64, SCALAR, VALUES(1));
    em_tensor_release(whole);
    em_tensor_release(place);
    em_tensor_release(x);
}

static void check_gradient(const char *op, const char *options, const double *want)
{
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 3, 3, 2, 2, 2)));
    op_backward(op_call(op, options, 1, &x));
    check_tensor(op, 0, 1e-6, 0, em_tensor_grad(x), EM_F32, SHAPE(2, 3), 6, want);
    em_tensor_release(x);
}

static void ties(void **state)
{
    (void)state;
    const double third = 1. / 3;
    check_gradient("amax", "dim=1", (double[]){0, 0.5, 0.5, third, third, third});
    check_gradient("amin", "dim=1", (double[]){1, 0, 0, third, third, third});
    check_gradient("amax", "", (double[]){0, 0.5, 0.5, 0, 0, 0});
    check_gradient("max", "", (double[]){0, 0.5, 0.5, 0, 0, 0});
    check_gradient("min", "", (double[]){1, 0, 0, 0, 0, 0});
    check_gradient("max_dim", "dim=1", (double[]){0, 1, 0, 1, 0, 0});
    check_gradient("min_dim", "dim=0", (double[]){1, 0, 0, 0, 1, 1});
}

static void nothing_to_choose_from(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 0), NO_VALUES), *none[2] = {NULL};
    static const char *const ops[] = {"amax", "amin", "max", "min", "argmax", "argmin"};
    for (int k = 0; k < 6; k++) assert_fails(op_try(none, ops[k], "", 1, &x), EM_EVALUE, "no element to choose from");
    assert_fails(op_try(none, "amax", "dim=1", 1, &x), EM_EVALUE, "along the given dim");
    assert_fails(op_try(none, "max_dim", "dim=1", 1, &x), EM_EVALUE, "shape (2, 0)");
    assert_fails(op_try(none, "max_dim", "dim=2", 1, &x), EM_ERANGE, "max: dim 2");
    assert_null(none[0]);
    assert_ok(op_try(none, "max_dim", "dim=0", 1, &x));
    assert_tensor(none[0], EM_F32, SHAPE(0), NO_VALUES);
    assert_tensor(none[1], EM_I64, SHAPE(0), NO_VALUES);
    em_tensor_release(none[0]);
    em_tensor_release(none[1]);
    em_tensor_release(x);
}

static void single_numbers(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I32, SCALAR, VALUES(-5)), *out[2];
    assert_ok(op_try(out, "max_dim", "dim=0", 1, &x));
    assert_tensor(out[0], EM_I32, SCALAR, VALUES(-5));
    assert_tensor(out[1], EM_I64, SCALAR, VALUES(0));
    em_tensor_release(out[0]);
    em_tensor_release(out[1]);
    em_tensor_release(x);
}

static void large_integers_stay_exact(void **state)
{
    (void)state;
    em_tensor *x;
    assert_ok(em_tensor_empty(&x, EM_I64, SHAPE(2)));
    em_tensor_set_int(x, 0, ((int64_t)1 << 53));
    em_tensor_set_int(x, 1, ((int64_t)1 << 53) + 1);
    em_tensor *y = op_call("max", "", 1, &x), *z = op_call("argmax", "", 1, &x);
    assert_true(element_int(y, 0) == ((int64_t)1 << 53) + 1 && element_int(z, 0) == 1);
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shapes_and_dims), cmocka_unit_test(places_are_those_of_the_first),
        cmocka_unit_test(not_a_number_wins),
        cmocka_unit_test(ties), cmocka_unit_test(nothing_to_choose_from), cmocka_unit_test(single_numbers),
        cmocka_unit_test(large_integers_stay_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
