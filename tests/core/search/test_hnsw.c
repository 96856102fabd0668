/* An HNSW: by hand, when memory runs out, after an interrupt, and one that is none. test_hnsw.lua has its recall. */
#include <math.h>

#include "support.h"

typedef struct scene {
    em_tensor *queries, *table;
} scene;

static const em_hnsw_opts OPTS = {.metric = EM_L2, .m = 2, .ef_construction = 8};

static void prepare(void *context)
{
    scene *s = context;
    s->queries = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 0, 0, 4));
    s->table = tensor_of(EM_F32, SHAPE(5, 2), VALUES(1, 1, 1, 0, 0, 1, NAN, 1, 4, 4));
}

static void clean(void *context)
{
    const scene *s = context;
    release_all(TENSORS(s->queries, s->table));
}

static em_status call(void *context, em_tensor *out[EM_MAX_OUT])
{
    const scene *s = context;
    em_hnsw h;
    em_status status = em_hnsw_build(&h, s->table, &OPTS);
    if (status) return status;
    status = em_hnsw_search(&out[0], &out[1], &h, s->queries, 2, 8);
    em_hnsw_free(&h);
    return status;
}

static void test_by_hand(void **state)
{
    (void)state;
    scene s;
    em_tensor *out[EM_MAX_OUT] = {0};
    prepare(&s);
    assert_ok(call(&s, out));
    assert_tensor(out[0], EM_F32, SHAPE(2, 2), VALUES(0, 1, 3, 3.16227766f));
    assert_tensor(out[1], EM_I64, SHAPE(2, 2), VALUES(1, 0, 2, 0));
    release_all(TENSORS(out[0], out[1]));
    clean(&s);
}

static void test_allocations_fail(void **state)
{
    (void)state;
    scene s;
    const fallible f = {prepare, call, clean};
    assert_true(each_allocation_fails(&f, &s) > 5);
}

static void test_interrupted(void **state)
{
    (void)state;
    scene s;
    em_hnsw h;
    prepare(&s);
    em_interrupt();
    assert_fails(em_hnsw_build(&h, s.table, &OPTS), EM_EINTERRUPT, "interrupted");
    assert_null(h.vectors);
    em_clear_interrupt();
    clean(&s);
}

/* What a file may hold. */
static void test_links_that_lead_nowhere(void **state)
{
    (void)state;
    scene s;
    em_hnsw h;
    em_tensor *scores, *ids;
    prepare(&s);
    assert_ok(em_hnsw_build(&h, s.table, &OPTS));
    assert_ok(em_tensor_fill_int(h.links, 99));
    assert_ok(em_tensor_fill_int(h.first, 1 << 20));
    assert_ok(em_hnsw_search(&scores, &ids, &h, s.queries, 2, 8));
    assert_int_equal(em_tensor_get_int(ids, 1), -1);
    release_all(TENSORS(scores, ids));
    h.entry = 5;
    assert_fails(em_hnsw_search(&scores, &ids, &h, s.queries, 2, 8), EM_EVALUE, "no index");
    em_hnsw_free(&h);
    clean(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand), cmocka_unit_test(test_allocations_fail), cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_links_that_lead_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
