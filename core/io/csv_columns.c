/* Columns in pieces, and made whole. */
#include "io/csv_columns.h"

#include <math.h>

#include "parallel/parallel.h"
#include "tensor/tensor.h"
#include "text/strings.h"

static void free_pieces(em__csv_column *c)
{
    for (int64_t i = 0; i < c->pieces.n; i++)
        em__free(c->pieces.at[i].values, (size_t)c->pieces.at[i].rows * sizeof(em__csv_value));
    EM_ARRAY_FREE(&c->pieces);
    memset(&c->pieces, 0, sizeof c->pieces);
}

void em__csv_column_free(em__csv_column *c)
{
    free_pieces(c);
    em_strings_release(c->text);
    em_strings_release(c->early);
    c->text = c->early = NULL;
}

static em_status add_missing_text(em_strings *s, int64_t rows)
{
    EM_TRY(em__strings_piece_add(s, rows, 0));
    em__strings_piece *p = &s->pieces.at[s->pieces.n - 1];
    for (int64_t i = 0; i <= rows; i++) p->starts.at[i] = i < rows ? EM_STRINGS_MISSING : 0;
    p->starts.n = rows + 1;
    s->count += rows;
    s->missing += rows;
    return EM_OK;
}

em_status em__csv_column_become_text(em__csv_column *c)
{
    bool all_missing = true;
    if (!c->text) EM_TRY(em_strings_new(&c->text));
    for (int64_t i = 0; i < c->pieces.n; i++)
        all_missing = all_missing && (c->pieces.at[i].kind == EM_CSV_IS_NONE || !c->pieces.at[i].rows);
    if (all_missing && c->rows) EM_TRY(add_missing_text(c->text, c->rows));
    if (!all_missing) c->late = c->pieces.n;
    c->kind = EM_CSV_IS_TEXT;
    free_pieces(c);
    return EM_OK;
}

/* ---- adding ---------------------------------------------------------------------------------------------- */

static void copy_text(const em__csv_block *b, const em__csv_value *v, int64_t rows, uint32_t *starts, char *bytes,
                      uint32_t at)
{
    for (int64_t i = 0; i < rows; i++) {
        starts[i] = at;
        if (v[i].text.n == EM_CSV_NO_TEXT) {
            starts[i] |= EM_STRINGS_MISSING;
            continue;
        }
        const char *from = b->text + v[i].text.at;
        const uint32_t n = v[i].text.n & ~EM_CSV_DOUBLED;
        if (v[i].text.n & EM_CSV_DOUBLED) {
            at += (uint32_t)em__csv_cell_copy(b->d, from, n, bytes + at);
        } else {
            memcpy(bytes + at, from, n);
            at += n;
        }
    }
    starts[rows] = at;
}

/* A chunk of one kind into a piece of that or a wider one. */
static void copy_numbers(const em__csv_value *v, int64_t rows, em__csv_kind kind, em__csv_piece *piece, int64_t first)
{
    em__csv_value *to = piece->values + first;
    if (kind == EM_CSV_IS_INTEGER && piece->kind == EM_CSV_IS_NUMBER)
        for (int64_t i = 0; i < rows; i++) to[i].x = (double)v[i].i;
    else
        memcpy(to, v, (size_t)rows * sizeof *v);
}

static em_status add_text(int64_t j, const em__csv_block *b, em__csv_chunk *chunks, int64_t n, em_strings *text)
{
    int64_t rows = 0, bytes = 0;
    for (int64_t i = 0; i < n; i++) rows += chunks[i].rows, bytes += chunks[i].bytes[j];
    EM_TRY(em__strings_piece_add(text, rows, bytes));
    em__strings_piece *p = &text->pieces.at[text->pieces.n - 1];
    p->starts.n = rows + 1;
    p->bytes.n = bytes;
    for (int64_t i = 0, row = 0, at = 0; i < n; row += chunks[i].rows, i++) {   /* where each chunk's begin */
        const int64_t own = chunks[i].bytes[j];
        chunks[i].bytes[j] = at;
        chunks[i].row = row;
        at += own;
        text->missing += chunks[i].missing[j];
    }
    text->count += rows;
    EM_PARALLEL_EACH(i, n, bytes / n + rows / n)
        copy_text(b, b->values + b->place[j] * b->rows + chunks[i].first, chunks[i].rows,
                  p->starts.at + chunks[i].row, p->bytes.at, (uint32_t)chunks[i].bytes[j]);
    return EM_OK;
}

