#include "op_check.h"

#include <math.h>

/* Both results of a call. */
static void pair(em_tensor *out[2], const char *name, const char *options, em_tensor *x)
{
    em_tensor *all[EM_MAX_OUT] = {0};
    assert_ok(op_try(all, name, options, 1, &x));
    out[0] = all[0];
    out[1] = all[1];
}

static void release(em_tensor *out[2])
{
    em_tensor_release(out[0]);
    em_tensor_release(out[1]);
}

#define PAIR(name, options, x, dtype, shape, values, indices) \
    do { \
        em_tensor *out[2]; \
        pair(out, name, options, x); \
        assert_tensor(out[0], dtype, shape, values); \
        assert_tensor(out[1], EM_I64, shape, indices); \
        release(out); \
    } while (0)

static void sorting_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 3), VALUES(3, 1, 2, -1, 5, -1)),
              *s = tensor_of(EM_F32, SCALAR, VALUES(7));
    em_tensor *odd = tensor_of(EM_F64, SHAPE(6), VALUES(NAN, -0.0, INFINITY, 0, -INFINITY, NAN)),
              *none = tensor_of(EM_F32, SHAPE(2, 0), NO_VALUES);
    em_tensor *flags = tensor_of(EM_BOOL, SHAPE(4), VALUES(1, 0, 1, 0)), *t = op_call("t", "", INPUTS(x));
    em_tensor *big = tensor_of(EM_I64, SHAPE(4), VALUES(5, -9007199254740993.0, 0, -7));
    PAIR("sort", "", x, EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, -1, -1, 5), VALUES(1, 2, 0, 0, 2, 1));
    PAIR("sort", "descending=true", x, EM_F32, SHAPE(2, 3), VALUES(3, 2, 1, 5, -1, -1), VALUES(0, 2, 1, 1, 0, 2));
    PAIR("sort", "dim=0", x, EM_F32, SHAPE(2, 3), VALUES(-1, 1, -1, 3, 5, 2), VALUES(1, 0, 1, 0, 1, 0));
    PAIR("sort", "dim=1", t, EM_F32, SHAPE(3, 2), VALUES(-1, 3, 1, 5, -1, 2), VALUES(1, 0, 0, 1, 1, 0));
    PAIR("sort", "", odd, EM_F64, SHAPE(6), VALUES(-INFINITY, -0.0, 0, INFINITY, NAN, NAN), VALUES(4, 1, 3, 2, 0, 5));
    PAIR("sort", "descending=true", odd, EM_F64, SHAPE(6), VALUES(NAN, NAN, INFINITY, -0.0, 0, -INFINITY),
         VALUES(0, 5, 2, 1, 3, 4));
    PAIR("sort", "", flags, EM_BOOL, SHAPE(4), VALUES(0, 0, 1, 1), VALUES(1, 3, 0, 2));
    PAIR("sort", "", big, EM_I64, SHAPE(4), VALUES(-9007199254740993.0, -7, 0, 5), VALUES(1, 3, 2, 0));
    PAIR("sort", "", s, EM_F32, SCALAR, VALUES(7), VALUES(0));
    PAIR("sort", "", none, EM_F32, SHAPE(2, 0), NO_VALUES, NO_VALUES);
    em_tensor *y = op_call("argsort", "dim=1 descending=true", INPUTS(x));
    assert_tensor(y, EM_I64, SHAPE(2, 3), VALUES(0, 2, 1, 1, 0, 2));
    release_all(TENSORS(x, s, odd, none, flags, t, big, y));
}

static void the_first_few(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 4), VALUES(3, 1, 3, 2, -1, 5, 0, 5)),
              *n = tensor_of(EM_F32, SHAPE(3), VALUES(1, NAN, 2));
    PAIR("topk", "k=2", x, EM_F32, SHAPE(2, 2), VALUES(3, 3, 5, 5), VALUES(0, 2, 1, 3));
    PAIR("topk", "k=3 largest=false", x, EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, -1, 0, 5), VALUES(1, 3, 0, 0, 2, 1));
    PAIR("topk", "k=1 dim=0", x, EM_F32, SHAPE(1, 4), VALUES(3, 5, 3, 5), VALUES(0, 1, 0, 1));
    PAIR("topk", "k=0", x, EM_F32, SHAPE(2, 0), NO_VALUES, NO_VALUES);
    PAIR("topk", "k=2", n, EM_F32, SHAPE(2), VALUES(NAN, 2), VALUES(1, 2));
    PAIR("kthvalue", "k=2 dim=1", x, EM_F32, SHAPE(2), VALUES(2, 0), VALUES(3, 2));
    PAIR("kthvalue", "k=4 dim=1 keepdim=true", x, EM_F32, SHAPE(2, 1), VALUES(3, 5), VALUES(2, 3));
    PAIR("kthvalue", "k=3", n, EM_F32, SCALAR, VALUES(NAN), VALUES(1));
    PAIR("median_dim", "dim=1", x, EM_F32, SHAPE(2), VALUES(2, 0), VALUES(3, 2));
    PAIR("median_dim", "dim=0 keepdim=true", x, EM_F32, SHAPE(1, 4), VALUES(-1, 1, 0, 2), VALUES(1, 0, 1, 0));
    PAIR("median_dim", "dim=0", n, EM_F32, SCALAR, VALUES(NAN), VALUES(1));
    em_tensor *y = op_call("median", "", INPUTS(x)), *z = op_call("median", "", INPUTS(n));
    assert_tensor(y, EM_F32, SCALAR, VALUES(2));
    assert_tensor(z, EM_F32, SCALAR, VALUES(NAN));
    release_all(TENSORS(x, n, y, z));
}

