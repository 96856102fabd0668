/* Word vectors in the format of word2vec: a line "V D", then each word, a space, and its D numbers: decimal ones parted
 * by whitespace, or (binary) little-endian float32, with or without a line end behind them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io/float_text.h"
#include "io/format.h"
#include "io/number.h"
#include "io/vector_rows.h"
#include "tensor/tensor.h"
#include "text/splitter.h"

/* ---- loading ------------------------------------------------------------------------------------------- */

static em_status fail_header(const em__rows *r, int64_t lines, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: line %lld, byte %lld: %s", r->in.path, (long long)lines + 1,
                    (long long)em__input_offset(&r->in), what);
}

/* A number of the first line; *c is the byte behind it. Before the first one lines may be blank. */
static em_status read_size(em__rows *r, int *c, int64_t *size, int64_t *lines)
{
    int digits = 0;
    *size = 0;
    do {
        EM_TRY(em__input_byte(&r->in, c));
        if (*c == '\n' && lines) ++*lines;
    } while (*c >= 0 && em__is_whitespace((char)*c) && (*c != '\n' || lines));
    for (; *c >= '0' && *c <= '9' && digits < 18; digits++) {
        *size = 10 * *size + (*c - '0');
        EM_TRY(em__input_byte(&r->in, c));
    }
    return digits && (*c < 0 || em__is_whitespace((char)*c))
               ? EM_OK : fail_header(r, lines ? *lines : 0, "the first line must be 'WORDS DIMENSIONS'");
}

static em_status read_header(em__rows *r, int64_t *lines)
{
    int c = 0;
    *lines = 0;
    EM_TRY(read_size(r, &c, &r->claimed, lines));
    if (c == '\n') return fail_header(r, *lines, "the first line must be 'WORDS DIMENSIONS'");
    EM_TRY(read_size(r, &c, &r->dims, NULL));
    while (c == ' ' || c == '\t' || c == '\r') EM_TRY(em__input_byte(&r->in, &c));
    if (c != '\n') return fail_header(r, *lines, "the first line must be 'WORDS DIMENSIONS'");
    if (r->dims == 0) return fail_header(r, *lines, "the first line claims vectors of 0 numbers");
    if (r->dims > INT32_MAX) return fail_header(r, *lines, "the first line claims more than the file can hold");
    ++*lines;
    return EM_OK;
}

static bool is_foreign(unsigned char c) { return c > 0x7E || (c < 0x20 && !em__is_whitespace((char)c)); }

/* Whether numbers are binary, to go by what the buffer holds behind the first line. They are text where D pieces of
 * ASCII stand between the first word and the end of its line; otherwise where as many bytes as binary ones would have
 * are all of ASCII. */
static em_status look_binary(em__rows *r)
{
    EM_TRY(em__input_fill(&r->in));
    const unsigned char *p = r->in.buffer + r->in.at;
    const size_t n = r->in.end - r->in.at;
    size_t word = 0;
    while (word < n && em__is_whitespace((char)p[word])) word++;
    while (word < n && !em__is_whitespace((char)p[word])) word++;
    int64_t pieces = 0;
    size_t at = word;
    for (; at < n && p[at] != '\n' && !is_foreign(p[at]); at++)
        pieces += em__is_whitespace((char)p[at]) && at + 1 < n && !em__is_whitespace((char)p[at + 1]);
    const bool text = at == n || (p[at] == '\n' && pieces == r->dims);
    r->o.binary = 0;
    for (size_t i = word; !text && i < n && i - word <= 4 * (size_t)r->dims; i++)
        if (is_foreign(p[i])) r->o.binary = 1;
    return EM_OK;
}

static em_status fail_binary(const em__rows *r, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: %s", r->in.path, (long long)em__input_offset(&r->in), what);
}

/* A word, into r->word, and the space behind it; at the end of the file 0 bytes. `*at` is where it begins. */
static em_status read_word(em__rows *r, int64_t *at)
{
    int c;
    r->word.n = 0;
    do {
        *at = em__input_offset(&r->in);
        EM_TRY(em__input_byte(&r->in, &c));
    } while (c >= 0 && em__is_whitespace((char)c));
    while (c >= 0 && !em__is_whitespace((char)c)) {
        if (r->word.n > EM_WORD_TEXT_MAX) return fail_binary(r, "a word of more than 4 MB");
        EM_TRY(EM_ARRAY_RESERVE(&r->word, 1, "a word"));
        r->word.at[r->word.n++] = (char)c;
        EM_TRY(em__input_byte(&r->in, &c));
    }
    return r->word.n && c != ' ' ? fail_binary(r, "a space was expected after the word") : EM_OK;
}

/* The numbers behind the rows kept. Of a file of unknown size memory is taken as they come. */
static em_status read_numbers(em__rows *r)
{
    enum { STEP = 1 << 18 };
    for (int64_t done = 0; done < r->dims;) {
        const int64_t rest = r->dims - done, step = r->in.size < 0 && rest > STEP ? STEP : rest;
        size_t got;
        EM_TRY(em__rows_reserve(r, done + step));
        float *to = r->at + em_vocab_size(r->words) * r->dims + done;
        EM_TRY(em__input_read(&r->in, to, (size_t)step * sizeof *to, &got));
        if (got < (size_t)step * sizeof *to) return fail_binary(r, "the file ends inside a vector");
        done += step;
    }
    return EM_OK;
}

