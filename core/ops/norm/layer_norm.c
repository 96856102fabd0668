/* layer_norm and rms_norm: each row (D) to mean 0 and variance 1, or to a mean square of 1, then scaled and shifted by
 * element; the row is read once from memory in either direction. With g = w dy, means over the row, dw = sum dy z, db =
 * sum dy:
 *
 *     layer_norm  r = 1 / sqrt(var + eps),  z = (x - mean) r,  y = w z + b,  dx = r (g - mean(g) - z mean(g z))
 *     rms_norm    r = 1 / sqrt(mean(x^2) + eps),  z = x r,  y = w z,  dx = r (g - z mean(g z)) */
#include <math.h>
#include <string.h>

#include "ops/reduce/row_sums.h"

typedef struct job {
    bool centred;                           /* layer_norm */
    int64_t rows, D;
    em_real eps;
    const em_real *x, *weight, *bias, *dy;
    em_real *y, *mean, *rstd;               /* of each row; null where no backward may follow */
    em_real *dx;
    em_real *dweight, *dbias;               /* one row (D) for each part of the rows, or null */
} job;

/* Parts of the rows for the sums over rows: fixed by the shape. */
enum { PARTS = 64 };

static int64_t part_rows(const job *j)
{
    return em__max(em__chunk(8 * (double)j->D), (j->rows + PARTS - 1) / PARTS);
}

/* ---- forward ------------------------------------------------------------------------------------------- */

static void normalize_row(const job *j, int64_t row)
{
    const int64_t D = j->D;
    const em_real *x = j->x + row * D, *w = j->weight, *b = j->bias;
    em_real *y = j->y + row * D;
    const em_real mean = j->centred ? em__row_sum(D, x) / (em_real)D : 0;
    const em_real rstd = em__row_rstd(D, x, mean, j->eps);
    if (w && b)
        for (int64_t i = 0; i < D; i++) y[i] = (x[i] - mean) * rstd * w[i] + b[i];
    else if (w)
        for (int64_t i = 0; i < D; i++) y[i] = (x[i] - mean) * rstd * w[i];
    else
        for (int64_t i = 0; i < D; i++) y[i] = (x[i] - mean) * rstd + (b ? b[i] : 0);
    if (!j->mean) return;
    j->mean[row] = mean;
    j->rstd[row] = rstd;
}

/* ---- backward: with z = (x - mean) rstd and g = w dy,  dx = rstd (g - mean(g) - z mean(g z)) ----------- */

static void row_gradient(const job *j, int64_t row)
{
    const int64_t D = j->D;
    const em_real *x = j->x + row * D, *dy = j->dy + row * D, *w = j->weight;
    const em_real mean = j->mean[row], rstd = j->rstd[row];
    em_real *restrict dx = j->dx + row * D;
    const em_real g = (w ? em__row_dot(D, dy, w) : em__row_sum(D, dy)) / (em_real)D;
    const em_real gx = (w ? em__row_product_3(D, dy, w, x, mean) : em__row_product(D, dy, x, mean)) / (em_real)D;
    const em_real slope = gx * rstd * rstd, level = j->centred ? g : 0;
    if (w)
        for (int64_t i = 0; i < D; i++) dx[i] = rstd * (dy[i] * w[i] - level - (x[i] - mean) * slope);
    else
        for (int64_t i = 0; i < D; i++) dx[i] = rstd * (dy[i] - level - (x[i] - mean) * slope);
}

static void add_row(const job *j, int64_t row, em_real *restrict dweight, em_real *restrict dbias)
{
    const em_real *x = j->x + row * j->D, *dy = j->dy + row * j->D;
    const em_real mean = j->mean[row], rstd = j->rstd[row];
    if (dweight && dbias) {
        for (int64_t i = 0; i < j->D; i++) {
            dweight[i] += dy[i] * ((x[i] - mean) * rstd);
            dbias[i] += dy[i];
        }
        return;
    }
    for (int64_t i = 0; dweight && i < j->D; i++) dweight[i] += dy[i] * ((x[i] - mean) * rstd);
    for (int64_t i = 0; dbias && i < j->D; i++) dbias[i] += dy[i];
}

static void part_gradient(const job *j, int64_t part)
{
    const int64_t lo = part * part_rows(j), hi = em__min(lo + part_rows(j), j->rows);
    em_real *dweight = j->dweight ? j->dweight + part * j->D : NULL, *dbias = j->dbias ? j->dbias + part * j->D : NULL;
    for (int64_t row = lo; row < hi; row++) {
        if (j->dx) row_gradient(j, row);
        add_row(j, row, dweight, dbias);
    }
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

static em_status check_affine(const em_call *c, const em_tensor *t, const char *name, int dims)
{
    const int64_t *sizes = c->opts.ints;
    if (!t || (t->dims == dims && !memcmp(t->size, sizes, (size_t)dims * sizeof *sizes))) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s must have the normalized shape %s, got %s", c->op->name, name,
                    em__shape_text((char[EM_SHAPE_TEXT]){0}, dims, sizes), EM_SHAPE(t));
}

static int64_t row_length(const em_opts *opts)
{
    int64_t D = 1;
    for (int64_t k = 0; k < opts->at[0].i; k++) D *= opts->ints[k];
    return D;
}

