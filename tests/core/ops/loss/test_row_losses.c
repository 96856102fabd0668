/* Losses of rows: values by hand, gradients by differences, ties and kinks. */
#include <math.h>

#include "op_call.h"

/* ---- by hand ------------------------------------------------------------------------------------------- */

static void cosines_by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F64, SHAPE(3, 2), VALUES(3, 4, 1, 0, 1, 0));
    em_tensor *b = tensor_of(EM_F64, SHAPE(3, 2), VALUES(4, 3, 1, 1, 0, 2));
    em_tensor *t = tensor_of(EM_F64, SHAPE(3), VALUES(1, -1, -1));
    em_tensor *y = op_call("cosine_embedding_loss", "reduction=none margin=0.5", INPUTS(a, b, t));
    assert_tensor_close(1e-10, 1e-10, y, EM_F64, SHAPE(3), VALUES(1 - 24.0 / 25, sqrt(0.5) - 0.5, 0));
    em_tensor_release(y);
    y = op_call("cosine_embedding_loss", "", INPUTS(a, b, t));
    assert_tensor_close(1e-10, 0, y, EM_F64, SCALAR, VALUES((0.04 + sqrt(0.5)) / 3));
    em_tensor_release(y);
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(t);
}

static void triplets_by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F64, SHAPE(2, 2), VALUES(0, 0, 0, 0));
    em_tensor *p = tensor_of(EM_F64, SHAPE(2, 2), VALUES(3, 4, 1, 0));
    em_tensor *n = tensor_of(EM_F64, SHAPE(2, 2), VALUES(6, 8, 5, 12));
    const struct {
        const char *options;
        double want[2];
    } cases[] = {
        {"reduction=none eps=0 margin=6", {1, 0}},                          /* 5 - 10 + 6; 1 - 13 + 6 */
        {"reduction=none eps=0 margin=6 swap=true", {6, 0}},                /* 5 - 5 + 6: positive to negative is 5 */
        {"reduction=none eps=0 margin=20 p=1", {13, 4}},                    /* 7 - 14 + 20; 1 - 17 + 20 */
        {"reduction=none eps=0 margin=5 p=inf", {1, 0}},                    /* 4 - 8 + 5; 1 - 12 + 5 */
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        em_tensor *y = op_call("triplet_margin_loss", cases[k].options, INPUTS(a, p, n));
        assert_tensor_close(1e-12, 1e-12, y, EM_F64, SHAPE(2), 2, cases[k].want);
        em_tensor_release(y);
    }
    em_tensor_release(a);
    em_tensor_release(p);
    em_tensor_release(n);
}

static void multi_margins_by_hand(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2, 4), VALUES(1, 2, 0, 3, 5, 0, 0, 0)));
    em_tensor *t = tensor_of(EM_I64, SHAPE(2), VALUES(1, 0)), *w = tensor_of(EM_F64, SHAPE(4), VALUES(1, 10, 1, 1));
    em_tensor *y = op_call("multi_margin_loss", "reduction=none", INPUTS(x, t));
    assert_tensor(y, EM_F64, SHAPE(2), VALUES(0.5, 0));                     /* class 3 is ahead: (1 - 2 + 3) / 4 */
    em_tensor_release(y);
    y = op_call("multi_margin_loss", "reduction=none p=2", INPUTS(x, t, w));
    assert_tensor(y, EM_F64, SHAPE(2), VALUES(10, 0));
    op_backward(y);
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2, 4), VALUES(0, -10, 0, 10, 0, 0, 0, 0));
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(w);
}

static void soft_margins_of_labels_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(2, 2), VALUES(0, 0, 1, -1));
    em_tensor *t = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 0, 1, 1)), *w = tensor_of(EM_F64, SHAPE(2), VALUES(1, 3));
    em_tensor *y = op_call("multilabel_soft_margin_loss", "reduction=none", INPUTS(x, t, w));
    const double first = log(2) * (1 + 3) / 2, second = (log(1 + exp(-1)) + 3 * log(1 + exp(1))) / 2;
    assert_tensor_close(1e-12, 0, y, EM_F64, SHAPE(2), VALUES(first, second));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(w);
}

/* ---- gradients ----------------------------------------------------------------------------------------- */

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    em_tensor *a = wanting_grad(tensor_of(EM_F64, SHAPE(2, 3), VALUES(0.3, -1.2, 0.7, 1.1, 0.4, -0.6)));
    em_tensor *b = wanting_grad(tensor_of(EM_F64, SHAPE(2, 3), VALUES(-0.5, 0.9, 1.3, 0.2, 0.8, -1.4)));
    em_tensor *c = wanting_grad(tensor_of(EM_F64, SHAPE(2, 3), VALUES(0.6, -0.1, 1.2, -0.7, 0.5, 0.25)));
    em_tensor *t = tensor_of(EM_F64, SHAPE(2), VALUES(1, -1)), *ids = tensor_of(EM_I64, SHAPE(2), VALUES(2, 0));
    check_gradients("cosine_embedding_loss", "margin=0.1", INPUTS(a, b, t));
    check_gradients("cosine_embedding_loss", "reduction=none", INPUTS(a, b, t));
    const char *norms[] = {"", "p=1", "p=3", "p=inf", "p=1.5 reduction=none", "swap=true margin=3"};
    for (size_t k = 0; k < sizeof norms / sizeof *norms; k++)
        check_gradients("triplet_margin_loss", norms[k], INPUTS(a, b, c));
    check_gradients("multi_margin_loss", "margin=2", INPUTS(a, ids));
    check_gradients("multi_margin_loss", "margin=2 p=2 reduction=sum", INPUTS(a, ids));
    check_gradients("multilabel_soft_margin_loss", "", INPUTS(a, b, c));
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(c);
    em_tensor_release(t);
    em_tensor_release(ids);
}

