#include "op_check.h"

#include <math.h>

/* ---- against sums written out -------------------------------------------------------------------------- */

static int64_t size_or_1(const em_tensor *t, int dim_from_end)
{
    const int d = em_tensor_dims(t) - dim_from_end;
    return d < 0 ? 1 : em_tensor_size(t, d);
}

/* Element of a matrix of a batch, broadcast: batch index counts in the result's batch dims. */
static double at(const em_tensor *t, const em_tensor *y, int y_batch, int t_matrix, int64_t batch, int64_t inside)
{
    int64_t index = 0, step = 1;
    const int t_batch = em_tensor_dims(t) - t_matrix;
    for (int d = y_batch - 1; d >= 0; d--) {
        const int64_t i = batch % em_tensor_size(y, d);
        batch /= em_tensor_size(y, d);
        const int td = d - (y_batch - t_batch);
        if (td < 0) continue;
        if (em_tensor_size(t, td) != 1) index += i * step;
        step *= em_tensor_size(t, td);
    }
    int64_t matrix = 1;
    for (int d = 0; d < t_matrix; d++) matrix *= size_or_1(t, d + 1);
    return element(t, index * matrix + inside);
}

static void check_matmul(const em_tensor *a, const em_tensor *b, const em_tensor *y, double unit)
{
    const bool row = em_tensor_dims(a) > 1, col = em_tensor_dims(b) > 1;
    const int64_t m = row ? size_or_1(a, 2) : 1, k = size_or_1(a, 1), n = col ? size_or_1(b, 1) : 1;
    const int batch_dims = em_tensor_dims(y) - row - col;
    for (int64_t e = 0; e < em_tensor_count(y); e++) {
        const int64_t batch = e / (m * n), i = e / n % m, j = e % n;
        double want = 0, size = 0;
        for (int64_t l = 0; l < k; l++) {
            const double x = at(a, y, batch_dims, row ? 2 : 1, batch, i * k + l) *
                             at(b, y, batch_dims, col ? 2 : 1, batch, l * n + j);
            want += x;
            size += fabs(x);
        }
        assert_true(fabs(element(y, e) - want) <= unit * (double)(k + 4) * size);
    }
}

typedef struct pair {
    int a_dims;
    int64_t a[5];
    int b_dims;
    int64_t b[5];
    int y_dims;
    int64_t y[5];
} pair;

