/* Tables written as comma-separated values. */
#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "io/csv.h"
#include "io/csv_scan.h"
#include "tensor/tensor.h"

typedef struct writer {
    em__output out;
    const em_content *table;
    int64_t columns, rows;
    char sep;
    const char *missing;
    bool quoted[256];           /* bytes that make a text be quoted */
} writer;

/* ---- text ------------------------------------------------------------------------------------------------ */

/* Blanks at the ends stay so when they are quoted or not, but a line of blanks alone is none, and a mark at the
 * beginning of a file is dropped. */
static bool needs_quotes(const writer *w, const char *text, size_t n)
{
    if (n == 0) return w->columns == 1 || w->sep == ' ';
    bool needs = text[0] == ' ' || text[0] == '\t' || text[0] == '\xEF';
    for (size_t i = 0; i < n; i++) needs = needs || w->quoted[(unsigned char)text[i]];
    return needs;
}

static em_status write_text(writer *w, const char *text, size_t n)
{
    if (!needs_quotes(w, text, n)) return em__output_write(&w->out, text, n);
    EM_TRY(em__output_write(&w->out, "\"", 1));
    for (const char *end = text + n; text < end;) {
        const char *quote = memchr(text, '"', (size_t)(end - text));
        const char *to = quote ? quote + 1 : end;
        EM_TRY(em__output_write(&w->out, text, (size_t)(to - text)));
        if (quote) EM_TRY(em__output_write(&w->out, "\"", 1));
        text = to;
    }
    return em__output_write(&w->out, "\"", 1);
}

/* ---- numbers --------------------------------------------------------------------------------------------- */

/* The fewest digits that read back as the same number, of its own type; with a point or an exponent. */
static int float_text(double x, em_dtype dtype, char text[48])
{
    if (isinf(x)) return snprintf(text, 48, x < 0 ? "-inf" : "inf");
    const int most = dtype == EM_F64 ? 17 : 9;
    em__number back;
    int n = 0;
    for (int digits = dtype == EM_F64 ? 15 : 1; digits <= most; digits++) {
        n = em__number_write(text, 48, digits, x);
        memset(text + n, 0, (size_t)(48 - n));
        em__number_read(text, '.', &back);
        if (dtype == EM_F64 ? back.x == x : (float)back.x == (float)x) break;
    }
    if (!strpbrk(text, ".e")) n += snprintf(text + n, (size_t)(48 - n), ".0");
    return n;
}

static em_status write_number(writer *w, const em_tensor *t, int64_t row)
{
    char text[48];
    int n;
    if (!em_dtype_is_float(t->dtype)) {
        const long long i = (long long)em_tensor_get_int(t, row);
        n = t->dtype == EM_BOOL ? snprintf(text, sizeof text, i ? "true" : "false")
                                : snprintf(text, sizeof text, "%lld", i);
    } else {
        const double x = em_tensor_get(t, row);
        if (x != x) return write_text(w, w->missing, strlen(w->missing));
        n = float_text(x, t->dtype, text);
    }
    return em__output_write(&w->out, text, (size_t)n);
}

/* ---- the table ------------------------------------------------------------------------------------------- */

static em_status write_cell(writer *w, int64_t column, int64_t row)
{
    const em_value *value = em_content_at(w->table, column);
    if (column) EM_TRY(em__output_write(&w->out, &w->sep, 1));
    if (value->kind == EM_VALUE_TENSOR) return write_number(w, value->tensor, row);
    size_t n;
    const char *cell = em_strings_get(value->strings, row, &n);
    return cell ? write_text(w, cell, n) : write_text(w, w->missing, strlen(w->missing));
}

static em_status write_rows(writer *w, bool header)
{
    for (int64_t j = 0; header && j < w->columns; j++) {
        const char *name = em_content_name(w->table, j);
        if (j) EM_TRY(em__output_write(&w->out, &w->sep, 1));
        EM_TRY(write_text(w, name, strlen(name)));
    }
    if (header) EM_TRY(em__output_write(&w->out, "\n", 1));
    for (int64_t row = 0; row < w->rows; row++) {
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "csv.write was interrupted!");
        for (int64_t j = 0; j < w->columns; j++) EM_TRY(write_cell(w, j, row));
        EM_TRY(em__output_write(&w->out, "\n", 1));
    }
    return EM_OK;
}

/* A reader would refuse other text. */
static em_status check_text(const char *what, int64_t row, const char *text, size_t n)
{
    em__csv_fault fault;
    if (!text || !em__csv_bad_byte(text, text + n, &fault)) return EM_OK;
    return em__fail(EM_EVALUE, "csv.write: %s %lld: %s", what, (long long)row, em__csv_fault_text[fault]);
}

/* Columns are numbers or text, of one length: the first one's. */
static em_status check_column(writer *w, int64_t j)
{
    const char *name = em_content_name(w->table, j);
    const em_value *value = em_content_at(w->table, j);
    const em_tensor *t = value->tensor;
    const em_strings *s = value->strings;
    EM_TRY(check_text("the name of column", j + 1, name, strlen(name)));
    if (!t && !s) return em__fail(EM_EVALUE, "csv.write: column '%.40s': expected numbers or text", name);
    const int64_t rows = s ? em_strings_count(s) : t->dims == 1 && !t->rows ? t->size[0] : -1;
    if (j == 0) w->rows = rows;
    if (rows < 0 || rows != w->rows)
        return em__fail(EM_ESHAPE, "csv.write: column '%.40s': expected shape (%lld), got %s", name, (long long)w->rows,
                        s ? "a text of another length" : EM_SHAPE(t));
    for (int64_t i = 0; s && i < rows; i++) {
        size_t n;
        const char *text = em_strings_get(s, i, &n);
        EM_TRY(check_text("the text of row", i, text, n));
    }
    return EM_OK;
}

em_status em__csv_write(const char *path, const em_content *content, const void *options)
{
    const em__csv_writing *o = options;
    writer w = {.table = content, .columns = em_content_count(content), .sep = *o->sep, .missing = o->missing};
    w.quoted['"'] = w.quoted['\n'] = w.quoted['\r'] = w.quoted[(unsigned char)w.sep] = true;
    if (w.sep == ' ') w.quoted['\t'] = true;
    EM_TRY(em__number_prepare());
    for (int64_t j = 0; j < w.columns; j++) EM_TRY(check_column(&w, j));
    for (int64_t j = 0; j < w.columns; j++)
        if (em_content_at(content, j)->tensor) em_tensor_apply_pending(em_content_at(content, j)->tensor);
    EM_TRY(em__output_open(&w.out, path));
    const em_status s = write_rows(&w, o->header);
    if (!s) return em__output_commit(&w.out);
    em__output_discard(&w.out);
    return s;
}
