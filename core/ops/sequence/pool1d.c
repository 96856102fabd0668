/* Pooling along the last dim: each result is the largest or the mean of a window of the input. Windows move by a stride
 * (max_pool1d, avg_pool1d), or share the input out among a number of results (adaptive_...).
 *
 *     max: y_t = x_i, the first of the largest in window t, dx_i += dy_t
 *     avg: y_t = sum of x_i in window t / n, dx_i += dy_t / n, n the window's size, with its padding if that counts */
#include <math.h>
#include <string.h>

#include "graph/op.h"

typedef struct window {
    int64_t from, to, step, count;          /* positions from, from + step, … below to; a mean divides by count */
} window;

typedef struct job {
    bool adaptive, largest;
    bool ceil_mode, count_padding;          /* count_padding: a mean counts the zeros of the padding */
    int64_t rows, L, T;                     /* long in and out */
    int64_t kernel, stride, padding, dilation;
    const em_real *x, *dy;
    em_real *y, *dx;
    int64_t *index;                         /* of the largest; null where no backward may follow */
} job;

static window window_of(const job *j, int64_t t)
{
    if (j->adaptive) {
        const int64_t from = t * j->L / j->T, to = ((t + 1) * j->L + j->T - 1) / j->T;
        return (window){from, to, 1, to - from};
    }
    int64_t from = t * j->stride - j->padding, to = from + (j->kernel - 1) * j->dilation + 1;
    const int64_t whole = em__min(to, j->L + j->padding) - from;
    if (from < 0) from += (-from + j->dilation - 1) / j->dilation * j->dilation;
    to = em__min(to, j->L);
    return (window){from, to, j->dilation, j->count_padding ? whole : to - from};
}

/* The first of the largest; a NaN is larger than all. -1 where the members of a window all lie in the padding. */
static int64_t largest_of(const em_real *x, window w)
{
    if (w.from >= w.to) return -1;
    int64_t best = w.from;
    for (int64_t i = w.from; i < w.to; i += w.step)
        if (x[i] > x[best] || (isnan(x[i]) && !isnan(x[best]))) best = i;
    return best;
}

static void pool_row(const job *j, int64_t row)
{
    const em_real *x = j->x + row * j->L;
    for (int64_t t = 0; t < j->T && !em__stop; t++) {
        const window w = window_of(j, t);
        const int64_t at = row * j->T + t;
        if (j->largest) {
            const int64_t best = largest_of(x, w);
            j->y[at] = best < 0 ? (em_real)-INFINITY : x[best];
            if (j->index) j->index[at] = best;
        } else {
            em_real sum = 0;
            for (int64_t i = w.from; i < w.to; i++) sum += x[i];
            j->y[at] = sum / (em_real)w.count;
        }
    }
}

static void gradient_of_row(const job *j, int64_t row)
{
    em_real *dx = j->dx + row * j->L;
    EM_PIECES(lo, hi, j->L) memset(dx + lo, 0, (size_t)(hi - lo) * sizeof *dx);
    for (int64_t t = 0; t < j->T && !em__stop; t++) {
        const int64_t at = row * j->T + t;
        if (j->largest) {
            if (j->index[at] >= 0) dx[j->index[at]] += j->dy[at];
            continue;
        }
        const window w = window_of(j, t);
        for (int64_t i = w.from; i < w.to; i++) dx[i] += j->dy[at] / (em_real)w.count;
    }
}

static void each_row(const job *j, void (*work)(const job *, int64_t))
{
    const double each = (double)(j->L + j->T * (j->adaptive ? j->L / em__max(1, j->T) + 2 : j->kernel));
    if (em__team(each * (double)j->rows) == 1) {
        for (int64_t row = 0; row < j->rows; row++) work(j, row);
        return;
    }
    EM_PARALLEL_CHUNKS(lo, hi, j->rows, each)
        for (int64_t row = lo; row < hi; row++) work(j, row);
}

/* ---- options ------------------------------------------------------------------------------------------- */

enum { KERNEL, STRIDE, PADDING, MOST = 1 << 30 };
enum { MAX_DILATION = 3, MAX_CEIL_MODE, AVG_CEIL_MODE = 3, AVG_COUNT_INCLUDE_PAD };

static void read_options(job *j, const em_opts *o)
{
    j->kernel = o->at[KERNEL].i;
    j->stride = o->at[STRIDE].given ? o->at[STRIDE].i : j->kernel;
    j->padding = o->at[PADDING].i;
    j->dilation = j->largest ? o->at[MAX_DILATION].i : 1;
    j->ceil_mode = o->at[j->largest ? MAX_CEIL_MODE : AVG_CEIL_MODE].i;
    j->count_padding = !j->largest && o->at[AVG_COUNT_INCLUDE_PAD].i;
}

static int64_t results(const job *j)
{
    const int64_t rest = j->L + 2 * j->padding - j->dilation * (j->kernel - 1) - 1;
    if (rest < 0) return 0;
    const int64_t T = (rest + (j->ceil_mode ? j->stride - 1 : 0)) / j->stride + 1;
    const bool begins_in_padding = j->ceil_mode && (T - 1) * j->stride >= j->L + j->padding;
    return begins_in_padding ? T - 1 : T;
}

static void plan(job *j, const em_opts *o, const em_tensor *x, bool adaptive, bool largest)
{
    *j = (job){.adaptive = adaptive, .largest = largest, .rows = 1, .L = x->size[x->dims - 1], .T = o->at[0].i};
    for (int d = 0; d < x->dims - 1; d++) j->rows *= x->size[d];
    if (!adaptive) read_options(j, o);
}

