/* Pooling: windows by hand, with padding, last windows that stick out, ties and NaN. */
#include <math.h>

#include "op_call.h"

static void check(const char *name, const char *options, em_tensor *x, int64_t n, const double *want)
{
    em_tensor *y = op_call(name, options, INPUTS(x));
    assert_tensor_close(1e-15, 0, y, EM_F64, SHAPE(1, n), n, want);
    em_tensor_release(y);
}

static void windows_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(1, 7), VALUES(3, 1, 4, 1, 5, 9, 2));
    check("max_pool1d", "kernel_size=2", x, VALUES(3, 4, 9));
    check("max_pool1d", "kernel_size=2 ceil_mode=true", x, VALUES(3, 4, 9, 2));
    check("max_pool1d", "kernel_size=3 stride=2 padding=1", x, VALUES(3, 4, 9, 9));
    check("max_pool1d", "kernel_size=2 stride=1 dilation=3", x, VALUES(3, 5, 9, 2));
    check("max_pool1d", "kernel_size=2 stride=3 padding=1 ceil_mode=true", x, VALUES(3, 4, 9));     /* none at 8 */
    check("avg_pool1d", "kernel_size=2", x, VALUES(2, 2.5, 7));
    check("avg_pool1d", "kernel_size=2 ceil_mode=true", x, VALUES(2, 2.5, 7, 2));
    check("avg_pool1d", "kernel_size=3 stride=3 padding=1", x, VALUES(4.0 / 3, 10.0 / 3, 11.0 / 3));
    check("avg_pool1d", "kernel_size=3 stride=3 padding=1 count_include_pad=false", x, VALUES(2, 10.0 / 3, 5.5));
    check("adaptive_max_pool1d", "output_size=3", x, VALUES(4, 5, 9));      /* 0 to 2, 2 to 4, 4 to 6 */
    check("adaptive_avg_pool1d", "output_size=3", x, VALUES(8.0 / 3, 10.0 / 3, 16.0 / 3));
    check("adaptive_avg_pool1d", "output_size=1", x, VALUES(25.0 / 7));
    em_tensor_release(x);
}

static void the_first_of_the_largest_takes_the_gradient(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(1, 4), VALUES(2, 2, 1, 2)));
    op_backward(op_call("max_pool1d", "kernel_size=2 stride=1", INPUTS(x)));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(1, 4), VALUES(1, 1, 0, 1));
    em_tensor_release(x);
}

static void not_a_number_wins(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(1, 4), VALUES(NAN, 1, 2, -INFINITY));
    check("max_pool1d", "kernel_size=2", x, VALUES(NAN, 2));
    em_tensor_release(x);
}

/* Of a dilated window all may lie in the padding: before the input, around it, behind it. */
static void a_window_in_the_padding_holds_nothing(void **state)
{
    (void)state;
    em_tensor *one = wanting_grad(tensor_of(EM_F64, SHAPE(1, 1), VALUES(5)));
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(1, 2), VALUES(3, 4)));
    check("max_pool1d", "kernel_size=2 stride=1 padding=1 dilation=2", one, VALUES(-INFINITY));     /* -1 and 1 */
    check("max_pool1d", "kernel_size=2 stride=1 padding=1 dilation=3", x, VALUES(-INFINITY));       /* -1 and 2 */
    op_backward(op_call("max_pool1d", "kernel_size=2 stride=1 padding=1 dilation=3", INPUTS(x)));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(1, 2), VALUES(0, 0));
    release_all(TENSORS(one, x));
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = wave_of(EM_F32, SHAPE(2, 4), -1, 1), *line = wave_of(EM_F32, SHAPE(4), -1, 1), *y;
    assert_fails(op_try(&y, "max_pool1d", "kernel_size=2", INPUTS(line)), EM_ESHAPE, "(N, C, L) or (C, L), got (4)");
    assert_fails(op_try(&y, "max_pool1d", "kernel_size=0", INPUTS(x)), EM_EVALUE, "kernel_size must be 1 to");
    assert_fails(op_try(&y, "max_pool1d", "kernel_size=2 padding=2", INPUTS(x)), EM_EVALUE, "padding must be 0 to 1");
    assert_fails(op_try(&y, "max_pool1d", "kernel_size=2 dilation=0", INPUTS(x)), EM_EVALUE, "dilation must be 1 to");
    assert_fails(op_try(&y, "avg_pool1d", "kernel_size=5", INPUTS(x)), EM_ESHAPE, "no window fits into input of shape");
    assert_fails(op_try(&y, "avg_pool1d", "kernel_size=2 stride=0", INPUTS(x)), EM_EVALUE, "stride must be 1 to");
    assert_fails(op_try(&y, "adaptive_avg_pool1d", "output_size=-1", INPUTS(x)), EM_EVALUE, "output_size must be 0 to");
    em_tensor_release(x);
    em_tensor_release(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_by_hand),
        cmocka_unit_test(the_first_of_the_largest_takes_the_gradient),
        cmocka_unit_test(not_a_number_wins),
        cmocka_unit_test(a_window_in_the_padding_holds_nothing),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
