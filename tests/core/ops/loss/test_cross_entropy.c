/* Cross-entropy: values by hand, a naive loop over every option, gradients by differences. */
#include <math.h>

#include "op_call.h"

/* ---- by hand ------------------------------------------------------------------------------------------- */

static void two_equal_scores_cost_log_2(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(1, 2), VALUES(7, 7)));
    em_tensor *t = tensor_of(EM_I64, SHAPE(1), VALUES(1));
    em_tensor *y = op_call("cross_entropy", "", INPUTS(x, t));
    assert_tensor_close(1e-6, 0, y, EM_F32, SCALAR, VALUES(0.6931471805599453));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(1, 2), VALUES(0.5, -0.5));
    em_tensor_release(x);
    em_tensor_release(t);
}

static void large_scores_do_not_overflow(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 2), VALUES(1000, 0, -1000, 0)));
    em_tensor *t = tensor_of(EM_I64, SHAPE(2), VALUES(1, 1));
    em_tensor *y = op_call("cross_entropy", "reduction=none", INPUTS(x, t));
    assert_tensor(y, EM_F32, SHAPE(2), VALUES(1000, 0));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 2), VALUES(1, -1, 0, 0));
    em_tensor_release(x);
    em_tensor_release(t);
}

static void all_ignored_is_no_mean_but_a_sum_of_0(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)));
    em_tensor *t = tensor_of(EM_I64, SHAPE(2), VALUES(-100, -100));
    em_tensor *y = op_call("cross_entropy", "reduction=sum", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(0));
    em_tensor_release(y);
    y = op_call("cross_entropy", "", INPUTS(x, t));
    assert_tensor(y, EM_F32, SCALAR, VALUES(NAN));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 2), VALUES(0, 0, 0, 0));
    em_tensor_release(x);
    em_tensor_release(t);
}

/* ---- a naive loop -------------------------------------------------------------------------------------- */

typedef struct problem {
    int64_t N, C, S;
    em_tensor *x, *ids, *target, *weight;       /* x and target (N, C, S), ids (N, S) */
} problem;

static double wave(int64_t i, double step) { return sin(step * (double)(i + 1)); }

static void make_problem(problem *p, em_dtype dtype, int64_t N, int64_t C, int64_t S)
{
    *p = (problem){N, C, S, NULL, NULL, NULL, NULL};
    assert_ok(em_tensor_empty(&p->x, dtype, SHAPE(N, C, S)));
    assert_ok(em_tensor_empty(&p->target, dtype, SHAPE(N, C, S)));
    assert_ok(em_tensor_empty(&p->ids, EM_I64, SHAPE(N, S)));
    assert_ok(em_tensor_empty(&p->weight, dtype, SHAPE(C)));
    for (int64_t i = 0; i < N * C * S; i++) {
        em_tensor_set(p->x, i, 3 * wave(i, 0.7));
        em_tensor_set(p->target, i, i % 5 == 0 ? 0 : (1 + wave(i, 0.3)) / (double)C);
    }
    for (int64_t i = 0; i < N * S; i++) em_tensor_set_int(p->ids, i, i % 7 == 3 ? 1 : (i * 5) % C);
    for (int64_t c = 0; c < C; c++) em_tensor_set(p->weight, c, 1.5 + wave(c, 1.1));
    wanting_grad(p->x);
    wanting_grad(p->target);
}

static void release_problem(problem *p)
{
    em_tensor_release(p->x);
    em_tensor_release(p->ids);
    em_tensor_release(p->target);
    em_tensor_release(p->weight);
}

static double log_softmax(const problem *p, int64_t n, int64_t c, int64_t s)
{
    double sum = 0;
    for (int64_t k = 0; k < p->C; k++) sum += exp(element(p->x, (n * p->C + k) * p->S + s));
    return element(p->x, (n * p->C + c) * p->S + s) - log(sum);
}

typedef struct naive {
    double sum, kept;                           /* of losses, and of the weights that the mean divides by */
} naive;

