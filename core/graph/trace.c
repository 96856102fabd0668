/* Where calls are made, for a backward that gives NaN. Off, it costs one branch a recorded call. */
#include <string.h>

#include "graph/variable.h"

enum { ROOM = 240 };

em_trace_fn *em__trace;
static void *trace_context;

void em_set_trace(em_trace_fn *fn, void *context)
{
    em__trace = fn;
    trace_context = context;
}

em_status em__trace_record(em_node *n)
{
    n->where = em__alloc(ROOM);
    if (!n->where) return em__fail_memory("the place of a call", ROOM);
    memset(n->where, 0, ROOM);
    em__trace(trace_context, n->where, ROOM);
    return EM_OK;
}

void em__trace_leave(em_node *n)
{
    em__free(n->where, ROOM);
    n->where = NULL;
}

static em_status has_nan(bool *out, em_tensor *g)
{
    em_tensor *nan = NULL, *any = NULL, *values = NULL;
    *out = false;
    if (!em_dtype_is_float(g->dtype)) return EM_OK;
    if (g->rows) EM_TRY(em_rows_values(&values, g));
    em_status s = em__run1("isnan", values ? values : g, NULL, &nan);
    if (!s) s = em__run1("any", nan, NULL, &any);
    if (!s) *out = em_tensor_get_int(any, 0) != 0;
    em_tensor_release(nan);
    em_tensor_release(any);
    em_tensor_release(values);
    return s;
}

em_status em__trace_check(const em_node *n, em_tensor *const *dx)
{
    for (int i = 0; i < n->n; i++) {
        bool nan;
        if (!dx[i] || !n->in[i]) continue;
        EM_TRY(has_nan(&nan, dx[i]));
        if (nan)
            return em__fail(EM_EGRAD, "backward: %s gave NaN in the gradient of its input %d; %s was called %s%s",
                            n->op->name, i, n->op->name, n->where ? "at " : "while anomaly detection was off",
                            n->where ? n->where : "");
    }
    return EM_OK;
}
