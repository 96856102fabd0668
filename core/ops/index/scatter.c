/* Adding at positions that ids name: scatter_add index_add. y = x with y[index] += a src (a = 1 for scatter_add);
 * dx = dy, dsrc = a dy[index]. What is added to one element is added in the order of the ids, for any number of
 * threads. */
#include "ops/index/axis_index.h"
#include "ops/elementwise/integer.h"
#include "tensor/copy.h"

/* Result 0 starts as the input. */
static void start(em_call *c)
{
    if (c->out[0]->data != c->in[0]->data) em__copy_strided(c->out[0], c->in[0]);
}

/* ---- scatter_add --------------------------------------------------------------------------------------- */

static em_status scatter_add_check(em_call *c)
{
    const em_tensor *x = c->in[0], *ids = c->in[1], *src = c->in[2];
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, x->dims, "scatter_add"));
    EM_TRY(em__check_slices(c, x, "input", ids, dim));
    bool fits = src->dims == ids->dims;
    for (int d = 0; fits && d < ids->dims; d++) fits = ids->size[d] <= src->size[d];
    if (!fits)
        return em__fail(EM_ESHAPE, "scatter_add: src %s: expected as many dims as index %s, and no size smaller",
                        EM_SHAPE(src), EM_SHAPE(ids));
    return em__out_like(c, 0, x);
}

/* Slices that lie together in memory. */
static void add_contiguous(const em_slices *l, int64_t lo, int64_t hi, em_scalar *y, const em_scalar *x)
{
    for (int64_t k = lo; k < hi && !em__stop; k++) {
        int64_t at[EM_ITERATED];
        const int64_t *id = em__slice(l, k, at);
        em_scalar *to = y + at[1];
        const em_scalar *from = x + at[2];
        EM_PIECES(first, end, l->length)
            for (int64_t i = first; i < end; i++) to[id[i]] = em__plus(to[id[i]], from[i]);
    }
}

static void add_slices(const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner, em_scalar *y,
                       const em_scalar *x)
{
    em_pairs p;
    if (owners == 1 && em__slices_contiguous(l)) {
        add_contiguous(l, lo, hi, y, x);
        return;
    }
    for (em__pairs_start(&p, l, lo, hi, owners, owner); em__pairs_next(&p);)
        for (int i = 0; i < p.n; i++) y[p.there[i]] = em__plus(y[p.there[i]], x[p.here[i]]);
}

static em_status scatter_add_forward(em_call *c)
{
    int dim;
    em_slices l;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, c->in[0]->dims, "scatter_add"));
    start(c);
    em__slices(&l, c->in[1], c->out[0], c->in[2], dim);
    em_scalar *y = EM_SCALARS(c->out[0]);
    const em_scalar *x = EM_SCALARS(c->in[2]);
    const int64_t owners = em__owners(l.count, 2.0 * (double)l.count * (double)l.length);
    if (owners == 1)
        EM_PARALLEL_CHUNKS(lo, hi, l.count, 2 * l.length) add_slices(&l, lo, hi, 1, 0, y, x);
    else
        EM_PARALLEL_EACH(k, owners, 2 * l.count * l.length) add_slices(&l, 0, l.count, owners, k, y, x);
    return EM_OK;
}

static em_status scatter_add_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) em_tensor_retain(dx[0] = n->dy[0]);
    return em__wants(n, 2) ? em__source_slope(n, dx) : EM_OK;
}

/* ---- index_add ----------------------------------------------------------------------------------------- */

static em_status index_add_check(em_call *c)
{
    const em_tensor *x = c->in[0], *ids = c->in[1], *src = c->in[2];
    em_axis_index a;
    EM_TRY(em__axis_index(&a, x, c->opts.at[0].i, "index_add"));
    EM_TRY(em__check_element(c, 1));
    if (ids->dims > 1)
        return em__fail(EM_ESHAPE, "index_add: index must have 1 dim, got shape %s", EM_SHAPE(ids));
    bool fits = src->dims == x->dims;
    for (int d = 0; fits && d < x->dims; d++) fits = src->size[d] == (d == a.dim ? ids->count : x->size[d]);
    if (!fits)
        return em__fail(EM_ESHAPE, "index_add: source %s: expected the shape of input %s with size %lld at dim %d",
                        EM_SHAPE(src), EM_SHAPE(x), (long long)ids->count, a.dim);
    EM_TRY(em__check_axis_index(c, ids, &a));
    return em__out_like(c, 0, x);
}

