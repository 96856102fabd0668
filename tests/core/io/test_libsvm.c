/* libsvm's format: lines by hand, each way to be malformed with line and column, what is written. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "temporary_file.h"

/* The options as the format's rows describe them. */
typedef struct options {
    int base;
    em_dtype dtype;
    bool dense;
    int64_t features;
} options;
enum { AUTO, ONE, ZERO };
static const options usual = {AUTO, EM_F32, false, -1};

static em_status load(em_content **out, const char *text, const options *o)
{
    put_bytes(text, strlen(text));
    const em_status s = em_format_find("libsvm")->read(out, path, o);
    if (s) assert_null(*out);
    return s;
}

static em_tensor *in(const em_content *c, const char *name)
{
    const em_value *value = em_content_find(c, name);
    return value ? value->tensor : NULL;
}

static void lines_become_sparse_rows(void **state)
{
    (void)state;
    em_content *c;
    assert_ok(load(&c, "+1 1:0.5 3:-2e1 # a comment 9:9\n\n  # nothing\n-1\n2\t2:.25\t7:1.\r\n3 7:inf", &usual));
    assert_tensor(in(c, "labels"), EM_I64, SHAPE(4), VALUES(1, -1, 2, 3));
    assert_tensor(in(c, "offsets"), EM_I64, SHAPE(5), VALUES(0, 2, 2, 4, 5));
    assert_tensor(in(c, "ids"), EM_I64, SHAPE(5), VALUES(0, 2, 1, 6, 6));
    assert_tensor(in(c, "values"), EM_F32, SHAPE(5), VALUES(0.5, -20, 0.25, 1, INFINITY));
    assert_null(in(c, "qid"));
    em_content_release(c);
    assert_ok(load(&c, "1 0:0.1\n1.5 1:1", &(options){AUTO, EM_F64, false, -1}));
    assert_tensor(in(c, "labels"), EM_F64, SHAPE(2), VALUES(1, 1.5));
    assert_tensor(in(c, "ids"), EM_I64, SHAPE(2), VALUES(0, 1));
    assert_tensor(in(c, "values"), EM_F64, SHAPE(2), VALUES(0.1, 1));
    em_content_release(c);
    assert_ok(load(&c, "", &usual));
    assert_tensor(in(c, "labels"), EM_I64, SHAPE(0), NO_VALUES);
    assert_tensor(in(c, "offsets"), EM_I64, SHAPE(1), VALUES(0));
    em_content_release(c);
    assert_ok(load(&c, "1 qid:7 1:1\n2 qid:8", &usual));
    assert_tensor(in(c, "qid"), EM_I64, SHAPE(2), VALUES(7, 8));
    em_content_release(c);
    assert_ok(load(&c, "9223372036854775807\n-9223372036854775808", &usual));
    assert_true(element_int(in(c, "labels"), 0) == INT64_MAX && element_int(in(c, "labels"), 1) == INT64_MIN);
    em_content_release(c);
    assert_ok(load(&c, "9223372036854775808", &usual));
    assert_tensor(in(c, "labels"), EM_F64, SHAPE(1), VALUES(9223372036854775808.0));
    em_content_release(c);
}

static void where_ids_count_from(void **state)
{
    (void)state;
    static const struct {
        int base;
        double first;
    } cases[] = {{AUTO, 1}, {ONE, 1}, {ZERO, 2}};
    em_content *c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(load(&c, "1 2:1", &(options){cases[i].base, EM_F32, false, -1}));
        assert_tensor(in(c, "ids"), EM_I64, SHAPE(1), 1, &cases[i].first);
        em_content_release(c);
    }
}

static void dense_rows(void **state)
{
    (void)state;
    em_content *c;
    assert_ok(load(&c, "1 1:5 3:6\n2\n3 2:7", &(options){AUTO, EM_F32, true, 3}));
    assert_tensor(in(c, "data"), EM_F32, SHAPE(3, 3), VALUES(5, 0, 6, 0, 0, 0, 0, 7, 0));
    assert_int_equal(em_content_count(c), 2);
    em_content_release(c);
    assert_fails(load(&c, "1 1:5", &(options){AUTO, EM_F32, true, -1}), EM_EVALUE, "libsvm.load: option features");
    assert_fails(load(&c, "1 4:5", &(options){AUTO, EM_F32, true, 3}), EM_EFORMAT, "beyond the option features, got 4");
    assert_fails(load(&c, "1 0:1 3:5", &(options){AUTO, EM_F32, true, 3}), EM_EFORMAT, "ids count from 0");
    assert_fails(load(&c, "1 3:5", &(options){ZERO, EM_F32, true, 3}), EM_EFORMAT, "beyond the option features, got 3");
}

