/* The header of a file of safetensors: read entry by entry, and checked against the file's size. */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "io/safetensors.h"

static const struct {
    const char *name;
    em_stored stored;
} types[] = {
    {"F32", EM_STORED_F32}, {"F64", EM_STORED_F64}, {"F16", EM_STORED_F16}, {"BF16", EM_STORED_BF16},
    {"BOOL", EM_STORED_BOOL}, {"U8", EM_STORED_U8}, {"I32", EM_STORED_I32}, {"I64", EM_STORED_I64},
    {"I8", EM_STORED_I8}, {"I16", EM_STORED_I16}, {"U16", EM_STORED_U16}, {"U32", EM_STORED_U32},
    {"U64", EM_STORED_U64},
};
enum { TYPES = (int)(sizeof types / sizeof *types) };

const char *em__safetensors_dtype(em_stored stored)
{
    int i = 0;
    while (types[i].stored != stored) i++;
    return types[i].name;
}

void em__safetensors_header_free(em__safetensors_header *h)
{
    EM_ARRAY_FREE(&h->tensors);
    EM_ARRAY_FREE(&h->order);
    EM_ARRAY_FREE(&h->sizes);
    EM_ARRAY_FREE(&h->names);
    EM_ARRAY_FREE(&h->metadata);
    em__free(h->text, h->bytes);
}

/* ---- checksums ---------------------------------------------------------------------------------------------- */

static void put_digits(char digits[EM__DIGITS], uint64_t hash)
{
    for (int i = 0; i < EM__DIGITS; i++, hash <<= 4) digits[i] = "0123456789abcdef"[hash >> 60];
}

void em__safetensors_header_digits(char digits[EM__DIGITS], char *text, size_t n, size_t own)
{
    char kept[EM__DIGITS];
    memcpy(kept, text + own, EM__DIGITS);
    memset(text + own, '0', EM__DIGITS);
    put_digits(digits, XXH3_64bits(text, n));
    memcpy(text + own, kept, EM__DIGITS);
}

void em__safetensors_digits(char digits[EM__DIGITS], const uint64_t *of_chunks, int64_t n)
{
    put_digits(digits, XXH3_64bits(of_chunks, (size_t)n * sizeof *of_chunks));
}

/* ---- an entry ------------------------------------------------------------------------------------------------ */

em_status em__safetensors_add_field(em__chars *to, const char *text, size_t n)
{
    const uint32_t length = (uint32_t)n;
    EM_TRY(EM_ARRAY_RESERVE(to, (int64_t)(n + sizeof length), "metadata"));
    memcpy(to->at + to->n, &length, sizeof length);
    if (n) memcpy(to->at + to->n + sizeof length, text, n);
    to->n += (int64_t)(n + sizeof length);
    return EM_OK;
}

static em_status fail_entry(const em__json_walker *w, size_t at, const char *name, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: tensor '%.200s': %s", w->path, (long long)(w->position + (int64_t)at),
                    name, what);
}

/* A text of the file, as far as messages show it. */
static const char *shown(const json_t *j)
{
    return json_is_string(j) ? json_string_value(j) : "no string";
}

static em_status read_dtype(em__stored_tensor *t, const em__json_walker *w, size_t at, const char *name,
                            const json_t *dtype)
{
    for (int i = 0; i < TYPES; i++)
        if (json_is_string(dtype) && !strcmp(json_string_value(dtype), types[i].name)) {
            t->stored = types[i].stored;
            return EM_OK;
        }
    return em__fail(EM_EFORMAT, "%s: byte %lld: tensor '%.200s': the dtype %.40s is none that can be read", w->path,
                    (long long)(w->position + (int64_t)at), name, shown(dtype));
}

