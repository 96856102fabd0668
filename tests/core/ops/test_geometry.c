/* Every operation of the table by the cases of cases.def with something changed: the dtype of an input, its shape or
 * layout, an option. Each call, and its backward, must end in results that can be read or in an error that says why;
 * what it reads and writes meanwhile a sanitizer's build sees.
 *
 * And what a call in place reads of the memory that it writes to is what stood there before. */
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "op_case.h"

static const op_case cases[] = {
#define CASE(op, inputs, options) {#op, inputs, options},
#include "cases.def"
#undef CASE
    /* corners that one change more does not reach */
    {"max_pool1d", "normal(2,3,6)", "kernel_size=3 stride=1 padding=1 dilation=3"},
    {"max_pool1d", "normal(1,1,1)", "kernel_size=2 stride=1 padding=1 dilation=2"},
    {"reshape", "normal(0)", "shape=4294967296,0,4294967296"},
    {"view", "normal(0)", "shape=4294967296,0,4294967296"},
    {"unflatten", "normal(0,3)", "dim=0 sizes=4294967296,0,4294967296"},
    {"conv1d", "normal(1,0,3) normal(1,0,1099511627776) -", "dilation=1073741824"},
    {"embedding_bag", "ids:7(3,4) normal(7,5) - -", "mode=max"},
    {"embedding_bag", "ids:7(9) normal(7,5) offsets:9(4) normal(9)", "mode=sum include_last_offset=true padding_idx=2"},
};
enum { CASES = sizeof cases / sizeof *cases };

/* ---- numbers of the test's own ----------------------------------------------------------------------------- */

static uint64_t drawn = 1;
static int64_t draw(int64_t n)
{
    drawn = drawn * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(drawn >> 33) % n;
}

/* ---- one call ----------------------------------------------------------------------------------------------- */

typedef struct trial {
    const em_op *op;
    int n;
    em_tensor *in[MOST_INPUTS];
    em_opts opts;
} trial;

static void trial_make(trial *t, const op_case *k, em_dtype dtype)
{
    case_inputs c;
    case_inputs_make(&c, k, dtype, false, false);
    t->op = em_op_find(k->op);
    t->n = c.n;
    memcpy(t->in, c.in, sizeof t->in);
    t->opts = op_options(t->op, k->options);
}

static void trial_free(trial *t) { release_all(t->n, t->in); }

static void read_all(em_tensor *t)
{
    if (!t) return;
    em_tensor *dense = t;
    if (em_tensor_is_sparse(t))
        assert_ok(em_rows_to_dense(&dense, t));
    else
        em_tensor_retain(dense);
    double sum = 0;
    for (int64_t i = 0; i < em_tensor_count(dense) && i < 10000; i++) sum += em_tensor_get(dense, i);
    (void)sum;
    em_tensor_release(dense);
}

static void check_error(const trial *t, em_status s)
{
    if (!s || *em_error()) return;
    fail_msg("%s: an error without a word", em_op_name(t->op));
}

/* Whether a tensor of its sizes, those of 0 counted as 1, can be made. */
static bool is_small(const em_tensor *t)
{
    double span = 1;
    for (int d = 0; d < em_tensor_dims(t); d++) span *= fmax(1, (double)em_tensor_size(t, d));
    return span < 1 << 20;
}

static em_tensor *gradient_like(const em_tensor *y, bool strided) { return numbers_like(y, 7, strided); }

