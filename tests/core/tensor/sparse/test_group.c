/* Ids grouped: order, several lists, threads, pieces. */
#include "tensor/sparse/row_sparse.h"

#include "support.h"

/* Pseudo-random ids of its own making: the core's generator is not asked. */
static uint64_t next_number(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 20;
}

static int64_t *random_ids(int64_t n, int64_t rows, uint64_t seed)
{
    int64_t *ids = malloc((size_t)(n ? n : 1) * sizeof *ids);
    assert_non_null(ids);
    for (int64_t i = 0; i < n; i++) ids[i] = (int64_t)(next_number(&seed) % (uint64_t)rows);
    return ids;
}

/* Ids ascending and unique; each one's entries are exactly those that have it, in order. */
static void check_groups(const em_groups *g, const int64_t *ids, int64_t n)
{
    assert_int_equal(g->entries, n);
    assert_int_equal(g->start[0], 0);
    assert_int_equal(g->start[g->n], n);
    for (int64_t u = 0; u < g->n; u++) {
        if (u) assert_true(g->ids[u - 1] < g->ids[u]);
        assert_true(g->start[u] < g->start[u + 1]);
        for (int64_t k = g->start[u]; k < g->start[u + 1]; k++) {
            assert_int_equal(ids[g->order[k]], g->ids[u]);
            if (k > g->start[u]) assert_true(g->order[k - 1] < g->order[k]);
        }
    }
}

static void ids_are_grouped_in_order(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 2, 5, 48, 49, 1000, 70000};
    static const int64_t rows[] = {1, 2, 7, 2048, 2049, 100000, INT64_C(1) << 22, INT64_C(1) << 33};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            int64_t *ids = random_ids(counts[c], rows[r], 17 * c + r);
            em_groups *g;
            assert_ok(em__group(&g, (const int64_t *[]){ids}, &counts[c], 1, rows[r]));
            check_groups(g, ids, counts[c]);
            em__groups_free(g);
            free(ids);
        }
}

static void several_lists_count_through(void **state)
{
    (void)state;
    const int64_t a[] = {4, 1, 4}, b[] = {1, 0};
    em_groups *g;
    assert_ok(em__group(&g, (const int64_t *[]){a, b}, (int64_t[]){3, 2}, 2, 5));
    const int64_t ids[] = {0, 1, 4}, start[] = {0, 1, 3, 5}, order[] = {4, 1, 3, 0, 2};
    assert_int_equal(g->n, 3);
    assert_memory_equal(g->ids, ids, sizeof ids);
    assert_memory_equal(g->start, start, sizeof start);
    assert_memory_equal(g->order, order, sizeof order);
    em__groups_free(g);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    const int64_t n = 100000, rows = 5000;
    int64_t *ids = random_ids(n, rows, 3);
    em_groups *one, *many;
    em_set_threads(1);
    assert_ok(em__group(&one, (const int64_t *[]){ids}, &n, 1, rows));
    em_set_threads(4);
    assert_ok(em__group(&many, (const int64_t *[]){ids}, &n, 1, rows));
    assert_int_equal(one->n, many->n);
    assert_memory_equal(one->order, many->order, (size_t)n * sizeof *one->order);
    em__groups_free(one);
    em__groups_free(many);
    free(ids);
}

static void pieces_cover_every_group_once(void **state)
{
    (void)state;
    const int64_t n = 3000;
    int64_t *ids = random_ids(n, 100, 5);
    for (int64_t i = 0; i < n / 2; i++) ids[i] = 7;            /* one id owns half */
    em_groups *g;
    assert_ok(em__group(&g, (const int64_t *[]){ids}, &n, 1, 100));
    for (int64_t pieces = 1; pieces < 200; pieces += 13) {
        int64_t at = 0;
        for (int64_t k = 0; k < pieces; k++) {
            assert_int_equal(em__groups_split(g, k, pieces), at);
            const int64_t end = em__groups_split(g, k + 1, pieces);
            assert_true(end >= at);
            at = end;
        }
        assert_int_equal(at, g->n);
    }
    em__groups_free(g);
    free(ids);
}

typedef struct grouping {
    int64_t *ids, n;
    em_groups *created;
} grouping;

static em_status group_them(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    grouping *c = context;
    const em_status s = em__group(&c->created, (const int64_t *[]){c->ids}, &c->n, 1, 300);
    if (s) assert_null(c->created);
    em__groups_free(c->created);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    grouping c = {.ids = random_ids(500, 300, 1), .n = 500};
    assert_true(each_allocation_fails(&(fallible){.call = group_them}, &c) >= 2);
    free(c.ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_grouped_in_order), cmocka_unit_test(several_lists_count_through),
        cmocka_unit_test(threads_do_not_matter), cmocka_unit_test(pieces_cover_every_group_once),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
