/* Cells as values. */
#include "io/csv_chunk.h"

#include <math.h>

em__csv_kind em__csv_kind_of_both(em__csv_kind a, em__csv_kind b)
{
    const em__csv_kind low = a < b ? a : b, high = a < b ? b : a;
    if (low == high) return low;
    if (low == EM_CSV_IS_NONE) return high == EM_CSV_IS_INTEGER ? EM_CSV_IS_NUMBER : high;
    return low == EM_CSV_IS_INTEGER && high == EM_CSV_IS_NUMBER ? high : EM_CSV_IS_LATE;
}

int64_t em__csv_most_rows(int64_t bytes, int64_t lines, int64_t columns)
{
    const int64_t shortest = columns < 2 ? 2 : columns;         /* as a line of blanks is no row */
    const int64_t fit = bytes / shortest + 1;
    return lines < fit ? lines : fit;
}

/* ---- kinds ----------------------------------------------------------------------------------------------- */

static bool is_boolean(const char *at, int64_t n, double *x)
{
    static const struct {
        const char *word;
        int64_t n;
        double x;
    } words[] = {{"true", 4, 1}, {"True", 4, 1}, {"TRUE", 4, 1}, {"false", 5, 0}, {"False", 5, 0}, {"FALSE", 5, 0}};
    if (n != 4 && n != 5) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (n == words[i].n && !memcmp(at, words[i].word, (size_t)n)) {
            *x = words[i].x;
            return true;
        }
    return false;
}

em__csv_kind em__csv_kind_of(const em__csv_dialect *d, const char *at, int64_t n, em__csv_value *value)
{
    em__number number;
    em__csv_strip(&at, &n);
    if (is_boolean(at, n, &value->x)) return EM_CSV_IS_BOOLEAN;
    if (em__number_read(at, d->decimal, &number) != at + n || !n) return EM_CSV_IS_TEXT;
    if (number.whole)
        value->i = number.i;
    else
        value->x = number.x;
    return number.whole ? EM_CSV_IS_INTEGER : EM_CSV_IS_NUMBER;
}

/* ---- cells ----------------------------------------------------------------------------------------------- */

static bool fail(em__csv_chunk *c, em__csv_fault fault, const char *at, int64_t column)
{
    c->fault = fault;
    c->fault_at = at;
    c->column = column;
    return false;
}

/* The values of a column in this chunk. */
static em__csv_value *values_of(const em__csv_block *b, const em__csv_chunk *c, int64_t j)
{
    return b->values + b->place[j] * b->rows + c->first;
}

/* The column of this chunk gets a wider kind. */
static void widen(em__csv_value *values, em__csv_chunk *c, int64_t j, em__csv_kind kind)
{
    if (c->kinds[j] == EM_CSV_IS_INTEGER && kind == EM_CSV_IS_NUMBER)
        for (int64_t i = 0; i < c->rows; i++) values[i].x = (double)values[i].i;
    c->kinds[j] = (unsigned char)kind;
}

static void put_text(const em__csv_block *b, em__csv_chunk *c, int64_t j, const em__csv_cell *cell, bool missing)
{
    em__csv_value *v = values_of(b, c, j) + c->rows;
    v->text.at = (uint32_t)(cell->at - b->text);
    v->text.n = missing ? EM_CSV_NO_TEXT : (uint32_t)cell->n | (cell->doubled ? EM_CSV_DOUBLED : 0);
    if (!missing) c->bytes[j] += cell->n - cell->doubled;
}

/* A value that is there. */
static bool put_value(const em__csv_block *b, em__csv_chunk *c, int64_t j, const em__csv_cell *cell)
{
    em__csv_value value, *values = values_of(b, c, j);
    em__csv_kind kind = em__csv_kind_of(b->d, cell->at, cell->n, &value);
    const em__csv_kind before = c->kinds[j];
    const em__csv_type type = b->types[j];
    if ((type == EM_CSV_BOOLEAN && kind != EM_CSV_IS_BOOLEAN) || (type == EM_CSV_INTEGER
            && kind != EM_CSV_IS_INTEGER) ||
        (type == EM_CSV_NUMBER && kind != EM_CSV_IS_INTEGER && kind != EM_CSV_IS_NUMBER))
        return fail(c, EM_CSV_TYPE, cell->at - cell->quoted, j);
    const em__csv_kind both = kind == EM_CSV_IS_TEXT ? EM_CSV_IS_LATE
                              : before == EM_CSV_IS_NONE && c->rows == 0 ? kind : em__csv_kind_of_both(before, kind);
    if (both != before) widen(values, c, j, both);
    if (kind == EM_CSV_IS_INTEGER && both == EM_CSV_IS_NUMBER)
        values[c->rows].x = (double)value.i;
    else
        values[c->rows] = value;
    return true;
}

