/* sparse_mode "exact": updates are deferred, and have, once rows are read, the bits that dense gradients would have
 * given. Raw memory is watched through a pointer that was asked for when nothing was pending yet. */
#include "by_hand.h"

enum { ROWS = 50, WIDTH = 7, MANY = 40 };

static options exact(const char *rule, const char *text)
{
    options o = options_of(rule, text);
    o.opts.at[option_at(o.rule, "sparse_mode")].i = 1;
    return o;
}

/* A gradient with one entry of noise for each of the ids. */
static em_tensor *gradient(em_dtype dtype, int64_t rows, int64_t width, int64_t n, const double *ids)
{
    em_tensor *id = tensor_of(EM_I64, 1, &n, n, ids), *values = noisy(dtype, 2, (int64_t[]){n, width}), *grad;
    assert_ok(em_rows_new(&grad, id, values, rows));
    em_tensor_release(id);
    em_tensor_release(values);
    return grad;
}

static em_tensor *row_of(em_tensor *p, int64_t id)
{
    em_tensor *ids = tensor_of(EM_I64, SHAPE(1), 1, (double[]){(double)id}), *row;
    assert_ok(em_apply(em_op_find("embedding"), (em_tensor *[]){ids, p}, 2, NULL, NULL, &row));
    em_tensor_release(ids);
    return row;
}

/* ---- the same bits as by dense gradients ----------------------------------------------------------------- */

static const char *const CASES[][2] = {
    {"SGD", "lr=0.1 momentum=0.9"}, {"SGD", "lr=0.1 weight_decay=0.2"},
    {"SGD", "lr=0.1 momentum=0.5 weight_decay=0.1 nesterov=1"}, {"SGD", "lr=0.1 momentum=0.9 dampening=0.3 maximize=1"},
    {"Adagrad", "weight_decay=0.2 lr=0.1 lr_decay=0.01"}, {"Adagrad", ""}, {"Adam", "lr=0.1"},
    {"Adam", "lr=0.1 weight_decay=0.1 amsgrad=1"}, {"AdamW", "lr=0.1 weight_decay=0.1"}, {"AdamW", "weight_decay=0"},
    {"RMSprop", ""}, {"RMSprop", "momentum=0.9 centered=1 weight_decay=0.1"}, {"Adadelta", ""},
    {"Adadelta", "weight_decay=0.1"}, {"Adamax", ""}, {"Adamax", "weight_decay=0.1"}, {"NAdam", "lr=0.1"},
    {"NAdam", "weight_decay=0.1"}, {"RAdam", "lr=0.1"}, {"RAdam", "lr=0.1 weight_decay=0.1"}, {"Rprop", ""},
    {"ASGD", "lr=0.1 lambd=0.1 t0=10"}, {"ASGD", "weight_decay=0.1"}, {"RowWiseAdagrad", "weight_decay=0.1"},
    {"RowWiseAdagrad", ""},
};

/* Options change on the way as a schedule would change them. */
static void change(options *o, int64_t step)
{
    o->opts.at[0].x *= 0.97;
    const int decay = option_at(o->rule, "weight_decay");
    if (decay >= 0 && step == 20) o->opts.at[decay].x *= 0.5;
}

static double some_id(int64_t rows) { return (double)(int64_t)((noise() + 1) / 2 * (double)(rows - 3)); }

/* Parameter and state after MANY steps, by gradients that are sparse or made dense; `look` (0: never): every so many
 * steps a row is looked up. */
static em_tensor *train(options o, em_dtype dtype, int64_t width, bool sparse, int look, em_tensor *state[EM_MAX_STATE])
{
    noise_state = 11;
    em_tensor *p = noisy(dtype, 2, (int64_t[]){ROWS, width});
    for (int64_t step = 1; step <= MANY; step++) {
        const double a = some_id(ROWS / 2), ids[] = {a, a + 1, some_id(ROWS)};
        const double look_at = some_id(ROWS);
        em_tensor *g = gradient(dtype, ROWS, width, step % 5 ? 3 : 0, ids), *dense = NULL;
        if (!sparse) assert_ok(em_rows_to_dense(&dense, g));
        assert_ok(em_rule_step(o.rule, p, sparse ? g : dense, &o.opts, state, step));
        if (look && step % look == 0) em_tensor_release(row_of(p, (int64_t)look_at));
        change(&o, step);
        em_tensor_release(g);
        em_tensor_release(dense);
    }
    em_tensor_apply_pending(p);
    return p;
}

