/* What BLAS needs before it multiplies on several threads: its own threads off, its buffers mapped. */
#include "math/blas.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "parallel/parallel.h"

/* OpenBLAS's own; absent in other libraries. */
extern void openblas_set_num_threads(int count) __attribute__((weak));
extern int openblas_get_parallel(void) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern void *blas_memory_alloc(int where) __attribute__((weak));
extern void blas_memory_free(void *buffer) __attribute__((weak));

/* Inside a parallel region an OpenMP build of OpenBLAS stays on its thread by itself. Outside it takes as many threads
 * as OpenMP would by default, which concerns nobody else: our own loops name their number. */
void em__blas_quiet(void)
{
    static atomic_bool asked;
    if (!asked && !atomic_exchange(&asked, true) && openblas_set_num_threads) openblas_set_num_threads(1);
    if (omp_get_max_threads() != 1) omp_set_num_threads(1);
}

/* OpenBLAS maps a buffer for each thread that multiplies, keeps it, and where none is to be had asks again for ever.
 * So they are mapped here, once there is room for them. Its table has room for twice MOST. */
enum { MOST = 64 };
static const size_t BUFFER = (size_t)128 << 20;

static int buffers;                     /* mapped so far */

static bool can_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return false;
    munmap(p, bytes);
    return true;
}

em_status em__blas_ready(void)
{
    em__blas_quiet();
    const int wanted = (int)em__min(em__thread_count, MOST);
    if (wanted <= buffers || !blas_memory_alloc || !blas_memory_free) return EM_OK;
    const size_t bytes = (size_t)(wanted - buffers) * BUFFER;
    if (!can_map(bytes)) return em__fail_memory("the buffers in which BLAS multiplies, one a thread", bytes);
    void *held[MOST];
    for (int i = 0; i < wanted; i++) held[i] = blas_memory_alloc(0);
    for (int i = 0; i < wanted; i++) blas_memory_free(held[i]);
    buffers = wanted;
    return EM_OK;
}

const char *em_blas(void)
{
    static char text[64];
    static const char *const kinds[] = {"one thread", "plain threads", "OpenMP"};
    if (!openblas_get_config || !openblas_get_parallel) return "a BLAS that is not OpenBLAS";
    const char *config = openblas_get_config();             /* "OpenBLAS 0.3.21 …" */
    const size_t name = strcspn(config, " "), version = config[name] ? strcspn(config + name + 1, " ") + 1 : 0;
    const int kind = openblas_get_parallel();
    snprintf(text, sizeof text, "%.*s (%s)", (int)em__min((int64_t)(name + version), 40), config,
             kind >= 0 && kind <= 2 ? kinds[kind] : "?");
    return text;
}
