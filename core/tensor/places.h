/* Where elements are, as numbers: ids that may count from the end, and what a mask picks. */
#ifndef EM_TENSOR_PLACES_H
#define EM_TENSOR_PLACES_H

#include "tensor/tensor.h"

/* Ids (int64, contiguous) of 0 .. size-1 from ids of -size .. size-1: the tensor itself, a new reference, if none is
 * negative. EM_ERANGE names `name`, the id, where it stands, and `what` the size is of. */
em_status em__places_of_ids(em_tensor **out, em_tensor *ids, int64_t size, const char *name, const char *what);

/* (n) int64: row-major positions of the true elements of a bool tensor, ascending. */
em_status em__places_of_mask(em_tensor **out, const em_tensor *mask);

#endif
