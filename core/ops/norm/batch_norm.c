/* batch_norm: input (N, C, S), each channel to mean 0 and variance 1 over samples and positions (training) or by its
 * running statistics, then scaled and shifted. With r = 1 / sqrt(var + eps), z = (x - mean) r:
 *
 *     y = w z + b,  dx = w r (dy - mean(dy) - z mean(dy z)), or w r dy by running statistics
 *     dw = sum dy z,  db = sum dy;  running = (1 - momentum) running + momentum (mean, or var n / (n - 1)) */

/* Work is cut by channels, so sums over the batch need no slices. With S = 1 a channel is a column: a strip of
 * neighbouring columns is summed at once. */
#include <math.h>

#include "ops/reduce/row_sums.h"

enum { STRIP = 16 };

typedef struct job {
    int64_t N, C, S;
    bool training;
    double momentum, eps;
    const em_real *x, *weight, *bias, *dy;
    em_real *running_mean, *running_var;
    em_real *y, *mean, *rstd;               /* of each channel; null where no backward may follow */
    em_real *dx, *dweight, *dbias;
} job;

/* One strip: m channels from c on (m = 1 unless S = 1). */
typedef double strip[STRIP];

static const em_real *at(const em_real *x, const job *j, int64_t n, int64_t c) { return x + (n * j->C + c) * j->S; }

static void strip_mean(strip mean, const job *j, int64_t c, int64_t m)
{
    for (int64_t k = 0; k < m; k++) mean[k] = 0;
    for (int64_t n = 0; n < j->N && !em__stop; n++) {
        const em_real *x = at(j->x, j, n, c);
        if (j->S == 1)
            for (int64_t k = 0; k < m; k++) mean[k] += (double)x[k];
        else
            mean[0] += (double)em__row_sum(j->S, x);
    }
    for (int64_t k = 0; k < m; k++) mean[k] /= (double)(j->N * j->S);
}

static void strip_var(strip var, const strip mean, const job *j, int64_t c, int64_t m)
{
    for (int64_t k = 0; k < m; k++) var[k] = 0;
    for (int64_t n = 0; n < j->N && !em__stop; n++) {
        const em_real *x = at(j->x, j, n, c);
        if (j->S == 1)
            for (int64_t k = 0; k < m; k++) var[k] += ((double)x[k] - mean[k]) * ((double)x[k] - mean[k]);
        else
            var[0] += (double)em__row_squares(j->S, x, (em_real)mean[0]);
    }
    for (int64_t k = 0; k < m; k++) var[k] /= (double)(j->N * j->S);
}

/* Sums of dy and of dy (x - mean) */
static void strip_sums(strip sum, strip product, const job *j, int64_t c, int64_t m)
{
    for (int64_t k = 0; k < m; k++) sum[k] = product[k] = 0;
    for (int64_t n = 0; n < j->N && !em__stop; n++) {
        const em_real *x = at(j->x, j, n, c), *dy = at(j->dy, j, n, c);
        if (j->S != 1) {
            sum[0] += (double)em__row_sum(j->S, dy);
            product[0] += (double)em__row_product(j->S, dy, x, j->mean[c]);
        }
        for (int64_t k = 0; j->S == 1 && k < m; k++) {
            sum[k] += (double)dy[k];
            product[k] += (double)(dy[k] * (x[k] - j->mean[c + k]));
        }
    }
}

/* ---- forward ------------------------------------------------------------------------------------------- */

/* running = (1 - momentum) running + momentum batch; the variance as an estimate for more than this batch */
static void follow(const job *j, int64_t c, double mean, double var)
{
    const double count = (double)(j->N * j->S), m = j->momentum;
    if (j->running_mean) j->running_mean[c] = (em_real)((1 - m) * (double)j->running_mean[c] + m * mean);
    if (j->running_var)
        j->running_var[c] = (em_real)((1 - m) * (double)j->running_var[c] + m * var * count / (count - 1));
}

