#include "op_check.h"

#include <math.h>
#include <stdio.h>

/* Bags {1, 1, 3}, {}, {0, 2} of a table of 4 rows, row 2 the padding in some cases. */
static em_tensor *table_of_four(void)
{
    return tensor_of(EM_F64, SHAPE(4, 2), VALUES(1, 20, 3, 40, 5, -60, -7, 80));
}
static em_tensor *ids_of_bags(void) { return tensor_of(EM_I64, SHAPE(5), VALUES(1, 1, 3, 0, 2)); }
static em_tensor *offsets_of_bags(void) { return tensor_of(EM_I64, SHAPE(3), VALUES(0, 3, 3)); }

static void modes_reduce_bag_by_bag(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        double want[6];
    } cases[] = {
        {"mode=sum", {-1, 160, 0, 0, 6, -40}},
        {"mode=mean", {-1.0 / 3, 160.0 / 3, 0, 0, 3, -20}},
        {"mode=max", {3, 80, 0, 0, 5, 20}},
        {"mode=sum padding_idx=2", {-1, 160, 0, 0, 1, 20}},
        {"mode=mean padding_idx=-2", {-1.0 / 3, 160.0 / 3, 0, 0, 1, 20}},
        {"mode=max padding_idx=1", {-7, 80, 0, 0, 5, 20}},
    };
    em_tensor *w = table_of_four(), *ids = ids_of_bags(), *offsets = offsets_of_bags();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        em_tensor *y = op_call("embedding_bag", cases[k].options, INPUTS(ids, w, offsets));
        assert_tensor_close(1e-15, 0, y, EM_F64, SHAPE(3, 2), 6, cases[k].want);
        em_tensor_release(y);
    }
    em_tensor_release(w);
    em_tensor_release(ids);
    em_tensor_release(offsets);
}

static void bags_of_equal_length_need_no_offsets(void **state)
{
    (void)state;
    em_tensor *w = table_of_four(), *ids = tensor_of(EM_I32, SHAPE(2, 2), VALUES(0, 1, 3, 3)), *y;
    y = op_call("embedding_bag", "mode=sum", INPUTS(ids, w));
    assert_tensor(y, EM_F64, SHAPE(2, 2), VALUES(4, 60, -14, 160));
    em_tensor_release(y);
    em_tensor *none = tensor_of(EM_I64, SHAPE(3, 0), NO_VALUES);
    y = op_call("embedding_bag", "mode=max", INPUTS(none, w));
    assert_tensor(y, EM_F64, SHAPE(3, 2), VALUES(0, 0, 0, 0, 0, 0));
    em_tensor_release(y);
    em_tensor_release(none);
    em_tensor_release(ids);
    em_tensor_release(w);
}

static void the_last_offset_may_end_the_last_bag(void **state)
{
    (void)state;
    em_tensor *w = wanting_grad(table_of_four()), *ids = ids_of_bags(),
              *offsets = tensor_of(EM_I64, SHAPE(3), VALUES(0, 2, 4));
    static const char *const modes[] = {"mode=sum include_last_offset=true", "mode=mean include_last_offset=true",
                                        "mode=max include_last_offset=true"};
    static const double want[][4] = {{6, 80, -6, 100}, {3, 40, -3, 50}, {3, 40, 1, 80}};
    for (int k = 0; k < 3; k++) {
        em_tensor *y = op_call("embedding_bag", modes[k], INPUTS(ids, w, offsets));
        assert_tensor(y, EM_F64, SHAPE(2, 2), 4, want[k]);
        op_backward(y);
        assert_true(element(em_tensor_grad(w), 4) == 0 && element(em_tensor_grad(w), 5) == 0);  /* row 2: in no bag */
        assert_ok(em_tensor_set_grad(w, NULL));
    }
    em_tensor_release(w);
    em_tensor_release(ids);
    em_tensor_release(offsets);
}

