/* NPZ, NumPy's format of several arrays: a zip archive whose members are npy files, stored or deflated. libzip knows
 * archives; it reads the file through an em__input and composes the one to be written in memory, since it goes back to
 * what it has written. Names of members are names alone: nothing is ever written where they point to. */
#include <stdio.h>
#include <string.h>

#include <zip.h>

#include "base/file.h"
#include "base/memory.h"
#include "io/format.h"
#include "io/npy.h"

enum { PLACE = 768, SUFFIX = 4 };       /* bytes for a text that says where; those of ".npy" */

static bool recognize(const unsigned char *first, size_t n)
{
    return n >= 4 && (!memcmp(first, "PK\3\4", 4) || !memcmp(first, "PK\5\6", 4));
}

/* ---- the archive that is read ---------------------------------------------------------------------------- */

typedef struct archive {
    em__input in;
    int64_t at;                 /* where libzip stands in the file */
    em_status failed;           /* of the input; its sentence waits */
    zip_error_t error;
    zip_t *zip;
} archive;

static zip_int64_t read_at(archive *a, void *to, zip_uint64_t n)
{
    size_t got = 0;
    a->failed = em__input_offset(&a->in) == a->at ? EM_OK : em__input_seek(&a->in, a->at);
    if (!a->failed) a->failed = em__input_read(&a->in, to, (size_t)n, &got);
    if (a->failed) {
        zip_error_set(&a->error, ZIP_ER_READ, 0);
        return -1;
    }
    a->at += (int64_t)got;
    return (zip_int64_t)got;
}

static zip_int64_t file_source(void *context, void *data, zip_uint64_t n, zip_source_cmd_t command)
{
    archive *a = context;
    const int64_t size = a->in.size;
    switch (command) {
    case ZIP_SOURCE_OPEN: a->at = 0; return 0;
    case ZIP_SOURCE_READ: return read_at(a, data, n);
    case ZIP_SOURCE_TELL: return a->at;
    case ZIP_SOURCE_SEEK: {
        const zip_int64_t to =
            zip_source_seek_compute_offset((zip_uint64_t)a->at, (zip_uint64_t)size, data, n, &a->error);
        if (to < 0) return -1;
        a->at = to;
        return 0;
    }
    case ZIP_SOURCE_STAT: {
        zip_stat_t *info = data;
        zip_stat_init(info);
        info->size = (zip_uint64_t)size;
        info->valid = ZIP_STAT_SIZE;
        return sizeof *info;
    }
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&a->error, data, n);
    case ZIP_SOURCE_SUPPORTS: return ZIP_SOURCE_SUPPORTS_SEEKABLE;
    default: return 0;          /* closing and freeing: the archive's owner does that */
    }
}

/* A failure of libzip's: that of the input, if that failed, or what libzip says. */
static em_status fail_zip(const archive *a, const char *place, zip_error_t *error)
{
    if (a->failed) return a->failed;
    if (zip_error_code_zip(error) == ZIP_ER_MEMORY) return em__fail_memory("an archive", 0);
    const bool twice = zip_error_code_zip(error) == ZIP_ER_EXISTS;
    return em__fail(EM_EFORMAT, "%s: not a sound zip archive: %s", place,
                    twice ? "a member stands twice" : zip_error_strerror(error));
}

static em_status open_zip(archive *a)
{
    zip_error_t error;
    if (a->in.size == 0) return em__fail(EM_EFORMAT, "%s: byte 0: an empty file, no zip archive", a->in.path);
    zip_error_init(&error);
    zip_error_init(&a->error);
    zip_source_t *source = zip_source_function_create(file_source, a, &error);
    if (source) a->zip = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
    const em_status s = a->zip ? EM_OK : fail_zip(a, a->in.path, &error);
    if (!a->zip) zip_source_free(source);
    zip_error_fini(&error);
    return s;
}

static void close_archive(archive *a)
{
    if (a->zip) zip_discard(a->zip);
    zip_error_fini(&a->error);
    em__input_close(&a->in);
}

/* ---- members --------------------------------------------------------------------------------------------- */

