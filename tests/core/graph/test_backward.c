/* backward: sums over uses, order, hooks, what is refused, deep graphs, sparse with dense gradients. */
#include "graph/variable.h"

#include "support.h"

/* A leaf that requires grad. */
static em_tensor *leaf(int dims, const int64_t *sizes, int64_t count, const double *values)
{
    em_tensor *t = tensor_of(EM_F64, dims, sizes, count, values);
    assert_ok(em_tensor_set_requires_grad(t, true));
    return t;
}

static em_tensor *apply(const char *name, em_tensor *x, em_tensor *y)
{
    em_tensor *out;
    assert_ok(em_apply(em_op_find(name), (em_tensor *[]){x, y}, y ? 2 : 1, NULL, NULL, &out));
    return out;
}

static void release(int n, em_tensor *const *list)
{
    for (int i = 0; i < n; i++) em_tensor_release(list[i]);
}
#define RELEASE(...) \
    release((int)(sizeof((em_tensor *[]){__VA_ARGS__}) / sizeof(em_tensor *)), (em_tensor *[]){__VA_ARGS__})

static void uses_of_one_tensor_add_up(void **state)
{
    (void)state;
    em_tensor *x = leaf(SHAPE(2), VALUES(3, 5));
    em_tensor *square = apply("mul", x, x), *y = apply("add", square, x),
              *ones = tensor_of(EM_F64, SHAPE(2), VALUES(1, 10));
    assert_ok(em_backward(y, ones, false));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(7, 110));      /* dy (2 x + 1) */
    assert_null(em_tensor_grad(y));
    RELEASE(x, square, y, ones);
}

static void gradients_accumulate_until_cleared(void **state)
{
    (void)state;
    em_tensor *x = leaf(SCALAR, VALUES(4)), *y = apply("square", x, NULL);
    assert_ok(em_backward(y, NULL, true));
    assert_ok(em_backward(y, NULL, true));
    assert_tensor(em_tensor_grad(x), EM_F64, SCALAR, VALUES(16));
    assert_ok(em_tensor_set_grad(x, NULL));
    assert_ok(em_backward(y, NULL, false));
    assert_tensor(em_tensor_grad(x), EM_F64, SCALAR, VALUES(8));
    RELEASE(x, y);
}

/* x is used through two paths of different length: the node of x^2 must wait for both. */
static void a_node_waits_for_all_its_uses(void **state)
{
    (void)state;
    em_tensor *x = leaf(SCALAR, VALUES(2)), *a = apply("square", x, NULL), *b = apply("exp", a, NULL);
    em_tensor *c = apply("mul", b, a), *d = apply("add", c, a);
    assert_ok(em_backward(d, NULL, false));
    const double e4 = 54.598150033144236;       /* d = a e^a + a, a = x^2: dd/dx = (e^a + a e^a + 1) 2 x */
    assert_tensor_close(1e-14, 0, em_tensor_grad(x), EM_F64, SCALAR, VALUES((e4 + 4 * e4 + 1) * 4));
    RELEASE(x, a, b, c, d);
}

static void a_graph_is_freed_after_backward_unless_kept(void **state)
{
    (void)state;
    em_tensor *x = leaf(SCALAR, VALUES(2)), *y = apply("square", x, NULL);
    assert_ok(em_backward(y, NULL, false));
    assert_fails(em_backward(y, NULL, false), EM_EGRAD, "retain_graph");
    assert_tensor(em_tensor_grad(x), EM_F64, SCALAR, VALUES(4));
    RELEASE(x, y);
}

static void values_changed_in_place_are_noticed(void **state)
{
    (void)state;
    em_tensor *x = leaf(SCALAR, VALUES(2)), *k = tensor_of(EM_F64, SCALAR, VALUES(3)), *y = apply("mul", x, k);
    em_tensor_fill(k, 5);
    assert_fails(em_backward(y, NULL, false), EM_EGRAD,
                 "mul needs for its gradient was modified by an in-place operation");
    assert_null(em_tensor_grad(x));
    RELEASE(x, k, y);
}

