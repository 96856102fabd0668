/* Whole files: the same table however they are cut, and errors that name the place. */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/status.h"
#include "io/csv.h"
#include "temporary_file.h"

static void put_file(const char *text) { put_bytes(text, strlen(text)); }

static const char *const missing[] = {"", "NA", "nan"};

static em__csv_reading plain(void)
{
    return (em__csv_reading){.sep = ",", .quote = "\"", .comment = "", .header = EM_CSV_HEADER, .limit = -1,
                             .missing = {missing, 3}};
}

static em_content *table_of(const em__csv_reading *o)
{
    em_content *t;
    assert_ok(em__csv_read(&t, path, o));
    return t;
}

static em_tensor *numbers(const em_content *t, int64_t at)
{
    assert_int_equal(em_content_at(t, at)->kind, EM_VALUE_TENSOR);
    return em_content_at(t, at)->tensor;
}

static int64_t rows(const em_content *t)
{
    const em_value *value = em_content_at(t, 0);
    return value->kind == EM_VALUE_STRINGS ? em_strings_count(value->strings) : em_tensor_size(value->tensor, 0);
}

static void assert_text(const em_content *t, int64_t column, int64_t row, const char *want)
{
    size_t n;
    assert_int_equal(em_content_at(t, column)->kind, EM_VALUE_STRINGS);
    const char *got = em_strings_get(em_content_at(t, column)->strings, row, &n);
    if (!want) {
        assert_null(got);
        return;
    }
    assert_non_null(got);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(got, want, n);
}

static void a_table_has_its_columns(void **state)
{
    (void)state;
    put_file("\xEF\xBB\xBF" "name,n,x,flag\r\n\"Ann, B\",1,0.5,true\r\n\r\nB\"o,2,NA,False\r\n,3,1e3,true");
    const em__csv_reading o = plain();
    em_content *t = table_of(&o);
    assert_int_equal(em_content_count(t), 4);
    assert_int_equal(rows(t), 3);
    assert_text(t, 0, 0, "Ann, B");
    assert_text(t, 0, 1, "B\"o");
    assert_text(t, 0, 2, NULL);
    assert_tensor(numbers(t, 1), EM_I64, SHAPE(3), VALUES(1, 2, 3));
    assert_tensor(numbers(t, 2), EM_F64, SHAPE(3), VALUES(0.5, NAN, 1000));
    assert_tensor(numbers(t, 3), EM_BOOL, SHAPE(3), VALUES(1, 0, 1));
    em_content_release(t);
}

static void options_hold(void **state)
{
    (void)state;
    put_file("junk \"\n# more\n# note \"\na;b;c\n1,5;x;0\n2;y;1\n7;z;2\n");
    em__csv_reading o = plain();
    const char *const columns[] = {"=b", "#1"}, *const typed[] = {"=a"}, *const types[] = {"number"};
    o.sep = "";
    o.decimal = 1;
    o.comment = "#";
    o.skip = 1;
    o.limit = 2;
    o.columns = (em_texts){columns, 2};
    o.typed = (em_texts){typed, 1};
    o.types = (em_texts){types, 1};
    em_content *t = table_of(&o);
    assert_int_equal(em_content_count(t), 2);
    assert_int_equal(rows(t), 2);
    assert_text(t, 0, 1, "y");
    assert_tensor(numbers(t, 1), EM_F64, SHAPE(2), VALUES(1.5, 2));
    em_content_release(t);
    o = plain();
    o.header = EM_CSV_NO_HEADER;
    o.skip = 6;
    o.sep = ";";
    t = table_of(&o);
    assert_string_equal(em_content_name(t, 0), "column_1");
    assert_tensor(numbers(t, 0), EM_I64, SHAPE(1), VALUES(7));
    em_content_release(t);
    o.limit = 0;
    t = table_of(&o);
    assert_int_equal(rows(t), 0);
    assert_int_equal(em_content_count(t), 3);
    em_content_release(t);
}

