#include "op_check.h"

static void cat_by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)),
              *b = tensor_of(EM_F32, SHAPE(2, 1), VALUES(5, 6));
    em_tensor *c = tensor_of(EM_F32, SHAPE(1, 2), VALUES(7, 8)), *none = tensor_of(EM_F32, SHAPE(0), NO_VALUES);
    em_tensor *flat = tensor_of(EM_F32, SHAPE(0, 2), NO_VALUES), *t = op_call("t", "", INPUTS(a)), *y;
    y = op_call("cat", "dim=1", INPUTS(a, b));
    assert_tensor(y, EM_F32, SHAPE(2, 3), VALUES(1, 2, 5, 3, 4, 6));
    em_tensor_release(y);
    y = op_call("cat", "", INPUTS(none, a, flat, c, none));
    assert_tensor(y, EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 7, 8));
    em_tensor_release(y);
    y = op_call("cat", "dim=-1", INPUTS(t, a));
    assert_tensor(y, EM_F32, SHAPE(2, 4), VALUES(1, 3, 1, 2, 2, 4, 3, 4));
    em_tensor_release(y);
    y = op_call("cat", "", INPUTS(none, none));
    assert_tensor(y, EM_F32, SHAPE(0), NO_VALUES);
    em_tensor_release(y);
    release_all(TENSORS(a, b, c, none, flat, t));
}

static void dtypes_are_promoted(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)), *b = tensor_of(EM_F64, SHAPE(2), VALUES(0.5, 1.5));
    em_tensor *c = tensor_of(EM_BOOL, SHAPE(2), VALUES(1, 0)), *y = op_call("cat", "", INPUTS(a, b, c));
    assert_tensor(y, EM_F64, SHAPE(6), VALUES(1, 2, 0.5, 1.5, 1, 0));
    em_tensor_release(y);
    y = op_call("stack", "dim=1", INPUTS(c, a));
    assert_tensor(y, EM_I64, SHAPE(2, 2), VALUES(1, 1, 0, 2));
    em_tensor_release(y);
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(c);
}

static void stack_by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *b = op_call("t", "", INPUTS(a)),
              *s = tensor_of(EM_F32, SCALAR, VALUES(9));
    em_tensor *y = op_call("stack", "", INPUTS(a, b));
    assert_tensor(y, EM_F32, SHAPE(2, 2, 2), VALUES(1, 2, 3, 4, 1, 3, 2, 4));
    em_tensor_release(y);
    y = op_call("stack", "dim=1", INPUTS(a, b));
    assert_tensor(y, EM_F32, SHAPE(2, 2, 2), VALUES(1, 2, 1, 3, 3, 4, 2, 4));
    em_tensor_release(y);
    y = op_call("stack", "dim=-1", INPUTS(a, b));
    assert_tensor(y, EM_F32, SHAPE(2, 2, 2), VALUES(1, 1, 2, 3, 3, 2, 4, 4));
    em_tensor_release(y);
    y = op_call("stack", "", INPUTS(s, s, s));
    assert_tensor(y, EM_F32, SHAPE(3), VALUES(9, 9, 9));
    em_tensor_release(y);
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(s);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *a = random_tensor(EM_F64, SHAPE(2, 3), 1), *b = random_tensor(EM_F64, SHAPE(2, 2), 2);
    em_tensor *none = random_tensor(EM_F64, SHAPE(0), 3), *c = random_tensor(EM_F64, SHAPE(2, 3), 4);
    assert_gradient("cat", "dim=1", INPUTS(a, none, b));
    assert_gradient("cat", "dim=-2", INPUTS(a, c));
    assert_gradient("stack", "", INPUTS(a, c));
    assert_gradient("stack", "dim=-1", INPUTS(a, c));
    assert_gradient("stack", "dim=1", INPUTS(a, c));
    em_tensor *many[40];
    for (uint64_t i = 0; i < 40; i++) many[i] = random_tensor(EM_F64, SHAPE(3), i);
    assert_gradient("stack", "dim=1", 16, many);
    em_tensor *y = op_call("cat", "", 40, many);
    for (int64_t i = 0; i < 120; i++) assert_true(element(y, i) == element(many[i / 3], i % 3));
    em_tensor_release(y);
    for (int i = 0; i < 40; i++) em_tensor_release(many[i]);
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(c);
    em_tensor_release(none);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *a = random_tensor(EM_F32, SHAPE(2, 3), 1), *b = random_tensor(EM_F32, SHAPE(2, 2), 1);
    em_tensor *s = random_tensor(EM_F32, SCALAR, 1), *v = random_tensor(EM_F32, SHAPE(2), 1);
    em_tensor *deep = random_tensor(EM_F32, SHAPE(1, 1, 1, 1, 1, 1, 1, 1), 1);
    op_fails("cat", "", INPUTS(a, b), EM_ESHAPE,
             "tensor 2 of the list has shape (2, 2), another (2, 3): expected the same but for dim 0");
    op_fails("cat", "", INPUTS(a, v), EM_ESHAPE, "(2)");
    op_fails("cat", "dim=2", INPUTS(a, b), EM_ERANGE, "dim 2");
    op_fails("cat", "", INPUTS(s, s), EM_ESHAPE, "use stack");
    op_fails("cat", "", 0, NULL, EM_EVALUE, "expected 1 or more inputs (*), got 0");
    op_fails("cat", "", INPUTS(a, NULL), EM_ETYPE, "missing");
    op_fails("stack", "", INPUTS(a, b), EM_ESHAPE, "tensor 2 of the list has shape (2, 2), tensor 1 (2, 3)");
    op_fails("stack", "dim=3", INPUTS(a, a), EM_ERANGE, "dim 3");
    op_fails("stack", "", INPUTS(deep, deep), EM_ESHAPE, "8 dims");
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(s);
    em_tensor_release(v);
    em_tensor_release(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cat_by_hand),   cmocka_unit_test(dtypes_are_promoted), cmocka_unit_test(stack_by_hand),
        cmocka_unit_test(gradients),     cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