static em_status read_binary(em__rows *r)
{
    int64_t at;
    char where[32];
    bool kept;
    while (r->read < em__rows_wanted(r)) {
        EM_TRY(read_word(r, &at));
        if (!r->word.n) return fail_binary(r, "fewer words than the first line says");
        EM_TRY(read_numbers(r));
        snprintf(where, sizeof where, "byte %lld", (long long)at);
        const char *word = r->word.at;
        const size_t n = (size_t)r->word.n;
        EM_TRY(em__rows_add(r, word, n, em__word_hash(r->words->key, word, n), em__word_fault(word, n), where, &kept));
    }
    if (em__rows_limited(r)) return EM_OK;
    int c = ' ';
    while (c >= 0 && em__is_whitespace((char)c)) EM_TRY(em__input_byte(&r->in, &c));
    return c >= 0 ? fail_binary(r, "more words than the first line says") : EM_OK;
}

em_status em__rows_read_word2vec(em__rows *r, const char *hint)
{
    int64_t lines;
    const bool asked = r->o.binary >= 0;
    EM_TRY(read_header(r, &lines));
    if (!asked) EM_TRY(look_binary(r));
    EM_TRY(em__rows_check_claim(r, r->o.binary ? 4.0 * (double)r->dims + 2 : 2.0 * (double)r->dims + 1));
    return r->o.binary ? read_binary(r) : em__rows_read_text(r, false, lines, hint);
}

static em_status read_file(em_content **out, const char *path, const void *options)
{
    em__rows r;
    *out = NULL;
    em_status s = em__rows_open(&r, path, options);
    if (!s) s = em__rows_read_word2vec(&r, " (if this is the binary form: binary = true)");
    if (!s) s = em__rows_take(out, &r);
    em__rows_close(&r);
    return s;
}

/* ---- saving -------------------------------------------------------------------------------------------- */

static em_status check_words(const em_vocab *words, const em_tensor *m)
{
    if (m->rows || m->dims != 2 || m->size[0] != em_vocab_size(words))
        return em__fail(EM_ESHAPE, "word2vec.save: %lld words and a matrix of shape %s (expected (%lld, D))",
                        (long long)em_vocab_size(words), EM_SHAPE(m), (long long)em_vocab_size(words));
    if (!em_dtype_is_float(m->dtype))
        return em__fail(EM_ETYPE, "word2vec.save: the matrix is %s (expected float32 or float64)",
                        em_dtype_name(m->dtype));
    if (m->size[1] == 0) return em__fail(EM_ESHAPE, "word2vec.save: a matrix of shape %s has no columns", EM_SHAPE(m));
    for (int64_t id = 0; id < em_vocab_size(words); id++) {
        size_t n;
        const char *word = em_vocab_word(words, id, &n);
        bool bad = n == 0;
        for (size_t i = 0; i < n; i++) bad = bad || em__is_whitespace(word[i]);
        if (bad)
            return em__fail(EM_EVALUE, "word2vec.save: word %lld is empty or has whitespace in it", (long long)id);
        const char *fault = em__word_fault(word, n);
        if (fault) return em__fail(EM_EVALUE, "word2vec.save: word %lld is %s", (long long)id, fault);
    }
    return EM_OK;
}

static em_status write_row(em__output *out, const float *row, int64_t n, bool binary)
{
    if (binary) return em__output_write(out, row, (size_t)n * sizeof *row);
    for (int64_t i = 0; i < n; i++) {
        char text[48] = " ";
        const int length = em__number_write(text + 1, sizeof text - 1, 9, (double)row[i]);
        EM_TRY(em__output_write(out, text + !i, (size_t)(length + !!i)));
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
    EM_TRY(em__number_prepare());
    EM_TRY(em__output_open(&out, path));
    const em_status s = write_vectors(&out, words, m, binary);
    if (s) {
        em__output_discard(&out);
        return s;
    }
    return em__output_commit(&out);
}

typedef struct writing {
    bool binary;
} writing;

static em_status write_file(const char *path, const em_content *content, const void *options)
{
    const em_value *vocab = em_content_find(content, "vocab"), *matrix = em_content_find(content, "matrix");
    const writing *o = options;
    if (!vocab || vocab->kind != EM_VALUE_VOCAB || !matrix || matrix->kind != EM_VALUE_TENSOR)
        return em__fail(EM_EVALUE, "word2vec.save: expected a vocab and a matrix");
    em_tensor *single, *straight;
    EM_TRY(check_words(vocab->vocab, matrix->tensor));
    EM_TRY(em_tensor_to(&single, matrix->tensor, EM_F32));
    em_status s = em_tensor_contiguous(&straight, single);
    em_tensor_release(single);
    if (s) return s;
    em_tensor_apply_pending(straight);
    s = save(path, vocab->vocab, straight, o->binary);
    em_tensor_release(straight);
    return s;
}

static const em_field reading_fields[] = {
    {{"binary", EM_OPT_BOOL, "", "", "numbers are float32, not text; left out, that is found out"},
     EM_FIELD(em__vector_options, binary)},
    EM_VECTOR_FIELDS,
    {{0}, 0, 0},
};
static const em_field writing_fields[] = {
    {{"binary", EM_OPT_BOOL, "false", "", "numbers as float32, little-endian, not as text"}, EM_FIELD(writing, binary)},
    {{0}, 0, 0},
};
static const writing as_text;

const em_format EM_FORMAT(word2vec) = {
    .name = "word2vec",
    .doc = "word vectors as word2vec and gensim write them: vocab, matrix (V, D)",
    .reading = {reading_fields, &em__vector_defaults, sizeof em__vector_defaults},
    .writing = {writing_fields, &as_text, sizeof as_text},
    .read = read_file,
    .write = write_file,
};
