/* What automatic differentiation knows of a tensor. A node owns the variables of its inputs, a variable owns the node
 * that made it; a node only knows its results' variables while they live: no cycles. */
#ifndef EM_AUTOGRAD_VAR_H
#define EM_AUTOGRAD_VAR_H

#include "ops/op.h"

typedef struct em_hook {
    struct em_hook *next;
    int64_t id;
    em_hook_fn *fn;
    void *context;
    void (*release)(void *);
} em_hook;

typedef struct em_var {
    em_origin base;                     /* first: a tensor's origin is its variable */
    em_node *node;                      /* what made it; null for a leaf */
    int index;                          /* as which of its results */
    em_dtype dtype;
    bool requires_grad;
    bool keeps_grad;                    /* leaf, or retain_grad was asked */
    uint64_t mark;
    int64_t version;                    /* of the storage when it was made: an older one is a stale view */
    em_tensor *grad;
    em_tensor *pending;                 /* what has arrived in the backward now running */
    struct em_var *next;                /* leaves reached by the backward now running, in order of arrival */
    em_hook *hooks;
} em_var;

static inline em_var *em__var(const em_tensor *t) { return (em_var *)(void *)t->origin; }
static inline bool em__requires_grad(const em_tensor *t) { return t->origin && em__var(t)->requires_grad; }

em_status em__var_new(em_var **out, em_dtype dtype);

/* EM_EGRAD if `t` is a view made before its storage was changed in place: its history does not know of the change. */
em_status em__check_fresh(const em_op *op, const em_tensor *t);

/* Notes down `c` and gives its results their history. On failure the results are as without it. */
em_status em__record(em_call *c, em_tensor *const *inputs);

void em__node_free_saved(em_node *n);
void em__node_release(em_node *n);

/* order.c: nodes, inputs before results. A walk starts, then roots are added one by one; a node is listed once. */
typedef struct em_order {
    em_node **nodes;
    int64_t n, room;
} em_order;

void em__order_start(void);
em_status em__order_add(em_order *o, const em_var *root);       /* and all that it came from */
void em__order_free(em_order *o);

#endif
