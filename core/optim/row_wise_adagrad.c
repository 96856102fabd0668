/* Row-wise Adagrad: one step size a row, so that the state of a table is a column. */
#include "optim/apply.h"

enum { LR, LR_DECAY, WEIGHT_DECAY, INITIAL, EPS, MAXIMIZE, SPARSE_MODE };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.01", ">= 0", "step size"},
    {"lr_decay", EM_OPT_NUMBER, "0", ">= 0", "step t uses lr / (1 + (t - 1) lr_decay)"},
    {"weight_decay", EM_OPT_NUMBER, "0", ">= 0", "added to the gradient as weight_decay * p"},
    {"initial_accumulator_value", EM_OPT_NUMBER, "0", ">= 0", "what each row's sum starts with"},
    {"eps", EM_OPT_NUMBER, "1e-10", ">= 0", "added to the root of the sum"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "weight decay of rows absent from a sparse gradient: none (lazy), as if dense (exact)"),
    EM_OPT_END,
};

static double initial(const em_opts *o, int k) { return k == 0 ? o->at[INITIAL].x : 0; }
static bool moves_absent(const em_opts *o) { return o->at[WEIGHT_DECAY].x != 0 || o->at[EPS].x == 0; }

/* Sum of squares in LANES sums, which are then folded in halves: an order that no vector width changes. */
enum { LANES = 16 };

static em_real squares(const em_real *restrict w, const em_real *restrict g, int64_t n, em_real sign, em_real decay)
{
    em_real lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        em_real d[LANES];
        for (int j = 0; j < LANES; j++) d[j] = em__slope(g[i + j], w[i + j], sign, decay);
        for (int j = 0; j < LANES; j++) lane[j] += d[j] * d[j];
    }
    for (int j = 0; i + j < n; j++) {
        const em_real d = em__slope(g[i + j], w[i + j], sign, decay);
        lane[j] += d * d;
    }
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0];
}

/* sum <- sum + mean of the row's g^2      p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps) */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    if (n == 0) return;
    const em_real decay = EM_X(u, WEIGHT_DECAY), sign = EM_SIGN(u, MAXIMIZE);
    s[0][0] += squares(w, g, n, sign, decay) / (em_real)n;
    const em_real root = sqrt(s[0][0]) + EM_X(u, EPS), size = root > 0 ? EM_N(u, 0) / root : 0;
    for (int64_t i = 0; i < n; i++) w[i] -= size * em__slope(g[i], w[i], sign, decay);
}

static void run(em_update *u)
{
    u->number[0] = u->opts->at[LR].x / (1 + (double)(u->step - 1) * u->opts->at[LR_DECAY].x);
    em__update(u, row);
}

const em_rule EM_RULE(RowWiseAdagrad) = {
    .name = "RowWiseAdagrad",
    .doc = "Row-wise Adagrad: for each row sum <- sum + mean(g^2),\n"
           "p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(sum) + eps). One number of state a row, as the first dim\n"
           "counts rows.\n"
           "Sparse gradients update the touched rows, by the square of the summed gradient; weight_decay of others\n"
           "is left out (lazy) or, with sparse_mode = \"exact\", made up for when a row is next touched, looked up or\n"
           "read.\n"
           "Mudigere and others 2022: Software-hardware co-design for fast and scalable training of deep learning\n"
           "recommendation models (section on row-wise AdaGrad).",
    .opts = opts, .state = "sum", .kinds = {EM_STATE_ROW}, .flags = EM_RULE_ROWS_ONLY, .cost = 6,
    .sparse_mode = SPARSE_MODE, .initial = initial, .moves_absent = moves_absent, .run = run,
};