static void faults_are_told_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;               /* 0: to its end */
        const char *part;
    } cases[] = {
        {"a,b\n1,2\n3\n", 0, ": line 3, column 2: too few cells in the row: expected 2"},
        {"a,b\n1,2\n\n3,4,5\n", 0, ": line 4, column 5: too many cells in the row: expected 2"},
        {"a,b\n1,\"x\ny\"\n3,\"4\n5,6\n", 0, ": line 4, column 3: a quote that is not closed"},
        {"a,\"b\n", 0, ": line 1, column 3: a quote that is not closed"},
        {"a,b\n\xC3\xA9,\"x\"y\n", 0, ": line 2, column 6: text behind the closing quote of a cell"},
        {"a,b\n1,\xFF\n", 0, ": line 2, column 3: not UTF-8"},
        {"a,b\n1,2\n3,\0\n", 12, ": line 3, column 3: a zero byte"},
        {"a\xFF,b\n1,2\n", 0, ": line 1, column 2: not UTF-8"},
        {"", 0, ": there are no rows in it"},
        {"\n \n", 0, ": there are no rows in it"},
    };
    const em__csv_reading o = plain();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_content *t = (em_content *)1;
        put_bytes(cases[i].text, cases[i].n ? cases[i].n : strlen(cases[i].text));
        assert_fails(em__csv_read(&t, path, &o), EM_EFORMAT, cases[i].part);
        assert_null(t);
        assert_non_null(strstr(em_error(), path));
    }
    em_content *t;
    assert_fails(em__csv_read(&t, "/no/such/file", &o), EM_EIO, "/no/such/file: No such file");
    assert_fails(em__csv_read(&t, "/", &o), EM_EIO, "directory");
    em__csv_reading typed = o;
    const char *const columns[] = {"=b"}, *const types[] = {"integer"}, *const wrong[] = {"real"},
                *const twice[] = {"#1", "=a"};
    typed.typed = (em_texts){columns, 1};
    typed.types = (em_texts){types, 1};
    put_file("a,b\n1,2\n1,\"2.5\"\n");
    assert_fails(em__csv_read(&t, path, &typed), EM_EFORMAT,
            ": line 3, column 3: column 'b': expected a whole number, got '2.5'");
    typed.columns = (em_texts){twice, 2};
    assert_fails(em__csv_read(&t, path, &typed), EM_EVALUE, "option columns: 'a' stands twice");
    typed.columns = (em_texts){0};
    typed.types.at = wrong;
    assert_fails(em__csv_read(&t, path, &typed), EM_EVALUE, "option types: there is no type 'real'");
    typed.types.n = 0;
    assert_fails(em__csv_read(&t, path, &typed), EM_EVALUE, "option types: 0 types of 1 columns");
}

/* ---- files of several blocks ----------------------------------------------------------------------------- */

enum { MANY = 700000 };

/* Column 0 is a whole number; 1 becomes a float in the last row, 2 text in it, 3 was missing until it is text; 4 is
 * text throughout; 5 becomes boolean and text. */
static void put_many(const char *to)
{
    FILE *f = fopen(to, "wb");
    assert_non_null(f);
    fprintf(f, "a,b,c,d,e,f\n");
    for (int i = 0; i < MANY; i++)
        fprintf(f, i < MANY - 1 ? "%d,%d,%04d,,t%d,true\n" : "%d,%d.5,end%d,late,\"t%d\",1\n", i, i, i, i);
    fclose(f);
}

static void check_many(const em_content *t)
{
    char text[32];
    assert_int_equal(rows(t), MANY);
    for (int i = 0; i < MANY; i += i < MANY - 5000 ? 4999 : 1) {
        assert_int_equal(element_int(numbers(t, 0), i), i);
        assert_true(element(numbers(t, 1), i) == i + (i == MANY - 1 ? 0.5 : 0));
        snprintf(text, sizeof text, i < MANY - 1 ? "%04d" : "end%d", i);
        assert_text(t, 2, i, text);
        assert_text(t, 3, i, i < MANY - 1 ? NULL : "late");
        snprintf(text, sizeof text, "t%d", i);
        assert_text(t, 4, i, text);
        assert_text(t, 5, i, i < MANY - 1 ? "true" : "1");
    }
    assert_int_equal(em_tensor_dtype(numbers(t, 1)), EM_F64);
}