/* Each result where counting smaller elements says, on any number of threads. */
static void long_lines_on_any_number_of_threads(void **state)
{
    (void)state;
    const int threads = em_threads();
    em_tensor *x = random_tensor(EM_F32, SHAPE(3, 700, 5), 1);
    for (int n = 1; n <= 8; n += n < 3 ? 1 : 5) {
        em_set_threads(n);
        em_tensor *sorted[2], *top[2], *kth[2];
        pair(sorted, "sort", "dim=1", x);
        pair(top, "topk", "dim=1 k=9 largest=false", x);
        pair(kth, "kthvalue", "dim=1 k=250", x);
        for (int64_t line = 0; line < 15; line++) {
            const int64_t base = line / 5 * 3500 + line % 5;
            for (int64_t i = 0; i < 700; i++) {
                int64_t rank = 0;
                const double value = element(x, base + 5 * i);
                for (int64_t k = 0; k < 700; k++)
                    rank += element(x, base + 5 * k) < value || (element(x, base + 5 * k) == value && k < i);
                assert_true(element(sorted[0], base + 5 * rank) == value);
                assert_int_equal(element_int(sorted[1], base + 5 * rank), i);
                if (rank < 9) assert_int_equal(element_int(top[1], line / 5 * 45 + line % 5 + 5 * rank), i);
                if (rank == 249) assert_int_equal(element_int(kth[1], line), i);
            }
        }
        release(sorted);
        release(top);
        release(kth);
    }
    em_set_threads(threads);
    em_tensor_release(x);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(3, 4), 1), *v = random_tensor(EM_F64, SHAPE(5), 2);
    static const char *const calls[][2] = {
        {"sort", "dim=0"}, {"sort", "descending=true"}, {"topk", "k=2"}, {"topk", "k=2 dim=0 largest=false"},
        {"kthvalue", "k=2 dim=0"}, {"kthvalue", "k=3 keepdim=true"}, {"median_dim", "dim=1"}, {"median", ""},
    };
    for (size_t k = 0; k < sizeof calls / sizeof *calls; k++) assert_gradient(calls[k][0], calls[k][1], INPUTS(x));
    assert_gradient("median", "", INPUTS(v));
    assert_gradient("kthvalue", "k=2", INPUTS(v));
    em_tensor_release(x);
    em_tensor_release(v);
}

static void equal_elements_share_the_gradient_of_the_median(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(4), VALUES(1, 2, 2, 3)), *y, *dx;
    assert_ok(em_tensor_set_requires_grad(x, true));
    y = op_call("median", "", INPUTS(x));
    assert_ok(em_grad(&y, NULL, 1, &x, 1, false, &dx));
    assert_tensor(dx, EM_F64, SHAPE(4), VALUES(0, 0.5, 0.5, 0));
    em_tensor_release(x);
    em_tensor_release(y);
    em_tensor_release(dx);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F32, SHAPE(2, 3), 1), *none = random_tensor(EM_F32, SHAPE(2, 0), 1);
    em_tensor *whole = random_tensor(EM_I64, SHAPE(0), 1);
    op_fails("sort", "dim=2", INPUTS(x), EM_ERANGE, "dim 2");
    op_fails("argsort", "dim=-3", INPUTS(x), EM_ERANGE, "dim -3");
    op_fails("topk", "k=4", INPUTS(x), EM_ERANGE, "k = 4 is out of range for dim 1 of size 3");
    op_fails("topk", "k=-1", INPUTS(x), EM_ERANGE, "k = -1");
    op_fails("kthvalue", "k=0", INPUTS(x), EM_ERANGE, "k counts from 1");
    op_fails("kthvalue", "k=4", INPUTS(x), EM_ERANGE, "k = 4");
    op_fails("median_dim", "dim=1", INPUTS(none), EM_EVALUE, "no element");
    op_fails("median", "", INPUTS(whole), EM_EVALUE, "no element");
    em_tensor *y = op_call("median", "", INPUTS(none));
    assert_tensor(y, EM_F32, SCALAR, VALUES(NAN));
    release_all(TENSORS(x, none, whole, y));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting_by_hand),
        cmocka_unit_test(the_first_few),
        cmocka_unit_test(long_lines_on_any_number_of_threads),
        cmocka_unit_test(gradients),
        cmocka_unit_test(equal_elements_share_the_gradient_of_the_median),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
