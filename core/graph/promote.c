/* The dtype in which several tensors are combined. */
#include "graph/call.h"

static em_dtype default_dtype = EM_F32;

em_dtype em_default_dtype(void) { return default_dtype; }

em_status em_set_default_dtype(em_dtype dtype)
{
    if (!em_dtype_is_float(dtype))
        return em__fail(EM_ETYPE, "set_default_dtype: expected a float dtype, got %s", em_dtype_name(dtype));
    default_dtype = dtype;
    return EM_OK;
}

int em__category(em_dtype d) { return em_dtype_is_float(d) ? 2 : d == EM_BOOL ? 0 : 1; }

static em_dtype wider(em_dtype a, em_dtype b)
{
    if (em__category(a) != em__category(b)) return em__category(a) > em__category(b) ? a : b;
    if (em__category(a) == 2) return a == b ? a : a == EM_F64 || b == EM_F64 ? EM_F64 : EM_F32;
    return a < b ? a : b;                       /* int64, int32, uint8 stand in this order */
}

/* Tensors with dims decide; 0-d ones, and then plain numbers, only where they are of a higher category. */
em_dtype em__promote(em_tensor *const *in, const bool *counts, int n)
{
    em_dtype best[3] = {EM_F32, EM_F32, EM_F32};
    bool seen[3] = {false};
    for (int i = 0; i < n; i++) {
        if (!in[i] || (counts && !counts[i])) continue;
        const int rank = in[i]->number ? 2 : in[i]->dims == 0 ? 1 : 0;
        const em_dtype d = in[i]->number && in[i]->dtype == EM_F64 ? default_dtype : in[i]->dtype;
        best[rank] = seen[rank] ? wider(best[rank], d) : d;
        seen[rank] = true;
    }
    int low = 2;
    while (low > 0 && !seen[low]) low--;
    em_dtype d = best[low];
    while (low-- > 0)
        if (seen[low]) d = em__category(d) > em__category(best[low]) ? wider(d, best[low]) : best[low];
    return d;
}
