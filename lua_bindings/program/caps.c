/* Caps on memory, such as ulimit -v sets. */
#define _GNU_SOURCE         /* CPU_COUNT */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "embla.h"
#include "program.h"

/* As Lua's own; but before Lua is refused, tensors give back what they keep for later. */
void *caps_allocate(void *context, void *block, size_t old, size_t size)
{
    (void)context, (void)old;
    if (size == 0) {
        free(block);
        return NULL;
    }
    void *p = realloc(block, size);
    if (p) return p;
    em_memory_trim();
    return realloc(block, size);
}

/* OpenBLAS maps a buffer for each thread when it is loaded, which is before main, and where it gets none it asks again
 * for ever. So what comes before all libraries looks whether there is room. Sanitizers are not awake yet. */
enum { MOST_BUFFERS = 64 };
static const size_t BUFFER = (size_t)128 << 20, LIBRARIES = (size_t)16 << 20;

static int openmp_threads(char **environment)
{
    static const char name[] = "OMP_NUM_THREADS=";
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    for (; environment && *environment; environment++) {
        if (strncmp(*environment, name, sizeof name - 1) != 0) continue;
        int asked = 0;
        for (const char *c = *environment + sizeof name - 1; *c >= '0' && *c <= '9' && asked < 1000; c++)
            asked = 10 * asked + (*c - '0');
        if (asked > 0 && asked < n) n = asked;
    }
    return n < MOST_BUFFERS ? n : MOST_BUFFERS;
}

__attribute__((unused)) static void look_for_room(int argc, char **argv, char **environment)
{
    static const char text[] =
        "embla: not enough memory to start: OpenBLAS wants 128 MB of addresses for each thread (raise ulimit -v, or "
        "set OMP_NUM_THREADS=1)\n";
    (void)argc, (void)argv;
    const size_t bytes = (size_t)openmp_threads(environment) * BUFFER + LIBRARIES;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED) {
        munmap(p, bytes);
        return;
    }
    if (write(STDERR_FILENO, text, sizeof text - 1)) _exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ASLEEP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ASLEEP 1
#endif
#endif
#ifndef ASLEEP
__attribute__((section(".preinit_array"), used)) static void (*const before_libraries)(int, char **, char **) =
    look_for_room;
#endif
