#include "tensor/rows.h"

#include "support.h"

static em_tensor *random_ids(int64_t n, const double *values)
{
    return tensor_of(EM_I64, 1, &n, n, values);
}
#define IDS(...) random_ids(VALUES(__VA_ARGS__))

/* Rows 2, 0, 2 of 4, of two columns. */
static em_tensor *example(void)
{
    em_tensor *ids = IDS(2, 0, 2), *values = tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)), *t;
    assert_ok(em_rows_new(&t, ids, values, 4));
    em_tensor_release(ids);
    em_tensor_release(values);
    return t;
}

static void entries_are_kept_as_given(void **state)
{
    (void)state;
    em_tensor *t = example(), *indices, *values;
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
    em_tensor *t = example(), *u = example(), *both, *ids, *values;
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
    em_tensor *const made[] = {t, u, both};
    for (int k = 0; k < 3; k++) em_tensor_release(made[k]);
}

static void rows_are_left_out(void **state)
{
    (void)state;
    em_tensor *t = example(), *few, *all, *none;
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
    em_tensor *const made[] = {t, few, all, none, indices, values};
    for (int k = 0; k < 6; k++) em_tensor_release(made[k]);
}

static void coalescing_sums_duplicates(void **state)
{
    (void)state;
    em_tensor *t = example(), *c, *again, *indices, *values;
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
    em_tensor *t = example(), *both, *twice, *dense;
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

static void a_part_refers_instead_of_copying(void **state)
{
    (void)state;
    em_tensor *source = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 10, 2, 20)), *ids = IDS(3, 1, 1, 0), *t, *values;
    em_tensor *coef = tensor_of(EM_F32, SHAPE(4), VALUES(1, 2, 3, 4));
    em_part pairs = {.ids = ids, .source = source, .every = 2, .coef = coef, .scale = 0.5};
    assert_ok(em__rows_from_part(&t, EM_F32, SHAPE(4, 2), &pairs, -1));
    assert_ok(em_rows_values(&values, t));
    assert_tensor(values, EM_F32, SHAPE(4, 2), VALUES(0.5, 5, 1, 10, 3, 30, 4, 40));
    em_tensor_release(values);
    em_tensor_release(t);

    em_tensor *index = IDS(1, 0, 1, 0), *dense;
    em_part chosen = {.ids = ids, .source = source, .index = index, .every = 1, .scale = 1};
    assert_ok(em__rows_from_part(&t, EM_F32, SHAPE(4, 2), &chosen, -1));
    assert_ok(em_rows_to_dense(&dense, t));
    assert_tensor(dense, EM_F32, SHAPE(4, 2), VALUES(1, 10, 3, 30, 0, 0, 2, 20));
    em_tensor_release(dense);
    em_tensor_release(t);
    em_tensor_release(index);
    em_tensor_release(source);
    em_tensor_release(ids);
    em_tensor_release(coef);
}

static void padding_is_left_out(void **state)
{
    (void)state;
    em_tensor *source = tensor_of(EM_F64, SHAPE(4, 1), VALUES(1, 2, 3, 4)), *ids = IDS(2, 0, 2, 1), *t, *indices,
              *values;
    em_tensor *coef = tensor_of(EM_F64, SHAPE(4), VALUES(10, 20, 30, 40));
    em_part part = {.ids = ids, .source = source, .every = 1, .coef = coef, .scale = 1};
    assert_ok(em__rows_from_part(&t, EM_F64, SHAPE(3, 1), &part, 2));
    assert_ok(em_rows_indices(&indices, t));
    assert_ok(em_rows_values(&values, t));
    assert_tensor(indices, EM_I64, SHAPE(1, 2), VALUES(0, 1));
    assert_tensor(values, EM_F64, SHAPE(2, 1), VALUES(40, 160));
    em_tensor_release(indices);
    em_tensor_release(values);
    em_tensor_release(t);
    em_tensor_release(source);
    em_tensor_release(ids);
    em_tensor_release(coef);
}

