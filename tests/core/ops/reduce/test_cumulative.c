/* Running greatest and least numbers: values by hand, NaN, ties, gradients. */
#include <math.h>

#include "op_call.h"

static void check(const char *op, em_tensor *x, const char *options, const double *values, const double *places)
{
    em_tensor *y[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(y, op, options, 1, &x));
    const int dims = em_tensor_dims(x);
    assert_tensor(y[0], em_tensor_dtype(x), dims, em_tensor_sizes(x), em_tensor_count(x), values);
    assert_tensor(y[1], EM_I64, dims, em_tensor_sizes(x), em_tensor_count(x), places);
    em_tensor_release(y[0]);
    em_tensor_release(y[1]);
}

static void values_by_hand(void **state)
{
    (void)state;
    for (em_dtype d = EM_F32; d <= EM_U8; d++) {
        em_tensor *x = tensor_of(d, SHAPE(2, 3), VALUES(1, 3, 2, 4, 0, 4));
        check("cummax", x, "dim=1", (double[]){1, 3, 3, 4, 4, 4}, (double[]){0, 1, 1, 0, 0, 2});
        check("cummin", x, "dim=-1", (double[]){1, 1, 1, 4, 0, 0}, (double[]){0, 0, 0, 0, 1, 1});
        check("cummax", x, "dim=0", (double[]){1, 3, 2, 4, 3, 4}, (double[]){0, 0, 0, 1, 0, 1});
        em_tensor_release(x);
    }
}

static void nan_stays(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(4), VALUES(1, NAN, 5, NAN));
    check("cummax", x, "dim=0", (double[]){1, NAN, NAN, NAN}, (double[]){0, 1, 1, 3});
    check("cummin", x, "dim=0", (double[]){1, NAN, NAN, NAN}, (double[]){0, 1, 1, 3});
    em_tensor_release(x);
}

static void gradients_go_where_the_numbers_came_from(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(4), VALUES(2, 1, 5, 3)));
    op_backward(op_call("cummax", "dim=0", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(4), VALUES(2, 0, 2, 0));
    em_tensor_release(x);
    x = wanting_grad(tensor_of(EM_F32, SCALAR, VALUES(2)));
    op_backward(op_call("cummin", "dim=0", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F32, SCALAR, VALUES(1));
    em_tensor_release(x);
}

static void edges(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 0), NO_VALUES), *y[EM_MAX_OUT] = {NULL};
    check("cummax", x, "dim=1", NULL, NULL);
    assert_fails(op_try(y, "cummax", "dim=2", 1, &x), EM_ERANGE, "cummax: dim 2");
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(nan_stays),
        cmocka_unit_test(gradients_go_where_the_numbers_came_from),
        cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
