/* Files of comma-separated values: block after block, each in chunks by all threads, as one would be read alone.
 *
 * What a column is shows when its last cell is read. Until then it is what its cells so far are; a piece of whole
 * numbers becomes one of floats without loss, and for text, of which the bytes are wanted, the blocks before are read
 * again. */
#include "io/csv.h"
#include "io/csv_columns.h"
#include "io/csv_guess.h"
#include "io/csv_names.h"
#include "io/csv_source.h"
#include "parallel/parallel.h"

enum { CHUNK = 128 << 10, EACH_COLUMN = 16 };     /* bytes of a chunk */

typedef struct block_size {
    int64_t bytes, rows;
    char *kept;                 /* its text, where the file cannot be read again */
} block_size;

typedef struct reader {
    const em__csv_reading *opts;
    em__csv_dialect d;
    em__csv_source source;
    em_strings *names;
    int64_t n;                  /* columns of the file */
    em__csv_column *columns;    /* (n), and each of these */
    em__csv_type *types;
    int64_t *place;
    unsigned char *kinds;
    int64_t *order, wanted;     /* columns wanted, in their order */

    int64_t body;               /* bytes before the first block */
    bool may_change;            /* a column's kind is not settled by its type */
    EM_ARRAY(block_size) blocks;
    int64_t rows;

    EM_ARRAY(const char *) ends;        /* of the block's chunks */
    EM_ARRAY(em__csv_chunk) chunks;
    EM_ARRAY(unsigned char) chunk_kinds;
    EM_ARRAY(int64_t) counts;
    EM_ARRAY(em__csv_value) values;
} reader;

static void free_reader(reader *r)
{
    em__csv_source_close(&r->source);
    for (int64_t j = 0; r->columns && j < r->n; j++) em__csv_column_free(&r->columns[j]);
    em__free(r->columns, (size_t)r->n * sizeof *r->columns);
    em__free(r->types, (size_t)r->n * sizeof *r->types);
    em__free(r->place, (size_t)r->n * sizeof *r->place);
    em__free(r->kinds, (size_t)r->n);
    em__free(r->order, (size_t)r->n * sizeof *r->order);
    for (int64_t i = 0; i < r->blocks.n; i++)
        if (r->blocks.at[i].kept) em__free(r->blocks.at[i].kept, (size_t)r->blocks.at[i].bytes + EM_NUMBER_PADDING);
    EM_ARRAY_FREE(&r->blocks);
    EM_ARRAY_FREE(&r->ends);
    EM_ARRAY_FREE(&r->chunks);
    EM_ARRAY_FREE(&r->chunk_kinds);
    EM_ARRAY_FREE(&r->counts);
    EM_ARRAY_FREE(&r->values);
    em_strings_release(r->names);
}

/* ---- the beginning --------------------------------------------------------------------------------------- */

static em_status fail_at(const reader *r, em__csv_fault fault, const char *at)
{
    return em__csv_source_fail(&r->source, at, "%s", em__csv_fault_text[fault]);
}

static em_status skip_lines(reader *r)
{
    em__csv_source *s = &r->source;
    EM_TRY(em__csv_source_fill(s));
    if (s->held >= 3 && !memcmp(s->text, "\xEF\xBB\xBF", 3)) s->begin = s->taken = 3;
    for (int64_t i = 0; i < r->opts->skip && s->begin < s->held;) {
        const char *p = s->text + s->begin, *end = em__csv_source_end(s);
        while (p < end && !em__csv_is_end(*p)) p++;
        if (p < end) {
            em__csv_source_take(s, em__csv_over_end(p));
            i++;
        } else {
            EM_TRY(em__csv_source_fill(s));
        }
    }
    return EM_OK;
}

/* The first row, for which the source is filled until it is whole; lines that are no rows before it are taken. */
static em_status find_first_row(reader *r, const char **end)
{
    em__csv_source *s = &r->source;
    for (;;) {
        const char *text = s->text + s->begin, *far = em__csv_source_end(s), *quote;
        if (!*r->opts->sep) r->d.sep = em__csv_guess_separator(&r->d, text, far, s->ended);
        em__csv_dialect_finish(&r->d);
        *end = em__csv_row_end(&r->d, text, far, &quote);
        if (*end && em__csv_skip_line(&r->d, text, *end) == text) return EM_OK;
        if (*end) {
            em__csv_source_take(s, *end);
        } else {
            if (s->ended && quote) return fail_at(r, EM_CSV_UNCLOSED, quote);
            if (s->ended) return em__fail(EM_EFORMAT, "%s: there are no rows in it", s->in.path);
            EM_TRY(em__csv_source_fill(s));
        }
        if (!*r->opts->sep) r->d = (em__csv_dialect){.quote = r->d.quote, .comment = r->d.comment,
            .decimal = r->d.decimal, .missing = r->d.missing, .n_missing = r->d.n_missing};
    }
}

