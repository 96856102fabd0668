/* fastText's models: one made by hand, damaged ones, and one that fastText wrote. */
#include <stdio.h>

#include "vector_file.h"

/* ---- a model by hand ------------------------------------------------------------------------------------- */

typedef struct bytes {
    char at[2000];
    size_t n;
} bytes;

static void put(bytes *b, const void *from, size_t n)
{
    memcpy(b->at + b->n, from, n);
    b->n += n;
}
static void put_int(bytes *b, int32_t x) { put(b, &x, sizeof x); }
static void put_long(bytes *b, int64_t x) { put(b, &x, sizeof x); }
static void put_table(bytes *b, int64_t rows, int64_t columns, float first)
{
    put_long(b, rows);
    put_long(b, columns);
    for (int64_t i = 0; i < rows * columns; i++) put(b, &(float){first + (float)i}, sizeof(float));
}

typedef struct made {
    int version, model, bucket, minn, maxn, words, labels;
    int64_t pruned, rows;
    const char *second;         /* the second word */
    int kind;                   /* of it */
    char quantized;
} made;
static const made usual = {12, 2, 1, 2, 2, 2, 1, -1, 3, "c\xff", 0, 0};

/* Words "ab" and a second one, with vectors (1 2) and (3 4), n-grams all in one row, (5 6). */
static bytes model_of(const made *m)
{
    bytes b = {.n = 0};
    put_int(&b, 793712314);
    put_int(&b, m->version);
    const int32_t arguments[] = {2, 5, 5, 1, 5, 1, 2, m->model, m->bucket, m->minn, m->maxn, 100};
    for (int i = 0; i < 12; i++) put_int(&b, arguments[i]);
    put(&b, &(double){1e-4}, sizeof(double));
    put_int(&b, m->words + m->labels);
    put_int(&b, m->words);
    put_int(&b, m->labels);
    put_long(&b, 9);
    put_long(&b, m->pruned);
    const char *const names[] = {"ab", m->second, "__label__x"};
    for (int i = 0; i < 3; i++) {
        put(&b, names[i], strlen(names[i]) + 1);
        put_long(&b, 5 - i);
        put(&b, &(char){(char)(i == 2 ? 1 : i == 1 ? m->kind : 0)}, 1);
    }
    for (int64_t i = 0; i < m->pruned; i++) put_long(&b, i);
    put(&b, &m->quantized, 1);
    put_table(&b, m->rows, 2, 1);
    put(&b, "", 1);
    put_table(&b, m->words, 2, 7);
    return b;
}

static em_status read_model(em_content **out, const made *m, const em__vector_options *o)
{
    const bytes b = model_of(m);
    put_bytes(b.at, b.n);
    return em_format_find("fasttext")->read(out, path, o ? o : &em__vector_defaults);
}

/* "ab" between its signs has the n-grams <a ab b>: ((1 2) + 3 (5 6)) / 4; "c?" is as long. */
static void a_model_by_hand_is_read(void **state)
{
    (void)state;
    em_content *c;
    em__vector_options o = vector_options();
    o.encoding_errors = EM_WORD_REPLACE;
    o.output = true;
    assert_ok(read_model(&c, &usual, &o));
    const em_vocab *v = em_content_find(c, "vocab")->vocab;
    assert_words(v, "ab|c\xEF\xBF\xBD");
    assert_int_equal(em_vocab_count(v, 0), 5);
    assert_int_equal(em_vocab_count(v, 1), 4);
    assert_words(em_content_find(c, "labels")->vocab, "__label__x");
    assert_tensor(em_content_find(c, "matrix")->tensor, EM_F32, SHAPE(2, 2), VALUES(4, 5, 4.5, 5.5));
    assert_tensor(em_content_find(c, "buckets")->tensor, EM_F32, SHAPE(1, 2), VALUES(5, 6));
    assert_tensor(em_content_find(c, "lengths")->tensor, EM_I64, SHAPE(2), VALUES(2, 2));
    assert_tensor(em_content_find(c, "output")->tensor, EM_F32, SHAPE(2, 2), VALUES(7, 8, 9, 10));
    em_content_release(c);
}

