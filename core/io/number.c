/* The numbers that are not read at one glance: powers of ten in 128 bits, and strtod for what these leave open. */
#define _GNU_SOURCE         /* strtod_l */
#include "io/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 wide;

/* 5^q as a number of 128 bits, the first of them 1, times a power of 2; cut off, not rounded. Outside of these q a
 * number of 19 digits is 0, infinite, or has fewer bits than usual. */
enum { LEAST = -342, MOST = 308 };
static struct power {
    wide bits;
    int exponent;
} powers[MOST - LEAST + 1];

static locale_t plain;

/* ---- the powers ------------------------------------------------------------------------------------------ */

/* 2^1024 has more than 128 bits left when it was divided by 5 so many times; 5^308 fits too. */
enum { LIMBS = 33, START = 1024 };

static void keep(const uint32_t limbs[LIMBS], int scale, struct power *out)
{
    int top = LIMBS - 1;
    while (!limbs[top]) top--;
    wide bits = 0;
    for (int k = 0; k < 4; k++) bits = bits << 32 | (top >= k ? limbs[top - k] : 0);
    const int shift = __builtin_clz(limbs[top]);
    if (shift) bits = bits << shift | (top >= 4 ? limbs[top - 4] >> (32 - shift) : 0);
    *out = (struct power){bits, 32 * (top - 3) - shift + scale};
}

static void fill_powers(void)
{
    uint32_t limbs[LIMBS] = {1};
    for (int q = 0; q <= MOST; q++) {
        keep(limbs, 0, &powers[q - LEAST]);
        uint64_t carry = 0;
        for (int k = 0; k < LIMBS; k++, carry >>= 32) limbs[k] = (uint32_t)(carry += (uint64_t)limbs[k] * 5);
    }
    memset(limbs, 0, sizeof limbs);
    limbs[START / 32] = 1;
    for (int q = -1; q >= LEAST; q--) {
        uint64_t rest = 0;
        for (int k = LIMBS - 1; k >= 0; k--) {
            rest = rest << 32 | limbs[k];
            limbs[k] = (uint32_t)(rest / 5);
            rest %= 5;
        }
        keep(limbs, -START, &powers[q - LEAST]);
    }
}

em_status em__number_prepare(void)
{
    if (plain) return EM_OK;
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return em__fail_memory("a locale", 0);
    fill_powers();
    return EM_OK;
}

/* ---- scaling --------------------------------------------------------------------------------------------- */

/* digits 10^q, if 128 bits of the power tell how it is rounded, and it is neither 0, infinite nor subnormal. The power
 * is at most one unit too small, so that the upper 128 bits of the product are less than two. */
static bool scale(uint64_t digits, int64_t q, double *x)
{
    if (q < LEAST || q > MOST || digits == 0) return false;
    const struct power *five = &powers[q - LEAST];
    const int zeros = __builtin_clzll(digits);
    digits <<= zeros;
    const wide product = (wide)digits * (uint64_t)(five->bits >> 64) + ((wide)digits * (uint64_t)five->bits >> 64);
    const int spare = 74 + (int)(product >> 127);           /* bits below the 53 of a double */
    const wide half = (wide)1 << (spare - 1), rest = product & (2 * half - 1);
    uint64_t fraction = (uint64_t)(product >> spare);
    if (rest > half)
        fraction++;
    else if (rest + 2 > half)
        return false;
    int64_t exponent = spare + 64 + five->exponent - zeros + q + 52 + 1023;
    if (fraction >> 53) fraction >>= 1, exponent++;
    if (exponent < 1 || exponent > 2046) return false;
    const uint64_t bits = (uint64_t)exponent << 52 | (fraction & (((uint64_t)1 << 52) - 1));
    memcpy(x, &bits, sizeof bits);
    return true;
}

/* Asks strtod. Of the digits, 800 decide: whatever follows counts as one more that is not 0. */
static double ask(const em__number_parts *n)
{
    enum { DECIDE = 800, FAR = 100000 };
    char text[DECIDE + 32];
    int used = 0;
    int64_t exponent = n->exponent;
    bool more = false;
    for (const char *p = n->first; p < n->end; p++) {
        if (!em__is_digit(*p) || (*p == '0' && !used)) continue;
        if (used < DECIDE) {
            text[used++] = *p;
        } else {
            more = more || *p != '0';
            exponent++;
        }
    }
    if (more) {
        text[used++] = '1';
        exponent--;
    }
    if (!used) return 0;
    exponent = exponent > FAR ? FAR : exponent < -FAR ? -FAR : exponent;
    snprintf(text + used, sizeof text - (size_t)used, "e%d", (int)exponent);
    return strtod_l(text, NULL, plain);
}

/* The first 19 digits that count, as a number; `dropped`: how many follow. */
static uint64_t first_digits(const em__number_parts *n, int64_t *dropped)
{
    uint64_t value = 0;
    int used = 0;
    *dropped = 0;
    for (const char *p = n->first; p < n->end; p++) {
        if (!em__is_digit(*p) || (*p == '0' && !used)) continue;
        if (used < EM_NUMBER_DIGITS) {
            value = value * 10 + (uint64_t)(*p - '0');
            used++;
        } else {
            ++*dropped;
        }
    }
    return value;
}

double em__number_scale(const em__number_parts *n, int64_t count)
{
    double x, above;
    if (count <= EM_NUMBER_DIGITS) {
        if (n->digits == 0) return 0;
        return scale(n->digits, n->exponent, &x) ? x : ask(n);
    }
    int64_t dropped;
    const uint64_t digits = first_digits(n, &dropped);
    if (digits == 0) return 0;
    const int64_t q = n->exponent + dropped;
    if (scale(digits, q, &x) && (!dropped || (scale(digits + 1, q, &above) && x == above))) return x;
    return ask(n);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

int em__number_write(char *text, size_t room, int digits, double x)
{
    const locale_t before = uselocale(plain);
    const int n = snprintf(text, room, "%.*g", digits, x);
    uselocale(before);
    return n;
}

/* ---- words ----------------------------------------------------------------------------------------------- */

static bool begins_with(const char *text, const char *word)
{
    while (*word && (*text | 0x20) == *word) text++, word++;
    return !*word;
}

const char *em__number_word(const char *text, em__number *out)
{
    const char *p = text + (*text == '-' || *text == '+');
    out->whole = false;
    out->x = *text == '-' ? -INFINITY : INFINITY;
    if (begins_with(p, "infinity")) return p + 8;
    if (begins_with(p, "inf")) return p + 3;
    out->x = NAN;
    return begins_with(p, "nan") ? p + 3 : NULL;
}
