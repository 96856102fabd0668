/* What an operation is: a descriptor with everything about it, in one file of core/ops, compiled once for each variant
 * (element type and instruction set) that the list in ops.def asks for. A call of it goes
 *
 *     em_apply (op.c): promote dtypes, make inputs contiguous, pick the variant
 *       -> check     shapes and options; makes the results with em__out; records what is wrong with em__fail
 *       -> forward   computes; the results are there
 *       -> node      if a gradient may be asked for, the call is recorded: shapes of inputs and results, and the
 *                    values that `saves` names
 *     em_backward (backward.c): for each recorded call, once all of n->dy has arrived
 *       -> backward  makes a new dx[i] for each input that em__wants; the engine adds what comes from several uses
 */
#ifndef EM_GRAPH_OP_H
#define EM_GRAPH_OP_H

#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "tensor/position.h"
#include "tensor/scalar.h"
#include "tensor/shape.h"
#include "tensor/tensor.h"

#ifdef EM_VARIANT
#define EM_OP(name) EM__NAME(em_op_, name, EM_VARIANT)
#endif

typedef struct em_node em_node;

/* One call, as check and forward see it. */
typedef struct em_call {
    const em_op *op;
    const struct em_info *info;         /* call.h */
    int n;                              /* inputs */
    em_tensor *const *in;               /* promoted and contiguous as the op's flags say; null: optional one left out */
    em_opts opts;
    em_rng *rng;
    em_dtype dtype;                     /* of the value inputs: the element type of this variant, if it computes */
    bool recorded;                      /* backward may follow: fill the hidden outputs */
    unsigned saves;                     /* the op's; check may take bits away that this call does not need */
    em_tensor *into;                    /* in place: result 0 goes here if it fits */
    em_tensor *out[EM_MAX_OUT];
} em_call;

enum em_op_types {
    EM_TYPES_FLOAT,     /* float32 or float64; integers are converted to float32 */
    EM_TYPES_ALL,       /* every dtype, after promotion: the file is compiled for each (list ANY in ops.def) */
    EM_TYPES_MOVE,      /* every dtype, after promotion; the op moves elements by size (list MOVE), compiled once */
};

enum em_op_flags {
    EM_OP_STRIDED = 1,      /* takes value inputs with any strides; otherwise they come contiguous */
    EM_OP_VIEW = 2,         /* the result shares the input's storage: check makes it, there is no forward */
    EM_OP_INPLACE = 4,      /* name_ exists: the result has input 0's shape and may be written over it elementwise */
    EM_OP_RANDOM = 8,       /* draws from c->rng */
    EM_OP_STRIDED_DY = 16,  /* backward takes dy with any strides; otherwise it comes contiguous */
    EM_OP_NO_PROMOTE = 32,  /* value inputs keep their own dtypes; the variant is that of the first */
    EM_OP_METHOD_ONLY = 64, /* shown as a tensor method, not in F */
    EM_OP_HALF_AS_IT_IS = 128, /* forward moves halves without computing; others see float32 in their place */
    EM_OP_LOOKUP = 256,     /* reads, of the table that follows the ids among the inputs, only the rows they name */
    EM_OP_WIDE = 512,       /* takes values that are neither float32 nor float64 as float64 */
    EM_OP_INTO_FIRST = 1024, /* puts numbers into input 0, whose dtype stays if it can hold them */
    EM_OP_MODULAR = 2048,   /* integers wrap around, and so does a plain number that its neighbours' dtype lacks */
    EM_OP_COMPARES = 4096,  /* of two inputs; a plain number is compared as it is, not as their dtype would have it */
    EM_OP_REAL_OPTS = 16384, /* takes integers as floats where an option was given as one */
    EM_OP_POSITIONS = 8192, /* in place it writes where ids or a mask say, and so must not read what it writes to */
};

/* What backward needs the values (not just the shapes) of. */
#define EM_SAVE_X(i) (1u << (i))                /* inputs 0 .. 15; EM_SAVE_X(15) for all of a list */
#define EM_SAVE_Y(k) (1u << (16 + (k)))         /* results */

