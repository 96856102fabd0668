/* Functions whose backward is written outside the core. A node of one has a descriptor of its own, whose backward calls
 * out. What it keeps are handles without a history, so that a result that is kept makes no cycle. */
#include <string.h>

#include "graph/variable.h"

typedef struct em_outside {
    em_op op;
    em_status (*call)(void *context, em_tensor *const *saved, int n_saved, em_tensor *const *dy, em_tensor **dx);
    void (*release)(void *context);
    void *context;
    bool materialize;
    int n_saved, capacity;
    em_tensor **saved;                  /* capacity */
    int64_t *versions;                  /* capacity */
    size_t bytes;
} em_outside;

/* ---- backward ------------------------------------------------------------------------------------------- */

/* The gradients as the function is to see them: new references. */
static em_status gradients_for(const em_node *n, em_tensor **dy)
{
    for (int k = 0; k < n->n_out; k++) {
        if (n->dy[k]) {
            EM_TRY(em__hand_out(&n->dy[k]));
            em_tensor_retain(dy[k] = n->dy[k]);
        } else if (n->outside->materialize && n->y[k]) {
            EM_TRY(em_tensor_zeros(&dy[k], n->y[k]->dtype, n->y[k]->dims, n->y[k]->size));
        }
    }
    return EM_OK;
}

/* What came back, without histories of their own. */
static em_status check_gradient(const em_node *n, int i, em_tensor **dx)
{
    const em_tensor *x = n->x[i], *g = *dx;
    if (g->dims != x->dims || memcmp(g->size, x->size, (size_t)x->dims * sizeof *x->size))
        return em__fail(EM_ESHAPE, "%s: backward gave a gradient of shape %s for argument %d, which has shape %s",
                        n->op->name, EM_SHAPE(g), i + 1, EM_SHAPE(x));
    if (!em_dtype_is_float(g->dtype))
        return em__fail(EM_ETYPE, "%s: backward gave a gradient of %s for argument %d, which is %s", n->op->name,
                        em_dtype_name(g->dtype), i + 1, em_dtype_name(x->dtype));
    if (!g->origin) return EM_OK;
    em_tensor *bare;
    EM_TRY(em_tensor_detach(&bare, g));
    em_tensor_release(*dx);
    *dx = bare;
    return EM_OK;
}

static em_status outside_backward(const em_node *n, em_tensor **dx)
{
    const em_outside *o = n->outside;
    const size_t bytes = (size_t)n->n_out * sizeof(em_tensor *);
    em_tensor **dy = em__alloc_zeroed(bytes);
    if (!dy) return em__fail_memory("the gradients of a function's results", bytes);
    em_status s = gradients_for(n, dy);
    if (!s) s = o->call(o->context, o->saved, o->n_saved, dy, dx);
    for (int i = 0; i < n->n && !s; i++)
        if (dx[i] && em__wants(n, i)) s = check_gradient(n, i, &dx[i]);
    for (int k = 0; k < n->n_out; k++) em_tensor_release(dy[k]);
    em__free(dy, bytes);
    return s;
}

em_status em__outside_check(const em_node *n)
{
    const em_outside *o = n->outside;
    for (int i = 0; i < o->n_saved; i++)
        if (em_tensor_version(o->saved[i]) != o->versions[i])
            return em__fail(EM_EGRAD, "backward: tensor %d that %s saved for its gradient was modified by an in-place "
                            "operation (it is at version %lld, expected %lld)", i + 1, n->op->name,
                            (long long)em_tensor_version(o->saved[i]), (long long)o->versions[i]);
    return EM_OK;
}

/* ---- recording ------------------------------------------------------------------------------------------ */

void em__outside_free_saved(em_node *n)
{
    em_outside *o = n->outside;
    while (o->n_saved) em_tensor_release(o->saved[--o->n_saved]);
}

static void outside_free(em_outside *o, bool context_too)
{
    if (context_too && o->release) o->release(o->context);
    em__free(o, o->bytes);
}

void *em__outside_context(const em_node *n) { return n->outside->context; }

void em__outside_free(em_node *n)
{
    em__outside_free_saved(n);
    outside_free(n->outside, true);
    n->outside = NULL;
}

static em_outside *new_outside(const em_function *f)
{
    const size_t capacity = (size_t)f->n_saved, name = strlen(f->name) + 1;
    const size_t bytes = sizeof(em_outside) + capacity * (sizeof(em_tensor *) + sizeof(int64_t)) + name;
    em_outside *o = em__alloc(bytes);
    if (!o) {
        em__fail_memory("a function's call", bytes);
        return NULL;
    }
    *o = (em_outside){.call = f->backward, .release = f->release, .context = f->context, .bytes = bytes,
                      .materialize = f->materialize, .capacity = f->n_saved};
    o->saved = (em_tensor **)(void *)(o + 1);
    o->versions = (int64_t *)(void *)(o->saved + capacity);
    char *text = (char *)(o->versions + capacity);
    memcpy(text, f->name, name);
    o->op = (em_op){.name = text, .inputs = "*", .outputs = "*", .doc = "", .backward = outside_backward};
    return o;
}

static em_status keep_saved(em_outside *o, const em_function *f)
{
    if (em__checkpoint_drops()) return EM_OK;
    for (int i = 0; i < f->n_saved; i++) {
        EM_TRY(em__tensor_shell(&o->saved[i], f->saved[i], true));
        o->versions[i] = em_tensor_version(f->saved[i]);
        o->n_saved++;
    }
    return EM_OK;
}

static em_status keep_all(em_node *n, const em_function *f)
{
    EM_TRY(keep_saved(n->outside, f));
    for (int i = 0; i < f->n_in; i++)
        if (f->in[i]) EM_TRY(em__node_input(n, i, f->in[i], false, f->in[i]));
    for (int k = 0; k < f->n_out; k++)
        if (f->out[k]) EM_TRY(em__tensor_shell(&n->y[k], f->out[k], false));
    if (em__trace) EM_TRY(em__trace_record(n));
    return em__checkpoint_record(n);
}

em_status em_function_record(const em_function *f)
{
    em_outside *o = new_outside(f);
    em_node *n = o ? em__node_new(&o->op, EM_F32, f->n_in, f->n_out) : NULL;
    if (!n) {
        if (o) outside_free(o, false);
        return EM_ENOMEM;
    }
    n->outside = o;
    const em_status s = keep_all(n, f);
    if (s && n->outside) n->outside->release = NULL;    /* the context stays the caller's */
    for (int k = 0; k < f->n_out && !s; k++)
        if (f->out[k] && em_dtype_is_float(f->out[k]->dtype))
            em__set_origin(f->out[k], em__node_result(n, k, f->out[k]->dtype));
    em__node_release(n);
    return s;
}
