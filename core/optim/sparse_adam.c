/* Adam for row-sparse gradients: moments of rows without gradient rest. */
#include "optim/apply.h"

enum { LR, BETA1, BETA2, EPS, MAXIMIZE, SPARSE_MODE };
enum { SIZE, TAKE1, TAKE2 };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.001", "> 0", "step size"},
    {"betas[0]", EM_OPT_NUMBER, "0.9", "[0, 1)", "decay of the mean of gradients"},
    {"betas[1]", EM_OPT_NUMBER, "0.999", "[0, 1)", "decay of the mean of squares"},
    {"eps", EM_OPT_NUMBER, "1e-8", "> 0", "added to the root of the mean of squares"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or move as if dense (exact)"),
    EM_OPT_END,
};

static bool is_lazy(const em_opts *o)
{
    (void)o;
    return true;
}

/* m <- beta1 m + (1 - beta1) g      v <- beta2 v + (1 - beta2) g^2
 * p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps) */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict m = s[0], *restrict v = s[1];
    const em_real keep1 = EM_X(u, BETA1), take1 = EM_N(u, TAKE1), keep2 = EM_X(u, BETA2), take2 = EM_N(u, TAKE2);
    const em_real size = EM_N(u, SIZE), eps = EM_X(u, EPS), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = sign * g[i];
        m[i] = keep1 * m[i] + take1 * d;
        v[i] = keep2 * v[i] + take2 * d * d;
        w[i] -= size * m[i] / (sqrt(v[i]) + eps);
    }
}

static void run(em_update *u)
{
    const em_opt *o = u->opts->at;
    const double t = (double)u->step;
    u->number[SIZE] = o[LR].x * sqrt(1 - pow(o[BETA2].x, t)) / (1 - pow(o[BETA1].x, t));
    u->number[TAKE1] = 1 - o[BETA1].x;
    u->number[TAKE2] = 1 - o[BETA2].x;
    em__update(u, row);
}

const em_rule EM_RULE(SparseAdam) = {
    .name = "SparseAdam",
    .doc = "Adam for sparse gradients: m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,\n"
           "p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps); t counts the steps of the parameter.\n"
           "Unlike in Adam, eps is added before the bias correction. Takes sparse gradients only.\n"
           EM_SPARSE_DOC
           "As torch.optim.SparseAdam, which is lazy.",
    .opts = opts, .state = "exp_avg exp_avg_sq", .flags = EM_RULE_SPARSE_ONLY, .cost = 12, .sparse_mode = SPARSE_MODE,
    .is_lazy = is_lazy, .run = run,
};
