/* Lines of files of text. */
#include <stdio.h>

#include "base/status.h"
#include "temporary_file.h"

static em_lines *lines_of(const char *text, size_t n)
{
    em_lines *l;
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
    assert_ok(em_lines_open(&l, path));
    return l;
}

static void assert_line(em_lines *l, const char *want, size_t length)
{
    const char *text;
    size_t n = 0;
    assert_ok(em_lines_next(l, &text, &n));
    assert_non_null(text);
    assert_int_equal(n, length);
    assert_memory_equal(text, want, length);
}

static void assert_end(em_lines *l)
{
    const char *text = "";
    size_t n;
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(em_lines_next(l, &text, &n));
        assert_null(text);
    }
    em_lines_release(l);
}

static void lines_come_without_their_ends(void **state)
{
    (void)state;
    em_lines *l = lines_of("a\n\nb\r\nc\0d\n\re", 12);
    assert_line(l, "a", 1);
    assert_line(l, "", 0);
    assert_line(l, "b", 1);
    assert_line(l, "c\0d", 3);
    assert_line(l, "\re", 2);
    assert_end(l);
    l = lines_of("a\n", 2);
    assert_line(l, "a", 1);
    assert_end(l);
    assert_end(lines_of("", 0));
    em_lines_release(NULL);
}

/* Longer than any buffer, and ends that fall on its edge. */
static void lines_may_be_long(void **state)
{
    (void)state;
    enum { MOST = 200000 };
    static char text[MOST + 3];
    static const size_t sizes[] = {65534, 65535, 65536, 131072, MOST};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(text, 'x', sizes[i]);
        memcpy(text + sizes[i], "\nyz", 3);
        em_lines *l = lines_of(text, sizes[i] + 3);
        assert_line(l, text, sizes[i]);
        assert_line(l, "yz", 2);
        assert_end(l);
    }
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    em_lines *l = (em_lines *)1;
    assert_fails(em_lines_open(&l, "/no/such/file"), EM_EIO, "/no/such/file: No such file");
    assert_null(l);
    const char *text;
    size_t n;
    assert_ok(em_lines_open(&l, "/tmp"));
    assert_fails(em_lines_next(l, &text, &n), EM_EIO, "/tmp: Is a directory");
    assert_null(text);
    em_lines_release(l);
}

static em_status read_all(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    (void)out;
    em_lines *l;
    const char *text;
    size_t n;
    EM_TRY(em_lines_open(&l, path));
    const em_status s = em_lines_next(l, &text, &n);
    em_lines_release(l);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_lines_release(lines_of("a line\n", 7));
    assert_true(each_allocation_fails(&(fallible){.call = read_all}, NULL) >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(lines_come_without_their_ends),
        FILE_TEST(lines_may_be_long),
        FILE_TEST(what_cannot_be_read_is_named),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
