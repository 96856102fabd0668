/* Arithmetic of two tensors: values by hand, broadcasting against a naive loop, dtypes, division by zero. */
#include <math.h>

#include "values.h"

#define V(op, options, x, y, want) {op, options, x, y, want, NOT_LOOKED_AT, NOT_LOOKED_AT}

static void known_values(void **state)
{
    (void)state;
    const double inf = INFINITY;
    const value_row rows[] = {
        {"add", "", 2, 3, 5, 1, 1}, {"add", "alpha=2.5", 2, 4, 12, 1, 2.5}, {"sub", "", 2, 3, -1, 1, -1},
        {"sub", "alpha=-0.5", 2, 4, 4, 1, 0.5}, {"mul", "", 2, 3, 6, 3, 2}, {"div", "", 6, 4, 1.5, 0.25, -0.375},
        V("div", "", 1, 0, inf), V("div", "", -1, 0, -inf), V("div", "", 0, 0, NAN),
        {"pow", "", 2, 3, 8, 12, 8 * log(2)}, {"pow", "", 4, 0.5, 2, 0.25, 2 * log(4)}, {"pow", "", 3, 0, 1, 0, log(3)},
        {"pow", "", 0, 0, 1, 0, 0}, {"pow", "", 0, 2, 0, 0, 0}, {"pow", "", -2, 2, 4, -4, NOT_LOOKED_AT},
        V("pow", "", -2, 0.25, NAN), {"pow", "", 2, -1, 0.5, -0.25, 0.5 * log(2)},
        {"pow", "", 2, -2, 0.25, -0.25, 0.25 * log(2)},
        {"pow", "", 4, -0.5, 0.5, -0.0625, 0.5 * log(4)}, V("pow", "", 0, -1, inf),
        {"maximum", "", 2, 3, 3, 0, 1}, {"maximum", "", 3, 2, 3, 1, 0}, {"maximum", "", 2, 2, 2, 0.5, 0.5},
        V("maximum", "", NAN, 1, NAN), V("maximum", "", 1, NAN, NAN), {"minimum", "", 2, 3, 2, 1, 0},
        {"minimum", "", 2, 2, 2, 0.5, 0.5}, V("minimum", "", 1, NAN, NAN), V("minimum", "", NAN, 1, NAN),
        {"fmod", "", 5.5, 2, 1.5, 1, -2}, {"fmod", "", -5.5, 2, -1.5, 1, 2}, V("fmod", "", 5.5, -2, 1.5),
        V("fmod", "", 1, 0, NAN),
        {"remainder", "", 5.5, 2, 1.5, 1, -2}, {"remainder", "", -5.5, 2, 0.5, 1, 3}, V("remainder", "", 5.5, -2, -0.5),
        V("remainder", "", -5.5, -2, -1.5), V("remainder", "", 4, 2, 0), V("remainder", "", 1, 0, NAN),
        V("floor_divide", "", 5.5, 2, 2), V("floor_divide", "", -5.5, 2, -3), V("floor_divide", "", 5.5, -2, -3),
        V("floor_divide", "", -5.5, -2, 2), V("floor_divide", "", 1, 0, inf), V("floor_divide", "", 0.5, 0.125, 4),
        V("floor_divide", "", -5.5, inf, -1), V("floor_divide", "", 5.5, inf, 0), V("floor_divide", "", 5.5, -inf, -1),
        {"fmax", "", 2, 2, 2, 1, 0}, {"fmax", "", 1, 2, 2, 0, 1}, {"fmax", "", NAN, 1, 1, 0, 1},
        {"fmin", "", 2, 2, 2, 1, 0}, {"fmin", "", 1, 2, 1, 1, 0}, {"fmin", "", 1, NAN, 1, 1, 0},
        {"clamp_min", "", 2, 2, 2, 1, 0}, {"clamp_min", "", 1, 2, 2, 0, 1}, {"clamp_max", "", 2, 2, 2, 1, 0},
        {"clamp_max", "", 3, 2, 2, 0, 1}, {"hypot", "", 3, 4, 5, 0.6, 0.8}, {"hypot", "", 0, 0, 0, 0, 0},
        V("hypot", "", NAN, -inf, inf), {"logaddexp", "", 0, log(3), log(4), 0.25, 0.75},
        {"logaddexp", "", -inf, -inf, -inf, 0.5, 0.5}, {"xlogy", "", 2, 3, 2 * log(3), log(3), 2. / 3},
        {"xlogy", "", 0, 3, 0, log(3), 0}, {"xlogy", "", 0, 0, 0, 0, 0}, V("xlogy", "", 0, NAN, NAN),
        {"prelu", "", 3, 0.5, 3, 1, 0}, {"prelu", "", -3, 0.5, -1.5, 0.5, -3}, {"glu", "", 3, 0, 1.5, 0.5, 0.75},
        {"atan2", "", 1, 1, 0.7853981633974483, 0.5, -0.5}, V("atan2", "", 0, -1, 3.141592653589793),
    };
    check_value_rows(rows, sizeof rows / sizeof *rows, 2);
}

