/* Philox's known answers, distributions against naive loops, moments, views, permutations. */
#include "random/rng.h"

#include <math.h>

#include "support.h"

/* The reference: Philox as its paper writes it, one round a call, with nothing shared with the code under test. */
static void reference_block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k[2] = {key[0], key[1]}, c[4];
    memcpy(c, counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
        const uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k[1],
                                  (uint32_t)a};
        memcpy(c, next, sizeof c);
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    memcpy(out, c, sizeof c);
}

static uint32_t reference_word(uint64_t seed, uint64_t position, int64_t word)
{
    const uint64_t block = position + (uint64_t)word / 4;
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), 0, 0};
    uint32_t out[4];
    reference_block(key, counter, out);
    return out[word % 4];
}

/* Known answers published with Random123 (tests/kat_vectors). */
static void known_answers(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, counter, stream;
        uint32_t want[4];
    } cases[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t got[4];
        em__philox(cases[i].seed, cases[i].counter, cases[i].stream, got);
        assert_memory_equal(got, cases[i].want, sizeof got);
    }
}

static void bounded_stays_below_and_is_level(void **state)
{
    (void)state;
    assert_int_equal(em__bounded(UINT64_MAX, 7), 6);
    assert_int_equal(em__bounded(0, 7), 0);
    assert_true(em__bounded(UINT64_MAX, 0) == UINT64_MAX);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint32_t b[4];
        em__rng_at(3, (uint64_t)i, b);
        counts[em__bounded(em__join_bits(b[0], b[1]), 7)]++;
    }
    for (int i = 0; i < 7; i++) assert_in_range(counts[i], 10000 - 400, 10000 + 400);  /* more than 4 sigma */
}

static em_tensor *new_vector(em_dtype dtype, int64_t n)
{
    em_tensor *t;
    assert_int_equal(em_tensor_zeros(&t, dtype, 1, &n), EM_OK);
    return t;
}

/* ---- each distribution against a naive loop over the words --------------------------------------------- */

enum { N = 1003 };      /* neither a whole run nor a whole block */

static void uniform_f32_is_the_naive_loop(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_F32, N);
    em_rng rng = {.seed = 77, .position = 5};
    em_tensor_fill_uniform(t, -2, 3, &rng);
    assert_int_equal(rng.position, 5 + (N + 3) / 4);
    const float *x = em_tensor_data(t);
    for (int i = 0; i < N; i++) {
        const double u = (double)(reference_word(77, 5, i) >> 8) / 16777216.0;
        assert_true(fabs((double)x[i] - (-2 + 5 * u)) <= 3e-7);
    }
    em_tensor_release(t);
}

static void uniform_f64_is_the_naive_loop(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_F64, N);
    em_rng rng = {.seed = 77, .position = 5};
    em_tensor_fill_uniform(t, -2, 3, &rng);
    assert_int_equal(rng.position, 5 + (N + 1) / 2);
    const double *x = em_tensor_data(t);
    for (int i = 0; i < N; i++) {
        const double high = reference_word(77, 5, 2 * i), low = reference_word(77, 5, 2 * i + 1);
        assert_true(fabs(x[i] - (-2 + 5 * (high + low / 4294967296.0) / 4294967296.0)) <= 2e-15);
    }
    em_tensor_release(t);
}

static void normal_f32_is_box_muller(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_F32, 200002);
    em_rng rng = {.seed = 1, .position = 0};
    em_tensor_fill_normal(t, 0, 1, &rng);
    const float *x = em_tensor_data(t);
    const double two_pi = 2 * acos(-1);
    for (int i = 0; i < 200002; i += 2) {
        const double u = (double)(float)(reference_word(1, 0, i) >> 1 | 1) / 2147483648.0;
        const double angle = two_pi * (double)reference_word(1, 0, i + 1) / 4294967296.0;
        const double radius = sqrt(-2 * log(u));
        assert_true(fabs((double)x[i] - radius * cos(angle)) <= 1e-6);
        assert_true(fabs((double)x[i + 1] - radius * sin(angle)) <= 1e-6);
    }
    em_tensor_release(t);
}

static void normal_f64_is_box_muller(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_F64, N);
    em_rng rng = {.seed = 1, .position = 9};
    em_tensor_fill_normal(t, 10, 2, &rng);
    const double *x = em_tensor_data(t);
    const double two_pi = 2 * acos(-1), unit = 1 / 4294967296.0;
    for (int i = 0; i + 1 < N; i += 2) {
        double w[4];
        for (int k = 0; k < 4; k++) w[k] = reference_word(1, 9, 2 * i + k);
        const double radius = sqrt(-2 * log(1 - (w[0] + w[1] * unit) * unit)),
                     angle = two_pi * (w[2] + w[3] * unit) * unit;
        assert_true(fabs(x[i] - (10 + 2 * radius * cos(angle))) <= 1e-12);
        assert_true(fabs(x[i + 1] - (10 + 2 * radius * sin(angle))) <= 1e-12);
    }
    em_tensor_release(t);
}

