/* What is copied when gradients share memory. */
#include "graph/variable.h"

#include "support.h"
#include "tensor/sparse/row_sparse.h"

static void a_gradient_that_is_shared_is_copied_when_handed_out(void **state)
{
    (void)state;
    em_tensor *g = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *before = g, *other;
    assert_true(em__is_own(g));
    assert_ok(em__hand_out(&g));
    assert_ptr_equal(g, before);
    assert_ok(em_tensor_detach(&other, g));             /* a second handle on its storage */
    assert_false(em__is_own(g));
    assert_ok(em__hand_out(&g));
    assert_false(em_tensor_same_storage(g, other));
    assert_tensor(g, EM_F32, SHAPE(2), VALUES(1, 2));
    release_all(TENSORS(g, other));
}

static void an_expanded_gradient_is_copied_when_handed_out(void **state)
{
    (void)state;
    em_tensor *one = tensor_of(EM_F64, SHAPE(1), VALUES(5)), *g;
    assert_ok(em_tensor_view(&g, one, 0, SHAPE(3), (int64_t[]){0}));
    em_tensor_release(one);
    assert_ok(em__hand_out(&g));
    em_tensor_set(g, 1, 7);
    assert_tensor(g, EM_F64, SHAPE(3), VALUES(5, 7, 5));
    em_tensor_release(g);
}

/* Entries of rows 0 and 1 of three, their values in `dy`. */
static em_tensor *rows_over(em_tensor *dy)
{
    em_tensor *g, *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1));
    em_row_part p = {.ids = ids, .every = 1, .scale = 1};
    assert_ok(em__row_part_source(&p, dy, 2, 2));
    assert_ok(em__rows_from_part(&g, EM_F32, SHAPE(3, 2), &p, -1));
    em_tensor_retain(ids);
    em__row_part_release(&p);
    em_tensor_release(ids);
    return g;
}

/* As every call of a script's that writes does. */
static void overwrite(em_tensor *t)
{
    assert_ok(em_tensor_before_change(t, "fill_"));
    em_tensor_fill(t, 0);
}

static void a_sparse_gradient_is_copied_when_what_it_refers_to_changes(void **state)
{
    (void)state;
    em_tensor *dy = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *g = rows_over(dy), *before = g, *dense;
    assert_ok(em__make_own(&g));
    assert_ptr_equal(g, before);
    overwrite(dy);
    assert_ok(em_rows_to_dense(&dense, g));
    assert_tensor(dense, EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 0, 0));
    release_all(TENSORS(dy, g, dense));
}

static void so_are_coefficients(void **state)
{
    (void)state;
    em_tensor *column = tensor_of(EM_F32, SHAPE(2, 1), VALUES(5, 7)), *dy, *g, *dense;
    assert_ok(em_tensor_view(&dy, column, 0, SHAPE(2, 2), (int64_t[]){1, 0}));
    g = rows_over(dy);
    assert_ok(em__make_own(&g));
    overwrite(column);
    assert_ok(em_rows_to_dense(&dense, g));
    assert_tensor(dense, EM_F32, SHAPE(3, 2), VALUES(5, 5, 7, 7, 0, 0));
    release_all(TENSORS(column, dy, g, dense));
}

static void one_row_may_stand_for_all(void **state)
{
    (void)state;
    em_tensor *one = tensor_of(EM_F32, SHAPE(1), VALUES(5)), *dy, *g, *dense;
    assert_ok(em_tensor_view(&dy, one, 0, SHAPE(2, 2), (int64_t[]){0, 0}));
    g = rows_over(dy);
    assert_ok(em__make_own(&g));
    overwrite(one);
    assert_ok(em_rows_to_dense(&dense, g));
    assert_tensor(dense, EM_F32, SHAPE(3, 2), VALUES(5, 5, 5, 5, 0, 0));
    release_all(TENSORS(one, dy, g, dense));
}

static void a_sparse_gradient_that_others_hold_is_copied(void **state)
{
    (void)state;
    em_tensor *dy = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *g = rows_over(dy), *other = g, *dense;
    em_tensor_retain(other);
    assert_ok(em__hand_out(&g));
    assert_ok(em_rows_scale_(g, 0));
    assert_ok(em_rows_to_dense(&dense, other));
    assert_tensor(dense, EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 0, 0));
    release_all(TENSORS(dy, g, other, dense));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gradient_that_is_shared_is_copied_when_handed_out),
        cmocka_unit_test(an_expanded_gradient_is_copied_when_handed_out),
        cmocka_unit_test(a_sparse_gradient_is_copied_when_what_it_refers_to_changes),
        cmocka_unit_test(so_are_coefficients),
        cmocka_unit_test(one_row_may_stand_for_all),
        cmocka_unit_test(a_sparse_gradient_that_others_hold_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
