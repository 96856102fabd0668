#include "op_check.h"

#include <math.h>

#include "tensor/tensor.h"

static em_tensor *example_table(void)
{
    return tensor_of(EM_F32, SHAPE(4, 2), VALUES(1, 2, 3, 4, 5, 6, 7, 8));
}

static void rows_are_copied_for_ids_of_any_shape(void **state)
{
    (void)state;
    em_tensor *w = example_table(), *flat = tensor_of(EM_I64, SHAPE(3), VALUES(3, 0, 3)), *y;
    y = op_call("embedding", "", INPUTS(flat, w));
    assert_tensor(y, EM_F32, SHAPE(3, 2), VALUES(7, 8, 1, 2, 7, 8));
    em_tensor_release(y);
    em_tensor *one = tensor_of(EM_I32, SCALAR, VALUES(2)), *none = tensor_of(EM_U8, SHAPE(2, 0), NO_VALUES);
    y = op_call("embedding", "", INPUTS(one, w));
    assert_tensor(y, EM_F32, SHAPE(2), VALUES(5, 6));
    em_tensor_release(y);
    y = op_call("embedding", "", INPUTS(none, w));
    assert_tensor(y, EM_F32, SHAPE(2, 0, 2), NO_VALUES);
    em_tensor_release(y);
    em_tensor_release(w);
    em_tensor_release(flat);
    em_tensor_release(one);
    em_tensor_release(none);
}

static void odd_values_are_copied_bit_for_bit(void **state)
{
    (void)state;
    em_tensor *w = tensor_of(EM_F32, SHAPE(2, 3), VALUES(NAN, INFINITY, -0.0, 1e-45, -INFINITY, 3));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1)), *y = op_call("embedding", "", INPUTS(ids, w));
    assert_same_bits(y, w);
    em_tensor_release(y);
    em_tensor_release(ids);
    em_tensor_release(w);
}

static void tables_of_any_layout_and_dtype_work(void **state)
{
    (void)state;
    em_tensor *base = example_table(), *turned, *ids = tensor_of(EM_I64, SHAPE(2), VALUES(1, 0)), *y;
    assert_ok(em_tensor_view(&turned, base, 0, SHAPE(2, 4), (int64_t[]){1, 2}));
    y = op_call("embedding", "", INPUTS(ids, turned));
    assert_tensor(y, EM_F32, SHAPE(2, 4), VALUES(2, 4, 6, 8, 1, 3, 5, 7));
    em_tensor_release(y);
    em_tensor *whole = tensor_of(EM_I32, SHAPE(2, 1), VALUES(10, 20));
    y = op_call("embedding", "", INPUTS(ids, whole));
    assert_tensor(y, EM_I32, SHAPE(2, 1), VALUES(20, 10));
    em_tensor_release(y);
    em_tensor_release(whole);
    em_tensor_release(turned);
    em_tensor_release(base);
    em_tensor_release(ids);
}

/* Every length of row, in vectors and what is left of them: each byte where it belongs, none beyond the end. */
static void rows_of_any_length_are_copied(void **state)
{
    (void)state;
    static const em_dtype dtypes[] = {EM_U8, EM_F16, EM_F32, EM_F64};
    enum { ROWS = 7, IDS = 20 };
    em_tensor *ids, *w, *y;
    assert_ok(em_tensor_empty(&ids, EM_I64, SHAPE(IDS)));
    for (int i = 0; i < IDS; i++) EM_DATA(int64_t, ids)[i] = (3 * i + 1) % ROWS;
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        for (int64_t width = 1; width <= 150; width += width < 40 ? 1 : 11) {
            const size_t row = (size_t)width * em_dtype_size(dtypes[k]);
            assert_ok(em_tensor_empty(&w, dtypes[k], SHAPE(ROWS, width)));
            for (size_t b = 0; b < ROWS * row; b++) EM_DATA(unsigned char, w)[b] = (unsigned char)(b * 37 + b / 256);
            y = op_call("embedding", "", INPUTS(ids, w));
            for (int i = 0; i < IDS; i++)
                assert_memory_equal(EM_DATA(char, y) + (size_t)i * row,
                                    EM_DATA(char, w) + (size_t)EM_DATA(int64_t, ids)[i] * row, row);
            em_tensor_release(y);
            em_tensor_release(w);
        }
    em_tensor_release(ids);
}

