/* safetensors: tensors by name, read by several threads at once or mapped. */
#include "io/safetensors.h"

#include <string.h>

#include <xxhash.h>

#include "base/gzip.h"
#include "io/format.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"

typedef struct read_options {
    em_texts names;             /* null: all */
    bool map, describe;
} read_options;

static bool recognize(const unsigned char *first, size_t n)
{
    uint64_t length = 0;
    if (n <= EM__LENGTH_BYTES || first[EM__LENGTH_BYTES] != '{') return false;
    for (int i = EM__LENGTH_BYTES; i-- > 0;) length = length << 8 | first[i];
    return length >= 2 && length <= EM__MOST_HEADER;
}

/* ---- a tensor's bytes ---------------------------------------------------------------------------------------- */

/* A chunk that is read at once: so much of one tensor. */
typedef struct chunk {
    char *to;
    int64_t at;
    size_t bytes;
    uint64_t hash;
    int fault;
} chunk;

typedef struct reading {
    const em__source *source;
    em__safetensors_header header;
    em_tensor **tensors;        /* one for each of the header's in order of bytes; null: not wanted */
    EM_ARRAY(chunk) chunks;     /* of those that are read, tensor after tensor */
    em__mapping *mapping;
    em_content *content;
} reading;

static const em__stored_tensor *in_order(const reading *r, int64_t i)
{
    return &r->header.tensors.at[r->header.order.at[i]];
}

static const char *name_of(const reading *r, int64_t i) { return r->header.names.at + in_order(r, i)->name; }

static const int64_t *shape_of(const reading *r, int64_t i)
{
    return r->header.sizes.at ? r->header.sizes.at + in_order(r, i)->shape : NULL;
}

static em_status make_tensor(reading *r, int64_t i)
{
    const em__stored_tensor *t = in_order(r, i);
    return em_tensor_empty(&r->tensors[i], em__stored_dtype(t->stored), t->dims, shape_of(r, i));
}

/* Whether any bytes are elements of the dtype that it becomes, as they are. */
static bool is_straight(em_stored stored) { return stored <= EM_STORED_I64 && stored != EM_STORED_BOOL; }

/* Elements that become wider are read to the end of their tensor's memory, and spread over it from its beginning. */
static char *place_of(em_tensor *t, int64_t bytes)
{
    return (char *)t->data + (t->count * (int64_t)em_dtype_size(t->dtype) - bytes);
}

static em_status plan_chunks(reading *r)
{
    for (int64_t i = 0; i < r->header.order.n; i++) {
        const em__stored_tensor *t = in_order(r, i);
        const int64_t bytes = t->end - t->begin, n = em__checked_chunks(bytes);
        if (!r->tensors[i]) continue;
        EM_TRY(EM_ARRAY_RESERVE(&r->chunks, n, "the reading of a file"));
        char *to = place_of(r->tensors[i], bytes);
        for (int64_t c = 0; c < n; c++) {
            const int64_t from = c * EM__CHECKED_CHUNK, rest = bytes - from;
            const size_t now = (size_t)em__min(rest, EM__CHECKED_CHUNK);
            r->chunks.at[r->chunks.n++] = (chunk){.to = to + from, .at = t->begin + from, .bytes = now};
        }
    }
    return EM_OK;
}

static em_status read_chunks(reading *r)
{
    const bool checked = r->header.checksum != 0;
    chunk *chunks = r->chunks.at;
    EM_PARALLEL_DYNAMIC(i, r->chunks.n, EM__CHECKED_CHUNK / 8) {
        chunk *c = &chunks[i];
        c->fault = em__source_read_at(r->source, c->to, c->bytes, c->at);
        if (checked && !c->fault) c->hash = XXH3_64bits(c->to, c->bytes);
    }
    for (int64_t i = 0; i < r->chunks.n; i++) EM_TRY(em__source_check(r->source, chunks[i].fault));
    return EM_OK;
}

