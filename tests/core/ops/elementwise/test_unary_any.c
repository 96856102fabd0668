/* Sign, rounding, bounds and tests, in every dtype. */
#include <math.h>

#include "values.h"

#define X(op, options, x, want, dx) {op, options, x, 0, want, dx, NOT_LOOKED_AT}
#define V(op, options, x, want) X(op, options, x, want, NOT_LOOKED_AT)

static void floats(void **state)
{
    (void)state;
    const value_row rows[] = {
        X("neg", "", 2, -2, -1), X("abs", "", -2, 2, -1), X("abs", "", 0, 0, 0), X("abs", "", -INFINITY, INFINITY, -1),
        X("sign", "", -3, -1, 0), X("sign", "", 0, 0, 0), V("sign", "", INFINITY, 1),
        X("square", "", -3, 9, -6), X("relu", "", -1, 0, 0), X("relu", "", 0, 0, 0), X("relu", "", 2, 2, 1),
        V("relu", "", NAN, NAN), V("relu", "", INFINITY, INFINITY),
        X("floor", "", -1.5, -2, 0), X("ceil", "", -1.5, -1, 0), X("trunc", "", -1.5, -1, 0),
        X("round", "", 0.5, 0, 0), V("round", "", 1.5, 2), V("round", "", 2.5, 2), V("round", "", -0.5, 0),
        V("round", "", -2.5, -2), V("round", "", 2.501, 3),
        X("clamp", "min=-1 max=1", -2, -1, 0), X("clamp", "min=-1 max=1", -1, -1, 1),
        X("clamp", "min=-1 max=1", 1, 1, 1),
        X("clamp", "min=-1 max=1", 0.5, 0.5, 1), X("clamp", "min=0.25", -2, 0.25, 0), X("clamp", "max=0.25", -2, -2, 1),
        V("clamp", "min=2 max=1", 0, 1), V("clamp", "min=2 max=1", 5, 1), V("clamp", "min=0 max=1", NAN, NAN),
        X("relu6", "", -1, 0, 0), X("relu6", "", 0, 0, 0), X("relu6", "", 3, 3, 1), X("relu6", "", 6, 6, 0),
        X("relu6", "", 7, 6, 0),
        V("relu6", "", NAN, NAN),
        X("hardtanh", "", -1, -1, 0), X("hardtanh", "", -2, -1, 0), X("hardtanh", "", 0.5, 0.5, 1),
        X("hardtanh", "", 1, 1, 0),
        X("hardtanh", "min_val=-0.5 max_val=2", 2, 2, 0), X("hardtanh", "min_val=-0.5 max_val=2", -3, -0.5, 0),
        V("hardtanh", "", NAN, NAN),
        V("isnan", "", NAN, 1), V("isnan", "", INFINITY, 0), V("isinf", "", -INFINITY, 1), V("isinf", "", NAN, 0),
        V("isfinite", "", 1, 1), V("isfinite", "", NAN, 0), V("isfinite", "", INFINITY, 0),
        V("logical_not", "", 0, 1), V("logical_not", "", 0.5, 0), V("logical_not", "", NAN, 0),
    };
    check_value_rows(rows, sizeof rows / sizeof *rows, 1);
}

static void integers(void **state)
{
    (void)state;
    static const struct { const char *op, *options; double want[4]; bool to_bool; } all[] = {
        {"neg", "", {3, 0, -1, -100}, false},     {"abs", "", {3, 0, 1, 100}, false},
        {"sign", "", {-1, 0, 1, 1}, false},
        {"square", "", {9, 0, 1, 10000}, false},  {"relu", "", {0, 0, 1, 100}, false},
        {"floor", "", {-3, 0, 1, 100}, false},
        {"ceil", "", {-3, 0, 1, 100}, false},     {"round", "", {-3, 0, 1, 100}, false},
        {"trunc", "", {-3, 0, 1, 100}, false},
        {"clamp", "min=-1 max=50", {-1, 0, 1, 50}, false}, {"clamp", "max=0", {-3, 0, 0, 0}, false},
        {"relu6", "", {0, 0, 1, 6}, false},
        {"hardtanh", "", {-1, 0, 1, 1}, false},   {"hardtanh", "min_val=0 max_val=50", {0, 0, 1, 50}, false},
        {"isnan", "", {0, 0, 0, 0}, true},        {"isinf", "", {0, 0, 0, 0}, true},
        {"isfinite", "", {1, 1, 1, 1}, true},
        {"logical_not", "", {0, 1, 0, 0}, true},
    };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (em_dtype dtype = EM_I64; dtype <= EM_I32; dtype++) {
            em_tensor *x = tensor_of(dtype, SHAPE(4), VALUES(-3, 0, 1, 100));
            em_tensor *y = op_call(all[k].op, all[k].options, 1, &x);
            assert_tensor(y, all[k].to_bool ? EM_BOOL : dtype, SHAPE(4), 4, all[k].want);
            em_tensor_release(x);
            em_tensor_release(y);
        }
}

