/* Bits of integers and bools: values by hand, in place, floats refused. */
#include "op_call.h"

static void values_by_hand(void **state)
{
    (void)state;
    for (em_dtype d = EM_I64; d <= EM_U8; d++) {
        em_tensor *x = tensor_of(d, SHAPE(2, 2), VALUES(12, 5, 7, 0)), *y = tensor_of(d, SHAPE(2), VALUES(10, 3));
        em_tensor *a = op_call("bitwise_and", "", INPUTS(x, y)), *b = op_call("bitwise_or", "", INPUTS(x, y));
        em_tensor *c = op_call("bitwise_xor", "", INPUTS(x, y)), *e = op_call("bitwise_not", "", INPUTS(y));
        assert_tensor(a, d, SHAPE(2, 2), VALUES(8, 1, 2, 0));
        assert_tensor(b, d, SHAPE(2, 2), VALUES(14, 7, 15, 3));
        assert_tensor(c, d, SHAPE(2, 2), VALUES(6, 6, 13, 3));
        if (d == EM_U8)
            assert_tensor(e, d, SHAPE(2), VALUES(245, 252));
        else
            assert_tensor(e, d, SHAPE(2), VALUES(-11, -4));
        release_all(TENSORS(x, y, a, b, c, e));
    }
}

static void bools_stay_bools(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_BOOL, SHAPE(4), VALUES(0, 0, 1, 1));
    em_tensor *y = tensor_of(EM_BOOL, SHAPE(4), VALUES(0, 1, 0, 1));
    em_tensor *a = op_call("bitwise_and", "", INPUTS(x, y)), *b = op_call("bitwise_xor", "", INPUTS(x, y));
    em_tensor *c = op_call("bitwise_not", "", INPUTS(x));
    assert_tensor(a, EM_BOOL, SHAPE(4), VALUES(0, 0, 0, 1));
    assert_tensor(b, EM_BOOL, SHAPE(4), VALUES(0, 1, 1, 0));
    assert_tensor(c, EM_BOOL, SHAPE(4), VALUES(1, 1, 0, 0));
    release_all(TENSORS(x, y, a, b, c));
}

static void floats_have_none(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(1), VALUES(1)), *i = tensor_of(EM_I64, SHAPE(1), VALUES(1)), *y;
    assert_fails(op_try(&y, "bitwise_and", "", INPUTS(i, x)), EM_ETYPE, "bitwise_and: expected integers or bools");
    assert_fails(op_try(&y, "bitwise_not", "", INPUTS(x)), EM_ETYPE, "got float32");
    em_tensor_release(x);
    em_tensor_release(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(bools_stay_bools),
        cmocka_unit_test(floats_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
