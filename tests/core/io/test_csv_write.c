/* Tables written: the bytes, and that they read back. */
#include <math.h>
#include <stdio.h>

#include "base/status.h"
#include "io/csv.h"
#include "temporary_file.h"

static void assert_file(const char *want)
{
    char got[1024] = "";
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    got[fread(got, 1, sizeof got - 1, f)] = 0;
    fclose(f);
    assert_string_equal(got, want);
}

static void add_numbers(em_content *t, const char *name, em_tensor *x)
{
    assert_ok(em_content_add(t, name, &(em_value){.kind = EM_VALUE_TENSOR, .tensor = x}));
    em_tensor_release(x);
}

static void add_text(em_content *t, const char *name, int n, const char *const *texts)
{
    em_strings *s;
    assert_ok(em_strings_new(&s));
    for (int i = 0; i < n; i++) assert_ok(em_strings_add(s, texts[i], texts[i] ? strlen(texts[i]) : 0));
    assert_ok(em_content_add(t, name, &(em_value){.kind = EM_VALUE_STRINGS, .strings = s}));
    em_strings_release(s);
}

static em_status put(const char *to, const em_content *t, const char *sep, bool header, const char *missing)
{
    return em__csv_write(to, t, &(em__csv_writing){sep, header, missing});
}

static em_content *sample(void)
{
    em_content *t;
    assert_ok(em_content_new(&t));
    add_text(t, "a,b", 3, (const char *const[]){"x,y", NULL, "say \"hi\"\n"});
    add_numbers(t, "i", tensor_of(EM_I64, SHAPE(3), VALUES(-1, 0, 9007199254740992.0)));
    add_numbers(t, "d", tensor_of(EM_F64, SHAPE(3), VALUES(0.1, NAN, 1)));
    add_numbers(t, "f", tensor_of(EM_F32, SHAPE(3), VALUES(0.1, -INFINITY, 1e20)));
    add_numbers(t, "o", tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 0, 1)));
    return t;
}

static void cells_are_as_short_as_they_can_be(void **state)
{
    (void)state;
    em_content *t = sample();
    assert_ok(put(path, t, ",", true, ""));
    assert_file("\"a,b\",i,d,f,o\n\"x,y\",-1,0.1,0.1,true\n,0,,-inf,false\n"
                "\"say \"\"hi\"\"\n\",9007199254740992,1.0,1e+20,true\n");
    assert_ok(put(path, t, ";", false, "NA"));
    assert_file("x,y;-1;0.1;0.1;true\nNA;0;NA;-inf;false\n\"say \"\"hi\"\"\n\";9007199254740992;1.0;1e+20;true\n");
    em_content_release(t);
}

static void a_line_of_its_own_is_a_row(void **state)
{
    (void)state;
    em_content *t;
    assert_ok(em_content_new(&t));
    add_text(t, "a", 3, (const char *const[]){NULL, " ", "b"});
    assert_ok(put(path, t, ",", true, ""));
    assert_file("a\n\"\"\n\" \"\nb\n");
    em_content_release(t);
}

static void doubles_read_back_the_same(void **state)
{
    (void)state;
    enum { N = 20000 };
    const int64_t n = N;
    uint64_t x = 1;
    em_content *t, *back;
    em_tensor *d;
    assert_ok(em_tensor_empty(&d, EM_F64, 1, &n));
    for (int i = 0; i < N; i++) {
        double v;
        do {
            x = x * 6364136223846793005u + 1442695040888963407u;
            memcpy(&v, &x, sizeof v);
        } while (v - v != 0);
        ((double *)em_tensor_data(d))[i] = v;
    }
    assert_ok(em_content_new(&t));
    assert_ok(em_content_add(t, "d", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = d}));
    assert_ok(put(path, t, ",", true, ""));
    const em__csv_reading o = {.sep = ",", .quote = "\"", .comment = "", .header = EM_CSV_HEADER, .limit = -1};
    assert_ok(em__csv_read(&back, path, &o));
    assert_same_bits(d, em_content_at(back, 0)->tensor);
    em_content_release(t);
    em_content_release(back);
    em_tensor_release(d);
}

static void what_a_reader_would_refuse_is_not_written(void **state)
{
    (void)state;
    em_content *t = sample();
    assert_ok(put(path, t, ",", false, ""));
    add_text(t, "bad", 3, (const char *const[]){"fine", "\xFF", ""});
    assert_fails(put(path, t, ",", true, ""), EM_EVALUE, "the text of row 1: not UTF-8");
    em_content_release(t);
    assert_file("\"x,y\",-1,0.1,0.1,true\n,0,,-inf,false\n\"say \"\"hi\"\"\n\",9007199254740992,1.0,1e+20,true\n");
    t = sample();
    assert_fails(put("/no/such/folder/x", t, ",", true, ""), EM_EIO, "/no/such/folder/x");
    em_interrupt();
    assert_fails(put(path, t, ",", true, ""), EM_EINTERRUPT, "interrupted");
    em_clear_interrupt();
    em_content_release(t);
}

static void columns_are_of_one_length(void **state)
{
    (void)state;
    em_content *t = sample();
    add_numbers(t, "l", tensor_of(EM_F64, SHAPE(2), VALUES(1, 2)));
    assert_fails(put(path, t, ",", true, ""), EM_ESHAPE, "column 'l': expected shape (3), got (2)");
    em_content_release(t);
    t = sample();
    add_text(t, "s", 1, (const char *const[]){"x"});
    assert_fails(put(path, t, ",", true, ""), EM_ESHAPE, "column 's': expected shape (3), got a text of another");
    em_content_release(t);
    assert_ok(em_content_new(&t));
    add_numbers(t, "q", tensor_of(EM_F64, SHAPE(2, 1), VALUES(1, 2)));
    assert_fails(put(path, t, ",", true, ""), EM_ESHAPE, "column 'q'");
    em_content_release(t);
    assert_ok(em_content_new(&t));
    assert_ok(em_content_add(t, "b", &(em_value){.kind = EM_VALUE_BYTES, .bytes = "x", .length = 1}));
    assert_fails(put(path, t, ",", true, ""), EM_EVALUE, "column 'b': expected numbers or text");
    em_content_release(t);
}

static em_status write_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    return put(path, context, ",", true, "");
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_content *t = sample();
    assert_true(each_allocation_fails(&(fallible){.call = write_it}, t) >= 2);
    em_content_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(cells_are_as_short_as_they_can_be),
        FILE_TEST(a_line_of_its_own_is_a_row),
        FILE_TEST(doubles_read_back_the_same),
        FILE_TEST(columns_are_of_one_length),
        FILE_TEST(what_a_reader_would_refuse_is_not_written),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
