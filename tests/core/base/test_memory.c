/* The allocator: alignment, classes, reuse, zeros, what is given back, counts, failures on demand. */
#include "base/memory.h"

#include "support.h"

#include <stdio.h>
#include <unistd.h>

/* ---- blocks -------------------------------------------------------------------------------------------- */

static const size_t sizes[] = {0,    1,    63,   64,   65,    128,   129,   192,   193,   256,     257,     320,
                               321,  384,  448,  449,  512,   513,   1000,  4096,  4097,  65536,   100000,  1 << 20,
                               (1 << 20) + 1, 3 << 20, 5000000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void blocks_are_aligned_and_writable(void **state)
{
    (void)state;
    unsigned char *block[SIZES];
    for (int i = 0; i < SIZES; i++) {
        block[i] = em__alloc(sizes[i]);
        assert_non_null(block[i]);
        assert_int_equal((uintptr_t)block[i] % 64, 0);
        memset(block[i], i + 1, sizes[i]);
    }
    /* no block reaches into another: all still hold what was written */
    for (int i = 0; i < SIZES; i++)
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(block[i][k], i + 1);
    for (int i = 0; i < SIZES; i++) em__free(block[i], sizes[i]);
}

static void a_block_wastes_at_most_a_fifth(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 3000000; bytes += 1 + bytes / 97) {
        const int64_t before = em_memory_used();
        void *p = em__alloc(bytes);
        const int64_t size = em_memory_used() - before;
        assert_true(size >= (int64_t)bytes);
        assert_int_equal(size % 64, 0);
        assert_true(bytes <= 64 || (double)(size - 63) <= 1.25 * (double)bytes);
        em__free(p, bytes);
        assert_int_equal(em_memory_used(), before);
    }
}

static void every_size_has_a_class_that_holds_it(void **state)
{
    (void)state;
    em_memory_trim();
    for (size_t units = 1; units <= 5000; units++)
        for (size_t bytes = units * 64 - 1; bytes <= units * 64 + 1; bytes++) {
            void *p = em__alloc(bytes);
            memset(p, 1, bytes);            /* the sanitizer sees a class that is too small */
            em__free(p, bytes);
        }
    em_memory_trim();
    assert_int_equal(em_memory_cached(), 0);
}

/* ---- cache --------------------------------------------------------------------------------------------- */

/* With a sanitizer every block goes straight to malloc and back, so that it sees bounds and leaks. */
static void needs_cache(void)
{
    void *p = em__alloc(3000);
    em__free(p, 3000);
    if (em_memory_cached() == 0) skip();
}

static void a_freed_block_is_used_again(void **state)
{
    (void)state;
    needs_cache();
    em_memory_trim();
    void *a = em__alloc(3000), *b = em__alloc(3000);
    em__free(a, 3000);
    em__free(b, 3000);
    assert_true(em_memory_cached() >= 6000);
    void *p = em__alloc(2999), *q = em__alloc(2999);      /* the last freed is the warmest */
    assert_ptr_equal(p, b);
    assert_ptr_equal(q, a);
    assert_int_equal(em_memory_cached(), 0);
    em__free(p, 2999);
    em__free(q, 2999);
}

static void zeroed_blocks_are_zero_also_from_the_cache(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int again = 0; again < 2; again++) {
            unsigned char *p = em__alloc_zeroed(sizes[i]);
            for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(p[k], 0);
            memset(p, 0xee, sizes[i]);
            em__free(p, sizes[i]);
        }
}

static void zeros_that_come_back_are_not_believed_beyond_their_end(void **state)
{
    (void)state;
    unsigned char *p = em__alloc(3072);
    memset(p, 0xee, 3072);
    memset(p, 0, 2990);
    em__free_zeros(p, 2990);
    p = em__alloc_zeroed(3072);
    for (int k = 0; k < 3072; k++) assert_int_equal(p[k], 0);
    memset(p, 0xee, 3072);
    em__free(p, 3072);
    p = em__alloc_zeroed(3072);                 /* freed as anything: nothing is known of it */
    for (int k = 0; k < 3072; k++) assert_int_equal(p[k], 0);
    em__free(p, 3072);
}

