/* Cross-entropy of scores x, by class ids or by class probabilities t. With p = softmax(x), weights w, smoothing s, and
 * b_c = w_c ((1 - s) t_c + s / C) what is asked of class c, t being 1 at the id and 0 elsewhere:
 *
 *     loss = sum_c b_c (-log p_c),  dx_c = dy (p_c sum_k b_k - b_c),  dt_c = dy (1 - s) w_c (-log p_c)
 *     mean: over the rows; with ids, over the sum of w[id], rows of ignore_index left out */

/* Forward goes over a row of scores twice while it is in cache and keeps two numbers of it; backward makes the gradient
 * from these in one pass. Probabilities are never stored.
 *
 * Scores are (N, C, S): batch, classes, and positions where the input has more dims (S = 1 otherwise). Row number
 * n * S + s is the scores x[n, :, s]. */
#include <math.h>

#include "ops/loss/class_loss.h"
#include "ops/reduce/row_sums.h"

#include "math/vector_math.h"

enum { STRIP = 64 };

typedef struct job {
    em__classes shape;
    const em_real *x, *weight, *target;     /* target: probabilities, shaped like x; null with ids */
    const int64_t *ids;
    int64_t ignore;
    enum em_reduction reduction;
    double smoothing, all_weights, divisor;
    em_real *max, *log_sum;                 /* of each row: log softmax(x) = (x - max) - log_sum */
    em_real *y;
    const em_real *dy;
    em_real *dx, *dtarget;
} job;

static double class_weight(const job *j, int64_t c) { return j->weight ? (double)j->weight[c] : 1; }

/* What a row counts in a weighted mean. */
static double kept_weight(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    double sum = 0;
    for (int64_t r = lo; r < hi; r++)
        if (j->ids[r] != j->ignore) sum += class_weight(j, j->ids[r]);
    return sum;
}

static void plan(job *j, const em_opts *opts, em_tensor *const *x, bool ids)
{
    *j = (job){.shape = em__classes_of(x[0]), .x = EM_REALS(x[0]), .weight = x[2] ? EM_REALS(x[2]) : NULL};
    if (ids) {
        j->ids = EM_DATA(int64_t, x[1]);
        j->ignore = opts->at[0].i;
    } else {
        j->target = EM_REALS(x[1]);
    }
    j->reduction = (enum em_reduction)opts->at[ids].i;
    j->smoothing = opts->at[ids + 1].x;
    for (int64_t c = 0; c < j->shape.C; c++) j->all_weights += class_weight(j, c);
    const int64_t rows = j->shape.rows;
    j->divisor = j->reduction != EM_MEAN ? 1 : ids ? em__loss_total(kept_weight, j, rows, 1) : (double)rows;
}

/* How many rows from this one on, at most STRIP, lie side by side. */
static int64_t side_by_side(const job *j, int64_t row, int64_t hi)
{
    return em__min(em__min(STRIP, hi - row), j->shape.S - row % j->shape.S);
}

/* Gradient of a row's loss */
static double incoming(const job *j, int64_t row)
{
    return (double)j->dy[j->reduction == EM_NONE ? row : 0] / j->divisor;
}

/* ---- a row's maximum and the logarithm of its sum ------------------------------------------------------ */

EM_ROW_SUM(row_sum, em__exp(x[i] - max), const em_real *x, em_real max)

/* The same of m rows that lie side by side, S apart from class to class. */
static void strip_stats(const em_real *x, int64_t C, int64_t S, int64_t m, em_real *max, em_real *log_sum)
{
    em_real sum[STRIP] = {0};
    for (int64_t k = 0; k < m; k++) max[k] = -(em_real)INFINITY;
    for (int64_t c = 0; c < C; c++)
        for (int64_t k = 0; k < m; k++) max[k] = x[c * S + k] > max[k] ? x[c * S + k] : max[k];
    for (int64_t c = 0; c < C; c++)
        for (int64_t k = 0; k < m; k++) sum[k] += em__exp(x[c * S + k] - max[k]);
    for (int64_t k = 0; k < m; k++) log_sum[k] = em__log(sum[k]);
}

/* ---- losses -------------------------------------------------------------------------------------------- */

/* sum_c w_c (-log p_c), for smoothing */
static double spread_loss(const job *j, const em_real *x, em_real max, em_real log_sum)
{
    double sum = 0;
    for (int64_t c = 0; c < j->shape.C; c++)
        sum += class_weight(j, c) * ((double)log_sum - (double)(x[c * j->shape.S] - max));
    return sum;
}

/* (1 - s) w_y (-log p_y) + s / C sum_c w_c (-log p_c) */
static double id_loss(const job *j, int64_t row, const em_real *x, em_real max, em_real log_sum)
{
    const int64_t y = j->ids[row];
    if (y == j->ignore) return 0;
    const double loss = class_weight(j, y) * ((double)log_sum - (double)(x[y * j->shape.S] - max));
    if (j->smoothing == 0) return loss;
    return (1 - j->smoothing) * loss + j->smoothing / (double)j->shape.C * spread_loss(j, x, max, log_sum);
}

