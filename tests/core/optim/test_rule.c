/* What all rules share: the list, option checks, refusals, state, and steps that are done completely or not at all. */
#include "by_hand.h"

static em_tensor *rows_of(int64_t rows, int64_t width, int64_t n, const double *ids)
{
    em_tensor *id = tensor_of(EM_I64, 1, &n, n, ids), *values, *grad;
    assert_ok(em_tensor_empty(&values, EM_F32, 2, (int64_t[]){n, width}));
    em_tensor_fill(values, 1);
    assert_ok(em_rows_new(&grad, id, values, rows));
    em_tensor_release(id);
    em_tensor_release(values);
    return grad;
}

static void names_lead_to_rules(void **context)
{
    (void)context;
    assert_true(em_rule_count() >= 13);
    for (int i = 0; i < em_rule_count(); i++) {
        const em_rule *rule = em_rule_at(i);
        assert_ptr_equal(em_rule_find(em_rule_name(rule)), rule);
        assert_true(strlen(em_rule_doc(rule)) > 40);
        em_opts opts;
        em_rule_opts_default(&opts, rule);
        assert_ok(em_rule_check(rule, &opts));
        assert_string_equal(em_rule_opts(rule)[0].name, "lr");
    }
    assert_null(em_rule_find("sgd"));
}

static void options_out_of_range(void **context)
{
    (void)context;
    static const char *const cases[][3] = {
        {"SGD", "lr=-0.1", "SGD: Invalid learning rate: -0.1 (lr must be >= 0)"},
        {"SGD", "lr=nan", "Invalid learning rate: nan"},
        {"SGD", "momentum=-0.5", "Invalid momentum value: -0.5"},
        {"SGD", "weight_decay=-1", "Invalid weight_decay value: -1"},
        {"SGD", "dampening=nan", "dampening must be a number"},
        {"SparseAdam", "lr=0", "SparseAdam: Invalid learning rate: 0 (lr must be > 0)"},
        {"SparseAdam", "eps=0", "Invalid epsilon value: 0"},
        {"Adam", "betas[0]=1", "Invalid beta parameter at index 0: 1 (betas[0] must be in [0, 1))"},
        {"AdamW", "betas[1]=-0.1", "Invalid beta parameter at index 1: -0.1"},
        {"Adagrad", "lr_decay=-0.1", "Invalid lr_decay value: -0.1"},
        {"Adagrad", "initial_accumulator_value=-1", "Invalid initial_accumulator_value value: -1"},
        {"Adadelta", "rho=1.5", "Invalid rho value: 1.5 (rho must be in [0, 1])"},
        {"Rprop", "etas[0]=1.1", "etas[0] must be in (0, 1)"},
        {"Rprop", "etas[1]=1", "etas[1] must be > 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const options o = options_of(cases[i][0], cases[i][1]);
        assert_fails(em_rule_check(o.rule, &o.opts), EM_EVALUE, cases[i][2]);
    }
    static const char *const fine[][2] = {{"Adadelta", "rho=1"}, {"Adadelta", "rho=0"}, {"SGD", "lr=0"},
                                          {"Adam", "eps=0"}};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        const options o = options_of(fine[i][0], fine[i][1]);
        assert_ok(em_rule_check(o.rule, &o.opts));
    }
}