static bool put_missing(const em__csv_block *b, em__csv_chunk *c, int64_t j, const em__csv_cell *cell)
{
    if (b->types[j] == EM_CSV_INTEGER) return fail(c, EM_CSV_TYPE, cell->at - cell->quoted, j);
    if (c->kinds[j] == EM_CSV_IS_INTEGER) widen(values_of(b, c, j), c, j, EM_CSV_IS_NUMBER);
    values_of(b, c, j)[c->rows].x = NAN;
    c->missing[j]++;
    return true;
}

/* Any cell; the common ones are dealt with before. */
static const char *read_cell(const em__csv_block *b, em__csv_chunk *c, int64_t j, const char *p)
{
    em__csv_cell cell;
    em__csv_cell_read(b->d, p, c->end, &cell);
    if (cell.fault) {
        fail(c, cell.fault, cell.next, j);
        return NULL;
    }
    const em__csv_kind kind = c->kinds[j];
    if (kind >= EM_CSV_IS_LATE && kind != EM_CSV_IS_TEXT) return cell.next;
    const bool missing = em__csv_is_missing(b->d, cell.at, cell.n);
    bool fine = true;
    if (kind == EM_CSV_IS_TEXT) {
        put_text(b, c, j, &cell, missing);
        c->missing[j] += missing;
    } else {
        fine = missing ? put_missing(b, c, j, &cell) : put_value(b, c, j, &cell);
    }
    return fine ? cell.next : NULL;
}

/* A number as it stands in a column of numbers; NULL: it is something else. */
static inline const char *read_number(const em__csv_block *b, em__csv_chunk *c, int64_t j, const char *p)
{
    em__number number;
    const em__csv_kind kind = c->kinds[j];
    if ((kind != EM_CSV_IS_NUMBER && kind != EM_CSV_IS_INTEGER) || b->d->numbers_missing) return NULL;
    const char *end = em__number_read(p, b->d->decimal, &number);
    if (!end || !b->d->ends[(unsigned char)*end]) return NULL;
    em__csv_value *v = values_of(b, c, j) + c->rows;
    if (kind == EM_CSV_IS_NUMBER) {
        v->x = number.x;
        return number.x == number.x ? end : NULL;
    }
    v->i = number.i;
    return number.whole ? end : NULL;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

/* Where the next row begins; NULL after a fault. */
static const char *read_row(const em__csv_block *b, em__csv_chunk *c, const char *p)
{
    if (b->d->runs)
        while (em__csv_is_blank(*p)) p++;
    for (int64_t j = 0;;) {
        const char *end = read_number(b, c, j, p);
        if (!end) end = read_cell(b, c, j, p);
        if (!end) return NULL;
        p = end;
        j++;
        if (!em__csv_more(b->d, &p)) {
            if (j == b->columns) break;
            fail(c, EM_CSV_FEW_CELLS, p, j);
            return NULL;
        }
        if (j == b->columns) {
            fail(c, EM_CSV_MANY_CELLS, p, j);
            return NULL;
        }
    }
    c->rows++;
    return em__csv_over_end(p);
}

void em__csv_chunk_read(const em__csv_block *b, em__csv_chunk *c)
{
    c->rows = 0;
    memset(c->missing, 0, (size_t)b->columns * sizeof *c->missing);
    memset(c->bytes, 0, (size_t)b->columns * sizeof *c->bytes);
    c->fault_at = em__csv_bad_byte(c->begin, c->end, &c->fault);
    for (const char *p = c->begin; p && p < c->end && !c->fault;) {
        const char *next = em__csv_skip_line(b->d, p, c->end);
        p = next != p ? next : read_row(b, c, p);
    }
}
