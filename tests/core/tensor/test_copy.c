/* Reading, writing, filling and copying against single elements: dtypes, strides, overlaps. */
#include "tensor/copy.h"

#include "support.h"

#include <math.h>

static em_tensor *view_of(const em_tensor *t, int64_t offset, int dims, const int64_t *sizes, const int64_t *strides)
{
    em_tensor *view;
    assert_ok(em_tensor_view(&view, t, offset, dims, sizes, strides));
    return view;
}

/* ---- one element --------------------------------------------------------------------------------------- */

static void elements_are_read_and_written_by_strides(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor *turned = view_of(t, 0, SHAPE(3, 2), (int64_t[]){1, 3});
    const double want[] = {1, 4, 2, 5, 3, 6};
    for (int64_t i = 0; i < 6; i++) assert_true(em_tensor_get(turned, i) == want[i]);
    em_tensor_set(turned, 1, 40);
    em_tensor_set_int(turned, 4, 30);
    assert_tensor(t, EM_F32, SHAPE(2, 3), VALUES(1, 2, 30, 40, 5, 6));
    em_tensor_release(turned);
    em_tensor_release(t);
}

static void large_integers_stay_exact(void **state)
{
    (void)state;
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, EM_I64, SHAPE(2)));
    em_tensor_set_int(t, 0, INT64_MAX);
    em_tensor_set_int(t, 1, INT64_MIN + 1);
    assert_true(em_tensor_get_int(t, 0) == INT64_MAX && em_tensor_get_int(t, 1) == INT64_MIN + 1);
    em_tensor_release(t);
}

/* ---- conversion ---------------------------------------------------------------------------------------- */

enum { SAMPLES = 14 };
static const double samples[SAMPLES] = {0, -0.0, 1, -1, 2.5, -2.5, 255, 256, 300, -3e9, 3e9, 1e30, -1e30, NAN};

/* What a number becomes, worked out by hand for each dtype. */
static const double as_i64[SAMPLES] = {0, 0, 1, -1, 2, -2, 255, 256, 300, -3e9, 3e9, 9223372036854775807.0,
                                       -9223372036854775808.0, 0};
static const double as_i32[SAMPLES] = {0, 0, 1, -1, 2, -2, 255, 256, 300, -2147483648.0, 2147483647, 2147483647,
                                       -2147483648.0, 0};
