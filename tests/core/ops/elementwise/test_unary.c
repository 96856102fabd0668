/* Elementary functions: known values and slopes, the edges of their domains, long tensors against the C library. */
#include <math.h>

#include "values.h"

#define X(op, x, want, dx) {op, "", x, 0, want, dx, NOT_LOOKED_AT}
#define V(op, x, want) X(op, x, want, NOT_LOOKED_AT)

static void known_values(void **state)
{
    (void)state;
    static const double e = 2.718281828459045, pi = 3.141592653589793;
    const value_row rows[] = {
        X("exp", 0, 1, 1), X("exp", 1, e, e), V("exp", -INFINITY, 0), V("exp", INFINITY, INFINITY), V("exp", NAN, NAN),
        V("exp", 1e4, INFINITY), V("exp", -1e4, 0),
        X("exp2", 3, 8, 8 * log(2)), X("expm1", 0, 0, 1), V("expm1", 1e-10, 1e-10), V("expm1", -1e4, -1),
        X("log", e, 1, 1 / e), V("log", 0, -INFINITY), V("log", -1, NAN), V("log", INFINITY, INFINITY),
        V("log", NAN, NAN),
        X("log", 1, 0, 1), X("log1p", 0, 0, 1), V("log1p", 1e-10, 1e-10), V("log1p", -1, -INFINITY),
        V("log1p", -2, NAN),
        V("log1p", INFINITY, INFINITY),
        X("log2", 8, 3, 1 / (8 * log(2))), X("log10", 1000, 3, 1 / (1000 * log(10))),
        X("sqrt", 9, 3, 1. / 6), X("sqrt", 0, 0, INFINITY), V("sqrt", -1, NAN), V("sqrt", INFINITY, INFINITY),
        X("rsqrt", 4, 0.5, -0.0625), V("rsqrt", 0, INFINITY), V("rsqrt", -1, NAN),
        X("reciprocal", 4, 0.25, -0.0625), V("reciprocal", 0, INFINITY), V("reciprocal", -INFINITY, 0),
        X("sin", 0, 0, 1), X("sin", pi / 6, 0.5, sqrt(0.75)), V("sin", INFINITY, NAN),
        X("cos", 0, 1, 0), X("cos", pi / 3, 0.5, -sqrt(0.75)), X("tan", pi / 4, 1, 2),
        X("asin", 0.5, pi / 6, 1 / sqrt(0.75)), X("asin", 1, pi / 2, INFINITY), V("asin", 1.5, NAN),
        X("acos", 0.5, pi / 3, -1 / sqrt(0.75)), V("acos", -1, pi), X("atan", 1, pi / 4, 0.5),
        V("atan", INFINITY, pi / 2), X("sinh", 0, 0, 1), X("sinh", 1, (e - 1 / e) / 2, (e + 1 / e) / 2),
        X("cosh", 0, 1, 0), X("cosh", 1, (e + 1 / e) / 2, (e - 1 / e) / 2),
        X("tanh", 0, 0, 1), X("tanh", 1, 0.7615941559557649, 0.41997434161402614), X("tanh", 50, 1, 0),
        X("tanh", -INFINITY, -1, 0), V("tanh", NAN, NAN),
        X("erf", 0, 0, 2 / sqrt(pi)), X("erf", 1, 0.8427007929497149, 2 / sqrt(pi) / e), V("erf", INFINITY, 1),
        V("erf", -5, -0.9999999999984626), X("erfc", 1, 0.15729920705028513, -2 / sqrt(pi) / e),
        V("erfc", INFINITY, 0), V("erfc", -INFINITY, 2),
        X("sigmoid", 0, 0.5, 0.25), X("sigmoid", 1, 0.7310585786300049, 0.19661193324148185), V("sigmoid", 1e4, 1),
        V("sigmoid", -1e4, 0), V("sigmoid", NAN, NAN),
        X("frac", 2.75, 0.75, 1), X("frac", -2.75, -0.75, 1),
        X("asinh", 0, 0, 1), X("asinh", 0.75, log(2), 0.8), X("asinh", -0.75, -log(2), 0.8),
        X("asinh", 1e20, 46.74484904044086, 1e-20), X("asinh", -INFINITY, -INFINITY, 0),
        X("acosh", 1.25, log(2), 4. / 3), X("acosh", 1, 0, INFINITY), X("acosh", 1e20, 46.74484904044086, 1e-20),
        V("acosh", 0.5, NAN), V("acosh", -1e20, NAN), X("atanh", 0.6, log(2), 1 / 0.64),
        X("atanh", 1, INFINITY, INFINITY), V("atanh", -1.5, NAN), X("sinc", 0, 1, 0),
        X("sinc", 0.5, 2 / pi, -4 / pi), X("deg2rad", 180, pi, pi / 180),
        X("rad2deg", pi, 180, 180 / pi), X("logit", 0.75, log(3), 16. / 3), X("logit", 0, -INFINITY, INFINITY),
        X("logit", 1, INFINITY, INFINITY), X("logit", 2, NAN, NAN),
    };
    check_value_rows(rows, sizeof rows / sizeof *rows, 1);
}

