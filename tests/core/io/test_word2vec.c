/* Word vectors saved and loaded as text and binary, files of other writers, and malformed ones. */
#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "base/status.h"
#include "vector_file.h"

static em_vocab *vocab_of(int n, const char *const *words)
{
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    for (int i = 0; i < n; i++) assert_ok(em_vocab_add(v, words[i], strlen(words[i]), 1, NULL));
    return v;
}

static em_status save(const char *to, em_vocab *v, em_tensor *m, bool binary)
{
    em_content *content;
    EM_TRY(em_content_new(&content));
    em_status s = em_content_add(content, "vocab", &(em_value){.kind = EM_VALUE_VOCAB, .vocab = v});
    if (!s) s = em_content_add(content, "matrix", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = m});
    if (!s) s = em_format_find("word2vec")->write(to, content, &binary);
    em_content_release(content);
    return s;
}

static em_status load(em_vocab **words, em_tensor **m, int binary)
{
    em__vector_options o = vector_options();
    o.binary = binary;
    return read_vectors(words, m, "word2vec", &o);
}

static void text_is_as_word2vec_writes_it(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(2, (const char *[]){"the", "\xC3\xA9t\xC3\xA9"});
    em_tensor *m = tensor_of(EM_F64, SHAPE(2, 3), VALUES(1, -0.5, 0.25, 1e10, 0, 3));
    assert_ok(save(path, v, m, false));
    const char want[] = "2 3\nthe 1 -0.5 0.25\n\xC3\xA9t\xC3\xA9 1e+10 0 3\n";
    assert_file(want, sizeof want - 1);
    assert_ok(save(path, v, m, true));
    const char binary[] =
        "2 3\nthe \0\0\x80\x3F\0\0\0\xBF\0\0\x80\x3E\n\xC3\xA9t\xC3\xA9 \xF9\x02\x15\x50\0\0\0\0\0\0\x40\x40\n";
    assert_file(binary, sizeof binary - 1);
    em_tensor_release(m);
    em_vocab_release(v);
}

static void every_bit_comes_back(void **state)
{
    (void)state;
    em_tensor *m, *got;
    const int64_t shape[] = {50, 20};
    char name[16];
    em_vocab *v, *words;
    assert_ok(em_vocab_new(&v));
    for (int i = 0; i < 50; i++) assert_ok(em_vocab_add(v, name, (size_t)sprintf(name, "w%d", i), 0, NULL));
    assert_ok(em_tensor_empty(&m, EM_F32, 2, shape));
    uint32_t *bits = em_tensor_data(m), seed = 1;
    for (int i = 0; i < 1000; i++) {
        seed = seed * 1664525u + 1013904223u;
        bits[i] = (seed ^ seed << 16) & (i % 3 ? 0xBFFFFFFFu : 0xFF7FFFFFu); /* finite, subnormal ones among them */
    }
    for (int binary = 0; binary < 2; binary++) {
        assert_ok(save(path, v, m, binary));
        assert_ok(load(&words, &got, binary));
        assert_same_bits(got, m);
        assert_int_equal(em_vocab_size(words), 50);
        assert_int_equal(em_vocab_find(words, "w49", 3), 49);
        em_vocab_release(words);
        em_tensor_release(got);
    }
    em_tensor_release(m);
    em_vocab_release(v);
}

static void a_transposed_matrix_is_saved_as_it_reads(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(2, (const char *[]){"a", "b"}), *words;
    em_tensor *m = tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)), *turned, *got;
    const int64_t sizes[] = {2, 3}, strides[] = {1, 2};
    assert_ok(em_tensor_view(&turned, m, 0, 2, sizes, strides));
    assert_ok(save(path, v, turned, false));
    assert_ok(load(&words, &got, false));
    assert_tensor(got, EM_F32, SHAPE(2, 3), VALUES(1, 3, 5, 2, 4, 6));
    em_vocab_release(v);
    em_vocab_release(words);
    em_tensor_release(m);
    em_tensor_release(turned);
    em_tensor_release(got);
}

