/* cumsum cumprod: running sums and products along a dim. A tensor is seen as (O, R, K) with R along the dim; sums run
 * in double (integers: 64 bits).
 *
 *     cumsum   y_i = x_0 + ... + x_i     dx_i = sum over j >= i of dy_j
 *     cumprod  y_i = x_0 ... x_i         dx_i = sum over j >= i of dy_j (the product of the first j without x_i) */
#include "ops/reduce/fold.h"
#include "ops/elementwise/integer.h"

enum {
    TILE = 64,
    LONG = 1 << 16,         /* of a line: an interrupt is looked for once in so many */
};

#if EM_REAL_FLOAT
typedef em_scalar result;
#define RESULT_DTYPE EM_REAL_DTYPE
static inline em_acc plus(em_acc s, em_acc x) { return s + x; }
static inline em_acc times(em_acc s, em_acc x) { return s * x; }
#else
typedef int64_t result;
#define RESULT_DTYPE EM_I64
static inline em_acc plus(em_acc s, em_acc x) { return (em_acc)((uint64_t)s + (uint64_t)x); }
static inline em_acc times(em_acc s, em_acc x) { return (em_acc)((uint64_t)s * (uint64_t)x); }
#endif

/* y[r] = x[0] . … . x[r] for `width` columns, K apart from row to row; backwards if K is negative. */
typedef void scan_loop(result *y, const em_scalar *x, int64_t R, int64_t K, int64_t width);

EM_INLINE void scan(em_acc (*step)(em_acc s, em_acc x), em_acc start, result *y, const em_scalar *x, int64_t R,
                    int64_t K, int64_t width)
{
    em_acc s[TILE], one = start;
    if (width == 1) {
        for (int64_t lo = 0; lo < R && !em__stop; lo += LONG)
            for (int64_t r = lo; r < em__min(R, lo + LONG); r++)
                y[r * K] = (result)(one = step(one, (em_acc)x[r * K]));
        return;
    }
    for (int64_t j = 0; j < width; j++) s[j] = start;
    for (int64_t r = 0; r < R && !em__stop; r++)
        for (int64_t j = 0; j < width; j++) {
            s[j] = step(s[j], (em_acc)x[r * K + j]);
            y[r * K + j] = (result)s[j];
        }
}

static void sums(result *y, const em_scalar *x, int64_t R, int64_t K, int64_t width)
{
    scan(plus, 0, y, x, R, K, width);
}

static void products(result *y, const em_scalar *x, int64_t R, int64_t K, int64_t width)
{
    scan(times, 1, y, x, R, K, width);
}

static em_status lines_of(em_lines *l, em_tensor *x, int64_t dim, const char *name)
{
    int d;
    EM_TRY(em__wrap_dim(&d, dim, x->dims, name));
    return em__lines(l, x, 1u << d);
}

/* Scans the columns of tiles lo .. hi-1; `reverse`: from their end. */
static void scan_tiles(result *y, const em_scalar *x, const em_lines *l, scan_loop *loop, bool reverse, int64_t lo,
                       int64_t hi)
{
    const int64_t R = l->R, K = l->K, tiles = (K + TILE - 1) / TILE;
    for (int64_t i = lo; i < hi; i++) {
        const int64_t column = i % tiles * TILE, width = em__min(K - column, TILE);
        const int64_t at = i / tiles * R * K + column + (reverse ? (R - 1) * K : 0);
        loop(y + at, x + at, R, reverse ? -K : K, width);
    }
}

static void scan_all(result *y, const em_scalar *x, const em_lines *l, scan_loop *loop, bool reverse)
{
    const int64_t items = l->O * ((l->K + TILE - 1) / TILE);
    const double each = 4.0 * (double)(l->R * em__min(l->K, TILE));
    if (each * (double)items < 2.0 * EM_GRAIN)
        scan_tiles(y, x, l, loop, reverse, 0, items);
    else
        EM_PARALLEL_CHUNKS(lo, hi, items, each) scan_tiles(y, x, l, loop, reverse, lo, hi);
}