/* `hashes` has room for one for each chunk. */
static em_status check_digits(const reading *r, uint64_t *hashes)
{
    int64_t at = 0;
    for (int64_t i = 0; i < r->header.order.n; i++) {
        const em__stored_tensor *t = in_order(r, i);
        const int64_t n = em__checked_chunks(t->end - t->begin);
        const char *want = r->header.text + r->header.checksum + (i + 1) * EM__DIGITS;
        char digits[EM__DIGITS];
        if (!r->tensors[i]) continue;
        for (int64_t c = 0; c < n; c++) hashes[c] = r->chunks.at[at++].hash;
        em__safetensors_digits(digits, hashes, n);
        if (memcmp(digits, want, EM__DIGITS))
            return em__fail(EM_EFORMAT, "%s: byte %lld: the checksum of tensor '%.200s' does not match: the file is "
                            "damaged", r->source->path, (long long)t->begin, name_of(r, i));
    }
    return EM_OK;
}

static em_status read_data(reading *r)
{
    EM_TRY(plan_chunks(r));
    EM_TRY(read_chunks(r));
    if (r->header.checksum) {
        const size_t bytes = (size_t)(r->chunks.n + 1) * sizeof(uint64_t);
        uint64_t *hashes = em__alloc(bytes);
        if (!hashes) return em__fail_memory("the checksum of a file", bytes);
        const em_status s = check_digits(r, hashes);
        em__free(hashes, bytes);
        if (s) return s;
    }
    for (int64_t i = 0; i < r->header.order.n; i++) {
        const em__stored_tensor *t = in_order(r, i);
        if (is_straight(t->stored) || !r->tensors[i]) continue;
        EM_TRY(em__copy_elements(r->tensors[i], place_of(r->tensors[i], t->end - t->begin), t->stored, false,
                                 r->source->path, t->begin));
    }
    return EM_OK;
}

/* Bools and integers beyond int64 are not shown as they lie: they have to be looked at. */
static em_status map_tensor(reading *r, int64_t i)
{
    const em__stored_tensor *t = in_order(r, i);
    const em_dtype dtype = em__stored_dtype(t->stored);
    if (is_straight(t->stored) && t->begin % (int64_t)em_dtype_size(dtype) == 0) {
        const em_foreign memory = em__mapping_lend(r->mapping, t->begin, (size_t)(t->end - t->begin));
        return em_tensor_from_memory(&r->tensors[i], &memory, dtype, t->dims, shape_of(r, i));
    }
    EM_TRY(make_tensor(r, i));
    return em__copy_elements(r->tensors[i], em__mapping_at(r->mapping, t->begin), t->stored, false, r->source->path,
                             t->begin);
}

/* ---- what is given back ---------------------------------------------------------------------------------------- */

static int64_t find_text(const em_texts *texts, const char *name)
{
    int64_t i = 0;
    while (i < texts->n && strcmp(texts->at[i], name)) i++;
    return i;
}

static bool is_wanted(const read_options *o, const char *name)
{
    return !o->names.at || find_text(&o->names, name) < o->names.n;
}

static em_status check_wanted(const reading *r, const read_options *o)
{
    for (int64_t k = 0; k < o->names.n; k++) {
        int64_t i = 0;
        while (i < r->header.order.n && strcmp(name_of(r, i), o->names.at[k])) i++;
        if (i == r->header.order.n)
            return em__fail(EM_EVALUE, "%s: has no tensor '%.200s'", r->source->path, o->names.at[k]);
    }
    return EM_OK;
}

static em_status add_metadata(reading *r)
{
    em__chars *m = &r->header.metadata;
    for (int64_t i = 0; i < r->header.order.n; i++) {
        const em__stored_tensor *t = in_order(r, i);
        const char *dtype = em__safetensors_dtype(t->stored);
        if (em__stored_of(em__stored_dtype(t->stored)) == t->stored || !r->tensors[i]) continue;
        EM_TRY(em__safetensors_add_field(m, "widened", 7));
        EM_TRY(em__safetensors_add_field(m, name_of(r, i), strlen(name_of(r, i))));
        EM_TRY(em__safetensors_add_field(m, dtype, strlen(dtype)));
    }
    const em_value value = {.kind = EM_VALUE_BYTES, .bytes = m->at, .length = (size_t)m->n};
    return em_content_add(r->content, EM__METADATA, &value);
}

