#include "op_check.h"

/* x (2, 3, 4) holds 0 .. 23 in row-major order, so that a value says where it came from. */
static em_tensor *counting(int dims, const int64_t *sizes)
{
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, EM_F32, dims, sizes));
    for (int64_t i = 0; i < em_tensor_count(t); i++) em_tensor_set(t, i, (double)i);
    return t;
}

static void same_storage(const em_tensor *a, const em_tensor *b, bool same)
{
    assert_int_equal(em_tensor_same_storage(a, b), same);
}

static void shape_is(const em_tensor *t, int dims, const int64_t *sizes)
{
    assert_int_equal(em_tensor_dims(t), dims);
    for (int d = 0; d < dims; d++) assert_int_equal(em_tensor_size(t, d), sizes[d]);
}

/* ---- reshape view flatten unflatten -------------------------------------------------------------------- */

static void reshape_keeps_row_major_order(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(2, 3, 4));
    static const struct {
        const char *options;
        int dims;
        int64_t sizes[8];
    } cases[] = {
        {"shape=24", 1, {24}},        {"shape=-1", 1, {24}},         {"shape=4,-1", 2, {4, 6}},
        {"shape=6,4", 2, {6, 4}},     {"shape=1,24,1", 3, {1, 24, 1}}, {"shape=2,3,2,2", 4, {2, 3, 2, 2}},
        {"shape=2,1,-1,4", 4, {2, 1, 3, 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_tensor *y = op_call("reshape", cases[i].options, INPUTS(x)),
                  *v = op_call("view", cases[i].options, INPUTS(x));
        shape_is(y, cases[i].dims, cases[i].sizes);
        shape_is(v, cases[i].dims, cases[i].sizes);
        for (int64_t k = 0; k < 24; k++) assert_true(element(y, k) == (double)k && element(v, k) == (double)k);
        same_storage(x, y, true);
        same_storage(x, v, true);
        em_tensor_release(y);
        em_tensor_release(v);
    }
    em_tensor_release(x);
}

static void a_strided_input_is_viewed_where_strides_allow(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(2, 3, 4)),
              *p = op_call("permute", "dims=2,0,1", INPUTS(x)); /* (4, 2, 3), strides 1 12 4 */
    static const struct {
        const char *options;
        bool shared;
    } cases[] = {
        {"shape=4,6", true},            /* 2 and 3 lie together */
        {"shape=2,2,6", true},  {"shape=4,1,6,1", true}, {"shape=2,2,2,3", true}, {"shape=4,3,2", true},
        {"shape=24", false},    {"shape=8,3", false},   {"shape=2,12", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_tensor *y = op_call("reshape", cases[i].options, INPUTS(p));
        same_storage(x, y, cases[i].shared);
        for (int64_t k = 0; k < 24; k++) assert_true(element(y, k) == element(p, k));
        em_tensor_release(y);
        if (cases[i].shared)
            em_tensor_release(op_call("view", cases[i].options, INPUTS(p)));
        else
            op_fails("view", cases[i].options, INPUTS(p), EM_ESHAPE, "use reshape");
    }
    em_tensor_release(p);
    em_tensor_release(x);
}

static void reshape_of_nothing_and_of_a_scalar(void **state)
{
    (void)state;
    em_tensor *none = counting(SHAPE(0, 3)), *s = counting(SCALAR), *y = op_call("reshape", "shape=5,0", INPUTS(none));
    shape_is(y, SHAPE(5, 0));
    em_tensor_release(y);
    y = op_call("reshape", "shape=-1,3", INPUTS(none));
    shape_is(y, SHAPE(0, 3));
    em_tensor_release(y);
    y = op_call("reshape", "shape=1,1", INPUTS(s));
    shape_is(y, SHAPE(1, 1));
    em_tensor_release(y);
    op_fails("reshape", "shape=0,-1", INPUTS(none), EM_ESHAPE, "-1 could be any size");
    em_tensor_release(none);
    em_tensor_release(s);
}

static void flatten_and_back(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(2, 3, 4)), *s = counting(SCALAR), *y = op_call("flatten", "", INPUTS(x));
    shape_is(y, SHAPE(24));
    em_tensor_release(y);
    y = op_call("flatten", "start_dim=1", INPUTS(x));
    shape_is(y, SHAPE(2, 12));
    em_tensor *z = op_call("unflatten", "dim=-1 sizes=3,-1", INPUTS(y));
    shape_is(z, SHAPE(2, 3, 4));
    same_storage(x, z, true);
    em_tensor_release(y);
    em_tensor_release(z);
    y = op_call("flatten", "start_dim=-3 end_dim=1", INPUTS(x));
    shape_is(y, SHAPE(6, 4));
    em_tensor_release(y);
    y = op_call("flatten", "", INPUTS(s));
    shape_is(y, SHAPE(1));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(s);
}