static void in_place_operations_are_recorded(void **state)
{
    (void)state;
    em_tensor *x = leaf(SHAPE(2), VALUES(1, 2)), *y = apply("square", x, NULL);
    assert_ok(em_apply_inplace(em_op_find("mul"), y, (em_tensor *[]){y, y}, 2, NULL, NULL));
    assert_tensor(y, EM_F64, SHAPE(2), VALUES(1, 16));
    em_tensor *ones = tensor_of(EM_F64, SHAPE(2), VALUES(1, 1));
    assert_ok(em_backward(y, ones, false));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(4, 32));       /* x^4: 4 x^3 */
    assert_fails(em_apply_inplace(em_op_find("mul"), x, (em_tensor *[]){x, x}, 2, NULL, NULL), EM_EGRAD, "a leaf");
    RELEASE(x, y, ones);
}

static void dtypes_come_back(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *y = leaf(SHAPE(2), VALUES(3, 4));
    assert_ok(em_tensor_set_requires_grad(x, true));
    em_tensor *z = apply("mul", x, y), *ones = tensor_of(EM_F64, SHAPE(2), VALUES(1, 1));
    assert_int_equal(em_tensor_dtype(z), EM_F64);
    assert_ok(em_backward(z, ones, false));
    assert_tensor(em_tensor_grad(x), EM_F32, SHAPE(2), VALUES(3, 4));
    assert_tensor(em_tensor_grad(y), EM_F64, SHAPE(2), VALUES(1, 2));
    RELEASE(x, y, z, ones);
}

static void what_cannot_be_done_is_refused(void **state)
{
    (void)state;
    em_tensor *x = leaf(SHAPE(2), VALUES(1, 2)), *y = apply("square", x, NULL),
              *plain = tensor_of(EM_F64, SCALAR, VALUES(1));
    assert_fails(em_backward(y, NULL, false), EM_EGRAD, "a gradient must be given for a tensor of 2 elements");
    assert_fails(em_backward(y, plain, false), EM_ESHAPE, "the gradient has shape (), the tensor (2)");
    assert_fails(em_backward(plain, NULL, false), EM_EGRAD, "does not require grad");
    assert_null(em_tensor_grad(x));
    RELEASE(x, y, plain);
}

static void nothing_is_recorded_while_switched_off(void **state)
{
    (void)state;
    em_tensor *x = leaf(SCALAR, VALUES(2));
    em_set_grad_enabled(false);
    em_tensor *y = apply("square", x, NULL);
    em_set_grad_enabled(true);
    assert_false(em_tensor_requires_grad(y));
    assert_true(em_tensor_is_leaf(y));
    RELEASE(x, y);
}

/* As deep as a long loop: neither the traversal nor letting go may recurse. */
static void a_million_nodes_are_no_problem(void **state)
{
    (void)state;
    const int64_t before = em_memory_blocks();
    em_tensor *x = leaf(SCALAR, VALUES(2)), *y = x;
    em_tensor_retain(y);
    for (int i = 0; i < 1000000; i++) {
        em_tensor *next = apply("neg", y, NULL);
        em_tensor_release(y);
        y = next;
    }
    assert_ok(em_backward(y, NULL, false));
    assert_tensor(em_tensor_grad(x), EM_F64, SCALAR, VALUES(1));
    RELEASE(x, y);
    assert_int_equal(em_memory_blocks(), before);
}

/* ---- hooks and retained gradients ---------------------------------------------------------------------- */

static em_status doubles(void *context, em_tensor *grad, em_tensor **replacement)
{
    ++*(int *)context;
    return em__run2("add", grad, grad, NULL, replacement);
}

