#include "op_check.h"

#include <math.h>

/* (3, 4): R = -5 and Q = (-3, -4) / 5, by Householder's sign. */
static void by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2, 1), VALUES(3, 4)), *y[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(y, "qr", "", INPUTS(x)));
    assert_true(fabs(element(y[1], 0) + 5) < 1e-14);
    assert_true(fabs(element(y[0], 0) + 0.6) < 1e-14 && fabs(element(y[0], 1) + 0.8) < 1e-14);
    em_tensor_release(y[0]);
    em_tensor_release(y[1]);
    em_tensor_release(x);
}

static void no_columns(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 0), NO_VALUES), *y[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(y, "qr", "complete=true", INPUTS(x)));
    assert_tensor(y[0], EM_F32, SHAPE(2, 2), VALUES(1, 0, 0, 1));
    assert_tensor(y[1], EM_F32, SHAPE(2, 0), NO_VALUES);
    em_tensor_release(y[0]);
    em_tensor_release(y[1]);
    em_tensor_release(x);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(2, 4, 3), 1);
    assert_gradient("qr", "", INPUTS(x));
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(no_columns),
        cmocka_unit_test(gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
