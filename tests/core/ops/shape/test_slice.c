#include "op_check.h"

static em_tensor *matrix(void)
{
    return tensor_of(EM_F32, SHAPE(3, 4), VALUES(0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23));
}

static void check(const char *name, const char *options, int dims, const int64_t *sizes, int64_t count,
                  const double *values)
{
    em_tensor *x = matrix(), *y = op_call(name, options, INPUTS(x));
    assert_tensor(y, EM_F32, dims, sizes, count, values);
    assert_true(em_tensor_same_storage(x, y));
    em_tensor_release(x);
    em_tensor_release(y);
}

static void parts_by_hand(void **state)
{
    (void)state;
    check("select", "dim=0 index=1", SHAPE(4), VALUES(10, 11, 12, 13));
    check("select", "dim=-1 index=-4", SHAPE(3), VALUES(0, 10, 20));
    check("narrow", "dim=1 start=1 length=2", SHAPE(3, 2), VALUES(1, 2, 11, 12, 21, 22));
    check("narrow", "dim=0 start=-1 length=1", SHAPE(1, 4), VALUES(20, 21, 22, 23));
    check("narrow", "dim=0 start=3 length=0", SHAPE(0, 4), NO_VALUES);
    check("slice", "", SHAPE(3, 4), VALUES(0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23));
    check("slice", "dim=1 step=2", SHAPE(3, 2), VALUES(0, 2, 10, 12, 20, 22));
    check("slice", "dim=1 start=1 step=2", SHAPE(3, 2), VALUES(1, 3, 11, 13, 21, 23));
    check("slice", "dim=1 start=1 stop=4 step=3", SHAPE(3, 1), VALUES(1, 11, 21));
    check("slice", "dim=0 start=-2", SHAPE(2, 4), VALUES(10, 11, 12, 13, 20, 21, 22, 23));
    check("slice", "dim=0 stop=-2", SHAPE(1, 4), VALUES(0, 1, 2, 3));
    check("slice", "dim=0 start=-9 stop=9", SHAPE(3, 4), VALUES(0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23));
    check("slice", "dim=0 start=2 stop=1", SHAPE(0, 4), NO_VALUES);
    check("slice", "dim=0 start=5 stop=9", SHAPE(0, 4), NO_VALUES);
    check("slice", "dim=0 step=9223372036854775807", SHAPE(1, 4), VALUES(0, 1, 2, 3));
    check("diagonal", "", SHAPE(3), VALUES(0, 11, 22));
    check("diagonal", "offset=1", SHAPE(3), VALUES(1, 12, 23));
    check("diagonal", "offset=-1", SHAPE(2), VALUES(10, 21));
    check("diagonal", "offset=3", SHAPE(1), VALUES(3));
    check("diagonal", "offset=4", SHAPE(0), NO_VALUES);
    check("diagonal", "offset=-9223372036854775808", SHAPE(0), NO_VALUES);
    check("diagonal", "dim1=1 dim2=0 offset=-1", SHAPE(3), VALUES(1, 12, 23));
}

static void a_diagonal_of_more_dims_comes_last(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I64, SHAPE(2, 3, 2), VALUES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    em_tensor *y = op_call("diagonal", "dim1=0 dim2=2", INPUTS(x));
    assert_tensor(y, EM_I64, SHAPE(3, 2), VALUES(0, 7, 2, 9, 4, 11));
    em_tensor_release(x);
    em_tensor_release(y);
}

static void the_gradient_is_zero_outside(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(3, 4), 1);
    assert_gradient("select", "dim=1 index=-1", INPUTS(x));
    assert_gradient("narrow", "dim=0 start=1 length=2", INPUTS(x));
    assert_gradient("narrow", "dim=0 start=1 length=0", INPUTS(x));
    assert_gradient("slice", "dim=1 start=1 step=2", INPUTS(x));
    assert_gradient("diagonal", "offset=1", INPUTS(x));
    em_tensor_release(x);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = matrix(), *s = tensor_of(EM_F32, SCALAR, VALUES(1)), *v = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2));
    op_fails("select", "dim=1 index=4", INPUTS(x), EM_ERANGE,
             "index 4 is out of range for dim 1 of size 4 (positions count from 0)");
    op_fails("select", "dim=1 index=-5", INPUTS(x), EM_ERANGE, "index -5");
    op_fails("select", "dim=2 index=0", INPUTS(x), EM_ERANGE, "dim 2");
    op_fails("select", "dim=0 index=0", INPUTS(s), EM_ESHAPE, "()");
    op_fails("narrow", "dim=0 start=2 length=2", INPUTS(x), EM_ERANGE, "start 2 and length 2");
    op_fails("narrow", "dim=0 start=-4 length=1", INPUTS(x), EM_ERANGE, "start -4");
    op_fails("narrow", "dim=0 start=0 length=-1", INPUTS(x), EM_ERANGE, "length -1");
    op_fails("narrow", "dim=0 start=1 length=9223372036854775807", INPUTS(x), EM_ERANGE, "narrow");
    op_fails("slice", "step=0", INPUTS(x), EM_EVALUE, "step 0");
    op_fails("slice", "step=-1", INPUTS(x), EM_EVALUE, "step -1");
    op_fails("diagonal", "dim1=1 dim2=-1", INPUTS(x), EM_EVALUE, "both dim 1");
    op_fails("diagonal", "", INPUTS(v), EM_ESHAPE, "at least 2 dims");
    em_tensor_release(x);
    em_tensor_release(s);
    em_tensor_release(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_by_hand),
        cmocka_unit_test(a_diagonal_of_more_dims_comes_last),
        cmocka_unit_test(the_gradient_is_zero_outside),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
