/* Elements of tensors as files hold them. */
#include "io/elements.h"

#include <string.h>

#include "base/memory.h"
#include "tensor/tensor.h"

static const struct {
    em_dtype dtype;
    size_t size;
} types[] = {
    [EM_STORED_F32] = {EM_F32, 4}, [EM_STORED_F64] = {EM_F64, 8},   [EM_STORED_F16] = {EM_F16, 2},
    [EM_STORED_BF16] = {EM_BF16, 2}, [EM_STORED_BOOL] = {EM_BOOL, 1}, [EM_STORED_U8] = {EM_U8, 1},
    [EM_STORED_I32] = {EM_I32, 4}, [EM_STORED_I64] = {EM_I64, 8},   [EM_STORED_I8] = {EM_I32, 1},
    [EM_STORED_I16] = {EM_I32, 2}, [EM_STORED_U16] = {EM_I32, 2},   [EM_STORED_U32] = {EM_I64, 4},
    [EM_STORED_U64] = {EM_I64, 8},
};

em_dtype em__stored_dtype(em_stored stored) { return types[stored].dtype; }
size_t em__stored_size(em_stored stored) { return types[stored].size; }

em_stored em__stored_of(em_dtype dtype)
{
    em_stored stored = EM_STORED_F32;
    while (types[stored].dtype != dtype) stored++;
    return stored;
}

/* ---- a block of elements ------------------------------------------------------------------------------- */

static void swap_bytes(unsigned char *at, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++, at += size)
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            const unsigned char kept = at[low];
            at[low] = at[high];
            at[high] = kept;
        }
}

#define WIDEN(from_type, to_type) \
    for (size_t i = 0; i < n; i++) { \
        from_type x; \
        memcpy(&x, from + i * sizeof x, sizeof x); \
        ((to_type *)to)[i] = (to_type)x; \
    } \
    break

/* From their own type, in this machine's order, into the dtype; returns the first that has no place there, else n. */
static size_t convert(void *to, const unsigned char *from, size_t n, em_stored stored)
{
    size_t bad = n;
    switch (stored) {
    case EM_STORED_I8: WIDEN(int8_t, int32_t);
    case EM_STORED_I16: WIDEN(int16_t, int32_t);
    case EM_STORED_U16: WIDEN(uint16_t, int32_t);
    case EM_STORED_U32: WIDEN(uint32_t, int64_t);
    case EM_STORED_U64:
        memcpy(to, from, n * sizeof(int64_t));
        for (size_t i = n; i-- > 0;)
            if (((int64_t *)to)[i] < 0) bad = i;
        break;
    case EM_STORED_BOOL:
        memcpy(to, from, n);
        for (size_t i = n; i-- > 0;)
            if (from[i] > 1) bad = i;
        break;
    default: memcpy(to, from, n * types[stored].size);
    }
    return bad;
}

static em_status fail_element(const char *path, int64_t position, em_stored stored)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: %s", path, (long long)position,
                    stored == EM_STORED_BOOL ? "a bool that is neither 0 nor 1" : "an integer of 2^63 or more");
}

enum { BLOCK = 1 << 16 };       /* bytes that are converted at a time */

/* Elements are moved by way of a block, in which their bytes are put in order. */
static em_status convert_block(char *to, unsigned char *block, size_t n, em_stored stored, bool big_endian,
                               const char *path, int64_t position)
{
    const size_t size = types[stored].size;
    if (big_endian) swap_bytes(block, n, size);
    const size_t bad = convert(to, block, n, stored);
    return bad == n ? EM_OK : fail_element(path, position + (int64_t)(bad * size), stored);
}

/* ---- memory of ours -------------------------------------------------------------------------------------- */

typedef struct owned {
    void *at;
    size_t bytes;
} owned;

static void release_owned(void *context)
{
    owned *o = context;
    em__free(o->at, o->bytes);
    em__free(o, sizeof *o);
}

em_status em__own_elements(em_tensor **out, void *at, size_t bytes, em_dtype dtype, int dims, const int64_t *sizes)
{
    owned *o = em__alloc(sizeof *o);
    *out = NULL;
    if (!o) {
        em__free(at, bytes);
        return em__fail_memory("a tensor", sizeof *o);
    }
    *o = (owned){at, bytes};
    const em_foreign memory = {at, bytes, release_owned, o};
    return em_tensor_from_memory(out, &memory, dtype, dims, sizes);
}

/* ---- from a file --------------------------------------------------------------------------------------- */

static em_status fail_short(const em__input *in, size_t bytes)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: the file ends where %llu bytes of elements should follow", in->path,
                    (long long)em__input_offset(in), (unsigned long long)bytes);
}

static em_status count(int64_t *n, const em__input *in, em_stored stored, int dims, const int64_t *sizes)
{
    if (em__count(n, types[stored].dtype, dims, sizes) == EM_OK) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: byte %lld: a shape of too many elements", in->path,
                    (long long)em__input_offset(in));
}

