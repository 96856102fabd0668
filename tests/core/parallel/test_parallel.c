/* Parallel loops: each element once, chunks that do not depend on the team, interrupts, team sizes. */
#include "parallel/parallel.h"

#include "support.h"

#include <omp.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST = 1 << 20 };
static const int teams[] = {1, 2, 3, 8};
static const int64_t lengths[] = {0, 1, 63, 64, 65, 1000, 32768, 32769, 100000, 300001, MOST};
static const double costs[] = {0, 0.5, 1, 3.7, 128, 1000, 32768, 1e9};
#define COUNT_OF(a) (sizeof(a) / sizeof *(a))

static unsigned char seen[MOST];
static int64_t begins[2][MOST];         /* where the chunk of an element begins, in two runs */

/* ---- what is covered ----------------------------------------------------------------------------------- */

static void assert_each_once(int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (seen[i] != 1) fail_msg("element %lld of %lld was seen %d times", (long long)i, (long long)n, seen[i]);
    memset(seen, 0, sizeof seen);
}

static void chunks_cover_each_element_once(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(teams); t++)
        for (size_t l = 0; l < COUNT_OF(lengths); l++)
            for (size_t c = 0; c < COUNT_OF(costs); c++) {
                em_set_threads(teams[t]);
                const int64_t n = costs[c] > 1000 ? em__min(lengths[l], 1000) : lengths[l];
                EM_PARALLEL_CHUNKS(lo, hi, n, costs[c])
                    for (int64_t i = lo; i < hi; i++) seen[i]++;
                assert_each_once(n);
            }
}

static void single_loops_cover_each_element_once(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(teams); t++)
        for (size_t l = 0; l < COUNT_OF(lengths); l++) {
            em_set_threads(teams[t]);
            EM_PARALLEL_EACH(i, lengths[l], 1000.0)
                seen[i]++;
            assert_each_once(lengths[l]);
            const int64_t few = em__min(lengths[l], 1000);
            EM_PARALLEL_DYNAMIC(i, few, 1e6)
                seen[i]++;
            assert_each_once(few);
        }
}

/* ---- the same for any team ----------------------------------------------------------------------------- */

static void note_chunks(int64_t *begin, int64_t n, double cost, int threads)
{
    em_set_threads(threads);
    EM_PARALLEL_CHUNKS(lo, hi, n, cost)
        for (int64_t i = lo; i < hi; i++) begin[i] = lo;
}

static void chunk_bounds_do_not_depend_on_the_team(void **state)
{
    (void)state;
    for (size_t l = 0; l < COUNT_OF(lengths); l++)
        for (size_t c = 0; c < 6; c++) {
            const int64_t n = lengths[l];
            note_chunks(begins[0], n, costs[c], 1);
            for (size_t t = 1; t < COUNT_OF(teams); t++) {
                note_chunks(begins[1], n, costs[c], teams[t]);
                assert_memory_equal(begins[0], begins[1], (size_t)n * sizeof *begins[0]);
            }
        }
}

static void cheap_chunks_do_not_share_a_cache_line(void **state)
{
    (void)state;
    for (double cost = 0; cost < 512; cost += 0.7) assert_int_equal(em__chunk(cost) % 64, 0);
    assert_int_equal(em__chunk(1e18), 1);
    assert_true(em__chunk(1000) >= 1 && em__chunk(1000) * 1000 <= EM_GRAIN);
}

static void the_lowest_position_is_found(void **state)
{
    (void)state;
    enum { N = 300000 };
    for (size_t t = 0; t < COUNT_OF(teams); t++) {
        em_set_threads(teams[t]);
        memset(seen, 0, N);
        int64_t bad = INT64_MAX;
        EM_PARALLEL_MIN(i, N, bad)
            if (seen[i]) bad = em__min(bad, i);
        assert_int_equal(bad, INT64_MAX);
        seen[299999] = seen[200001] = seen[77] = 1;
        EM_PARALLEL_MIN(i, N, bad)
            if (seen[i]) bad = em__min(bad, i);
        assert_int_equal(bad, 77);
        seen[77] = 0;
        bad = INT64_MAX;
        EM_PARALLEL_MIN(i, N, bad)
            if (seen[i]) bad = em__min(bad, i);
        assert_int_equal(bad, 200001);
        memset(seen, 0, N);
    }
}

/* ---- the team ------------------------------------------------------------------------------------------ */

static void the_default_is_what_openmp_would_use(void **state)
{
    (void)state;                            /* runs first: no number has been chosen yet */
    em_start_threads();
    assert_int_equal(em_threads(), em__min(omp_get_max_threads(), EM_MAX_THREADS));
    assert_true(em_threads_available() >= 1);
    em_set_threads(3);
    em_start_threads();
    assert_int_equal(em_threads(), 3);
}

static void the_number_of_threads_has_bounds(void **state)
{
    (void)state;
    em_set_threads(0);
    assert_int_equal(em_threads(), 1);
    em_set_threads(-5);
    assert_int_equal(em_threads(), 1);
    em_set_threads(100000);
    assert_int_equal(em_threads(), EM_MAX_THREADS);
    em_set_threads(2);
    assert_int_equal(em_threads(), 2);
}

/* The limit is on addresses, of which a sanitizer needs too many; each thread's stack takes some. It
 * stands before the tests of large teams, whose stacks the system keeps for a while and would hand out again. */