static void gradients_that_do_not_fit(void **context)
{
    (void)context;
    const options sgd = options_of("SGD", ""), sparse_adam = options_of("SparseAdam", "");
    em_tensor *p = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *wide = tensor_of(EM_F32, SHAPE(4), VALUES(1, 1, 1, 1));
    em_tensor *other = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 1, 1, 1));
    em_tensor *integer = tensor_of(EM_I64, SHAPE(2), VALUES(1, 1));
    em_tensor *dense = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 1, 1, 1));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    assert_fails(em_rule_step(sgd.rule, p, wide, &sgd.opts, state, 1), EM_ESHAPE, "is (2, 2), its gradient (4)");
    assert_fails(em_rule_step(sgd.rule, p, other, &sgd.opts, state, 1), EM_ETYPE, "float32, its gradient float64");
    assert_fails(em_rule_step(sgd.rule, integer, integer, &sgd.opts, state, 1), EM_ETYPE, "given int64");
    assert_fails(em_rule_step(sparse_adam.rule, p, dense, &sparse_adam.opts, state, 1), EM_EVALUE,
                 "SparseAdam does not support dense gradients, please consider Adam instead");
    assert_tensor(p, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    for (int k = 0; k < EM_MAX_STATE; k++) assert_null(state[k]);
    em_tensor_release(p);
    em_tensor_release(wide);
    em_tensor_release(other);
    em_tensor_release(integer);
    em_tensor_release(dense);
}

/* State that a script loaded is not trusted. */
static void state_that_does_not_fit(void **context)
{
    (void)context;
    const options o = options_of("Adam", "");
    em_tensor *p = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *g = tensor_of(EM_F32, SHAPE(2), VALUES(1, 1));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    state[1] = tensor_of(EM_F32, SHAPE(1), VALUES(0));
    assert_fails(em_rule_step(o.rule, p, g, &o.opts, state, 1), EM_ESHAPE, "state tensor 2 (of: exp_avg exp_avg_sq");
    assert_null(state[0]);
    assert_tensor(p, EM_F32, SHAPE(2), VALUES(1, 2));
    release_all(EM_MAX_STATE, state);
    em_tensor_release(p);
    em_tensor_release(g);
}

/* The second of two updates cannot be done, so the first is not. */
static void steps_are_all_or_nothing(void **context)
{
    (void)context;
    const options o = options_of("Adam", "");
    em_tensor *p = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *g = tensor_of(EM_F32, SHAPE(2), VALUES(1, 1));
    em_tensor *bad = tensor_of(EM_F32, SHAPE(3), VALUES(1, 1, 1));
    em_tensor *state_a[EM_MAX_STATE] = {NULL}, *state_b[EM_MAX_STATE] = {NULL};
    const em_step steps[] = {{p, g, &o.opts, state_a, 1}, {p, bad, &o.opts, state_b, 1}};
    assert_fails(em_rule_steps(o.rule, steps, 2), EM_ESHAPE, "Adam");
    assert_tensor(p, EM_F32, SHAPE(2), VALUES(1, 2));
    assert_null(state_a[0]);
    assert_ok(em_rule_steps(o.rule, steps, 1));
    assert_non_null(state_a[0]);
    release_all(EM_MAX_STATE, state_a);
    em_tensor_release(p);
    em_tensor_release(g);
    em_tensor_release(bad);
}

/* A transposed parameter and a gradient that repeats one number. */
static void strided_tensors(void **context)
{
    (void)context;
    const options o = options_of("SGD", "lr=1");
    em_tensor *base = tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)), *p, *g;
    em_tensor *one = tensor_of(EM_F32, SHAPE(1), VALUES(1)), *state[EM_MAX_STATE] = {NULL};
    assert_ok(em_tensor_view(&p, base, 0, 2, (int64_t[]){2, 3}, (int64_t[]){1, 2}));
    assert_ok(em_tensor_view(&g, one, 0, 2, (int64_t[]){2, 3}, (int64_t[]){0, 0}));
    const int64_t version = em_tensor_version(base);
    assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 1));
    assert_tensor(base, EM_F32, SHAPE(3, 2), VALUES(0, 1, 2, 3, 4, 5));
    assert_true(em_tensor_version(base) > version);
    em_tensor_release(p);
    em_tensor_release(g);
    em_tensor_release(base);
    em_tensor_release(one);
}

