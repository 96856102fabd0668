#include "op_check.h"

#define RESULT(name, options, inputs, ...) \
    do { \
        em_tensor *y = op_call(name, options, inputs); \
        assert_tensor(y, __VA_ARGS__); \
        em_tensor_release(y); \
    } while (0)

static void adding_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)),
              *ids = tensor_of(EM_I32, SHAPE(3), VALUES(2, 0, 2));
    em_tensor *rows = tensor_of(EM_F32, SHAPE(3, 2), VALUES(10, 20, 30, 40, 50, 60)),
              *lane = tensor_of(EM_I64, SHAPE(2, 2), VALUES(1, 0, 1, 2));
    em_tensor *cols = tensor_of(EM_F32, SHAPE(3, 3), VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9)),
              *cids = tensor_of(EM_I64, SHAPE(3), VALUES(1, 1, 0));
    RESULT("index_add", "dim=0", INPUTS(x, ids, rows), EM_F32, SHAPE(3, 2), VALUES(31, 42, 3, 4, 65, 86));
    RESULT("index_add", "dim=0 alpha=-2", INPUTS(x, ids, rows), EM_F32, SHAPE(3, 2),
           VALUES(-59, -78, 3, 4, -115, -154));
    RESULT("index_add", "dim=1", INPUTS(x, cids, cols), EM_F32, SHAPE(3, 2), VALUES(4, 5, 9, 13, 14, 21));
    RESULT("scatter_add", "dim=0", INPUTS(x, lane, rows), EM_F32, SHAPE(3, 2), VALUES(1, 22, 43, 4, 5, 46));
    assert_tensor(x, EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6));
    release_all(TENSORS(x, ids, rows, lane, cols, cids));
}

static void integers_and_bools(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I32, SHAPE(2), VALUES(2147483647, 0)),
              *ids = tensor_of(EM_I64, SHAPE(3), VALUES(0, 1, 1));
    em_tensor *more = tensor_of(EM_I32, SHAPE(3), VALUES(1, 2, 3)), *flags = tensor_of(EM_BOOL, SHAPE(2), VALUES(0, 0));
    em_tensor *yes = tensor_of(EM_BOOL, SHAPE(3), VALUES(0, 1, 1));
    RESULT("index_add", "dim=0", INPUTS(x, ids, more), EM_I32, SHAPE(2), VALUES(-2147483648.0, 5));
    RESULT("scatter_add", "dim=0", INPUTS(x, ids, more), EM_I32, SHAPE(2), VALUES(-2147483648.0, 5));
    RESULT("scatter_add", "dim=0", INPUTS(flags, ids, yes), EM_BOOL, SHAPE(2), VALUES(0, 1));
    release_all(TENSORS(x, ids, more, flags, yes));
}

/* Whatever the layout, what is added to one element is added in the order of the ids: the same bits as a plain loop. */
static void against_a_loop_on_any_number_of_threads(void **state)
{
    (void)state;
    static const struct {
        int dims;
        int64_t x[3], ids[3];
        int dim;
    } cases[] = {
        {1, {97}, {200000}, 0},         {2, {50, 64}, {3000, 64}, 0},      {2, {64, 50}, {60, 3000}, 1},
        {2, {3, 40000}, {2, 90000}, 1}, {3, {7, 30, 20}, {6, 900, 19}, 1}, {3, {5, 4, 3}, {0, 4, 3}, 0},
    };
    const int threads = em_threads();
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int dims = cases[k].dims, dim = cases[k].dim;
        const int64_t *size = cases[k].x, *shape = cases[k].ids;
        em_tensor *x = random_tensor(EM_F32, dims, size, 1), *src = random_tensor(EM_F32, dims, shape, 3), *want;
        em_tensor *ids = random_ids(size[dim], dims, shape, 2);
        assert_ok(em_tensor_clone(&want, x));
        float *w = em_tensor_data(want);
        for (int64_t e = 0; e < em_tensor_count(ids); e++) {
            int64_t at[3], rest = e, to = 0;
            for (int d = dims - 1; d >= 0; d--) {
                at[d] = rest % shape[d];
                rest /= shape[d];
            }
            at[dim] = ((int64_t *)em_tensor_data(ids))[e];
            for (int d = 0; d < dims; d++) to = to * size[d] + at[d];
            w[to] += ((float *)em_tensor_data(src))[e];
        }
        for (int n = 1; n <= 8; n += n < 3 ? 1 : 5) {
            em_set_threads(n);
            em_tensor *y = op_call("scatter_add", dim ? "dim=1" : "dim=0", INPUTS(x, ids, src));
            assert_same_bits(y, want);
            em_tensor_release(y);
        }
        release_all(TENSORS(x, src, want, ids));
    }
    em_set_threads(threads);
}

