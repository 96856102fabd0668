/* Jobs on the background thread: order, waiting, chunks, interrupts. */
#include "parallel/background.h"

#include "support.h"

#include <pthread.h>
#include <time.h>

enum { MANY = 1 << 20 };
static const int teams[] = {1, 2, 8};

typedef struct note {
    pthread_t thread;
    int team;
    _Atomic int runs;
    int64_t begin[MANY];                /* where the chunk of an element begins */
} note;

static void pause_for(long milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static em__background *background(void)
{
    em__background *b;
    assert_ok(em__background_new(&b, "test"));
    return b;
}

static void note_loop(void *with)
{
    note *n = with;
    n->thread = pthread_self();
    n->team = em__team(1e18);
    EM_PARALLEL_CHUNKS(lo, hi, MANY, 3.7)
        for (int64_t i = lo; i < hi; i++) n->begin[i] = lo;
}

static void a_job_runs_on_one_other_thread_in_the_same_chunks(void **state)
{
    (void)state;
    static note here, there;
    em__background *b = background();
    for (size_t t = 0; t < sizeof teams / sizeof *teams; t++) {
        em_set_threads(teams[t]);
        note_loop(&here);
        memset(&there, 0xff, sizeof there);
        em__background_start(b, note_loop, &there);
        em__background_wait(b);
        assert_int_equal(here.team, teams[t]);
        assert_int_equal(there.team, 1);
        assert_false(pthread_equal(here.thread, there.thread));
        assert_memory_equal(here.begin, there.begin, sizeof here.begin);
    }
    em__background_free(b);
}

static _Atomic bool may_end;

/* Two at once would count one. The third does not end before it may. */
static void dawdle(void *with)
{
    note *n = with;
    const int before = n->runs;
    pause_for(20);
    while (before == 2 && !may_end) pause_for(1);
    n->runs = before + 1;
}

static void a_job_waits_for_the_one_before(void **state)
{
    (void)state;
    static note n;
    em__background *b = background();
    for (int i = 0; i < 3; i++) em__background_start(b, dawdle, &n);
    assert_int_equal(n.runs, 2);
    may_end = true;
    em__background_wait(b);
    assert_int_equal(n.runs, 3);
    em__background_wait(b);
    em__background_start(b, dawdle, &n);
    em__background_free(b);
    assert_int_equal(n.runs, 4);
}

static void nothing_is_waited_for_and_freed(void **state)
{
    (void)state;
    em__background_wait(NULL);
    em__background_free(NULL);
    em__background_free(background());
}

static void interrupts_are_counted_though_cleared(void **state)
{
    (void)state;
    const int64_t before = em__interrupts;
    em_interrupt();
    em_clear_interrupt();
    assert_int_equal(em__interrupts, before + 1);
}

static void a_failed_allocation_is_told(void **state)
{
    (void)state;
    em__background *b;
    em_memory_fail_after(0, false);
    assert_fails(em__background_new(&b, "test"), EM_ENOMEM, "a thread");
    em_memory_fail_after(-1, false);
    assert_null(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_on_one_other_thread_in_the_same_chunks),
        cmocka_unit_test(a_job_waits_for_the_one_before),
        cmocka_unit_test(nothing_is_waited_for_and_freed),
        cmocka_unit_test(interrupts_are_counted_though_cleared),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
