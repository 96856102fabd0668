/* cdist: distances of all pairs of rows, a (..., P, D) and b (..., R, D): y_pr = || a_p - b_r ||, in the norm q.
 * With d = a_p - b_r: da_p += dy_pr sign(d) (|d| / y_pr)^(q - 1), db_r minus that; nothing at distance 0 and for q = 0,
 * and for q = inf only in the components that are the largest. */
#include <math.h>

#include "ops/reduce/row_sums.h"

/* a (B, P, D) and b (B, R, D), each batch perhaps repeated. */
typedef struct pairs {
    const em_real *a, *b;
    int64_t P, R, D;
    em_iterator batch;                  /* over the results' batch: rows of a, rows of b */
    double p;
} pairs;

/* ---- one pair -------------------------------------------------------------------------------------------- */

EM_ROW_SUM(sum_of_squares, (x[i] - y[i]) * (x[i] - y[i]), const em_real *x, const em_real *y)
EM_ROW_SUM(sum_of_sizes, (x[i] > y[i] ? x[i] - y[i] : y[i] - x[i]), const em_real *x, const em_real *y)
EM_ROW_SUM(count_different, (em_real)(x[i] != y[i]), const em_real *x, const em_real *y)

static em_real largest(int64_t n, const em_real *x, const em_real *y)
{
    em_real most = 0;
    for (int64_t i = 0; i < n; i++) {
        const em_real size = x[i] > y[i] ? x[i] - y[i] : y[i] - x[i];
        if (size > most || size != size) most = size;
    }
    return most;
}

static em_real sum_of_powers(int64_t n, const em_real *x, const em_real *y, double p)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += pow(fabs((double)x[i] - (double)y[i]), p);
    return (em_real)pow(sum, 1 / p);
}

static em_real distance(const pairs *s, const em_real *x, const em_real *y)
{
    if (s->p == 2) return (em_real)em__row_distance(sum_of_squares(s->D, x, y), s->D, x, y);
    if (s->p == 1) return sum_of_sizes(s->D, x, y);
    if (s->p == 0) return count_different(s->D, x, y);
    return isinf(s->p) ? largest(s->D, x, y) : sum_of_powers(s->D, x, y, s->p);
}

/* to += g d(distance)/dx, for a distance y: g sign(x - y) (|x - y| / distance)^(p - 1); nothing at distance 0 */
static void add_slope(const pairs *s, em_real *restrict to, const em_real *restrict x, const em_real *restrict y,
                      em_real g, em_real distance)
{
    if (distance == 0 || s->p == 0) return;
    const em_real scaled = g / distance;
    for (int64_t i = 0; i < s->D; i++) {
        const em_real d = x[i] - y[i], sign = (em_real)((d > 0) - (d < 0));
        if (s->p == 2)
            to[i] += scaled * d;
        else if (s->p == 1)
            to[i] += g * sign;
        else if (isinf(s->p))
            to[i] += d * sign == distance ? g * sign : 0;
        else if (d != 0)
            to[i] += g * sign * (em_real)pow((double)(d * sign / distance), s->p - 1);
    }
}

/* ---- all pairs ------------------------------------------------------------------------------------------- */

static em_status plan(pairs *s, int *dims, int64_t *size, const em_tensor *a, const em_tensor *b, double p)
{
    if (a->dims < 2 || b->dims < 2 || a->size[a->dims - 1] != b->size[b->dims - 1])
        return em__fail(EM_ESHAPE, "cdist: x1 %s and x2 %s: expected (..., P, D) and (..., R, D)", EM_SHAPE(a),
                        EM_SHAPE(b));
    *s = (pairs){.a = EM_REALS(a), .b = EM_REALS(b), .P = a->size[a->dims - 2], .R = b->size[b->dims - 2],
                 .D = a->size[a->dims - 1], .p = p};
    em_tensor x = *a, y = *b;                               /* the batch alone */
    x.dims -= 2;
    y.dims -= 2;
    EM_TRY(em__broadcast(dims, size, &x, &y, "cdist"));
    int64_t stride[2][EM_MAX_DIMS];
    em__broadcast_strides(stride[0], &x, *dims, size);
    em__broadcast_strides(stride[1], &y, *dims, size);
    em__iterator_init(&s->batch, 2, *dims, size, (const int64_t *const[]){stride[0], stride[1]});
    return EM_OK;
}

