/* Moving elements from one place, layout or dtype to another. */
#ifndef EM_TENSOR_COPY_H
#define EM_TENSOR_COPY_H

#include "tensor/tensor.h"

/* to[…] = from[…] for strides of one shape, converting. No version is counted. */
void em__copy_strided(em_tensor *to, const em_tensor *from);

#endif
