/* conv1d: y[o, t] = b[o] + sum over c, k of w[o, c, k] x[c, t stride + k dilation - padding], c within o's group. Each
 * sample's windows are laid out as columns, (C / groups * K, T), so that a group is one product:
 *
 *     y = w columns + b,  dw = dy columns^T,  db = sum_t dy,  dcolumns = w^T dy, added to where they came from */

/* Backward makes the columns again. Letters: N samples, C channels in, O channels out, L long in, T long out, K taps of
 * the kernel. */
#include <string.h>

#include "ops/reduce/row_sums.h"
#include "ops/sequence/workspace.h"

#include "math/gemm.h"

enum { X, WEIGHT, BIAS, SHARDS = 16 };
enum { STRIDE, PADDING, DILATION, GROUPS };

typedef struct job {
    int64_t N, C, O, L, T, K, stride, padding, dilation, groups;
    int64_t c, o;                           /* channels of a group, in and out */
    int64_t shards;                         /* of the samples, for sums over them */
    const em_real *x, *weight, *bias, *dy;
    em_real *y, *dx;
    em_real *dweight, *dbias;               /* (shards, O, c, K) and (shards, O), or null */
} job;

/* ---- columns ------------------------------------------------------------------------------------------- */

static int64_t divide_up(int64_t a, int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }

/* Outputs lo .. hi-1 have tap k inside of the input, at position t * stride + *first. */
static void taps(const job *j, int64_t k, int64_t *lo, int64_t *hi, int64_t *first)
{
    *first = k * j->dilation - j->padding;
    *lo = em__min(j->T, divide_up(-*first, j->stride));
    *hi = em__max(*lo, em__min(j->T, divide_up(j->L - *first, j->stride)));
}

/* column (ch, k) of output t = x[ch, t * stride + k * dilation - padding], 0 outside */
static void unfold(em_real *to, const job *j, const em_real *x)
{
    for (int64_t ch = 0; ch < j->c; ch++)
        for (int64_t k = 0; k < j->K && !em__stop; k++, to += j->T) {
            int64_t lo, hi, first;
            taps(j, k, &lo, &hi, &first);
            const em_real *from = x + ch * j->L;
            for (int64_t t = 0; t < lo; t++) to[t] = 0;
            if (j->stride == 1)
                memcpy(to + lo, from + (lo + first), (size_t)(hi - lo) * sizeof *to);
            else
                for (int64_t t = lo; t < hi; t++) to[t] = from[t * j->stride + first];
            for (int64_t t = hi; t < j->T; t++) to[t] = 0;
        }
}

/* The other way: adds columns to the positions they came from. */
static void fold(em_real *dx, const job *j, const em_real *from)
{
    for (int64_t ch = 0; ch < j->c; ch++)
        for (int64_t k = 0; k < j->K && !em__stop; k++, from += j->T) {
            int64_t lo, hi, first;
            taps(j, k, &lo, &hi, &first);
            em_real *to = dx + ch * j->L;
            for (int64_t t = lo; t < hi; t++) to[t * j->stride + first] += from[t];
        }
}

static int64_t columns(const job *j) { return j->c * j->K * j->T; }

static void product(int64_t m, int64_t n, int64_t k, const em_real *a, int64_t a_row, int64_t a_col, const em_real *b,
                    int64_t b_row, int64_t b_col, double beta, em_real *c)
{
    const em_gemm g = {EM_REAL_DTYPE, m, n, k, a_row, a_col, b_row, b_col, n, 1, beta};
    em__gemm_serial(&g, a, b, c);
}

/* ---- tasks: a group of a sample; in backward, of a shard of the samples -------------------------------- */

static const em_real *group_of_weight(const job *j, int64_t g) { return j->weight + g * j->o * j->c * j->K; }

static void forward_task(const void *context, int64_t task, em_real *workspace)
{
    const job *j = context;
    const int64_t n = task / j->groups, g = task % j->groups, K = j->c * j->K, T = j->T;
    em_real *y = j->y + (n * j->O + g * j->o) * T;
    unfold(workspace, j, j->x + (n * j->C + g * j->c) * j->L);
    for (int64_t i = 0; i < j->o && !em__stop; i++)
        for (int64_t t = 0; t < T; t++) y[i * T + t] = j->bias ? j->bias[g * j->o + i] : 0;
    product(j->o, T, K, group_of_weight(j, g), K, 1, workspace, T, 1, 1, y);
}

