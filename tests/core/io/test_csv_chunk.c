/* Cells as values: what a column becomes as its cells are read. */
#include "io/csv_chunk.h"

#include <math.h>

#include "support.h"

enum { MOST = 8, ROWS = 64 };
static char room[1024 + EM_NUMBER_PADDING];
static em__csv_value values[MOST * ROWS];
static unsigned char kinds[MOST];
static int64_t absent[MOST], bytes[MOST];
static const char *const missing[] = {"", "NA"};

/* Reads a text whose columns are of these kinds so far. */
static em__csv_chunk read(const char *text, int64_t columns, const unsigned char *before, const em__csv_type *types)
{
    static em__csv_dialect d;
    static const int64_t place[MOST] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const em__csv_type any[MOST];
    d = (em__csv_dialect){.sep = ',', .quote = '"', .decimal = '.', .missing = missing, .n_missing = 2};
    em__csv_dialect_finish(&d);
    memset(room, 0, sizeof room);
    memcpy(room, text, strlen(text));
    memset(kinds, 0, sizeof kinds);
    if (before) memcpy(kinds, before, (size_t)columns);
    em__csv_block b = {&d, room, columns, types ? types : any, place, values, ROWS};
    em__csv_chunk c = {.begin = room, .end = room + strlen(text), .kinds = kinds, .missing = absent, .bytes = bytes};
    em__csv_chunk_read(&b, &c);
    return c;
}

