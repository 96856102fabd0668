/* Views changed in place: their base, other views of it, and what is refused. */
#include "graph/variable.h"

#include "support.h"

static em_tensor *leaf(int dims, const int64_t *sizes, int64_t count, const double *values)
{
    em_tensor *t = tensor_of(EM_F64, dims, sizes, count, values);
    assert_ok(em_tensor_set_requires_grad(t, true));
    return t;
}

static em_tensor *apply(const char *name, em_tensor *x, em_tensor *y, const em_opts *opts)
{
    em_tensor *out;
    assert_ok(em_apply(em_op_find(name), (em_tensor *[]){x, y}, y ? 2 : 1, opts, NULL, &out));
    return out;
}

static em_tensor *row(em_tensor *t, int64_t i)
{
    return apply("select", t, NULL, &(em_opts){.at = {{.given = true, .i = 0}, {.given = true, .i = i}}});
}

static em_status change(const char *name, em_tensor *t, em_tensor *by)
{
    return em_apply_inplace(em_op_find(name), t, (em_tensor *[]){t, by}, 2, NULL, NULL);
}

typedef struct pair {
    em_tensor *x, *w;       /* (2, 2) and (2) */
} pair;

/* y = 3 x, one view of y changed by w, seen through another */
static em_status change_a_row(void *context, em_tensor *out[EM_MAX_OUT])
{
    const pair *p = context;
    em_tensor *y = NULL, *first = NULL, *other = NULL, *three = NULL;
    em_opts at = {.at = {{.given = true, .i = 0}, {.given = true, .i = 0}}};
    em_status s = em_tensor_scalar(&three, EM_F64, 3);
    if (!s) s = em_apply(em_op_find("mul"), (em_tensor *[]){p->x, three}, 2, NULL, NULL, &y);
    if (!s) s = em_apply(em_op_find("select"), &y, 1, &at, NULL, &first);
    if (!s) s = em_apply(em_op_find("t"), &y, 1, NULL, NULL, &other);
    if (!s) s = change("mul", first, p->w);
    if (!s) s = em_apply(em_op_find("sum"), &other, 1, NULL, NULL, out);
    em_tensor_release(y);
    em_tensor_release(first);
    em_tensor_release(other);
    em_tensor_release(three);
    return s;
}

static void a_change_of_a_view_reaches_its_base_and_its_sisters(void **state)
{
    (void)state;
    pair p = {leaf(SHAPE(2, 2), VALUES(1, 2, 3, 4)), leaf(SHAPE(2), VALUES(10, 100))};
    em_tensor *created[EM_MAX_OUT] = {0}, *out;
    assert_ok(change_a_row(&p, created));
    out = created[0];
    assert_tensor(out, EM_F64, SCALAR, VALUES(3 * 10 + 6 * 100 + 9 + 12));
    assert_ok(em_backward(out, NULL, false));
    assert_tensor(em_tensor_grad(p.x), EM_F64, SHAPE(2, 2), VALUES(30, 300, 3, 3));
    assert_tensor(em_tensor_grad(p.w), EM_F64, SHAPE(2), VALUES(3, 6));
    em_tensor_release(out);
    em_tensor_release(p.x);
    em_tensor_release(p.w);
}

static void a_base_without_history_gets_one(void **state)
{
    (void)state;
    em_tensor *y = tensor_of(EM_F64, SHAPE(2, 2), VALUES(0, 0, 0, 0)), *w = leaf(SHAPE(2), VALUES(5, 6));
    em_tensor *r = row(y, 1), *before = row(y, 0);
    assert_ok(change("copy", r, w));
    assert_true(em_tensor_requires_grad(y) && !em_tensor_is_leaf(y) && em_tensor_requires_grad(r));
    assert_true(em_tensor_requires_grad(before));
    assert_string_equal(em_tensor_origin_name(y), "copy_slices");
    assert_string_equal(em_tensor_origin_name(before), "as_strided");
    assert_tensor(y, EM_F64, SHAPE(2, 2), VALUES(0, 0, 5, 6));
    em_tensor *g = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    assert_ok(em_backward(y, g, false));
    assert_tensor(em_tensor_grad(w), EM_F64, SHAPE(2), VALUES(3, 4));
    release_all(TENSORS(y, w, r, before, g));
}

/* An expanded view shows one element several times: its gradient is their sum. */
static void a_stale_expanded_view_sums(void **state)
{
    (void)state;
    em_tensor *x = leaf(SHAPE(2, 1), VALUES(1, 2)), *two = tensor_of(EM_F64, SCALAR, VALUES(2));
    em_tensor *y = apply("mul", x, two, NULL);
    em_tensor *wide = apply("expand", y, NULL, &(em_opts){.at = {{.given = true, .i = 2}}, .ints = {2, 3}});
    assert_ok(change("mul", y, two));
    em_tensor *sum = apply("sum", wide, NULL, NULL);
    assert_tensor(sum, EM_F64, SCALAR, VALUES(4 * 3 * (1 + 2)));
    assert_ok(em_backward(sum, NULL, false));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2, 1), VALUES(12, 12));
    assert_fails(change("mul", wide, x), EM_EGRAD, "shows some elements several times");
    release_all(TENSORS(x, two, y, wide, sum));
}

static void what_cannot_be_recorded_is_refused(void **state)
{
    (void)state;
    em_tensor *x = leaf(SHAPE(2, 2), VALUES(1, 2, 3, 4)), *r = row(x, 0), *one = tensor_of(EM_F64, SCALAR, VALUES(1));
    assert_fails(change("add", r, one), EM_EGRAD, "add_: a leaf that requires grad, of which this is a view");
    assert_fails(change("add", x, one), EM_EGRAD, "add_: a leaf that requires grad cannot");
    assert_tensor(x, EM_F64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *y = apply("neg", x, NULL, NULL);
    em_set_grad_enabled(false);
    em_tensor *untracked = row(y, 0);
    em_set_grad_enabled(true);
    em_tensor *w = leaf(SHAPE(2), VALUES(1, 1));
    assert_fails(change("add", untracked, w), EM_EGRAD, "made inside no_grad");
    release_all(TENSORS(x, r, one, y, untracked, w));
}

static void allocations_may_fail(void **state)
{
    (void)state;
    pair p = {leaf(SHAPE(2, 2), VALUES(1, 2, 3, 4)), leaf(SHAPE(2), VALUES(10, 100))};
    assert_true(each_allocation_fails(&(fallible){.call = change_a_row}, &p) > 10);
    em_tensor_release(p.x);
    em_tensor_release(p.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_a_view_reaches_its_base_and_its_sisters),
        cmocka_unit_test(a_base_without_history_gets_one),
        cmocka_unit_test(a_stale_expanded_view_sums),
        cmocka_unit_test(what_cannot_be_recorded_is_refused),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
