/* NAdam: Adam whose momentum looks one step ahead, as Nesterov's. */
#include "optim/apply.h"

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, MOMENTUM_DECAY, MAXIMIZE, SPARSE_MODE };
enum { BY_SLOPE, BY_MEAN, ROOT, TAKE1, TAKE2 };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.002", ">= 0", "step size"},
    {"betas[0]", EM_OPT_NUMBER, "0.9", "[0, 1)", "decay of the mean of gradients"},
    {"betas[1]", EM_OPT_NUMBER, "0.999", "[0, 1)", "decay of the mean of squares"},
    {"eps", EM_OPT_NUMBER, "1e-8", ">= 0", "added to the corrected root of the mean of squares"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    {"momentum_decay", EM_OPT_NUMBER, "0.004", ">= 0", "how fast the warm-up of the momentum ends"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or move as if dense (exact)"),
    EM_OPT_END,
};

static double initial(const em_opts *o, int k)
{
    (void)o;
    return k == 0;
}

static bool is_lazy(const em_opts *o) { return o->at[WEIGHT_DECAY].x == 0 && o->at[EPS].x > 0; }

/* m <- beta1 m + (1 - beta1) g      v <- beta2 v + (1 - beta2) g^2      d = sqrt(v) / sqrt(1 - beta2^t) + eps
 * p <- p - lr (1 - mu_t) / (1 - P_t) g / d - lr mu_t+1 / (1 - P_t+1) m / d */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict m = s[1], *restrict v = s[2];
    const em_real keep1 = EM_X(u, BETA1), take1 = EM_N(u, TAKE1), keep2 = EM_X(u, BETA2), take2 = EM_N(u, TAKE2);
    const em_real by_slope = EM_N(u, BY_SLOPE), by_mean = EM_N(u, BY_MEAN), root = EM_N(u, ROOT);
    const em_real eps = EM_X(u, EPS), decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        m[i] = keep1 * m[i] + take1 * d;
        v[i] = keep2 * v[i] + take2 * d * d;
        w[i] -= (by_slope * d + by_mean * m[i]) / (root * sqrt(v[i]) + eps);
    }
}

/* mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), P_t = mu_1 .. mu_t. */
static double momentum(const em_opt *o, double t)
{
    return o[BETA1].x * (1 - 0.5 * pow(0.96, t * o[MOMENTUM_DECAY].x));
}

static void run(em_update *u)
{
    const em_opt *o = u->opts->at;
    const double t = (double)u->step, now = momentum(o, t), next = momentum(o, t + 1);
    const double product = (double)((float)em_tensor_get(u->state[0], 0) * (float)now);     /* as PyTorch keeps it */
    em_tensor_set(u->state[0], 0, product);
    u->number[BY_SLOPE] = o[LR].x * (1 - now) / (1 - product);
    u->number[BY_MEAN] = o[LR].x * next / (1 - product * next);
    u->number[ROOT] = 1 / sqrt(1 - pow(o[BETA2].x, t));
    u->number[TAKE1] = 1 - o[BETA1].x;
    u->number[TAKE2] = 1 - o[BETA2].x;
    em__update(u, row);
}

const em_rule EM_RULE(NAdam) = {
    .name = "NAdam",
    .doc = "NAdam: m, v as Adam; mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2), P_t = mu_1 ... mu_t,\n"
           "d = sqrt(v) / sqrt(1 - beta2^t) + eps,\n"
           "p <- p - lr ((1 - mu_t) / (1 - P_t) g + mu_t+1 / (1 - P_t+1) m) / d.\n"
           EM_SPARSE_DOC
           "Dozat 2016: Incorporating Nesterov momentum into Adam.",
    .opts = opts, .state = "mu_product exp_avg exp_avg_sq", .kinds = {EM_STATE_NUMBER}, .cost = 14,
    .sparse_mode = SPARSE_MODE, .initial = initial, .is_lazy = is_lazy, .run = run,
};
