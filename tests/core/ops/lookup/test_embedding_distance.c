#include "op_check.h"

#include <math.h>

static void distances_are_norms_of_differences(void **state)
{
    (void)state;
    em_tensor *query = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, -3, 4)),
              *w = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 4, 6));
    em_tensor *own = tensor_of(EM_I64, SHAPE(2, 1), VALUES(1, 0)), *shared = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1)),
              *y;
    y = op_call("embedding_distance", "", INPUTS(query, own, w));
    assert_tensor_close(1e-6, 0, y, EM_F32, SHAPE(2, 1), VALUES(5, sqrt(20)));
    em_tensor_release(y);
    y = op_call("embedding_distance", "p=1", INPUTS(query, shared, w));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(0, 7, 6, 9));
    release_all(TENSORS(y, query, w, own, shared));
}

static void gradients_match_differences(void **state)
{
    (void)state;
    static const char *const options[] = {"p=1 sparse=true", "p=2 sparse=true", "p=1", "p=2"};
    for (int k = 0; k < 4; k++)
        for (int shared = 0; shared < 2; shared++) {
            em_tensor *query = tensor_of(EM_F64, SHAPE(2, 3), VALUES(1, -2, 3, 0.5, 4, -1));
            em_tensor *w = tensor_of(EM_F64, SHAPE(3, 3), VALUES(1.5, 2, 0, -1, 0, 1, 5, 6, 2));
            em_tensor *ids = shared ? tensor_of(EM_I64, SHAPE(3), VALUES(2, 0, 2))
                                    : tensor_of(EM_I64, SHAPE(2, 3), VALUES(2, 0, 2, 1, 1, 0));
            check_gradients("embedding_distance", options[k], INPUTS(wanting_grad(query), ids, wanting_grad(w)));
            release_all(TENSORS(query, w, ids));
        }
}

static void at_distance_0_the_gradient_is_0(void **state)
{
    (void)state;
    for (int p = 1; p <= 2; p++) {
        em_tensor *query = wanting_grad(tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 2))),
                  *ids = tensor_of(EM_I64, SHAPE(1, 1), VALUES(0));
        em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 2)));
        op_backward(op_call("embedding_distance", p == 1 ? "p=1" : "p=2", INPUTS(query, ids, w)));
        assert_tensor(em_tensor_grad(query), EM_F64, SHAPE(1, 2), VALUES(0, 0));
        assert_tensor(em_tensor_grad(w), EM_F64, SHAPE(1, 2), VALUES(0, 0));
        em_tensor_release(query);
        em_tensor_release(ids);
        em_tensor_release(w);
    }
}

/* The sparse gradient is worked out from the table when it is summed: never from a table that has changed. */
static void a_changed_table_is_noticed(void **state)
{
    (void)state;
    em_tensor *query = tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 2)),
              *ids = tensor_of(EM_I64, SHAPE(1, 2), VALUES(1, 1));
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 2, 3, 4))), *kept, *dense, *y;
    op_backward(op_call("embedding_distance", "p=1 sparse=true", INPUTS(query, ids, w)));
    assert_ok(em_rows_coalesce(&kept, em_tensor_grad(w)));
    em_tensor_fill(w, 0);
    assert_fails(em_rows_to_dense(&dense, em_tensor_grad(w)), EM_EGRAD,
                 "refers to its table, which was changed in place");
    assert_fails(em_rows_values(&y, em_tensor_grad(w)), EM_EGRAD, "refers to its table");
    assert_ok(em_rows_to_dense(&dense, kept));
    assert_tensor(dense, EM_F64, SHAPE(2, 2), VALUES(0, 0, 2, 2));
    release_all(TENSORS(query, ids, w, kept, dense));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *query = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2)),
              *w = tensor_of(EM_F32, SHAPE(1, 3), VALUES(0, 0, 0)), *y;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(1, 1), VALUES(0)), *fit = tensor_of(EM_F32, SHAPE(1, 2), VALUES(0, 0));
    assert_fails(op_try(&y, "embedding_distance", "p=3", INPUTS(query, ids, fit)), EM_EVALUE,
                 "p must be 1 or 2, got 3");
    assert_fails(op_try(&y, "embedding_distance", "", INPUTS(query, ids, w)), EM_ESHAPE, "the same embedding_dim");
    release_all(TENSORS(query, w, ids, fit));
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    em_tensor *query = random_tensor(EM_F32, SHAPE(300, 40), 1), *w = random_tensor(EM_F32, SHAPE(300, 40), 2),
              *ids = random_ids(300, SHAPE(300, 17), 3);
    check_threads("embedding_distance", "p=1 sparse=true", INPUTS(wanting_grad(query), ids, wanting_grad(w)));
    check_threads("embedding_distance", "p=2", INPUTS(query, ids, w));
    release_all(TENSORS(query, w, ids));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_norms_of_differences),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(at_distance_0_the_gradient_is_0),
        cmocka_unit_test(a_changed_table_is_noticed),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
