/* softmax, log_softmax and softmin along a dim. A tensor is seen as (O, R, K) with R along the dim: where K is 1 a row
 * at a time stays in cache, else a tile of columns does.
 *
 *     softmax  y_i = exp x_i / sum_j exp x_j,  dx_i = y_i (dy_i - sum_j dy_j y_j);  softmin: of -x, minus that
 *     log_softmax  y_i = x_i - log sum_j exp x_j,  dx_i = dy_i - exp(y_i) sum_j dy_j */
#include "math/vector_math.h"
#include "ops/reduce/fold.h"

enum { TILE = 64, LANES = 16, SHORT = 24 };

typedef enum kind { SOFTMAX, LOG_SOFTMAX, SOFTMIN } kind;

/* ---- rows ---------------------------------------------------------------------------------------------- */

static em_real row_max(const em_real *x, int64_t n, em_real sign)
{
    em_real lane[LANES];
    for (int j = 0; j < LANES; j++) lane[j] = -(em_real)INFINITY;
    EM_PIECES(lo, hi, n) for (int64_t i = lo; i < hi; i += LANES) {
        const int64_t left = em__min(hi - i, LANES);
        EM_SIMD
        for (int64_t j = 0; j < left; j++) lane[j] = sign * x[i + j] > lane[j] ? sign * x[i + j] : lane[j];
    }
    for (int j = 1; j < LANES; j++) lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
    return lane[0];
}

static double lanes_sum(const double *lane)
{
    double s = 0;
    for (int j = 0; j < LANES; j++) s += lane[j];
    return s;
}

/* sum of exp(sign x - m), each also kept in e if that is not null */
static double row_exp(em_real *e, const em_real *x, int64_t n, em_real sign, em_real m)
{
    double lane[LANES] = {0};
    em_real scratch[LANES];
    EM_PIECES(lo, hi, n) for (int64_t i = lo; i < hi; i += LANES) {
        const int64_t left = em__min(hi - i, LANES);
        em_real *to = e ? e + i : scratch;
        EM_SIMD
        for (int64_t j = 0; j < left; j++) to[j] = em__exp(sign * x[i + j] - m);
        EM_SIMD
        for (int64_t j = 0; j < left; j++) lane[j] += (double)to[j];
    }
    return lanes_sum(lane);
}

static void row_forward(em_real *y, const em_real *x, int64_t n, kind k)
{
    const em_real sign = k == SOFTMIN ? -1 : 1, m = row_max(x, n, sign);
    if (k == LOG_SOFTMAX) {
        const em_real shift = (em_real)log(row_exp(NULL, x, n, 1, m));
        EM_PIECES(lo, hi, n)
            EM_SIMD
            for (int64_t i = lo; i < hi; i++) y[i] = x[i] - m - shift;
    } else {
        const em_real factor = (em_real)(1 / row_exp(y, x, n, sign, m));
        EM_PIECES(lo, hi, n)
            EM_SIMD
            for (int64_t i = lo; i < hi; i++) y[i] *= factor;
    }
}

/* softmax: dx_i = y_i (dy_i - sum_j dy_j y_j); softmin: minus that; log_softmax: dx_i = dy_i - exp(y_i) sum_j dy_j */
static void row_backward(em_real *dx, const em_real *y, const em_real *dy, int64_t n, kind k)
{
    double lane[LANES] = {0};
    EM_PIECES(lo, hi, n) for (int64_t i = lo; i < hi; i += LANES) {
        const int64_t left = em__min(hi - i, LANES);
        EM_SIMD
        for (int64_t j = 0; j < left; j++)
            lane[j] += k == LOG_SOFTMAX ? (double)dy[i + j] : (double)dy[i + j] * (double)y[i + j];
    }
    const em_real sum = (em_real)lanes_sum(lane), sign = k == SOFTMIN ? -1 : 1;
    if (k == LOG_SOFTMAX) {
        EM_PIECES(lo, hi, n)
            EM_SIMD
            for (int64_t i = lo; i < hi; i++) dx[i] = dy[i] - em__exp(y[i]) * sum;
    } else {
        EM_PIECES(lo, hi, n)
            EM_SIMD
            for (int64_t i = lo; i < hi; i++) dx[i] = sign * y[i] * (dy[i] - sum);
    }
}