static void add_bias(em_real *to, const job *j, const em_real *dy)
{
    for (int64_t i = 0; i < j->o; i++) to[i] += em__row_sum(j->T, dy + i * j->T);
}

/* dweight += dy columns^T;  dcolumns = weight^T dy */
static void sample_gradient(const job *j, int64_t shard, int64_t n, int64_t g, em_real *workspace)
{
    const int64_t K = j->c * j->K, T = j->T;
    const em_real *dy = j->dy + (n * j->O + g * j->o) * T;
    if (j->dbias) add_bias(j->dbias + shard * j->O + g * j->o, j, dy);
    if (j->dweight) {
        unfold(workspace, j, j->x + (n * j->C + g * j->c) * j->L);
        product(j->o, K, T, dy, T, 1, workspace, 1, T, 1, j->dweight + (shard * j->O + g * j->o) * K);
    }
    if (j->dx) {
        product(K, T, j->o, group_of_weight(j, g), 1, K, dy, T, 1, 0, workspace);
        fold(j->dx + (n * j->C + g * j->c) * j->L, j, workspace);
    }
}

static void backward_task(const void *context, int64_t task, em_real *workspace)
{
    const job *j = context;
    const int64_t shard = task / j->groups, g = task % j->groups;
    for (int64_t n = shard * j->N / j->shards; n < (shard + 1) * j->N / j->shards && !em__stop; n++)
        sample_gradient(j, shard, n, g, workspace);
}

