/* logsumexp: a naive loop over all dims, numbers that would overflow, infinities and NaN, a gradient by hand. */
#include <math.h>

#include "over_dims.h"

static double logsumexp_of(const double *x, int64_t n)
{
    long double s = 0;
    for (int64_t i = 0; i < n; i++) s += (long double)exp(x[i]);
    return (double)logl(s);
}

static void all_shapes_and_dims(void **state)
{
    (void)state;
    check_over_dims("logsumexp", "", EM_F32, logsumexp_of, 1e-6);
    check_over_dims("logsumexp", "", EM_F64, logsumexp_of, 1e-12);
}

static void edges(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1e4, 1e4)), *y = op_call("logsumexp", "", 1, &x);
    assert_tensor_close(1e-6, 0, y, EM_F32, SCALAR, VALUES(1e4 + log(2)));
    em_tensor *i = tensor_of(EM_F32, SHAPE(2), VALUES(INFINITY, 1)), *z = op_call("logsumexp", "", 1, &i);
    assert_tensor(z, EM_F32, SCALAR, VALUES(INFINITY));
    em_tensor *e = tensor_of(EM_F32, SHAPE(0), NO_VALUES), *v = op_call("logsumexp", "", 1, &e);
    assert_tensor(v, EM_F32, SCALAR, VALUES(-INFINITY));
    em_tensor *m = tensor_of(EM_F32, SHAPE(3, 2), VALUES(0, -INFINITY, -INFINITY, -INFINITY, NAN, 1)), *none = NULL;
    em_tensor *l = op_call("logsumexp", "dim=1", 1, &m);
    assert_tensor(l, EM_F32, SHAPE(3), VALUES(0, -INFINITY, NAN));
    assert_fails(op_try(&none, "logsumexp", "dim=3", 1, &m), EM_ERANGE, "logsumexp: dim 3");
    release_all(TENSORS(x, y, i, z, e, v, m, l));
}

static void gradient_by_hand(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2), VALUES(0, log(3))));
    op_backward(op_call("logsumexp", "", 1, &x));
    assert_tensor_close(1e-12, 0, em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(0.25, 0.75));
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shapes_and_dims), cmocka_unit_test(edges), cmocka_unit_test(gradient_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
