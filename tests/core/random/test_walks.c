/* Random walks: where only one way leads, when memory runs out, after an interrupt. test_graph.lua counts steps. */
#include "support.h"

typedef struct scene {
    em_tensor *sources, *targets, *weights, *starts;
} scene;

static void prepare(void *context)
{
    *(scene *)context = (scene){tensor_of(EM_I64, SHAPE(3), VALUES(0, 1, 3)),
                                tensor_of(EM_I64, SHAPE(3), VALUES(1, 2, 3)),
                                tensor_of(EM_F64, SHAPE(3), VALUES(1, 0.5, 2)),
                                tensor_of(EM_I64, SHAPE(4), VALUES(0, 2, 3, 4))};
}

static em_status call(void *context, em_tensor *out[EM_MAX_OUT])
{
    const scene *s = context;
    em_adjacency *a;
    em_status status = em_adjacency_new(&a, s->sources, s->targets, s->weights, 5, true);
    if (!status)
        status = em_random_walks(&out[0], a, s->starts, &(em_walk_opts){.length = 4, .p = 1, .q = 1, .seed = 1});
    em_adjacency_release(a);
    return status;
}

static void clean(void *context)
{
    const scene *s = context;
    release_all(TENSORS(s->sources, s->targets, s->weights, s->starts));
}

static void where_only_one_way_leads(void **state)
{
    (void)state;
    scene s;
    em_tensor *out[EM_MAX_OUT] = {0};
    prepare(&s);
    assert_ok(call(&s, out));
    assert_tensor(out[0], EM_I64, SHAPE(4, 4), VALUES(0, 1, 2, -1, 2, -1, -1, -1, 3, 3, 3, 3, 4, -1, -1, -1));
    em_tensor_release(out[0]);
    clean(&s);
}

static void allocations_fail(void **state)
{
    (void)state;
    scene s;
    assert_true(each_allocation_fails(&(fallible){prepare, call, clean}, &s) > 4);
}

static void an_interrupt_leaves_nothing(void **state)
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

static void what_does_not_fit(void **state)
{
    (void)state;
    scene s;
    em_adjacency *a;
    em_tensor *out;
    prepare(&s);
    assert_fails(em_adjacency_new(&a, s.sources, s.starts, NULL, 5, true), EM_ESHAPE, "targets");
    assert_fails(em_adjacency_new(&a, s.weights, s.targets, NULL, 5, true), EM_ETYPE, "expected int64, got float64");
    assert_fails(em_adjacency_new(&a, s.sources, s.targets, s.sources, 5, true), EM_ETYPE, "float64");
    assert_fails(em_adjacency_new(&a, s.sources, s.targets, NULL, 3, true), EM_ERANGE, "node 3 at position 2");
    assert_fails(em_adjacency_new(&a, s.sources, s.targets, NULL, -1, true), EM_EVALUE, "nodes");
    assert_null(a);
    assert_ok(em_adjacency_new(&a, s.sources, s.targets, NULL, 4, false));
    const em_walk_opts none = {.p = 1, .q = 1}, flat = {.length = 2, .q = 1}, fine = {.length = 2, .p = 1, .q = 1};
    assert_fails(em_random_walks(&out, a, s.starts, &none), EM_EVALUE, "length");
    assert_fails(em_random_walks(&out, a, s.starts, &flat), EM_EVALUE, "p and q");
    assert_fails(em_random_walks(&out, a, s.starts, &fine), EM_ERANGE, "node 4 at position 3");
    em_adjacency_release(a);
    em_adjacency_release(NULL);
    clean(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_only_one_way_leads), cmocka_unit_test(allocations_fail),
        cmocka_unit_test(an_interrupt_leaves_nothing), cmocka_unit_test(what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
