/* Triangles of matrices: tril triu. y_ij = x_ij on one side of a diagonal and on it, else 0; dx is the same of dy. */
#include <string.h>

#include "graph/op.h"

static em_status check(em_call *c)
{
    if (c->in[0]->dims < 2)
        return em__fail(EM_ESHAPE, "%s: input: expected a tensor of at least 2 dims, got shape %s", c->op->name,
                        EM_SHAPE(c->in[0]));
    return em__out_like(c, 0, c->in[0]);
}

/* Columns first .. last - 1 of row i are kept: those up to the diagonal, or those from it on. */
static void kept_columns(int64_t *first, int64_t *last, int64_t i, int64_t cols, int64_t diagonal, bool lower)
{
    const int64_t edge = diagonal >= cols ? cols : diagonal <= -i - 1 ? 0 : em__min(cols, i + diagonal + lower);
    *first = lower ? 0 : edge;
    *last = lower ? edge : cols;
}

static em_status cut(em_call *c, bool lower)
{
    const em_tensor *x = c->in[0], *y = c->out[0];
    const int64_t rows = x->size[x->dims - 2], cols = x->size[x->dims - 1], diagonal = c->opts.at[0].i;
    const size_t bytes = em_dtype_size(x->dtype);
    if (x->count == 0) return EM_OK;
    EM_PARALLEL_CHUNKS(lo, hi, x->count / cols, cols)
        for (int64_t r = lo; r < hi; r++) {
            int64_t first, last;
            kept_columns(&first, &last, r % rows, cols, diagonal, lower);
            char *to = y->data + (size_t)(r * cols) * bytes;
            const char *from = x->data + (size_t)(r * cols) * bytes;
            memset(to, 0, (size_t)first * bytes);
            if (to != from)
                memcpy(to + (size_t)first * bytes, from + (size_t)first * bytes, (size_t)(last - first) * bytes);
            memset(to + (size_t)last * bytes, 0, (size_t)(cols - last) * bytes);
        }
    return EM_OK;
}

static em_status tril_forward(em_call *c) { return cut(c, true); }
static em_status triu_forward(em_call *c) { return cut(c, false); }

/* A zero kept no gradient. */
static em_status backward(const em_node *n, em_tensor **dx)
{
    return em__run1(n->op->name, n->dy[0], &n->opts, &dx[0]);
}

static const em_opt_spec opts[] = {
    {"diagonal", EM_OPT_INT, "0", "", "0 the main one, above it if positive, below if negative"},
    {0},
};

#define TRIANGLE(label, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = "input", .outputs = "output", .doc = text, .opts = opts, .types = EM_TYPES_MOVE, \
        .flags = EM_OP_INPLACE, .check = check, .forward = label##_forward, .backward = backward, \
    };
TRIANGLE(tril, "The matrices with zeros above a diagonal.\nFails below 2 dims.")
TRIANGLE(triu, "The matrices with zeros below a diagonal.\nFails below 2 dims.")