/* Against central differences, for every mode, kind of gradient and weighting. */
static void gradients_match_differences(void **state)
{
    (void)state;
    static const char *const options[] = {"mode=sum", "mode=mean", "mode=max", "mode=sum padding_idx=1",
                                          "mode=mean padding_idx=1", "mode=max padding_idx=1"};
    for (size_t k = 0; k < sizeof options / sizeof *options; k++)
        for (int weighted = 0; weighted < 2; weighted++)
            for (int sparse = 0; sparse < 2; sparse++) {
                em_tensor *w = table_of_four(), *ids = ids_of_bags(), *offsets = offsets_of_bags(), *dense;
                em_tensor *weights = weighted ? tensor_of(EM_F64, SHAPE(5), VALUES(0.5, 2, 1.5, -1, 3)) : NULL;
                em_tensor *in[] = {ids, w, offsets, weights};
                char text[80];
                snprintf(text, sizeof text, "%s sparse=%s", options[k], sparse ? "true" : "false");
                em_tensor *dw = numeric_gradient("embedding_bag", text, 3 + weighted, in, 1);
                em_tensor *dweights = weighted ? numeric_gradient("embedding_bag", text, 4, in, 3) : NULL;
                wanting_grad(w);
                if (weighted) wanting_grad(weights);
                op_backward(op_call("embedding_bag", text, 3 + weighted, in));
                assert_true(em_tensor_is_sparse(em_tensor_grad(w)) == (sparse == 1));
                if (sparse)
                    assert_ok(em_rows_to_dense(&dense, em_tensor_grad(w)));
                else
                    em_tensor_retain(dense = em_tensor_grad(w));
                for (int64_t i = 0; i < 8; i++) assert_true(fabs(element(dense, i) - element(dw, i)) < 1e-6);
                for (int64_t i = 0; weighted && i < 5; i++)
                    assert_true(fabs(element(em_tensor_grad(weights), i) - element(dweights, i)) < 1e-5);
                em_tensor_release(dense);
                em_tensor_release(dw);
                em_tensor_release(dweights);
                em_tensor_release(weights);
                em_tensor_release(w);
                em_tensor_release(ids);
                em_tensor_release(offsets);
            }
}

/* ids 1, 1, 3: row 3 occurs once and gets its gradient whole, row 1 twice and gets half of each. */
static void frequencies_are_those_of_the_id_itself(void **state)
{
    (void)state;
    static const char *const options[] = {"mode=sum scale_grad_by_freq=true",
                                          "mode=sum scale_grad_by_freq=true sparse=true",
                                          "mode=max scale_grad_by_freq=true"};
    static const double want[][4] = {{1, 1, 1, 1}, {1, 1, 1, 1}, {0.5, 0, 0, 1}};
    for (int k = 0; k < 3; k++) {
        em_tensor *w = wanting_grad(table_of_four()), *ids = tensor_of(EM_I64, SHAPE(1, 3), VALUES(1, 1, 3)), *dense;
        op_backward(op_call("embedding_bag", options[k], INPUTS(ids, w)));
        if (em_tensor_is_sparse(em_tensor_grad(w)))
            assert_ok(em_rows_to_dense(&dense, em_tensor_grad(w)));
        else
            em_tensor_retain(dense = em_tensor_grad(w));
        const double *x = want[k];
        assert_tensor(dense, EM_F64, SHAPE(4, 2), VALUES(0, 0, x[0], x[1], 0, 0, x[2], x[3]));
        em_tensor_release(dense);
        em_tensor_release(w);
        em_tensor_release(ids);
    }
}

