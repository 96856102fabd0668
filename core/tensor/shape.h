/* All about shapes, nothing about values. */
#ifndef EM_TENSOR_SHAPE_H
#define EM_TENSOR_SHAPE_H

#include "tensor/tensor.h"

/* Turns a dim of -dims .. dims-1 into 0 .. dims-1 (a 0-d tensor has dim 0 and -1). EM_ERANGE names `what`. */
em_status em__wrap_dim(int *out, int64_t dim, int dims, const char *what);

/* Shape to which a and b broadcast; EM_ESHAPE names `what`. */
em_status em__broadcast(int *dims, int64_t *sizes, const em_tensor *a, const em_tensor *b, const char *what);

/* Strides of `t` seen as a tensor of shape `sizes` to which it broadcasts: 0 where it repeats. */
void em__broadcast_strides(int64_t *strides, const em_tensor *t, int dims, const int64_t *sizes);
bool em__broadcasts_to(const em_tensor *t, int dims, const int64_t *sizes);

/* Iterates over up to EM_ITERATED tensors of one shape at once: dims that are contiguous in all of them are joined,
 * dims of size 1 dropped. The last dim is the inner loop (size and strides in elements). */
enum { EM_ITERATED = 4 };
typedef struct em_iterator {
    int n, dims;                        /* tensors; dims left, at least 1 */
    int64_t size[EM_MAX_DIMS];
    int64_t stride[EM_ITERATED][EM_MAX_DIMS];
    int64_t inner;                      /* size of the last dim */
    int64_t outer;                      /* product of the others */
} em_iterator;

void em__iterator_init(em_iterator *w, int n, int dims, const int64_t *sizes, const int64_t *const strides[]);

/* Offsets in elements, one a tensor, of the start of inner loop number `outer`. */
static inline void em__iterator_at(const em_iterator *w, int64_t outer, int64_t offset[EM_ITERATED])
{
    for (int k = 0; k < w->n; k++) offset[k] = 0;
    for (int d = w->dims - 2; d >= 0; d--) {
        const int64_t i = outer % w->size[d];
        outer /= w->size[d];
        for (int k = 0; k < w->n; k++) offset[k] += i * w->stride[k][d];
    }
}

/* The same of point number `i` of outer * inner. */
static inline void em__iterator_point(const em_iterator *w, int64_t i, int64_t offset[EM_ITERATED])
{
    em__iterator_at(w, i / w->inner, offset);
    for (int k = 0; k < w->n; k++) offset[k] += i % w->inner * w->stride[k][w->dims - 1];
}

#endif
