/* Between a call by name and its kernel: what registry.c knows of an operation, and a call in the making, which op.c
 * and apply_inplace.c share. Not for kernels. */
#ifndef EM_GRAPH_CALL_H
#define EM_GRAPH_CALL_H

#include "graph/op.h"
#include "tensor/half.h"

/* ---- registry.c ---------------------------------------------------------------------------------------- */

/* What a descriptor's text says, read once, and the descriptors compiled for each dtype and this processor. */
typedef struct em_info {
    bool ready, any_number;
    signed char least, most;            /* inputs */
    signed char named;                  /* outputs that are not hidden */
    em_input_spec inputs[EM_MAX_INPUTS + 1];
    bool contiguous[EM_MAX_INPUTS];     /* '=': contiguous although the op takes strides */
    signed char n_opts, list;           /* options; which of them is the list of integers, -1 if none is */
    const em_op *variant[EM_DTYPES];    /* null: there is none */
    em_opts defaults;
} em_info;

const em_info *em__info(const em_op *op);

/* Copies the options that the operation has. The rest of `to` stays as it is: nobody reads it. */
void em__opts_copy(em_opts *to, const em_opts *from, const em_info *f);

/* ---- promote.c ----------------------------------------------------------------------------------------- */

int em__category(em_dtype d);           /* 0 bool, 1 integer, 2 float: a higher one cannot be kept in a lower */

/* ---- op.c ---------------------------------------------------------------------------------------------- */

enum { EM_FEW_INPUTS = 16 };

typedef struct em_attempt {
    em_call call;
    em_tensor *few[EM_FEW_INPUTS], **in;        /* inputs as the kernel sees them: new references */
    int n;
    em_dtype half;                              /* results are rounded to this; EM_DTYPES if they are not */
} em_attempt;

/* Kernels see every input, so optional ones left off at the end are given as null. */
em_tensor *const *em__pad(const em_info *f, em_tensor *const *inputs, int *n, em_tensor *padded[EM_MAX_INPUTS]);

/* Everything up to the kernel: a->call is complete but for its results. Drop inputs and outputs also on failure. */
em_status em__prepare(em_attempt *a, const em_op *op, const em_info *f, em_tensor *const *inputs, int n,
                      const em_opts *opts, em_rng *rng);
/* Check and forward. What the kernel wrote over an input that it saw converted (running statistics) goes back. */
em_status em__compute(em_attempt *a, em_tensor *const *inputs);

/* Gives `to`, which holds the values of `from` in another dtype or place, the history of `from`. */
void em__hand_over(em_tensor *from, em_tensor *to);

void em__drop_inputs(em_attempt *a);
void em__drop_outputs(em_call *c, int from);

/* While gradients are recorded: views whose base has been changed in place get a history that knows of it. */
em_status em__refresh_all(em_tensor *const *inputs, int n);

/* Whether a call of `op` is to be recorded. */
bool em__wants_history(const em_op *op, em_tensor *const *inputs, int n);

#endif
