/* libsvm's (svmlight's) format of labelled sparse rows, a line each: "label [qid:n] id:value id:value ... # comment".
 * Ids ascend within a line; lines of nothing but blanks and a comment are none. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "io/format.h"
#include "io/number.h"

enum { AUTO, ONE_BASED, ZERO_BASED };

typedef struct reading {
    int base;                   /* AUTO … */
    em_dtype dtype;
    bool dense;
    int64_t features;           /* -1: as many as there are */
} reading;

typedef struct writing {
    bool zero_based;
} writing;

/* ---- reading --------------------------------------------------------------------------------------------- */

typedef struct label {
    double x;
    int64_t i;                  /* the same, while all labels are integers */
} label;

typedef struct reader {
    em__input in;
    const reading *options;
    int ahead;                  /* the next byte, not yet taken; -1: the end */
    int64_t line, column;       /* of it, from 1 */
    int64_t from;               /* column where the last piece began */
    bool whole, queries;        /* all labels are integers; lines have a qid */
    int64_t lowest, highest;    /* of the ids */
    EM_ARRAY(label) labels;
    EM_ARRAY(int64_t) qids;
    EM_ARRAY(int64_t) offsets;
    EM_ARRAY(int64_t) ids;
    EM_ARRAY(double) values;
} reader;

static em_status fail_at(const reader *r, const char *what, const char *seen)
{
    return em__fail(EM_EFORMAT, "%s: line %lld, column %lld: %s%s%s", r->in.path, (long long)r->line,
                    (long long)r->from, what, seen ? ", got " : "", seen ? seen : "");
}

static em_status advance(reader *r)
{
    if (r->ahead == '\n') {
        r->line++;
        r->column = 0;
    }
    r->column++;
    return em__input_byte(&r->in, &r->ahead);
}

static bool is_blank(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }
static bool ends_line(int c) { return c < 0 || c == '\n'; }

/* Goes on to the next piece of the line, or to its end. */
static em_status skip_blanks(reader *r)
{
    while (is_blank(r->ahead)) EM_TRY(advance(r));
    if (r->ahead == '#')
        while (!ends_line(r->ahead)) EM_TRY(advance(r));
    r->from = r->column;
    return EM_OK;
}

enum { LONGEST = 63, ROOM = LONGEST + 1 + EM_NUMBER_PADDING };    /* of a number */

/* The bytes up to a colon, a blank, or the line's end, with zeros behind them; others than visible ASCII as '?'. */
static em_status read_piece(reader *r, char text[ROOM])
{
    int n = 0;
    r->from = r->column;
    while (!ends_line(r->ahead) && !is_blank(r->ahead) && r->ahead != ':' && r->ahead != '#') {
        if (n == LONGEST) return fail_at(r, "a number of at most 63 characters was expected", NULL);
        text[n++] = r->ahead > ' ' && r->ahead < 127 ? (char)r->ahead : '?';
        EM_TRY(advance(r));
    }
    memset(text + n, 0, (size_t)(ROOM - n));
    return EM_OK;
}

/* Whether a text is a decimal integer that int64 has. */
static bool is_integer(const char *text, int64_t *i)
{
    const bool negative = *text == '-';
    text += negative || *text == '+';
    bool fits = *text != 0;
    for (*i = 0; fits && *text; text++)
        fits = *text >= '0' && *text <= '9' && !__builtin_mul_overflow(*i, 10, i) &&
               !__builtin_sub_overflow(*i, *text - '0', i);
    return fits && (negative || !__builtin_sub_overflow(0, *i, i));
}

static em_status to_number(const reader *r, const char *text, double *x)
{
    em__number number;
    const char *end = em__number_read(text, '.', &number);
    if (!end || *end) return fail_at(r, "a number was expected", *text ? text : "nothing");
    *x = number.x;
    return EM_OK;
}

static em_status read_label(reader *r)
{
    char text[ROOM];
    label l;
    EM_TRY(read_piece(r, text));
    if (strchr(text, ',')) return fail_at(r, "a line of several labels is not read", text);
    EM_TRY(to_number(r, text, &l.x));
    if (r->ahead == ':') return fail_at(r, "a label was expected before the first id", text);
    r->whole = is_integer(text, &l.i) && r->whole;
    EM_TRY(EM_ARRAY_RESERVE(&r->labels, 1, "labels"));
    r->labels.at[r->labels.n++] = l;
    return EM_OK;
}

