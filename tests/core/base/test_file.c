/* Files read and written: what stays after a failure, pipes, devices, links, packed files, functions
 * as sources, interrupts. */
#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
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
            em_status s = em__input_open(&in, path);
            if (!s) s = whole ? em__input_read(&in, block, 16, &got) : em__input_byte(&in, &c);
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
    assert_fails(em__input_open(&in, path), EM_EFORMAT, "xz-compressed; unpack it first (unxz -k /");
}

static em_status write_a_file(void *context, em_tensor *created[EM_MAX_OUT])
{
    (void)context;
    (void)created;
    em__output out;
    EM_TRY(em__output_open(&out, path));
    EM_TRY(em__output_write(&out, "new", 3));
    return em__output_commit(&out);
}

static em_status read_a_file(void *context, em_tensor *created[EM_MAX_OUT])
{
    (void)context;
    (void)created;
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

/* ---- appending ----------------------------------------------------------------------------------------- */

static void append(const char *to, const char *text)
{
    em_appender *a;
    assert_ok(em_appender_open(&a, to));
    assert_ok(em_appender_write(a, text, strlen(text)));
    assert_ok(em_appender_sync(a));
    assert_ok(em_appender_close(a));
    em_appender_release(a);
}

static void what_is_appended_is_there_at_once(void **state)
{
    (void)state;
    em_appender *a;
    int64_t size;
    append(path, "one\n");
    assert_ok(em_appender_open(&a, path));
    assert_ok(em_appender_size(a, &size));
    assert_int_equal(size, 4);
    assert_ok(em_appender_write(a, "two\n", 4));
    assert_file("one\ntwo\n", 8);                           /* nothing waits in a buffer */
    append(path, "by another\n");
    assert_ok(em_appender_write(a, "three\n", 6));          /* behind what is there, not where it stopped itself */
    assert_ok(em_appender_write(a, "", 0));
    assert_file("one\ntwo\nby another\nthree\n", 25);
    assert_ok(em_appender_cut(a, 5));
    assert_ok(em_appender_write(a, "!", 1));
    assert_file("one\nt!", 6);
    assert_ok(em_appender_close(a));
    assert_ok(em_appender_close(a));
    assert_fails(em_appender_write(a, "x", 1), EM_EIO, "file: Bad file descriptor");
    assert_fails(em_appender_size(a, &size), EM_EIO, "file: Bad file descriptor");
    em_appender_release(a);
    em_appender_release(NULL);
}

static void what_cannot_be_appended_to_is_refused(void **state)
{
    (void)state;
    em_appender *a;
    assert_fails(em_appender_open(&a, folder), EM_EIO, "Is a directory");
    assert_null(a);
    assert_fails(em_appender_open(&a, "/no/such/folder/file"), EM_EIO, "/no/such/folder/file: No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_fails(em_appender_open(&a, path), EM_EIO, "file: it is no file that can be appended to");
    const int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_fails(em_appender_open(&a, path), EM_EIO, "file: it is no file that can be appended to");
    close(reader);
}

static void a_full_disk_is_reported_with_the_path(void **state)
{
    (void)state;
    em_appender *a;
    assert_ok(em_appender_open(&a, "/dev/full"));
    assert_fails(em_appender_write(a, "x", 1), EM_EIO, "/dev/full: No space left");
    assert_ok(em_appender_sync(a));
    em_appender_release(a);
}

/* A limit on the size of files stands in for a disk that becomes full in the middle of a write. */
static void of_a_write_that_fails_nothing_stays(void **state)
{
    (void)state;
    struct rlimit old, limit;
    em_appender *a;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = (struct rlimit){.rlim_cur = 6, .rlim_max = old.rlim_max};
    assert_ok(em_appender_open(&a, path));
    assert_ok(em_appender_write(a, "old\n", 4));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const em_status s = em_appender_write(a, "new line\n", 9);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_fails(s, EM_EIO, "file: File too large");
    assert_file("old\n", 4);
    assert_ok(em_appender_write(a, "new\n", 4));
    assert_file("old\nnew\n", 8);
    em_appender_release(a);
}

/* ---- in one piece -------------------------------------------------------------------------------------- */

static void a_file_in_one_piece_comes_back(void **state)
{
    (void)state;
    static char big[200000];
    em_bytes *b;
    for (size_t n = 0; n <= sizeof big; n += sizeof big / 2) {
        for (size_t i = 0; i < n; i++) big[i] = (char)(i * 7);
        assert_ok(em_bytes_write(path, big, n));
        assert_file(big, n);
        assert_ok(em_bytes_read(&b, path));
        assert_int_equal(em_bytes_size(b), n);
        if (n) assert_memory_equal(em_bytes_data(b), big, n);
        em_bytes_release(b);
    }
    assert_fails(em_bytes_read(&b, folder), EM_EIO, "Is a directory");
    assert_null(b);
    assert_fails(em_bytes_read(&b, "/no/such/file"), EM_EIO, "/no/such/file: No such file");
    assert_fails(em_bytes_write(folder, "x", 1), EM_EIO, "Is a directory");
    em_bytes_release(NULL);
}

/* ---- folders ------------------------------------------------------------------------------------------- */

static void folders_are_made_with_those_above(void **state)
{
    (void)state;
    char deep[128], wrong[128], far[PATH_MAX + 10];
    struct stat info;
    snprintf(deep, sizeof deep, "%s/a//b/c/", folder);
    snprintf(wrong, sizeof wrong, "%s/file/b", folder);
    for (int again = 0; again < 2; again++) {
        assert_ok(em_make_folder(deep));
        assert_int_equal(stat(deep, &info), 0);
        assert_true(S_ISDIR(info.st_mode));
    }
    assert_ok(em_make_folder("/"));
    put_file("x");
    assert_fails(em_make_folder(wrong), EM_EIO, "/file: Not a directory");
    assert_fails(em_make_folder(path), EM_EIO, "/file: Not a directory");
    assert_fails(em_make_folder(""), EM_EIO, "No such file");
    assert_fails(em_make_folder("/proc/none/b"), EM_EIO, "/proc/none: No such file");
    memset(far, 'f', sizeof far - 1);
    far[sizeof far - 1] = 0;
    assert_fails(em_make_folder(far), EM_EIO, "File name too long");
    for (const char *const *p = (const char *const[]){"a/b/c", "a/b", "a", NULL}; *p; p++) {
        snprintf(deep, sizeof deep, "%s/%s", folder, *p);
        assert_int_equal(rmdir(deep), 0);
    }
}

static void files_are_removed(void **state)
{
    (void)state;
    put_file("x");
    for (int again = 0; again < 2; again++) {           /* one that is not there is fine */
        assert_ok(em_remove_file(path));
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_fails(em_remove_file(folder), EM_EIO, folder);
    put_file("x");
    char below[128];
    snprintf(below, sizeof below, "%s/x", path);
    assert_fails(em_remove_file(below), EM_EIO, "/file/x: Not a directory");
}

static em_status append_to_a_file(void *context, em_tensor *created[EM_MAX_OUT])
{
    (void)context;
    (void)created;
    em_appender *a;
    EM_TRY(em_appender_open(&a, path));
    em_appender_release(a);
    return EM_OK;
}

static em_status read_in_one_piece(void *context, em_tensor *created[EM_MAX_OUT])
{
    (void)context;
    (void)created;
    em_bytes *b;
    EM_TRY(em_bytes_read(&b, path));
    em_bytes_release(b);
    return EM_OK;
}

static em_status give_digits(void *context, unsigned char *to, size_t most, size_t *got)
{
    int *left = context;
    for (*got = 0; *got < most && *left; (*left)--) to[(*got)++] = (unsigned char)('0' + *left % 10);
    return EM_OK;
}

static em_status give_nothing(void *context, unsigned char *to, size_t most, size_t *got)
{
    (void)context, (void)to, (void)most, (void)got;
    return em__fail(EM_EFORMAT, "the source fails");
}

static void a_function_may_be_the_source(void **state)
{
    (void)state;
    enum { N = 200001 };
    em__input in;
    int left = N, byte;
    static char got[N + 5];
    size_t n;
    assert_ok(em__input_open_source(&in, "some member", give_digits, &left, N));
    assert_int_equal(in.size, N);
    assert_ok(em__input_byte(&in, &byte));
    assert_int_equal(byte, '0' + N % 10);
    assert_ok(em__input_read(&in, got, sizeof got, &n));
    assert_int_equal(n, N - 1);
    for (int i = 0; i < N - 1; i++) assert_int_equal(got[i], '0' + (N - 1 - i) % 10);
    assert_int_equal(em__input_offset(&in), N);
    assert_ok(em__input_byte(&in, &byte));
    assert_int_equal(byte, -1);
    em__input_close(&in);
    assert_ok(em__input_open_source(&in, "some member", give_nothing, NULL, -1));
    assert_fails(em__input_byte(&in, &byte), EM_EFORMAT, "the source fails");
    em__input_close(&in);
}

static void any_byte_of_a_file_may_be_gone_to(void **state)
{
    (void)state;
    em__input in;
    char got[4];
    size_t n;
    put_file("0123456789");
    assert_ok(em__input_open_raw(&in, path));
    for (int at = 7; at >= 0; at--) {
        assert_ok(em__input_seek(&in, at));
        assert_int_equal(em__input_offset(&in), at);
        int byte;
        assert_ok(em__input_byte(&in, &byte));
        assert_int_equal(byte, '0' + at);
        assert_ok(em__input_read(&in, got, 2, &n));
        assert_int_equal(n, 2);
        assert_int_equal(got[1], '0' + at + 2);
        assert_int_equal(em__input_offset(&in), at + 3);
    }
    assert_ok(em__input_seek(&in, 20));
    assert_ok(em__input_read(&in, got, 4, &n));
    assert_int_equal(n, 0);
    assert_fails(em__input_seek(&in, -1), EM_EIO, path);
    em__input_close(&in);
}

static void allocations_may_fail(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){.call = write_a_file}, NULL) >= 2);
    assert_true(each_allocation_fails(&(fallible){.call = read_a_file}, NULL) >= 1);
    assert_true(each_allocation_fails(&(fallible){.call = append_to_a_file}, NULL) >= 2);
    assert_true(each_allocation_fails(&(fallible){.call = read_in_one_piece}, NULL) >= 3);
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
        FOLDER_TEST(what_is_appended_is_there_at_once),
        FOLDER_TEST(what_cannot_be_appended_to_is_refused),
        FOLDER_TEST(a_full_disk_is_reported_with_the_path),
        FOLDER_TEST(of_a_write_that_fails_nothing_stays),
        FOLDER_TEST(a_file_in_one_piece_comes_back),
        FOLDER_TEST(folders_are_made_with_those_above),
        FOLDER_TEST(a_function_may_be_the_source),
        FOLDER_TEST(any_byte_of_a_file_may_be_gone_to),
        FOLDER_TEST(files_are_removed),
        FOLDER_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
