#include "parallel/parallel.h"

#include <omp.h>

_Atomic int em__stop;
_Atomic int64_t em__interrupts;
int em__thread_count = 1;
_Thread_local bool em__alone;
static bool chosen;             /* em_set_threads was called */

void em_set_threads(int count)
{
    chosen = true;
    em__thread_count = count < 1 ? 1 : count > EM_MAX_THREADS ? EM_MAX_THREADS : count;
}

int em_threads(void) { return em__thread_count; }
int em_threads_available(void) { return omp_get_num_procs(); }
int em__thread(void) { return omp_get_thread_num(); }
bool em_in_parallel(void) { return omp_get_level() != 0; }

/* Without a choice made before, the environment's OMP_NUM_THREADS counts, else every processor. The pool starts now
 * because libgomp ends the process when it cannot start a thread later. */
void em_start_threads(void)
{
    if (!chosen) em_set_threads(omp_get_max_threads());
    int alive = 0;
#pragma omp parallel num_threads(em__thread_count) reduction(+ : alive)
    alive++;
    (void)alive;
}

void em_interrupt(void)
{
    em__interrupts++;
    em__stop = 1;
}

bool em_interrupted(void) { return em__stop != 0; }
void em_clear_interrupt(void) { em__stop = 0; }
