/* Embla's core: tensors, operations, automatic differentiation, optimizers, text. The only way in.
 *
 * Conventions, for every function here:
 *   status     What can fail returns em_status; em_error() holds the sentence. A failed call leaves its arguments
 *              as they were and its out-parameters null.
 *   ownership  Out-parameters are new references, to be given back with the type's _release. Inputs are borrowed.
 *              Functions named by a noun (em_tensor_grad) lend.
 *   threads    One thread at a time calls; kernels use em_threads() threads inside and give the same bits for any
 *              number of them.
 *   counting   Ids, dims and positions count from 0; a negative dim counts from the end.
 *   shapes     Written in comments as (N, D). */
#ifndef EMBLA_H
#define EMBLA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    EM_MAX_DIMS = 8,
    EM_MAX_THREADS = 256,
    EM_MAX_INPUTS = 8,          /* inputs of an operation that does not take any number */
    EM_MAX_OPTS = 10,           /* options of one operation */
    EM_MAX_INTS = 16,           /* integers in an operation's list option */
    EM_MAX_OUT = 4,             /* results of one operation, hidden ones included */
};

/* ---- status -------------------------------------------------------------------------------------------- */

#define EM_STATUS_LIST(X) \
    X(EM_OK, "ok") \
    X(EM_ENOMEM, "not enough memory") \
    X(EM_ETYPE, "dtypes do not fit") \
    X(EM_ESHAPE, "shapes do not fit") \
    X(EM_ERANGE, "out of range") \
    X(EM_EVALUE, "value not allowed") \
    X(EM_EGRAD, "not possible in automatic differentiation") \
    X(EM_EIO, "input or output failed") \
    X(EM_EFORMAT, "malformed data") \
    X(EM_EINTERRUPT, "interrupted") \
    X(EM_ECALLBACK, "a callback failed")

#define X(name, text) name,
typedef enum em_status { EM_STATUS_LIST(X) } em_status;
#undef X

const char *em_error(void);                     /* the sentence of the last failure on this thread */
const char *em_status_text(em_status status);

/* ---- memory -------------------------------------------------------------------------------------------- */

int64_t em_memory_used(void);                   /* bytes in live blocks */
int64_t em_memory_blocks(void);                 /* live blocks */
int64_t em_memory_cached(void);                 /* bytes kept for reuse */
int64_t em_memory_peak(void);                   /* the most em_memory_used has been */
void em_memory_trim(void);                      /* gives the cached bytes back */

/* Collecting garbage may free memory, and may call anything: so it is done only where somebody has set who does it, and
 * where nothing half-done is in the way. `collect` says whether it is worth to try again; NULL: nobody. */
typedef struct em_collector {
    bool (*collect)(void *context);
    void *context;
} em_collector;
em_collector em_memory_set_collector(em_collector now);         /* returns the one before */
bool em_memory_reclaim(void);                   /* collects and trims, after EM_ENOMEM; false: not worth to try again */

/* For tests: after `count` further allocations one fails (`sticky`: all from there on); count < 0 switches off. */
void em_memory_fail_after(int64_t count, bool sticky);
void em_memory_fail_plausibly(bool on);         /* such a failure is followed by reclaim, as a real one */

/* ---- threads and interruption -------------------------------------------------------------------------- */

em_status em_set_threads(int count);            /* 1 .. EM_MAX_THREADS. Fails: EM_ENOMEM, where no more are to be had */
int em_threads(void);
int em_threads_available(void);                 /* processors of the machine */
void em_start_threads(void);                    /* unless set: OMP_NUM_THREADS, or all, or as many as there can be */
bool em_in_parallel(void);                      /* true only inside a kernel; for tests */

const char *em_blas(void);                      /* which library multiplies matrices: "OpenBLAS 0.3.21 (OpenMP)" */
const char *em_instructions(void);              /* which instruction set the kernels use: "AVX2" */

void em_interrupt(void);                        /* async-signal-safe: kernels stop soon, with EM_EINTERRUPT */
bool em_interrupted(void);
void em_clear_interrupt(void);

/* ---- random numbers: Philox 4x32-10, a function of seed and position ----------------------------------- */

typedef struct em_rng {
    uint64_t seed;
    uint64_t position;                          /* blocks of four numbers drawn so far */
} em_rng;

/* ---- tensors ------------------------------------------------------------------------------------------- */

typedef enum em_dtype {
#define X(constant, type, name) constant,
#include "../tensor/dtype.def"
#undef X
    EM_DTYPES
} em_dtype;