struct em_op {
    const char *name;                   /* what messages call it: the function that scripts know */
    const char *key;                    /* what it is found by, where that is another name; or null */
    const char *inputs;                 /* "input weight#?": '#' integer ids, '!' a bool mask, '?' may be left out,
                                         * '=' contiguous even if EM_OP_STRIDED; "*": any number of tensors */
    const char *outputs;                /* "values indices"; hidden outputs in brackets: "y [mask]" */
    const char *doc;                    /* what it computes, shapes, errors; the first line is a sentence */
    const em_opt_spec *opts;            /* or null */
    enum em_op_types types;
    unsigned flags, saves;
    em_status (*check)(em_call *c);
    em_status (*forward)(em_call *c);
    em_status (*backward)(const em_node *n, em_tensor **dx);   /* null: not differentiable */
};

static inline const char *em__key(const em_op *op) { return op->key ? op->key : op->name; }

/* ---- for check ----------------------------------------------------------------------------------------- */

/* Makes result k, or takes the tensor given to an in-place call. */
em_status em__out(em_call *c, int k, em_dtype dtype, int dims, const int64_t *sizes);
em_status em__out_like(em_call *c, int k, const em_tensor *shape_of);

/* Fails unless the tensor has so many dims; `what` is the input's name. */
em_status em__check_dims(const em_call *c, const em_tensor *t, int dims, const char *what);
em_status em__check_same_shape(const em_call *c, const em_tensor *a, const char *a_name, const em_tensor *b,
                               const char *b_name);

/* All of an INTS option as dims of a tensor of `dims`, wrapped, each once, into a mask of bits; none given, or no
 * options at all: all dims. */
em_status em__dim_mask(const em_op *op, const em_opts *opts, int opt, int dims, unsigned *mask);

/* ---- the recorded call, for backward ------------------------------------------------------------------- */

struct em_var;

struct em_node {
    int64_t refs;
    const em_op *op;
    em_dtype dtype;
    int n, n_out;
    bool freed;                         /* saved values given back after a backward */
    uint16_t numbers;                   /* bit i: input i was a plain number or left out, as far as there is room */
    uint64_t mark;                      /* the last traversal that saw it */
    em_node *next;                      /* for the list of the dead */
    em_tensor **x;                      /* n: inputs as forward saw them; without data unless saved */
    em_tensor **y;                      /* n_out: results, hidden ones included; likewise; null unless saved */
    em_tensor **dy;                     /* n_out: gradients of the results, dense, of the node's dtype; null: zeros */
    struct em_var **in;                 /* n: where dx goes; null where none is wanted */
    struct em_var **results;            /* n_out: the results' variables while they live; not owned */
    int64_t *versions;                  /* n + n_out: of saved values */
    struct em_outside *outside;         /* of a function written outside the core (graph/function.c) */
    em_checkpoint *checkpoint;          /* that makes the values again (graph/checkpoint.c) */
    int64_t position;                   /* in its list */
    char *where;                        /* where the call was made, if it was asked (graph/trace.c) */
    em_opts opts;                       /* those that the operation has */
};

static inline bool em__wants(const em_node *n, int i) { return n->in[i] != NULL; }

/* Fails if a gradient is asked for input i, named `what`, which has none. */
static inline em_status em__no_gradient(const em_node *n, int i, const char *what)
{
    if (!em__wants(n, i)) return EM_OK;
    return em__fail(EM_EGRAD, "%s: there is no gradient for %s; give it detached", n->op->name, what);
}

/* dx[i], fresh, of x[i]'s shape and the node's dtype: not cleared, or zeros. */
em_status em__dx(em_tensor **dx, const em_node *n, int i);
em_status em__dx_zeros(em_tensor **dx, const em_node *n, int i);

/* dy summed over the dims in which x was repeated to reach its shape; dy itself (a new reference) if none was. */
em_status em__sum_to(em_tensor **out, em_tensor *dy, const em_tensor *x);

/* ---- options ------------------------------------------------------------------------------------------- */

void em__opts_default(em_opts *opts, const em_opt_spec *specs);

/* dtype to which the tensors (those with counts[i], or all) promote. */
em_dtype em__promote(em_tensor *const *in, const bool *counts, int n);

/* ---- operations out of operations ---------------------------------------------------------------------- */

/* Runs an operation by name without recording it. opts null: defaults. */
em_status em__run(const char *name, em_tensor *const *in, int n, const em_opts *opts, em_tensor **out);
em_status em__run1(const char *name, em_tensor *x, const em_opts *opts, em_tensor **out);
em_status em__run2(const char *name, em_tensor *x, em_tensor *y, const em_opts *opts, em_tensor **out);

#endif