static const pair pairs[] = {
    {1, {3}, 1, {3}, 0, {0}},
    {2, {2, 3}, 1, {3}, 1, {2}},
    {1, {3}, 2, {3, 4}, 1, {4}},
    {2, {2, 3}, 2, {3, 4}, 2, {2, 4}},
    {3, {5, 2, 3}, 3, {5, 3, 4}, 3, {5, 2, 4}},
    {3, {5, 2, 3}, 2, {3, 4}, 3, {5, 2, 4}},
    {2, {2, 3}, 3, {5, 3, 4}, 3, {5, 2, 4}},
    {3, {5, 2, 3}, 1, {3}, 2, {5, 2}},
    {1, {3}, 3, {5, 3, 4}, 2, {5, 4}},
    {4, {2, 1, 2, 3}, 3, {4, 3, 5}, 4, {2, 4, 2, 5}},
    {4, {2, 4, 1, 3}, 4, {1, 4, 3, 5}, 4, {2, 4, 1, 5}},
    {3, {1, 2, 3}, 3, {4, 3, 1}, 3, {4, 2, 1}},
    {5, {2, 1, 3, 2, 4}, 4, {5, 1, 4, 2}, 5, {2, 5, 3, 2, 2}},
    {2, {2, 0}, 2, {0, 4}, 2, {2, 4}},
    {2, {0, 3}, 2, {3, 4}, 2, {0, 4}},
    {3, {0, 2, 3}, 2, {3, 4}, 3, {0, 2, 4}},
    {3, {3, 1, 1}, 3, {3, 1, 1}, 3, {3, 1, 1}},
    {2, {40, 90}, 2, {90, 70}, 2, {40, 70}},
    {3, {64, 3, 50}, 2, {50, 20}, 3, {64, 3, 20}},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

/* The same values with other strides: 1 the last two dims exchanged in memory, 2 every second element of more. */
static em_tensor *laid(const em_tensor *t, int way)
{
    const int dims = em_tensor_dims(t);
    em_tensor *big, *y;
    int64_t sizes[8], strides[8];
    for (int d = 0; d < dims; d++) sizes[d] = em_tensor_size(t, d);
    if (way == 1 && dims > 1) {
        const int64_t last = sizes[dims - 1];
        sizes[dims - 1] = sizes[dims - 2];
        sizes[dims - 2] = last;
    }
    if (way == 2) sizes[dims - 1] *= 2;
    assert_ok(em_tensor_zeros(&big, em_tensor_dtype(t), dims, sizes));
    for (int d = 0; d < dims; d++) strides[d] = em_tensor_stride(big, d);
    if (way == 1 && dims > 1) {
        const int64_t last = strides[dims - 1];
        strides[dims - 1] = strides[dims - 2];
        strides[dims - 2] = last;
    }
    if (way == 2) strides[dims - 1] *= 2;
    assert_ok(em_tensor_view(&y, big, 0, dims, em_tensor_sizes(t), strides));
    assert_ok(em_tensor_copy(y, t));
    em_tensor_release(big);
    return y;
}

static void every_shape_and_layout(void **state)
{
    (void)state;
    static const em_dtype dtypes[] = {EM_F32, EM_F64, EM_I64, EM_I32};
    for (int p = 0; p < PAIRS; p++)
        for (int d = 0; d < 4; d++)
            for (int way = 0; way < 9; way++) {
                em_tensor *a0 = random_tensor(dtypes[d], pairs[p].a_dims, pairs[p].a, 1), *a = laid(a0, way % 3);
                em_tensor *b0 = random_tensor(dtypes[d], pairs[p].b_dims, pairs[p].b, 2), *b = laid(b0, way / 3);
                em_tensor *y = op_call("matmul", "", INPUTS(a, b));
                assert_int_equal(em_tensor_dims(y), pairs[p].y_dims);
                for (int k = 0; k < pairs[p].y_dims; k++) assert_int_equal(em_tensor_size(y, k), pairs[p].y[k]);
                assert_int_equal(em_tensor_dtype(y), dtypes[d]);
                check_matmul(a0, b0, y, dtypes[d] == EM_F32 ? 6e-8 : dtypes[d] == EM_F64 ? 1.2e-16 : 0);
                em_tensor_release(a0);
                em_tensor_release(b0);
                em_tensor_release(a);
                em_tensor_release(b);
                em_tensor_release(y);
            }
}

static void gradients_of_every_shape_and_layout(void **state)
{
    (void)state;
    for (int p = 0; p < PAIRS - 2; p++)
        for (int way = 0; way < 9; way++) {
            em_tensor *a0 = random_tensor(EM_F64, pairs[p].a_dims, pairs[p].a, 1), *a = laid(a0, way % 3);
            em_tensor *b0 = random_tensor(EM_F64, pairs[p].b_dims, pairs[p].b, 2), *b = laid(b0, way / 3);
            assert_gradient("matmul", "", INPUTS(a, b));
            em_tensor_release(a0);
            em_tensor_release(b0);
            em_tensor_release(a);
            em_tensor_release(b);
        }
}

static void an_expanded_batch_is_not_copied_nor_confused(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(1, 2, 3), 1), *w = random_tensor(EM_F64, SHAPE(4, 3, 2), 2), *wide, *row;
    assert_ok(em_tensor_view(&wide, x, 0, SHAPE(4, 2, 3), (int64_t[]){0, 3, 1}));
    em_tensor *y = op_call("matmul", "", INPUTS(wide, w));
    check_matmul(x, w, y, 1e-15);
    em_tensor_release(y);
    /* one row standing for several, which BLAS cannot read */
    assert_ok(em_tensor_view(&row, x, 0, SHAPE(5, 3), (int64_t[]){0, 1}));
    em_tensor *w0 = random_tensor(EM_F64, SHAPE(3, 2), 3);
    y = op_call("mm", "", INPUTS(row, w0));
    for (int i = 0; i < 10; i++) {
        double want = 0;
        for (int l = 0; l < 3; l++) want += element(x, l) * element(w0, l * 2 + i % 2);
        assert_true(fabs(element(y, i) - want) < 1e-15);
    }
    release_all(TENSORS(y, w0, row, wide, x, w));
}