/* "qid" has been read. It stands in all lines or in none. */
static em_status read_query(reader *r)
{
    char text[ROOM];
    int64_t qid;
    if (r->labels.n == 1) r->queries = true;
    if (!r->queries || r->qids.n == r->labels.n)
        return fail_at(r, "a qid that other lines lack, or a second one", NULL);
    EM_TRY(advance(r));
    EM_TRY(read_piece(r, text));
    if (!is_integer(text, &qid)) return fail_at(r, "an integer was expected as qid", *text ? text : "nothing");
    EM_TRY(EM_ARRAY_RESERVE(&r->qids, 1, "qids"));
    r->qids.at[r->qids.n++] = qid;
    return EM_OK;
}

static em_status check_id(reader *r, int64_t id, const char *text)
{
    const reading *o = r->options;
    const int64_t first = r->offsets.at[r->offsets.n - 1];
    if (id < 0 || (id == 0 && o->base == ONE_BASED))
        return fail_at(r, o->base == ONE_BASED ? "an id from 1 on was expected" : "an id from 0 on was expected", text);
    if (r->ids.n > first && r->ids.at[r->ids.n - 1] >= id)
        return fail_at(r, "ids must ascend within a line", text);
    if (o->features >= 0 && id > o->features - (o->base == ZERO_BASED))
        return fail_at(r, "an id beyond the option features", text);
    if (id < r->lowest) r->lowest = id;
    if (id > r->highest) r->highest = id;
    return EM_OK;
}

static em_status read_pair(reader *r)
{
    char text[ROOM];
    int64_t id;
    double x;
    EM_TRY(read_piece(r, text));
    if (r->ahead != ':') return fail_at(r, "id:value was expected", *text ? text : "nothing");
    if (!strcmp(text, "qid") && r->ids.n == r->offsets.at[r->offsets.n - 1]) return read_query(r);
    if (!is_integer(text, &id)) return fail_at(r, "an integer was expected as id", *text ? text : "nothing");
    EM_TRY(check_id(r, id, text));
    EM_TRY(advance(r));
    EM_TRY(read_piece(r, text));
    EM_TRY(to_number(r, text, &x));
    if (r->ahead == ':') return fail_at(r, "a blank was expected behind the value", text);
    EM_TRY(EM_ARRAY_RESERVE(&r->ids, 1, "ids"));
    EM_TRY(EM_ARRAY_RESERVE(&r->values, 1, "values"));
    r->ids.at[r->ids.n++] = id;
    r->values.at[r->values.n++] = x;
    return EM_OK;
}

static em_status read_line(reader *r)
{
    EM_TRY(skip_blanks(r));
    if (ends_line(r->ahead)) return EM_OK;
    EM_TRY(EM_ARRAY_RESERVE(&r->offsets, 1, "offsets"));
    EM_TRY(read_label(r));
    EM_TRY(skip_blanks(r));
    while (!ends_line(r->ahead)) {
        EM_TRY(read_pair(r));
        EM_TRY(skip_blanks(r));
    }
    if (r->queries && r->qids.n < r->labels.n) return fail_at(r, "the line has no qid, which others have", NULL);
    r->offsets.at[r->offsets.n++] = r->ids.n;
    return EM_OK;
}

static em_status read_lines(reader *r)
{
    EM_TRY(EM_ARRAY_RESERVE(&r->offsets, 1, "offsets"));
    r->offsets.at[r->offsets.n++] = 0;
    EM_TRY(advance(r));
    while (r->ahead >= 0) {
        EM_TRY(read_line(r));
        if (r->ahead == '\n') EM_TRY(advance(r));
    }
    return EM_OK;
}

/* ---- what was read, as tensors --------------------------------------------------------------------------- */

static em_status add(em_content *c, const char *name, em_tensor *t)
{
    const em_value value = {.kind = EM_VALUE_TENSOR, .tensor = t};
    const em_status s = em_content_add(c, name, &value);
    em_tensor_release(t);
    return s;
}

static em_status add_integers(em_content *c, const char *name, const int64_t *from, int64_t n)
{
    em_tensor *t;
    EM_TRY(em_tensor_empty(&t, EM_I64, 1, &n));
    if (n) memcpy(em_tensor_data(t), from, (size_t)n * sizeof *from);
    return add(c, name, t);
}

