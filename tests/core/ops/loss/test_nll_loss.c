/* nll_loss: values by hand, gradients by differences. */
#include <math.h>

#include "op_call.h"

static void nll_picks_and_weighs(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(3, 2), VALUES(-1, -2, -3, -4, -5, -6)));
    em_tensor *t = tensor_of(EM_I32, SHAPE(3), VALUES(1, 0, 1)), *w = tensor_of(EM_F32, SHAPE(2), VALUES(2, 0.5));
    em_tensor *y = op_call("nll_loss", "reduction=none", INPUTS(x, t, w));
    assert_tensor(y, EM_F32, SHAPE(3), VALUES(1, 6, 3));
    em_tensor_release(y);
    y = op_call("nll_loss", "", INPUTS(x, t, w));                           /* 10 / (0.5 + 2 + 0.5) */
    assert_tensor_close(1e-6, 0, y, EM_F32, SCALAR, VALUES(10.0 / 3));
    op_backward(y);
    assert_tensor_close(1e-6, 0, em_tensor_grad(x), EM_F32, SHAPE(3, 2),
                        VALUES(0, -0.5 / 3, -2.0 / 3, 0, 0, -0.5 / 3));
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(w);
}

static void all_ignored_is_no_mean_but_a_sum_of_0(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)));
    em_tensor *t = tensor_of(EM_I64, SHAPE(2), VALUES(-100, -100));
    em_tensor *y = op_call("nll_loss", "reduction=sum", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(0));
    em_tensor_release(y);
    y = op_call("nll_loss", "", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(NAN));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 2), VALUES(0, 0, 0, 0));
    em_tensor_release(x);
    em_tensor_release(t);
}

/* Classes stand in dim 1, whatever follows. */
static void classes_are_dim_1(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(1, 2, 3), VALUES(-1, -2, -3, -4, -5, -6));
    em_tensor *t = tensor_of(EM_I64, SHAPE(1, 3), VALUES(1, 0, 1)), *one = tensor_of(EM_F64, SHAPE(2), VALUES(-7, -8));
    em_tensor *id = tensor_of(EM_I64, SCALAR, VALUES(1));
    em_tensor *y = op_call("nll_loss", "reduction=none", INPUTS(x, t));
    assert_tensor(y, EM_F64, SHAPE(1, 3), VALUES(4, 2, 6));
    em_tensor_release(y);
    y = op_call("nll_loss", "reduction=none", INPUTS(one, id));
    assert_tensor(y, EM_F64, SCALAR, VALUES(8));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(one);
    em_tensor_release(id);
}

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2, 2, 2), VALUES(-1, -2, -3, -4, -5, -6, -7, -8)));
    em_tensor *t = tensor_of(EM_I64, SHAPE(2, 2), VALUES(1, 0, 0, 1)), *w = tensor_of(EM_F64, SHAPE(2), VALUES(2, 0.5));
    const char *options[] = {"", "reduction=none", "ignore_index=1", "reduction=sum"};
    for (int k = 0; k < 4; k++) {
        assert_ok(em_tensor_set_grad(x, NULL));
        op_backward(op_call("nll_loss", options[k], INPUTS(x, t, w)));
        em_tensor *want = numeric_gradient("nll_loss", options[k], INPUTS(x, t, w), 0);
        assert_tensor_close(1e-6, 1e-8, em_tensor_grad(x), EM_F64, SHAPE(2, 2, 2), 8, em_tensor_data(want));
        em_tensor_release(want);
    }
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(w);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    em_tensor *x, *t;
    assert_ok(em_tensor_empty(&x, EM_F32, SHAPE(30000, 5)));
    assert_ok(em_tensor_empty(&t, EM_I64, SHAPE(30000)));
    for (int64_t i = 0; i < 30000 * 5; i++) em_tensor_set(x, i, sin(0.7 * (double)i));
    for (int64_t i = 0; i < 30000; i++) em_tensor_set_int(t, i, i * i % 5);
    check_threads("nll_loss", "", INPUTS(wanting_grad(x), t));
    em_tensor_release(x);
    em_tensor_release(t);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 3), VALUES(0, 1, 2, 3, 4, 5)), *y;
    em_tensor *below = tensor_of(EM_I64, SHAPE(2), VALUES(-1, 0));
    em_tensor *three = tensor_of(EM_I64, SHAPE(3), VALUES(0, 1, 2));
    assert_fails(op_try(&y, "nll_loss", "", INPUTS(x, below)), EM_ERANGE,
                 "nll_loss: index -1 at position [0] is out of range for classes of target = 3");
    assert_fails(op_try(&y, "nll_loss", "", INPUTS(x, three)), EM_ESHAPE, "target of shape (3) does not fit");
    assert_fails(op_try(&y, "nll_loss", "", INPUTS(x, x)), EM_ETYPE, "target must be of an integer dtype");
    em_tensor_release(x);
    em_tensor_release(below);
    em_tensor_release(three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nll_picks_and_weighs),
        cmocka_unit_test(all_ignored_is_no_mean_but_a_sum_of_0),
        cmocka_unit_test(classes_are_dim_1),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
