/* Losses of rows: each row (D) of the inputs, a vector to compare or the scores of classes, makes one loss. The value
 * and its slopes stand with each; |.| is a norm, z_i = margin - x[target] + x_i, s the sigmoid:
 *
 *     cosine_embedding  1 - cos or max(0, cos - margin)     triplet_margin  max(0, margin + |a - p| - |a - n|)
 *     multi_margin      w[target] sum_i max(0, z_i)^p / D   multilabel      -w (t log s(x) + (1 - t) log s(-x)) / D */
#include <math.h>

#include "ops/loss/loss.h"
#include "ops/reduce/row_sums.h"

#include "math/vector_math.h"

enum { IN = 3, PARAMS = 4 };

typedef struct job job;

typedef struct rule {
    double (*value)(const job *j, int64_t row);
    void (*slope)(const job *j, int64_t row, em_real dy);   /* adds to row `row` of each gradient that is wanted */
    double cost;                                            /* units of work an element */
    int shared;                                             /* the input of which one row may serve all; 0: none */
} rule;

struct job {
    const rule *rule;
    int64_t rows, D;
    const void *in[IN];                     /* null: an optional input left out */
    int64_t step[IN];                       /* from a row to the next: D, or 0 where one row serves all */
    double p[PARAMS];                       /* the options but reduction, in their order */
    enum em_reduction reduction;
    double divisor;
    em_real *y;                             /* the losses, or null where only their sum is wanted */
    const em_real *dy;
    em_real *dx[IN];
};

static const em_real *row_of(const job *j, int k, int64_t row) { return (const em_real *)j->in[k] + row * j->step[k]; }
static int64_t id_of(const job *j, int64_t row) { return ((const int64_t *)j->in[1])[row]; }

static void plan(job *j, const rule *r, const em_op *op, const em_opts *opts, em_tensor *const *x, int n)
{
    *j = (job){.rule = r, .rows = 1, .D = x[0]->size[x[0]->dims - 1]};
    for (int d = 0; d < x[0]->dims - 1; d++) j->rows *= x[0]->size[d];
    for (int k = 0; k < n; k++) {
        if (!x[k]) continue;
        j->in[k] = x[k]->data;
        j->step[k] = x[k]->count == x[0]->count ? j->D : 0;
    }
    for (int k = 0, p = 0; op->opts[k].name; k++) {
        const em_opt *o = &opts->at[k];
        if (op->opts[k].kind == EM_OPT_ENUM)
            j->reduction = (enum em_reduction)o->i;
        else
            j->p[p++] = op->opts[k].kind == EM_OPT_BOOL ? (double)o->i : o->x;
    }
    j->divisor = j->reduction == EM_MEAN ? (double)j->rows : 1;
}

static double values(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    double total = 0;
    for (int64_t row = lo; row < hi; row++) {
        const double loss = j->rule->value(j, row);
        total += loss;
        if (j->y) j->y[row] = (em_real)loss;
    }
    return total;
}

static double gradients(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    const bool each = j->reduction == EM_NONE;
    for (int64_t row = lo; row < hi; row++)
        j->rule->slope(j, row, each ? j->dy[row] : (em_real)((double)j->dy[0] / j->divisor));
    return 0;
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

static em_status check_rows(const em_call *c, const char *name)
{
    if (c->in[0]->dims >= 1) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s must have at least 1 dim, given a scalar", c->op->name, name);
}

/* The losses' shape is the input's without its last dim. */
static em_status check_targets(const em_call *c, const em_tensor *target)
{
    const em_tensor *x = c->in[0];
    bool fits = target->dims == x->dims - 1;
    for (int d = 0; fits && d < target->dims; d++) fits = target->size[d] == x->size[d];
    if (fits || (x->dims == 1 && target->count == 1 && target->dims == 1)) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: target of shape %s does not fit input of shape %s (expected one number a row, %s)",
                    c->op->name, EM_SHAPE(target), EM_SHAPE(x),
                    em__shape_text((char[EM_SHAPE_TEXT]){0}, x->dims - 1, x->size));
}

static bool is_reduced(const em_call *c)
{
    int reduction = 0;
    while (c->op->opts[reduction].kind != EM_OPT_ENUM) reduction++;
    return c->opts.at[reduction].i != EM_NONE;
}

static em_status make_result(em_call *c)
{
    return em__out(c, 0, c->dtype, is_reduced(c) ? 0 : c->in[0]->dims - 1, c->in[0]->size);
}

