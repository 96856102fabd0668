/* Products of matrices added to something: addmm baddbmm. y = beta x + alpha a b; dx = beta dy, summed over what was
 * repeated, da = alpha dy b^T, db = alpha a^T dy. */
#include "ops/product/product.h"
#include "ops/elementwise/integer.h"
#include "tensor/copy.h"

static const em_opt_spec scales[] = {
    {"beta", EM_OPT_NUMBER, "1", "", "factor of input; 0 leaves it unread"},
    {"alpha", EM_OPT_NUMBER, "1", "", "factor of the product"},
    {0},
};

static em_status check_added(em_call *c)
{
    em_product p;
    EM_TRY(em__check_element(c, 0));
    EM_TRY(em__check_element(c, 1));
    EM_TRY(em__product_plan(&p, c->op->name, c->in[1], c->in[2], false));
    int64_t size[EM_MAX_DIMS] = {p.m, p.n};
    if (p.dims) {
        size[0] = p.size[0];
        size[1] = p.m;
        size[2] = p.n;
    }
    if (!em__broadcasts_to(c->in[0], p.dims + 2, size)) {
        char text[EM_SHAPE_TEXT];
        return em__fail(EM_ESHAPE, "%s: input %s does not broadcast to the product's shape %s", c->op->name,
                        EM_SHAPE(c->in[0]), em__shape_text(text, p.dims + 2, size));
    }
    return em__product_out(c, &p);
}

static em_status addmm_check(em_call *c)
{
    EM_TRY(em__check_dims(c, c->in[1], 2, "mat1"));
    EM_TRY(em__check_dims(c, c->in[2], 2, "mat2"));
    return check_added(c);
}

static em_status baddbmm_check(em_call *c)
{
    EM_TRY(em__check_batches(c, c->in[1], c->in[2], "batch1", "batch2"));
    return check_added(c);
}

static em_factor factor(const em_opt *o)
{
#if EM_REAL_FLOAT
    return o->x;
#else
    return (em_factor)em__element(o);
#endif
}

static em_status added_forward(em_call *c)
{
    em_product p;
    EM_TRY(em__product_plan(&p, c->op->name, c->in[1], c->in[2], false));
    const em_factor beta = factor(&c->opts.at[0]);
    if (beta != 0) em__copy_strided(c->out[0], c->in[0]);
    return em__product_forward(c->out[0], &p, c->in[1], c->in[2], factor(&c->opts.at[1]), beta);
}

static em_status scaled(em_tensor **out, em_tensor *t, double factor)
{
    em_tensor *number;
    EM_TRY(em_tensor_scalar(&number, t->dtype, factor));
    em_status s = em__run2("mul", t, number, NULL, out);
    em_tensor_release(number);
    return s;
}

static em_status added_backward(const em_node *n, em_tensor **dx)
{
    em_product p;
    EM_TRY(em__product_plan(&p, n->op->name, n->x[1], n->x[2], false));
    if (em__wants(n, 0)) {
        em_tensor *sum;
        EM_TRY(em__sum_to(&sum, n->dy[0], n->x[0]));
        em_status s = scaled(&dx[0], sum, n->opts.at[0].x);
        em_tensor_release(sum);
        if (s) return s;
    }
    return em__product_backward(n, dx, 1, &p, factor(&n->opts.at[1]));
}

#define ADDED(label, in, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = in, .outputs = "output", .doc = text, .opts = scales, .types = EM_TYPES_ALL, \
        .flags = EM_OP_STRIDED, .saves = EM_SAVE_X(1) | EM_SAVE_X(2), .check = label##_check, \
        .forward = added_forward, .backward = added_backward, \
    };
ADDED(
    addmm, "input mat1 mat2",
    "beta input + alpha mat1 mat2: mat1 (M, K), mat2 (K, N), input broadcasts to (M, N).\nFails if shapes do not fit.")
ADDED(baddbmm, "input batch1 batch2",
      "beta input + alpha batch1 batch2: batch1 (B, M, K), batch2 (B, K, N), input broadcasts to (B, M, N).\n"
      "Fails if shapes do not fit.")