static void integers_are_the_naive_loop(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_I64, N);
    em_rng rng = {.seed = UINT64_MAX, .position = 1};
    em_tensor_fill_integers(t, -50, 50, &rng);
    const int64_t *x = em_tensor_data(t);
    for (int i = 0; i < N; i++) {
        const double u = reference_word(UINT64_MAX, 1, 2 * i) / 4294967296.0;
        const double v = u + reference_word(UINT64_MAX, 1, 2 * i + 1) / 4294967296.0 / 4294967296.0;
        assert_int_equal(x[i], (int64_t)floor(100 * v) - 50);
    }
    em_tensor_fill_integers(t, INT64_MIN, INT64_MAX, &rng);     /* the widest range there is */
    int negative = 0;
    for (int i = 0; i < N; i++) negative += x[i] < 0;
    assert_in_range(negative, N / 2 - 80, N / 2 + 80);
    em_tensor_fill_integers(t, 4, 4, &rng);                     /* an empty range gives its low end */
    for (int i = 0; i < N; i++) assert_int_equal(x[i], 4);
    em_tensor_release(t);
}

/* The same integers in every dtype that can hold them. */
static void integers_in_every_dtype(void **state)
{
    (void)state;
    em_tensor *want = new_vector(EM_I64, N);
    em_rng rng = {.seed = 8, .position = 0};
    em_tensor_fill_integers(want, 0, 2, &rng);
    const int64_t *w = em_tensor_data(want);
    for (int d = 0; d < EM_DTYPES; d++) {
        em_tensor *t = new_vector((em_dtype)d, N);
        em_rng again = {.seed = 8, .position = 0};
        em_tensor_fill_integers(t, 0, 2, &again);
        const void *data = em_tensor_data(t);
        for (int i = 0; i < N; i++) {
            switch ((em_dtype)d) {
            case EM_F16: assert_int_equal(((const uint16_t *)data)[i], w[i] ? 0x3c00 : 0); break;
            case EM_BF16: assert_int_equal(((const uint16_t *)data)[i], w[i] ? 0x3f80 : 0); break;
            case EM_F32: assert_true(((const float *)data)[i] == (float)w[i]); break;
            case EM_F64: assert_true(((const double *)data)[i] == (double)w[i]); break;
            case EM_I64: assert_int_equal(((const int64_t *)data)[i], w[i]); break;
            case EM_I32: assert_int_equal(((const int32_t *)data)[i], w[i]); break;
            default: assert_int_equal(((const uint8_t *)data)[i], w[i]); break;
            }
        }
        em_tensor_release(t);
    }
    em_tensor_release(want);
}

/* ---- statistics ---------------------------------------------------------------------------------------- */

enum { MANY = 1000000 };

static void assert_moments(const double want[4], const float *x, double scale)
{
    double sum[4] = {0};
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < 4; k++) sum[k] += pow((double)x[i] / scale, k + 1);
    for (int k = 0; k < 4; k++) assert_true(fabs(sum[k] / MANY - want[k]) < 0.02);
}

static void moments(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_F32, MANY);
    em_rng rng = {.seed = 2024, .position = 0};
    em_tensor_fill_normal(t, 0, 3, &rng);
    assert_moments((double[]){0, 1, 0, 3}, em_tensor_data(t), 3);
    em_tensor_fill_uniform(t, 0, 1, &rng);
    assert_moments((double[]){1 / 2., 1 / 3., 1 / 4., 1 / 5.}, em_tensor_data(t), 1);
    em_tensor_release(t);
}

static void normal_has_its_tails(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_F32, MANY);
    em_rng rng = {.seed = 5, .position = 0};
    em_tensor_fill_normal(t, 0, 1, &rng);
    const float *x = em_tensor_data(t);
    int beyond1 = 0, beyond3 = 0;
    for (int i = 0; i < MANY; i++) {
        beyond1 += fabsf(x[i]) > 1;
        beyond3 += fabsf(x[i]) > 3;
    }
    assert_in_range(beyond1, 317311 - 1900, 317311 + 1900);    /* 1 - erf(1 / sqrt 2), 4 sigma */
    assert_in_range(beyond3, 2700 - 210, 2700 + 210);
    em_tensor_release(t);
}

/* low + u (high - low) rounds up to high in float now and then; the result must not. */
static void uniform_stays_below_high(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_F32, MANY);
    em_rng rng = {.seed = 5, .position = 0};
    em_tensor_fill_uniform(t, 16777216, 16777220, &rng);
    const float *x = em_tensor_data(t);
    for (int i = 0; i < MANY; i++) assert_true(x[i] >= 16777216 && x[i] < 16777220);
    em_tensor_fill_uniform(t, 2, 2, &rng);
    assert_true(x[0] == 2 && x[MANY - 1] == 2);
    em_tensor_release(t);
}

/* ---- threads, strides, permutations -------------------------------------------------------------------- */

