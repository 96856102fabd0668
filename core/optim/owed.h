/* Steps that rows of a table wait for: sparse_mode "exact". A step by a row-sparse gradient moves the rows it lacks
 * too, as one by a dense gradient would, but they are let wait: the step is noted down as a moment, and a row goes
 * through all it has missed, in order, before it is seen or updated again. A step takes no longer than its touched rows
 * do, however large the table.
 *
 * The table's storage owns what is owed, which keeps the state tensors alive: the optimizer may go, the rows still get
 * their due. */
#ifndef EM_OPTIM_OWED_H
#define EM_OPTIM_OWED_H

#include <stdatomic.h>

#include "optim/rule.h"

/* One step as it was: its options and numbers. */
typedef struct em_moment {
    em_update at;               /* .opts is the next field; no tensors */
    em_opts opts;
} em_moment;

/* So many are noted down; then all rows get what they are owed at once, which must not take all too long. */
enum { EM_MOST_MOMENTS = 1 << 11 };

typedef struct em_owed em_owed;
typedef void em_any_fn(void);

typedef void em_catch_up_fn(const em_owed *o, int64_t row, int64_t from, int64_t to);

struct em_owed {
    em_debt base;
    const em_rule *rule;
    em_catch_up_fn *catch_up;   /* moments from .. to-1 for one row: the rule's, of its element type, … */
    em_any_fn *row;             /* … and its row function */
    char *table;
    em_tensor *state[EM_MAX_STATE];     /* kept */
    em_tensor *frozen;          /* kept: rows that are owed nothing; or null */
    char *zeros;                /* a row of them */
    _Atomic uint32_t *done;     /* (rows) moments that each row has been through */
    size_t zeros_bytes, done_bytes;
    int64_t n, room;
    int64_t restless;           /* from this moment on rows whose state is all zeros stay as they are */
    em_moment *moments;
};

/* Sets u->owed to that of its parameter's storage, with room for another moment; makes one if there is none yet that
 * goes on from there. u has its parameter and state. EM_ENOMEM. */
em_status em__owed_prepare(em_update *u);

/* Hands u->owed to the storage; one of somebody else's is settled first. False if an interrupt came in between: then
 * the step must not be done. */
bool em__owed_attach(em_update *u);

/* Releases one that was not handed over. Null is fine. */
void em__owed_drop(em_owed *o);

/* Adds the step of u as the last moment. False as em__owed_attach. */
bool em__owed_note(em_owed *o, const em_update *u, em_catch_up_fn *catch_up, em_any_fn *row);

/* Brings a row to where it was before the last moment, which is about to be done with its gradient. */
static inline void em__owed_pay_before(em_owed *o, int64_t row)
{
    const int64_t from = (int64_t)atomic_load_explicit(&o->done[row], memory_order_relaxed);
    atomic_store_explicit(&o->done[row], (uint32_t)o->n, memory_order_relaxed);
    if (from < o->n - 1) o->catch_up(o, row, from, o->n - 1);
}

#endif
