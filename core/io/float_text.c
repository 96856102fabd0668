/* Numbers whose float32 is left to strtof: long ones, very large and very small ones, and those beside the middle
 * between two floats. */
#define _GNU_SOURCE         /* strtof_l */
#include "io/float_text.h"

#include <locale.h>
#include <stdlib.h>

const double em__powers_of_ten[EM_FLOAT_POWERS] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
    1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38,
    1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45, 1e46, 1e47, 1e48, 1e49, 1e50, 1e51, 1e52, 1e53, 1e54, 1e55, 1e56, 1e57,
    1e58, 1e59, 1e60,
};

/* Numbers have a point, whatever locale the program has set. Made once, and kept. */
static locale_t plain;

em_status em__float_text_prepare(void)
{
    if (!plain) plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return plain ? EM_OK : em__fail_memory("a locale", 0);
}

/* Whether nothing but what decimal numbers are made of stands there: strtof takes more ("0x10", "nan(1)"). */
static bool is_decimal(const char *p, const char *end)
{
    static const char allowed[] = "0123456789+-.eEinfatyINFATY";
    for (; p < end; p++)
        if (!strchr(allowed, *p)) return false;
    return true;
}

const char *em__float_read_any(const char *p, float *out)
{
    char *end;
    if (!*p || em__is_whitespace(*p)) return NULL;      /* which strtof would skip */
    const float x = strtof_l(p, &end, plain);
    if (end == p || (*end && !em__is_whitespace(*end)) || !is_decimal(p, end)) return NULL;
    *out = x;
    return end;
}
