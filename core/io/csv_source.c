/* Blocks of whole rows. */
#define _GNU_SOURCE         /* memrchr */
#include "io/csv_source.h"

#include <stdarg.h>
#include <stdio.h>

#include "io/csv_chunk.h"

enum { BLOCK = 4 << 20, LEAST = 1 << 10 };

em_status em__csv_source_open(em__csv_source *s, const char *path)
{
    *s = (em__csv_source){0};
    EM_TRY(em__input_open(&s->in, path));
    s->capacity = s->in.size < 0 || s->in.size >= BLOCK ? BLOCK : s->in.size < LEAST ? LEAST : s->in.size + 1;
    s->text = em__alloc((size_t)s->capacity + EM_NUMBER_PADDING);
    if (s->text) return EM_OK;
    em__input_close(&s->in);
    return em__fail_memory("a block of rows", (size_t)s->capacity + EM_NUMBER_PADDING);
}

void em__csv_source_close(em__csv_source *s)
{
    em__input_close(&s->in);
    em__free(s->text, (size_t)s->capacity + EM_NUMBER_PADDING);
    s->text = NULL;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

/* A line end behind what is held, and bytes that belong to nothing. */
static void close_text(em__csv_source *s)
{
    memset(s->text + s->held, 0, EM_NUMBER_PADDING);
    s->text[s->held] = '\n';
}

/* Room at the end: what is taken goes, or the block grows. */
static em_status make_room(em__csv_source *s)
{
    const int64_t rest = s->held - s->begin;
    if (s->begin) {
        memmove(s->text, s->text + s->begin, (size_t)rest);
    } else if (s->held == s->capacity) {
        const int64_t more = s->capacity + s->capacity / 2;
        if (more > EM_CSV_MOST) return em__csv_source_fail(s, s->text, "a row of more than %lld bytes",
                (long long)s->held);
        char *text = em__alloc((size_t)more + EM_NUMBER_PADDING);
        if (!text) return em__fail_memory("a block of rows", (size_t)more + EM_NUMBER_PADDING);
        memcpy(text, s->text, (size_t)rest);
        em__free(s->text, (size_t)s->capacity + EM_NUMBER_PADDING);
        s->text = text;
        s->capacity = more;
    }
    s->begin = 0;
    s->held = rest;
    return EM_OK;
}

em_status em__csv_source_fill(em__csv_source *s)
{
    size_t got = 0;
    EM_TRY(make_room(s));
    const size_t most = (size_t)(s->capacity - s->held);
    const em_status status = em__input_read(&s->in, s->text + s->held, most, &got);
    s->held += status ? 0 : (int64_t)got;
    s->ended = !status && got < most;
    close_text(s);
    if (s->ended && s->held && !em__csv_is_end(s->text[s->held - 1])) {
        s->held++;
        close_text(s);
    }
    return status;
}

void em__csv_source_pass(em__csv_source *s, const char *to, int64_t lines)
{
    s->line += lines;
    s->taken += to - (s->text + s->begin);
    s->begin = to - s->text;
}

void em__csv_source_take(em__csv_source *s, const char *to)
{
    em__csv_source_pass(s, to, em__csv_lines(s->text + s->begin, to));
}

em_status em__csv_source_reread(em__csv_source *s, int64_t n)
{
    size_t got;
    EM_TRY(em__input_read(&s->in, s->text, (size_t)n, &got));
    s->held = (int64_t)got;
    s->begin = 0;
    close_text(s);
    if (s->held < n - 1 || (s->held < n && s->held && em__csv_is_end(s->text[s->held - 1])))
        return em__fail(EM_EFORMAT, "%s: the file changed while it was read", s->in.path);
    s->held = n;
    close_text(s);
    return EM_OK;
}

em_status em__csv_source_fail(const em__csv_source *s, const char *at, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *begin = s->text + s->begin, *line = at;
    while (line > begin && !em__csv_is_end(line[-1])) line--;
    int64_t column = 1;
    for (const char *p = line; p < at; p++) column += (*p & 0xC0) != 0x80;
    return em__fail(EM_EFORMAT, "%s: line %lld, column %lld: %s", s->in.path,
                    (long long)(s->line + em__csv_lines(begin, line) + 1), (long long)column, text);
}

/* ---- cutting --------------------------------------------------------------------------------------------- */

/* Without quotes every line end is one of a row. */
static const char *cut_lines(const char *text, const char *end, int64_t size, const char **ends, int64_t *n)
{
    const int newline = memchr(text, '\n', (size_t)(end - text)) ? '\n' : '\r';
    const char *last = memrchr(text, newline, (size_t)(end - text));
    if (!last) return NULL;
    end = last + 1;
    while (end - text > size) {
        const char *at = memchr(text + size - 1, newline, (size_t)(end - text - size + 1));
        ends[(*n)++] = text = at + 1;
    }
    if (text < end) ends[(*n)++] = end;
    return end;
}

static const char *cut_rows(const em__csv_dialect *d, const char *text, const char *end, int64_t size, int64_t limit,
                            const char **ends, int64_t *n, int64_t *rows, const char **quote)
{
    const char *p = text, *next;
    while (p < end && *rows != limit && (next = em__csv_row_end(d, p, end, quote))) {
        if (limit >= 0) *rows += em__csv_skip_line(d, p, next) == p;
        p = next;
        if (p - text >= size) ends[(*n)++] = text = p;
    }
    if (p > text) ends[(*n)++] = p;
    return *n ? p : NULL;
}

const char *em__csv_cut(const em__csv_dialect *d, const char *text, const char *end, int64_t size, int64_t limit,
                        const char **ends, int64_t *n, int64_t *rows, const char **quote)
{
    *n = *rows = 0;
    *quote = NULL;
    if (limit < 0 && !(d->quote && memchr(text, d->quote, (size_t)(end - text))))
        return cut_lines(text, end, size, ends, n);
    return cut_rows(d, text, end, size, limit, ends, n, rows, quote);
}
