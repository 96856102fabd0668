/* Compares a rule with its recurrence, worked out element by element in double: dense, sparse on the touched rows, and
 * sparse on all rows; float and double; narrow, wide and very wide tables. Also: same bits for any number of threads.
 */
#ifndef EMBLA_TESTS_BY_HAND_H
#define EMBLA_TESTS_BY_HAND_H

#include <math.h>
#include <stdio.h>

#include "support.h"

enum { STEPS = 4 };

/* One element of a parameter and of its state; `row_mean_square` of the gradient of its row. */
typedef struct element_state {
    double p, s[EM_MAX_STATE], row_mean_square;
} element_state;

/* Options by name for the recurrence. */
typedef struct options {
    const em_rule *rule;
    em_opts opts;
} options;

static inline int option_at(const em_rule *rule, const char *name)
{
    const em_opt_spec *specs = em_rule_opts(rule);
    for (int i = 0; specs[i].name; i++)
        if (!strcmp(specs[i].name, name)) return i;
    return -1;
}

static inline double opt(const options *o, const char *name)
{
    const int i = option_at(o->rule, name);
    assert_true(i >= 0);
    return em_rule_opts(o->rule)[i].kind == EM_OPT_NUMBER ? o->opts.at[i].x : (double)o->opts.at[i].i;
}

/* "lr=0.1 nesterov=1": numbers for all kinds. */
static inline options options_of(const char *rule, const char *text)
{
    options o = {.rule = em_rule_find(rule)};
    assert_non_null(o.rule);
    em_rule_opts_default(&o.opts, o.rule);
    char name[64];
    double value;
    for (int used; sscanf(text, " %63[^=]=%lf%n", name, &value, &used) == 2; text += used) {
        const int i = option_at(o.rule, name);
        if (i < 0) fail_msg("%s has no option %s", rule, name);
        o.opts.at[i] = (em_opt){.given = true, .i = (int64_t)value, .x = value};
    }
    return o;
}

typedef void recurrence(element_state *e, double g, const options *o, int64_t t);

/* ---- data ---------------------------------------------------------------------------------------------- */

static uint64_t noise_state __attribute__((unused));

static inline double noise(void)                       /* in (-1, 1), never 0 */
{
    noise_state = noise_state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(noise_state >> 40) + 0.5) / (1 << 23) - 1;
}

static inline em_tensor *noisy(em_dtype dtype, int dims, const int64_t *sizes)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, dtype, dims, sizes));
    for (int64_t i = 0; i < em_tensor_count(t); i++) em_tensor_set(t, i, noise());
    return t;
}

/* Gradient with entries for some rows, some twice; `row_sum` (V, D) receives what a dense one would hold and `touched`
 * (V) which rows it has. */
static inline em_tensor *sparse_noise(em_dtype dtype, int64_t rows, int64_t width, double *row_sum, bool *touched)
{
    const int64_t n = rows + 3;
    em_tensor *ids, *values = noisy(dtype, 2, (int64_t[]){n, width}), *grad;
    assert_ok(em_tensor_empty(&ids, EM_I64, 1, &n));
    memset(row_sum, 0, (size_t)(rows * width) * sizeof *row_sum);
    memset(touched, 0, (size_t)rows);
    for (int64_t e = 0; e < n; e++) {
        const int64_t id = (int64_t)((noise() + 1) / 2 * (double)rows / 2) * 2;         /* even rows */
        em_tensor_set_int(ids, e, id);
        touched[id] = true;
        for (int64_t d = 0; d < width; d++) row_sum[id * width + d] += em_tensor_get(values, e * width + d);
    }
    assert_ok(em_rows_new(&grad, ids, values, rows));
    em_tensor_release(ids);
    em_tensor_release(values);
    return grad;
}

/* ---- one run ------------------------------------------------------------------------------------------- */

enum { DENSE, LAZY, EXACT };            /* modes */

typedef struct table {
    em_dtype dtype;
    int64_t rows, width;
    int mode;
} table;

static inline void set_mode(options *o, const table *t)
{
    const int i = option_at(o->rule, "sparse_mode");
    if (i >= 0) o->opts.at[i].i = t->mode == EXACT;
}

