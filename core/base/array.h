/* Arrays that grow: elements in one block of the core's allocator, the first n in use. One of all zeros is empty.
 *
 *     EM_ARRAY(int64_t) ids = {0};
 *     EM_TRY(EM_ARRAY_RESERVE(&ids, 1, "a list of ids"));
 *     ids.at[ids.n++] = 7;
 *     EM_ARRAY_FREE(&ids); */
#ifndef EM_BASE_ARRAY_H
#define EM_BASE_ARRAY_H

#include "base/memory.h"
#include "base/status.h"

#define EM_ARRAY(type) struct { type *at; int64_t n, capacity; }

/* Capacity for `more` elements behind those in use, which may move. EM_ENOMEM says what `what` needs; the array then
 * stays as it was. */
#define EM_ARRAY_RESERVE(a, more, what) \
    ((a)->capacity - (a)->n >= (more) \
         ? EM_OK : em__array_grow(&(a)->at, &(a)->capacity, (a)->n + (more), sizeof *(a)->at, what))
#define EM_ARRAY_FREE(a) em__free((a)->at, (size_t)(a)->capacity * sizeof *(a)->at)

/* `block` is the address of a pointer to *capacity elements of `each` bytes: now to twice as many, `need` at least. */
em_status em__array_grow(void *block, int64_t *capacity, int64_t need, size_t each, const char *what);

#endif