/* the low 8 bits of the int64: 3e9 is 0xb2d05e00 */
static const double as_u8[SAMPLES] = {0, 0, 1, 255, 2, 254, 255, 0, 44, 0, 0, 255, 0, 0};
static const double as_bool[SAMPLES] = {0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static void floats_become_other_numbers(void **state)
{
    (void)state;
    em_tensor *from = tensor_of(EM_F64, SHAPE(SAMPLES), SAMPLES, samples), *to;
    const double *const want[EM_DTYPES] = {[EM_F64] = samples, [EM_I64] = as_i64, [EM_I32] = as_i32,
                                             [EM_U8] = as_u8, [EM_BOOL] = as_bool};
    for (int dtype = 0; dtype < EM_DTYPES; dtype++) {
        if (!want[dtype]) continue;
        assert_ok(em_tensor_to(&to, from, (em_dtype)dtype));
        assert_tensor(to, (em_dtype)dtype, SHAPE(SAMPLES), SAMPLES, want[dtype]);
        em_tensor_release(to);
    }
    assert_ok(em_tensor_to(&to, from, EM_F32));
    for (int i = 0; i < SAMPLES; i++)
        assert_true(element(to, i) == (double)(float)samples[i] || isnan(samples[i]));
    em_tensor_release(to);
    em_tensor_release(from);
}

/* Every dtype into every other, of a value that all of them hold. */
static void every_pair_of_dtypes_converts(void **state)
{
    (void)state;
    for (int a = 0; a < EM_DTYPES; a++)
        for (int b = 0; b < EM_DTYPES; b++) {
            const double most = a == EM_BOOL || b == EM_BOOL ? 1 : 200;
            em_tensor *from = tensor_of((em_dtype)a, SHAPE(3), VALUES(0, 1, most)), *to;
            assert_ok(em_tensor_to(&to, from, (em_dtype)b));
            assert_tensor(to, (em_dtype)b, SHAPE(3), VALUES(0, 1, most));
            assert_int_equal(to == from, a == b);       /* nothing to do: the tensor itself */
            em_tensor_release(to);
            em_tensor_release(from);
        }
}

static void one_element_converts_like_many(void **state)
{
    (void)state;
    em_tensor *from = tensor_of(EM_F64, SHAPE(SAMPLES), SAMPLES, samples);
    for (int dtype = 0; dtype < EM_DTYPES; dtype++) {
        em_tensor *many, *one;
        assert_ok(em_tensor_to(&many, from, (em_dtype)dtype));
        assert_ok(em_tensor_empty(&one, (em_dtype)dtype, SHAPE(SAMPLES)));
        for (int i = 0; i < SAMPLES; i++) em_tensor_set(one, i, samples[i]);
        assert_same_bits(one, dtype == EM_F64 ? from : many);
        em_tensor_release(many);
        em_tensor_release(one);
    }
    em_tensor_release(from);
}

/* ---- copies -------------------------------------------------------------------------------------------- */

static void a_clone_is_contiguous_and_its_own(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_I32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *copy, *same;
    em_tensor *turned = view_of(t, 0, SHAPE(3, 2), (int64_t[]){1, 3});
    assert_ok(em_tensor_clone(&copy, turned));
    assert_tensor(copy, EM_I32, SHAPE(3, 2), VALUES(1, 4, 2, 5, 3, 6));
    assert_true(em_tensor_is_contiguous(copy));
    assert_false(em_tensor_same_storage(copy, t));
    assert_ok(em_tensor_contiguous(&same, t));
    assert_ptr_equal(same, t);
    em_tensor_release(same);
    assert_ok(em_tensor_contiguous(&same, turned));
    assert_same_bits(same, copy);
    em_tensor_release(same);
    em_tensor_release(copy);
    em_tensor_release(turned);
    em_tensor_release(t);
}

static void copies_broadcast_and_convert(void **state)
{
    (void)state;
    em_tensor *to = tensor_of(EM_F32, SHAPE(2, 3), VALUES(0, 0, 0, 0, 0, 0));
    em_tensor *row = tensor_of(EM_I64, SHAPE(3), VALUES(1, 2, 3));
    em_tensor *column = tensor_of(EM_F64, SHAPE(2, 1), VALUES(7, 8));
    const int64_t version = em_tensor_version(to);
    assert_ok(em_tensor_copy(to, row));
    assert_tensor(to, EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 1, 2, 3));
    assert_ok(em_tensor_copy(to, column));
    assert_tensor(to, EM_F32, SHAPE(2, 3), VALUES(7, 7, 7, 8, 8, 8));
    assert_true(em_tensor_version(to) > version);
    assert_fails(em_tensor_copy(row, to), EM_ESHAPE, "copy_: shape (2, 3) does not broadcast to (3)");
    em_tensor_release(to);
    em_tensor_release(row);
    em_tensor_release(column);
}

static void overlapping_copies_read_before_they_write(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(6), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor *head = view_of(t, 0, SHAPE(5), NULL), *tail = view_of(t, 1, SHAPE(5), NULL);
    assert_ok(em_tensor_copy(tail, head));
    assert_tensor(t, EM_F32, SHAPE(6), VALUES(1, 1, 2, 3, 4, 5));
    em_tensor *back = view_of(t, 5, SHAPE(6), (int64_t[]){-1});
    assert_ok(em_tensor_copy(t, back));
    assert_tensor(t, EM_F32, SHAPE(6), VALUES(5, 4, 3, 2, 1, 1));
    em_tensor *square = tensor_of(EM_I64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    em_tensor *turned = view_of(square, 0, SHAPE(2, 2), (int64_t[]){1, 2});
    assert_ok(em_tensor_copy(square, turned));
    assert_tensor(square, EM_I64, SHAPE(2, 2), VALUES(1, 3, 2, 4));
    em_tensor *const all[] = {head, tail, back, t, turned, square};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) em_tensor_release(all[i]);
}

static void an_expanded_tensor_is_not_written(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(3), VALUES(1, 2, 3));
    em_tensor *from = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor *expanded = view_of(t, 0, SHAPE(2, 3), (int64_t[]){0, 1});
    assert_fails(em_tensor_copy(expanded, from), EM_EVALUE, "(2, 3), lie in one place");
    assert_tensor(t, EM_F32, SHAPE(3), VALUES(1, 2, 3));
    em_tensor_release(expanded);
    em_tensor_release(from);
    em_tensor_release(t);
}