em_status em__csv_column_add(em__csv_column *c, int64_t j, const em__csv_block *b, em__csv_chunk *chunks, int64_t n,
                             em__csv_kind kind, em_strings *text)
{
    if (text) return add_text(j, b, chunks, n, text);
    EM_TRY(EM_ARRAY_RESERVE(&c->pieces, 1, "a column"));
    em__csv_piece piece = {.kind = kind, .first = c->rows};
    int64_t missing = 0;
    for (int64_t i = 0; i < n; i++) {
        chunks[i].row = piece.rows;
        piece.rows += chunks[i].rows;
        missing += chunks[i].missing[j];
    }
    if (kind != EM_CSV_IS_NONE && piece.rows) {
        piece.values = em__alloc((size_t)piece.rows * sizeof *piece.values);
        if (!piece.values) return em__fail_memory("a column", (size_t)piece.rows * sizeof *piece.values);
        EM_PARALLEL_EACH(i, n, piece.rows / n)
            copy_numbers(b->values + b->place[j] * b->rows + chunks[i].first, chunks[i].rows, chunks[i].kinds[j],
                         &piece, chunks[i].row);
    }
    c->pieces.at[c->pieces.n++] = piece;
    c->missing += missing;
    c->rows += piece.rows;
    return EM_OK;
}

/* ---- the whole ------------------------------------------------------------------------------------------- */

static void copy_piece(const em__csv_piece *p, em_tensor *out)
{
    if (out->dtype == EM_BOOL) {
        bool *to = EM_DATA(bool, out) + p->first;
        for (int64_t i = 0; i < p->rows; i++) to[i] = p->values[i].x != 0;
    } else if (out->dtype == EM_F64 && (p->kind == EM_CSV_IS_NONE || p->kind == EM_CSV_IS_INTEGER)) {
        double *to = EM_DATA(double, out) + p->first;
        for (int64_t i = 0; i < p->rows; i++) to[i] = p->values ? (double)p->values[i].i : NAN;
    } else if (p->rows) {
        memcpy(EM_DATA(em__csv_value, out) + p->first, p->values, (size_t)p->rows * sizeof *p->values);
    }
}

static em_status join_texts(em__csv_column *c, em_strings **text)
{
    em_strings *all = c->early ? c->early : c->text;
    if (c->early) {
        EM_TRY(EM_ARRAY_RESERVE(&all->pieces, c->text->pieces.n, "a column of text"));
        for (int64_t i = 0; i < c->text->pieces.n; i++) {
            em__strings_piece p = c->text->pieces.at[i];
            p.first += c->early->count;
            all->pieces.at[all->pieces.n++] = p;
        }
        all->count += c->text->count;
        all->missing += c->text->missing;
        c->text->pieces.n = 0;
        em_strings_release(c->text);
    }
    c->text = c->early = NULL;
    *text = all;
    return EM_OK;
}

em_status em__csv_column_finish(em__csv_column *c, em_tensor **numbers, em_strings **text)
{
    enum { MANY = 16 << 20 };           /* bytes: the pieces' memory is worth giving back before the next column */
    *numbers = NULL;
    *text = NULL;
    if (c->text) return join_texts(c, text);
    const em_dtype dtype = c->missing || c->kind == EM_CSV_IS_NONE || c->kind == EM_CSV_IS_NUMBER ? EM_F64
                           : c->kind == EM_CSV_IS_INTEGER ? EM_I64 : EM_BOOL;
    EM_TRY(em_tensor_empty(numbers, dtype, 1, &c->rows));
    EM_PARALLEL_EACH(i, c->pieces.n, c->rows / (c->pieces.n ? c->pieces.n : 1)) copy_piece(&c->pieces.at[i], *numbers);
    free_pieces(c);
    if (c->rows * (int64_t)sizeof(em__csv_value) > MANY) em_memory_trim();
    return EM_OK;
}