static em_status forward(em_call *c, const rule *r)
{
    job j;
    plan(&j, r, c->op, &c->opts, c->in, c->n);
    if (j.reduction == EM_NONE) j.y = EM_REALS(c->out[0]);
    const double total = em__loss_total(values, &j, j.rows, r->cost * (double)j.D);
    if (!j.y) EM_REALS(c->out[0])[0] = (em_real)(total / j.divisor);
    return EM_OK;
}

static em_status place_gradient(job *j, em_tensor **full, em_tensor **dx, const em_node *n, int i)
{
    const bool repeated = i && i == j->rule->shared && j->step[i] == 0;
    em_tensor **to = repeated ? full : &dx[i];
    const em_tensor *like = n->x[repeated ? 0 : i];
    EM_TRY(em_tensor_zeros(to, n->dtype, like->dims, like->size));
    j->dx[i] = EM_REALS(*to);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx, const rule *r)
{
    job j;
    em_tensor *full[IN] = {0};
    em_status s = EM_OK;
    plan(&j, r, n->op, &n->opts, n->x, n->n);
    for (int i = 0; i < n->n && !s; i++)
        if (em__wants(n, i)) s = place_gradient(&j, &full[i], dx, n, i);
    j.dy = EM_REALS(n->dy[0]);
    if (!s && j.rows) em__loss_total(gradients, &j, j.rows, 2 * r->cost * (double)j.D);
    for (int i = 0; i < n->n; i++) {
        if (!s && full[i]) s = em__sum_to(&dx[i], full[i], n->x[i]);
        em_tensor_release(full[i]);
    }
    return s;
}

#define ROW_LOSS(name, cost, shared) \
    static const rule name##_rule = {name##_value, name##_slope, cost, shared}; \
    static em_status name##_forward(em_call *c) { return forward(c, &name##_rule); } \
    static em_status name##_backward(const em_node *n, em_tensor **dx) { return backward(n, dx, &name##_rule); }

#define ROW_LOSS_OP(op, in, options, text) \
    const em_op EM_OP(op) = { \
        .name = #op, .inputs = in, .outputs = "loss", .doc = text, .opts = options, .types = EM_TYPES_FLOAT, \
        .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2), \
        .check = op##_check, .forward = op##_forward, .backward = op##_backward};

#define EM_MARGIN(initial, text) {"margin", EM_OPT_NUMBER, initial, "", text}

/* ---- cosine_embedding_loss ----------------------------------------------------------------------------- */

typedef struct cosine {
    double size_a, size_b, product;         /* |a|^2, |b|^2, |a| |b| */
    double value;
} cosine;

/* Products of numbers of ordinary size are added as they are, of others in double: the square of 1e20 is no float. */
static bool is_ordinary(double size) { return size < 1e30; }