/* Large enough to be cut and shared out, of any layout: against a loop element by element, for several teams. */
static void large_copies_agree_with_single_elements(void **state)
{
    (void)state;
    enum { A = 300, B = 400 };
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, EM_F32, SHAPE(A, B)));
    for (int64_t i = 0; i < A * B; i++) ((float *)em_tensor_data(t))[i] = (float)(i % 1021);
    em_tensor *const layouts[] = {
        view_of(t, 0, SHAPE(A, B), NULL),
        view_of(t, 0, SHAPE(B, A), (int64_t[]){1, B}),
        view_of(t, 1, SHAPE(A, B / 2), (int64_t[]){B, 2}),
        view_of(t, 7, SHAPE(5, A, B - 7), (int64_t[]){0, B, 1}),
        view_of(t, 0, SHAPE(A * B / 3), (int64_t[]){3}),
    };
    for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) {
        for (int threads = 1; threads <= 3; threads++)
            for (int dtype = 0; dtype <= EM_I64; dtype++) {
                em_tensor *whole, *to;
                em_set_threads(threads);
                assert_ok(em_tensor_clone(&whole, layouts[k]));
                assert_ok(em_tensor_to(&to, whole, (em_dtype)dtype));
                for (int64_t i = 0; i < em_tensor_count(whole); i++)
                    if (element(to, i) != element(layouts[k], i)) fail_msg("layout %zu, element %lld", k, (long long)i);
                em_tensor_release(to);
                em_tensor_release(whole);
            }
        em_tensor_release(layouts[k]);
    }
    em_tensor_release(t);
}

static void long_rows_are_copied_whole(void **state)
{
    (void)state;
    enum { N = 300001 };
    em_tensor *t, *to, *many;
    assert_ok(em_tensor_empty(&t, EM_I32, SHAPE(N)));
    for (int32_t i = 0; i < N; i++) ((int32_t *)em_tensor_data(t))[i] = i;
    em_tensor *odd = view_of(t, 1, SHAPE(N / 2), (int64_t[]){2}),
              *twice = view_of(t, 0, SHAPE(2, N), (int64_t[]){0, 1});
    for (int threads = 1; threads <= 3; threads++) {
        em_set_threads(threads);
        assert_ok(em_tensor_to(&to, odd, EM_F64));
        for (int64_t i = 0; i < N / 2; i++) assert_true(element(to, i) == (double)(2 * i + 1));
        em_tensor_fill(to, threads);
        for (int64_t i = 0; i < N / 2; i++) assert_true(element(to, i) == threads);
        em_tensor_fill(to, 0);
        for (int64_t i = 0; i < N / 2; i++) assert_true(element(to, i) == 0);
        em_tensor_release(to);
        assert_ok(em_tensor_clone(&many, twice));
        for (int64_t i = 0; i < 2 * N; i++) assert_true(element_int(many, i) == i % N);
        em_tensor_release(many);
    }
    em_tensor_release(odd);
    em_tensor_release(twice);
    em_tensor_release(t);
}

/* ---- filling ------------------------------------------------------------------------------------------- */

static void fills_reach_exactly_the_view(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
    em_tensor *column = view_of(t, 1, SHAPE(2), (int64_t[]){3});
    em_tensor_fill(column, 9.5);
    assert_tensor(t, EM_F32, SHAPE(2, 3), VALUES(1, 9.5, 3, 4, 9.5, 6));
    em_tensor *row = view_of(t, 3, SHAPE(3), NULL);
    const int64_t version = em_tensor_version(t);
    em_tensor_fill(row, 0);
    assert_tensor(t, EM_F32, SHAPE(2, 3), VALUES(1, 9.5, 3, 0, 0, 0));
    assert_true(em_tensor_version(t) > version);
    em_tensor_fill(t, -0.0);
    assert_true(signbit(element(t, 0)) && signbit(element(t, 5)));
    em_tensor_fill(t, NAN);
    assert_true(isnan(element(t, 4)));
    em_tensor_release(row);
    em_tensor_release(column);
    em_tensor_release(t);
}