/* One weight for all rows, as many rows as classes: the shapes alone do not tell it from one weight a row. */
static void a_shared_weight_collects_from_all_rows(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2, 2), VALUES(0.3, -1.2, 0.7, 1.1)));
    em_tensor *t = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 0, 0.5, 1));
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(2), VALUES(0.5, 2)));
    check_gradients("multilabel_soft_margin_loss", "", INPUTS(x, t, w));
    em_tensor_release(x);
    em_tensor_release(t);
    em_tensor_release(w);
}

static void equal_distances_share_the_gradient(void **state)
{
    (void)state;
    em_tensor *a = wanting_grad(tensor_of(EM_F64, SHAPE(1, 1), VALUES(0)));
    em_tensor *p = wanting_grad(tensor_of(EM_F64, SHAPE(1, 1), VALUES(2)));
    em_tensor *n = wanting_grad(tensor_of(EM_F64, SHAPE(1, 1), VALUES(1)));
    op_backward(op_call("triplet_margin_loss", "eps=0 swap=true", INPUTS(a, p, n)));
    assert_tensor(em_tensor_grad(a), EM_F64, SHAPE(1, 1), VALUES(-1 + 0.5));
    assert_tensor(em_tensor_grad(p), EM_F64, SHAPE(1, 1), VALUES(1 - 0.5));
    assert_tensor(em_tensor_grad(n), EM_F64, SHAPE(1, 1), VALUES(-0.5 + 0.5));
    em_tensor_release(a);
    em_tensor_release(p);
    em_tensor_release(n);
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    (void)state;
    em_tensor *in[3], *t;
    for (int k = 0; k < 3; k++) {
        assert_ok(em_tensor_empty(&in[k], EM_F32, SHAPE(4000, 33)));
        for (int64_t i = 0; i < 4000 * 33; i++) em_tensor_set(in[k], i, sin((0.3 + 0.17 * k) * (double)i));
        wanting_grad(in[k]);
    }
    assert_ok(em_tensor_empty(&t, EM_F32, SHAPE(4000)));
    for (int64_t i = 0; i < 4000; i++) em_tensor_set(t, i, i % 3 ? 1 : -1);
    check_threads("triplet_margin_loss", "", 3, in);
    check_threads("cosine_embedding_loss", "reduction=sum", INPUTS(in[0], in[1], t));
    for (int k = 0; k < 3; k++) em_tensor_release(in[k]);
    em_tensor_release(t);
}

/* ---- what is refused ----------------------------------------------------------------------------------- */

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *v = tensor_of(EM_F32, SHAPE(3), VALUES(1, 1, 1));
    em_tensor *s = tensor_of(EM_F32, SCALAR, VALUES(1)), *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 2)), *y;
    em_tensor *good = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1));
    assert_fails(op_try(&y, "cosine_embedding_loss", "", INPUTS(x, x, v)), EM_ESHAPE, "target of shape (3) does not");
    assert_fails(op_try(&y, "cosine_embedding_loss", "", INPUTS(x, v, v)), EM_ESHAPE, "input2 has (3)");
    assert_fails(op_try(&y, "cosine_embedding_loss", "", INPUTS(s, s, s)), EM_ESHAPE, "must have at least 1 dim");
    assert_fails(op_try(&y, "triplet_margin_loss", "", INPUTS(x, x, v)), EM_ESHAPE, "negative has (3)");
    assert_fails(op_try(&y, "multi_margin_loss", "", INPUTS(x, ids)), EM_ERANGE, "index 2 at position [1]");
    assert_fails(op_try(&y, "multi_margin_loss", "p=3", INPUTS(x, good)), EM_EVALUE, "p must be 1 or 2, given 3");
    assert_fails(op_try(&y, "multi_margin_loss", "", INPUTS(x, good, v)), EM_ESHAPE, "weight must have shape (2)");
    assert_fails(op_try(&y, "multilabel_soft_margin_loss", "", INPUTS(x, x, v)), EM_ESHAPE, "weight has (3)");
    em_tensor_release(x);
    em_tensor_release(v);
    em_tensor_release(s);
    em_tensor_release(ids);
    em_tensor_release(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cosines_by_hand),
        cmocka_unit_test(triplets_by_hand),
        cmocka_unit_test(multi_margins_by_hand),
        cmocka_unit_test(soft_margins_of_labels_by_hand),
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(a_shared_weight_collects_from_all_rows),
        cmocka_unit_test(equal_distances_share_the_gradient),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
