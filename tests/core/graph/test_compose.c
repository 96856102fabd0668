/* Operations run by other operations: nothing is recorded, and sums undo broadcasting. */
#include "graph/op.h"

#include "op_call.h"

static void a_run_is_not_recorded(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F32, SHAPE(2), VALUES(1, -2))), *y;
    assert_ok(em__run1("neg", x, NULL, &y));
    assert_tensor(y, EM_F32, SHAPE(2), VALUES(-1, 2));
    assert_false(em_tensor_requires_grad(y));
    assert_true(em_grad_enabled());
    em_tensor_release(y);
    assert_ok(em__run2("add", x, x, NULL, &y));
    assert_tensor(y, EM_F32, SHAPE(2), VALUES(2, -4));
    em_tensor_release(y);
    assert_fails(em__run2("mm", x, x, NULL, &y), EM_ESHAPE, "mm");
    assert_true(em_grad_enabled());
    em_tensor_release(x);
}

static void sum_to_undoes_broadcasting(void **state)
{
    (void)state;
    em_tensor *dy = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *x, *dx;
    static const struct {
        int dims;
        int64_t sizes[2];
        int count;
        double want[3];
    } cases[] = {{1, {3}, 3, {5, 7, 9}}, {2, {2, 1}, 2, {6, 15}}, {0, {0}, 1, {21}}, {2, {1, 1}, 1, {21}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_ok(em_tensor_zeros(&x, EM_F32, cases[k].dims, cases[k].sizes));
        assert_ok(em__sum_to(&dx, dy, x));
        assert_tensor(dx, EM_F32, cases[k].dims, cases[k].sizes, cases[k].count, cases[k].want);
        em_tensor_release(dx);
        em_tensor_release(x);
    }
    assert_ok(em__sum_to(&dx, dy, dy));
    assert_ptr_equal(dx, dy);
    em_tensor_release(dx);
    em_tensor_release(dy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_not_recorded),
        cmocka_unit_test(sum_to_undoes_broadcasting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