static void columns_become_what_their_cells_are(void **state)
{
    (void)state;
    static const struct {
        const char *cells;
        em__csv_kind kind;
    } cases[] = {
        {"1\n2\n", EM_CSV_IS_INTEGER}, {"1\n2.5\n", EM_CSV_IS_NUMBER}, {"1\nNA\n", EM_CSV_IS_NUMBER},
        {"NA\n1\n", EM_CSV_IS_NUMBER}, {"NA\nNA\n", EM_CSV_IS_NONE}, {"true\nFALSE\n", EM_CSV_IS_BOOLEAN},
        {"true\nNA\n", EM_CSV_IS_BOOLEAN}, {"NA\ntrue\n", EM_CSV_IS_BOOLEAN}, {"true\n1\n", EM_CSV_IS_LATE},
        {"1\ntrue\n", EM_CSV_IS_LATE}, {"1\nx\n2\n", EM_CSV_IS_LATE}, {"1\n-0\n", EM_CSV_IS_NUMBER},
        {"1\n99999999999999999999\n", EM_CSV_IS_NUMBER}, {" 1 \n\" 2\"\n", EM_CSV_IS_INTEGER}, {"1e3\n",
        EM_CSV_IS_NUMBER},
        {"inf\n", EM_CSV_IS_NUMBER}, {"0x1\n", EM_CSV_IS_LATE}, {"1 2\n", EM_CSV_IS_LATE}, {"", EM_CSV_IS_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const em__csv_chunk c = read(cases[i].cells, 1, NULL, NULL);
        if (c.fault || kinds[0] != cases[i].kind) fail_msg("%s: fault %d, kind %d", cases[i].cells, c.fault, kinds[0]);
    }
}

static void values_change_with_their_column(void **state)
{
    (void)state;
    read("9007199254740993\n-7\n0.5\nNA\n3\n", 1, NULL, NULL);
    const double want[] = {9007199254740992.0, -7, 0.5, NAN, 3};
    for (int i = 0; i < 5; i++) assert_true(values[i].x == want[i] || (i == 3 && isnan(values[i].x)));
    assert_int_equal(absent[0], 1);
    read("9007199254740993\n+7\n", 1, NULL, NULL);
    assert_int_equal(values[0].i, 9007199254740993);
    assert_int_equal(values[1].i, 7);
    read("5\n", 1, (const unsigned char[]){EM_CSV_IS_NUMBER}, NULL);
    assert_true(values[0].x == 5);
    const em__csv_chunk c = read("true,1\n,2\nFalse,3\n", 2, NULL, NULL);
    assert_int_equal(c.rows, 3);
    assert_true(values[0].x == 1 && isnan(values[1].x) && values[2].x == 0);
    assert_int_equal(values[ROWS + 2].i, 3);
}

static void text_is_noted_where_it_lies(void **state)
{
    (void)state;
    const unsigned char text[] = {EM_CSV_IS_TEXT, EM_CSV_IS_LEFT_OUT};
    const em__csv_chunk c = read("ab,1\n\"c\"\"d\",x\nNA,\n", 2, text, NULL);
    assert_int_equal(c.rows, 3);
    assert_int_equal(values[0].text.at, 0);
    assert_int_equal(values[0].text.n, 2);
    assert_int_equal(values[1].text.at, 6);
    assert_true(values[1].text.n == (4 | EM_CSV_DOUBLED));
    assert_true(values[2].text.n == EM_CSV_NO_TEXT);
    assert_int_equal(bytes[0], 5);
    assert_int_equal(absent[0], 1);
}

static void the_first_fault_stops(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        em__csv_fault fault;
        int at, rows;
        em__csv_type type;       /* of the first column */
    } cases[] = {
        {"1,2\n3\n4,5,6\n", EM_CSV_FEW_CELLS, 5, 1, EM_CSV_ANY}, {"1,2\n4,5,6\n", EM_CSV_MANY_CELLS, 8, 1, EM_CSV_ANY},
        {"1,\"2\"x\n", EM_CSV_AFTER_QUOTE, 5, 0, EM_CSV_ANY}, {"1,2\n\xFF,2\n", EM_CSV_UTF8, 4, 0, EM_CSV_ANY},
        {"1,2\nx,3\n", EM_CSV_TYPE, 4, 1, EM_CSV_NUMBER}, {"1,2\n1.5,3\n", EM_CSV_TYPE, 4, 1, EM_CSV_INTEGER},
        {"1,2\n,3\n", EM_CSV_TYPE, 4, 1, EM_CSV_INTEGER}, {"true,2\n1,3\n", EM_CSV_TYPE, 7, 1, EM_CSV_BOOLEAN},
    };
    static const unsigned char before[] = {EM_CSV_IS_NONE, EM_CSV_IS_BOOLEAN, EM_CSV_IS_INTEGER, EM_CSV_IS_NUMBER};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const em__csv_type types[] = {cases[i].type, EM_CSV_ANY};
        const unsigned char start[] = {before[cases[i].type], EM_CSV_IS_NONE};
        const em__csv_chunk c = read(cases[i].text, 2, start, types);
        if (c.fault != cases[i].fault || c.fault_at - room != cases[i].at || c.rows != cases[i].rows)
            fail_msg("%s: fault %d at %d", cases[i].text, c.fault, (int)(c.fault_at - room));
    }
}

static void rows_are_never_more_than_said(void **state)
{
    (void)state;
    assert_int_equal(em__csv_most_rows(100, 5, 3), 5);
    assert_int_equal(em__csv_most_rows(4, 1000, 1), 3);         /* "a\nb\n" is two, one begun */
    assert_int_equal(em__csv_most_rows(9, 1000, 3), 4);
    assert_int_equal(em__csv_kind_of_both(EM_CSV_IS_NONE, EM_CSV_IS_INTEGER), EM_CSV_IS_NUMBER);
    assert_int_equal(em__csv_kind_of_both(EM_CSV_IS_NUMBER, EM_CSV_IS_INTEGER), EM_CSV_IS_NUMBER);
    assert_int_equal(em__csv_kind_of_both(EM_CSV_IS_NUMBER, EM_CSV_IS_BOOLEAN), EM_CSV_IS_LATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_become_what_their_cells_are),
        cmocka_unit_test(values_change_with_their_column),
        cmocka_unit_test(text_is_noted_where_it_lies),
        cmocka_unit_test(the_first_fault_stops),
        cmocka_unit_test(rows_are_never_more_than_said),
    };
    assert_ok(em__number_prepare());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