static void options_say_what_is_read(void **state)
{
    (void)state;
    em_content *c;
    em__vector_options o = vector_options();
    o.encoding_errors = EM_WORD_SKIP;
    made m = usual;
    m.second = "\x01";
    assert_ok(read_model(&c, &m, &o));
    assert_words(em_content_find(c, "vocab")->vocab, "ab");
    assert_tensor(em_content_find(c, "matrix")->tensor, EM_F32, SHAPE(1, 2), VALUES(4, 5));
    assert_null(em_content_find(c, "output"));
    em_content_release(c);
    o = vector_options();
    o.limit = 1;                        /* the second word, which is no text, is not even looked at */
    assert_ok(read_model(&c, &usual, &o));
    assert_words(em_content_find(c, "vocab")->vocab, "ab");
    assert_tensor(em_content_find(c, "buckets")->tensor, EM_F32, SHAPE(1, 2), VALUES(5, 6));
    em_content_release(c);
    m = usual;
    m.second = "c";
    m.maxn = 0;
    assert_ok(read_model(&c, &m, NULL));
    assert_tensor(em_content_find(c, "matrix")->tensor, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    assert_null(em_content_find(c, "buckets"));
    em_content_release(c);
    m.version = 11;                     /* in which models with labels have no n-grams, whatever they say */
    m.model = 3;
    m.maxn = 2;
    assert_ok(read_model(&c, &m, NULL));
    assert_null(em_content_find(c, "buckets"));
    em_content_release(c);
}

static void malformed_models_are_refused(void **state)
{
    (void)state;
    static const struct {
        made m;
        const char *part;
    } cases[] = {
        {{13, 2, 1, 2, 2, 2, 1, -1, 3, "c", 0, 0}, "byte 4: version 13 of fastText's models"},
        {{12, 2, 0, 2, 2, 2, 1, -1, 2, "c", 0, 0}, "a table of n-grams without rows"},
        {{12, 2, -1, 2, 2, 2, 1, -1, 3, "c", 0, 0}, "a table of n-grams without rows"},
        {{12, 2, 1, 2, 101, 2, 1, -1, 3, "c", 0, 0}, "n-grams of an impossible length"},
        {{12, 2, 1, -2, 2, 2, 1, -1, 3, "c", 0, 0}, "n-grams of an impossible length"},
        {{12, 2, 1, 2, 2, -2, 1, -1, 3, "c", 0, 0}, "sizes of the dictionary"},
        {{12, 2, 1, 2, 2, 2, 1, -2, 3, "c", 0, 0}, "sizes of the dictionary"},
        {{12, 2, 1, 2, 2, 2, 1, -1, 4, "c", 0, 0}, "whose shape does not fit the dictionary"},
        {{12, 2, 1, 2, 2, 2, 1, -1, 3, "ab", 0, 0}, "a word stands twice"},
        {{12, 2, 1, 2, 2, 2, 1, -1, 3, "", 0, 0}, "an empty word"},
        {{12, 2, 1, 2, 2, 2, 1, -1, 3, "c", 1, 0}, "not words, then labels"},
        {{12, 2, 1, 2, 2, 2, 1, -1, 3, "c", 0, 1}, "a quantized model (.ftz)"},
        {{12, 2, 1, 2, 2, 2, 1, 2, 3, "c", 0, 1}, "a quantized model (.ftz)"},
        {{12, 2, 1, 2, 2, 2, 1, 2, 3, "c", 0, 0}, "a pruned dictionary"},
        {{12, 2, 1, 2, 2, 2, 1, -1, 3, "c", 0, 2}, "a flag that is neither 0 nor 1"},
        {{12, 2, 1, 2, 2, 2, 1, -1, 3, "c\xff", 0, 0}, "a word that is not valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_content *c;
        const int64_t blocks = em_memory_blocks();
        assert_fails(read_model(&c, &cases[i].m, NULL), EM_EFORMAT, cases[i].part);
        assert_non_null(strstr(em_error(), path));
        assert_null(c);
        assert_int_equal(em_memory_blocks(), blocks);
    }
}

static void no_cut_model_is_read(void **state)
{
    (void)state;
    made m = usual;
    m.second = "c";
    const bytes b = model_of(&m);
    for (int output = 0; output < 2; output++) {
        em__vector_options o = vector_options();
        o.output = output;
        for (size_t cut = 0; cut < b.n; cut++) {
            em_content *c;
            put_bytes(b.at, cut);
            assert_int_equal(em_format_find("fasttext")->read(&c, path, &o), EM_EFORMAT);
        }
    }
    bytes more = b;
    put(&more, "x", 1);
    em_content *c;
    put_bytes(more.at, more.n);
    assert_fails(em_format_find("fasttext")->read(&c, path, &em__vector_defaults), EM_EFORMAT, "more follows");
}

static void damaged_models_are_refused_or_read(void **state)
{
    (void)state;
    const bytes b = model_of(&usual);
    em__vector_options o = vector_options();
    o.encoding_errors = EM_WORD_REPLACE;
    o.output = true;
    read_damaged("fasttext", &o, b.at, b.n);
}

static em_status load(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_content *c;
    EM_TRY(read_model(&c, &usual, context));
    em_tensor_retain(out[0] = em_content_find(c, "matrix")->tensor);
    em_content_release(c);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em__vector_options o = vector_options();
    o.encoding_errors = EM_WORD_REPLACE;
    assert_true(each_allocation_fails(&(fallible){.call = load}, &o) >= 20);
}

/* ---- files of fastText ------------------------------------------------------------------------------------- */

/* `fasttext print-word-vectors` printed the words and their vectors, with five digits. */
static void fasttexts_own_vectors_are_equal(void **state)
{
    (void)state;
    em_content *c;
    char word[64];
    float want[4];
    FILE *f = fopen("tests/data/vectors/skipgram.printed", "r");
    assert_non_null(f);
    assert_ok(em_format_find("fasttext")->read(&c, "tests/data/vectors/skipgram.bin", &em__vector_defaults));
    const em_vocab *v = em_content_find(c, "vocab")->vocab;
    const float *rows = em_tensor_data(em_content_find(c, "matrix")->tensor);
    const em_tensor *buckets = em_content_find(c, "buckets")->tensor;
    int known = 0, unknown = 0;
    while (fscanf(f, "%63s %f %f %f %f", word, want, want + 1, want + 2, want + 3) == 5) {
        em_tensor *composed = NULL;
        const int64_t id = em_vocab_find(v, word, strlen(word));
        const em_word text = {word, strlen(word)};
        if (id < 0) assert_ok(em_subwords_vectors(&composed, &text, 1, buckets, 2, 4));
        const float *got = id < 0 ? em_tensor_data(composed) : rows + 4 * id;
        for (int i = 0; i < 4; i++) {
            const float off = got[i] - want[i], size = want[i] < 0 ? -want[i] : want[i];
            assert_true(off <= 6e-5f * size && off >= -6e-5f * size);
        }
        known += id >= 0;
        unknown += id < 0;
        em_tensor_release(composed);
    }
    assert_int_equal(known, 5);
    assert_int_equal(unknown, 5);
    fclose(f);
    em_content_release(c);
}

static void formats_are_told_by_content(void **state)
{
    (void)state;
    const em_format *format;
    assert_ok(em_format_recognize(&format, "tests/data/vectors/skipgram.bin"));
    assert_string_equal(format->name, "fasttext");
    em_vocab *v;
    em_tensor *m;
    put_bytes("2 2\na 1 2 \nb 3 4 \n", 18);
    assert_ok(read_vectors(&v, &m, "fasttext", NULL));
    assert_words(v, "a|b");
    assert_tensor(m, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_vocab_release(v);
    em_tensor_release(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_model_by_hand_is_read),
        FILE_TEST(options_say_what_is_read),
        FILE_TEST(malformed_models_are_refused),
        FILE_TEST(no_cut_model_is_read),
        FILE_TEST(damaged_models_are_refused_or_read),
        FILE_TEST(allocations_may_fail),
        cmocka_unit_test(fasttexts_own_vectors_are_equal),
        FILE_TEST(formats_are_told_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