/* ---- by hand ------------------------------------------------------------------------------------------- */

static void by_hand(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)),
              *b = tensor_of(EM_F32, SHAPE(2, 2), VALUES(5, 6, 7, 8));
    em_tensor *v = tensor_of(EM_F32, SHAPE(2), VALUES(10, 1)), *i = tensor_of(EM_I64, SHAPE(2), VALUES(2, 3));
    em_tensor *y = op_call("mm", "", INPUTS(a, b));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(19, 22, 43, 50));
    em_tensor_release(y);
    y = op_call("mv", "", INPUTS(a, v));
    assert_tensor(y, EM_F32, SHAPE(2), VALUES(12, 34));
    em_tensor_release(y);
    y = op_call("dot", "", INPUTS(v, v));
    assert_tensor(y, EM_F32, SCALAR, VALUES(101));
    em_tensor_release(y);
    y = op_call("dot", "", INPUTS(v, i));                 /* promoted */
    assert_tensor(y, EM_F32, SCALAR, VALUES(23));
    em_tensor_release(y);
    y = op_call("outer", "", INPUTS(i, v));
    assert_tensor(y, EM_F32, SHAPE(2, 2), VALUES(20, 2, 30, 3));
    em_tensor_release(y);
    y = op_call("linear", "", INPUTS(v, a, v));           /* (10, 1) a^T + (10, 1) */
    assert_tensor(y, EM_F32, SHAPE(2), VALUES(22, 35));
    release_all(TENSORS(y, a, b, v, i));
}

static void integers_wrap_around(void **state)
{
    (void)state;
    em_tensor *a = tensor_of(EM_I32, SHAPE(1, 2), VALUES(65536, 2)),
              *b = tensor_of(EM_I32, SHAPE(2, 1), VALUES(65536, 5));
    em_tensor *u = tensor_of(EM_U8, SHAPE(2), VALUES(200, 3));
    em_tensor *y = op_call("mm", "", INPUTS(a, b)), *z = op_call("dot", "", INPUTS(u, u));
    assert_tensor(y, EM_I32, SHAPE(1, 1), VALUES(10));
    assert_tensor(z, EM_U8, SCALAR, VALUES((40000 + 9) % 256));
    release_all(TENSORS(a, b, u, y, z));
}

/* ---- linear bilinear ----------------------------------------------------------------------------------- */

static void linear_is_matmul_with_the_transposed_weight(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(5, 2, 7), 1), *w = random_tensor(EM_F64, SHAPE(4, 7), 2);
    em_tensor *b = random_tensor(EM_F64, SHAPE(4), 3), *y = op_call("linear", "", INPUTS(x, w, b));
    for (int64_t e = 0; e < em_tensor_count(y); e++) {
        double want = element(b, e % 4);
        for (int64_t l = 0; l < 7; l++) want += element(x, e / 4 * 7 + l) * element(w, e % 4 * 7 + l);
        assert_true(fabs(element(y, e) - want) < 1e-14);
    }
    release_all(TENSORS(y, x, w, b));
}