static void same_bits_as_by_dense_gradients(void **context)
{
    (void)context;
    static const int64_t widths[] = {1, 7, 128, 1100};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        for (int k = 0; k < 8; k++) {
            const em_dtype dtype = k & 1 ? EM_F64 : EM_F32;
            const options o = exact(CASES[i][0], CASES[i][1]);
            em_tensor *a[EM_MAX_STATE] = {NULL}, *b[EM_MAX_STATE] = {NULL};
            em_tensor *p = train(o, dtype, widths[k / 2], true, k % 3, a);
            em_tensor *q = train(o, dtype, widths[k / 2], false, 0, b);
            assert_same_bits(p, q);
            for (int s = 0; s < EM_MAX_STATE; s++) {
                assert_int_equal(a[s] != NULL, b[s] != NULL);
                if (a[s]) assert_same_bits(a[s], b[s]);
            }
            release_all(EM_MAX_STATE, a);
            release_all(EM_MAX_STATE, b);
            em_tensor_release(p);
            em_tensor_release(q);
        }
}

/* SparseAdam takes no dense gradients: a table all of whose rows are touched, some by zeros, is the same. */
static void sparse_adam_as_by_zeros(void **context)
{
    (void)context;
    const options o = exact("SparseAdam", "lr=0.1");
    em_tensor *a[EM_MAX_STATE] = {NULL}, *b[EM_MAX_STATE] = {NULL};
    em_tensor *p = noisy(EM_F32, 2, (int64_t[]){4, 3}), *q;
    assert_ok(em_tensor_clone(&q, p));
    for (int64_t step = 1; step <= MANY; step++) {
        const double id = (double)(step * step % 3);
        em_tensor *g = gradient(EM_F32, 4, 3, 1, &id), *dense, *ids, *whole;
        assert_ok(em_rows_to_dense(&dense, g));
        ids = tensor_of(EM_I64, SHAPE(4), VALUES(0, 1, 2, 3));
        assert_ok(em_rows_new(&whole, ids, dense, 4));
        assert_ok(em_rule_step(o.rule, p, g, &o.opts, a, step));
        assert_ok(em_rule_step(o.rule, q, whole, &o.opts, b, step));
        em_tensor *const created[] = {g, dense, ids, whole};
        for (int k = 0; k < 4; k++) em_tensor_release(created[k]);
    }
    assert_same_bits(p, q);
    assert_same_bits(a[0], b[0]);
    release_all(EM_MAX_STATE, a);
    release_all(EM_MAX_STATE, b);
    em_tensor_release(p);
    em_tensor_release(q);
}

static void same_bits_for_any_number_of_threads(void **context)
{
    (void)context;
    const options o = exact("Adam", "lr=0.1 weight_decay=0.1");
    em_tensor *want = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        em_set_threads(threads);
        em_tensor *state[EM_MAX_STATE] = {NULL}, *p = train(o, EM_F32, 1500, true, 0, state);
        if (want)
            assert_same_bits(p, want);
        else
            em_tensor_retain(want = p);
        release_all(EM_MAX_STATE, state);
        em_tensor_release(p);
    }
    em_set_threads(2);
    em_tensor_release(want);
}

/* ---- what is deferred, and until when --------------------------------------------------------------------- */

typedef struct fixture {
    options o;
    em_tensor *p, *state[EM_MAX_STATE];
    const float *raw;           /* (ROWS, WIDTH) */
    float first[ROWS * WIDTH];
} fixture;

