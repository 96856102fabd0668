/* Numbers read from text, beside strtod. */
#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "io/number.h"
#include "support.h"

/* A text with the bytes behind it that may be read. */
static const char *padded(const char *text)
{
    static char room[4096 + EM_NUMBER_PADDING];
    memset(room, 0, sizeof room);
    memcpy(room, text, strlen(text));
    return room;
}

/* Tests run in the locale "C", of which strtod here is. */
static void must_equal_strtod(const char *text)
{
    em__number n;
    char *end;
    const char *p = padded(text), *got = em__number_read(p, '.', &n);
    const double want = strtod(text, &end);
    if (!got || got - p != end - text || memcmp(&n.x, &want, sizeof want))
        fail_msg("%s: got %.17g, want %.17g", text, n.x, want);
}

static void numbers_are_those_of_strtod(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0", "-0", "0.0", "-0.0", "1", "-1", "+1", "1.", ".5", "-.5", "1e5", "1E5", "1e+5", "1e-5", "1e", "1e+", "1ex",
        "5.e3", "00012", "123456789012345678", "9007199254740993", "9007199254740992.5", "9007199254740993.0",
        "18446744073709551615", "18446744073709551616", "123456789012345678901234567890", "1e22", "1e23", "8.5e22",
        "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "-1e400",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1e-400",
        "0e999999999999999999999",
        "1e99999999999999999999", "1e-99999999999999999999", "0.000000000000000000000000000000000000000000000000001",
        "6.0221407623e23", "3.14159265358979323846264338327950288", "0.1", "0.2", "0.3", "7.0064923216240862e-46",
        "100000000000000016777215", "100000000000000016777216", "1448997445238699", "5e-324",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "inf", "-inf", "Infinity", "INFINITY", "+inf", "infinit",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) must_equal_strtod(texts[i]);
}

static uint64_t random_bits(void)
{
    static uint64_t x = 88172645463325252u;
    x ^= x << 13;
    x ^= x >> 7;
    return x ^= x << 17;
}

static void doubles_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < 300000; i++) {
        static const char *const formats[] = {"%.17g", "%.16e", "%.20g", "%.6f", "%.3g", "%.40e"};
        const uint64_t bits = random_bits();
        double x;
        char text[512];
        memcpy(&x, &bits, sizeof x);
        if (i % 3 == 0) x = ldexp((double)(int64_t)bits, -(int)(bits % 70));
        if (x - x != 0) continue;
        snprintf(text, sizeof text, formats[i % 6], x);
        must_equal_strtod(text);
    }
}

static void random_digits_are_read_exactly(void **state)
{
    (void)state;
    for (int i = 0; i < 300000; i++) {
        char text[128];
        int n = 0;
        const int digits = 1 + (int)(random_bits() % 30), point = (int)(random_bits() % 40);
        for (int d = 0; d < digits; d++) {
            if (d == point) text[n++] = '.';
            text[n++] = (char)('0' + random_bits() % 10);
        }
        if (random_bits() % 2) n += snprintf(text + n, 16, "e%d", (int)(random_bits() % 700) - 350);
        text[n] = 0;
        must_equal_strtod(text);
    }
}

/* Halves between neighbours, with more digits behind them: what rounding depends on lies far back. */
static void halves_are_rounded_by_their_last_digit(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        char text[1400];
        const uint64_t bits = random_bits() & 0x7FEFFFFFFFFFFFFF;
        double x;
        memcpy(&x, &bits, sizeof x);
        const double up = nextafter(x, INFINITY);
        long double half = (long double)x + ((long double)up - x) / 2;
        if (isinf(up)) continue;
        const int n = snprintf(text, 1300, "%.1100Lf", half);
        if (n >= 1300) continue;
        must_equal_strtod(text);
        strcat(text, "1");
        must_equal_strtod(text);
    }
}

static void whole_numbers_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool whole;
        int64_t i;
    } cases[] = {
        {"0", true, 0}, {"+7", true, 7}, {"-12", true, -12}, {"007", true, 7}, {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN}, {"9223372036854775808", false, 0}, {"-9223372036854775809", false,
        0},
        {"000000000000000000000000000012", true, 12}, {"99999999999999999999", false, 0}, {"-0", false, 0},
        {"1.", false, 0}, {"1.0", false, 0}, {"1e3", false, 0}, {"1e", true, 1}, {"inf", false, 0}, {"12345678", true,
        12345678},
        {"18446744073709551616", false, 0}, {"27670116110564327424", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em__number n;
        assert_non_null(em__number_read(padded(cases[i].text), '.', &n));
        if (n.whole != cases[i].whole || (n.whole && n.i != cases[i].i)) fail_msg("%s", cases[i].text);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "-", "+", ".", "-.", "e5", ".e5", "--1", "+-1", "in", "na", "-na",
            "/", ":"};
    em__number n;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (em__number_read(padded(texts[i]), '.', &n)) fail_msg("%s", texts[i]);
    const char *text = padded("0x10");                  /* no hexadecimals: strtod would take them */
    assert_ptr_equal(em__number_read(text, '.', &n), text + 1);
    text = padded("1,5;");
    assert_ptr_equal(em__number_read(text, ',', &n), text + 3);
    assert_true(n.x == 1.5);
    assert_non_null(em__number_read(padded("-NaN"), '.', &n));
    assert_true(n.x != n.x);
}

/* The locale's own point, where it has another one, is put back. */
static void numbers_are_written_with_a_point(void **state)
{
    (void)state;
    char text[48];
    setlocale(LC_ALL, "de_DE.UTF-8");
    assert_int_equal(em__number_write(text, sizeof text, 3, -1234.5), 9);
    assert_string_equal(text, "-1.23e+03");
    setlocale(LC_ALL, "C");
    assert_int_equal(em__number_write(text, sizeof text, 17, 0.1), 19);
    assert_string_equal(text, "0.10000000000000001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_strtod),
        cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(random_digits_are_read_exactly),
        cmocka_unit_test(halves_are_rounded_by_their_last_digit),
        cmocka_unit_test(whole_numbers_are_told),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(numbers_are_written_with_a_point),
    };
    assert_ok(em__number_prepare());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
