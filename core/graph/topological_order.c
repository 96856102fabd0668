/* Lists the graph without recursion: a loop of a million steps makes a chain of a million nodes. */
#include "graph/variable.h"

typedef struct frame {
    em_node *node;
    int next;                   /* input to look at next */
} frame;

typedef EM_ARRAY(frame) stack;

static uint64_t traversals;

static em_status push(stack *s, em_node *node)
{
    EM_TRY(EM_ARRAY_RESERVE(s, 1, "a traversal of the graph"));
    node->mark = traversals;
    s->at[s->n++] = (frame){node, 0};
    return EM_OK;
}

static em_status list(em_order *o, em_node *node)
{
    EM_TRY(EM_ARRAY_RESERVE(o, 1, "a traversal of the graph"));
    o->at[o->n++] = node;
    return EM_OK;
}

static em_status traverse(em_order *o, stack *s)
{
    while (s->n) {
        frame *f = &s->at[s->n - 1];
        if (f->next == f->node->n) {
            EM_TRY(list(o, f->node));
            s->n--;
            continue;
        }
        const em_var *v = f->node->in[f->next++];
        if (v && v->node && v->node->mark != traversals) EM_TRY(push(s, v->node));
    }
    return EM_OK;
}

uint64_t em__order_start(void) { return ++traversals; }

em_status em__order_add(em_order *o, const em_var *root)
{
    if (!root->node || root->node->mark == traversals) return EM_OK;
    stack s = {0};
    em_status status = push(&s, root->node);
    if (!status) status = traverse(o, &s);
    EM_ARRAY_FREE(&s);
    return status;
}

void em__order_free(em_order *o)
{
    EM_ARRAY_FREE(o);
    *o = (em_order){0};
}
