/* em_topk: by hand, when memory runs out, after an interrupt. test_search.lua compares it with a naive loop. */
#include "support.h"

typedef struct scene {
    em_tensor *queries, *table, *only, *exclude, *ends, *norms;
} scene;

static void prepare(void *context)
{
    scene *s = context;
    s->queries = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 0, 0, 1));
    s->table = tensor_of(EM_F32, SHAPE(5, 2), VALUES(1, 1, 2, 0, 0, 3, 2, 1, 9, 9));
    s->only = tensor_of(EM_I64, SHAPE(4), VALUES(3, 2, 1, 0));
    s->exclude = tensor_of(EM_I64, SHAPE(3), VALUES(3, 2, 0));
    s->ends = tensor_of(EM_I64, SHAPE(2), VALUES(1, 3));
    s->norms = tensor_of(EM_F64, SHAPE(5), VALUES(1, 2, 3, 4, 5));
}

static void clean(void *context)
{
    const scene *s = context;
    release_all(TENSORS(s->queries, s->table, s->only, s->exclude, s->ends, s->norms));
}

static em_status call(void *context, em_tensor *out[EM_MAX_OUT])
{
    const scene *s = context;
    const em_topk_opts opts = {.metric = EM_COSINE, .first = -1, .only = s->only, .exclude = s->exclude,
                               .exclude_ends = s->ends, .norms = s->norms};
    return em_topk(&out[0], &out[1], s->queries, s->table, 2, &opts);
}

static void test_by_hand(void **state)
{
    (void)state;
    scene s;
    em_tensor *out[EM_MAX_OUT] = {0};
    prepare(&s);
    assert_ok(call(&s, out));
    assert_tensor(out[0], EM_F32, SHAPE(2, 2), VALUES(1, 1, 0.25, 0));
    assert_tensor(out[1], EM_I64, SHAPE(2, 2), VALUES(0, 1, 3, 1));
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
    em_tensor *out[EM_MAX_OUT] = {0};
    prepare(&s);
    em_interrupt();
    assert_fails(call(&s, out), EM_EINTERRUPT, "interrupted");
    assert_null(out[0]);
    em_clear_interrupt();
    clean(&s);
}

static void test_lists_of_wrong_lengths(void **state)
{
    (void)state;
    scene s;
    em_tensor *scores, *ids, *ends = tensor_of(EM_I64, SHAPE(2), VALUES(2, 1));
    prepare(&s);
    em_topk_opts opts = {.first = -1, .exclude = s.exclude, .exclude_ends = ends};
    assert_fails(em_topk(&scores, &ids, s.queries, s.table, 2, &opts), EM_ERANGE, "exclude: a list ends at 1 of 3");
    opts.exclude_ends = s.norms;
    assert_fails(em_topk(&scores, &ids, s.queries, s.table, 2, &opts), EM_ETYPE, "ends: expected ids (n) of int64");
    opts.exclude_ends = s.exclude;
    assert_fails(em_topk(&scores, &ids, s.queries, s.table, 2, &opts), EM_ESHAPE, "for 3 queries");
    assert_fails(em_topk(&scores, &ids, s.queries, s.table, -2, &opts), EM_ERANGE, "k = -2 is negative");
    em_tensor_release(ends);
    clean(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand), cmocka_unit_test(test_allocations_fail), cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_lists_of_wrong_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
