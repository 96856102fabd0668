/* Files read at any place, and mapped. */
#include "base/mapping.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_file.h"

static int make_digits(void **state)
{
    const int failed = make_path(state);
    put_bytes("0123456789abcdef", 16);
    return failed;
}

static void bytes_are_read_from_any_place(void **state)
{
    (void)state;
    em__source s;
    char got[8] = "";
    assert_ok(em__source_open(&s, path));
    assert_int_equal(s.size, 16);
    assert_int_equal(em__source_read_at(&s, got, 3, 10), 0);
    assert_memory_equal(got, "abc", 4);
    assert_ok(em__source_check(&s, em__source_read_at(&s, got, 0, 16)));
    assert_fails(em__source_check(&s, em__source_read_at(&s, got, 3, 14)), EM_EIO, "has become shorter");
    assert_non_null(strstr(em_error(), path));
    em_interrupt();
    assert_fails(em__source_check(&s, em__source_read_at(&s, got, 3, 0)), EM_EINTERRUPT, "interrupted");
    em_clear_interrupt();
    em__source_close(&s);
    assert_fails(em__source_check(&s, em__source_read_at(&s, got, 3, 0)), EM_EIO, "Bad file descriptor");
    em__source_close(&s);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    em__source s;
    assert_fails(em__source_open(&s, "/no/such/file"), EM_EIO, "/no/such/file: No such file");
    assert_fails(em__source_open(&s, "/tmp"), EM_EIO, "/tmp: Is a directory");
    assert_fails(em__source_open(&s, "/dev/null"), EM_EIO, "/dev/null: expected a regular file");
    unlink(path);
    assert_int_equal(mkfifo(path, 0666), 0);
    assert_fails(em__source_open(&s, path), EM_EIO, "expected a regular file");        /* at once */
}

/* A member of one stored block, as RFC 1952 has it; the sum is zlib's crc32 of the text. */
static void a_packed_source_becomes_that_of_its_bytes(void **state)
{
    (void)state;
    static const unsigned char file[] = "\x1F\x8B\x08\0\0\0\0\0\0\xFF\x01\x03\0\xFC\xFF" "abc\xC2\x41\x24\x35\x03\0\0";
    em__source s;
    char got[4] = "";
    put_bytes(file, sizeof file);           /* the last byte is the string's own */
    assert_ok(em__source_open(&s, path));
    assert_ok(em__source_unpack(&s));
    assert_int_equal(s.size, 3);
    assert_ok(em__source_check(&s, em__source_read_at(&s, got, 2, 1)));
    assert_string_equal(got, "bc");
    em__source_close(&s);
    assert_int_equal(truncate(path, 20), 0);
    assert_ok(em__source_open(&s, path));
    assert_fails(em__source_unpack(&s), EM_EFORMAT, "the file ends in the middle");
    assert_ok(em__source_check(&s, em__source_read_at(&s, got, 2, 1)));     /* it is as it was */
    em__source_close(&s);
}

/* The parts outlive their maker and the file's descriptor; what is written there stays out of the file. */
static void a_mapping_is_kept_by_its_parts(void **state)
{
    (void)state;
    em__source s;
    em__mapping *m;
    em_tensor *a, *b;
    const int64_t four = 4;
    const int64_t blocks = em_memory_blocks();
    assert_ok(em__source_open(&s, path));
    assert_ok(em__mapping_new(&m, &s));
    assert_memory_equal(em__mapping_at(m, 10), "abcdef", 6);
    const em_foreign first = em__mapping_lend(m, 0, 4), last = em__mapping_lend(m, 12, 4);
    assert_ok(em_tensor_from_memory(&a, &first, EM_U8, 1, &four));
    assert_ok(em_tensor_from_memory(&b, &last, EM_U8, 1, &four));
    em__source_close(&s);
    em__mapping_release(m);
    assert_tensor(a, EM_U8, SHAPE(4), VALUES('0', '1', '2', '3'));
    assert_ok(em_tensor_fill(a, 7));
    em_tensor_release(a);
    assert_tensor(b, EM_U8, SHAPE(4), VALUES('c', 'd', 'e', 'f'));
    em_tensor_release(b);
    assert_int_equal(em_memory_blocks(), blocks);
    char got[4];
    assert_ok(em__source_open(&s, path));
    assert_int_equal(em__source_read_at(&s, got, 4, 0), 0);
    assert_memory_equal(got, "0123", 4);
    em__source_close(&s);
    em__mapping_release(NULL);
}

static void an_empty_file_is_not_mapped(void **state)
{
    (void)state;
    em__source s;
    em__mapping *m;
    assert_int_equal(truncate(path, 0), 0);
    assert_ok(em__source_open(&s, path));
    assert_fails(em__mapping_new(&m, &s), EM_EIO, path);
    assert_null(m);
    em__source_close(&s);
}

#define DIGITS_TEST(name) cmocka_unit_test_setup_teardown(name, make_digits, remove_path)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIGITS_TEST(bytes_are_read_from_any_place),
        DIGITS_TEST(what_is_no_regular_file_is_refused),
        DIGITS_TEST(a_packed_source_becomes_that_of_its_bytes),
        DIGITS_TEST(a_mapping_is_kept_by_its_parts),
        DIGITS_TEST(an_empty_file_is_not_mapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
