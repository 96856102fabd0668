/* Dims, broadcasting, and the iterator over tensors of one shape. */
#include "tensor/shape.h"

em_status em__wrap_dim(int *out, int64_t dim, int dims, const char *what)
{
    const int most = dims ? dims : 1;
    if (dim < -most || dim >= most)
        return em__fail(EM_ERANGE, "%s: dim %lld is out of range for a tensor of %d dims (expected %d to %d)", what,
                        (long long)dim, dims, -most, most - 1);
    *out = (int)(dim < 0 ? dim + most : dim);
    return EM_OK;
}

em_status em__broadcast(int *dims, int64_t *sizes, const em_tensor *a, const em_tensor *b, const char *what)
{
    const int n = a->dims > b->dims ? a->dims : b->dims;
    for (int d = 0; d < n; d++) {
        const int ad = d - (n - a->dims), bd = d - (n - b->dims);
        const int64_t x = ad < 0 ? 1 : a->size[ad], y = bd < 0 ? 1 : b->size[bd];
        if (x != y && x != 1 && y != 1)
            return em__fail(EM_ESHAPE, "%s: shapes %s and %s do not broadcast (sizes %lld and %lld at dim %d)", what,
                            EM_SHAPE(a), EM_SHAPE(b), (long long)x, (long long)y, d - n);
        sizes[d] = x == 1 ? y : x;
    }
    *dims = n;
    return EM_OK;
}

void em__broadcast_strides(int64_t *strides, const em_tensor *t, int dims, const int64_t *sizes)
{
    for (int d = 0; d < dims; d++) {
        const int td = d - (dims - t->dims);
        strides[d] = td < 0 || (t->size[td] == 1 && sizes[d] != 1) ? 0 : t->stride[td];
    }
}

bool em__broadcasts_to(const em_tensor *t, int dims, const int64_t *sizes)
{
    if (t->dims > dims) return false;
    for (int d = 0; d < t->dims; d++)
        if (t->size[d] != 1 && t->size[d] != sizes[d + dims - t->dims]) return false;
    return true;
}

static bool joins(const em_iterator *w, int64_t size, const int64_t *const strides[], int d)
{
    for (int k = 0; k < w->n; k++)
        if (w->stride[k][w->dims - 1] != strides[k][d] * size) return false;
    return true;
}

void em__iterator_init(em_iterator *w, int n, int dims, const int64_t *sizes, const int64_t *const strides[])
{
    w->n = n;
    w->dims = 0;
    for (int d = 0; d < dims; d++) {
        if (sizes[d] == 1) continue;
        if (w->dims && joins(w, sizes[d], strides, d)) {
            w->size[w->dims - 1] *= sizes[d];
        } else {
            w->size[w->dims++] = sizes[d];
        }
        for (int k = 0; k < n; k++) w->stride[k][w->dims - 1] = strides[k][d];
    }
    if (!w->dims) {
        w->dims = 1;
        w->size[0] = 1;
        for (int k = 0; k < n; k++) w->stride[k][0] = 1;
    }
    w->inner = w->size[w->dims - 1];
    w->outer = 1;
    for (int d = 0; d < w->dims - 1; d++) w->outer *= w->size[d];
}
