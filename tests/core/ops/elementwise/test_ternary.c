/* where, masked_fill, lerp, addcmul, addcdiv: values by hand, broadcasting, what is refused. */
#include <math.h>

#include "op_call.h"

static void where_chooses(void **state)
{
    (void)state;
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(2, 1), VALUES(1, 0));
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)));
    em_tensor *y = wanting_grad(tensor_of(EM_F32, SHAPE(3), VALUES(-1, -2, NAN)));
    em_tensor *z = op_call("where", "", INPUTS(mask, x, y));
    assert_tensor(z, EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, -1, -2, NAN));
    op_backward(z);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 3), VALUES(1, 1, 1, 0, 0, 0));
    assert_tensor(em_tensor_grad(y), EM_F32, SHAPE(3), VALUES(1, 1, 1));
    em_tensor_release(mask);
    em_tensor_release(x);
    em_tensor_release(y);
}

static void where_in_other_dtypes(void **state)
{
    (void)state;
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 0, 1));
    for (em_dtype d = EM_F32; d <= EM_BOOL; d++) {
        em_tensor *x = tensor_of(d, SHAPE(3), VALUES(1, 1, 1)), *y = tensor_of(d, SCALAR, VALUES(0));
        em_tensor *z = op_call("where", "", INPUTS(mask, x, y));
        assert_tensor(z, d, SHAPE(3), VALUES(1, 0, 1));
        em_tensor_release(x);
        em_tensor_release(y);
        em_tensor_release(z);
    }
    em_tensor *x = tensor_of(EM_I64, SHAPE(3), VALUES(1, 2, 3)), *y = tensor_of(EM_F32, SHAPE(1), VALUES(0.5));
    em_tensor *none = NULL;
    em_tensor *z = op_call("where", "", INPUTS(mask, x, y));
    assert_tensor(z, EM_F32, SHAPE(3), VALUES(1, 0.5, 3));
    assert_fails(op_try(&none, "where", "", INPUTS(x, x, y)), EM_ETYPE, "where: condition must be bool, got int64");
    em_tensor_release(mask);
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(z);
}

static void masked_fill_fills(void **state)
{
    (void)state;
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 0, 0));
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)));
    em_tensor *y = op_call("masked_fill", "value=-inf", INPUTS(x, mask));
    assert_tensor(y, EM_F32, SHAPE(2, 3), VALUES(-INFINITY, 2, 3, -INFINITY, 5, 6));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2, 3), VALUES(0, 1, 1, 0, 1, 1));
    em_tensor_release(mask);
    em_tensor_release(x);
}

static void masked_fill_in_place(void **state)
{
    (void)state;
    const em_op *op = em_op_find("masked_fill");
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(2, 3), VALUES(1, 0, 0, 0, 0, 1));
    em_tensor *x = tensor_of(EM_I32, SHAPE(3), VALUES(1, 2, 3));
    const em_opts nine = op_options(op, "value=9"), half = op_options(op, "value=0.5");
    assert_fails(em_apply_inplace(op, x, (em_tensor *[]){x, mask}, 2, &nine, NULL), EM_ESHAPE, "masked_fill_");
    em_tensor *row;
    assert_ok(em_tensor_view(&row, mask, 3, SHAPE(3), (int64_t[]){1}));
    assert_fails(em_apply_inplace(op, x, (em_tensor *[]){x, row}, 2, &half, NULL), EM_EVALUE,
                 "value = 0.5 does not fit");
    assert_tensor(x, EM_I32, SHAPE(3), VALUES(1, 2, 3));
    assert_ok(em_apply_inplace(op, x, (em_tensor *[]){x, row}, 2, &nine, NULL));
    assert_tensor(x, EM_I32, SHAPE(3), VALUES(1, 2, 9));
    em_tensor_release(mask);
    em_tensor_release(row);
    em_tensor_release(x);
}

static void combinations(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2), VALUES(1, 2)), *y = tensor_of(EM_F64, SHAPE(2), VALUES(3, 4));
    em_tensor *z = tensor_of(EM_F64, SHAPE(2, 1), VALUES(2, 4));
    em_tensor *a = op_call("addcmul", "value=0.5", INPUTS(x, y, z)), *b = op_call("addcdiv", "", INPUTS(x, y, z));
    em_tensor *c = op_call("lerp", "weight=0.25", INPUTS(x, y)), *d = op_call("lerp", "weight=1", INPUTS(x, y));
    assert_tensor(a, EM_F64, SHAPE(2, 2), VALUES(4, 6, 7, 10));
    assert_tensor(b, EM_F64, SHAPE(2, 2), VALUES(2.5, 4, 1.75, 3));
    assert_tensor(c, EM_F64, SHAPE(2), VALUES(1.5, 2.5));
    assert_tensor(d, EM_F64, SHAPE(2), VALUES(3, 4));
    release_all(TENSORS(x, y, z, a, b, c, d));
}

static void shapes_must_broadcast(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *y = tensor_of(EM_F32, SHAPE(3), VALUES(3, 4, 5));
    em_tensor *none = NULL;
    assert_fails(op_try(&none, "addcmul", "", INPUTS(x, x, y)), EM_ESHAPE, "addcmul: shapes (2) and (3)");
    assert_fails(op_try(&none, "lerp", "weight=0", INPUTS(x, y)), EM_ESHAPE, "lerp");
    em_tensor_release(x);
    em_tensor_release(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_chooses), cmocka_unit_test(where_in_other_dtypes),
        cmocka_unit_test(masked_fill_fills),
        cmocka_unit_test(masked_fill_in_place), cmocka_unit_test(combinations),
        cmocka_unit_test(shapes_must_broadcast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
