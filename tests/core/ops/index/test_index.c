#include "op_check.h"

static em_tensor *grid(void) { return tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)); }

static em_tensor *ids_of(int dims, const int64_t *sizes, int64_t count, const double *values)
{
    return tensor_of(EM_I64, dims, sizes, count, values);
}

#define RESULT(name, options, inputs, ...) \
    do { \
        em_tensor *y = op_call(name, options, inputs); \
        assert_tensor(y, __VA_ARGS__); \
        em_tensor_release(y); \
    } while (0)

static void rows_by_a_list(void **state)
{
    (void)state;
    em_tensor *x = grid(), *ids = ids_of(SHAPE(4), VALUES(2, 0, 0, 1)), *one = ids_of(SCALAR, VALUES(1));
    em_tensor *small = tensor_of(EM_U8, SHAPE(1), VALUES(1)), *none = ids_of(SHAPE(0), NO_VALUES),
              *s = op_call("select", "dim=0 index=0", INPUTS(x));
    em_tensor *t = op_call("t", "", INPUTS(x));
    RESULT("index_select", "dim=0", INPUTS(x, ids), EM_F32, SHAPE(4, 2), VALUES(5, 6, 1, 2, 1, 2, 3, 4));
    RESULT("index_select", "dim=-1", INPUTS(t, ids), EM_F32, SHAPE(2, 4), VALUES(5, 1, 1, 3, 6, 2, 2, 4));
    RESULT("index_select", "dim=1", INPUTS(x, small), EM_F32, SHAPE(3, 1), VALUES(2, 4, 6));
    RESULT("index_select", "dim=0", INPUTS(x, one), EM_F32, SHAPE(1, 2), VALUES(3, 4));
    RESULT("index_select", "dim=0", INPUTS(x, none), EM_F32, SHAPE(0, 2), NO_VALUES);
    RESULT("index_select", "dim=0", INPUTS(s, small), EM_F32, SHAPE(1), VALUES(2));
    release_all(TENSORS(x, ids, one, small, none, s, t));
}

static void ids_of_any_shape(void **state)
{
    (void)state;
    em_tensor *x = grid(), *ids = ids_of(SHAPE(2, 2), VALUES(-1, 0, 1, -3)), *one = ids_of(SCALAR, VALUES(-1));
    em_tensor *cols = ids_of(SHAPE(1, 3), VALUES(1, 0, -1));
    RESULT("index", "", INPUTS(x, ids), EM_F32, SHAPE(2, 2, 2), VALUES(5, 6, 1, 2, 3, 4, 1, 2));
    RESULT("index", "", INPUTS(x, one), EM_F32, SHAPE(2), VALUES(5, 6));
    RESULT("index", "dim=1", INPUTS(x, cols), EM_F32, SHAPE(3, 1, 3), VALUES(2, 1, 2, 4, 3, 4, 6, 5, 6));
    assert_tensor(ids, EM_I64, SHAPE(2, 2), VALUES(-1, 0, 1, -3));
    release_all(TENSORS(x, ids, one, cols));
}

static void rows_and_elements_by_a_mask(void **state)
{
    (void)state;
    em_tensor *x = grid(), *rows = tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 0, 1)),
              *none = tensor_of(EM_BOOL, SHAPE(3), VALUES(0, 0, 0));
    em_tensor *all_of = tensor_of(EM_BOOL, SHAPE(3, 2), VALUES(0, 1, 1, 0, 0, 1)),
              *yes = tensor_of(EM_BOOL, SCALAR, VALUES(1));
    em_tensor *cols = tensor_of(EM_BOOL, SHAPE(2), VALUES(0, 1)), *s = tensor_of(EM_F32, SHAPE(1), VALUES(7));
    RESULT("index_mask", "", INPUTS(x, rows), EM_F32, SHAPE(2, 2), VALUES(1, 2, 5, 6));
    RESULT("index_mask", "", INPUTS(x, none), EM_F32, SHAPE(0, 2), NO_VALUES);
    RESULT("index_mask", "", INPUTS(x, all_of), EM_F32, SHAPE(3), VALUES(2, 3, 6));
    RESULT("index_mask", "", INPUTS(x, yes), EM_F32, SHAPE(1, 3, 2), VALUES(1, 2, 3, 4, 5, 6));
    RESULT("masked_select", "", INPUTS(x, all_of), EM_F32, SHAPE(3), VALUES(2, 3, 6));
    RESULT("masked_select", "", INPUTS(x, cols), EM_F32, SHAPE(3), VALUES(2, 4, 6));
    RESULT("masked_select", "", INPUTS(s, rows), EM_F32, SHAPE(2), VALUES(7, 7));
    release_all(TENSORS(x, rows, none, all_of, yes, cols, s));
}

