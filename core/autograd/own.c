/* What gradients share memory with. On their way they share freely: with one another, with what the script gave to
 * backward, with what hooks and functions have seen. What stays after backward is worth what it was when that ended,
 * and what a script is handed it may write to. A storage knows whether a script has a gradient in it, so that a
 * row-sparse gradient, which refers to what came from above, is only copied where that can change. */
#include "autograd/var.h"
#include "tensor/rows.h"

bool em__is_own(const em_tensor *t)
{
    return t->refs == 1 && !t->rows && t->contiguous && t->storage->refs == 1;
}

static bool is_own_rows(const em_tensor *t) { return t->rows && t->refs == 1 && t->rows->refs == 1; }

static em_status replace(em_tensor **g, em_tensor *other, em_status s)
{
    if (s) return s;
    em_tensor_release(*g);
    *g = other;
    return EM_OK;
}

static void mark(em_tensor *t)
{
    if (t && t->storage) t->storage->shown = true;
}

void em__mark_shown(em_tensor *g)
{
    mark(g);
    for (int i = 0; g->rows && i < g->rows->n_parts; i++) {         /* its values may be a tensor of the script's */
        mark(g->rows->parts[i].source);
        mark(g->rows->parts[i].coef);
    }
}

em_status em__hand_out(em_tensor **g)
{
    em_tensor *own = NULL;
    if (!em__is_own(*g) && !is_own_rows(*g)) {
        const em_status s = (*g)->rows ? em_rows_scale(&own, *g, 1) : em_tensor_clone(&own, *g);
        EM_TRY(replace(g, own, s));
    }
    mark(*g);
    return EM_OK;
}

static bool is_shown(const em_tensor *t) { return t && t->storage && t->storage->shown; }

static em_status copy_shown(em_tensor **t)
{
    em_tensor *own;
    if (!is_shown(*t)) return EM_OK;
    const bool one_row = (*t)->dims && (*t)->stride[0] == 0;      /* which stands for all */
    EM_TRY(em_tensor_clone(&own, *t));
    if (one_row) {
        own->stride[0] = 0;
        own->contiguous = false;
    }
    em_tensor_release(*t);
    *t = own;
    return EM_OK;
}

em_status em__part_from(em_tensor **g)
{
    bool shown = !is_own_rows(*g);
    for (int i = 0; i < (*g)->rows->n_parts; i++)
        shown |= is_shown((*g)->rows->parts[i].source) || is_shown((*g)->rows->parts[i].coef);
    if (!shown) return EM_OK;
    em_tensor *own;
    EM_TRY(em_rows_scale(&own, *g, 1));
    em_status s = EM_OK;
    for (int i = 0; i < own->rows->n_parts && !s; i++) {
        s = copy_shown(&own->rows->parts[i].source);
        if (!s) s = copy_shown(&own->rows->parts[i].coef);
    }
    if (s) em_tensor_release(own);
    return replace(g, own, s);
}
