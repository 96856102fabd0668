/* Placing elements: copy scatter index_copy index_fill index_put masked_put. y = x with y[index] = src; where ids
 * repeat the last one stays, for any number of threads.
 *
 *     dx = dy with dx[index] = 0,  dsrc = dy[index], also where a later one of equal ids has replaced it, as in PyTorch
 *     copy: y = src in x's shape, dx = 0, dsrc = dy summed over what was repeated */
#include <string.h>

#include "ops/index/axis_index.h"
#include "tensor/copy.h"
#include "tensor/position.h"

static size_t bytes_of(const em_tensor *t) { return em_dtype_size(t->dtype); }

static void start(em_call *c)
{
    if (c->out[0]->data != c->in[0]->data) em__copy_strided(c->out[0], c->in[0]);
}

/* ---- rows: index_copy index_fill index_put masked_put ---------------------------------------------------- */

/* Where the rows lie: along a dim, or for a mask over the first dims seen as one. */
static em_status rows_of(em_axis_index *a, const em_op *op, const em_opts *opts, const em_tensor *x,
                         const em_tensor *ids)
{
    if (!op->opts->name) {
        *a = em__axis_index_first(x, ids->dims);
        return EM_OK;
    }
    return em__axis_index(a, x, opts->at[0].i, op->name);
}

/* Shape of the positions: x with its dim (a mask: its first dims) replaced by the ids' shape (their number). */
static em_status shape_of_positions(int *dims, int64_t size[EM_MAX_DIMS], const em_op *op, const em_opts *opts,
                                 const em_tensor *x, const em_tensor *ids, const em_tensor *positions)
{
    em_axis_index a;
    EM_TRY(rows_of(&a, op, opts, x, ids));
    const bool mask = !op->opts->name;
    const int first = mask ? 0 : a.dim, last = mask ? ids->dims : x->dims ? a.dim + 1 : 0;
    const int middle = mask ? 1 : ids->dims;
    *dims = first + middle + x->dims - last;
    if (*dims > EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "%s: the positions in input %s have more than %d dims", op->name, EM_SHAPE(x),
                        EM_MAX_DIMS);
    int to = 0;
    for (int d = 0; d < first; d++) size[to++] = x->size[d];
    for (int d = 0; d < middle; d++) size[to++] = mask ? positions->count : ids->size[d];
    for (int d = last; d < x->dims; d++) size[to++] = x->size[d];
    return EM_OK;
}

static em_status value_fits(em_call *c)
{
    int dims;
    int64_t size[EM_MAX_DIMS];
    EM_TRY(shape_of_positions(&dims, size, c->op, &c->opts, c->in[0], c->in[1], c->out[1]));
    if (em__broadcasts_to(c->in[2], dims, size)) return em__out_like(c, 0, c->in[0]);
    char text[EM_SHAPE_TEXT];
    return em__fail(EM_ESHAPE, "%s: value %s does not broadcast to the positions' shape %s", c->op->name,
                    EM_SHAPE(c->in[2]), em__shape_text(text, dims, size));
}

static em_status index_put_check(em_call *c)
{
    em_axis_index a;
    char what[32] = "the size of dim 0";
    if (c->in[0]->dims == 0) return em__fail(EM_ESHAPE, "index_put: a tensor of shape () has no position to write to");
    EM_TRY(em__axis_index(&a, c->in[0], c->opts.at[0].i, "index_put"));
    what[16] = (char)('0' + a.dim);
    EM_TRY(em__positions_of_ids(&c->out[1], c->in[1], a.size, "index_put", what));
    return value_fits(c);
}

static em_status masked_put_check(em_call *c)
{
    const em_tensor *x = c->in[0], *mask = c->in[1];
    bool fits = mask->dims <= x->dims;
    for (int d = 0; fits && d < mask->dims; d++) fits = mask->size[d] == x->size[d];
    if (!fits)
        return em__fail(EM_ESHAPE, "index_put: mask %s: expected the first sizes of input %s", EM_SHAPE(mask),
                        EM_SHAPE(x));
    EM_TRY(em__positions_of_mask(&c->out[1], mask));
    return value_fits(c);
}

