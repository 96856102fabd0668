/* The number of threads: chosen, tried out and started. */
#include "parallel/parallel.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/status.h"

int em__thread_count = 1;
_Thread_local bool em__alone;
static bool chosen;             /* em_set_threads was called */

/* libgomp ends the process where it cannot make a thread. So as many are made here first, with stacks as large as those
 * it will ask for, and one more for what it needs beside them; they wait until all are there, or one is refused. */
static pthread_mutex_t until_all;

static void *wait_for_all(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&until_all);
    pthread_mutex_unlock(&until_all);
    return NULL;
}

/* 0, or why the system refuses. Signals are for the thread that runs Lua. */
static int try_threads(int count)
{
    static pthread_t threads[EM_MAX_THREADS];
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_init(&until_all, NULL);
    pthread_mutex_lock(&until_all);
    int n = 0, error = 0;
    while (n < count && !(error = pthread_create(&threads[n], NULL, wait_for_all, NULL))) n++;
    pthread_mutex_unlock(&until_all);
    while (n > 0) pthread_join(threads[--n], NULL);
    pthread_mutex_destroy(&until_all);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* From now on every loop wakes the whole team: its threads are made once, here. */
static void start_team(void)
{
    int alive = 0;
#pragma omp parallel num_threads(em__thread_count) reduction(+ : alive)
    alive++;
    (void)alive;
}

em_status em_set_threads(int count)
{
    count = count < 1 ? 1 : count > EM_MAX_THREADS ? EM_MAX_THREADS : count;
    const int error = count > em__thread_count ? try_threads(count) : 0;
    if (error)
        return em__fail(EM_ENOMEM, "not enough memory: the system grants no team of %d threads (%s)", count,
                        strerror(error));
    chosen = true;
    em__thread_count = count;
    start_team();
    return EM_OK;
}

int em_threads(void) { return em__thread_count; }
int em_threads_available(void) { return omp_get_num_procs(); }
int em__thread(void) { return omp_get_thread_num(); }
bool em_in_parallel(void) { return omp_get_level() != 0; }

/* Without a choice made before, the environment's OMP_NUM_THREADS counts, else every processor; fewer where the system
 * grants no more. */
void em_start_threads(void)
{
    for (int count = omp_get_max_threads(); !chosen && em_set_threads(count); count /= 2) continue;
}