/* What class c of a target asks for: w_c ((1 - s) t_c + s / C) */
static double wanted(const job *j, const em_real *t, int64_t c)
{
    return class_weight(j, c) *
           ((1 - j->smoothing) * (double)t[c * j->shape.S] + j->smoothing / (double)j->shape.C);
}

static double target_loss(const job *j, const em_real *t, const em_real *x, em_real max, em_real log_sum)
{
    double sum = 0;
    for (int64_t c = 0; c < j->shape.C; c++) {
        const double w = wanted(j, t, c);
        if (w != 0) sum += w * ((double)log_sum - (double)(x[c * j->shape.S] - max));
    }
    return sum;
}

/* Rows row .. row+m-1, which lie side by side. */
static double strip_losses(const job *j, int64_t row, int64_t m)
{
    em_real max[STRIP], log_sum[STRIP];
    const int64_t at = em__row_start(&j->shape, row);
    double total = 0;
    if (m == 1 && j->shape.S == 1) {
        max[0] = em__row_max(j->shape.C, j->x + at);
        log_sum[0] = em__log(row_sum(j->shape.C, j->x + at, max[0]));
    } else {
        strip_stats(j->x + at, j->shape.C, j->shape.S, m, max, log_sum);
    }
    for (int64_t k = 0; k < m; k++) {
        const em_real *x = j->x + at + k;
        const double loss = j->ids ? id_loss(j, row + k, x, max[k], log_sum[k])
                                   : target_loss(j, j->target + at + k, x, max[k], log_sum[k]);
        total += loss;
        if (j->y) j->y[row + k] = (em_real)loss;
        if (!j->max) continue;
        j->max[row + k] = max[k];
        j->log_sum[row + k] = log_sum[k];
    }
    return total;
}

static double losses(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    double total = 0;
    for (int64_t row = lo, m; row < hi; row += m) {
        m = side_by_side(j, row, hi);
        total += strip_losses(j, row, m);
    }
    return total;
}

/* ---- gradients: dx_c = g (sum(b) p_c - b_c), b_c what the target asks of class c ----------------------- */

/* Rows row .. row+m-1, which lie side by side. */
static void id_gradients(const job *j, int64_t row, int64_t m, em_real *dx, const em_real *x)
{
    const int64_t C = j->shape.C, S = j->shape.S, *ids = j->ids + row;
    const em_real *max = j->max + row, *log_sum = j->log_sum + row;
    em_real direct[STRIP], spread[STRIP], sum[STRIP];
    for (int64_t k = 0; k < m; k++) {
        const double g = ids[k] == j->ignore ? 0 : incoming(j, row + k), s = g * j->smoothing / (double)C;
        direct[k] = (em_real)(ids[k] == j->ignore ? 0 : g * (1 - j->smoothing) * class_weight(j, ids[k]));
        spread[k] = (em_real)s;
        sum[k] = (em_real)((double)direct[k] + s * j->all_weights);
    }
    if (S == 1)
        for (int64_t c = 0; c < C; c++) dx[c] = sum[0] * em__exp(x[c] - max[0] - log_sum[0]);
    else
        for (int64_t c = 0; c < C; c++)
            for (int64_t k = 0; k < m; k++) dx[c * S + k] = sum[k] * em__exp(x[c * S + k] - max[k] - log_sum[k]);
    for (int64_t c = 0; j->smoothing != 0 && c < C; c++)
        for (int64_t k = 0; k < m; k++) dx[c * S + k] -= spread[k] * (em_real)class_weight(j, c);
    for (int64_t k = 0; k < m; k++) {
        if (ids[k] != j->ignore) dx[ids[k] * S + k] -= direct[k];
        for (int64_t c = 0; ids[k] == j->ignore && c < C; c++) dx[c * S + k] = 0;
    }
}

static void target_gradient(const job *j, int64_t row, em_real *dx, const em_real *t, const em_real *x, double g)
{
    const int64_t C = j->shape.C, S = j->shape.S;
    const em_real max = j->max[row], log_sum = j->log_sum[row];
    double sum = 0;
    for (int64_t c = 0; c < C; c++) sum += wanted(j, t, c);
    for (int64_t c = 0; c < C; c++)
        dx[c * S] = (em_real)(g * (sum * (double)em__exp(x[c * S] - max - log_sum) - wanted(j, t, c)));
}

/* dt_c = g (1 - s) w_c (-log p_c) */
static void gradient_of_target(const job *j, int64_t row, em_real *dt, const em_real *x, double g)
{
    for (int64_t c = 0; c < j->shape.C; c++) {
        const double minus_log_p = (double)j->log_sum[row] - (double)(x[c * j->shape.S] - j->max[row]);
        dt[c * j->shape.S] = (em_real)(g * (1 - j->smoothing) * class_weight(j, c) * minus_log_p);
    }
}

