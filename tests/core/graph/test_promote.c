/* Dtypes of results against PyTorch's table. */
#include "graph/op.h"

#include "op_call.h"

static em_tensor *of_dtype(em_dtype dtype, int dims, bool number)
{
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, dtype, dims, (int64_t[]){1, 1}));
    if (number) em_tensor_mark_number(t);
    return t;
}

/* PyTorch's result_type: dims beat 0-d tensors beat numbers, unless those are of a higher kind. */
static void dtypes_promote_as_in_pytorch(void **state)
{
    (void)state;
    static const struct {
        em_dtype a;
        int a_dims;
        em_dtype b;
        int b_dims;
        bool b_number;
        em_dtype want;
    } cases[] = {
        {EM_F32, 1, EM_F64, 1, false, EM_F64},    {EM_F32, 1, EM_F64, 0, false, EM_F32},
        {EM_F32, 1, EM_I64, 1, false, EM_F32},    {EM_I32, 1, EM_I64, 1, false, EM_I64},
        {EM_I32, 1, EM_I64, 0, false, EM_I32},    {EM_U8, 1, EM_I32, 1, false, EM_I32},
        {EM_BOOL, 1, EM_U8, 0, false, EM_U8},     {EM_I32, 1, EM_F64, 0, false, EM_F64},
        {EM_I32, 1, EM_F64, 0, true, EM_F32},     {EM_F64, 1, EM_F64, 0, true, EM_F64},
        {EM_F32, 1, EM_I64, 0, true, EM_F32},     {EM_U8, 1, EM_I64, 0, true, EM_U8},
        {EM_BOOL, 1, EM_I64, 0, true, EM_I64},    {EM_F32, 0, EM_F64, 0, true, EM_F32},
        {EM_BOOL, 1, EM_BOOL, 1, false, EM_BOOL}, {EM_F16, 1, EM_F16, 1, false, EM_F16},
        {EM_F16, 1, EM_BF16, 1, false, EM_F32},   {EM_F16, 1, EM_F32, 1, false, EM_F32},
        {EM_BF16, 1, EM_F64, 1, false, EM_F64},   {EM_BF16, 1, EM_F64, 0, true, EM_BF16},
        {EM_F16, 1, EM_F32, 0, false, EM_F16},    {EM_I64, 1, EM_F16, 1, false, EM_F16},
        {EM_I64, 1, EM_BF16, 0, false, EM_BF16},  {EM_F16, 1, EM_I64, 0, true, EM_F16},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        em_tensor *a = of_dtype(cases[k].a, cases[k].a_dims, false);
        em_tensor *b = of_dtype(cases[k].b, cases[k].b_dims, cases[k].b_number);
        assert_int_equal(em__promote((em_tensor *[]){a, b}, NULL, 2), cases[k].want);
        assert_int_equal(em__promote((em_tensor *[]){b, a}, NULL, 2), cases[k].want);
        em_tensor_release(a);
        em_tensor_release(b);
    }
}

/* set_default_dtype: what a number with a fraction brings where there were integers only. */
static void the_default_dtype_is_that_of_numbers(void **state)
{
    (void)state;
    em_tensor *integer = of_dtype(EM_I32, 1, false), *number = of_dtype(EM_F64, 0, true);
    em_tensor *half = of_dtype(EM_F16, 1, false);
    em_tensor *pair[] = {integer, number}, *other[] = {half, number};
    assert_int_equal(em_default_dtype(), EM_F32);
    assert_fails(em_set_default_dtype(EM_I64), EM_ETYPE, "set_default_dtype: expected a float dtype, got int64");
    assert_ok(em_set_default_dtype(EM_F64));
    assert_int_equal(em__promote(pair, NULL, 2), EM_F64);
    assert_int_equal(em__promote(other, NULL, 2), EM_F16);
    assert_ok(em_set_default_dtype(EM_F32));
    assert_int_equal(em__promote(pair, NULL, 2), EM_F32);
    em_tensor_release(integer);
    em_tensor_release(number);
    em_tensor_release(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtypes_promote_as_in_pytorch),
        cmocka_unit_test(the_default_dtype_is_that_of_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
