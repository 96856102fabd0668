/* Many tensors into one: cat stack. y = [x_0, x_1, ...] along a dim; dx_k is the view of dy where x_k went. */
#include "graph/op.h"
#include "tensor/copy.h"

/* A list may hold tensors of shape (0) beside others of more dims: they count for nothing. */
static bool is_nothing(const em_tensor *t) { return t->dims == 1 && t->size[0] == 0; }

static em_status no_tensors(const em_call *c)
{
    return em__fail(EM_EVALUE, "%s: expected at least one tensor", c->op->name);
}

/* ---- cat ----------------------------------------------------------------------------------------------- */

static em_status cat_fits(const em_tensor *first, const em_tensor *t, int i, int dim)
{
    bool same = t->dims == first->dims;
    for (int d = 0; same && d < t->dims; d++) same = d == dim || t->size[d] == first->size[d];
    if (same) return EM_OK;
    return em__fail(EM_ESHAPE, "cat: tensor %d of the list has shape %s, another %s: expected the same but for dim %d",
                    i + 1, EM_SHAPE(t), EM_SHAPE(first), dim);
}

static em_status cat_check(em_call *c)
{
    if (c->n == 0) return no_tensors(c);
    const em_tensor *first = c->in[0];
    for (int i = 0; i < c->n && is_nothing(first); i++) first = c->in[i];
    if (!first->dims) return em__fail(EM_ESHAPE, "cat: tensors of shape () cannot be joined; use stack");
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, first->dims, "cat"));
    int64_t size[EM_MAX_DIMS], total = 0;
    for (int d = 0; d < first->dims; d++) size[d] = first->size[d];
    for (int i = 0; i < c->n; i++) {
        if (is_nothing(c->in[i])) continue;
        EM_TRY(cat_fits(first, c->in[i], i, dim));
        if (__builtin_add_overflow(total, c->in[i]->size[dim], &total))
            return em__fail(EM_ESHAPE, "cat: the sizes of dim %d add up to too many", dim);
    }
    size[dim] = total;
    return em__out(c, 0, c->dtype, first->dims, size);
}

static int cat_dim(const em_opts *opts, const em_tensor *y)
{
    return (int)(opts->at[0].i < 0 ? opts->at[0].i + y->dims : opts->at[0].i);
}

static em_status cat_forward(em_call *c)
{
    const em_tensor *y = c->out[0];
    const int dim = cat_dim(&c->opts, y);
    int64_t start = 0;
    for (int i = 0; i < c->n; i++) {
        if (is_nothing(c->in[i])) continue;
        em_tensor target = em__stretch(y, dim, start, c->in[i]->size[dim]);
        em__copy_strided(&target, c->in[i]);
        start += c->in[i]->size[dim];
    }
    return EM_OK;
}

static em_status cat_backward(const em_node *n, em_tensor **dx)
{
    const em_tensor *dy = n->dy[0];
    const int dim = cat_dim(&n->opts, dy);
    int64_t start = 0;
    for (int i = 0; i < n->n; i++) {
        const em_tensor *x = n->x[i];
        if (is_nothing(x)) {
            if (em__wants(n, i)) EM_TRY(em__dx_zeros(dx, n, i));
            continue;
        }
        if (em__wants(n, i)) {
            char *data = dy->data + start * dy->stride[dim] * (int64_t)em_dtype_size(dy->dtype);
            EM_TRY(em__tensor_window(&dx[i], dy, x->count ? data : dy->data, x->dims, x->size, dy->stride));
        }
        start += x->size[dim];
    }
    return EM_OK;
}

/* ---- stack --------------------------------------------------------------------------------------------- */

static em_status stack_check(em_call *c)
{
    if (c->n == 0) return no_tensors(c);
    const em_tensor *first = c->in[0];
    for (int i = 1; i < c->n; i++) {
        bool same = c->in[i]->dims == first->dims;
        for (int d = 0; same && d < first->dims; d++) same = c->in[i]->size[d] == first->size[d];
        if (!same)
            return em__fail(EM_ESHAPE, "stack: tensor %d of the list has shape %s, tensor 1 %s: expected the same",
                            i + 1, EM_SHAPE(c->in[i]), EM_SHAPE(first));
    }
    if (first->dims == EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "stack: tensors have %d dims, the most there can be", EM_MAX_DIMS);
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, first->dims + 1, "stack: in the result"));
    int64_t size[EM_MAX_DIMS];
    for (int d = 0, from = 0; d <= first->dims; d++) size[d] = d == dim ? c->n : first->size[from++];
    return em__out(c, 0, c->dtype, first->dims + 1, size);
}

/* Strides of position i of the joined dim, as a tensor without that dim; returns its offset. */
static int64_t offset_of(const em_tensor *y, int dim, int i, int64_t strides[EM_MAX_DIMS])
{
    for (int d = 0, to = 0; d < y->dims; d++)
        if (d != dim) strides[to++] = y->stride[d];
    return i * y->stride[dim];
}

static em_status stack_forward(em_call *c)
{
    const em_tensor *y = c->out[0];
    const int dim = cat_dim(&c->opts, y);
    for (int i = 0; i < c->n; i++) {
        const em_tensor *x = c->in[i];
        int64_t strides[EM_MAX_DIMS];
        const int64_t offset = offset_of(y, dim, i, strides);
        em_tensor target = em__window(y, offset, x->dims, x->size, strides);
        em__copy_strided(&target, x);
    }
    return EM_OK;
}

static em_status stack_backward(const em_node *n, em_tensor **dx)
{
    const em_tensor *dy = n->dy[0];
    const int dim = cat_dim(&n->opts, dy);
    for (int i = 0; i < n->n; i++) {
        if (!em__wants(n, i)) continue;
        int64_t strides[EM_MAX_DIMS];
        const int64_t offset = offset_of(dy, dim, i, strides) * (int64_t)em_dtype_size(dy->dtype);
        EM_TRY(
            em__tensor_window(&dx[i], dy, dy->data + (dy->count ? offset : 0), n->x[i]->dims, n->x[i]->size, strides));
    }
    return EM_OK;
}

static const em_opt_spec cat_opts[] = {{"dim", EM_OPT_INT, "0", "", "the dim along which they follow one another"},
                                       {0}};
static const em_opt_spec stack_opts[] = {{"dim", EM_OPT_INT, "0", "", "where the new dim stands in the result"}, {0}};

#define JOIN(label, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = "*", .outputs = "output", .doc = text, .opts = label##_opts, .types = EM_TYPES_MOVE, \
        .flags = EM_OP_STRIDED | EM_OP_STRIDED_DY, .check = label##_check, .forward = label##_forward, \
        .backward = label##_backward, \
    };
JOIN(cat, "Joins tensors along a dim: their other sizes are equal, tensors of shape (0) are passed over.\n"
          "Fails if shapes differ otherwise.")
JOIN(stack, "Joins tensors of one shape along a new dim.\nFails if shapes differ.")
