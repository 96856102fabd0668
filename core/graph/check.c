/* What the checks of operations share: making results, shapes and dims that fit, ids in range. */
#include <string.h>

#include "ops/op.h"
#include "ops/dispatch.h"

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

/* "[0, 3]": where element `at` stands in a tensor. */
static const char *position_text(char buffer[EM_SHAPE_TEXT], const em_tensor *t, int64_t at)
{
    int64_t where[EM_MAX_DIMS];
    for (int d = t->dims - 1; d >= 0; d--) {
        where[d] = at % t->size[d];
        at /= t->size[d];
    }
    em__shape_text(buffer, t->dims, where);
    buffer[0] = '[';
    buffer[strlen(buffer) - 1] = ']';
    return buffer;
}

/* Whether all are in range: of an id that is not, it or its distance from the last row is negative. Vectors of any
 * processor can do that, but not compare 64 bits: so this runs at the speed of memory. */
static bool ids_fit(const int64_t *id, int64_t n, int64_t rows)
{
    uint64_t signs = 0;
    for (int64_t i = 0; i < n; i++) signs |= (uint64_t)id[i] | ((uint64_t)rows - 1 - (uint64_t)id[i]);
    return signs >> 63 == 0;
}

em_status em__check_ids(const char *name, const em_tensor *ids, int64_t rows, const char *count)
{
    const int64_t *id = EM_DATA(int64_t, ids), n = ids->count;
    if (n < 8 * EM_GRAIN && ids_fit(id, n, rows)) return EM_OK;
    int64_t bad = INT64_MAX;
    EM_PARALLEL_MIN(i, n, bad)
        if ((uint64_t)id[i] >= (uint64_t)rows) bad = em__min(bad, i);
    if (bad == INT64_MAX) return EM_OK;
    char where[EM_SHAPE_TEXT];
    return em__fail(EM_ERANGE, "%s: index %lld at position %s is out of range for %s = %lld (ids count from 0)", name,
                    (long long)id[bad], position_text(where, ids, bad), count, (long long)rows);
}
