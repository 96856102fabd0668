/* What a tensor's owner can ask and set: requires_grad, grad, hooks. */
#include "graph/variable.h"

#include <string.h>

bool em_tensor_requires_grad(const em_tensor *t) { return em__requires_grad(em__is_stale(t) ? t->base : t); }

bool em_tensor_is_leaf(const em_tensor *t)
{
    if (em__is_stale(t)) t = t->base;
    return !t->origin || !em__var(t)->node;
}

em_tensor *em_tensor_grad(const em_tensor *t) { return t->origin ? em__var(t)->grad : NULL; }

const char *em_tensor_origin_name(const em_tensor *t)
{
    if (em_tensor_is_leaf(t)) return NULL;
    return em__is_stale(t) ? "as_strided" : em__key(em__var(t)->node->op);
}

unsigned em_tensor_origin_numbers(const em_tensor *t)
{
    return em_tensor_is_leaf(t) || em__is_stale(t) ? 0 : em__var(t)->node->numbers;
}

bool em_tensor_origin_option(const em_tensor *t)
{
    if (em_tensor_is_leaf(t) || em__is_stale(t)) return false;
    const em_node *n = em__var(t)->node;
    return n->op->opts && n->op->opts->name && n->opts.at[0].given;
}

/* The tensor's variable, made if it has none. */
static em_status need_var(em_tensor *t)
{
    if (t->origin) return EM_OK;
    em_var *v;
    EM_TRY(em__leaf_new(&v, t->dtype));
    t->origin = &v->base;
    return EM_OK;
}

em_status em_tensor_set_requires_grad(em_tensor *t, bool on)
{
    if (!em_tensor_is_leaf(t)) {
        if (on) return EM_OK;
        return em__fail(EM_EGRAD, "requires_grad_: only a leaf can stop requiring grad, this is the result of %s; use "
                        "detach()", em_tensor_origin_name(t));
    }
    if (on && (t->rows || !em_dtype_is_float(t->dtype)))
        return em__fail(EM_EGRAD, "requires_grad_: only float32 and float64 tensors can require grad, this is %s",
                        t->rows ? "row-sparse" : em_dtype_name(t->dtype));
    if (!on && !t->origin) return EM_OK;
    EM_TRY(need_var(t));
    em__var(t)->requires_grad = on;
    return EM_OK;
}

em_status em_tensor_set_grad(em_tensor *t, em_tensor *grad)
{
    if (grad) {
        if (grad == t) return em__fail(EM_EGRAD, "grad: a tensor cannot be its own gradient");
        if (grad->dims != t->dims || memcmp(grad->size, t->size, (size_t)t->dims * sizeof *t->size))
            return em__fail(EM_ESHAPE, "grad: expected shape %s, got %s", EM_SHAPE(t), EM_SHAPE(grad));
        if (grad->dtype != t->dtype)
            return em__fail(EM_ETYPE, "grad: expected %s, got %s", em_dtype_name(t->dtype),
                            em_dtype_name(grad->dtype));
        EM_TRY(need_var(t));
        em_tensor_retain(grad);
    }
    if (!t->origin) return EM_OK;
    em_tensor_release(em__var(t)->grad);
    em__var(t)->grad = grad;
    return EM_OK;
}

static em_status check_mask(const em_tensor *t, const em_tensor *mask)
{
    if (!em_tensor_is_leaf(t))
        return em__fail(EM_EGRAD, "frozen rows: only a leaf has them, this is the result of %s",
                        em_tensor_origin_name(t));
    if (!mask) return EM_OK;
    if (t->rows || t->dims == 0 || !em_dtype_is_float(t->dtype))
        return em__fail(EM_ETYPE, "frozen rows: expected a dense tensor of float dtype and one dim or more, got %s %s",
                        em_dtype_name(t->dtype), EM_SHAPE(t));
    if (mask->dtype != EM_BOOL)
        return em__fail(EM_ETYPE, "frozen rows: the mask must be bool, got %s", em_dtype_name(mask->dtype));
    if (mask->dims != 1 || mask->size[0] != t->size[0])
        return em__fail(EM_ESHAPE, "frozen rows: the mask must have shape (%lld), got %s", (long long)t->size[0],
                        EM_SHAPE(mask));
    return EM_OK;
}

em_tensor *em_tensor_frozen_rows(const em_tensor *t) { return t->frozen; }

em_status em_tensor_set_frozen_rows(em_tensor *t, const em_tensor *mask)
{
    em_tensor *own = NULL;
    EM_TRY(check_mask(t, mask));
    EM_TRY(need_var(t));
    if (mask) EM_TRY(em_tensor_clone(&own, mask));
    em__apply_pending(t);                       /* what is pending so far is meant for the rows frozen so far */
    em_tensor_release(t->frozen);
    em_tensor_release(em__var(t)->frozen);
    t->frozen = em__var(t)->frozen = own;
    if (own) em_tensor_retain(own);
    return EM_OK;
}