static em_status fails(void *context, em_tensor *grad, em_tensor **replacement)
{
    (void)context, (void)grad, (void)replacement;
    return EM_ECALLBACK;
}

static void hooks_see_and_replace(void **state)
{
    (void)state;
    int calls = 0;
    int64_t id, leaf_id;
    em_tensor *x = leaf(SCALAR, VALUES(3)), *y = apply("square", x, NULL), *z = apply("neg", y, NULL);
    assert_ok(em_tensor_add_hook(y, doubles, &calls, NULL, &id));
    assert_ok(em_tensor_add_hook(x, doubles, &calls, NULL, &leaf_id));
    assert_ok(em_tensor_retain_grad(y));
    assert_ok(em_backward(z, NULL, true));
    assert_int_equal(calls, 2);
    assert_tensor(em_tensor_grad(y), EM_F64, SCALAR, VALUES(-2));
    assert_tensor(em_tensor_grad(x), EM_F64, SCALAR, VALUES(-24));      /* -1, doubled, times 6, doubled */
    em_tensor_remove_hook(y, id);
    em_tensor_remove_hook(x, leaf_id);
    assert_ok(em_tensor_set_grad(x, NULL));
    assert_ok(em_backward(z, NULL, false));
    assert_int_equal(calls, 2);
    assert_tensor(em_tensor_grad(x), EM_F64, SCALAR, VALUES(-6));
    RELEASE(x, y, z);
}

static void a_failing_hook_leaves_gradients_alone(void **state)
{
    (void)state;
    int64_t id;
    em_tensor *x = leaf(SCALAR, VALUES(3)), *w = leaf(SCALAR, VALUES(1)), *y = apply("mul", x, w);
    assert_ok(em_tensor_add_hook(x, fails, NULL, NULL, &id));
    assert_int_equal(em_backward(y, NULL, false), EM_ECALLBACK);
    assert_null(em_tensor_grad(x));
    assert_null(em_tensor_grad(w));
    RELEASE(x, w, y);
}

/* ---- grad ---------------------------------------------------------------------------------------------- */

static void grad_leaves_grads_alone(void **state)
{
    (void)state;
    em_tensor *x = leaf(SCALAR, VALUES(3)), *other = leaf(SCALAR, VALUES(1));
    em_tensor *y = apply("square", x, NULL), *z = apply("mul", y, x), *grads[3];
    assert_ok(em_grad(&z, NULL, 1, (em_tensor *[]){x, y, other}, 3, false, grads));
    assert_tensor(grads[0], EM_F64, SCALAR, VALUES(27));
    assert_tensor(grads[1], EM_F64, SCALAR, VALUES(3));
    assert_null(grads[2]);
    assert_null(em_tensor_grad(x));
    RELEASE(grads[0], grads[1], x, other, y, z);
}

/* ---- row-sparse ---------------------------------------------------------------------------------------- */

static em_tensor *look_up(em_tensor *table, em_tensor *ids, bool sparse)
{
    em_tensor *out;
    em_opts opts;
    const em_op *op = em_op_find("embedding");
    em_opts_default(&opts, op);
    opts.at[4].i = sparse;
    assert_ok(em_apply(op, (em_tensor *[]){ids, table}, 2, &opts, NULL, &out));
    return out;
}

