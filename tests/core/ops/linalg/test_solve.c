#include "op_check.h"

#include <math.h>

/* [[0, 2], [4, 2]] x = (2, 6): x = (1, 1); rows must be exchanged. */
static void by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F32, SHAPE(2, 2), VALUES(0, 2, 4, 2)),
              *b = tensor_of(EM_F32, SHAPE(2, 1), VALUES(2, 6));
    em_tensor *x = op_call("solve", "", INPUTS(a, b)), *y = op_call("inv", "", INPUTS(a));
    assert_tensor(x, EM_F32, SHAPE(2, 1), VALUES(1, 1));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(-0.25, 0.25, 0.5, 0));
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(a);
    em_tensor_release(b);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *a = random_tensor(EM_F64, SHAPE(2, 3, 3), 1), *b = random_tensor(EM_F64, SHAPE(2, 3, 2), 2);
    assert_gradient("solve", "", INPUTS(a, b));
    assert_gradient("inv", "", INPUTS(a));
    em_tensor_release(a);
    em_tensor_release(b);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *zeros = tensor_of(EM_F32, SHAPE(2, 1, 1), VALUES(1, 0)), *wide = random_tensor(EM_F32, SHAPE(1, 2), 1);
    op_fails("inv", "", INPUTS(zeros), EM_EVALUE, "matrix 1 of the batch is singular: its factor U has a 0 at [0, 0]");
    op_fails("inv", "", INPUTS(wide), EM_ESHAPE, "square");
    op_fails("solve", "", INPUTS(zeros, zeros), EM_EVALUE, "solve: A: matrix 1 of the batch");
    op_fails("solve", "", INPUTS(zeros, wide), EM_ESHAPE, "right sides of shape (1, 2) do not fit");
    em_tensor_release(zeros);
    em_tensor_release(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(gradients),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