static void run_backward(const trial *t, em_tensor *const *y, bool strided)
{
    em_tensor *from[EM_MAX_OUT], *dy[EM_MAX_OUT], *leaf[MOST_INPUTS], *dx[MOST_INPUTS];
    int n_from = 0, n = 0;
    for (int k = 0; k < EM_MAX_OUT; k++)
        if (y[k] && em_tensor_requires_grad(y[k]) && is_small(y[k])) {
            from[n_from] = y[k];
            dy[n_from++] = gradient_like(y[k], strided);
        }
    for (int i = 0; i < t->n; i++)
        if (t->in[i] && em_tensor_requires_grad(t->in[i])) leaf[n++] = t->in[i];
    if (n_from && n) {
        const em_status s = em_grad(from, dy, n_from, leaf, n, false, dx);
        check_error(t, s);
        for (int i = 0; i < n && !s; i++) {
            if (dx[i]) {
                assert_int_equal(em_tensor_dtype(dx[i]), em_tensor_dtype(leaf[i]));
                assert_int_equal(em_tensor_count(dx[i]), em_tensor_count(leaf[i]));
            }
            read_all(dx[i]);
        }
        for (int i = 0; i < n; i++) em_tensor_release(dx[i]);
    }
    release_all(n_from, dy);
}

static void run_trial(const trial *t)
{
    em_tensor *y[EM_MAX_OUT] = {NULL};
    em_rng rng = {1, 0};
    for (int i = 0; i < t->n; i++)
        if (t->in[i] && em_dtype_is_float(em_tensor_dtype(t->in[i])) && !em_tensor_is_sparse(t->in[i]))
            assert_ok(em_tensor_set_requires_grad(t->in[i], true));
    const em_status s = em_apply(t->op, t->in, t->n, &t->opts, &rng, y);
    check_error(t, s);
    for (int k = 0; k < EM_MAX_OUT; k++) {
        if (s) assert_null(y[k]);
        read_all(y[k]);
    }
    if (!s) run_backward(t, y, draw(2));
    release_all(EM_MAX_OUT, y);
}

static void run_in_place(const trial *t)
{
    if (!em_op_inplace(t->op) || !t->in[0] || em_tensor_is_sparse(t->in[0])) return;
    em_tensor *in[MOST_INPUTS];
    em_rng rng = {1, 0};
    const bool recording = em_grad_enabled();
    memcpy(in, t->in, sizeof in);
    em_set_grad_enabled(false);
    check_error(t, em_apply_inplace(t->op, in[0], in, t->n, &t->opts, &rng));
    read_all(in[0]);
    em_set_grad_enabled(recording);
}

/* ---- changes ------------------------------------------------------------------------------------------------ */

enum change {
    /* EM_DTYPES of them, then: */
    FIRST_EMPTY = EM_DTYPES, LAST_EMPTY, FIRST_ONE, LAST_ONE, FIRST_LONGER, LAST_LONGER, MORE_DIMS, LESS_DIMS, NO_DIMS,
    ALL_EXPANDED, LAST_EXPANDED, TRANSPOSED, GAPS, SPARSE, LEFT_OUT, CHANGES,
};

static em_tensor *view_of(const em_tensor *t, int dims, const int64_t *size, const int64_t *stride)
{
    em_tensor *v;
    assert_ok(em_tensor_view(&v, t, 0, dims, size, stride));
    return v;
}

static em_tensor *with_gaps(const em_tensor *t)
{
    int64_t stride[EM_MAX_DIMS], count = 1;
    for (int d = 0; d < em_tensor_dims(t); d++) {
        stride[d] = 2 * count;
        count *= em_tensor_size(t, d) ? em_tensor_size(t, d) : 1;
    }
    em_tensor *whole, *v;
    assert_ok(em_tensor_zeros(&whole, em_tensor_dtype(t), 1, (int64_t[]){2 * count}));
    v = view_of(whole, em_tensor_dims(t), em_tensor_sizes(t), stride);
    em_tensor_release(whole);
    assert_ok(em_tensor_copy(v, t));
    return v;
}

