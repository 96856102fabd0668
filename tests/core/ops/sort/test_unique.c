#include "op_check.h"

#include <math.h>

static void what_occurs(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I64, SHAPE(2, 3), VALUES(3, 1, 3, -2, 1, 3)), *out[EM_MAX_OUT] = {0};
    assert_ok(op_try(out, "unique", "", INPUTS(x)));
    assert_tensor(out[0], EM_I64, SHAPE(3), VALUES(-2, 1, 3));
    assert_tensor(out[1], EM_I64, SHAPE(2, 3), VALUES(2, 1, 2, 0, 1, 2));
    assert_tensor(out[2], EM_I64, SHAPE(3), VALUES(1, 2, 3));
    for (int k = 0; k < 3; k++) em_tensor_release(out[k]);
    em_tensor_release(x);
    x = tensor_of(EM_F32, SHAPE(5), VALUES(NAN, 0, -0.0, NAN, -1));
    assert_ok(op_try(out, "unique", "", INPUTS(x)));
    assert_tensor(out[0], EM_F32, SHAPE(4), VALUES(-1, 0, NAN, NAN));
    assert_tensor(out[1], EM_I64, SHAPE(5), VALUES(2, 1, 1, 3, 0));
    assert_tensor(out[2], EM_I64, SHAPE(4), VALUES(1, 2, 1, 1));
    for (int k = 0; k < 3; k++) em_tensor_release(out[k]);
    em_tensor_release(x);
    x = tensor_of(EM_U8, SHAPE(0), NO_VALUES);
    assert_ok(op_try(out, "unique", "", INPUTS(x)));
    assert_tensor(out[0], EM_U8, SHAPE(0), NO_VALUES);
    for (int k = 0; k < 3; k++) em_tensor_release(out[k]);
    em_tensor_release(x);
}

static void many_against_a_count(void **state)
{
    (void)state;
    em_tensor *x = random_ids(500, SHAPE(20000), 1), *out[EM_MAX_OUT] = {0};
    assert_ok(op_try(out, "unique", "", INPUTS(x)));
    int64_t count[500] = {0}, at = 0;
    for (int64_t i = 0; i < 20000; i++) count[element_int(x, i)]++;
    for (int64_t v = 0; v < 500; v++) {
        if (!count[v]) continue;
        assert_int_equal(element_int(out[0], at), v);
        assert_int_equal(element_int(out[2], at++), count[v]);
    }
    assert_int_equal(em_tensor_size(out[0], 0), at);
    for (int64_t i = 0; i < 20000; i++)
        assert_int_equal(element_int(out[0], element_int(out[1], i)), element_int(x, i));
    for (int k = 0; k < 3; k++) em_tensor_release(out[k]);
    em_tensor_release(x);
}

static void where_it_would_go(void **state)
{
    (void)state;
    em_tensor *row = tensor_of(EM_F32, SHAPE(4), VALUES(1, 3, 3, 5)),
              *x = tensor_of(EM_F32, SHAPE(2, 4), VALUES(0, 1, 2, 3, 4, 5, 6, NAN));
    em_tensor *left = op_call("searchsorted", "", INPUTS(row, x)),
              *right = op_call("searchsorted", "right=true", INPUTS(row, x));
    assert_tensor(left, EM_I64, SHAPE(2, 4), VALUES(0, 0, 1, 1, 3, 3, 4, 4));
    assert_tensor(right, EM_I64, SHAPE(2, 4), VALUES(0, 1, 1, 3, 3, 4, 4, 4));
    em_tensor *rows = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 10, 5, 6)),
              *ids = tensor_of(EM_I32, SHAPE(2, 3), VALUES(-1, 5, 11, 5, 6, 7));
    em_tensor *each = op_call("searchsorted", "", INPUTS(rows, ids)), *s = tensor_of(EM_F32, SCALAR, VALUES(4)),
              *one = op_call("searchsorted", "", INPUTS(row, s));
    assert_tensor(each, EM_I64, SHAPE(2, 3), VALUES(0, 1, 2, 0, 1, 2));
    assert_tensor(one, EM_I64, SCALAR, VALUES(3));
    release_all(TENSORS(row, x, left, right, rows, ids, each, s, one));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *s = tensor_of(EM_F32, SCALAR, VALUES(1)), *x = random_tensor(EM_F32, SHAPE(2, 3), 1),
              *rows = random_tensor(EM_F32, SHAPE(3, 3), 1);
    op_fails("searchsorted", "", INPUTS(s, x), EM_ESHAPE, "sorted_sequence ()");
    op_fails("searchsorted", "", INPUTS(rows, x), EM_ESHAPE, "sorted_sequence (3, 3)");
    em_tensor_release(s);
    em_tensor_release(x);
    em_tensor_release(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_occurs), cmocka_unit_test(many_against_a_count), cmocka_unit_test(where_it_would_go),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