const char *em_dtype_name(em_dtype dtype);                      /* "float32", … */
bool em_dtype_parse(em_dtype *out, const char *name);           /* false if there is no such dtype */
size_t em_dtype_size(em_dtype dtype);                           /* bytes an element */

/* Whether a number can be written into a tensor of the dtype: into one of integers, where the number without its
 * fraction is in range; into floats and bools, always. */
bool em_dtype_holds(em_dtype dtype, double value);
bool em_dtype_holds_int(em_dtype dtype, int64_t value);

static inline bool em_dtype_is_half(em_dtype d) { return d == EM_F16 || d == EM_BF16; }
static inline bool em_dtype_is_float(em_dtype d) { return d == EM_F32 || d == EM_F64 || em_dtype_is_half(d); }

/* The dtype of numbers with a fraction, and of results of integers that may have one: float32 unless set. Fails:
 * EM_ETYPE for a dtype that is not of floats. */
em_dtype em_default_dtype(void);
em_status em_set_default_dtype(em_dtype dtype);

typedef struct em_tensor em_tensor;             /* strided view of a counted storage, or a row-sparse gradient */

/* Fresh contiguous tensors. Sizes: `dims` numbers >= 0. Fails: EM_ESHAPE, EM_ENOMEM. */
em_status em_tensor_empty(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes);
em_status em_tensor_zeros(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes);

/* Memory that somebody else has, such as a mapped file. */
typedef struct em_foreign {
    void *data;
    size_t bytes;
    void (*release)(void *context);             /* may be null */
    void *context;
} em_foreign;

/* A contiguous tensor of the elements at the memory's beginning, which are used where they lie. The memory is handed
 * over, also on failure: `release` is called once, when the last tensor has gone that shows some of it.
 * Fails: EM_EVALUE if data is not aligned to an element, EM_ESHAPE if there are too few bytes, EM_ENOMEM. */
em_status em_tensor_from_memory(em_tensor **out, const em_foreign *memory, em_dtype dtype, int dims,
                                const int64_t *sizes);
em_status em_tensor_scalar(em_tensor **out, em_dtype dtype, double value);      /* 0-d */
em_status em_tensor_scalar_int(em_tensor **out, em_dtype dtype, int64_t value); /* 0-d */

void em_tensor_mark_number(em_tensor *t);       /* 0-d, stands for a plain number: gives way in promotion */

void em_tensor_retain(em_tensor *t);
void em_tensor_release(em_tensor *t);           /* null is fine */

int em_tensor_dims(const em_tensor *t);
int64_t em_tensor_size(const em_tensor *t, int dim);            /* 0 <= dim < dims */
int64_t em_tensor_stride(const em_tensor *t, int dim);          /* in elements */
const int64_t *em_tensor_sizes(const em_tensor *t);             /* dims numbers, lent */
int64_t em_tensor_count(const em_tensor *t);                    /* product of the sizes */
em_dtype em_tensor_dtype(const em_tensor *t);
bool em_tensor_is_contiguous(const em_tensor *t);
bool em_tensor_is_sparse(const em_tensor *t);
void *em_tensor_data(const em_tensor *t);       /* first element, lent; null for a row-sparse one */
size_t em_tensor_bytes(const em_tensor *t);     /* of its storage */
bool em_tensor_same_storage(const em_tensor *a, const em_tensor *b);
int64_t em_tensor_version(const em_tensor *t);  /* in-place changes of its storage so far */

/* A number read as any dtype is written: C order is row-major, `at` counts elements in that order. */
double em_tensor_get(const em_tensor *t, int64_t at);
int64_t em_tensor_get_int(const em_tensor *t, int64_t at);
void em_tensor_set(em_tensor *t, int64_t at, double value);
void em_tensor_set_int(em_tensor *t, int64_t at, int64_t value);

/* Views: same storage, no history. `strides` in elements, `offset` in elements from t's first; the caller answers
 * for staying inside. em_tensor_detach is the view that changes nothing. */
em_status em_tensor_view(em_tensor **out, const em_tensor *t, int64_t offset, int dims, const int64_t *sizes,
                         const int64_t *strides);
em_status em_tensor_detach(em_tensor **out, const em_tensor *t);

em_status em_tensor_clone(em_tensor **out, const em_tensor *t);                 /* contiguous copy, no history */
em_status em_tensor_contiguous(em_tensor **out, const em_tensor *t);            /* t itself if it already is */
em_status em_tensor_to(em_tensor **out, const em_tensor *t, em_dtype dtype);    /* t itself if it already is */

