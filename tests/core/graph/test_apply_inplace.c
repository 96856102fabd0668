/* Calls that write over their first input. */
#include "op_call.h"

static em_status inplace(const char *name, em_tensor *self, em_tensor *other)
{
    return em_apply_inplace(em_op_find(name), self, (em_tensor *[]){self, other}, other ? 2 : 1, NULL, NULL);
}

static void in_place_results_must_fit(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)), *half = tensor_of(EM_F32, SHAPE(2), VALUES(0.5, 0.5));
    em_tensor *grid = tensor_of(EM_I64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    assert_fails(inplace("add", x, half), EM_ETYPE, "float32, which cannot be kept in a tensor of int64");
    assert_fails(inplace("add", x, grid), EM_ESHAPE, "(2, 2), which does not fit into (2)");
    assert_tensor(x, EM_I64, SHAPE(2), VALUES(1, 2));
    assert_int_equal(em_tensor_version(x), 0);
    assert_ok(inplace("add", grid, x));
    assert_tensor(grid, EM_I64, SHAPE(2, 2), VALUES(2, 4, 4, 6));
    assert_int_equal(em_tensor_version(grid), 1);
    em_tensor_release(x);
    em_tensor_release(half);
    em_tensor_release(grid);
}

/* A strided tensor, and operands that share its memory. */
static void in_place_on_windows_of_one_storage(void **state)
{
    (void)state;
    em_tensor *base = tensor_of(EM_F32, SHAPE(4), VALUES(1, 2, 3, 4)), *even, *tail, *head;
    assert_ok(em_tensor_view(&even, base, 0, SHAPE(2), (int64_t[]){2}));
    assert_ok(inplace("neg", even, NULL));
    assert_tensor(base, EM_F32, SHAPE(4), VALUES(-1, 2, -3, 4));
    assert_ok(em_tensor_view(&head, base, 0, SHAPE(3), (int64_t[]){1}));
    assert_ok(em_tensor_view(&tail, base, 1, SHAPE(3), (int64_t[]){1}));
    assert_ok(inplace("add", tail, head));              /* reads what it overwrites */
    assert_tensor(base, EM_F32, SHAPE(4), VALUES(-1, 1, -1, 1));
    release_all(TENSORS(base, even, head, tail));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_place_results_must_fit),
        cmocka_unit_test(in_place_on_windows_of_one_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