/* A table after three steps with decay, which all touched row 2 alone. */
static fixture waiting(void)
{
    fixture f = {.o = exact("SGD", "lr=0.5 weight_decay=0.5")};
    f.p = noisy(EM_F32, 2, (int64_t[]){ROWS, WIDTH});
    f.raw = em_tensor_data(f.p);
    memcpy(f.first, f.raw, sizeof f.first);
    for (int64_t step = 1; step <= 3; step++) {
        em_tensor *g = gradient(EM_F32, ROWS, WIDTH, 1, (double[]){2});
        const int64_t version = em_tensor_version(f.p);
        assert_ok(em_rule_step(f.o.rule, f.p, g, &f.o.opts, f.state, step));
        assert_true(em_tensor_version(f.p) > version);
        em_tensor_release(g);
    }
    return f;
}

static void let_go(fixture *f)
{
    release_all(EM_MAX_STATE, f->state);
    em_tensor_release(f->p);
}

/* How many rows memory shows as they were, and how many after three times 1 - 0.5 * 0.5; others but row 2: none. */
static void count_rows(const fixture *f, int *old, int *updated)
{
    *old = *updated = 0;
    for (int r = 0; r < ROWS; r++) {
        const float was = f->first[r * WIDTH], is = f->raw[r * WIDTH];
        *old += is == was;
        *updated += fabsf(is - was * 0.75f * 0.75f * 0.75f) <= 1e-6f * fabsf(was);
    }
    assert_int_equal(*old + *updated, ROWS - 1);
}

#define assert_updated(f, n) \
    do { \
        int old, updated; \
        count_rows(f, &old, &updated); \
        assert_int_equal(updated, n); \
    } while (0)

static void a_step_moves_touched_rows_only(void **context)
{
    (void)context;
    fixture f = waiting();
    assert_updated(&f, 0);
    let_go(&f);
}

static void a_lookup_updates_the_rows_it_names(void **context)
{
    (void)context;
    static const char *const names[] = {"embedding", "embedding_bag", "embedding_dot", "embedding_distance"};
    for (int k = 0; k < 4; k++) {
        fixture f = waiting();
        em_tensor *ids = tensor_of(EM_I32, SHAPE(1, 4), VALUES(7, 9, 7, 2)), *out;
        em_tensor *query = tensor_of(EM_F32, SHAPE(1, 7), VALUES(1, 1, 1, 1, 1, 1, 1));
        em_tensor *in[] = {ids, f.p, NULL, NULL}, *with_query[] = {query, ids, f.p};
        const int64_t version = em_tensor_version(f.p);
        const int n = k == 0 ? 2 : k == 1 ? 4 : 3;
        assert_ok(em_apply(em_op_find(names[k]), k < 2 ? in : with_query, n, NULL, NULL, &out));
        assert_updated(&f, 2);
        assert_int_equal(em_tensor_version(f.p), version);          /* a pending update is no change */
        em_tensor_release(out);
        em_tensor_release(ids);
        em_tensor_release(query);
        assert_true(fabs(em_tensor_get(f.p, 0) - (double)f.first[0] * 0.421875) < 1e-6);
        assert_updated(&f, ROWS - 1);
        let_go(&f);
    }
}

static void an_id_out_of_range_is_still_an_error(void **context)
{
    (void)context;
    fixture f = waiting();
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(3, 50)), *out = NULL;
    assert_fails(em_apply(em_op_find("embedding"), (em_tensor *[]){ids, f.p}, 2, NULL, NULL, &out), EM_ERANGE, "50");
    em_tensor_release(ids);
    let_go(&f);
}

static void read_get(em_tensor *p) { em_tensor_get(p, 0); }
static void read_data(em_tensor *p) { em_tensor_data(p); }
static void read_on_request(em_tensor *p) { em_tensor_apply_pending(p); }

static void read_clone(em_tensor *p)
{
    em_tensor *copy;
    assert_ok(em_tensor_clone(&copy, p));
    em_tensor_release(copy);
}

static void read_operation(em_tensor *p)
{
    em_tensor *sum;
    assert_ok(em_apply(em_op_find("sum"), &p, 1, NULL, NULL, &sum));
    em_tensor_release(sum);
}

