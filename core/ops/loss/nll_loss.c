/* Negative log-likelihood of log-probabilities x, one number picked a row: loss = -w[t] x[t], dx[t] = -w[t] dy, the
 * other dx 0. The mean is over the sum of w[t]; rows whose target is ignore_index count nothing. */
#include "ops/loss/class_loss.h"

typedef struct job {
    em__classes shape;
    const em_real *x, *weight;
    const int64_t *ids;
    int64_t ignore;
    enum em_reduction reduction;
    double divisor;
    em_real *y;
    const em_real *dy;
    em_real *dx;
} job;

static double row_weight(const job *j, int64_t row)
{
    if (j->ids[row] == j->ignore) return 0;
    return j->weight ? (double)j->weight[j->ids[row]] : 1;
}

static double kept_weight(const void *context, int64_t lo, int64_t hi)
{
    double sum = 0;
    for (int64_t row = lo; row < hi; row++) sum += row_weight(context, row);
    return sum;
}

static void plan(job *j, const em_opts *opts, em_tensor *const *x)
{
    *j = (job){.shape = em__classes_of(x[0]), .x = EM_REALS(x[0]), .weight = x[2] ? EM_REALS(x[2]) : NULL,
               .ids = EM_DATA(int64_t, x[1]), .ignore = opts->at[0].i,
               .reduction = (enum em_reduction)opts->at[1].i};
    j->divisor = j->reduction == EM_MEAN ? em__loss_total(kept_weight, j, j->shape.rows, 1) : 1;
}

/* y = -w x[id] */
static double losses(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    double total = 0;
    for (int64_t row = lo; row < hi; row++) {
        double loss = 0;
        if (j->ids[row] != j->ignore)
            loss = -row_weight(j, row) * (double)j->x[em__row_start(&j->shape, row) + j->ids[row] * j->shape.S];
        total += loss;
        if (j->y) j->y[row] = (em_real)loss;
    }
    return total;
}

static double gradients(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    for (int64_t row = lo; row < hi; row++) {
        if (j->ids[row] == j->ignore) continue;
        const double g = (double)j->dy[j->reduction == EM_NONE ? row : 0] / j->divisor;
        j->dx[em__row_start(&j->shape, row) + j->ids[row] * j->shape.S] = (em_real)(-g * row_weight(j, row));
    }
    return 0;
}

static em_status check(em_call *c)
{
    EM_TRY(em__check_class_ids(c, c->opts.at[0].i));
    return em__loss_by_rows(c, c->opts.at[1].i == EM_NONE);
}

static em_status forward(em_call *c)
{
    job j;
    plan(&j, &c->opts, c->in);
    if (j.reduction == EM_NONE) j.y = EM_REALS(c->out[0]);
    const double total = em__loss_total(losses, &j, j.shape.rows, 8);
    if (!j.y) EM_REALS(c->out[0])[0] = (em_real)(total / j.divisor);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    job j;
    EM_TRY(em__no_gradient(n, 2, "weight"));
    EM_TRY(em__dx_zeros(dx, n, 0));
    plan(&j, &n->opts, n->x);
    j.dy = EM_REALS(n->dy[0]);
    j.dx = EM_REALS(dx[0]);
    em__loss_total(gradients, &j, j.shape.rows, 8);
    return EM_OK;
}

static const em_opt_spec opts[] = {EM_IGNORE_INDEX, EM_REDUCTION, {0}};

const em_op EM_OP(nll_loss) = {
    .name = "nll_loss",
    .inputs = "input target# weight?",
    .outputs = "loss",
    .doc = "Negative log-likelihood: -weight[target] input[target] of log-probabilities.\n"
           "Input (C), (N, C) or (N, C, ...), target the same without C, weight (C). A scalar, or the target's shape "
           "with reduction none. The mean is weighted by weight[target] and leaves out ids equal to ignore_index.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(1) | EM_SAVE_X(2),
    .check = check,
    .forward = forward,
    .backward = backward,
};