static em_status check_number(const em_call *c, int k, int64_t given, int64_t least, int64_t most)
{
    if (given >= least && given <= most) return EM_OK;
    return em__fail(EM_EVALUE, "%s: %s must be %lld to %lld, given %lld", c->op->name, c->op->opts[k].name,
                    (long long)least, (long long)most, (long long)given);
}

static em_status check_options(const em_call *c, const job *j)
{
    if (j->adaptive) return check_number(c, 0, j->T, 0, MOST);
    EM_TRY(check_number(c, KERNEL, j->kernel, 1, MOST));
    EM_TRY(check_number(c, STRIDE, j->stride, 1, MOST));
    EM_TRY(check_number(c, PADDING, j->padding, 0, j->kernel / 2));
    return j->largest ? check_number(c, MAX_DILATION, j->dilation, 1, MOST) : EM_OK;
}

/* ---- the three steps of the operations ----------------------------------------------------------------- */

static em_status check_pool(em_call *c, bool adaptive, bool largest)
{
    const em_tensor *x = c->in[0];
    job j;
    if (x->dims != 2 && x->dims != 3)
        return em__fail(EM_ESHAPE, "%s: input must have shape (N, C, L) or (C, L), got %s", c->op->name, EM_SHAPE(x));
    plan(&j, &c->opts, x, adaptive, largest);
    EM_TRY(check_options(c, &j));
    const int64_t T = adaptive ? j.T : results(&j);
    if (j.L < 1 || (!adaptive && T < 1) || (x->size[x->dims - 2] < 1 && !(adaptive && !largest)))
        return em__fail(EM_ESHAPE, "%s: no window fits into input of shape %s", c->op->name, EM_SHAPE(x));
    const int64_t sizes[] = {x->size[0], x->dims == 3 ? x->size[1] : T, T};
    EM_TRY(em__out(c, 0, c->dtype, x->dims, sizes));
    return largest && c->recorded ? em__out(c, 1, EM_I64, x->dims, sizes) : EM_OK;
}

static em_status forward_pool(em_call *c, bool adaptive, bool largest)
{
    job j;
    plan(&j, &c->opts, c->in[0], adaptive, largest);
    if (!adaptive) j.T = results(&j);
    j.x = EM_REALS(c->in[0]);
    j.y = EM_REALS(c->out[0]);
    if (c->out[1]) j.index = EM_DATA(int64_t, c->out[1]);
    each_row(&j, pool_row);
    return EM_OK;
}

static em_status backward_pool(const em_node *n, em_tensor **dx, bool adaptive, bool largest)
{
    job j;
    EM_TRY(em__dx(dx, n, 0));
    plan(&j, &n->opts, n->x[0], adaptive, largest);
    if (!adaptive) j.T = results(&j);
    j.dx = EM_REALS(dx[0]);
    j.dy = EM_REALS(n->dy[0]);
    if (largest) j.index = EM_DATA(int64_t, n->y[1]);
    each_row(&j, gradient_of_row);
    return EM_OK;
}

#define POOL(op, adaptive, largest, results, options, text) \
    static em_status op##_check(em_call *c) { return check_pool(c, adaptive, largest); } \
    static em_status op##_forward(em_call *c) { return forward_pool(c, adaptive, largest); } \
    static em_status op##_backward(const em_node *n, em_tensor **dx) \
    { \
        return backward_pool(n, dx, adaptive, largest); \
    } \
    const em_op EM_OP(op) = { \
        .name = #op, .inputs = "input", .outputs = results, .doc = text, .opts = options, .types = EM_TYPES_FLOAT, \
        .saves = largest ? EM_SAVE_Y(1) : 0, \
        .check = op##_check, .forward = op##_forward, .backward = op##_backward};

#define WINDOWS \
    {"kernel_size", EM_OPT_INT, "!", "", "positions in a window"}, \
    {"stride", EM_OPT_INT, "", "", "positions from one window to the next; not given: kernel_size"}, \
    {"padding", EM_OPT_INT, "0", "", "positions added at either end, at most kernel_size / 2"}
#define CEIL_MODE {"ceil_mode", EM_OPT_BOOL, "false", "", "keeps a last window that the input does not fill"}

static const em_opt_spec max_opts[] = {
    WINDOWS, {"dilation", EM_OPT_INT, "1", "", "positions from one member of a window to the next"}, CEIL_MODE, {0}};
static const em_opt_spec avg_opts[] = {
    WINDOWS, CEIL_MODE, {"count_include_pad", EM_OPT_BOOL, "true", "", "means count the padding, as zeros"}, {0}};
static const em_opt_spec adaptive_opts[] = {{"output_size", EM_OPT_INT, "!", "", "number of results along L"}, {0}};

#define POOL_SHAPES "\nInput (N, C, L) or (C, L); the result has T in place of L"

POOL(max_pool1d, false, true, "output [index]", max_opts,
     "Largest of each window; padding never is, and -inf stands for a window that holds nothing else." POOL_SHAPES
     ", T = (L + 2 padding - dilation (kernel_size - 1) - 1) / stride + 1.")
POOL(avg_pool1d, false, false, "output", avg_opts,
     "Mean of each window." POOL_SHAPES ", T = (L + 2 padding - kernel_size) / stride + 1.")
POOL(adaptive_max_pool1d, true, true, "output [index]", adaptive_opts,
     "Largest of each of output_size windows that cover the input." POOL_SHAPES " = output_size.")
POOL(adaptive_avg_pool1d, true, false, "output", adaptive_opts,
     "Mean of each of output_size windows that cover the input." POOL_SHAPES " = output_size.")
