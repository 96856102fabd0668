/* NPY, NumPy's format of an array: a magic word, a version, the length of a header, the header, which is a Python
 * dictionary as text, and the elements. Versions 2 and 3 differ from 1 in the length's width and the text's encoding.
 *
 * Of Python's literals the header may have what NumPy has ever written: strings in either quotes without escapes, True
 * and False, tuples of decimal integers, also with the L of Python 2. */
#include "io/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "io/elements.h"
#include "io/format.h"

static const char magic[] = "\x93NUMPY";
enum { MAGIC = sizeof magic - 1, LONGEST_HEADER = 1 << 16 };

bool em__npy_begins(const unsigned char *first, size_t n) { return n >= MAGIC && !memcmp(first, magic, MAGIC); }

/* ---- the header ------------------------------------------------------------------------------------------ */

typedef struct array_header {
    em_stored stored;
    bool big_endian, fortran;
    int dims;
    int64_t sizes[EM_MAX_DIMS];
} array_header;

typedef struct scanner {
    const char *at, *end;
    const char *begin;
    int64_t position;           /* of begin in the file */
    const char *path;
} scanner;

/* Names what stands there, up to the line's end. */
static em_status fail_at(const scanner *s, const char *at, const char *expected)
{
    enum { MOST = 40 };
    char seen[MOST + 1];
    int n = 0;
    for (; n < MOST && at + n < s->end && at[n] != '\n'; n++) seen[n] = at[n] >= ' ' && at[n] < 127 ? at[n] : '?';
    seen[n] = 0;
    return em__fail(EM_EFORMAT, "%s: byte %lld: the header should have %s, but has: %s", s->path,
                    (long long)(s->position + (at - s->begin)), expected, n ? seen : "its end");
}

static void skip_blanks(scanner *s)
{
    while (s->at < s->end && memchr(" \t\r\n\f", *s->at, 5)) s->at++;
}