/* A lookup in another window of the storage is not one of the table's rows. */
static void read_view(em_tensor *p)
{
    em_tensor *half;
    assert_ok(em_tensor_view(&half, p, 0, 2, (int64_t[]){ROWS / 2, WIDTH}, (int64_t[]){2 * WIDTH, 1}));
    em_tensor_release(row_of(half, 0));
    em_tensor_release(half);
}

static void every_other_reader_updates_all(void **context)
{
    (void)context;
    static void (*const readers[])(em_tensor *) = {read_get, read_data, read_on_request, read_clone, read_operation,
                                                   read_view};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        fixture f = waiting();
        readers[i](f.p);
        assert_updated(&f, ROWS - 1);
        let_go(&f);
    }
}

/* What is written stays: nothing is pending any more. */
static void writers_apply_pending_first(void **context)
{
    (void)context;
    for (int k = 0; k < 4; k++) {
        fixture f = waiting();
        em_tensor *other = tensor_of(EM_F32, SHAPE(1), VALUES(4));
        em_rng rng = {.seed = 1};
        if (k == 0) em_tensor_fill(f.p, 4);
        if (k == 1) assert_ok(em_tensor_copy(f.p, other));
        if (k == 2) em_tensor_set(f.p, 21, 4);
        if (k == 3) em_tensor_fill_uniform(f.p, 4, 4, &rng);
        em_tensor_apply_pending(f.p);
        assert_true(f.raw[21] == 4);
        em_tensor_release(other);
        let_go(&f);
    }
}

/* Dense gradients, another optimizer, another mode: what was pending before comes first. */
static void other_steps_apply_pending_first(void **context)
{
    (void)context;
    const char *const others[] = {"lr=0", "lr=0 momentum=0.5", "lr=0"};
    for (int k = 0; k < 3; k++) {
        fixture f = waiting();
        em_tensor *g = gradient(EM_F32, ROWS, WIDTH, 1, (double[]){5}), *dense, *mine[EM_MAX_STATE] = {NULL};
        assert_ok(em_rows_to_dense(&dense, g));
        options o = exact("SGD", others[k]);
        assert_ok(em_rule_step(o.rule, f.p, k == 0 ? dense : g, &o.opts, mine, 1));
        assert_updated(&f, ROWS - 1);
        release_all(EM_MAX_STATE, mine);
        em_tensor_release(g);
        em_tensor_release(dense);
        let_go(&f);
    }
}

static void the_optimizer_may_go_first(void **context)
{
    (void)context;
    options o = exact("SGD", "lr=1 momentum=0.5");
    em_tensor *p = tensor_of(EM_F64, SHAPE(2, 1), VALUES(0, 0)), *state[EM_MAX_STATE] = {NULL};
    for (int64_t step = 1; step <= 3; step++) {
        em_tensor *id = tensor_of(EM_I64, SHAPE(1), VALUES(step > 1)), *g;
        em_tensor *one = tensor_of(EM_F64, SHAPE(1, 1), VALUES(1));
        assert_ok(em_rows_new(&g, id, one, 2));
        assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, step));
        em_tensor_release(id);
        em_tensor_release(one);
        em_tensor_release(g);
    }
    release_all(EM_MAX_STATE, state);
    assert_tensor(p, EM_F64, SHAPE(2, 1), VALUES(-1.75, -2.5));     /* 1 + 1/2 + 1/4;  1 + 3/2 */
    em_tensor_release(p);
}

/* More steps than are recorded: the first rows are deferred for longer than that. */
static void recording_starts_anew(void **context)
{
    (void)context;
    options o = exact("SGD", "lr=1 weight_decay=1e-4");
    em_tensor *p = tensor_of(EM_F64, SHAPE(3, 1), VALUES(1, 1, 1)), *state[EM_MAX_STATE] = {NULL};
    em_tensor *none = gradient(EM_F64, 3, 1, 0, NULL);
    enum { LONG_TIME = 40000 };
    for (int64_t step = 1; step <= LONG_TIME; step++) assert_ok(em_rule_step(o.rule, p, none, &o.opts, state, step));
    const double want = pow(1 - 1e-4, LONG_TIME);
    assert_tensor_close(1e-10, 0, p, EM_F64, SHAPE(3, 1), VALUES(want, want, want));
    em_tensor_release(none);
    em_tensor_release(p);
}

