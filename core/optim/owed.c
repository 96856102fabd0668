#include "optim/owed.h"

#include <string.h>

#include "parallel/parallel.h"

/* ---- paying -------------------------------------------------------------------------------------------- */

/* Threads may meet the same row, if ids repeat: who first says that it is done does it. */
static void pay_row(em_owed *o, int64_t row)
{
    const uint32_t all = (uint32_t)o->n;
    if (atomic_load_explicit(&o->done[row], memory_order_relaxed) == all) return;
    const uint32_t from = atomic_exchange_explicit(&o->done[row], all, memory_order_relaxed);
    if (from < all) o->catch_up(o, row, (int64_t)from, (int64_t)all);
}

static void pay(em_debt *d, const int64_t *ids, int64_t n)
{
    em_owed *o = (em_owed *)(void *)d;
    if (o->n == 0) return;
    if (!ids) n = d->rows;
    const uint8_t *frozen = o->frozen ? (const uint8_t *)o->frozen->data : NULL;
    EM_PARALLEL_CHUNKS(lo, hi, n, (double)o->rule->cost * (double)d->width)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t row = ids ? ids[i] : i;
            if (row >= 0 && row < d->rows && !(frozen && frozen[row])) pay_row(o, row);
        }
}

/* Everything paid, nothing noted down. False if an interrupt has left rows out. */
static bool start_anew(em_owed *o)
{
    pay(&o->base, NULL, 0);
    if (em__stop) return false;
    o->n = o->restless = 0;
    memset((void *)o->done, 0, o->done_bytes);
    return true;
}

/* ---- making -------------------------------------------------------------------------------------------- */

void em__owed_drop(em_owed *o)
{
    if (!o) return;
    for (int k = 0; k < EM_MAX_STATE; k++) em_tensor_release(o->state[k]);
    em_tensor_release(o->frozen);
    em__free(o->zeros, o->zeros_bytes);
    em__free((void *)o->done, o->done_bytes);
    em__free(o->moments, (size_t)o->room * sizeof *o->moments);
    em__free(o, sizeof *o);
}

static void release(em_debt *d) { em__owed_drop((em_owed *)(void *)d); }

static em_status make_room(em_owed *o)
{
    if (o->n < o->room || o->room == EM_MOST_MOMENTS) return EM_OK;
    const int64_t room = o->room ? 2 * o->room : 16;
    em_moment *moments = em__alloc((size_t)room * sizeof *moments);
    if (!moments) return em__fail_memory("steps that rows wait for", (size_t)room * sizeof *moments);
    if (o->n) memcpy(moments, o->moments, (size_t)o->n * sizeof *moments);
    for (int64_t k = 0; k < o->n; k++) moments[k].at.opts = &moments[k].opts;
    em__free(o->moments, (size_t)o->room * sizeof *o->moments);
    o->moments = moments;
    o->room = room;
    return EM_OK;
}

static em_status new_owed(em_owed **out, const em_update *u)
{
    em_owed *o = *out = em__alloc_zeroed(sizeof *o);
    if (!o) return em__fail_memory("what rows are owed", sizeof *o);
    o->base = (em_debt){.data = u->param->data, .rows = u->param->size[0], .width = u->width, .pay = pay,
                        .release = release};
    o->rule = u->rule;
    o->table = u->param->data;
    for (int k = 0; k < EM_MAX_STATE; k++)
        if (u->state[k]) em_tensor_retain(o->state[k] = u->state[k]);
    if (u->param->frozen) em_tensor_retain(o->frozen = u->param->frozen);
    o->zeros_bytes = (size_t)u->width * em_dtype_size(u->param->dtype);
    o->done_bytes = (size_t)u->param->size[0] * sizeof *o->done;
    o->zeros = em__alloc_zeroed(o->zeros_bytes);
    o->done = em__alloc_zeroed(o->done_bytes);
    if (!o->zeros || !o->done) return em__fail_memory("what rows are owed", o->zeros_bytes + o->done_bytes);
    return make_room(o);
}

/* Whether the next step can be noted down behind those before: same rule, table and state. */
static bool goes_on(const em_debt *d, const em_update *u)
{
    if (!d || d->release != release || d->data != u->param->data || d->rows != u->param->size[0]) return false;
    const em_owed *o = (const em_owed *)(const void *)d;
    return d->width == u->width && o->rule == u->rule && o->frozen == u->param->frozen &&
           !memcmp(o->state, u->state, sizeof o->state);
}

em_status em__owed_prepare(em_update *u)
{
    em_debt *d = u->param->storage->debt;
    if (!goes_on(d, u)) return new_owed(&u->owed, u);
    u->owed = (em_owed *)(void *)d;
    return make_room(u->owed);
}

bool em__owed_attach(em_update *u)
{
    em_storage *s = u->param->storage;
    if (s->debt == &u->owed->base) return true;
    if (s->debt) em__settle_storage(s);
    if (s->debt) return false;
    s->debt = &u->owed->base;
    return true;
}

/* ---- noting down --------------------------------------------------------------------------------------- */

bool em__owed_note(em_owed *o, const em_update *u, em_catch_up_fn *catch_up, em_any_fn *row)
{
    const bool other = o->n && o->row != row;
    if ((other || o->n == o->room) && !start_anew(o)) return false;
    em_moment *m = &o->moments[o->n++];
    m->at = *u;
    m->opts = *u->opts;
    m->at.opts = &m->opts;
    o->catch_up = catch_up;
    o->row = row;
    if (!u->rule->rests || !u->rule->rests(u->opts)) o->restless = o->n;
    return true;
}