static void same_numbers_for_any_thread_count(void **state)
{
    (void)state;
    em_status (*const fills[])(em_tensor *, double, double, em_rng *) = {em_tensor_fill_uniform, em_tensor_fill_normal};
    const em_dtype dtypes[] = {EM_F32, EM_F64};
    for (int f = 0; f < 2; f++)
        for (int d = 0; d < 2; d++) {
            em_tensor *one = new_vector(dtypes[d], MANY + 1), *more = new_vector(dtypes[d], MANY + 1);
            em_rng rng = {.seed = 11, .position = 3};
            em_set_threads(1);
            fills[f](one, 0, 1, &rng);
            for (int threads = 2; threads <= 8; threads += 3) {
                rng.position = 3;
                em_set_threads(threads);
                fills[f](more, 0, 1, &rng);
                assert_memory_equal(em_tensor_data(one), em_tensor_data(more), em_tensor_bytes(one));
            }
            em_tensor_release(one);
            em_tensor_release(more);
        }
    em_set_threads(1);
}

/* A transposed view gets in its own row-major order what a fresh tensor gets. */
static void strided_views_fill_in_their_own_order(void **state)
{
    (void)state;
    const int64_t sizes[] = {37, 53}, turned[] = {53, 37}, strides[] = {1, 53};
    for (int d = 0; d < 2; d++) {
        const em_dtype dtype = d ? EM_F64 : EM_F32;
        em_tensor *base, *view, *want;
        assert_int_equal(em_tensor_zeros(&base, dtype, 2, sizes), EM_OK);
        assert_int_equal(em_tensor_view(&view, base, 0, 2, turned, strides), EM_OK);
        assert_int_equal(em_tensor_zeros(&want, dtype, 2, turned), EM_OK);
        em_rng a = {.seed = 4, .position = 0}, b = a;
        const int64_t version = em_tensor_version(base);
        em_tensor_fill_normal(view, 0, 1, &a);
        em_tensor_fill_normal(want, 0, 1, &b);
        assert_int_equal(em_tensor_version(base), version + 1);
        const size_t size = em_dtype_size(dtype);
        const char *x = em_tensor_data(base), *y = em_tensor_data(want);
        for (int64_t i = 0; i < 53; i++)
            for (int64_t j = 0; j < 37; j++)
                assert_memory_equal(x + (size_t)(j * 53 + i) * size, y + (size_t)(i * 37 + j) * size, size);
        em_tensor_release(want);
        em_tensor_release(view);
        em_tensor_release(base);
    }
}

static void permutation_holds_each_number_once(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 300; n = 2 * n + 1) {
        em_tensor *t = new_vector(EM_I64, n);
        em_rng rng = {.seed = 6, .position = 40};
        em_tensor_fill_permutation(t, &rng);
        const int64_t *x = em_tensor_data(t);
        int seen[300] = {0};
        for (int64_t i = 0; i < n; i++) seen[x[i]]++;
        for (int64_t i = 0; i < n; i++) assert_int_equal(seen[i], 1);
        assert_int_equal(rng.position, 40 + n / 2);
        em_tensor_release(t);
    }
}

static void permutations_are_equally_likely(void **state)
{
    (void)state;
    em_tensor *t = new_vector(EM_I64, 3);
    const int64_t *x = em_tensor_data(t);
    int counts[27] = {0}, kinds = 0;
    em_rng rng = {.seed = 9, .position = 0};
    for (int i = 0; i < 60000; i++) {
        em_tensor_fill_permutation(t, &rng);
        counts[x[0] * 9 + x[1] * 3 + x[2]]++;
    }
    for (int i = 0; i < 27; i++)
        if (counts[i]) {
            kinds++;
            assert_in_range(counts[i], 10000 - 400, 10000 + 400);
        }
    assert_int_equal(kinds, 6);
    em_tensor_release(t);
}

static void empty_and_single(void **state)
{
    (void)state;
    em_rng rng = {.seed = 6, .position = 40};
    em_tensor *none = new_vector(EM_F32, 0), *single;
    em_tensor_fill_normal(none, 0, 1, &rng);
    assert_int_equal(rng.position, 40);
    assert_int_equal(em_tensor_zeros(&single, EM_F32, 0, NULL), EM_OK);
    em_tensor_fill_uniform(single, 1, 2, &rng);
    assert_true(*(float *)em_tensor_data(single) >= 1);
    assert_int_equal(rng.position, 41);
    em_tensor_release(none);
    em_tensor_release(single);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(bounded_stays_below_and_is_level),
        cmocka_unit_test(uniform_f32_is_the_naive_loop),
        cmocka_unit_test(uniform_f64_is_the_naive_loop),
        cmocka_unit_test(normal_f32_is_box_muller),
        cmocka_unit_test(normal_f64_is_box_muller),
        cmocka_unit_test(integers_are_the_naive_loop),
        cmocka_unit_test(integers_in_every_dtype),
        cmocka_unit_test(moments),
        cmocka_unit_test(normal_has_its_tails),
        cmocka_unit_test(uniform_stays_below_high),
        cmocka_unit_test(same_numbers_for_any_thread_count),
        cmocka_unit_test(strided_views_fill_in_their_own_order),
        cmocka_unit_test(permutation_holds_each_number_once),
        cmocka_unit_test(permutations_are_equally_likely),
        cmocka_unit_test(empty_and_single),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
