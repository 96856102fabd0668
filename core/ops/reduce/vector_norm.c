/* norm: the p-norm over dims, y = (sum |x_i|^p)^(1/p), and its limits for p = 0 (how many are not 0), inf and -inf.
 * dx_i = dy sign(x_i) (|x_i| / y)^(p - 1), nothing where y is 0 and for p = 0; for infinite p, dy sign(x_i) / ties
 * where |x_i| = y, else 0. */
#include <math.h>

#include "ops/reduce/fold.h"

enum { P, DIM, KEEPDIM };

static inline em_acc sign_of(em_acc x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

EM_FOLD(count, s + (x != 0), s + t)
EM_FOLD(sizes, s + fabs(x), s + t)
EM_FOLD(squares, s + x * x, s + t)
EM_FOLD(powers, s + pow(fabs(x), a), s + t)
EM_FOLD(greatest, em__greater(s, fabs(x)), em__greater(s, t))
EM_FOLD(least, em__lesser(s, fabs(x)), em__lesser(s, t))
EM_FOLD(ties, s + (fabs(x) == p || x != x), s + t)

static void store_root(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_real *)f->out)[at + j] = (em_real)sqrt(acc[j]);
}

static void store_power(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_real *)f->out)[at + j] = (em_real)pow(acc[j], 1 / f->a);
}

static em_fold kind_of(em_acc p)
{
    if (p == 0) return (em_fold){EM_FOLD_OF(count), .store = em__store_real};
    if (p == 1) return (em_fold){EM_FOLD_OF(sizes), .store = em__store_real};
    if (p == 2) return (em_fold){EM_FOLD_OF(squares), .store = store_root};
    if (p == (em_acc)INFINITY) return (em_fold){EM_FOLD_OF(greatest), .store = em__store_real};
    if (p == -(em_acc)INFINITY) return (em_fold){EM_FOLD_OF(least), .start = (em_acc)INFINITY, .store = em__store_real};
    return (em_fold){EM_FOLD_OF(powers), .store = store_power, .a = p};
}

static em_status norm_check(em_call *c)
{
    unsigned mask;
    const double p = c->opts.at[P].x;
    if (p != p) return em__fail(EM_EVALUE, "norm: p is NaN");
    EM_TRY(em__dim_mask(c->op, &c->opts, DIM, c->in[0]->dims, &mask));
    EM_TRY(em__fold_out(c, DIM, KEEPDIM, c->dtype));
    if (em__folded(c->in[0], mask) == 0 && c->out[0]->count && (p < 0 || isinf(p)))
        return em__fail(EM_EVALUE, "norm: with p = %g there is no norm of no elements (shape %s)", p,
                        EM_SHAPE(c->in[0]));
    return EM_OK;
}

static em_status norm_forward(em_call *c)
{
    em_fold f = kind_of(c->opts.at[P].x);
    return em__fold_forward(c, DIM, &f);
}

/* ---- backward: g holds dy and what of the slope is common to a line; where the norm is 0 the gradient is 0 --- */

EM_SPREAD(nothing, 0)
EM_SPREAD(sign, sign_of(x) * g)
EM_SPREAD(linear, x * g)
EM_SPREAD(tied, fabs(x) == p || x != x ? sign_of(x) * g : 0)
EM_SPREAD(power, x == 0 ? 0 : sign_of(x) * pow(fabs(x), a - 1) * g)

static em_spread_row *row_of(em_acc p)
{
    if (p == 0) return nothing_spread;
    if (p == 1) return sign_spread;
    if (p == 2) return linear_spread;
    return isinf(p) ? tied_spread : power_spread;
}

static em_status coefficients(const em_node *n, const em_lines *l, em_acc *y, em_acc *g)
{
    const em_acc p = n->opts.at[P].x;
    const int64_t results = l->O * l->K;
    const em_real *dy = EM_REALS(n->dy[0]);
    for (int64_t i = 0; i < results; i++) {
        y[i] = EM_REALS(n->y[0])[i];
        g[i] = p == 1 ? 1 : y[i] == 0 ? 0 : p == 2 ? 1 / y[i] : pow(y[i], 1 - p);
    }
    if (isinf(p)) {
        em_fold count = {EM_FOLD_OF(ties), .store = em__store_wide, .out = g, .p = y};
        EM_TRY(em__fold(&count, l));
        for (int64_t i = 0; i < results; i++) g[i] = 1 / g[i];
    }
    for (int64_t i = 0; i < results; i++) g[i] *= dy[i];
    return EM_OK;
}

static em_status norm_backward(const em_node *n, em_tensor **dx)
{
    const em_acc p = n->opts.at[P].x;
    return em__fold_backward(dx, n, DIM, coefficients, row_of(p), p);
}

const em_op EM_OP(norm) = {
    .name = "norm",
    .inputs = "input",
    .outputs = "output",
    .doc = "The p-norm over dims, (sum of |input|^p)^(1/p).\n"
           "p = inf gives the greatest |input|, -inf the least, 0 how many are not 0. Its gradient at 0 is 0.",
    .opts = (const em_opt_spec[]){
        {"p", EM_OPT_NUMBER, "2", "", "the order: any number, also infinite"},
        {"dim", EM_OPT_INTS, "", "", "dims to fold; all by default"},
        {"keepdim", EM_OPT_BOOL, "false", "", "whether they stay, with size 1"},
        {0},
    },
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_Y(0),
    .check = norm_check,
    .forward = norm_forward,
    .backward = norm_backward,
};