/* Denormal results count too: exp(-100) is about 3.8e-44. */
static void small_results_are_not_flushed(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(-100, -90)), *y = op_call("exp", "", 1, &x);
    assert_tensor_close(0.05, 0, y, EM_F32, SHAPE(2), VALUES(3.783505853677006e-44, 8.194012623990515e-40));
    em_tensor *z = op_call("sigmoid", "", 1, &x);
    assert_tensor_close(0.05, 0, z, EM_F32, SHAPE(2), VALUES(3.783505853677006e-44, 8.194012623990515e-40));
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(z);
}

static double reciprocal(double x) { return 1 / x; }

/* Many elements, so that several threads share them, and of every remainder of a vector. */
static void long_tensors_agree_with_the_library(void **state)
{
    (void)state;
    static const struct { const char *op; double (*truth)(double); } all[] = {
        {"exp", exp}, {"expm1", expm1}, {"log1p", log1p}, {"sin", sin}, {"tanh", tanh}, {"erf", erf}, {"atan", atan},
        {"reciprocal", reciprocal}, {"sqrt", sqrt}, {"log", log},
    };
    const int64_t sizes[] = {1, 7, 8, 9, 63, 20011};
    em_set_threads(4);
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (em_dtype dtype = EM_F32; dtype <= EM_F64; dtype++) {
                em_tensor *x;
                assert_ok(em_tensor_empty(&x, dtype, 1, &sizes[s]));
                for (int64_t i = 0; i < sizes[s]; i++) em_tensor_set(x, i, 0.1 + (double)(i % 997) * 0.01);
                em_tensor *y = op_call(all[k].op, "", 1, &x);
                for (int64_t i = 0; i < sizes[s]; i++) {
                    const double want = all[k].truth(element(x, i)), got = element(y, i);
                    const double size = fmax(fabs(want), fabs(sin(1)) * (all[k].truth == sin));
                    if (!(fabs(got - want) <= (dtype == EM_F32 ? 4e-7 : 1e-15) * size))
                        fail_msg("%s(%.17g) is %.17g, want %.17g", all[k].op, element(x, i), got, want);
                }
                em_tensor_release(x);
                em_tensor_release(y);
            }
    em_set_threads(1);
}

static void integers_are_taken_as_float32(void **state)
{
    (void)state;
    for (em_dtype dtype = EM_I64; dtype <= EM_BOOL; dtype++) {
        em_tensor *x = tensor_of(dtype, SHAPE(2), VALUES(0, 1)), *y = op_call("exp", "", 1, &x);
        assert_tensor_close(1e-6, 0, y, EM_F32, SHAPE(2), VALUES(1, 2.718281828459045));
        em_tensor_release(x);
        em_tensor_release(y);
    }
}

static void in_place_needs_room_for_the_result(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1)), *y = tensor_of(EM_F32, SHAPE(2), VALUES(0, 1));
    assert_fails(em_apply_inplace(em_op_find("exp"), x, &x, 1, NULL, NULL), EM_ETYPE, "exp_");
    assert_tensor(x, EM_I64, SHAPE(2), VALUES(0, 1));
    assert_ok(em_apply_inplace(em_op_find("exp"), y, &y, 1, NULL, NULL));
    assert_tensor_close(1e-6, 0, y, EM_F32, SHAPE(2), VALUES(1, 2.718281828459045));
    em_tensor_release(x);
    em_tensor_release(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(small_results_are_not_flushed),
        cmocka_unit_test(long_tensors_agree_with_the_library),
        cmocka_unit_test(integers_are_taken_as_float32),
        cmocka_unit_test(in_place_needs_room_for_the_result),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
