#include <stdio.h>

#include "op_check.h"

static void check(const char *name, int64_t diagonal, int64_t rows, int64_t cols)
{
    char options[40];
    snprintf(options, sizeof options, "diagonal=%lld", (long long)diagonal);
    em_tensor *x = random_tensor(EM_F32, SHAPE(2, rows, cols), 1), *y = op_call(name, options, INPUTS(x));
    for (int64_t e = 0; e < em_tensor_count(x); e++) {
        const int64_t i = e / cols % rows, j = e % cols;
        const bool kept = strcmp(name, "tril") ? j - i >= diagonal : j - i <= diagonal;
        assert_true(element(y, e) == (kept ? element(x, e) : 0));
    }
    em_tensor_release(x);
    em_tensor_release(y);
}

static void against_the_definition(void **state)
{
    (void)state;
    for (int64_t diagonal = -6; diagonal <= 6; diagonal++)
        for (int64_t rows = 0; rows <= 5; rows++)
            for (int64_t cols = 0; cols <= 5; cols++) {
                check("tril", diagonal, rows, cols);
                check("triu", diagonal, rows, cols);
            }
    check("tril", INT64_MAX, 3, 4);
    check("tril", INT64_MIN, 3, 4);
    check("triu", INT64_MAX, 3, 4);
    check("triu", INT64_MIN, 3, 4);
}

static void in_place_and_other_dtypes(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_BOOL, SHAPE(2, 2), VALUES(1, 1, 1, 1)),
              *i = tensor_of(EM_I64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    const em_op *tril = em_op_find("tril"), *triu = em_op_find("triu");
    assert_ok(em_apply_inplace(tril, x, &x, 1, NULL, NULL));
    assert_tensor(x, EM_BOOL, SHAPE(2, 2), VALUES(1, 0, 1, 1));
    assert_ok(em_apply_inplace(triu, i, &i, 1, NULL, NULL));
    assert_tensor(i, EM_I64, SHAPE(2, 2), VALUES(1, 2, 0, 4));
    em_tensor_release(x);
    em_tensor_release(i);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(3, 4), 1);
    assert_gradient("tril", "", INPUTS(x));
    assert_gradient("triu", "diagonal=1", INPUTS(x));
    em_tensor_release(x);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *v = random_tensor(EM_F32, SHAPE(3), 1);
    op_fails("tril", "", INPUTS(v), EM_ESHAPE, "at least 2 dims, got shape (3)");
    op_fails("triu", "", INPUTS(v), EM_ESHAPE, "(3)");
    em_tensor_release(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_the_definition), cmocka_unit_test(in_place_and_other_dtypes),
        cmocka_unit_test(gradients),              cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
