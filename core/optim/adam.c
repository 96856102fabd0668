/* Adam and AdamW: momentum over a running root mean square. They differ in what weight decay does. */
#include "optim/apply.h"

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, AMSGRAD, MAXIMIZE, SPARSE_MODE };
enum { SIZE, ROOT, TAKE1, TAKE2, SHRINK, L2 };

#define OPTIONS(decay, decay_doc) { \
    {"lr", EM_OPT_NUMBER, "0.001", ">= 0", "step size"}, \
    {"betas[0]", EM_OPT_NUMBER, "0.9", "[0, 1)", "decay of the mean of gradients"}, \
    {"betas[1]", EM_OPT_NUMBER, "0.999", "[0, 1)", "decay of the mean of squares"}, \
    {"eps", EM_OPT_NUMBER, "1e-8", ">= 0", "added to the corrected root of the mean of squares"}, \
    {"weight_decay", EM_OPT_NUMBER, decay, ">= 0", decay_doc}, \
    {"amsgrad", EM_OPT_BOOL, "false", "", "divide by the largest mean of squares so far"}, \
    EM_OPT_MAXIMIZE, \
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or move as if dense (exact)"), \
    EM_OPT_END, \
}

static const em_opt_spec adam_opts[] = OPTIONS("0", "added to the gradient as weight_decay * p");
static const em_opt_spec adamw_opts[] = OPTIONS("0.01", "p is first multiplied by 1 - lr * weight_decay");

static unsigned needs(const em_opts *o) { return o->at[AMSGRAD].i ? 7 : 3; }

static bool is_lazy(const em_opts *o) { return o->at[WEIGHT_DECAY].x == 0 && o->at[EPS].x > 0; }

/* p <- shrink p      m <- beta1 m + (1 - beta1) g      v <- beta2 v + (1 - beta2) g^2
 * p <- p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps), amsgrad: by the largest v so far */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict m = s[0], *restrict v = s[1], *restrict most = s[2];
    const em_real keep1 = EM_X(u, BETA1), take1 = EM_N(u, TAKE1), keep2 = EM_X(u, BETA2), take2 = EM_N(u, TAKE2);
    const em_real size = EM_N(u, SIZE), root = EM_N(u, ROOT), shrink = EM_N(u, SHRINK), decay = EM_N(u, L2);
    const em_real eps = EM_X(u, EPS), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        m[i] = keep1 * m[i] + take1 * d;
        v[i] = keep2 * v[i] + take2 * d * d;
        em_real over = v[i];
        if (most) over = most[i] = most[i] > v[i] ? most[i] : v[i];
        w[i] = shrink * w[i] - size * m[i] / (root * sqrt(over) + eps);
    }
}

static void run(em_update *u, bool decoupled)
{
    const em_opt *o = u->opts->at;
    const double t = (double)u->step;
    u->number[SIZE] = o[LR].x / (1 - pow(o[BETA1].x, t));
    u->number[ROOT] = 1 / sqrt(1 - pow(o[BETA2].x, t));
    u->number[TAKE1] = 1 - o[BETA1].x;
    u->number[TAKE2] = 1 - o[BETA2].x;
    u->number[SHRINK] = decoupled ? 1 - o[LR].x * o[WEIGHT_DECAY].x : 1;
    u->number[L2] = decoupled ? 0 : o[WEIGHT_DECAY].x;
    em__update(u, row);
}

static void run_adam(em_update *u) { run(u, false); }
static void run_adamw(em_update *u) { run(u, true); }

const em_rule EM_RULE(Adam) = {
    .name = "Adam",
    .doc = "Adam: m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,\n"
           "p <- p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps).\n"
           "weight_decay adds weight_decay p to g first.\n"
           EM_SPARSE_DOC
           "Kingma, Ba 2015: Adam: a method for stochastic optimization; amsgrad: Reddi, Kale, Kumar 2018.",
    .opts = adam_opts, .state = "exp_avg exp_avg_sq max_exp_avg_sq", .cost = 14, .sparse_mode = SPARSE_MODE,
    .needs = needs, .is_lazy = is_lazy, .run = run_adam,
};

const em_rule EM_RULE(AdamW) = {
    .name = "AdamW",
    .doc = "AdamW: p <- (1 - lr weight_decay) p, then Adam's step without weight decay in the gradient.\n"
           EM_SPARSE_DOC
           "Loshchilov, Hutter 2019: Decoupled weight decay regularization.",
    .opts = adamw_opts, .state = "exp_avg exp_avg_sq max_exp_avg_sq", .cost = 14, .sparse_mode = SPARSE_MODE,
    .needs = needs, .is_lazy = is_lazy, .run = run_adamw,
};
