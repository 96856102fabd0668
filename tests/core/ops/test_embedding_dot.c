#include "op_call.h"

#include <math.h>
#include <stdio.h>

static void scores_are_products(void **state)
{
    (void)state;
    em_tensor *query = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)),
              *w = tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 0, 0, 1, 5, 6));
    em_tensor *own = tensor_of(EM_I64, SHAPE(2, 2), VALUES(2, 0, 1, 2)),
              *shared = tensor_of(EM_I32, SHAPE(3), VALUES(2, 2, 1)), *y;
    y = op_call("embedding_dot", "", INPUTS(query, own, w));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(17, 1, 4, 39));
    em_tensor_release(y);
    y = op_call("embedding_dot", "", INPUTS(query, shared, w));
    assert_tensor(y, EM_F32, SHAPE(2, 3), VALUES(17, 17, 2, 39, 39, 4));
    em_tensor_release(y);
    em_tensor_release(query);
    em_tensor_release(w);
    em_tensor_release(own);
    em_tensor_release(shared);
}

static void gradients_match_differences(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++)
        for (int sparse = 0; sparse < 2; sparse++) {
            em_tensor *query = tensor_of(EM_F64, SHAPE(2, 3), VALUES(1, -2, 3, 0.5, 4, -1)), *dense;
            em_tensor *w = tensor_of(EM_F64, SHAPE(3, 3), VALUES(1, 2, 0, -1, 0, 1, 5, 6, 2));
            em_tensor *ids = shared ? tensor_of(EM_I64, SHAPE(3), VALUES(2, 0, 2))
                                    : tensor_of(EM_I64, SHAPE(2, 3), VALUES(2, 0, 2, 1, 1, 0));
            const char *options = sparse ? "sparse=true" : "sparse=false";
            em_tensor *dquery = numeric_gradient("embedding_dot", options, INPUTS(query, ids, w), 0);
            em_tensor *dw = numeric_gradient("embedding_dot", options, INPUTS(query, ids, w), 2);
            op_backward(op_call("embedding_dot", options, INPUTS(wanting_grad(query), ids, wanting_grad(w))));
            if (sparse)
                assert_ok(em_rows_to_dense(&dense, em_tensor_grad(w)));
            else
                em_tensor_retain(dense = em_tensor_grad(w));
            for (int64_t i = 0; i < 6; i++)
                assert_true(fabs(element(em_tensor_grad(query), i) - element(dquery, i)) < 1e-6);
            for (int64_t i = 0; i < 9; i++) assert_true(fabs(element(dense, i) - element(dw, i)) < 1e-6);
            em_tensor *all[] = {query, w, ids, dense, dquery, dw};
            for (size_t k = 0; k < sizeof all / sizeof *all; k++) em_tensor_release(all[k]);
        }
}

/* The table's gradient refers to the queries: changing them afterwards, as an optimizer does, must not reach it. */
static void the_gradient_keeps_the_queries_of_its_call(void **state)
{
    (void)state;
    em_tensor *query = wanting_grad(tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 2))),
              *ids = tensor_of(EM_I64, SHAPE(1, 1), VALUES(1));
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 2, 3, 4))), *dense;
    op_backward(op_call("embedding_dot", "sparse=true", INPUTS(query, ids, w)));
    em_tensor_fill(query, 100);
    assert_ok(em_rows_to_dense(&dense, em_tensor_grad(w)));
    assert_tensor(dense, EM_F64, SHAPE(2, 2), VALUES(0, 0, 1, 2));
    em_tensor_release(dense);
    em_tensor_release(query);
    em_tensor_release(ids);
    em_tensor_release(w);
}

static void padding_gets_no_gradient(void **state)
{
    (void)state;
    em_tensor *query = tensor_of(EM_F64, SHAPE(1, 1), VALUES(3)),
              *ids = tensor_of(EM_I64, SHAPE(1, 3), VALUES(0, 1, 0));
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(2, 1), VALUES(1, 2)));
    op_backward(op_call("embedding_dot", "padding_idx=-2", INPUTS(query, ids, w)));
    assert_tensor(em_tensor_grad(w), EM_F64, SHAPE(2, 1), VALUES(0, 3));
    em_tensor_release(query);
    em_tensor_release(ids);
    em_tensor_release(w);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *query = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)),
              *w = tensor_of(EM_F32, SHAPE(3, 3), VALUES(0, 0, 0, 0, 0, 0, 0, 0, 0));
    em_tensor *fit = tensor_of(EM_F32, SHAPE(1, 2), VALUES(0, 0)), *ids = tensor_of(EM_I64, SHAPE(2, 1), VALUES(0, 1));
    em_tensor *three = tensor_of(EM_I64, SHAPE(3, 1), VALUES(0, 0, 0)), *y;
    assert_fails(op_try(&y, "embedding_dot", "", INPUTS(query, ids, w)), EM_ESHAPE,
                 "query has shape (2, 2), weight (3, 3)");
    assert_fails(op_try(&y, "embedding_dot", "", INPUTS(query, three, fit)), EM_ESHAPE,
                 "(K) or (2, K), got shape (3, 1)");
    assert_fails(op_try(&y, "embedding_dot", "", INPUTS(query, ids, fit)), EM_ERANGE, "index 1 at position [1, 0]");
    em_tensor *all[] = {query, w, fit, ids, three};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) em_tensor_release(all[k]);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    em_tensor *query, *w, *ids;
    em_rng rng = {.seed = 4};
    assert_ok(em_tensor_empty(&query, EM_F32, SHAPE(500, 40)));
    assert_ok(em_tensor_empty(&w, EM_F32, SHAPE(300, 40)));
    assert_ok(em_tensor_empty(&ids, EM_I64, SHAPE(500, 9)));
    em_tensor_fill_normal(query, 0, 1, &rng);
    em_tensor_fill_normal(w, 0, 1, &rng);
    em_tensor_fill_integers(ids, 0, 300, &rng);
    check_threads("embedding_dot", "sparse=true", INPUTS(wanting_grad(query), ids, wanting_grad(w)));
    em_tensor_release(query);
    em_tensor_release(w);
    em_tensor_release(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_products),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(the_gradient_keeps_the_queries_of_its_call),
        cmocka_unit_test(padding_gets_no_gradient),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
