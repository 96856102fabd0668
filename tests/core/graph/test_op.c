/* Calls with wrong inputs, and an interrupted call. */
#include "graph/op.h"

#include "op_call.h"

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *ids = tensor_of(EM_I64, SHAPE(1), VALUES(0)), *sparse,
              *y;
    em_tensor *values = tensor_of(EM_F32, SHAPE(1, 1), VALUES(1));
    assert_ok(em_rows_new(&sparse, ids, values, 3));
    assert_fails(op_try(&y, "add", "", INPUTS(x)), EM_EVALUE, "add: expected");
    assert_fails(op_try(&y, "add", "", INPUTS(x, NULL)), EM_ETYPE, "is missing");
    assert_fails(op_try(&y, "neg", "", INPUTS(sparse)), EM_ETYPE, "row-sparse");
    assert_fails(em_apply(NULL, &x, 1, NULL, NULL, &y), EM_EVALUE, "no such operation");
    assert_fails(op_try(&y, "where", "", INPUTS(x, x, x)), EM_ETYPE, "must be bool, got float32");
    release_all(TENSORS(x, ids, sparse, values));
}

static void an_interrupt_ends_a_call(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *y;
    em_interrupt();
    assert_fails(op_try(&y, "neg", "", INPUTS(x)), EM_EINTERRUPT, "interrupted!");
    em_clear_interrupt();
    assert_ok(op_try(&y, "neg", "", INPUTS(x)));
    em_tensor_release(y);
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(an_interrupt_ends_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