static double work_of(const job *j)
{
    return (double)(j->N * j->groups) * (double)columns(j) * ((double)j->o / 8 + 2);
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

static void plan(job *j, const em_opts *opts, em_tensor *const *x)
{
    const int dims = x[X]->dims;
    *j = (job){.N = dims == 3 ? x[X]->size[0] : 1, .C = x[X]->size[dims - 2], .O = x[WEIGHT]->size[0],
               .L = x[X]->size[dims - 1], .K = x[WEIGHT]->size[2], .stride = opts->at[STRIDE].i,
               .padding = opts->at[PADDING].i, .dilation = opts->at[DILATION].i, .groups = opts->at[GROUPS].i,
               .x = EM_REALS(x[X]), .weight = EM_REALS(x[WEIGHT]), .bias = x[BIAS] ? EM_REALS(x[BIAS]) : NULL};
    j->c = j->C / j->groups;
    j->o = j->O / j->groups;
    j->T = (j->L + 2 * j->padding - j->dilation * (j->K - 1) - 1) / j->stride + 1;
    j->shards = em__max(1, em__min(SHARDS, j->N));
}

static em_status check_options(const em_call *c)
{
    enum { MOST = 1 << 30 };                /* far from what would overflow */
    for (int k = STRIDE; k <= GROUPS; k++) {
        const int64_t least = k == PADDING ? 0 : 1, given = c->opts.at[k].i;
        if (given < least || given > MOST)
            return em__fail(EM_EVALUE, "%s: %s must be at least %lld, given %lld", c->op->name, c->op->opts[k].name,
                            (long long)least, (long long)given);
    }
    return EM_OK;
}

static em_status check_channels(const em_call *c)
{
    const em_tensor *x = c->in[X], *w = c->in[WEIGHT], *bias = c->in[BIAS];
    const int64_t groups = c->opts.at[GROUPS].i, C = x->size[x->dims - 2];
    if (C % groups != 0 || w->size[0] % groups != 0)
        return em__fail(EM_EVALUE, "%s: %lld channels in and %lld out do not divide into groups = %lld", c->op->name,
                        (long long)C, (long long)w->size[0], (long long)groups);
    if (w->size[1] != C / groups)
        return em__fail(EM_ESHAPE, "%s: weight of shape %s is for %lld channels, input of shape %s has %lld",
                        c->op->name, EM_SHAPE(w), (long long)(w->size[1] * groups), EM_SHAPE(x), (long long)C);
    if (bias && (bias->dims != 1 || bias->count != w->size[0]))
        return em__fail(EM_ESHAPE, "%s: bias must have shape (%lld), got %s", c->op->name, (long long)w->size[0],
                        EM_SHAPE(bias));
    return EM_OK;
}

static em_status check(em_call *c)
{
    const em_tensor *x = c->in[X], *w = c->in[WEIGHT];
    if (x->dims != 2 && x->dims != 3)
        return em__fail(EM_ESHAPE, "%s: input must have shape (N, C, L) or (C, L), got %s", c->op->name, EM_SHAPE(x));
    EM_TRY(em__check_dims(c, w, 3, "weight"));
    EM_TRY(check_options(c));
    EM_TRY(check_channels(c));
    const int64_t long_in = x->size[x->dims - 1] + 2 * c->opts.at[PADDING].i;
    int64_t reach, columns_of;
    if (__builtin_mul_overflow(c->opts.at[DILATION].i, w->size[2] - 1, &reach)) reach = INT64_MAX - 1;
    if (w->size[2] < 1 || long_in <= reach)
        return em__fail(EM_ESHAPE, "%s: the kernel reaches over %lld positions, the padded input has %lld", c->op->name,
                        (long long)reach + 1, (long long)long_in);
    job j;
    plan(&j, &c->opts, c->in);
    EM_TRY(em__count(&columns_of, c->dtype, 3, (int64_t[]){j.c, j.K, j.T}));
    const int64_t sizes[] = {j.N, j.O, j.T};
    return em__out(c, 0, c->dtype, x->dims, sizes + (3 - x->dims));
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

static em_status forward(em_call *c)
{
    job j;
    plan(&j, &c->opts, c->in);
    j.y = EM_REALS(c->out[0]);
    return em__in_workspaces(forward_task, &j, j.N * j.groups, columns(&j), work_of(&j), "columns of conv1d");
}

/* to = the shards, added in order */
static void add_shards(em_tensor *to, const em_real *shards_of, int64_t shards)
{
    em_real *sum = EM_REALS(to);
    memcpy(sum, shards_of, (size_t)to->count * sizeof *sum);
    for (int64_t p = 1; p < shards; p++)
        for (int64_t i = 0; i < to->count; i++) sum[i] += shards_of[p * to->count + i];
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    job j;
    plan(&j, &n->opts, n->x);
    j.dy = EM_REALS(n->dy[0]);
    for (int i = X; i <= BIAS; i++)
        if (em__wants(n, i)) EM_TRY(em__dx_zeros(dx, n, i));
    const int64_t weights = n->x[WEIGHT]->count;
    const size_t bytes = (size_t)(j.shards * (weights + j.O)) * sizeof(em_real);
    em_real *sums = em__alloc_zeroed(bytes);
    if (!sums) return em__fail_memory("sums over samples", bytes);
    if (dx[X]) j.dx = EM_REALS(dx[X]);
    if (dx[WEIGHT]) j.dweight = sums;
    if (dx[BIAS]) j.dbias = sums + j.shards * weights;
    const em_status s = em__in_workspaces(backward_task, &j, j.shards * j.groups, columns(&j), 2 * work_of(&j),
                                          "columns of conv1d");
    if (!s && j.dweight) add_shards(dx[WEIGHT], j.dweight, j.shards);
    if (!s && j.dbias) add_shards(dx[BIAS], j.dbias, j.shards);
    em__free(sums, bytes);
    return s;
}

static const em_opt_spec opts[] = {
    {"stride", EM_OPT_INT, "1", "", "positions from one window to the next"},
    {"padding", EM_OPT_INT, "0", "", "zeros added at either end"},
    {"dilation", EM_OPT_INT, "1", "", "positions from one tap of the kernel to the next"},
    {"groups", EM_OPT_INT, "1", "", "groups of channels that do not see each other"},
    {0}};

const em_op EM_OP(conv1d) = {
    .name = "conv1d",
    .inputs = "input weight bias?",
    .outputs = "output",
    .doc = "Sums of the input under a kernel that moves along the last dim.\n"
           "Input (N, C, L) or (C, L), weight (O, C / groups, K), bias (O); the result is (N, O, T) or (O, T), "
           "T = (L + 2 padding - dilation (K - 1) - 1) / stride + 1.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(X) | EM_SAVE_X(WEIGHT),
    .check = check,
    .forward = forward,
    .backward = backward,
};
