#include "op_check.h"

#include <math.h>

/* [[2, 1], [1, 2]]: 1 with (1, -1) / sqrt(2), 3 with (1, 1) / sqrt(2), up to signs; one triangle is read. */
static void check(const char *options, em_tensor *x)
{
    em_tensor *y[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(y, "eigh", options, INPUTS(x)));
    assert_true(fabs(element(y[0], 0) - 1) < 1e-14 && fabs(element(y[0], 1) - 3) < 1e-14);
    for (int i = 0; i < 4; i++) assert_true(fabs(fabs(element(y[1], i)) - sqrt(0.5)) < 1e-14);
    assert_true(element(y[1], 0) * element(y[1], 2) < 0 && element(y[1], 1) * element(y[1], 3) > 0);
    em_tensor_release(y[0]);
    em_tensor_release(y[1]);
}

static void by_hand(void **state)
{
    (void)state;
    em_tensor *lower = tensor_of(EM_F64, SHAPE(2, 2), VALUES(2, NAN, 1, 2)),
              *upper = tensor_of(EM_F64, SHAPE(2, 2), VALUES(2, 1, NAN, 2));
    check("", lower);
    check("upper=true", upper);
    op_fails("eigh", "", INPUTS(upper), EM_EVALUE, "eigh: input: matrix holds NaN");
    em_tensor_release(lower);
    em_tensor_release(upper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