/* Updates of a transposed table, or of two parameters in one storage, cannot be deferred; they are the same. */
static void tables_that_cannot_defer(void **context)
{
    (void)context;
    options o = exact("SGD", "lr=0.5 weight_decay=0.5");
    em_tensor *base = tensor_of(EM_F32, SHAPE(2, 3), VALUES(64, 64, 64, 64, 64, 64)), *p, *q, *none, *few;
    em_tensor *a[EM_MAX_STATE] = {NULL}, *b[EM_MAX_STATE] = {NULL};
    assert_ok(em_tensor_view(&p, base, 0, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}));
    none = gradient(EM_F32, 3, 2, 0, NULL);
    assert_ok(em_rule_step(o.rule, p, none, &o.opts, a, 1));
    assert_tensor(base, EM_F32, SHAPE(2, 3), VALUES(48, 48, 48, 48, 48, 48));
    assert_ok(em_tensor_view(&q, base, 0, 2, (int64_t[]){1, 3}, (int64_t[]){3, 1}));
    few = gradient(EM_F32, 1, 3, 0, NULL);
    em_tensor *all = gradient(EM_F32, 2, 3, 0, NULL);
    const em_step steps[] = {{base, all, &o.opts, a, 2}, {q, few, &o.opts, b, 1}};
    assert_ok(em_rule_steps(o.rule, steps, 2));
    assert_tensor(base, EM_F32, SHAPE(2, 3), VALUES(27, 27, 27, 36, 36, 36));
    em_tensor *const created[] = {base, p, q, none, few, all};
    for (int k = 0; k < 6; k++) em_tensor_release(created[k]);
}

static void an_interrupt_leaves_updates_pending(void **context)
{
    (void)context;
    fixture f = waiting();
    em_interrupt();
    em_tensor_apply_pending(f.p);
    em_clear_interrupt();
    assert_updated(&f, 0);
    em_tensor_apply_pending(f.p);
    assert_updated(&f, ROWS - 1);
    let_go(&f);
}

/* ---- failing allocations --------------------------------------------------------------------------------- */

typedef struct attempt {
    em_tensor *p, *g, *before, *state[EM_MAX_STATE];
} attempt;

static void make(void *context)
{
    attempt *a = context;
    a->p = noisy(EM_F32, 2, (int64_t[]){4, 1500});
    a->g = gradient(EM_F32, 4, 1500, 3, (double[]){3, 1, 3});
    assert_ok(em_tensor_clone(&a->before, a->p));
}

static em_status take_step(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    attempt *a = context;
    const options o = exact("Adam", "");
    const em_status s = em_rule_step(o.rule, a->p, a->g, &o.opts, a->state, 1);
    if (s) assert_same_bits(a->p, a->before);
    return s;
}

static void unmake(void *context)
{
    attempt *a = context;
    release_all(EM_MAX_STATE, a->state);
    memset(a->state, 0, sizeof a->state);
    em_tensor_release(a->p);
    em_tensor_release(a->g);
    em_tensor_release(a->before);
}

static void survives_failing_allocations(void **context)
{
    (void)context;
    attempt a = {0};
    assert_true(each_allocation_fails(&(fallible){make, take_step, unmake}, &a) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_as_by_dense_gradients),
        cmocka_unit_test(sparse_adam_as_by_zeros),
        cmocka_unit_test(same_bits_for_any_number_of_threads),
        cmocka_unit_test(a_step_moves_touched_rows_only),
        cmocka_unit_test(a_lookup_updates_the_rows_it_names),
        cmocka_unit_test(an_id_out_of_range_is_still_an_error),
        cmocka_unit_test(every_other_reader_updates_all),
        cmocka_unit_test(writers_apply_pending_first),
        cmocka_unit_test(other_steps_apply_pending_first),
        cmocka_unit_test(the_optimizer_may_go_first),
        cmocka_unit_test(recording_starts_anew),
        cmocka_unit_test(tables_that_cannot_defer),
        cmocka_unit_test(an_interrupt_leaves_updates_pending),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