/* ---- broadcasting --------------------------------------------------------------------------------------------- */

/* The element of t that stands at place `at` of a tensor of shape `sizes`. */
static double broadcast_element(const em_tensor *t, int64_t at, int dims, const int64_t *sizes)
{
    int64_t own = 0, step = 1;
    for (int d = dims - 1; d >= 0; d--) {
        const int64_t i = at % sizes[d];
        const int td = d - (dims - em_tensor_dims(t));
        at /= sizes[d];
        if (td < 0) continue;
        own += (em_tensor_size(t, td) == 1 ? 0 : i) * step;
        step *= em_tensor_size(t, td);
    }
    return element(t, own);
}

static em_tensor *counting(int dims, const int64_t *sizes)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, EM_F32, dims, sizes));
    for (int64_t i = 0; i < em_tensor_count(t); i++) em_tensor_set(t, i, (double)(i % 1013) - 7);
    return t;
}

static void check_product(em_tensor *x, em_tensor *y, int dims, const int64_t *sizes)
{
    em_tensor *z = op_call("mul", "", 2, (em_tensor *[]){x, y});
    assert_int_equal(em_tensor_dims(z), dims);
    for (int d = 0; d < dims; d++) assert_int_equal(em_tensor_size(z, d), sizes[d]);
    for (int64_t i = 0; i < em_tensor_count(z); i++) {
        const double want = broadcast_element(x, i, dims, sizes) * broadcast_element(y, i, dims, sizes);
        if (element(z, i) != want) fail_msg("element %lld is %g, want %g", (long long)i, element(z, i), want);
    }
    em_tensor_release(z);
}

static void shapes_broadcast(void **state)
{
    (void)state;
    static const struct { int xd, yd, zd; int64_t x[4], y[4], z[4]; } all[] = {
        {2, 2, 2, {3, 4}, {3, 4}, {3, 4}},          {2, 1, 2, {3, 4}, {4}, {3, 4}},
        {2, 2, 2, {3, 4}, {3, 1}, {3, 4}},          {0, 2, 2, {0}, {3, 4}, {3, 4}},
        {3, 2, 3, {2, 1, 3}, {4, 1}, {2, 4, 3}},    {4, 3, 4, {2, 1, 3, 1}, {5, 1, 7}, {2, 5, 3, 7}},
        {2, 2, 2, {0, 3}, {1, 3}, {0, 3}},          {2, 2, 2, {300, 401}, {1, 401}, {300, 401}},
        {2, 2, 2, {300, 1}, {1, 401}, {300, 401}},  {3, 2, 3, {40, 1, 50}, {60, 1}, {40, 60, 50}},
    };
    em_set_threads(4);
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        em_tensor *x = counting(all[k].xd, all[k].x), *y = counting(all[k].yd, all[k].y);
        check_product(x, y, all[k].zd, all[k].z);
        check_product(y, x, all[k].zd, all[k].z);
        em_tensor_release(x);
        em_tensor_release(y);
    }
    em_set_threads(1);
}

static void shapes_that_do_not_fit_are_named(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(2, 3)), *y = counting(SHAPE(2)), *none = NULL;
    assert_fails(op_try(&none, "add", "", 2, (em_tensor *[]){x, y}), EM_ESHAPE,
                 "add: shapes (2, 3) and (2) do not broadcast");
    assert_fails(em_apply_inplace(em_op_find("add"), y, (em_tensor *[]){y, x}, 2, NULL, NULL), EM_ESHAPE, "add");
    assert_tensor(y, EM_F32, SHAPE(2), VALUES(-7, -6));
    em_tensor_release(x);
    em_tensor_release(y);
}

/* A row of x added to x itself, and x to its transposed: the old values are meant throughout. */
static void in_place_reads_the_old_values(void **state)
{
    (void)state;
    const em_op *add = em_op_find("add");
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *row, *turned;
    assert_ok(em_tensor_view(&row, x, 0, SHAPE(2), (int64_t[]){1}));
    assert_ok(em_apply_inplace(add, x, (em_tensor *[]){x, row}, 2, NULL, NULL));
    assert_tensor(x, EM_F32, SHAPE(2, 2), VALUES(2, 4, 4, 6));
    assert_ok(em_tensor_view(&turned, x, 0, SHAPE(2, 2), (int64_t[]){1, 2}));
    assert_ok(em_apply_inplace(add, x, (em_tensor *[]){x, turned}, 2, NULL, NULL));
    assert_tensor(x, EM_F32, SHAPE(2, 2), VALUES(4, 8, 8, 12));
    em_tensor_release(x);
    em_tensor_release(row);
    em_tensor_release(turned);
}

