/* Status codes travel up; the sentence that explains them waits in a thread-local buffer. */
#ifndef EM_BASE_STATUS_H
#define EM_BASE_STATUS_H

#include "embla.h"

#if defined(__GNUC__)
#define EM_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define EM_PRINTF(a, b)
#endif

/* Records one sentence for em_error() and returns `code`. Never call it inside a parallel loop. */
em_status em__fail(em_status code, const char *format, ...) EM_PRINTF(2, 3);

/* "not enough memory (N bytes for WHAT)", EM_ENOMEM. */
em_status em__fail_memory(const char *what, size_t bytes);

#define EM_TRY(call) \
    do { \
        em_status em__s = (call); \
        if (em__s) return em__s; \
    } while (0)

#endif
