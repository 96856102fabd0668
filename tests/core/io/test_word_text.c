/* Words that are text, and what becomes of others: as Python's bytes.decode("utf-8", "replace") has it. */
#include "io/word_text.h"
#include "support.h"

static void faults_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *word, *fault;
    } cases[] = {
        {"a", NULL}, {"\xC3\xA9t\xC3\xA9", NULL}, {"\xF0\x9F\x98\x80", NULL}, {"\xC2\x85", NULL}, {"", "empty"},
        {"a\x1b[", "control"}, {"\x7f", "control"}, {"a\xff", "UTF-8"}, {"\xC0\xAF", "UTF-8"},
        {"\xED\xA0\x80", "UTF-8"},
        {"\xE2\x82", "UTF-8"}, {"\xF4\x90\x80\x80", "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *fault = em__word_fault(cases[i].word, strlen(cases[i].word));
        assert_int_equal(!fault, !cases[i].fault);
        if (fault) assert_non_null(strstr(fault, cases[i].fault));
    }
    assert_non_null(em__word_fault("a\0b", 3));
}

/* The numbers of U+FFFD are CPython's. */
static void what_is_wrong_is_replaced(void **state)
{
    (void)state;
#define R "\xEF\xBF\xBD"
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"abc", "abc"}, {"a\xff", "a" R}, {"\xE2\x82", R}, {"\xE2\x82x", R "x"}, {"\xE2\x82\xAC", "\xE2\x82\xAC"},
        {"\xF0\x9F\x98", R}, {"\xF0\x9F\x98\xE2\x82\xAC", R "\xE2\x82\xAC"}, {"\xED\xA0\x80", R R R}, {"\xC0\xAF", R R},
        {"\xF4\x90\x80\x80", R R R R}, {"\xE0\x80\x80", R R R}, {"\x80\x80", R R}, {"\xC3", R}, {"\xF5\x80", R R},
        {"a\x01" "b\x7f", "a" R "b" R},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char got[64];
        const size_t n = em__word_replace(got, cases[i].word, strlen(cases[i].word));
        assert_int_equal(n, strlen(cases[i].want));
        assert_memory_equal(got, cases[i].want, n);
        assert_null(em__word_fault(got, n));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(faults_are_told), cmocka_unit_test(what_is_wrong_is_replaced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
