/* batch_norm: values by hand, running statistics, a naive loop, gradients by differences. */
#include <math.h>

#include "op_call.h"

static void training_normalizes_by_the_batch(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 5, 3, 5)), *w = tensor_of(EM_F64, SHAPE(2), VALUES(2, 3));
    em_tensor *b = tensor_of(EM_F64, SHAPE(2), VALUES(0.5, 7)), *mean = tensor_of(EM_F64, SHAPE(2), VALUES(0, 1));
    em_tensor *var = tensor_of(EM_F64, SHAPE(2), VALUES(1, 1));
    em_tensor *y = op_call("batch_norm", "training=true eps=3 momentum=0.5", INPUTS(x, mean, var, w, b));
    assert_tensor(y, EM_F64, SHAPE(2, 2), VALUES(-0.5, 7, 1.5, 7));         /* variances 1 and 0 */
    assert_tensor(mean, EM_F64, SHAPE(2), VALUES(1, 3));
    assert_tensor(var, EM_F64, SHAPE(2), VALUES(1.5, 0.5));                 /* follows 2 = 1 * 2 / (2 - 1), and 0 */
    assert_int_equal(em_tensor_version(mean), 1);
    em_tensor_release(y);
    y = op_call("batch_norm", "eps=2.5", INPUTS(x, mean, var, w, b));       /* evaluation: by 2 and by sqrt(3) */
    assert_tensor_close(1e-15, 0, y, EM_F64, SHAPE(2, 2), VALUES(0.5, 7 + 6 / sqrt(3), 2.5, 7 + 6 / sqrt(3)));
    assert_tensor(mean, EM_F64, SHAPE(2), VALUES(1, 3));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
    em_tensor_release(mean);
    em_tensor_release(var);
}

static void check_naively(int64_t N, int64_t C, int64_t S)
{
    em_tensor *x = wave_of(EM_F64, SHAPE(N, C, S), -1, 3), *w = wave_of(EM_F64, SHAPE(C), 0, 2);
    em_tensor *y = op_call("batch_norm", "training=true eps=0.1", INPUTS(x, NULL, NULL, w));
    const double count = (double)(N * S);
    for (int64_t c = 0; c < C; c++) {
        double mean = 0, var = 0;
        for (int64_t i = 0; i < N * S; i++) mean += element(x, (i / S * C + c) * S + i % S) / count;
        for (int64_t i = 0; i < N * S; i++) var += pow(element(x, (i / S * C + c) * S + i % S) - mean, 2) / count;
        for (int64_t i = 0; i < N * S; i++) {
            const int64_t at = (i / S * C + c) * S + i % S;
            assert_true(fabs(element(y, at) - (element(x, at) - mean) / sqrt(var + 0.1) * element(w, c)) < 1e-12);
        }
    }
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
}

static void a_naive_loop_agrees(void **state)
{
    (void)state;
    check_naively(5, 37, 1);
    check_naively(3, 4, 19);
    check_naively(1, 2, 2);
}

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    for (int64_t S = 1; S <= 3; S += 2) {
        em_tensor *x = wanting_grad(wave_of(EM_F64, SHAPE(3, 4, S), -1, 3));
        em_tensor *w = wanting_grad(wave_of(EM_F64, SHAPE(4), 0, 2));
        em_tensor *b = wanting_grad(wave_of(EM_F64, SHAPE(4), -1, 1));
        em_tensor *mean = wave_of(EM_F64, SHAPE(4), -1, 1), *var = wave_of(EM_F64, SHAPE(4), 0.5, 2);
        check_gradients("batch_norm", "training=true", INPUTS(x, NULL, NULL, w, b));
        check_gradients("batch_norm", "training=true", INPUTS(x));
        check_gradients("batch_norm", "", INPUTS(x, mean, var, w, b));
        em_tensor_release(x);
        em_tensor_release(w);
        em_tensor_release(b);
        em_tensor_release(mean);
        em_tensor_release(var);
    }
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    for (int64_t S = 1; S <= 31; S += 30) {
        em_tensor *x = wanting_grad(wave_of(EM_F32, SHAPE(1000, 70, S), -1, 3));
        em_tensor *w = wanting_grad(wave_of(EM_F32, SHAPE(70), 0, 2));
        check_threads("batch_norm", "training=true", INPUTS(x, NULL, NULL, w));
        em_tensor_release(x);
        em_tensor_release(w);
    }
}

/* The kernel sees a contiguous copy; what it writes there goes back. */
static void strided_statistics_are_updated(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *all = tensor_of(EM_F32, SHAPE(2, 2), VALUES(0, 9, 1, 9)), *mean;
    assert_ok(em_tensor_view(&mean, all, 0, SHAPE(2), (int64_t[]){2}));
    em_tensor_release(op_call("batch_norm", "training=true momentum=0.5", INPUTS(x, mean)));
    assert_tensor(all, EM_F32, SHAPE(2, 2), VALUES(1, 9, 2, 9));
    em_tensor_release(x);
    em_tensor_release(all);
    em_tensor_release(mean);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *v = tensor_of(EM_F32, SHAPE(3), VALUES(1, 1, 1));
    em_tensor *one = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2)), *d = tensor_of(EM_F64, SHAPE(2), VALUES(1, 1));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *y;
    assert_fails(op_try(&y, "batch_norm", "", INPUTS(x)), EM_EVALUE, "running_mean and running_var are needed");
    assert_fails(op_try(&y, "batch_norm", "training=true", INPUTS(x, v)), EM_ESHAPE,
                 "running_mean must have shape (2)");
    assert_fails(op_try(&y, "batch_norm", "training=true", INPUTS(x, d)), EM_ETYPE, "running_mean is float64");
    assert_fails(op_try(&y, "batch_norm", "training=true", INPUTS(one)), EM_EVALUE,
                 "more than one value for each channel");
    assert_fails(op_try(&y, "batch_norm", "training=true", INPUTS(ids)), EM_ETYPE, "input must be of a float dtype");
    assert_fails(op_try(&y, "batch_norm", "training=true", INPUTS(v)), EM_ESHAPE, "input must have shape (N, C, ...)");
    em_tensor *part, *whole;                            /* what is written is not read meanwhile */
    assert_ok(em_tensor_view(&part, x, 1, SHAPE(2), (int64_t[]){1}));
    assert_fails(op_try(&y, "batch_norm", "training=true", INPUTS(x, part)), EM_EVALUE,
                 "running_mean, which training changes, must not share memory with another argument");
    assert_tensor(x, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    assert_ok(em_tensor_view(&whole, v, 0, SHAPE(2), (int64_t[]){0}));
    assert_fails(op_try(&y, "batch_norm", "training=true", INPUTS(x, whole)), EM_EVALUE, "lie in one place");
    assert_tensor(v, EM_F32, SHAPE(3), VALUES(1, 1, 1));
    em_tensor_release(part);
    em_tensor_release(whole);
    em_tensor_release(x);
    em_tensor_release(v);
    em_tensor_release(d);
    em_tensor_release(one);
    em_tensor_release(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_normalizes_by_the_batch),
        cmocka_unit_test(a_naive_loop_agrees),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(strided_statistics_are_updated), cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
