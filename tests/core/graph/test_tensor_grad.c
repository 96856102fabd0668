/* requires_grad, .grad, frozen rows, tables that get other rows, and hooks. */
#include "graph/variable.h"

#include "support.h"

static void only_float_leaves_can_require_grad(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *i = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)), *y;
    assert_false(em_tensor_requires_grad(x));
    assert_ok(em_tensor_set_requires_grad(x, true));
    assert_true(em_tensor_requires_grad(x) && em_tensor_is_leaf(x));
    assert_fails(em_tensor_set_requires_grad(i, true), EM_EGRAD, "this is int64");
    assert_ok(em_apply(em_op_find("neg"), &x, 1, NULL, NULL, &y));
    assert_false(em_tensor_is_leaf(y));
    assert_fails(em_tensor_set_requires_grad(y, false), EM_EGRAD, "this is the result of neg");
    assert_ok(em_tensor_set_requires_grad(x, false));
    assert_false(em_tensor_requires_grad(x));
    em_tensor_release(x);
    em_tensor_release(i);
    em_tensor_release(y);
}

static void frozen_rows_get_no_gradient(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(3, 1), VALUES(1, 2, 3)), *y, *sum, *copy;
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(3), VALUES(0, 1, 0)), *wide = tensor_of(EM_BOOL, SHAPE(2), VALUES(0, 1));
    assert_ok(em_tensor_set_requires_grad(x, true));
    assert_fails(em_tensor_set_frozen_rows(x, x), EM_ETYPE, "the mask must be bool, got float32");
    assert_fails(em_tensor_set_frozen_rows(x, wide), EM_ESHAPE, "must have shape (3), got (2)");
    assert_fails(em_tensor_set_frozen_rows(wide, wide), EM_ETYPE, "float dtype");
    assert_null(em_tensor_frozen_rows(x));
    assert_ok(em_tensor_set_frozen_rows(x, mask));
    assert_tensor(em_tensor_frozen_rows(x), EM_BOOL, SHAPE(3), VALUES(0, 1, 0));
    assert_ok(em_apply(em_op_find("mul"), (em_tensor *[]){x, x}, 2, NULL, NULL, &y));
    assert_ok(em_apply(em_op_find("sum"), &y, 1, NULL, NULL, &sum));
    assert_fails(em_tensor_set_frozen_rows(y, mask), EM_EGRAD, "the result of mul");
    assert_ok(em_backward(sum, NULL, false));
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(3, 1), VALUES(2, 0, 6));
    assert_ok(em_tensor_detach(&copy, x));
    assert_null(em_tensor_frozen_rows(copy));
    assert_ok(em_tensor_set_frozen_rows(x, NULL));
    assert_null(em_tensor_frozen_rows(x));
    em_tensor *const created[] = {x, y, sum, copy, mask, wide};
    for (int k = 0; k < 6; k++) em_tensor_release(created[k]);
}

