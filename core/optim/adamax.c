/* Adamax: Adam with the largest gradient, slowly forgotten, in place of the root mean square. */
#include "optim/apply.h"

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, MAXIMIZE, SPARSE_MODE };
enum { SIZE, TAKE1 };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.002", ">= 0", "step size"},
    {"betas[0]", EM_OPT_NUMBER, "0.9", "[0, 1)", "decay of the mean of gradients"},
    {"betas[1]", EM_OPT_NUMBER, "0.999", "[0, 1)", "decay of the largest gradient"},
    {"eps", EM_OPT_NUMBER, "1e-8", ">= 0", "added to the gradient's magnitude"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or move as if dense (exact)"),
    EM_OPT_END,
};

/* m <- beta1 m + (1 - beta1) g      u <- max(beta2 u, |g| + eps)      p <- p - lr / (1 - beta1^t) m / u */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict m = s[0], *restrict most = s[1];
    const em_real size = EM_N(u, SIZE), keep1 = EM_X(u, BETA1), take1 = EM_N(u, TAKE1), keep2 = EM_X(u, BETA2);
    const em_real eps = EM_X(u, EPS), decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        const em_real old = keep2 * most[i], now = fabs(d) + eps;
        m[i] = keep1 * m[i] + take1 * d;
        most[i] = old >= now ? old : now;
        w[i] -= size * m[i] / most[i];
    }
}

static void run(em_update *u)
{
    const em_opt *o = u->opts->at;
    u->number[SIZE] = o[LR].x / (1 - pow(o[BETA1].x, (double)u->step));
    u->number[TAKE1] = 1 - o[BETA1].x;
    em__update(u, row);
}

const em_rule EM_RULE(Adamax) = {
    .name = "Adamax",
    .doc = "Adamax: m <- beta1 m + (1 - beta1) g, u <- max(beta2 u, |g| + eps), p <- p - lr / (1 - beta1^t) m / u.\n"
           EM_SPARSE_DOC
           "Kingma, Ba 2015: Adam: a method for stochastic optimization.",
    .opts = opts, .state = "exp_avg exp_inf", .cost = 12, .sparse_mode = SPARSE_MODE, .run = run,
};