/* In place; each counts as a change of the storage. `from` must broadcast to `to`; dtypes are converted. EM_EVALUE
 * where elements of an expanded tensor, which lie in one place, would each get a value of their own; EM_ENOMEM where a
 * row-sparse gradient refers to the elements and must first get a copy (a tensor just made cannot fail). */
em_status em_tensor_copy(em_tensor *to, const em_tensor *from);
em_status em_tensor_fill(em_tensor *t, double value);
em_status em_tensor_fill_int(em_tensor *t, int64_t value);
em_status em_tensor_fill_uniform(em_tensor *t, double low, double high, em_rng *rng);   /* [low, high) */
em_status em_tensor_fill_normal(em_tensor *t, double mean, double std, em_rng *rng);
em_status em_tensor_fill_integers(em_tensor *t, int64_t low, int64_t high, em_rng *rng); /* [low, high) */
em_status em_tensor_fill_permutation(em_tensor *t, em_rng *rng);    /* 1-d int64: 0 .. n-1 in random order */

/* For changes through em_tensor_data, em_tensor_set and em_tensor_set_int: one call before, which fails as those above
 * do, one after, which counts the change. `name`: of the function, for the message; null: elements in one place get one
 * value. */
em_status em_tensor_before_change(em_tensor *t, const char *name);
void em_tensor_touch(em_tensor *t);

/* Applies the updates that an optimizer in sparse_mode "exact" has deferred, to the table's rows and to its own state.
 * Whatever reads a tensor does this first; only who reads such a state by itself has to ask. */
void em_tensor_apply_pending(const em_tensor *t);

/* ---- row-sparse gradients: (V, …) with entries for some rows only -------------------------------------- */

/* From explicit entries: ids (n) of any integer dtype, values (n, …) -> size (rows, …). Keeps both by reference. */
em_status em_rows_new(em_tensor **out, const em_tensor *ids, const em_tensor *values, int64_t rows);
int64_t em_rows_count(const em_tensor *t);                      /* entries, duplicates counted */
bool em_rows_is_coalesced(const em_tensor *t);
em_status em_rows_coalesce(em_tensor **out, em_tensor *t);      /* ids ascending and unique; t itself if it is */
em_status em_rows_indices(em_tensor **out, const em_tensor *t); /* (1, n) int64, in order of entry */
em_status em_rows_values(em_tensor **out, const em_tensor *t);  /* (n, …) */
em_status em_rows_edges(em_tensor **ids, em_tensor **values, const em_tensor *t, int64_t edge);     /* of the first
                                                       and the last `edge` entries; there are at least twice as many */
em_status em_rows_to_dense(em_tensor **out, em_tensor *t);      /* (V, …) */
em_status em_rows_add(em_tensor **out, em_tensor *a, em_tensor *b);     /* both sparse: entries of a, then b */
em_status em_rows_add_(em_tensor *t, em_tensor *more, double factor);   /* both sparse, in place */
em_status em_rows_add_to(em_tensor *dense, em_tensor *t, double factor);/* dense += factor * t, in place */
em_status em_rows_scale(em_tensor **out, em_tensor *t, double factor);
em_status em_rows_scale_(em_tensor *t, double factor);
em_status em_rows_to(em_tensor **out, em_tensor *t, em_dtype dtype);

/* ---- operations ---------------------------------------------------------------------------------------- */

typedef struct em_op em_op;

typedef enum em_opt_kind {
    EM_OPT_BOOL, EM_OPT_INT, EM_OPT_NUMBER, EM_OPT_ENUM, EM_OPT_DTYPE, EM_OPT_INTS,
    EM_OPT_TEXT, EM_OPT_TEXTS,  /* of structs alone */
} em_opt_kind;

/* Description of one option of an operation. Text fields are never null. */
typedef struct em_opt_spec {
    const char *name;           /* null ends a list of specs */
    em_opt_kind kind;
    const char *initial;        /* default as text ("0", "true", "mean"); "" for none given; "!" if required */
    const char *choices;        /* EM_OPT_ENUM: words with a space between, numbered from 0; NUMBER: range, ">= 0" */
    const char *doc;
} em_opt_spec;

