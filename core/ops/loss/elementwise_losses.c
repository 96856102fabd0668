/* Losses that are computed element by element: loss = f(x, t, u, v), x the input, t the target, u and v what else there
 * is; a row holds f and its slope by each. dx = dy df/dx, and so for the others, with dy over the number of losses
 * where the reduction is the mean, summed over what was repeated. One pass over the inputs forward and one backward, in
 * blocks that stay in the first cache. */
#include "ops/loss/loss.h"

#include "math/vector_math.h"

enum { IN = 4, PARAMS = 3, BLOCK = 256 };

typedef void loss_loop(em_real *restrict y, const em_real *const in[IN], int64_t n, const em_real p[PARAMS]);

typedef struct rule {
    loss_loop *value;
    loss_loop *slope[IN];                   /* for each input, not yet times the incoming gradient */
    em_status (*limits)(const em_call *c);  /* values that are refused; may be null */
    bool same;                              /* the target must have the input's shape, the rest broadcast to it */
    double cost;                            /* units of work an element */
} rule;

typedef struct job {
    const rule *rule;
    const em_real *in[IN];                  /* null: an optional input left out, all ones */
    em_real p[PARAMS];                      /* the options but reduction, in their order */
    int inputs, dims;
    int64_t size[EM_MAX_DIMS], count;       /* of the losses, before they are reduced */
    em_iterator iterator;
    enum em_reduction reduction;
    double divisor;
    em_real *y;                             /* the losses, or null where only their sum is wanted */
    const em_real *dy;
    em_real *dx[IN];
} job;

/* ---- shapes -------------------------------------------------------------------------------------------- */

static em_status joint_shape(job *j, em_tensor *const *x, const char *name)
{
    em_tensor joint = {.dims = x[0]->dims};
    for (int d = 0; d < joint.dims; d++) joint.size[d] = x[0]->size[d];
    for (int k = 1; k < j->inputs; k++) {
        if (!x[k]) continue;
        int64_t sizes[EM_MAX_DIMS];
        int dims;
        EM_TRY(em__broadcast(&dims, sizes, &joint, x[k], name));
        joint.dims = dims;
        for (int d = 0; d < dims; d++) joint.size[d] = sizes[d];
    }
    j->dims = joint.dims;
    j->count = 1;
    for (int d = 0; d < joint.dims; d++) j->count *= j->size[d] = joint.size[d];
    return EM_OK;
}

static void plan_iterator(job *j, em_tensor *const *x)
{
    int64_t strides[IN][EM_MAX_DIMS] = {{0}};
    const int64_t *rows[IN];
    for (int k = 0; k < IN; k++) {
        rows[k] = strides[k];
        if (k < j->inputs && x[k]) em__broadcast_strides(strides[k], x[k], j->dims, j->size);
    }
    em__iterator_init(&j->iterator, j->inputs, j->dims, j->size, rows);
}

static void read_options(job *j, const em_op *op, const em_opts *opts)
{
    int n = 0;
    for (int k = 0; op->opts[k].name; k++) {
        const em_opt *o = &opts->at[k];
        if (op->opts[k].kind == EM_OPT_ENUM)
            j->reduction = (enum em_reduction)o->i;
        else
            j->p[n++] = op->opts[k].kind == EM_OPT_BOOL ? (em_real)o->i : (em_real)o->x;
    }
}

static em_status plan(job *j, const rule *r, const em_op *op, const em_opts *opts, em_tensor *const *x, int n)
{
    *j = (job){.rule = r, .inputs = n};
    read_options(j, op, opts);
    EM_TRY(joint_shape(j, x, op->name));
    plan_iterator(j, x);
    for (int k = 0; k < n; k++) j->in[k] = x[k] ? EM_REALS(x[k]) : NULL;
    const int64_t batch = x[0]->dims ? x[0]->size[0] : 1;
    j->divisor = j->reduction == EM_MEAN ? (double)j->count : j->reduction == EM_BATCHMEAN ? (double)batch : 1;
    return EM_OK;
}

/* ---- loops --------------------------------------------------------------------------------------------- */

static void gather(em_real *to, const job *j, int k, int64_t at, int64_t n)
{
    const em_iterator *w = &j->iterator;
    const int64_t step = w->stride[k][w->dims - 1];
    int64_t row = at / w->inner, i = at % w->inner, offset[EM_ITERATED];
    for (; n > 0; row++, i = 0) {
        em__iterator_at(w, row, offset);
        const em_real *from = j->in[k] + offset[k] + i * step;
        const int64_t m = em__min(n, w->inner - i);
        for (int64_t q = 0; q < m; q++) to[q] = from[q * step];
        to += m;
        n -= m;
    }
}