static void fills_convert(void **state)
{
    (void)state;
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, EM_I64, SHAPE(2)));
    em_tensor_fill_int(t, INT64_MAX - 1);
    assert_true(element_int(t, 0) == INT64_MAX - 1 && element_int(t, 1) == INT64_MAX - 1);
    em_tensor_fill(t, -2.9);
    assert_tensor(t, EM_I64, SHAPE(2), VALUES(-2, -2));
    em_tensor_release(t);
    assert_ok(em_tensor_empty(&t, EM_BOOL, SHAPE(2)));
    em_tensor_fill(t, 0.1);
    assert_tensor(t, EM_BOOL, SHAPE(2), VALUES(1, 1));
    em_tensor_fill_int(t, 0);
    assert_tensor(t, EM_BOOL, SHAPE(2), VALUES(0, 0));
    em_tensor_release(t);
    assert_ok(em_tensor_empty(&t, EM_F32, SHAPE(0)));
    em_tensor_fill(t, 1);
    em_tensor_fill(t, 0);
    em_tensor_release(t);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

static em_tensor *given, *turned;
static void make_given(void *context)
{
    (void)context;
    given = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    turned = view_of(given, 0, SHAPE(2, 2), (int64_t[]){1, 2});
}
static void release_given(void *context)
{
    (void)context;
    em_tensor_release(turned);
    em_tensor_release(given);
}
static em_status call_clone(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_clone(out, given);
}
static em_status call_contiguous(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_contiguous(out, turned);
}
static em_status call_to(void *context, em_tensor *out[])
{
    (void)context;
    return em_tensor_to(out, turned, EM_I32);
}
static em_status call_copy(void *context, em_tensor *out[])
{
    (void)context;
    (void)out;
    const em_status status = em_tensor_copy(given, turned);
    if (status) assert_tensor(given, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    em_status (*const calls[])(void *, em_tensor *[]) = {call_clone, call_contiguous, call_to, call_copy};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const fallible f = {make_given, calls[i], release_given};
        assert_int_equal(each_allocation_fails(&f, NULL), 2);
    }
}

/* Larger than a tile in each dim, no whole number of tiles, one plane and several. */
static void transposed_copies_agree_with_a_naive_loop(void **state)
{
    (void)state;
    static const em_dtype dtypes[] = {EM_F16, EM_F32, EM_I64, EM_U8};
    enum { P = 3, R = 45, C = 70 };
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++) {
        em_tensor *x, *columns, *y, *wide, *part;
        assert_ok(em_tensor_empty(&x, dtypes[k], SHAPE(P, C, R)));
        for (int64_t i = 0; i < P * C * R; i++) em_tensor_set_int(x, i, i % 251);
        assert_ok(em_tensor_view(&columns, x, 0, SHAPE(P, R, C), (int64_t[]){C * R, 1, R}));
        em_set_threads(4);
        assert_ok(em_tensor_contiguous(&y, columns));
        assert_ok(em_tensor_zeros(&wide, dtypes[k], SHAPE(P, R, 2 * C)));       /* rows with something between them */
        assert_ok(em_tensor_view(&part, wide, C, SHAPE(P, R, C), (int64_t[]){2 * R * C, 2 * C, 1}));
        assert_ok(em_tensor_copy(part, columns));
        em_set_threads(1);
        for (int64_t p = 0; p < P; p++)
            for (int64_t r = 0; r < R; r++)
                for (int64_t c = 0; c < C; c++) {
                    const int64_t want = ((p * C + c) * R + r) % 251;
                    assert_int_equal(element_int(y, (p * R + r) * C + c), want);
                    assert_int_equal(element_int(wide, (p * R + r) * 2 * C + C + c), want);
                    assert_int_equal(element_int(wide, (p * R + r) * 2 * C + c), 0);
                }
        release_all(TENSORS(x, columns, y, wide, part));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_read_and_written_by_strides),
        cmocka_unit_test(large_integers_stay_exact),
        cmocka_unit_test(floats_become_other_numbers),
        cmocka_unit_test(every_pair_of_dtypes_converts),
        cmocka_unit_test(one_element_converts_like_many),
        cmocka_unit_test(a_clone_is_contiguous_and_its_own),
        cmocka_unit_test(copies_broadcast_and_convert),
        cmocka_unit_test(overlapping_copies_read_before_they_write),
        cmocka_unit_test(an_expanded_tensor_is_not_written),
        cmocka_unit_test(large_copies_agree_with_single_elements),
        cmocka_unit_test(long_rows_are_copied_whole),
        cmocka_unit_test(fills_reach_exactly_the_view),
        cmocka_unit_test(fills_convert),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(transposed_copies_agree_with_a_naive_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
