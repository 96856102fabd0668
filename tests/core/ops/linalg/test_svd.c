#include "op_check.h"

#include <math.h>

static void release(em_tensor **t)
{
    for (int k = 0; k < EM_MAX_OUT; k++) {
        em_tensor_release(t[k]);
        t[k] = NULL;
    }
}

/* A = U diag(S) Vh, and the rows of Vh and columns of U are orthonormal. */
static void check(em_dtype dtype, const char *options, int64_t batch, int64_t m, int64_t n, double near)
{
    em_tensor *x = random_tensor(dtype, SHAPE(batch, m, n), 3), *y[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(y, "svd", options, INPUTS(x)));
    const int64_t k = m < n ? m : n, wide = em_tensor_size(y[0], 2), high = em_tensor_size(y[2], 1);
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t r = 0; r < k; r++)
                    sum += element(y[0], (b * m + i) * wide + r) * element(y[1], b * k + r) *
                           element(y[2], (b * high + r) * n + j);
                assert_true(fabs(sum - element(x, (b * m + i) * n + j)) < near);
            }
        for (int64_t r = 0; r < high; r++)
            for (int64_t q = 0; q < high; q++) {
                double sum = 0;
                for (int64_t j = 0; j < n; j++)
                    sum += element(y[2], (b * high + r) * n + j) * element(y[2], (b * high + q) * n + j);
                assert_true(fabs(sum - (r == q)) < near);
            }
        for (int64_t r = 0; r < wide; r++)
            for (int64_t q = 0; q < wide; q++) {
                double sum = 0;
                for (int64_t i = 0; i < m; i++)
                    sum += element(y[0], (b * m + i) * wide + r) * element(y[0], (b * m + i) * wide + q);
                assert_true(fabs(sum - (r == q)) < near);
            }
        for (int64_t r = 1; r < k; r++) assert_true(element(y[1], b * k + r - 1) >= element(y[1], b * k + r));
    }
    release(y);
    em_tensor_release(x);
}

static void factors_multiply_to_the_matrix(void **state)
{
    (void)state;
    for (int64_t m = 0; m <= 5; m++)
        for (int64_t n = 0; n <= 5; n++) {
            check(EM_F64, "full_matrices=false", 2, m, n, 1e-13);
            check(EM_F32, "full_matrices=true", 2, m, n, 1e-5);
        }
    check(EM_F64, "full_matrices=true", 1, 40, 70, 1e-12);
}

/* [[3, 0], [4, 5]]: A A^T has the eigenvalues 45 and 5. */
static void by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2, 2), VALUES(3, 0, 4, 5)), *y[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(y, "svd", "", INPUTS(x)));
    assert_true(fabs(element(y[1], 0) - sqrt(45)) < 1e-14 && fabs(element(y[1], 1) - sqrt(5)) < 1e-14);
    assert_true(fabs(fabs(element(y[0], 0)) - sqrt(0.1)) < 1e-14);      /* U's first column: (1, 3) / sqrt(10) */
    release(y);
    em_tensor_release(x);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(2, 4, 3), 1);
    assert_gradient("svd", "full_matrices=false", INPUTS(x));
    em_tensor_release(x);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *v = random_tensor(EM_F32, SHAPE(3), 1),
              *x = tensor_of(EM_F32, SHAPE(2, 1, 2), VALUES(1, 2, 3, NAN)),
              *y = tensor_of(EM_F64, SHAPE(1, 2), VALUES(INFINITY, 0));
    op_fails("svd", "", INPUTS(v), EM_ESHAPE, "at least 2 dims, got shape (3)");
    op_fails("svd", "", INPUTS(x), EM_EVALUE, "matrix 1 of the batch holds NaN");
    op_fails("svd", "", INPUTS(y), EM_EVALUE, "svd: input: matrix holds NaN or an infinite number");
    em_tensor_release(v);
    em_tensor_release(x);
    em_tensor_release(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_multiply_to_the_matrix),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(gradients),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
