#include "base/file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/embla-test-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

/* Fails if a temporary file was left behind. */
static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void put_file(const char *bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(bytes, f);
    fclose(f);
}

static void assert_file(const char *want, size_t n)
{
    static char got[300000];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(got, 1, sizeof got, f), n);
    fclose(f);
    assert_memory_equal(got, want, n);
}

static void what_is_written_is_there_after_commit(void **state)
{
    (void)state;
    static char big[200000];
    for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7);
    em__output out;
    assert_ok(em__output_open(&out, path));
    for (size_t at = 0, n = 0; at < sizeof big; at += n, n = (3 * n + 1) % 90000)
        assert_ok(em__output_write(&out, big + at, at + n < sizeof big ? n : (n = sizeof big - at)));
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(em__output_commit(&out));
    assert_file(big, sizeof big);
    em__output_discard(&out);
    assert_file(big, sizeof big);
}

static void a_discarded_file_leaves_the_old_one(void **state)
{
    (void)state;
    put_file("old");
    em__output out;
    assert_ok(em__output_open(&out, path));
    assert_ok(em__output_write(&out, "new", 3));
    em__output_discard(&out);
    assert_file("old", 3);
}

static void the_old_mode_is_kept(void **state)
{
    (void)state;
    put_file("old");
    chmod(path, 0640);
    em__output out;
    assert_ok(em__output_open(&out, path));
    assert_ok(em__output_commit(&out));
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
    assert_int_equal(info.st_size, 0);
}

static void a_device_is_written_not_replaced(void **state)
{
    (void)state;
    em__output out;
    assert_ok(em__output_open(&out, "/dev/null"));
    assert_ok(em__output_write(&out, "x", 1));
    assert_ok(em__output_commit(&out));
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void a_full_device_is_reported(void **state)
{
    (void)state;
    em__output out;
    assert_ok(em__output_open(&out, "/dev/full"));
    assert_ok(em__output_write(&out, "x", 1));
    assert_fails(em__output_commit(&out), EM_EIO, "/dev/full: No space left");
}

static void failures_name_path_and_reason(void **state)
{
    (void)state;
    em__output out;
    em__input in;
    assert_fails(em__output_open(&out, "/no/such/folder/file"), EM_EIO, "/no/such/folder/file: No such file");
    assert_fails(em__output_open(&out, folder), EM_EIO, "Is a directory");
    assert_fails(em__input_open(&in, path), EM_EIO, "file: No such file");
    assert_ok(em__input_open(&in, folder));
    int c;
    assert_fails(em__input_byte(&in, &c), EM_EIO, "Is a directory");
    em__input_close(&in);
    em__input_close(&in);
    em__output_discard(&out);
}

static void reading_by_bytes_and_by_blocks_agree(void **state)
{
    (void)state;
    put_file("0123456789");
    em__input in;
    int c;
    char block[16];
    size_t got;
    assert_ok(em__input_open(&in, path));
    assert_int_equal(in.size, 10);
    assert_ok(em__input_byte(&in, &c));
    assert_int_equal(c, '0');
    assert_int_equal(em__input_offset(&in), 1);
    assert_ok(em__input_read(&in, block, 4, &got));
    assert_int_equal(got, 4);
    assert_memory_equal(block, "1234", 4);
    assert_int_equal(em__input_offset(&in), 5);
    assert_ok(em__input_read(&in, block, 16, &got));
    assert_int_equal(got, 5);
    assert_memory_equal(block, "56789", 5);
    assert_ok(em__input_byte(&in, &c));
    assert_int_equal(c, -1);
    assert_int_equal(em__input_offset(&in), 10);
    em__input_close(&in);
}

static void a_packed_file_is_refused_by_its_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *name;           /* null: it is read */
    } cases[] = {
        {"\x1F\x8B\x08", "gzip-compressed; unpack it first (gunzip -k /"},
        {"BZh91AY&SY", "bzip2-compressed; unpack it first (bunzip2 -k /"},
        {"\xFD" "7zXZ", NULL}, {"BZh9", NULL}, {"\x1F", NULL}, {"PK", NULL}, {"x\x1F\x8B", NULL}, {"", NULL},
        {"\x28\xB5\x2F\xFD", "zstd-compressed"}, {"PK\x03\x04", "zip-compressed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int whole = 0; whole < 2; whole++) {
            em__input in;
            char block[16];
            size_t got;
            int c;
            put_file(cases[i].bytes);
            assert_ok(em__input_open(&in, path));
            const em_status s = whole ? em__input_read(&in, block, 16, &got) : em__input_byte(&in, &c);
            if (cases[i].name)
                assert_fails(s, EM_EFORMAT, cases[i].name);
            else
                assert_ok(s);
            em__input_close(&in);
        }
    FILE *f = fopen(path, "wb");                /* its last byte is a zero */
    fwrite("\xFD" "7zXZ", 1, 6, f);
    fclose(f);
    em__input in;
    int c;
    assert_ok(em__input_open(&in, path));
    assert_fails(em__input_byte(&in, &c), EM_EFORMAT, "xz-compressed; unpack it first (unxz -k /");
    em__input_close(&in);
}

static em_status write_a_file(void *context, em_tensor *made[EM_MAX_OUT])
{
    (void)context;
    (void)made;
    em__output out;
    EM_TRY(em__output_open(&out, path));
    EM_TRY(em__output_write(&out, "new", 3));
    return em__output_commit(&out);
}

static em_status read_a_file(void *context, em_tensor *made[EM_MAX_OUT])
{
    (void)context;
    (void)made;
    em__input in;
    EM_TRY(em__input_open(&in, "/dev/null"));
    em__input_close(&in);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){.call = write_a_file}, NULL) >= 2);
    assert_true(each_allocation_fails(&(fallible){.call = read_a_file}, NULL) >= 1);
}

#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(what_is_written_is_there_after_commit),
        FOLDER_TEST(a_discarded_file_leaves_the_old_one),
        FOLDER_TEST(the_old_mode_is_kept),
        FOLDER_TEST(a_device_is_written_not_replaced),
        FOLDER_TEST(a_full_device_is_reported),
        FOLDER_TEST(failures_name_path_and_reason),
        FOLDER_TEST(reading_by_bytes_and_by_blocks_agree),
        FOLDER_TEST(a_packed_file_is_refused_by_its_first_bytes),
        FOLDER_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