static double wide_dot(const em_real *a, const em_real *b, int64_t D)
{
    double sum = 0;
    for (int64_t i = 0; i < D; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static cosine cosine_of(const em_real *a, const em_real *b, int64_t D)
{
    const double guard = 1e-12;             /* PyTorch's, against vectors of zeros */
    cosine c = {(double)em__row_dot(D, a, a), (double)em__row_dot(D, b, b), 0, (double)em__row_dot(D, a, b)};
    if (!is_ordinary(c.size_a) || !is_ordinary(c.size_b))
        c = (cosine){wide_dot(a, a, D), wide_dot(b, b, D), 0, wide_dot(a, b, D)};
    c.size_a += guard;
    c.size_b += guard;
    c.product = sqrt(c.size_a) * sqrt(c.size_b);
    c.value /= c.product;
    return c;
}

static double cosine_embedding_loss_value(const job *j, int64_t row)
{
    const double cos = cosine_of(row_of(j, 0, row), row_of(j, 1, row), j->D).value;
    const em_real target = ((const em_real *)j->in[2])[row];
    if (target == 1) return 1 - cos;
    return target == -1 && !(cos - j->p[0] <= 0) ? cos - j->p[0] : 0;
}

/* d cos / d a = b / (|a| |b|) - cos a / |a|^2 */
static void cosine_embedding_loss_slope(const job *j, int64_t row, em_real dy)
{
    const em_real *a = row_of(j, 0, row), *b = row_of(j, 1, row);
    const em_real target = ((const em_real *)j->in[2])[row];
    const cosine c = cosine_of(a, b, j->D);
    const bool too_near = target == -1 && !(c.value - j->p[0] < 0);
    if (target != 1 && !too_near) return;
    const double g = target == 1 ? -(double)dy : (double)dy;
    const em_real across = (em_real)(g / c.product);
    const em_real along_a = (em_real)(g * c.value / c.size_a), along_b = (em_real)(g * c.value / c.size_b);
    em_real *da = j->dx[0] ? j->dx[0] + row * j->D : NULL, *db = j->dx[1] ? j->dx[1] + row * j->D : NULL;
    for (int64_t i = 0; da && i < j->D; i++) da[i] += across * b[i] - along_a * a[i];
    for (int64_t i = 0; db && i < j->D; i++) db[i] += across * a[i] - along_b * b[i];
}

static em_status cosine_embedding_loss_check(em_call *c)
{
    EM_TRY(check_rows(c, "input1"));
    EM_TRY(em__check_same_shape(c, c->in[0], "input1", c->in[1], "input2"));
    EM_TRY(check_targets(c, c->in[2]));
    return make_result(c);
}

static const em_opt_spec cosine_opts[] = {
    EM_MARGIN("0", "cosine below which vectors count as dissimilar"), EM_REDUCTION, {0}};
ROW_LOSS(cosine_embedding_loss, 8, 0)
ROW_LOSS_OP(cosine_embedding_loss, "input1 input2 target", cosine_opts,
            "1 - cos of two vectors where the target is 1, max(0, cos - margin) where it is -1.\n"
            "Inputs (..., D) of one shape, target (...); a scalar, or (...) with reduction none.")

/* ---- triplet_margin_loss ------------------------------------------------------------------------------- */

enum { MARGIN, NORM, EPS, SWAP };

static inline em_real magnitude(em_real x) { return x < 0 ? -x : x; }
static inline em_real difference(const em_real *a, const em_real *b, int64_t i, em_real eps)
{
    return a[i] - b[i] + eps;
}

EM_ROW_SUM(sum_of_squares, difference(a, b, i, eps) * difference(a, b, i, eps), const em_real *a, const em_real *b,
           em_real eps)
EM_ROW_SUM(sum_of_sizes, magnitude(difference(a, b, i, eps)), const em_real *a, const em_real *b, em_real eps)

static double sum_of_powers(const em_real *a, const em_real *b, int64_t D, em_real eps, double p)
{
    double sum = 0;
    for (int64_t i = 0; i < D; i++) {
        const double d = fabs((double)difference(a, b, i, eps));
        sum += p == 0 ? d != 0 : pow(d, p);
    }
    return sum;
}

static double largest(const em_real *a, const em_real *b, int64_t D, em_real eps)
{
    double most = 0;
    for (int64_t i = 0; i < D; i++) {
        const double d = fabs((double)difference(a, b, i, eps));
        most = d > most || isnan(d) ? d : most;
    }
    return most;
}

/* The p-norm of a - b + eps, as pairwise_distance. */
static double distance(const job *j, const em_real *a, const em_real *b)
{
    const double p = j->p[NORM];
    const em_real eps = (em_real)j->p[EPS];
    if (p == 2) {
        const double squares = (double)sum_of_squares(j->D, a, b, eps);
        return sqrt(is_ordinary(squares) ? squares : sum_of_powers(a, b, j->D, eps, 2));
    }
    if (p == 1) return (double)sum_of_sizes(j->D, a, b, eps);
    if (p == 0) return sum_of_powers(a, b, j->D, eps, 0);
    return isinf(p) ? largest(a, b, j->D, eps) : pow(sum_of_powers(a, b, j->D, eps, p), 1 / p);
}

/* Slope of a distance of length `norm` by its component d; in the largest component's norm `ties` of them share it. */
static inline double component_slope(double d, double p, double norm, double ties)
{
    const double sign = d > 0 ? 1 : d < 0 ? -1 : 0;
    if (p == 2) return d / norm;
    if (p == 1) return sign;
    if (isinf(p)) return fabs(d) == norm ? sign / ties : 0;
    return sign == 0 ? 0 : sign * pow(fabs(d) / norm, p - 1);
}

static inline void add_slopes(em_real *da, em_real *db, const em_real *a, const em_real *b, int64_t D, em_real eps,
                              double p, double norm, double ties, double g)
{
    for (int64_t i = 0; da && i < D; i++)
        da[i] += (em_real)(g * component_slope((double)difference(a, b, i, eps), p, norm, ties));
    for (int64_t i = 0; db && i < D; i++)
        db[i] -= (em_real)(g * component_slope((double)difference(a, b, i, eps), p, norm, ties));
}

static void add_distance_slope(const job *j, int64_t row, int k, int m, double norm, double g)
{
    const em_real *a = row_of(j, k, row), *b = row_of(j, m, row), eps = (em_real)j->p[EPS];
    em_real *da = j->dx[k] ? j->dx[k] + row * j->D : NULL, *db = j->dx[m] ? j->dx[m] + row * j->D : NULL;
    const double p = j->p[NORM];
    double ties = 0;
    if (norm == 0 || p == 0) return;
    for (int64_t i = 0; isinf(p) && i < j->D; i++) ties += fabs((double)difference(a, b, i, eps)) == norm;
    if (p == 2)
        add_slopes(da, db, a, b, j->D, eps, 2, 1, 0, g / norm);
    else if (p == 1)
        add_slopes(da, db, a, b, j->D, eps, 1, norm, 0, g);
    else
        add_slopes(da, db, a, b, j->D, eps, p, norm, ties, g);
}

static double triplet_margin_loss_value(const job *j, int64_t row)
{
    const em_real *a = row_of(j, 0, row), *p = row_of(j, 1, row), *n = row_of(j, 2, row);
    double away = distance(j, a, n);
    if (j->p[SWAP] != 0) away = fmin(away, distance(j, p, n));
    const double loss = j->p[MARGIN] + distance(j, a, p) - away;
    return loss < 0 ? 0 : loss;
}

static void triplet_margin_loss_slope(const job *j, int64_t row, em_real dy)
{
    const em_real *a = row_of(j, 0, row), *p = row_of(j, 1, row), *n = row_of(j, 2, row);
    const double near = distance(j, a, p), away = distance(j, a, n), g = (double)dy;
    const double other = j->p[SWAP] != 0 ? distance(j, p, n) : INFINITY;
    if (j->p[MARGIN] + near - fmin(away, other) < 0) return;
    const double share = away < other ? 1 : away > other ? 0 : 0.5;     /* of equal ones each takes half */
    add_distance_slope(j, row, 0, 1, near, g);
    if (share != 0) add_distance_slope(j, row, 0, 2, away, -g * share);
    if (share != 1) add_distance_slope(j, row, 1, 2, other, -g * (1 - share));
}

static em_status triplet_margin_loss_check(em_call *c)
{
    EM_TRY(check_rows(c, "anchor"));
    EM_TRY(em__check_same_shape(c, c->in[0], "anchor", c->in[1], "positive"));
    EM_TRY(em__check_same_shape(c, c->in[0], "anchor", c->in[2], "negative"));
    return make_result(c);
}

static const em_opt_spec triplet_opts[] = {
    EM_MARGIN("1", "by which the negative should be farther than the positive"),
    {"p", EM_OPT_NUMBER, "2", "", "norm of the distances"},
    {"eps", EM_OPT_NUMBER, "1e-6", "", "added to each component of a difference"},
    {"swap", EM_OPT_BOOL, "false", "", "takes the distance of positive and negative where it is the smaller"},
    EM_REDUCTION,
    {0}};
ROW_LOSS(triplet_margin_loss, 12, 0)
ROW_LOSS_OP(triplet_margin_loss, "anchor positive negative", triplet_opts,
            "max(0, |anchor - positive| - |anchor - negative| + margin).\n"
            "Inputs (..., D) of one shape; a scalar, or (...) with reduction none.")

/* ---- multi_margin_loss --------------------------------------------------------------------------------- */

static double multi_margin_loss_value(const job *j, int64_t row)
{
    const em_real *x = row_of(j, 0, row);
    const int64_t id = id_of(j, row);
    const double margin = j->p[1], right = (double)x[id];
    double sum = 0;
    for (int64_t i = 0; i < j->D; i++) {
        const double z = margin - right + (double)x[i];
        if (i != id && !(z <= 0)) sum += j->p[0] == 1 ? z : z * z;
    }
    return sum * (j->in[2] ? (double)((const em_real *)j->in[2])[id] : 1) / (double)j->D;
}

static void multi_margin_loss_slope(const job *j, int64_t row, em_real dy)
{
    const em_real *x = row_of(j, 0, row);
    em_real *dx = j->dx[0] + row * j->D;
    const int64_t id = id_of(j, row);
    const double margin = j->p[1], right = (double)x[id];
    const double g = (double)dy * (j->in[2] ? (double)((const em_real *)j->in[2])[id] : 1) / (double)j->D;
    double sum = 0;
    for (int64_t i = 0; i < j->D; i++) {
        const double z = margin - right + (double)x[i];
        if (i == id || z <= 0) continue;
        const double slope = j->p[0] == 1 ? g : 2 * g * z;
        dx[i] = (em_real)slope;
        sum += slope;
    }
    dx[id] = (em_real)-sum;
}

static em_status multi_margin_loss_check(em_call *c)
{
    const em_tensor *x = c->in[0], *weight = c->in[2];
    EM_TRY(check_rows(c, "input"));
    if (x->dims > 2) return em__check_dims(c, x, 2, "input");
    EM_TRY(check_targets(c, c->in[1]));
    if (c->opts.at[0].i != 1 && c->opts.at[0].i != 2)
        return em__fail(EM_EVALUE, "%s: p must be 1 or 2, given %lld", c->op->name, (long long)c->opts.at[0].i);
    if (weight && (weight->dims != 1 || weight->count != x->size[x->dims - 1]))
        return em__fail(EM_ESHAPE, "%s: weight must have shape (%lld), one for each class, given %s", c->op->name,
                        (long long)x->size[x->dims - 1], EM_SHAPE(weight));
    EM_TRY(em__check_ids(c->op->name, c->in[1], x->size[x->dims - 1], "classes of target"));
    if (is_reduced(c)) return make_result(c);
    return em__out(c, 0, c->dtype, c->in[1]->dims, c->in[1]->size);     /* of one row (C): () or (1) */
}

static const em_opt_spec multi_margin_opts[] = {
    {"p", EM_OPT_INT, "1", "", "power of what is missing to the margin, 1 or 2"},
    EM_MARGIN("1", "by which the right class should lead"),
    EM_REDUCTION,
    {0}};
static const rule multi_margin_loss_rule = {multi_margin_loss_value, multi_margin_loss_slope, 4, 0};
static em_status multi_margin_loss_forward(em_call *c) { return forward(c, &multi_margin_loss_rule); }

static em_status multi_margin_loss_backward(const em_node *n, em_tensor **dx)
{
    EM_TRY(em__no_gradient(n, 2, "weight"));
    return em__wants(n, 0) ? backward(n, dx, &multi_margin_loss_rule) : EM_OK;
}

ROW_LOSS_OP(multi_margin_loss, "input target# weight?", multi_margin_opts,
            "Sum over the wrong classes i of weight[target] max(0, margin - input[target] + input[i])^p / C.\n"
            "Input (N, C) or (C), target (N) or one id, weight (C); a scalar, or (N) with reduction none.")

/* ---- multilabel_soft_margin_loss ----------------------------------------------------------------------- */

static em_real softplus(em_real x) { return em__log1p(em__exp(x < 0 ? x : -x)) + (x < 0 ? 0 : x); }

static em_real label_loss(em_real x, em_real t) { return (1 - t) * x + softplus(-x); }

static double multilabel_soft_margin_loss_value(const job *j, int64_t row)
{
    const em_real *x = row_of(j, 0, row), *t = row_of(j, 1, row), *w = j->in[2] ? row_of(j, 2, row) : NULL;
    double sum = 0;
    for (int64_t i = 0; i < j->D; i++) sum += (double)(label_loss(x[i], t[i]) * (w ? w[i] : 1));
    return sum / (double)j->D;
}

static void multilabel_soft_margin_loss_slope(const job *j, int64_t row, em_real dy)
{
    const em_real *x = row_of(j, 0, row), *t = row_of(j, 1, row), *w = j->in[2] ? row_of(j, 2, row) : NULL;
    const em_real g = dy / (em_real)j->D;
    em_real *to[IN];
    for (int k = 0; k < IN; k++) to[k] = j->dx[k] ? j->dx[k] + row * j->D : NULL;
    for (int64_t i = 0; to[0] && i < j->D; i++) to[0][i] = g * (w ? w[i] : 1) * (em__sigmoid(x[i]) - t[i]);
    for (int64_t i = 0; to[1] && i < j->D; i++) to[1][i] = -g * (w ? w[i] : 1) * x[i];
    for (int64_t i = 0; to[2] && i < j->D; i++) to[2][i] = g * label_loss(x[i], t[i]);
}

static em_status multilabel_soft_margin_loss_check(em_call *c)
{
    const em_tensor *x = c->in[0], *weight = c->in[2];
    EM_TRY(check_rows(c, "input"));
    EM_TRY(em__check_same_shape(c, x, "input", c->in[1], "target"));
    if (weight && (weight->dims != 1 || weight->count != x->size[x->dims - 1]))
        EM_TRY(em__check_same_shape(c, x, "input", weight, "weight"));
    return make_result(c);
}

static const em_opt_spec only_reduction[] = {EM_REDUCTION, {0}};
ROW_LOSS(multilabel_soft_margin_loss, 24, 2)
ROW_LOSS_OP(multilabel_soft_margin_loss, "input target weight?", only_reduction,
            "Mean over the classes of -weight (target log s(input) + (1 - target) log(1 - s(input))), s the sigmoid.\n"
            "Input and target (..., C) of one shape, weight (C) or as they; a scalar, or (...) with reduction none.")