/* An option that is a member of a struct: NUMBER a double; TEXT a const char *; TEXTS an em_texts; else an integer, an
 * enum, or a bool. Of an INT too `choices` is a range, of a DTYPE the dtypes that it may be: who fills the struct has
 * checked that. A null name ends a list. */
typedef struct em_field {
    em_opt_spec spec;
    size_t at, size;
} em_field;
#define EM_FIELD(type, member) offsetof(type, member), sizeof(((type *)NULL)->member)

typedef struct em_texts {
    const char *const *at;
    int64_t n;
} em_texts;

/* Value of one option. `given` is false for an optional one left out, whose numbers then hold 0. */
typedef struct em_opt {
    bool given;
    bool real;                  /* NUMBER: a float was given, be it 2.0 */
    int64_t i;                  /* BOOL, INT, ENUM (number of the choice), DTYPE; count of an INTS list; NUMBER: the
                                 * same exactly where an integer was given, or 0 */
    double x;                   /* NUMBER; also set for INT */
} em_opt;

typedef struct em_opts {
    em_opt at[EM_MAX_OPTS];     /* in the order of the specs */
    int64_t ints[EM_MAX_INTS];  /* the operation's one INTS option */
} em_opts;

/* Number of a word among an option's choices; -1 if it is none of them. */
int em_opt_choice(const em_opt_spec *spec, const char *word);

/* Whether a NUMBER option may be x: its `choices` is a range, ">= 0", "~= 0", "[0, 1)", or "" for all but NaN. */
bool em_opt_in_range(const em_opt_spec *spec, double x);

typedef enum em_input_kind {
    EM_INPUT_VALUE,
    EM_INPUT_IDS,       /* integers */
    EM_INPUT_MASK,      /* bool */
    EM_INPUT_LIST,      /* any number of tensors, then the only input */
} em_input_kind;

/* Description of one input of an operation. */
typedef struct em_input_spec {
    char name[24];
    em_input_kind kind;
    bool optional;              /* may be left out: null */
} em_input_spec;

int em_op_count(void);
const em_op *em_op_at(int index);
const em_op *em_op_find(const char *name);      /* null if there is none */
int em_op_index(const em_op *op);
const char *em_op_name(const em_op *op);        /* what em_op_find knows it by */
const char *em_op_title(const em_op *op);       /* what messages call it: the function that scripts know */
const char *em_op_doc(const em_op *op);
const em_opt_spec *em_op_opts(const em_op *op); /* ends with a null name */
bool em_op_differentiable(const em_op *op);
bool em_op_inplace(const em_op *op);            /* whether name_ (in place on the first input) exists */

const em_input_spec *em_op_inputs(const em_op *op);     /* in order; ends with an empty name */
const char *em_op_outputs(const em_op *op);     /* names with a blank between; hidden ones in brackets */
int em_op_output_count(const em_op *op);        /* those that are not hidden */

const em_opts *em_op_defaults(const em_op *op);
void em_opts_default(em_opts *opts, const em_op *op);

/* Runs an operation and, while gradients are enabled, records it for backward.
 *   inputs   n tensors, borrowed; null where an optional one is left out
 *   opts     null for the defaults
 *   rng      drawn from by the few operations that are random; else may be null
 *   outputs  one new reference for each named output */
em_status em_apply(const em_op *op, em_tensor *const *inputs, int n, const em_opts *opts, em_rng *rng,
                   em_tensor **outputs);

/* The same, the result written into `self`, which is also inputs[0] (relu_, add_, …). */
em_status em_apply_inplace(const em_op *op, em_tensor *self, em_tensor *const *inputs, int n, const em_opts *opts,
                           em_rng *rng);

/* ---- automatic differentiation ------------------------------------------------------------------------- */

bool em_grad_enabled(void);
void em_set_grad_enabled(bool on);

bool em_tensor_requires_grad(const em_tensor *t);
bool em_tensor_is_leaf(const em_tensor *t);
em_status em_tensor_set_requires_grad(em_tensor *t, bool on);   /* EM_EGRAD unless a leaf of float dtype */
em_tensor *em_tensor_grad(const em_tensor *t);                  /* lent; null for none */
em_status em_tensor_set_grad(em_tensor *t, em_tensor *grad);    /* null clears; EM_ESHAPE, EM_ETYPE, EM_EGRAD */

/* Rows of a leaf (V, …) that training leaves as they are: they get no gradient, an optimizer passes them and their
 * state over, max_norm does not shorten them. The script itself may write to them.
 *   mask   (V) bool, copied; null: none
 *   fails  EM_EGRAD if t is no leaf, EM_ETYPE, EM_ESHAPE, EM_ENOMEM */
