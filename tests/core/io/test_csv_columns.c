/* Columns in pieces of several kinds, made whole. */
#include "io/csv_columns.h"

#include <math.h>

#include "support.h"

static em__csv_value values[8];
static unsigned char kinds[2];
static int64_t absent[2], bytes[2];
static const int64_t place[] = {0};
static em__csv_dialect d = {.quote = '"'};

/* One chunk of rows of a kind, added as `kind`. */
static void add(em__csv_column *c, const char *text, em__csv_kind was, em__csv_kind kind, int64_t rows, int64_t missing)
{
    em__csv_block b = {.d = &d, .text = text, .columns = 1, .place = place, .values = values, .rows = 8};
    em__csv_chunk chunk = {.rows = rows, .kinds = kinds, .missing = absent, .bytes = bytes};
    kinds[0] = (unsigned char)was;
    absent[0] = missing;
    assert_ok(em__csv_column_add(c, 0, &b, &chunk, 1, kind, c->text));
    if (!c->text) c->kind = kind > c->kind ? kind : c->kind;
}

static void finish(em__csv_column *c, em_dtype dtype, int64_t n, const double *want)
{
    em_tensor *t;
    em_strings *text;
    assert_ok(em__csv_column_finish(c, &t, &text));
    assert_null(text);
    check_tensor(__FILE__, __LINE__, 0, 0, t, dtype, 1, &n, n, want);
    em_tensor_release(t);
    em__csv_column_free(c);
}

static void whole_numbers_become_floats(void **state)
{
    (void)state;
    em__csv_column c = {0};
    values[0].i = 7;
    values[1].i = -1;
    add(&c, "", EM_CSV_IS_INTEGER, EM_CSV_IS_INTEGER, 2, 0);
    finish(&c, EM_I64, 2, (double[]){7, -1});

    c = (em__csv_column){0};
    add(&c, "", EM_CSV_IS_NONE, EM_CSV_IS_NONE, 1, 1);
    add(&c, "", EM_CSV_IS_INTEGER, EM_CSV_IS_INTEGER, 2, 0);
    finish(&c, EM_F64, 3, (double[]){NAN, 7, -1});

    c = (em__csv_column){0};
    add(&c, "", EM_CSV_IS_INTEGER, EM_CSV_IS_NUMBER, 2, 0);     /* another chunk of the block had floats */
    values[0].x = 0.5;
    add(&c, "", EM_CSV_IS_NUMBER, EM_CSV_IS_NUMBER, 1, 0);
    finish(&c, EM_F64, 3, (double[]){7, -1, 0.5});
}

static void booleans_stay_if_none_is_missing(void **state)
{
    (void)state;
    em__csv_column c = {0};
    values[0].x = 1;
    values[1].x = 0;
    add(&c, "", EM_CSV_IS_BOOLEAN, EM_CSV_IS_BOOLEAN, 2, 0);
    finish(&c, EM_BOOL, 2, (double[]){1, 0});
    c = (em__csv_column){0};
    values[1].x = NAN;
    add(&c, "", EM_CSV_IS_BOOLEAN, EM_CSV_IS_BOOLEAN, 2, 1);
    finish(&c, EM_F64, 2, (double[]){1, NAN});
    c = (em__csv_column){.kind = EM_CSV_IS_NONE};
    finish(&c, EM_F64, 0, NULL);
}

static void a_missing_beginning_becomes_missing_text(void **state)
{
    (void)state;
    em__csv_column c = {0};
    em_tensor *t;
    em_strings *s;
    size_t n;
    add(&c, "", EM_CSV_IS_NONE, EM_CSV_IS_NONE, 2, 2);
    assert_ok(em__csv_column_become_text(&c));
    assert_int_equal(c.late, 0);
    values[0].text.at = 1;
    values[0].text.n = 4 | EM_CSV_DOUBLED;
    values[1].text.n = EM_CSV_NO_TEXT;
    bytes[0] = 3;
    add(&c, "\"a\"\"b\"", EM_CSV_IS_TEXT, EM_CSV_IS_TEXT, 2, 1);
    assert_ok(em__csv_column_finish(&c, &t, &s));
    assert_null(t);
    assert_int_equal(em_strings_count(s), 4);
    assert_int_equal(em_strings_missing(s), 3);
    assert_null(em_strings_get(s, 1, &n));
    assert_memory_equal(em_strings_get(s, 2, &n), "a\"b", 3);
    assert_int_equal(n, 3);
    em_strings_release(s);
    em__csv_column_free(&c);
}

static void values_before_a_text_are_to_be_read_again(void **state)
{
    (void)state;
    em__csv_column c = {0};
    add(&c, "", EM_CSV_IS_INTEGER, EM_CSV_IS_INTEGER, 1, 0);
    add(&c, "", EM_CSV_IS_INTEGER, EM_CSV_IS_INTEGER, 1, 0);
    assert_ok(em__csv_column_become_text(&c));
    assert_int_equal(c.late, 2);
    assert_int_equal(c.pieces.n, 0);
    em__csv_column_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_become_floats),
        cmocka_unit_test(booleans_stay_if_none_is_missing),
        cmocka_unit_test(a_missing_beginning_becomes_missing_text),
        cmocka_unit_test(values_before_a_text_are_to_be_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