static void a_leaf_gets_other_rows(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 1), VALUES(1, 2));
    em_tensor *table = tensor_of(EM_F32, SHAPE(3, 1), VALUES(4, 5, 6));
    em_tensor *grad = tensor_of(EM_F32, SHAPE(3, 1), VALUES(7, 8, 9));
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 0, 0));
    em_tensor *wide = tensor_of(EM_F32, SHAPE(3, 2), VALUES(0, 0, 0, 0, 0, 0)), *before;
    assert_ok(em_tensor_set_requires_grad(x, true));
    assert_ok(em_tensor_detach(&before, x));
    assert_fails(em_tensor_replace_rows(x, wide, NULL, NULL), EM_ESHAPE, "cannot become float32 (3, 2)");
    assert_fails(em_tensor_replace_rows(x, table, wide, NULL), EM_ESHAPE, "its gradient (3, 2)");
    assert_fails(em_tensor_replace_rows(x, table, NULL, table), EM_ETYPE, "the mask must be bool");
    assert_tensor(x, EM_F32, SHAPE(2, 1), VALUES(1, 2));
    assert_ok(em_tensor_replace_rows(x, table, grad, mask));
    assert_tensor(x, EM_F32, SHAPE(3, 1), VALUES(4, 5, 6));
    assert_tensor(before, EM_F32, SHAPE(2, 1), VALUES(1, 2));
    assert_ptr_equal(em_tensor_grad(x), grad);
    assert_tensor(em_tensor_frozen_rows(x), EM_BOOL, SHAPE(3), VALUES(1, 0, 0));
    assert_true(em_tensor_requires_grad(x));
    assert_int_equal(em_tensor_resizes(x), 1);
    assert_ok(em_tensor_replace_rows(x, before, NULL, NULL));
    assert_ok(em_tensor_replace_rows(x, table, NULL, NULL));
    assert_int_equal(em_tensor_resizes(x), 3);
    assert_int_equal(em_tensor_rows_kept(x, 0), 2);
    assert_int_equal(em_tensor_rows_kept(x, 2), 3);
    assert_int_equal(em_tensor_rows_kept(x, 3), INT64_MAX);
    assert_int_equal(em_tensor_resizes(table), 0);
    em_tensor *const created[] = {x, table, grad, mask, wide, before};
    for (int k = 0; k < 6; k++) em_tensor_release(created[k]);
}

static void a_gradient_must_fit(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *wrong = tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3));
    em_tensor *wide = tensor_of(EM_F64, SHAPE(2), VALUES(1, 2)), *fits = tensor_of(EM_F32, SHAPE(2), VALUES(5, 6));
    assert_fails(em_tensor_set_grad(x, wrong), EM_ESHAPE, "expected shape (2), got (3)");
    assert_fails(em_tensor_set_grad(x, wide), EM_ETYPE, "expected float32, got float64");
    assert_fails(em_tensor_set_grad(x, x), EM_EGRAD, "its own gradient");
    assert_null(em_tensor_grad(x));
    assert_ok(em_tensor_set_grad(x, fits));
    assert_ptr_equal(em_tensor_grad(x), fits);
    assert_ok(em_tensor_set_grad(x, NULL));
    assert_null(em_tensor_grad(x));
    em_tensor_release(x);
    em_tensor_release(wrong);
    em_tensor_release(wide);
    em_tensor_release(fits);
}

static em_status count_call(void *context, em_tensor *grad, em_tensor **replacement)
{
    (void)grad, (void)replacement;
    ++*(int *)context;
    return EM_OK;
}
static void count_release(void *context) { *(int *)context += 100; }

static void hooks_are_let_go_once(void **state)
{
    (void)state;
    int calls = 0, other = 0;
    int64_t first, second;
    em_tensor *x = tensor_of(EM_F32, SCALAR, VALUES(1)), *y;
    assert_fails(em_tensor_add_hook(x, count_call, &calls, count_release, &first), EM_EGRAD, "does not require grad");
    assert_ok(em_tensor_set_requires_grad(x, true));
    assert_ok(em_tensor_add_hook(x, count_call, &calls, count_release, &first));
    assert_ok(em_tensor_add_hook(x, count_call, &other, count_release, &second));
    assert_true(first != second);
    assert_ok(em_apply(em_op_find("neg"), &x, 1, NULL, NULL, &y));
    em_tensor_remove_hook(x, first);
    em_tensor_remove_hook(x, first);
    assert_int_equal(calls, 100);
    assert_ok(em_backward(y, NULL, false));
    assert_int_equal(calls, 100);
    assert_int_equal(other, 1);
    em_tensor_release(y);
    em_tensor_release(x);
    assert_int_equal(other, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_float_leaves_can_require_grad),
        cmocka_unit_test(a_leaf_gets_other_rows),
        cmocka_unit_test(a_gradient_must_fit),
        cmocka_unit_test(frozen_rows_get_no_gradient),
        cmocka_unit_test(hooks_are_let_go_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
