/* Every operation of the table, by the cases of cases.def:
 *
 *   gradient     in float64, against central differences, for random gradients of all results
 *   float32      results and gradients near those in float64
 *   strided      inputs and gradients of results that are not contiguous: the same results and gradients
 *   in place     the name_ form, on a tensor with history: the same result and gradients
 *   threads      1 and 4: the same bits
 *   allocations  each failing in turn: EM_ENOMEM, nothing left behind */
#include <math.h>
#include <stdio.h>

#include "op_case.h"

static const op_case cases[] = {
#define CASE(op, inputs, options) {#op, inputs, options},
#include "cases.def"
#undef CASE
};
enum { CASES = sizeof cases / sizeof *cases };

/* ---- one run: results, and gradients for random dy ---------------------------------------------------------- */

typedef struct run {
    em_tensor *y[EM_MAX_OUT];
    em_tensor *dx[MOST_INPUTS];         /* dense; null where none is wanted */
} run;

static void run_free(run *r)
{
    for (int k = 0; k < EM_MAX_OUT; k++) em_tensor_release(r->y[k]);
    for (int i = 0; i < MOST_INPUTS; i++) em_tensor_release(r->dx[i]);
    memset(r, 0, sizeof *r);
}

/* Gradients of `roots` with history; a null gradient becomes zeros, a row-sparse one dense. */
static em_status gradients(em_tensor *const *roots, em_tensor *const *dy, const case_inputs *c, em_tensor **dx)
{
    em_tensor *from[EM_MAX_OUT], *with[EM_MAX_OUT], *leaf[MOST_INPUTS], *g[MOST_INPUTS];
    int n_from = 0, n = 0, at[MOST_INPUTS];
    for (int k = 0; k < EM_MAX_OUT; k++)
        if (roots[k] && em_tensor_requires_grad(roots[k])) {
            from[n_from] = roots[k];
            with[n_from++] = dy[k];
        }
    for (int i = 0; i < c->n; i++)
        if (c->wanted[i]) {
            at[n] = i;
            leaf[n++] = c->in[i];
        }
    if (!n_from || !n) return EM_OK;
    em_status s = em_grad(from, with, n_from, leaf, n, false, g);
    for (int i = 0; i < n && !s; i++) {
        em_tensor **to = &dx[at[i]];
        if (!g[i]) {
            s = em_tensor_zeros(to, em_tensor_dtype(leaf[i]), em_tensor_dims(leaf[i]), em_tensor_sizes(leaf[i]));
        } else if (em_tensor_is_sparse(g[i])) {
            s = em_rows_to_dense(to, g[i]);
        } else {
            em_tensor_retain(*to = g[i]);
        }
    }
    for (int i = 0; i < n; i++) em_tensor_release(g[i]);
    return s;
}

static em_status call(const op_case *k, const case_inputs *c, em_tensor **y)
{
    return op_try(y, k->op, k->options, c->n, c->in);
}

static void want_gradients(const case_inputs *c)
{
    for (int i = 0; i < c->n; i++)
        if (c->wanted[i]) assert_ok(em_tensor_set_requires_grad(c->in[i], true));
}

/* dy[k] for each float result. */
static void make_dy(em_tensor *const *y, em_tensor **dy, bool strided)
{
    for (int k = 0; k < EM_MAX_OUT; k++)
        dy[k] = y[k] && em_dtype_is_float(em_tensor_dtype(y[k])) ? numbers_like(y[k], 100 + (unsigned)k, strided)
                                                                  : NULL;
}

static void free_all(em_tensor **t)
{
    for (int k = 0; k < EM_MAX_OUT; k++) em_tensor_release(t[k]);
}

static run run_case(const op_case *k, em_dtype dtype, bool large, bool strided)
{
    run r = {{NULL}, {NULL}};
    case_inputs c;
    em_tensor *dy[EM_MAX_OUT];
    case_inputs_make(&c, k, dtype, large, strided);
    want_gradients(&c);
    assert_ok(call(k, &c, r.y));
    make_dy(r.y, dy, strided);
    assert_ok(gradients(r.y, dy, &c, r.dx));
    free_all(dy);
    case_inputs_free(&c);
    return r;
}

/* ---- comparison --------------------------------------------------------------------------------------------- */

