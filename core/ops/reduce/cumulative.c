/* cummax cummin: running greatest and least numbers along a dim, and where they stand: y_i = x_k, k <= i the last such;
 * dx_k += dy_i. A tensor is seen as (O, R, K) with R along the dim; a NaN stays from where it appears. */
#include "graph/op.h"

typedef bool passes_fn(em_scalar x, em_scalar best);

#if EM_REAL_FLOAT
static bool is_nan(em_scalar x) { return x != x; }
#else
static bool is_nan(em_scalar x) { return (void)x, false; }
#endif
static bool not_below(em_scalar x, em_scalar best) { return is_nan(x) || (!is_nan(best) && x >= best); }
static bool not_above(em_scalar x, em_scalar best) { return is_nan(x) || (!is_nan(best) && x <= best); }

static em_status shape_of(const em_call *c, int64_t shape[3])
{
    const em_tensor *x = c->in[0];
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, x->dims, c->op->name));
    shape[0] = shape[1] = shape[2] = 1;
    for (int d = 0; d < x->dims; d++) shape[d < dim ? 0 : d == dim ? 1 : 2] *= x->size[d];
    return EM_OK;
}

static em_status check(em_call *c)
{
    int64_t shape[3];
    EM_TRY(shape_of(c, shape));
    EM_TRY(em__out_like(c, 0, c->in[0]));
    return em__out(c, 1, EM_I64, c->in[0]->dims, c->in[0]->size);
}

/* The line of R elements, K apart. */
static inline void run(em_scalar *y, int64_t *index, const em_scalar *x, int64_t R, int64_t K, passes_fn *passes)
{
    int64_t best = 0;
    EM_PIECES(lo, hi, R)
        for (int64_t r = lo; r < hi; r++) {
            if (passes(x[r * K], x[best * K])) best = r;
            y[r * K] = x[best * K];
            index[r * K] = best;
        }
}

static em_status forward(em_call *c, passes_fn *passes)
{
    int64_t shape[3];
    EM_TRY(shape_of(c, shape));
    const int64_t R = shape[1], K = shape[2];
    if (!c->in[0]->count) return EM_OK;
    EM_PARALLEL_CHUNKS(lo, hi, shape[0] * K, 4.0 * (double)R)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t at = i / K * R * K + i % K;
            run(EM_SCALARS(c->out[0]) + at, EM_DATA(int64_t, c->out[1]) + at, EM_SCALARS(c->in[0]) + at, R, K, passes);
        }
    return EM_OK;
}

static em_status cummax_forward(em_call *c) { return forward(c, not_below); }
static em_status cummin_forward(em_call *c) { return forward(c, not_above); }

/* What arrives at a position of the result goes to where its number came from. */
static em_status backward(const em_node *n, em_tensor **dx)
{
    EM_TRY(em__dx_zeros(dx, n, 0));
    if (n->x[0]->dims == 0) return em_tensor_copy(dx[0], n->dy[0]);
    return em_apply_inplace(em_op_find("scatter_add"), dx[0], (em_tensor *[]){dx[0], n->y[1], n->dy[0]}, 3, &n->opts,
                            NULL);
}

static const em_opt_spec opts[] = {{"dim", EM_OPT_INT, "!", "", "the dim to run along"}, {0}};

#define STAMP(op_name, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "values indices", \
        .doc = help, \
        .opts = opts, \
        .types = EM_TYPES_ALL, \
        .saves = EM_SAVE_Y(1), \
        .check = check, \
        .forward = op_name##_forward, \
        .backward = backward, \
    };
STAMP(cummax, "The greatest of the elements so far along a dim, and where it stands: of equal ones the last.")
STAMP(cummin, "The least of the elements so far along a dim, and where it stands: of equal ones the last.")
