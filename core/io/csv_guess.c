/* The separator and the header of a file, from its first rows. */
#include "io/csv_guess.h"

#include "base/array.h"
#include "io/csv_chunk.h"

int64_t em__csv_sample(const em__csv_dialect *d, const char *text, const char *end, bool whole,
                       const char *rows[EM_CSV_SAMPLE])
{
    int64_t n = 0;
    const char *far = end - text > EM_CSV_SAMPLE_BYTES ? text + EM_CSV_SAMPLE_BYTES : end;
    for (const char *p = text, *next, *quote; p < far && n < EM_CSV_SAMPLE; p = next) {
        next = em__csv_row_end(d, p, end, &quote);
        if (!next && !whole) break;
        if (!next) next = end;
        if (em__csv_skip_line(d, p, next) == p) rows[n++] = p;
    }
    return n;
}

static int64_t count_cells(const em__csv_dialect *d, const char *p, const char *end, bool *sound)
{
    int64_t n = 0;
    em__csv_cell cell;
    if (d->runs)
        while (em__csv_is_blank(*p)) p++;
    do {
        em__csv_cell_read(d, p, end, &cell);
        p = cell.next;
        n++;
    } while (!cell.fault && em__csv_more(d, &p));
    *sound = !cell.fault;
    return n;
}

int64_t em__csv_count_cells(const em__csv_dialect *d, const char *p, const char *end)
{
    bool sound;
    return count_cells(d, p, end, &sound);
}

/* 0 of a row that a separator cuts so that it could not be read. */
static int64_t count_sound(const em__csv_dialect *d, const char *p, const char *end)
{
    bool sound;
    const int64_t n = count_cells(d, p, end, &sound);
    return sound ? n : 0;
}

/* ---- the separator --------------------------------------------------------------------------------------- */

/* The dialect with another separator. */
static em__csv_dialect with_separator(const em__csv_dialect *d, char sep)
{
    em__csv_dialect other = {.sep = sep, .quote = d->quote, .comment = d->comment, .decimal = d->decimal};
    em__csv_dialect_finish(&other);
    return other;
}

static bool cuts_equally(const em__csv_dialect *d, const char *text, const char *end, bool whole)
{
    const char *rows[EM_CSV_SAMPLE];
    const int64_t n = em__csv_sample(d, text, end, whole, rows);
    const int64_t cells = n ? count_sound(d, rows[0], end) : 0;
    for (int64_t i = 1; i < n; i++)
        if (count_sound(d, rows[i], end) != cells) return false;
    return cells > 1;
}

char em__csv_guess_separator(const em__csv_dialect *d, const char *text, const char *end, bool whole)
{
    for (const char *sep = "\t;|, "; *sep; sep++) {
        const em__csv_dialect other = with_separator(d, *sep);
        if (*sep != d->decimal && cuts_equally(&other, text, end, whole)) return *sep;
    }
    for (const char *sep = ",;\t|"; *sep; sep++) {
        const char *rows[EM_CSV_SAMPLE];
        const em__csv_dialect other = with_separator(d, *sep);
        const bool any = em__csv_sample(&other, text, end, whole, rows) > 0;
        if (*sep != d->decimal && any && count_sound(&other, rows[0], end) > 1) return *sep;
    }
    return d->decimal == ',' ? ';' : ',';
}

/* ---- the header ------------------------------------------------------------------------------------------ */

/* What is known of a column. */
typedef struct column {
    em__csv_cell first;
    em__csv_kind kind;          /* of the first cell; NONE: missing */
    bool seen[EM_CSV_IS_TEXT + 1];      /* kinds below */
    bool again;                 /* the first cell's text is seen below */
} column;

static em__csv_kind kind_of(const em__csv_dialect *d, const em__csv_cell *cell)
{
    em__csv_value value;
    if (em__csv_is_missing(d, cell->at, cell->n)) return EM_CSV_IS_NONE;
    const em__csv_kind kind = em__csv_kind_of(d, cell->at, cell->n, &value);
    return kind == EM_CSV_IS_INTEGER ? EM_CSV_IS_NUMBER : kind;
}

static bool same_text(const em__csv_cell *a, const em__csv_cell *b)
{
    return a->n == b->n && !memcmp(a->at, b->at, (size_t)a->n);
}

static void look_at_row(const em__csv_dialect *d, const char *p, const char *end, column *columns, int64_t n,
        bool first)
{
    em__csv_cell cell;
    if (d->runs)
        while (em__csv_is_blank(*p)) p++;
    for (int64_t j = 0; j < n; j++) {
        em__csv_cell_read(d, p, end, &cell);
        if (first) {
            columns[j] = (column){.first = cell, .kind = kind_of(d, &cell)};
        } else {
            columns[j].seen[kind_of(d, &cell)] = true;
            columns[j].again = columns[j].again || same_text(&cell, &columns[j].first);
        }
        p = cell.next;
        if (cell.fault || !em__csv_more(d, &p)) return;
    }
}

static bool has_names(const column *columns, int64_t n)
{
    bool texts = true;
    for (int64_t j = 0; j < n; j++) {
        const column *c = &columns[j];
        const bool numbers = c->seen[EM_CSV_IS_NUMBER], booleans = c->seen[EM_CSV_IS_BOOLEAN];
        if (c->kind == EM_CSV_IS_TEXT && !c->seen[EM_CSV_IS_TEXT] && numbers != booleans) return true;
        texts = texts && c->kind == EM_CSV_IS_TEXT && !c->again;
    }
    for (int64_t j = 0; texts && j < n && j < EM_CSV_SAMPLE; j++)
        for (int64_t k = 0; k < j; k++) texts = texts && !same_text(&columns[j].first, &columns[k].first);
    return texts;
}

em_status em__csv_guess_header(const em__csv_dialect *d, const char *text, const char *end, bool whole, bool *header)
{
    const char *rows[EM_CSV_SAMPLE];
    const int64_t n_rows = em__csv_sample(d, text, end, whole, rows);
    *header = false;
    if (!n_rows) return EM_OK;
    const int64_t n = em__csv_count_cells(d, rows[0], end);
    column *columns = em__alloc_zeroed((size_t)n * sizeof *columns);
    if (!columns) return em__fail_memory("a header", (size_t)n * sizeof *columns);
    for (int64_t i = 0; i < n_rows; i++) look_at_row(d, rows[i], end, columns, n, i == 0);
    *header = has_names(columns, n);
    em__free(columns, (size_t)n * sizeof *columns);
    return EM_OK;
}