/* Whether the next character other than blanks is this one, which is then taken. */
static bool take(scanner *s, char c)
{
    skip_blanks(s);
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static em_status expect(scanner *s, char c)
{
    const char what[] = {'\'', c, '\'', 0};
    return take(s, c) ? EM_OK : fail_at(s, s->at, what);
}

static em_status scan_string(scanner *s, const char **text, size_t *n, const char *expected)
{
    skip_blanks(s);
    const char *from = s->at;
    if (!take(s, '\'') && !take(s, '"')) return fail_at(s, from, expected);
    const char quote = s->at[-1];
    *text = s->at;
    while (s->at < s->end && *s->at != quote && *s->at != '\\' && *s->at != '\n') s->at++;
    *n = (size_t)(s->at - *text);
    if (s->at == s->end || *s->at != quote) return fail_at(s, from, expected);
    s->at++;
    return EM_OK;
}

/* A type's letter and size, with the order of its bytes before: '<f4'. */
static em_status scan_descr(scanner *s, array_header *h)
{
    static const char names[][3] = {
        [EM_STORED_F32] = "f4", [EM_STORED_F64] = "f8", [EM_STORED_F16] = "f2",
        [EM_STORED_BOOL] = "b1", [EM_STORED_U8] = "u1", [EM_STORED_I32] = "i4",  [EM_STORED_I64] = "i8",
        [EM_STORED_I8] = "i1",  [EM_STORED_I16] = "i2", [EM_STORED_U16] = "u2",  [EM_STORED_U32] = "u4",
        [EM_STORED_U64] = "u8",
    };
    static const char expected[] = "a descr of one number (f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1 after <, >, = or |)";
    const char *text, *from;
    size_t n;
    skip_blanks(s);
    from = s->at;
    EM_TRY(scan_string(s, &text, &n, expected));
    h->big_endian = n && *text == '>';
    if (n && memchr("<>=|", *text, 4)) text++, n--;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (n == 2 && *names[i] && !memcmp(text, names[i], 2)) {      /* bfloat16 has no name */
            h->stored = (em_stored)i;
            return EM_OK;
        }
    return fail_at(s, from, expected);
}

static em_status scan_order(scanner *s, array_header *h)
{
    skip_blanks(s);
    const size_t left = (size_t)(s->end - s->at);
    h->fortran = left >= 4 && !memcmp(s->at, "True", 4);
    if (!h->fortran && !(left >= 5 && !memcmp(s->at, "False", 5)))
        return fail_at(s, s->at, "True or False for fortran_order");
    s->at += h->fortran ? 4 : 5;
    return EM_OK;
}

static em_status scan_size(scanner *s, int64_t *size)
{
    static const char expected[] = "a size, an integer from 0 to 2^63 - 1";
    skip_blanks(s);
    const char *from = s->at;
    bool fits = true;
    for (*size = 0; fits && s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        fits = !__builtin_mul_overflow(*size, 10, size) && !__builtin_add_overflow(*size, *s->at - '0', size);
    if (!fits || s->at == from || (*from == '0' && s->at - from > 1)) return fail_at(s, from, expected);
    if (s->at < s->end && *s->at == 'L') s->at++;
    return EM_OK;
}

static em_status scan_shape(scanner *s, array_header *h)
{
    EM_TRY(expect(s, '('));
    const char *from = s->at;
    bool comma = true;
    for (h->dims = 0; !take(s, ')'); h->dims++) {
        if (!comma) return fail_at(s, s->at, "',' between sizes");
        if (h->dims == EM_MAX_DIMS) return fail_at(s, from, "a shape of at most 8 dims");
        EM_TRY(scan_size(s, &h->sizes[h->dims]));
        comma = take(s, ',');
    }
    /* (3) is a number, not a tuple */
    return h->dims == 1 && !comma ? fail_at(s, from, "a tuple as shape, such as (3,)") : EM_OK;
}

static em_status scan_dictionary(scanner *s, array_header *h)
{
    static const struct {
        const char *name;
        em_status (*scan)(scanner *s, array_header *h);
    } keys[] = {{"descr", scan_descr}, {"fortran_order", scan_order}, {"shape", scan_shape}};
    enum { KEYS = sizeof keys / sizeof *keys };
    static const char expected[] = "the keys 'descr', 'fortran_order', 'shape', each once";
    bool seen[KEYS] = {false}, comma = true;
    EM_TRY(expect(s, '{'));
    for (int count = 0; count < KEYS; count++) {
        const char *key, *from;
        size_t n;
        int k = 0;
        if (!comma) return fail_at(s, s->at, "',' between keys");
        skip_blanks(s);
        from = s->at;
        EM_TRY(scan_string(s, &key, &n, expected));
        while (k < KEYS && (strlen(keys[k].name) != n || memcmp(keys[k].name, key, n))) k++;
        if (k == KEYS || seen[k]) return fail_at(s, from, expected);
        seen[k] = true;
        EM_TRY(expect(s, ':'));
        EM_TRY(keys[k].scan(s, h));
        comma = take(s, ',');
    }
    EM_TRY(expect(s, '}'));
    skip_blanks(s);
    return s->at < s->end ? fail_at(s, s->at, "nothing behind '}'") : EM_OK;
}

/* Magic word, version and length: how many bytes the header has. */
static em_status read_length(em__input *in, size_t *length)
{
    unsigned char first[MAGIC + 2], bytes[4] = {0};
    size_t got;
    EM_TRY(em__input_read(in, first, sizeof first, &got));
    if (got < sizeof first || !em__npy_begins(first, got))
        return em__fail(EM_EFORMAT, "%s: byte 0: not the beginning of an npy file", in->path);
    if (first[MAGIC] < 1 || first[MAGIC] > 3 || first[MAGIC + 1])
        return em__fail(EM_EFORMAT, "%s: byte %d: version %d.%d of npy (expected 1.0, 2.0 or 3.0)", in->path, MAGIC,
                        first[MAGIC], first[MAGIC + 1]);
    const size_t width = first[MAGIC] == 1 ? 2 : 4;
    EM_TRY(em__input_read(in, bytes, width, &got));
    if (got < width)
        return em__fail(EM_EFORMAT, "%s: byte %d: the file ends in the length of the header", in->path, MAGIC + 2);
    *length = (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    if (*length > LONGEST_HEADER)
        return em__fail(EM_EFORMAT, "%s: byte %d: a header of %zu bytes (at most %d are read)", in->path, MAGIC + 2,
                        *length, LONGEST_HEADER);
    return EM_OK;
}

static em_status read_header(em__input *in, array_header *h)
{
    size_t length = 0, got;
    EM_TRY(read_length(in, &length));
    const int64_t position = em__input_offset(in);
    char *text = em__alloc(LONGEST_HEADER);
    if (!text) return em__fail_memory("the header of a file", LONGEST_HEADER);
    em_status s = em__input_read(in, text, length, &got);
    if (!s && got < length)
        s = em__fail(EM_EFORMAT, "%s: byte %lld: the file ends in the header, which has %zu bytes", in->path,
                     (long long)em__input_offset(in), length);
    if (!s) {
        scanner scan = {text, text + length, text, position, in->path};
        s = scan_dictionary(&scan, h);
    }
    em__free(text, LONGEST_HEADER);
    return s;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

/* In Fortran's order the first index is the fastest: it is the transpose, in our order, that lies in the file. */
static em_status transpose(em_tensor **t, const array_header *h)
{
    int64_t strides[EM_MAX_DIMS];
    em_tensor *view, *straight;
    for (int d = 0; d < h->dims; d++) strides[d] = em_tensor_stride(*t, h->dims - 1 - d);
    EM_TRY(em_tensor_view(&view, *t, 0, h->dims, h->sizes, strides));
    const em_status s = em_tensor_contiguous(&straight, view);
    em_tensor_release(view);
    if (s) return s;
    em_tensor_release(*t);
    *t = straight;
    return EM_OK;
}

static em_status read_array(em_tensor **out, em__input *in)
{
    array_header h = {0};
    int64_t lying[EM_MAX_DIMS];
    EM_TRY(read_header(in, &h));
    for (int d = 0; d < h.dims; d++) lying[d] = h.sizes[h.fortran ? h.dims - 1 - d : d];
    EM_TRY(em__read_elements(out, in, h.stored, h.big_endian, h.dims, lying));
    EM_TRY(em__check_end(in));
    return h.fortran && h.dims > 1 ? transpose(out, &h) : EM_OK;
}

em_status em__npy_read(em_tensor **out, em__input *in)
{
    *out = NULL;
    const em_status s = read_array(out, in);
    if (s) {
        em_tensor_release(*out);
        *out = NULL;
    }
    return s;
}

static em_status read_file(em_content **out, const char *path, const void *options)
{
    (void)options;
    return em__read_tensor_file(out, path, em__npy_read);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static const char *descr_of(em_dtype dtype)
{
    switch (dtype) {
    case EM_F64: return "<f8";
    case EM_F16: return "<f2";
    case EM_I64: return "<i8";
    case EM_I32: return "<i4";
    case EM_U8: return "|u1";
    case EM_BOOL: return "|b1";
    default: return "<f4";
    }
}

/* Elements begin at a multiple of 64. Version 1.0, whose header may have 65,535 bytes, is enough for 8 dims. */
static size_t write_header(char to[EM_NPY_HEADER], const em_tensor *t)
{
    enum { BEFORE = MAGIC + 4, ALIGNMENT = 64 };
    const int dims = em_tensor_dims(t);
    int n = BEFORE;
    n += snprintf(to + n, EM_NPY_HEADER - (size_t)n, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                  descr_of(em_tensor_dtype(t)));
    for (int d = 0; d < dims; d++)
        n += snprintf(to + n, EM_NPY_HEADER - (size_t)n, d ? ", %" PRId64 : "%" PRId64, em_tensor_size(t, d));
    n += snprintf(to + n, EM_NPY_HEADER - (size_t)n, dims == 1 ? ",), }" : "), }");
    while ((n + 1) % ALIGNMENT) to[n++] = ' ';
    to[n++] = '\n';
    memcpy(to, magic, MAGIC);
    memcpy(to + MAGIC, (char[]){1, 0, (char)((n - BEFORE) & 255), (char)((n - BEFORE) >> 8)}, 4);
    return (size_t)n;
}

em_status em__npy_prepare(em_tensor **out, char header[EM_NPY_HEADER], size_t *header_bytes, const em_tensor *t,
                          const char *owner)
{
    em_tensor *known;
    *out = NULL;
    if (em_tensor_is_sparse(t)) return em__fail(EM_ETYPE, "%s: the tensor is row-sparse (expected a dense one)", owner);
    em_tensor_apply_pending(t);
    EM_TRY(em_tensor_to(&known, t, em_tensor_dtype(t) == EM_BF16 ? EM_F32 : em_tensor_dtype(t)));
    const em_status s = em_tensor_contiguous(out, known);
    em_tensor_release(known);
    if (!s) *header_bytes = write_header(header, *out);
    return s;
}

static em_status write_tensor(const char *path, const em_tensor *t)
{
    char header[EM_NPY_HEADER];
    size_t n;
    em_tensor *straight;
    em__output out;
    EM_TRY(em__npy_prepare(&straight, header, &n, t, "npy.save"));
    em_status s = em__output_open(&out, path);
    if (!s) s = em__output_write(&out, header, n);
    if (!s)
        s = em__output_write(&out, em_tensor_data(straight),
                             (size_t)em_tensor_count(straight) * em_dtype_size(em_tensor_dtype(straight)));
    em_tensor_release(straight);
    if (!s) return em__output_commit(&out);
    em__output_discard(&out);
    return s;
}

static em_status write_file(const char *path, const em_content *content, const void *options)
{
    (void)options;
    const em_value *value = em_content_find(content, "data");
    if (em_content_count(content) != 1 || !value || value->kind != EM_VALUE_TENSOR)
        return em__fail(EM_EVALUE, "npy.save: expected one tensor, called data");
    return write_tensor(path, value->tensor);
}

const em_format EM_FORMAT(npy) = {
    .name = "npy",
    .doc = "NPY, NumPy's format of one array: a tensor, of a dtype that holds its values",
    .recognize = em__npy_begins,
    .read = read_file,
    .write = write_file,
};
