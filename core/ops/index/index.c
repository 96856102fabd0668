/* Picking elements: index_select index index_mask gather take masked_select nonzero. y = x[index], in one of the senses
 * that their docs tell; dx = 0 with dx[index] += dy, or = dy where no element can have been picked twice. nonzero gives
 * positions and has no gradient. */
#include <string.h>

#include "ops/index/axis_index.h"
#include "tensor/copy.h"
#include "tensor/position.h"

static size_t bytes_of(const em_tensor *t) { return em_dtype_size(t->dtype); }

/* dx[0] = zeros, to which dy is added at `positions` along a dim. Both shapes may be seen flat: `shape` is dx's. */
static em_status add_back(const em_node *n, em_tensor **dx, em_tensor *positions, int dims, const int64_t *shape,
                          int64_t dim)
{
    EM_TRY(em__dx_zeros(dx, n, 0));
    int64_t size[EM_MAX_DIMS];
    for (int d = 0; d < dims; d++) size[d] = d == dim ? positions->count : shape[d];
    em_tensor *to = NULL, *ids = NULL, *dy = NULL;
    em_status s = em__tensor_window(&to, dx[0], dx[0]->data, dims, shape, NULL);
    if (!s) s = em__tensor_window(&ids, positions, positions->data, 1, &positions->count, NULL);
    if (!s) s = em__tensor_window(&dy, n->dy[0], n->dy[0]->data, dims, size, NULL);
    const em_op *op = em_op_find("index_add");
    em_opts opts;
    em_opts_default(&opts, op);
    opts.at[0] = (em_opt){.given = true, .i = dim, .x = (double)dim};
    if (!s) s = em_apply_inplace(op, to, (em_tensor *[]){to, ids, dy}, 3, &opts, NULL);
    em_tensor_release(to);
    em_tensor_release(ids);
    em_tensor_release(dy);
    return s;
}

/* ---- index_select index: rows by ids along a dim ------------------------------------------------------- */

/* The result: x's shape with the dim replaced by the ids' shape. */
static em_status rows_out(em_call *c, const em_tensor *ids, int dim)
{
    const em_tensor *x = c->in[0];
    int64_t size[2 * EM_MAX_DIMS];
    int dims = 0;
    for (int d = 0; d < dim; d++) size[dims++] = x->size[d];
    for (int d = 0; d < ids->dims; d++) size[dims++] = ids->size[d];
    for (int d = dim + 1; d < x->dims; d++) size[dims++] = x->size[d];
    if (dims > EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "%s: ids %s in place of dim %d of input %s: more than %d dims", c->op->name,
                        EM_SHAPE(ids), dim, EM_SHAPE(x), EM_MAX_DIMS);
    return em__out(c, 0, c->dtype, dims, size);
}

static em_status index_select_check(em_call *c)
{
    em_axis_index a;
    const em_tensor *x = c->in[0], *ids = c->in[1];
    EM_TRY(em__axis_index(&a, x, c->opts.at[0].i, c->op->name));
    if (ids->dims > 1 || (x->dims == 0 && ids->count != 1))
        return em__fail(EM_ESHAPE, "index_select: index must have 1 dim, and 1 id for an input of 0 dims, got shape %s",
                        EM_SHAPE(ids));
    EM_TRY(em__check_axis_index(c, ids, &a));
    em_tensor_retain(c->out[1] = c->in[1]);
    if (x->dims == 0) return em__out(c, 0, c->dtype, 0, NULL);
    int64_t size[EM_MAX_DIMS];
    for (int d = 0; d < x->dims; d++) size[d] = d == a.dim ? ids->count : x->size[d];
    return em__out(c, 0, c->dtype, x->dims, size);
}

static em_status index_check(em_call *c)
{
    em_axis_index a;
    char what[32] = "the size of dim 0";
    if (c->in[0]->dims == 0)
        return em__fail(EM_ESHAPE, "index: a tensor of shape () has no position to pick");
    EM_TRY(em__axis_index(&a, c->in[0], c->opts.at[0].i, c->op->name));
    what[16] = (char)('0' + a.dim);
    EM_TRY(em__positions_of_ids(&c->out[1], c->in[1], a.size, c->op->name, what));
    return rows_out(c, c->in[1], a.dim);
}