static naive by_ids(const problem *p, bool weighted, int64_t ignore, double smoothing)
{
    naive r = {0, 0};
    for (int64_t n = 0; n < p->N; n++)
        for (int64_t s = 0; s < p->S; s++) {
            const int64_t y = element_int(p->ids, n * p->S + s);
            if (y == ignore) continue;
            const double w = weighted ? element(p->weight, y) : 1;
            r.kept += w;
            r.sum -= (1 - smoothing) * w * log_softmax(p, n, y, s);
            for (int64_t c = 0; c < p->C; c++)
                r.sum -= smoothing / (double)p->C * (weighted ? element(p->weight, c) : 1) * log_softmax(p, n, c, s);
        }
    return r;
}

static naive by_probabilities(const problem *p, bool weighted, double smoothing)
{
    naive r = {0, (double)(p->N * p->S)};
    for (int64_t n = 0; n < p->N; n++)
        for (int64_t c = 0; c < p->C; c++)
            for (int64_t s = 0; s < p->S; s++) {
                const double t = element(p->target, (n * p->C + c) * p->S + s);
                r.sum -= (weighted ? element(p->weight, c) : 1) * ((1 - smoothing) * t + smoothing / (double)p->C) *
                         log_softmax(p, n, c, s);
            }
    return r;
}

static void check_value(const char *name, const char *options, int n, em_tensor *const *in, double want)
{
    em_tensor *y = op_call(name, options, n, in);
    assert_tensor_close(1e-12, 0, y, EM_F64, SCALAR, VALUES(want));
    em_tensor_release(y);
}

static void a_naive_loop_agrees(void **state)
{
    (void)state;
    const int64_t sizes[][3] = {{3, 4, 1}, {2, 5, 3}, {2, 3, 37}, {5, 33, 1}, {1, 1, 2}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int weighted = 0; weighted < 2; weighted++) {
            problem p;
            make_problem(&p, EM_F64, sizes[k][0], sizes[k][1], sizes[k][2]);
            em_tensor *w = weighted ? p.weight : NULL;
            naive r = by_ids(&p, weighted, -100, 0);
            check_value("cross_entropy", "reduction=sum", INPUTS(p.x, p.ids, w), r.sum);
            check_value("cross_entropy", "", INPUTS(p.x, p.ids, w), r.sum / r.kept);
            r = by_ids(&p, weighted, 1, 0.3);
            check_value("cross_entropy", "reduction=sum ignore_index=1 label_smoothing=0.3", INPUTS(p.x, p.ids, w),
                        r.sum);
            if (r.kept > 0)
                check_value("cross_entropy", "ignore_index=1 label_smoothing=0.3", INPUTS(p.x, p.ids, w),
                            r.sum / r.kept);
            r = by_probabilities(&p, weighted, 0.2);
            check_value("cross_entropy_probabilities", "label_smoothing=0.2", INPUTS(p.x, p.target, w), r.sum / r.kept);
            release_problem(&p);
        }
}

/* ---- gradients ----------------------------------------------------------------------------------------- */