/* The gradient by a naive loop, with every option. */
static void gradients_are_sums_over_positions(void **state)
{
    (void)state;
    enum { V = 7, D = 3, N = 50 };
    double id[N], dy[N * D], want[V * D] = {0};
    int64_t count[V] = {0};
    for (int i = 0; i < N; i++) id[i] = (i * i + 3 * i) % V, count[(int)id[i]]++;
    for (int i = 0; i < N * D; i++) dy[i] = (i % 11) - 5;
    static const char *const options[] = {
        "sparse=false", "sparse=true", "sparse=false padding_idx=4", "sparse=true padding_idx=-3",
        "sparse=false scale_grad_by_freq=true", "sparse=true scale_grad_by_freq=true padding_idx=4",
    };
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        const bool padded = strstr(options[k], "padding") != NULL, by_freq = strstr(options[k], "freq") != NULL;
        memset(want, 0, sizeof want);
        for (int i = 0; i < N; i++)
            for (int d = 0; d < D; d++)
                if (!padded || id[i] != 4)
                    want[(int)id[i] * D + d] += dy[i * D + d] / (by_freq ? (double)count[(int)id[i]] : 1);
        em_tensor *w, *ids = tensor_of(EM_I64, SHAPE(N), N, id), *up = tensor_of(EM_F64, SHAPE(N, D), N * D, dy),
                      *dense;
        assert_ok(em_tensor_zeros(&w, EM_F64, SHAPE(V, D)));
        em_tensor *y = op_call("embedding", options[k], INPUTS(ids, wanting_grad(w)));
        assert_ok(em_backward(y, up, false));
        em_tensor *grad = em_tensor_grad(w);
        assert_true(em_tensor_is_sparse(grad) == (strstr(options[k], "sparse=true") != NULL));
        if (em_tensor_is_sparse(grad))
            assert_ok(em_rows_to_dense(&dense, grad));
        else
            em_tensor_retain(dense = grad);
        assert_tensor_close(1e-12, 1e-12, dense, EM_F64, SHAPE(V, D), V * D, want);
        em_tensor_release(dense);
        em_tensor_release(y);
        em_tensor_release(w);
        em_tensor_release(ids);
        em_tensor_release(up);
    }
}

static void max_norm_shortens_rows_looked_up(void **state)
{
    (void)state;
    em_tensor *w = tensor_of(EM_F64, SHAPE(3, 2), VALUES(3, 4, 0.6, 0.8, 30, 40));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(3), VALUES(0, 1, 0)),
              *y = op_call("embedding", "max_norm=1", INPUTS(ids, w));
    const double k = 1 / (5 + 1e-7);
    assert_tensor_close(1e-14, 0, w, EM_F64, SHAPE(3, 2), VALUES(3 * k, 4 * k, 0.6, 0.8, 30, 40));
    assert_tensor_close(1e-14, 0, y, EM_F64, SHAPE(3, 2), VALUES(3 * k, 4 * k, 0.6, 0.8, 3 * k, 4 * k));
    em_tensor_release(y);
    em_tensor_release(w);
    em_tensor_release(ids);
}

/* Row 0 has largest magnitude 4.5 (but norm 5.4), row 1 has 40, row 2 is not looked up. */
static void the_norm_may_be_the_largest_magnitude(void **state)
{
    (void)state;
    em_tensor *w = tensor_of(EM_F64, SHAPE(3, 2), VALUES(3, -4.5, 30, -40, 60, 80));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(1, 0)),
              *y = op_call("embedding", "max_norm=5 norm_type=inf", INPUTS(ids, w));
    const double k = 5 / (40 + 1e-7);
    assert_tensor_close(1e-14, 0, w, EM_F64, SHAPE(3, 2), VALUES(3, -4.5, 30 * k, -40 * k, 60, 80));
    assert_tensor_close(1e-14, 0, y, EM_F64, SHAPE(2, 2), VALUES(30 * k, -40 * k, 3, -4.5));
    em_tensor_release(y);
    em_tensor_release(w);
    em_tensor_release(ids);
}