static void rows_on_any_number_of_threads(void **state)
{
    (void)state;
    const int threads = em_threads();
    em_tensor *x = random_tensor(EM_F32, SHAPE(100, 33), 1), *ids = random_ids(100, SHAPE(5000), 2);
    em_tensor *src = random_tensor(EM_F32, SHAPE(5000, 33), 3), *sum, *last;
    assert_ok(em_tensor_clone(&sum, x));
    assert_ok(em_tensor_clone(&last, x));
    float *s = em_tensor_data(sum), *l = em_tensor_data(last), *from = em_tensor_data(src);
    for (int64_t i = 0; i < 5000; i++)
        for (int64_t j = 0; j < 33; j++) {
            const int64_t to = element_int(ids, i) * 33 + j;
            s[to] += from[i * 33 + j];
            l[to] = from[i * 33 + j];
        }
    for (int n = 1; n <= 8; n += n < 3 ? 1 : 5) {
        em_set_threads(n);
        em_tensor *y = op_call("index_add", "dim=0", INPUTS(x, ids, src)),
                  *z = op_call("index_copy", "dim=0", INPUTS(x, ids, src));
        assert_same_bits(y, sum);
        assert_same_bits(z, last);
        em_tensor_release(y);
        em_tensor_release(z);
    }
    em_set_threads(threads);
    release_all(TENSORS(x, ids, src, sum, last));
}

static void the_source_may_be_the_tensor_itself(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 4)), *ids = tensor_of(EM_I64, SHAPE(3), VALUES(1, 2, 0));
    const em_op *add = em_op_find("scatter_add"), *put = em_op_find("scatter"), *rows = em_op_find("index_add");
    em_opts opts = op_options(add, "dim=0");
    assert_ok(em_apply_inplace(add, x, (em_tensor *[]){x, ids, x}, 3, &opts, NULL));
    assert_tensor(x, EM_F32, SHAPE(3), VALUES(5, 3, 6));
    opts = op_options(put, "dim=0");
    assert_ok(em_apply_inplace(put, x, (em_tensor *[]){x, ids, x}, 3, &opts, NULL));
    assert_tensor(x, EM_F32, SHAPE(3), VALUES(6, 5, 3));
    opts = op_options(rows, "dim=0");
    assert_ok(em_apply_inplace(rows, x, (em_tensor *[]){x, ids, x}, 3, &opts, NULL));
    assert_tensor(x, EM_F32, SHAPE(3), VALUES(9, 11, 8));
    em_tensor_release(x);
    em_tensor_release(ids);
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(4, 3), 1), *ids = tensor_of(EM_I64, SHAPE(3), VALUES(2, 0, 2));
    em_tensor *rows = random_tensor(EM_F64, SHAPE(3, 3), 2), *lane = random_ids(4, SHAPE(2, 3), 3),
              *wide = random_tensor(EM_F64, SHAPE(5, 4), 4);
    em_tensor *s = random_tensor(EM_F64, SCALAR, 5), *zero = tensor_of(EM_I64, SCALAR, VALUES(0)),
              *s2 = random_tensor(EM_F64, SCALAR, 6);
    assert_gradient("index_add", "dim=0", INPUTS(x, ids, rows));
    assert_gradient("index_add", "dim=0 alpha=0.5", INPUTS(x, ids, rows));
    assert_gradient("scatter_add", "dim=0", INPUTS(x, lane, rows));
    assert_gradient("scatter_add", "dim=0", INPUTS(x, lane, wide));
    assert_gradient("scatter_add", "dim=0", INPUTS(s, zero, s2));
    release_all(TENSORS(x, ids, rows, lane, wide, s, zero, s2));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F32, SHAPE(3, 2), 1), *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 3));
    em_tensor *good = tensor_of(EM_I64, SHAPE(2), VALUES(0, 2)), *rows = random_tensor(EM_F32, SHAPE(2, 2), 1),
              *lane = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 1, -1, 2));
    em_tensor *ok = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 1, 1, 2)), *thin = random_tensor(EM_F32, SHAPE(2, 1), 1),
              *broad = tensor_of(EM_I64, SHAPE(1, 3), VALUES(0, 0, 0));
    em_tensor *whole = random_tensor(EM_I64, SHAPE(3, 2), 1), *more = random_tensor(EM_I64, SHAPE(2, 2), 1);
    op_fails("index_add", "dim=0", INPUTS(x, ids, rows), EM_ERANGE,
             "index 3 at position [1] is out of range for the size of dim 0 = 3 (ids count from 0)");
    op_fails("index_add", "dim=1", INPUTS(x, good, rows), EM_ESHAPE,
             "source (2, 2): expected the shape of input (3, 2) with size 2 at dim 1");
    op_fails("index_add", "dim=0", INPUTS(x, ok, rows), EM_ESHAPE, "1 dim");
    op_fails("index_add", "dim=0 alpha=0.5", INPUTS(whole, good, more), EM_EVALUE, "alpha = 0.5");
    op_fails("scatter_add", "dim=0", INPUTS(x, lane, rows), EM_ERANGE, "index -1 at position [1, 0]");
    op_fails("scatter_add", "dim=0", INPUTS(x, ok, thin), EM_ESHAPE, "src (2, 1)");
    op_fails("scatter_add", "dim=0", INPUTS(x, broad, rows), EM_ESHAPE, "index (1, 3) against input (3, 2)");
    op_fails("scatter_add", "dim=2", INPUTS(x, ok, rows), EM_ERANGE, "dim 2");
    release_all(TENSORS(x, ids, good, rows, lane, ok, thin, broad, whole, more));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_by_hand),
        cmocka_unit_test(integers_and_bools),
        cmocka_unit_test(against_a_loop_on_any_number_of_threads),
        cmocka_unit_test(rows_on_any_number_of_threads),
        cmocka_unit_test(the_source_may_be_the_tensor_itself),
        cmocka_unit_test(gradients),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