static void gather_and_take(void **state)
{
    (void)state;
    em_tensor *x = grid(), *down = ids_of(SHAPE(2, 2), VALUES(2, 0, 1, 1)),
              *across = ids_of(SHAPE(3, 3), VALUES(0, 1, 1, 1, 1, 0, 0, 0, 0));
    em_tensor *narrow = ids_of(SHAPE(4, 1), VALUES(0, 1, 2, 0)), *flat = ids_of(SHAPE(2, 2), VALUES(5, 0, -6, -1));
    RESULT("gather", "dim=0", INPUTS(x, down), EM_F32, SHAPE(2, 2), VALUES(5, 2, 3, 4));
    RESULT("gather", "dim=1", INPUTS(x, across), EM_F32, SHAPE(3, 3), VALUES(1, 2, 2, 4, 4, 3, 5, 5, 5));
    RESULT("gather", "dim=-2", INPUTS(x, narrow), EM_F32, SHAPE(4, 1), VALUES(1, 3, 5, 1));
    RESULT("take", "", INPUTS(x, flat), EM_F32, SHAPE(2, 2), VALUES(6, 1, 1, 6));
    release_all(TENSORS(x, down, across, narrow, flat));
}

static void a_gather_of_many_dims_against_a_loop(void **state)
{
    (void)state;
    const int64_t size[] = {5, 9, 7, 11};
    em_tensor *x = random_tensor(EM_F64, 4, size, 1);
    for (int dim = 0; dim < 4; dim++) {
        int64_t shape[] = {4, 8, 7, 10};
        shape[dim] = 23;
        em_tensor *ids = random_ids(size[dim], 4, shape, 2), *y;
        const em_opts opts = op_options(em_op_find("gather"), dim == 0   ? "dim=0"
                                                              : dim == 1 ? "dim=1"
                                                              : dim == 2 ? "dim=2"
                                                                         : "dim=3");
        assert_ok(em_apply(em_op_find("gather"), (em_tensor *[]){x, ids}, 2, &opts, NULL, &y));
        for (int64_t e = 0; e < em_tensor_count(ids); e++) {
            int64_t at[4], rest = e, from = 0;
            for (int d = 3; d >= 0; d--) {
                at[d] = rest % shape[d];
                rest /= shape[d];
            }
            at[dim] = element_int(ids, e);
            for (int d = 0; d < 4; d++) from = from * size[d] + at[d];
            assert_true(element(y, e) == element(x, from));
        }
        em_tensor_release(ids);
        em_tensor_release(y);
    }
    em_tensor_release(x);
}

static void positions_of_what_is_not_zero(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 3), VALUES(0, 1e-30, -0.0, -1, 0, 2)),
              *s = tensor_of(EM_I64, SCALAR, VALUES(3));
    RESULT("nonzero", "", INPUTS(x), EM_I64, SHAPE(3, 2), VALUES(0, 1, 1, 0, 1, 2));
    RESULT("nonzero", "", INPUTS(s), EM_I64, SHAPE(1, 0), NO_VALUES);
    em_tensor_release(x);
    em_tensor_release(s);
}

