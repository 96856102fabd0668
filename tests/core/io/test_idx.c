/* IDX: bytes written by hand after the format's description, each type, cuts, and headers that promise too much. */
#include <unistd.h>

#include "temporary_file.h"

static em_status load(em_tensor **out)
{
    em_content *c;
    *out = NULL;
    const em_status s = em_format_find("idx")->read(&c, path, NULL);
    if (s) {
        assert_null(c);
        return s;
    }
    assert_int_equal(em_content_count(c), 1);
    em_tensor_retain(*out = em_content_find(c, "data")->tensor);
    em_content_release(c);
    return EM_OK;
}

#define BYTES(text) text, sizeof(text) - 1

static void each_type_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        em_dtype dtype;
        double values[2];
    } cases[] = {
        {BYTES("\0\0\x08\1\0\0\0\2\0\xFF"), EM_U8, {0, 255}},
        {BYTES("\0\0\x09\1\0\0\0\2\x80\x7F"), EM_I32, {-128, 127}},
        {BYTES("\0\0\x0B\1\0\0\0\2\x80\0\1\2"), EM_I32, {-32768, 258}},
        {BYTES("\0\0\x0C\1\0\0\0\2\xFF\xFF\xFF\xFE\1\2\3\4"), EM_I32, {-2, 16909060}},
        {BYTES("\0\0\x0D\1\0\0\0\2\x3F\xC0\0\0\xC0\0\0\0"), EM_F32, {1.5, -2}},
        {BYTES("\0\0\x0E\1\0\0\0\2\x3F\xF8\0\0\0\0\0\0\xC0\0\0\0\0\0\0\0"), EM_F64, {1.5, -2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_tensor *t;
        put_bytes(cases[i].bytes, cases[i].n);
        assert_ok(load(&t));
        assert_tensor(t, cases[i].dtype, SHAPE(2), 2, cases[i].values);
        em_tensor_release(t);
    }
}

static void dims_are_read_in_order(void **state)
{
    (void)state;
    em_tensor *t;
    put_bytes(BYTES("\0\0\x08\2\0\0\0\2\0\0\0\3\1\2\3\4\5\6"));
    assert_ok(load(&t));
    assert_tensor(t, EM_U8, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor_release(t);
    put_bytes(BYTES("\0\0\x08\2\0\0\0\2\0\0\0\0"));
    assert_ok(load(&t));
    assert_tensor(t, EM_U8, SHAPE(2, 0), NO_VALUES);
    em_tensor_release(t);
}

static void malformed_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *part;
    } cases[] = {
        {BYTES(""), ": byte 0: no header of IDX"},
        {BYTES("\0\0\x08"), ": byte 0: no header of IDX"},
        {BYTES("\0\1\x08\1\0\0\0\0"), ": byte 0: no header of IDX"},
        {BYTES("\0\0\x0A\1\0\0\0\0"), ": byte 0: no header of IDX"},
        {BYTES("\0\0\x08\0\1"), ": byte 0: no header of IDX"},
        {BYTES("\0\0\x08\x09" "1234567890"), ": byte 0: no header of IDX"},
        {BYTES("\0\0\x08\2\0\0\0\1\0\0\0"), ": byte 8: the file ends in the size of dim 1"},
        {BYTES("\0\0\x08\1\0\0\0\3\1\2"), ": byte 8: the file ends where 3 bytes of elements should follow"},
        {BYTES("\0\0\x08\1\0\0\0\2\1\2\3"), ": byte 10: more follows than the header says"},
        {BYTES("\0\0\x0E\3\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
         ": byte 16: a shape of too many elements"},
        {BYTES("\0\0\x08\2\0\xFF\xFF\xFF\0\xFF\xFF\xFF" "1"), ": byte 12: the file ends where 281474943156225"},
        {BYTES("\0\0\x08\3\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0" "1"), ": byte 16: a shape of too many elements"},
        {BYTES("\0\0\x0B\5\xFF\4\0\0\0\0\0\0\0\0\0\0\0\0\0\x0B\1\0\0\0" "1"), ": byte 24: a shape of too many"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_tensor *t;
        put_bytes(cases[i].bytes, cases[i].n);
        assert_fails(load(&t), EM_EFORMAT, cases[i].part);
    }
}

static em_status load_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    return load(out);
}

static void allocations_may_fail(void **state)
{
    (void)state;
    put_bytes(BYTES("\0\0\x0B\1\0\0\0\2\x80\0\1\2"));
    assert_true(each_allocation_fails(&(fallible){.call = load_it}, NULL) >= 5);
}

static void a_file_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    const em_format *f;
    put_bytes(BYTES("\0\0\x0B\1\0\0\0\2\x80\0\1\2"));
    assert_ok(em_format_recognize(&f, path));
    assert_ptr_equal(f, em_format_find("idx"));
    put_bytes(BYTES("some text"));
    assert_ok(em_format_recognize(&f, path));
    assert_null(f);
    assert_null(em_format_find("none"));
    assert_fails(em_format_recognize(&f, "/no/such/file"), EM_EIO, "/no/such/file: No such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(each_type_is_read),           FILE_TEST(dims_are_read_in_order),
        FILE_TEST(malformed_files_are_refused), FILE_TEST(allocations_may_fail),
        FILE_TEST(a_file_is_known_by_its_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
