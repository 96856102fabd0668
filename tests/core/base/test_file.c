#include "base/file.h"

#include <pthread.h>
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

/* ---- what else may stand at a path --------------------------------------------------------------------- */

static em_status write_text(const char *to, const char *text)
{
    em__output out;
    EM_TRY(em__output_open(&out, to));
    const em_status s = em__output_write(&out, text, strlen(text));
    if (!s) return em__output_commit(&out);
    em__output_discard(&out);
    return s;
}

static void a_link_stays_and_its_file_is_written(void **state)
{
    (void)state;
    char link[128], chain[128];
    struct stat info;
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(chain, sizeof chain, "%s/chain", folder);
    assert_int_equal(symlink("file", link), 0);             /* to what is not there yet */
    assert_int_equal(symlink(link, chain), 0);
    assert_ok(write_text(chain, "new"));
    assert_file("new", 3);
    assert_ok(write_text(link, "newer"));
    assert_file("newer", 5);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(lstat(chain, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(chain, link), 0);              /* in a circle */
    assert_fails(write_text(link, "x"), EM_EIO, "Too many levels of symbolic links");
    unlink(link);
    unlink(chain);
}

static void names_may_be_as_long_as_the_system_takes(void **state)
{
    (void)state;
    char name[256], far[6000];
    memset(name, 'n', 255);
    name[255] = 0;
    snprintf(far, sizeof far, "%s/%s", folder, name);
    assert_ok(write_text(far, "long"));
    em__input in;
    char got[8];
    size_t n;
    assert_ok(em__input_open(&in, far));
    assert_ok(em__input_read(&in, got, sizeof got, &n));
    em__input_close(&in);
    assert_int_equal(n, 4);
    unlink(far);
    snprintf(far, sizeof far, "%s/%sx", folder, name);
    assert_fails(write_text(far, "x"), EM_EIO, "File name too long");
    memset(far, 'f', sizeof far - 1);
    far[sizeof far - 1] = 0;
    assert_fails(write_text(far, "x"), EM_EIO, "File name too long");
}

static void *write_slowly(void *unused)
{
    (void)unused;
    usleep(30000);
    FILE *f = fopen(path, "w");
    fputs("one ", f);
    fflush(f);
    usleep(30000);
    fputs("two", f);
    fclose(f);
    return NULL;
}

static void a_pipe_is_waited_for_and_read_to_its_end(void **state)
{
    (void)state;
    pthread_t writer;
    em__input in;
    char got[32];
    size_t n;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_slowly, NULL), 0);
    assert_ok(em__input_open(&in, path));
    assert_ok(em__input_read(&in, got, sizeof got, &n));
    em__input_close(&in);
    pthread_join(writer, NULL);
    assert_int_equal(n, 7);
    assert_memory_equal(got, "one two", 7);
}

static char read_from_pipe[32];

static void *read_slowly(void *unused)
{
    (void)unused;
    usleep(30000);
    FILE *f = fopen(path, "r");
    read_from_pipe[fread(read_from_pipe, 1, sizeof read_from_pipe - 1, f)] = 0;
    fclose(f);
    return NULL;
}

static void a_pipe_is_written_once_it_has_a_reader(void **state)
{
    (void)state;
    pthread_t reader;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, NULL), 0);
    assert_ok(write_text(path, "through"));
    pthread_join(reader, NULL);
    assert_string_equal(read_from_pipe, "through");
}

/* Nobody is at the other end, ever. */
static void waiting_for_a_pipe_stops_at_an_interrupt(void **state)
{
    (void)state;
    em__input in;
    char got[8];
    size_t n;
    assert_int_equal(mkfifo(path, 0600), 0);
    em_interrupt();
    assert_ok(em__input_open(&in, path));
    assert_fails(em__input_read(&in, got, sizeof got, &n), EM_EINTERRUPT, "reading was interrupted");
    em__input_close(&in);
    assert_fails(write_text(path, "x"), EM_EINTERRUPT, "opening was interrupted");
    em_clear_interrupt();
}

static void a_folder_is_no_file(void **state)
{
    (void)state;
    em__input in;
    char got[8];
    size_t n;
    assert_ok(em__input_open(&in, folder));
    assert_fails(em__input_read(&in, got, sizeof got, &n), EM_EIO, "Is a directory");
    em__input_close(&in);
    assert_fails(write_text(folder, "x"), EM_EIO, "Is a directory");
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
        FOLDER_TEST(a_link_stays_and_its_file_is_written),
        FOLDER_TEST(names_may_be_as_long_as_the_system_takes),
        FOLDER_TEST(a_pipe_is_waited_for_and_read_to_its_end),
        FOLDER_TEST(a_pipe_is_written_once_it_has_a_reader),
        FOLDER_TEST(waiting_for_a_pipe_stops_at_an_interrupt),
        FOLDER_TEST(a_folder_is_no_file),
        FOLDER_TEST(a_packed_file_is_refused_by_its_first_bytes),
        FOLDER_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
