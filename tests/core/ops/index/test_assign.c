#include "op_check.h"

#define RESULT(name, options, inputs, ...) \
    do { \
        em_tensor *y = op_call(name, options, inputs); \
        assert_tensor(y, __VA_ARGS__); \
        em_tensor_release(y); \
    } while (0)

static em_tensor *grid(void) { return tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)); }

static void rows_by_ids(void **state)
{
    (void)state;
    em_tensor *x = grid(), *ids = tensor_of(EM_I64, SHAPE(3), VALUES(2, 0, 2)),
              *n = tensor_of(EM_F32, SCALAR, VALUES(9));
    em_tensor *rows = tensor_of(EM_F32, SHAPE(3, 2), VALUES(10, 20, 30, 40, 50, 60)),
              *pair = tensor_of(EM_F32, SHAPE(2), VALUES(7, 8));
    em_tensor *back = tensor_of(EM_I64, SHAPE(2, 1), VALUES(-1, 0)),
              *col = tensor_of(EM_F32, SHAPE(3, 1), VALUES(7, 8, 9)), *first = tensor_of(EM_I64, SHAPE(1), VALUES(0));
    RESULT("index_copy", "dim=0", INPUTS(x, ids, rows), EM_F32, SHAPE(3, 2), VALUES(30, 40, 3, 4, 50, 60));
    RESULT("index_copy", "dim=1", INPUTS(x, first, col), EM_F32, SHAPE(3, 2), VALUES(7, 2, 8, 4, 9, 6));
    RESULT("index_fill", "dim=0", INPUTS(x, ids, n), EM_F32, SHAPE(3, 2), VALUES(9, 9, 3, 4, 9, 9));
    RESULT("index_fill", "dim=1", INPUTS(x, first, n), EM_F32, SHAPE(3, 2), VALUES(9, 2, 9, 4, 9, 6));
    RESULT("index_put", "", INPUTS(x, ids, rows), EM_F32, SHAPE(3, 2), VALUES(30, 40, 3, 4, 50, 60));
    RESULT("index_put", "", INPUTS(x, back, pair), EM_F32, SHAPE(3, 2), VALUES(7, 8, 3, 4, 7, 8));
    RESULT("index_put", "", INPUTS(x, back, n), EM_F32, SHAPE(3, 2), VALUES(9, 9, 3, 4, 9, 9));
    RESULT("index_put", "dim=1", INPUTS(x, first, col), EM_F32, SHAPE(3, 2), VALUES(7, 2, 8, 4, 9, 6));
    assert_tensor(x, EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6));
    release_all(TENSORS(x, ids, n, rows, pair, back, col, first));
}

static void rows_by_a_mask(void **state)
{
    (void)state;
    em_tensor *x = grid(), *mask = tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 0, 1)),
              *n = tensor_of(EM_I64, SCALAR, VALUES(9));
    em_tensor *rows = tensor_of(EM_F32, SHAPE(2, 2), VALUES(10, 20, 30, 40)),
              *pair = tensor_of(EM_F32, SHAPE(2), VALUES(7, 8));
    em_tensor *each = tensor_of(EM_BOOL, SHAPE(3, 2), VALUES(0, 1, 0, 0, 1, 0));
    RESULT("masked_put", "", INPUTS(x, mask, rows), EM_F32, SHAPE(3, 2), VALUES(10, 20, 3, 4, 30, 40));
    RESULT("masked_put", "", INPUTS(x, mask, pair), EM_F32, SHAPE(3, 2), VALUES(7, 8, 3, 4, 7, 8));
    RESULT("masked_put", "", INPUTS(x, mask, n), EM_F32, SHAPE(3, 2), VALUES(9, 9, 3, 4, 9, 9));
    RESULT("masked_put", "", INPUTS(x, each, pair), EM_F32, SHAPE(3, 2), VALUES(1, 7, 3, 4, 8, 6));
    release_all(TENSORS(x, mask, n, rows, pair, each));
}

static void elements_by_ids(void **state)
{
    (void)state;
    em_tensor *x = grid(), *ids = tensor_of(EM_I64, SHAPE(2, 2), VALUES(2, 0, 2, 1)),
              *src = tensor_of(EM_F32, SHAPE(2, 2), VALUES(7, 8, 9, 10));
    em_tensor *n = tensor_of(EM_F32, SCALAR, VALUES(-1));
    RESULT("scatter", "dim=0", INPUTS(x, ids, src), EM_F32, SHAPE(3, 2), VALUES(1, 8, 3, 10, 9, 6));
    RESULT("scatter", "dim=0", INPUTS(x, ids, n), EM_F32, SHAPE(3, 2), VALUES(1, -1, 3, -1, -1, 6));
    release_all(TENSORS(x, ids, src, n));
}