static void bilinear_sums(void **state)
{
    (void)state;
    em_tensor *a = random_tensor(EM_F64, SHAPE(2, 3, 4), 1), *b = random_tensor(EM_F64, SHAPE(2, 3, 5), 2);
    em_tensor *w = random_tensor(EM_F64, SHAPE(6, 4, 5), 3), *c = random_tensor(EM_F64, SHAPE(6), 4);
    em_tensor *y = op_call("bilinear", "", INPUTS(a, b, w, c));
    assert_int_equal(em_tensor_count(y), 36);
    for (int64_t e = 0; e < 36; e++) {
        double want = element(c, e % 6);
        for (int64_t i = 0; i < 4; i++)
            for (int64_t j = 0; j < 5; j++)
                want += element(a, e / 6 * 4 + i) * element(w, (e % 6 * 4 + i) * 5 + j) * element(b, e / 6 * 5 + j);
        assert_true(fabs(element(y, e) - want) < 1e-14);
    }
    assert_gradient("bilinear", "", INPUTS(a, b, w, c));
    release_all(TENSORS(y, a, b, w, c));
}

static void gradients(void **state)
{
    (void)state;
    em_tensor *x = random_tensor(EM_F64, SHAPE(3, 4), 1), *y = random_tensor(EM_F64, SHAPE(4, 2), 2);
    em_tensor *v = random_tensor(EM_F64, SHAPE(4), 3), *u = random_tensor(EM_F64, SHAPE(2), 4),
              *one = random_tensor(EM_F64, SHAPE(1), 8);
    em_tensor *v4 = random_tensor(EM_F64, SHAPE(4), 10);
    em_tensor *bx = random_tensor(EM_F64, SHAPE(2, 3, 4), 5), *by = random_tensor(EM_F64, SHAPE(2, 4, 2), 6);
    em_tensor *w = random_tensor(EM_F64, SHAPE(2, 4), 7), *w1 = random_tensor(EM_F64, SHAPE(1, 4), 9);
    assert_gradient("mm", "", INPUTS(x, y));
    assert_gradient("mv", "", INPUTS(x, v));
    assert_gradient("dot", "", INPUTS(v, v4));
    assert_gradient("bmm", "", INPUTS(bx, by));
    assert_gradient("outer", "", INPUTS(v, u));
    assert_gradient("linear", "", INPUTS(bx, w, u));
    assert_gradient("linear", "", INPUTS(x, w));
    assert_gradient("linear", "", INPUTS(v, w, u));
    assert_gradient("linear", "", INPUTS(bx, w1, one));
    release_all(TENSORS(x, y, v, u, one, bx, by, w, w1, v4));
}

/* ---- threads, errors, memory --------------------------------------------------------------------------- */