static void other_writers_text_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool binary;
        size_t n;
    } cases[] = {
        {"2 2\na 1 2 \nb 3 4 \n", false, 0},                         /* word2vec.c: a space before the line end */
        {"2 2\r\na 1 2\r\nb 3 4\r\n", false, 0},
        {"2\t2\na\t1.0\t2e0\nb\t+3\t.4e1", false, 0},                 /* no last line end */
        {"\n 2 2 \n\na  1  2\n\n b 3 4\n\n", false, 0},
        {"2 2\na \0\0\x80\x3F\0\0\0\x40" "b \0\0\x40\x40\0\0\x80\x40", true, 24},     /* no line ends between */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *words;
        em_tensor *m;
        put_bytes(cases[i].text, cases[i].binary ? cases[i].n : strlen(cases[i].text));
        assert_ok(load(&words, &m, cases[i].binary));
        assert_tensor(m, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
        assert_int_equal(em_vocab_find(words, "b", 1), 1);
        em_vocab_release(words);
        em_tensor_release(m);
    }
}

static void malformed_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
        bool binary;
    } cases[] = {
        {"", "first line", false},
        {"x y\n", "first line", false},
        {"-1 2\n", "first line", false},
        {"2\na 1\nb 2\n", "first line", false},
        {"1 2 3\na 1 2\n", "first line", false},
        {"1 2", "first line", false},
        {"99999999999999999999 2\n", "first line", false},
        {"999999999999999999 2\na 1 2\n", "claims more", false},
        {"2 999999999999999999\na 1 2\n", "claims more", false},
        {"3 2\na 1 2\n", "claims more", false},
        {"2 2\na 1.000000 2\n", "fewer words", false},
        {"1 2\na 1 2\nb 1 2\n", "more words", false},
        {"1 2\na 1.000\n", "too few numbers", false},
        {"1 2\na 1 2 3\n", "too many numbers", false},
        {"1 2\na 1 2x\n", "line 2, byte 8: a number was expected", false},
        {"1 2\na 1 0x10\n", "a number was expected", false},
        {"1 2\na 1 nan(1)\n", "a number was expected", false},
        {"2 1\na 1\na 2\n", "a word stands twice", false},
        {"2 2\na 1 2\n\nb 1\n", "line 4, byte 14: the line has too few numbers", false},
        {"3 0\na\nb\nc\n", "line 1, byte 4: the first line claims vectors of 0 numbers", false},
        {"1 0\na \n", "vectors of 0 numbers", true},
        {"1 2\na\xff 1.00 2\n", "line 2, byte 4: a word that is not valid UTF-8", false},
        {"1 2\n\xc0\xaf 1.00 2\n", "a word that is not valid UTF-8", false},
        {"2 1\na 1\nb\x1b[31m 1\n", "line 3, byte 8: a word with a control character", false},
        {"1 2\na\x7f 1.00 2\n", "a word with a control character", false},
        {"1 1\na\xff 1234", "byte 4: a word that is not valid UTF-8", true},
        {"2 2\na \x01\x02\x03\x04\x05\x06\x07\x01 b \x01\x02\x03\x04\x05\x06\x07\x01",
         "a number was expected (if this is the binary form: binary = true)", false},
        {"9 2\na 1 2\n\n", "claims more", true},
        {"1 1\nab\t1234", "a space was expected", true},
        {"1 2\nabcdef 1234567", "ends inside a vector", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *v = (em_vocab *)1;
        em_tensor *m = (em_tensor *)1;
        put_bytes(cases[i].text, strlen(cases[i].text));
        const int64_t blocks = em_memory_blocks();
        assert_fails(load(&v, &m, cases[i].binary), EM_EFORMAT, cases[i].part);
        assert_null(v);
        assert_null(m);
        assert_non_null(strstr(em_error(), path));
        assert_int_equal(em_memory_blocks(), blocks);
    }
}

static void special_numbers_are_read(void **state)
{
    (void)state;
    em_vocab *words;
    em_tensor *m;
    const char text[] = "1 3\na inf -Infinity NaN\n";
    put_bytes(text, sizeof text - 1);
    assert_ok(load(&words, &m, false));
    assert_tensor(m, EM_F32, SHAPE(1, 3), VALUES(INFINITY, -INFINITY, NAN));
    em_vocab_release(words);
    em_tensor_release(m);
}

