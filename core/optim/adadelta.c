/* Adadelta: steps in the units of the parameter, from running means of squares of gradients and of steps. */
#include "optim/apply.h"

enum { LR, RHO, EPS, WEIGHT_DECAY, MAXIMIZE, SPARSE_MODE };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "1", ">= 0", "factor of the step"},
    {"rho", EM_OPT_NUMBER, "0.9", "[0, 1]", "decay of both means"},
    {"eps", EM_OPT_NUMBER, "1e-6", ">= 0", "added under both roots"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or move as if dense (exact)"),
    EM_OPT_END,
};

static bool is_lazy(const em_opts *o) { return o->at[WEIGHT_DECAY].x == 0 && o->at[EPS].x > 0; }

/* v <- rho v + (1 - rho) g^2      d = sqrt(a + eps) / sqrt(v + eps) g      a <- rho a + (1 - rho) d^2
 * p <- p - lr d */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict v = s[0], *restrict a = s[1];
    const em_real lr = EM_X(u, LR), keep = EM_X(u, RHO), take = EM_N(u, 0), eps = EM_X(u, EPS);
    const em_real decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real slope = em__slope(g[i], w[i], sign, decay);
        v[i] = keep * v[i] + take * slope * slope;
        const em_real d = sqrt(a[i] + eps) / sqrt(v[i] + eps) * slope;
        a[i] = keep * a[i] + take * d * d;
        w[i] -= lr * d;
    }
}

static void run(em_update *u)
{
    u->number[0] = 1 - u->opts->at[RHO].x;
    em__update(u, row);
}

const em_rule EM_RULE(Adadelta) = {
    .name = "Adadelta",
    .doc = "Adadelta: v <- rho v + (1 - rho) g^2, d = sqrt(a + eps) / sqrt(v + eps) g, a <- rho a + (1 - rho) d^2,\n"
           "p <- p - lr d.\n"
           EM_SPARSE_DOC
           "Zeiler 2012: ADADELTA: an adaptive learning rate method.",
    .opts = opts, .state = "square_avg acc_delta", .cost = 20, .sparse_mode = SPARSE_MODE,
    .is_lazy = is_lazy, .run = run,
};
