/* Views and changes in place. A view knows its base, the tensor whose elements it shows. While gradients are recorded
 * there are three things to keep right when a view is changed in place:
 *
 *     v = base[0];  v:mul_(w)
 *     base's history becomes  copy_slices(what base was, what v is): base with a part of it replaced
 *     v's history becomes     as_strided(base): the part of what base is now
 *     other views of base     get such a history when they are next used (em__refresh)
 *
 * Handles of views hold the handle of their base; nodes and variables never hold handles: no cycles. */
#include <string.h>

#include "graph/variable.h"
#include "tensor/copy.h"

/* ---- where a view lies in its base, as options of a node ------------------------------------------------ */

enum { OFFSET, DIMS };      /* at[OFFSET].i elements from the base's first; ints: the sizes, then the strides */

static em_opts where(const em_tensor *view, const em_tensor *base)
{
    em_opts o = {0};
    o.at[OFFSET].i = (view->data - base->data) / (int64_t)em_dtype_size(base->dtype);
    o.at[DIMS].i = view->dims;
    for (int d = 0; d < view->dims; d++) {
        o.ints[d] = view->size[d];
        o.ints[view->dims + d] = view->stride[d];
    }
    return o;
}

_Static_assert(2 * EM_MAX_DIMS <= EM_MAX_INTS, "sizes and strides of a view fit into a node's options");

static em_tensor slice_of(const em_tensor *base, const em_opts *o)
{
    const int dims = (int)o->at[DIMS].i;
    return em__window(base, o->at[OFFSET].i, dims, o->ints, o->ints + dims);
}

/* ---- as_strided: the part ------------------------------------------------------------------------------- */

/* dy summed over the dims in which the view repeats its base's elements (stride 0): a new reference. */
static em_status sum_repeated(em_tensor **out, em_tensor *dy, em_tensor *slice)
{
    em_opts sum = {.at = {{.given = true}, {.given = true, .i = 1}}};
    for (int d = 0; d < slice->dims; d++) {
        if (slice->stride[d] || slice->size[d] < 2) continue;
        sum.ints[sum.at[0].i++] = d;
        slice->count /= slice->size[d];
        slice->size[d] = 1;
    }
    if (sum.at[0].i) return em__run1("sum", dy, &sum, out);
    em_tensor_retain(*out = dy);
    return EM_OK;
}

/* dbase = 0, dbase[slice] = dy */
static em_status as_strided_backward(const em_node *n, em_tensor **dx)
{
    em_tensor *dy;
    EM_TRY(em__dx_zeros(dx, n, 0));
    em_tensor slice = slice_of(dx[0], &n->opts);
    EM_TRY(sum_repeated(&dy, n->dy[0], &slice));
    em__copy_strided(&slice, dy);
    em_tensor_release(dy);
    return EM_OK;
}

static const em_op as_strided = {
    .name = "as_strided", .inputs = "base", .outputs = "view", .doc = "", .backward = as_strided_backward,
};

/* ---- copy_slices: the base with the part replaced -------------------------------------------------------- */

/* dbase = dy, dbase[slice] = 0; dview = dy[slice] */
static em_status copy_slices_backward(const em_node *n, em_tensor **dx)
{
    if (em__wants(n, 0)) {
        EM_TRY(em_tensor_clone(&dx[0], n->dy[0]));
        em_tensor slice = slice_of(dx[0], &n->opts);
        em_tensor_fill(&slice, 0);
    }
    EM_TRY(em__dx(dx, n, 1));
    em_tensor slice = slice_of(n->dy[0], &n->opts);
    em__copy_strided(dx[1], &slice);
    return EM_OK;
}

static const em_op copy_slices = {
    .name = "copy_slices", .inputs = "base view", .outputs = "base", .doc = "", .backward = copy_slices_backward,
};

/* ---- histories ------------------------------------------------------------------------------------------ */

/* The history of `view` as a part of `base`, whose variable is `base_var`. */
static em_status record_slice(em_var **out, em_tensor *view, em_tensor *base, em_var *base_var)
{
    *out = NULL;
    em_node *n = em__node_new(&as_strided, base->dtype, 1, 1);
    if (!n) return EM_ENOMEM;
    n->opts = where(view, base);
    n->in[0] = base_var;
    base_var->base.refs++;
    em_status s = em__tensor_shell(&n->x[0], base, false);
    if (!s) *out = em__node_result(n, 0, base->dtype);
    em__node_release(n);
    return s;
}

/* The history of `base` with the part that `view` shows replaced by what `view` has become. */
static em_status record_change(em_var **out, em_tensor *view, em_tensor *base)
{
    *out = NULL;
    em_node *n = em__node_new(&copy_slices, base->dtype, 2, 1);
    if (!n) return EM_ENOMEM;
    n->opts = where(view, base);
    em_status s = em__node_input(n, 0, base, false, base);
    if (!s) s = em__node_input(n, 1, view, false, view);
    if (!s) *out = em__node_result(n, 0, base->dtype);
    em__node_release(n);
    return s;
}

void em__view_made(em_tensor *view, em_tensor *t)
{
    view->untracked = !em_grad_enabled() || t->untracked;
    view->base = t->base ? t->base : t;
    view->changes = view->base->changes;
    em_tensor_retain(view->base);
}

static em_status check_base(const em_tensor *t)
{
    if (!t->base || em_tensor_same_storage(t, t->base)) return EM_OK;
    return em__fail(EM_EGRAD, "this is a view of a table that was resized since; make the view again");
}

em_status em__refresh_view(em_tensor *t)
{
    EM_TRY(check_base(t));
    em_var *v = NULL;
    if (em__requires_grad(t->base)) EM_TRY(record_slice(&v, t, t->base, em__var(t->base)));
    if (v) em__set_origin(t, v);
    t->changes = t->base->changes;
    return EM_OK;
}

em_status em__check_change(const em_tensor *t, const char *what)
{
    const em_tensor *base = t->base ? t->base : t;
    EM_TRY(check_base(t));
    if (em__requires_grad(base) && em_tensor_is_leaf(base))
        return em__fail(EM_EGRAD, "%s_: a leaf that requires grad%s cannot be changed in place while gradients are "
                        "recorded (use embla.no_grad)", what, base == t ? "" : ", of which this is a view,");
    if (t->untracked)
        return em__fail(EM_EGRAD, "%s_: a view made inside no_grad cannot be changed in place while gradients are "
                        "recorded; make the view again, or clone it", what);
    if (em__repeats(t))
        return em__fail(EM_EGRAD, "%s_: an expanded tensor, which shows some elements several times, cannot be changed "
                        "in place while gradients are recorded; clone it", what);
    if (!base->contiguous && base != t)
        return em__fail(EM_EGRAD, "%s_: a view of a tensor that is not contiguous cannot be changed in place while "
                        "gradients are recorded; change a view of a clone", what);
    return EM_OK;
}

em_status em__changed(em_tensor *t)
{
    em_tensor *base = t->base;
    if (!base) {
        t->changes++;
        return EM_OK;
    }
    if (!em__requires_grad(t)) return EM_OK;
    em_var *base_var, *slice;
    EM_TRY(record_change(&base_var, t, base));
    em_status s = record_slice(&slice, t, base, base_var);
    if (s) {
        em__origin_release(&base_var->base);
        return s;
    }
    em__set_origin(base, base_var);
    em__set_origin(t, slice);
    t->changes = ++base->changes;
    return EM_OK;
}
