/* Deferred updates of table rows: recording a step, and applying the steps that rows have missed. */
#include "optim/deferred.h"

#include <string.h>

#include "parallel/parallel.h"

/* ---- applying ------------------------------------------------------------------------------------------ */

/* Threads may meet the same row, if ids repeat: who first says that it is done does it. */
static void apply_to_row(em_deferred *d, int64_t row)
{
    const uint32_t all = (uint32_t)d->steps.n;
    if (atomic_load_explicit(&d->done[row], memory_order_relaxed) == all) return;
    const uint32_t from = atomic_exchange_explicit(&d->done[row], all, memory_order_relaxed);
    if (from < all) d->catch_up(d, row, (int64_t)from, (int64_t)all);
}

static void apply(em_pending *p, const int64_t *ids, int64_t n)
{
    em_deferred *d = (em_deferred *)(void *)p;
    if (d->steps.n == 0) return;
    if (!ids) n = p->rows;
    const uint8_t *frozen = d->frozen ? (const uint8_t *)d->frozen->data : NULL;
    EM_PARALLEL_CHUNKS(lo, hi, n, (double)d->rule->cost * (double)p->width)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t row = ids ? ids[i] : i;
            if (row >= 0 && row < p->rows && !(frozen && frozen[row])) apply_to_row(d, row);
        }
}

/* Everything applied, nothing recorded. False if an interrupt has left rows out. */
static bool start_anew(em_deferred *d)
{
    apply(&d->base, NULL, 0);
    if (em__stop) return false;
    d->steps.n = d->lazy_from = 0;
    memset((void *)d->done, 0, d->done_bytes);
    return true;
}

/* ---- making -------------------------------------------------------------------------------------------- */

void em__deferred_drop(em_deferred *d)
{
    if (!d) return;
    for (int k = 0; k < EM_MAX_STATE; k++) em_tensor_release(d->state[k]);
    em_tensor_release(d->frozen);
    em__free(d->zeros, d->zeros_bytes);
    em__free((void *)d->done, d->done_bytes);
    EM_ARRAY_FREE(&d->steps);
    em__free(d, sizeof *d);
}

static void release(em_pending *p) { em__deferred_drop((em_deferred *)(void *)p); }

static em_status reserve_step(em_deferred *d)
{
    if (d->steps.n == EM_MOST_RECORDED) return EM_OK;
    const int64_t capacity = d->steps.capacity;
    EM_TRY(EM_ARRAY_RESERVE(&d->steps, 1, "deferred steps"));
    if (d->steps.capacity == capacity) return EM_OK;
    for (int64_t k = 0; k < d->steps.n; k++) d->steps.at[k].at.opts = &d->steps.at[k].opts;     /* have moved */
    return EM_OK;
}

static em_status new_deferred(em_deferred **out, const em_update *u)
{
    em_deferred *d = *out = em__alloc_zeroed(sizeof *d);
    if (!d) return em__fail_memory("deferred updates", sizeof *d);
    d->base = (em_pending){.data = u->param->data, .rows = u->param->size[0], .width = u->width, .apply = apply,
                           .release = release};
    d->rule = u->rule;
    d->table = u->param->data;
    for (int k = 0; k < EM_MAX_STATE; k++)
        if (u->state[k]) em_tensor_retain(d->state[k] = u->state[k]);
    if (u->param->frozen) em_tensor_retain(d->frozen = u->param->frozen);
    d->zeros_bytes = (size_t)u->width * em_dtype_size(u->param->dtype);
    d->done_bytes = (size_t)u->param->size[0] * sizeof *d->done;
    d->zeros = em__alloc_zeroed(d->zeros_bytes);
    d->done = em__alloc_zeroed(d->done_bytes);
    if (!d->zeros || !d->done) return em__fail_memory("deferred updates", d->zeros_bytes + d->done_bytes);
    return reserve_step(d);
}

/* Whether the next step can be recorded behind those before: same rule, table and state. */
static bool goes_on(const em_pending *p, const em_update *u)
{
    if (!p || p->release != release || p->data != u->param->data || p->rows != u->param->size[0]) return false;
    const em_deferred *d = (const em_deferred *)(const void *)p;
    return p->width == u->width && d->rule == u->rule && d->frozen == u->param->frozen &&
           !memcmp(d->state, u->state, sizeof d->state);
}

em_status em__deferred_prepare(em_update *u)
{
    em_pending *p = u->param->storage->pending;
    if (!goes_on(p, u)) return new_deferred(&u->deferred, u);
    u->deferred = (em_deferred *)(void *)p;
    return reserve_step(u->deferred);
}

bool em__deferred_attach(em_update *u)
{
    em_storage *s = u->param->storage;
    if (s->pending == &u->deferred->base) return true;
    if (s->pending) em__storage_apply_pending(s);
    if (s->pending) return false;
    s->pending = &u->deferred->base;
    return true;
}

/* ---- recording ----------------------------------------------------------------------------------------- */

bool em__deferred_record(em_deferred *d, const em_update *u, em_catch_up_fn *catch_up, em_any_fn *row)
{
    const bool other = d->steps.n && d->row != row;
    if ((other || d->steps.n == EM_MOST_RECORDED) && !start_anew(d)) return false;
    em_recorded_step *step = &d->steps.at[d->steps.n++];
    step->at = *u;
    step->opts = *u->opts;
    step->at.opts = &step->opts;
    d->catch_up = catch_up;
    d->row = row;
    if (!u->rule->is_lazy || !u->rule->is_lazy(u->opts)) d->lazy_from = d->steps.n;
    return true;
}
