/* Comparisons: a table of pairs for every dtype, NaN, broadcasting. */
#include <math.h>

#include "op_call.h"

static const struct { const char *op; double want[4]; } all[] = {
    /* pairs 1 2, 2 1, 2 2, 0 0 */
    {"eq", {0, 0, 1, 1}},          {"ne", {1, 1, 0, 0}},         {"lt", {1, 0, 0, 0}},          {"le", {1, 0, 1, 1}},
    {"gt", {0, 1, 0, 0}},          {"ge", {0, 1, 1, 1}},         {"logical_and", {1, 1, 1, 0}},
    {"logical_or", {1, 1, 1, 0}},
    {"logical_xor", {0, 0, 0, 0}},
};
enum { OPS = sizeof all / sizeof *all };

static void pairs(void **state)
{
    (void)state;
    for (em_dtype dtype = EM_F32; dtype <= EM_U8; dtype++) {
        em_tensor *x = tensor_of(dtype, SHAPE(4), VALUES(1, 2, 2, 0));
        em_tensor *y = tensor_of(dtype, SHAPE(4), VALUES(2, 1, 2, 0));
        for (int k = 0; k < OPS; k++) {
            em_tensor *z = op_call(all[k].op, "", INPUTS(x, y));
            check_tensor(all[k].op, (int)dtype, 0, 0, z, EM_BOOL, SHAPE(4), 4, all[k].want);
            em_tensor_release(z);
        }
        em_tensor_release(x);
        em_tensor_release(y);
    }
}

static void bools(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_BOOL, SHAPE(2, 1), VALUES(0, 1)), *y = tensor_of(EM_BOOL, SHAPE(2), VALUES(0, 1));
    static const struct { const char *op; double want[4]; } logic[] = {
        {"logical_and", {0, 0, 0, 1}}, {"logical_or", {0, 1, 1, 1}}, {"logical_xor", {0, 1, 1, 0}},
        {"eq", {1, 0, 0, 1}},
    };
    for (int k = 0; k < 4; k++) {
        em_tensor *z = op_call(logic[k].op, "", INPUTS(x, y));
        check_tensor(logic[k].op, 0, 0, 0, z, EM_BOOL, SHAPE(2, 2), 4, logic[k].want);
        em_tensor_release(z);
    }
    em_tensor_release(x);
    em_tensor_release(y);
}

/* NaN differs from everything and is in no order; it is not 0 either. */
static void not_a_number(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(NAN, NAN)), *y = tensor_of(EM_F32, SHAPE(2), VALUES(NAN, 1));
    for (int k = 0; k < OPS; k++) {
        em_tensor *z = op_call(all[k].op, "", INPUTS(x, y));
        const char *op = all[k].op;
        const double want = !strcmp(op, "ne") || !strcmp(op, "logical_and") || !strcmp(op, "logical_or");
        check_tensor(all[k].op, 0, 0, 0, z, EM_BOOL, SHAPE(2), VALUES(want, want));
        em_tensor_release(z);
    }
    em_tensor_release(x);
    em_tensor_release(y);
}

/* 2^53 + 1 is an int64 but no double. */
static void large_integers_are_told_apart(void **state)
{
    (void)state;
    em_tensor *x, *y;
    assert_ok(em_tensor_scalar_int(&x, EM_I64, ((int64_t)1 << 53) + 1));
    assert_ok(em_tensor_scalar_int(&y, EM_I64, (int64_t)1 << 53));
    em_tensor *z = op_call("gt", "", INPUTS(x, y));
    assert_tensor(z, EM_BOOL, SCALAR, VALUES(1));
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(z);
}

static void shapes_must_broadcast(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *y = tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3));
    em_tensor *none = NULL;
    assert_fails(op_try(&none, "lt", "", INPUTS(x, y)), EM_ESHAPE, "lt: shapes (2) and (3)");
    em_tensor_release(x);
    em_tensor_release(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs), cmocka_unit_test(bools), cmocka_unit_test(not_a_number),
        cmocka_unit_test(large_integers_are_told_apart), cmocka_unit_test(shapes_must_broadcast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
