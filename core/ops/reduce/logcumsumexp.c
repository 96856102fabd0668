/* logcumsumexp: y_i = log(exp x_0 + ... + exp x_i) along a dim, seen as (O, R, K); dx_i = exp(x_i - y_i) g_i, where
 * g_i = sum over j >= i of dy_j exp(y_i - y_j) = dy_i + g_(i+1) exp(y_i - y_(i+1)). */
#include <math.h>

#include "graph/op.h"

static em_status shape_of(int64_t shape[3], const em_tensor *x, int64_t given)
{
    int dim;
    EM_TRY(em__wrap_dim(&dim, given, x->dims, "logcumsumexp"));
    shape[0] = shape[1] = shape[2] = 1;
    for (int d = 0; d < x->dims; d++) shape[d < dim ? 0 : d == dim ? 1 : 2] *= x->size[d];
    return EM_OK;
}

static em_status check(em_call *c)
{
    int64_t shape[3];
    EM_TRY(shape_of(shape, c->in[0], c->opts.at[0].i));
    return em__out_like(c, 0, c->in[0]);
}

/* log(exp a + exp b); equal infinities are themselves */
static double log_add(double a, double b)
{
    const double most = a > b || a != a ? a : b, least = most == a ? b : a;
    return isinf(most) || isnan(most) ? most : most + log1p(exp(least - most));
}

static em_status forward(em_call *c)
{
    int64_t shape[3];
    EM_TRY(shape_of(shape, c->in[0], c->opts.at[0].i));
    const int64_t R = shape[1], K = shape[2];
    if (!c->in[0]->count) return EM_OK;
    EM_PARALLEL_CHUNKS(lo, hi, shape[0] * K, 30.0 * (double)R)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t at = i / K * R * K + i % K;
            const em_real *x = EM_REALS(c->in[0]) + at;
            em_real *y = EM_REALS(c->out[0]) + at;
            double sum = -INFINITY;
            for (int64_t r = 0; r < R && !em__stop; r++) y[r * K] = (em_real)(sum = log_add(sum, (double)x[r * K]));
        }
    return EM_OK;
}

/* exp(a - b) for a <= b; 0 where both are -inf */
static double share(double a, double b) { return a == -INFINITY ? 0 : exp(a - b); }

/* g_i = dy_i + g_(i+1) exp(y_i - y_(i+1)), which cannot overflow as y rises; dx_i = g_i exp(x_i - y_i) */
static em_status backward(const em_node *n, em_tensor **dx)
{
    int64_t shape[3];
    EM_TRY(em__dx(dx, n, 0));
    EM_TRY(shape_of(shape, n->x[0], n->opts.at[0].i));
    const int64_t R = shape[1], K = shape[2];
    if (!n->x[0]->count) return EM_OK;
    EM_PARALLEL_CHUNKS(lo, hi, shape[0] * K, 40.0 * (double)R)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t at = i / K * R * K + i % K;
            const em_real *x = EM_REALS(n->x[0]) + at, *y = EM_REALS(n->y[0]) + at, *dy = EM_REALS(n->dy[0]) + at;
            double g = 0;
            for (int64_t r = R - 1; r >= 0 && !em__stop; r--) {
                g = (double)dy[r * K] + (r + 1 < R ? g * share((double)y[r * K], (double)y[(r + 1) * K]) : 0);
                EM_REALS(dx[0])[at + r * K] = (em_real)(g * share((double)x[r * K], (double)y[r * K]));
            }
        }
    return EM_OK;
}

static const em_opt_spec opts[] = {{"dim", EM_OPT_INT, "!", "", "the dim to run along"}, {0}};

const em_op EM_OP(logcumsumexp) = {
    .name = "logcumsumexp",
    .inputs = "input",
    .outputs = "output",
    .doc = "log of the running sum of exp along a dim, without overflow.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_Y(0),
    .check = check,
    .forward = forward,
    .backward = backward,
};
