/* Dims, broadcasting, and iterators against nested counting. */
#include "tensor/shape.h"

#include "support.h"

/* ---- dims ---------------------------------------------------------------------------------------------- */

static void dims_wrap(void **state)
{
    (void)state;
    const struct {
        int64_t dim;
        int dims, want;                 /* want -1: refused */
    } cases[] = {
        {0, 3, 0},  {2, 3, 2},  {-1, 3, 2}, {-3, 3, 0}, {3, 3, -1}, {-4, 3, -1}, {0, 0, 0},
        {-1, 0, 0}, {1, 0, -1}, {-2, 0, -1}, {INT64_MAX, 3, -1}, {INT64_MIN, 3, -1}, {(int64_t)1 << 32, 3, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int dim = 77;
        const em_status status = em__wrap_dim(&dim, cases[i].dim, cases[i].dims, "sum");
        check_status(__FILE__, __LINE__, status, cases[i].want < 0 ? EM_ERANGE : EM_OK, "sum: dim ");
        assert_int_equal(dim, cases[i].want < 0 ? 77 : cases[i].want);
    }
    int dim;
    assert_fails(em__wrap_dim(&dim, 5, 3, "sum"), EM_ERANGE, "sum: dim 5 is out of range for a tensor of 3 dims "
                 "(expected -3 to 2)");
}

/* ---- broadcasting -------------------------------------------------------------------------------------- */

typedef struct shape {
    int dims;
    int64_t size[EM_MAX_DIMS];
} shape;

static em_tensor *zeros(shape s)
{
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, EM_F32, s.dims, s.size));
    return t;
}

