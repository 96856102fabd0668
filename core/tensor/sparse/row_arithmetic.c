/* Sums, multiples and conversions of row-sparse gradients. A sum of two takes over the parts of both; only a coalesced
 * or a dense one adds entries up. */
#include <string.h>

#include "parallel/parallel.h"
#include "tensor/copy.h"
#include "tensor/half.h"
#include "tensor/sparse/row_sparse.h"

/* ---- sums of entries ----------------------------------------------------------------------------------- */

em_status em_rows_coalesce(em_tensor **out, em_tensor *t)
{
    *out = NULL;
    if (t->rows->coalesced) {
        em_tensor_retain(*out = t);
        return EM_OK;
    }
    const em_rows_kernel *kernel;
    const em_groups *g;
    EM_TRY(em__rows_find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_groups(&g, t));
    em_row_part p = {.every = 1, .scale = 1};
    em_status s = em_tensor_empty(&p.ids, EM_I64, 1, &g->n);
    if (!s) s = em_tensor_empty(&p.source, em__computed_in(t->dtype), 2, (int64_t[]){g->n, t->rows->width});
    if (!s) {
        memcpy(p.ids->data, g->ids, (size_t)g->n * sizeof *g->ids);
        kernel->sums(p.source->data, t->rows, g, true);
        s = em__rows_from_part(out, t->dtype, t->dims, t->size, &p, -1);
        if (!s) (*out)->rows->coalesced = true;
    }
    em__row_part_release(&p);
    return s;
}

em_status em_rows_to_dense(em_tensor **out, em_tensor *t)
{
    *out = NULL;
    const em_rows_kernel *kernel;
    const em_groups *g;
    EM_TRY(em__rows_find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_groups(&g, t));
    EM_TRY(em_tensor_zeros(out, em__computed_in(t->dtype), t->dims, t->size));
    kernel->sums((*out)->data, t->rows, g, false);
    return em__rows_round(out, t->dtype);
}

/* ---- sums of gradients --------------------------------------------------------------------------------- */

static em_status check_pair(const em_tensor *a, const em_tensor *b)
{
    if (a->dims != b->dims || memcmp(a->size, b->size, (size_t)a->dims * sizeof *a->size))
        return em__fail(EM_ESHAPE, "add: shapes %s and %s of a row-sparse gradient do not fit", EM_SHAPE(a),
                        EM_SHAPE(b));
    if (a->dtype != b->dtype)
        return em__fail(EM_ETYPE, "add: a row-sparse gradient of %s and a tensor of %s", em_dtype_name(a->dtype),
                        em_dtype_name(b->dtype));
    return EM_OK;
}

/* A new gradient with the parts of a and then b (b may be null), scaled. */
static em_status combine(em_tensor **out, const em_tensor *a, const em_tensor *b, double factor)
{
    *out = NULL;
    em_rows *r = em__rows_alloc(a->rows->n_parts + (b ? b->rows->n_parts : 0));
    if (!r) return em__fail_memory("a row-sparse gradient", sizeof *r);
    for (int k = 0; k < r->n_parts; k++) {
        const int from_b = k - a->rows->n_parts;
        r->parts[k] = from_b < 0 ? a->rows->parts[k] : b->rows->parts[from_b];
        r->parts[k].scale *= factor;
        em__row_part_retain(&r->parts[k]);
    }
    EM_TRY(em__rows_of_parts(out, a->dtype, a->dims, a->size, r));
    if (!b) r->coalesced = a->rows->coalesced;
    return EM_OK;
}

em_status em_rows_add(em_tensor **out, em_tensor *a, em_tensor *b)
{
    EM_TRY(check_pair(a, b));
    return combine(out, a, b, 1);
}

