/* Word vectors in the format of word2vec. */
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "tensor/tensor.h"

/* Numbers are written and read with a point, whatever locale the program has set. */
static em_status plain_numbers(locale_t *plain, locale_t *before)
{
    *plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!*plain) return em__fail_memory("a locale", 0);
    *before = uselocale(*plain);
    return EM_OK;
}

static void usual_numbers(locale_t plain, locale_t before)
{
    uselocale(before);
    freelocale(plain);
}

static bool is_blank(int c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

/* ---- saving -------------------------------------------------------------------------------------------- */

static em_status check_words(const em_vocab *words, const em_tensor *m)
{
    if (m->rows || m->dims != 2 || m->size[0] != em_vocab_size(words))
        return em__fail(EM_ESHAPE, "word2vec.save: %lld words and a matrix of shape %s (expected (%lld, D))",
                        (long long)em_vocab_size(words), EM_SHAPE(m), (long long)em_vocab_size(words));
    if (!em_dtype_is_float(m->dtype))
        return em__fail(EM_ETYPE, "word2vec.save: the matrix is %s (expected float32 or float64)",
                        em_dtype_name(m->dtype));
    for (int64_t id = 0; id < em_vocab_size(words); id++) {
        size_t n;
        const char *word = em_vocab_word(words, id, &n);
        bool blank = n == 0;
        for (size_t i = 0; i < n; i++) blank = blank || is_blank(word[i]);
        if (blank) return em__fail(EM_EVALUE, "word2vec.save: word %lld is empty or has a blank in it", (long long)id);
    }
    return EM_OK;
}

static em_status write_row(em__output *out, const float *row, int64_t n, bool binary)
{
    if (binary) return em__output_write(out, row, (size_t)n * sizeof *row);
    for (int64_t i = 0; i < n; i++) {
        char text[48];
        const int length = snprintf(text, sizeof text, i ? " %.9g" : "%.9g", (double)row[i]);
        EM_TRY(em__output_write(out, text, (size_t)length));
    }
    return EM_OK;
}

static em_status write_vectors(em__output *out, const em_vocab *words, const em_tensor *m, bool binary)
{
    char line[64];
    const int n = snprintf(line, sizeof line, "%" PRId64 " %" PRId64 "\n", m->size[0], m->size[1]);
    EM_TRY(em__output_write(out, line, (size_t)n));
    for (int64_t id = 0; id < m->size[0]; id++) {
        size_t length;
        const char *word = em_vocab_word(words, id, &length);
        EM_TRY(em__output_write(out, word, length));
        EM_TRY(em__output_write(out, " ", 1));
        EM_TRY(write_row(out, EM_DATA(const float, m) + id * m->size[1], m->size[1], binary));
        EM_TRY(em__output_write(out, "\n", 1));
    }
    return EM_OK;
}

static em_status save(const char *path, const em_vocab *words, const em_tensor *m, bool binary)
{
    em__output out;
    locale_t plain = (locale_t)0, before = (locale_t)0;
    EM_TRY(em__output_open(&out, path));
    em_status s = plain_numbers(&plain, &before);
    if (!s) {
        s = write_vectors(&out, words, m, binary);
        usual_numbers(plain, before);
    }
    if (s) {
        em__output_discard(&out);
        return s;
    }
    return em__output_commit(&out);
}

em_status em_vectors_save(const char *path, const em_vocab *words, const em_tensor *matrix, bool binary)
{
    em_tensor *single, *straight;
    EM_TRY(check_words(words, matrix));
    EM_TRY(em_tensor_to(&single, matrix, EM_F32));
    em_status s = em_tensor_contiguous(&straight, single);
    em_tensor_release(single);
    if (s) return s;
    em_tensor_settle(straight);
    s = save(path, words, straight, binary);
    em_tensor_release(straight);
    return s;
}

/* ---- loading ------------------------------------------------------------------------------------------- */

enum { WORD_ROOM = 1 << 16, NUMBER_ROOM = 64 };

typedef struct reader {
    em__input in;
    bool binary, first;                 /* the first row is being read */
    int ahead;                          /* the byte that ended the last piece */
    char *word;                         /* (WORD_ROOM) */
} reader;

static em_status malformed(const reader *r, const char *what)
{
    const char *hint = r->first && !r->binary ? " (a binary file is read with {binary = true})" : "";
    return em__fail(EM_EFORMAT, "%s: byte %lld: %s%s", r->in.path, (long long)em__input_offset(&r->in), what, hint);
}

/* The bytes up to the next blank or the file's end, ended by 0. What stands before them: blanks, within the line only
 * if `same_line`. */
static em_status read_piece(reader *r, char *text, size_t room, size_t *length, bool same_line)
{
    int c = r->ahead;
    size_t n = 0;
    while (is_blank(c) && !(same_line && c == '\n')) EM_TRY(em__input_byte(&r->in, &c));
    while (c >= 0 && !is_blank(c)) {
        if (n == room - 1) return malformed(r, "a word or number is too long");
        text[n++] = (char)c;
        EM_TRY(em__input_byte(&r->in, &c));
    }
    text[n] = 0;
    r->ahead = c;
    *length = n;
    return EM_OK;
}

static em_status read_size(reader *r, int64_t *size, bool same_line)
{
    char text[NUMBER_ROOM];
    size_t n;
    EM_TRY(read_piece(r, text, sizeof text, &n, same_line));
    if (!n || n > 18 || strspn(text, "0123456789") != n)
        return malformed(r, "the first line must be 'WORDS DIMENSIONS'");
    *size = strtoll(text, NULL, 10);
    return EM_OK;
}

static em_status read_text_row(reader *r, float *row, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        char text[NUMBER_ROOM], *end;
        size_t length = 0;
        EM_TRY(read_piece(r, text, sizeof text, &length, true));
        row[i] = strtof(text, &end);
        if (!length || end != text + length || strspn(text, "0123456789+-.eEinfatyINFATY") != length)
            return malformed(r, length ? "a number was expected" : "the line has too few numbers");
    }
    while (r->ahead == ' ' || r->ahead == '\t' || r->ahead == '\r') EM_TRY(em__input_byte(&r->in, &r->ahead));
    return r->ahead >= 0 && r->ahead != '\n' ? malformed(r, "the line has too many numbers") : EM_OK;
}