typedef struct member {
    archive *archive;
    zip_file_t *file;
    char place[PLACE];          /* "path: name", for messages */
} member;

/* Of a long path its end is told, of a long name its beginning. */
static void say_place(char place[PLACE], const char *path, const char *name)
{
    enum { MOST = 400 };
    const size_t n = strlen(path);
    snprintf(place, PLACE, "%s%s: %.200s", n > MOST ? "..." : "", n > MOST ? path + n - MOST : path, name);
}

static em_status read_member(void *context, unsigned char *to, size_t most, size_t *got)
{
    member *m = context;
    for (*got = 0; *got < most;) {
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: reading was interrupted!", m->place);
        const size_t rest = most - *got, step = rest < 1 << 20 ? rest : 1 << 20;
        const zip_int64_t n = zip_fread(m->file, to + *got, step);
        if (n < 0) return fail_zip(m->archive, m->place, zip_file_get_error(m->file));
        if (n == 0) break;
        *got += (size_t)n;
    }
    return EM_OK;
}

static em_status check_member(const member *m, const zip_stat_t *info)
{
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((info->valid & needed) != needed) return em__fail(EM_EFORMAT, "%s: a member without its size", m->place);
    if ((info->valid & ZIP_STAT_ENCRYPTION_METHOD) && info->encryption_method != ZIP_EM_NONE)
        return em__fail(EM_EFORMAT, "%s: the member is encrypted", m->place);
    if (info->comp_method != ZIP_CM_STORE && info->comp_method != ZIP_CM_DEFLATE)
        return em__fail(EM_EFORMAT, "%s: the member is compressed by method %d (expected stored or deflated)", m->place,
                        info->comp_method);
    return EM_OK;
}

/* How much a deflated member unpacks to is believed when it comes: memory grows with it (see elements.h), not with what
 * the archive says. */
static em_status read_array(em_tensor **out, member *m, zip_uint64_t index, const zip_stat_t *info)
{
    em__input in;
    EM_TRY(check_member(m, info));
    const bool stored = info->comp_method == ZIP_CM_STORE && info->size <= (zip_uint64_t)m->archive->in.size;
    m->file = zip_fopen_index(m->archive->zip, index, 0);
    if (!m->file) return fail_zip(m->archive, m->place, zip_get_error(m->archive->zip));
    em_status s = em__input_open_source(&in, m->place, read_member, m, stored ? (int64_t)info->size : -1);
    if (!s) s = em__npy_read(out, &in);
    if (!s && (zip_uint64_t)em__input_offset(&in) != info->size)
        s = em__fail(EM_EFORMAT, "%s: byte %lld: the member ends, but should have %llu bytes", m->place,
                     (long long)em__input_offset(&in), (unsigned long long)info->size);
    em__input_close(&in);
    zip_fclose(m->file);
    return s;
}

typedef struct reading {
    em_texts names;             /* null: all */
} reading;

static bool is_wanted(const reading *r, const char *name)
{
    for (int64_t i = 0; i < r->names.n; i++)
        if (!strcmp(r->names.at[i], name)) return true;
    return !r->names.at;
}

/* The name that a member has as an array's: without ".npy". */
static em_status name_of(char **name, size_t *bytes, const char *of_member)
{
    size_t n = strlen(of_member);
    if (n >= SUFFIX && !memcmp(of_member + n - SUFFIX, ".npy", SUFFIX)) n -= SUFFIX;
    *bytes = n + 1;
    *name = em__alloc(*bytes);
    if (!*name) return em__fail_memory("a name", *bytes);
    memcpy(*name, of_member, n);
    (*name)[n] = 0;
    return EM_OK;
}

static em_status add_member(em_content *c, archive *a, zip_uint64_t index, const char *name, const zip_stat_t *info)
{
    em_value value = {.kind = EM_VALUE_TENSOR};
    member m = {.archive = a};
    say_place(m.place, a->in.path, info->name);
    if (em_content_find(c, name)) return em__fail(EM_EFORMAT, "%s: a member that stands twice", m.place);
    em_status s = read_array(&value.tensor, &m, index, info);
    if (!s) s = em_content_add(c, name, &value);
    em_tensor_release(value.tensor);
    return s;
}

