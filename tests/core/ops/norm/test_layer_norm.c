/* layer_norm and rms_norm: values by hand, a naive loop, gradients by differences. */
#include <math.h>

#include "op_call.h"

static void rows_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 3, -2, -2));
    em_tensor *w = tensor_of(EM_F64, SHAPE(2), VALUES(2, 10));
    em_tensor *b = tensor_of(EM_F64, SHAPE(2), VALUES(0.5, -1));
    em_tensor *y = op_call("layer_norm", "normalized_shape=2 eps=0", INPUTS(x, w, b));
    assert_true(isnan(element(y, 2)));                                      /* a row without variance, and eps = 0 */
    em_tensor_release(y);
    y = op_call("layer_norm", "normalized_shape=2 eps=3", INPUTS(x, w, b)); /* variance 1 + 3: divided by 2 */
    assert_tensor(y, EM_F64, SHAPE(2, 2), VALUES(-0.5, 4, 0.5, -1));
    em_tensor_release(y);
    y = op_call("rms_norm", "normalized_shape=2 eps=4", INPUTS(x, w));      /* mean square 5 + 4: divided by 3 */
    assert_tensor_close(1e-15, 0, y, EM_F64, SHAPE(2, 2),
                        VALUES(2.0 / 3, 10, -4 / sqrt(8), -20 / sqrt(8)));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
}

static void a_naive_loop_agrees(void **state)
{
    (void)state;
    enum { ROWS = 5, D = 37 };
    em_tensor *x = wave_of(EM_F64, SHAPE(ROWS, D), -1, 3), *w = wave_of(EM_F64, SHAPE(D), 0, 2);
    em_tensor *y = op_call("layer_norm", "normalized_shape=37 eps=0.1", INPUTS(x, w));
    for (int64_t r = 0; r < ROWS; r++) {
        double mean = 0, var = 0;
        for (int64_t i = 0; i < D; i++) mean += element(x, r * D + i) / D;
        for (int64_t i = 0; i < D; i++) var += pow(element(x, r * D + i) - mean, 2) / D;
        for (int64_t i = 0; i < D; i++) {
            const double want = (element(x, r * D + i) - mean) / sqrt(var + 0.1) * element(w, i);
            assert_true(fabs(element(y, r * D + i) - want) < 1e-12);
        }
    }
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
}

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(wave_of(EM_F64, SHAPE(3, 2, 9), -1, 3));
    em_tensor *w = wanting_grad(wave_of(EM_F64, SHAPE(9), 0, 2)), *b = wanting_grad(wave_of(EM_F64, SHAPE(9), -1, 1));
    em_tensor *wide = wanting_grad(wave_of(EM_F64, SHAPE(2, 9), 0, 2));
    check_gradients("layer_norm", "normalized_shape=9", INPUTS(x, w, b));
    check_gradients("layer_norm", "normalized_shape=9 eps=0.5", INPUTS(x, NULL, b));
    check_gradients("layer_norm", "normalized_shape=2,9", INPUTS(x, wide));
    check_gradients("rms_norm", "normalized_shape=9", INPUTS(x, w));
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
    em_tensor_release(wide);
}

/* The sum of a layer norm without weights is 0 whatever x is. */
static void a_sum_of_zeros_has_no_slope(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(wave_of(EM_F64, SHAPE(4, 50), -1, 3));
    op_backward(op_call("layer_norm", "normalized_shape=50", INPUTS(x)));
    for (int64_t i = 0; i < 200; i++) assert_true(fabs(element(em_tensor_grad(x), i)) < 1e-12);
    em_tensor_release(x);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(wave_of(EM_F32, SHAPE(3001, 67), -1, 3));
    em_tensor *w = wanting_grad(wave_of(EM_F32, SHAPE(67), 0, 2)), *b = wanting_grad(wave_of(EM_F32, SHAPE(67), -1, 1));
    check_threads("layer_norm", "normalized_shape=67", INPUTS(x, w, b));
    check_threads("rms_norm", "normalized_shape=67", INPUTS(x, w));
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
}

static void no_rows_are_fine(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(0, 3), NO_VALUES));
    em_tensor *w = wanting_grad(tensor_of(EM_F32, SHAPE(3), VALUES(1, 1, 1)));
    em_tensor *y = op_call("layer_norm", "normalized_shape=3", INPUTS(x, w));
    assert_tensor(y, EM_F32, SHAPE(0, 3), NO_VALUES);
    op_backward(y);
    assert_tensor(em_tensor_grad(w), EM_F32, SHAPE(3), VALUES(0, 0, 0));
    em_tensor_release(x);
    em_tensor_release(w);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *w = tensor_of(EM_F32, SHAPE(3), VALUES(1, 1, 1));
    em_tensor *y;
    assert_fails(op_try(&y, "layer_norm", "normalized_shape=3", INPUTS(x)), EM_ESHAPE,
                 "layer_norm: input of shape (2, 2) does not end in normalized_shape (3)");
    assert_fails(op_try(&y, "layer_norm", "normalized_shape=1,2,2", INPUTS(x)), EM_ESHAPE, "(1, 2, 2)");
    assert_fails(op_try(&y, "layer_norm", "", INPUTS(x)), EM_ESHAPE, "normalized_shape ()");
    assert_fails(op_try(&y, "layer_norm", "normalized_shape=2", INPUTS(x, w)), EM_ESHAPE,
                 "weight must have the normalized shape (2), got (3)");
    assert_fails(op_try(&y, "layer_norm", "normalized_shape=2", INPUTS(x, NULL, w)), EM_ESHAPE, "bias must have");
    assert_fails(op_try(&y, "rms_norm", "normalized_shape=2", INPUTS(x, w)), EM_ESHAPE, "rms_norm: weight must have");
    em_tensor_release(x);
    em_tensor_release(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_hand),
        cmocka_unit_test(a_naive_loop_agrees),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(a_sum_of_zeros_has_no_slope),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(no_rows_are_fine),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
