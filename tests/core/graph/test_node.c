/* What a node keeps, and when a graph is freed. */
#include "graph/variable.h"

#include "op_call.h"

/* A node keeps the shapes of all and the values of what its operation saves; nothing that could hold itself alive. */
static void a_node_keeps_what_backward_needs(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2), VALUES(1, 2))),
              *k = tensor_of(EM_F32, SHAPE(2, 1), VALUES(3, 4));
    em_tensor *y = op_call("mul", "", INPUTS(x, k));
    const em_node *n = em__var(y)->node;
    assert_string_equal(em_tensor_origin_name(y), "mul");
    assert_int_equal(n->n, 2);
    assert_true(em__wants(n, 0) && !em__wants(n, 1));
    assert_int_equal(n->x[1]->dims, 2);
    assert_null(n->x[1]->origin);
    assert_ptr_equal(n->results[0], em__var(y));
    em_tensor_release(x);
    em_tensor_release(k);
    em_tensor_release(y);
}

/* The graph lives as long as a result of it does, no longer. */
static void a_graph_goes_with_its_last_result(void **state)
{
    (void)state;
    const int64_t before = em_memory_blocks();
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)));
    em_tensor *a = op_call("exp", "", INPUTS(x)), *b = op_call("exp", "", INPUTS(a));
    em_tensor_release(a);
    em_tensor_release(x);
    assert_true(em_memory_blocks() > before + 4);
    em_tensor_release(b);
    assert_int_equal(em_memory_blocks(), before);
}

/* A change that is not recorded leaves histories as they are. */
static void a_view_outlives_an_unrecorded_change(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)));
    em_tensor *y = op_call("exp", "", INPUTS(x)), *view = op_call("reshape", "shape=4", INPUTS(y)), *z;
    em_tensor_touch(y);
    assert_ok(op_try(&z, "neg", "", INPUTS(view)));
    assert_string_equal(em_tensor_origin_name(view), "reshape");
    em_tensor_release(z);
    em_tensor_release(view);
    em_tensor_release(y);
    em_tensor_release(x);
}

static void integer_results_have_no_history(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2), VALUES(1, 2))), *y = op_call("argmax", "", INPUTS(x));
    assert_false(em_tensor_requires_grad(y));
    em_tensor_release(y);
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_keeps_what_backward_needs),
        cmocka_unit_test(a_graph_goes_with_its_last_result),
        cmocka_unit_test(a_view_outlives_an_unrecorded_change),
        cmocka_unit_test(integer_results_have_no_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