static em_status add_labels(em_content *c, const reader *r)
{
    em_tensor *t;
    EM_TRY(em_tensor_empty(&t, r->whole ? EM_I64 : EM_F64, 1, &r->labels.n));
    for (int64_t i = 0; i < r->labels.n; i++)
        if (r->whole)
            ((int64_t *)em_tensor_data(t))[i] = r->labels.at[i].i;
        else
            ((double *)em_tensor_data(t))[i] = r->labels.at[i].x;
    return add(c, "labels", t);
}

static void put(em_tensor *t, int64_t at, double x)
{
    if (em_tensor_dtype(t) == EM_F32)
        ((float *)em_tensor_data(t))[at] = (float)x;
    else
        ((double *)em_tensor_data(t))[at] = x;
}

static em_status add_sparse(em_content *c, const reader *r)
{
    em_tensor *t;
    EM_TRY(add_integers(c, "offsets", r->offsets.at, r->offsets.n));
    EM_TRY(add_integers(c, "ids", r->ids.at, r->ids.n));
    EM_TRY(em_tensor_empty(&t, r->options->dtype, 1, &r->values.n));
    for (int64_t i = 0; i < r->values.n; i++) put(t, i, r->values.at[i]);
    return add(c, "values", t);
}

static em_status add_dense(em_content *c, const reader *r)
{
    em_tensor *t;
    const int64_t width = r->options->features;
    EM_TRY(em_tensor_zeros(&t, r->options->dtype, 2, (int64_t[]){r->labels.n, width}));
    for (int64_t row = 0; row < r->labels.n; row++)
        for (int64_t k = r->offsets.at[row]; k < r->offsets.at[row + 1]; k++)
            put(t, row * width + r->ids.at[k], r->values.at[k]);
    return add(c, "data", t);
}

/* Ids as they are counted from 0. */
static em_status settle_base(reader *r)
{
    const reading *o = r->options;
    const bool one = o->base == ONE_BASED || (o->base == AUTO && r->lowest > 0);
    if (o->features >= 0 && r->ids.n && r->highest - one >= o->features)
        return em__fail(EM_EFORMAT, "%s: line %lld, column 1: ids count from 0, and one is %lld (features = %lld)",
                        r->in.path, (long long)r->line, (long long)r->highest, (long long)o->features);
    for (int64_t i = 0; one && i < r->ids.n; i++) r->ids.at[i]--;
    return EM_OK;
}

static em_status to_content(em_content **out, reader *r)
{
    EM_TRY(settle_base(r));
    EM_TRY(em_content_new(out));
    EM_TRY(add_labels(*out, r));
    if (r->queries) EM_TRY(add_integers(*out, "qid", r->qids.at, r->qids.n));
    return r->options->dense ? add_dense(*out, r) : add_sparse(*out, r);
}

static em_status read_file(em_content **out, const char *path, const void *options)
{
    reader r = {.options = options, .line = 1, .whole = true, .lowest = INT64_MAX};
    *out = NULL;
    if (r.options->dense && r.options->features < 0)
        return em__fail(EM_EVALUE, "libsvm.load: option features: expected how many columns dense rows have, got nil");
    EM_TRY(em__number_prepare());
    EM_TRY(em__input_open(&r.in, path));
    em_status s = read_lines(&r);
    if (!s) s = to_content(out, &r);
    em__input_close(&r.in);
    EM_ARRAY_FREE(&r.labels);
    EM_ARRAY_FREE(&r.qids);
    EM_ARRAY_FREE(&r.offsets);
    EM_ARRAY_FREE(&r.ids);
    EM_ARRAY_FREE(&r.values);
    if (s) {
        em_content_release(*out);
        *out = NULL;
    }
    return s;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

/* What is written, contiguous: labels and qid (N); offsets (N + 1), ids and values (n), or data (N, D). */
typedef struct rows {
    em_tensor *labels, *qid, *offsets, *ids, *values, *data;
} rows;

static void release_rows(rows *r)
{
    em_tensor *const all[] = {r->labels, r->qid, r->offsets, r->ids, r->values, r->data};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) em_tensor_release(all[i]);
}

typedef enum wanted { INTEGERS, FLOATS, NUMBERS } wanted;