static void normalize_strip(const job *j, int64_t c, int64_t m)
{
    strip mean, var;
    em_real scale[STRIP], shift[STRIP], centre[STRIP];
    if (j->training) {
        strip_mean(mean, j, c, m);
        strip_var(var, mean, j, c, m);
        if (em__stop) return;               /* not all was summed: running statistics stay */
    }
    for (int64_t k = 0; k < m; k++) {
        if (!j->training) {
            mean[k] = (double)j->running_mean[c + k];
            var[k] = (double)j->running_var[c + k];
        } else {
            follow(j, c + k, mean[k], var[k]);
        }
        const double rstd = 1 / sqrt(var[k] + j->eps);
        centre[k] = (em_real)mean[k];
        scale[k] = (em_real)(rstd * (j->weight ? (double)j->weight[c + k] : 1));
        shift[k] = j->bias ? j->bias[c + k] : 0;
        if (!j->mean) continue;
        j->mean[c + k] = centre[k];
        j->rstd[c + k] = (em_real)rstd;
    }
    for (int64_t n = 0; n < j->N && !em__stop; n++) {
        const em_real *x = at(j->x, j, n, c);
        em_real *y = j->y + (x - j->x);
        if (j->S == 1)
            for (int64_t k = 0; k < m; k++) y[k] = (x[k] - centre[k]) * scale[k] + shift[k];
        else
            for (int64_t s = 0; s < j->S; s++) y[s] = (x[s] - centre[0]) * scale[0] + shift[0];
    }
}

/* ---- backward: with z = (x - mean) rstd, dx = w rstd (dy - mean(dy) - z mean(dy z)); the means count in  */

static void strip_gradient(const job *j, int64_t c, int64_t m)
{
    strip sum, product;
    em_real scale[STRIP], level[STRIP], slope[STRIP];
    strip_sums(sum, product, j, c, m);
    for (int64_t k = 0; k < m; k++) {
        const double rstd = (double)j->rstd[c + k], count = (double)(j->N * j->S);
        if (j->dweight) j->dweight[c + k] = (em_real)(product[k] * rstd);
        if (j->dbias) j->dbias[c + k] = (em_real)sum[k];
        scale[k] = (em_real)rstd * (j->weight ? j->weight[c + k] : 1);
        level[k] = j->training ? (em_real)(sum[k] / count) : 0;
        slope[k] = j->training ? (em_real)(product[k] * rstd * rstd / count) : 0;
    }
    if (!j->dx) return;
    for (int64_t n = 0; n < j->N && !em__stop; n++) {
        const em_real *x = at(j->x, j, n, c), *dy = at(j->dy, j, n, c), *mean = j->mean + c;
        em_real *dx = j->dx + (x - j->x);
        if (!j->training)                               /* x is not asked: it may be infinite */
            for (int64_t k = 0; k < m * j->S; k++) dx[k] = scale[j->S == 1 ? k : 0] * dy[k];
        else if (j->S == 1)
            for (int64_t k = 0; k < m; k++) dx[k] = scale[k] * (dy[k] - level[k] - (x[k] - mean[k]) * slope[k]);
        else
            for (int64_t s = 0; s < j->S; s++) dx[s] = scale[0] * (dy[s] - level[0] - (x[s] - mean[0]) * slope[0]);
    }
}