static em_status rows_forward(em_call *c)
{
    em_axis_index a;
    EM_TRY(em__axis_index(&a, c->in[0], c->opts.at[0].i, c->op->name));
    const em_tensor *positions = c->out[1];
    em__take_rows(&a, c->out[0]->data, c->in[0]->data, EM_DATA(int64_t, positions), positions->count,
                  bytes_of(c->in[0]));
    return EM_OK;
}

static em_status rows_backward(const em_node *n, em_tensor **dx)
{
    const em_tensor *x = n->x[0];
    int dim;
    EM_TRY(em__wrap_dim(&dim, n->opts.at[0].i, x->dims, n->op->name));
    if (x->dims == 0) return add_back(n, dx, n->y[1], 1, (int64_t[]){1}, 0);
    return add_back(n, dx, n->y[1], x->dims, x->size, dim);
}

/* ---- take: elements by their row-major position -------------------------------------------------------- */

static em_status take_check(em_call *c)
{
    EM_TRY(em__positions_of_ids(&c->out[1], c->in[1], c->in[0]->count, "take", "the number of elements"));
    return em__out(c, 0, c->dtype, c->in[1]->dims, c->in[1]->size);
}

static em_status take_forward(em_call *c)
{
    const em_axis_index a = em__axis_index_first(c->in[0], c->in[0]->dims);
    const em_tensor *positions = c->out[1];
    em__take_rows(&a, c->out[0]->data, c->in[0]->data, EM_DATA(int64_t, positions), positions->count,
                  bytes_of(c->in[0]));
    return EM_OK;
}

static em_status take_backward(const em_node *n, em_tensor **dx)
{
    return add_back(n, dx, n->y[1], 1, &n->x[0]->count, 0);
}

/* ---- index_mask: rows where a mask over the first dims is true ----------------------------------------- */

static em_status index_mask_check(em_call *c)
{
    const em_tensor *x = c->in[0], *mask = c->in[1];
    bool fits = mask->dims <= x->dims;
    for (int d = 0; fits && d < mask->dims; d++) fits = mask->size[d] == x->size[d];
    if (!fits)
        return em__fail(EM_ESHAPE, "index: mask %s: expected the first sizes of input %s", EM_SHAPE(mask),
                        EM_SHAPE(x));
    EM_TRY(em__positions_of_mask(&c->out[1], mask));
    int64_t size[EM_MAX_DIMS + 1] = {c->out[1]->count};
    for (int d = mask->dims; d < x->dims; d++) size[d - mask->dims + 1] = x->size[d];
    return em__out(c, 0, c->dtype, x->dims - mask->dims + 1, size);
}

static em_status index_mask_forward(em_call *c)
{
    const em_axis_index a = em__axis_index_first(c->in[0], c->in[1]->dims);
    const em_tensor *positions = c->out[1];
    em__take_rows(&a, c->out[0]->data, c->in[0]->data, EM_DATA(int64_t, positions), positions->count,
                  bytes_of(c->in[0]));
    return EM_OK;
}

static em_status index_mask_backward(const em_node *n, em_tensor **dx)
{
    const em_axis_index a = em__axis_index_first(n->x[0], n->x[1]->dims);
    const em_tensor *positions = n->y[1];
    EM_TRY(em__dx_zeros(dx, n, 0));
    em__put_rows(&a, dx[0]->data, n->dy[0]->data, false, EM_DATA(int64_t, positions), positions->count,
                     bytes_of(dx[0]));
    return EM_OK;
}

/* ---- masked_select: elements where a mask is true, both broadcast -------------------------------------- */

/* `t` repeated to a shape, contiguous. */
static em_status spread(em_tensor **out, const em_tensor *t, int dims, const int64_t *size)
{
    EM_TRY(em_tensor_empty(out, t->dtype, dims, size));
    em__copy_strided(*out, t);
    return EM_OK;
}

