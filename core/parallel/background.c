/* A thread beside the team, which runs one job at a time. */
#include "parallel/background.h"

#include <pthread.h>
#include <signal.h>

#include "base/memory.h"
#include "base/status.h"

struct em__background {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*job)(void *);                /* NULL: none */
    void *with;
    bool closing;
};

/* The lock is held but while a job runs. */
static void *work(void *given)
{
    em__background *b = given;
    em__alone = true;
    pthread_mutex_lock(&b->lock);
    while (!b->closing) {
        if (b->job) {
            pthread_mutex_unlock(&b->lock);
            b->job(b->with);
            pthread_mutex_lock(&b->lock);
            b->job = NULL;
            pthread_cond_broadcast(&b->changed);
        } else {
            pthread_cond_wait(&b->changed, &b->lock);
        }
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* Signals are for the thread that runs Lua. */
static int start_thread(em__background *b)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&b->thread, NULL, work, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

em_status em__background_new(em__background **out, const char *owner)
{
    *out = NULL;
    em__background *b = em__alloc(sizeof *b);
    if (!b) return em__fail_memory("a thread", sizeof *b);
    *b = (em__background){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    if (start_thread(b)) {
        em__free(b, sizeof *b);
        return em__fail(EM_ENOMEM, "%s: the system grants no further thread", owner);
    }
    *out = b;
    return EM_OK;
}

/* With the lock held. */
static void wait_until_idle(em__background *b)
{
    while (b->job) pthread_cond_wait(&b->changed, &b->lock);
}

void em__background_free(em__background *b)
{
    if (!b) return;
    pthread_mutex_lock(&b->lock);
    wait_until_idle(b);
    b->closing = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->thread, NULL);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    em__free(b, sizeof *b);
}

void em__background_start(em__background *b, void (*job)(void *), void *with)
{
    pthread_mutex_lock(&b->lock);
    wait_until_idle(b);
    b->job = job;
    b->with = with;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

void em__background_wait(em__background *b)
{
    if (!b) return;
    pthread_mutex_lock(&b->lock);
    wait_until_idle(b);
    pthread_mutex_unlock(&b->lock);
}