/* A table of which some rows have entries. */
static em_tensor *sparse_like(const em_tensor *t)
{
    int64_t size[EM_MAX_DIMS];
    if (em_tensor_dims(t) < 1 || em_tensor_size(t, 0) < 1) return NULL;
    if (!is_small(t) || !em_dtype_is_float(em_tensor_dtype(t))) return NULL;
    memcpy(size, em_tensor_sizes(t), (size_t)em_tensor_dims(t) * sizeof *size);
    size[0] = 2;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 0)), *values, *sparse;
    assert_ok(em_tensor_zeros(&values, em_tensor_dtype(t), em_tensor_dims(t), size));
    assert_ok(em_rows_new(&sparse, ids, values, em_tensor_size(t, 0)));
    release_all(TENSORS(ids, values));
    return sparse;
}

static em_tensor *changed(const em_tensor *t, int how)
{
    em_tensor *v = NULL;
    const int dims = em_tensor_dims(t), last = dims - 1;
    int64_t size[EM_MAX_DIMS + 1], stride[EM_MAX_DIMS + 1];
    if (how < EM_DTYPES) {
        assert_ok(em_tensor_to(&v, t, (em_dtype)how));
        return v;
    }
    for (int d = 0; d < dims; d++) {
        size[d] = em_tensor_size(t, d);
        stride[d] = em_tensor_stride(t, d);
    }
    const bool any = em_tensor_count(t) > 0;
    if (how == GAPS) return is_small(t) ? with_gaps(t) : NULL;
    if (how == SPARSE) return sparse_like(t);
    if (how == NO_DIMS) return any ? view_of(t, 0, NULL, NULL) : NULL;
    if (how == MORE_DIMS) {
        if (dims == EM_MAX_DIMS) return NULL;
        size[dims] = 1;
        stride[dims] = 1;
        return view_of(t, dims + 1, size, stride);
    }
    if (dims == 0) return NULL;
    switch (how) {
    case FIRST_EMPTY: size[0] = 0; break;
    case LAST_EMPTY: size[last] = 0; break;
    case FIRST_ONE: size[0] = size[0] > 0; break;
    case LAST_ONE: size[last] = size[last] > 0; break;
    case FIRST_LONGER:
    case LAST_LONGER:
        size[how == FIRST_LONGER ? 0 : last]++;
        assert_ok(em_tensor_zeros(&v, em_tensor_dtype(t), dims, size));
        return v;
    case LESS_DIMS: return any ? view_of(t, dims - 1, size + 1, stride + 1) : NULL;
    case ALL_EXPANDED: memset(stride, 0, sizeof stride); break;
    case LAST_EXPANDED: stride[last] = 0; break;
    case TRANSPOSED: {
        if (dims < 2) return NULL;
        const int64_t n = size[last], step = stride[last];
        size[last] = size[last - 1], stride[last] = stride[last - 1];
        size[last - 1] = n, stride[last - 1] = step;
        break;
    }
    default: return NULL;
    }
    return view_of(t, dims, size, stride);
}

/* False where there is no such change of the input. */
static bool change_input(trial *t, int i, int how)
{
    if (!t->in[i]) return false;
    em_tensor *v = how == LEFT_OUT || em_tensor_is_sparse(t->in[i]) ? NULL : changed(t->in[i], how);
    if (!v && how != LEFT_OUT) return false;
    em_tensor_release(t->in[i]);
    t->in[i] = v;
    return true;
}

static const int64_t integers[] = {
    INT64_MIN, INT64_MIN + 1, -(INT64_C(1) << 32) - 1, -9, -2, -1, 0, 1, 2, 3, 7, 1 << 30, INT64_C(1) << 32,
    (INT64_C(1) << 32) + 1, INT64_MAX - 1, INT64_MAX,
};
static const double reals[] = {-INFINITY, -1e308, -1, -0.5, 0, 5e-324, 0.5, 1, 1.5, 2, 1e308, INFINITY, NAN};
enum { INTEGERS = sizeof integers / sizeof *integers, REALS = sizeof reals / sizeof *reals };