static void assert_near(const char *what, int which, const em_tensor *got, const em_tensor *want, double rtol,
                        double atol)
{
    if (!got && !want) return;
    assert_non_null(got);
    assert_non_null(want);
    assert_int_equal(em_tensor_dims(got), em_tensor_dims(want));
    for (int d = 0; d < em_tensor_dims(want); d++) assert_int_equal(em_tensor_size(got, d), em_tensor_size(want, d));
    for (int64_t i = 0; i < em_tensor_count(want); i++) {
        const double a = element(got, i), b = element(want, i);
        if (!(fabs(a - b) <= atol + rtol * fabs(b)) && a != b)
            fail_msg("%s %d, element %lld: %.17g, want %.17g", what, which, (long long)i, a, b);
    }
}

static void assert_runs_near(const run *got, const run *want, double rtol, double atol)
{
    for (int k = 0; k < EM_MAX_OUT; k++) assert_near("result", k, got->y[k], want->y[k], rtol, atol);
    for (int i = 0; i < MOST_INPUTS; i++) assert_near("gradient of input", i, got->dx[i], want->dx[i], rtol, atol);
}

/* ---- gradient by differences ---------------------------------------------------------------------------------- */

/* Sum of dy times y over all float results. */
static double weighed(const op_case *k, const case_inputs *c, em_tensor *const *dy)
{
    em_tensor *y[EM_MAX_OUT] = {NULL};
    double sum = 0;
    assert_ok(call(k, c, y));
    for (int o = 0; o < EM_MAX_OUT; o++)
        for (int64_t i = 0; dy[o] && i < em_tensor_count(y[o]); i++) sum += element(y[o], i) * element(dy[o], i);
    free_all(y);
    return sum;
}

static void check_gradient(const op_case *k, const run *r)
{
    const double step = 1e-5;
    if (!em_op_differentiable(em_op_find(k->op))) return;
    case_inputs c;
    em_tensor *dy[EM_MAX_OUT];
    case_inputs_make(&c, k, EM_F64, false, false);
    make_dy(r->y, dy, false);
    for (int i = 0; i < c.n; i++) {
        if (!c.wanted[i]) continue;
        assert_non_null(r->dx[i]);
        for (int64_t e = 0; e < em_tensor_count(c.in[i]); e++) {
            const double x = element(c.in[i], e);
            em_tensor_set(c.in[i], e, x + step);
            const double up = weighed(k, &c, dy);
            em_tensor_set(c.in[i], e, x - step);
            const double down = weighed(k, &c, dy), want = (up - down) / (2 * step), got = element(r->dx[i], e);
            em_tensor_set(c.in[i], e, x);
            if (!(fabs(got - want) <= 1e-7 + 1e-6 * fabs(want)))
                fail_msg("gradient of input %d, element %lld: %.12g, by differences %.12g", i, (long long)e, got, want);
        }
    }
    free_all(dy);
    case_inputs_free(&c);
}

/* ---- in place -------------------------------------------------------------------------------------------------- */

static bool can_be_in_place(const op_case *k, const run *r, const case_inputs *c)
{
    const em_tensor *x = c->in[0], *y = r->y[0];
    if (!em_op_inplace(em_op_find(k->op)) || em_tensor_dtype(y) != em_tensor_dtype(x)) return false;
    if (em_tensor_dims(x) != em_tensor_dims(y)) return false;
    for (int d = 0; d < em_tensor_dims(x); d++)
        if (em_tensor_size(x, d) != em_tensor_size(y, d)) return false;
    return true;
}

