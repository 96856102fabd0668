/* Losses element by element: values worked out by hand, sums of many by a naive loop, gradients by differences. */
#include <math.h>

#include "op_call.h"

/* ---- values by hand ------------------------------------------------------------------------------------ */

static const struct value_case {
    const char *name, *options;
    double x, t, u, want;
} value_cases[] = {
    {"mse_loss", "", 3, 1, 0, 4},
    {"l1_loss", "", -3, 1, 0, 4},
    {"smooth_l1_loss", "", 3, 1, 0, 1.5},
    {"smooth_l1_loss", "beta=4", 3, 1, 0, 0.5},
    {"smooth_l1_loss", "beta=0", 3, 1, 0, 2},
    {"smooth_l1_loss", "beta=0", 1, 1, 0, 0},
    {"huber_loss", "delta=0.5", 3, 1, 0, 0.875},
    {"huber_loss", "delta=4", 3, 1, 0, 2},
    {"binary_cross_entropy", "", 0.5, 1, 0, 0.6931471805599453},
    {"binary_cross_entropy", "", 0, 1, 0, 100},
    {"binary_cross_entropy", "", 1, 0, 0, 100},
    {"binary_cross_entropy", "", 1, 1, 0, 0},
    {"binary_cross_entropy_with_logits", "", 0, 1, 0, 0.6931471805599453},
    {"binary_cross_entropy_with_logits", "", 1000, 0, 0, 1000},
    {"binary_cross_entropy_with_logits", "", -1000, 0, 0, 0},
    {"kl_div", "", -1, 1, 0, 1},
    {"kl_div", "", -INFINITY, 0, 0, 0},
    {"kl_div", "log_target=true", -1, 0, 0, 1},
    {"soft_margin_loss", "", 0, -1, 0, 0.6931471805599453},
    {"soft_margin_loss", "", 1000, -1, 0, 1000},
    {"poisson_nll_loss", "", 0, 3, 0, 1},
    {"poisson_nll_loss", "log_input=false eps=0", 1, 3, 0, 1},
    {"poisson_nll_loss", "full=true", 0, 2, 0, 1 + 0.651806484604536},
    {"gaussian_nll_loss", "", 3, 1, 4, 1.1931471805599454},
    {"gaussian_nll_loss", "full=true", 3, 1, 4, 2.1120857137646183},
    {"gaussian_nll_loss", "eps=4", 3, 1, 0, 1.1931471805599454},
    {"hinge_embedding_loss", "", 0.25, 1, 0, 0.25},
    {"hinge_embedding_loss", "", 0.25, -1, 0, 0.75},
    {"hinge_embedding_loss", "margin=0.125", 0.25, -1, 0, 0},
    {"margin_ranking_loss", "", 1, 3, 1, 2},
    {"margin_ranking_loss", "margin=0.5", 1, 3, -1, 0},
    {"margin_ranking_loss", "margin=2.5", 1, 3, -1, 0.5},
};

static int inputs_of(const char *name)
{
    return !strcmp(name, "gaussian_nll_loss") || !strcmp(name, "margin_ranking_loss") ? 3 : 2;
}

static void values_are_those_worked_out_by_hand(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof value_cases / sizeof *value_cases; k++) {
        const struct value_case *v = &value_cases[k];
        for (em_dtype dtype = EM_F32; dtype <= EM_F64; dtype++) {
            em_tensor *in[3] = {tensor_of(dtype, SHAPE(1), VALUES(v->x)), tensor_of(dtype, SHAPE(1), VALUES(v->t)),
                                tensor_of(dtype, SHAPE(1), VALUES(v->u))};
            em_tensor *y = op_call(v->name, v->options, inputs_of(v->name), in);
            const double tolerance = dtype == EM_F32 ? 1e-6 : 1e-12;
            assert_tensor_close(tolerance, tolerance, y, dtype, SCALAR, VALUES(v->want));
            em_tensor_release(y);
            for (int i = 0; i < 3; i++) em_tensor_release(in[i]);
        }
    }
}

/* ---- reductions ---------------------------------------------------------------------------------------- */

static void reductions_of_four_losses(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *t = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 1, 1, 1));
    em_tensor *y = op_call("mse_loss", "reduction=none", INPUTS(x, t));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(0, 1, 4, 9));
    em_tensor_release(y);
    y = op_call("mse_loss", "reduction=sum", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(14));
    em_tensor_release(y);
    y = op_call("mse_loss", "", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(3.5));
    em_tensor_release(y);
    y = op_call("kl_div", "reduction=batchmean log_target=true", INPUTS(x, x));
    assert_tensor(y, EM_F32, SCALAR, VALUES(0));
    em_tensor_release(y);
    em_tensor_release(t);
    t = tensor_of(EM_F32, SHAPE(2, 2), VALUES(0, 0, 0, 1));
    y = op_call("kl_div", "reduction=batchmean", INPUTS(x, t));             /* 1 (log 1 - 4) / 2 rows */
    assert_tensor(y, EM_F32, SCALAR, VALUES(-2));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(t);
}