static void sparse_and_dense_gradients_meet(void **state)
{
    (void)state;
    em_tensor *table = leaf(SHAPE(3, 1), VALUES(1, 2, 3)), *ids = tensor_of(EM_I64, SHAPE(2), VALUES(2, 2));
    em_tensor *a = look_up(table, ids, true), *b = look_up(table, ids, false),
              *dy = tensor_of(EM_F64, SHAPE(2, 1), VALUES(1, 10));
    assert_ok(em_backward(a, dy, true));
    assert_true(em_tensor_is_sparse(em_tensor_grad(table)));
    assert_ok(em_backward(a, dy, true));
    assert_int_equal(em_rows_count(em_tensor_grad(table)), 4);
    assert_ok(em_backward(b, dy, true));
    assert_tensor(em_tensor_grad(table), EM_F64, SHAPE(3, 1), VALUES(0, 0, 33));
    assert_ok(em_backward(a, dy, true));
    assert_tensor(em_tensor_grad(table), EM_F64, SHAPE(3, 1), VALUES(0, 0, 44));
    em_tensor *both = apply("add", a, b);
    assert_ok(em_tensor_set_grad(table, NULL));
    assert_ok(em_backward(both, dy, false));
    assert_tensor(em_tensor_grad(table), EM_F64, SHAPE(3, 1), VALUES(0, 0, 22));
    RELEASE(table, ids, a, b, dy, both);
}

/* A sparse gradient that arrives at a computed table goes on dense. */
static void a_computed_table_gets_a_dense_gradient(void **state)
{
    (void)state;
    em_tensor *base = leaf(SHAPE(3, 1), VALUES(1, 2, 3)), *table = apply("square", base, NULL);
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(2, 0)), *a = look_up(table, ids, true);
    em_tensor *dy = tensor_of(EM_F64, SHAPE(2, 1), VALUES(1, 10));
    assert_ok(em_backward(a, dy, false));
    assert_tensor(em_tensor_grad(base), EM_F64, SHAPE(3, 1), VALUES(20, 0, 6));
    RELEASE(base, table, ids, a, dy);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

typedef struct step {
    em_tensor *table, *ids, *w;
} step;

static em_status forward_and_backward(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    const step *c = context;
    const em_op *embedding = em_op_find("embedding"), *mul = em_op_find("mul"), *sum = em_op_find("sum");
    em_opts opts;
    em_opts_default(&opts, embedding);
    opts.at[4].i = true;
    em_tensor *rows = NULL, *scaled = NULL, *loss = NULL;
    em_status s = em_apply(embedding, (em_tensor *[]){c->ids, c->table}, 2, &opts, NULL, &rows);
    if (!s) s = em_apply(mul, (em_tensor *[]){rows, c->w}, 2, NULL, NULL, &scaled);
    if (!s) s = em_apply(sum, &scaled, 1, NULL, NULL, &loss);
    if (!s) s = em_backward(loss, NULL, false);
    if (s) assert_true(!em_tensor_grad(c->table) && !em_tensor_grad(c->w));
    em_tensor_release(rows);
    em_tensor_release(scaled);
    em_tensor_release(loss);
    em_tensor_set_grad(c->table, NULL);
    em_tensor_set_grad(c->w, NULL);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    step c = {leaf(SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)), tensor_of(EM_I64, SHAPE(2), VALUES(2, 0)),
              leaf(SHAPE(2), VALUES(2, 3))};
    assert_true(each_allocation_fails(&(fallible){.call = forward_and_backward}, &c) > 20);
    RELEASE(c.table, c.ids, c.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_of_one_tensor_add_up),
        cmocka_unit_test(gradients_accumulate_until_cleared),
        cmocka_unit_test(a_node_waits_for_all_its_uses),
        cmocka_unit_test(a_graph_is_freed_after_backward_unless_kept),
        cmocka_unit_test(values_changed_in_place_are_noticed),
        cmocka_unit_test(in_place_operations_are_recorded),
        cmocka_unit_test(dtypes_come_back),
        cmocka_unit_test(what_cannot_be_done_is_refused),
        cmocka_unit_test(nothing_is_recorded_while_switched_off),
        cmocka_unit_test(a_million_nodes_are_no_problem),
        cmocka_unit_test(hooks_see_and_replace),
        cmocka_unit_test(a_failing_hook_leaves_gradients_alone),
        cmocka_unit_test(grad_leaves_grads_alone),
        cmocka_unit_test(sparse_and_dense_gradients_meet),
        cmocka_unit_test(a_computed_table_gets_a_dense_gradient),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
