#include "op_check.h"

#define RESULT(name, options, inputs, ...) \
    do { \
        em_tensor *y = op_call(name, options, inputs); \
        assert_tensor(y, __VA_ARGS__); \
        em_tensor_release(y); \
    } while (0)

static em_tensor *grid(void) { return tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)); }

static void flipping(void **state)
{
    (void)state;
    em_tensor *x = grid(), *t = op_call("t", "", INPUTS(x)), *none = tensor_of(EM_F32, SHAPE(0, 2), NO_VALUES);
    RESULT("flip", "dims=0", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(4, 5, 6, 1, 2, 3));
    RESULT("flip", "dims=-1", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(3, 2, 1, 6, 5, 4));
    RESULT("flip", "dims=0,1", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(6, 5, 4, 3, 2, 1));
    RESULT("flip", "dims=0,1", INPUTS(t), EM_F32, SHAPE(3, 2), VALUES(6, 3, 5, 2, 4, 1));
    RESULT("flip", "dims=0", INPUTS(none), EM_F32, SHAPE(0, 2), NO_VALUES);
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(none);
}

static void rolling(void **state)
{
    (void)state;
    em_tensor *x = grid(), *none = tensor_of(EM_F32, SHAPE(0, 2), NO_VALUES), *s = tensor_of(EM_F32, SCALAR, VALUES(7));
    RESULT("roll", "shifts=1", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(6, 1, 2, 3, 4, 5));
    RESULT("roll", "shifts=1 dims=1", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(3, 1, 2, 6, 4, 5));
    RESULT("roll", "shifts=-1 dims=-1", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(2, 3, 1, 5, 6, 4));
    RESULT("roll", "shifts=7 dims=0", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(4, 5, 6, 1, 2, 3));
    RESULT("roll", "shifts=-9223372036854775808 dims=1", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(3, 1, 2, 6, 4, 5));
    RESULT("roll", "shifts=2 dims=0", INPUTS(none), EM_F32, SHAPE(0, 2), NO_VALUES);
    RESULT("roll", "shifts=2", INPUTS(s), EM_F32, SCALAR, VALUES(7));
    RESULT("roll", "shifts=2 dims=0", INPUTS(s), EM_F32, SCALAR, VALUES(7));
    em_tensor_release(x);
    em_tensor_release(none);
    em_tensor_release(s);
}

/* The gradient goes back as far; the least number has no opposite: modulo 3 it is 1. */
static void rolling_back(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(grid()), *y = op_call("roll", "shifts=-9223372036854775808 dims=1", INPUTS(x));
    em_tensor *dy = grid();
    assert_ok(em_backward(y, dy, false));
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 3), VALUES(2, 3, 1, 5, 6, 4));
    release_all(TENSORS(x, y, dy));
}

