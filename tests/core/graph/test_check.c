/* What the checks of operations share. */
#include "graph/op.h"

#include "op_call.h"

static em_call call_of(const char *name) { return (em_call){.op = em_op_find(name)}; }

static void dims_and_shapes_are_named(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *b = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2));
    const em_call c = call_of("mv");
    assert_ok(em__check_dims(&c, a, 1, "vec"));
    assert_fails(em__check_dims(&c, b, 1, "vec"), EM_ESHAPE, "mv: vec must have 1 dims, got shape (1, 2)");
    assert_ok(em__check_same_shape(&c, a, "a", a, "b"));
    assert_fails(em__check_same_shape(&c, a, "a", b, "b"), EM_ESHAPE, "a has shape (2), b has (1, 2)");
    em_tensor_release(a);
    em_tensor_release(b);
}

static void dims_become_a_mask(void **state)
{
    (void)state;
    const em_op *sum = em_op_find("sum");
    em_opts o = {0};
    unsigned mask;
    assert_ok(em__dim_mask(sum, &o, 0, 3, &mask));
    assert_int_equal(mask, 7);
    o.at[0] = (em_opt){.given = true, .i = 2};
    o.ints[0] = 0;
    o.ints[1] = -1;
    assert_ok(em__dim_mask(sum, &o, 0, 3, &mask));
    assert_int_equal(mask, 5);
    o.ints[1] = -3;
    assert_fails(em__dim_mask(sum, &o, 0, 3, &mask), EM_EVALUE, "sum: dim 0 is given twice");
    o.ints[1] = 3;
    assert_fails(em__dim_mask(sum, &o, 0, 3, &mask), EM_ERANGE, "sum: dim 3");
    assert_ok(em__dim_mask(em_op_find("max"), &o, 0, 3, &mask));        /* has no options: these are not its own */
    assert_int_equal(mask, 7);
}

/* A result goes into the tensor of an in-place call only if it fits. */
static void results_are_made_or_taken(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2));
    em_call c = call_of("neg");
    c.into = x;
    assert_ok(em__out_like(&c, 0, x));
    assert_ptr_equal(c.out[0], x);
    em_tensor_release(c.out[0]);
    assert_ok(em__out(&c, 0, EM_F64, SHAPE(2)));
    assert_ptr_not_equal(c.out[0], x);
    em_tensor_release(c.out[0]);
    assert_ok(em__out(&c, 1, EM_F32, SHAPE(2)));
    assert_ptr_not_equal(c.out[1], x);
    em_tensor_release(c.out[1]);
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dims_and_shapes_are_named),
        cmocka_unit_test(dims_become_a_mask),
        cmocka_unit_test(results_are_made_or_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