static em_status read_shape(em__safetensors_header *h, em__stored_tensor *t, const em__json_walker *w, size_t at,
                            const char *name, const json_t *shape, int64_t *bytes)
{
    const size_t dims = json_array_size(shape);
    if (!json_is_array(shape)) return fail_entry(w, at, name, "the shape is no list");
    if (dims > EM_MAX_DIMS) return fail_entry(w, at, name, "more than 8 dims");
    EM_TRY(EM_ARRAY_RESERVE(&h->sizes, EM_MAX_DIMS, "shapes"));
    int64_t span = (int64_t)em_dtype_size(em__stored_dtype(t->stored)), count = 1;
    t->shape = h->sizes.n;
    t->dims = (int)dims;
    for (size_t d = 0; d < dims; d++) {
        const json_t *size = json_array_get(shape, d);
        const int64_t n = json_integer_value(size);
        if (json_is_real(size) && json_real_value(size) > 9e18)
            return fail_entry(w, at, name, "a shape of too many elements");
        if (!json_is_integer(size) || n < 0) return fail_entry(w, at, name, "a size that is no integer from 0 on");
        if (__builtin_mul_overflow(span, n ? n : 1, &span) || span > INT64_MAX / 4)
            return fail_entry(w, at, name, "a shape of too many elements");
        count *= n;
        h->sizes.at[h->sizes.n++] = n;
    }
    *bytes = count * (int64_t)em__stored_size(t->stored);
    return EM_OK;
}

static em_status read_offsets(em__stored_tensor *t, const em__json_walker *w, size_t at, const char *name,
                              const json_t *offsets, int64_t bytes, int64_t data_bytes)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return fail_entry(w, at, name, "data_offsets are no two integers");
    t->begin = json_integer_value(begin);
    t->end = json_integer_value(end);
    if (t->begin < 0) return fail_entry(w, at, name, "a negative offset");
    if (t->end < t->begin) return fail_entry(w, at, name, "it ends before it begins");
    if (t->end > data_bytes) return fail_entry(w, at, name, "its bytes lie behind the end of the file");
    if (t->end - t->begin == bytes) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: byte %lld: tensor '%.200s': %lld bytes where dtype and shape take %lld", w->path,
                    (long long)(w->position + (int64_t)at), name, (long long)(t->end - t->begin), (long long)bytes);
}

static em_status read_description(em__safetensors_header *h, em__stored_tensor *t, const em__json_walker *w, size_t at,
                                  const char *name, const json_t *value, int64_t data_begin, int64_t file_bytes)
{
    int64_t bytes = 0;
    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape"),
                 *offsets = json_object_get(value, "data_offsets");
    if (!dtype || !shape || !offsets || json_object_size(value) != 3)
        return fail_entry(w, at, name, "expected dtype, shape and data_offsets, and nothing else");
    EM_TRY(read_dtype(t, w, at, name, dtype));
    EM_TRY(read_shape(h, t, w, at, name, shape, &bytes));
    EM_TRY(read_offsets(t, w, at, name, offsets, bytes, file_bytes - data_begin));
    t->described = w->position + (int64_t)at;
    t->begin += data_begin;
    t->end += data_begin;
    return EM_OK;
}

static em_status read_tensor(em__safetensors_header *h, em__json_walker *w, const json_t *key, int64_t file_bytes)
{
    enum { LONGEST = 1 << 16 };
    json_t *value;
    const char *name = json_string_value(key);
    const size_t length = json_string_length(key), at = w->at;
    em__stored_tensor t = {.name = h->names.n};
    EM_TRY(EM_ARRAY_RESERVE(&h->names, (int64_t)length + 1, "names"));
    EM_TRY(em__json_value(w, JSON_OBJECT, LONGEST, &value));
    const em_status s = read_description(h, &t, w, at, name, value, (int64_t)h->bytes, file_bytes);
    em_json_release(value);
    if (s) return s;
    memcpy(h->names.at + h->names.n, name, length + 1);
    h->names.n += (int64_t)length + 1;
    h->order.at[h->order.n++] = h->tensors.n;
    h->tensors.at[h->tensors.n++] = t;
    return EM_OK;
}

/* ---- metadata -------------------------------------------------------------------------------------------------- */

static bool is_text(const json_t *j, const char *text) { return !strcmp(json_string_value(j), text); }

static em_status read_pair(em__safetensors_header *h, em__json_walker *w, const json_t *key, bool *checked)
{
    json_t *value;
    EM_TRY(em__json_value(w, JSON_STRING, SIZE_MAX, &value));
    const size_t end = w->at - 1, length = json_string_length(value);
    em_status s = EM_OK;
    if ((is_text(key, EM__CHECKSUM) && h->checksum) || (is_text(key, EM__CHECKED) && *checked)) {
        s = em__json_fail(w, end, "a key of the metadata stands twice");
    } else if (is_text(key, EM__CHECKSUM)) {
        h->checksum = w->position + (int64_t)(end - length);      /* digits only, as it will turn out */
        if (length < EM__DIGITS) s = em__json_fail(w, end - length, "a checksum that is too short");
    } else if (is_text(key, EM__CHECKED)) {
        *checked = true;
    } else {
        s = em__safetensors_add_field(&h->metadata, "metadata", 8);
        if (!s) s = em__safetensors_add_field(&h->metadata, json_string_value(key), json_string_length(key));
        if (!s) s = em__safetensors_add_field(&h->metadata, json_string_value(value), length);
    }
    em_json_release(value);
    return s;
}

