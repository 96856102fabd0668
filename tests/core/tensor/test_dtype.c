/* Names and sizes of dtypes, and which numbers fit. */
#include <math.h>

#include "support.h"

static void names_sizes_and_kinds(void **state)
{
    (void)state;
    const struct {
        em_dtype dtype;
        const char *name;
        size_t size;
        bool is_float;
    } cases[] = {
        {EM_F32, "float32", 4, true}, {EM_F64, "float64", 8, true}, {EM_I64, "int64", 8, false},
        {EM_I32, "int32", 4, false},  {EM_U8, "uint8", 1, false},   {EM_BOOL, "bool", 1, false},
        {EM_F16, "float16", 2, true}, {EM_BF16, "bfloat16", 2, true},
    };
    assert_int_equal(sizeof cases / sizeof *cases, EM_DTYPES);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_dtype parsed = EM_DTYPES;
        assert_string_equal(em_dtype_name(cases[i].dtype), cases[i].name);
        assert_int_equal(em_dtype_size(cases[i].dtype), cases[i].size);
        assert_int_equal(em_dtype_is_float(cases[i].dtype), cases[i].is_float);
        assert_int_equal(em_dtype_is_half(cases[i].dtype), cases[i].size == 2);
        assert_true(em_dtype_parse(&parsed, cases[i].name));
        assert_int_equal(parsed, cases[i].dtype);
    }
}

static void other_names_are_refused(void **state)
{
    (void)state;
    const char *const names[] = {"", "float", "Float32", "float32 ", "float3", "int", "complex64"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        em_dtype parsed = EM_I32;
        assert_false(em_dtype_parse(&parsed, names[i]));
        assert_int_equal(parsed, EM_I32);
    }
}

static void what_fits(void **state)
{
    (void)state;
    const struct {
        em_dtype dtype;
        double value;
        bool fits;
    } cases[] = {
        {EM_U8, 255.9, true}, {EM_U8, 256, false}, {EM_U8, -0.9, true}, {EM_U8, -1, false},
        {EM_I32, 2147483647.9, true},
        {EM_I32, 2147483648., false}, {EM_I32, -2147483648.9, true}, {EM_I32, -2147483649., false},
        {EM_I64, 0x1.fffffffffffffp62, true}, {EM_I64, 0x1p63, false}, {EM_I64, -0x1p63, true},
        {EM_I64, -0x1.0000000000001p63, false}, {EM_I64, NAN, false}, {EM_U8, -INFINITY, false}, {EM_F32, 1e300, true},
        {EM_F16, NAN, true}, {EM_BOOL, 1e300, true}, {EM_BOOL, NAN, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(em_dtype_holds(cases[i].dtype, cases[i].value), cases[i].fits);
    assert_true(em_dtype_holds_int(EM_I64, INT64_MIN) && em_dtype_holds_int(EM_F32, INT64_MAX));
    assert_true(em_dtype_holds_int(EM_U8, 255) && em_dtype_holds_int(EM_I32, INT32_MIN));
    assert_false(em_dtype_holds_int(EM_U8, -1) || em_dtype_holds_int(EM_U8, 256));
    assert_false(em_dtype_holds_int(EM_I32, 1LL << 40) || em_dtype_holds_int(EM_I32, -(1LL << 31) - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_sizes_and_kinds),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