/* ---- tiles of columns, `K` apart from row to row ------------------------------------------------------- */

static void tile_forward(em_real *y, const em_real *x, int64_t R, int64_t K, int64_t width, kind k)
{
    const em_real sign = k == SOFTMIN ? -1 : 1;
    em_real m[TILE], shift[TILE];
    double sum[TILE] = {0};
    for (int64_t j = 0; j < width; j++) m[j] = -(em_real)INFINITY;
    for (int64_t r = 0; r < R && !em__stop; r++) {
        EM_SIMD
        for (int64_t j = 0; j < width; j++) m[j] = sign * x[r * K + j] > m[j] ? sign * x[r * K + j] : m[j];
    }
    for (int64_t r = 0; r < R && !em__stop; r++) {
        EM_SIMD
        for (int64_t j = 0; j < width; j++) y[r * K + j] = em__exp(sign * x[r * K + j] - m[j]);
        EM_SIMD
        for (int64_t j = 0; j < width; j++) sum[j] += (double)y[r * K + j];
    }
    for (int64_t j = 0; j < width; j++) shift[j] = (em_real)(k == LOG_SOFTMAX ? log(sum[j]) : 1 / sum[j]);
    for (int64_t r = 0; r < R && !em__stop; r++) {
        em_real *to = y + r * K;
        const em_real *from = x + r * K;
        if (k == LOG_SOFTMAX) {
            EM_SIMD
            for (int64_t j = 0; j < width; j++) to[j] = from[j] - m[j] - shift[j];
        } else {
            EM_SIMD
            for (int64_t j = 0; j < width; j++) to[j] *= shift[j];
        }
    }
}

static void tile_backward(em_real *dx, const em_real *y, const em_real *dy, int64_t R, int64_t K, int64_t width, kind k)
{
    const em_real sign = k == SOFTMIN ? -1 : 1;
    double sum[TILE] = {0};
    for (int64_t r = 0; r < R && !em__stop; r++) {
        EM_SIMD
        for (int64_t j = 0; j < width; j++)
            sum[j] += k == LOG_SOFTMAX ? (double)dy[r * K + j] : (double)dy[r * K + j] * (double)y[r * K + j];
    }
    for (int64_t r = 0; r < R && !em__stop; r++) {
        EM_SIMD
        for (int64_t j = 0; j < width; j++) {
            const em_real p = y[r * K + j], g = dy[r * K + j], s = (em_real)sum[j];
            dx[r * K + j] = k == LOG_SOFTMAX ? g - em__exp(p) * s : sign * p * (g - s);
        }
    }
}

/* ---- short rows: turned into columns of a tile --------------------------------------------------------- */

/* to (R, TILE) = from (width, R) turned, or the other way round. */
static void turn(em_real *to, const em_real *from, int64_t R, int64_t width, bool back)
{
    for (int64_t j = 0; j < width; j++)
        for (int64_t r = 0; r < R; r++) {
            if (back)
                to[j * R + r] = from[r * TILE + j];
            else
                to[r * TILE + j] = from[j * R + r];
        }
}

/* `width` rows of R elements each. */
static void short_rows(em_real *to, const em_real *from, const em_real *dy, int64_t R, int64_t width, kind k)
{
    em_real a[SHORT * TILE], b[SHORT * TILE], c[SHORT * TILE];
    turn(a, from, R, width, false);
    if (dy) turn(b, dy, R, width, false);
    if (dy)
        tile_backward(c, a, b, R, TILE, width, k);
    else
        tile_forward(c, a, R, TILE, width, k);
    turn(to, c, R, width, true);
}

