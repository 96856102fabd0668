/* Rows of text: read in large blocks that are cut at line ends, each line's numbers read by a thread of the team into
 * the row where they belong; words are then added in order. */
#define _GNU_SOURCE         /* memrchr */
#include <stdio.h>
#include <string.h>

#include "io/float_text.h"
#include "io/vector_rows.h"
#include "parallel/parallel.h"
#include "text/splitter.h"

enum {
    BLOCK = 1 << 21,            /* bytes read at a time */
    BATCH = 1 << 13,            /* lines read by the team at a time */
    SAMPLE = 100,               /* lines that tell how many numbers follow a word */
};

/* ---- a block of whole lines ------------------------------------------------------------------------------ */

typedef struct block {
    char *bytes;                /* (room) */
    size_t room, n, whole;      /* bytes held; those up to the end of a line */
    size_t at;                  /* the first not yet used */
    int64_t offset;             /* in the file, of bytes[0] */
    int64_t line;               /* number of the line at `at`, from 0 */
    bool ended;                 /* the file holds no more */
} block;

static em_status widen(block *b, size_t room)
{
    char *wider = em__alloc(room);
    if (!wider) return em__fail_memory("lines of a file", room);
    if (b->n) memcpy(wider, b->bytes, b->n);
    em__free(b->bytes, b->room);
    b->bytes = wider;
    b->room = room;
    return EM_OK;
}

static bool has_lines(const block *b, int least)
{
    return b->whole && (least == 1 || memchr(b->bytes, '\n', b->whole) != b->bytes + b->whole - 1);
}

/* The next whole lines, 1 or 2 at least, behind what was left of one. The last line may lack its end, which is put
 * there. */
static em_status next_lines(block *b, em__input *in, int least)
{
    const size_t rest = b->n - b->at;
    if (rest) memmove(b->bytes, b->bytes + b->at, rest);
    b->offset += (int64_t)b->at;
    b->n = rest;
    b->at = b->whole = 0;
    for (size_t searched = 0; !b->ended && !has_lines(b, least);) {
        if (b->room - b->n < 2) EM_TRY(widen(b, 2 * b->room));
        const size_t most = b->room - 1 - b->n;
        size_t got;
        EM_TRY(em__input_read(in, b->bytes + b->n, most, &got));
        b->n += got;
        b->ended = got < most;
        const char *last = memrchr(b->bytes + searched, '\n', b->n - searched);
        if (last) b->whole = (size_t)(last + 1 - b->bytes);
        searched = b->n;
    }
    if (b->ended && b->n > b->whole) {
        b->bytes[b->n++] = '\n';
        b->whole = b->n;
    }
    return EM_OK;
}

/* ---- a line ---------------------------------------------------------------------------------------------- */

typedef enum state { UNREAD, READ, NO_NUMBER, TOO_FEW, TOO_MANY } state;

typedef struct line {
    size_t begin, end;          /* in the block; the line's end, or where whitespace before it begins */
    size_t word, length;
    size_t fault_at;
    const char *fault;          /* of the word */
    int64_t number;
    uint32_t hash;
    state state;
} line;

static size_t skip_blanks(const char *bytes, size_t at, size_t end)
{
    while (at < end && em__is_whitespace(bytes[at])) at++;
    return at;
}

static size_t skip_text(const char *bytes, size_t at, size_t end)
{
    while (at < end && !em__is_whitespace(bytes[at])) at++;
    return at;
}

static void read_numbers(line *l, const char *bytes, size_t at, float *row, int64_t dims)
{
    l->state = UNREAD;
    for (int64_t i = 0; i < dims; i++) {
        at = skip_blanks(bytes, at, l->end);
        l->fault_at = at;
        l->state = TOO_FEW;
        if (at == l->end) return;
        const char *end = em__float_read(bytes + at, row + i);
        l->state = NO_NUMBER;
        if (!end || (size_t)(end - bytes) > l->end) return;
        at = (size_t)(end - bytes);
    }
    l->fault_at = skip_blanks(bytes, at, l->end);
    l->state = l->fault_at < l->end ? TOO_MANY : READ;
}

/* With `count` pieces of text split off from the right: where what stands before them ends; 0: there is none. */
static size_t split_right(const line *l, const char *bytes, int64_t count)
{
    size_t at = l->end;
    for (int64_t i = 0; i < count && at > l->begin; i++) {
        while (at > l->begin && em__is_whitespace(bytes[at - 1])) at--;
        while (at > l->begin && !em__is_whitespace(bytes[at - 1])) at--;
    }
    while (at > l->begin && em__is_whitespace(bytes[at - 1])) at--;
    return at > l->begin ? at : 0;
}

