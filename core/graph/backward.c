/* Runs the recorded calls backwards. Each op's backward makes fresh gradients; what reaches a variable from several
 * uses is added (accumulate.c). Leaves get theirs at the very end, so a backward that fails leaves every .grad as it
 * was. */
#include <string.h>

#include "graph/variable.h"
#include "tensor/sparse/row_sparse.h"

static _Thread_local bool grad_disabled;

bool em_grad_enabled(void) { return !grad_disabled; }
void em_set_grad_enabled(bool on) { grad_disabled = !on; }

/* ---- one traversal ------------------------------------------------------------------------------------- */

typedef struct traversal {
    bool begun;                         /* calls have been run, and what they saved may be gone */
    em_var *leaves, **last;             /* reached, in order */
    bool retain_graph;
    em_var **roots;                     /* kept: a hook may change what hangs on their tensors */
    int n_roots;
} traversal;

static int depth;                       /* traversals under way: hooks and functions may begin others */

static void add_leaf(traversal *w, em_var *v)
{
    v->next = NULL;
    v->base.refs++;
    *w->last = v;
    w->last = &v->next;
}

/* Brings a gradient to a variable. Takes `g` over, also on failure. */
static em_status deliver(traversal *w, em_var *v, em_tensor *g)
{
    if (g->dtype != v->dtype) {
        em_tensor *converted;
        em_status s = em_tensor_to(&converted, g, v->dtype);
        if (em__again(s)) s = em_tensor_to(&converted, g, v->dtype);
        em_tensor_release(g);
        if (s) return s;
        g = converted;
    }
    if (v->node) return em__add_to(&v->node->dy[v->index], g);
    if (!v->pending) add_leaf(w, v);
    return em__add_to(&v->pending, g);
}

/* Whether `other` can take the place of g. */
static em_status check_replacement(const em_tensor *g, const em_tensor *other)
{
    if (other->dims != g->dims || memcmp(other->size, g->size, (size_t)g->dims * sizeof *g->size))
        return em__fail(EM_ESHAPE, "backward: a hook gave a gradient of shape %s, the tensor has shape %s",
                        EM_SHAPE(other), EM_SHAPE(g));
    if (other->dtype != g->dtype)
        return em__fail(EM_ETYPE, "backward: a hook gave a gradient of %s, the tensor is %s",
                        em_dtype_name(other->dtype), em_dtype_name(g->dtype));
    if (!other->rows != !g->rows)
        return em__fail(EM_ETYPE, "backward: a hook gave a %s gradient in place of a %s one",
                        other->rows ? "row-sparse" : "dense", g->rows ? "row-sparse" : "dense");
    return EM_OK;
}

/* Takes `other` over, also on failure, without a history of its own. */
static em_status replace(em_tensor **g, em_tensor *other)
{
    em_tensor *bare = NULL;
    em_status s = check_replacement(*g, other);
    if (!s) s = em_tensor_detach(&bare, other);
    em_tensor_release(other);
    if (s) return s;
    em_tensor_release(*g);
    *g = bare;
    return EM_OK;
}

static em_status run_hooks(em_var *v, em_tensor **g)
{
    if (!v->hooks) return EM_OK;
    em_status s = em__hand_out(g);
    v->calling++;
    for (em_hook *h = v->hooks; h && !s; h = h->next) {
        em_tensor *other = NULL;
        if (!h->gone) s = h->fn(h->context, *g, &other);
        if (other && s) em_tensor_release(other);
        if (other && !s) s = replace(g, other);
    }
    if (--v->calling == 0) em__sweep_hooks(v);
    return s;
}

/* *g without the rows that the mask names: without their entries, or zeros there. */
static em_status pass_over_frozen(const em_tensor *mask, em_tensor **g)
{
    const uint8_t *frozen = (const uint8_t *)mask->data;
    em_tensor *other;
    if (mask->count != (*g)->size[0])
        return em__fail(EM_EGRAD, "backward: the gradient has %lld rows, its table %lld: it was resized since",
                        (long long)(*g)->size[0], (long long)mask->count);
    if ((*g)->rows)
        EM_TRY(em__rows_without(&other, *g, frozen));
    else
        EM_TRY(em_tensor_clone(&other, *g));
    em_tensor_release(*g);
    *g = other;
    if (other->rows) return EM_OK;
    const int64_t rows = other->size[0];
    const size_t bytes = rows ? (size_t)(other->count / rows) * em_dtype_size(other->dtype) : 0;
    for (int64_t r = 0; r < rows; r++)
        if (frozen[r]) memset(other->data + (size_t)r * bytes, 0, bytes);
    return EM_OK;
}