/* ---- integers and bools --------------------------------------------------------------------------------------- */

static void check_two(const char *op, const char *options, em_dtype dtype, em_dtype result, int64_t n, const double *x,
                      const double *y, const double *want)
{
    em_tensor *in[2] = {tensor_of(dtype, 1, &n, n, x), tensor_of(dtype, 1, &n, n, y)};
    em_tensor *z = op_call(op, options, 2, in);
    check_tensor(op, (int)dtype, 1e-6, 0, z, result, 1, &n, n, want);
    em_tensor_release(in[0]);
    em_tensor_release(in[1]);
    em_tensor_release(z);
}

static void integers(void **state)
{
    (void)state;
    static const double x[] = {7, -7, 7, -7}, y[] = {2, 2, -2, -2};
    for (em_dtype d = EM_I64; d <= EM_I32; d++) {
        check_two("add", "", d, d, 4, x, y, (double[]){9, -5, 5, -9});
        check_two("add", "alpha=3", d, d, 4, x, y, (double[]){13, -1, 1, -13});
        check_two("sub", "", d, d, 4, x, y, (double[]){5, -9, 9, -5});
        check_two("mul", "", d, d, 4, x, y, (double[]){14, -14, -14, 14});
        check_two("div", "", d, EM_F32, 4, x, y, (double[]){3.5, -3.5, -3.5, 3.5});
        check_two("floor_divide", "", d, d, 4, x, y, (double[]){3, -4, -4, 3});
        check_two("remainder", "", d, d, 4, x, y, (double[]){1, 1, -1, -1});
        check_two("fmod", "", d, d, 4, x, y, (double[]){1, -1, 1, -1});
        check_two("maximum", "", d, d, 4, x, y, (double[]){7, 2, 7, -2});
        check_two("minimum", "", d, d, 4, x, y, (double[]){2, -7, -2, -7});
        check_two("pow", "", d, d, 4, x, (double[]){0, 1, 2, 3}, (double[]){1, -7, 49, -343});
    }
    check_two("add", "", EM_U8, EM_U8, 2, (double[]){250, 3}, (double[]){10, 4}, (double[]){4, 7});
    check_two("sub", "", EM_U8, EM_U8, 2, (double[]){2, 3}, (double[]){3, 3}, (double[]){255, 0});
    check_two("floor_divide", "", EM_U8, EM_U8, 2, (double[]){250, 3}, (double[]){10, 4}, (double[]){25, 0});
}

static void bools(void **state)
{
    (void)state;
    static const double x[] = {0, 0, 1, 1}, y[] = {0, 1, 0, 1};
    check_two("add", "", EM_BOOL, EM_BOOL, 4, x, y, (double[]){0, 1, 1, 1});
    check_two("mul", "", EM_BOOL, EM_BOOL, 4, x, y, (double[]){0, 0, 0, 1});
    check_two("maximum", "", EM_BOOL, EM_BOOL, 4, x, y, (double[]){0, 1, 1, 1});
    em_tensor *in[2] = {tensor_of(EM_BOOL, SHAPE(1), VALUES(1)), tensor_of(EM_BOOL, SHAPE(1), VALUES(0))}, *none = NULL;
    static const char *const refused[] = {"sub", "pow", "fmod", "remainder", "floor_divide"};
    for (size_t k = 0; k < 5; k++) {
        assert_fails(op_try(&none, refused[k], "", 2, in), EM_ETYPE, "tensors of bool are not supported");
        assert_null(none);
    }
    em_tensor_release(in[0]);
    em_tensor_release(in[1]);
}

static void division_of_integers_by_zero_is_refused(void **state)
{
    (void)state;
    static const char *const ops[] = {"floor_divide", "remainder", "fmod"};
    for (size_t k = 0; k < 3; k++)
        for (em_dtype d = EM_I64; d <= EM_U8; d++) {
            em_tensor *in[2] = {tensor_of(d, SHAPE(2, 2), VALUES(1, 2, 3, 4)), tensor_of(d, SHAPE(2), VALUES(1, 0))};
            em_tensor *none = NULL;
            assert_fails(op_try(&none, ops[k], "", 2, in), EM_EVALUE, "by zero (element 1 of other)");
            assert_fails(em_apply_inplace(em_op_find(ops[k]), in[0], in, 2, NULL, NULL), EM_EVALUE, ops[k]);
            assert_tensor(in[0], d, SHAPE(2, 2), VALUES(1, 2, 3, 4));
            em_tensor_release(in[0]);
            em_tensor_release(in[1]);
        }
}

