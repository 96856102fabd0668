/* The one allocator of the core: sized blocks, cached by size class, counted, and able to fail on demand. */
#ifndef EM_BASE_MEMORY_H
#define EM_BASE_MEMORY_H

#include <stddef.h>

#include "embla.h"

/* Whether this is a build with AddressSanitizer. */
#if defined(__SANITIZE_ADDRESS__)
#define EM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EM_SANITIZED 1
#endif
#endif
#ifndef EM_SANITIZED
#define EM_SANITIZED 0
#endif

/* `bytes` of memory aligned to 64, not cleared; NULL when there is none. em__free needs the same `bytes`.
 * Main thread only: never call these inside a parallel region. */
void *em__alloc(size_t bytes);
void *em__alloc_zeroed(size_t bytes);
void em__free(void *block, size_t bytes);
void em__free_zeros(void *block, size_t bytes);         /* all are 0: the next em__alloc_zeroed need not clear them */

/* For libraries that give a block back without its size: aligned to 16; null is fine for the second. */
void *em__alloc_sized(size_t bytes);
void em__free_sized(void *p);

#endif
