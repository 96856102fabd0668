/* Operations out of operations, for backward. */
#include <string.h>

#include "graph/op.h"

em_status em__run(const char *name, em_tensor *const *in, int n, const em_opts *opts, em_tensor **out)
{
    const bool enabled = em_grad_enabled();
    em_set_grad_enabled(false);
    em_status s = em_apply(em_op_find(name), in, n, opts, NULL, out);
    em_set_grad_enabled(enabled);
    return s;
}

em_status em__run1(const char *name, em_tensor *x, const em_opts *opts, em_tensor **out)
{
    return em__run(name, &x, 1, opts, out);
}

em_status em__run2(const char *name, em_tensor *x, em_tensor *y, const em_opts *opts, em_tensor **out)
{
    return em__run(name, (em_tensor *[]){x, y}, 2, opts, out);
}

em_status em__sum_to(em_tensor **out, em_tensor *dy, const em_tensor *x)
{
    if (dy->dims == x->dims && !memcmp(dy->size, x->size, (size_t)x->dims * sizeof *x->size)) {
        em_tensor_retain(*out = dy);
        return EM_OK;
    }
    em_opts opts = {0};                 /* sum(dim, keepdim) over what was repeated, then x's shape */
    const int ahead = dy->dims - x->dims;
    for (int d = 0; d < dy->dims; d++)
        if (d < ahead || (x->size[d - ahead] == 1 && dy->size[d] != 1)) opts.ints[opts.at[0].i++] = d;
    opts.at[0].given = true;
    em_tensor *sum;
    EM_TRY(em__run1("sum", dy, &opts, &sum));
    em_status s = em__tensor_window(out, sum, sum->data, x->dims, x->size, NULL);
    em_tensor_release(sum);
    return s;
}
