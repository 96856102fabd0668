/* Nodes and variables of the graph: made when a call is recorded, freed without recursion. */
#include <string.h>

#include "graph/variable.h"
#include "graph/call.h"

/* ---- variables ----------------------------------------------------------------------------------------- */

/* Graphs are as deep as loops are long, and gradients may have gradients, so letting go must not recurse: the dead wait
 * in lists, and whoever released the first of them empties both. */
static em_node *dead_nodes;
static em_var *dead_vars;
static void bury(void);

static void drop_hooks(em_var *v)
{
    while (v->hooks) {
        em_hook *h = v->hooks;
        v->hooks = h->next;
        if (h->release) h->release(h->context);
        em__free(h, sizeof *h);
    }
}

static void var_release(em_origin *origin)
{
    em_var *v = (em_var *)(void *)origin;
    v->next = dead_vars;
    dead_vars = v;
    bury();
}

static void free_var(em_var *v)
{
    em_node *node = v->node;
    if (node) node->results[v->index] = NULL;
    drop_hooks(v);
    em_tensor_release(v->frozen);
    em__free(v->rows_then, (size_t)v->resizes * sizeof *v->rows_then);
    em_tensor_release(v->grad);
    em_tensor_release(v->pending);
    if (node)
        em__node_release(node);                 /* in whose block it lies */
    else
        em__free(v, sizeof *v);
}

