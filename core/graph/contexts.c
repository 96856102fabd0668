/* Which callbacks a tensor's history holds: for whoever owns what is behind them. The lists of what is left to look at
 * are made of the variables and nodes themselves, so that a search needs no memory. */
#include "graph/variable.h"

static uint64_t search;
static em_var *vars;
static em_node *nodes;

void em_contexts_start(void) { search = em__order_start(); }

static void add_var(em_origin *origin)
{
    em_var *v = (em_var *)(void *)origin;
    if (!v || v->mark == search) return;
    v->mark = search;
    v->later = vars;
    vars = v;
}

static void add_node(em_node *n)
{
    if (!n || n->mark == search) return;
    n->mark = search;
    n->next = nodes;
    nodes = n;
}

/* A tensor leads to its own history and, if it is a view, to that of its base. */
static void add_tensor(const em_tensor *t)
{
    if (!t) return;
    add_var(t->origin);
    if (t->base) add_var(t->base->origin);
}

typedef struct reader {
    bool (*seen)(void *arg, void *context);
    void *arg;
} reader;

static bool read_var(const reader *r, const em_var *v)
{
    add_tensor(v->grad);
    add_node(v->node);
    for (const em_hook *h = v->hooks; h; h = h->next)
        if (!r->seen(r->arg, h->context)) return false;
    return true;
}

static bool read_node(const reader *r, const em_node *n)
{
    for (int i = 0; i < n->n; i++)
        if (n->in[i]) add_var(&n->in[i]->base);
    if (n->outside && !r->seen(r->arg, em__outside_context(n))) return false;
    return !n->checkpoint || r->seen(r->arg, em__checkpoint_context(n));
}

bool em_contexts_of(const em_tensor *t, bool (*seen)(void *arg, void *context), void *arg, int64_t *passed)
{
    const reader r = {seen, arg};
    bool on = true;
    vars = NULL;
    nodes = NULL;
    add_tensor(t);
    while (on && (vars || nodes)) {
        ++*passed;
        if (nodes) {
            const em_node *n = nodes;
            nodes = n->next;
            on = read_node(&r, n);
        } else {
            const em_var *v = vars;
            vars = v->later;
            on = read_var(&r, v);
        }
    }
    return on;
}