em_status em_rows_add_(em_tensor *t, em_tensor *more, double factor)
{
    em_tensor *scaled, *sum = NULL;
    EM_TRY(check_pair(t, more));
    EM_TRY(em_rows_scale(&scaled, more, factor));
    const em_status s = combine(&sum, t, scaled, 1);
    em_tensor_release(scaled);
    if (s) return s;
    em_rows *was = t->rows, *is = sum->rows, kept = *was;       /* whoever shares t's entries sees the new ones */
    *was = *is;
    *is = kept;
    is->refs = was->refs;
    was->refs = kept.refs;
    em_tensor_release(sum);
    return EM_OK;
}

em_status em_rows_scale(em_tensor **out, em_tensor *t, double factor) { return combine(out, t, NULL, factor); }

em_status em_rows_scale_(em_tensor *t, double factor)
{
    for (int i = 0; i < t->rows->n_parts; i++) t->rows->parts[i].scale *= factor;
    return EM_OK;
}

bool em__rows_read(const em_rows *r, const em_tensor *dense)
{
    for (int i = 0; i < r->n_parts; i++) {
        const em_row_part *p = &r->parts[i];
        if (em_tensor_same_storage(p->source, dense) || (p->table && em_tensor_same_storage(p->table, dense)) ||
            (p->coef && em_tensor_same_storage(p->coef, dense)))
            return true;
    }
    return false;
}

em_status em_rows_add_to(em_tensor *dense, em_tensor *t, double factor)
{
    EM_TRY(check_pair(t, dense));
    EM_TRY(em__before_change(dense, "add_"));
    if (em__rows_read(t->rows, dense)) {                   /* read all of it before any of it is written */
        em_tensor *copy;
        EM_TRY(em__rows_clone(&copy, t));
        const em_status s = em_rows_add_to(dense, copy, factor);
        em_tensor_release(copy);
        return s;
    }
    em__apply_pending(dense);
    const em_rows_kernel *kernel;
    const em_groups *g;
    em_tensor *scaled;
    EM_TRY(em__rows_find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_groups(&g, t));
    if (factor == 1)
        em_tensor_retain(scaled = t);
    else
        EM_TRY(em_rows_scale(&scaled, t, factor));
    em_tensor *to = dense;
    em_status s = EM_OK;
    if (dense->contiguous && !em_dtype_is_half(dense->dtype))
        em_tensor_retain(to);
    else if (!(s = em__tensor_like(&to, dense, em__computed_in(dense->dtype))))
        em__copy_strided(to, dense);
    if (!s) {
        kernel->sums(to->data, scaled->rows, g, false);
        if (to != dense) em__copy_strided(dense, to);
        em_tensor_release(to);
        em_tensor_touch(dense);
    }
    em_tensor_release(scaled);
    return s;
}

/* ---- copies -------------------------------------------------------------------------------------------- */

em_status em__rows_clone(em_tensor **out, const em_tensor *t)
{
    *out = NULL;
    em_tensor *values, *ids = NULL;
    EM_TRY(em_rows_values(&values, t));
    em_status s = em_rows_indices(&ids, t);
    if (!s) s = em_rows_new(out, ids, values, t->size[0]);
    if (!s) (*out)->rows->coalesced = t->rows->coalesced;
    em_tensor_release(values);
    em_tensor_release(ids);
    return s;
}

em_status em_rows_to(em_tensor **out, em_tensor *t, em_dtype dtype)
{
    *out = NULL;
    if (t->dtype == dtype) {
        em_tensor_retain(*out = t);
        return EM_OK;
    }
    if (em__computed_in(t->dtype) == em__computed_in(dtype)) {
        EM_TRY(combine(out, t, NULL, 1));
        (*out)->dtype = dtype;
        return EM_OK;
    }
    em_tensor *values, *converted = NULL, *ids = NULL;
    EM_TRY(em_rows_values(&values, t));
    em_status s = em_tensor_to(&converted, values, dtype);
    if (!s) s = em_rows_indices(&ids, t);
    if (!s) s = em_rows_new(out, ids, converted, t->size[0]);
    if (!s) (*out)->rows->coalesced = t->rows->coalesced;
    em_tensor_release(values);
    em_tensor_release(converted);
    em_tensor_release(ids);
    return s;
}
