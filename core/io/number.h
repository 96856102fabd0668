/* Numbers in text: the double nearest to what is written, as strtod gives it in the locale "C", and whole numbers as
 * int64. Own code for nearly all of them; what it cannot decide is left to strtod. */
#ifndef EM_IO_NUMBER_H
#define EM_IO_NUMBER_H

#include <string.h>

#include "base/status.h"

enum { EM_NUMBER_PADDING = 16 };        /* bytes that may be read behind a text */

typedef struct em__number {
    double x;
    int64_t i;
    bool whole;                 /* no point, no exponent, and int64 has it: it is `i`. -0 is none: int64 has no such */
} em__number;

/* Before the first number is read: tables and the locale. Main thread only. EM_ENOMEM. */
em_status em__number_prepare(void);

/* The longest number at the start of a text: [+-] digits, with a decimal character somewhere, and an exponent; or inf,
 * infinity, nan in capitals or small letters. Returns where it ends; NULL: there is none. The text has to end with a
 * byte that belongs to no number, and be followed by EM_NUMBER_PADDING bytes more. */
static inline const char *em__number_read(const char *text, char decimal, em__number *out);

/* The number with so many significant digits, as "%.*g" gives it, and a point whatever locale the program has set.
 * Returns its length. */
int em__number_write(char *text, size_t room, int digits, double x);

/* ---- what the above is made of --------------------------------------------------------------------------- */

typedef struct em__number_parts {
    const char *first, *end;    /* digits, and perhaps the decimal character among them */
    uint64_t digits;            /* as a number, if they are at most 19 */
    int64_t exponent;           /* of 10, for these digits read as an integer */
    bool negative;
} em__number_parts;

enum { EM_NUMBER_DIGITS = 19 };       /* so many digits fit a uint64 */

/* digits times 10 to the exponent, for what has more digits than that, or is far from 1. */
double em__number_scale(const em__number_parts *parts, int64_t count);
const char *em__number_word(const char *text, em__number *out);

static inline bool em__is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* Appends the digits at p to `value`, which may overflow; returns their end. Eight at a time where there are so many:
 * a byte is a digit if its high half is 3 and stays so when 6 is added; neighbours are then joined in pairs. */
static inline const char *em__digits(const char *p, uint64_t *value)
{
    uint64_t v = *value;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (;;) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        const uint64_t high = 0xF0F0F0F0F0F0F0F0u, threes = 0x3030303030303030u;
        if ((eight & high) != threes || ((eight + 0x0606060606060606u) & high) != threes) break;
        eight -= threes;
        eight = (eight * 10 + (eight >> 8)) & 0x00FF00FF00FF00FFu;
        eight = (eight * 100 + (eight >> 16)) & 0x0000FFFF0000FFFFu;
        eight = (eight * 10000 + (eight >> 32)) & 0xFFFFFFFFu;
        v = v * 100000000 + eight;
        p += 8;
    }
#endif
    for (; em__is_digit(*p); p++) v = v * 10 + (uint64_t)(*p - '0');
    *value = v;
    return p;
}

/* The exponent behind 'e', added to `exponent`; where none follows it stays, and p is returned. */
static inline const char *em__exponent(const char *p, int64_t *exponent)
{
    enum { ENOUGH = 1000000000 };       /* beyond what any number of digits makes up for */
    const char *at = p + 1;
    const bool negative = *at == '-';
    at += negative || *at == '+';
    if (!em__is_digit(*at)) return p;
    int64_t value = 0;
    for (; em__is_digit(*at); at++)
        if (value < (int64_t)ENOUGH * ENOUGH / 10) value = value * 10 + (*at - '0');
    *exponent += negative ? -value : value;
    return at;
}

static inline const char *em__number_read(const char *text, char decimal, em__number *out)
{
    static const double tens[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    em__number_parts n = {.negative = *text == '-'};
    n.first = text + (n.negative || *text == '+');
    const char *p = em__digits(n.first, &n.digits);
    int64_t count = p - n.first;
    out->whole = true;
    if (*p == decimal) {
        const char *fraction = p + 1;
        p = em__digits(fraction, &n.digits);
        n.exponent = fraction - p;
        count += p - fraction;
        out->whole = false;
    }
    if (!count) return em__number_word(text, out);
    n.end = p;
    if ((*p | 0x20) == 'e') {
        p = em__exponent(p, &n.exponent);
        out->whole = out->whole && p == n.end;
    }
    if (count <= EM_NUMBER_DIGITS && n.exponent == 0)
        out->x = (double)n.digits;
    else if (count <= EM_NUMBER_DIGITS && n.digits <= (uint64_t)1 << 53 && n.exponent >= -22 && n.exponent <= 22)
        out->x = n.exponent < 0 ? (double)n.digits / tens[-n.exponent] : (double)n.digits * tens[n.exponent];
    else
        out->x = em__number_scale(&n, count);
    if (out->whole) {
        const uint64_t most = (uint64_t)INT64_MAX + n.negative;
        while (count > EM_NUMBER_DIGITS && *n.first == '0') n.first++, count--;
        out->whole = count <= EM_NUMBER_DIGITS && n.digits <= most && !(n.negative && n.digits == 0);
        out->i = (int64_t)(n.negative ? 0 - n.digits : n.digits);
    }
    if (n.negative) out->x = -out->x;
    return p;
}

#endif
