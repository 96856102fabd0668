/* Moving elements from one place, layout or dtype to another. */
#ifndef EM_TENSOR_COPY_H
#define EM_TENSOR_COPY_H

#include "tensor/tensor.h"

/* to[…] = from[…] for strides of one shape, converting. No version is counted. */
void em__copy_strided(em_tensor *to, const em_tensor *from);

/* A window on `t` for em__copy_strided, on the stack: it lives no longer than `t` and is no reference. */
static inline em_tensor em__window(const em_tensor *t, int64_t offset, int dims, const int64_t *sizes,
                                   const int64_t *strides)
{
    em_tensor w = {.storage = t->storage, .dtype = t->dtype, .dims = dims, .count = 1};
    w.data = t->data + offset * (int64_t)em_dtype_size(t->dtype);
    for (int d = 0; d < dims; d++) {
        w.size[d] = sizes[d];
        w.stride[d] = strides[d];
        w.count *= sizes[d];
    }
    w.contiguous = em__is_contiguous(dims, sizes, strides);
    return w;
}

/* Positions start .. start + length - 1 of a dim. */
static inline em_tensor em__stretch(const em_tensor *t, int dim, int64_t start, int64_t length)
{
    em_tensor w = em__window(t, start * t->stride[dim], t->dims, t->size, t->stride);
    w.count = t->size[dim] ? t->count / t->size[dim] * length : 0;
    w.size[dim] = length;
    w.contiguous = em__is_contiguous(w.dims, w.size, w.stride);
    return w;
}

#endif
