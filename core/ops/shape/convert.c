/* The same values in memory of their own, or of another dtype: clone contiguous to. y = x; dx = dy, in x's dtype. */
#include "graph/op.h"
#include "tensor/copy.h"

static em_status pass_back(const em_node *n, em_tensor **dx)
{
    em_tensor_retain(dx[0] = n->dy[0]);
    return EM_OK;
}

/* A handle of its own, so that it can have a history. */
static em_status another(em_call *c)
{
    const em_tensor *x = c->in[0];
    return em__tensor_window(&c->out[0], x, x->data, x->dims, x->size, x->stride);
}

static em_status clone_check(em_call *c) { return em__out_like(c, 0, c->in[0]); }

static em_status clone_forward(em_call *c)
{
    em__copy_strided(c->out[0], c->in[0]);
    return EM_OK;
}

static em_status contiguous_check(em_call *c)
{
    return c->in[0]->contiguous ? another(c) : em_tensor_clone(&c->out[0], c->in[0]);
}

static em_status to_check(em_call *c)
{
    const em_dtype dtype = (em_dtype)c->opts.at[0].i;
    return c->in[0]->dtype == dtype ? another(c) : em_tensor_to(&c->out[0], c->in[0], dtype);
}

static const em_opt_spec to_opts[] = {{"dtype", EM_OPT_DTYPE, "!", "", "the dtype of the result"}, {0}};

enum { KEEPS = EM_OP_STRIDED | EM_OP_STRIDED_DY | EM_OP_NO_PROMOTE | EM_OP_METHOD_ONLY };

const em_op EM_OP(clone) = {
    .name = "clone", .inputs = "input", .outputs = "output", .doc = "A copy of the elements, contiguous.",
    .types = EM_TYPES_MOVE, .flags = KEEPS, .check = clone_check, .forward = clone_forward, .backward = pass_back,
};

const em_op EM_OP(contiguous) = {
    .name = "contiguous", .inputs = "input", .outputs = "output",
    .doc = "The tensor with its elements in row-major order: a view if they are already, else a copy.",
    .types = EM_TYPES_MOVE, .flags = KEEPS | EM_OP_VIEW, .check = contiguous_check, .backward = pass_back,
};

const em_op EM_OP(to) = {
    .name = "to", .inputs = "input", .outputs = "output",
    .doc = "The tensor in another dtype: a view if it is of that dtype already, else a copy.\n"
           "A float is cut off at its point; outside the range of int64 or int32 it becomes its nearest end, NaN 0.\n"
           "uint8 keeps the low 8 bits of the int64 made so. bool: whether a number is not 0.",
    .opts = to_opts, .types = EM_TYPES_MOVE, .flags = KEEPS | EM_OP_VIEW, .check = to_check, .backward = pass_back,
};
