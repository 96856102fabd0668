/* Lists the graph without recursion: a loop of a million steps makes a chain of a million nodes. */
#include <string.h>

#include "autograd/var.h"

typedef struct frame {
    em_node *node;
    int next;                   /* input to look at next */
} frame;

typedef struct stack {
    frame *at;
    int64_t n, room;
} stack;

static uint64_t walks;

/* Twice the room; the old block stays as it is on failure. */
static em_status grow(void **block, int64_t *room, size_t each)
{
    const int64_t more = *room ? 2 * *room : 64;
    void *bigger = em__alloc((size_t)more * each);
    if (!bigger) return em__fail_memory("a walk over the graph", (size_t)more * each);
    if (*room) memcpy(bigger, *block, (size_t)*room * each);
    em__free(*block, (size_t)*room * each);
    *block = bigger;
    *room = more;
    return EM_OK;
}

static em_status push(stack *s, em_node *node)
{
    if (s->n == s->room) EM_TRY(grow((void **)&s->at, &s->room, sizeof *s->at));
    node->mark = walks;
    s->at[s->n++] = (frame){node, 0};
    return EM_OK;
}

static em_status list(em_order *o, em_node *node)
{
    if (o->n == o->room) EM_TRY(grow((void **)&o->nodes, &o->room, sizeof *o->nodes));
    o->nodes[o->n++] = node;
    return EM_OK;
}

static em_status walk(em_order *o, stack *s)
{
    while (s->n) {
        frame *f = &s->at[s->n - 1];
        if (f->next == f->node->n) {
            EM_TRY(list(o, f->node));
            s->n--;
            continue;
        }
        const em_var *v = f->node->in[f->next++];
        if (v && v->node && v->node->mark != walks) EM_TRY(push(s, v->node));
    }
    return EM_OK;
}

uint64_t em__order_start(void) { return ++walks; }

em_status em__order_add(em_order *o, const em_var *root)
{
    if (!root->node || root->node->mark == walks) return EM_OK;
    stack s = {0};
    em_status status = push(&s, root->node);
    if (!status) status = walk(o, &s);
    em__free(s.at, (size_t)s.room * sizeof *s.at);
    return status;
}

void em__order_free(em_order *o)
{
    em__free(o->nodes, (size_t)o->room * sizeof *o->nodes);
    *o = (em_order){0};
}