/* Rows of an upstream gradient: contiguous, one row for all, one number a row, and a layout that must be copied. */
static void sources_follow_strides(void **state)
{
    (void)state;
    em_tensor *base = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *view, *values, *t, *ids = IDS(0, 1);
    static const struct {
        int64_t strides[2];
        double want[6];
        bool copied;
    } cases[] = {
        {{3, 1}, {1, 2, 3, 4, 5, 6}, false}, {{0, 1}, {1, 2, 3, 1, 2, 3}, false},
        {{3, 0}, {1, 1, 1, 4, 4, 4}, true},  {{0, 0}, {1, 1, 1, 1, 1, 1}, true},
        {{1, 2}, {1, 3, 5, 2, 4, 6}, true},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_ok(em_tensor_view(&view, base, 0, SHAPE(2, 3), cases[k].strides));
        em_part p = {.ids = ids, .every = 1, .scale = 1};
        assert_ok(em__part_source(&p, view, 2, 3));
        assert_true(em_tensor_same_storage(p.source, base) == !cases[k].copied);
        em_tensor_retain(ids);
        assert_ok(em__rows_from_part(&t, EM_F32, SHAPE(2, 3), &p, -1));
        assert_ok(em_rows_values(&values, t));
        assert_tensor(values, EM_F32, SHAPE(2, 3), 6, cases[k].want);
        em_tensor_release(values);
        em_tensor_release(t);
        em__part_release(&p);
        em_tensor_release(view);
    }
    em_tensor_release(ids);
    em_tensor_release(base);
}

static void a_clone_is_its_own(void **state)
{
    (void)state;
    em_tensor *t = example(), *c, *dense;
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
    em_tensor *t = example(), *d, *values;
    assert_ok(em_rows_to(&d, t, EM_F64));
    assert_ok(em_rows_values(&values, d));
    assert_tensor(values, EM_F64, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor_release(values);
    em_tensor_release(d);
    em_tensor_release(t);
}

static void bad_entries_are_refused(void **state)
{
    (void)state;
    em_tensor *values = tensor_of(EM_F32, SHAPE(2, 1), VALUES(1, 2)), *t;
    em_tensor *high = IDS(0, 4), *low = IDS(-1, 0), *few = IDS(0), *floats = tensor_of(EM_F32, SHAPE(2), VALUES(0, 1));
    assert_fails(em_rows_new(&t, high, values, 4), EM_ERANGE, "index 4 at position [1] is out of range for 4 rows");
    assert_fails(em_rows_new(&t, low, values, 4), EM_ERANGE, "index -1 at position [0]");
    assert_fails(em_rows_new(&t, few, values, 4), EM_ESHAPE, "1 ids need values of shape (1, ...), got (2, 1)");
    assert_fails(em_rows_new(&t, floats, values, 4), EM_ETYPE, "ids must be of an integer dtype, got float32");
    assert_null(t);
    em_tensor *a = example(), *dense = tensor_of(EM_F32, SHAPE(2, 1), VALUES(0, 0));
    assert_fails(em_rows_add_to(dense, a, 1), EM_ESHAPE, "(4, 2) and (2, 1)");
    em_tensor_release(a);
    em_tensor_release(dense);
    em_tensor_release(values);
    em_tensor_release(high);
    em_tensor_release(low);
    em_tensor_release(few);
    em_tensor_release(floats);
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
        cmocka_unit_test(entries_are_kept_as_given),   cmocka_unit_test(coalescing_sums_duplicates),
        cmocka_unit_test(sums_with_sparse_and_dense),  cmocka_unit_test(a_part_refers_instead_of_copying),
        cmocka_unit_test(padding_is_left_out),         cmocka_unit_test(sources_follow_strides),
        cmocka_unit_test(edges_are_the_first_and_the_last_entries),
        cmocka_unit_test(rows_are_left_out),
        cmocka_unit_test(a_clone_is_its_own),          cmocka_unit_test(dtypes_are_converted),
        cmocka_unit_test(bad_entries_are_refused),     cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
