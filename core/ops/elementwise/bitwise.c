/* Operations on the bits of integers; of bools, on their one bit: x & y, x | y, x ^ y, ~x. They have no gradient. */
#include "ops/elementwise/pointwise.h"

static em_status check_integer(const em_call *c)
{
#if EM_REAL_FLOAT
    return em__fail(EM_ETYPE, "%s: expected integers or bools, got %s", c->op->name, em_dtype_name(c->dtype));
#else
    return (void)c, EM_OK;
#endif
}

static em_status pair_check(em_call *c)
{
    EM_TRY(check_integer(c));
    return em__pointwise_out(c, 0, 1, c->dtype);
}

static em_status not_check(em_call *c)
{
    EM_TRY(check_integer(c));
    return em__out_like(c, 0, c->in[0]);
}

/* Floats never come so far. */
#if EM_REAL_FLOAT
#define BITS(expression) 0
#else
#define BITS(expression) (expression)
#endif

#define STAMP(name, value, help) \
    EM_OP_OF_2(name, em_scalar, BITS(value), pair_check, EM_OP_MODULAR, help "\nFails for floats.")
STAMP(bitwise_and, x & y, "The bits set in both of two integers or bools, broadcast.")
STAMP(bitwise_or, x | y, "The bits set in one or both of two integers or bools, broadcast.")
STAMP(bitwise_xor, x ^ y, "The bits set in just one of two integers or bools, broadcast.")

static void not_row(char *const *p, const int64_t *s, int64_t n, em_scalar a)
{
    em_scalar *to = (void *)p[0];
    const em_scalar *x = (void *)p[1];
    (void)a;
#if EM_REAL_DTYPE_IS_BOOL
    for (int64_t i = 0; i < n; i++) to[i * s[0]] = x[i * s[1]] == 0;
#else
    for (int64_t i = 0; i < n; i++) to[i * s[0]] = (em_scalar)BITS(~x[i * s[1]]);
#endif
#if EM_REAL_FLOAT
    (void)x;
#endif
}

static em_status not_forward(em_call *c)
{
    em__pointwise((em_tensor *[]){c->out[0], c->in[0]}, 2, not_row, 0);
    return EM_OK;
}

const em_op EM_OP(bitwise_not) = {
    .name = "bitwise_not",
    .inputs = "input",
    .outputs = "output",
    .doc = "Every bit of integers turned; of bools, the other one.\nFails for floats.",
    .types = EM_TYPES_ALL,
    .flags = EM_OP_STRIDED | EM_OP_INPLACE,
    .check = not_check,
    .forward = not_forward,
};
