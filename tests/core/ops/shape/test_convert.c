#include "op_check.h"

#include <math.h>

static void copies_and_views(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *t = op_call("t", "", INPUTS(x));
    em_tensor *c = op_call("clone", "", INPUTS(t)), *same = op_call("contiguous", "", INPUTS(x)),
              *created = op_call("contiguous", "", INPUTS(t));
    assert_tensor(c, EM_F32, SHAPE(2, 2), VALUES(1, 3, 2, 4));
    assert_true(em_tensor_is_contiguous(c) && !em_tensor_same_storage(c, x));
    assert_true(em_tensor_same_storage(same, x) && same != x);
    assert_true(em_tensor_is_contiguous(created) && !em_tensor_same_storage(created, x));
    assert_same_bits(created, c);
    release_all(TENSORS(x, t, c, same, created));
}

static void conversions(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(5), VALUES(-1.5, 0, 2.75, NAN, 1e300)),
              *y = op_call("to", "dtype=int32", INPUTS(x));
    assert_tensor(y, EM_I32, SHAPE(5), VALUES(-1, 0, 2, 0, 2147483647));
    em_tensor_release(y);
    y = op_call("to", "dtype=bool", INPUTS(x));
    assert_tensor(y, EM_BOOL, SHAPE(5), VALUES(1, 0, 1, 1, 1));
    em_tensor_release(y);
    y = op_call("to", "dtype=float32", INPUTS(x));
    assert_tensor(y, EM_F32, SHAPE(5), VALUES(-1.5, 0, 2.75, NAN, INFINITY));
    em_tensor_release(y);
    y = op_call("to", "dtype=float64", INPUTS(x));
    assert_true(em_tensor_same_storage(x, y) && x != y);
    em_tensor_release(y);
    em_tensor_release(x);
}

static void the_gradient_is_of_the_inputs_dtype(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *dy = tensor_of(EM_F64, SHAPE(2), VALUES(0.5, 3)), *y,
              *dx;
    assert_ok(em_tensor_set_requires_grad(x, true));
    y = op_call("to", "dtype=float64", INPUTS(x));
    assert_ok(em_grad(&y, &dy, 1, &x, 1, false, &dx));
    assert_tensor(dx, EM_F32, SHAPE(2), VALUES(0.5, 3));
    em_tensor_release(dx);
    em_tensor_release(y);
    y = op_call("to", "dtype=int64", INPUTS(x));
    assert_false(em_tensor_requires_grad(y));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(dy);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(2, 3), 1), *t;
    assert_ok(em_tensor_view(&t, x, 0, SHAPE(3, 2), (int64_t[]){1, 3}));
    assert_gradient("clone", "", INPUTS(t));
    assert_gradient("contiguous", "", INPUTS(t));
    em_tensor_release(t);
    assert_gradient("contiguous", "", INPUTS(x));
    assert_gradient("to", "dtype=float64", INPUTS(x));
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_and_views), cmocka_unit_test(conversions),
        cmocka_unit_test(the_gradient_is_of_the_inputs_dtype), cmocka_unit_test(gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
