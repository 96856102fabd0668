#include "op_check.h"

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
    release_all(TENSORS(y, query, w, own, shared));
}

static void gradients_match_differences(void **state)
{
    (void)state;
    for (int shared = 0; shared < 2; shared++)
        for (int sparse = 0; sparse < 2; sparse++) {
            em_tensor *query = tensor_of(EM_F64, SHAPE(2, 3), VALUES(1, -2, 3, 0.5, 4, -1));
            em_tensor *w = tensor_of(EM_F64, SHAPE(3, 3), VALUES(1, 2, 0, -1, 0, 1, 5, 6, 2));
            em_tensor *ids = shared ? tensor_of(EM_I64, SHAPE(3), VALUES(2, 0, 2))
                                    : tensor_of(EM_I64, SHAPE(2, 3), VALUES(2, 0, 2, 1, 1, 0));
            check_gradients("embedding_dot", sparse ? "sparse=true" : "sparse=false",
                            INPUTS(wanting_grad(query), ids, wanting_grad(w)));
            release_all(TENSORS(query, w, ids));
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
    release_all(TENSORS(dense, query, ids, w));
}

static void padding_gets_no_gradient(void **state)
{
    (void)state;
    em_tensor *query = tensor_of(EM_F64, SHAPE(1, 1), VALUES(3)),
              *ids = tensor_of(EM_I64, SHAPE(1, 3), VALUES(0, 1, 0));
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(2, 1), VALUES(1, 2)));
    op_backward(op_call("embedding_dot", "padding_idx=-2", INPUTS(query, ids, w)));
    assert_tensor(em_tensor_grad(w), EM_F64, SHAPE(2, 1), VALUES(0, 3));
    release_all(TENSORS(query, ids, w));
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
    release_all(TENSORS(query, w, fit, ids, three));
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    em_tensor *query = random_tensor(EM_F32, SHAPE(500, 40), 1), *w = random_tensor(EM_F32, SHAPE(300, 40), 2),
              *ids = random_ids(300, SHAPE(500, 9), 3);
    check_threads("embedding_dot", "sparse=true", INPUTS(wanting_grad(query), ids, wanting_grad(w)));
    release_all(TENSORS(query, w, ids));
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
