/* log of running sums of exp: by hand, without overflow, infinities, gradients. */
#include <math.h>

#include "op_call.h"

static void values_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2, 2), VALUES(0, log(3), 1000, 1000));
    em_tensor *y = op_call("logcumsumexp", "dim=1", 1, &x), *z = op_call("logcumsumexp", "dim=0", 1, &x);
    assert_tensor_close(1e-14, 0, y, EM_F64, SHAPE(2, 2), VALUES(0, log(4), 1000, 1000 + log(2)));
    assert_tensor_close(1e-14, 0, z, EM_F64, SHAPE(2, 2), VALUES(0, log(3), 1000, 1000));
    release_all(TENSORS(x, y, z));
}

static void infinities(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(4), VALUES(-INFINITY, -INFINITY, 2, INFINITY)));
    em_tensor *y = op_call("logcumsumexp", "dim=0", 1, &x);
    assert_tensor(y, EM_F32, SHAPE(4), VALUES(-INFINITY, -INFINITY, 2, INFINITY));
    em_tensor_release(y);
    em_tensor_release(x);
}

/* y = x0, log(e^x0 + e^x1): dx0 = 1 + e^x0 / sum, dx1 = e^x1 / sum */
static void gradients(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2), VALUES(0, log(3))));
    op_backward(op_call("logcumsumexp", "dim=0", 1, &x));
    assert_tensor_close(1e-14, 0, em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(1.25, 0.75));
    em_tensor_release(x);
    x = wanting_grad(tensor_of(EM_F64, SHAPE(3), VALUES(-INFINITY, -INFINITY, 1)));
    op_backward(op_call("logcumsumexp", "dim=0", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(3), VALUES(0, 0, 1));
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(infinities),
        cmocka_unit_test(gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