/* No entries, no rows, no columns, no dims: a step that is counted and moves what has to move. */
static void empty_gradients(void **context)
{
    (void)context;
    static const int64_t shapes[][2] = {{3, 2}, {0, 2}, {3, 0}};
    for (int i = 0; i < em_rule_count(); i++) {
        const options o = options_of(em_rule_name(em_rule_at(i)), "");
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            em_tensor *p, *before, *g = rows_of(shapes[k][0], shapes[k][1], 0, NULL), *state[EM_MAX_STATE] = {NULL};
            assert_ok(em_tensor_zeros(&p, EM_F32, 2, shapes[k]));
            em_tensor_fill(p, 1);
            assert_ok(em_tensor_clone(&before, p));
            assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 1));
            assert_same_bits(p, before);
            release_all(EM_MAX_STATE, state);
            em_tensor_release(p);
            em_tensor_release(g);
            em_tensor_release(before);
        }
    }
}

/* Rows that stay keep their state, new ones begin as the options say. */
static void state_for_other_rows(void **context)
{
    (void)context;
    const options o = options_of("Adagrad", "initial_accumulator_value=0.5"), asgd = options_of("ASGD", "");
    em_tensor *sum = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *eta = tensor_of(EM_F32, SCALAR, VALUES(7));
    em_tensor *more, *less, *none, *same, *again;
    assert_ok(em_rule_resize_state(&more, o.rule, 0, &o.opts, sum, 3, INT64_MAX));
    assert_tensor(more, EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 0.5, 0.5));
    assert_ok(em_rule_resize_state(&less, o.rule, 0, &o.opts, sum, 1, 2));
    assert_tensor(less, EM_F32, SHAPE(1, 2), VALUES(1, 2));
    assert_ok(em_rule_resize_state(&none, o.rule, 0, &o.opts, sum, 0, 2));
    assert_tensor(none, EM_F32, SHAPE(0, 2), NO_VALUES);
    assert_ok(em_rule_resize_state(&same, asgd.rule, 0, &asgd.opts, eta, 3, 0));
    assert_tensor(same, EM_F32, SCALAR, VALUES(7));
    assert_ok(em_rule_resize_state(&again, o.rule, 0, &o.opts, sum, 3, 1));
    assert_tensor(again, EM_F32, SHAPE(3, 2), VALUES(1, 2, 0.5, 0.5, 0.5, 0.5));
    em_tensor *const created[] = {sum, eta, more, less, none, same, again};
    for (int k = 0; k < 7; k++) em_tensor_release(created[k]);
}

static void scalars_are_rows_of_one(void **context)
{
    (void)context;
    const options o = options_of("RowWiseAdagrad", "lr=0.5 eps=0");
    em_tensor *p = tensor_of(EM_F64, SCALAR, VALUES(1)), *g = tensor_of(EM_F64, SCALAR, VALUES(-4));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 1));
    assert_tensor(p, EM_F64, SCALAR, VALUES(1.5));
    assert_tensor(state[0], EM_F64, SHAPE(1), VALUES(16));
    release_all(EM_MAX_STATE, state);
    em_tensor_release(p);
    em_tensor_release(g);
}

/* Rows before, between and after the touched ones hold still, to the bit. */
static void untouched_rows_rest(void **context)
{
    (void)context;
    for (int i = 0; i < em_rule_count(); i++) {
        const options o = options_of(em_rule_name(em_rule_at(i)), "");
        em_tensor *p = tensor_of(EM_F32, SHAPE(5, 1), VALUES(1, 2, 3, 4, 5)), *state[EM_MAX_STATE] = {NULL};
        em_tensor *g = rows_of(5, 1, 3, (double[]){3, 1, 3});
        assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 1));
        for (int64_t r = 0; r < 5; r++) assert_int_equal(element(p, r) == (double)(r + 1), r != 1 && r != 3);
        release_all(EM_MAX_STATE, state);
        em_tensor_release(p);
        em_tensor_release(g);
    }
}

