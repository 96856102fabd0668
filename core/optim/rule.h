/* What an update rule is: a descriptor with everything about it, in one file of core/optim, compiled once for each
 * variant (element type and instruction set). Its formula stands once, in a row function: n elements of a parameter,
 * of its gradient and of its state. apply.h takes it over a dense tensor, or over the rows that a row-sparse gradient
 * touches. In sparse_mode "exact" the step of the others, by a gradient of zeros, is deferred (deferred.h). A step goes
 *
 *     em_rule_steps (rule.c): check, make state, group the entries of sparse gradients; only this can fail
 *       -> run      numbers of the step in double (bias corrections), then em__update (apply.h)
 */
#ifndef EM_OPTIM_RULE_H
#define EM_OPTIM_RULE_H

#include "base/memory.h"
#include "base/status.h"
#include "tensor/sparse/row_sparse.h"
#include "tensor/tensor.h"

enum em_rule_flags {
    EM_RULE_SPARSE_ONLY = 1,    /* refuses dense gradients */
    EM_RULE_ROWS_ONLY = 2,      /* the row function takes whole rows: it has numbers of its own for each */
};

/* What a state tensor looks like. */
typedef enum em_state_kind {
    EM_STATE_LIKE,              /* like the parameter */
    EM_STATE_ROW,               /* (V): one number a row; (1) for a 0-d parameter */
    EM_STATE_NUMBER,            /* 0-d float32 whatever the parameter, as in PyTorch: one number */
} em_state_kind;

enum { EM_UPDATE_NUMBERS = 10 };

/* One update of one parameter, prepared. */
typedef struct em_update {
    const em_rule *rule;
    em_tensor *param;                   /* contiguous: the parameter, or a copy to be written back */
    em_tensor *grad;                    /* contiguous, or row-sparse */
    em_tensor *state[EM_MAX_STATE];     /* null where the options do not ask for it */
    const em_opts *opts;
    int64_t step;
    unsigned fresh;                     /* bit k: state k was made for this update */
    bool defers;                        /* of a row-sparse gradient: rows it lacks are updated later, by zeros, … */
    struct em_deferred *deferred;       /* … and the step is recorded here */
    int64_t width;                      /* elements a row */
    const uint8_t *frozen;              /* (rows) those to pass over, with their state; or null */
    const em_groups *groups;            /* of a row-sparse gradient; null if it has no entries. Of a dense one, the
                                         * rows that move, where that is known; null: all */
    char *scratch;                      /* a row for each thread, each at a multiple of scratch_step bytes; or null */
    size_t scratch_step, scratch_bytes;
    double number[EM_UPDATE_NUMBERS];   /* the rule's own: what `run` works out before em__update */
} em_update;

struct em_rule {
    const char *name;
    const char *doc;                    /* formula, sparse gradients, source; the first line is a sentence */
    const em_opt_spec *opts;            /* of a NUMBER, `choices` is its range: ">= 0", "[0, 1)" */
    const char *state;                  /* names of the state tensors */
    em_state_kind kinds[EM_MAX_STATE];
    unsigned flags;
    int cost;                           /* operations an element, roughly */
    int sparse_mode;                    /* number of the option of that name */
    em_status (*check)(const em_opts *opts);                    /* null: ranges say all */
    unsigned (*needs)(const em_opts *opts);                     /* mask of state tensors; null: all */
    double (*initial)(const em_opts *opts, int k);              /* value state k starts with; null: 0 */
    bool (*moves_absent)(const em_opts *opts);                  /* whether rows of zero gradient move; null: they do */
    bool (*is_lazy)(const em_opts *opts);   /* whether a gradient of 0 leaves a row as it is while its state is 0;
                                             * null: no */
    void (*run)(em_update *u);
};

enum { EM_LAZY, EM_EXACT };             /* sparse_mode */
#define EM_OPT_SPARSE_MODE(initial, doc) {"sparse_mode", EM_OPT_ENUM, initial, "lazy exact", doc}
#define EM_SPARSE_DOC \
    "Sparse gradients update the touched rows, moments and decay of the others rest (lazy). With sparse_mode =\n" \
    "\"exact\" the others move too, as by a gradient of 0: a row goes through the steps it has missed, in order,\n" \
    "when it is next touched, looked up or read, and has then the bits that dense gradients would have given it.\n"
#define EM_OPT_MAXIMIZE {"maximize", EM_OPT_BOOL, "false", "", "climb instead of descend"}
#define EM_OPT_END {NULL, EM_OPT_NUMBER, "", "", ""}

/* Rows up to this many elements are summed on the stack. */
enum { EM_STACK_ROW = 1024 };

#endif