/* How many values of an option are tried. */
static int values_of(const em_opt_spec *spec)
{
    switch (spec->kind) {
    case EM_OPT_BOOL: return 2;
    case EM_OPT_INT: return INTEGERS;
    case EM_OPT_NUMBER: return REALS;
    case EM_OPT_DTYPE: return EM_DTYPES;
    case EM_OPT_INTS: return 2 * INTEGERS;
    case EM_OPT_ENUM: {
        int n = 1;
        for (const char *c = spec->choices; *c; c++) n += *c == ' ';
        return n;
    }
    case EM_OPT_TEXT:
    case EM_OPT_TEXTS: break;                   /* operations have none */
    }
    return 0;
}

static void change_option(trial *t, int k, int how)
{
    const em_opt_spec *spec = &em_op_opts(t->op)[k];
    em_opt *o = &t->opts.at[k];
    o->given = true;
    switch (spec->kind) {
    case EM_OPT_NUMBER: o->x = reals[how]; break;
    case EM_OPT_INT: o->x = (double)(o->i = integers[how]); break;
    case EM_OPT_INTS:
        if (how < INTEGERS) {                   /* one of them */
            if (o->i > 0) t->opts.ints[draw(o->i)] = integers[how];
        } else {
            o->i = draw(EM_MAX_INTS + 1);
            for (int64_t n = 0; n < o->i; n++) t->opts.ints[n] = integers[draw(INTEGERS)];
        }
        break;
    default: o->i = how;
    }
}

static int option_count(const em_op *op)
{
    int n = 0;
    while (em_op_opts(op)[n].name) n++;
    return n;
}

static void try_it(trial *t)
{
    run_trial(t);
    run_in_place(t);
    trial_free(t);
}

/* ---- all trials --------------------------------------------------------------------------------------------- */

static void one_thing_changed(const op_case *k)
{
    trial t;
    trial_make(&t, k, EM_F32);
    const int inputs = t.n, options = option_count(t.op);
    const em_opt_spec *specs = em_op_opts(t.op);
    try_it(&t);
    for (int i = 0; i < inputs; i++)
        for (int how = 0; how < CHANGES; how++) {
            trial_make(&t, k, EM_F32);
            if (change_input(&t, i, how)) try_it(&t);
            else trial_free(&t);
        }
    for (int how = 0; how < CHANGES && inputs > 1; how++) {             /* of all inputs alike */
        trial_make(&t, k, EM_F32);
        for (int i = 0; i < inputs; i++) change_input(&t, i, how);
        try_it(&t);
    }
    for (int o = 0; o < options; o++)
        for (int how = 0; how < values_of(&specs[o]); how++) {
            trial_make(&t, k, EM_F32);
            change_option(&t, o, how);
            try_it(&t);
        }
}

static void several_things_changed(const op_case *k)
{
    enum { TIMES = 24 };
    for (int times = 0; times < TIMES; times++) {
        trial t;
        trial_make(&t, k, draw(2) ? EM_F32 : EM_F64);
        const int options = option_count(t.op);
        for (int n = 2 + (int)draw(3); n > 0; n--)
            if (draw(2) && options) {
                const int o = (int)draw(options);
                change_option(&t, o, (int)draw(values_of(&em_op_opts(t.op)[o])));
            } else if (t.n) {
                change_input(&t, (int)draw(t.n), (int)draw(CHANGES));
            }
        try_it(&t);
    }
}

/* Sizes that a trial asks for and nobody has must be refused, not tried. */
static void limit_memory(void)
{
    const struct rlimit most = {4ul << 30, 4ul << 30};
    if (!EM_SANITIZED) setrlimit(RLIMIT_AS, &most);
}

static void every_call_ends_in_results_or_an_error(void **state)
{
    const op_case *k = *state;
    drawn = 1;
    one_thing_changed(k);
    several_things_changed(k);
}

/* ---- what is read in place -------------------------------------------------------------------------------------- */

enum { ROOM = 256 };