em_status em_tensor_set_frozen_rows(em_tensor *t, const em_tensor *mask);
em_tensor *em_tensor_frozen_rows(const em_tensor *t);           /* lent; null for none */

/* Gives a leaf (V, …) other rows: from now on its elements are those of `table` (W, …), which it shares, its gradient
 * is `grad` (W, …) or null, its frozen rows are `mask` (W) or null. Views and graphs made before keep the old elements.
 * Fails, and then changes nothing: EM_EGRAD, EM_ETYPE, EM_ESHAPE, EM_ENOMEM. */
em_status em_tensor_replace_rows(em_tensor *t, em_tensor *table, em_tensor *grad, const em_tensor *mask);

/* How often that has been done to it; and how many rows, the first ones, are still those that it had when that had been
 * done `since` times: no more than INT64_MAX. */
int64_t em_tensor_resizes(const em_tensor *t);
int64_t em_tensor_rows_kept(const em_tensor *t, int64_t since);

/* Whether `t` is a view made while no gradients were recorded, of a tensor that requires grad: a change of it would be
 * left out of the gradient. */
bool em_tensor_is_left_out(const em_tensor *t);

/* Whether only the caller's reference leads to `t` and its place in the graph: nothing has been computed from it, no
 * view shows it. */
bool em_tensor_is_sole(const em_tensor *t);

em_status em_tensor_retain_grad(em_tensor *t);
const char *em_tensor_origin_name(const em_tensor *t);          /* name of the operation that made it, or null */
unsigned em_tensor_origin_numbers(const em_tensor *t);          /* its inputs that were numbers or left out: bit i */
bool em_tensor_origin_option(const em_tensor *t);               /* whether its first option was given */

/* A hook sees the gradient of `t` before it goes on, may write to it, and may replace it: *replacement is null, set it
 * to a new reference of the same shape, dtype and kind (dense or row-sparse) to replace. `release` frees `context` when
 * the hook is removed or the tensor's history ends. */
typedef em_status em_hook_fn(void *context, em_tensor *grad, em_tensor **replacement);
em_status em_tensor_add_hook(em_tensor *t, em_hook_fn *fn, void *context, void (*release)(void *), int64_t *id);
void em_tensor_remove_hook(em_tensor *t, int64_t id);

/* Sends `grad` (null: ones, for a single element) from `t` back to the leaves, adding into their grad.
 * Fails: EM_EGRAD with the reason (no history, freed history, changed in place), EM_ESHAPE, EM_ENOMEM. */
em_status em_backward(em_tensor *t, em_tensor *grad, bool retain_graph);

/* Gradients of `outputs` for `inputs`, without touching any .grad. `grads[k]` null for an input not reached. */
em_status em_grad(em_tensor *const *outputs, em_tensor *const *grad_outputs, int n_outputs, em_tensor *const *inputs,
                  int n_inputs, bool retain_graph, em_tensor **grads);

/* Takes the history off `t`, which becomes a leaf that requires no grad. EM_EGRAD for a view of another tensor. */
em_status em_tensor_detach_(em_tensor *t);

/* A function whose backward is written outside the core. What it computed is recorded as one call:
 *   in       n_in arguments; null where one is no tensor
 *   out      n_out results: float tensors without a history get one; null where one is no tensor or not differentiable
 *   saved    what backward needs; given back to it as they are now, and checked for changes in place
 *   dy       gradients of the results, lent; null where none has arrived, unless `materialize` asks for zeros
 *   dx       n_in places, null: backward puts new references there, and leaves null where there is no gradient. Their
 *            shapes are checked; other float dtypes are converted.
 * On success `context` is taken over: release(context) frees it when the history ends. Backward runs on the thread
 * that called em_backward, outside parallel regions; it must return, and may call the core. EM_ECALLBACK is its own
 * error. */
typedef struct em_function {
    const char *name;           /* copied */
    void *context;
    em_status (*backward)(void *context, em_tensor *const *saved, int n_saved, em_tensor *const *dy, em_tensor **dx);
    void (*release)(void *context);
    em_tensor *const *in, *const *out, *const *saved;
    int n_in, n_out, n_saved;
    bool materialize;
} em_function;
em_status em_function_record(const em_function *f);

/* Calls recorded between open and close keep no values. The first of them that backward comes to has all of them
 * made once more: rerun(context) makes the same calls again, whose values the first ones take over. */