static em_status read_members(em_content *c, archive *a, const reading *r)
{
    const zip_int64_t n = zip_get_num_entries(a->zip, 0);
    for (zip_int64_t i = 0; i < n; i++) {
        zip_stat_t info;
        char *name;
        size_t bytes;
        if (zip_stat_index(a->zip, (zip_uint64_t)i, 0, &info) || !info.name)
            return fail_zip(a, a->in.path, zip_get_error(a->zip));
        EM_TRY(name_of(&name, &bytes, info.name));
        const em_status s = is_wanted(r, name) ? add_member(c, a, (zip_uint64_t)i, name, &info) : EM_OK;
        em__free(name, bytes);
        if (s) return s;
    }
    for (int64_t i = 0; i < r->names.n; i++)
        if (!em_content_find(c, r->names.at[i]))
            return em__fail(EM_EVALUE, "%s: there is no array called %s", a->in.path, r->names.at[i]);
    return EM_OK;
}

static em_status read_file(em_content **out, const char *path, const void *options)
{
    archive a = {0};
    *out = NULL;
    EM_TRY(em__input_open_seekable(&a.in, path));
    em_status s = open_zip(&a);
    if (!s) s = em_content_new(out);
    if (!s) s = read_members(*out, &a, options);
    close_archive(&a);
    if (s) {
        em_content_release(*out);
        *out = NULL;
    }
    return s;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

typedef struct writing {
    bool compressed;
} writing;

/* An array on its way into the archive, which reads it when it is closed. */
typedef struct array {
    em_tensor *tensor;
    char header[EM_NPY_HEADER];
} array;

static em_status fail_writing(const char *name, zip_error_t *error)
{
    const int code = zip_error_code_zip(error);
    if (code == ZIP_ER_CANCELLED) return em__fail(EM_EINTERRUPT, "npz.save: compressing was interrupted!");
    if (code == ZIP_ER_MEMORY) return em__fail_memory("an archive", 0);
    return em__fail(EM_EVALUE, "npz.save: %.200s: %s", name, zip_error_strerror(error));
}

static em_status add_array(zip_t *zip, array *a, const char *name, const em_tensor *t, bool compressed)
{
    enum { LONGEST = 65535, JANUARY_1980 = 1 << 5 | 1 };
    char full[LONGEST + 1];
    size_t n = 0;
    if (strlen(name) + SUFFIX > LONGEST) return em__fail(EM_EVALUE, "npz.save: a name of %zu bytes", strlen(name));
    snprintf(full, sizeof full, "%s.npy", name);
    EM_TRY(em__npy_prepare(&a->tensor, a->header, &n, t, "npz.save"));
    const zip_uint64_t bytes = (zip_uint64_t)em_tensor_count(a->tensor) * em_dtype_size(em_tensor_dtype(a->tensor));
    zip_buffer_fragment_t parts[] = {{(zip_uint8_t *)a->header, n}, {em_tensor_data(a->tensor), bytes}};
    zip_source_t *source = zip_source_buffer_fragment(zip, parts, parts[1].length ? 2 : 1, 0);
    if (!source) return fail_writing(name, zip_get_error(zip));
    const zip_int64_t at = zip_file_add(zip, full, source, ZIP_FL_ENC_UTF_8);
    if (at < 0) {
        zip_source_free(source);
        return fail_writing(name, zip_get_error(zip));
    }
    const zip_uint64_t index = (zip_uint64_t)at;
    if (zip_set_file_compression(zip, index, compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) ||
        zip_file_set_dostime(zip, index, 0, JANUARY_1980, 0))           /* the same arrays are the same bytes */
        return fail_writing(name, zip_get_error(zip));
    return EM_OK;
}

static int is_cancelled(zip_t *zip, void *unused)
{
    (void)zip;
    (void)unused;
    return em_interrupted();
}

/* The archive as libzip has composed it. */
static em_status write_archive(const char *path, zip_source_t *from)
{
    em__output out;
    unsigned char block[1 << 14];
    zip_int64_t n = 0;
    EM_TRY(em__output_open(&out, path));
    em_status s = zip_source_open(from) ? fail_writing("the archive", zip_source_error(from)) : EM_OK;
    const bool opened = !s;
    while (!s && (n = zip_source_read(from, block, sizeof block)) > 0) s = em__output_write(&out, block, (size_t)n);
    if (!s && n < 0) s = fail_writing("the archive", zip_source_error(from));
    if (opened) zip_source_close(from);
    if (!s) return em__output_commit(&out);
    em__output_discard(&out);
    return s;
}

/* Twenty-two bytes are an archive of nothing; libzip would write none. */
static em_status write_empty(const char *path)
{
    static const char end[22] = "PK\5\6";
    em__output out;
    EM_TRY(em__output_open(&out, path));
    const em_status s = em__output_write(&out, end, sizeof end);
    if (!s) return em__output_commit(&out);
    em__output_discard(&out);
    return s;
}

/* `zip` is closed, `into` then holds the archive. */
static em_status compose(zip_t *zip, array *arrays, const em_content *content, const writing *w)
{
    em_status s = EM_OK;
    zip_register_cancel_callback_with_state(zip, is_cancelled, NULL, NULL);
    for (int64_t i = 0; !s && i < em_content_count(content); i++) {
        const em_value *value = em_content_at(content, i);
        const char *name = em_content_name(content, i);
        s = value->kind != EM_VALUE_TENSOR ? em__fail(EM_EVALUE, "npz.save: %.200s is not a tensor", name)
                                           : add_array(zip, &arrays[i], name, value->tensor, w->compressed);
    }
    if (!s && zip_close(zip)) s = fail_writing("the archive", zip_get_error(zip));
    else if (!s) return EM_OK;
    zip_discard(zip);
    return s;
}

static em_status write_arrays(const char *path, array *arrays, const em_content *content, const writing *w)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *into = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_t *zip = NULL;
    if (into) {
        zip_source_keep(into);
        zip = zip_open_from_source(into, ZIP_CREATE | ZIP_TRUNCATE, &error);
        if (!zip) zip_source_free(into);
    }
    em_status s = zip ? compose(zip, arrays, content, w) : fail_writing("the archive", &error);
    if (!s) s = write_archive(path, into);
    zip_source_free(into);
    zip_error_fini(&error);
    return s;
}

