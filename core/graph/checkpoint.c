/* Memory for time: calls recorded while a checkpoint is open keep the shapes of what they need, not the values. When
 * backward comes to the first of them, the checkpoint's function makes the same calls once more; the k-th of them hands
 * its values to the k-th of the first time. The graph is the one of the first time, so gradients have the same bits as
 * without a checkpoint. */
#include <string.h>

#include "graph/variable.h"

struct em_checkpoint {
    int64_t refs;                       /* the nodes, and whoever has it open */
    em_checkpoint *outer;
    EM_ARRAY(em_node *) nodes;          /* in order; null once gone */
    int64_t at;
    bool again, filled;                 /* running again: `at` calls so far; has run again */
    em_status (*rerun)(void *context);
    void (*release)(void *context);
    void *context;
};

static em_checkpoint *innermost;

static void let_go(em_checkpoint *c)
{
    if (--c->refs) return;
    if (c->release) c->release(c->context);
    EM_ARRAY_FREE(&c->nodes);
    em__free(c, sizeof *c);
}

em_status em_checkpoint_open(em_checkpoint **out, em_status (*rerun)(void *context), void (*release)(void *context),
                             void *context)
{
    em_checkpoint *c = em__alloc(sizeof *c);
    *out = c;
    if (!c) return em__fail_memory("a checkpoint", sizeof *c);
    *c = (em_checkpoint){.refs = 1, .outer = innermost, .rerun = rerun, .release = release, .context = context};
    innermost = c;
    return EM_OK;
}

void em_checkpoint_close(em_checkpoint *c)
{
    innermost = c->outer;
    let_go(c);
}

bool em__checkpoint_watches(void) { return innermost; }
bool em__checkpoint_drops(void) { return innermost && !innermost->again; }

static em_status append(em_checkpoint *c, em_node *n)
{
    EM_TRY(EM_ARRAY_RESERVE(&c->nodes, 1, "a checkpoint's calls"));
    n->checkpoint = c;
    n->position = c->nodes.n;
    c->nodes.at[c->nodes.n++] = n;
    c->refs++;
    return EM_OK;
}

static bool same_shape(const em_tensor *a, const em_tensor *b)
{
    if (!a || !b) return a == b;
    return a->dims == b->dims && a->dtype == b->dtype && !memcmp(a->size, b->size, (size_t)a->dims * sizeof *a->size);
}

static bool same_call(const em_node *a, const em_node *b)
{
    if (strcmp(em__key(a->op), em__key(b->op)) || a->n != b->n || a->n_out != b->n_out) return false;
    for (int i = 0; i < a->n; i++)
        if (!same_shape(a->x[i], b->x[i])) return false;
    for (int k = 0; k < a->n_out; k++)
        if (!same_shape(a->y[k], b->y[k])) return false;
    return true;
}

#define SWAP(type, a, b) \
    do { \
        type kept = a; \
        a = b; \
        b = kept; \
    } while (0)

/* The values of the call made again, for the first one. */
static void hand_over(em_node *to, em_node *from)
{
    for (int i = 0; i < to->n; i++) SWAP(em_tensor *, to->x[i], from->x[i]);
    for (int k = 0; k < to->n_out; k++) SWAP(em_tensor *, to->y[k], from->y[k]);
    memcpy(to->versions, from->versions, (size_t)(to->n + to->n_out) * sizeof *to->versions);
    if (!to->outside) return;
    SWAP(struct em_outside *, to->outside, from->outside);      /* an outside function's descriptor is its own */
    SWAP(const em_op *, to->op, from->op);
}

em_status em__checkpoint_record(em_node *n)
{
    em_checkpoint *c = innermost;
    if (!c) return EM_OK;
    if (!c->again) return append(c, n);
    if (c->at == c->nodes.n)
        return em__fail(EM_EGRAD, "checkpoint: run again, the function makes more calls than the first time (%s)",
                        n->op->name);
    em_node *first = c->nodes.at[c->at++];
    if (!first || first->freed) return EM_OK;
    if (!same_call(first, n))
        return em__fail(EM_EGRAD, "checkpoint: run again, the function does not do the same: its call %lld was %s, now "
                        "it is %s, or shapes differ", (long long)c->at, first->op->name, n->op->name);
    hand_over(first, n);
    return EM_OK;
}

em_status em__checkpoint_fill(em_node *n)
{
    em_checkpoint *c = n->checkpoint, *open = innermost;
    if (c->filled) return EM_OK;
    if (c->again || em__checkpoint_drops())
        return em__fail(EM_EGRAD, "checkpoint: backward through %s inside a checkpointed function", n->op->name);
    const bool enabled = em_grad_enabled();
    em_set_grad_enabled(true);
    innermost = c;
    c->again = true;
    c->at = 0;
    c->refs++;
    em_status s = c->rerun(c->context);
    if (!s && c->at < c->nodes.n)
        s = em__fail(EM_EGRAD, "checkpoint: run again, the function makes %lld calls, the first time it made %lld",
                     (long long)c->at, (long long)c->nodes.n);
    c->again = false;
    c->filled = !s;
    innermost = open;
    em_set_grad_enabled(enabled);
    let_go(c);
    return s;
}

void *em__checkpoint_context(const em_node *n) { return n->checkpoint->context; }

void em__checkpoint_leave(em_node *n)
{
    n->checkpoint->nodes.at[n->position] = NULL;
    let_go(n->checkpoint);
    n->checkpoint = NULL;
}