/* `bytes` bytes into `to`, in order and as the dtype has them. */
static em_status read_into(char *to, em__input *in, em_stored stored, bool big_endian, int64_t n)
{
    const size_t size = types[stored].size, wide = em_dtype_size(types[stored].dtype);
    const bool straight = !big_endian && stored <= EM_STORED_I64 && stored != EM_STORED_BOOL;
    const size_t bytes = (size_t)n * size;
    size_t got;
    if (straight) {
        EM_TRY(em__input_read(in, to, bytes, &got));
        return got == bytes ? EM_OK : fail_short(in, bytes - got);
    }
    unsigned char *block = em__alloc(BLOCK);
    if (!block) return em__fail_memory("elements of a file", BLOCK);
    em_status s = EM_OK;
    for (size_t done = 0; !s && done < bytes; done += BLOCK) {
        const int64_t position = em__input_offset(in);
        const size_t most = bytes - done < BLOCK ? bytes - done : BLOCK;
        s = em__input_read(in, block, most, &got);
        if (!s && got < most) s = fail_short(in, most - got);
        if (!s) s = convert_block(to + done / size * wide, block, most / size, stored, big_endian, in->path, position);
    }
    em__free(block, BLOCK);
    return s;
}

/* Elements of a file of unknown size, in memory that grows as they come. */
static em_status read_growing(em_tensor **out, em__input *in, em_stored stored, bool big_endian, int dims,
                              const int64_t *sizes, int64_t n)
{
    enum { FIRST = 1 << 20 };
    const size_t wide = em_dtype_size(types[stored].dtype);
    char *at = NULL;
    size_t had = 0;
    em_status s = EM_OK;
    for (int64_t done = 0; !s && done < n;) {
        const int64_t rest = n - done, step = done ? done : FIRST, now = rest < step ? rest : step;
        const size_t bytes = (size_t)(done + now) * wide;
        char *wider = em__alloc(bytes);
        if (!wider) {
            s = em__fail_memory("a tensor's elements", bytes);
            break;
        }
        if (done) memcpy(wider, at, had);
        em__free(at, had);
        at = wider;
        had = bytes;
        s = read_into(wider + (size_t)done * wide, in, stored, big_endian, now);
        done += now;
    }
    if (!s) return em__own_elements(out, at, had, types[stored].dtype, dims, sizes);
    em__free(at, had);
    return s;
}

em_status em__read_elements(em_tensor **out, em__input *in, em_stored stored, bool big_endian, int dims,
                            const int64_t *sizes)
{
    int64_t n = 0;
    *out = NULL;
    EM_TRY(count(&n, in, stored, dims, sizes));
    if (n && in->size < 0) return read_growing(out, in, stored, big_endian, dims, sizes, n);
    if (n && n > (in->size - em__input_offset(in)) / (int64_t)types[stored].size)
        return fail_short(in, (size_t)n * types[stored].size);
    EM_TRY(em_tensor_empty(out, types[stored].dtype, dims, sizes));
    const em_status s = read_into(em_tensor_data(*out), in, stored, big_endian, n);
    if (s) {
        em_tensor_release(*out);
        *out = NULL;
    }
    return s;
}

em_status em__copy_elements(em_tensor *to, const void *from, em_stored stored, bool big_endian, const char *path,
                            int64_t position)
{
    const size_t size = types[stored].size, wide = em_dtype_size(types[stored].dtype);
    const size_t bytes = (size_t)em_tensor_count(to) * size;
    unsigned char block[4096];
    for (size_t done = 0; done < bytes; done += sizeof block) {
        const size_t most = bytes - done < sizeof block ? bytes - done : sizeof block;
        memcpy(block, (const char *)from + done, most);
        EM_TRY(convert_block((char *)em_tensor_data(to) + done / size * wide, block, most / size, stored, big_endian,
                             path, position + (int64_t)done));
    }
    return EM_OK;
}

/* ---- a file that is one tensor ------------------------------------------------------------------------- */

em_status em__check_end(em__input *in)
{
    int byte;
    const int64_t position = em__input_offset(in);
    EM_TRY(em__input_byte(in, &byte));
    if (byte < 0) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: byte %lld: more follows than the header says", in->path, (long long)position);
}

em_status em__read_tensor_file(em_content **out, const char *path, em_status (*read)(em_tensor **out, em__input *in))
{
    em__input in;
    em_value value = {.kind = EM_VALUE_TENSOR};
    *out = NULL;
    EM_TRY(em__input_open(&in, path));
    em_status s = read(&value.tensor, &in);
    em__input_close(&in);
    if (!s) s = em_content_new(out);
    if (!s) s = em_content_add(*out, "data", &value);
    em_tensor_release(value.tensor);
    if (s) {
        em_content_release(*out);
        *out = NULL;
    }
    return s;
}