static void add_row(em_scalar *restrict y, const em_scalar *restrict x, int64_t n, em_scalar alpha)
{
    if (alpha == 1)
        for (int64_t i = 0; i < n; i++) y[i] = em__plus(y[i], x[i]);
    else
        for (int64_t i = 0; i < n; i++) y[i] = em__plus(y[i], em__times(alpha, x[i]));
}

static em_status index_add_forward(em_call *c)
{
    em_axis_index a;
    EM_TRY(em__axis_index(&a, c->in[0], c->opts.at[0].i, "index_add"));
    start(c);
    const int64_t n = c->in[1]->count, *id = EM_DATA(int64_t, c->in[1]);
    const em_scalar alpha = em__element(&c->opts.at[1]);
    const double work = (double)(a.outer * n) * (double)a.inner;
    const int64_t owners = em__owners(a.outer, work);
    em_scalar *y = EM_SCALARS(c->out[0]);
    const em_scalar *x = EM_SCALARS(c->in[2]);
    EM_PARALLEL_EACH(k, a.outer * owners, (double)n * (double)a.inner / (double)owners) {
        const int64_t o = k / owners;
        for (int64_t i = 0; i < n && !em__stop; i++)
            if ((id[i] & (owners - 1)) == k % owners)
                add_row(y + (o * a.size + id[i]) * a.inner, x + (o * n + i) * a.inner, a.inner, alpha);
    }
    return EM_OK;
}

static em_status index_add_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) em_tensor_retain(dx[0] = n->dy[0]);
    if (!em__wants(n, 2)) return EM_OK;
    em_tensor *rows, *alpha;
    EM_TRY(em__run2("index_select", n->dy[0], n->x[1], &n->opts, &rows));
    if (n->opts.at[1].x == 1) {
        dx[2] = rows;
        return EM_OK;
    }
    em_status s = em_tensor_scalar(&alpha, n->dtype, n->opts.at[1].x);
    if (!s) {
        s = em__run2("mul", rows, alpha, NULL, &dx[2]);
        em_tensor_release(alpha);
    }
    em_tensor_release(rows);
    return s;
}

static const em_opt_spec scatter_opts[] = {{"dim", EM_OPT_INT, "!", "", "the dim in which ids count"}, {0}};
static const em_opt_spec index_opts[] = {
    {"dim", EM_OPT_INT, "!", "", "the dim in which ids count"},
    {"alpha", EM_OPT_NUMBER, "1", "", "factor of source"},
    {0},
};

const em_op EM_OP(scatter_add) = {
    .name = "scatter_add",
    .inputs = "input index# src",
    .outputs = "output",
    .doc =
        "Adds elements at ids along a dim: output[index[i][j]][j] += src[i][j] for dim 0, starting from input. index\n"
        "is no larger than src, nor than input except along the dim. Fails if an id is out of range.",
    .opts = scatter_opts,
    .types = EM_TYPES_ALL,
    .flags = EM_OP_STRIDED | EM_OP_INPLACE | EM_OP_POSITIONS,
    .saves = EM_SAVE_X(1),
    .check = scatter_add_check,
    .forward = scatter_add_forward,
    .backward = scatter_add_backward,
};

const em_op EM_OP(index_add) = {
    .name = "index_add", .inputs = "input index# source", .outputs = "output",
    .doc = "Adds rows at ids along a dim: output[index[i]] += alpha source[i] for dim 0, starting from input.\n"
           "Fails if an id is out of range, or source is not of input's shape with as many rows as there are ids.",
    .opts = index_opts, .types = EM_TYPES_ALL, .flags = EM_OP_INPLACE | EM_OP_POSITIONS, .saves = EM_SAVE_X(1),
    .check = index_add_check, .forward = index_add_forward, .backward = index_add_backward,
};