/* "F32 OFFSET BYTES SIZE SIZE ...", in place of a tensor. */
static em_status describe(const reading *r, int64_t i)
{
    const em__stored_tensor *t = in_order(r, i);
    char text[48 + 24 * EM_MAX_DIMS];
    size_t n = (size_t)snprintf(text, sizeof text, "%s %lld %lld", em__safetensors_dtype(t->stored),
                                (long long)t->begin, (long long)(t->end - t->begin));
    for (int d = 0; d < t->dims; d++)
        n += (size_t)snprintf(text + n, sizeof text - n, " %lld", (long long)shape_of(r, i)[d]);
    const em_value value = {.kind = EM_VALUE_BYTES, .bytes = text, .length = n};
    return em_content_add(r->content, name_of(r, i), &value);
}

static em_status read_tensors(reading *r, const read_options *o)
{
    if (o->map) EM_TRY(em__mapping_new(&r->mapping, r->source));
    for (int64_t i = 0; i < r->header.order.n; i++)
        if (is_wanted(o, name_of(r, i))) EM_TRY(o->map ? map_tensor(r, i) : make_tensor(r, i));
    if (!o->map) EM_TRY(read_data(r));
    for (int64_t i = 0; i < r->header.order.n; i++) {
        const em_value value = {.kind = EM_VALUE_TENSOR, .tensor = r->tensors[i]};
        if (value.tensor) EM_TRY(em_content_add(r->content, name_of(r, i), &value));
    }
    return EM_OK;
}

static em_status read_content(reading *r, const read_options *o)
{
    EM_TRY(em__safetensors_header_read(&r->header, r->source));
    EM_TRY(check_wanted(r, o));
    EM_TRY(em_content_new(&r->content));
    const size_t bytes = (size_t)(r->header.order.n + 1) * sizeof(em_tensor *);
    r->tensors = em__alloc_zeroed(bytes);
    if (!r->tensors) return em__fail_memory("a file's tensors", bytes);
    if (!o->describe) EM_TRY(read_tensors(r, o));
    for (int64_t i = 0; o->describe && i < r->header.order.n; i++) EM_TRY(describe(r, i));
    return add_metadata(r);
}

/* The length of a header may begin as gzip does: then a brace follows, which in gzip is no value of its field. */
static em_status unpack(em__source *s, const read_options *o)
{
    unsigned char first[EM__LENGTH_BYTES + 1];
    if (s->size < (int64_t)sizeof first) return EM_OK;          /* the header's reader says what is wrong */
    EM_TRY(em__source_check(s, em__source_read_at(s, first, sizeof first, 0)));
    if (!em__gzip_begins(first, sizeof first) || recognize(first, sizeof first)) return EM_OK;
    if (o->map)
        return em__fail(EM_EFORMAT, "%s: is gzip-compressed, which cannot be mapped; unpack it first (gunzip -k %s)",
                        s->path, s->path);
    return em__source_unpack(s);
}

static em_status read_file(em_content **out, const char *path, const void *options)
{
    em__source source;
    *out = NULL;
    EM_TRY(em__source_open(&source, path));
    reading r = {.source = &source};
    em_status s = unpack(&source, options);
    if (!s) s = read_content(&r, options);
    for (int64_t i = 0; r.tensors && i < r.header.order.n; i++) em_tensor_release(r.tensors[i]);
    if (r.tensors) em__free(r.tensors, (size_t)(r.header.order.n + 1) * sizeof(em_tensor *));
    EM_ARRAY_FREE(&r.chunks);
    em__safetensors_header_free(&r.header);
    em__mapping_release(r.mapping);
    em__source_close(&source);
    if (s)
        em_content_release(r.content);
    else
        *out = r.content;
    return s;
}

static const em_field reading_fields[] = {
    {{"names", EM_OPT_TEXTS, "", "", "the tensors that are read; all if left out"}, EM_FIELD(read_options, names)},
    {{"map", EM_OPT_BOOL, "false", "", "tensors are mapped: read when they are looked at, and not checked for damage"},
     EM_FIELD(read_options, map)},
    {{"describe", EM_OPT_BOOL, "false", "", "texts that describe the tensors in their place"},
     EM_FIELD(read_options, describe)},
    {.spec = {.name = NULL}},
};

const em_format EM_FORMAT(safetensors) = {
    .name = "safetensors",
    .doc = "safetensors: tensors by name, and texts about them",
    .recognize = recognize,
    .reading = {reading_fields, &(read_options){.map = false}, sizeof(read_options)},
    .read = read_file,
    .write = em__safetensors_write,
};