/* On 1 * x, which has a history, so that it may be changed. */
static void check_in_place(const op_case *k, const run *r, bool strided)
{
    run in_place = {{NULL}, {NULL}};
    case_inputs c, changed;
    em_tensor *dy[EM_MAX_OUT], *one;
    case_inputs_make(&c, k, EM_F64, false, strided);
    if (can_be_in_place(k, r, &c)) {
        const em_op *op = em_op_find(k->op);
        const em_opts opts = op_options(op, k->options);
        em_rng rng = {1, 0};
        if (em_op_differentiable(op)) want_gradients(&c);
        changed = c;
        assert_ok(em_tensor_scalar(&one, em_tensor_dtype(c.in[0]), 1));
        changed.in[0] = op_call("mul", "", 2, (em_tensor *[]){c.in[0], one});
        assert_ok(em_apply_inplace(op, changed.in[0], changed.in, c.n, &opts, &rng));
        in_place.y[0] = changed.in[0];
        make_dy(r->y, dy, strided);
        assert_ok(gradients(in_place.y, dy, &c, in_place.dx));
        assert_runs_near(&in_place, r, 1e-12, 1e-12);
        em_tensor_release(one);
        free_all(dy);
    }
    run_free(&in_place);
    case_inputs_free(&c);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static void check_threads_agree(const op_case *k)
{
    const int threads = em_threads();
    em_set_threads(1);
    run one = run_case(k, EM_F32, true, false);
    em_set_threads(4);
    run four = run_case(k, EM_F32, true, false);
    em_set_threads(threads);
    for (int o = 0; o < EM_MAX_OUT; o++)
        if (one.y[o]) assert_same_bits(one.y[o], four.y[o]);
    for (int i = 0; i < MOST_INPUTS; i++)
        if (one.dx[i]) assert_same_bits(one.dx[i], four.dx[i]);
    run_free(&one);
    run_free(&four);
}

/* ---- failing allocations ------------------------------------------------------------------------------------- */

typedef struct attempt {
    const op_case *k;
    case_inputs c;
    em_tensor *dy[EM_MAX_OUT];
} attempt;

static void attempt_prepare(void *context)
{
    attempt *a = context;
    em_tensor *y[EM_MAX_OUT] = {NULL};
    case_inputs_make(&a->c, a->k, EM_F64, false, true);
    assert_ok(call(a->k, &a->c, y));
    make_dy(y, a->dy, true);
    free_all(y);
    want_gradients(&a->c);
}

static em_status attempt_call(void *context, em_tensor *out[EM_MAX_OUT])
{
    attempt *a = context;
    em_tensor *dx[MOST_INPUTS] = {NULL};
    em_status s = call(a->k, &a->c, out);
    if (!s) s = gradients(out, a->dy, &a->c, dx);
    for (int i = 0; i < MOST_INPUTS; i++) em_tensor_release(dx[i]);
    for (int k = 0; s && k < EM_MAX_OUT; k++) {
        em_tensor_release(out[k]);
        out[k] = NULL;
    }
    return s;
}

static void attempt_clean(void *context)
{
    attempt *a = context;
    free_all(a->dy);
    case_inputs_free(&a->c);
}

/* ---- the tests ------------------------------------------------------------------------------------------------ */

static void holds(void **state)
{
    const op_case *k = *state;
    run r = run_case(k, EM_F64, false, false);
    check_gradient(k, &r);
    run f32 = run_case(k, EM_F32, false, false);
    assert_runs_near(&f32, &r, 1e-4, 1e-5);
    run strided = run_case(k, EM_F64, false, true);
    assert_runs_near(&strided, &r, 1e-12, 1e-12);
    check_in_place(k, &r, false);
    check_in_place(k, &r, true);
    check_threads_agree(k);
    attempt a = {.k = k};
    const fallible f = {attempt_prepare, attempt_call, attempt_clean};
    assert_true(each_allocation_fails(&f, &a) > 0);
    run_free(&r);
    run_free(&f32);
    run_free(&strided);
}

static void every_operation_has_a_case(void **state)
{
    (void)state;
    int missing = 0;
    for (int i = 0; i < em_op_count(); i++) {
        const char *name = em_op_name(em_op_at(i));
        int k = 0;
        while (k < CASES && strcmp(cases[k].op, name) != 0) k++;
        if (k == CASES) print_error("%s has no case in cases.def\n", name);
        missing += k == CASES;
    }
    assert_int_equal(missing, 0);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[CASES + 1];
    static char names[CASES][160];
    size_t n = 0;
    for (size_t k = 0; k < CASES; k++) {
        if (argc > 1 && strcmp(argv[1], cases[k].op) != 0) continue;
        snprintf(names[k], sizeof names[k], "%s: %s %s", cases[k].op, cases[k].inputs, cases[k].options);
        tests[n++] = (struct CMUnitTest){names[k], holds, NULL, NULL, (void *)(uintptr_t)&cases[k]};
    }
    if (argc == 1) tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_operation_has_a_case);
    return _cmocka_run_group_tests("gradients", tests, n, NULL, NULL);
}