static void the_first_of_equals_and_nan_win(void **state)
{
    (void)state;
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(3, 2), VALUES(5, 1, 5, NAN, 4, 2)));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(1, 3), VALUES(1, 0, 2)),
              *y = op_call("embedding_bag", "mode=max", INPUTS(ids, w));
    assert_tensor(y, EM_F64, SHAPE(1, 2), VALUES(5, NAN));
    op_backward(y);
    assert_tensor(em_tensor_grad(w), EM_F64, SHAPE(3, 2), VALUES(0, 0, 1, 1, 0, 0));
    em_tensor_release(w);
    em_tensor_release(ids);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *w = table_of_four(), *ids = ids_of_bags(), *square = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 1, 2, 3)),
              *y;
    em_tensor *late = tensor_of(EM_I64, SHAPE(2), VALUES(1, 3)), *down = tensor_of(EM_I64, SHAPE(3), VALUES(0, 3, 2));
    em_tensor *far = tensor_of(EM_I64, SHAPE(2), VALUES(0, 6)), *none = tensor_of(EM_I64, SHAPE(0), NO_VALUES);
    em_tensor *high = tensor_of(EM_I64, SHAPE(1, 2), VALUES(0, 4)),
              *short_weights = tensor_of(EM_F64, SHAPE(2), VALUES(1, 1));
    em_tensor *floats = tensor_of(EM_F32, SHAPE(5), VALUES(1, 1, 1, 1, 1)),
              *cube = tensor_of(EM_I64, SHAPE(1, 1, 1), VALUES(0));
    em_tensor *offsets = offsets_of_bags();
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(square, w, late)), EM_ESHAPE, "takes no offsets");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(ids, w)), EM_ESHAPE, "needs offsets");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(cube, w)), EM_ESHAPE, "1 or 2 dims, got shape (1, 1, 1)");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(ids, w, late)), EM_EVALUE, "offsets[0] must be 0");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(ids, w, down)), EM_EVALUE, "offsets[2] = 2 follows 3");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(ids, w, far)), EM_EVALUE,
                 "offsets[1] = 6 lies beyond the 5 ids");
    assert_fails(op_try(&y, "embedding_bag", "include_last_offset=true", INPUTS(ids, w, none)), EM_ESHAPE,
                 "at least 1");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(high, w)), EM_ERANGE, "index 4 at position [0, 1]");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(ids, w, offsets, short_weights)), EM_ESHAPE,
                 "(2), input has (5)");
    assert_fails(op_try(&y, "embedding_bag", "", INPUTS(ids, w, offsets, floats)), EM_ETYPE, "float64, got float32");
    static const em_dtype whole[] = {EM_I64, EM_I32, EM_U8, EM_BOOL};
    for (int d = 0; d < 4; d++) {
        em_tensor *t = tensor_of(whole[d], SHAPE(2, 2), VALUES(1, 1, 1, 1));
        for (int mode = 0; mode < 3; mode++)
            assert_fails(op_try(&y, "embedding_bag", mode == 0 ? "mode=sum" : mode == 1 ? "mode=mean" : "mode=max",
                                INPUTS(square, t)), EM_ETYPE, "EmbeddingBag: weight must be of a float dtype, got");
        assert_fails(op_try(&y, "embedding_bag", "mode=sum", INPUTS(square, w, NULL, t)), EM_ETYPE,
                     "per_sample_weights must be of the table's dtype float64, got");
        em_tensor_release(t);
    }
    release_all(TENSORS(w, ids, square, late, down, far, none, high, short_weights, floats, cube, offsets));
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    em_tensor *w = random_tensor(EM_F32, SHAPE(300, 40), 1), *ids = random_ids(300, SHAPE(700, 12), 2);
    check_threads("embedding_bag", "mode=sum", INPUTS(ids, wanting_grad(w)));
    check_threads("embedding_bag", "mode=mean sparse=true padding_idx=7", INPUTS(ids, w));
    check_threads("embedding_bag", "mode=max", INPUTS(ids, w));
    em_tensor_release(w);
    em_tensor_release(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_reduce_bag_by_bag),
        cmocka_unit_test(bags_of_equal_length_need_no_offsets),
        cmocka_unit_test(the_last_offset_may_end_the_last_bag),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(frequencies_are_those_of_the_id_itself),
        cmocka_unit_test(the_first_of_equals_and_nan_win),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
