/* The error sentence: recorded, cut, passed up, one a thread. */
#include "base/status.h"

#include "support.h"

#include <math.h>
#include <pthread.h>

static void a_failure_is_recorded(void **state)
{
    (void)state;
    assert_int_equal(em__fail(EM_ERANGE, "index %d of %s", 12, "weight"), EM_ERANGE);
    assert_string_equal(em_error(), "index 12 of weight");
    assert_int_equal(em__fail_memory("a table", 640), EM_ENOMEM);
    assert_string_equal(em_error(), "not enough memory (640 bytes for a table)");
}

/* C may write a sign before it. */
static void nan_has_no_sign(void **state)
{
    (void)state;
    em__fail(EM_EVALUE, "range %g to %g, x = %f of a-nan-na", -(double)NAN, (double)NAN, -(double)NAN);
    assert_string_equal(em_error(), "range nan to nan, x = nan of a-nan-na");
}

static void a_sentence_may_hold_the_one_before(void **state)
{
    (void)state;
    em__fail(EM_EIO, "no such file");
    em__fail(EM_EIO, "load: %s (%s)", em_error(), em_error());
    assert_string_equal(em_error(), "load: no such file (no such file)");
}

static void a_long_sentence_is_cut(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    em__fail(EM_EVALUE, "%s", text);
    const size_t length = strlen(em_error());
    assert_true(length > 500 && length < sizeof text - 1);
    assert_memory_equal(em_error(), text, length);
}

static em_status fails(int *calls)
{
    ++*calls;
    return em__fail(EM_ESHAPE, "does not fit");
}

static em_status passes_up(int *calls, int *after)
{
    EM_TRY(EM_OK);
    EM_TRY(fails(calls));
    ++*after;
    return EM_OK;
}

static void try_passes_a_code_up_once(void **state)
{
    (void)state;
    int calls = 0, after = 0;
    assert_fails(passes_up(&calls, &after), EM_ESHAPE, "does not fit");
    assert_int_equal(calls, 1);
    assert_int_equal(after, 0);
}

static void every_code_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(em_status_text(EM_OK), "ok");
    assert_string_equal(em_status_text(EM_ENOMEM), "not enough memory");
    for (int code = EM_OK; code <= EM_ECALLBACK; code++)
        for (int other = EM_OK; other < code; other++)
            assert_string_not_equal(em_status_text((em_status)code), em_status_text((em_status)other));
    assert_string_equal(em_status_text((em_status)99), "unknown status");
}

static void *fail_elsewhere(void *unused)
{
    (void)unused;
    em__fail(EM_EIO, "on the other thread");
    return NULL;
}

static void each_thread_has_its_own_sentence(void **state)
{
    (void)state;
    pthread_t thread;
    em__fail(EM_EIO, "on this thread");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(em_error(), "on this thread");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_recorded),
        cmocka_unit_test(nan_has_no_sign),
        cmocka_unit_test(a_sentence_may_hold_the_one_before),
        cmocka_unit_test(a_long_sentence_is_cut),
        cmocka_unit_test(try_passes_a_code_up_once),
        cmocka_unit_test(every_code_has_a_text),
        cmocka_unit_test(each_thread_has_its_own_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