static void in_place_on_a_view(void **state)
{
    (void)state;
    em_tensor *x = grid(), *t = op_call("t", "", INPUTS(x)), *ids = tensor_of(EM_I64, SHAPE(1), VALUES(1)),
              *v = tensor_of(EM_F32, SHAPE(3), VALUES(7, 8, 9));
    const em_op *put = em_op_find("index_put");
    assert_ok(em_apply_inplace(put, t, (em_tensor *[]){t, ids, v}, 3, NULL, NULL));
    assert_tensor(x, EM_F32, SHAPE(3, 2), VALUES(1, 7, 3, 8, 5, 9));
    em_tensor *bad = tensor_of(EM_I64, SHAPE(2), VALUES(0, 2));
    assert_fails(em_apply_inplace(put, t, (em_tensor *[]){t, bad, v}, 3, NULL, NULL), EM_ERANGE, "index 2");
    assert_tensor(x, EM_F32, SHAPE(3, 2), VALUES(1, 7, 3, 8, 5, 9));
    release_all(TENSORS(x, t, ids, v, bad));
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(4, 3), 1), *ids = tensor_of(EM_I64, SHAPE(2), VALUES(2, 0)),
              *n = random_tensor(EM_F64, SCALAR, 2);
    em_tensor *rows = random_tensor(EM_F64, SHAPE(2, 3), 3), *row = random_tensor(EM_F64, SHAPE(3), 4),
              *back = tensor_of(EM_I64, SHAPE(2, 1), VALUES(-1, 0));
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(4), VALUES(0, 1, 0, 1)),
              *lane = tensor_of(EM_I64, SHAPE(2, 3), VALUES(0, 1, 3, 2, 3, 0)),
              *one = random_tensor(EM_F64, SHAPE(1), 5);
    em_tensor *large = random_tensor(EM_F64, SHAPE(5, 4), 6), *s = random_tensor(EM_F64, SCALAR, 7),
              *zero = tensor_of(EM_I64, SHAPE(1), VALUES(0));
    assert_gradient("index_copy", "dim=0", INPUTS(x, ids, rows));
    assert_gradient("index_copy", "dim=0", INPUTS(s, zero, n));
    assert_gradient("index_fill", "dim=1", INPUTS(x, ids, n));
    assert_gradient("index_put", "", INPUTS(x, back, row));
    assert_gradient("index_put", "", INPUTS(x, back, one));
    assert_gradient("index_put", "dim=1", INPUTS(x, ids, n));
    assert_gradient("masked_put", "", INPUTS(x, mask, rows));
    assert_gradient("masked_put", "", INPUTS(x, mask, row));
    assert_gradient("scatter", "dim=0", INPUTS(x, lane, rows));
    assert_gradient("scatter", "dim=0", INPUTS(x, lane, large));
    assert_gradient("scatter", "dim=0", INPUTS(x, lane, n));
    release_all(TENSORS(x, ids, n, rows, row, back, mask, lane, one, large, s, zero));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = grid(), *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 3)),
              *good = tensor_of(EM_I64, SHAPE(2), VALUES(0, 2)), *v3 = tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3));
    em_tensor *n = tensor_of(EM_F32, SCALAR, VALUES(1)), *mask = tensor_of(EM_BOOL, SHAPE(2), VALUES(1, 1)),
              *low = tensor_of(EM_I64, SHAPE(1), VALUES(-4));
    em_tensor *lane = tensor_of(EM_I64, SHAPE(1, 2), VALUES(0, 3)),
              *rows = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2)),
              *rmask = tensor_of(EM_BOOL, SHAPE(3), VALUES(1, 1, 0));
    op_fails("index_copy", "dim=0", INPUTS(x, ids, x), EM_ERANGE, "index 3 at position [1]");
    op_fails("index_copy", "dim=0", INPUTS(x, good, x), EM_ESHAPE,
             "source (3, 2): expected the shape of input (3, 2) with size 2 at dim 0");
    op_fails("index_fill", "dim=0", INPUTS(x, ids, n), EM_ERANGE, "index 3");
    op_fails("index_fill", "dim=0", INPUTS(x, good, v3), EM_ESHAPE, "value must be a number");
    op_fails("index_fill", "dim=0", INPUTS(x, lane, n), EM_ESHAPE, "1 dim");
    op_fails("index_put", "", INPUTS(x, low, n), EM_ERANGE,
             "index -4 at position [0] is out of range for the size of dim 0 = 3");
    op_fails("index_put", "", INPUTS(x, good, v3), EM_ESHAPE,
             "value (3) does not broadcast to the positions' shape (2, 2)");
    op_fails("index_put", "", INPUTS(n, good, n), EM_ESHAPE, "()");
    op_fails("masked_put", "", INPUTS(x, mask, n), EM_ESHAPE, "mask (2)");
    op_fails("masked_put", "", INPUTS(x, rmask, v3), EM_ESHAPE, "value (3)");
    op_fails("scatter", "dim=0", INPUTS(x, lane, rows), EM_ERANGE, "index 3 at position [0, 1]");
    op_fails("scatter", "dim=0", INPUTS(x, good, v3), EM_ESHAPE, "index (2) against input (3, 2)");
    op_fails("scatter", "dim=1", INPUTS(x, lane, v3), EM_ERANGE, "index 3");
    release_all(TENSORS(x, ids, good, v3, n, mask, low, lane, rows, rmask));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_by_ids),        cmocka_unit_test(rows_by_a_mask), cmocka_unit_test(elements_by_ids),
        cmocka_unit_test(in_place_on_a_view), cmocka_unit_test(gradients),      cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
