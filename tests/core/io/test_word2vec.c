#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "support.h"

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/embla-test-XXXXXX");
    return close(mkstemp(path));
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void put_bytes(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(bytes, 1, n, f);
    fclose(f);
}

static void assert_file(const char *want, size_t n)
{
    char got[1000];
    FILE *f = fopen(path, "rb");
    assert_int_equal(fread(got, 1, sizeof got, f), n);
    fclose(f);
    assert_memory_equal(got, want, n);
}

static em_vocab *vocab_of(int n, const char *const *words)
{
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    for (int i = 0; i < n; i++) assert_ok(em_vocab_add(v, words[i], strlen(words[i]), 1, NULL));
    return v;
}

static void text_is_as_word2vec_writes_it(void **state)
{
    (void)state;
    em_vocab *v = vocab_of(2, (const char *[]){"the", "\xC3\xA9t\xC3\xA9"});
    em_tensor *m = tensor_of(EM_F64, SHAPE(2, 3), VALUES(1, -0.5, 0.25, 1e10, 0, 3));
    assert_ok(em_vectors_save(path, v, m, false));
    const char want[] = "2 3\nthe 1 -0.5 0.25\n\xC3\xA9t\xC3\xA9 1e+10 0 3\n";
    assert_file(want, sizeof want - 1);
    assert_ok(em_vectors_save(path, v, m, true));
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
        assert_ok(em_vectors_save(path, v, m, binary));
        assert_ok(em_vectors_load(&words, &got, path, binary));
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
    assert_ok(em_vectors_save(path, v, turned, false));
    assert_ok(em_vectors_load(&words, &got, path, false));
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
        {"2 2\na 1 2 \nb 3 4 \n", false, 0},                         /* word2vec.c: a blank before the line end */
        {"2 2\r\na 1 2\r\nb 3 4\r\n", false, 0},
        {"2\t2\na\t1.0\t2e0\nb\t+3\t.4e1", false, 0},                 /* no last line end */
        {"\n 2 2 \n\na  1  2\n\n b 3 4\n\n", false, 0},
        {"2 2\na \0\0\x80\x3F\0\0\0\x40" "b \0\0\x40\x40\0\0\x80\x40", true, 24},     /* no line ends between */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *words;
        em_tensor *m;
        put_bytes(cases[i].text, cases[i].binary ? cases[i].n : strlen(cases[i].text));
        assert_ok(em_vectors_load(&words, &m, path, cases[i].binary));
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
        {"1 2\na 1 2x\n", "byte 11: a number was expected", false},
        {"1 2\na 1 0x10\n", "a number was expected", false},
        {"1 2\na 1 nan(1)\n", "a number was expected", false},
        {"1 1\na 0000000000000000000000000000000000000000000000000000000000000000000000001\n", "too long", false},
        {"2 1\na 1\na 2\n", "a word stands twice", false},
        {"2 2\na 1 2\n\nb 1\n", "line 4, byte 15: the line has too few numbers", false},
        {"3 0\na\nb\nc\n", "line 1, byte 4: the first line claims vectors of 0 numbers", false},
        {"1 0\na \n", "vectors of 0 numbers", true},
        {"1 2\na\xff 1.00 2\n", "line 2, byte 7: a word that is not valid UTF-8", false},
        {"1 2\n\xc0\xaf 1.00 2\n", "a word that is not valid UTF-8", false},
        {"2 1\na 1\nb\x1b[31m 1\n", "line 3, byte 15: a word with a control character", false},
        {"1 2\na\x7f 1.00 2\n", "a word with a control character", false},
        {"1 1\na\xc2\x85 1\n", "a word with a control character", false},
        {"1 1\na\xff 1234", "byte 7: a word that is not valid UTF-8", true},
        {"2 2\na \x01\x02\x03\x04\x05\x06\x07\x01 b \x01\x02\x03\x04\x05\x06\x07\x01",
         "a number was expected (if this is the binary form: {binary = true})", false},
        {"9 2\na 1 2\n\n", "claims more", true},
        {"1 1\nab\t1234", "a blank was expected", true},
        {"1 2\nabcdef 1234567", "ends inside a vector", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *v = (em_vocab *)1;
        em_tensor *m = (em_tensor *)1;
        put_bytes(cases[i].text, strlen(cases[i].text));
        const int64_t blocks = em_memory_blocks();
        assert_fails(em_vectors_load(&v, &m, path, cases[i].binary), EM_EFORMAT, cases[i].part);
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
    assert_ok(em_vectors_load(&words, &m, path, false));
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
    assert_fails(em_vectors_save(path, v, m, false), EM_EVALUE, "word 1");
    assert_fails(em_vectors_save(path, e, one, true), EM_EVALUE, "word 0");
    assert_fails(em_vectors_save(path, v, flat, false), EM_ESHAPE, "shape (2) (expected (2, D))");
    assert_fails(em_vectors_save(path, v, one, false), EM_ESHAPE, "2 words");
    assert_fails(em_vectors_save(path, v, ids, false), EM_ETYPE, "int64");
    em_vocab *broken = vocab_of(1, (const char *[]){"a\xff"}), *bell = vocab_of(1, (const char *[]){"a\a"});
    em_tensor *narrow = tensor_of(EM_F32, SHAPE(2, 0), 0, NULL);
    assert_fails(em_vectors_save(path, broken, one, false), EM_EVALUE, "word 0 is a word that is not valid UTF-8");
    assert_fails(em_vectors_save(path, bell, one, true), EM_EVALUE, "word 0 is a word with a control character");
    assert_fails(em_vectors_save(path, v, narrow, false), EM_ESHAPE, "a matrix of shape (2, 0) has no columns");
    em_vocab_release(broken);
    em_vocab_release(bell);
    em_tensor_release(narrow);
    assert_file("", 0);
    em_vocab *words;
    em_tensor *got;
    assert_fails(em_vectors_load(&words, &got, "/no/such/file", false), EM_EIO, "/no/such/file");
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
    if (!s) s = em_vectors_save(path, v, *m, false);
    if (!s) s = em_vectors_load(&words, out, path, false);
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

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_path, remove_path)

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