static em_status scan_check(em_call *c)
{
    int d;
    EM_TRY(em__wrap_dim(&d, c->opts.at[0].i, c->in[0]->dims, c->op->name));
    return em__out(c, 0, RESULT_DTYPE, c->in[0]->dims, c->in[0]->size);
}

static em_status scan_forward(em_call *c, scan_loop *loop)
{
    em_lines l;
    EM_TRY(lines_of(&l, c->in[0], c->opts.at[0].i, c->op->name));
    if (l.x->count) scan_all(EM_DATA(result, c->out[0]), EM_SCALARS(l.x), &l, loop, false);
    em_tensor_release(l.x);
    return EM_OK;
}

static em_status cumsum_forward(em_call *c) { return scan_forward(c, sums); }
static em_status cumprod_forward(em_call *c) { return scan_forward(c, products); }

#if EM_REAL_FLOAT

/* dx_i = sum over j >= i of dy_j */
static em_status cumsum_backward(const em_node *n, em_tensor **dx)
{
    em_lines l;
    EM_TRY(em__dx(dx, n, 0));
    EM_TRY(lines_of(&l, dx[0], n->opts.at[0].i, n->op->name));
    if (l.x->count) scan_all(EM_SCALARS(dx[0]), EM_SCALARS(n->dy[0]), &l, sums, true);
    em_tensor_release(l.x);
    return EM_OK;
}

/* dx_i = sum over j >= i of dy_j (product of the first j without x_i): before the first 0 that is y_j / x_i; at it the
 * products start anew; behind it all hold that 0. Elements are K apart. */
static void product_slope(em_scalar *dx, const em_scalar *x, const em_scalar *y, const em_scalar *dy, int64_t R,
                          int64_t K)
{
    int64_t zero = 0;
    while (zero < R && x[zero * K] != 0) zero++;
    em_acc sum = 0, product = zero ? (em_acc)y[(zero - 1) * K] : 1;
    for (int64_t i = zero - 1; i >= 0; i--) {
        sum += (em_acc)dy[i * K] * (em_acc)y[i * K];
        dx[i * K] = (em_scalar)(sum / (em_acc)x[i * K]);
    }
    if (zero == R) return;
    sum = (em_acc)dy[zero * K] * product;
    for (int64_t i = zero + 1; i < R; i++) {
        product *= (em_acc)x[i * K];
        sum += (em_acc)dy[i * K] * product;
        dx[i * K] = 0;
    }
    dx[zero * K] = (em_scalar)sum;
}

static em_status cumprod_backward(const em_node *n, em_tensor **dx)
{
    em_lines l;
    EM_TRY(em__dx(dx, n, 0));
    EM_TRY(lines_of(&l, n->x[0], n->opts.at[0].i, n->op->name));
    const em_scalar *x = EM_SCALARS(l.x), *y = EM_SCALARS(n->y[0]), *dy = EM_SCALARS(n->dy[0]);
    em_scalar *to = EM_SCALARS(dx[0]);
    const int64_t R = l.R, K = l.K;
    if (R)
        EM_PARALLEL_CHUNKS(lo, hi, l.O * K, 8.0 * (double)R)
            for (int64_t i = lo; i < hi; i++) {
                const int64_t at = i / K * R * K + i % K;
                product_slope(to + at, x + at, y + at, dy + at, R, K);
            }
    em_tensor_release(l.x);
    return EM_OK;
}

#else
#define cumsum_backward no_backward
#define cumprod_backward no_backward
static em_status no_backward(const em_node *n, em_tensor **dx) { return (void)n, (void)dx, EM_OK; }
#endif

static const em_opt_spec dim_opts[] = {{"dim", EM_OPT_INT, "!", "", "the dim to run along"}, {0}};

#define STAMP(op_name, saved, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "output", \
        .doc = help, \
        .opts = dim_opts, \
        .types = EM_TYPES_ALL, \
        .saves = saved, \
        .check = scan_check, \
        .forward = op_name##_forward, \
        .backward = op_name##_backward, \
    };
STAMP(cumsum, 0, "Running sum along a dim; of integers and bools in int64.")
STAMP(cumprod, EM_SAVE_X(0) | EM_SAVE_Y(0), "Running product along a dim; of integers and bools in int64.")
