/* axis_index.c is what index, gather, scatter and related operations stand on; it is tested through them here, against
 * naive loops. */
#include "op_call.h"

static double at3(const em_tensor *t, int64_t i, int64_t j, int64_t k)
{
    return element(t, (i * em_tensor_size(t, 1) + j) * em_tensor_size(t, 2) + k);
}

static em_tensor *counted(em_dtype dtype, int64_t a, int64_t b, int64_t c)
{
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, dtype, SHAPE(a, b, c)));
    for (int64_t i = 0; i < a * b * c; i++) em_tensor_set_int(t, i, (i * 37) % 251);
    return t;
}

static void rows_are_taken_along_any_dim(void **state)
{
    (void)state;
    static const char *const dims[] = {"dim=0", "dim=1", "dim=-1"};
    em_tensor *x = counted(EM_F32, 4, 5, 6), *ids = tensor_of(EM_I64, SHAPE(3), VALUES(3, 0, 3));
    for (int d = 0; d < 3; d++) {
        em_tensor *y = op_call("index_select", dims[d], INPUTS(x, ids));
        for (int64_t i = 0; i < em_tensor_size(y, 0); i++)
            for (int64_t j = 0; j < em_tensor_size(y, 1); j++)
                for (int64_t k = 0; k < em_tensor_size(y, 2); k++) {
                    int64_t from[] = {i, j, k};
                    from[d] = element_int(ids, from[d]);
                    assert_true(at3(y, i, j, k) == at3(x, from[0], from[1], from[2]));
                }
        em_tensor_release(y);
    }
    em_tensor_release(x);
    em_tensor_release(ids);
}

static void slices_are_gathered_along_any_dim(void **state)
{
    (void)state;
    static const char *const dims[] = {"dim=0", "dim=1", "dim=2"};
    em_tensor *x = counted(EM_F64, 4, 5, 6), *ids;
    assert_ok(em_tensor_zeros(&ids, EM_I64, SHAPE(3, 4, 5)));
    for (int64_t i = 0; i < 60; i++) em_tensor_set_int(ids, i, (i * 7) % 4);
    for (int d = 0; d < 3; d++) {
        em_tensor *y = op_call("gather", dims[d], INPUTS(x, ids));
        for (int64_t i = 0; i < 3; i++)
            for (int64_t j = 0; j < 4; j++)
                for (int64_t k = 0; k < 5; k++) {
                    int64_t from[] = {i, j, k};
                    from[d] = element_int(ids, (i * 4 + j) * 5 + k);
                    assert_true(at3(y, i, j, k) == at3(x, from[0], from[1], from[2]));
                }
        em_tensor_release(y);
    }
    em_tensor_release(x);
    em_tensor_release(ids);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    em_tensor *x = counted(EM_F32, 2, 3, 2), *high = tensor_of(EM_I64, SHAPE(1), VALUES(3)), *y;
    em_tensor *flat = tensor_of(EM_I64, SHAPE(2), VALUES(0, 0)), *wide;
    assert_ok(em_tensor_zeros(&wide, EM_I64, SHAPE(3, 1, 1)));
    assert_fails(op_try(&y, "index_select", "dim=1", INPUTS(x, high)), EM_ERANGE, "index 3");
    assert_fails(op_try(&y, "index_select", "dim=3", INPUTS(x, flat)), EM_ERANGE, "dim 3");
    assert_fails(op_try(&y, "gather", "dim=1", INPUTS(x, flat)), EM_ESHAPE, "gather");
    assert_fails(op_try(&y, "gather", "dim=1", INPUTS(x, wide)), EM_ESHAPE, "gather");
    release_all(TENSORS(x, high, flat, wide));
}

/* Rows that many ids name are added to by one owner each, in the order of the ids. */
static void owners_do_not_change_sums(void **state)
{
    (void)state;
    em_tensor *x, *ids, *source;
    em_rng rng = {.seed = 9};
    assert_ok(em_tensor_zeros(&x, EM_F32, SHAPE(50, 40)));
    assert_ok(em_tensor_empty(&ids, EM_I64, SHAPE(6000)));
    assert_ok(em_tensor_empty(&source, EM_F32, SHAPE(6000, 40)));
    em_tensor_fill_integers(ids, 0, 50, &rng);
    em_tensor_fill_normal(source, 0, 1, &rng);
    check_threads("index_add", "dim=0", INPUTS(wanting_grad(x), ids, wanting_grad(source)));
    em_tensor_release(x);
    em_tensor_release(ids);
    em_tensor_release(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_taken_along_any_dim),
        cmocka_unit_test(slices_are_gathered_along_any_dim),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(owners_do_not_change_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
