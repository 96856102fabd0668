/* RAdam: Adam that waits with the division until the mean of squares is worth something. */
#include "optim/apply.h"

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, MAXIMIZE, SPARSE_MODE };
enum { SIZE, TAKE1, TAKE2, RECTIFIED };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.001", ">= 0", "step size"},
    {"betas[0]", EM_OPT_NUMBER, "0.9", "[0, 1)", "decay of the mean of gradients"},
    {"betas[1]", EM_OPT_NUMBER, "0.999", "[0, 1)", "decay of the mean of squares"},
    {"eps", EM_OPT_NUMBER, "1e-8", ">= 0", "added to the root of the mean of squares"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or move as if dense (exact)"),
    EM_OPT_END,
};

static bool is_lazy(const em_opts *o) { return o->at[WEIGHT_DECAY].x == 0 && o->at[EPS].x > 0; }

/* m <- beta1 m + (1 - beta1) g      v <- beta2 v + (1 - beta2) g^2      p <- p - size m
 * rectified: p <- p - size m / (sqrt(v) + eps) */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict m = s[0], *restrict v = s[1];
    const em_real keep1 = EM_X(u, BETA1), take1 = EM_N(u, TAKE1), keep2 = EM_X(u, BETA2), take2 = EM_N(u, TAKE2);
    const em_real size = EM_N(u, SIZE), eps = EM_X(u, EPS), decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    const bool rectified = u->number[RECTIFIED] != 0;
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        m[i] = keep1 * m[i] + take1 * d;
        v[i] = keep2 * v[i] + take2 * d * d;
        w[i] -= rectified ? size * m[i] / (sqrt(v[i]) + eps) : size * m[i];
    }
}

/* rho_inf = 2 / (1 - beta2) - 1      rho = rho_inf - 2 t beta2^t / (1 - beta2^t)
 * size = lr / (1 - beta1^t); for rho > 5 times sqrt(1 - beta2^t)
 *        sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho)) */
static void run(em_update *u)
{
    const em_opt *o = u->opts->at;
    const double t = (double)u->step, power = pow(o[BETA2].x, t);
    const double most = 2 / (1 - o[BETA2].x) - 1, rho = most - 2 * t * power / (1 - power);
    double size = o[LR].x / (1 - pow(o[BETA1].x, t));
    if (rho > 5) size *= sqrt(1 - power) * sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
    u->number[SIZE] = size;
    u->number[RECTIFIED] = rho > 5;
    u->number[TAKE1] = 1 - o[BETA1].x;
    u->number[TAKE2] = 1 - o[BETA2].x;
    em__update(u, row);
}

const em_rule EM_RULE(RAdam) = {
    .name = "RAdam",
    .doc = "RAdam: m, v as Adam; rho = rho_inf - 2 t beta2^t / (1 - beta2^t), rho_inf = 2 / (1 - beta2) - 1.\n"
           "For rho > 5: p <- p - lr r sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps),\n"
           "r = sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho)).\n"
           "Before: p <- p - lr / (1 - beta1^t) m.\n"
           EM_SPARSE_DOC
           "Liu and others 2020: On the variance of the adaptive learning rate and beyond.",
    .opts = opts, .state = "exp_avg exp_avg_sq", .cost = 14, .sparse_mode = SPARSE_MODE, .is_lazy = is_lazy,
    .run = run,
};
