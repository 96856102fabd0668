/* softmax, log_softmax and softmin: a naive loop along every dim, numbers that would overflow, masked rows, gradients
 * by hand. */
#include <math.h>

#include "op_call.h"

static double sign_of(const char *op) { return !strcmp(op, "softmin") ? -1 : 1; }

/* Result at r of a line of R elements, K apart, from x on. */
static double reference(const char *op, const em_tensor *x, int64_t first, int64_t R, int64_t K, int64_t r)
{
    double most = -INFINITY, sum = 0;
    const double sign = sign_of(op);
    for (int64_t i = 0; i < R; i++) most = fmax(most, sign * element(x, first + i * K));
    for (int64_t i = 0; i < R; i++) sum += exp(sign * element(x, first + i * K) - most);
    const double at = sign * element(x, first + r * K) - most;
    return !strcmp(op, "log_softmax") ? at - log(sum) : exp(at) / sum;
}

static void check_along(const char *op, em_dtype dtype, int dims, const int64_t *sizes, int d)
{
    em_tensor *x;
    em_rng rng = {5, 0};
    char options[] = "dim=0";
    options[4] = (char)('0' + d);
    assert_ok(em_tensor_empty(&x, dtype, dims, sizes));
    em_tensor_fill_normal(x, 0, 3, &rng);
    em_tensor *y = op_call(op, options, 1, &x);
    int64_t K = 1;
    for (int k = d + 1; k < dims; k++) K *= sizes[k];
    /* a logarithm is as exact as the numbers it is the difference of, a probability relative to itself */
    const bool is_log = !strcmp(op, "log_softmax");
    const double tolerance = dtype == EM_F32 ? 4e-6 : 1e-13, least = is_log ? 1 : 1e-3;
    for (int64_t i = 0; i < em_tensor_count(x); i++) {
        const int64_t r = i / K % sizes[d], first = i - r * K;
        const double want = reference(op, x, first, sizes[d], K, r), got = element(y, i);
        if (!(fabs(got - want) <= tolerance * fmax(fabs(want), least)))
            fail_msg("%s %s, element %lld: %.17g, want %.17g", op, options, (long long)i, got, want);
    }
    em_tensor_release(x);
    em_tensor_release(y);
}

static void every_dim_against_a_naive_loop(void **state)
{
    (void)state;
    static const char *const ops[] = {"softmax", "log_softmax", "softmin"};
    static const struct { int dims; int64_t sizes[3]; } shapes[] = {
        {1, {5}}, {1, {37}}, {2, {3, 4}}, {2, {7, 130}}, {3, {5, 6, 7}}, {3, {20, 30, 65}}, {2, {1, 1}},
    };
    em_set_threads(4);
    for (int k = 0; k < 3; k++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int d = 0; d < shapes[s].dims; d++)
                for (em_dtype dtype = EM_F32; dtype <= EM_F64; dtype++)
                    check_along(ops[k], dtype, shapes[s].dims, shapes[s].sizes, d);
    em_set_threads(1);
}

static void large_numbers_do_not_overflow(void **state)
{
    (void)state;
    const double l = log(0.5);
    for (int turned = 0; turned < 2; turned++) {        /* as a row, and as a column of a tensor of two columns */
        em_tensor *x = turned ? tensor_of(EM_F32, SHAPE(3, 2), VALUES(1e4, 0, 1e4, 0, -1e4, 0))
                              : tensor_of(EM_F32, SHAPE(1, 3), VALUES(1e4, 1e4, -1e4));
        em_tensor *y = op_call("softmax", turned ? "dim=0" : "dim=1", 1, &x);
        em_tensor *z = op_call("log_softmax", turned ? "dim=0" : "dim=1", 1, &x);
        for (int64_t i = 0; i < 3; i++) {
            assert_true(element(y, turned ? 2 * i : i) == (i < 2 ? 0.5 : 0));
            assert_true(fabs(element(z, turned ? 2 * i : i) - (i < 2 ? l : l - 2e4)) < 1e-2);
        }
        em_tensor_release(x);
        em_tensor_release(y);
        em_tensor_release(z);
    }
}

/* -inf masks an element; a row of nothing but -inf has no softmax. */
static void masked_rows(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(3, 2), VALUES(0, -INFINITY, -INFINITY, -INFINITY, NAN, 1));
    em_tensor *y = op_call("softmax", "dim=1", 1, &x), *z = op_call("log_softmax", "dim=1", 1, &x);
    assert_tensor(y, EM_F32, SHAPE(3, 2), VALUES(1, 0, NAN, NAN, NAN, NAN));
    assert_tensor(z, EM_F32, SHAPE(3, 2), VALUES(0, -INFINITY, NAN, NAN, NAN, NAN));
    release_all(TENSORS(x, y, z));
}

static void gradient_by_hand(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2), VALUES(0, log(3))));
    em_tensor *w = tensor_of(EM_F64, SHAPE(2), VALUES(1, 0));
    static const struct { const char *op; double want[2]; } all[] = {
        {"softmax", {0.1875, -0.1875}},         /* y = 1/4, 3/4; dx = y (dy - sum dy y) */
        {"log_softmax", {0.75, -0.75}},         /* dx = dy - y sum dy */
        {"softmin", {-0.1875, 0.1875}},         /* y = 3/4, 1/4 */
    };
    for (int k = 0; k < 3; k++) {
        em_tensor *y = op_call(all[k].op, "dim=0", 1, &x);
        assert_ok(em_backward(y, w, false));
        check_tensor(all[k].op, 0, 1e-12, 0, em_tensor_grad(x), EM_F64, SHAPE(2), 2, all[k].want);
        assert_ok(em_tensor_set_grad(x, NULL));
        em_tensor_release(y);
    }
    em_tensor_release(x);
    em_tensor_release(w);
}

static void edges(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 0), NO_VALUES), *s = tensor_of(EM_F32, SCALAR, VALUES(7)), *none = NULL;
    em_tensor *y = op_call("softmax", "dim=1", 1, &x), *z = op_call("softmax", "dim=0", 1, &s);
    assert_tensor(y, EM_F32, SHAPE(2, 0), NO_VALUES);
    assert_tensor(z, EM_F32, SCALAR, VALUES(1));
    assert_fails(op_try(&none, "softmax", "dim=2", 1, &x), EM_ERANGE, "softmax: dim 2");
    release_all(TENSORS(x, s, y, z));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dim_against_a_naive_loop), cmocka_unit_test(large_numbers_do_not_overflow),
        cmocka_unit_test(masked_rows), cmocka_unit_test(gradient_by_hand), cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
