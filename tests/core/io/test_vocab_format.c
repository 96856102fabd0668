/* Vocabularies saved and loaded, and malformed files. */
#include <stdio.h>

#include "base/status.h"
#include "temporary_file.h"

static void put_file(const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static em_vocab *sample(void)
{
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    assert_ok(em_vocab_add(v, "<unk>", 5, 0, NULL));
    assert_ok(em_vocab_add(v, "the", 3, 12, NULL));
    assert_ok(em_vocab_add(v, "a b\t\\\n\r\0c", 9, 3, NULL));
    assert_ok(em_vocab_add(v, "", 0, 1, NULL));
    assert_ok(em_vocab_set_special(v, 1));
    assert_ok(em_vocab_set_unknown(v, 0));
    return v;
}

static void saved_words_come_back(void **state)
{
    (void)state;
    em_vocab *v = sample(), *w;
    assert_ok(em_vocab_save(v, path));
    assert_ok(em_vocab_load(&w, path));
    assert_int_equal(em_vocab_size(w), 4);
    assert_int_equal(em_vocab_total(w), 16);
    assert_int_equal(em_vocab_special(w), 1);
    assert_int_equal(em_vocab_unknown(w), 0);
    for (int64_t id = 0; id < 4; id++) {
        size_t n, m;
        const char *want = em_vocab_word(v, id, &n), *got = em_vocab_word(w, id, &m);
        assert_int_equal(n, m);
        assert_memory_equal(want, got, n);
        assert_int_equal(em_vocab_count(v, id), em_vocab_count(w, id));
        assert_int_equal(em_vocab_find(w, want, n), id);
    }
    em_vocab_release(v);
    em_vocab_release(w);
}

static void the_file_is_readable_text(void **state)
{
    (void)state;
    em_vocab *v = sample();
    assert_ok(em_vocab_save(v, path));
    char got[200] = "";
    FILE *f = fopen(path, "rb");
    const size_t n = fread(got, 1, sizeof got, f);
    fclose(f);
    const char want[] = "embla-vocab 1 4 1 0\n0\t<unk>\n12\tthe\n3\ta b\\t\\\\\\n\\r\0c\n1\t\n";
    assert_int_equal(n, sizeof want - 1);
    assert_memory_equal(got, want, n);
    em_vocab_release(v);
}

static void malformed_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "byte 0: not a vocabulary"},
        {"embla-vocab 2 0 0 -1\n", "not a vocabulary"},
        {"embla-vocab 1 x 0 -1\n", "number"},
        {"embla-vocab 1 1 0 -1\n", "number"},
        {"embla-vocab 1 99999999999999999999 0 -1\n", "number"},
        {"embla-vocab 1 9999999999999999999 0 -1\n", "number"},
        {"embla-vocab 1 1 0 -1\n5\ta", "ends inside a line"},
        {"embla-vocab 1 1 0 -1\n5 a\n", "number"},
        {"embla-vocab 1 1 0 -1\n-5\ta\n", "count is out of range"},
        {"embla-vocab 1 2 0 -1\n9223372036854775807\ta\n1\tb\n", "count is out of range"},
        {"embla-vocab 1 2 0 -1\n5\ta\n5\ta\n", "byte 29: a word stands twice"},
        {"embla-vocab 1 1 0 -1\n5\ta\n5\tb\n", "more words"},
        {"embla-vocab 1 1 0 -1\n5\ta\\x\n", "escape"},
        {"embla-vocab 1 1 0 -1\n5\ta\\", "escape"},
        {"embla-vocab 1 1 2 -1\n5\ta\n", "do not fit"},
        {"embla-vocab 1 1 0 0\n5\ta\n", "do not fit"},
        {"embla-vocab 1 1 1 -2\n5\ta\n", "do not fit"},
        {"embla-vocab 1 1 -1 -1\n5\ta\n", "do not fit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *v = (em_vocab *)1;
        put_file(cases[i].text);
        assert_fails(em_vocab_load(&v, path), EM_EFORMAT, cases[i].part);
        assert_null(v);
        assert_non_null(strstr(em_error(), path));
    }
    em_vocab *v;
    assert_fails(em_vocab_load(&v, "/no/such/file"), EM_EIO, "/no/such/file: No such file");
}

static em_status save_and_load(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    EM_TRY(em_vocab_save(context, path));
    em_vocab *v;
    EM_TRY(em_vocab_load(&v, path));
    em_vocab_release(v);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_vocab *v = sample();
    char word[1000] = "";
    memset(word, 'x', sizeof word);
    assert_ok(em_vocab_add(v, word, sizeof word, 1, NULL));
    assert_true(each_allocation_fails(&(fallible){.call = save_and_load}, v) >= 8);
    em_vocab_release(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(saved_words_come_back),
        FILE_TEST(the_file_is_readable_text),
        FILE_TEST(malformed_files_are_refused),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
