/* Dropout: which elements stay, by how much they grow, and that backward makes the same choice. */
#include <math.h>
#include <stdio.h>

#include "op_call.h"

enum { N = 100003 };

static em_tensor *counting(void)
{
    em_tensor *x;
    assert_ok(em_tensor_empty(&x, EM_F32, SHAPE(N)));
    for (int64_t i = 0; i < N; i++) em_tensor_set(x, i, (double)i + 1);
    return x;
}

/* A share p is 0, within five standard deviations; the rest has grown by 1 / (1 - p). */
static void a_share_p_is_dropped_and_the_rest_grows(void **state)
{
    (void)state;
    const double ps[] = {0.1, 0.5, 0.9};
    em_tensor *x = counting();
    for (int k = 0; k < 3; k++) {
        char options[32];
        snprintf(options, sizeof options, "p=%g", ps[k]);
        em_tensor *y = op_call("dropout", options, INPUTS(x));
        int64_t dropped = 0;
        for (int64_t i = 0; i < N; i++) {
            const double value = element(y, i);
            if (value == 0)
                dropped++;
            else
                assert_true(fabs(value * (1 - ps[k]) / element(x, i) - 1) < 1e-6);
        }
        assert_true(fabs((double)dropped - ps[k] * N) < 5 * sqrt(ps[k] * (1 - ps[k]) * N));
        em_tensor_release(y);
    }
    em_tensor_release(x);
}

/* Neighbours in a block of four, and in the next block, are dropped independently of each other. */
static void neighbours_are_independent(void **state)
{
    (void)state;
    em_tensor *x = counting(), *y = op_call("dropout", "", INPUTS(x));
    for (int64_t lag = 1; lag <= 8; lag++) {
        int64_t both = 0;
        for (int64_t i = 0; i + lag < N; i++) both += element(y, i) == 0 && element(y, i + lag) == 0;
        assert_true(fabs((double)both - 0.25 * N) < 5 * sqrt(0.25 * 0.75 * N));
    }
    em_tensor_release(x);
    em_tensor_release(y);
}

static void nothing_happens_in_evaluation_or_with_p_0(void **state)
{
    (void)state;
    const char *options[] = {"training=false", "p=0", "p=1 training=false"};
    for (int k = 0; k < 3; k++) {
        em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 2, INFINITY, 4)));
        em_tensor *y = op_call("dropout", options[k], INPUTS(x));
        assert_tensor(y, EM_F64, SHAPE(2, 2), VALUES(1, 2, INFINITY, 4));
        op_backward(y);
        assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2, 2), VALUES(1, 1, 1, 1));
        em_tensor_release(x);
    }
}

static void p_1_drops_all(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(3), VALUES(1, NAN, INFINITY)));
    em_tensor *y = op_call("dropout", "p=1", INPUTS(x));
    assert_tensor(y, EM_F32, SHAPE(3), VALUES(0, 0, 0));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(3), VALUES(0, 0, 0));
    em_tensor_release(x);
}

static void backward_drops_the_same_elements(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(counting()), *y = op_call("dropout", "p=0.25", INPUTS(x)), *kept;
    assert_ok(em_tensor_detach(&kept, y));
    op_backward(y);
    for (int64_t i = 0; i < N; i++)
        assert_true(fabs(element(em_tensor_grad(x), i) - (element(kept, i) == 0 ? 0 : 1 / 0.75)) < 1e-6);
    check_threads("dropout", "p=0.25", INPUTS(x));
    em_tensor_release(kept);
    em_tensor_release(x);
}

static void the_generator_moves_on_by_what_was_drawn(void **state)
{
    (void)state;
    const em_op *op = em_op_find("dropout");
    em_rng rng = {7, 5};
    em_tensor *x = tensor_of(EM_F32, SHAPE(6), VALUES(1, 1, 1, 1, 1, 1)), *a, *b;
    assert_ok(em_apply(op, &x, 1, NULL, &rng, &a));
    assert_true(rng.seed == 7 && rng.position == 7);            /* six numbers are two blocks of four */
    rng.position = 5;
    assert_ok(em_apply_inplace(op, x, &x, 1, NULL, &rng));
    assert_same_bits(a, x);
    const em_opts evaluation = op_options(op, "training=false");
    assert_ok(em_apply(op, &x, 1, &evaluation, &rng, &b));
    assert_true(rng.position == 7);
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(x);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(1), VALUES(1)), *y;
    assert_fails(op_try(&y, "dropout", "p=1.5", INPUTS(x)), EM_EVALUE, "p must be a probability, 0 to 1, given 1.5");
    assert_fails(op_try(&y, "dropout", "p=nan", INPUTS(x)), EM_EVALUE, "given nan");
    assert_fails(em_apply(em_op_find("dropout"), &x, 1, NULL, NULL, &y), EM_EVALUE, "needs a generator");
    em_tensor_release(x);
}

/* A call that ran out of memory has drawn nothing. */
static em_status call_dropout(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_rng rng = {1, 0};
    em_tensor *x = context;
    const em_status s = em_apply(em_op_find("dropout"), &x, 1, NULL, &rng, out);
    assert_true(rng.position == (s ? 0 : 1));
    return s;
}

static void failing_allocations(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3)));
    const fallible f = {NULL, call_dropout, NULL};
    assert_true(each_allocation_fails(&f, x) > 2);
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_p_is_dropped_and_the_rest_grows),
        cmocka_unit_test(neighbours_are_independent),
        cmocka_unit_test(nothing_happens_in_evaluation_or_with_p_0),
        cmocka_unit_test(p_1_drops_all),
        cmocka_unit_test(backward_drops_the_same_elements),
        cmocka_unit_test(the_generator_moves_on_by_what_was_drawn),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
