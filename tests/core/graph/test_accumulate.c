/* Gradients added in every way, and a backward that fails changes none. */
#include "graph/variable.h"

#include "support.h"
#include "tensor/sparse/row_sparse.h"

/* Leaves whose gradients are changed where they are, each in another way: element by element, by way of a copy (halves,
 * one that lies in strides), a row at a time. */
enum { PLAIN, HALF, STRIDED, TABLE, LEAVES };

typedef struct model {
    em_tensor *leaf[LEAVES], *ids;
} model;

static model m;

static void give(em_tensor *t, em_tensor *grad)
{
    assert_ok(em_tensor_set_requires_grad(t, true));
    assert_ok(em_tensor_set_grad(t, grad));
    em_tensor_release(grad);
}

static em_tensor *turned(void)
{
    em_tensor *g, *whole = tensor_of(EM_F32, SHAPE(3, 2), VALUES(10, 40, 20, 50, 30, 60));
    assert_ok(em_tensor_view(&g, whole, 0, SHAPE(2, 3), (int64_t[]){1, 2}));
    em_tensor_release(whole);
    return g;
}

static void make(void *context)
{
    (void)context;
    m.ids = tensor_of(EM_I64, SHAPE(2), VALUES(2, 0));
    m.leaf[PLAIN] = tensor_of(EM_F32, SHAPE(3), VALUES(1, 1, 1));
    m.leaf[HALF] = tensor_of(EM_BF16, SHAPE(3), VALUES(2, 2, 2));
    m.leaf[STRIDED] = tensor_of(EM_F32, SHAPE(2, 3), VALUES(3, 3, 3, 3, 3, 3));
    m.leaf[TABLE] = tensor_of(EM_F32, SHAPE(4, 3), VALUES(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1));
    give(m.leaf[PLAIN], tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3)));
    give(m.leaf[HALF], tensor_of(EM_BF16, SHAPE(3), VALUES(4, 5, 6)));
    give(m.leaf[STRIDED], turned());
    give(m.leaf[TABLE], tensor_of(EM_F32, SHAPE(4, 3), VALUES(1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4)));
}

static void unmake(void *context)
{
    (void)context;
    for (int i = 0; i < LEAVES; i++) em_tensor_release(m.leaf[i]);
    em_tensor_release(m.ids);
}

static void assert_gradients_as_before(void)
{
    assert_tensor(em_tensor_grad(m.leaf[PLAIN]), EM_F32, SHAPE(3), VALUES(1, 2, 3));
    assert_tensor(em_tensor_grad(m.leaf[HALF]), EM_BF16, SHAPE(3), VALUES(4, 5, 6));
    assert_tensor(em_tensor_grad(m.leaf[STRIDED]), EM_F32, SHAPE(2, 3), VALUES(10, 20, 30, 40, 50, 60));
    assert_tensor(em_tensor_grad(m.leaf[TABLE]), EM_F32, SHAPE(4, 3), VALUES(1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4));
}

/* loss = sum(rows 2 and 0 of the table * plain * half * strided) */
static em_status run(void)
{
    const em_op *embedding = em_op_find("embedding"), *mul = em_op_find("mul"), *sum = em_op_find("sum");
    em_opts opts;
    em_opts_default(&opts, embedding);
    opts.at[4].i = true;                                    /* sparse */
    em_tensor *y[5] = {NULL};
    em_status s = em_apply(embedding, (em_tensor *[]){m.ids, m.leaf[TABLE]}, 2, &opts, NULL, &y[0]);
    for (int i = PLAIN; i <= STRIDED && !s; i++)
        s = em_apply(mul, (em_tensor *[]){y[i], m.leaf[i]}, 2, NULL, NULL, &y[i + 1]);
    if (!s) s = em_apply(sum, &y[3], 1, NULL, NULL, &y[4]);
    if (!s) s = em_backward(y[4], NULL, false);
    for (int i = 0; i < 5; i++) em_tensor_release(y[i]);
    return s;
}

static em_status run_and_look(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    (void)out;
    const em_status s = run();
    if (s) assert_gradients_as_before();
    return s;
}

static void gradients_are_added_in_each_way(void **state)
{
    (void)state;
    make(NULL);
    assert_ok(run());
    /* one element's slope is the product of the other three: 1 * 2 * 3 over two rows, and so on */
    assert_tensor(em_tensor_grad(m.leaf[PLAIN]), EM_F32, SHAPE(3), VALUES(13, 14, 15));
    assert_tensor(em_tensor_grad(m.leaf[HALF]), EM_BF16, SHAPE(3), VALUES(10, 11, 12));
    assert_tensor(em_tensor_grad(m.leaf[STRIDED]), EM_F32, SHAPE(2, 3), VALUES(12, 22, 32, 42, 52, 62));
    assert_tensor(em_tensor_grad(m.leaf[TABLE]), EM_F32, SHAPE(4, 3), VALUES(7, 7, 7, 2, 2, 2, 9, 9, 9, 4, 4, 4));
    unmake(NULL);
}

static void a_backward_that_fails_changes_no_leaf(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){make, run_and_look, unmake}, NULL) > 20);
}

/* The last hook comes right before the leaves. */
static em_status interrupt(void *context, em_tensor *grad, em_tensor **other)
{
    (void)context;
    (void)grad;
    *other = NULL;
    em_interrupt();
    return EM_OK;
}

static void an_interrupted_backward_changes_no_leaf(void **state)
{
    (void)state;
    int64_t id;
    make(NULL);
    for (int i = 0; i < LEAVES; i++) assert_ok(em_tensor_add_hook(m.leaf[i], interrupt, NULL, NULL, &id));
    assert_fails(run(), EM_EINTERRUPT, "interrupted");
    em_clear_interrupt();
    assert_gradients_as_before();
    unmake(NULL);
}

/* Two leaves that have one tensor as their gradient add to it one after the other. */
static void leaves_that_share_a_gradient(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_BF16, SHAPE(2), VALUES(1, 2)), *b = tensor_of(EM_BF16, SHAPE(2), VALUES(3, 4)), *y,
              *loss, *g = tensor_of(EM_BF16, SHAPE(2), VALUES(10, 20));
    em_tensor_retain(g);
    give(a, g);
    give(b, g);
    assert_ok(em_apply(em_op_find("mul"), (em_tensor *[]){a, b}, 2, NULL, NULL, &y));
    assert_ok(em_apply(em_op_find("sum"), &y, 1, NULL, NULL, &loss));
    assert_ok(em_backward(loss, NULL, false));
    assert_tensor(em_tensor_grad(a), EM_BF16, SHAPE(2), VALUES(14, 26));    /* 10 + 3 + 1, 20 + 4 + 2 */
    release_all(TENSORS(a, b, y, loss));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_added_in_each_way),
        cmocka_unit_test(a_backward_that_fails_changes_no_leaf),
        cmocka_unit_test(an_interrupted_backward_changes_no_leaf),
        cmocka_unit_test(leaves_that_share_a_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
