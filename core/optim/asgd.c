/* Averaged stochastic gradient descent: plain steps that shrink, and the mean of where they led. */
#include "optim/apply.h"

enum { LR, LAMBD, ALPHA, T0, WEIGHT_DECAY, MAXIMIZE, SPARSE_MODE };
enum { SIZE, SHRINK, SHARE };
enum { ETA, MU, AX };                   /* state */

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.01", ">= 0", "step size at first"},
    {"lambd", EM_OPT_NUMBER, "1e-4", "", "how fast weights and step size shrink"},
    {"alpha", EM_OPT_NUMBER, "0.75", "", "power by which the step size shrinks"},
    {"t0", EM_OPT_NUMBER, "1e6", "", "step at which averaging starts"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or shrink as if dense (exact)"),
    EM_OPT_END,
};

static double initial(const em_opts *o, int k) { return k == ETA ? o->at[LR].x : k == MU ? 1 : 0; }

/* p <- (1 - lambd eta) p - eta g      ax <- ax + mu (p - ax) */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict ax = s[AX];
    const em_real size = EM_N(u, SIZE), shrink = EM_N(u, SHRINK), share = EM_N(u, SHARE);
    const em_real decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        w[i] = shrink * w[i] - size * d;
        ax[i] = share == 1 ? w[i] : ax[i] + share * (w[i] - ax[i]);
    }
}

/* After the step: eta = lr / (1 + lambd lr t)^alpha, mu = 1 / max(1, t - t0), for the next. */
static void run(em_update *u)
{
    const em_opt *o = u->opts->at;
    const double t = (double)u->step, lr = o[LR].x, eta = em_tensor_get(u->state[ETA], 0), late = t - o[T0].x;
    u->number[SIZE] = eta;
    u->number[SHRINK] = 1 - o[LAMBD].x * eta;
    u->number[SHARE] = em_tensor_get(u->state[MU], 0);
    em_tensor_set(u->state[ETA], 0, lr / pow(1 + o[LAMBD].x * lr * t, o[ALPHA].x));
    em_tensor_set(u->state[MU], 0, 1 / (late > 1 ? late : 1));
    em__update(u, row);
}

const em_rule EM_RULE(ASGD) = {
    .name = "ASGD",
    .doc = "Averaged SGD: p <- (1 - lambd eta) p - eta g, ax <- ax + mu (p - ax); for the next step\n"
           "eta = lr / (1 + lambd lr t)^alpha, mu = 1 / max(1, t - t0). The average, ax, is in the state.\n"
           EM_SPARSE_DOC
           "Polyak, Juditsky 1992: Acceleration of stochastic approximation by averaging.",
    .opts = opts, .state = "eta mu ax", .kinds = {EM_STATE_NUMBER, EM_STATE_NUMBER, EM_STATE_LIKE}, .cost = 6,
    .sparse_mode = SPARSE_MODE, .initial = initial, .run = run,
};