static void tiling(void **state)
{
    (void)state;
    em_tensor *v = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)), *x = grid(), *s = tensor_of(EM_F32, SCALAR, VALUES(7));
    RESULT("tile", "repeats=2,3", INPUTS(v), EM_I64, SHAPE(2, 6), VALUES(1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2));
    RESULT("tile", "repeats=2", INPUTS(x), EM_F32, SHAPE(2, 6), VALUES(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
    RESULT("tile", "repeats=3,1", INPUTS(x), EM_F32, SHAPE(6, 3),
           VALUES(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6));
    RESULT("tile", "repeats=0,2", INPUTS(x), EM_F32, SHAPE(0, 6), NO_VALUES);
    RESULT("tile", "repeats=5", INPUTS(s), EM_F32, SHAPE(5), VALUES(7, 7, 7, 7, 7));
    em_tensor *y = op_call("tile", "repeats=2,3,5", INPUTS(x));
    for (int64_t e = 0; e < em_tensor_count(y); e++) assert_true(element(y, e) == element(x, e / 15 % 2 * 3 + e % 3));
    em_tensor_release(y);
    em_tensor_release(v);
    em_tensor_release(x);
    em_tensor_release(s);
}

static void diagonals(void **state)
{
    (void)state;
    em_tensor *v = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *x = grid(),
              *none = tensor_of(EM_F32, SHAPE(0), NO_VALUES);
    RESULT("diag", "", INPUTS(v), EM_F32, SHAPE(2, 2), VALUES(1, 0, 0, 2));
    RESULT("diag", "diagonal=1", INPUTS(v), EM_F32, SHAPE(3, 3), VALUES(0, 1, 0, 0, 0, 2, 0, 0, 0));
    RESULT("diag", "diagonal=-1", INPUTS(v), EM_F32, SHAPE(3, 3), VALUES(0, 0, 0, 1, 0, 0, 0, 2, 0));
    RESULT("diag", "", INPUTS(x), EM_F32, SHAPE(2), VALUES(1, 5));
    RESULT("diag", "diagonal=2", INPUTS(x), EM_F32, SHAPE(1), VALUES(3));
    RESULT("diag", "diagonal=-1", INPUTS(x), EM_F32, SHAPE(1), VALUES(4));
    RESULT("diag", "diagonal=9", INPUTS(x), EM_F32, SHAPE(0), NO_VALUES);
    RESULT("diag", "", INPUTS(none), EM_F32, SHAPE(0, 0), NO_VALUES);
    em_tensor_release(v);
    em_tensor_release(x);
    em_tensor_release(none);
}

static void padding(void **state)
{
    (void)state;
    em_tensor *x = grid(), *t = op_call("t", "", INPUTS(x)), *i = tensor_of(EM_I32, SHAPE(1), VALUES(5));
    RESULT("pad", "pad=1,2 value=0.5", INPUTS(x), EM_F32, SHAPE(2, 6),
           VALUES(0.5, 1, 2, 3, 0.5, 0.5, 0.5, 4, 5, 6, 0.5, 0.5));
    RESULT("pad", "pad=-1,1", INPUTS(x), EM_F32, SHAPE(2, 3), VALUES(2, 3, 0, 5, 6, 0));
    RESULT("pad", "pad=0,-1,1,0", INPUTS(x), EM_F32, SHAPE(3, 2), VALUES(0, 0, 1, 2, 4, 5));
    RESULT("pad", "pad=1,0", INPUTS(t), EM_F32, SHAPE(3, 3), VALUES(0, 1, 4, 0, 2, 5, 0, 3, 6));
    RESULT("pad", "pad=-2,-1 value=9", INPUTS(x), EM_F32, SHAPE(2, 0), NO_VALUES);
    RESULT("pad", "pad=-3,2 value=9", INPUTS(x), EM_F32, SHAPE(2, 2), VALUES(9, 9, 9, 9));
    RESULT("pad", "pad=1,1 value=-1", INPUTS(i), EM_I32, SHAPE(3), VALUES(-1, 5, -1));
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(i);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(2, 3), 1), *v = random_tensor(EM_F64, SHAPE(3), 2);
    static const char *const calls[][2] = {
        {"flip", "dims=0,1"},      {"roll", "shifts=2"},    {"roll", "shifts=-1 dims=1"}, {"tile", "repeats=2"},
        {"tile", "repeats=2,1,3"}, {"tile", "repeats=0,1"}, {"tile", "repeats=1,1"},      {"diag", "diagonal=1"},
        {"pad", "pad=1,2,-1,3"},   {"pad", "pad=-2,1"},
    };
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) assert_gradient(calls[k][0], calls[k][1], INPUTS(x));
    assert_gradient("diag", "diagonal=-2", INPUTS(v));
    em_tensor_release(x);
    em_tensor_release(v);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = grid(), *cube = random_tensor(EM_F32, SHAPE(2, 2, 2), 1);
    op_fails("flip", "dims=0,-2", INPUTS(x), EM_EVALUE, "dim 0 is given twice");
    op_fails("flip", "dims=2", INPUTS(x), EM_ERANGE, "dim 2");
    op_fails("roll", "shifts=1 dims=2", INPUTS(x), EM_ERANGE, "dim 2");
    op_fails("tile", "repeats=-1,2", INPUTS(x), EM_EVALUE, "repeats (-1, 2)");
    op_fails("tile", "repeats=9223372036854775807,2", INPUTS(x), EM_EVALUE, "repeats");
    op_fails("tile", "repeats=1,1,1,1,1,1,1,1,2", INPUTS(x), EM_ESHAPE, "at most 8 dims, given 9");
    op_fails("diag", "", INPUTS(cube), EM_ESHAPE, "(2, 2, 2)");
    op_fails("diag", "diagonal=9223372036854775807", INPUTS(x), EM_ERANGE, "too far");
    op_fails("pad", "pad=1", INPUTS(x), EM_EVALUE, "a pair");
    op_fails("pad", "pad=1,1,1,1,1,1", INPUTS(x), EM_EVALUE, "a pair");
    op_fails("pad", "pad=-2,-2", INPUTS(x), EM_EVALUE, "pad (-2, -2) leaves no size for dim 1 of input (2, 3)");
    op_fails("pad", "pad=-4,4", INPUTS(x), EM_EVALUE, "(-4, 4)");
    op_fails("pad", "pad=9223372036854775807,9223372036854775807", INPUTS(x), EM_EVALUE, "pad");
    em_tensor_release(x);
    em_tensor_release(cube);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipping), cmocka_unit_test(rolling),   cmocka_unit_test(rolling_back),
        cmocka_unit_test(tiling),   cmocka_unit_test(diagonals),
        cmocka_unit_test(padding),  cmocka_unit_test(gradients), cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