static void malformed_lines_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"x 1:1", ": line 1, column 1: a number was expected, got x"},
        {"1\n  two", ": line 2, column 3: a number was expected, got two"},
        {"1,3 1:1", ": line 1, column 1: a line of several labels is not read, got 1,3"},
        {"1:1 2:2", ": line 1, column 1: a label was expected before the first id, got 1"},
        {":1", ": line 1, column 1: a number was expected, got nothing"},
        {"1 5", ": line 1, column 3: id:value was expected, got 5"},
        {"1 1:", ": line 1, column 5: a number was expected, got nothing"},
        {"1 1: 2", ": line 1, column 5: a number was expected, got nothing"},
        {"1 :2", ": line 1, column 3: an integer was expected as id, got nothing"},
        {"1 1.5:2", ": line 1, column 3: an integer was expected as id, got 1.5"},
        {"1 -1:2", ": line 1, column 3: an id from 0 on was expected, got -1"},
        {"1 9223372036854775808:2", "an integer was expected as id"},
        {"1 1:0x10", ": line 1, column 5: a number was expected, got 0x10"},
        {"1 1:1,5", "a number was expected, got 1,5"},
        {"1 1:1:1", ": line 1, column 5: a blank was expected behind the value, got 1"},
        {"1 2:1 2:1", ": line 1, column 7: ids must ascend within a line, got 2"},
        {"1 2:1 1:1", ": line 1, column 7: ids must ascend within a line, got 1"},
        {"1 1:\xFF", "a number was expected, got ?"},
        {"1 qid:1 1:1\n1 1:1", ": line 2, column 6: the line has no qid, which others have"},
        {"1 1:1\n1 qid:1", ": line 2, column 3: a qid that other lines lack"},
        {"1 qid:1 qid:1", ": line 1, column 9: a qid that other lines lack, or a second one"},
        {"1 1:1 qid:1", ": line 1, column 7: an integer was expected as id, got qid"},
        {"1 qid:x", ": line 1, column 7: an integer was expected as qid, got x"},
        {"1 1:1111111111111111111111111111111111111111111111111111111111111111", "at most 63 characters"},
    };
    em_content *c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(load(&c, cases[i].text, &usual), EM_EFORMAT, cases[i].part);
    assert_fails(load(&c, "1 0:1", &(options){ONE, EM_F32, false, -1}), EM_EFORMAT,
                 ": line 1, column 3: an id from 1 on was expected, got 0");
    put_bytes("1 1:1\0", 6);
    assert_fails(em_format_find("libsvm")->read(&c, path, &usual), EM_EFORMAT, "a number was expected, got 1?");
}

/* ---- writing --------------------------------------------------------------------------------------------- */

typedef struct named {
    const char *name;
    em_tensor *tensor;
} named;

/* Takes the tensors over. */
static em_status save(int n, const named *tensors, bool zero_based)
{
    em_content *c;
    assert_ok(em_content_new(&c));
    for (int i = 0; i < n; i++) {
        const em_value value = {.kind = EM_VALUE_TENSOR, .tensor = tensors[i].tensor};
        assert_ok(em_content_add(c, tensors[i].name, &value));
        em_tensor_release(tensors[i].tensor);
    }
    const em_status s = em_format_find("libsvm")->write(path, c, &zero_based);
    em_content_release(c);
    return s;
}

static void assert_text(const char *want)
{
    char got[256];
    FILE *f = fopen(path, "rb");
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    assert_string_equal(got, want);
}

#define NAMED(...) (int)(sizeof((named[]){__VA_ARGS__}) / sizeof(named)), (named[]){__VA_ARGS__}

