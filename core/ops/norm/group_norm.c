/* group_norm: input (N, C, S), the channels in groups; each group of each sample, a row of C / groups * S numbers, to
 * mean 0 and variance 1, then scaled and shifted by channel. With r = 1 / sqrt(var + eps), z = (x - mean) r, g = w dy:
 *
 *     y = w z + b,  dx = r (g - mean(g) - z mean(g z)), means over the row;  dw = sum dy z,  db = sum dy, by channel */
#include <math.h>

#include "ops/reduce/row_sums.h"

typedef struct job {
    int64_t N, C, S, groups, channels;      /* channels: of a group */
    em_real eps;
    const em_real *x, *weight, *bias, *dy;
    em_real *y, *mean, *rstd;               /* of each row; null where no backward may follow */
    em_real *dx, *sums;                     /* sums (N, C, 2): over S, of dy and of dy z, z the normalized x */
} job;

static int64_t rows_of(const job *j) { return j->N * j->groups; }
static int64_t length(const job *j) { return j->channels * j->S; }
static em_real weight_of(const job *j, int64_t c) { return j->weight ? j->weight[c] : 1; }

static void normalize_row(const job *j, int64_t row)
{
    const em_real *x = j->x + row * length(j);
    em_real *y = j->y + row * length(j);
    const em_real mean = em__row_sum(length(j), x) / (em_real)length(j);
    const em_real rstd = em__row_rstd(length(j), x, mean, j->eps);
    for (int64_t k = 0; k < j->channels; k++) {
        const int64_t c = row % j->groups * j->channels + k;
        const em_real scale = rstd * weight_of(j, c), shift = j->bias ? j->bias[c] : 0;
        for (int64_t i = k * j->S; i < (k + 1) * j->S; i++) y[i] = (x[i] - mean) * scale + shift;
    }
    if (!j->mean) return;
    j->mean[row] = mean;
    j->rstd[row] = rstd;
}

/* With z = (x - mean) rstd and g = w dy:  dx = rstd (g - mean(g) - z mean(g z)) */
static void row_gradient(const job *j, int64_t row)
{
    const em_real *x = j->x + row * length(j), *dy = j->dy + row * length(j);
    const em_real mean = j->mean[row], rstd = j->rstd[row];
    em_real *sums = j->sums + 2 * row * j->channels, g = 0, gz = 0;
    for (int64_t k = 0; k < j->channels; k++) {
        const int64_t c = row % j->groups * j->channels + k;
        sums[2 * k] = em__row_sum(j->S, dy + k * j->S);
        sums[2 * k + 1] = em__row_product(j->S, dy + k * j->S, x + k * j->S, mean) * rstd;
        g += weight_of(j, c) * sums[2 * k];
        gz += weight_of(j, c) * sums[2 * k + 1];
    }
    if (!j->dx) return;
    const em_real level = g / (em_real)length(j), slope = gz / (em_real)length(j) * rstd;
    em_real *dx = j->dx + row * length(j);
    for (int64_t k = 0; k < j->channels; k++) {
        const em_real w = weight_of(j, row % j->groups * j->channels + k);
        for (int64_t i = k * j->S; i < (k + 1) * j->S; i++)
            dx[i] = rstd * (w * dy[i] - level - (x[i] - mean) * slope);
    }
}

static void each_row(const job *j, void (*work)(const job *, int64_t))
{
    const double each = 8 * (double)length(j);
    if (length(j) == 0) return;         /* no elements, but perhaps very many groups */
    if ((double)rows_of(j) * each < 2.0 * EM_GRAIN) {
        for (int64_t row = 0; row < rows_of(j); row++) work(j, row);
        return;
    }
    EM_PARALLEL_CHUNKS(lo, hi, rows_of(j), each)
        for (int64_t row = lo; row < hi; row++) work(j, row);
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

static em_status check_affine(const em_call *c, const em_tensor *t, const char *name)
{
    const int64_t C = c->in[0]->size[1];
    if (!t || (t->dims == 1 && t->count == C)) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s must have shape (%lld), one for each channel, got %s", c->op->name, name,
                    (long long)C, EM_SHAPE(t));
}