/* The first row has to be sound, also if it is of names alone. */
static em_status check_row(const reader *r, const char *p, const char *end)
{
    em__csv_fault fault;
    em__csv_cell cell;
    const char *bad = em__csv_bad_byte(p, end, &fault);
    if (bad) return fail_at(r, fault, bad);
    if (r->d.runs)
        while (em__csv_is_blank(*p)) p++;
    do {
        em__csv_cell_read(&r->d, p, end, &cell);
        if (cell.fault) return fail_at(r, cell.fault, cell.next);
        p = cell.next;
    } while (em__csv_more(&r->d, &p));
    return EM_OK;
}

static em_status read_names(reader *r)
{
    em__csv_source *s = &r->source;
    const char *end;
    EM_TRY(find_first_row(r, &end));
    const char *first = s->text + s->begin;
    bool header = r->opts->header == EM_CSV_HEADER;
    EM_TRY(check_row(r, first, end));
    if (r->opts->header == EM_CSV_FIND_HEADER)
        EM_TRY(em__csv_guess_header(&r->d, first, em__csv_source_end(s), s->ended, &header));
    r->n = em__csv_count_cells(&r->d, first, end);
    EM_TRY(em__csv_names(&r->names, &r->d, header ? first : NULL, end, r->n));
    if (header) em__csv_source_take(s, end);
    r->body = s->taken;
    return EM_OK;
}

/* ---- the columns ----------------------------------------------------------------------------------------- */

static em_status make_columns(reader *r)
{
    const size_t n = (size_t)r->n;
    r->columns = em__alloc_zeroed(n * sizeof *r->columns);
    r->types = em__alloc_zeroed(n * sizeof *r->types);
    r->place = em__alloc_zeroed(n * sizeof *r->place);
    r->kinds = em__alloc(n);
    r->order = em__alloc(n * sizeof *r->order);
    const bool all = r->columns && r->types && r->place && r->kinds && r->order;
    return all ? EM_OK : em__fail_memory("the columns", n * sizeof *r->columns);
}

static em_status parse_type(const char *word, em__csv_type *type)
{
#define X(name, text) text,
    static const char *const names[] = {EM_CSV_TYPES(X)};
#undef X
    for (*type = EM_CSV_ANY; *type < EM_CSV_TYPE_COUNT; ++*type)
        if (!strcmp(word, names[*type])) return EM_OK;
    return em__fail(EM_EVALUE, "csv.read: option types: there is no type '%.40s'", word);
}

static em_status choose_types(reader *r)
{
    const em__csv_reading *o = r->opts;
    if (o->typed.n != o->types.n)
        return em__fail(EM_EVALUE, "csv.read: option types: %lld types of %lld columns", (long long)o->types.n,
                        (long long)o->typed.n);
    for (int64_t i = 0; i < o->types.n; i++) {
        int64_t j;
        EM_TRY(em__csv_find(r->names, r->source.in.path, o->typed.at[i], "types", &j));
        EM_TRY(parse_type(o->types.at[i], &r->types[j]));
    }
    return EM_OK;
}

static em_status choose_columns(reader *r)
{
    const em_texts *columns = &r->opts->columns;
    for (int64_t j = 0; j < r->n; j++) r->place[j] = columns->at ? -1 : j;
    for (int64_t i = 0; columns->at ? i < columns->n : i < r->n; i++) {
        int64_t j = i;
        if (columns->at) EM_TRY(em__csv_find(r->names, r->source.in.path, columns->at[i], "columns", &j));
        if (columns->at && r->place[j] >= 0) {
            size_t n;
            const char *name = em_strings_get(r->names, j, &n);
            return em__fail(EM_EVALUE, "csv.read: option columns: '%.*s' stands twice", n < 100 ? (int)n : 100, name);
        }
        r->place[j] = i;
        r->order[r->wanted++] = j;
    }
    return choose_types(r);
}

