/* What losses over classes share: scores (C), (N, C) or (N, C, …), a target without C, a weight for each class. */
#ifndef EM_OPS_CLASS_LOSS_H
#define EM_OPS_CLASS_LOSS_H

#include "ops/loss/loss.h"

#define EM_IGNORE_INDEX {"ignore_index", EM_OPT_INT, "-100", "", "target id that is left out of loss and gradient"}

/* Scores as (N, C, S); row n * S + s is x[n, :, s]. */
typedef struct em__classes {
    int64_t N, C, S, rows;
} em__classes;

static inline int em__class_dim(const em_tensor *x) { return x->dims > 1; }

static inline em__classes em__classes_of(const em_tensor *x)
{
    const int at = em__class_dim(x);
    em__classes s = {at ? x->size[0] : 1, x->size[at], 1, 0};
    for (int d = at + 1; d < x->dims; d++) s.S *= x->size[d];
    s.rows = s.N * s.S;
    return s;
}

static inline int64_t em__row_start(const em__classes *s, int64_t row)
{
    return row / s->S * s->C * s->S + row % s->S;
}

/* The input's shape without C, which is that of the target. Returns the dims. */
static inline int em__target_shape(int64_t *sizes, const em_tensor *x)
{
    int dims = 0;
    for (int d = 0; d < x->dims; d++)
        if (d != em__class_dim(x)) sizes[dims++] = x->size[d];
    return dims;
}

/* Result 0: (), or one loss a row. */
static inline em_status em__loss_by_rows(em_call *c, bool each)
{
    int64_t sizes[EM_MAX_DIMS];
    const int dims = em__target_shape(sizes, c->in[0]);
    return em__out(c, 0, c->dtype, each ? dims : 0, sizes);
}

static inline em_status em__check_classes(const em_call *c)
{
    const em_tensor *x = c->in[0], *weight = c->in[2];
    if (x->dims == 0)
        return em__fail(EM_ESHAPE, "%s: input must have shape (C), (N, C) or (N, C, ...), given a scalar", c->op->name);
    const int64_t C = x->size[em__class_dim(x)];
    if (weight && (weight->dims != 1 || weight->count != C))
        return em__fail(EM_ESHAPE, "%s: weight must have shape (%lld), one for each class, given %s", c->op->name,
                        (long long)C, EM_SHAPE(weight));
    return EM_OK;
}

static inline int64_t em__bad_class_id(const int64_t *ids, int64_t n, int64_t C, int64_t ignore)
{
    int64_t bad = INT64_MAX;
    if (n < 2 * EM_GRAIN) {
        for (int64_t i = n - 1; i >= 0; i--) bad = (ids[i] < 0 || ids[i] >= C) && ids[i] != ignore ? i : bad;
    } else {
        EM_PARALLEL_MIN(i, n, bad)
            bad = em__min(bad, (ids[i] < 0 || ids[i] >= C) && ids[i] != ignore ? i : INT64_MAX);
    }
    return bad;
}

static inline em_status em__check_class_ids(const em_call *c, int64_t ignore)
{
    EM_TRY(em__check_classes(c));
    const em_tensor *x = c->in[0], *target = c->in[1];
    int64_t sizes[EM_MAX_DIMS];
    const int dims = em__target_shape(sizes, x);
    bool fits = target->dims == dims;
    for (int d = 0; fits && d < dims; d++) fits = target->size[d] == sizes[d];
    if (!fits)
        return em__fail(EM_ESHAPE, "%s: target of shape %s does not fit input of shape %s (expected %s)", c->op->name,
                        EM_SHAPE(target), EM_SHAPE(x), em__shape_text((char[EM_SHAPE_TEXT]){0}, dims, sizes));
    const int64_t *ids = EM_DATA(int64_t, target), C = x->size[em__class_dim(x)];
    const int64_t bad = em__bad_class_id(ids, target->count, C, ignore);
    return bad == INT64_MAX ? EM_OK : em__fail_id(c->op->name, target, bad, C, "classes of target");
}

#endif
