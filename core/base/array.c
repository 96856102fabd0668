/* Growing an array: a new block of twice the capacity. */
#include "base/array.h"

#include <string.h>

enum { FIRST_BYTES = 1024, FIRST_ELEMENTS = 4 };

/* The pointer is copied as bytes, since it may be one to any type. */
em_status em__array_grow(void *block, int64_t *capacity, int64_t need, size_t each, const char *what)
{
    int64_t more = 2 * *capacity;
    if (more < FIRST_BYTES / (int64_t)each) more = FIRST_BYTES / (int64_t)each;
    if (more < FIRST_ELEMENTS) more = FIRST_ELEMENTS;
    if (more < need) more = need;
    void *old, *now = em__alloc((size_t)more * each);
    if (!now) return em__fail_memory(what, (size_t)more * each);
    memcpy(&old, block, sizeof old);
    if (old) memcpy(now, old, (size_t)*capacity * each);
    em__free(old, (size_t)*capacity * each);
    memcpy(block, &now, sizeof now);
    *capacity = more;
    return EM_OK;
}
