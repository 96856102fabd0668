/* group_norm: values by hand, a naive loop, gradients by differences. */
#include <math.h>

#include "op_call.h"

static void groups_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(1, 4), VALUES(1, 3, 10, 10));
    em_tensor *w = tensor_of(EM_F64, SHAPE(4), VALUES(1, 2, 3, 4));
    em_tensor *b = tensor_of(EM_F64, SHAPE(4), VALUES(0, 0, 5, 6));
    em_tensor *y = op_call("group_norm", "num_groups=2 eps=3", INPUTS(x, w, b));    /* variances 1 and 0 */
    assert_tensor(y, EM_F64, SHAPE(1, 4), VALUES(-0.5, 1, 5, 6));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
}

static void a_naive_loop_agrees(void **state)
{
    (void)state;
    enum { N = 2, C = 6, S = 19, G = 3, K = C / G };
    em_tensor *x = wave_of(EM_F64, SHAPE(N, C, S), -1, 3), *w = wave_of(EM_F64, SHAPE(C), 0, 2);
    em_tensor *y = op_call("group_norm", "num_groups=3 eps=0.1", INPUTS(x, w));
    for (int64_t n = 0; n < N; n++)
        for (int64_t c = 0; c < C; c++) {
            const int64_t from = (n * C + c / K * K) * S;
            double mean = 0, var = 0;
            for (int64_t i = 0; i < K * S; i++) mean += element(x, from + i) / (K * S);
            for (int64_t i = 0; i < K * S; i++) var += pow(element(x, from + i) - mean, 2) / (K * S);
            for (int64_t s = 0; s < S; s++) {
                const int64_t at = (n * C + c) * S + s;
                assert_true(fabs(element(y, at) - (element(x, at) - mean) / sqrt(var + 0.1) * element(w, c)) < 1e-12);
            }
        }
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
}

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(wave_of(EM_F64, SHAPE(2, 4, 3), -1, 3));
    em_tensor *w = wanting_grad(wave_of(EM_F64, SHAPE(4), 0, 2)), *b = wanting_grad(wave_of(EM_F64, SHAPE(4), -1, 1));
    check_gradients("group_norm", "num_groups=2", INPUTS(x, w, b));
    check_gradients("group_norm", "num_groups=4", INPUTS(x, w));
    check_gradients("group_norm", "num_groups=1", INPUTS(x, NULL, b));
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(wave_of(EM_F32, SHAPE(60, 12, 101), -1, 3));
    em_tensor *w = wanting_grad(wave_of(EM_F32, SHAPE(12), 0, 2)), *b = wanting_grad(wave_of(EM_F32, SHAPE(12), -1, 1));
    check_threads("group_norm", "num_groups=3", INPUTS(x, w, b));
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(1, 4), VALUES(1, 2, 3, 4));
    em_tensor *v = tensor_of(EM_F32, SHAPE(3), VALUES(1, 1, 1));
    em_tensor *y;
    assert_fails(op_try(&y, "group_norm", "num_groups=3", INPUTS(x)), EM_EVALUE,
                 "group_norm: the 4 channels of input do not divide into num_groups = 3");
    assert_fails(op_try(&y, "group_norm", "num_groups=0", INPUTS(x)), EM_EVALUE, "num_groups = 0");
    assert_fails(op_try(&y, "group_norm", "num_groups=1", INPUTS(v)), EM_ESHAPE, "input must have shape (N, C, ...)");
    assert_fails(op_try(&y, "group_norm", "num_groups=2", INPUTS(x, v)), EM_ESHAPE, "weight must have shape (4)");
    em_tensor_release(x);
    em_tensor_release(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_by_hand),
        cmocka_unit_test(a_naive_loop_agrees),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
