/* Names, sizes and ranges of the dtypes. */
#include <math.h>
#include <string.h>

#include "embla.h"

const char *em_dtype_name(em_dtype dtype)
{
    static const char *const names[] = {
#define X(constant, type, name) name,
#include "tensor/dtype.def"
#undef X
    };
    return names[dtype];
}

size_t em_dtype_size(em_dtype dtype)
{
    static const unsigned char sizes[] = {
#define X(constant, type, name) sizeof(type),
#include "tensor/dtype.def"
#undef X
    };
    return sizes[dtype];
}

bool em_dtype_parse(em_dtype *out, const char *name)
{
    for (int d = 0; d < EM_DTYPES; d++)
        if (!strcmp(em_dtype_name((em_dtype)d), name)) {
            *out = (em_dtype)d;
            return true;
        }
    return false;
}

bool em_dtype_holds_int(em_dtype dtype, int64_t value)
{
    if (dtype == EM_I32) return value >= INT32_MIN && value <= INT32_MAX;
    return dtype != EM_U8 || (value >= 0 && value <= UINT8_MAX);
}

bool em_dtype_holds(em_dtype dtype, double value)
{
    if (em_dtype_is_float(dtype) || dtype == EM_BOOL) return true;
    const double integer = trunc(value);
    return integer >= -0x1p63 && integer < 0x1p63 && em_dtype_holds_int(dtype, (int64_t)integer);
}
