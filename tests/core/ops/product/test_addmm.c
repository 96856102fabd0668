#include "op_check.h"

#include <math.h>

static void by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)),
              *b = tensor_of(EM_F32, SHAPE(2, 2), VALUES(5, 6, 7, 8)), *v = tensor_of(EM_F32, SHAPE(2), VALUES(10, 1));
    em_tensor *y = op_call("addmm", "beta=2 alpha=-1", INPUTS(v, a, b));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(1, -20, -23, -48));
    em_tensor *rows = tensor_of(EM_F32, SHAPE(2, 1, 2), VALUES(1, 2, 3, 4)),
              *cols = tensor_of(EM_F32, SHAPE(2, 2, 1), VALUES(5, 6, 7, 8)),
              *one = tensor_of(EM_F32, SCALAR, VALUES(1));
    em_tensor *z = op_call("baddbmm", "alpha=2", INPUTS(one, rows, cols));
    assert_tensor(z, EM_F32, SHAPE(2, 1, 1), VALUES(35, 107));
    release_all(TENSORS(a, b, v, y, rows, cols, one, z));
}

static void integers_wrap_around(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_I32, SHAPE(1, 2), VALUES(65536, 2)),
              *b = tensor_of(EM_I32, SHAPE(2, 1), VALUES(65536, 5));
    em_tensor *y = op_call("addmm", "beta=3 alpha=2", INPUTS(a, b, a));
    assert_tensor(y, EM_I32, SHAPE(2, 2), VALUES(196608, 262150, 196608 + 655360, 26));
    release_all(TENSORS(a, b, y));
}

static void beta_0_leaves_the_input_unread(void **state)
{
    (void)state;
    em_tensor *bad = tensor_of(EM_F32, SHAPE(2), VALUES(NAN, INFINITY)), *a = tensor_of(EM_F32, SHAPE(1, 1), VALUES(3));
    em_tensor *b = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2)), *y = op_call("addmm", "beta=0", INPUTS(bad, a, b));
    assert_tensor(y, EM_F32, SHAPE(1, 2), VALUES(3, 6));
    release_all(TENSORS(bad, a, b, y));
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(3, 4), 1), *y = random_tensor(EM_F64, SHAPE(4, 2), 2);
    em_tensor *u = random_tensor(EM_F64, SHAPE(2), 4), *one = random_tensor(EM_F64, SHAPE(1), 8);
    em_tensor *bx = random_tensor(EM_F64, SHAPE(2, 3, 4), 5), *by = random_tensor(EM_F64, SHAPE(2, 4, 2), 6);
    assert_gradient("addmm", "beta=0.5 alpha=2", INPUTS(u, x, y));
    assert_gradient("addmm", "", INPUTS(one, x, y));
    assert_gradient("baddbmm", "beta=-1 alpha=0.5", INPUTS(u, bx, by));
    release_all(TENSORS(x, y, u, one, bx, by));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *m23 = random_tensor(EM_F32, SHAPE(2, 3), 1), *m34 = random_tensor(EM_F32, SHAPE(3, 4), 1);
    em_tensor *v3 = random_tensor(EM_F32, SHAPE(3), 1), *t3 = random_tensor(EM_F32, SHAPE(2, 2, 3), 1);
    em_tensor *t5 = random_tensor(EM_F32, SHAPE(5, 3, 4), 1);
    op_fails("addmm", "", INPUTS(v3, m23, m34), EM_ESHAPE, "(3) does not broadcast to the product's shape (2, 4)");
    op_fails("addmm", "", INPUTS(v3, v3, m34), EM_ESHAPE, "mat1 must have 2 dims");
    op_fails("baddbmm", "", INPUTS(v3, t3, t5), EM_ESHAPE, "expected the same batch size, got 2 and 5");
    release_all(TENSORS(m23, m34, v3, t3, t5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(integers_wrap_around),
        cmocka_unit_test(beta_0_leaves_the_input_unread),
        cmocka_unit_test(gradients),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
