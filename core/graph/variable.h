/* What automatic differentiation knows of a tensor. A node owns the variables of its inputs, a variable owns the node
 * that made it; a node only knows its results' variables while they live: no cycles. */
#ifndef EM_GRAPH_VARIABLE_H
#define EM_GRAPH_VARIABLE_H

#include "base/array.h"
#include "graph/op.h"

typedef struct em_hook {
    struct em_hook *next;
    int64_t id;
    em_hook_fn *fn;
    void *context;
    void (*release)(void *);
    bool gone;                          /* removed while the hooks run */
} em_hook;

typedef struct em_var {
    em_origin base;                     /* first: a tensor's origin is its variable */
    em_node *node;                      /* what made it; null for a leaf */
    int index;                          /* as which of its results */
    em_dtype dtype;
    bool requires_grad;
    bool keeps_grad;                    /* leaf, or retain_grad was asked */
    uint64_t mark;                      /* the last search for contexts that saw it */
    em_tensor *grad;
    em_tensor *pending;                 /* what has arrived in the backward now running */
    struct em_var *next;                /* leaves reached by the backward now running, in order of arrival; the dead */
    struct em_var *later;               /* those that a search for contexts has yet to look at */
    em_hook *hooks;
    int calling;                        /* its hooks run just now */
    em_tensor *frozen;                  /* of a leaf: rows that get no gradient; or null */
    int64_t resizes, *rows_then;        /* of a leaf: how often it got other rows, and how many each time */
} em_var;

static inline em_var *em__var(const em_tensor *t) { return (em_var *)(void *)t->origin; }
static inline bool em__requires_grad(const em_tensor *t) { return t->origin && em__var(t)->requires_grad; }

void em__sweep_hooks(em_var *v);        /* those that are gone */

em_status em__leaf_new(em_var **out, em_dtype dtype);

/* Records `c` and gives its results their history. On failure the results are as without it. */
em_status em__record(em_call *c, em_tensor *const *inputs);

/* A node for n inputs and n_out results that nothing refers to yet; null: no memory (recorded). */
em_node *em__node_new(const em_op *op, em_dtype dtype, int n, int n_out);

/* Its input i: the shape of what was `kept` (promoted, contiguous), its values if asked for; the gradient goes to what
 * was `given`, if that requires one. */
em_status em__node_input(em_node *n, int i, em_tensor *kept, bool with_data, em_tensor *given);

/* The variable of result k, which owns the node; the caller's, to hang on a tensor. */
em_var *em__node_result(em_node *n, int k, em_dtype dtype);

/* Gives `t` this history (null: none), which it takes over. What was asked of the tensor as it was, to keep its
 * gradient, goes along with it; hooks stay with the value that they were hung on. */
void em__set_origin(em_tensor *t, em_var *v);

/* views.c: a view that is changed in place changes its base's history, and the base's other views see that.
 *   em__view_made    `view` has just been made of `t`, in whose storage it lies
 *   em__is_stale     the history of `t` does not know of a change in place of its base
 *   em__refresh      gives it one that does: a view of what the base is now
 *   em__is_left_out  `t` is an untracked view, and its base has a history that knows nothing of it
 *   em__check_change whether `t` may be changed in place by the recorded operation of this name
 *   em__changed      after that change was recorded with `t`: what it means for the base and for its other views */
void em__view_made(em_tensor *view, em_tensor *t);
em_status em__refresh_view(em_tensor *t);
em_status em__check_change(const em_tensor *t, const char *what);
em_status em__changed(em_tensor *t);

static inline bool em__is_stale(const em_tensor *t)
{
    if (!t->base || t->untracked || t->changes == t->base->changes) return false;
    const em_var *v = em__var(t);
    return !(v && v->requires_grad && !v->node);        /* a leaf of its own keeps what it has */
}

static inline bool em__is_left_out(const em_tensor *t)
{
    return t->untracked && t->base && em__requires_grad(t->base);
}

static inline em_status em__refresh(em_tensor *t) { return em__is_stale(t) ? em__refresh_view(t) : EM_OK; }

/* function.c: calls of functions written outside the core. */
em_status em__outside_check(const em_node *n);      /* none of its saved values has changed */
void em__outside_free_saved(em_node *n);
void em__outside_free(em_node *n);
void *em__outside_context(const em_node *n);

/* checkpoint.c: calls whose values are made again.
 *   em__checkpoint_watches   whether calls recorded now are compared, by their shapes, with calls made again
 *   em__checkpoint_drops     whether a call recorded now is to keep no values
 *   em__checkpoint_record    a call has been recorded
 *   em__checkpoint_fill      backward needs the values of `n`
 *   em__checkpoint_leave     `n` is freed
 *   em__checkpoint_context   of the checkpoint of `n` */
bool em__checkpoint_watches(void);
bool em__checkpoint_drops(void);
em_status em__checkpoint_record(em_node *n);
em_status em__checkpoint_fill(em_node *n);
void em__checkpoint_leave(em_node *n);
void *em__checkpoint_context(const em_node *n);

/* own.c: what gradients share memory with.
 *   em__is_own       nobody else reads or writes the memory of the dense `t`
 *   em__hand_out     makes *g one that a script may write to: what it does then is seen by nobody else
 *   em__make_own     makes *g, which stays after backward, independent of gradients that a script has */
bool em__is_own(const em_tensor *t);
em_status em__hand_out(em_tensor **g);
em_status em__make_own(em_tensor **g);

/* accumulate.c: gradients are added. While hooks may run between two calls of a traversal, garbage may be collected
 * there.
 *   em__again        whether what failed with this status is to be tried once more
 *   em__add_to       *sum + t -> *sum; takes `t` over, also on failure
 *   em__accumulate   what waits in the `pending` of the leaves goes to their gradients; on failure all are as before */
bool em__again(em_status s);
em_status em__add_to(em_tensor **sum, em_tensor *t);
em_status em__accumulate(em_var *leaves);

/* trace.c: where calls are made, and which of them gives NaN. */
extern em_trace_fn *em__trace;
em_status em__trace_record(em_node *n);
em_status em__trace_check(const em_node *n, em_tensor *const *dx);
void em__trace_leave(em_node *n);

void em__node_free_saved(em_node *n);
void em__node_release(em_node *n);

/* topological_order.c: nodes, inputs before results. A traversal starts, then roots are added one by one; a node is
 * listed once. */
typedef EM_ARRAY(em_node *) em_order;

uint64_t em__order_start(void);         /* the mark of what this traversal has seen */
em_status em__order_add(em_order *o, const em_var *root);       /* and all that it came from */
void em__order_free(em_order *o);

#endif