static em_status check_list(em_call *c, em_axis_index *a)
{
    EM_TRY(em__axis_index(a, c->in[0], c->opts.at[0].i, c->op->name));
    if (c->in[1]->dims > 1)
        return em__fail(EM_ESHAPE, "%s: index must have 1 dim, got shape %s", c->op->name, EM_SHAPE(c->in[1]));
    EM_TRY(em__check_axis_index(c, c->in[1], a));
    em_tensor_retain(c->out[1] = c->in[1]);
    return em__out_like(c, 0, c->in[0]);
}

static em_status index_fill_check(em_call *c)
{
    em_axis_index a;
    if (c->in[2]->dims)
        return em__fail(EM_ESHAPE, "index_fill: value must be a number or have 0 dims, got shape %s",
                        EM_SHAPE(c->in[2]));
    return check_list(c, &a);
}

static em_status index_copy_check(em_call *c)
{
    em_axis_index a;
    const em_tensor *x = c->in[0], *src = c->in[2];
    EM_TRY(check_list(c, &a));
    bool fits = src->dims == x->dims;
    for (int d = 0; fits && d < x->dims; d++) fits = src->size[d] == (d == a.dim ? c->in[1]->count : x->size[d]);
    if (fits) return EM_OK;
    return em__fail(EM_ESHAPE, "index_copy: source %s: expected the shape of input %s with size %lld at dim %d",
                    EM_SHAPE(src), EM_SHAPE(x), (long long)c->in[1]->count, a.dim);
}

/* The rows to write: the value in the positions' shape, or one row where it is one element. A new reference. */
static em_status rows_to_write(em_tensor **out, em_call *c, const em_axis_index *a, bool *one)
{
    em_tensor *value = c->in[2];
    *one = value->count == 1;
    const int64_t count = *one ? a->inner : a->outer * c->out[1]->count * a->inner;
    if (value->count == count && value->contiguous) {
        em_tensor_retain(*out = value);
        return EM_OK;
    }
    int dims = 1;
    int64_t size[EM_MAX_DIMS] = {count};
    if (!*one) EM_TRY(shape_of_positions(&dims, size, c->op, &c->opts, c->in[0], c->in[1], c->out[1]));
    EM_TRY(em_tensor_empty(out, c->dtype, dims, size));
    const em_tensor number = em__window(value, 0, 0, NULL, NULL);
    em__copy_strided(*out, *one ? &number : value);
    return EM_OK;
}

static em_status rows_forward(em_call *c)
{
    em_axis_index a;
    em_tensor *rows;
    bool one;
    const em_tensor *positions = c->out[1];
    EM_TRY(rows_of(&a, c->op, &c->opts, c->in[0], c->in[1]));
    EM_TRY(rows_to_write(&rows, c, &a, &one));
    start(c);
    em__put_rows(&a, c->out[0]->data, rows->data, one, EM_DATA(int64_t, positions), positions->count, bytes_of(rows));
    em_tensor_release(rows);
    return EM_OK;
}

static em_status value_gradient(const em_node *n, em_tensor **dx, const em_axis_index *a)
{
    int dims;
    int64_t size[EM_MAX_DIMS];
    em_tensor *rows, *dy = n->dy[0];
    const em_tensor *positions = n->y[1];
    EM_TRY(shape_of_positions(&dims, size, n->op, &n->opts, n->x[0], n->x[1], positions));
    EM_TRY(em_tensor_empty(&rows, n->dtype, dims, size));
    em__take_rows(a, rows->data, dy->data, EM_DATA(int64_t, positions), positions->count, bytes_of(dy));
    em_status s = em__sum_to(&dx[2], rows, n->x[2]);
    em_tensor_release(rows);
    return s;
}

static em_status rows_backward(const em_node *n, em_tensor **dx)
{
    em_axis_index a;
    const em_tensor *positions = n->y[1];
    EM_TRY(rows_of(&a, n->op, &n->opts, n->x[0], n->x[1]));
    if (em__wants(n, 0)) {
        em_tensor *zeros;
        EM_TRY(em_tensor_zeros(&zeros, n->dtype, 1, &a.inner));
        em_status s = em_tensor_clone(&dx[0], n->dy[0]);
        if (!s)
            em__put_rows(&a, dx[0]->data, zeros->data, true, EM_DATA(int64_t, positions), positions->count,
                         bytes_of(zeros));
        em_tensor_release(zeros);
        if (s) return s;
    }
    return em__wants(n, 2) ? value_gradient(n, dx, &a) : EM_OK;
}