static em_status settle_kinds(reader *r)
{
    static const em__csv_kind kinds[] = {EM_CSV_IS_NONE, EM_CSV_IS_BOOLEAN, EM_CSV_IS_INTEGER, EM_CSV_IS_NUMBER,
                                         EM_CSV_IS_TEXT};
    for (int64_t j = 0; j < r->n; j++) {
        em__csv_column *c = &r->columns[j];
        c->kind = r->place[j] < 0 ? EM_CSV_IS_LEFT_OUT : kinds[r->types[j]];
        if (c->kind == EM_CSV_IS_TEXT) EM_TRY(em__csv_column_become_text(c));
        r->may_change = r->may_change || c->kind == EM_CSV_IS_NONE;
    }
    return EM_OK;
}

/* ---- a block --------------------------------------------------------------------------------------------- */

/* Bytes of a chunk: of many columns there are fewer chunks, so that what is kept for each stays little. */
static int64_t chunk_bytes(const reader *r) { return em__max(CHUNK, EACH_COLUMN * r->n); }

/* Chunks for the text that begins at `text` and is cut at r->ends, and memory for their values. */
static em_status lay_out(reader *r, const char *text, em__csv_block *b)
{
    const int64_t n = r->ends.n;
    r->chunks.n = r->chunk_kinds.n = r->counts.n = r->values.n = 0;
    EM_TRY(EM_ARRAY_RESERVE(&r->chunks, n, "chunks of rows"));
    EM_TRY(EM_ARRAY_RESERVE(&r->chunk_kinds, n * r->n, "chunks of rows"));
    EM_TRY(EM_ARRAY_RESERVE(&r->counts, 2 * n * r->n, "chunks of rows"));
    for (int64_t i = 0; i < n; i++)
        r->chunks.at[i] = (em__csv_chunk){.begin = i ? r->ends.at[i - 1] : text, .end = r->ends.at[i],
            .kinds = r->chunk_kinds.at + i * r->n, .missing = r->counts.at + 2 * i * r->n,
            .bytes = r->counts.at + (2 * i + 1) * r->n};
    em__csv_chunk *chunks = r->chunks.at;
    EM_PARALLEL_EACH(i, n, CHUNK) chunks[i].lines = em__csv_lines(chunks[i].begin, chunks[i].end);
    *b = (em__csv_block){&r->d, r->source.text, r->n, r->types, r->place, NULL, 0};
    for (int64_t i = 0; i < n; i++) {
        chunks[i].first = b->rows;
        b->rows += em__csv_most_rows(chunks[i].end - chunks[i].begin, chunks[i].lines, r->n);
    }
    EM_TRY(EM_ARRAY_RESERVE(&r->values, b->rows * r->wanted, "a block of values"));
    b->values = r->values.at;
    return EM_OK;
}

static em_status fail_chunk(const reader *r, const em__csv_chunk *c)
{
    size_t n;
    const char *name = em_strings_get(r->names, em__min(c->column, r->n - 1), &n);
    const int shown = n < 100 ? (int)n : 100;
    static const char *const types[] = {"", "true or false", "a whole number", "a number", "text"};
    if (c->fault == EM_CSV_FEW_CELLS || c->fault == EM_CSV_MANY_CELLS)
        return em__csv_source_fail(&r->source, c->fault_at, "%s in the row: expected %lld",
                                   em__csv_fault_text[c->fault], (long long)r->n);
    if (c->fault == EM_CSV_TYPE) {
        em__csv_cell cell;
        em__csv_cell_read(&r->d, c->fault_at, c->end, &cell);
        return em__csv_source_fail(&r->source, c->fault_at, "column '%.*s': expected %s, got '%.*s'", shown, name,
                                   types[r->types[c->column]], cell.n < 40 ? (int)cell.n : 40, cell.at);
    }
    return fail_at(r, c->fault, c->fault_at);
}

/* Reads all chunks as r->kinds says. A chunk after one with a fault may have another: the first counts. */
static em_status read_chunks(reader *r, const em__csv_block *b)
{
    em__csv_chunk *chunks = r->chunks.at;
    for (int64_t i = 0; i < r->ends.n; i++) memcpy(chunks[i].kinds, r->kinds, (size_t)r->n);
    EM_PARALLEL_DYNAMIC(i, r->ends.n, CHUNK) em__csv_chunk_read(b, &chunks[i]);
    for (int64_t i = 0; i < r->ends.n; i++)
        if (chunks[i].fault) return fail_chunk(r, &chunks[i]);
    return EM_OK;
}