/* The tensor of this name, or null: integers as int64, floats as float64 unless they are float32. */
static em_status find(em_tensor **out, const em_content *content, const char *name, int dims, wanted kind)
{
    const em_value *value = em_content_find(content, name);
    em_tensor *t;
    if (!value) return EM_OK;
    if (value->kind != EM_VALUE_TENSOR || em_tensor_is_sparse(value->tensor))
        return em__fail(EM_EVALUE, "libsvm.save: %s is not a dense tensor", name);
    const em_dtype dtype = em_tensor_dtype(value->tensor);
    if (em_tensor_dims(value->tensor) != dims)
        return em__fail(EM_ESHAPE, "libsvm.save: %s has %d dims (expected %d)", name,
                        em_tensor_dims(value->tensor), dims);
    if (kind == INTEGERS && (em_dtype_is_float(dtype) || dtype == EM_BOOL))
        return em__fail(EM_ETYPE, "libsvm.save: %s is %s (expected integers)", name, em_dtype_name(dtype));
    em_tensor_apply_pending(value->tensor);
    const bool floats = kind == FLOATS || (kind == NUMBERS && em_dtype_is_float(dtype));
    EM_TRY(em_tensor_to(&t, value->tensor, !floats ? EM_I64 : dtype == EM_F32 ? EM_F32 : EM_F64));
    const em_status s = em_tensor_contiguous(out, t);
    em_tensor_release(t);
    return s;
}

static em_status check_length(const em_tensor *t, const char *name, int64_t n)
{
    if (!t || em_tensor_size(t, 0) == n) return EM_OK;
    return em__fail(EM_ESHAPE, "libsvm.save: %s has %lld elements or rows (expected %lld)", name,
                    (long long)em_tensor_size(t, 0), (long long)n);
}

/* Offsets from 0 to the count of ids, never falling; ids from 0 on, ascending within a row. */
static em_status check_ids(const rows *r)
{
    const int64_t n = em_tensor_size(r->labels, 0), count = em_tensor_size(r->ids, 0);
    const int64_t *offsets = em_tensor_data(r->offsets), *ids = em_tensor_data(r->ids);
    bool good = offsets[0] == 0 && offsets[n] == count;
    for (int64_t i = 0; good && i < n; i++) good = offsets[i] <= offsets[i + 1];
    if (!good) return em__fail(EM_EVALUE, "libsvm.save: offsets must ascend from 0 to %lld", (long long)count);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = offsets[i]; k < offsets[i + 1]; k++)
            if (ids[k] < 0 || ids[k] == INT64_MAX || (k > offsets[i] && ids[k - 1] >= ids[k]))
                return em__fail(EM_EVALUE, "libsvm.save: ids must ascend from 0 on in each row, but row %lld has %lld",
                                (long long)i, (long long)ids[k]);
    return EM_OK;
}

static em_status gather(rows *r, const em_content *content)
{
    EM_TRY(find(&r->labels, content, "labels", 1, NUMBERS));
    EM_TRY(find(&r->qid, content, "qid", 1, INTEGERS));
    EM_TRY(find(&r->offsets, content, "offsets", 1, INTEGERS));
    EM_TRY(find(&r->ids, content, "ids", 1, INTEGERS));
    EM_TRY(find(&r->values, content, "values", 1, FLOATS));
    EM_TRY(find(&r->data, content, "data", 2, FLOATS));
    const int64_t sparse = !!r->offsets + !!r->ids + !!r->values, known = 1 + !!r->qid + sparse + !!r->data;
    if (!r->labels || sparse != (r->data ? 0 : 3) || em_content_count(content) != known)
        return em__fail(EM_EVALUE, "libsvm.save: expected labels, offsets, ids and values, or labels and data, and qid "
                                   "where wanted");
    const int64_t n = em_tensor_size(r->labels, 0);
    EM_TRY(check_length(r->qid, "qid", n));
    EM_TRY(check_length(r->data, "data", n));
    if (r->data) return EM_OK;
    EM_TRY(check_length(r->offsets, "offsets", n + 1));
    EM_TRY(check_length(r->values, "values", em_tensor_size(r->ids, 0)));
    return check_ids(r);
}

