/* What gradients share memory with. On their way they share freely: with one another, with what the script gave to
 * backward, with what hooks and functions have seen. What stays after backward is worth what it was when that ended,
 * and what a script is handed it may write to. A row-sparse gradient refers to what came from above, which is copied
 * for it before somebody writes to that (em__before_change). */
#include "graph/variable.h"
#include "tensor/sparse/row_sparse.h"

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

em_status em__hand_out(em_tensor **g)
{
    if ((*g)->rows) return em__make_own(g);
    if (em__is_own(*g)) return EM_OK;
    em_tensor *own;
    const em_status s = em_tensor_clone(&own, *g);
    return replace(g, own, s);
}

em_status em__make_own(em_tensor **g)
{
    if (is_own_rows(*g)) return EM_OK;
    em_tensor *own;
    const em_status s = em_rows_scale(&own, *g, 1);
    return replace(g, own, s);
}
