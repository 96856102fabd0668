/* fastText's word vectors: text (.vec) as word2vec's, and models (.bin, versions 11 and 12): the arguments of training,
 * the dictionary of words and labels, the table of words and n-grams, the table of the output. Little-endian. */
#include <string.h>

#include "io/elements.h"
#include "io/format.h"
#include "io/vector_rows.h"
#include "tensor/tensor.h"
#include "text/splitter.h"

enum { MAGIC = 793712314, SUPERVISED = 3, LONGEST = 1 << 16 };

typedef struct model {
    em__rows rows;              /* input, options, words */
    int32_t version, dim, kind, bucket, minn, maxn;
    int32_t entries, words, labels;
    int64_t pruned;
    em_vocab *label_names;
    em_tensor *matrix, *buckets, *output;
} model;

/* ---- numbers ------------------------------------------------------------------------------------------- */

static em_status fail_model(const em__input *in, const char *what)
{
    return em__fail(EM_EFORMAT, "%s: byte %lld: %s", in->path, (long long)em__input_offset(in), what);
}

static em_status read_bytes(em__input *in, void *to, size_t n, const char *part)
{
    size_t got;
    const int64_t at = em__input_offset(in);
    EM_TRY(em__input_read(in, to, n, &got));
    if (got == n) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: byte %lld: the file ends in %s", in->path, (long long)at, part);
}

/* Leaves bytes out. */
static em_status skip(em__input *in, int64_t count, int64_t each, const char *part)
{
    char bytes[1 << 12];
    int64_t left;
    if (__builtin_mul_overflow(count, each, &left)) return fail_model(in, "a table of too many numbers");
    if (in->size >= 0 && left > in->size - em__input_offset(in))
        return em__fail(EM_EFORMAT, "%s: byte %lld: the file ends in %s", in->path, (long long)in->size, part);
    while (left) {
        const int64_t now = left < (int64_t)sizeof bytes ? left : (int64_t)sizeof bytes;
        EM_TRY(read_bytes(in, bytes, (size_t)now, part));
        left -= now;
    }
    return EM_OK;
}

/* ---- arguments and dictionary ---------------------------------------------------------------------------- */

static em_status read_arguments(model *m)
{
    int32_t head[2], a[12];     /* dim ws epoch minCount neg wordNgrams loss model bucket minn maxn lrUpdateRate */
    double t;
    em__input *in = &m->rows.in;
    EM_TRY(read_bytes(in, head, sizeof head, "the header"));
    if (head[0] != MAGIC || head[1] < 11 || head[1] > 12)
        return em__fail(EM_EFORMAT, "%s: byte 4: version %d of fastText's models (expected 11 or 12)", in->path,
                        head[1]);
    EM_TRY(read_bytes(in, a, sizeof a, "the arguments"));
    EM_TRY(read_bytes(in, &t, sizeof t, "the arguments"));
    m->version = head[1];
    m->dim = a[0];
    m->kind = a[7];
    m->bucket = a[8];
    m->minn = a[9];
    m->maxn = m->version == 11 && m->kind == SUPERVISED ? 0 : a[10];
    if (m->dim < 1) return fail_model(in, "vectors of less than 1 number");
    if (m->bucket < 0 || (m->maxn > 0 && m->bucket == 0)) return fail_model(in, "a table of n-grams without rows");
    if (m->maxn < 0 || m->maxn > EM_SUBWORD_MAX || (m->maxn > 0 && m->minn < 0))
        return fail_model(in, "n-grams of an impossible length");
    m->rows.dims = m->dim;
    return EM_OK;
}

/* A word up to its zero byte, its count and its kind. */
static em_status read_entry(model *m, int64_t *count, int8_t *kind)
{
    em__rows *r = &m->rows;
    int c;
    r->word.n = 0;
    for (;;) {
        EM_TRY(em__input_byte(&r->in, &c));
        if (c < 0) return fail_model(&r->in, "the file ends in a word");
        if (c == 0) break;
        if (r->word.n == LONGEST) return fail_model(&r->in, "a word of more than 64 kB");
        EM_TRY(EM_ARRAY_RESERVE(&r->word, 1, "a word"));
        r->word.at[r->word.n++] = (char)c;
    }
    EM_TRY(read_bytes(&r->in, count, sizeof *count, "the dictionary"));
    return read_bytes(&r->in, kind, sizeof *kind, "the dictionary");
}

