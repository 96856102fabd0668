/* Names of columns, made unlike one another. */
#include "io/csv_names.h"

#include <stdio.h>

#include "support.h"

static em_strings *names_of(const char *row)
{
    static char room[256 + EM_NUMBER_PADDING];
    em__csv_dialect d = {.sep = ',', .quote = '"', .decimal = '.'};
    em_strings *names;
    em__csv_dialect_finish(&d);
    memset(room, 0, sizeof room);
    memcpy(room, row, strlen(row));
    assert_ok(em__csv_names(&names, &d, room, room + strlen(row), 0));
    return names;
}

static void assert_names(const em_strings *names, const char *want)
{
    char got[256] = "";
    for (int64_t i = 0; i < em_strings_count(names); i++) {
        size_t n;
        const char *name = em_strings_get(names, i, &n);
        snprintf(got + strlen(got), sizeof got - strlen(got), "[%.*s]", (int)n, name);
    }
    assert_string_equal(got, want);
}

static void names_are_made_unlike(void **state)
{
    (void)state;
    static const struct {
        const char *row, *want;
    } cases[] = {
        {"a,b\n", "[a][b]"}, {" a , \" b \"\n", "[a][\" b \"]"}, {"a,\" b \"\n", "[a][ b ]"}, {"a,a,a\n",
        "[a][a.1][a.2]"},
        {"a,,\n", "[a][column_2][column_3]"}, {"column_2,\n", "[column_2][column_2.1]"},
        {"a,a.1,a\n", "[a][a.1][a.2]"}, {"a,a,a.1\n", "[a][a.1][a.1.1]"}, {"\"x\"\"y\"\n", "[x\"y]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_strings *names = names_of(cases[i].row);
        assert_names(names, cases[i].want);
        em_strings_release(names);
    }
    em_strings *names;
    const em__csv_dialect d = {.sep = ','};
    assert_ok(em__csv_names(&names, &d, NULL, NULL, 3));
    assert_names(names, "[column_1][column_2][column_3]");
    em_strings_release(names);
}

static void columns_are_found(void **state)
{
    (void)state;
    int64_t at;
    em_strings *names = names_of("a,b c,d\n");
    assert_ok(em__csv_find(names, "t.csv", "=b c", "columns", &at));
    assert_int_equal(at, 1);
    assert_ok(em__csv_find(names, "t.csv", "#3", "columns", &at));
    assert_int_equal(at, 2);
    assert_fails(em__csv_find(names, "t.csv", "=b", "types", &at), EM_EVALUE,
                 "option types: there is no column 'b' (t.csv has a, b c, d)");
    assert_fails(em__csv_find(names, "t.csv", "#4", "columns", &at), EM_EVALUE, "there is no column 4: t.csv has 3");
    assert_fails(em__csv_find(names, "t.csv", "#0", "columns", &at), EM_EVALUE, "there is no column 0");
    assert_fails(em__csv_find(names, "t.csv", "#x", "columns", &at), EM_EVALUE, "there is no column x");
    em_strings_release(names);
    names = names_of("#1,=\n");
    assert_ok(em__csv_find(names, "t.csv", "=#1", "columns", &at));
    assert_int_equal(at, 0);
    assert_ok(em__csv_find(names, "t.csv", "==", "columns", &at));
    assert_int_equal(at, 1);
    em_strings_release(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_made_unlike), cmocka_unit_test(columns_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
