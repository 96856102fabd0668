/* Where elements are, as numbers: ids and whether they are in range, ids that count from the end, what a mask picks. */
#ifndef EM_TENSOR_POSITION_H
#define EM_TENSOR_POSITION_H

#include "tensor/tensor.h"

/* "[0, 3]": where element `at`, counted in row-major order, is in t. */
const char *em__position_text(char buffer[EM_SHAPE_TEXT], const em_tensor *t, int64_t at);
#define EM_POSITION(t, at) em__position_text((char[EM_SHAPE_TEXT]){0}, t, at)

/* EM_ERANGE: "NAME: index 12 at position [0, 3] is out of range for WHAT = 10 (ids count from 0)", of ids (int64,
 * contiguous) the one at `at`. */
em_status em__fail_id(const char *name, const em_tensor *ids, int64_t at, int64_t size, const char *what);

/* ids (int64, contiguous) all in 0 .. size-1, else that sentence about the first that is not. */
em_status em__check_ids(const char *name, const em_tensor *ids, int64_t size, const char *what);

/* Ids (int64, contiguous) of 0 .. size-1 from ids of -size .. size-1: the tensor itself, a new reference, if none is
 * negative. Fails as em__check_ids. */
em_status em__positions_of_ids(em_tensor **out, em_tensor *ids, int64_t size, const char *name, const char *what);

/* (n) int64: row-major positions of the true elements of a bool tensor, ascending. */
em_status em__positions_of_mask(em_tensor **out, const em_tensor *mask);

#endif