static void shapes_broadcast(void **state)
{
    (void)state;
    const struct {
        shape a, b, want;
    } cases[] = {
        {{2, {2, 3}}, {2, {2, 3}}, {2, {2, 3}}},
        {{2, {2, 3}}, {1, {3}}, {2, {2, 3}}},
        {{2, {2, 1}}, {1, {3}}, {2, {2, 3}}},
        {{0, {0}}, {2, {4, 5}}, {2, {4, 5}}},
        {{0, {0}}, {0, {0}}, {0, {0}}},
        {{3, {2, 1, 4}}, {2, {3, 1}}, {3, {2, 3, 4}}},
        {{1, {0}}, {1, {1}}, {1, {0}}},
        {{2, {0, 3}}, {2, {1, 1}}, {2, {0, 3}}},
        {{1, {1}}, {4, {1, 1, 0, 1}}, {4, {1, 1, 0, 1}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_tensor *a = zeros(cases[i].a), *b = zeros(cases[i].b);
        for (int swap = 0; swap < 2; swap++) {
            int dims;
            int64_t sizes[EM_MAX_DIMS];
            assert_ok(em__broadcast(&dims, sizes, swap ? b : a, swap ? a : b, "add"));
            assert_int_equal(dims, cases[i].want.dims);
            for (int d = 0; d < dims; d++) assert_int_equal(sizes[d], cases[i].want.size[d]);
            assert_true(em__broadcasts_to(a, dims, sizes));
            assert_true(em__broadcasts_to(b, dims, sizes));
        }
        em_tensor_release(a);
        em_tensor_release(b);
    }
}

static void shapes_that_do_not_broadcast_are_named(void **state)
{
    (void)state;
    em_tensor *a = zeros((shape){2, {2, 3}}), *b = zeros((shape){2, {3, 3}}), *c = zeros((shape){1, {0}});
    int dims;
    int64_t sizes[EM_MAX_DIMS];
    assert_fails(em__broadcast(&dims, sizes, a, b, "add"), EM_ESHAPE, "add: shapes (2, 3) and (3, 3) do not broadcast");
    assert_fails(em__broadcast(&dims, sizes, a, b, "add"), EM_ESHAPE, "2 and 3 at dim -2");
    assert_fails(em__broadcast(&dims, sizes, a, c, "mul"), EM_ESHAPE, "mul: shapes (2, 3) and (0)");
    assert_false(em__broadcasts_to(a, 2, (int64_t[]){3, 3}));
    assert_false(em__broadcasts_to(a, 1, (int64_t[]){3}));
    assert_false(em__broadcasts_to(a, 2, (int64_t[]){2, 1}));
    assert_true(em__broadcasts_to(a, 3, (int64_t[]){7, 2, 3}));
    em_tensor_release(a);
    em_tensor_release(b);
    em_tensor_release(c);
}

static void repeated_dims_have_stride_0(void **state)
{
    (void)state;
    em_tensor *t = zeros((shape){3, {2, 1, 4}});            /* strides 4 4 1 */
    int64_t strides[EM_MAX_DIMS];
    em__broadcast_strides(strides, t, 5, (int64_t[]){6, 5, 2, 3, 4});
    const int64_t want[] = {0, 0, 4, 0, 1};
    assert_memory_equal(strides, want, sizeof want);
    em__broadcast_strides(strides, t, 3, (int64_t[]){2, 1, 4});
    assert_int_equal(strides[1], 4);                        /* not repeated: its own stride */
    em_tensor_release(t);
}

/* ---- iterators ----------------------------------------------------------------------------------------- */

/* Every offset that an iterator visits, in order, against nested counting over the dims as given. */
static void assert_iterator(int n, int dims, const int64_t *sizes, const int64_t *const strides[])
{
    em_iterator w;
    em__iterator_init(&w, n, dims, sizes, strides);
    assert_true(w.dims >= 1 && w.dims <= EM_MAX_DIMS);
    int64_t count = 1, index[EM_MAX_DIMS] = {0};
    for (int d = 0; d < dims; d++) count *= sizes[d];
    assert_int_equal(w.outer * w.inner, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t at[EM_ITERATED];
        em__iterator_at(&w, i / w.inner, at);
        for (int k = 0; k < n; k++) {
            int64_t want = 0;
            for (int d = 0; d < dims; d++) want += index[d] * strides[k][d];
            assert_int_equal(at[k] + i % w.inner * w.stride[k][w.dims - 1], want);
        }
        for (int d = dims - 1; d >= 0 && ++index[d] == sizes[d]; d--) index[d] = 0;
    }
}

static void iterators_visit_all_in_order(void **state)
{
    (void)state;
    assert_iterator(1, 0, NULL, (const int64_t *[]){NULL});
    assert_iterator(2, 1, (int64_t[]){5}, (const int64_t *[]){(int64_t[]){1}, (int64_t[]){0}});
    assert_iterator(2, 3, (int64_t[]){2, 3, 4}, (const int64_t *[]){(int64_t[]){12, 4, 1}, (int64_t[]){12, 4, 1}});
    assert_iterator(2, 3, (int64_t[]){2, 3, 4}, (const int64_t *[]){(int64_t[]){12, 4, 1}, (int64_t[]){1, 2, 6}});
    assert_iterator(3, 3, (int64_t[]){2, 3, 4},
                    (const int64_t *[]){(int64_t[]){12, 4, 1}, (int64_t[]){0, 4, 1}, (int64_t[]){0, 0, 1}});
    assert_iterator(2, 4, (int64_t[]){2, 1, 3, 1},
                    (const int64_t *[]){(int64_t[]){3, 99, 1, 77}, (int64_t[]){1, 0, 2, 0}});
    assert_iterator(1, 3, (int64_t[]){1, 1, 1}, (const int64_t *[]){(int64_t[]){5, 6, 7}});
    assert_iterator(4, 2, (int64_t[]){3, 2},
                    (const int64_t *[]){(int64_t[]){2, 1}, (int64_t[]){0, 0}, (int64_t[]){-2, -1}, (int64_t[]){0, 1}});
    assert_iterator(1, 3, (int64_t[]){2, 0, 3}, (const int64_t *[]){(int64_t[]){3, 3, 1}});
}

static void dims_that_lie_together_are_joined(void **state)
{
    (void)state;
    em_iterator w;
    const int64_t flat[] = {12, 4, 1}, rows[] = {0, 4, 1};
    em__iterator_init(&w, 2, 3, (int64_t[]){2, 3, 4}, (const int64_t *[]){flat, flat});
    assert_int_equal(w.dims, 1);
    assert_int_equal(w.inner, 24);
    em__iterator_init(&w, 2, 3, (int64_t[]){2, 3, 4}, (const int64_t *[]){flat, rows});
    assert_int_equal(w.dims, 2);
    assert_int_equal(w.inner, 12);
    assert_int_equal(w.outer, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dims_wrap),
        cmocka_unit_test(shapes_broadcast),
        cmocka_unit_test(shapes_that_do_not_broadcast_are_named),
        cmocka_unit_test(repeated_dims_have_stride_0),
        cmocka_unit_test(iterators_visit_all_in_order),
        cmocka_unit_test(dims_that_lie_together_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