static em_status write_file(const char *path, const em_content *content, const void *options)
{
    const int64_t n = em_content_count(content);
    if (!n) return write_empty(path);
    array *arrays = em__alloc_zeroed((size_t)n * sizeof *arrays);
    if (!arrays) return em__fail_memory("an archive", (size_t)n * sizeof *arrays);
    const em_status s = write_arrays(path, arrays, content, options);
    for (int64_t i = 0; i < n; i++) em_tensor_release(arrays[i].tensor);
    em__free(arrays, (size_t)n * sizeof *arrays);
    return s;
}

/* ---- the format ------------------------------------------------------------------------------------------ */

static const em_field reading_fields[] = {
    {{"names", EM_OPT_TEXTS, "", "", "the arrays that are read; default: all"}, EM_FIELD(reading, names)},
    {{0}, 0, 0},
};
static const em_field writing_fields[] = {
    {{"compressed", EM_OPT_BOOL, "false", "", "deflated instead of stored, as numpy.savez_compressed does"},
     EM_FIELD(writing, compressed)},
    {{0}, 0, 0},
};
static const reading reading_initial = {{0}};
static const writing writing_initial = {false};

const em_format EM_FORMAT(npz) = {
    .name = "npz",
    .doc = "NPZ, NumPy's format of several arrays: a zip archive of npy files, stored or deflated",
    .recognize = recognize,
    .reading = {reading_fields, &reading_initial, sizeof reading_initial},
    .writing = {writing_fields, &writing_initial, sizeof writing_initial},
    .read = read_file,
    .write = write_file,
};
