/* RMSprop: gradients over a running root mean square. */
#include "optim/apply.h"

enum { LR, ALPHA, EPS, WEIGHT_DECAY, MOMENTUM, CENTERED, MAXIMIZE, SPARSE_MODE };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.01", ">= 0", "step size"},
    {"alpha", EM_OPT_NUMBER, "0.99", ">= 0", "decay of the mean of squares"},
    {"eps", EM_OPT_NUMBER, "1e-8", ">= 0", "added to the root"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    {"momentum", EM_OPT_NUMBER, "0", ">= 0", "share of the last velocity that is kept"},
    {"centered", EM_OPT_BOOL, "false", "", "divide by the running deviation: the mean of gradients is taken off"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or move as if dense (exact)"),
    EM_OPT_END,
};

static unsigned needs(const em_opts *o) { return 1u | (o->at[MOMENTUM].x > 0 ? 2u : 0) | (o->at[CENTERED].i ? 4u : 0); }

static bool is_lazy(const em_opts *o) { return o->at[WEIGHT_DECAY].x == 0 && o->at[EPS].x > 0; }

/* v <- alpha v + (1 - alpha) g^2      a <- alpha a + (1 - alpha) g      r = g / (sqrt(v - a^2) + eps)
 * b <- momentum b + r      p <- p - lr b, without momentum: lr r */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict v = s[0], *restrict b = s[1], *restrict a = s[2];
    const em_real lr = EM_X(u, LR), keep = EM_X(u, ALPHA), take = EM_N(u, 0), momentum = EM_X(u, MOMENTUM);
    const em_real eps = EM_X(u, EPS), decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        v[i] = keep * v[i] + take * d * d;
        em_real square = v[i];
        if (a) {
            a[i] = keep * a[i] + take * d;
            square -= a[i] * a[i];
        }
        em_real r = d / (sqrt(square) + eps);
        if (b) r = b[i] = momentum * b[i] + r;
        w[i] -= lr * r;
    }
}

static void run(em_update *u)
{
    u->number[0] = 1 - u->opts->at[ALPHA].x;
    em__update(u, row);
}

const em_rule EM_RULE(RMSprop) = {
    .name = "RMSprop",
    .doc = "RMSprop: v <- alpha v + (1 - alpha) g^2, p <- p - lr g / (sqrt(v) + eps).\n"
           "centered: the root is of v - a^2, a <- alpha a + (1 - alpha) g.\n"
           "momentum: b <- momentum b + g / (root + eps), p <- p - lr b.\n"
           EM_SPARSE_DOC
           "Tieleman, Hinton 2012; centered: Graves 2013, Generating sequences with recurrent neural networks.",
    .opts = opts, .state = "square_avg momentum_buffer grad_avg", .cost = 14, .sparse_mode = SPARSE_MODE,
    .needs = needs, .is_lazy = is_lazy, .run = run,
};
