#include "op_check.h"

#include <math.h>
#include <stdio.h>

static double norm(double p, const double *d, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        const double size = fabs(d[i]);
        if (isinf(p))
            sum = size > sum ? size : sum;
        else
            sum += p == 0 ? size != 0 : pow(size, p);
    }
    return isinf(p) || p == 0 ? sum : pow(sum, 1 / p);
}

static const double powers[] = {0, 0.5, 1, 1.5, 2, 3, INFINITY};

static void all_pairs_against_a_loop(void **state)
{
    (void)state;
    for (int k = 0; k < 7; k++) {
        char options[20];
        snprintf(options, sizeof options, "p=%g", powers[k]);
        em_tensor *a = random_tensor(EM_F64, SHAPE(2, 1, 5, 37), 1), *b = random_tensor(EM_F64, SHAPE(3, 4, 37), 2);
        em_tensor *y = op_call("cdist", options, INPUTS(a, b));
        assert_int_equal(em_tensor_dims(y), 4);
        for (int64_t e = 0; e < 120; e++) {
            const int64_t r = e % 4, p = e / 4 % 5, j = e / 20 % 3, i = e / 60;
            double d[37];
            for (int64_t l = 0; l < 37; l++) d[l] = element(a, (i * 5 + p) * 37 + l) - element(b, (j * 4 + r) * 37 + l);
            const double want = norm(powers[k], d, 37);
            assert_true(fabs(element(y, e) - want) <= 1e-13 * want);
        }
        em_tensor_release(a);
        em_tensor_release(b);
        em_tensor_release(y);
    }
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *a = random_tensor(EM_F64, SHAPE(2, 1, 3, 2), 1), *b = random_tensor(EM_F64, SHAPE(3, 4, 2), 2);
    for (int k = 2; k < 7; k++) {
        char options[20];
        snprintf(options, sizeof options, "p=%g", powers[k]);
        assert_gradient("cdist", options, INPUTS(a, b));
    }
    em_tensor_release(a);
    em_tensor_release(b);
}

/* Too curved for differences: (2 + 3)^2 = 25, and the slopes are (4 / 25)^-0.5 and -(9 / 25)^-0.5. */
static void a_power_below_1_by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F64, SHAPE(1, 2), VALUES(5, 0)), *y, *dx;
    em_tensor *b = tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 9));
    assert_ok(em_tensor_set_requires_grad(a, true));
    y = op_call("cdist", "p=0.5", INPUTS(a, b));
    assert_tensor_close(1e-12, 0, y, EM_F64, SHAPE(1, 1), VALUES(25));
    assert_ok(em_grad(&y, NULL, 1, &a, 1, false, &dx));
    assert_tensor_close(1e-12, 0, dx, EM_F64, SHAPE(1, 2), VALUES(2.5, -5.0 / 3));
    release_all(TENSORS(a, b, y, dx));
}

static void equal_rows_have_no_slope(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 2)), *b = tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 2)), *y,
              *dx;
    assert_ok(em_tensor_set_requires_grad(a, true));
    y = op_call("cdist", "", INPUTS(a, b));
    assert_tensor(y, EM_F64, SHAPE(1, 1), VALUES(0));
    assert_ok(em_grad(&y, NULL, 1, &a, 1, false, &dx));
    assert_tensor(dx, EM_F64, SHAPE(1, 2), VALUES(0, 0));
    release_all(TENSORS(a, b, y, dx));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *a = random_tensor(EM_F32, SHAPE(2, 3), 1), *b = random_tensor(EM_F32, SHAPE(2, 4), 1),
              *v = random_tensor(EM_F32, SHAPE(3), 1);
    em_tensor *c = random_tensor(EM_F32, SHAPE(2, 2, 3), 1), *d = random_tensor(EM_F32, SHAPE(3, 2, 3), 1);
    op_fails("cdist", "", INPUTS(a, b), EM_ESHAPE, "x1 (2, 3) and x2 (2, 4)");
    op_fails("cdist", "", INPUTS(a, v), EM_ESHAPE, "x2 (3)");
    op_fails("cdist", "p=-1", INPUTS(a, a), EM_EVALUE, "p = -1");
    op_fails("cdist", "p=nan", INPUTS(a, a), EM_EVALUE, "p = ");
    op_fails("cdist", "", INPUTS(c, d), EM_ESHAPE, "do not broadcast");
    release_all(TENSORS(a, b, v, c, d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_against_a_loop),
        cmocka_unit_test(gradients),
        cmocka_unit_test(a_power_below_1_by_hand),
        cmocka_unit_test(equal_rows_have_no_slope), cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