/* All words, as their n-grams are of the bytes that they have; those beyond the limit are left out. */
static em_status read_entries(model *m)
{
    em__rows *r = &m->rows;
    for (int32_t i = 0; i < m->entries; i++) {
        const bool label = i >= m->words;
        em_vocab *to = label ? m->label_names : r->words;
        const int64_t next = em_vocab_size(to);
        int64_t count, id;
        int8_t kind;
        EM_TRY(read_entry(m, &count, &kind));
        if (kind != label) return fail_model(&r->in, "the dictionary is not words, then labels");
        if (!r->word.n) return fail_model(&r->in, "an empty word");
        if (count < 0 || count > INT64_MAX - em_vocab_total(to)) return fail_model(&r->in, "a count is out of range");
        if (!label && r->o.limit >= 0 && i >= r->o.limit) continue;
        EM_TRY(em_vocab_add(to, r->word.at, (size_t)r->word.n, count, &id));
        if (id != next) return fail_model(&r->in, "a word stands twice");
    }
    return EM_OK;
}

static em_status read_dictionary(model *m)
{
    em__input *in = &m->rows.in;
    int32_t sizes[3];
    int64_t numbers[2];         /* ntokens, pruneidx_size */
    EM_TRY(read_bytes(in, sizes, sizeof sizes, "the dictionary"));
    EM_TRY(read_bytes(in, numbers, sizeof numbers, "the dictionary"));
    m->entries = sizes[0];
    m->words = sizes[1];
    m->labels = sizes[2];
    m->pruned = numbers[1];
    if (m->words < 0 || m->labels < 0 || (int64_t)m->words + m->labels != m->entries || m->pruned < -1)
        return fail_model(in, "sizes of the dictionary that do not fit");
    EM_TRY(em_vocab_new(&m->label_names));
    EM_TRY(read_entries(m));
    return m->pruned > 0 ? skip(in, m->pruned, 2 * sizeof(int32_t), "the pruned index") : EM_OK;
}

/* ---- tables ---------------------------------------------------------------------------------------------- */

static em_status read_shape(em__input *in, int64_t shape[2], const char *part)
{
    unsigned char quantized;
    EM_TRY(read_bytes(in, &quantized, 1, part));
    if (quantized == 1)
        return fail_model(in, "a quantized model (.ftz), which is not read; the model before quantizing (.bin) is");
    if (quantized) return fail_model(in, "a flag that is neither 0 nor 1");
    return read_bytes(in, shape, 2 * sizeof *shape, part);
}

static em_status read_table(em_tensor **out, em__input *in, int64_t rows, int64_t columns)
{
    return em__read_elements(out, in, EM_STORED_F32, false, 2, (int64_t[]){rows, columns});
}

static em_status read_input(model *m)
{
    em__input *in = &m->rows.in;
    const int64_t kept = em_vocab_size(m->rows.words), row = (int64_t)sizeof(float) * m->dim;
    int64_t shape[2] = {0, 0};
    EM_TRY(read_shape(in, shape, "the table of words"));
    if (m->pruned >= 0) return fail_model(in, "a pruned dictionary, which is not read");
    if (shape[0] != (int64_t)m->words + m->bucket || shape[1] != m->dim)
        return fail_model(in, "a table of words whose shape does not fit the dictionary");
    EM_TRY(read_table(&m->matrix, in, kept, m->dim));
    EM_TRY(skip(in, m->words - kept, row, "the table of words"));
    if (!m->maxn) return skip(in, m->bucket, row, "the table of words");
    EM_TRY(read_table(&m->buckets, in, m->bucket, m->dim));
    return em_subwords_compose(m->matrix, m->rows.words, m->buckets, m->minn, m->maxn);
}

static em_status read_output(model *m)
{
    em__input *in = &m->rows.in;
    int64_t shape[2] = {0, 0}, count;
    int c;
    EM_TRY(read_shape(in, shape, "the table of the output"));
    if (shape[0] < 0 || shape[1] != m->dim) return fail_model(in, "a table of the output whose shape does not fit");
    if (m->rows.o.output) {
        EM_TRY(read_table(&m->output, in, shape[0], shape[1]));
    } else {
        if (__builtin_mul_overflow(shape[0], (int64_t)sizeof(float) * m->dim, &count))
            return fail_model(in, "a table of too many numbers");
        if (in->size >= 0 && count == in->size - em__input_offset(in)) return EM_OK;
        EM_TRY(skip(in, count, 1, "the table of the output"));
    }
    EM_TRY(em__input_byte(in, &c));
    return c < 0 ? EM_OK : fail_model(in, "more follows than the model has");
}

/* ---- words ----------------------------------------------------------------------------------------------- */