/* ---- scatter --------------------------------------------------------------------------------------------- */

/* Elements are of `size` bytes, known when this is compiled. */
EM_INLINE void scatter_by(const size_t size, const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner,
                          char *to, const char *from)
{
    const int64_t bytes = (int64_t)size;
    em_pairs p;
    const bool straight = owners == 1 && em__slices_contiguous(l);
    for (int64_t k = lo; straight && k < hi && !em__stop; k++) {
        int64_t at[EM_ITERATED];
        const int64_t *id = em__slice(l, k, at);
        char *y = to + at[1] * bytes;
        const char *x = from + at[2] * bytes;
        EM_PIECES(first, last, l->length)
            for (int64_t i = first; i < last; i++) memcpy(y + id[i] * bytes, x + i * bytes, size);
    }
    if (straight) return;
    for (em__pairs_start(&p, l, lo, hi, owners, owner); em__pairs_next(&p);)
        for (int i = 0; i < p.n; i++) memcpy(to + p.there[i] * bytes, from + p.here[i] * bytes, size);
}

static void scatter(size_t size, const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner, char *to,
                    const char *from)
{
    switch (size) {
    case 1: scatter_by(1, l, lo, hi, owners, owner, to, from); break;
    case 2: scatter_by(2, l, lo, hi, owners, owner, to, from); break;
    case 4: scatter_by(4, l, lo, hi, owners, owner, to, from); break;
    default: scatter_by(8, l, lo, hi, owners, owner, to, from); break;
    }
}

/* y[ids] = src along a dim */
static void place(em_tensor *y, const em_tensor *ids, const em_tensor *src, int dim)
{
    em_slices l;
    em__slices(&l, ids, y, src, dim);
    const size_t size = bytes_of(y);
    const int64_t owners = em__owners(l.count, 2.0 * (double)l.count * (double)l.length);
    if (owners == 1)
        EM_PARALLEL_CHUNKS(lo, hi, l.count, 2 * l.length) scatter(size, &l, lo, hi, 1, 0, y->data, src->data);
    else
        EM_PARALLEL_EACH(k, owners, 2 * l.count * l.length)
            scatter(size, &l, 0, l.count, owners, k, y->data, src->data);
}

static em_status scatter_check(em_call *c)
{
    const em_tensor *x = c->in[0], *ids = c->in[1], *src = c->in[2];
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, x->dims, "scatter"));
    EM_TRY(em__check_slices(c, x, "input", ids, dim));
    bool fits = src->dims == ids->dims;
    for (int d = 0; fits && d < ids->dims; d++) fits = ids->size[d] <= src->size[d];
    if (!fits && src->dims)
        return em__fail(EM_ESHAPE,
                        "scatter: src %s: expected a number, or as many dims as index %s and no size smaller",
                        EM_SHAPE(src), EM_SHAPE(ids));
    return em__out_like(c, 0, x);
}

static em_status scatter_forward(em_call *c)
{
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, c->in[0]->dims, "scatter"));
    start(c);
    place(c->out[0], c->in[1], c->in[2], dim);
    return EM_OK;
}

static em_status scatter_backward(const em_node *n, em_tensor **dx)
{
    int dim;
    EM_TRY(em__wrap_dim(&dim, n->opts.at[0].i, n->x[0]->dims, "scatter"));
    if (em__wants(n, 0)) {
        em_tensor *zero;
        EM_TRY(em_tensor_zeros(&zero, n->dtype, 0, NULL));
        em_status s = em_tensor_clone(&dx[0], n->dy[0]);
        if (!s) place(dx[0], n->x[1], zero, dim);
        em_tensor_release(zero);
        if (s) return s;
    }
    return em__wants(n, 2) ? em__source_slope(n, dx) : EM_OK;
}