static void check_gradient(const char *name, const char *options, int n, em_tensor *const *in, int i)
{
    assert_ok(em_tensor_set_grad(in[i], NULL));
    op_backward(op_call(name, options, n, in));
    em_tensor *want = numeric_gradient(name, options, n, in, i);
    assert_tensor_close(1e-6, 1e-8, em_tensor_grad(in[i]), EM_F64, em_tensor_dims(want), em_tensor_sizes(want),
                        em_tensor_count(want), em_tensor_data(want));
    em_tensor_release(want);
}

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    for (int64_t S = 1; S <= 19; S += 18) {
        problem p;
        make_problem(&p, EM_F64, 3, 4, S);
        check_gradient("cross_entropy", "", INPUTS(p.x, p.ids), 0);
        check_gradient("cross_entropy", "ignore_index=1 label_smoothing=0.3", INPUTS(p.x, p.ids, p.weight), 0);
        check_gradient("cross_entropy", "reduction=none label_smoothing=0.3", INPUTS(p.x, p.ids), 0);
        check_gradient("cross_entropy_probabilities", "label_smoothing=0.2", INPUTS(p.x, p.target, p.weight), 0);
        check_gradient("cross_entropy_probabilities", "label_smoothing=0.2", INPUTS(p.x, p.target, p.weight), 1);
        check_gradient("cross_entropy_probabilities", "reduction=none", INPUTS(p.x, p.target), 0);
        release_problem(&p);
    }
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    problem p;
    make_problem(&p, EM_F32, 1500, 67, 1);
    check_threads("cross_entropy", "label_smoothing=0.1", INPUTS(p.x, p.ids, p.weight));
    check_threads("cross_entropy_probabilities", "", INPUTS(p.x, p.target));
    release_problem(&p);
    make_problem(&p, EM_F32, 3, 67, 501);
    check_threads("cross_entropy", "", INPUTS(p.x, p.ids));
    release_problem(&p);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 3), VALUES(0, 1, 2, 3, 4, 5));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 3));
    em_tensor *below = tensor_of(EM_I64, SHAPE(2), VALUES(-1, 0));
    em_tensor *three = tensor_of(EM_I64, SHAPE(3), VALUES(0, 1, 2));
    em_tensor *scalar = tensor_of(EM_F32, SCALAR, VALUES(1)), *good = tensor_of(EM_I64, SHAPE(2), VALUES(2, 0)), *y;
    assert_fails(op_try(&y, "cross_entropy", "", INPUTS(x, ids)), EM_ERANGE,
                 "cross_entropy: index 3 at position [1] is out of range for classes of target = 3 (ids count from 0)");
    assert_fails(op_try(&y, "cross_entropy", "", INPUTS(x, below)), EM_ERANGE, "index -1 at position [0]");
    assert_fails(op_try(&y, "cross_entropy", "", INPUTS(x, three)), EM_ESHAPE, "target of shape (3) does not fit");
    assert_fails(op_try(&y, "cross_entropy", "", INPUTS(scalar, ids)), EM_ESHAPE, "given a scalar");
    assert_fails(op_try(&y, "cross_entropy", "", INPUTS(x, x)), EM_ETYPE, "target must be of an integer dtype");
    assert_fails(op_try(&y, "cross_entropy", "", INPUTS(x, good, x)), EM_ESHAPE, "weight must have shape (3)");
    assert_fails(op_try(&y, "cross_entropy", "label_smoothing=1.5", INPUTS(x, good)), EM_EVALUE,
                 "label_smoothing must be 0 to 1, given 1.5");
    assert_fails(op_try(&y, "cross_entropy_probabilities", "", INPUTS(x, scalar)), EM_ESHAPE, "target has ()");
    y = op_call("cross_entropy", "ignore_index=3", INPUTS(x, ids));         /* ignored, so not out of range */
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(ids);
    em_tensor_release(below);
    em_tensor_release(three);
    em_tensor_release(scalar);
    em_tensor_release(good);
}

static void a_weight_takes_no_gradient(void **state)
{
    (void)state;
    problem p;
    make_problem(&p, EM_F32, 2, 3, 1);
    wanting_grad(p.weight);
    em_tensor *y = op_call("cross_entropy", "", INPUTS(p.x, p.ids, p.weight));
    assert_fails(em_backward(y, NULL, false), EM_EGRAD, "cross_entropy: there is no gradient for weight");
    em_tensor_release(y);
    release_problem(&p);
}

static em_status call_cross_entropy(void *context, em_tensor *out[EM_MAX_OUT])
{
    const problem *p = context;
    return op_try(out, "cross_entropy", "", INPUTS(p->x, p->ids, p->weight));
}

static void failing_allocations(void **state)
{
    (void)state;
    problem p;
    make_problem(&p, EM_F32, 2, 3, 2);
    const fallible f = {NULL, call_cross_entropy, NULL};
    assert_true(each_allocation_fails(&f, &p) > 2);
    release_problem(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_equal_scores_cost_log_2),
        cmocka_unit_test(large_scores_do_not_overflow),
        cmocka_unit_test(all_ignored_is_no_mean_but_a_sum_of_0),
        cmocka_unit_test(a_naive_loop_agrees),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(a_weight_takes_no_gradient),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