static void what_cannot_be_saved_is_refused(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(2, (const char *[]){"a", "b c"}), *e = vocab_of(1, (const char *[]){""});
    em_tensor *m = tensor_of(EM_F32, SHAPE(2, 1), VALUES(1, 2)), *flat = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)),
              *ids = tensor_of(EM_I64, SHAPE(2, 1), VALUES(1, 2)), *one = tensor_of(EM_F32, SHAPE(1, 1), VALUES(1));
    assert_fails(save(path, v, m, false), EM_EVALUE, "word 1");
    assert_fails(save(path, e, one, true), EM_EVALUE, "word 0");
    assert_fails(save(path, v, flat, false), EM_ESHAPE, "shape (2) (expected (2, D))");
    assert_fails(save(path, v, one, false), EM_ESHAPE, "2 words");
    assert_fails(save(path, v, ids, false), EM_ETYPE, "int64");
    em_vocab *broken = vocab_of(1, (const char *[]){"a\xff"}), *bell = vocab_of(1, (const char *[]){"a\a"});
    em_tensor *narrow = tensor_of(EM_F32, SHAPE(2, 0), 0, NULL);
    assert_fails(save(path, broken, one, false), EM_EVALUE, "word 0 is a word that is not valid UTF-8");
    assert_fails(save(path, bell, one, true), EM_EVALUE, "word 0 is a word with a control character");
    assert_fails(save(path, v, narrow, false), EM_ESHAPE, "a matrix of shape (2, 0) has no columns");
    em_vocab_release(broken);
    em_vocab_release(bell);
    em_tensor_release(narrow);
    assert_file("", 0);
    em_content *none;
    assert_fails(em_format_find("word2vec")->read(&none, "/no/such/file", &em__vector_defaults), EM_EIO,
                 "/no/such/file");
    assert_null(none);
    em_tensor_release(m);
    em_tensor_release(flat);
    em_tensor_release(ids);
    em_tensor_release(one);
    em_vocab_release(v);
    em_vocab_release(e);
}

/* Whatever the locale, numbers have a point. */
static void a_locale_with_a_comma_changes_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", NULL};
    int n = 0;
    while (names[n] && !setlocale(LC_NUMERIC, names[n])) n++;
    if (!names[n]) skip();
    text_is_as_word2vec_writes_it(NULL);
    setlocale(LC_NUMERIC, "C");
}

static em_status save_and_load(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_tensor **m = context;
    em_vocab *v, *words;
    EM_TRY(em_vocab_new(&v));
    em_status s = em_vocab_add(v, "a", 1, 0, NULL);
    if (!s) s = save(path, v, *m, false);
    if (!s) s = load(&words, out, false);
    if (!s) em_vocab_release(words);
    em_vocab_release(v);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_tensor *m = tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 2));
    assert_true(each_allocation_fails(&(fallible){.call = save_and_load}, &m) >= 12);
    em_tensor_release(m);
}

/* ---- options --------------------------------------------------------------------------------------------- */

/* word2vec.c's binary has line ends; Google News has none; what is text is told by its bytes. */
static void the_form_is_found_out(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        {"2 2\na 1 2 \nb 3 4 \n", 18},
        {"2 2\na \0\0\x80\x3F\0\0\0\x40\nb \0\0\x40\x40\0\0\x80\x40\n", 26},
        {"2 2\na \0\0\x80\x3F\0\0\0\x40" "b \0\0\x40\x40\0\0\x80\x40", 24},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *words;
        em_tensor *m;
        put_bytes(cases[i].bytes, cases[i].n);
        assert_ok(load(&words, &m, -1));
        assert_tensor(m, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
        assert_words(words, "a|b");
        em_vocab_release(words);
        em_tensor_release(m);
    }
}

