/* GloVe's files: no header, words with blanks, dims found out. */
#include <stdio.h>

#include "vector_file.h"

static void assert_read(const char *text, const char *words, int rows, int dims, const double *values)
{
    em_vocab *v;
    em_tensor *m;
    put_bytes(text, strlen(text));
    assert_ok(read_vectors(&v, &m, "glove", NULL));
    assert_words(v, words);
    assert_tensor(m, EM_F32, 2, (int64_t[]){rows, dims}, rows * dims, values);
    em_vocab_release(v);
    em_tensor_release(m);
}

static void words_and_numbers_are_told_apart(void **state)
{
    (void)state;
    const double four[] = {1, 2, 3, 4}, six[] = {1, 2, 3, 4, 5, 6};
    assert_read("the 1 2\n<unk> 3 4\n", "the|<unk>", 2, 2, four);
    assert_read("the 1 2\n<unk> 3 4", "the|<unk>", 2, 2, four);
    assert_read(". . 1 2\n1998 3 4\nat name@x.com 5 6\n", ". .|1998|at name@x.com", 3, 2, six);
    assert_read("a 1 2\n0.5 7 3 4\nb 5 6\n", "a|0.5 7|b", 3, 2, six);
    assert_read("3 2\na 1 2\nb 3 4\nc 5 6\n", "a|b|c", 3, 2, six);        /* with a header */
    assert_read("3 4\n1 2\n5 6\n", "3|1|5", 3, 1, (double[]){4, 2, 6});  /* words of digits */
    assert_read("a\t1\t2 \r\n\n b  3 4\r\n", "a|b", 2, 2, four);
    assert_read("a\xC2\xA0" "b 1 2\nc\xC2\x85 3 4\n", "a\xC2\xA0" "b|c\xC2\x85", 2, 2, four);
}

static void malformed_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "no lines of a word and its numbers"},
        {"\n\n", "no lines of a word and its numbers"},
        {"the\nof\n", "no lines of a word and its numbers"},
        {"a 1 2 3\nb 1 2\n", "line 2, byte 13: the line has too few numbers"},
        {"a 1 2\nb 1 x\nc 3 4\n", "line 2, byte 10: a number was expected"},
        {"a 1 2\nb 1 2\na 3 4\n", "line 3, byte 12: a word stands twice (duplicates = 'first' keeps the first)"},
        {"2 2\na 1 2\nb 1 2\nc 1 2\n", "line 4, byte 16: more words than the first line says"},
        {"4 2\na 1.000 2\nb 1 2\nc 1 2\n", "fewer words than the first line says"},
        {"400 2\na 1 2\nb 1 2\nc 1 2\n", "claims more than the file can hold"},
        {"a\xff 1 2\nb 1 2\n",
         "line 1, byte 0: a word that is not valid UTF-8 (encoding_errors = 'replace' or 'skip' goes on)"},
        {"a 1 2\nb\x01 1 2\n", "line 2, byte 6: a word with a control character"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_vocab *v;
        em_tensor *m;
        put_bytes(cases[i].text, strlen(cases[i].text));
        assert_fails(read_vectors(&v, &m, "glove", NULL), EM_EFORMAT, cases[i].part);
        assert_non_null(strstr(em_error(), path));
    }
}

static void damaged_files_are_refused_or_read(void **state)
{
    (void)state;
    const char text[] = ". . 1 -2.5e1\n\xC3\xA9t 3 4\nc .5 6 \n";
    read_damaged("glove", NULL, text, sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(words_and_numbers_are_told_apart),
        FILE_TEST(malformed_files_are_refused),
        FILE_TEST(damaged_files_are_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