static int64_t batches(const pairs *s) { return s->batch.outer * s->batch.inner; }

static em_status check(em_call *c)
{
    pairs s;
    int dims;
    int64_t size[EM_MAX_DIMS];
    const double p = c->opts.at[0].x;
    if (!(p >= 0)) return em__fail(EM_EVALUE, "cdist: p = %g: expected a number >= 0", p);
    EM_TRY(plan(&s, &dims, size, c->in[0], c->in[1], p));
    size[dims++] = s.P;
    size[dims++] = s.R;
    return em__out(c, 0, c->dtype, dims, size);
}

static double cost(const pairs *s) { return (s->p <= 2 || isinf(s->p) ? 3.0 : 60.0) * (double)s->D; }

static em_status forward(em_call *c)
{
    pairs s;
    int dims;
    int64_t size[EM_MAX_DIMS];
    EM_TRY(plan(&s, &dims, size, c->in[0], c->in[1], c->opts.at[0].x));
    em_real *y = EM_REALS(c->out[0]);
    EM_PARALLEL_CHUNKS(lo, hi, batches(&s) * s.P, cost(&s) * (double)s.R)
        for (int64_t i = lo; i < hi; i++) {
            int64_t at[EM_ITERATED];
            em__iterator_point(&s.batch, i / s.P, at);
            for (int64_t r = 0; r < s.R; r++)
                y[i * s.R + r] = distance(&s, s.a + at[0] + i % s.P * s.D, s.b + at[1] + r * s.D);
        }
    return EM_OK;
}

/* Gradient of one side, k = 0 or 1, in the results' batch: row i of it gets what all rows of the other side send. */
static void add_slopes(const pairs *s, int k, em_real *to, const em_real *dy, const em_real *y)
{
    const int64_t mine = k ? s->R : s->P, others = k ? s->P : s->R;
    EM_PARALLEL_CHUNKS(lo, hi, batches(s) * mine, cost(s) * (double)others)
        for (int64_t i = lo; i < hi; i++) {
            int64_t at[EM_ITERATED];
            em__iterator_point(&s->batch, i / mine, at);
            for (int64_t o = 0; o < others; o++) {
                const int64_t p = k ? o : i % mine, r = k ? i % mine : o, e = (i / mine * s->P + p) * s->R + r;
                const em_real *a = s->a + at[0] + p * s->D, *b = s->b + at[1] + r * s->D;
                add_slope(s, to + i * s->D, k ? b : a, k ? a : b, dy[e], y[e]);
            }
        }
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    pairs s;
    int dims;
    int64_t size[EM_MAX_DIMS];
    EM_TRY(plan(&s, &dims, size, n->x[0], n->x[1], n->opts.at[0].x));
    for (int k = 0; k < 2; k++) {
        if (!em__wants(n, k)) continue;
        em_tensor *full;
        size[dims] = k ? s.R : s.P;
        size[dims + 1] = s.D;
        EM_TRY(em_tensor_zeros(&full, n->dtype, dims + 2, size));
        add_slopes(&s, k, EM_REALS(full), EM_REALS(n->dy[0]), EM_REALS(n->y[0]));
        const em_status status = em__sum_to(&dx[k], full, n->x[k]);
        em_tensor_release(full);
        if (status) return status;
    }
    return EM_OK;
}

static const em_opt_spec opts[] = {{"p", EM_OPT_NUMBER, "2", "", "which norm: a number >= 0, or infinity"}, {0}};

const em_op EM_OP(cdist) = {
    .name = "cdist", .inputs = "x1 x2", .outputs = "output",
    .doc = "Distances of all pairs of rows: (..., P, D) and (..., R, D) give (..., P, R); batch dims broadcast.\n"
           "Fails if D differs or p is negative.",
    .opts = opts, .types = EM_TYPES_FLOAT, .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_Y(0), .check = check,
    .forward = forward, .backward = backward,
};