static em_status read_metadata(em__safetensors_header *h, em__json_walker *outer, bool *checked)
{
    em__json_walker w = *outer;
    EM_TRY(em__json_open(&w));
    for (;;) {
        json_t *key;
        EM_TRY(em__json_key(&w, &key));
        if (!key) break;
        const em_status s = read_pair(h, &w, key, checked);
        em_json_release(key);
        if (s) return s;
    }
    outer->at = w.at;
    return EM_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

/* What the sorts compare by. Not shared with another thread: headers are read by the one that calls. */
static const em__safetensors_header *sorted;

static int by_bytes(const void *a, const void *b)
{
    const int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    const em__stored_tensor *s = &sorted->tensors.at[i], *t = &sorted->tensors.at[j];
    if (s->begin != t->begin) return s->begin < t->begin ? -1 : 1;
    if (s->end != t->end) return s->end < t->end ? -1 : 1;
    return i < j ? -1 : i > j;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(sorted->names.at + sorted->tensors.at[*(const int64_t *)a].name,
                  sorted->names.at + sorted->tensors.at[*(const int64_t *)b].name);
}

static void sort(em__safetensors_header *h, int (*by)(const void *, const void *))
{
    sorted = h;
    if (h->order.n) qsort(h->order.at, (size_t)h->order.n, sizeof *h->order.at, by);
}

static em_status fail_at(const em__source *s, int64_t at, const char *name, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: tensor '%.200s': %s", s->path, (long long)at, name, what);
}

static em_status check_names(em__safetensors_header *h, const em__source *s)
{
    sort(h, by_name);
    for (int64_t i = 1; i < h->order.n; i++)
        if (!by_name(&h->order.at[i - 1], &h->order.at[i])) {
            const em__stored_tensor *a = &h->tensors.at[h->order.at[i - 1]], *b = &h->tensors.at[h->order.at[i]];
            return fail_at(s, a->described > b->described ? a->described : b->described, h->names.at + a->name,
                           "the name stands twice");
        }
    return EM_OK;
}

static em_status check_bytes(em__safetensors_header *h, const em__source *s)
{
    int64_t at = (int64_t)h->bytes;
    sort(h, by_bytes);
    for (int64_t i = 0; i < h->order.n; i++) {
        const em__stored_tensor *t = &h->tensors.at[h->order.at[i]];
        const char *name = h->names.at + t->name;
        if (t->begin < at) return fail_at(s, t->described, name, "its bytes overlap those of another");
        if (t->begin > at) return fail_at(s, t->described, name, "a hole before its bytes");
        at = t->end;
    }
    if (at == s->size) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: byte %lld: bytes behind the last tensor", s->path, (long long)at);
}

static const char *sorted_fields;

static int by_key(const void *a, const void *b)
{
    uint32_t n, m;
    const char *s = sorted_fields + *(const int64_t *)a, *t = sorted_fields + *(const int64_t *)b;
    memcpy(&n, s, sizeof n);
    memcpy(&m, t, sizeof m);
    const int order = memcmp(s + sizeof n, t + sizeof m, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

/* Keys of the metadata that stand twice. */
static em_status check_keys(const em__safetensors_header *h, const em__source *s)
{
    EM_ARRAY(int64_t) keys = {0};
    em_status status = EM_OK;
    for (int64_t at = 0, field = 0; !status && at < h->metadata.n; field++) {
        uint32_t n;
        memcpy(&n, h->metadata.at + at, sizeof n);
        if (field % 3 == 1) {
            status = EM_ARRAY_RESERVE(&keys, 1, "metadata");
            if (!status) keys.at[keys.n++] = at;
        }
        at += (int64_t)sizeof n + n;
    }
    sorted_fields = h->metadata.at;
    if (!status && keys.n) qsort(keys.at, (size_t)keys.n, sizeof *keys.at, by_key);
    for (int64_t i = 1; !status && i < keys.n; i++)
        if (!by_key(&keys.at[i - 1], &keys.at[i]))
            status = em__fail(EM_EFORMAT, "%s: byte %d: a key of the metadata stands twice", s->path, EM__LENGTH_BYTES);
    EM_ARRAY_FREE(&keys);
    return status;
}

/* The digits are looked at as they stand: another way to write them is damage too. */
static em_status check_checksum(em__safetensors_header *h, const em__source *s, bool checked)
{
    char digits[EM__DIGITS];
    if (!h->checksum && !checked) return EM_OK;
    const size_t own = (size_t)h->checksum;
    const size_t length = EM__DIGITS * (size_t)(1 + h->tensors.n);
    const bool fits = own && own + length < h->bytes && h->text[own - 1] == '"' && h->text[own + length] == '"';
    if (fits) em__safetensors_header_digits(digits, h->text, h->bytes, own);
    if (fits && !memcmp(digits, h->text + own, EM__DIGITS)) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: byte %zu: the header's checksum does not match: the file is damaged", s->path,
                    own);
}

static em_status read_entries(em__safetensors_header *h, const em__source *s, bool *checked)
{
    em__json_walker w = {.path = s->path, .text = h->text + EM__LENGTH_BYTES, .n = h->bytes - EM__LENGTH_BYTES,
                         .position = EM__LENGTH_BYTES};
    bool metadata = false;
    const int64_t most = (int64_t)(w.n / strlen("\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,0]}")) + 1;
    EM_TRY(EM_ARRAY_RESERVE(&h->tensors, most, "a header"));        /* once: to grow takes more */
    EM_TRY(EM_ARRAY_RESERVE(&h->order, most, "a header"));
    if (!w.n || w.text[0] != '{') return em__json_fail(&w, 0, "no header of safetensors, which begins with {");
    EM_TRY(em__json_open(&w));
    for (;;) {
        json_t *key;
        EM_TRY(em__json_key(&w, &key));
        if (!key) break;
        const bool is_metadata = is_text(key, EM__METADATA);
        em_status status = is_metadata && metadata ? em__json_fail(&w, w.at, "the metadata stand twice")
                           : is_metadata           ? read_metadata(h, &w, checked)
                                                   : read_tensor(h, &w, key, s->size);
        metadata = metadata || is_metadata;
        em_json_release(key);
        if (status) return status;
    }
    for (; w.at < w.n; w.at++)
        if (w.text[w.at] != ' ') return em__json_fail(&w, w.at, "only spaces may follow the header");
    return EM_OK;
}

em_status em__safetensors_header_read(em__safetensors_header *h, const em__source *s)
{
    unsigned char length[EM__LENGTH_BYTES];
    uint64_t n = 0;
    bool checked = false;
    *h = (em__safetensors_header){0};
    if (s->size < EM__LENGTH_BYTES)
        return em__fail(EM_EFORMAT, "%s: byte 0: the file ends inside the length of the header", s->path);
    EM_TRY(em__source_check(s, em__source_read_at(s, length, sizeof length, 0)));
    for (int i = EM__LENGTH_BYTES; i-- > 0;) n = n << 8 | length[i];
    if (n > (uint64_t)s->size && length[0] == 0x1F && length[1] == 0x8B)
        return em__fail(EM_EFORMAT, "%s: byte 0: is gzip-compressed; unpack it first (gunzip -k %s)", s->path, s->path);
    if (n > (uint64_t)s->size - EM__LENGTH_BYTES)
        return em__fail(EM_EFORMAT, "%s: byte 0: a header of %llu bytes, more than the file has", s->path,
                        (unsigned long long)n);
    if (n > EM__MOST_HEADER)
        return em__fail(EM_EFORMAT, "%s: byte 0: a header of %llu bytes (at most 100 MB)", s->path,
                        (unsigned long long)n);
    const size_t bytes = (size_t)n + EM__LENGTH_BYTES;
    h->text = em__alloc(bytes);
    if (!h->text) return em__fail_memory("a header", bytes);
    h->bytes = bytes;
    EM_TRY(em__source_check(s, em__source_read_at(s, h->text, bytes, 0)));
    EM_TRY(read_entries(h, s, &checked));
    EM_TRY(check_names(h, s));
    EM_TRY(check_keys(h, s));
    EM_TRY(check_bytes(h, s));
    return check_checksum(h, s, checked);
}
