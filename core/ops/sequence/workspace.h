/* Tasks that need working memory each, in parallel. There are as many slots as threads will come, each with its own
 * memory; a task may run in any of them, so what it leaves behind must not depend on which. Tasks may call BLAS. */
#ifndef EM_OPS_WORKSPACE_H
#define EM_OPS_WORKSPACE_H

#include "math/blas.h"
#include "graph/op.h"

typedef void em_task(const void *job, int64_t task, em_real *memory);

/* Runs tasks 0 .. tasks-1 with `numbers` numbers of memory each, not cleared; `work` is that of all together, in the
 * units of parallel.h. `what` names the memory where there is none: EM_ENOMEM. */
static inline em_status em__in_workspaces(em_task *task, const void *job, int64_t tasks, int64_t numbers, double work,
                                          const char *what)
{
    const int64_t workspaces = em__max(1, em__min(em__team(work), tasks));
    numbers = (em__max(1, numbers) + 63) & ~(int64_t)63;        /* no two workspaces share a cache line */
    size_t bytes;
    const bool fits = !__builtin_mul_overflow((size_t)numbers * sizeof(em_real), (size_t)workspaces, &bytes);
    EM_TRY(em__blas_ready());
    em_real *memory = fits ? em__alloc(bytes) : NULL;
    if (!memory) return em__fail_memory(what, bytes);
    if (workspaces == 1)
        for (int64_t t = 0; t < tasks && !em__stop; t++) task(job, t, memory);
    else
        EM_PARALLEL_EACH(w, workspaces, work)
            for (int64_t t = w; t < tasks && !em__stop; t += workspaces) task(job, t, memory + w * numbers);
    em__free(memory, bytes);
    return EM_OK;
}

#endif