static void a_mean_of_nothing_is_not_a_number(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(0, 3), NO_VALUES));
    em_tensor *t = tensor_of(EM_F32, SHAPE(0, 3), NO_VALUES);
    em_tensor *y = op_call("mse_loss", "reduction=sum", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(0));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(0, 3), NO_VALUES);
    y = op_call("mse_loss", "", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(NAN));
    op_backward(y);
    em_tensor_release(x);
    em_tensor_release(t);
}

enum { MANY = 300007 };         /* several chunks, no multiple of anything */

static em_tensor *wave(em_dtype dtype, int64_t n, double step, double low, double high)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, dtype, SHAPE(n)));
    for (int64_t i = 0; i < n; i++) em_tensor_set(t, i, low + (high - low) * (0.5 + 0.5 * sin(step * (double)i)));
    return t;
}

static void many_losses_add_up(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(wave(EM_F32, MANY, 0.7, 0.01, 0.99)), *t = wave(EM_F32, MANY, 0.3, 0, 1);
    double sum = 0;
    for (int64_t i = 0; i < MANY; i++) {
        const double p = element(x, i), q = element(t, i);
        sum -= q * log(p) + (1 - q) * log(1 - p);
    }
    em_tensor *y = op_call("binary_cross_entropy", "", INPUTS(x, t));
    assert_tensor_close(1e-6, 0, y, EM_F32, SCALAR, VALUES(sum / MANY));
    op_backward(y);
    for (int64_t i = 0; i < MANY; i += 997) {
        const double p = element(x, i), q = element(t, i);
        assert_true(fabs(element(em_tensor_grad(x), i) * MANY - (p - q) / (p * (1 - p))) < 1e-3);
    }
    check_threads("binary_cross_entropy", "reduction=sum", INPUTS(x, t));
    check_threads("smooth_l1_loss", "reduction=none", INPUTS(x, t));
    em_tensor_release(x);
    em_tensor_release(t);
}

/* ---- gradients ----------------------------------------------------------------------------------------- */

static const struct gradient_case {
    const char *name, *options;
    int inputs;
} gradient_cases[] = {
    {"mse_loss", "", 2},
    {"l1_loss", "reduction=sum", 2},
    {"smooth_l1_loss", "beta=0.3", 2},
    {"huber_loss", "delta=0.3 reduction=none", 2},
    {"binary_cross_entropy", "", 3},
    {"binary_cross_entropy_with_logits", "reduction=sum", 4},
    {"kl_div", "", 2},
    {"kl_div", "log_target=true reduction=batchmean", 2},
    {"soft_margin_loss", "", 2},
    {"poisson_nll_loss", "", 2},
    {"poisson_nll_loss", "log_input=false eps=0.1 reduction=sum", 2},
    {"gaussian_nll_loss", "full=true reduction=sum", 3},
    {"margin_ranking_loss", "margin=0.4", 3},
};

/* All inputs in 0 .. 1, so that they are probabilities, logits and variances alike; the third and fourth broadcast. */
static void gradients_agree_with_differences(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof gradient_cases / sizeof *gradient_cases; k++) {
        const struct gradient_case *g = &gradient_cases[k];
        em_tensor *in[4] = {tensor_of(EM_F64, SHAPE(2, 3), VALUES(0.1, 0.35, 0.8, 0.9, 0.45, 0.62)),
                            tensor_of(EM_F64, SHAPE(2, 3), VALUES(0.7, 0.4, 0.15, 0.05, 0.9, 0.33)),
                            tensor_of(EM_F64, SHAPE(2, 3), VALUES(0.5, 0.6, 1.5, 0.3, 0.8, 0.25)),
                            tensor_of(EM_F64, SHAPE(2, 3), VALUES(1.5, 0.25, 2, 0.5, 1, 3))};
        for (int i = 0; i < g->inputs; i++) wanting_grad(in[i]);
        op_backward(op_call(g->name, g->options, g->inputs, in));
        for (int i = 0; i < g->inputs; i++) {
            em_tensor *want = numeric_gradient(g->name, g->options, g->inputs, in, i);
            assert_tensor_close(1e-6, 1e-8, em_tensor_grad(in[i]), EM_F64, SHAPE(2, 3), 6, em_tensor_data(want));
            em_tensor_release(want);
        }
        for (int i = 0; i < 4; i++) em_tensor_release(in[i]);
    }
}

static void kinks_have_the_slopes_that_pytorch_gives(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(1), VALUES(1))), *t = tensor_of(EM_F64, SHAPE(1), VALUES(1));
    op_backward(op_call("l1_loss", "", INPUTS(x, t)));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(1), VALUES(0));
    op_backward(op_call("smooth_l1_loss", "beta=0", INPUTS(x, t)));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(1), VALUES(0));
    em_tensor *up = tensor_of(EM_F64, SHAPE(1), VALUES(-1));
    op_backward(op_call("hinge_embedding_loss", "", INPUTS(x, up)));        /* margin - x = 0 still counts */
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(1), VALUES(-1));
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(up);
}