static void unsigned_ones_wrap(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_U8, SHAPE(3), VALUES(0, 1, 20));
    em_tensor *minus = op_call("neg", "", 1, &x), *square = op_call("square", "", 1, &x);
    assert_tensor(minus, EM_U8, SHAPE(3), VALUES(0, 255, 236));
    assert_tensor(square, EM_U8, SHAPE(3), VALUES(0, 1, 144));
    em_tensor_release(x);
    em_tensor_release(minus);
    em_tensor_release(square);
}

/* The least number has no opposite; it must not trap either. */
static void the_least_number_wraps(void **state)
{
    (void)state;
    em_tensor *x;
    assert_ok(em_tensor_scalar_int(&x, EM_I64, INT64_MIN));
    em_tensor *y = op_call("abs", "", 1, &x), *z = op_call("neg", "", 1, &x);
    assert_true(element_int(y, 0) == INT64_MIN && element_int(z, 0) == INT64_MIN);
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(z);
}

static void bools(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_BOOL, SHAPE(2), VALUES(0, 1)), *y = op_call("logical_not", "", 1, &x), *none = NULL;
    assert_tensor(y, EM_BOOL, SHAPE(2), VALUES(1, 0));
    assert_fails(op_try(&none, "neg", "", 1, &x), EM_ETYPE, "neg: tensors of bool");
    assert_fails(op_try(&none, "abs", "", 1, &x), EM_ETYPE, "abs: tensors of bool");
    assert_fails(op_try(&none, "clamp", "min=0", 1, &x), EM_ETYPE, "clamp: tensors of bool");
    assert_fails(op_try(&none, "relu6", "", 1, &x), EM_ETYPE, "relu6: tensors of bool");
    assert_fails(op_try(&none, "hardtanh", "", 1, &x), EM_ETYPE, "hardtanh: tensors of bool");
    assert_null(none);
    em_tensor_release(x);
    em_tensor_release(y);
}

static void bounds_must_make_sense(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I32, SHAPE(1), VALUES(3)), *byte = tensor_of(EM_U8, SHAPE(1), VALUES(3)), *none = NULL;
    assert_fails(op_try(&none, "clamp", "", 1, &x), EM_EVALUE, "give min, max or both");
    assert_fails(op_try(&none, "clamp", "min=0.5", 1, &x), EM_EVALUE,
                 "clamp: min = 0.5 does not fit a tensor of int32");
    assert_fails(op_try(&none, "clamp", "max=1e10", 1, &x), EM_EVALUE, "max");
    assert_fails(op_try(&none, "clamp", "max=nan", 1, &x), EM_EVALUE, "max");
    assert_fails(op_try(&none, "hardtanh", "max_val=2.5", 1, &x), EM_EVALUE,
                 "hardtanh: max_val = 2.5 does not fit a tensor of int32");
    assert_fails(op_try(&none, "hardtanh", "", 1, &byte), EM_EVALUE,
                 "hardtanh: min_val = -1 does not fit a tensor of uint8");
    em_tensor_release(x);
    em_tensor_release(byte);
}

/* As in PyTorch, where clamp(1) of integers has integers and clamp(1.0) floats. */
static void a_bound_given_as_a_float_makes_floats(void **state)
{
    (void)state;
    const em_op *clamp = em_op_find("clamp");
    const em_opts half = {.at = {{.given = true, .real = true, .x = 0.5}}};
    const em_opts two = {.at = {{0}, {.given = true, .real = true, .x = 2}}};
    for (em_dtype dtype = EM_I64; dtype <= EM_BOOL; dtype++) {
        em_tensor *x = tensor_of(dtype, SHAPE(2), VALUES(0, 1)), *y, *z;
        assert_ok(em_apply(clamp, &x, 1, &half, NULL, &y));
        assert_ok(em_apply(clamp, &x, 1, &two, NULL, &z));
        assert_tensor(y, EM_F32, SHAPE(2), VALUES(0.5, 1));
        assert_tensor(z, EM_F32, SHAPE(2), VALUES(0, 1));
        assert_fails(em_apply_inplace(clamp, x, &x, 1, &half, NULL), EM_ETYPE, "clamp_: the result is float32");
        assert_tensor(x, dtype, SHAPE(2), VALUES(0, 1));
        em_tensor_release(x);
        em_tensor_release(y);
        em_tensor_release(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats),         cmocka_unit_test(integers), cmocka_unit_test(unsigned_ones_wrap),
        cmocka_unit_test(the_least_number_wraps), cmocka_unit_test(bools), cmocka_unit_test(bounds_must_make_sense),
        cmocka_unit_test(a_bound_given_as_a_float_makes_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
