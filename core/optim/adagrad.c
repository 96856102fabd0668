/* Adagrad: a step size of its own for each element, from all squared gradients so far. */
#include "optim/apply.h"

enum { LR, LR_DECAY, WEIGHT_DECAY, INITIAL, EPS, MAXIMIZE, SPARSE_MODE };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.01", ">= 0", "step size"},
    {"lr_decay", EM_OPT_NUMBER, "0", ">= 0", "step t uses lr / (1 + (t - 1) lr_decay)"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    {"initial_accumulator_value", EM_OPT_NUMBER, "0", ">= 0", "what the sum of squares starts with"},
    {"eps", EM_OPT_NUMBER, "1e-10", ">= 0", "added to the root of the sum"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "weight decay of rows absent from a sparse gradient: none (lazy), as if dense (exact)"),
    EM_OPT_END,
};

static double initial(const em_opts *o, int k) { return k == 0 ? o->at[INITIAL].x : 0; }
static bool moves_absent(const em_opts *o) { return o->at[WEIGHT_DECAY].x != 0 || o->at[EPS].x == 0; }

/* sum <- sum + g^2      p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps) */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict sum = s[0];
    const em_real lr = EM_N(u, 0), eps = EM_X(u, EPS), decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = em__slope(g[i], w[i], sign, decay);
        sum[i] += d * d;
        w[i] -= lr * d / (sqrt(sum[i]) + eps);
    }
}

static void run(em_update *u)
{
    u->number[0] = u->opts->at[LR].x / (1 + (double)(u->step - 1) * u->opts->at[LR_DECAY].x);
    em__update(u, row);
}

const em_rule EM_RULE(Adagrad) = {
    .name = "Adagrad",
    .doc = "Adagrad: sum <- sum + g^2, p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps).\n"
           "Sparse gradients update the touched rows, by the square of the summed gradient: what the dense gradient\n"
           "would do, but for weight_decay, which is left out for the other rows (lazy). With sparse_mode = \"exact\"\n"
           "it is made up for when a row is next touched, looked up or read.\n"
           "Duchi, Hazan, Singer 2011: Adaptive subgradient methods for online learning and stochastic optimization.",
    .opts = opts, .state = "sum", .cost = 8, .sparse_mode = SPARSE_MODE,
    .initial = initial, .moves_absent = moves_absent, .run = run,
};
