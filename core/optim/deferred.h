/* Deferred updates of table rows: sparse_mode "exact". A step by a row-sparse gradient moves the rows it lacks too, as
 * one by a dense gradient would, but their update is deferred: the step is recorded, and a row goes through all steps
 * it has missed, in order, before it is read or updated again. A step takes no longer than its touched rows do, however
 * large the table.
 *
 * The table's storage owns its deferred updates, and these keep the state tensors alive: the optimizer may be released
 * first, the rows still get their updates. */
#ifndef EM_OPTIM_DEFERRED_H
#define EM_OPTIM_DEFERRED_H

#include <stdatomic.h>

#include "base/array.h"
#include "optim/rule.h"

/* One step as it was: its options and numbers. */
typedef struct em_recorded_step {
    em_update at;               /* .opts is the next field; no tensors */
    em_opts opts;
} em_recorded_step;

/* So many are recorded; then all rows go through them at once, which must not take all too long. */
enum { EM_MOST_RECORDED = 1 << 11 };

typedef struct em_deferred em_deferred;
typedef void em_any_fn(void);

typedef void em_catch_up_fn(const em_deferred *d, int64_t row, int64_t from, int64_t to);

struct em_deferred {
    em_pending base;
    const em_rule *rule;
    em_catch_up_fn *catch_up;   /* steps from .. to-1 for one row: the rule's, of its element type, … */
    em_any_fn *row;             /* … and its row function */
    char *table;
    em_tensor *state[EM_MAX_STATE];     /* kept */
    em_tensor *frozen;          /* kept: rows that are never updated; or null */
    char *zeros;                /* a row of them */
    _Atomic uint32_t *done;     /* (rows) steps that each row has been through */
    size_t zeros_bytes, done_bytes;
    int64_t lazy_from;          /* from this step on rows whose state is all zeros stay as they are */
    EM_ARRAY(em_recorded_step) steps;
};

/* Sets u->deferred to that of its parameter's storage, with memory for another step; makes one if there is none yet
 * that goes on from there. u has its parameter and state. EM_ENOMEM. */
em_status em__deferred_prepare(em_update *u);

/* Hands u->deferred to the storage; updates that another optimizer has deferred are applied first. False if an
 * interrupt came in between: then the step must not be done. */
bool em__deferred_attach(em_update *u);

/* Releases one that was not handed over. Null is fine. */
void em__deferred_drop(em_deferred *d);

/* Adds the step of u as the last. False as em__deferred_attach. */
bool em__deferred_record(em_deferred *d, const em_update *u, em_catch_up_fn *catch_up, em_any_fn *row);

/* Brings a row to where it was before the last step, which is about to be done with its gradient. */
static inline void em__deferred_apply_before(em_deferred *d, int64_t row)
{
    const int64_t from = (int64_t)atomic_load_explicit(&d->done[row], memory_order_relaxed);
    atomic_store_explicit(&d->done[row], (uint32_t)d->steps.n, memory_order_relaxed);
    if (from < d->steps.n - 1) d->catch_up(d, row, from, d->steps.n - 1);
}

#endif
