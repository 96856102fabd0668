#include <math.h>

#include "op_check.h"

#define RESULT(options, inputs, ...) \
    do { \
        em_tensor *y = op_call("scatter_reduce", options, inputs); \
        assert_tensor(y, __VA_ARGS__); \
        em_tensor_release(y); \
    } while (0)

static void by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(3), VALUES(10, 20, 30)), *ids = tensor_of(EM_I32, SHAPE(3), VALUES(0, 0, 2)),
              *src = tensor_of(EM_F32, SHAPE(3), VALUES(1, 5, 7));
    RESULT("dim=0 reduce=sum", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(16, 20, 37));
    RESULT("dim=0 reduce=prod", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(50, 20, 210));
    RESULT("dim=0 reduce=mean", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES((double)(16.0f / 3), 20, 18.5));
    RESULT("dim=0 reduce=amax", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(10, 20, 30));
    RESULT("dim=0 reduce=amin", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(1, 20, 7));
    RESULT("dim=0 reduce=sum include_self=false", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(6, 20, 7));
    RESULT("dim=0 reduce=prod include_self=false", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(5, 20, 7));
    RESULT("dim=0 reduce=mean include_self=false", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(3, 20, 7));
    RESULT("dim=0 reduce=amax include_self=false", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(5, 20, 7));
    RESULT("dim=0 reduce=amin include_self=false", INPUTS(x, ids, src), EM_F32, SHAPE(3), VALUES(1, 20, 7));
    assert_tensor(x, EM_F32, SHAPE(3), VALUES(10, 20, 30));
    release_all(TENSORS(x, ids, src));
}

/* PyTorch 1.13's values. */
static void one_element_bools_and_integers(void **state)
{
    (void)state;
    em_tensor *one = tensor_of(EM_F32, SCALAR, VALUES(0.5)), *zero = tensor_of(EM_I64, SCALAR, VALUES(0));
    RESULT("dim=0 reduce=prod", INPUTS(one, zero, one), EM_F32, SCALAR, VALUES(0.25));
    RESULT("dim=0 reduce=prod include_self=false", INPUTS(one, zero, one), EM_F32, SCALAR, VALUES(0.5));
    em_tensor *b = tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 0, 1)), *first = tensor_of(EM_I64, SHAPE(3), VALUES(0, 0, 0));
    RESULT("dim=0 reduce=sum include_self=false", INPUTS(b, first, b), EM_BOOL, SHAPE(3), VALUES(1, 0, 1));
    RESULT("dim=0 reduce=prod", INPUTS(b, first, b), EM_BOOL, SHAPE(3), VALUES(0, 0, 1));
    RESULT("dim=0 reduce=amax", INPUTS(b, first, b), EM_BOOL, SHAPE(3), VALUES(1, 0, 1));
    RESULT("dim=0 reduce=amin", INPUTS(b, first, b), EM_BOOL, SHAPE(3), VALUES(0, 0, 1));
    em_tensor *n = tensor_of(EM_I64, SHAPE(3), VALUES(-3, 0, -4)), *none = tensor_of(EM_I64, SHAPE(0), NO_VALUES);
    RESULT("dim=0 reduce=mean", INPUTS(n, first, n), EM_I64, SHAPE(3), VALUES(-3, 0, -4));     /* floor(-10 / 4) */
    RESULT("dim=0 reduce=amin include_self=false", INPUTS(none, none, none), EM_I64, SHAPE(0), NO_VALUES);
    release_all(TENSORS(one, zero, b, first, n, none));
}

static void not_a_number_stays(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(1), VALUES(1)), *ids = tensor_of(EM_I64, SHAPE(3), VALUES(0, 0, 0)),
              *src = tensor_of(EM_F64, SHAPE(3), VALUES(2, NAN, 0));
    for (int i = 0; i < 2; i++) {
        em_tensor *y = op_call("scatter_reduce", i ? "dim=0 reduce=amax" : "dim=0 reduce=amin", INPUTS(x, ids, src));
        assert_true(isnan(element(y, 0)));
        em_tensor_release(y);
    }
    release_all(TENSORS(x, ids, src));
}

/* Factors that are 0, and extremes that are equal, beside what the numeric check of all operations can see. */
static void gradients_of_zeros_and_ties(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2), VALUES(2, 3))),
              *src = wanting_grad(tensor_of(EM_F64, SHAPE(4), VALUES(0, 5, 0, 0)));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(4), VALUES(0, 0, 1, 1));
    op_backward(op_call("scatter_reduce", "dim=0 reduce=prod", INPUTS(x, ids, src)));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(0, 0));
    assert_tensor(em_tensor_grad(src), EM_F64, SHAPE(4), VALUES(10, 0, 0, 0));
    release_all(TENSORS(x, src, ids));

    x = wanting_grad(tensor_of(EM_F64, SHAPE(2), VALUES(4, 3)));
    src = wanting_grad(tensor_of(EM_F64, SHAPE(3), VALUES(4, 4, 1)));
    ids = tensor_of(EM_I64, SHAPE(3), VALUES(0, 0, 0));
    op_backward(op_call("scatter_reduce", "dim=0 reduce=amax", INPUTS(x, ids, src)));
    assert_tensor_close(1e-15, 0, em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(1.0 / 3, 1));
    assert_tensor_close(1e-15, 0, em_tensor_grad(src), EM_F64, SHAPE(3), VALUES(1.0 / 3, 1.0 / 3, 0));
    release_all(TENSORS(x, src, ids));
}

static void in_place(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 4)), *ids = tensor_of(EM_I64, SHAPE(3), VALUES(1, 2, 0));
    const em_op *op = em_op_find("scatter_reduce");
    em_opts opts = op_options(op, "dim=0 reduce=prod");
    assert_ok(em_apply_inplace(op, x, (em_tensor *[]){x, ids, x}, 3, &opts, NULL));
    assert_tensor(x, EM_F32, SHAPE(3), VALUES(4, 2, 8));
    release_all(TENSORS(x, ids));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F32, SHAPE(3, 2), 1), *src = random_tensor(EM_F32, SHAPE(2, 2), 1),
              *thin = random_tensor(EM_F32, SHAPE(2, 1), 1), *whole = random_tensor(EM_I64, SHAPE(2, 2), 1);
    em_tensor *ok = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 1, 1, 2)),
              *far = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 1, 3, 2));
    op_fails("scatter_reduce", "dim=0 reduce=sum", INPUTS(x, far, src), EM_ERANGE, "index 3 at position [1, 0]");
    op_fails("scatter_reduce", "dim=0 reduce=sum", INPUTS(x, ok, thin), EM_ESHAPE, "src (2, 1)");
    op_fails("scatter_reduce", "dim=0 reduce=sum", INPUTS(x, ok, whole), EM_ETYPE, "src is int64, input float32");
    op_fails("scatter_reduce", "dim=2 reduce=sum", INPUTS(x, ok, src), EM_ERANGE, "dim 2");
    release_all(TENSORS(x, src, thin, whole, ok, far));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),           cmocka_unit_test(one_element_bools_and_integers),
        cmocka_unit_test(not_a_number_stays), cmocka_unit_test(gradients_of_zeros_and_ties),
        cmocka_unit_test(in_place),          cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
