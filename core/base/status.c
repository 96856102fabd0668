/* The sentence of the last error, one a thread. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char sentence[1024];

/* C writes the sign of a NaN, which says nothing. */
static void drop_nan_signs(char *text)
{
    while ((text = strstr(text, " -nan"))) memmove(text + 1, text + 2, strlen(text + 2) + 1);
}

em_status em__fail(em_status code, const char *format, ...)
{
    char text[sizeof sentence];     /* apart, since the sentence before may be one of the arguments */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    drop_nan_signs(text);
    memcpy(sentence, text, strlen(text) + 1);
    return code;
}

em_status em__fail_memory(const char *what, size_t bytes)
{
    return em__fail(EM_ENOMEM, "not enough memory (%zu bytes for %s)", bytes, what);
}

const char *em_error(void)
{
    return sentence;
}

const char *em_status_text(em_status status)
{
#define X(name, text) case name: return text;
    switch (status) { EM_STATUS_LIST(X) }
#undef X
    return "unknown status";
}
