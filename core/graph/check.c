/* What the checks of operations share: making results, shapes and dims that fit. */
#include <string.h>

#include "graph/op.h"
#include "graph/call.h"

em_status em__out(em_call *c, int k, em_dtype dtype, int dims, const int64_t *sizes)
{
    em_tensor *into = k == 0 ? c->into : NULL;
    if (into && into->dtype == dtype && into->dims == dims &&
        !memcmp(into->size, sizes, (size_t)dims * sizeof *sizes)) {
        em_tensor_retain(c->out[0] = into);
        return EM_OK;
    }
    return em_tensor_empty(&c->out[k], dtype, dims, sizes);
}

em_status em__out_like(em_call *c, int k, const em_tensor *t)
{
    return em__out(c, k, t->dtype, t->dims, t->size);
}

em_status em__check_dims(const em_call *c, const em_tensor *t, int dims, const char *what)
{
    if (t->dims == dims) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s must have %d dims, got shape %s", c->op->name, what, dims, EM_SHAPE(t));
}

em_status em__check_same_shape(const em_call *c, const em_tensor *a, const char *a_name, const em_tensor *b,
                               const char *b_name)
{
    if (a->dims == b->dims && !memcmp(a->size, b->size, (size_t)a->dims * sizeof *a->size)) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s has shape %s, %s has %s; expected the same", c->op->name, a_name, EM_SHAPE(a),
                    b_name, EM_SHAPE(b));
}

em_status em__dim_mask(const em_op *op, const em_opts *opts, int opt, int dims, unsigned *mask)
{
    const em_opt *o = &opts->at[opt];
    *mask = 0;
    if (!op->opts || !o->given || o->i == 0) {
        *mask = dims ? (1u << dims) - 1 : 1;
        return EM_OK;
    }
    for (int64_t k = 0; k < o->i; k++) {
        int d;
        EM_TRY(em__wrap_dim(&d, opts->ints[k], dims, op->name));
        if (*mask & 1u << d) return em__fail(EM_EVALUE, "%s: dim %d is given twice", op->name, d);
        *mask |= 1u << d;
    }
    return EM_OK;
}