/* What all chunks have found a column to be. */
static em__csv_kind kind_found(const reader *r, int64_t j)
{
    em__csv_kind kind = r->kinds[j];
    bool any = false;
    for (int64_t i = 0; i < r->ends.n; i++) {
        if (!r->chunks.at[i].rows) continue;
        kind = any ? em__csv_kind_of_both(kind, r->chunks.at[i].kinds[j]) : r->chunks.at[i].kinds[j];
        any = true;
    }
    return kind;
}

/* Reads the block, a second time where columns turn out to be text. */
static em_status read_block(reader *r, const em__csv_block *b)
{
    for (int64_t j = 0; j < r->n; j++) r->kinds[j] = (unsigned char)r->columns[j].kind;
    for (bool again = true; again;) {
        EM_TRY(read_chunks(r, b));
        again = false;
        for (int64_t j = 0; j < r->n; j++) {
            if (r->kinds[j] >= EM_CSV_IS_LATE || kind_found(r, j) != EM_CSV_IS_LATE) continue;
            EM_TRY(em__csv_column_become_text(&r->columns[j]));
            r->kinds[j] = EM_CSV_IS_TEXT;
            again = true;
        }
    }
    return EM_OK;
}

static em_status keep_block(reader *r, const em__csv_block *b, block_size *size)
{
    const char *text = r->chunks.at[0].begin;
    const int64_t n = r->ends.n;
    for (int64_t i = 0; i < n; i++) size->rows += r->chunks.at[i].rows;
    for (int64_t i = 0; i < r->wanted; i++) {
        const int64_t j = r->order[i];
        em__csv_column *c = &r->columns[j];
        const em__csv_kind kind = kind_found(r, j);
        EM_TRY(em__csv_column_add(c, j, b, r->chunks.at, n, kind, c->text));
        if (!c->text) c->kind = kind;
    }
    if (r->source.in.size >= 0 || !r->may_change) return EM_OK;
    size->kept = em__alloc((size_t)size->bytes + EM_NUMBER_PADDING);
    if (!size->kept) return em__fail_memory("a block of rows", (size_t)size->bytes);
    memcpy(size->kept, text, (size_t)size->bytes);
    return EM_OK;
}

/* ---- all blocks ------------------------------------------------------------------------------------------ */

/* Cuts the next block; *end NULL: there is none. */
static em_status next_block(reader *r, const char **end)
{
    em__csv_source *s = &r->source;
    const int64_t left = r->opts->limit < 0 ? -1 : r->opts->limit - r->rows;
    for (;;) {
        const char *quote = NULL, *far = em__csv_source_end(s), *text = s->text + s->begin;
        int64_t rows;
        *end = NULL;
        if (left == 0 || (s->ended && text == far)) return EM_OK;
        if (s->ended || far - text >= s->capacity / 2) {
            r->ends.n = 0;
            EM_TRY(EM_ARRAY_RESERVE(&r->ends, (far - text) / chunk_bytes(r) + 1, "chunks of rows"));
            *end = em__csv_cut(&r->d, text, far, chunk_bytes(r), left, r->ends.at, &r->ends.n, &rows, &quote);
            if (*end) return EM_OK;
            if (s->ended) return fail_at(r, EM_CSV_UNCLOSED, quote);
        }
        EM_TRY(em__csv_source_fill(s));
    }
}

static em_status read_blocks(reader *r)
{
    for (;;) {
        const char *end;
        em__csv_block b;
        EM_TRY(next_block(r, &end));
        if (!end) return EM_OK;
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "csv.read was interrupted!");
        const char *text = r->source.text + r->source.begin;
        block_size size = {.bytes = end - text};
        EM_TRY(lay_out(r, text, &b));
        EM_TRY(read_block(r, &b));
        EM_TRY(EM_ARRAY_RESERVE(&r->blocks, 1, "a list of blocks"));
        const em_status status = keep_block(r, &b, &size);
        r->blocks.at[r->blocks.n++] = size;
        EM_TRY(status);
        r->rows += size.rows;
        int64_t lines = 0;
        for (int64_t i = 0; i < r->ends.n; i++) lines += r->chunks.at[i].lines;
        em__csv_source_pass(&r->source, end, lines);
    }
}

/* ---- columns that became text late ----------------------------------------------------------------------- */