/* What somebody wants to see of the gradient that has arrived at a result. */
static em_status show(em_var *v, em_tensor **g, bool captured)
{
    EM_TRY(run_hooks(v, g));
    if (captured) {
        em_tensor_release(v->pending);
        em_tensor_retain(v->pending = *g);
    } else if (v->keeps_grad) {
        em_tensor *kept;
        EM_TRY(em_tensor_clone(&kept, *g));         /* what goes on may end up in other gradients */
        em_tensor_release(v->grad);
        v->grad = kept;
    }
    return EM_OK;
}

static em_status check_saved(const em_node *n)
{
    if (n->freed)
        return em__fail(EM_EGRAD, "backward: the values kept for %s were freed by an earlier backward; give that one "
                        "retain_graph = true", n->op->name);
    for (int i = 0; i < n->n + n->n_out; i++) {
        const em_tensor *t = i < n->n ? n->x[i] : n->y[i - n->n];
        if (t && t->storage && t->storage->version != n->versions[i])
            return em__fail(EM_EGRAD, "backward: a value that %s needs for its gradient was modified by an in-place "
                            "operation (it is at version %lld, expected %lld)", n->op->name,
                            (long long)t->storage->version, (long long)n->versions[i]);
    }
    return n->outside ? em__outside_check(n) : EM_OK;
}

static void put(em_tensor **place, em_tensor *t)
{
    em_tensor_release(*place);
    *place = t;
}

/* dy as the op wants it: dense, of its dtype, contiguous. */
static em_status prepare(const em_node *n, em_tensor **dy)
{
    em_tensor *t = NULL;
    if (n->outside) return EM_OK;                   /* takes it as it comes */
    if ((*dy)->rows) {
        EM_TRY(em_rows_to_dense(&t, *dy));
        put(dy, t);
    }
    if ((*dy)->dtype != n->dtype && em_dtype_is_float(n->dtype)) {
        EM_TRY(em_tensor_to(&t, *dy, n->dtype));    /* halves are computed in float32; results in place may be others */
        put(dy, t);
    }
    if (!(*dy)->contiguous && !(n->op->flags & EM_OP_STRIDED_DY)) {
        EM_TRY(em_tensor_contiguous(&t, *dy));
        put(dy, t);
    }
    return EM_OK;
}

static em_status run_backward(traversal *w, em_node *n)
{
    enum { FEW = 16 };
    em_tensor *few[FEW] = {0}, **dx = few;
    const size_t bytes = (size_t)n->n * sizeof *dx;
    if (n->n > FEW) {
        dx = em__alloc_zeroed(bytes);
        if (!dx) return em__fail_memory("gradients of a call's inputs", bytes);
    }
    em_status s = n->op->backward(n, dx);
    if (!n->outside && em__again(s)) {
        for (int i = 0; i < n->n; i++) {
            em_tensor_release(dx[i]);
            dx[i] = NULL;
        }
        s = check_saved(n);             /* a finalizer may have changed them */
        if (!s) s = n->op->backward(n, dx);
    }
    if (!s && em__stop) s = em__fail(EM_EINTERRUPT, "interrupted!");
    if (!s && em__trace) s = em__trace_check(n, dx);
    for (int i = 0; i < n->n; i++) {
        if (!dx[i]) continue;
        if (s || !n->in[i])
            em_tensor_release(dx[i]);
        else
            s = deliver(w, n->in[i], dx[i]);
    }
    if (dx != few) em__free(dx, bytes);
    return s;
}

