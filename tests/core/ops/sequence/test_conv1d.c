/* conv1d: values by hand, a naive loop over its formula, refusals. */
#include <math.h>
#include <stdio.h>

#include "op_call.h"

static void windows_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(1, 1, 5), VALUES(1, 2, 3, 4, 5));
    em_tensor *w = tensor_of(EM_F32, SHAPE(1, 1, 3), VALUES(1, 10, 100)), *b = tensor_of(EM_F32, SHAPE(1), VALUES(0.5));
    em_tensor *y = op_call("conv1d", "", INPUTS(x, w, b));
    assert_tensor(y, EM_F32, SHAPE(1, 1, 3), VALUES(321.5, 432.5, 543.5));
    em_tensor_release(y);
    y = op_call("conv1d", "padding=1 stride=2", INPUTS(x, w));
    assert_tensor(y, EM_F32, SHAPE(1, 1, 3), VALUES(210, 432, 54));
    em_tensor_release(y);
    y = op_call("conv1d", "dilation=2", INPUTS(x, w));
    assert_tensor(y, EM_F32, SHAPE(1, 1, 1), VALUES(531));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
}

typedef struct problem {
    int64_t N, C, O, L, K, stride, padding, dilation, groups;
} problem;

static double at_input(const em_tensor *x, const problem *p, int64_t n, int64_t c, int64_t i)
{
    return i < 0 || i >= p->L ? 0 : element(x, (n * p->C + c) * p->L + i);
}

static void check_naively(problem p)
{
    char options[80];
    snprintf(options, sizeof options, "stride=%d padding=%d dilation=%d groups=%d", (int)p.stride, (int)p.padding,
             (int)p.dilation, (int)p.groups);
    const int64_t c = p.C / p.groups, o = p.O / p.groups;
    const int64_t T = (p.L + 2 * p.padding - p.dilation * (p.K - 1) - 1) / p.stride + 1;
    em_tensor *x = wave_of(EM_F64, SHAPE(p.N, p.C, p.L), -1, 1), *w = wave_of(EM_F64, SHAPE(p.O, c, p.K), -1, 1);
    em_tensor *b = wave_of(EM_F64, SHAPE(p.O), -1, 1), *y = op_call("conv1d", options, INPUTS(x, w, b));
    assert_int_equal(em_tensor_size(y, 2), T);
    for (int64_t n = 0; n < p.N; n++)
        for (int64_t i = 0; i < p.O; i++)
            for (int64_t t = 0; t < T; t++) {
                double want = element(b, i);
                for (int64_t ch = 0; ch < c; ch++)
                    for (int64_t k = 0; k < p.K; k++)
                        want += element(w, (i * c + ch) * p.K + k) *
                                at_input(x, &p, n, i / o * c + ch, t * p.stride + k * p.dilation - p.padding);
                assert_true(fabs(element(y, (n * p.O + i) * T + t) - want) < 1e-12);
            }
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(b);
    em_tensor_release(y);
}

static void a_naive_loop_agrees(void **state)
{
    (void)state;
    check_naively((problem){2, 3, 4, 11, 3, 1, 0, 1, 1});
    check_naively((problem){2, 6, 9, 23, 4, 3, 5, 2, 3});
    check_naively((problem){1, 4, 4, 5, 3, 4, 6, 1, 4});                   /* more padding than input */
    check_naively((problem){3, 2, 2, 1, 1, 1, 0, 1, 1});
}

static void a_sample_alone_is_as_in_a_batch(void **state)
{
    (void)state;
    em_tensor *x = wave_of(EM_F32, SHAPE(1, 2, 9), -1, 1), *w = wave_of(EM_F32, SHAPE(3, 2, 3), -1, 1), *alone;
    assert_ok(em_tensor_view(&alone, x, 0, SHAPE(2, 9), (int64_t[]){9, 1}));
    em_tensor *y = op_call("conv1d", "padding=1", INPUTS(x, w)), *z = op_call("conv1d", "padding=1", INPUTS(alone, w));
    assert_int_equal(em_tensor_dims(z), 2);
    for (int64_t i = 0; i < 27; i++) assert_true(element(y, i) == element(z, i));
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(alone);
    em_tensor_release(y);
    em_tensor_release(z);
}

/* Sizes that nobody has memory for are refused; a kernel without channels can be as long as it likes. */
static void a_reach_that_is_too_long_is_refused(void **state)
{
    (void)state;
    em_tensor *x, *w, *y;
    assert_ok(em_tensor_empty(&x, EM_F32, SHAPE(1, 0, 3)));
    assert_ok(em_tensor_empty(&w, EM_F32, SHAPE(1, 0, INT64_C(1) << 40)));
    assert_fails(op_try(&y, "conv1d", "dilation=1073741824", INPUTS(x, w)), EM_ESHAPE, "the kernel reaches over");
    release_all(TENSORS(x, w));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = wave_of(EM_F32, SHAPE(1, 4, 5), -1, 1), *w = wave_of(EM_F32, SHAPE(6, 4, 3), -1, 1);
    em_tensor *thin = wave_of(EM_F32, SHAPE(6, 3, 3), -1, 1), *line = wave_of(EM_F32, SHAPE(5), -1, 1), *y;
    assert_fails(op_try(&y, "conv1d", "", INPUTS(line, w)), EM_ESHAPE, "input must have shape (N, C, L) or (C, L)");
    assert_fails(op_try(&y, "conv1d", "", INPUTS(x, line)), EM_ESHAPE, "weight must have 3 dims");
    assert_fails(op_try(&y, "conv1d", "", INPUTS(x, thin)), EM_ESHAPE,
                 "is for 3 channels, input of shape (1, 4, 5) has 4");
    assert_fails(op_try(&y, "conv1d", "groups=3", INPUTS(x, w)), EM_EVALUE, "do not divide into groups = 3");
    assert_fails(op_try(&y, "conv1d", "stride=0", INPUTS(x, w)), EM_EVALUE, "stride must be at least 1, given 0");
    assert_fails(op_try(&y, "conv1d", "padding=-1", INPUTS(x, w)), EM_EVALUE, "padding must be at least 0, given -1");
    assert_fails(op_try(&y, "conv1d", "dilation=3", INPUTS(x, w)), EM_ESHAPE, "reaches over 7 positions");
    assert_fails(op_try(&y, "conv1d", "", INPUTS(x, w, line)), EM_ESHAPE, "bias must have shape (6), got (5)");
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(thin);
    em_tensor_release(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_by_hand),
        cmocka_unit_test(a_naive_loop_agrees),
        cmocka_unit_test(a_sample_alone_is_as_in_a_batch),
        cmocka_unit_test(a_reach_that_is_too_long_is_refused),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