static em_status reread_block(reader *r, int64_t at)
{
    em__csv_block b;
    int64_t rows;
    const char *quote;
    const block_size *size = &r->blocks.at[at];
    if (size->kept) {
        memcpy(r->source.text, size->kept, (size_t)size->bytes);
        r->source.held = size->bytes;
    } else {
        EM_TRY(em__csv_source_reread(&r->source, size->bytes));
    }
    const char *text = r->source.text, *end = text + size->bytes;
    r->ends.n = 0;
    EM_TRY(EM_ARRAY_RESERVE(&r->ends, size->bytes / chunk_bytes(r) + 1, "chunks of rows"));
    em__csv_cut(&r->d, text, end, chunk_bytes(r), -1, r->ends.at, &r->ends.n, &rows, &quote);
    EM_TRY(lay_out(r, text, &b));
    for (int64_t j = 0; j < r->n; j++)
        r->kinds[j] = r->columns[j].late > at ? EM_CSV_IS_TEXT : EM_CSV_IS_LEFT_OUT;
    EM_TRY(read_chunks(r, &b));
    rows = 0;
    for (int64_t i = 0; i < r->ends.n; i++) rows += r->chunks.at[i].rows;
    if (rows != size->rows) return em__fail(EM_EFORMAT, "%s: the file changed while it was read", r->source.in.path);
    for (int64_t i = 0; i < r->wanted; i++) {
        em__csv_column *c = &r->columns[r->order[i]];
        if (c->late > at)
            EM_TRY(em__csv_column_add(c, r->order[i], &b, r->chunks.at, r->ends.n, EM_CSV_IS_TEXT, c->early));
    }
    return EM_OK;
}

static em_status reread(reader *r, const char *path)
{
    int64_t blocks = 0;
    for (int64_t j = 0; j < r->n; j++) {
        em__csv_column *c = &r->columns[j];
        blocks = em__max(blocks, c->late);
        if (c->late) EM_TRY(em_strings_new(&c->early));
    }
    if (!blocks) return EM_OK;
    r->source.begin = r->source.line = r->source.taken = 0;
    if (!r->blocks.at[0].kept) {
        em__input_close(&r->source.in);
        EM_TRY(em__input_open(&r->source.in, path));
        for (int64_t at = 0; at < r->body;) {
            const int64_t n = em__min(r->body - at, r->source.capacity);
            EM_TRY(em__csv_source_reread(&r->source, n));
            at += n;
        }
    }
    for (int64_t at = 0; at < blocks; at++) {
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "csv.read was interrupted!");
        EM_TRY(reread_block(r, at));
    }
    return EM_OK;
}

/* ---- the columns as they are given ----------------------------------------------------------------------- */

static em_status give_column(reader *r, int64_t j, em_content *c)
{
    em_value value = {0};
    size_t n;
    const char *name = em_strings_get(r->names, j, &n);
    EM_TRY(em__csv_column_finish(&r->columns[j], &value.tensor, &value.strings));
    value.kind = value.strings ? EM_VALUE_STRINGS : EM_VALUE_TENSOR;
    char *ended = em__alloc(n + 1);
    em_status s = ended ? EM_OK : em__fail_memory("a name", n + 1);
    if (!s) {
        memcpy(ended, name, n);
        ended[n] = 0;
        s = em_content_add(c, ended, &value);
        em__free(ended, n + 1);
    }
    em_tensor_release(value.tensor);
    em_strings_release(value.strings);
    return s;
}

static em_status read_all(reader *r, const char *path, em_content **out)
{
    EM_TRY(em__number_prepare());
    EM_TRY(em__csv_source_open(&r->source, path));
    EM_TRY(skip_lines(r));
    EM_TRY(read_names(r));
    EM_TRY(make_columns(r));
    EM_TRY(choose_columns(r));
    EM_TRY(settle_kinds(r));
    EM_TRY(read_blocks(r));
    EM_TRY(reread(r, path));
    em__csv_source_close(&r->source);
    EM_ARRAY_FREE(&r->values);
    memset(&r->values, 0, sizeof r->values);
    EM_TRY(em_content_new(out));
    for (int64_t i = 0; i < r->wanted; i++) EM_TRY(give_column(r, r->order[i], *out));
    return EM_OK;
}

em_status em__csv_read(em_content **out, const char *path, const void *options)
{
    const em__csv_reading *o = options;
    reader r = {.opts = o, .d = {.sep = *o->sep, .quote = *o->quote, .comment = *o->comment,
                                 .decimal = o->decimal ? ',' : '.', .missing = o->missing.at,
                                 .n_missing = o->missing.n}};
    *out = NULL;
    const em_status s = read_all(&r, path, out);
    free_reader(&r);
    if (s) {
        em_content_release(*out);
        *out = NULL;
    }
    return s;
}
