/* Numbers in text: as strtof gives them, and what is none. */
#include <math.h>
#include <stdio.h>

#include "io/float_text.h"
#include "support.h"

static void check(const char *text)
{
    float got = 7;
    char *end;
    const float want = strtof(text, &end);
    const char *stop = em__float_read(text, &got);
    if (stop != end || memcmp(&got, &want, sizeof got)) {
        fprintf(stderr, "'%s': %.9g, not %.9g\n", text, (double)got, (double)want);
        fail();
    }
}

static int prepare(void **state)
{
    (void)state;
    return em__float_text_prepare();
}

/* The middle between two floats and its neighbours; the ends of what floats are; many digits. */
static void hard_numbers_are_those_of_strtof(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0", "-0", "0.0", "1", "-1.5", "+3", ".5", "5.", "1e5", "1E-5", "1e+5", "123456789", "0.000001", "16777217",
        "16777219", "16777217.0", "16777217.00000000001", "16777216.99999999999", "1.00000005960464477539062",
        "1.000000059604644775390625", "1.00000005960464477539063", "3.4028235e38", "3.4028236e38", "3.40282357e38",
        "1e39",
        "-1e99999", "1.1754944e-38", "1.17549429e-38", "1e-45", "7e-46", "7.1e-46", "1e-99999", "0e99999",
        "999999999999999999", "9999999999999999999", "18446744073709551616", "0.00000000000000000000000000001",
        "123456789012345678901234567890", "8.589973e9", "33554434.9999999999999999999", "9007199791611905",
        "inf", "-inf", "Infinity", "nan", "NaN", "INF", "0.3333333333333333", "6.02214076e23", "1e60", "1e-60",
        "1.5e-61",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check(texts[i]);
}

static void others_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " 1", "x", "1x", "0x10", "nan(1)", "--1", "1e", "1e+", "e5", ".", "-",
                                        "1.2.3", "1,5", "infinit", "1_000", "\x01"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        float x;
        if (em__float_read(texts[i], &x)) {
            fprintf(stderr, "'%s' was taken for %g\n", texts[i], (double)x);
            fail();
        }
    }
}

static void whitespace_ends_a_number(void **state)
{
    (void)state;
    float x;
    const char *text = "1.5\t2";
    assert_ptr_equal(em__float_read(text, &x), text + 3);
    assert_true(x == 1.5f);
}

/* Numbers of all magnitudes, as printf writes them with few and many digits, and beside the middle of floats. */
static void random_numbers_are_those_of_strtof(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 300000; i++) {
        static const char *const forms[] = {"%.6f", "%.9g", "%g", "%.17g", "%.12e", "%.25g"};
        char text[400];
        uint32_t bits;
        float x;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        bits = (uint32_t)(seed >> 32);
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        double y = (double)x;
        if (i % 3 == 0) y = (y + (double)nextafterf(x, INFINITY)) / 2;
        if (i % 9 == 0) y = nextafter(y, i % 2 ? INFINITY : -INFINITY);
        snprintf(text, sizeof text, forms[i % 6], y);
        check(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hard_numbers_are_those_of_strtof), cmocka_unit_test(others_are_none),
        cmocka_unit_test(whitespace_ends_a_number), cmocka_unit_test(random_numbers_are_those_of_strtof),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