/* Elements at .. at+n-1 of each input, seen in the shape of the losses. */
static void load(const em_real *in[IN], em_real buffer[IN][BLOCK], const job *j, int64_t at, int64_t n)
{
    for (int k = 0; k < IN; k++) {
        in[k] = buffer[k];
        if (k >= j->inputs)
            in[k] = in[0];                  /* not read */
        else if (!j->in[k])
            for (int64_t q = 0; q < n; q++) buffer[k][q] = 1;
        else if (j->iterator.dims == 1 && j->iterator.stride[k][0] == 1)
            in[k] = j->in[k] + at;
        else
            gather(buffer[k], j, k, at, n);
    }
}

static double values(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    const em_real *in[IN];
    em_real buffer[IN][BLOCK], y[BLOCK];
    double total = 0;
    for (int64_t at = lo; at < hi; at += BLOCK) {
        const int64_t n = em__min(BLOCK, hi - at);
        load(in, buffer, j, at, n);
        j->rule->value(j->y ? j->y + at : y, in, n, j->p);
        if (!j->y) total += em__loss_sum(y, n);
    }
    return total;
}

static double gradients(const void *context, int64_t lo, int64_t hi)
{
    const job *j = context;
    const em_real *in[IN];
    em_real buffer[IN][BLOCK];
    const bool each = j->reduction == EM_NONE;
    const em_real scale = (em_real)((double)j->dy[0] / j->divisor);
    for (int64_t at = lo; at < hi; at += BLOCK) {
        const int64_t n = em__min(BLOCK, hi - at);
        load(in, buffer, j, at, n);
        for (int k = 0; k < j->inputs; k++) {
            if (!j->dx[k]) continue;
            em_real *dx = j->dx[k] + at;
            j->rule->slope[k](dx, in, n, j->p);
            for (int64_t q = 0; q < n; q++) dx[q] *= each ? j->dy[at + q] : scale;
        }
    }
    return 0;
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

static em_status check(em_call *c, const rule *r)
{
    job j;
    if (r->same) EM_TRY(em__check_same_shape(c, c->in[0], "input", c->in[1], "target"));
    EM_TRY(plan(&j, r, c->op, &c->opts, c->in, c->n));
    for (int k = 2; k < c->n; k++)
        if (r->same && c->in[k] && !em__broadcasts_to(c->in[k], c->in[0]->dims, c->in[0]->size))
            return em__fail(EM_ESHAPE, "%s: weights of shape %s do not broadcast to the input's shape %s", c->op->name,
                            EM_SHAPE(c->in[k]), EM_SHAPE(c->in[0]));
    if (r->limits) EM_TRY(r->limits(c));
    return em__out(c, 0, c->dtype, j.reduction == EM_NONE ? j.dims : 0, j.size);
}

static em_status forward(em_call *c, const rule *r)
{
    job j;
    EM_TRY(plan(&j, r, c->op, &c->opts, c->in, c->n));
    if (j.reduction == EM_NONE) j.y = EM_REALS(c->out[0]);
    const double total = em__loss_total(values, &j, j.count, r->cost);
    if (!j.y) EM_REALS(c->out[0])[0] = (em_real)(total / j.divisor);
    return EM_OK;
}

/* A gradient in the shape of the losses; em__sum_to then brings it to that of an input which was repeated. */
static em_status place_gradient(job *j, em_tensor **full, em_tensor **dx, const em_node *n, int i)
{
    if (n->x[i]->count == j->count) {
        EM_TRY(em__dx(dx, n, i));
        j->dx[i] = EM_REALS(dx[i]);
        return EM_OK;
    }
    EM_TRY(em_tensor_empty(full, n->dtype, j->dims, j->size));
    j->dx[i] = EM_REALS(*full);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx, const rule *r)
{
    job j;
    em_tensor *full[IN] = {0};
    EM_TRY(plan(&j, r, n->op, &n->opts, n->x, n->n));
    em_status s = EM_OK;
    for (int i = 0; i < n->n && !s; i++)
        if (em__wants(n, i)) s = place_gradient(&j, &full[i], dx, n, i);
    j.dy = EM_REALS(n->dy[0]);
    if (!s && j.count) em__loss_total(gradients, &j, j.count, r->cost * 2);
    for (int i = 0; i < n->n; i++) {
        if (!s && full[i]) s = em__sum_to(&dx[i], full[i], n->x[i]);
        em_tensor_release(full[i]);
    }
    return s;
}

/* ---- values that are refused --------------------------------------------------------------------------- */

static em_status number_above(const em_call *c, int opt, double least, bool or_equal)
{
    const double x = c->opts.at[opt].x;
    if (or_equal ? x >= least : x > least) return EM_OK;
    return em__fail(EM_EVALUE, "%s: %s must be %s %g, given %g", c->op->name, c->op->opts[opt].name,
                    or_equal ? "at least" : "above", least, x);
}

static em_status beta_limits(const em_call *c) { return number_above(c, 1, 0, true); }
static em_status delta_limits(const em_call *c) { return number_above(c, 1, 0, false); }

/* All elements of input k must be in low .. high; a NaN is in no range. */
static em_status elements_within(const em_call *c, int k, const char *what, em_real low, em_real high,
                                 const char *expected)
{
    const em_real *x = EM_REALS(c->in[k]);
    const int64_t n = c->in[k]->count;
    int64_t bad = INT64_MAX;
    if (n < 2 * EM_GRAIN) {
        for (int64_t i = n - 1; i >= 0; i--) bad = x[i] >= low && x[i] <= high ? bad : i;
    } else {
        EM_PARALLEL_MIN(i, n, bad) bad = em__min(bad, x[i] >= low && x[i] <= high ? INT64_MAX : i);
    }
    if (bad == INT64_MAX) return EM_OK;
    return em__fail(EM_EVALUE, "%s: %s %g at position %s; expected %s", c->op->name, what, (double)x[bad],
                    EM_POSITION(c->in[k], bad), expected);
}

static em_status probability_limits(const em_call *c)
{
    return elements_within(c, 0, "input", 0, 1, "probabilities, 0 to 1");
}

static em_status variance_limits(const em_call *c)
{
    return elements_within(c, 2, "var", 0, (em_real)INFINITY, "no negative variance");
}

/* ---- formulas: x is input 0, t input 1, u and v the further ones; a, b, c the options but reduction ------ */

static inline em_real sign(em_real x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
static inline em_real magnitude(em_real x) { return x < 0 ? -x : x; }
static inline em_real above(em_real x, em_real least) { return x < least ? least : x; }     /* a NaN stays */
static inline em_real within(em_real x, em_real most) { return x < -most ? -most : x > most ? most : x; }

/* log(1 + exp(x)); exp of a large x would overflow */
static inline em_real softplus(em_real x) { return em__log1p(em__exp(-magnitude(x))) + above(x, 0); }

/* PyTorch's bound for logarithms of probabilities: a sure and wrong answer costs 100, not infinity. */
static inline em_real bounded_log(em_real x) { return above(em__log(x), -100); }
static inline em_real bounded_log1m(em_real x) { return above(em__log1p(-x), -100); }

/* log(t!) by Stirling's formula */
static inline em_real stirling(em_real t)
{
    return t > 1 ? t * em__log(t) - t + em__log((em_real)6.283185307179586 * t) / 2 : 0;
}

typedef em_real formula(em_real x, em_real t, em_real u, em_real v, em_real a, em_real b, em_real c);

EM_INLINE void each(formula *f, em_real *restrict y, const em_real *const in[IN], int64_t n, const em_real p[PARAMS])
{
    const em_real a = p[0], b = p[1], c = p[2];
    for (int64_t j = 0; j < n; j++) y[j] = f(in[0][j], in[1][j], in[2][j], in[3][j], a, b, c);
}

#define FORMULA(name, expression) \
    static inline em_real name##_of(em_real x, em_real t, em_real u, em_real v, em_real a, em_real b, em_real c) \
    { \
        return (void)x, (void)t, (void)u, (void)v, (void)a, (void)b, (void)c, (expression); \
    } \
    static void name(em_real *restrict y, const em_real *const in[IN], int64_t n, const em_real p[PARAMS]) \
    { \
        each(name##_of, y, in, n, p); \
    }

#define LOSS(name, limits, same, cost, value, slope_x, slope_t, slope_u, slope_v) \
    FORMULA(name##_value, value) \
    FORMULA(name##_dx, slope_x) \
    FORMULA(name##_dt, slope_t) \
    FORMULA(name##_du, slope_u) \
    FORMULA(name##_dv, slope_v) \
    static const rule name = {name##_value, {name##_dx, name##_dt, name##_du, name##_dv}, limits, same, cost}; \
    static em_status name##_check(em_call *c) { return check(c, &name); } \
    static em_status name##_forward(em_call *c) { return forward(c, &name); } \
    static em_status name##_backward(const em_node *n, em_tensor **dx) { return backward(n, dx, &name); }

#define LOSS_OP(op, in, options, text) \
    const em_op EM_OP(op) = { \
        .name = #op, .inputs = in, .outputs = "loss", .doc = text, .opts = options, .types = EM_TYPES_FLOAT, \
        .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2) | EM_SAVE_X(3), \
        .check = op##_check, .forward = op##_forward, .backward = op##_backward};

#define SHAPES "Input and target broadcast; a scalar, or the losses' shape with reduction none."

static const em_opt_spec only_reduction[] = {EM_REDUCTION, {0}};

LOSS(mse_loss, NULL, false, 2, (x - t) * (x - t), 2 * (x - t), 2 * (t - x), 0, 0)
LOSS_OP(mse_loss, "input target", only_reduction, "Squared difference. " SHAPES)

LOSS(l1_loss, NULL, false, 2, magnitude(x - t), sign(x - t), sign(t - x), 0, 0)
LOSS_OP(l1_loss, "input target", only_reduction, "Absolute difference. " SHAPES)

static const em_opt_spec smooth_l1_opts[] = {
    EM_REDUCTION,
    {"beta", EM_OPT_NUMBER, "1", "", "difference from which the loss grows as a line; 0: l1_loss"},
    {0}};
LOSS(smooth_l1_loss, beta_limits, false, 4,
     magnitude(x - t) < a ? (x - t) * (x - t) / (2 * a) : magnitude(x - t) - a / 2,
     magnitude(x - t) < a ? (x - t) / a : sign(x - t), magnitude(x - t) < a ? (t - x) / a : sign(t - x), 0, 0)
LOSS_OP(smooth_l1_loss, "input target", smooth_l1_opts,
        "d^2 / (2 beta) where the difference |d| is below beta, |d| - beta / 2 elsewhere. " SHAPES)

static const em_opt_spec huber_opts[] = {
    EM_REDUCTION, {"delta", EM_OPT_NUMBER, "1", "", "difference from which the loss grows as a line"}, {0}};
LOSS(huber_loss, delta_limits, false, 4,
     magnitude(x - t) < a ? (x - t) * (x - t) / 2 : a * (magnitude(x - t) - a / 2),
     within(x - t, a), within(t - x, a), 0, 0)
LOSS_OP(huber_loss, "input target", huber_opts,
        "d^2 / 2 where the difference |d| is below delta, delta (|d| - delta / 2) elsewhere. " SHAPES)

LOSS(binary_cross_entropy, probability_limits, true, 24,
     -u * (t * bounded_log(x) + (1 - t) * bounded_log1m(x)),
     u * (x - t) / above(x * (1 - x), (em_real)1e-12), u * (bounded_log1m(x) - bounded_log(x)),
     -(t * bounded_log(x) + (1 - t) * bounded_log1m(x)), 0)
LOSS_OP(binary_cross_entropy, "input target weight?", only_reduction,
        "-weight (target log input + (1 - target) log(1 - input)) of probabilities, each logarithm at least -100.\n"
        "Input and target have one shape, weight broadcasts to it. Fails where an input is not in 0 .. 1.")

/* -(p t log s(x) + (1 - t) log(1 - s(x))) = (1 - t) x + (1 + (p - 1) t) softplus(-x), s the sigmoid, p = pos_weight */
LOSS(binary_cross_entropy_with_logits, NULL, true, 24,
     u * ((1 - t) * x + (1 + (v - 1) * t) * softplus(-x)),
     u * (1 - t - (1 + (v - 1) * t) * em__sigmoid(-x)), u * ((v - 1) * softplus(-x) - x),
     (1 - t) * x + (1 + (v - 1) * t) * softplus(-x), u * t * softplus(-x))
LOSS_OP(binary_cross_entropy_with_logits, "input target weight? pos_weight?", only_reduction,
        "binary_cross_entropy of sigmoid(input), without its loss of precision.\n"
        "-weight (pos_weight target log s + (1 - target) log(1 - s)). Input and target have one shape, the weights "
        "broadcast to it.")

static const em_opt_spec kl_opts[] = {
    {"reduction", EM_OPT_ENUM, "mean", "mean sum none batchmean",
     "mean over all elements, their sum, none: each by itself, or the sum divided by the size of dim 0"},
    {"log_target", EM_OPT_BOOL, "false", "", "the target holds logarithms of probabilities, as the input does"},
    {0}};
LOSS(kl_div, NULL, false, 16,
     a != 0 ? em__exp(t) * (t - x) : t == 0 ? 0 : t * (em__log(t) - x),
     a != 0 ? -em__exp(t) : -t, a != 0 ? em__exp(t) * (t - x + 1) : t == 0 ? 0 : em__log(t) - x + 1, 0, 0)
LOSS_OP(kl_div, "input target", kl_opts,
        "Divergence of a distribution from the target: target (log target - input), 0 where target is 0; input holds\n"
        "log-probabilities.\n"
        SHAPES)

LOSS(soft_margin_loss, NULL, false, 20, softplus(-t * x), -t * em__sigmoid(-t * x), -x * em__sigmoid(-t * x), 0, 0)
LOSS_OP(soft_margin_loss, "input target", only_reduction, "log(1 + exp(-target * input)) for targets 1 and -1. " SHAPES)

static const em_opt_spec poisson_opts[] = {
    {"log_input", EM_OPT_BOOL, "true", "", "the input is the logarithm of the expected count"},
    {"full", EM_OPT_BOOL, "false", "", "adds Stirling's approximation of log(target!)"},
    {"eps", EM_OPT_NUMBER, "1e-8", "", "added inside of log(input) when log_input is false"},
    EM_REDUCTION,
    {0}};
LOSS(poisson_nll_loss, NULL, false, 24,
     (a != 0 ? em__exp(x) - t * x : x - t * em__log(x + c)) + (b != 0 ? stirling(t) : 0),
     a != 0 ? em__exp(x) - t : 1 - t / (x + c),
     (a != 0 ? -x : -em__log(x + c)) + (b != 0 && t > 1 ? em__log(t) + 1 / (2 * t) : 0), 0, 0)
LOSS_OP(poisson_nll_loss, "input target", poisson_opts,
        "exp(input) - target * input, or input - target * log(input + eps) when log_input is false. " SHAPES)

static const em_opt_spec gaussian_opts[] = {
    {"full", EM_OPT_BOOL, "false", "", "adds the constant log(2 pi) / 2"},
    {"eps", EM_OPT_NUMBER, "1e-6", "", "least variance; a smaller one counts as this"},
    EM_REDUCTION,
    {0}};
LOSS(gaussian_nll_loss, variance_limits, false, 16,
     (em__log(above(u, b)) + (x - t) * (x - t) / above(u, b)) / 2 + a * (em_real)0.9189385332046727,
     (x - t) / above(u, b), (t - x) / above(u, b),
     (1 - (x - t) * (x - t) / above(u, b)) / (2 * above(u, b)), 0)
LOSS_OP(gaussian_nll_loss, "input target var", gaussian_opts,
        "(log var + (input - target)^2 / var) / 2. Input, target and var broadcast; fails where var is negative.\n"
        "A scalar, or the losses' shape with reduction none.")

static const em_opt_spec hinge_opts[] = {
    {"margin", EM_OPT_NUMBER, "1", "", "distance that dissimilar pairs should have"}, EM_REDUCTION, {0}};
LOSS(hinge_embedding_loss, NULL, false, 4,
     (t == -1 ? 0 : x) + (t == 1 ? 0 : above(a - x, 0)), (em_real)((t != -1) - (t != 1 && a - x >= 0)), 0, 0, 0)
LOSS_OP(hinge_embedding_loss, "input target", hinge_opts,
        "The distance, input, where the target is 1, max(0, margin - input) where it is -1. " SHAPES)

static const em_opt_spec ranking_opts[] = {
    {"margin", EM_OPT_NUMBER, "0", "", "by which the right input should be the larger"}, EM_REDUCTION, {0}};
LOSS(margin_ranking_loss, NULL, false, 4,
     above(u * (t - x) + a, 0), u * (t - x) + a >= 0 ? -u : 0, u * (t - x) + a >= 0 ? u : 0,
     u * (t - x) + a >= 0 ? t - x : 0, 0)
LOSS_OP(margin_ranking_loss, "input1 input2 target", ranking_opts,
        "max(0, -target (input1 - input2) + margin): target 1 wants input1 larger, -1 input2.\n"
        "All three broadcast. A scalar, or the losses' shape with reduction none.")