/* As many digits as tell an element from its neighbours. */
static int number_text(const em_tensor *t, int64_t at, char text[48])
{
    if (em_tensor_dtype(t) == EM_I64)
        return snprintf(text, 48, "%" PRId64, ((const int64_t *)em_tensor_data(t))[at]);
    if (em_tensor_dtype(t) == EM_F32)
        return em__number_write(text, 48, 9, (double)((const float *)em_tensor_data(t))[at]);
    return em__number_write(text, 48, 17, ((const double *)em_tensor_data(t))[at]);
}

static em_status write_number(em__output *out, const em_tensor *t, int64_t at)
{
    char text[48];
    return em__output_write(out, text, (size_t)number_text(t, at, text));
}

/* Labels are read as integers where all of them look so: floats do not. */
static em_status write_label(em__output *out, const em_tensor *t, int64_t row)
{
    char text[48];
    int n = number_text(t, row, text);
    if (em_tensor_dtype(t) != EM_I64 && !strpbrk(text, ".en")) n += snprintf(text + n, sizeof text - (size_t)n, ".0");
    return em__output_write(out, text, (size_t)n);
}

static em_status write_pair(em__output *out, int64_t id, const em_tensor *values, int64_t at)
{
    char text[32];
    const int n = snprintf(text, sizeof text, " %" PRId64 ":", id);
    EM_TRY(em__output_write(out, text, (size_t)n));
    return write_number(out, values, at);
}

static em_status write_row(em__output *out, const rows *r, int64_t row, int64_t base)
{
    EM_TRY(write_label(out, r->labels, row));
    if (r->qid) {
        EM_TRY(em__output_write(out, " qid:", 5));
        EM_TRY(write_number(out, r->qid, row));
    }
    if (r->data) {
        const int64_t width = em_tensor_size(r->data, 1);
        for (int64_t d = 0; d < width; d++)
            if (em_tensor_get(r->data, row * width + d) != 0)
                EM_TRY(write_pair(out, d + base, r->data, row * width + d));
    } else {
        const int64_t *offsets = em_tensor_data(r->offsets), *ids = em_tensor_data(r->ids);
        for (int64_t k = offsets[row]; k < offsets[row + 1]; k++)
            EM_TRY(write_pair(out, ids[k] + base, r->values, k));
    }
    return em__output_write(out, "\n", 1);
}

static em_status write_rows(const char *path, const rows *r, const writing *w)
{
    em__output out;
    em_status s = EM_OK;
    EM_TRY(em__number_prepare());
    EM_TRY(em__output_open(&out, path));
    for (int64_t row = 0; !s && row < em_tensor_size(r->labels, 0); row++) s = write_row(&out, r, row, !w->zero_based);
    if (!s) return em__output_commit(&out);
    em__output_discard(&out);
    return s;
}

static em_status write_file(const char *path, const em_content *content, const void *options)
{
    rows r = {0};
    em_status s = gather(&r, content);
    if (!s) s = write_rows(path, &r, options);
    release_rows(&r);
    return s;
}

/* ---- the format ------------------------------------------------------------------------------------------ */

static const em_field reading_fields[] = {
    {{"zero_based", EM_OPT_ENUM, "auto", "auto false true",
      "whether ids count from 0 in the file; auto: they do if there is a 0 among them"}, EM_FIELD(reading, base)},
    {{"dtype", EM_OPT_DTYPE, "float32", "float32 float64", "of the values"}, EM_FIELD(reading, dtype)},
    {{"dense", EM_OPT_BOOL, "false", "", "rows with all their zeros: data (N, features)"}, EM_FIELD(reading, dense)},
    {{"features", EM_OPT_INT, "", ">= 0", "how many ids there are; required for dense rows"},
     EM_FIELD(reading, features)},
    {{0}, 0, 0},
};
static const em_field writing_fields[] = {
    {{"zero_based", EM_OPT_BOOL, "false", "", "ids count from 0 in the file; from 1 they are sure to be read as such"},
     EM_FIELD(writing, zero_based)},
    {{0}, 0, 0},
};
static const reading reading_initial = {AUTO, EM_F32, false, -1};
static const writing writing_initial = {false};

const em_format EM_FORMAT(libsvm) = {
    .name = "libsvm",
    .doc = "libsvm's (svmlight's) labelled sparse rows: labels; offsets, ids and values as F.embedding_bag takes them",
    .reading = {reading_fields, &reading_initial, sizeof reading_initial},
    .writing = {writing_fields, &writing_initial, sizeof writing_initial},
    .read = read_file,
    .write = write_file,
};
