/* Files below a folder, against folders made here. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "support.h"

static char folder[64];

static const char *below(const char *name)
{
    static char path[4][128];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static const char *const folders[] = {"b", "b/c", "empty"};
static const char *const files[] = {"z.h", "a.h", "a.c", "b/x.h", "b/c/y.h", "b/.h"};

static int make_tree(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/embla-test-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    for (int i = 0; i < 3; i++)
        if (mkdir(below(folders[i]), 0777)) return 1;
    for (int i = 0; i < 6; i++)
        if (close(open(below(files[i]), O_CREAT | O_WRONLY, 0666))) return 1;
    return symlink(folder, below("b/loop")) | symlink(below("a.h"), below("link.h"));
}

static int remove_tree(void **state)
{
    (void)state;
    unlink(below("b/loop"));
    unlink(below("link.h"));
    for (int i = 0; i < 6; i++) unlink(below(files[i]));
    for (int i = 2; i >= 0; i--)
        if (rmdir(below(i == 0 ? "b" : i == 1 ? "b/c" : "empty"))) return 1;
    return rmdir(folder);
}

static void assert_listed(const char *suffix, int n, const char *const *want)
{
    em_files *f;
    assert_ok(em_files_list(&f, folder, suffix, true));
    assert_int_equal(em_files_count(f), n);
    for (int i = 0; i < n; i++) assert_string_equal(em_files_path(f, i), below(want[i]));
    em_files_release(f);
}

static void regular_files_are_listed_in_order(void **state)
{
    (void)state;
    assert_listed(".h", 5, (const char *[]){"a.h", "b/.h", "b/c/y.h", "b/x.h", "z.h"});
    assert_listed("", 6, (const char *[]){"a.c", "a.h", "b/.h", "b/c/y.h", "b/x.h", "z.h"});
    assert_listed(".none", 0, NULL);
}

static void a_folder_alone(void **state)
{
    (void)state;
    static const char *const want[] = {"a.h", "z.h"};
    em_files *f;
    assert_ok(em_files_list(&f, folder, ".h", false));
    assert_int_equal(em_files_count(f), 2);
    for (int i = 0; i < 2; i++) assert_string_equal(em_files_path(f, i), below(want[i]));
    em_files_release(f);
}

/* Deeper than any stack of calls should go, and a folder that is itself a link. */
static void depth_and_links_to_the_folder(void **state)
{
    (void)state;
    enum { DEEP = 300 };
    char deep[64 + 2 * DEEP + 8], link[128];
    size_t n = (size_t)snprintf(deep, sizeof deep, "%s/d", folder);
    for (int i = 0; i < DEEP; i++, n += 2) {
        assert_int_equal(mkdir(deep, 0777), 0);
        memcpy(deep + n, "/d", 3);                          /* the last is a file */
    }
    close(open(deep, O_CREAT | O_WRONLY, 0666));
    em_files *f;
    assert_ok(em_files_list(&f, folder, "d", true));
    assert_int_equal(em_files_count(f), 1);
    assert_string_equal(em_files_path(f, 0), deep);
    em_files_release(f);
    snprintf(link, sizeof link, "%s-link", folder);
    assert_int_equal(symlink(folder, link), 0);
    assert_ok(em_files_list(&f, link, "a.h", true));
    assert_int_equal(em_files_count(f), 1);
    assert_true(!strncmp(em_files_path(f, 0), link, strlen(link)));
    em_files_release(f);
    unlink(link);
    unlink(deep);
    for (int i = 0; i < DEEP; i++) {
        n -= 2;
        deep[n] = 0;
        assert_int_equal(rmdir(deep), 0);
    }
}

static void a_file_lists_itself(void **state)
{
    (void)state;
    em_files *f;
    assert_ok(em_files_list(&f, below("a.h"), ".h", true));
    assert_int_equal(em_files_count(f), 1);
    assert_string_equal(em_files_path(f, 0), below("a.h"));
    em_files_release(f);
    assert_ok(em_files_list(&f, below("a.h"), ".c", true));
    assert_int_equal(em_files_count(f), 0);
    em_files_release(f);
}

/* Where the system has no memory to open a folder with, that is an error. */
static void a_folder_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    em_files *f;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    const em_status s = em_files_list(&f, folder, "", true);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_fails(s, EM_EIO, folder);
    assert_non_null(strstr(em_error(), "Too many open files"));
}

static void missing_folders_are_named(void **state)
{
    (void)state;
    em_files *f = (em_files *)1;
    assert_fails(em_files_list(&f, "/no/such/folder", "", true), EM_EIO, "/no/such/folder: No such file");
    assert_null(f);
}

static em_status list_many(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    (void)out;
    em_files *f;
    EM_TRY(em_files_list(&f, "/usr/include/linux", "", true));
    assert_true(em_files_count(f) > 64);
    em_files_release(f);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    if (access("/usr/include/linux", R_OK)) skip();
    assert_true(each_allocation_fails(&(fallible){.call = list_many}, NULL) >= 5);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(regular_files_are_listed_in_order),
        TREE_TEST(a_folder_alone),
        TREE_TEST(missing_folders_are_named),
        TREE_TEST(depth_and_links_to_the_folder),
        TREE_TEST(a_file_lists_itself),
        TREE_TEST(a_folder_that_cannot_be_opened_is_named),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