/* ---- copy ------------------------------------------------------------------------------------------------ */

static em_status copy_check(em_call *c)
{
    const em_tensor *x = c->in[0], *from = c->in[1];
    if (!em__broadcasts_to(from, x->dims, x->size))
        return em__fail(EM_ESHAPE, "copy: src %s does not broadcast to the shape %s", EM_SHAPE(from), EM_SHAPE(x));
    return em__out_like(c, 0, x);
}

static em_status copy_forward(em_call *c)
{
    if (c->out[0]->data != c->in[1]->data) em__copy_strided(c->out[0], c->in[1]);
    return EM_OK;
}

/* Nothing is left of the input. */
static em_status copy_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) EM_TRY(em__dx_zeros(dx, n, 0));
    return em__wants(n, 1) ? em__sum_to(&dx[1], n->dy[0], n->x[1]) : EM_OK;
}

/* ---- descriptors ----------------------------------------------------------------------------------------- */

static const em_opt_spec dim_opts[] = {{"dim", EM_OPT_INT, "!", "", "the dim in which ids count"}, {0}};
static const em_opt_spec put_opts[] = {{"dim", EM_OPT_INT, "0", "", "the dim in which ids count"}, {0}};
static const em_opt_spec no_opts[] = {{0}};

#define PLACE(label, title, in, specs, how, text) \
    const em_op EM_OP(label) = { \
        .name = title, .key = #label, .inputs = in, .outputs = "output [positions]", .doc = text, .opts = specs, \
        .types = EM_TYPES_MOVE, \
        .flags = EM_OP_INPLACE | EM_OP_INTO_FIRST | EM_OP_POSITIONS | (how), .saves = EM_SAVE_Y(1), \
        .check = label##_check, .forward = rows_forward, .backward = rows_backward, \
    };
PLACE(index_copy, "index_copy", "input index# source", dim_opts, 0,
      "Puts rows at ids along a dim: output[index[i]] = source[i] for dim 0, else input; of equal ids the last one\n"
      "stays.\n"
      "Fails if an id is out of range, or source is not of input's shape with as many rows as there are ids.")
PLACE(index_fill, "index_fill", "input index# value", dim_opts, 0,
      "Fills rows at ids along a dim with one number.\nFails if an id is out of range.")
PLACE(index_put, "index_put", "input index# value", put_opts, EM_OP_METHOD_ONLY,
      "Puts rows at ids of any shape along a dim; negative ids count from the end, of equal ones the last one stays.\n"
      "value broadcasts to the shape that `index` would pick. Fails if an id is out of range.")
PLACE(masked_put, "index_put", "input mask! value", no_opts, EM_OP_METHOD_ONLY,
      "Puts rows where a mask of the first sizes is true.\nvalue broadcasts to the shape that `index_mask` would pick.")

const em_op EM_OP(copy) = {
    .name = "copy",
    .inputs = "input src",
    .outputs = "output",
    .doc = "The elements of src in the shape and dtype of input, whose own are lost: for copy_.\n"
           "Fails if src does not broadcast to input's shape.",
    .types = EM_TYPES_MOVE,
    .flags = EM_OP_STRIDED | EM_OP_INPLACE | EM_OP_NO_PROMOTE | EM_OP_METHOD_ONLY,
    .check = copy_check,
    .forward = copy_forward,
    .backward = copy_backward,
};

const em_op EM_OP(scatter) = {
    .name = "scatter",
    .inputs = "input index# src",
    .outputs = "output",
    .doc =
        "Puts elements at ids along a dim: output[index[i][j]][j] = src[i][j] for dim 0, else input; of equal ids the\n"
        "last one stays. src may be a number; index is no larger than src, nor than input except along the dim.\n"
        "Fails if an id is out of range.",
    .opts = dim_opts,
    .types = EM_TYPES_MOVE,
    .flags = EM_OP_STRIDED | EM_OP_INPLACE | EM_OP_INTO_FIRST | EM_OP_POSITIONS,
    .saves = EM_SAVE_X(1),
    .check = scatter_check,
    .forward = scatter_forward,
    .backward = scatter_backward,
};