/* ---- broadcasting -------------------------------------------------------------------------------------- */

static void inputs_broadcast(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 1), VALUES(1, 2)));
    em_tensor *t = wanting_grad(tensor_of(EM_F32, SHAPE(3), VALUES(0, 1, 5)));
    em_tensor *y = op_call("mse_loss", "reduction=none", INPUTS(x, t));
    assert_tensor(y, EM_F32, SHAPE(2, 3), VALUES(1, 0, 16, 4, 1, 9));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 1), VALUES(2 + 0 - 8, 4 + 2 - 6));
    assert_tensor(em_tensor_grad(t), EM_F32, SHAPE(3), VALUES(-6, -2, 14));
    em_tensor_release(x);
    em_tensor_release(t);
}

static void weights_broadcast_to_the_input(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2, 3), VALUES(0.5, -1, 2, 0, 1, -2));
    em_tensor *t = tensor_of(EM_F64, SHAPE(2, 3), VALUES(1, 0, 0.5, 1, 1, 0));
    em_tensor *w = tensor_of(EM_F64, SHAPE(2, 1), VALUES(2, 3)), *p = tensor_of(EM_F64, SHAPE(3), VALUES(1, 4, 0.5));
    em_tensor *y = op_call("binary_cross_entropy_with_logits", "reduction=none", INPUTS(x, t, w, p));
    double want[6];
    for (int64_t i = 0; i < 6; i++) {
        const double s = 1 / (1 + exp(-element(x, i))), q = element(t, i);
        want[i] = -element(w, i / 3) * (element(p, i % 3) * q * log(s) + (1 - q) * log(1 - s));
    }
    assert_tensor_close(1e-12, 0, y, EM_F64, SHAPE(2, 3), 6, want);
    em_tensor_release(y);
    em_tensor *wide = tensor_of(EM_F64, SHAPE(2, 2, 3), VALUES(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1));
    assert_fails(op_try(&y, "binary_cross_entropy_with_logits", "", INPUTS(x, t, wide)), EM_ESHAPE, "(2, 2, 3)");
    em_tensor_release(wide);
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(w);
    em_tensor_release(p);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(0.5, 0.25, 1.5, 0));
    em_tensor *t = tensor_of(EM_F32, SHAPE(3), VALUES(1, 0, 1));
    em_tensor *n = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, NAN, 1, 1)), *y;
    assert_fails(op_try(&y, "mse_loss", "", INPUTS(x, t)), EM_ESHAPE, "mse_loss: shapes (2, 2) and (3) do");
    assert_fails(op_try(&y, "mse_loss", "", INPUTS(x)), EM_EVALUE, "mse_loss: expected 2 inputs");
    assert_fails(op_try(&y, "huber_loss", "delta=0", INPUTS(x, x)), EM_EVALUE, "delta must be above 0, given 0");
    assert_fails(op_try(&y, "smooth_l1_loss", "beta=-1", INPUTS(x, x)), EM_EVALUE, "beta must be at least 0, given -1");
    assert_fails(op_try(&y, "binary_cross_entropy", "", INPUTS(x, x)), EM_EVALUE, "input 1.5 at position [1, 0]");
    assert_fails(op_try(&y, "binary_cross_entropy", "", INPUTS(n, x)), EM_EVALUE, "input nan at position [0, 1]");
    assert_fails(op_try(&y, "binary_cross_entropy", "", INPUTS(x, t)), EM_ESHAPE, "target has (3)");
    em_tensor *v = tensor_of(EM_F32, SHAPE(2), VALUES(1, -0.5));
    assert_fails(op_try(&y, "gaussian_nll_loss", "", INPUTS(x, x, v)), EM_EVALUE, "var -0.5 at position [1]");
    em_tensor_release(v);
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(n);
}

static em_status call_loss(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_tensor **in = context;
    return op_try(out, "mse_loss", "reduction=none", 2, in);
}

static void failing_allocations(void **state)
{
    (void)state;
    em_tensor *in[2] = {tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), tensor_of(EM_F64, SHAPE(2), VALUES(1, 2))};
    wanting_grad(in[1]);
    const fallible f = {NULL, call_loss, NULL};
    assert_true(each_allocation_fails(&f, in) > 2);
    em_tensor_release(in[0]);
    em_tensor_release(in[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_worked_out_by_hand),
        cmocka_unit_test(reductions_of_four_losses),
        cmocka_unit_test(a_mean_of_nothing_is_not_a_number),
        cmocka_unit_test(many_losses_add_up),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(kinks_have_the_slopes_that_pytorch_gives),
        cmocka_unit_test(inputs_broadcast),
        cmocka_unit_test(weights_broadcast_to_the_input),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