static double gradients(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    for (int64_t row = lo, m; row < hi; row += m) {
        const int64_t at = em__row_start(&j->shape, row);
        m = j->ids ? side_by_side(j, row, hi) : 1;
        if (j->dx && j->ids) id_gradients(j, row, m, j->dx + at, j->x + at);
        if (j->dx && j->target) target_gradient(j, row, j->dx + at, j->target + at, j->x + at, incoming(j, row));
        if (j->dtarget) gradient_of_target(j, row, j->dtarget + at, j->x + at, incoming(j, row));
    }
    return 0;
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

static double row_cost(const job *j) { return 12 * (double)j->shape.C; }

static em_status check_smoothing(const em_call *c, int opt)
{
    const double s = c->opts.at[opt].x;
    if (s >= 0 && s <= 1) return EM_OK;
    return em__fail(EM_EVALUE, "%s: label_smoothing must be 0 to 1, given %g", c->op->name, s);
}

static em_status make_results(em_call *c, int reduction_opt)
{
    EM_TRY(em__loss_by_rows(c, c->opts.at[reduction_opt].i == EM_NONE));
    return c->recorded ? em__out(c, 1, c->dtype, 2, (int64_t[]){2, em__classes_of(c->in[0]).rows}) : EM_OK;
}

static em_status check_ids(em_call *c)
{
    EM_TRY(em__check_class_ids(c, c->opts.at[0].i));
    EM_TRY(check_smoothing(c, 2));
    return make_results(c, 1);
}

static em_status check_target(em_call *c)
{
    EM_TRY(em__check_classes(c));
    EM_TRY(em__check_same_shape(c, c->in[0], "input", c->in[1], "target"));
    EM_TRY(check_smoothing(c, 1));
    return make_results(c, 0);
}

static em_status forward(em_call *c, bool ids)
{
    job j;
    plan(&j, &c->opts, c->in, ids);
    if (j.reduction == EM_NONE) j.y = EM_REALS(c->out[0]);
    if (c->out[1]) {
        j.max = EM_REALS(c->out[1]);
        j.log_sum = j.max + j.shape.rows;
    }
    const double total = em__loss_total(losses, &j, j.shape.rows, row_cost(&j));
    if (!j.y) EM_REALS(c->out[0])[0] = (em_real)(total / j.divisor);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx, bool ids)
{
    job j;
    EM_TRY(em__no_gradient(n, 2, "weight"));
    plan(&j, &n->opts, n->x, ids);
    if (em__wants(n, 0)) EM_TRY(em__dx(dx, n, 0));
    if (em__wants(n, 1)) EM_TRY(em__dx(dx, n, 1));
    j.max = EM_REALS(n->y[1]);
    j.log_sum = j.max + j.shape.rows;
    j.dy = EM_REALS(n->dy[0]);
    if (dx[0]) j.dx = EM_REALS(dx[0]);
    if (dx[1]) j.dtarget = EM_REALS(dx[1]);
    em__loss_total(gradients, &j, j.shape.rows, row_cost(&j));
    return EM_OK;
}

static em_status forward_ids(em_call *c) { return forward(c, true); }
static em_status forward_target(em_call *c) { return forward(c, false); }
static em_status backward_ids(const em_node *n, em_tensor **dx) { return backward(n, dx, true); }
static em_status backward_target(const em_node *n, em_tensor **dx) { return backward(n, dx, false); }

#define SMOOTHING \
    {"label_smoothing", EM_OPT_NUMBER, "0", "", "share s of each target that is spread over all classes, 0 to 1"}

static const em_opt_spec id_opts[] = {EM_IGNORE_INDEX, EM_REDUCTION, SMOOTHING, {0}};
static const em_opt_spec target_opts[] = {EM_REDUCTION, SMOOTHING, {0}};

const em_op EM_OP(cross_entropy) = {
    .name = "cross_entropy",
    .inputs = "input target# weight?",
    .outputs = "loss [stats]",
    .doc = "Cross-entropy of scores and class ids: -weight[target] log softmax(input)[target].\n"
           "Input (C), (N, C) or (N, C, ...), target the same without C, weight (C). A scalar, or the target's shape "
           "with reduction none. The mean is weighted by weight[target] and leaves out ids equal to ignore_index.\n"
           "With smoothing s: (1 - s) of that and s / C sum_c -weight[c] log softmax(input)[c].",
    .opts = id_opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2) | EM_SAVE_Y(1),
    .check = check_ids,
    .forward = forward_ids,
    .backward = backward_ids,
};

const em_op EM_OP(cross_entropy_probabilities) = {
    .name = "cross_entropy",
    .key = "cross_entropy_probabilities",
    .inputs = "input target weight?",
    .outputs = "loss [stats]",
    .doc = "Cross-entropy of scores and class probabilities t: -sum_c weight[c] t[c] log softmax(input)[c].\n"
           "Input and target (C), (N, C) or (N, C, ...), weight (C). A scalar, or the shape without C with reduction "
           "none. The mean is over rows. With smoothing s, t becomes (1 - s) t + s / C.",
    .opts = target_opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2) | EM_SAVE_Y(1),
    .check = check_target,
    .forward = forward_target,
    .backward = backward_target,
};
