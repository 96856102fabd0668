/* Variance and standard deviation over dims, of n numbers with mean m, divided by d = n - 1, n, or n - correction:
 * var = sum (x_i - m)^2 / d, dx_i = dy 2 (x_i - m) / d; std = sqrt(var), dx_i = dy (x_i - m) / (d std). Two passes in
 * double: first the mean, then the squares about it. */
#include <math.h>

#include "ops/reduce/fold.h"

enum { DIM, UNBIASED, KEEPDIM, CORRECTION };
static const em_opt_spec opts[] = {
    {"dim", EM_OPT_INTS, "", "", "dims to fold; all by default"},
    {"unbiased", EM_OPT_BOOL, "", "", "whether to divide by one less than the number of elements, as by default"},
    {"keepdim", EM_OPT_BOOL, "false", "", "whether they stay, with size 1"},
    {"correction", EM_OPT_INT, "", "", "what is taken off the number of elements, in place of unbiased: 1 or 0"},
    {0},
};

EM_FOLD(sum, s + x, s + t)
EM_FOLD(squares, s + (x - p) * (x - p), s + t)
/* p is the mean, g the rest of the slope. */
EM_SPREAD(variance, (x - p) * g)

static void store_mean(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_acc *)f->out)[at + j] = acc[j] / (em_acc)f->R;
}

/* f->b is what the squares are divided by. */
static void store_var(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_real *)f->out)[at + j] = (em_real)(acc[j] / f->b);
}

static void store_std(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_real *)f->out)[at + j] = (em_real)sqrt(acc[j] / f->b);
}

static em_status variance_check(em_call *c)
{
    if (c->opts.at[UNBIASED].given && c->opts.at[CORRECTION].given)
        return em__fail(EM_EVALUE, "%s: give unbiased or correction, not both", c->op->name);
    return em__fold_out(c, DIM, KEEPDIM, c->dtype);
}

static em_acc divisor(const em_opts *o, const em_lines *l)
{
    const double less = o->at[CORRECTION].given ? o->at[CORRECTION].x : !o->at[UNBIASED].given || o->at[UNBIASED].i;
    return (em_acc)l->R > less ? (em_acc)l->R - less : 0;
}

static em_status means(em_acc *mean, const em_lines *l)
{
    em_fold f = {EM_FOLD_OF(sum), .store = store_mean, .out = mean};
    return em__fold(&f, l);
}

static em_status fold_call(em_call *c, const em_lines *l, em_fold_store *store)
{
    const size_t bytes = (size_t)(l->O * l->K) * sizeof(em_acc);
    em_acc *mean = em__alloc(bytes);
    if (!mean) return em__fail_memory("means", bytes);
    em_fold f = {EM_FOLD_OF(squares), .store = store, .out = c->out[0]->data, .p = mean, .b = divisor(&c->opts, l)};
    em_status s = means(mean, l);
    if (!s) s = em__fold(&f, l);
    em__free(mean, bytes);
    return s;
}

static em_status forward(em_call *c, em_fold_store *store)
{
    unsigned mask;
    em_lines l;
    EM_TRY(em__dim_mask(c->op, &c->opts, DIM, c->in[0]->dims, &mask));
    EM_TRY(em__lines(&l, c->in[0], mask));
    const em_status s = fold_call(c, &l, store);
    em_tensor_release(l.x);
    return s;
}

static em_status var_forward(em_call *c) { return forward(c, store_var); }
static em_status std_forward(em_call *c) { return forward(c, store_std); }

/* d var = 2 (x - mean) / divisor; d std = d var / (2 std), and 0 where std is 0 */
static em_status var_coefficients(const em_node *n, const em_lines *l, em_acc *p, em_acc *g)
{
    const em_real *dy = EM_REALS(n->dy[0]);
    const em_acc factor = 2 / divisor(&n->opts, l);
    for (int64_t i = 0; i < l->O * l->K; i++) g[i] = dy[i] * factor;
    return means(p, l);
}

static em_status std_coefficients(const em_node *n, const em_lines *l, em_acc *p, em_acc *g)
{
    const em_real *y = EM_REALS(n->y[0]);
    EM_TRY(var_coefficients(n, l, p, g));
    for (int64_t i = 0; i < l->O * l->K; i++) g[i] = y[i] == 0 ? 0 : g[i] / (2 * (em_acc)y[i]);
    return EM_OK;
}

static em_status var_backward(const em_node *n, em_tensor **dx)
{
    return em__fold_backward(dx, n, DIM, var_coefficients, variance_spread, 0);
}

static em_status std_backward(const em_node *n, em_tensor **dx)
{
    return em__fold_backward(dx, n, DIM, std_coefficients, variance_spread, 0);
}

#define STAMP(op_name, saved, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "output", \
        .doc = help, \
        .opts = opts, \
        .types = EM_TYPES_FLOAT, \
        .saves = saved, \
        .check = variance_check, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
STAMP(var, EM_SAVE_X(0), "Variance over dims; NaN where there are too few elements.")
STAMP(std, EM_SAVE_X(0) | EM_SAVE_Y(0), "Standard deviation over dims; NaN where there are too few elements.")