static void what_waits_shrinks_with_what_is_in_use(void **state)
{
    (void)state;
    needs_cache();
    enum { COUNT = 12, BYTES = 64 << 20 };
    em_memory_trim();
    void *p[COUNT];
    for (int i = 0; i < COUNT; i++) p[i] = em__alloc(BYTES);
    for (int i = 0; i < COUNT / 2; i++) em__free(p[i], BYTES);
    assert_int_equal(em_memory_cached(), (int64_t)(COUNT / 2) * BYTES);
    for (int i = COUNT / 2; i < COUNT; i++) em__free(p[i], BYTES);
    assert_true(em_memory_cached() <= (int64_t)256 << 20);
    em_memory_trim();
}

/* Blocks of a size that is no longer asked for fill the cache; after a while those in use take their place. */
static void sizes_out_of_use_are_trimmed(void **state)
{
    (void)state;
    enum { OLD = 6, MEGA = 1 << 20 };
    void *old[OLD];
    em_memory_trim();
    for (int i = 0; i < OLD; i++) assert_non_null(old[i] = em__alloc(32 * MEGA));
    for (int i = 0; i < OLD; i++) em__free(old[i], 32 * MEGA);
    const int64_t full = em_memory_cached();
    if (full == 0) skip();                  /* a sanitizer's build keeps nothing */
    assert_int_equal(full, (int64_t)OLD * 32 * MEGA);
    for (int i = 0; i < 300; i++) em__free(em__alloc(10 * MEGA), 10 * MEGA);
    assert_int_equal(em_memory_cached(), full - 32 * MEGA + 10 * MEGA);
    em_memory_trim();
}

static void trim_gives_back_what_is_cached_only(void **state)
{
    (void)state;
    needs_cache();
    unsigned char *kept = em__alloc(5000);
    memset(kept, 7, 5000);
    for (int i = 0; i < SIZES; i++) em__free(em__alloc(sizes[i]), sizes[i]);
    assert_true(em_memory_cached() > 0);
    em_memory_trim();
    assert_int_equal(em_memory_cached(), 0);
    for (int k = 0; k < 5000; k++) assert_int_equal(kept[k], 7);
    em__free(kept, 5000);
}

static void the_cache_is_bounded(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    const size_t bytes = (size_t)8 << 20;
    void *p[COUNT];
    for (int i = 0; i < COUNT; i++) p[i] = em__alloc(bytes);
    for (int i = 0; i < COUNT; i++) em__free(p[i], bytes);
    assert_true(em_memory_cached() <= (int64_t)256 << 20);
    em_memory_trim();
}

/* ---- counts -------------------------------------------------------------------------------------------- */

static void blocks_and_bytes_are_counted(void **state)
{
    (void)state;
    const int64_t blocks = em_memory_blocks(), used = em_memory_used();
    void *a = em__alloc(64), *b = em__alloc(2 << 20);
    assert_int_equal(em_memory_blocks(), blocks + 2);
    assert_int_equal(em_memory_used(), used + 64 + (2 << 20));
    assert_true(em_memory_peak() >= em_memory_used());
    em__free(a, 64);
    em__free(b, 2 << 20);
    em__free(NULL, 100);
    assert_int_equal(em_memory_blocks(), blocks);
    assert_int_equal(em_memory_used(), used);
    assert_true(em_memory_peak() >= used + 64 + (2 << 20));
}

/* ---- failing ------------------------------------------------------------------------------------------- */

static void too_much_is_refused(void **state)
{
    (void)state;
    const int64_t used = em_memory_used(), blocks = em_memory_blocks();
    const size_t too_much[] = {SIZE_MAX,          SIZE_MAX - 63,   SIZE_MAX / 2, (size_t)PTRDIFF_MAX, (size_t)1 << 62,
                               (size_t)1 << 60};
    for (size_t i = 0; i < sizeof too_much / sizeof *too_much; i++) {
        assert_null(em__alloc(too_much[i]));
        assert_null(em__alloc_zeroed(too_much[i]));
    }
    assert_int_equal(em_memory_used(), used);
    assert_int_equal(em_memory_blocks(), blocks);
}

static void one_allocation_fails_on_demand(void **state)
{
    (void)state;
    const int64_t blocks = em_memory_blocks();
    em_memory_fail_after(2, false);
    void *a = em__alloc(10), *b = em__alloc_zeroed(10);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(em__alloc(10));
    void *c = em__alloc(10);
    assert_non_null(c);
    assert_int_equal(em_memory_blocks(), blocks + 3);
    em__free(a, 10);
    em__free(b, 10);
    em__free(c, 10);
}

