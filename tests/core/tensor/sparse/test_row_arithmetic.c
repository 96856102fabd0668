/* Sums, multiples and conversions of row-sparse gradients. */
#include "tensor/sparse/rows.h"

static void coalescing_sums_duplicates(void **state)
{
    (void)state;
    em_tensor *t = example_rows(), *c, *again, *indices, *values;
    assert_ok(em_rows_coalesce(&c, t));
    assert_true(em_rows_is_coalesced(c));
    assert_false(em_rows_is_coalesced(t));
    assert_ok(em_rows_indices(&indices, c));
    assert_ok(em_rows_values(&values, c));
    assert_tensor(indices, EM_I64, SHAPE(1, 2), VALUES(0, 2));
    assert_tensor(values, EM_F32, SHAPE(2, 2), VALUES(3, 4, 6, 8));
    assert_ok(em_rows_coalesce(&again, c));
    assert_ptr_equal(again, c);
    em_tensor_release(again);
    em_tensor_release(indices);
    em_tensor_release(values);
    em_tensor_release(c);
    em_tensor_release(t);
}

static void sums_with_sparse_and_dense(void **state)
{
    (void)state;
    em_tensor *t = example_rows(), *both, *twice, *dense;
    assert_ok(em_rows_scale(&twice, t, 2));
    assert_ok(em_rows_add(&both, t, twice));
    assert_int_equal(em_rows_count(both), 6);
    assert_ok(em_rows_to_dense(&dense, both));
    assert_tensor(dense, EM_F32, SHAPE(4, 2), VALUES(9, 12, 0, 0, 18, 24, 0, 0));
    assert_ok(em_rows_add_to(dense, t, -3));
    assert_tensor(dense, EM_F32, SHAPE(4, 2), VALUES(0, 0, 0, 0, 0, 0, 0, 0));
    em_tensor_release(dense);
    em_tensor_release(both);
    em_tensor_release(twice);
    assert_ok(em_rows_add(&both, t, t));
    assert_int_equal(em_rows_count(both), 6);
    em_tensor_release(both);
    em_tensor_release(t);
}

static void a_clone_is_its_own(void **state)
{
    (void)state;
    em_tensor *t = example_rows(), *c, *dense;
    assert_ok(em_tensor_clone(&c, t));
    assert_ok(em_rows_scale_(t, 0));
    assert_ok(em_rows_to_dense(&dense, c));
    assert_tensor(dense, EM_F32, SHAPE(4, 2), VALUES(3, 4, 0, 0, 6, 8, 0, 0));
    em_tensor_release(dense);
    em_tensor_release(c);
    em_tensor_release(t);
}

static void dtypes_are_converted(void **state)
{
    (void)state;
    em_tensor *t = example_rows(), *d, *values;
    assert_ok(em_rows_to(&d, t, EM_F64));
    assert_ok(em_rows_values(&values, d));
    assert_tensor(values, EM_F64, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor_release(values);
    em_tensor_release(d);
    em_tensor_release(t);
}

static void other_shapes_and_dtypes_are_refused(void **state)
{
    (void)state;
    em_tensor *a = example_rows(), *dense = tensor_of(EM_F32, SHAPE(2, 1), VALUES(0, 0)), *d, *sum;
    assert_fails(em_rows_add_to(dense, a, 1), EM_ESHAPE, "(4, 2) and (2, 1)");
    assert_ok(em_rows_to(&d, a, EM_F64));
    assert_fails(em_rows_add(&sum, a, d), EM_ETYPE, "a row-sparse gradient of float32 and a tensor of float64");
    release_all(TENSORS(a, dense, d));
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

typedef struct pair {
    em_tensor *ids, *values;
} pair;

static em_status build(void *context, em_tensor *out[EM_MAX_OUT])
{
    const pair *p = context;
    em_tensor *t = NULL, *both = NULL;
    em_status s = em_rows_new(&t, p->ids, p->values, 9);
    if (!s) s = em_rows_add(&both, t, t);
    if (!s) s = em_rows_coalesce(&out[0], both);
    if (!s) s = em_rows_to_dense(&out[1], both);
    if (!s) s = em_tensor_clone(&out[2], both);
    em_tensor_release(t);
    em_tensor_release(both);
    if (s)
        for (int k = 0; k < 3; k++) {
            em_tensor_release(out[k]);
            out[k] = NULL;
        }
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    pair p = {IDS(2, 0, 2), tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6))};
    assert_true(each_allocation_fails(&(fallible){.call = build}, &p) > 10);
    em_tensor_release(p.ids);
    em_tensor_release(p.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coalescing_sums_duplicates),
        cmocka_unit_test(sums_with_sparse_and_dense),
        cmocka_unit_test(a_clone_is_its_own),
        cmocka_unit_test(dtypes_are_converted),
        cmocka_unit_test(other_shapes_and_dtypes_are_refused),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