/* What one step does to the elements worked out by hand. */
static inline void step_by_hand(element_state *e, const table *t, const double *g, const bool *touched,
                                recurrence *formula, const options *o, int64_t step)
{
    for (int64_t r = 0; r < t->rows; r++) {
        if (t->mode == LAZY && !touched[r]) continue;
        double squares = 0;
        for (int64_t d = 0; d < t->width; d++) squares += g[r * t->width + d] * g[r * t->width + d];
        for (int64_t d = 0; d < t->width; d++) {
            element_state *at = &e[r * t->width + d];
            at->row_mean_square = squares / (double)t->width;
            formula(at, g[r * t->width + d], o, step);
        }
    }
}

static inline void match(const table *t, const em_tensor *param, const element_state *e, const char *rule, int64_t step)
{
    const double rtol = t->dtype == EM_F32 ? 2e-5 : 1e-11, atol = t->dtype == EM_F32 ? 3e-6 : 1e-12;
    for (int64_t i = 0; i < t->rows * t->width; i++)
        if (!(fabs(em_tensor_get(param, i) - e[i].p) <= atol + rtol * fabs(e[i].p)))
            fail_msg("%s, mode %d, (%lld, %lld) %s, step %lld: element %lld is %.12g, by hand %.12g", rule, t->mode,
                     (long long)t->rows, (long long)t->width, em_dtype_name(t->dtype), (long long)step, (long long)i,
                     em_tensor_get(param, i), e[i].p);
}

/* Parameter after STEPS steps of noise; compared with `formula` after each, if there is one. */
static inline em_tensor *run_steps(const table *t, options o, recurrence *formula)
{
    noise_state = 7;
    set_mode(&o, t);
    const int64_t sizes[2] = {t->rows, t->width}, count = t->rows * t->width;
    em_tensor *param = noisy(t->dtype, 2, sizes), *state[EM_MAX_STATE] = {NULL};
    element_state *e = calloc((size_t)count, sizeof *e);
    double *g = calloc((size_t)count, sizeof *g);
    bool *touched = calloc((size_t)t->rows, 1);
    for (int64_t i = 0; i < count; i++) e[i].p = em_tensor_get(param, i);
    for (int64_t step = 1; step <= STEPS; step++) {
        em_tensor *grad = t->mode == DENSE ? noisy(t->dtype, 2, sizes)
                                           : sparse_noise(t->dtype, t->rows, t->width, g, touched);
        for (int64_t i = 0; i < count && t->mode == DENSE; i++) g[i] = em_tensor_get(grad, i);
        assert_ok(em_rule_step(o.rule, param, grad, &o.opts, state, step));
        em_tensor_release(grad);
        if (!formula) continue;
        step_by_hand(e, t, g, touched, formula, &o, step);
        match(t, param, e, em_rule_name(o.rule), step);
    }
    for (int k = 0; k < EM_MAX_STATE; k++) em_tensor_release(state[k]);
    free(e);
    free(g);
    free(touched);
    return param;
}

static inline void same_for_any_threads(const table *t, options o)
{
    static const int threads[] = {2, 3, 8};
    em_set_threads(1);
    em_tensor *want = run_steps(t, o, NULL);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        em_set_threads(threads[i]);
        em_tensor *got = run_steps(t, o, NULL);
        assert_same_bits(got, want);
        em_tensor_release(got);
    }
    em_set_threads(2);
    em_tensor_release(want);
}

/* ---- the whole comparison ------------------------------------------------------------------------------ */

enum { TAKES_DENSE = 1, TAKES_LAZY = 2, TAKES_EXACT = 4, TAKES_ALL = 7 };

static inline void follows(const char *rule, const char *text, recurrence *formula, int modes)
{
    static const int64_t shapes[][2] = {{5, 3}, {40, 1}, {9, 64}, {3, 1500}, {700, 40}};
    const options o = options_of(rule, text);
    for (int mode = DENSE; mode <= EXACT; mode++) {
        if (!(modes >> mode & 1)) continue;
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (int d = 0; d < 2; d++) {
                const table t = {d ? EM_F64 : EM_F32, shapes[i][0], shapes[i][1], mode};
                em_tensor_release(run_steps(&t, o, formula));
            }
        same_for_any_threads(&(table){EM_F32, 2000, 37, mode}, o);
        same_for_any_threads(&(table){EM_F64, 12, 3001, mode}, o);
    }
}

#endif
