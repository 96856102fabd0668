/* float16 and bfloat16: every pattern of bits there and back against a naive decoding, rounding, conversions. */
#include "tensor/half.h"

#include <math.h>

#include "support.h"

enum { PATTERNS = 65536 };

static bool same(double a, double b) { return a == b ? signbit(a) == signbit(b) : a != a && b != b; }

/* ---- reading ------------------------------------------------------------------------------------------- */

static void every_pattern_is_read_as_its_value(void **state)
{
    (void)state;
    for (uint32_t b = 0; b < PATTERNS; b++) {
        const uint16_t h = (uint16_t)b;
        if (!same((double)em__read_f16(h), half_value(h, 5, 10))) fail_msg("float16 %04x: %g", b, em__read_f16(h));
        if (!same((double)em__read_bf16(h), half_value(h, 8, 7))) fail_msg("bfloat16 %04x: %g", b, em__read_bf16(h));
    }
}

static void every_value_is_written_as_its_pattern(void **state)
{
    (void)state;
    for (uint32_t b = 0; b < PATTERNS; b++) {
        const uint16_t h = (uint16_t)b;
        const bool nan = half_value(h, 5, 10) != half_value(h, 5, 10);
        const bool bnan = half_value(h, 8, 7) != half_value(h, 8, 7);
        assert_int_equal(em__write_f16(em__read_f16(h)), nan ? h | 0x200 : h);      /* a NaN comes back quiet */
        assert_int_equal(em__write_bf16(em__read_bf16(h)), bnan ? h | 0x40 : h);
    }
}

/* ---- rounding ------------------------------------------------------------------------------------------ */

/* Between each two neighbours: just below the middle, the middle (to the even one), just above. */
static void check_middles(int exponent_bits, int fraction_bits, uint16_t write(float))
{
    const uint16_t infinity = (uint16_t)(((1 << exponent_bits) - 1) << fraction_bits);
    for (uint16_t h = 0; h + 1 < infinity; h++) {
        const double a = half_value(h, exponent_bits, fraction_bits);
        const double b = half_value((uint16_t)(h + 1), exponent_bits, fraction_bits);
        const float middle = (float)((a + b) / 2);
        const uint16_t even = h & 1 ? (uint16_t)(h + 1) : h;
        if (write(middle) != even) fail_msg("%g to %04x, want %04x", (double)middle, write(middle), even);
        if (write(-middle) != (even | 0x8000)) fail_msg("%g", -(double)middle);
        if (write(nextafterf(middle, 0)) != h) fail_msg("below %g", (double)middle);
        if (write(nextafterf(middle, INFINITY)) != h + 1) fail_msg("above %g", (double)middle);
    }
}

static void ties_go_to_the_even_neighbour(void **state)
{
    (void)state;
    check_middles(5, 10, em__write_f16);
    check_middles(8, 7, em__write_bf16);
}

static void the_ends_of_the_range(void **state)
{
    (void)state;
    static const struct {
        float x;
        uint16_t f16, bf16;
    } cases[] = {
        {1, 0x3c00, 0x3f80},          {-2, 0xc000, 0xc000},           {65504, 0x7bff, 0x4780},
        {65519.996f, 0x7bff, 0x4780}, {65520, 0x7c00, 0x4780},        {-65520, 0xfc00, 0xc780},
        {0x1p-24f, 1, 0x3380},        {0x1p-25f, 0, 0x3300},          {0x1.8p-24f, 2, 0x33c0},
        {0x1p-14f, 0x400, 0x3880},    {0x1.ff8p-15f, 0x3ff, 0x3880},  {3.4e38f, 0x7c00, 0x7f80},
        {0, 0, 0},                    {-0.0f, 0x8000, 0x8000},        {INFINITY, 0x7c00, 0x7f80},
        {-INFINITY, 0xfc00, 0xff80},  {0x1p-149f, 0, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(em__write_f16(cases[k].x), cases[k].f16);
        assert_int_equal(em__write_bf16(cases[k].x), cases[k].bf16);
    }
}

/* ---- rows of them: the processor's instructions give the same ------------------------------------------ */

static void many_are_converted_like_one(void **state)
{
    (void)state;
    uint16_t *h = malloc(PATTERNS * sizeof *h), *back = malloc(PATTERNS * sizeof *back);
    float *x = malloc(PATTERNS * sizeof *x);
    for (uint32_t b = 0; b < PATTERNS; b++) h[b] = (uint16_t)b;
    em__read_f16s(x, h, PATTERNS - 3);
    for (uint32_t b = 0; b < PATTERNS - 3; b++)
        assert_int_equal(em__bits_of_float(x[b]), em__bits_of_float(em__read_f16(h[b])));
    for (uint32_t round = 0; round < 64; round++) {             /* floats of all sizes, NaNs among them */
        for (uint32_t b = 0; b < PATTERNS; b++) x[b] = em__float_of_bits((b << 16 | b * 40503u >> 7) + round * 977u);
        em__write_f16s(back, x, PATTERNS - 5);
        for (uint32_t b = 0; b < PATTERNS - 5; b++)
            if (back[b] != em__write_f16(x[b]))
                fail_msg("%08x to %04x, one by one %04x", em__bits_of_float(x[b]), back[b], em__write_f16(x[b]));
    }
    free(h);
    free(back);
    free(x);
}

/* ---- tensors ------------------------------------------------------------------------------------------- */

static void tensors_convert_between_all_dtypes(void **state)
{
    (void)state;
    for (em_dtype half = EM_F16; half <= EM_BF16; half++) {
        em_tensor *h = tensor_of(half, SHAPE(3), VALUES(-2.5, 0, 200)), *y;
        for (em_dtype d = EM_F32; d < EM_DTYPES; d++) {
            assert_ok(em_tensor_to(&y, h, d));
            if (em_dtype_is_float(d)) assert_tensor(y, d, SHAPE(3), VALUES(-2.5, 0, 200));
            if (d == EM_I64 || d == EM_I32) assert_tensor(y, d, SHAPE(3), VALUES(-2, 0, 200));
            if (d == EM_BOOL) assert_tensor(y, d, SHAPE(3), VALUES(1, 0, 1));
            em_tensor_release(y);
            em_tensor *from = tensor_of(d, SHAPE(3), VALUES(1, 0, 1));
            assert_ok(em_tensor_to(&y, from, half));
            assert_tensor(y, half, SHAPE(3), VALUES(1, 0, 1));
            em_tensor_release(y);
            em_tensor_release(from);
        }
        em_tensor_set(h, 1, 0.3);
        assert_true(element(h, 1) == (half == EM_F16 ? 0.300048828125 : 0.30078125));
        em_tensor_set_int(h, 2, 2049);
        assert_true(element(h, 2) == 2048);
        assert_true(em_tensor_get(h, 1) == element(h, 1));
        em_tensor_fill(h, -1.5);
        assert_tensor(h, half, SHAPE(3), VALUES(-1.5, -1.5, -1.5));
        em_tensor_release(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_is_read_as_its_value),
        cmocka_unit_test(every_value_is_written_as_its_pattern),
        cmocka_unit_test(ties_go_to_the_even_neighbour),
        cmocka_unit_test(the_ends_of_the_range),
        cmocka_unit_test(many_are_converted_like_one),
        cmocka_unit_test(tensors_convert_between_all_dtypes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
