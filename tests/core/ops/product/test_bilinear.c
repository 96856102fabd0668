#include "op_call.h"

#include <math.h>

/* y[n, k] = sum_ij x1[n, i] w[k, i, j] x2[n, j] + b[k] */
static void products_match_a_loop(void **state)
{
    (void)state;
    enum { N = 4, I = 3, J = 5, K = 2 };
    em_tensor *x1, *x2, *w, *b = tensor_of(EM_F64, SHAPE(K), VALUES(0.5, -1));
    em_rng rng = {.seed = 2};
    assert_ok(em_tensor_empty(&x1, EM_F64, SHAPE(N, I)));
    assert_ok(em_tensor_empty(&x2, EM_F64, SHAPE(N, J)));
    assert_ok(em_tensor_empty(&w, EM_F64, SHAPE(K, I, J)));
    em_tensor_fill_normal(x1, 0, 1, &rng);
    em_tensor_fill_normal(x2, 0, 1, &rng);
    em_tensor_fill_normal(w, 0, 1, &rng);
    em_tensor *y = op_call("bilinear", "", INPUTS(x1, x2, w, b)), *bare = op_call("bilinear", "", INPUTS(x1, x2, w));
    for (int n = 0; n < N; n++)
        for (int k = 0; k < K; k++) {
            double sum = 0;
            for (int i = 0; i < I; i++)
                for (int j = 0; j < J; j++)
                    sum += element(x1, n * I + i) * element(w, (k * I + i) * J + j) * element(x2, n * J + j);
            assert_true(fabs(element(bare, n * K + k) - sum) < 1e-12);
            assert_true(fabs(element(y, n * K + k) - sum - element(b, k)) < 1e-12);
        }
    release_all(TENSORS(x1, x2, w, b, y, bare));
}

static void gradients_match_differences(void **state)
{
    (void)state;
    em_tensor *in[] = {tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, -2, 0.5, 3)),
                       tensor_of(EM_F64, SHAPE(2, 1), VALUES(2, -1)),
                       tensor_of(EM_F64, SHAPE(2, 2, 1), VALUES(1, 2, -3, 4)),
                       tensor_of(EM_F64, SHAPE(2), VALUES(0, 1))};
    for (int i = 0; i < 4; i++) wanting_grad(in[i]);
    check_gradients("bilinear", "", 4, in);
    release_all(4, in);
}

static void shapes_must_fit(void **state)
{
    (void)state;
    em_tensor *x1 = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2)), *y;
    em_tensor *x2 = tensor_of(EM_F32, SHAPE(1, 1), VALUES(1));
    em_tensor *w = tensor_of(EM_F32, SHAPE(1, 3, 1), VALUES(1, 2, 3));
    em_tensor *flat = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2));
    assert_fails(op_try(&y, "bilinear", "", INPUTS(x1, x2, w)), EM_ESHAPE,
                 "bilinear: input1 (1, 2) and input2 (1, 1): expected (..., 3) and (..., 1) for weight (1, 3, 1)");
    assert_fails(op_try(&y, "bilinear", "", INPUTS(x1, x2, flat)), EM_ESHAPE, "bilinear: weight");
    release_all(TENSORS(x1, x2, w, flat));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_match_a_loop),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(shapes_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