/* ---- squeeze unsqueeze expand -------------------------------------------------------------------------- */

static void squeeze_and_unsqueeze(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(1, 3, 1)), *y = op_call("squeeze", "", INPUTS(x)), *z;
    shape_is(y, SHAPE(3));
    z = op_call("squeeze", "dim=-1", INPUTS(x));
    shape_is(z, SHAPE(1, 3));
    em_tensor_release(z);
    z = op_call("squeeze", "dim=1", INPUTS(x));
    shape_is(z, SHAPE(1, 3, 1));
    em_tensor_release(z);
    z = op_call("unsqueeze", "dim=-1", INPUTS(y));
    shape_is(z, SHAPE(3, 1));
    same_storage(z, x, true);
    em_tensor_release(z);
    z = op_call("unsqueeze", "dim=0", INPUTS(y));
    shape_is(z, SHAPE(1, 3));
    em_tensor_release(z);
    em_tensor_release(x);
    em_tensor_release(y);
}

static void expand_repeats_without_copying(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(3, 1)), *y = op_call("expand", "shape=2,-1,2", INPUTS(x));
    same_storage(x, y, true);
    assert_tensor(y, EM_F32, SHAPE(2, 3, 2), VALUES(0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2));
    em_tensor_release(y);
    em_tensor_release(x);
}

/* ---- order --------------------------------------------------------------------------------------------- */

static void dims_change_places(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(2, 3)), *y = op_call("transpose", "dim0=0 dim1=-1", INPUTS(x)),
              *z = op_call("t", "", INPUTS(x));
    assert_tensor(y, EM_F32, SHAPE(3, 2), VALUES(0, 3, 1, 4, 2, 5));
    assert_tensor(z, EM_F32, SHAPE(3, 2), VALUES(0, 3, 1, 4, 2, 5));
    same_storage(x, y, true);
    em_tensor_release(y);
    em_tensor_release(z);
    em_tensor_release(x);
    x = counting(SHAPE(2, 1, 3));
    y = op_call("permute", "dims=2,-3,1", INPUTS(x));
    assert_tensor(y, EM_F32, SHAPE(3, 2, 1), VALUES(0, 3, 1, 4, 2, 5));
    em_tensor_release(y);
    em_tensor_release(x);
}

/* ---- gradients, errors --------------------------------------------------------------------------------- */

static void gradients(void **state)
{
    (void)state;
    static const char *const calls[][2] = {
        {"reshape", "shape=4,-1"}, {"reshape", "shape=24"}, {"view", "shape=2,3,2,2"}, {"flatten", "start_dim=1"},
        {"unflatten", "dim=2 sizes=2,2"}, {"unsqueeze", "dim=1"}, {"squeeze", ""}, {"transpose", "dim0=0 dim1=2"},
        {"permute", "dims=2,0,1"}, {"expand", "shape=5,2,3,4"},
    };
    em_tensor *x = random_tensor(EM_F64, SHAPE(2, 3, 4), 1), *thin = random_tensor(EM_F64, SHAPE(1, 3, 1), 2);
    em_tensor *square = random_tensor(EM_F64, SHAPE(3, 2), 3), *v = random_tensor(EM_F64, SHAPE(3), 3);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        assert_gradient(calls[i][0], calls[i][1], INPUTS(x));
    assert_gradient("squeeze", "", INPUTS(thin));
    assert_gradient("squeeze", "dim=0", INPUTS(thin));
    assert_gradient("t", "", INPUTS(square));
    assert_gradient("t", "", INPUTS(v));
    assert_gradient("expand", "shape=2,4,3,2", INPUTS(thin));
    em_tensor_release(x);
    em_tensor_release(thin);
    em_tensor_release(square);
    em_tensor_release(v);
}

static void the_gradient_of_a_strided_input_has_its_order(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(2, 3, 4), 1), *p;
    assert_ok(em_tensor_view(&p, x, 0, SHAPE(4, 2, 3), (int64_t[]){1, 12, 4}));
    assert_gradient("reshape", "shape=24", INPUTS(p));
    assert_gradient("reshape", "shape=4,6", INPUTS(p));
    em_tensor_release(p);
    em_tensor_release(x);
}

