/* Separators and headers found out. */
#include "io/csv_guess.h"

#include "support.h"

static char room[2048 + EM_NUMBER_PADDING];

static const char *text_of(const char *text)
{
    memset(room, 0, sizeof room);
    memcpy(room, text, strlen(text));
    room[strlen(text)] = '\n';
    return room;
}

static const char *const missing[] = {"", "NA"};

static em__csv_dialect dialect(char sep, char decimal)
{
    em__csv_dialect d = {.sep = sep,
            .quote = '"', .comment = '#', .decimal = decimal, .missing = missing, .n_missing = 2};
    if (sep) em__csv_dialect_finish(&d);
    return d;
}

static void separators_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char decimal, sep;
    } cases[] = {
        {"a,b\n1,2\n", '.', ','}, {"a;b\n1;2\n", '.', ';'}, {"a\tb\n1\t2\n", '.', '\t'}, {"a|b\n1|2\n", '.', '|'},
        {"a b\n1  2\n", '.', ' '}, {"a;b\n1,5;2,5\n", ',', ';'}, {"a;b\n1,5;2,5\n", '.', ';'}, {"a\n1\n", '.', ','},
        {"name,text\n1,\"a;b\"\n2,\"c;d;e\"\n", '.', ','}, {"a,b\n1,2,3\n", '.', ','}, {"a;b\n1;2;3\n", '.', ';'},
        {"", '.', ','}, {"", ',', ';'}, {"# x;y\na,b\n1,2\n", '.', ','}, {"date,x\n1 Jan,2\n2 Jan,3\n", '.', ','},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const em__csv_dialect d = dialect(0, cases[i].decimal);
        const char *p = text_of(cases[i].text), *end = p + strlen(cases[i].text);
        const char got = em__csv_guess_separator(&d, p, end, true);
        if (got != cases[i].sep) fail_msg("%s: got '%c'", cases[i].text, got);
    }
}

static void headers_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool header;
    } cases[] = {
        {"a,b\n1,2\n", true}, {"1,2\n3,4\n", false}, {"name,x\nann,1\nbob,2\n", true}, {"ann,1\nbob,2\n", false},
        {"name,town\nann,york\n", true}, {"ann,york\nbob,york\n", false}, {"ann,ann\nbob,leeds\n", false},
        {",a\n0,5\n", true}, {"x,y\n,\nNA,3\n", true}, {"NA,1\n2,3\n", false}, {"a,b\n", true}, {"1,2\n", false},
        {"flag\ntrue\nfalse\n", true}, {"true\nfalse\n", false}, {"a,2019\nx,1\n", false}, {"\"a\",\"b\"\n\"1\",2\n",
        true},
        {"x\n1\nb\n", true}, {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool header;
        const em__csv_dialect d = dialect(',', '.');
        const char *p = text_of(cases[i].text);
        assert_ok(em__csv_guess_header(&d, p, p + strlen(cases[i].text), true, &header));
        if (header != cases[i].header) fail_msg("%s: got %d", cases[i].text, header);
    }
}

static void a_row_cut_off_is_no_sample(void **state)
{
    (void)state;
    const em__csv_dialect d = dialect(',', '.');
    const char *rows[EM_CSV_SAMPLE], *p = text_of("a,b\n\n# c\n1,2\n3"), *end = p + 14;
    assert_int_equal(em__csv_sample(&d, p, end, false, rows), 2);
    assert_ptr_equal(rows[1], p + 9);
    assert_int_equal(em__csv_sample(&d, p, end, true, rows), 3);
    assert_int_equal(em__csv_count_cells(&d, p, end), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators_are_found),
        cmocka_unit_test(headers_are_found),
        cmocka_unit_test(a_row_cut_off_is_no_sample),
    };
    assert_ok(em__number_prepare());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
