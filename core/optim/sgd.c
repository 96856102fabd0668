/* Stochastic gradient descent, with momentum. */
#include "optim/apply.h"

enum { LR, MOMENTUM, DAMPENING, WEIGHT_DECAY, NESTEROV, MAXIMIZE, SPARSE_MODE };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.001", ">= 0", "step size"},
    {"momentum", EM_OPT_NUMBER, "0", ">= 0", "share of the last velocity that is kept"},
    {"dampening", EM_OPT_NUMBER, "0", "", "share of the gradient that does not enter the velocity"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    {"nesterov", EM_OPT_BOOL, "false", "", "look one step of momentum ahead"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("exact", "rows absent from a sparse gradient: move by momentum and decay (exact), rest (lazy)"),
    EM_OPT_END,
};

static em_status check(const em_opts *o)
{
    if (o->at[NESTEROV].i && (o->at[MOMENTUM].x <= 0 || o->at[DAMPENING].x != 0))
        return em__fail(EM_EVALUE, "SGD: Nesterov momentum requires a momentum and zero dampening, given momentum = %g "
                        "and dampening = %g", o->at[MOMENTUM].x, o->at[DAMPENING].x);
    return EM_OK;
}

static unsigned needs(const em_opts *o) { return o->at[MOMENTUM].x != 0; }
static bool moves_absent(const em_opts *o) { return o->at[MOMENTUM].x != 0 || o->at[WEIGHT_DECAY].x != 0; }

static bool is_lazy(const em_opts *o) { return o->at[WEIGHT_DECAY].x == 0; }

/* g <- +-g + weight_decay p      p <- p - lr g */
static void plain(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    (void)s;
    const em_real lr = EM_X(u, LR), decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) w[i] -= lr * em__slope(g[i], w[i], sign, decay);
}

/* b <- momentum b + (1 - dampening) g, at the first step b <- g;     p <- p - lr b, nesterov: lr (g + momentum b) */
enum { KEEP, TAKE };

static void heavy(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict b = s[0];
    const em_real lr = EM_X(u, LR), decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    const em_real keep = EM_N(u, KEEP), take = EM_N(u, TAKE), ahead = EM_X(u, MOMENTUM);
    const bool nesterov = EM_IS(u, NESTEROV);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        b[i] = keep * b[i] + take * d;
        w[i] -= lr * (nesterov ? d + ahead * b[i] : b[i]);
    }
}

static void run(em_update *u)
{
    const bool first = u->fresh & 1;
    u->number[KEEP] = first ? 0 : u->opts->at[MOMENTUM].x;
    u->number[TAKE] = first ? 1 : 1 - u->opts->at[DAMPENING].x;
    em__update(u, u->state[0] ? heavy : plain);
}

const em_rule EM_RULE(SGD) = {
    .name = "SGD",
    .doc = "Stochastic gradient descent: p <- p - lr g.\n"
           "With momentum: b <- momentum b + (1 - dampening) g (at first b <- g), p <- p - lr b, or with nesterov\n"
           "p <- p - lr (g + momentum b). weight_decay adds weight_decay p to g first.\n"
           "Sparse gradients move the touched rows. With momentum or weight_decay other rows move too, as by a\n"
           "gradient of 0 (exact, the default): a row goes through the steps it has missed, in order, when it is next\n"
           "touched, looked up or read. With sparse_mode = \"lazy\" they rest, and nothing is caught up later.",
    .opts = opts, .state = "momentum_buffer", .cost = 2, .sparse_mode = SPARSE_MODE,
    .check = check, .needs = needs, .moves_absent = moves_absent, .is_lazy = is_lazy, .run = run,
};
