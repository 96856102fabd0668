/* Averages of parameters: every dtype, strides, all or none. */
#include "support.h"

static void averages_of_each_dtype(void **context)
{
    (void)context;
    for (em_dtype d = 0; d < EM_DTYPES; d++) {
        if (!em_dtype_is_float(d)) continue;
        em_tensor *average[] = {tensor_of(d, SHAPE(3), VALUES(8, -4, 0)), tensor_of(d, SHAPE(1), VALUES(16))};
        em_tensor *value[] = {tensor_of(d, SHAPE(3), VALUES(0, 4, 8)), tensor_of(EM_F64, SHAPE(1), VALUES(32))};
        assert_ok(em_average(average, value, 2, 0.75));
        assert_tensor(average[0], d, SHAPE(3), VALUES(6, -2, 2));
        assert_tensor(average[1], d, SHAPE(1), VALUES(20));
        for (int i = 0; i < 2; i++) em_tensor_release(average[i]), em_tensor_release(value[i]);
    }
}

static void strided_values(void **context)
{
    (void)context;
    em_tensor *average = tensor_of(EM_F32, SHAPE(3, 2), VALUES(0, 0, 0, 0, 0, 0));
    em_tensor *value = tensor_of(EM_F32, SHAPE(2, 3), VALUES(2, 4, 6, 8, 10, 12)), *turned;
    assert_ok(em_tensor_view(&turned, value, 0, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}));
    assert_ok(em_average(&average, &turned, 1, 0.5));
    assert_tensor(average, EM_F32, SHAPE(3, 2), VALUES(1, 4, 2, 5, 3, 6));
    em_tensor_release(turned);
    em_tensor_release(value);
    em_tensor_release(average);
}

/* One that does not fit, or an interrupt, leaves all as they were. */
static void all_or_none(void **context)
{
    (void)context;
    em_tensor *average[] = {tensor_of(EM_F32, SHAPE(1), VALUES(1)), tensor_of(EM_F32, SHAPE(2), VALUES(1, 2))};
    em_tensor *value[] = {tensor_of(EM_F32, SHAPE(1), VALUES(3)), tensor_of(EM_F32, SHAPE(1), VALUES(3))};
    assert_fails(em_average(average, value, 2, 0.5), EM_ESHAPE, "parameter 2 has shape (1), its average (2)");
    assert_tensor(average[0], EM_F32, SHAPE(1), VALUES(1));
    em_interrupt();
    assert_fails(em_average(average, value, 1, 0.5), EM_EINTERRUPT, "EMA: interrupted");
    em_clear_interrupt();
    assert_tensor(average[0], EM_F32, SHAPE(1), VALUES(1));
    for (int i = 0; i < 2; i++) em_tensor_release(average[i]), em_tensor_release(value[i]);
    average[0] = tensor_of(EM_I64, SHAPE(1), VALUES(1));
    value[0] = tensor_of(EM_F32, SHAPE(1), VALUES(1));
    assert_fails(em_average(average, value, 1, 0.5), EM_ETYPE, "average 1 is no contiguous tensor of float dtype");
    em_tensor_release(average[0]);
    em_tensor_release(value[0]);
}

/* ---- failing allocations ------------------------------------------------------------------------------- */

static em_tensor *averages[2], *values[2];

static void make(void *context)
{
    (void)context;
    for (int i = 0; i < 2; i++) averages[i] = tensor_of(EM_F32, SHAPE(1), VALUES(1));
    values[0] = tensor_of(EM_F32, SHAPE(1), VALUES(3));
    values[1] = tensor_of(EM_BF16, SHAPE(1), VALUES(3));
}

static void unmake(void *context)
{
    (void)context;
    for (int i = 0; i < 2; i++) em_tensor_release(averages[i]), em_tensor_release(values[i]);
}

static em_status update(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    (void)out;
    const em_status s = em_average(averages, values, 2, 0.5);
    for (int i = 0; i < 2; i++) {
        if (s) assert_tensor(averages[i], EM_F32, SHAPE(1), VALUES(1));
        else assert_tensor(averages[i], EM_F32, SHAPE(1), VALUES(2));
    }
    return s;
}

static void survives_failing_allocations(void **context)
{
    (void)context;
    assert_true(each_allocation_fails(&(fallible){make, update, unmake}, NULL) >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_of_each_dtype),
        cmocka_unit_test(strided_values),
        cmocka_unit_test(all_or_none),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
