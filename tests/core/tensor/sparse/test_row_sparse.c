/* Row-sparse gradients: entries as given, rows left out, bad ids. */
#include "tensor/sparse/row_sparse.h"

#include "tensor/sparse/rows.h"

static void entries_are_kept_as_given(void **state)
{
    (void)state;
    em_tensor *t = example_rows(), *indices, *values;
    assert_true(em_tensor_is_sparse(t));
    assert_int_equal(em_rows_count(t), 3);
    assert_false(em_rows_is_coalesced(t));
    assert_ok(em_rows_indices(&indices, t));
    assert_ok(em_rows_values(&values, t));
    assert_tensor(indices, EM_I64, SHAPE(1, 3), VALUES(2, 0, 2));
    assert_tensor(values, EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor_release(indices);
    em_tensor_release(values);
    em_tensor_release(t);
}

/* Of two parts: the edges may lie in one or both. */
static void edges_are_the_first_and_the_last_entries(void **state)
{
    (void)state;
    em_tensor *t = example_rows(), *u = example_rows(), *both, *ids, *values;
    assert_ok(em_rows_add(&both, t, u));
    assert_ok(em_rows_edges(&ids, &values, both, 2));
    assert_tensor(ids, EM_I64, SHAPE(1, 4), VALUES(2, 0, 0, 2));
    assert_tensor(values, EM_F32, SHAPE(4, 2), VALUES(1, 2, 3, 4, 3, 4, 5, 6));
    em_tensor_release(ids);
    em_tensor_release(values);
    assert_ok(em_rows_edges(&ids, &values, both, 3));
    assert_tensor(ids, EM_I64, SHAPE(1, 6), VALUES(2, 0, 2, 2, 0, 2));
    assert_tensor(values, EM_F32, SHAPE(6, 2), VALUES(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6));
    em_tensor_release(ids);
    em_tensor_release(values);
    assert_fails(em_rows_edges(&ids, &values, both, 4), EM_ERANGE, "edges of 4 entries");
    assert_fails(em_rows_edges(&ids, &values, both, 0), EM_ERANGE, "edges of 0 entries");
    assert_null(ids);
    em_tensor *const created[] = {t, u, both};
    for (int k = 0; k < 3; k++) em_tensor_release(created[k]);
}

static void rows_are_left_out(void **state)
{
    (void)state;
    em_tensor *t = example_rows(), *few, *all, *none;
    assert_ok(em__rows_without(&few, t, (const uint8_t[]){0, 1, 1, 0}));
    em_tensor *indices, *values;
    assert_ok(em_rows_indices(&indices, few));
    assert_ok(em_rows_values(&values, few));
    assert_tensor(indices, EM_I64, SHAPE(1, 1), VALUES(0));
    assert_tensor(values, EM_F32, SHAPE(1, 2), VALUES(3, 4));
    assert_ok(em__rows_without(&all, t, (const uint8_t[]){0, 1, 0, 1}));
    assert_ptr_equal(all, t);
    assert_ok(em__rows_without(&none, t, (const uint8_t[]){1, 1, 1, 1}));
    assert_int_equal(em_rows_count(none), 0);
    em_tensor *const created[] = {t, few, all, none, indices, values};
    for (int k = 0; k < 6; k++) em_tensor_release(created[k]);
}

static void bad_entries_are_refused(void **state)
{
    (void)state;
    em_tensor *values = tensor_of(EM_F32, SHAPE(2, 1), VALUES(1, 2)), *t;
    em_tensor *high = IDS(0, 4), *low = IDS(-1, 0), *few = IDS(0), *floats = tensor_of(EM_F32, SHAPE(2), VALUES(0, 1));
    assert_fails(em_rows_new(&t, high, values, 4), EM_ERANGE,
                 "sparse: index 4 at position [1] is out of range for number of rows = 4");
    assert_fails(em_rows_new(&t, low, values, 4), EM_ERANGE, "index -1 at position [0]");
    assert_fails(em_rows_new(&t, few, values, 4), EM_ESHAPE, "1 ids need values of shape (1, ...), got (2, 1)");
    assert_fails(em_rows_new(&t, floats, values, 4), EM_ETYPE, "ids must be of an integer dtype, got float32");
    assert_null(t);
    em_tensor_release(values);
    em_tensor_release(high);
    em_tensor_release(low);
    em_tensor_release(few);
    em_tensor_release(floats);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

static em_status read_out(void *given, em_tensor *out[EM_MAX_OUT])
{
    em_tensor *few = NULL;
    em_status s = em__rows_without(&few, given, (const uint8_t[]){1, 0, 0, 0});
    if (!s) s = em_rows_indices(&out[0], few);
    if (!s) s = em_rows_values(&out[1], few);
    if (!s) s = em_rows_edges(&out[2], &out[3], given, 1);
    em_tensor_release(few);
    for (int k = 0; k < 4 && s; k++) {
        em_tensor_release(out[k]);
        out[k] = NULL;
    }
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_tensor *t = example_rows();
    assert_true(each_allocation_fails(&(fallible){.call = read_out}, t) > 10);
    em_tensor_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_kept_as_given),
        cmocka_unit_test(edges_are_the_first_and_the_last_entries),
        cmocka_unit_test(rows_are_left_out),
        cmocka_unit_test(bad_entries_are_refused),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