static void all_allocations_fail_on_demand(void **state)
{
    (void)state;
    em_memory_fail_after(0, true);
    for (int i = 0; i < 5; i++) {
        assert_null(em__alloc(10));
        assert_null(em__alloc_zeroed((size_t)3 << 20));
    }
    em_memory_fail_after(-1, false);
    void *p = em__alloc(10);
    assert_non_null(p);
    em__free(p, 10);
}

/* Bytes of addresses that this process has; 0 where that is not told. */
static size_t addresses(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%ld", &pages) != 1) pages = 0;
    fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void small_blocks_are_given_back_when_all_around_them_are_free(void **state)
{
    (void)state;
    enum { COUNT = 100000, BYTES = 300 };                   /* 320 a block: 32 MB */
    if (addresses() > (size_t)1 << 40) skip();              /* a sanitizer */
    static void *blocks[COUNT];
    const size_t before = addresses();
    for (int i = 0; i < COUNT; i++) {
        blocks[i] = em__alloc(BYTES);
        assert_non_null(blocks[i]);
        memset(blocks[i], i % 251, BYTES);
    }
    for (int i = 0; i < COUNT; i++)
        if (i % 5000) em__free(blocks[i], BYTES);
    em_memory_trim();
    assert_true(addresses() < before + ((size_t)12 << 20));         /* 20 of 123 slabs are still held */
    for (int i = 0; i < COUNT; i += 5000) {
        const unsigned char *p = blocks[i];
        for (int j = 0; j < BYTES; j++) assert_int_equal(p[j], i % 251);
        em__free(blocks[i], BYTES);
    }
    em_memory_trim();
    assert_true(addresses() < before + ((size_t)2 << 20));
    for (int i = 0; i < 1000; i++) blocks[i] = em__alloc_zeroed(BYTES);      /* and all goes on */
    for (int i = 0; i < 1000; i++) {
        for (int j = 0; j < BYTES; j++) assert_int_equal(((const unsigned char *)blocks[i])[j], 0);
        em__free(blocks[i], BYTES);
    }
}

/* ---- collecting ---------------------------------------------------------------------------------------- */

static bool count_call(void *context)
{
    ++*(int *)context;
    return true;
}

static void room_is_made_by_who_has_been_set(void **state)
{
    (void)state;
    int calls = 0;
    assert_false(em_memory_reclaim());                      /* nobody */
    const em_collector none = em_memory_set_collector((em_collector){count_call, &calls});
    assert_null(none.collect);
    em__free(em__alloc(10), 10);
    assert_true(em_memory_reclaim());
    assert_int_equal(calls, 1);
    em_memory_fail_after(0, false);
    assert_null(em__alloc(10));
    assert_false(em_memory_reclaim());                      /* a failure on demand stays one */
    em_memory_fail_plausibly(true);
    assert_true(em_memory_reclaim());
    em_memory_fail_plausibly(false);
    assert_int_equal(calls, 2);
    assert_ptr_equal(em_memory_set_collector(none).context, &calls);
    em__free(em__alloc(10), 10);
    assert_false(em_memory_reclaim());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_writable),
        cmocka_unit_test(a_block_wastes_at_most_a_fifth),
        cmocka_unit_test(every_size_has_a_class_that_holds_it),
        cmocka_unit_test(a_freed_block_is_used_again),
        cmocka_unit_test(zeroed_blocks_are_zero_also_from_the_cache),
        cmocka_unit_test(zeros_that_come_back_are_not_believed_beyond_their_end),
        cmocka_unit_test(what_waits_shrinks_with_what_is_in_use),
        cmocka_unit_test(sizes_out_of_use_are_trimmed),
        cmocka_unit_test(trim_gives_back_what_is_cached_only),
        cmocka_unit_test(the_cache_is_bounded),
        cmocka_unit_test(blocks_and_bytes_are_counted),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(one_allocation_fails_on_demand),
        cmocka_unit_test(all_allocations_fail_on_demand),
        cmocka_unit_test(small_blocks_are_given_back_when_all_around_them_are_free),
        cmocka_unit_test(room_is_made_by_who_has_been_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
