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