static void later_cells_change_a_column_from_its_beginning(void **state)
{
    (void)state;
    const em__csv_reading o = plain();
    put_many(path);
    for (int threads = 1; threads <= 3; threads++) {
        assert_ok(em_set_threads(threads));
        em_content *t = table_of(&o);
        check_many(t);
        em_content_release(t);
    }
    assert_ok(em_set_threads(1));
}

/* A pipe cannot be read again: its blocks are kept. */
static void a_pipe_is_read_as_a_file_is(void **state)
{
    (void)state;
    const em__csv_reading o = plain();
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    const pid_t child = fork();
    if (child == 0) {
        put_many(path);
        _exit(0);
    }
    em_content *t = table_of(&o);
    check_many(t);
    em_content_release(t);
    waitpid(child, NULL, 0);
}

static void quotes_that_hold_line_ends_are_cut_nowhere(void **state)
{
    (void)state;
    enum { ROWS = 200000 };
    const em__csv_reading o = plain();
    FILE *f = fopen(path, "wb");
    fprintf(f, "a,b\n");
    for (int i = 0; i < ROWS; i++) fprintf(f, "%d,\"line\n\"\"%d\"\",\n,,\"\n", i, i);
    fclose(f);
    em_content *t = table_of(&o);
    assert_int_equal(rows(t), ROWS);
    for (int i = 0; i < ROWS; i += 101) {
        char text[64];
        snprintf(text, sizeof text, "line\n\"%d\",\n,,", i);
        assert_text(t, 1, i, text);
        assert_int_equal(element_int(numbers(t, 0), i), i);
    }
    em_content_release(t);
}

static void a_fault_far_back_has_its_line(void **state)
{
    (void)state;
    const em__csv_reading o = plain();
    em_content *t;
    FILE *f = fopen(path, "wb");
    for (int i = 0; i < 2000000; i++) fprintf(f, i == 1777777 ? "x,%d,y\n" : "x,%d\n", i);
    fclose(f);
    assert_fails(em__csv_read(&t, path, &o), EM_EFORMAT, ": line 1777778, column 11: too many cells");
}

static void interrupts_are_heeded(void **state)
{
    (void)state;
    const em__csv_reading o = plain();
    em_content *t;
    put_file("a\n1\n");
    em_interrupt();
    assert_fails(em__csv_read(&t, path, &o), EM_EINTERRUPT, "interrupted");
    em_clear_interrupt();
    assert_null(t);
}

static em_status read_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_content *t;
    (void)out;
    EM_TRY(em__csv_read(&t, path, context));
    em_content_release(t);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em__csv_reading o = plain();
    o.header = EM_CSV_FIND_HEADER;
    put_file("a,b,b,\n1,x,\"y\"\"z\",true\n2.5,,y,false\n");
    assert_true(each_allocation_fails(&(fallible){.call = read_it}, &o) > 15);
}

/* Text in the last block: those before are read again. */
static void allocations_may_fail_later(void **state)
{
    (void)state;
    em__csv_reading o = plain();
    FILE *f = fopen(path, "wb");
    fprintf(f, "a,b\n");
    for (int i = 0; i < 640000; i++) fprintf(f, i < 639999 ? "%d,0.5\n" : "x%d,0.5\n", i);
    fclose(f);
    assert_true(each_allocation_fails(&(fallible){.call = read_it}, &o) > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_table_has_its_columns),
        FILE_TEST(options_hold),
        FILE_TEST(faults_are_told_with_their_place),
        FILE_TEST(later_cells_change_a_column_from_its_beginning),
        FILE_TEST(a_pipe_is_read_as_a_file_is),
        FILE_TEST(quotes_that_hold_line_ends_are_cut_nowhere),
        FILE_TEST(a_fault_far_back_has_its_line),
        FILE_TEST(interrupts_are_heeded),
        FILE_TEST(allocations_may_fail),
        FILE_TEST(allocations_may_fail_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