static em_status read_binary_row(reader *r, float *row, int64_t n)
{
    size_t got;
    if (r->ahead != ' ') return malformed(r, "a blank was expected after the word");
    EM_TRY(em__input_read(&r->in, row, (size_t)n * sizeof *row, &got));
    if (got != (size_t)n * sizeof *row) return malformed(r, "the file ends inside a vector");
    return em__input_byte(&r->in, &r->ahead);       /* a line end, or the next word */
}

/* A file cannot hold more than its size: this is looked at before memory is taken for what its first line claims. */
static em_status read_sizes(reader *r, int64_t *words, int64_t *dims)
{
    r->ahead = ' ';
    EM_TRY(read_size(r, words, false));
    EM_TRY(read_size(r, dims, true));
    while (r->ahead == ' ' || r->ahead == '\r') EM_TRY(em__input_byte(&r->in, &r->ahead));
    if (r->ahead != '\n') return malformed(r, "the first line must be 'WORDS DIMENSIONS'");
    const double least = r->binary ? 4.0 * (double)*dims + 2 : 2.0 * (double)*dims + 1;
    if (r->in.size >= 0 && (double)*words * least > (double)r->in.size)
        return malformed(r, "the first line claims more than the file can hold");
    return EM_OK;
}

static em_status read_rows(reader *r, em_vocab *words, em_tensor *m)
{
    for (int64_t id = 0; id < m->size[0]; id++) {
        size_t length = 0;
        int64_t got;
        float *row = EM_DATA(float, m) + id * m->size[1];
        EM_TRY(read_piece(r, r->word, WORD_ROOM, &length, false));
        if (!length) return malformed(r, "fewer words than the first line says");
        EM_TRY(em_vocab_add(words, r->word, length, 0, &got));
        if (got != id) return malformed(r, "a word stands twice");
        r->first = id == 0;
        EM_TRY(r->binary ? read_binary_row(r, row, m->size[1]) : read_text_row(r, row, m->size[1]));
    }
    r->first = false;
    while (is_blank(r->ahead)) EM_TRY(em__input_byte(&r->in, &r->ahead));
    return r->ahead >= 0 ? malformed(r, "more words than the first line says") : EM_OK;
}

static em_status read_vectors(reader *r, em_vocab *words, em_tensor **matrix)
{
    int64_t shape[2];
    locale_t plain = (locale_t)0, before = (locale_t)0;
    EM_TRY(read_sizes(r, shape, shape + 1));
    EM_TRY(em_tensor_empty(matrix, EM_F32, 2, shape));
    EM_TRY(plain_numbers(&plain, &before));
    const em_status s = read_rows(r, words, *matrix);
    usual_numbers(plain, before);
    return s;
}

em_status em_vectors_load(em_vocab **words, em_tensor **matrix, const char *path, bool binary)
{
    *words = NULL;
    *matrix = NULL;
    em_vocab *v;
    em_tensor *m = NULL;
    reader r = {.binary = binary};
    EM_TRY(em_vocab_new(&v));
    em_status s = em__input_open(&r.in, path);
    if (!s) {
        r.word = em__alloc(WORD_ROOM);
        s = r.word ? read_vectors(&r, v, &m) : em__fail_memory("a word", WORD_ROOM);
    }
    em__free(r.word, WORD_ROOM);
    em__input_close(&r.in);
    if (s) {
        em_vocab_release(v);
        em_tensor_release(m);
        return s;
    }
    *words = v;
    *matrix = m;
    return EM_OK;
}