em_status em__leaf_new(em_var **out, em_dtype dtype)
{
    em_var *v = em__alloc(sizeof *v);
    *out = v;
    if (!v) return em__fail_memory("a gradient's place", sizeof *v);
    *v = (em_var){.base = {1, var_release}, .dtype = dtype, .keeps_grad = true};
    return EM_OK;
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

/* A node and its results' variables, which hold it, are one block; then come its lists. */
static size_t list_bytes(int n, int n_out)
{
    return (size_t)n * (sizeof(em_tensor *) + sizeof(em_var *) + sizeof(int64_t)) +
           (size_t)n_out * (2 * sizeof(em_tensor *) + sizeof(em_var *) + sizeof(int64_t));
}

static size_t node_bytes(int n, int n_out)
{
    return sizeof(em_node) + (size_t)n_out * sizeof(em_var) + list_bytes(n, n_out);
}

static em_var *result_at(em_node *node, int k) { return (em_var *)(void *)(node + 1) + k; }

em_node *em__node_new(const em_op *op, em_dtype dtype, int n, int n_out)
{
    const size_t bytes = node_bytes(n, n_out);
    em_node *node = em__alloc(bytes);
    if (!node) {
        em__fail_memory("a recorded operation", bytes);
        return NULL;
    }
    memset(node, 0, offsetof(em_node, opts));
    node->refs = 1;
    node->op = op;
    node->dtype = dtype;
    node->n = n;
    node->n_out = n_out;
    node->x = memset(result_at(node, n_out), 0, list_bytes(n, n_out));
    node->y = node->x + n;
    node->dy = node->y + n_out;
    node->in = (em_var **)(void *)(node->dy + n_out);
    node->results = node->in + n;
    node->versions = (int64_t *)(void *)(node->results + n_out);
    return node;
}

static void free_node(em_node *node)
{
    em__node_free_saved(node);
    for (int k = 0; k < node->n_out; k++) em_tensor_release(node->dy[k]);
    for (int i = 0; i < node->n; i++)
        if (node->in[i]) em__origin_release(&node->in[i]->base);
    if (node->outside) em__outside_free(node);
    if (node->checkpoint) em__checkpoint_leave(node);
    if (node->where) em__trace_leave(node);
    em__free(node, node_bytes(node->n, node->n_out));
}

void em__node_release(em_node *node)
{
    if (--node->refs) return;
    node->next = dead_nodes;
    dead_nodes = node;
    bury();
}

static void bury(void)
{
    static bool burying;
    if (burying) return;
    burying = true;
    while (dead_vars || dead_nodes) {
        em_var *v = dead_vars;
        em_node *n = dead_nodes;
        if (v) {
            dead_vars = v->next;
            free_var(v);
        } else {
            dead_nodes = n->next;
            free_node(n);
        }
    }
    burying = false;
}

void em__node_free_saved(em_node *node)
{
    for (int i = 0; i < node->n; i++) em_tensor_release(node->x[i]);
    for (int k = 0; k < node->n_out; k++) em_tensor_release(node->y[k]);
    memset(node->x, 0, (size_t)node->n * sizeof *node->x);
    memset(node->y, 0, (size_t)node->n_out * sizeof *node->y);
    if (node->outside) em__outside_free_saved(node);
    node->freed = true;
}

/* ---- recording ----------------------------------------------------------------------------------------- */

static bool saves_x(const em_call *c, int i)
{
    return (c->saves & EM_SAVE_X(15)) || (i < 15 && (c->saves & EM_SAVE_X(i)));
}

em_status em__node_input(em_node *n, int i, em_tensor *kept, bool with_data, em_tensor *given)
{
    EM_TRY(em__tensor_shell(&n->x[i], kept, with_data));
    n->versions[i] = em_tensor_version(kept);
    if (!em__requires_grad(given)) return EM_OK;
    n->in[i] = em__var(given);
    n->in[i]->base.refs++;
    return EM_OK;
}

em_var *em__node_result(em_node *n, int k, em_dtype dtype)
{
    em_var *v = n->results[k] = result_at(n, k);
    *v = (em_var){.base = {1, var_release}, .node = n, .index = k, .dtype = dtype, .requires_grad = true};
    n->refs++;
    return v;
}

static void carry(em_var *from, em_var *to)
{
    if (from->node) {
        to->keeps_grad |= from->keeps_grad;
        from->keeps_grad = false;
    }
    to->grad = from->grad;
    from->grad = NULL;
}

void em__set_origin(em_tensor *t, em_var *v)
{
    if (t->origin && v && em__var(t) != v) carry(em__var(t), v);
    em__origin_release(t->origin);
    t->origin = v ? &v->base : NULL;
}

static em_status keep_values(em_node *node, const em_call *c, em_tensor *const *inputs)
{
    const bool keep = !em__checkpoint_drops();
    for (int i = 0; i < node->n; i++) {
        if (c->in[i]) EM_TRY(em__node_input(node, i, c->in[i], keep && saves_x(c, i), inputs[i]));
        if (i < 16 && (!c->in[i] || inputs[i]->number)) node->numbers |= (uint16_t)(1u << i);
    }
    for (int k = 0; k < node->n_out; k++) {
        const bool saves = c->saves & EM_SAVE_Y(k);
        if (!c->out[k] || !(saves || em__checkpoint_watches())) continue;
        EM_TRY(em__tensor_shell(&node->y[k], c->out[k], keep && saves));
        node->versions[node->n + k] = em_tensor_version(c->out[k]);
    }
    return EM_OK;
}

static int count_outputs(const em_call *c)
{
    int n = 0;
    for (int k = 0; k < EM_MAX_OUT; k++)
        if (c->out[k]) n = k + 1;
    return n;
}

em_status em__record(em_call *c, em_tensor *const *inputs)
{
    em_node *node = em__node_new(c->op, c->dtype, c->n, count_outputs(c));
    if (!node) return EM_ENOMEM;
    em__opts_copy(&node->opts, &c->opts, c->info);
    em_status s = keep_values(node, c, inputs);
    if (!s && em__trace) s = em__trace_record(node);
    if (!s) s = em__checkpoint_record(node);
    for (int k = 0; k < node->n_out && !s; k++)
        if (c->out[k] && em_dtype_is_float(c->out[k]->dtype))
            em__set_origin(c->out[k], em__node_result(node, k, c->out[k]->dtype));
    em__node_release(node);
    return s;
}

/* ---- for backward -------------------------------------------------------------------------------------- */

em_status em__dx(em_tensor **dx, const em_node *n, int i)
{
    return em_tensor_empty(&dx[i], n->dtype, n->x[i]->dims, n->x[i]->size);
}

em_status em__dx_zeros(em_tensor **dx, const em_node *n, int i)
{
    return em_tensor_zeros(&dx[i], n->dtype, n->x[i]->dims, n->x[i]->size);
}