/* 3.01 and -3.01 have no byte below a blank, but one above ASCII; letters of words beyond ASCII do not mislead. */
static void neither_words_nor_numbers_mislead(void **state)
{
    (void)state;
    em_vocab *words;
    em_tensor *m;
    const char binary[] = "1 1\na \xD7\xA3\x40\xC0\n", text[] = "2 2\na 1 2\n\xC3\xA9 3 4\n";
    put_bytes(binary, sizeof binary - 1);
    assert_ok(load(&words, &m, -1));
    assert_tensor(m, EM_F32, SHAPE(1, 1), VALUES((double)-3.01f));
    em_vocab_release(words);
    em_tensor_release(m);
    put_bytes(text, sizeof text - 1);
    assert_ok(load(&words, &m, -1));
    assert_tensor(m, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_vocab_release(words);
    em_tensor_release(m);
}

static void read_with(const em__vector_options *o, const char *text, const char *words, int n, const double *values)
{
    em_vocab *v;
    em_tensor *m;
    put_bytes(text, strlen(text));
    assert_ok(read_vectors(&v, &m, "word2vec", o));
    assert_words(v, words);
    assert_tensor(m, EM_F32, 2, (int64_t[]){n, 1}, n, values);
    em_vocab_release(v);
    em_tensor_release(m);
}

static void options_say_what_is_read(void **state)
{
    (void)state;
    em__vector_options o = vector_options();
    o.limit = 2;
    read_with(&o, "3 1\na 1\nb 2\nnonsense", "a|b", 2, (double[]){1, 2});
    read_with(&o, "2 1\na 1\nb 2\n", "a|b", 2, (double[]){1, 2});
    o = vector_options();
    o.encoding_errors = EM_WORD_REPLACE;
    read_with(&o, "3 1\na\xff 1\n\x01 2\nc 3\n", "a\xEF\xBF\xBD|\xEF\xBF\xBD|c", 3, (double[]){1, 2, 3});
    o.encoding_errors = EM_WORD_SKIP;
    read_with(&o, "4 1\na\xff 1\nb 2\n\x01 3\nd 4\n", "b|d", 2, (double[]){2, 4});
    o = vector_options();
    o.duplicates = EM_DUPLICATES_FIRST;
    read_with(&o, "4 1\na 1\na 2\nb 3\na 4\n", "a|b", 2, (double[]){1, 3});
}

static void rows_left_out_of_a_binary_file(void **state)
{
    (void)state;
    em__vector_options o = vector_options();
    em_vocab *v;
    em_tensor *m;
    o.encoding_errors = EM_WORD_SKIP;
    o.limit = 3;
    const char bytes[] = "4 1\na \0\0\x80\x3F\n\xff \0\0\0\0\nb \0\0\0\x40\nc";
    put_bytes(bytes, sizeof bytes - 1);
    assert_ok(read_vectors(&v, &m, "word2vec", &o));
    assert_words(v, "a|b");
    assert_tensor(m, EM_F32, SHAPE(2, 1), VALUES(1, 2));
    em_vocab_release(v);
    em_tensor_release(m);
}

static void words_are_of_any_length(void **state)
{
    (void)state;
    enum { LONG = 1000000 };
    char *text = malloc(2 * LONG);
    for (int binary = 0; binary < 2; binary++) {
        em_vocab *v;
        em_tensor *m;
        int n = sprintf(text, "1 1\n");
        memset(text + n, 'x', LONG);
        n += LONG;
        memcpy(text + n, binary ? " \0\0\x80\x3F\n" : " 1.000\n", binary ? 6 : 7);
        put_bytes(text, (size_t)n + (binary ? 6 : 7));
        assert_ok(load(&v, &m, binary));
        size_t length;
        em_vocab_word(v, 0, &length);
        assert_int_equal(length, LONG);
        assert_tensor(m, EM_F32, SHAPE(1, 1), VALUES(1));
        em_vocab_release(v);
        em_tensor_release(m);
    }
    free(text);
}

static void damaged_files_are_refused_or_read(void **state)
{
    (void)state;
    const char text[] = "3 2\nab 1 -2.5e1\n\xC3\xA9t 3 4\nc .5 6 \n";
    const char binary[] = "2 2\nab \0\0\x80\x3F\0\0\0\x40\n\xC3\xA9 \0\0\x40\x40\0\0\x80\x40\n";
    for (int form = -1; form < 2; form++) {
        em__vector_options o = vector_options();
        o.binary = form;
        read_damaged("word2vec", &o, text, sizeof text - 1);
        read_damaged("word2vec", &o, binary, sizeof binary - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(text_is_as_word2vec_writes_it),
        FILE_TEST(every_bit_comes_back),
        FILE_TEST(a_transposed_matrix_is_saved_as_it_reads),
        FILE_TEST(other_writers_text_is_read),
        FILE_TEST(malformed_files_are_refused),
        FILE_TEST(special_numbers_are_read),
        FILE_TEST(what_cannot_be_saved_is_refused),
        FILE_TEST(a_locale_with_a_comma_changes_nothing),
        FILE_TEST(allocations_may_fail),
        FILE_TEST(the_form_is_found_out),
        FILE_TEST(neither_words_nor_numbers_mislead),
        FILE_TEST(options_say_what_is_read),
        FILE_TEST(rows_left_out_of_a_binary_file),
        FILE_TEST(words_are_of_any_length),
        FILE_TEST(damaged_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