static void a_team_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct rlimit before;
    em_set_threads(2);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (!f || fscanf(f, "%ld", &pages) != 1) pages = 0;
    if (f) fclose(f);
    const rlim_t used = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
    if (!pages || used > (rlim_t)1 << 40) skip();
    const struct rlimit now = {used + ((rlim_t)64 << 20), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
    const em_status s = em_set_threads(EM_MAX_THREADS);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(s, EM_ENOMEM);
    assert_non_null(strstr(em_error(), "not enough memory: the system grants no team of 256 threads"));
    assert_int_equal(em_threads(), 2);
    int64_t sum = 0;
    EM_PARALLEL_MIN(i, 1000000, sum)
        if (i == 5) sum = em__min(sum, i - 7);
    assert_int_equal(sum, -2);
}

static void little_work_wakes_nobody(void **state)
{
    (void)state;
    em_set_threads(8);
    assert_int_equal(em__team(0), 1);
    assert_int_equal(em__team(EM_GRAIN), 1);
    assert_int_equal(em__team(2.0 * EM_GRAIN), 8);      /* the whole team: a smaller one would cost its other threads */
    assert_int_equal(em__team(1e18), 8);
    em_set_threads(1);
    assert_int_equal(em__team(1e18), 1);
}

static void inside_and_outside_are_told_apart(void **state)
{
    (void)state;
    em_set_threads(2);
    int inside = 0;
    assert_false(em_in_parallel());
    EM_PARALLEL_EACH(i, 1, 1)
        inside = em_in_parallel();
    assert_true(inside);
    assert_false(em_in_parallel());
}

/* ---- interruption -------------------------------------------------------------------------------------- */

static void an_interrupt_stops_chunks_until_cleared(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(teams); t++) {
        em_set_threads(teams[t]);
        em_interrupt();
        assert_true(em_interrupted());
        EM_PARALLEL_CHUNKS(lo, hi, MOST, 1)
            for (int64_t i = lo; i < hi; i++) seen[i]++;
        for (int64_t i = 0; i < MOST; i++) assert_int_equal(seen[i], 0);
        em_clear_interrupt();
        assert_false(em_interrupted());
        EM_PARALLEL_CHUNKS(lo, hi, MOST, 1)
            for (int64_t i = lo; i < hi; i++) seen[i]++;
        assert_each_once(MOST);
    }
}

static void an_interrupt_that_is_held_back_stops_nothing_until_let(void **state)
{
    (void)state;
    em_set_threads(2);
    em__hold_interrupts();
    em_interrupt();
    EM_PARALLEL_CHUNKS(lo, hi, MOST, 1)
        for (int64_t i = lo; i < hi; i++) seen[i]++;
    assert_each_once(MOST);
    assert_false(em__stop);
    em__let_interrupts();
    assert_true(em__stop && em_interrupted());
    em_clear_interrupt();
    assert_false(em_interrupted());
    em__hold_interrupts();
    em__let_interrupts();
    assert_false(em_interrupted());
}

static void an_interrupt_in_the_middle_leaves_the_rest(void **state)
{
    (void)state;
    em_set_threads(2);
    EM_PARALLEL_CHUNKS(lo, hi, MOST, 1) {
        em_interrupt();
        for (int64_t i = lo; i < hi; i++) seen[i]++;
    }
    int64_t done = 0;
    for (int64_t i = 0; i < MOST; i++) done += seen[i];
    assert_true(done > 0 && done <= 2 * em__chunk(1));
    em_clear_interrupt();
    memset(seen, 0, sizeof seen);
}

static void pieces_cover_a_line_in_order_until_an_interrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        int64_t next = 0;
        EM_PIECES(lo, hi, lengths[i]) {
            assert_int_equal(lo, next);
            assert_true(hi > lo && hi - lo <= EM_GRAIN);
            next = hi;
        }
        assert_int_equal(next, lengths[i]);
    }
    int64_t done = 0, pieces = 0;
    EM_PIECES(lo, hi, MOST) {
        done += hi - lo;
        if (++pieces == 3) em_interrupt();
    }
    assert_int_equal(done, 3 * EM_GRAIN);
    EM_PIECES(lo, hi, MOST) done += hi - lo;
    assert_int_equal(done, 3 * EM_GRAIN);
    em_clear_interrupt();
}

static void an_interrupt_leaves_no_position_unchecked(void **state)
{
    (void)state;
    em_interrupt();
    int64_t bad = INT64_MAX, count = 0;
    EM_PARALLEL_MIN(i, 1000, bad)
        if (i == 999) bad = em__min(bad, i);
    assert_int_equal(bad, 999);
    em_set_threads(1);
    EM_PARALLEL_EACH(i, 1000, 1)
        count++;
    assert_int_equal(count, 1000);
    em_clear_interrupt();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_what_openmp_would_use),
        cmocka_unit_test(a_team_that_cannot_be_is_refused),
        cmocka_unit_test(chunks_cover_each_element_once),
        cmocka_unit_test(single_loops_cover_each_element_once),
        cmocka_unit_test(chunk_bounds_do_not_depend_on_the_team),
        cmocka_unit_test(cheap_chunks_do_not_share_a_cache_line),
        cmocka_unit_test(the_lowest_position_is_found),
        cmocka_unit_test(the_number_of_threads_has_bounds),
        cmocka_unit_test(little_work_wakes_nobody),
        cmocka_unit_test(inside_and_outside_are_told_apart),
        cmocka_unit_test(an_interrupt_stops_chunks_until_cleared),
        cmocka_unit_test(an_interrupt_that_is_held_back_stops_nothing_until_let),
        cmocka_unit_test(an_interrupt_in_the_middle_leaves_the_rest),
        cmocka_unit_test(pieces_cover_a_line_in_order_until_an_interrupt),
        cmocka_unit_test(an_interrupt_leaves_no_position_unchecked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
