/* NumPy's format of one array: what npy files are and the members of npz files. */
#ifndef EM_IO_NPY_H
#define EM_IO_NPY_H

#include "base/file.h"
#include "embla.h"

bool em__npy_begins(const unsigned char *first, size_t n);

/* Reads an array that ends where the input does. EM_EFORMAT with path and byte, EM_EIO, EM_ENOMEM. */
em_status em__npy_read(em_tensor **out, em__input *in);

enum { EM_NPY_HEADER = 512 };   /* more than a header for EM_MAX_DIMS sizes is */

/* The tensor as it is written: contiguous, up to date, of a dtype that NumPy has (bfloat16 becomes float32); and the
 * bytes that stand before its elements. `owner` begins the message about a row-sparse one (EM_ETYPE). */
em_status em__npy_prepare(em_tensor **out, char header[EM_NPY_HEADER], size_t *header_bytes, const em_tensor *t,
                          const char *owner);

#endif
