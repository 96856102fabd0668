/* Running sums and products: values by hand, a naive loop on large tensors, dtypes, gradients with zeros. */
#include <math.h>

#include "op_call.h"

static void values_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor *a = op_call("cumsum", "dim=0", 1, &x), *b = op_call("cumsum", "dim=-1", 1, &x);
    em_tensor *c = op_call("cumprod", "dim=1", 1, &x);
    assert_tensor(a, EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 5, 7, 9));
    assert_tensor(b, EM_F32, SHAPE(2, 3), VALUES(1, 3, 6, 4, 9, 15));
    assert_tensor(c, EM_F32, SHAPE(2, 3), VALUES(1, 2, 6, 4, 20, 120));
    release_all(TENSORS(x, a, b, c));
}

static void integers_become_int64(void **state)
{
    (void)state;
    for (em_dtype d = EM_I64; d <= EM_BOOL; d++) {
        em_tensor *x = tensor_of(d, SHAPE(3), VALUES(1, 1, 1)), *y = op_call("cumsum", "dim=0", 1, &x);
        em_tensor *z = op_call("cumprod", "dim=0", 1, &x);
        assert_tensor(y, EM_I64, SHAPE(3), VALUES(1, 2, 3));
        assert_tensor(z, EM_I64, SHAPE(3), VALUES(1, 1, 1));
        em_tensor_release(x);
        em_tensor_release(y);
        em_tensor_release(z);
    }
}

static void large_tensors_agree_with_a_naive_loop(void **state)
{
    (void)state;
    const int64_t O = 23, R = 101, K = 131;
    em_tensor *x;
    assert_ok(em_tensor_empty(&x, EM_F64, SHAPE(O, R, K)));
    for (int64_t i = 0; i < O * R * K; i++) em_tensor_set(x, i, (double)(i * 31 % 17) - 8);
    em_set_threads(4);
    em_tensor *y = op_call("cumsum", "dim=1", 1, &x);
    em_set_threads(1);
    for (int64_t o = 0; o < O; o++)
        for (int64_t k = 0; k < K; k++) {
            double s = 0;
            for (int64_t r = 0; r < R; r++) {
                s += element(x, (o * R + r) * K + k);
                assert_true(element(y, (o * R + r) * K + k) == s);
            }
        }
    em_tensor_release(x);
    em_tensor_release(y);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(3), VALUES(2, 3, 4)));
    op_backward(op_call("cumsum", "dim=0", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(3), VALUES(3, 2, 1));
    assert_ok(em_tensor_set_grad(x, NULL));
    op_backward(op_call("cumprod", "dim=0", 1, &x));
    assert_tensor_close(1e-12, 0, em_tensor_grad(x), EM_F64, SHAPE(3), VALUES(1 + 3 + 12, 2 + 8, 6));
    em_tensor_release(x);
}

/* y = a, ab, abc, abcd with b = d = 0: da = 1 + b + ..., db = a + ac + acd, behind that nothing. */
static void product_with_zeros(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(4), VALUES(2, 0, 4, 0)));
    op_backward(op_call("cumprod", "dim=0", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(4), VALUES(1, 2 + 8, 0, 0));
    em_tensor_release(x);
    x = wanting_grad(tensor_of(EM_F64, SHAPE(2), VALUES(0, 5)));
    op_backward(op_call("cumprod", "dim=0", 1, &x));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(6, 0));
    em_tensor_release(x);
}

static void edges(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 0), NO_VALUES), *s = tensor_of(EM_F32, SCALAR, VALUES(3)), *none = NULL;
    em_tensor *y = op_call("cumsum", "dim=1", 1, &x), *z = op_call("cumprod", "dim=0", 1, &s);
    assert_tensor(y, EM_F32, SHAPE(2, 0), NO_VALUES);
    assert_tensor(z, EM_F32, SCALAR, VALUES(3));
    assert_fails(op_try(&none, "cumsum", "dim=2", 1, &x), EM_ERANGE, "cumsum: dim 2");
    release_all(TENSORS(x, s, y, z));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand), cmocka_unit_test(integers_become_int64),
        cmocka_unit_test(large_tensors_agree_with_a_naive_loop), cmocka_unit_test(gradients),
        cmocka_unit_test(product_with_zeros), cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