typedef struct em_checkpoint em_checkpoint;
em_status em_checkpoint_open(em_checkpoint **out, em_status (*rerun)(void *context), void (*release)(void *context),
                             void *context);
void em_checkpoint_close(em_checkpoint *c);     /* in reverse order of opening; `c` belongs to the history now */

/* The contexts of hooks, functions and checkpoints that live as long as `t` and its history do (gradients that hang on
 * it and their history included), each told to `seen` once since em_contexts_start. Variables and nodes looked at are
 * added to *passed. Ends, false, as soon as `seen` returns false. Needs no memory, runs nothing. */
void em_contexts_start(void);
bool em_contexts_of(const em_tensor *t, bool (*seen)(void *arg, void *context), void *arg, int64_t *passed);

/* While a function is set (null: none), each call that is recorded asks it where it is made, and a backward that
 * gives NaN is an error with that text. `text` has room for `room` bytes, the last of them 0. */
typedef void em_trace_fn(void *context, char *text, size_t room);
void em_set_trace(em_trace_fn *fn, void *context);

/* ---- optimizers ---------------------------------------------------------------------------------------- */

typedef struct em_rule em_rule;

enum { EM_MAX_STATE = 4 };      /* state tensors a parameter */

int em_rule_count(void);
const em_rule *em_rule_at(int index);
const em_rule *em_rule_find(const char *name);  /* "SGD", …; null if there is none */
const char *em_rule_name(const em_rule *rule);
const char *em_rule_doc(const em_rule *rule);
const em_opt_spec *em_rule_opts(const em_rule *rule);
const char *em_rule_state(const em_rule *rule); /* names of its state tensors: "exp_avg exp_avg_sq" */

/* A pair of numbers is two options, "betas[0]" and "betas[1]". A NUMBER's `choices` is its range: ">= 0", "[0, 1)". */
void em_rule_opts_default(em_opts *opts, const em_rule *rule);
em_status em_rule_check(const em_rule *rule, const em_opts *opts);      /* EM_EVALUE names option, value and range */

/* State tensor number k of a parameter, as a copy of `given` in the dtype that the rule keeps it in. */
em_status em_rule_copy_state(em_tensor **out, const em_rule *rule, int k, const em_tensor *param,
                             const em_tensor *given);

/* State tensor number k for a parameter that has `rows` rows now: the first `kept` of those it had keep theirs, others
 * begin as the rule's options say; a state that has no rows is a copy. */
em_status em_rule_resize_state(em_tensor **out, const em_rule *rule, int k, const em_opts *opts,
                               const em_tensor *state, int64_t rows, int64_t kept);

/* One update of `param` (float, leaf) by `grad` (dense or row-sparse, same shape).
 *   state  EM_MAX_STATE tensors, null before the first step; the rule makes what it needs
 *   step   updates of this parameter so far, this one included (1 at the first)
 * Fails: EM_EVALUE where the rule cannot take such a gradient, naming one that can; EM_ESHAPE; EM_ENOMEM. */
em_status em_rule_step(const em_rule *rule, em_tensor *param, em_tensor *grad, const em_opts *opts,
                       em_tensor *state[EM_MAX_STATE], int64_t step);

/* Updates of many parameters by one rule: all are prepared before the first is computed, so a failure leaves every
 * parameter and state as they were. */
typedef struct em_step {
    em_tensor *param, *grad;
    const em_opts *opts;
    em_tensor **state;          /* EM_MAX_STATE tensors */
    int64_t step;
} em_step;
em_status em_rule_steps(const em_rule *rule, const em_step *steps, int64_t n);

/* Total norm of the gradients; each is then multiplied by min(1, max_norm / (norm + 1e-6)). Sparse ones included. */
em_status em_clip_grad_norm(em_tensor *const *grads, int n, double max_norm, double norm_type, double *total);
em_status em_clip_grad_value(em_tensor *const *grads, int n, double limit);

/* Each average becomes decay average + (1 - decay) value: all of them or, on failure, none. Averages are contiguous, of
 * float dtype; values have their shapes and may have other dtypes. */
em_status em_average(em_tensor *const *averages, em_tensor *const *values, int64_t n, double decay);

/* ---- text and files ------------------------------------------------------------------------------------ */

#include "embla/search.h"
#include "embla/hnsw.h"
#include "embla/text.h"
#include "embla/walks.h"
#include "embla/io.h"
#include "embla/kg.h"

#endif