static void a_large_mask_on_any_number_of_threads(void **state)
{
    (void)state;
    const int threads = em_threads();
    em_tensor *mask = random_tensor(EM_BOOL, SHAPE(300001), 1);
    for (int n = 1; n <= 8; n *= 2) {
        em_set_threads(n);
        em_tensor *y = op_call("nonzero", "", INPUTS(mask));
        int64_t k = 0;
        for (int64_t i = 0; i < em_tensor_count(mask); i++)
            if (element_int(mask, i)) assert_int_equal(element_int(y, k++), i);
        assert_int_equal(em_tensor_size(y, 0), k);
        em_tensor_release(y);
    }
    em_set_threads(threads);
    em_tensor_release(mask);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(4, 3), 1), *ids = ids_of(SHAPE(2, 3), VALUES(3, 0, -1, 3, 1, 1));
    em_tensor *list = ids_of(SHAPE(4), VALUES(2, 0, 0, 1)), *mask = tensor_of(EM_BOOL, SHAPE(4), VALUES(1, 0, 1, 1));
    em_tensor *row = tensor_of(EM_BOOL, SHAPE(2, 1, 3), VALUES(1, 0, 1, 0, 0, 1)),
              *s = random_tensor(EM_F64, SCALAR, 3);
    em_tensor *zero = ids_of(SHAPE(1), VALUES(0));
    assert_gradient("index", "", INPUTS(x, ids));
    assert_gradient("index_select", "dim=1", INPUTS(x, list));
    assert_gradient("index_select", "dim=0", INPUTS(s, zero));
    assert_gradient("index_mask", "", INPUTS(x, mask));
    assert_gradient("masked_select", "", INPUTS(x, row));
    assert_gradient("masked_select", "", INPUTS(s, row));
    assert_gradient("take", "", INPUTS(x, ids));
    release_all(TENSORS(x, ids, list, mask, row, s, zero));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = grid(), *high = ids_of(SHAPE(2, 2), VALUES(0, 2, 3, 1)), *low = ids_of(SHAPE(1), VALUES(-4));
    em_tensor *list = ids_of(SHAPE(2), VALUES(1, 3)), *half = tensor_of(EM_F32, SHAPE(1), VALUES(0)),
              *s = tensor_of(EM_F32, SCALAR, VALUES(1));
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(2), VALUES(1, 0)), *minus = ids_of(SHAPE(1, 1), VALUES(-1));
    em_tensor *tall = tensor_of(EM_BOOL, SHAPE(4, 1), VALUES(1, 0, 1, 0)), *far = ids_of(SHAPE(1), VALUES(-7));
    op_fails("index", "", INPUTS(x, high), EM_ERANGE,
             "index 3 at position [1, 0] is out of range for the size of dim 0 = 3 (ids count from 0)");
    op_fails("index", "dim=1", INPUTS(x, low), EM_ERANGE,
             "index -4 at position [0] is out of range for the size of dim 1 = 2");
    op_fails("index", "dim=2", INPUTS(x, low), EM_ERANGE, "dim 2");
    op_fails("index", "", INPUTS(x, half), EM_ETYPE, "integer dtype");
    op_fails("index", "", INPUTS(s, low), EM_ESHAPE, "()");
    op_fails("index_select", "dim=0", INPUTS(x, list), EM_ERANGE, "index 3 at position [1]");
    op_fails("index_select", "dim=0", INPUTS(x, low), EM_ERANGE, "index -4");
    op_fails("index_select", "dim=0", INPUTS(x, high), EM_ESHAPE, "index must have 1 dim");
    op_fails("index_select", "dim=0", INPUTS(s, list), EM_ESHAPE, "1 id");
    op_fails("index_mask", "", INPUTS(x, mask), EM_ESHAPE, "mask (2)");
    op_fails("index_mask", "", INPUTS(x, half), EM_ETYPE, "bool");
    op_fails("masked_select", "", INPUTS(x, tall), EM_ESHAPE, "(3, 2) and (4, 1) do not broadcast");
    op_fails("gather", "dim=0", INPUTS(x, high), EM_ERANGE, "index 3 at position [1, 0]");
    op_fails("gather", "dim=1", INPUTS(x, minus), EM_ERANGE, "index -1");
    op_fails("gather", "dim=0", INPUTS(x, list), EM_ESHAPE, "index (2) against input (3, 2)");
    op_fails("take", "", INPUTS(x, far), EM_ERANGE,
             "index -7 at position [0] is out of range for the number of elements = 6");
    release_all(TENSORS(x, high, low, list, half, s, mask, minus, tall, far));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_a_list),
        cmocka_unit_test(ids_of_any_shape),
        cmocka_unit_test(rows_and_elements_by_a_mask),
        cmocka_unit_test(gather_and_take),
        cmocka_unit_test(a_gather_of_many_dims_against_a_loop),
        cmocka_unit_test(positions_of_what_is_not_zero),
        cmocka_unit_test(a_large_mask_on_any_number_of_threads),
        cmocka_unit_test(gradients),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