static void read_line(line *l, const char *bytes, float *row, int64_t dims, uint64_t key, bool blanks)
{
    l->word = l->begin;
    size_t end = skip_text(bytes, l->begin, l->end);
    read_numbers(l, bytes, end, row, dims);
    if (blanks && l->state != READ && l->state != TOO_FEW) {
        const size_t right = split_right(l, bytes, dims);
        if (right > end) read_numbers(l, bytes, end = right, row, dims);
    }
    l->length = end - l->begin;
    l->fault = em__word_fault(bytes + l->word, l->length);
    l->hash = l->fault ? 0 : em__word_hash(key, bytes + l->word, l->length);
}

/* The next line of the block that is not blank; false: there is none. */
static bool next_line(block *b, line *l)
{
    while (b->at < b->whole) {
        const char *newline = memchr(b->bytes + b->at, '\n', b->whole - b->at);
        const size_t end = (size_t)(newline - b->bytes), begin = skip_blanks(b->bytes, b->at, end);
        *l = (line){.begin = begin, .end = end, .number = b->line++};
        b->at = end + 1;
        while (l->end > begin && em__is_whitespace(b->bytes[l->end - 1])) l->end--;
        if (begin < end) return true;
    }
    return false;
}

/* ---- how many numbers follow a word ------------------------------------------------------------------------ */

/* Numbers at the end of a line, not counting what stands first. */
static int64_t count_numbers(const line *l, const char *bytes)
{
    int64_t n = 0;
    float x;
    for (size_t at = skip_text(bytes, l->begin, l->end); (at = skip_blanks(bytes, at, l->end)) < l->end;
         at = skip_text(bytes, at, l->end))
        n = em__float_read(bytes + at, &x) ? n + 1 : 0;
    return n;
}

/* Whether the line is two integers, as a header is. */
static bool looks_like_header(const line *l, const char *bytes, int64_t sizes[2])
{
    size_t at = l->begin;
    for (int k = 0; k < 2; k++) {
        at = skip_blanks(bytes, at, l->end);
        const size_t first = at;
        sizes[k] = 0;
        for (; at < l->end && bytes[at] >= '0' && bytes[at] <= '9' && at - first < 18; at++)
            sizes[k] = 10 * sizes[k] + (bytes[at] - '0');
        if (at == first || (at < l->end && !em__is_whitespace(bytes[at]))) return false;
    }
    return at == l->end;
}

/* The dims: what most of the first lines have, of equally many the larger. A header, which says the same, is left
 * behind; a word of digits with one number is none. */
static void find_dims(em__rows *r, block *b)
{
    const block start = *b;
    line l;
    bool header = false;
    int64_t counts[SAMPLE], sizes[2] = {0, 0}, n = 0;
    for (; n < SAMPLE && next_line(b, &l); n++) {
        if (!n) header = looks_like_header(&l, b->bytes, sizes);
        counts[n] = count_numbers(&l, b->bytes);
    }
    int64_t most = 0;
    for (int64_t i = header && n > 1; i < n; i++) {
        int64_t same = 0;
        for (int64_t k = 0; k < n; k++) same += counts[k] == counts[i];
        if (same > most || (same == most && counts[i] > r->dims)) {
            most = same;
            r->dims = counts[i];
        }
    }
    *b = start;
    if (!header || n < 2 || r->dims < 2 || sizes[1] != r->dims) return;
    r->claimed = sizes[0];
    next_line(b, &l);
}

/* ---- all of them ----------------------------------------------------------------------------------------- */

static em_status fail_line(const em__rows *r, const line *l, size_t at, const block *b, const char *what,
                           const char *hint)
{
    return em__fail(EM_EFORMAT, "%s: line %lld, byte %lld: %s%s", r->in.path, (long long)l->number + 1,
                    (long long)b->offset + (long long)at, what, hint);
}

static em_status check_line(const em__rows *r, const line *l, const block *b, const char *hint)
{
    static const char *const texts[] = {
        [NO_NUMBER] = "a number was expected", [TOO_FEW] = "the line has too few numbers",
        [TOO_MANY] = "the line has too many numbers",
    };
    if (l->state == READ) return EM_OK;
    if (l->state == UNREAD) return em__fail(EM_EINTERRUPT, "%s: reading was interrupted!", r->in.path);
    return fail_line(r, l, l->fault_at, b, texts[l->state], hint);
}