/* Words that are no text are dealt with as the options say, once their n-grams have been added. */
static em_status clean_words(model *m)
{
    em__rows *r = &m->rows;
    em_vocab *raw = r->words;
    em_tensor *rows = m->matrix;
    const int64_t n = em_vocab_size(raw);
    int64_t id = 0;
    size_t length;
    for (; id < n; id++) {
        const char *word = em_vocab_word(raw, id, &length);
        if (em__word_fault(word, length)) break;
    }
    if (id == n) return EM_OK;
    em_vocab *clean;
    EM_TRY(em_vocab_new(&clean));
    r->words = clean;
    em_status s = EM_OK;
    float *at = em_tensor_data(rows);
    for (id = 0; !s && id < n; id++) {
        const char *word = em_vocab_word(raw, id, &length);
        const int64_t next = em_vocab_size(clean);
        bool kept = false;
        s = em__rows_add(r, word, length, em__word_hash(clean->key, word, length), em__word_fault(word, length),
                         "the dictionary", &kept);
        if (!kept) continue;
        word = em_vocab_word(clean, next, &length);
        s = em_vocab_add(clean, word, length, em_vocab_count(raw, id), NULL);
        memmove(at + next * m->dim, at + id * m->dim, (size_t)m->dim * sizeof *at);
    }
    em_vocab_release(raw);
    const int64_t sizes[] = {em_vocab_size(clean), m->dim}, strides[] = {m->dim, 1};
    m->matrix = NULL;
    if (!s) s = em_tensor_view(&m->matrix, rows, 0, 2, sizes, strides);
    em_tensor_release(rows);
    return s;
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

static em_status read_model(model *m)
{
    EM_TRY(read_arguments(m));
    EM_TRY(read_dictionary(m));
    EM_TRY(read_input(m));
    EM_TRY(read_output(m));
    return clean_words(m);
}

static em_status add_tensor(em_content *c, const char *name, em_tensor *tensor)
{
    return tensor ? em_content_add(c, name, &(em_value){.kind = EM_VALUE_TENSOR, .tensor = tensor}) : EM_OK;
}

static em_status add_vocab(em_content *c, const char *name, em_vocab *vocab)
{
    return em_content_add(c, name, &(em_value){.kind = EM_VALUE_VOCAB, .vocab = vocab});
}

static em_status add_all(em_content *c, const model *m)
{
    EM_TRY(add_vocab(c, "vocab", m->rows.words));
    EM_TRY(add_tensor(c, "matrix", m->matrix));
    if (m->buckets) {
        em_tensor *lengths;
        EM_TRY(em_tensor_empty(&lengths, EM_I64, 1, (int64_t[]){2}));
        EM_DATA(int64_t, lengths)[0] = m->minn;
        EM_DATA(int64_t, lengths)[1] = m->maxn;
        em_status s = add_tensor(c, "buckets", m->buckets);
        if (!s) s = add_tensor(c, "lengths", lengths);
        em_tensor_release(lengths);
        if (s) return s;
    }
    if (m->labels) EM_TRY(add_vocab(c, "labels", m->label_names));
    return add_tensor(c, "output", m->output);
}

static em_status take_model(em_content **out, model *m)
{
    EM_TRY(em_content_new(out));
    const em_status s = add_all(*out, m);
    if (!s) return EM_OK;
    em_content_release(*out);
    *out = NULL;
    return s;
}

static bool recognize(const unsigned char *first, size_t n)
{
    const int32_t magic = MAGIC;
    return n >= sizeof magic && !memcmp(first, &magic, sizeof magic);
}

static em_status read_either(em_content **out, model *m)
{
    em__input *in = &m->rows.in;
    EM_TRY(em__input_fill(in));
    if (recognize(in->buffer + in->at, in->end - in->at)) {
        EM_TRY(read_model(m));
        return take_model(out, m);
    }
    m->rows.o.binary = 0;
    EM_TRY(em__rows_read_word2vec(&m->rows, ""));
    return em__rows_take(out, &m->rows);
}

static em_status read_file(em_content **out, const char *path, const void *options)
{
    model m = {.version = 0};
    *out = NULL;
    em_status s = em__rows_open(&m.rows, path, options);
    if (!s) s = read_either(out, &m);
    em__rows_close(&m.rows);
    em_vocab_release(m.label_names);
    em_tensor_release(m.matrix);
    em_tensor_release(m.buckets);
    em_tensor_release(m.output);
    return s;
}

static const em_field fields[] = {
    EM_VECTOR_FIELDS,
    {{"output", EM_OPT_BOOL, "false", "", "of a model, the table of the output too"},
     EM_FIELD(em__vector_options, output)},
    {{0}, 0, 0},
};

const em_format EM_FORMAT(fasttext) = {
    .name = "fasttext",
    .doc = "fastText's vectors (.vec) and models (.bin): vocab, matrix (V, D); of models with n-grams their buckets"
           " (B, D) and lengths; labels, output",
    .recognize = recognize,
    .reading = {fields, &em__vector_defaults, sizeof em__vector_defaults},
    .read = read_file,
};
