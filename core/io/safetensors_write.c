/* Files of safetensors are written: the header, then the tensors' bytes, those of wide elements first, so that each
 * lies where its elements are aligned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/file.h"
#include "io/safetensors.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"

enum { ALIGNED = 64 };          /* the first tensor begins at a multiple of it */

typedef struct item {
    const char *name;
    em_tensor *tensor;          /* contiguous; owned */
    char digits[EM__DIGITS];
} item;

typedef struct writing {
    EM_ARRAY(item) items;
    EM_ARRAY(uint64_t) hashes;  /* of one tensor's chunks */
    em__chars header;           /* its length included */
    int64_t checksum;           /* where its digits begin there */
} writing;

static int64_t bytes_of(const em_tensor *t) { return t->count * (int64_t)em_dtype_size(t->dtype); }

/* ---- what is written ------------------------------------------------------------------------------------------- */

static em_status add_item(writing *w, const char *name, em_tensor *t)
{
    if (t->rows)
        return em__fail(EM_EVALUE, "safetensors.save: tensor '%.200s' is row-sparse, which the format has not: save "
                        "its to_dense(), or all by embla.save", name);
    if (!strcmp(name, EM__METADATA))
        return em__fail(EM_EVALUE, "safetensors.save: no tensor may be called " EM__METADATA);
    EM_TRY(EM_ARRAY_RESERVE(&w->items, 1, "the tensors of a file"));
    item i = {.name = name};
    EM_TRY(em_tensor_contiguous(&i.tensor, t));
    em__apply_pending(i.tensor);
    w->items.at[w->items.n++] = i;
    return EM_OK;
}

/* The order of dtypes that other writers keep to, the last first. */
static int rank_of(em_dtype dtype)
{
    static const em_dtype order[] = {EM_BOOL, EM_U8, EM_F16, EM_BF16, EM_I32, EM_F32, EM_F64, EM_I64};
    int rank = 0;
    while (order[rank] != dtype) rank++;
    return rank;
}

static int by_dtype_and_name(const void *a, const void *b)
{
    const item *s = a, *t = b;
    const int order = rank_of(t->tensor->dtype) - rank_of(s->tensor->dtype);
    return order ? order : strcmp(s->name, t->name);
}

static em_status collect(writing *w, const em_content *content, const em_value **metadata)
{
    for (int64_t i = 0; i < em_content_count(content); i++) {
        const em_value *value = em_content_at(content, i);
        const char *name = em_content_name(content, i);
        if (value->kind == EM_VALUE_TENSOR)
            EM_TRY(add_item(w, name, value->tensor));
        else if (value->kind == EM_VALUE_BYTES && !strcmp(name, EM__METADATA))
            *metadata = value;
        else
            return em__fail(EM_EVALUE, "safetensors.save: '%.200s': expected a tensor", name);
    }
    if (w->items.n) qsort(w->items.at, (size_t)w->items.n, sizeof *w->items.at, by_dtype_and_name);
    return EM_OK;
}

static em_status hash_item(writing *w, item *i)
{
    const int64_t bytes = bytes_of(i->tensor), n = em__checked_chunks(bytes);
    w->hashes.n = 0;
    EM_TRY(EM_ARRAY_RESERVE(&w->hashes, n + 1, "the checksum of a file"));
    uint64_t *hashes = w->hashes.at;
    const char *data = i->tensor->data;
    EM_PARALLEL_EACH(c, n, EM__CHECKED_CHUNK / 8)
        hashes[c] = XXH3_64bits(data + c * EM__CHECKED_CHUNK,
                                (size_t)em__min(EM__CHECKED_CHUNK, bytes - c * EM__CHECKED_CHUNK));
    em__safetensors_digits(i->digits, hashes, n);
    return EM_OK;
}

/* ---- the header ------------------------------------------------------------------------------------------------ */

static em_status add(writing *w, const char *text, size_t n)
{
    EM_TRY(EM_ARRAY_RESERVE(&w->header, (int64_t)n, "a header"));
    memcpy(w->header.at + w->header.n, text, n);
    w->header.n += (int64_t)n;
    return EM_OK;
}

static em_status add_text(writing *w, const char *text) { return add(w, text, strlen(text)); }

/* The next field of metadata as content has them. */
static const char *next_field(const em_value *from, size_t *at, size_t *n)
{
    uint32_t length;
    if (from->length - *at < sizeof length) return NULL;
    memcpy(&length, from->bytes + *at, sizeof length);
    const char *text = from->bytes + *at + sizeof length;
    if (from->length - *at - sizeof length < length) return NULL;
    *at += sizeof length + length;
    *n = length;
    return text;
}