/* Up to `most` lines; none is taken that is too short for its numbers, but as the last. */
static int64_t collect(line *lines, int64_t most, block *b, int64_t dims)
{
    int64_t n = 0;
    while (n < most && next_line(b, lines + n)) {
        const line *l = lines + n++;
        if ((int64_t)((l->end - l->begin) / 2) < dims) break;
    }
    return n;
}

static em_status read_batch(em__rows *r, line *lines, int64_t n, const block *b, bool blanks, const char *hint)
{
    const int64_t dims = r->dims, bytes = (int64_t)(lines[n - 1].end - lines[0].begin);
    const bool cut = (int64_t)((lines[n - 1].end - lines[n - 1].begin) / 2) < dims;
    const int64_t long_enough = n - cut;
    EM_TRY(em__rows_reserve(r, long_enough * dims));
    float *rows = r->at + em_vocab_size(r->words) * dims;
    const uint64_t key = r->words->key;
    EM_PARALLEL_CHUNKS(lo, hi, long_enough, 4.0 * (double)bytes / (double)n)
        for (int64_t i = lo; i < hi; i++) read_line(lines + i, b->bytes, rows + i * dims, dims, key, blanks);
    for (int64_t i = 0; i < long_enough; i++) {
        const line *l = lines + i;
        bool kept;
        char where[64];
        EM_TRY(check_line(r, l, b, hint));
        snprintf(where, sizeof where, "line %lld, byte %lld", (long long)l->number + 1,
                 (long long)b->offset + (long long)l->word);
        float *row = r->at + em_vocab_size(r->words) * dims;
        EM_TRY(em__rows_add(r, b->bytes + l->word, l->length, l->hash, l->fault, where, &kept));
        if (kept && row != rows + i * dims) memmove(row, rows + i * dims, (size_t)dims * sizeof *row);
    }
    return cut ? fail_line(r, lines + n - 1, lines[n - 1].end, b, "the line has too few numbers", hint) : EM_OK;
}

static em_status read_block(em__rows *r, line *lines, block *b, bool blanks, const char *hint)
{
    for (;;) {
        const int64_t left = em__rows_wanted(r) - r->read;
        const int64_t n = collect(lines, em__min(left, BATCH), b, r->dims);
        if (n) EM_TRY(read_batch(r, lines, n, b, blanks, hint));
        if (n && em__rows_wanted(r) > r->read) continue;
        if (n == 0 && left) return EM_OK;               /* the block is used up */
        line l;
        if (!em__rows_limited(r) && next_line(b, &l))
            return fail_line(r, &l, l.begin, b, "more words than the first line says", hint);
        return EM_OK;
    }
}

static em_status read_blocks(em__rows *r, line *lines, block *b, bool blanks, const char *hint)
{
    bool first = blanks;
    while (!b->ended && !(em__rows_limited(r) && r->read == em__rows_wanted(r))) {
        EM_TRY(next_lines(b, &r->in, first ? 2 : 1));         /* a header says nothing of dims */
        if (first) {
            find_dims(r, b);
            if (r->dims == 0)
                return em__fail(EM_EFORMAT, "%s: line 1, byte 0: no lines of a word and its numbers", r->in.path);
            EM_TRY(em__rows_check_claim(r, 2.0 * (double)r->dims + 1));
        }
        first = false;
        EM_TRY(read_block(r, lines, b, blanks, hint));
    }
    if (r->read == em__rows_wanted(r) || r->claimed < 0) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: line %lld, byte %lld: fewer words than the first line says%s", r->in.path,
                    (long long)b->line + 1, (long long)b->offset + (long long)b->at, hint);
}

em_status em__rows_read_text(em__rows *r, bool blanks, int64_t lines_before, const char *hint)
{
    enum { LINES = BATCH * sizeof(line) };
    block b = {.offset = em__input_offset(&r->in), .line = lines_before};
    EM_TRY(em__float_text_prepare());
    line *lines = em__alloc(LINES);
    if (!lines) return em__fail_memory("lines of a file", LINES);
    const int64_t rest = r->in.size - b.offset;
    em_status s = widen(&b, r->in.size >= 0 && rest < BLOCK ? (size_t)em__max(rest, 0) + 64 : BLOCK);
    if (!s) s = read_blocks(r, lines, &b, blanks, hint);
    em__free(b.bytes, b.room);
    em__free(lines, LINES);
    return s;
}