static em_status check(em_call *c)
{
    const em_tensor *x = c->in[0];
    const int64_t dims = c->opts.at[0].i;
    bool fits = dims >= 1 && dims <= x->dims;
    for (int64_t k = 0; fits && k < dims; k++) fits = x->size[x->dims - dims + k] == c->opts.ints[k];
    if (!fits)
        return em__fail(EM_ESHAPE, "%s: input of shape %s does not end in normalized_shape %s", c->op->name,
                        EM_SHAPE(x), em__shape_text((char[EM_SHAPE_TEXT]){0}, (int)dims, c->opts.ints));
    EM_TRY(check_affine(c, c->in[1], "weight", (int)dims));
    if (c->n > 2) EM_TRY(check_affine(c, c->in[2], "bias", (int)dims));
    EM_TRY(em__out_like(c, 0, x));
    const int64_t D = row_length(&c->opts);
    return c->recorded ? em__out(c, 1, c->dtype, 2, (int64_t[]){2, D ? x->count / D : 0}) : EM_OK;
}

static void plan(job *j, const em_opts *opts, em_tensor *const *x, int n, em_tensor *stats)
{
    const int64_t D = row_length(opts);
    *j = (job){.centred = n > 2, .rows = D ? x[0]->count / D : 0, .D = D, .x = EM_REALS(x[0])};
    j->eps = opts->at[1].given ? (em_real)opts->at[1].x : sizeof(em_real) == 4 ? (em_real)0x1p-23 : (em_real)0x1p-52;
    j->weight = x[1] ? EM_REALS(x[1]) : NULL;
    j->bias = n > 2 && x[2] ? EM_REALS(x[2]) : NULL;
    if (!stats) return;
    j->mean = EM_REALS(stats);
    j->rstd = j->mean + j->rows;
}

static em_status forward(em_call *c)
{
    job j;
    plan(&j, &c->opts, c->in, c->n, c->out[1]);
    j.y = EM_REALS(c->out[0]);
    const double each = 6 * (double)j.D;
    if ((double)j.rows * each < 2.0 * EM_GRAIN) {
        for (int64_t row = 0; row < j.rows; row++) normalize_row(&j, row);
    } else {
        EM_PARALLEL_CHUNKS(lo, hi, j.rows, each)
            for (int64_t row = lo; row < hi; row++) normalize_row(&j, row);
    }
    return EM_OK;
}

static void run_parts(const job *j, int64_t parts)
{
    if (parts == 1) {
        part_gradient(j, 0);
        return;
    }
    EM_PARALLEL_EACH(part, parts, 10.0 * (double)(part_rows(j) * j->D))
        if (!em__stop) part_gradient(j, part);
}

/* to = the parts' rows, added in order */
static void add_parts(em_real *to, const em_real *parts_of, int64_t parts, int64_t D)
{
    memcpy(to, parts_of, (size_t)D * sizeof *to);
    for (int64_t part = 1; part < parts; part++)
        for (int64_t i = 0; i < D; i++) to[i] += parts_of[part * D + i];
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    job j;
    plan(&j, &n->opts, n->x, n->n, n->y[1]);
    j.dy = EM_REALS(n->dy[0]);
    for (int i = 0; i < n->n; i++)
        if (em__wants(n, i)) EM_TRY(i == 0 ? em__dx(dx, n, i) : em__dx_zeros(dx, n, i));
    if (j.rows == 0) return EM_OK;
    if (dx[0]) j.dx = EM_REALS(dx[0]);
    const int64_t parts = (j.rows + part_rows(&j) - 1) / part_rows(&j);
    const size_t bytes = (size_t)(2 * parts * j.D) * sizeof(em_real);
    const bool sums = dx[1] || (n->n > 2 && dx[2]);
    em_real *scratch = sums ? em__alloc_zeroed(bytes) : NULL;
    if (sums && !scratch) return em__fail_memory("sums over rows", bytes);
    if (dx[1]) j.dweight = scratch;
    if (n->n > 2 && dx[2]) j.dbias = scratch + parts * j.D;
    run_parts(&j, parts);
    if (j.dweight) add_parts(EM_REALS(dx[1]), j.dweight, parts, j.D);
    if (j.dbias) add_parts(EM_REALS(dx[2]), j.dbias, parts, j.D);
    if (scratch) em__free(scratch, bytes);
    return EM_OK;
}

#define SHAPE_OPT {"normalized_shape", EM_OPT_INTS, "!", "", "the last sizes of the input, over which a row runs"}

static const em_opt_spec layer_opts[] = {
    SHAPE_OPT, {"eps", EM_OPT_NUMBER, "1e-5", "", "added to the variance"}, {0}};
static const em_opt_spec rms_opts[] = {
    SHAPE_OPT, {"eps", EM_OPT_NUMBER, "", "", "added to the mean square; not given: the dtype's epsilon"}, {0}};

const em_op EM_OP(layer_norm) = {
    .name = "layer_norm",
    .inputs = "input weight? bias?",
    .outputs = "output [stats]",
    .doc = "(input - mean) / sqrt(var + eps) * weight + bias over the last dims.\n"
           "Input (..., *normalized_shape), weight and bias of the normalized shape; the result has the input's shape.",
    .opts = layer_opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_Y(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};

const em_op EM_OP(rms_norm) = {
    .name = "rms_norm",
    .inputs = "input weight?",
    .outputs = "output [stats]",
    .doc = "input / sqrt(mean(input^2) + eps) * weight over the last dims.\n"
           "Input (..., *normalized_shape), weight of the normalized shape; the result has the input's shape.",
    .opts = rms_opts,
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_Y(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