static em_status masked_select_check(em_call *c)
{
    int dims;
    int64_t size[EM_MAX_DIMS];
    em_tensor *mask;
    EM_TRY(em__broadcast(&dims, size, c->in[0], c->in[1], "masked_select"));
    EM_TRY(spread(&mask, c->in[1], dims, size));
    em_status s = em__positions_of_mask(&c->out[1], mask);
    em_tensor_release(mask);
    if (s) return s;
    return em__out(c, 0, c->dtype, 1, &c->out[1]->count);
}

static em_status masked_select_forward(em_call *c)
{
    int dims;
    int64_t size[EM_MAX_DIMS];
    em_tensor *x;
    EM_TRY(em__broadcast(&dims, size, c->in[0], c->in[1], "masked_select"));
    EM_TRY(spread(&x, c->in[0], dims, size));
    const em_axis_index a = em__axis_index_first(x, dims);
    em__take_rows(&a, c->out[0]->data, x->data, EM_DATA(int64_t, c->out[1]), c->out[1]->count, bytes_of(x));
    em_tensor_release(x);
    return EM_OK;
}

static em_status masked_select_backward(const em_node *n, em_tensor **dx)
{
    int dims;
    int64_t size[EM_MAX_DIMS];
    em_tensor *wide;
    EM_TRY(em__broadcast(&dims, size, n->x[0], n->x[1], "masked_select"));
    EM_TRY(em_tensor_zeros(&wide, n->dtype, dims, size));
    const em_axis_index a = em__axis_index_first(wide, dims);
    em__put_rows(&a, wide->data, n->dy[0]->data, false, EM_DATA(int64_t, n->y[1]), n->y[1]->count, bytes_of(wide));
    em_status s = em__sum_to(&dx[0], wide, n->x[0]);
    em_tensor_release(wide);
    return s;
}

/* ---- gather: one element a result, by ids of the result's shape ---------------------------------------- */

static em_status gather_check(em_call *c)
{
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, c->in[0]->dims, "gather"));
    EM_TRY(em__check_slices(c, c->in[0], "input", c->in[1], dim));
    return em__out(c, 0, c->dtype, c->in[1]->dims, c->in[1]->size);
}

/* Elements are of `size` bytes, known when this is compiled. */
EM_INLINE void gather_by(const size_t size, const em_slices *l, int64_t lo, int64_t hi, const char *from, char *to)
{
    const int64_t bytes = (int64_t)size;
    em_pairs p;
    const bool straight = em__slices_contiguous(l);
    for (int64_t k = lo; straight && k < hi && !em__stop; k++) {
        int64_t at[EM_ITERATED];
        const int64_t *id = em__slice(l, k, at);
        const char *x = from + at[1] * bytes;
        char *y = to + at[2] * bytes;
        EM_PIECES(first, last, l->length)
            for (int64_t i = first; i < last; i++) memcpy(y + i * bytes, x + id[i] * bytes, size);
    }
    if (straight) return;
    for (em__pairs_start(&p, l, lo, hi, 1, 0); em__pairs_next(&p);)
        for (int i = 0; i < p.n; i++) memcpy(to + p.here[i] * bytes, from + p.there[i] * bytes, size);
}

static void gather(size_t size, const em_slices *l, int64_t lo, int64_t hi, const char *from, char *to)
{
    switch (size) {
    case 1: gather_by(1, l, lo, hi, from, to); break;
    case 2: gather_by(2, l, lo, hi, from, to); break;
    case 4: gather_by(4, l, lo, hi, from, to); break;
    default: gather_by(8, l, lo, hi, from, to); break;
    }
}

static em_status gather_forward(em_call *c)
{
    const em_tensor *x = c->in[0], *y = c->out[0];
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, x->dims, "gather"));
    em_slices l;
    em__slices(&l, c->in[1], x, y, dim);
    const size_t size = bytes_of(x);
    EM_PARALLEL_CHUNKS(lo, hi, l.count, 2 * l.length) gather(size, &l, lo, hi, x->data, y->data);
    return EM_OK;
}

static em_status gather_backward(const em_node *n, em_tensor **dx)
{
    EM_TRY(em__dx_zeros(dx, n, 0));
    return em_apply_inplace(em_op_find("scatter_add"), dx[0], (em_tensor *[]){dx[0], n->x[1], n->dy[0]}, 3, &n->opts,
                            NULL);
}