/* ---- over all ------------------------------------------------------------------------------------------ */

typedef struct job {
    em_real *to;
    const em_real *from, *dy;           /* dy is null in a forward */
    int64_t O, R, K, items;             /* items: tiles of columns, rows, or groups of short rows */
    kind k;
} job;

static bool has_short_rows(const job *b) { return b->K == 1 && b->R <= SHORT && b->O > 1; }

static void run_item(const job *b, int64_t i)
{
    const int64_t R = b->R, K = b->K, tiles = (K + TILE - 1) / TILE, column = i % tiles * TILE;
    const bool grouped = has_short_rows(b);
    const int64_t at = grouped ? i * TILE * R : i / tiles * R * K + column;
    em_real *to = b->to + at;
    const em_real *from = b->from + at, *dy = b->dy ? b->dy + at : NULL;
    if (grouped)
        short_rows(to, from, dy, R, em__min(b->O - i * TILE, TILE), b->k);
    else if (K == 1 && dy)
        row_backward(to, from, dy, R, b->k);
    else if (K == 1)
        row_forward(to, from, R, b->k);
    else if (dy)
        tile_backward(to, from, dy, R, K, em__min(K - column, TILE), b->k);
    else
        tile_forward(to, from, R, K, em__min(K - column, TILE), b->k);
}

/* along dim `dim` of `from` (contiguous), into `to` of the same shape */
static em_status run_all(em_tensor *to, em_tensor *from, const em_tensor *dy, int64_t dim, const em_op *op, kind k)
{
    int d;
    em_lines l;
    EM_TRY(em__wrap_dim(&d, dim, from->dims, op->name));
    EM_TRY(em__lines(&l, from, 1u << d));
    job b = {EM_REALS(to), EM_REALS(from), dy ? EM_REALS(dy) : NULL, l.O, l.R, l.K, l.O * ((l.K + TILE - 1) / TILE), k};
    if (has_short_rows(&b)) b.items = (l.O + TILE - 1) / TILE;
    const double work = 16.0 * (double)from->count, each = b.items ? work / (double)b.items : 1;
    if (work < 2.0 * EM_GRAIN)
        for (int64_t i = 0; i < b.items; i++) run_item(&b, i);
    else
        EM_PARALLEL_CHUNKS(lo, hi, b.items, each)
            for (int64_t i = lo; i < hi; i++) run_item(&b, i);
    em_tensor_release(l.x);
    return EM_OK;
}

static em_status softmax_check(em_call *c)
{
    int d;
    EM_TRY(em__wrap_dim(&d, c->opts.at[0].i, c->in[0]->dims, c->op->name));
    return em__out_like(c, 0, c->in[0]);
}

static em_status forward(em_call *c, kind k)
{
    return run_all(c->out[0], c->in[0], NULL, c->opts.at[0].i, c->op, k);
}

static em_status backward(const em_node *n, em_tensor **dx, kind k)
{
    EM_TRY(em__dx(dx, n, 0));
    return run_all(dx[0], n->y[0], n->dy[0], n->opts.at[0].i, n->op, k);
}

static const em_opt_spec dim_opts[] = {{"dim", EM_OPT_INT, "!", "", "the dim along which the results add up to 1"},
                                       {0}};

#define STAMP(op_name, kind, help) \
    static em_status op_name##_forward(em_call *c) { return forward(c, kind); } \
    static em_status op_name##_backward(const em_node *n, em_tensor **dx) { return backward(n, dx, kind); } \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "output", \
        .doc = help, \
        .opts = dim_opts, \
        .types = EM_TYPES_FLOAT, \
        .saves = EM_SAVE_Y(0), \
        .check = softmax_check, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
STAMP(softmax, SOFTMAX, "exp(input) / (sum of exp(input) along dim).")
STAMP(log_softmax, LOG_SOFTMAX, "log(softmax(input)), exact also where softmax is next to 0.")
STAMP(softmin, SOFTMIN, "softmax(-input).")