static em_status add_pairs(writing *w, const em_value *metadata)
{
    for (size_t at = 0; metadata && at < metadata->length;) {
        size_t n, k, v;
        const char *kind = next_field(metadata, &at, &n), *key = next_field(metadata, &at, &k);
        const char *value = next_field(metadata, &at, &v);
        if (!kind || !key || !value) return em__fail(EM_EVALUE, "safetensors.save: malformed metadata");
        if (n != 8 || memcmp(kind, "metadata", 8)) continue;            /* "widened" tells of a file that was read */
        if ((k == strlen(EM__CHECKSUM) && !memcmp(key, EM__CHECKSUM, k)) ||
            (k == strlen(EM__CHECKED) && !memcmp(key, EM__CHECKED, k)))
            return em__fail(EM_EVALUE, "safetensors.save: metadata: the key %.*s is the library's own", (int)k, key);
        if (memchr(key, 0, k)) return em__fail(EM_EVALUE, "safetensors.save: metadata: a key with a zero byte");
        EM_TRY(add_text(w, ","));
        EM_TRY(em__json_quote(&w->header, key, k, "safetensors.save: metadata: a key"));
        EM_TRY(add_text(w, ":"));
        EM_TRY(em__json_quote(&w->header, value, v, "safetensors.save: metadata: a text"));
    }
    return EM_OK;
}

static em_status add_tensors(writing *w)
{
    int64_t begin = 0;
    for (int64_t i = 0; i < w->items.n; i++) {
        const em_tensor *t = w->items.at[i].tensor;
        const char *name = w->items.at[i].name;
        char text[64 + 24 * EM_MAX_DIMS];
        EM_TRY(add_text(w, ","));
        EM_TRY(em__json_quote(&w->header, name, strlen(name), "safetensors.save: a tensor's name"));
        int n = snprintf(text, sizeof text, ":{\"dtype\":\"%s\",\"shape\":[",
                         em__safetensors_dtype(em__stored_of(t->dtype)));
        for (int d = 0; d < t->dims; d++)
            n += snprintf(text + n, sizeof text - (size_t)n, d ? ",%lld" : "%lld", (long long)t->size[d]);
        n += snprintf(text + n, sizeof text - (size_t)n, "],\"data_offsets\":[%lld,%lld]}", (long long)begin,
                      (long long)(begin + bytes_of(t)));
        EM_TRY(add(w, text, (size_t)n));
        begin += bytes_of(t);
    }
    return EM_OK;
}

static em_status make_header(writing *w, const em_value *metadata)
{
    EM_TRY(add(w, "\0\0\0\0\0\0\0\0{\"" EM__METADATA "\":{\"" EM__CHECKSUM "\":\"",
               EM__LENGTH_BYTES + strlen("{\"" EM__METADATA "\":{\"" EM__CHECKSUM "\":\"")));
    w->checksum = w->header.n;
    EM_TRY(add_text(w, "0000000000000000"));
    for (int64_t i = 0; i < w->items.n; i++) EM_TRY(add(w, w->items.at[i].digits, EM__DIGITS));
    EM_TRY(add_text(w, "\",\"" EM__CHECKED "\":\"1\""));
    EM_TRY(add_pairs(w, metadata));
    EM_TRY(add_text(w, "}"));
    EM_TRY(add_tensors(w));
    EM_TRY(add_text(w, "}"));
    while (w->header.n % ALIGNED) EM_TRY(add_text(w, " "));
    const uint64_t n = (uint64_t)w->header.n - EM__LENGTH_BYTES;
    if (n > EM__MOST_HEADER)
        return em__fail(EM_EVALUE, "safetensors.save: names and metadata take %llu bytes (at most 100 MB)",
                        (unsigned long long)n);
    for (int i = 0; i < EM__LENGTH_BYTES; i++) w->header.at[i] = (char)(n >> 8 * i & 0xFF);
    char digits[EM__DIGITS];
    em__safetensors_header_digits(digits, w->header.at, (size_t)w->header.n, (size_t)w->checksum);
    memcpy(w->header.at + w->checksum, digits, EM__DIGITS);
    return EM_OK;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* In pieces, between which an interrupt is seen. */
static em_status put_data(em__output *out, const em_tensor *t)
{
    enum { PIECE = 16 << 20 };
    const int64_t bytes = bytes_of(t);
    for (int64_t at = 0; at < bytes; at += PIECE)
        EM_TRY(em__output_write(out, t->data + at, (size_t)em__min(PIECE, bytes - at)));
    return EM_OK;
}

static em_status put(writing *w, const char *path)
{
    em__output out;
    EM_TRY(em__output_open(&out, path));
    em_status s = em__output_write(&out, w->header.at, (size_t)w->header.n);
    for (int64_t i = 0; !s && i < w->items.n; i++) s = put_data(&out, w->items.at[i].tensor);
    if (!s) return em__output_commit(&out);
    em__output_discard(&out);
    return s;
}

static em_status write_content(writing *w, const char *path, const em_content *content)
{
    const em_value *metadata = NULL;
    EM_TRY(collect(w, content, &metadata));
    for (int64_t i = 0; i < w->items.n; i++) EM_TRY(hash_item(w, &w->items.at[i]));
    if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: writing was interrupted!", path);
    EM_TRY(make_header(w, metadata));
    return put(w, path);
}

em_status em__safetensors_write(const char *path, const em_content *content, const void *options)
{
    (void)options;
    writing w = {0};
    const em_status s = write_content(&w, path, content);
    for (int64_t i = 0; i < w.items.n; i++) em_tensor_release(w.items.at[i].tensor);
    EM_ARRAY_FREE(&w.items);
    EM_ARRAY_FREE(&w.hashes);
    EM_ARRAY_FREE(&w.header);
    return s;
}