static void a_step_count_is_a_number_of_steps(void **context)
{
    (void)context;
    const options o = options_of("Adam", "");
    static const int64_t counts[] = {INT64_MIN, -1, 0, (INT64_C(1) << 53) + 1, INT64_MAX};
    em_tensor *p = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *g = tensor_of(EM_F32, SHAPE(2), VALUES(1, 1));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    for (int k = 0; k < 5; k++)
        assert_fails(em_rule_step(o.rule, p, g, &o.opts, state, counts[k]), EM_EVALUE, "Adam: step = ");
    assert_tensor(p, EM_F32, SHAPE(2), VALUES(1, 2));
    assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, INT64_C(1) << 53));
    release_all(EM_MAX_STATE, state);
    release_all(TENSORS(p, g));
}

static void interruption_before_a_step(void **context)
{
    (void)context;
    const options o = options_of("Adam", "");
    em_tensor *p = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *g = tensor_of(EM_F32, SHAPE(2), VALUES(1, 1));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    em_interrupt();
    assert_fails(em_rule_step(o.rule, p, g, &o.opts, state, 1), EM_EINTERRUPT, "Adam: interrupted");
    em_clear_interrupt();
    assert_tensor(p, EM_F32, SHAPE(2), VALUES(1, 2));
    assert_null(state[0]);
    em_tensor_release(p);
    em_tensor_release(g);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

typedef struct attempt {
    options o;
    bool sparse;
    em_tensor *p, *g, *before, *state[EM_MAX_STATE];
} attempt;

static void make(void *context)
{
    attempt *a = context;
    const int64_t sizes[] = {4, 1500};                  /* rows too wide for the stack: scratch is allocated */
    noise_state = 3;
    em_tensor *base = noisy(EM_F32, 2, (int64_t[]){1500, 4});
    a->p = base;
    if (!a->sparse) {                                   /* strided: a contiguous copy is allocated */
        assert_ok(em_tensor_view(&a->p, base, 0, 2, sizes, (int64_t[]){1, 4}));
        em_tensor_release(base);
    } else {
        em_tensor_release(base);
        a->p = noisy(EM_F32, 2, sizes);
    }
    a->g = a->sparse ? rows_of(4, 1500, 3, (double[]){3, 1, 3}) : noisy(EM_F32, 2, sizes);
    assert_ok(em_tensor_clone(&a->before, a->p));
}

static em_status take_step(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    attempt *a = context;
    const em_status s = em_rule_step(a->o.rule, a->p, a->g, &a->o.opts, a->state, 1);
    if (!s) return s;
    assert_same_bits(a->p, a->before);
    for (int k = 0; k < EM_MAX_STATE; k++) assert_null(a->state[k]);
    return s;
}

static void unmake(void *context)
{
    attempt *a = context;
    for (int k = 0; k < EM_MAX_STATE; k++) {
        em_tensor_release(a->state[k]);
        a->state[k] = NULL;
    }
    em_tensor_release(a->p);
    em_tensor_release(a->g);
    em_tensor_release(a->before);
}

static void survives_failing_allocations(void **context)
{
    (void)context;
    for (int i = 0; i < em_rule_count(); i++)
        for (int sparse = 0; sparse < 2; sparse++) {
            attempt a = {.o = options_of(em_rule_name(em_rule_at(i)), ""), .sparse = sparse};
            if (!sparse && !strcmp(em_rule_name(a.o.rule), "SparseAdam")) continue;
            assert_true(each_allocation_fails(&(fallible){make, take_step, unmake}, &a) >= 3);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_rules),
        cmocka_unit_test(options_out_of_range),
        cmocka_unit_test(gradients_that_do_not_fit),
        cmocka_unit_test(state_that_does_not_fit),
        cmocka_unit_test(steps_are_all_or_nothing),
        cmocka_unit_test(strided_tensors),
        cmocka_unit_test(empty_gradients),
        cmocka_unit_test(state_for_other_rows),
        cmocka_unit_test(scalars_are_rows_of_one),
        cmocka_unit_test(untouched_rows_rest),
        cmocka_unit_test(a_step_count_is_a_number_of_steps),
        cmocka_unit_test(interruption_before_a_step),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