static void each_strip(const job *j, void (*work)(const job *, int64_t, int64_t))
{
    const int64_t m = j->S == 1 ? STRIP : 1, strips = (j->C + m - 1) / m;
    const double each = 10 * (double)(j->N * j->S * m);
    if ((double)strips * each < 2.0 * EM_GRAIN) {
        for (int64_t k = 0; k < strips; k++) work(j, k * m, em__min(m, j->C - k * m));
        return;
    }
    EM_PARALLEL_EACH(k, strips, each)
        if (!em__stop) work(j, k * m, em__min(m, j->C - k * m));
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

enum { X, MEAN, VAR, WEIGHT, BIAS, INPUTS };

static em_status check_channels(const em_call *c, int i, const char *name)
{
    const em_tensor *t = c->in[i], *x = c->in[X];
    if (!t) return EM_OK;
    if (t->dims != 1 || t->count != x->size[1])
        return em__fail(EM_ESHAPE, "%s: %s must have shape (%lld), one for each channel, got %s", c->op->name, name,
                        (long long)x->size[1], EM_SHAPE(t));
    if (t->dtype != x->dtype)
        return em__fail(EM_ETYPE, "%s: %s is %s, the input %s; expected the same", c->op->name, name,
                        em_dtype_name(t->dtype), em_dtype_name(x->dtype));
    return EM_OK;
}

static bool meet(const em_tensor *a, const em_tensor *b)
{
    const int64_t size = (int64_t)em_dtype_size(a->dtype);
    return em_tensor_same_storage(a, b) && a->data < b->data + b->count * size && b->data < a->data + a->count * size;
}

/* Running statistics are written while the rest is read. */
static em_status check_written(const em_call *c, int i, const char *name)
{
    if (!c->in[i]) return EM_OK;
    for (int k = X; k < INPUTS; k++)
        if (k != i && c->in[k] && meet(c->in[i], c->in[k]))
            return em__fail(EM_EVALUE, "%s: %s, which training changes, must not share memory with another argument",
                            c->op->name, name);
    return em__before_change(c->in[i], c->op->name);
}

static em_status check(em_call *c)
{
    const em_tensor *x = c->in[X];
    const bool training = c->opts.at[0].i;
    if (x->dims < 2)
        return em__fail(EM_ESHAPE, "%s: input must have shape (N, C, ...), got %s", c->op->name, EM_SHAPE(x));
    EM_TRY(check_channels(c, MEAN, "running_mean"));
    EM_TRY(check_channels(c, VAR, "running_var"));
    EM_TRY(check_channels(c, WEIGHT, "weight"));
    EM_TRY(check_channels(c, BIAS, "bias"));
    if (!training && (!c->in[MEAN] || !c->in[VAR]))
        return em__fail(EM_EVALUE, "%s: running_mean and running_var are needed when training is false", c->op->name);
    if (training && x->size[1] && x->count / x->size[1] == 1)
        return em__fail(EM_EVALUE, "%s: training needs more than one value for each channel, got input of shape %s",
                        c->op->name, EM_SHAPE(x));
    if (training) EM_TRY(check_written(c, MEAN, "running_mean"));
    if (training) EM_TRY(check_written(c, VAR, "running_var"));
    EM_TRY(em__out_like(c, 0, x));
    return c->recorded ? em__out(c, 1, c->dtype, 2, (int64_t[]){2, x->size[1]}) : EM_OK;
}

static const em_real *reals(const em_tensor *t) { return t ? EM_REALS(t) : NULL; }

static void plan(job *j, const em_opts *opts, em_tensor *const *x, em_tensor *stats)
{
    *j = (job){.N = x[X]->size[0], .C = x[X]->size[1], .S = 1, .training = opts->at[0].i,
               .momentum = opts->at[1].x, .eps = opts->at[2].x, .x = reals(x[X]),
               .weight = reals(x[WEIGHT]), .bias = reals(x[BIAS])};
    for (int d = 2; d < x[X]->dims; d++) j->S *= x[X]->size[d];
    if (!stats) return;
    j->mean = EM_REALS(stats);
    j->rstd = j->mean + j->C;
}

static em_status forward(em_call *c)
{
    job j;
    plan(&j, &c->opts, c->in, c->out[1]);
    if (c->in[MEAN]) j.running_mean = EM_REALS(c->in[MEAN]);
    if (c->in[VAR]) j.running_var = EM_REALS(c->in[VAR]);
    j.y = EM_REALS(c->out[0]);
    if (c->in[X]->count) each_strip(&j, normalize_strip);
    for (int i = MEAN; i <= VAR; i++)
        if (j.training && c->in[i]) em_tensor_touch(c->in[i]);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    job j;
    EM_TRY(em__no_gradient(n, MEAN, "running_mean"));
    EM_TRY(em__no_gradient(n, VAR, "running_var"));
    plan(&j, &n->opts, n->x, n->y[1]);
    j.dy = EM_REALS(n->dy[0]);
    for (int i = 0; i < INPUTS; i++)
        if (em__wants(n, i)) EM_TRY(n->x[X]->count ? em__dx(dx, n, i) : em__dx_zeros(dx, n, i));
    if (dx[X]) j.dx = EM_REALS(dx[X]);
    if (dx[WEIGHT]) j.dweight = EM_REALS(dx[WEIGHT]);
    if (dx[BIAS]) j.dbias = EM_REALS(dx[BIAS]);
    if (n->x[X]->count) each_strip(&j, strip_gradient);
    return EM_OK;
}

static const em_opt_spec opts[] = {
    {"training", EM_OPT_BOOL, "false", "", "normalizes by the batch and lets the running statistics follow it"},
    {"momentum", EM_OPT_NUMBER, "0.1", "", "share of the batch in the running statistics"},
    {"eps", EM_OPT_NUMBER, "1e-5", "", "added to the variance"},
    {0}};

const em_op EM_OP(batch_norm) = {
    .name = "batch_norm",
    .inputs = "input running_mean? running_var? weight? bias?",
    .outputs = "output [stats]",
    .doc = "(input - mean) / sqrt(var + eps) * weight + bias by channel.\n"
           "Input (N, C, ...), the others (C), all of one float dtype; the result has the input's shape. In training "
           "mean and variance are the batch's, and running_mean and running_var, if given, are updated in place; "
           "otherwise they are used.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_NO_PROMOTE,
    .saves = EM_SAVE_X(X) | EM_SAVE_X(WEIGHT) | EM_SAVE_Y(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