/* Two lookups that shorten rows do not disturb each other's gradient. */
static void max_norm_does_not_break_backward(void **state)
{
    (void)state;
    em_tensor *w = wanting_grad(tensor_of(EM_F64, SHAPE(2, 1), VALUES(3, 4))),
              *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1));
    em_tensor *a = op_call("embedding", "max_norm=2", INPUTS(ids, w)),
              *b = op_call("embedding", "max_norm=1", INPUTS(ids, w));
    em_tensor *sum = op_call("add", "", INPUTS(a, b));
    op_backward(sum);
    assert_tensor(em_tensor_grad(w), EM_F64, SHAPE(2, 1), VALUES(2, 2));
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(w);
    em_tensor_release(ids);
}

static void bad_input_is_refused_before_anything_changes(void **state)
{
    (void)state;
    em_tensor *w = tensor_of(EM_F32, SHAPE(3, 2), VALUES(3, 4, 5, 6, 7, 8)), *y;
    em_tensor *high = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 1, 2, 3)),
              *low = tensor_of(EM_I64, SHAPE(2), VALUES(0, -1));
    em_tensor *real = tensor_of(EM_F32, SHAPE(1), VALUES(0)), *flat = tensor_of(EM_F32, SHAPE(2), VALUES(0, 0));
    assert_fails(op_try(&y, "embedding", "max_norm=1", INPUTS(high, w)), EM_ERANGE,
                 "index 3 at position [1, 1] is out of range for num_embeddings = 3 (ids count from 0)");
    assert_tensor(w, EM_F32, SHAPE(3, 2), VALUES(3, 4, 5, 6, 7, 8));
    assert_fails(op_try(&y, "embedding", "", INPUTS(low, w)), EM_ERANGE, "index -1 at position [1]");
    assert_fails(op_try(&y, "embedding", "", INPUTS(real, w)), EM_ETYPE, "input must be of an integer dtype");
    assert_fails(op_try(&y, "embedding", "", INPUTS(low, flat)), EM_ESHAPE, "weight must have 2 dims");
    assert_fails(op_try(&y, "embedding", "padding_idx=3", INPUTS(low, w)), EM_ERANGE, "padding_idx 3 is out of range");
    assert_fails(op_try(&y, "embedding", "padding_idx=-4", INPUTS(low, w)), EM_ERANGE, "padding_idx -4");
    em_tensor_release(w);
    em_tensor_release(high);
    em_tensor_release(low);
    em_tensor_release(real);
    em_tensor_release(flat);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    em_tensor *w = random_tensor(EM_F32, SHAPE(500, 33), 1), *ids = random_ids(500, SHAPE(9000), 2);
    check_threads("embedding", "max_norm=3", INPUTS(ids, wanting_grad(w)));
    check_threads("embedding", "sparse=true padding_idx=3 scale_grad_by_freq=true", INPUTS(ids, w));
    em_tensor_release(w);
    em_tensor_release(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_copied_for_ids_of_any_shape),
        cmocka_unit_test(odd_values_are_copied_bit_for_bit),
        cmocka_unit_test(tables_of_any_layout_and_dtype_work),
        cmocka_unit_test(rows_of_any_length_are_copied),
        cmocka_unit_test(gradients_are_sums_over_positions),
        cmocka_unit_test(max_norm_shortens_rows_looked_up),
        cmocka_unit_test(the_norm_may_be_the_largest_magnitude),
        cmocka_unit_test(max_norm_does_not_break_backward),
        cmocka_unit_test(bad_input_is_refused_before_anything_changes),
        cmocka_unit_test(threads_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
