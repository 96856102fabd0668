/* Rows and cells of comma-separated text. */
#include "io/csv_scan.h"

#include <utf8proc.h>

#define X(name, text) text,
const char *const em__csv_fault_text[] = {EM_CSV_FAULTS(X)};
#undef X

/* Whether a text reads as a number, NaN aside: that is always looked at twice. */
static bool is_number(const em__csv_dialect *d, const char *text, size_t n)
{
    enum { LONG = 64 };
    char padded[LONG + EM_NUMBER_PADDING] = "";
    em__number number;
    if (n >= LONG) return true;
    memcpy(padded, text, n);
    return n && em__number_read(padded, d->decimal, &number) == padded + n && number.x == number.x;
}

void em__csv_dialect_finish(em__csv_dialect *d)
{
    d->runs = d->sep == ' ';
    d->ends['\n'] = d->ends['\r'] = true;
    d->ends[(unsigned char)d->sep] = true;
    if (d->runs) d->ends['\t'] = true;
    for (int64_t i = 0; i < d->n_missing; i++) {
        const size_t n = strlen(d->missing[i]);
        d->starts[(unsigned char)d->missing[i][0]] = true;
        d->lengths[n < 255 ? n : 255] = true;
        d->numbers_missing = d->numbers_missing || is_number(d, d->missing[i], n);
    }
}

void em__csv_strip(const char **at, int64_t *n)
{
    while (*n && em__csv_is_blank(**at)) ++*at, --*n;
    while (*n && em__csv_is_blank((*at)[*n - 1])) --*n;
}

bool em__csv_is_missing(const em__csv_dialect *d, const char *at, int64_t n)
{
    em__csv_strip(&at, &n);
    if (!d->lengths[n < 255 ? n : 255] || (n && !d->starts[(unsigned char)*at])) return false;
    for (int64_t i = 0; i < d->n_missing; i++)
        if (strlen(d->missing[i]) == (size_t)n && !memcmp(d->missing[i], at, (size_t)n)) return true;
    return false;
}

/* ---- cells ----------------------------------------------------------------------------------------------- */

/* The next quote in p .. end-1, or end. */
static const char *find_quote(const em__csv_dialect *d, const char *p, const char *end)
{
    const char *found = memchr(p, d->quote, (size_t)(end - p));
    return found ? found : end;
}

static void read_quoted(const em__csv_dialect *d, const char *p, const char *end, em__csv_cell *out)
{
    *out = (em__csv_cell){.at = p + 1, .quoted = true};
    for (p = find_quote(d, p + 1, end); p + 1 < end && p[1] == d->quote; p = find_quote(d, p + 2, end)) out->doubled++;
    out->n = p - out->at;
    if (p >= end) {
        out->next = out->at - 1;
        out->fault = EM_CSV_UNCLOSED;
        return;
    }
    out->next = p + 1;
    if (!d->ends[(unsigned char)*out->next]) out->fault = EM_CSV_AFTER_QUOTE;
}

void em__csv_cell_read(const em__csv_dialect *d, const char *p, const char *end, em__csv_cell *out)
{
    if (d->quote && *p == d->quote) {
        read_quoted(d, p, end, out);
    } else {
        *out = (em__csv_cell){.at = p};
        while (!d->ends[(unsigned char)*p]) p++;
        out->n = p - out->at;
        out->next = p;
    }
}

int64_t em__csv_cell_copy(const em__csv_dialect *d, const char *at, int64_t n, char *to)
{
    int64_t length = 0;
    for (int64_t i = 0; i < n; i++) {
        to[length++] = at[i];
        i += at[i] == d->quote;
    }
    return length;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

/* The line end at or behind p; end: there is none. */
static const char *line_end(const char *p, const char *end)
{
    while (p < end && !em__csv_is_end(*p)) p++;
    return p;
}

const char *em__csv_skip_line(const em__csv_dialect *d, const char *p, const char *end)
{
    const char *at = p;
    if (d->comment && *p == d->comment) {
        at = line_end(p, end);
        return at < end ? em__csv_over_end(at) : end;
    }
    while (at < end && em__csv_is_blank(*at) && *at != (d->runs ? 0 : d->sep)) at++;
    if (at >= end) return end;
    return em__csv_is_end(*at) ? em__csv_over_end(at) : p;
}

const char *em__csv_row_end(const em__csv_dialect *d, const char *p, const char *end, const char **quote)
{
    const bool comment = d->comment && *p == d->comment;
    *quote = NULL;
    if (d->runs)
        while (p < end && em__csv_is_blank(*p)) p++;
    while (p < end) {
        if (!comment && d->quote && *p == d->quote) {
            em__csv_cell cell;
            read_quoted(d, p, end, &cell);
            if (cell.fault == EM_CSV_UNCLOSED) {
                *quote = p;
                return NULL;
            }
            p = cell.next;
        }
        while (p < end && !d->ends[(unsigned char)*p]) p++;
        if (p >= end) return NULL;
        if (em__csv_is_end(*p)) return em__csv_over_end(p) <= end ? em__csv_over_end(p) : end;
        p++;
        if (d->runs)
            while (p < end && em__csv_is_blank(*p)) p++;
    }
    return NULL;
}

/* ---- bytes ----------------------------------------------------------------------------------------------- */

static const char *not_utf8(const char *p, const char *end)
{
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), !(eight & 0x8080808080808080u))) {
            p += 8;
            continue;
        }
        utf8proc_int32_t c;
        const utf8proc_ssize_t n = *p & 0x80 ? utf8proc_iterate((const utf8proc_uint8_t *)p, end - p, &c) : 1;
        if (n <= 0) return p;
        p += n;
    }
    return NULL;
}

const char *em__csv_bad_byte(const char *p, const char *end, em__csv_fault *fault)
{
    unsigned char high = 0, least = 255;
    for (int64_t i = 0; i < end - p; i++) {
        const unsigned char c = (unsigned char)p[i];
        high |= c;
        least = c < least ? c : least;
    }
    const char *bad = high & 0x80 ? not_utf8(p, end) : NULL, *zero = least ? NULL : memchr(p, 0, (size_t)(end - p));
    *fault = EM_CSV_FINE;
    if (bad) *fault = EM_CSV_UTF8;
    if (zero && (!bad || zero < bad)) *fault = EM_CSV_ZERO;
    return *fault == EM_CSV_ZERO ? zero : bad;
}

/* How many of n bytes are this one; in short stretches, for narrow counters. */
static int64_t count(const char *p, int64_t n, char byte)
{
    enum { SHORT = 128 };
    int64_t total = 0;
    for (int64_t at = 0; at < n; at += SHORT) {
        const int64_t some = n - at < SHORT ? n - at : SHORT;
        unsigned char few = 0;
        for (int64_t i = 0; i < some; i++) few = (unsigned char)(few + (p[at + i] == byte));
        total += few;
    }
    return total;
}

int64_t em__csv_lines(const char *p, const char *end)
{
    int64_t n = count(p, end - p, '\n');
    for (; (p = memchr(p, '\r', (size_t)(end - p))); p++) n += p + 1 == end || p[1] != '\n';
    return n;
}
