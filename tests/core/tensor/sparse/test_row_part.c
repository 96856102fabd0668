/* Row parts: references instead of copies, padding left out, strides. */
#include "tensor/sparse/row_part.h"

#include "tensor/sparse/row_sparse.h"
#include "tensor/sparse/rows.h"

static void a_part_refers_instead_of_copying(void **state)
{
    (void)state;
    em_tensor *source = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 10, 2, 20)), *ids = IDS(3, 1, 1, 0), *t, *values;
    em_tensor *coef = tensor_of(EM_F32, SHAPE(4), VALUES(1, 2, 3, 4));
    em_row_part pairs = {.ids = ids, .source = source, .every = 2, .coef = coef, .scale = 0.5};
    assert_ok(em__rows_from_part(&t, EM_F32, SHAPE(4, 2), &pairs, -1));
    assert_ok(em_rows_values(&values, t));
    assert_tensor(values, EM_F32, SHAPE(4, 2), VALUES(0.5, 5, 1, 10, 3, 30, 4, 40));
    em_tensor_release(values);
    em_tensor_release(t);

    em_tensor *index = IDS(1, 0, 1, 0), *dense;
    em_row_part chosen = {.ids = ids, .source = source, .index = index, .every = 1, .scale = 1};
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
    em_row_part part = {.ids = ids, .source = source, .every = 1, .coef = coef, .scale = 1};
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
        em_row_part p = {.ids = ids, .every = 1, .scale = 1};
        assert_ok(em__row_part_source(&p, view, 2, 3));
        assert_true(em_tensor_same_storage(p.source, base) == !cases[k].copied);
        em_tensor_retain(ids);
        assert_ok(em__rows_from_part(&t, EM_F32, SHAPE(2, 3), &p, -1));
        assert_ok(em_rows_values(&values, t));
        assert_tensor(values, EM_F32, SHAPE(2, 3), 6, cases[k].want);
        em_tensor_release(values);
        em_tensor_release(t);
        em__row_part_release(&p);
        em_tensor_release(view);
    }
    em_tensor_release(ids);
    em_tensor_release(base);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

typedef struct entries {
    em_tensor *ids, *source, *coef;
} entries;

static em_status leave_out(void *context, em_tensor *out[EM_MAX_OUT])
{
    const entries *e = context;
    const em_row_part part = {.ids = e->ids, .source = e->source, .every = 1, .coef = e->coef, .scale = 1};
    em_row_part fewer;
    EM_TRY(em__row_part_without(&fewer, &part, 2, NULL));
    em_tensor_release(fewer.source);
    out[0] = fewer.ids;
    out[1] = fewer.index;
    out[2] = fewer.coef;
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    entries e = {IDS(2, 0, 2), tensor_of(EM_F32, SHAPE(3, 1), VALUES(1, 2, 3)),
                 tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3))};
    assert_int_equal(each_allocation_fails(&(fallible){.call = leave_out}, &e), 6);
    release_all(TENSORS(e.ids, e.source, e.coef));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_refers_instead_of_copying),
        cmocka_unit_test(padding_is_left_out),
        cmocka_unit_test(sources_follow_strides),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