static bool same_but_rows(const em_tensor *a, const em_tensor *b)
{
    return a->dtype == b->dtype && a->dims == b->dims && a->dims > 0 &&
           !memcmp(a->size + 1, b->size + 1, (size_t)(a->dims - 1) * sizeof *a->size);
}

static em_status note_rows(em_var *v, int64_t rows)
{
    const size_t before = (size_t)v->resizes * sizeof rows;
    int64_t *then = em__alloc(before + sizeof rows);
    if (!then) return em__fail_memory("a resized table", before + sizeof rows);
    if (before) memcpy(then, v->rows_then, before);
    then[v->resizes++] = rows;
    em__free(v->rows_then, before);
    v->rows_then = then;
    return EM_OK;
}

int64_t em_tensor_resizes(const em_tensor *t) { return t->origin ? em__var(t)->resizes : 0; }

int64_t em_tensor_rows_kept(const em_tensor *t, int64_t since)
{
    int64_t kept = INT64_MAX;
    for (int64_t i = since; i < em_tensor_resizes(t); i++)
        if (em__var(t)->rows_then[i] < kept) kept = em__var(t)->rows_then[i];
    return kept;
}

em_status em_tensor_replace_rows(em_tensor *t, em_tensor *table, em_tensor *grad, const em_tensor *mask)
{
    if (!em_tensor_is_leaf(t) || t->rows || table->rows)
        return em__fail(EM_EGRAD, "resize: only a dense leaf can get other rows");
    if (!same_but_rows(t, table) || !table->contiguous)
        return em__fail(EM_ESHAPE, "resize: %s %s cannot become %s %s", em_dtype_name(t->dtype), EM_SHAPE(t),
                        em_dtype_name(table->dtype), EM_SHAPE(table));
    if (grad && (!same_but_rows(grad, table) || grad->size[0] != table->size[0]))
        return em__fail(EM_ESHAPE, "resize: the table has shape %s, its gradient %s", EM_SHAPE(table), EM_SHAPE(grad));
    em_tensor *own = NULL;
    EM_TRY(check_mask(table, mask));
    EM_TRY(need_var(t));
    if (mask) EM_TRY(em_tensor_clone(&own, mask));
    const em_status noted = note_rows(em__var(t), table->size[0]);
    if (noted) {
        em_tensor_release(own);
        return noted;
    }
    em__apply_pending(t);
    em__tensor_become(t, table);
    em_tensor_release(t->base);
    t->base = NULL;
    em_tensor_release(t->frozen);
    em_tensor_release(em__var(t)->frozen);
    t->frozen = em__var(t)->frozen = own;
    if (own) em_tensor_retain(own);
    if (grad) em_tensor_retain(grad);
    em_tensor_release(em__var(t)->grad);
    em__var(t)->grad = grad;
    return EM_OK;
}

bool em_tensor_is_left_out(const em_tensor *t) { return em__is_left_out(t); }
bool em_tensor_is_sole(const em_tensor *t) { return t->refs == 1 && (!t->origin || t->origin->refs == 1); }

em_status em_tensor_retain_grad(em_tensor *t)
{
    EM_TRY(em__refresh(t));
    if (!em__requires_grad(t)) return em__fail(EM_EGRAD, "retain_grad: the tensor does not require grad");
    em__var(t)->keeps_grad = true;
    return EM_OK;
}

em_status em_tensor_add_hook(em_tensor *t, em_hook_fn *fn, void *context, void (*release)(void *), int64_t *id)
{
    static int64_t count;
    EM_TRY(em__refresh(t));
    if (!em__requires_grad(t)) return em__fail(EM_EGRAD, "register_hook: the tensor does not require grad");
    em_hook *h = em__alloc(sizeof *h);
    if (!h) return em__fail_memory("a hook", sizeof *h);
    *h = (em_hook){.id = ++count, .fn = fn, .context = context, .release = release};
    em_hook **last = &em__var(t)->hooks;
    while (*last) last = &(*last)->next;
    *last = h;
    *id = h->id;
    return EM_OK;
}

void em__sweep_hooks(em_var *v)
{
    for (em_hook **at = &v->hooks; *at;) {
        em_hook *h = *at;
        if (!h->gone) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        if (h->release) h->release(h->context);
        em__free(h, sizeof *h);
    }
}

void em_tensor_remove_hook(em_tensor *t, int64_t id)
{
    em_var *v = em__var(t);
    if (!v) return;
    for (em_hook *h = v->hooks; h; h = h->next)
        if (h->id == id) h->gone = true;
    if (!v->calling) em__sweep_hooks(v);
}

em_status em_tensor_detach_(em_tensor *t)
{
    if (t->base || t->untracked)
        return em__fail(EM_EGRAD, "detach_: a view cannot lose its history, which is its base's; use detach()");
    em__origin_release(t->origin);
    t->origin = NULL;
    return EM_OK;
}