static void the_least_number_by_minus_one_does_not_trap(void **state)
{
    (void)state;
    for (em_dtype d = EM_I64; d <= EM_I32; d++) {
        em_tensor *in[2], *z;
        const int64_t least = d == EM_I64 ? INT64_MIN : INT32_MIN;
        assert_ok(em_tensor_scalar_int(&in[0], d, least));
        assert_ok(em_tensor_scalar_int(&in[1], d, -1));
        z = op_call("floor_divide", "", 2, in);
        assert_true(element_int(z, 0) == least);
        em_tensor_release(z);
        for (int k = 0; k < 2; k++) {
            z = op_call(k ? "fmod" : "remainder", "", 2, in);
            assert_true(element_int(z, 0) == 0);
            em_tensor_release(z);
        }
        em_tensor_release(in[0]);
        em_tensor_release(in[1]);
    }
}

/* Where tensors hold both, 1 / x^|y| is cut off to an integer, as in PyTorch. */
static void negative_powers_of_integers(void **state)
{
    (void)state;
    for (em_dtype d = EM_I64; d <= EM_I32; d++) {
        em_tensor *in[2] = {tensor_of(d, SHAPE(6), VALUES(2, 1, -1, -1, -3, 0)),
                            tensor_of(d, SHAPE(6), VALUES(-1, -5, -3, -2, -1, -1))};
        em_tensor *y = op_call("pow", "", 2, in);
        assert_tensor(y, d, SHAPE(6), VALUES(0, 1, -1, 1, 0, 0));
        em_tensor_release(in[0]);
        em_tensor_release(in[1]);
        em_tensor_release(y);
    }
}

static void powers_and_factors_must_fit(void **state)
{
    (void)state;
    em_tensor *in[2] = {tensor_of(EM_I64, SHAPE(2), VALUES(2, 3)), tensor_of(EM_I64, SHAPE(2), VALUES(2, -1))};
    em_tensor *none = NULL;
    em_tensor *pair[2] = {in[0], NULL};
    assert_ok(em_tensor_scalar_int(&pair[1], EM_I64, -1));
    em_tensor_mark_number(pair[1]);
    assert_fails(op_try(&none, "pow", "", 2, pair), EM_EVALUE, "element 0 of exponent is -1");
    em_tensor_release(pair[1]);
    assert_fails(op_try(&none, "add", "alpha=0.5", 2, in), EM_EVALUE,
                 "add: alpha = 0.5 does not fit a tensor of int64");
    em_tensor_release(in[0]);
    em_tensor_release(in[1]);
}

static void dtypes_are_promoted(void **state)
{
    (void)state;
    static const struct { em_dtype x, y, want; } all[] = {
        {EM_F32, EM_F64, EM_F64}, {EM_I64, EM_F32, EM_F32}, {EM_U8, EM_I32, EM_I32}, {EM_BOOL, EM_U8, EM_U8},
        {EM_I32, EM_I64, EM_I64}, {EM_BOOL, EM_F64, EM_F64},
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        em_tensor *in[2] = {tensor_of(all[k].x, SHAPE(1), VALUES(1)), tensor_of(all[k].y, SHAPE(1), VALUES(1))};
        em_tensor *z = op_call("mul", "", 2, in);
        assert_tensor(z, all[k].want, SHAPE(1), VALUES(1));
        em_tensor_release(in[0]);
        em_tensor_release(in[1]);
        em_tensor_release(z);
    }
}

/* In place on a float32 with history by a float64: the gradient comes back in the dtypes of the tensors. */
static void in_place_keeps_the_dtype(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3)));
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(3), VALUES(4, 5, 6))), *y = op_call("neg", "", 1, &x);
    assert_ok(em_apply_inplace(em_op_find("mul"), y, (em_tensor *[]){y, w}, 2, NULL, NULL));
    assert_tensor(y, EM_F32, SHAPE(3), VALUES(-4, -10, -18));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(3), VALUES(-4, -5, -6));
    assert_tensor(em_tensor_grad(w), EM_F64, SHAPE(3), VALUES(-1, -2, -3));
    em_tensor_release(x);
    em_tensor_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(shapes_broadcast),
        cmocka_unit_test(shapes_that_do_not_fit_are_named),
        cmocka_unit_test(in_place_reads_the_old_values),
        cmocka_unit_test(integers),
        cmocka_unit_test(bools),
        cmocka_unit_test(division_of_integers_by_zero_is_refused),
        cmocka_unit_test(the_least_number_by_minus_one_does_not_trap),
        cmocka_unit_test(negative_powers_of_integers),
        cmocka_unit_test(powers_and_factors_must_fit),
        cmocka_unit_test(dtypes_are_promoted),
        cmocka_unit_test(in_place_keeps_the_dtype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
