/* Blocks of whole rows. */
#include "io/csv_source.h"

#include <stdio.h>

#include "temporary_file.h"

static void put_file(const char *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(text, 1, n, f);
    fclose(f);
}

static void a_file_is_read_to_its_end(void **state)
{
    (void)state;
    em__csv_source s;
    put_file("a\nb", 3);
    assert_ok(em__csv_source_open(&s, path));
    assert_ok(em__csv_source_fill(&s));
    assert_true(s.ended);
    assert_int_equal(s.held, 4);                        /* with the line end that the file lacks */
    assert_memory_equal(s.text, "a\nb\n", 4);
    em__csv_source_take(&s, s.text + 2);
    assert_int_equal(s.line, 1);
    assert_fails(em__csv_source_fail(&s, s.text + 3, "no %s", "good"), EM_EFORMAT, ": line 2, column 2: no good");
    em__csv_source_close(&s);
    em__csv_source_close(&s);
    assert_fails(em__csv_source_open(&s, "/no/such/file"), EM_EIO, "/no/such/file: No such file");
}

static void long_rows_make_the_block_grow(void **state)
{
    (void)state;
    enum { LONG = 10 << 20 };
    em__csv_source s;
    char *text = malloc(LONG);
    memset(text, 'x', LONG);
    put_file(text, LONG);
    assert_ok(em__csv_source_open(&s, path));
    for (int i = 0; !s.ended && i < 10; i++) assert_ok(em__csv_source_fill(&s));
    assert_true(s.ended);
    assert_int_equal(s.held, LONG + 1);
    assert_memory_equal(s.text, text, LONG);
    em__csv_source_close(&s);
    free(text);
}

static void rows_are_cut_where_they_end(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int size, limit;
        int ends[4];            /* ended by 0 */
        int quote;
    } cases[] = {
        {"a\nb\nc\n", 2, -1, {2, 4, 6}, -1}, {"a\nb\nc", 100, -1, {4}, -1}, {"a\rb\r", 100, -1, {4}, -1},
        {"abc", 1, -1, {0}, -1}, {"\"a\nb\"\nc\n", 1, -1, {6, 8}, -1}, {"\"a\nb\n", 1, -1, {0}, 0}, {"x\n\"a\nb\n", 9,
        -1, {2}, 2},
        {"a\n\nb\nc\n", 100, 2, {5}, -1}, {"a\nb\n", 100, 1, {2}, -1}, {"abc\nd\n", 2, -1, {4, 6}, -1},
    };
    em__csv_dialect d = {.sep = ',', .quote = '"', .decimal = '.'};
    em__csv_dialect_finish(&d);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *ends[16], *quote, *text = cases[i].text;
        int64_t n, rows;
        const char *end = em__csv_cut(&d, text, text + strlen(text), cases[i].size, cases[i].limit, ends, &n, &rows,
                &quote);
        int want = 0;
        while (cases[i].ends[want]) want++;
        assert_int_equal(n, want);
        for (int k = 0; k < n; k++) assert_int_equal(ends[k] - text, cases[i].ends[k]);
        assert_ptr_equal(end, n ? ends[n - 1] : NULL);
        assert_int_equal(quote ? quote - text : -1, cases[i].quote);
    }
}

static void bytes_are_read_again(void **state)
{
    (void)state;
    em__csv_source s;
    put_file("ab\ncd", 5);
    assert_ok(em__csv_source_open(&s, path));
    assert_ok(em__csv_source_reread(&s, 3));
    assert_memory_equal(s.text, "ab\n", 3);
    assert_ok(em__csv_source_reread(&s, 3));
    assert_memory_equal(s.text, "cd\n", 3);
    assert_fails(em__csv_source_reread(&s, 3), EM_EFORMAT, "the file changed while it was read");
    em__csv_source_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_file_is_read_to_its_end),
        FILE_TEST(long_rows_make_the_block_grow),
        cmocka_unit_test(rows_are_cut_where_they_end),
        FILE_TEST(bytes_are_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