static em_status visit(traversal *w, em_node *n, em_var *const *captured, int n_captured)
{
    bool any = false;
    for (int k = 0; k < n->n_out; k++) {
        if (!n->dy[k]) continue;
        any = true;
        em_var *v = n->results[k];
        bool wanted = false;
        for (int c = 0; c < n_captured; c++) wanted |= v && captured[c] == v;
        if (v && (wanted || v->hooks || v->keeps_grad)) EM_TRY(show(v, &n->dy[k], wanted));
        em_status s = prepare(n, &n->dy[k]);
        if (em__again(s)) s = prepare(n, &n->dy[k]);
        if (s) return s;
    }
    if (any) {
        if (n->checkpoint && !n->freed) EM_TRY(em__checkpoint_fill(n));
        EM_TRY(check_saved(n));
        EM_TRY(run_backward(w, n));
    }
    for (int k = 0; k < n->n_out; k++) {
        em_tensor_release(n->dy[k]);
        n->dy[k] = NULL;
    }
    if (!w->retain_graph && any) em__node_free_saved(n);
    return EM_OK;
}

static em_status seed(em_tensor **g, const em_tensor *t, em_tensor *given)
{
    *g = NULL;
    if (given) {
        if (given->dims != t->dims || memcmp(given->size, t->size, (size_t)t->dims * sizeof *t->size))
            return em__fail(EM_ESHAPE, "backward: the gradient has shape %s, the tensor %s", EM_SHAPE(given),
                            EM_SHAPE(t));
        em__apply_pending(given);
        return em__tensor_shell(g, given, true);
    }
    if (t->count != 1)
        return em__fail(EM_EGRAD, "backward: a gradient must be given for a tensor of %lld elements (it can be left "
                        "out only for a single one)", (long long)t->count);
    EM_TRY(em__tensor_like(g, t, t->dtype));
    em_tensor_set(*g, 0, 1);
    return EM_OK;
}

static void release_roots(traversal *w)
{
    for (int r = 0; r < w->n_roots; r++)
        if (w->roots[r]) em__origin_release(&w->roots[r]->base);
    em__free(w->roots, (size_t)w->n_roots * sizeof *w->roots);
}

static void clear(em_order *o, traversal *w)
{
    for (int64_t i = 0; i < o->n; i++)
        for (int k = 0; k < o->at[i]->n_out; k++) {
            em_tensor_release(o->at[i]->dy[k]);
            o->at[i]->dy[k] = NULL;
        }
    while (w->leaves) {
        em_var *v = w->leaves;
        w->leaves = v->next;
        v->next = NULL;
        em_tensor_release(v->pending);
        v->pending = NULL;
        em__origin_release(&v->base);
    }
    release_roots(w);
}

/* The variables of the roots, kept until clear(). */
static em_status hold_roots(traversal *w, em_tensor *const *roots, int n)
{
    const size_t bytes = (size_t)n * sizeof *w->roots;
    w->roots = em__alloc_zeroed(bytes);
    if (!w->roots) return em__fail_memory("the roots of a backward", bytes);
    w->n_roots = n;
    for (int r = 0; r < n; r++) {
        EM_TRY(em__refresh(roots[r]));
        if (!em__requires_grad(roots[r]))
            return em__fail(EM_EGRAD, "backward: the tensor does not require grad and has no history");
        w->roots[r] = em__var(roots[r]);
        w->roots[r]->base.refs++;
    }
    return EM_OK;
}

/* A traversal inside another cannot go through calls that the outer one has yet to come to. */
static em_status check_disjoint(const em_order *o)
{
    for (int64_t i = 0; depth > 1 && i < o->n; i++)
        for (int k = 0; k < o->at[i]->n_out; k++)
            if (o->at[i]->dy[k])
                return em__fail(EM_EGRAD, "backward: called inside another backward, whose way through %s it shares; "
                                "detach what it starts from", o->at[i]->op->name);
    return EM_OK;
}

/* From the roots to the leaves: each leaf's sum waits in its `pending`. Call clear() after, also on failure. */
static em_status run(traversal *w, em_order *o, em_tensor *const *roots, em_tensor *const *grads, int n,
                     em_var *const *captured, int n_captured)
{
    EM_TRY(hold_roots(w, roots, n));
    em__order_start();
    for (int r = 0; r < n; r++) EM_TRY(em__order_add(o, w->roots[r]));
    EM_TRY(check_disjoint(o));
    for (int r = 0; r < n; r++) {
        em_tensor *g;
        EM_TRY(seed(&g, roots[r], grads ? grads[r] : NULL));
        EM_TRY(deliver(w, w->roots[r], g));
    }
    w->begun = true;
    for (int64_t i = o->n - 1; i >= 0; i--) EM_TRY(visit(w, o->at[i], captured, n_captured));
    for (em_var *v = w->leaves; v; v = v->next) {
        EM_TRY(run_hooks(v, &v->pending));
        if (v->frozen) EM_TRY(pass_over_frozen(v->frozen, &v->pending));
    }
    return EM_OK;
}