static em_status check(em_call *c)
{
    const em_tensor *x = c->in[0];
    const int64_t groups = c->opts.at[0].i;
    if (x->dims < 2)
        return em__fail(EM_ESHAPE, "%s: input must have shape (N, C, ...), got %s", c->op->name, EM_SHAPE(x));
    if (groups < 1 || x->size[1] % groups != 0 || (groups > 1 && groups > x->size[1]))
        return em__fail(EM_EVALUE, "%s: the %lld channels of input do not divide into num_groups = %lld", c->op->name,
                        (long long)x->size[1], (long long)groups);
    EM_TRY(check_affine(c, c->in[1], "weight"));
    EM_TRY(check_affine(c, c->in[2], "bias"));
    EM_TRY(em__out_like(c, 0, x));
    return c->recorded ? em__out(c, 1, c->dtype, 2, (int64_t[]){2, x->size[0] * groups}) : EM_OK;
}

static void plan(job *j, const em_opts *opts, em_tensor *const *x, em_tensor *stats)
{
    *j = (job){.N = x[0]->size[0], .C = x[0]->size[1], .S = 1, .groups = opts->at[0].i,
               .eps = (em_real)opts->at[1].x, .x = EM_REALS(x[0])};
    for (int d = 2; d < x[0]->dims; d++) j->S *= x[0]->size[d];
    j->channels = j->C / j->groups;
    j->weight = x[1] ? EM_REALS(x[1]) : NULL;
    j->bias = x[2] ? EM_REALS(x[2]) : NULL;
    if (!stats) return;
    j->mean = EM_REALS(stats);
    j->rstd = j->mean + rows_of(j);
}

static em_status forward(em_call *c)
{
    job j;
    plan(&j, &c->opts, c->in, c->out[1]);
    j.y = EM_REALS(c->out[0]);
    each_row(&j, normalize_row);
    return EM_OK;
}

/* to_c = sum over the samples, in order, of sums (N, C, 2) */
static void add_samples(em_real *to, const job *j, int which)
{
    for (int64_t c = 0; c < j->C; c++) to[c] = 0;
    for (int64_t n = 0; n < j->N; n++)
        for (int64_t c = 0; c < j->C; c++) to[c] += j->sums[2 * (n * j->C + c) + which];
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    job j;
    plan(&j, &n->opts, n->x, n->y[1]);
    j.dy = EM_REALS(n->dy[0]);
    for (int i = 0; i < 3; i++)
        if (em__wants(n, i)) EM_TRY(em__dx(dx, n, i));
    const size_t bytes = (size_t)(2 * j.N * j.C) * sizeof(em_real);
    j.sums = em__alloc(bytes);
    if (!j.sums) return em__fail_memory("sums of channels", bytes);
    if (dx[0]) j.dx = EM_REALS(dx[0]);
    each_row(&j, row_gradient);
    if (dx[1]) add_samples(EM_REALS(dx[1]), &j, 1);
    if (dx[2]) add_samples(EM_REALS(dx[2]), &j, 0);
    em__free(j.sums, bytes);
    return EM_OK;
}

static const em_opt_spec opts[] = {
    {"num_groups", EM_OPT_INT, "!", "", "number of groups into which the channels are divided"},
    {"eps", EM_OPT_NUMBER, "1e-5", "", "added to the variance"},
    {0}};

const em_op EM_OP(group_norm) = {
    .name = "group_norm",
    .inputs = "input weight? bias?",
    .outputs = "output [stats]",
    .doc = "(input - mean) / sqrt(var + eps) over each group of channels of a sample, * weight + bias by channel.\n"
           "Input (N, C, ...), weight and bias (C); the result has the input's shape.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_Y(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
