/* Rprop: only the sign of the gradient counts; each element's step grows while the sign stays. */
#include "optim/apply.h"

enum { LR, ETA_MINUS, ETA_PLUS, LEAST, MOST, MAXIMIZE, SPARSE_MODE };

static const em_opt_spec opts[] = {
    {"lr", EM_OPT_NUMBER, "0.01", ">= 0", "step size of every element at first; later changes have no effect"},
    {"etas[0]", EM_OPT_NUMBER, "0.5", "(0, 1)", "factor of a step whose sign has turned"},
    {"etas[1]", EM_OPT_NUMBER, "1.2", "> 1", "factor of a step whose sign has stayed"},
    {"step_sizes[0]", EM_OPT_NUMBER, "1e-6", "", "smallest step"},
    {"step_sizes[1]", EM_OPT_NUMBER, "50", "", "largest step"},
    EM_OPT_MAXIMIZE,
    EM_OPT_SPARSE_MODE("lazy", "rows absent from a sparse gradient: rest (lazy), or see a gradient of 0 (exact)"),
    EM_OPT_END,
};

static double initial(const em_opts *o, int k) { return k == 1 ? o->at[LR].x : 0; }

/* size <- size * (1.2, 0.5 or 1 by the sign of g prev), in bounds;  g <- 0 where negative;  p <- p - sign(g) size;
 * prev <- g */
static void row(const em_update *u, em_real *restrict w, const em_real *restrict g, em_real *const *s, int64_t n)
{
    em_real *restrict prev = s[0], *restrict size = s[1];
    const em_real minus = EM_X(u, ETA_MINUS), plus = EM_X(u, ETA_PLUS), sign = EM_SIGN(u, MAXIMIZE);
    const em_real least = EM_X(u, LEAST), most = EM_X(u, MOST);
    for (int64_t i = 0; i < n; i++) {
        const em_real d = sign * g[i], turn = d * prev[i];
        const em_real new_size = size[i] * (turn > 0 ? plus : turn < 0 ? minus : 1);
        size[i] = new_size < least ? least : new_size > most ? most : new_size;
        const em_real go = turn < 0 ? 0 : d;
        w[i] -= go > 0 ? size[i] : go < 0 ? -size[i] : 0;
        prev[i] = go;
    }
}

static void run(em_update *u) { em__update(u, row); }

const em_rule EM_RULE(Rprop) = {
    .name = "Rprop",
    .doc = "Rprop: each element has a step size, multiplied by etas[1] where the gradient keeps its sign and by\n"
           "etas[0] where it turns, within step_sizes; p <- p - sign(g) size, no move where the sign has just turned.\n"
           EM_SPARSE_DOC
           "Riedmiller, Braun 1993: A direct adaptive method for faster backpropagation learning.",
    .opts = opts, .state = "prev step_size", .cost = 10, .sparse_mode = SPARSE_MODE, .initial = initial, .run = run,
};
