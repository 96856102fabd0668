/* Decimal numbers in text as float32: the nearest one to what is written, as strtof gives it in the locale "C". The
 * nearest double (number.h) rounded once more would now and then be another one. */
#ifndef EM_IO_FLOAT_TEXT_H
#define EM_IO_FLOAT_TEXT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

/* Before the first number is read. Main thread only. EM_ENOMEM. */
em_status em__float_text_prepare(void);

/* The number that the text from `p` to the next whitespace is: [+-] digits with a point somewhere, and an exponent, or
 * inf, infinity, nan, in capitals or small letters. Returns where it ends; null: it is no number. What ends the text
 * must be whitespace or a zero byte. */
static inline const char *em__float_read(const char *p, float *out);

/* ---- what the above is made of --------------------------------------------------------------------------- */

enum { EM_FLOAT_POWERS = 61, EM_FLOAT_DIGITS = 18 };
extern const double em__powers_of_ten[EM_FLOAT_POWERS];

/* Any number; slow, and the judge of what is none. */
const char *em__float_read_any(const char *p, float *out);

static inline bool em__is_whitespace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* digits * 10^exponent, if that can be told to be the nearest float32. It is computed as a double, of which three
 * roundings (digits, power, product) leave at most 2 units in the last place unsure: enough unless it is that near to
 * the middle between two floats, or where these lie closer together or end. */
static inline bool em__float_scale(uint64_t digits, int exponent, float *out)
{
    if (digits == 0) {
        *out = 0;
        return true;
    }
    if (exponent >= EM_FLOAT_POWERS || exponent <= -EM_FLOAT_POWERS) return false;
    const double whole = (double)digits;
    const double x = exponent < 0 ? whole / em__powers_of_ten[-exponent] : whole * em__powers_of_ten[exponent];
    if (!(x >= 1.2e-38 && x <= 3.4e38)) return false;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int64_t below = (int64_t)(bits & 0x1FFFFFFF) - 0x10000000;
    if (below >= -4 && below <= 4 && below) return false;
    if (!below && (exponent || digits >> 53)) return false;     /* the middle itself, where the double is exact */
    *out = (float)x;
    return true;
}

static inline const char *em__float_read(const char *p, float *out)
{
    const char *const start = p;
    const bool negative = *p == '-';
    p += negative || *p == '+';
    uint64_t digits = 0;
    unsigned digit;
    const char *const first = p;
    while ((digit = (unsigned)(unsigned char)*p - '0') < 10) {
        digits = 10 * digits + digit;
        p++;
    }
    int64_t written = p - first, exponent = 0;
    if (*p == '.') {
        const char *const point = ++p;
        while ((digit = (unsigned)(unsigned char)*p - '0') < 10) {
            digits = 10 * digits + digit;
            p++;
        }
        exponent = point - p;
        written -= exponent;
    }
    if (written == 0 || written > EM_FLOAT_DIGITS) return em__float_read_any(start, out);
    if (*p == 'e' || *p == 'E') {
        p++;
        const bool small = *p == '-';
        p += small || *p == '+';
        const char *const power = p;
        int64_t given = 0;
        while ((digit = (unsigned)(unsigned char)*p - '0') < 10 && p - power < 6) {
            given = 10 * given + digit;
            p++;
        }
        if (p == power) return NULL;
        exponent += small ? -given : given;
    }
    float x;
    if ((*p && !em__is_whitespace(*p)) || !em__float_scale(digits, (int)exponent, &x))
        return em__float_read_any(start, out);
    *out = negative ? -x : x;
    return p;
}

#endif