/* No element, but strides that no number holds. */
static void sizes_beside_a_zero_are_limited_too(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(0), NO_VALUES), *deep = tensor_of(EM_F32, SHAPE(0, 3), NO_VALUES), *y;
    assert_fails(op_try(&y, "reshape", "shape=4294967296,0,4294967296", INPUTS(x)), EM_ESHAPE, "too many elements");
    assert_fails(op_try(&y, "view", "shape=4294967296,0,4294967296", INPUTS(x)), EM_ESHAPE, "too many elements");
    assert_fails(op_try(&y, "unflatten", "dim=0 sizes=4294967296,0,4294967296", INPUTS(deep)), EM_ESHAPE,
                 "too many elements");
    release_all(TENSORS(x, deep));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = counting(SHAPE(2, 3)), *cube = counting(SHAPE(2, 3, 4)), *s = counting(SCALAR);
    em_tensor *full = counting(SHAPE(1, 1, 1, 1, 1, 1, 1, 2));
    op_fails("reshape", "shape=4,2", INPUTS(x), EM_ESHAPE, "shape (4, 2) does not fit the 6 elements of input (2, 3)");
    op_fails("reshape", "shape=4,-1", INPUTS(x), EM_ESHAPE, "shape (4, -1)");
    op_fails("reshape", "shape=-1,-1", INPUTS(x), EM_ESHAPE, "-1 at most once");
    op_fails("reshape", "shape=-2,-3", INPUTS(x), EM_ESHAPE, "sizes >= 0");
    op_fails("reshape", "shape=4294967296,4294967296", INPUTS(x), EM_ESHAPE, "does not fit");
    op_fails("reshape", "shape=4294967296,4294967296,-1", INPUTS(x), EM_ESHAPE, "does not fit");
    op_fails("reshape", "shape=1,1,1,1,1,1,1,1,6", INPUTS(x), EM_ESHAPE, "at most 8 dims, given 9");
    op_fails("view", "shape=7", INPUTS(x), EM_ESHAPE, "shape (7)");
    op_fails("flatten", "start_dim=1 end_dim=0", INPUTS(x), EM_EVALUE, "start_dim 1 comes after end_dim 0");
    op_fails("flatten", "start_dim=2", INPUTS(x), EM_ERANGE, "start_dim");
    op_fails("unflatten", "dim=1 sizes=2,2", INPUTS(x), EM_ESHAPE, "shape (2, 2)");
    op_fails("unflatten", "dim=0 sizes=2", INPUTS(s), EM_ESHAPE, "()");
    op_fails("unflatten", "dim=7 sizes=1,2", INPUTS(full), EM_ESHAPE, "at most 8 dims");
    op_fails("squeeze", "dim=2", INPUTS(x), EM_ERANGE, "dim 2");
    op_fails("unsqueeze", "dim=3", INPUTS(x), EM_ERANGE, "dim 3");
    op_fails("unsqueeze", "dim=0", INPUTS(full), EM_ESHAPE, "the most there can be");
    op_fails("transpose", "dim0=0 dim1=2", INPUTS(x), EM_ERANGE, "dim 2");
    op_fails("t", "", INPUTS(cube), EM_ESHAPE, "(2, 3, 4)");
    op_fails("permute", "dims=0,0", INPUTS(x), EM_EVALUE, "each of the 2 dims");
    op_fails("permute", "dims=1", INPUTS(x), EM_EVALUE, "each of the 2 dims");
    op_fails("permute", "dims=0,2", INPUTS(x), EM_ERANGE, "dim 2");
    op_fails("expand", "shape=3,3", INPUTS(x), EM_ESHAPE, "only a dim of size 1");
    op_fails("expand", "shape=3", INPUTS(x), EM_ESHAPE, "expected 2 to 8 sizes");
    op_fails("expand", "shape=-1,2,3", INPUTS(x), EM_ESHAPE, "(-1, 2, 3)");
    em_tensor_release(x);
    em_tensor_release(cube);
    em_tensor_release(s);
    em_tensor_release(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reshape_keeps_row_major_order),
        cmocka_unit_test(a_strided_input_is_viewed_where_strides_allow),
        cmocka_unit_test(reshape_of_nothing_and_of_a_scalar),
        cmocka_unit_test(flatten_and_back),
        cmocka_unit_test(squeeze_and_unsqueeze),
        cmocka_unit_test(expand_repeats_without_copying),
        cmocka_unit_test(dims_change_places),
        cmocka_unit_test(gradients),
        cmocka_unit_test(the_gradient_of_a_strided_input_has_its_order),
        cmocka_unit_test(sizes_beside_a_zero_are_limited_too),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
