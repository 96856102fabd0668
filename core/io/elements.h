/* Elements of tensors as files hold them: of a dtype, or of a type that the core has not, in either order of bytes. */
#ifndef EM_IO_ELEMENTS_H
#define EM_IO_ELEMENTS_H

#include "base/file.h"
#include "embla.h"

/* What stands in a file, and the dtype that it becomes: the first one that holds all its values, but for unsigned ones
 * of 64 bits, of which those from 2^63 on are errors. */
typedef enum em_stored {
    EM_STORED_F32, EM_STORED_F64, EM_STORED_F16, EM_STORED_BF16, EM_STORED_BOOL, EM_STORED_U8, EM_STORED_I32,
    EM_STORED_I64, EM_STORED_I8, EM_STORED_I16, EM_STORED_U16, EM_STORED_U32, EM_STORED_U64,
} em_stored;

em_dtype em__stored_dtype(em_stored stored);
size_t em__stored_size(em_stored stored);       /* bytes an element */
em_stored em__stored_of(em_dtype dtype);

/* Reads a tensor of so many elements from where the input stands. No more memory is taken than the file has bytes for:
 * of a file of unknown size (packed, a pipe) it grows as they come.
 *   fails  EM_EFORMAT with path and byte: too few bytes, a bool that is neither 0 nor 1, an integer from 2^63 on, a
 *          shape of too many elements; EM_EIO, EM_ENOMEM */
em_status em__read_elements(em_tensor **out, em__input *in, em_stored stored, bool big_endian, int dims,
                            const int64_t *sizes);

/* The same from memory: `n` elements at `from`, wherever that is aligned. `position` is the byte of the file that
 * `from` is. */
em_status em__copy_elements(em_tensor *to, const void *from, em_stored stored, bool big_endian, const char *path,
                            int64_t position);

/* A tensor of the elements at the beginning of `bytes` bytes from em__alloc, which it has from then on, also on
 * failure. EM_ENOMEM. */
em_status em__own_elements(em_tensor **out, void *at, size_t bytes, em_dtype dtype, int dims, const int64_t *sizes);

/* EM_EFORMAT with path and byte if the input goes on. */
em_status em__check_end(em__input *in);

/* The content of a file that is one tensor, under the name "data". On failure `read` may leave a tensor behind. */
em_status em__read_tensor_file(em_content **out, const char *path, em_status (*read)(em_tensor **out, em__input *in));

#endif
