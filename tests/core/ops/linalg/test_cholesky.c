#include "op_check.h"

#include <math.h>

/* [[4, 2], [2, 10]] = L L^T with L = [[2, 0], [1, 3]]; what stands in the other triangle is not read. */
static void by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F64, SHAPE(2, 2), VALUES(4, NAN, 2, 10)),
              *b = tensor_of(EM_F32, SHAPE(2, 2), VALUES(4, 2, NAN, 10));
    em_tensor *x = op_call("cholesky", "", INPUTS(a)), *y = op_call("cholesky", "upper=true", INPUTS(b));
    assert_tensor(x, EM_F64, SHAPE(2, 2), VALUES(2, 0, 1, 3));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(2, 1, 0, 3));
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(a);
    em_tensor_release(b);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 2, 1));
    op_fails("cholesky", "", INPUTS(x), EM_EVALUE, "not positive definite: its leading minor of order 2");
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(bad_input_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