static void same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    const int threads = em_threads();
    em_tensor *x = random_tensor(EM_F32, SHAPE(40, 30, 64), 1), *w = random_tensor(EM_F32, SHAPE(96, 64), 2);
    em_tensor *first[3] = {0};
    em_tensor *b = random_tensor(EM_F32, SHAPE(96), 3);
    for (int n = 1; n <= 8; n += n < 3 ? 1 : 5) {
        em_set_threads(n);
        em_tensor *leaf[] = {x, w, b}, *grad[3];
        for (int i = 0; i < 3; i++) assert_ok(em_tensor_set_requires_grad(leaf[i], true));
        em_tensor *y = op_call("linear", "", INPUTS(x, w, b)), *dy = random_tensor(EM_F32, SHAPE(40, 30, 96), 4);
        assert_ok(em_grad(&y, &dy, 1, leaf, 3, false, grad));
        for (int i = 0; i < 3; i++) {
            if (n == 1) {
                first[i] = grad[i];
            } else {
                assert_same_bits(grad[i], first[i]);
                em_tensor_release(grad[i]);
            }
        }
        em_tensor_release(y);
        em_tensor_release(dy);
    }
    for (int i = 0; i < 3; i++) em_tensor_release(first[i]);
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
    em_set_threads(threads);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *m23 = random_tensor(EM_F32, SHAPE(2, 3), 1), *m34 = random_tensor(EM_F32, SHAPE(3, 4), 1);
    em_tensor *s = random_tensor(EM_F32, SCALAR, 1), *v3 = random_tensor(EM_F32, SHAPE(3), 1);
    em_tensor *t3 = random_tensor(EM_F32, SHAPE(2, 2, 3), 1), *t5 = random_tensor(EM_F32, SHAPE(5, 3, 4), 1);
    em_tensor *flags = random_tensor(EM_BOOL, SHAPE(2, 3), 1);
    op_fails("matmul", "", INPUTS(m23, m23), EM_ESHAPE,
             "(2, 3) and (2, 3) cannot be multiplied: expected equal inner sizes, got 3 and 2");
    op_fails("matmul", "", INPUTS(m23, s), EM_ESHAPE, "()");
    op_fails("matmul", "", INPUTS(t3, t5), EM_ESHAPE, "batch dims");
    op_fails("matmul", "", INPUTS(flags, flags), EM_ESHAPE, "cannot");
    op_fails("linear", "", INPUTS(flags, flags), EM_ETYPE, "bool");
    op_fails("mm", "", INPUTS(v3, m34), EM_ESHAPE, "input must have 2 dims");
    op_fails("mm", "", INPUTS(m23, v3), EM_ESHAPE, "mat2 must have 2 dims");
    op_fails("mv", "", INPUTS(m34, v3), EM_ESHAPE, "got 4 and 3");
    op_fails("dot", "", INPUTS(v3, m34), EM_ESHAPE, "other must have 1 dims");
    op_fails("bmm", "", INPUTS(t3, t5), EM_ESHAPE, "got 2 and 5");
    op_fails("outer", "", INPUTS(m23, v3), EM_ESHAPE, "input must have 1 dims");
    op_fails("linear", "", INPUTS(v3, v3), EM_ESHAPE, "weight must have 2 dims");
    op_fails("linear", "", INPUTS(v3, m23, v3), EM_ESHAPE, "bias (3): expected shape (2)");
    op_fails("linear", "", INPUTS(v3), EM_EVALUE, "expected");
    op_fails("bilinear", "", INPUTS(v3, v3, m23), EM_ESHAPE, "weight must have 3 dims");
    op_fails("bilinear", "", INPUTS(v3, v3, t3), EM_ESHAPE, "input1 (3)");
    release_all(TENSORS(m23, m34, s, v3, t3, t5, flags));
}

static em_status linear_step(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_tensor **in = context, *y[EM_MAX_OUT] = {0};
    em_status s = op_try(y, "linear", "", 3, in);
    if (s) return s;
    em_tensor *dy = in[3];
    s = em_grad(y, &dy, 1, in, 3, false, out);
    em_tensor_release(y[0]);
    return s;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    em_tensor *in[] = {random_tensor(EM_F64, SHAPE(4000, 4), 1), random_tensor(EM_F64, SHAPE(8, 4), 2),
                       random_tensor(EM_F64, SHAPE(8), 3), random_tensor(EM_F64, SHAPE(4000, 8), 4)};
    for (int i = 0; i < 3; i++) assert_ok(em_tensor_set_requires_grad(in[i], true));
    assert_true(each_allocation_fails(&(fallible){.call = linear_step}, in) > 5);
    for (int i = 0; i < 4; i++) em_tensor_release(in[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_and_layout),
        cmocka_unit_test(gradients_of_every_shape_and_layout),
        cmocka_unit_test(an_expanded_batch_is_not_copied_nor_confused),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(integers_wrap_around),
        cmocka_unit_test(linear_is_matmul_with_the_transposed_weight),
        cmocka_unit_test(bilinear_sums),
        cmocka_unit_test(gradients),
        cmocka_unit_test(same_bits_for_any_number_of_threads),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
