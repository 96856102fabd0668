/* Rows and cells of text, worked out by hand. */
#include "io/csv_scan.h"

#include <stdio.h>

#include "support.h"

static char room[2048 + EM_NUMBER_PADDING];

static const char *text_of(const char *text)
{
    memset(room, 0, sizeof room);
    memcpy(room, text, strlen(text));
    return room;
}

static const char *const missing[] = {"", "NA", "-9"};

static em__csv_dialect dialect(char sep)
{
    em__csv_dialect d = {.sep = sep, .quote = '"', .comment = '#', .decimal = '.', .missing = missing, .n_missing = 3};
    em__csv_dialect_finish(&d);
    return d;
}

/* The cells of a row as [a][b], with what a quoted one means. */
static void assert_cells(char sep, const char *row, const char *want)
{
    const em__csv_dialect d = dialect(sep);
    char got[256] = "";
    const char *p = text_of(row), *end = p + strlen(row);
    em__csv_cell cell;
    do {
        char copy[128] = "";
        em__csv_cell_read(&d, p, end, &cell);
        if (cell.fault) {
            strcat(got, em__csv_fault_text[cell.fault]);
            break;
        }
        if (cell.quoted)
            copy[em__csv_cell_copy(&d, cell.at, cell.n, copy)] = 0;
        else
            memcpy(copy, cell.at, (size_t)cell.n);
        if (cell.quoted) assert_int_equal(strlen(copy), cell.n - cell.doubled);
        snprintf(got + strlen(got), sizeof got - strlen(got), "[%s]", copy);
        p = cell.next;
    } while (em__csv_more(&d, &p));
    assert_string_equal(got, want);
}

static void cells_end_where_they_should(void **state)
{
    (void)state;
    assert_cells(',', "a,b\n", "[a][b]");
    assert_cells(',', "a, b ,\r\n", "[a][ b ][]");
    assert_cells(',', "\n", "[]");
    assert_cells(',', "\"a,b\",\"c\"\"d\",\"\"\n", "[a,b][c\"d][]");
    assert_cells(',', "\"two\nlines\",x\n", "[two\nlines][x]");
    assert_cells(',', "5\" disk,a\"b\"\n", "[5\" disk][a\"b\"]");
    assert_cells(',', "\"\"\"\"\n", "[\"]");
    assert_cells(',', "x,\"a\"b\n", "[x]text behind the closing quote of a cell");
    assert_cells(',', "x,\"ab\n", "[x]a quote that is not closed");
    assert_cells(' ', "a   b\t c  \n", "[a][b][c]");
    assert_cells('\t', "a \t\tc\n", "[a ][][c]");
    assert_cells(';', "1,5;2\r", "[1,5][2]");
}

static void rows_end_outside_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int end;                /* -1: none */
        int quote;              /* that is not closed; -1 */
    } cases[] = {
        {"a,b\nc\n", 4, -1}, {"a\r\nb", 3, -1}, {"a\rb", 2, -1}, {"\"a\nb\",c\nd", 8, -1}, {"a,\"b\n", -1, 2},
        {"a,b", -1, -1}, {"# it's \"\nx\n", 9, -1}, {"a\"b\nc\"\n", 4, -1}, {"\n", 1, -1}, {"\"a\"\"\n\"\n", 7, -1},
    };
    const em__csv_dialect d = dialect(',');
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *p = text_of(cases[i].text), *quote;
        const char *end = em__csv_row_end(&d, p, p + strlen(p), &quote);
        assert_int_equal(end ? end - p : -1, cases[i].end);
        assert_int_equal(quote ? quote - p : -1, cases[i].quote);
    }
}

static void lines_that_are_no_rows_are_skipped(void **state)
{
    (void)state;
    static const struct {
        char sep;
        const char *text;
        int next;
    } cases[] = {{',', "\nx", 1}, {',', "  \t\r\nx", 5}, {',', "#c\nx", 3}, {',', " x\n", 0}, {',', ",\n", 0},
                 {'\t', "\t\n", 0}, {'\t', "  \nx", 3}, {' ', " \t \nx", 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const em__csv_dialect d = dialect(cases[i].sep);
        const char *p = text_of(cases[i].text);
        assert_int_equal(em__csv_skip_line(&d, p, p + strlen(p)) - p, cases[i].next);
    }
}

static void missing_texts_are_known(void **state)
{
    (void)state;
    const em__csv_dialect d = dialect(',');
    assert_true(d.numbers_missing);
    assert_true(em__csv_is_missing(&d, "", 0));
    assert_true(em__csv_is_missing(&d, "  ", 2));
    assert_true(em__csv_is_missing(&d, " NA ", 4));
    assert_true(em__csv_is_missing(&d, "-9", 2));
    assert_false(em__csv_is_missing(&d, "N", 1));
    assert_false(em__csv_is_missing(&d, "NAN", 3));
    assert_false(em__csv_is_missing(&d, "-8", 2));
    static const char *const words[] = {"-1.#IND", "nan", "NULL"};
    em__csv_dialect other = {.sep = ',', .decimal = '.', .missing = words, .n_missing = 3};
    em__csv_dialect_finish(&other);
    assert_false(other.numbers_missing);
}

static void bad_bytes_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        int at;
        em__csv_fault fault;
    } cases[] = {
        {"plain", 5, -1, EM_CSV_FINE}, {"caf\xC3\xA9 \xF0\x9F\x90\xA7", 10, -1, EM_CSV_FINE}, {"a\0b", 3, 1,
        EM_CSV_ZERO},
        {"0123456789\xFFz", 12, 10, EM_CSV_UTF8}, {"ab\xC3", 3, 2, EM_CSV_UTF8}, {"\xED\xA0\x80", 3, 0, EM_CSV_UTF8},
        {"\xC0\x80", 2, 0, EM_CSV_UTF8}, {"a\0\xFF", 3, 1, EM_CSV_ZERO}, {"a\xFF\0", 3, 1, EM_CSV_UTF8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em__csv_fault fault;
        const char *bad = em__csv_bad_byte(cases[i].text, cases[i].text + cases[i].n, &fault);
        assert_int_equal(bad ? bad - cases[i].text : -1, cases[i].at);
        assert_int_equal(fault, cases[i].fault);
    }
}

static void lines_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int lines;
    } cases[] = {{"", 0}, {"a", 0}, {"a\n", 1}, {"a\r\nb\r\n", 2}, {"\r\r\n\n", 3}, {"\r", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *p = text_of(cases[i].text);
        assert_int_equal(em__csv_lines(p, p + strlen(p)), cases[i].lines);
    }
    const char *last = text_of("a\r\n");
    assert_int_equal(em__csv_lines(last, last + 2), 1);         /* the \n belongs to what follows */
    memset(room, '\n', 1000);
    assert_int_equal(em__csv_lines(room, room + 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_end_where_they_should),
        cmocka_unit_test(rows_end_outside_quotes),
        cmocka_unit_test(lines_that_are_no_rows_are_skipped),
        cmocka_unit_test(missing_texts_are_known),
        cmocka_unit_test(bad_bytes_are_found),
        cmocka_unit_test(lines_are_counted),
    };
    assert_ok(em__number_prepare());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