/* run(), once more where memory was wanting before any call was run. */
static em_status run_again(traversal *w, em_order *o, em_tensor *const *roots, em_tensor *const *grads, int n,
                           em_var *const *captured, int n_captured)
{
    const em_status s = run(w, o, roots, grads, n, captured, n_captured);
    if (w->begun || !em__again(s)) return s;
    clear(o, w);
    em__order_free(o);
    *o = (em_order){0};
    *w = (traversal){.retain_graph = w->retain_graph};
    w->last = &w->leaves;
    return run(w, o, roots, grads, n, captured, n_captured);
}

/* ---- the two ways in ----------------------------------------------------------------------------------- */

em_status em_backward(em_tensor *t, em_tensor *grad, bool retain_graph)
{
    traversal w = {.retain_graph = retain_graph};
    w.last = &w.leaves;
    em_order o = {0};
    const bool enabled = em_grad_enabled();
    em_set_grad_enabled(false);
    depth++;
    em_status s = run_again(&w, &o, &t, &grad, 1, NULL, 0);
    if (!s) s = em__accumulate(w.leaves);
    depth--;
    clear(&o, &w);
    em__order_free(&o);
    em_set_grad_enabled(enabled);
    return s;
}

/* Each in memory of its own. On failure none is left. */
static em_status hand_out_all(em_tensor **grads, int n)
{
    em_status s = EM_OK;
    for (int i = 0; i < n && !s; i++) {
        if (grads[i]) s = em__hand_out(&grads[i]);
    }
    for (int i = 0; i < n && s; i++) {
        em_tensor_release(grads[i]);
        grads[i] = NULL;
    }
    return s;
}

em_status em_grad(em_tensor *const *outputs, em_tensor *const *grad_outputs, int n_outputs, em_tensor *const *inputs,
                  int n_inputs, bool retain_graph, em_tensor **grads)
{
    memset(grads, 0, (size_t)n_inputs * sizeof *grads);
    const size_t bytes = (size_t)n_inputs * sizeof(em_var *);
    em_var **captured = em__alloc_zeroed(bytes);
    if (!captured) return em__fail_memory("the inputs of grad", bytes);
    em_status s = EM_OK;
    for (int i = 0; i < n_inputs && !s; i++) {
        s = em__refresh(inputs[i]);
        captured[i] = em__var(inputs[i]);
        if (!s && !em__requires_grad(inputs[i]))
            s = em__fail(EM_EGRAD, "grad: input %d does not require grad", i + 1);
        if (!s && captured[i]->pending)
            s = em__fail(EM_EGRAD, "grad: called inside a backward that has already come to input %d", i + 1);
        if (captured[i]) captured[i]->base.refs++;
    }
    traversal w = {.retain_graph = retain_graph};
    w.last = &w.leaves;
    em_order o = {0};
    const bool enabled = em_grad_enabled();
    em_set_grad_enabled(false);
    depth++;
    if (!s) s = run_again(&w, &o, outputs, grad_outputs, n_outputs, captured, n_inputs);
    depth--;
    for (int i = 0; i < n_inputs && !s; i++)
        if (captured[i]->pending) em_tensor_retain(grads[i] = captured[i]->pending);
    for (int i = 0; i < n_inputs; i++)
        if (captured[i] && captured[i]->node) {
            em_tensor_release(captured[i]->pending);
            captured[i]->pending = NULL;
        }
    clear(&o, &w);
    for (int i = 0; i < n_inputs; i++)
        if (captured[i]) em__origin_release(&captured[i]->base);
    em__order_free(&o);
    em_set_grad_enabled(enabled);
    em__free(captured, bytes);
    return s ? s : hand_out_all(grads, n_inputs);
}