/* A buffer in which self and another input overlap; numbers that are ids and masks too. */
static em_tensor *buffer_of(em_dtype dtype)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, dtype, 1, (int64_t[]){ROOM}));
    for (int64_t i = 0; i < ROOM; i++) em_tensor_set(t, i, dtype == EM_BOOL ? i * 5 % 3 == 0 : (double)(i * 7 % 4));
    return t;
}

static em_tensor *window_of(const em_tensor *whole, int64_t offset, const em_tensor *shape, bool turned)
{
    int64_t stride[EM_MAX_DIMS], step = 1;
    const int dims = em_tensor_dims(shape);
    for (int k = 0; k < dims; k++) {
        const int d = turned ? k : dims - 1 - k;
        stride[d] = step;
        step *= em_tensor_size(shape, d);
    }
    em_tensor *v;
    assert_ok(em_tensor_view(&v, whole, offset, dims, em_tensor_sizes(shape), stride));
    return v;
}

/* name_(self, …, other, …) with both in one buffer, against the same call with copies. */
static void check_overlap(const trial *t, int i, em_dtype dtype, int64_t offset, bool turned, bool self_turned)
{
    if (em_tensor_count(t->in[0]) + 8 > ROOM || em_tensor_count(t->in[i]) + 8 > ROOM) return;
    em_tensor *whole = buffer_of(dtype), *in[MOST_INPUTS], *want, *other;
    em_rng rng = {1, 0};
    memcpy(in, t->in, sizeof in);
    em_tensor *self = window_of(whole, 4, t->in[0], self_turned);
    in[i] = window_of(whole, 4 + offset, t->in[i], turned);
    assert_ok(em_tensor_clone(&want, self));
    assert_ok(em_tensor_clone(&other, in[i]));
    em_tensor *disjoint[MOST_INPUTS];
    memcpy(disjoint, in, sizeof disjoint);
    disjoint[0] = want;
    disjoint[i] = other;
    in[0] = self;
    const em_status expected = em_apply_inplace(t->op, want, disjoint, t->n, &t->opts, &rng);
    const em_status got = em_apply_inplace(t->op, self, in, t->n, &t->opts, &rng);
    assert_int_equal(got, expected);
    if (!got) {
        em_tensor *result;
        assert_ok(em_tensor_clone(&result, self));
        assert_same_bits(result, want);
        em_tensor_release(result);
    }
    release_all(TENSORS(whole, self, in[i], want, other));
}

static void in_place_reads_what_stood_there(void **state)
{
    (void)state;
    static const em_dtype dtypes[] = {EM_F32, EM_I64, EM_BOOL};
    em_set_grad_enabled(false);
    for (size_t k = 0; k < CASES; k++) {
        trial t;
        trial_make(&t, &cases[k], EM_F32);
        for (int i = 1; em_op_inplace(t.op) && i < t.n; i++)
            for (int d = 0; d < 3 && t.in[i]; d++)
                for (int64_t offset = -2; offset <= 2; offset++)
                    for (int turned = 0; turned < 4; turned++)
                        check_overlap(&t, i, dtypes[d], offset, turned & 1, turned & 2);
        trial_free(&t);
    }
    em_set_grad_enabled(true);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[CASES + 1];
    static char names[CASES][160];
    size_t n = 0;
    limit_memory();
    for (size_t k = 0; k < CASES; k++) {
        if (argc > 1 && strcmp(argv[1], cases[k].op) != 0) continue;
        snprintf(names[k], sizeof names[k], "%s: %s %s", cases[k].op, cases[k].inputs, cases[k].options);
        tests[n++] = (struct CMUnitTest){names[k], every_call_ends_in_results_or_an_error, NULL, NULL,
                                         (void *)(uintptr_t)&cases[k]};
    }
    if (argc == 1) tests[n++] = (struct CMUnitTest)cmocka_unit_test(in_place_reads_what_stood_there);
    return _cmocka_run_group_tests("geometry", tests, n, NULL, NULL);
}