static void what_is_written(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8");           /* where there is one, numbers get no comma */
    assert_ok(save(NAMED({"labels", tensor_of(EM_I32, SHAPE(3), VALUES(1, -1, 2))},
                         {"offsets", tensor_of(EM_I64, SHAPE(4), VALUES(0, 2, 2, 3))},
                         {"ids", tensor_of(EM_I32, SHAPE(3), VALUES(0, 5, 2))},
                         {"values", tensor_of(EM_F32, SHAPE(3), VALUES(0.5, 0.1f, 1e20))},
                         {"qid", tensor_of(EM_I64, SHAPE(3), VALUES(4, 5, 6))}), true));
    assert_text("1 qid:4 0:0.5 5:0.100000001\n-1 qid:5\n2 qid:6 2:1.00000002e+20\n");
    assert_ok(save(NAMED({"labels", tensor_of(EM_F64, SHAPE(2), VALUES(1.5, 0.1))},
                         {"data", tensor_of(EM_F64, SHAPE(2, 3), VALUES(0, 0.1, 0, 1, 0, 2))}), false));
    assert_text("1.5 2:0.10000000000000001\n0.10000000000000001 1:1 3:2\n");
    setlocale(LC_ALL, "C");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    put_bytes("old", 3);
#define LABELS {"labels", tensor_of(EM_I64, SHAPE(2), VALUES(1, 2))}
#define OFFSETS(...) {"offsets", tensor_of(EM_I64, SHAPE(3), VALUES(__VA_ARGS__))}
#define IDS(...) {"ids", tensor_of(EM_I64, SHAPE(2), VALUES(__VA_ARGS__))}
#define NUMBERS {"values", tensor_of(EM_F32, SHAPE(2), VALUES(1, 2))}
    assert_fails(save(NAMED(LABELS), true), EM_EVALUE, "expected labels, offsets, ids and values");
    assert_fails(save(NAMED(LABELS, OFFSETS(0, 1, 2), IDS(0, 1)), true), EM_EVALUE, "expected labels");
    assert_fails(save(NAMED(LABELS, OFFSETS(0, 1, 2), IDS(0, 1), NUMBERS, {"x", tensor_of(EM_F32, SCALAR, VALUES(1))}),
                      true), EM_EVALUE, "expected labels");
    assert_fails(save(NAMED(LABELS, OFFSETS(0, 3, 2), IDS(0, 1), NUMBERS), true), EM_EVALUE, "offsets must ascend");
    assert_fails(save(NAMED(LABELS, OFFSETS(0, 1, 3), IDS(0, 1), NUMBERS), true), EM_EVALUE, "offsets must ascend");
    assert_fails(save(NAMED(LABELS, OFFSETS(0, 0, 2), IDS(1, 1), NUMBERS), true), EM_EVALUE, "row 1 has 1");
    assert_fails(save(NAMED(LABELS, OFFSETS(0, 1, 2), IDS(-1, 1), NUMBERS), true), EM_EVALUE, "row 0 has -1");
    assert_fails(save(NAMED(LABELS, {"data", tensor_of(EM_F32, SHAPE(3, 1), VALUES(1, 2, 3))}), true), EM_ESHAPE,
                 "data has 3 elements or rows (expected 2)");
    assert_fails(save(NAMED(LABELS, {"data", tensor_of(EM_F32, SHAPE(2), VALUES(1, 2))}), true), EM_ESHAPE,
                 "data has 1 dims (expected 2)");
    assert_fails(save(NAMED(LABELS, OFFSETS(0, 1, 2), {"ids", tensor_of(EM_F32, SHAPE(2), VALUES(1, 2))}, NUMBERS),
                      true), EM_ETYPE, "ids is float32 (expected integers)");
    assert_text("old");
}

static em_status load_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_content *c;
    EM_TRY(em_format_find("libsvm")->read(&c, path, context));
    em_tensor_retain(out[0] = in(c, "labels"));
    em_content_release(c);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    options sparse = usual, dense = {AUTO, EM_F32, true, 3};
    put_bytes("1 qid:1 1:1 2:2\n2 qid:2 3:1", 27);
    assert_true(each_allocation_fails(&(fallible){.call = load_it}, &sparse) >= 12);
    assert_true(each_allocation_fails(&(fallible){.call = load_it}, &dense) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(lines_become_sparse_rows),     FILE_TEST(where_ids_count_from),
        FILE_TEST(dense_rows),                   FILE_TEST(malformed_lines_are_refused),
        FILE_TEST(what_is_written),              FILE_TEST(what_does_not_fit_is_refused),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
