/* IDX, the format of MNIST's files: two zero bytes, a type, a count of dims, each dim's size as a big-endian uint32,
 * and the elements, big-endian. */
#include "io/elements.h"
#include "io/format.h"

/* What a byte for the type means; -1: nothing. */
static int stored_of(int type)
{
    switch (type) {
    case 0x08: return EM_STORED_U8;
    case 0x09: return EM_STORED_I8;
    case 0x0B: return EM_STORED_I16;
    case 0x0C: return EM_STORED_I32;
    case 0x0D: return EM_STORED_F32;
    case 0x0E: return EM_STORED_F64;
    default: return -1;
    }
}

static bool recognize(const unsigned char *first, size_t n)
{
    return n >= 4 && !first[0] && !first[1] && stored_of(first[2]) >= 0 && first[3] >= 1 && first[3] <= EM_MAX_DIMS;
}

static em_status read_header(em__input *in, em_stored *stored, int *dims, int64_t sizes[EM_MAX_DIMS])
{
    unsigned char h[4], size[4];
    size_t got;
    EM_TRY(em__input_read(in, h, sizeof h, &got));
    if (got < sizeof h || !recognize(h, got))
        return em__fail(EM_EFORMAT, "%s: byte 0: no header of IDX (two zeros, a type, 1 to %d dims)", in->path,
                        EM_MAX_DIMS);
    *stored = (em_stored)stored_of(h[2]);
    *dims = h[3];
    for (int d = 0; d < *dims; d++) {
        const int64_t position = em__input_offset(in);
        EM_TRY(em__input_read(in, size, sizeof size, &got));
        if (got < sizeof size)
            return em__fail(EM_EFORMAT, "%s: byte %lld: the file ends in the size of dim %d", in->path,
                            (long long)position, d);
        sizes[d] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
    }
    return EM_OK;
}

static em_status read_tensor(em_tensor **out, em__input *in)
{
    em_stored stored = EM_STORED_U8;
    int dims = 0;
    int64_t sizes[EM_MAX_DIMS];
    EM_TRY(read_header(in, &stored, &dims, sizes));
    EM_TRY(em__read_elements(out, in, stored, true, dims, sizes));
    return em__check_end(in);
}

static em_status read_file(em_content **out, const char *path, const void *options)
{
    (void)options;
    return em__read_tensor_file(out, path, read_tensor);
}

const em_format EM_FORMAT(idx) = {
    .name = "idx",
    .doc = "IDX, as MNIST's files are: one tensor, of a dtype that holds its values",
    .recognize = recognize,
    .read = read_file,
};