/* ---- nonzero ------------------------------------------------------------------------------------------- */

static em_status nonzero_places(em_tensor **out, const em_tensor *x)
{
    em_tensor *mask;
    EM_TRY(em_tensor_to(&mask, x, EM_BOOL));
    em_status s = em__positions_of_mask(out, mask);
    em_tensor_release(mask);
    return s;
}

static em_status nonzero_check(em_call *c)
{
    EM_TRY(nonzero_places(&c->out[1], c->in[0]));
    return em__out(c, 0, EM_I64, 2, (int64_t[]){c->out[1]->count, c->in[0]->dims});
}

static em_status nonzero_forward(em_call *c)
{
    const em_tensor *x = c->in[0], *positions = c->out[1];
    const int dims = x->dims;
    int64_t *y = EM_DATA(int64_t, c->out[0]);
    EM_PARALLEL_CHUNKS(lo, hi, positions->count, 8.0 * dims)
        for (int64_t i = lo; i < hi; i++) {
            int64_t at = EM_DATA(int64_t, positions)[i];
            for (int d = dims - 1; d >= 0; d--) {
                y[i * dims + d] = at % x->size[d];
                at /= x->size[d];
            }
        }
    return EM_OK;
}

/* ---- descriptors --------------------------------------------------------------------------------------- */

static const em_opt_spec dim_opts[] = {{"dim", EM_OPT_INT, "!", "", "the dim in which ids count"}, {0}};
static const em_opt_spec index_opts[] = {{"dim", EM_OPT_INT, "0", "", "the dim in which ids count"}, {0}};
static const em_opt_spec no_opts[] = {{0}};

#define PICK(label, title, in, out, specs, keeps, how, run, back, text) \
    const em_op EM_OP(label) = { \
        .name = title, .key = #label, .inputs = in, .outputs = out, .doc = text, .opts = specs, \
        .types = EM_TYPES_MOVE, \
        .flags = how, .saves = keeps, .check = label##_check, .forward = run, .backward = back, \
    };
PICK(index_select, "index_select", "input index#", "output [positions]", dim_opts, EM_SAVE_Y(1), 0, rows_forward,
     rows_backward,
     "Rows of a dim, picked by a list of ids: the dim's size becomes their number.\nFails if an id is out of range.")
PICK(index, "index", "input index#", "output [positions]", index_opts, EM_SAVE_Y(1), EM_OP_METHOD_ONLY, rows_forward,
     rows_backward,
     "Rows of a dim, picked by ids of any shape, whose dims replace it; negative ids count from the end.\n"
     "Fails if an id is out of range.")
PICK(index_mask, "index", "input mask!", "output [positions]", no_opts, EM_SAVE_Y(1), EM_OP_METHOD_ONLY,
     index_mask_forward, index_mask_backward,
     "Rows where a mask of the first sizes is true: (n, ...).\nFails unless the mask has the first sizes.")
PICK(gather, "gather", "input index#", "output", dim_opts, EM_SAVE_X(1), EM_OP_STRIDED, gather_forward, gather_backward,
     "Elements picked along a dim: output[i][j] = input[index[i][j]][j] for dim 0. The result has the shape of index,\n"
     "which is no larger than input except along the dim. Fails if an id is out of range.")
PICK(take, "take", "input index#", "output [positions]", no_opts, EM_SAVE_Y(1), 0, take_forward, take_backward,
     "Elements by their row-major position, in the shape of index; negative ones count from the end.\n"
     "Fails if one is out of range.")
PICK(masked_select, "masked_select", "input mask!", "output [positions]", no_opts, EM_SAVE_Y(1), EM_OP_STRIDED,
     masked_select_forward, masked_select_backward,
     "Elements where a mask is true, in row-major order: (n). Both are broadcast.\nFails if shapes do not fit.")
PICK(nonzero, "nonzero", "input", "output [positions]", no_opts, 0, EM_OP_STRIDED | EM_OP_NO_PROMOTE, nonzero_forward,
     NULL,
     "Positions of the elements that are not zero: (n, dims) int64, in row-major order.")
