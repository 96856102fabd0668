/* Products of matrices: mm bmm mv dot outer matmul linear. y = a b, da = dy b^T, db = a^T dy, a vector being a matrix
 * of one row or column, and batch dims that were repeated summed; linear: y = x w^T + b, dx = dy w, dw = dy^T x, db =
 * the sum of the rows of dy. */
#include "ops/product/product.h"
#include "ops/elementwise/integer.h"
#include "tensor/copy.h"

/* ---- matmul mm bmm mv dot ------------------------------------------------------------------------------ */

static em_status check_pair(em_call *c, int x_dims, const char *x, int y_dims, const char *y)
{
    em_product p;
    EM_TRY(em__check_dims(c, c->in[0], x_dims, x));
    EM_TRY(em__check_dims(c, c->in[1], y_dims, y));
    EM_TRY(em__product_plan(&p, c->op->name, c->in[0], c->in[1], false));
    return em__product_out(c, &p);
}

static em_status matmul_check(em_call *c)
{
    em_product p;
    EM_TRY(em__product_plan(&p, c->op->name, c->in[0], c->in[1], false));
    return em__product_out(c, &p);
}

static em_status mm_check(em_call *c) { return check_pair(c, 2, "input", 2, "mat2"); }
static em_status mv_check(em_call *c) { return check_pair(c, 2, "input", 1, "vec"); }
static em_status dot_check(em_call *c) { return check_pair(c, 1, "input", 1, "other"); }

static em_status bmm_check(em_call *c)
{
    EM_TRY(em__check_batches(c, c->in[0], c->in[1], "input", "mat2"));
    return matmul_check(c);
}

static em_status matmul_forward(em_call *c)
{
    em_product p;
    EM_TRY(em__product_plan(&p, c->op->name, c->in[0], c->in[1], false));
    return em__product_forward(c->out[0], &p, c->in[0], c->in[1], 1, 0);
}

static em_status matmul_backward(const em_node *n, em_tensor **dx)
{
    em_product p;
    EM_TRY(em__product_plan(&p, n->op->name, n->x[0], n->x[1], false));
    return em__product_backward(n, dx, 0, &p, 1);
}

#define PRODUCT(label, in, check_it, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = in, .outputs = "output", .doc = text, .types = EM_TYPES_ALL, .flags = EM_OP_STRIDED, \
        .saves = EM_SAVE_X(0) | EM_SAVE_X(1), .check = check_it, .forward = matmul_forward, \
        .backward = matmul_backward, \
    };
PRODUCT(matmul, "input other", matmul_check,
        "Product of matrices: (..., M, K) and (..., K, N) give (..., M, N); the dims before the last two broadcast.\n"
        "A 1-d input is a row on the left and a column on the right, and its dim is missing in the result.\n"
        "Fails if the inner sizes differ or the batch dims do not broadcast.")
PRODUCT(mm, "input mat2", mm_check,
        "Product of two matrices: (M, K) and (K, N) give (M, N).\nFails if the inner sizes differ.")
PRODUCT(bmm, "input mat2", bmm_check,
        "Products of matrices in pairs: (B, M, K) and (B, K, N) give (B, M, N).\nFails if B or K differ.")
PRODUCT(mv, "input vec", mv_check,
        "Product of a matrix and a vector: (M, K) and (K) give (M).\nFails if the inner sizes differ.")
PRODUCT(dot, "input other", dot_check,
        "Sum of the products of two vectors: (K) and (K) give ().\nFails if the sizes differ.")

/* ---- outer: y_ij = a_i b_j ----------------------------------------------------------------------------- */

static em_product plan_outer(const em_tensor *a, const em_tensor *b)
{
    return (em_product){.count = 1, .m = a->size[0], .n = b->size[0], .k = 1, .row = true, .col = true};
}

static em_status outer_check(em_call *c)
{
    EM_TRY(em__check_dims(c, c->in[0], 1, "input"));
    EM_TRY(em__check_dims(c, c->in[1], 1, "vec2"));
    const em_product p = plan_outer(c->in[0], c->in[1]);
    return em__product_out(c, &p);
}

static em_status outer_forward(em_call *c)
{
    const em_tensor *x = c->in[0], *y = c->in[1];
    const int64_t n = y->size[0];
    EM_PARALLEL_CHUNKS(lo, hi, x->size[0], n)
        for (int64_t i = lo; i < hi; i++) {
            const em_scalar a = EM_SCALARS(x)[i * x->stride[0]];
            const em_scalar *b = EM_SCALARS(y);
            em_scalar *restrict z = EM_SCALARS(c->out[0]) + i * n;
            for (int64_t j = 0; j < n; j++) z[j] = em__times(a, b[j * y->stride[0]]);
        }
    return EM_OK;
}

static em_status outer_backward(const em_node *n, em_tensor **dx)
{
    const em_product p = plan_outer(n->x[0], n->x[1]);
    return em__product_backward(n, dx, 0, &p, 1);
}

const em_op EM_OP(outer) = {
    .name = "outer", .inputs = "input vec2", .outputs = "output",
    .doc = "Products of all pairs: (M) and (N) give (M, N), y_ij = input_i vec2_j.\nFails unless both have 1 dim.",
    .types = EM_TYPES_ALL, .flags = EM_OP_STRIDED, .saves = EM_SAVE_X(0) | EM_SAVE_X(1), .check = outer_check,
    .forward = outer_forward, .backward = outer_backward,
};

/* ---- linear: y = x w^T + b ----------------------------------------------------------------------------- */

static const em_tensor *bias_of(const em_call *c) { return c->n > 2 ? c->in[2] : NULL; }

static em_status linear_check(em_call *c)
{
    const em_tensor *x = c->in[0], *w = c->in[1], *b = bias_of(c);
    EM_TRY(em__check_dims(c, w, 2, "weight"));
    em_product p;
    EM_TRY(em__product_plan(&p, c->op->name, x, w, true));
    if (b && (b->dims != 1 || b->size[0] != p.n))
        return em__fail(EM_ESHAPE, "linear: bias %s: expected shape (%lld), the rows of weight %s", EM_SHAPE(b),
                        (long long)p.n, EM_SHAPE(w));
    return em__product_out(c, &p);
}

static em_status linear_forward(em_call *c)
{
    em_product p;
    EM_TRY(em__product_plan(&p, c->op->name, c->in[0], c->in[1], true));
    const em_tensor *b = bias_of(c);
    if (b) em__copy_strided(c->out[0], b);
    return em__product_forward(c->out[0], &p, c->in[0], c->in[1], 1, b ? 1 : 0);
}

static em_status linear_backward(const em_node *n, em_tensor **dx)
{
    em_product p;
    EM_TRY(em__product_plan(&p, n->op->name, n->x[0], n->x[1], true));
    if (n->n > 2 && em__wants(n, 2)) EM_TRY(em__sum_to(&dx[2], n->dy[0], n->x[2]));
    return em__product_backward(n, dx, 0, &p, 1);
}

const em_op EM_OP(linear) = {
    .name = "linear", .inputs = "input weight bias?", .outputs = "output",
    .doc = "input weight^T + bias: input (..., D), weight (K, D), bias (K) give (..., K).\nFails if D or K differ.",
    .types = EM_TYPES_ALL, .flags = EM_OP_STRIDED, .saves = EM_SAVE_X(0) | EM_SAVE_X(1), .check = linear_check,
    .forward = linear_forward, .backward = linear_backward,
};
