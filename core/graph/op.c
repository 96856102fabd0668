/* From a name and tensors to a kernel: inputs converted, the variant chosen, check, forward, record. */
#include "graph/op.h"

#include <math.h>
#include <string.h>

#include "graph/variable.h"
#include "graph/call.h"
#include "tensor/copy.h"

static em_status bad_count(const em_op *op, const em_info *f, int n)
{
    return em__fail(EM_EVALUE, "%s: expected %d%s inputs (%s), got %d", op->name, f->least,
                    f->any_number ? " or more" : f->most > f->least ? " at least" : "", op->inputs, n);
}

/* The name of input i, for messages. */
static const char *input_name(const em_info *f, int i) { return f->inputs[f->any_number ? 0 : i].name; }

static em_input_kind kind_of(const em_info *f, int i)
{
    return f->any_number ? EM_INPUT_VALUE : f->inputs[i].kind;
}

/* Why input i cannot be what it is. */
static em_status refuse(const em_op *op, const em_info *f, int i, const em_tensor *t)
{
    const char *name = input_name(f, i);
    if (!t) return em__fail(EM_ETYPE, "%s: %s is missing", op->name, name);
    if (t->rows)
        return em__fail(EM_ETYPE, "%s: %s is a row-sparse gradient; this takes dense tensors (use to_dense())",
                        op->name, name);
    if (kind_of(f, i) == EM_INPUT_IDS)
        return em__fail(EM_ETYPE, "%s: %s must be of an integer dtype (int64, int32, uint8), got %s", op->name, name,
                        em_dtype_name(t->dtype));
    return em__fail(EM_ETYPE, "%s: %s must be bool, got %s", op->name, name, em_dtype_name(t->dtype));
}

static em_status check_input(const em_op *op, const em_info *f, int i, const em_tensor *t)
{
    const em_input_kind kind = kind_of(f, i);
    const bool fits = !t ? !f->any_number && f->inputs[i].optional
                      : t->rows ? false
                      : kind == EM_INPUT_IDS ? !em_dtype_is_float(t->dtype) && t->dtype != EM_BOOL
                      : kind == EM_INPUT_MASK ? t->dtype == EM_BOOL : true;
    return fits ? EM_OK : refuse(op, f, i, t);
}

/* Whether all value inputs but the first are numbers that its dtype can hold; as bools all can be, and so can what 0
 * dims hold: what is not 0 is true. */
static bool first_holds(const em_info *f, em_tensor *const *inputs, int n)
{
    const em_dtype d = inputs[0]->dtype;
    for (int i = 1; i < n; i++) {
        if (f->inputs[i].kind != EM_INPUT_VALUE) continue;
        if (d == EM_BOOL && inputs[i]->dims == 0) continue;
        if (!inputs[i]->number) return false;
        const double x = em_tensor_get(inputs[i], 0);
        const bool fits = x == floor(x) && fabs(x) < 0x1p63;
        if (em__category(inputs[i]->dtype) > em__category(d) && !fits) return false;
    }
    return true;
}

static bool any_real(const em_info *f, const em_opts *opts)
{
    bool any = false;
    for (int k = 0; k < f->n_opts; k++) any |= opts->at[k].real;
    return any;
}

/* The element type of the call. Inputs that keep their own dtypes are not converted for a kernel that knows floats
 * alone: the first decides, and has to be one; the operation checks the others. */
static em_status value_dtype(em_dtype *out, const em_op *op, const em_info *f, em_tensor *const *inputs, int n,
                             const em_opts *opts)
{
    em_dtype d = EM_F32;
    const bool floats = op->types == EM_TYPES_FLOAT, kept = op->flags & EM_OP_NO_PROMOTE;
    int first = 0;
    if (kept) {
        while (!f->any_number && first + 1 < n && f->inputs[first].kind != EM_INPUT_VALUE) first++;
        d = inputs[first]->dtype;
    } else {
        bool few[EM_FEW_INPUTS], any = f->any_number;
        if (!f->any_number)
            for (int i = 0; i < n; i++) {
                few[i] = f->inputs[i].kind == EM_INPUT_VALUE;
                any |= few[i] && inputs[i];
            }
        if (any) d = em__promote(inputs, f->any_number ? NULL : few, n);
    }
    if (floats && kept && !em_dtype_is_float(d))
        return em__fail(EM_ETYPE, "%s: %s must be of a float dtype, got %s", op->name, input_name(f, first),
                        em_dtype_name(d));
    if ((op->flags & EM_OP_INTO_FIRST) && first_holds(f, inputs, n))
        d = inputs[0]->dtype;
    else if ((op->flags & EM_OP_WIDE) && d != EM_F32)
        d = EM_F64;
    else if (!em_dtype_is_float(d) && (floats || ((op->flags & EM_OP_REAL_OPTS) && any_real(f, opts))))
        d = em_default_dtype();
    *out = d;
    return EM_OK;
}

/* The dtype in which a comparison that would be done in `d` is right: a plain number keeps its value, and so does an
 * integer of 0 dims. Integers are compared as such; with one that is none, or lies beyond all, as floats. */
static em_dtype compared_in(em_tensor *const *in, em_dtype d)
{
    for (int i = 0; i < 2; i++) {
        const em_tensor *y = in[i], *x = in[1 - i];
        if (x->number || em_dtype_is_float(x->dtype) || !(y->number || y->dims == 0)) continue;
        if (!em_dtype_is_float(y->dtype)) return em_dtype_holds_int(x->dtype, em_tensor_get_int(y, 0)) ? d : EM_I64;
        if (!y->number) continue;
        const double value = em_tensor_get(y, 0);
        const float rough = (float)value;               /* still between the same two integers, or far from all? */
        if (value != trunc(value) || !em_dtype_holds(EM_I64, value))
            return rough != truncf(rough) || fabsf(rough) > 0x1p64f ? EM_F32 : EM_F64;
        return x->dtype != EM_BOOL && em_dtype_holds(x->dtype, value) ? x->dtype : EM_I64;
    }
    return d;
}

/* Fails for a plain number that its neighbours' dtype cannot hold. */
static em_status check_number(const em_op *op, const em_info *f, int i, const em_tensor *t, em_dtype dtype)
{
    if (t->dtype != EM_I64 || (op->flags & EM_OP_MODULAR) || em_dtype_holds_int(dtype, *EM_DATA(int64_t, t)))
        return EM_OK;
    return em__fail(EM_EVALUE, "%s: %s = %lld does not fit a tensor of %s; convert the tensor first", op->name,
                    input_name(f, i), (long long)*EM_DATA(int64_t, t), em_dtype_name(dtype));
}

/* The greatest of int64 rounds to 2^63 when it is compared in double; that number itself, which lies above, goes up. */
static em_status set_above_all(em_tensor **y, em_tensor *const *in, int i)
{
    if (!in[i]->number || em_dtype_is_float(in[1 - i]->dtype) || em_tensor_get(in[i], 0) != 0x1p63) return EM_OK;
    em_tensor_release(*y);
    return em_tensor_scalar(y, EM_F64, 0x1.0000000000001p63);
}

/* t as the kernel wants it: a new reference. */
static em_status convert(em_tensor **out, em_tensor *t, em_dtype dtype, bool strided)
{
    if (t->dtype != dtype) {
        EM_TRY(em_tensor_to(out, t, dtype));            /* contiguous too */
        (*out)->number = t->number;
        return EM_OK;
    }
    if (!strided) return em_tensor_contiguous(out, t);
    em_tensor_retain(*out = t);
    return EM_OK;
}

/* Updates that an optimizer has deferred are applied before the rows are read: to those looked up, or to all. A view
 * reads nothing yet. */
static void apply_pending_to_inputs(const em_attempt *a, const em_op *op, const em_info *f)
{
    if (op->flags & EM_OP_VIEW) return;
    for (int i = 0; i < a->n; i++) {
        if (!a->in[i]) continue;
        const bool looked_up = (op->flags & EM_OP_LOOKUP) && i > 0 && f->inputs[i - 1].kind == EM_INPUT_IDS;
        if (looked_up)
            em__apply_pending_rows(a->in[i], a->in[i - 1]);
        else
            em__apply_pending(a->in[i]);
    }
}

static em_status convert_inputs(em_attempt *a, const em_op *op, const em_info *f, em_tensor *const *inputs)
{
    for (int i = 0; i < a->n; i++) {
        a->in[i] = NULL;
        if (!inputs[i]) continue;
        const em_input_kind k = kind_of(f, i);
        const bool own = k == EM_INPUT_MASK || (op->flags & EM_OP_NO_PROMOTE);
        em_dtype d = k == EM_INPUT_IDS ? EM_I64 : own ? inputs[i]->dtype : a->call.dtype;
        if (own && d == a->half) d = EM_F32;
        const bool strided = (op->flags & EM_OP_STRIDED) && k != EM_INPUT_IDS && (f->any_number || !f->contiguous[i]);
        if (inputs[i]->number && d != inputs[i]->dtype) EM_TRY(check_number(op, f, i, inputs[i], d));
        EM_TRY(convert(&a->in[i], inputs[i], d, strided));
        if ((op->flags & EM_OP_COMPARES) && d == EM_F64) EM_TRY(set_above_all(&a->in[i], inputs, i));
    }
    return EM_OK;
}

em_status em__refresh_all(em_tensor *const *inputs, int n)
{
    for (int i = 0; i < n; i++)
        if (inputs[i] && inputs[i]->base && em_grad_enabled()) EM_TRY(em__refresh(inputs[i]));
    return EM_OK;
}

bool em__wants_history(const em_op *op, em_tensor *const *inputs, int n)
{
    if (!op->backward || !em_grad_enabled()) return false;
    for (int i = 0; i < n; i++)
        if (inputs[i] && em__requires_grad(inputs[i])) return true;
    return false;
}

/* Nothing is there yet to be dropped. */
static em_status allocate_inputs(em_attempt *a, int n)
{
    memset(a->call.out, 0, sizeof a->call.out);
    a->call.into = NULL;
    a->n = 0;
    a->in = a->few;
    if (n > EM_FEW_INPUTS) {
        a->in = em__alloc((size_t)n * sizeof *a->in);
        if (!a->in) return em__fail_memory("a call's inputs", (size_t)n * sizeof *a->in);
    }
    a->n = n;
    for (int i = 0; i < n; i++) a->in[i] = NULL;
    return EM_OK;
}

em_status em__prepare(em_attempt *a, const em_op *op, const em_info *f, em_tensor *const *inputs, int n,
                      const em_opts *opts, em_rng *rng)
{
    EM_TRY(allocate_inputs(a, n));
    if (n < f->least || (!f->any_number && n > f->most)) return bad_count(op, f, n);
    for (int i = 0; i < n; i++) EM_TRY(check_input(op, f, i, inputs[i]));
    EM_TRY(em__refresh_all(inputs, n));
    em_dtype dtype = EM_F32;
    if (!opts) opts = &f->defaults;
    EM_TRY(value_dtype(&dtype, op, f, inputs, n, opts));
    if (op->flags & EM_OP_COMPARES) dtype = compared_in(inputs, dtype);
    const em_op *v = f->variant[dtype];
    if (!v) return em__fail(EM_ETYPE, "%s: not defined for %s", op->name, em_dtype_name(dtype));
    a->half = em_dtype_is_half(dtype) && v->types != EM_TYPES_MOVE ? dtype : EM_DTYPES;
    if (!(v->flags & EM_OP_HALF_AS_IT_IS) && a->half != EM_DTYPES) dtype = EM_F32;
    if ((v->flags & EM_OP_RANDOM) && !rng) return em__fail(EM_EVALUE, "%s: needs a generator", op->name);
    a->call.op = v;
    a->call.info = f;
    a->call.n = n;
    a->call.in = a->in;
    em__opts_copy(&a->call.opts, opts, f);
    a->call.rng = rng;
    a->call.dtype = dtype;
    a->call.recorded = em__wants_history(v, inputs, n);
    a->call.saves = v->saves;
    EM_TRY(convert_inputs(a, v, f, inputs));
    apply_pending_to_inputs(a, v, f);
    return EM_OK;
}

void em__drop_inputs(em_attempt *a)
{
    for (int i = 0; i < a->n; i++) em_tensor_release(a->in[i]);
    if (a->n > EM_FEW_INPUTS) em__free(a->in, (size_t)a->n * sizeof *a->in);
}

/* ---- halves: computed in float32, kept in 16 bits ------------------------------------------------------- */

/* Whether the kernel has written (as it does to running statistics) to a copy of input i made for it. */
static bool wrote_to_copy(const em_attempt *a, int i, const em_tensor *input)
{
    const em_tensor *seen = a->in[i];
    return input && seen != input && seen->storage && !em_tensor_same_storage(seen, input) && em_tensor_version(seen);
}

static em_status write_back(const em_attempt *a, em_tensor *const *inputs)
{
    for (int i = 0; i < a->n; i++)
        if (wrote_to_copy(a, i, inputs[i])) EM_TRY(em__before_change(inputs[i], a->call.op->name));
    for (int i = 0; i < a->n; i++)
        if (wrote_to_copy(a, i, inputs[i])) EM_TRY(em_tensor_copy(inputs[i], a->in[i]));
    return EM_OK;
}

/* The results that are to be halves, as halves. */
static em_status round_results(const em_attempt *a, em_tensor *rounded[EM_MAX_OUT])
{
    for (int k = 0; k < a->call.info->named; k++) {
        const em_tensor *y = a->call.out[k];
        if (y && y->dtype == EM_F32) EM_TRY(em_tensor_to(&rounded[k], y, a->half));
    }
    return EM_OK;
}

void em__hand_over(em_tensor *from, em_tensor *to)
{
    em__set_origin(to, from->origin ? em__var(from) : NULL);
    from->origin = NULL;
    if (to->origin) em__var(to)->dtype = to->dtype;
}

static void take_rounded(em_call *c, em_tensor *const rounded[EM_MAX_OUT])
{
    for (int k = 0; k < EM_MAX_OUT; k++) {
        if (!rounded[k]) continue;
        em__hand_over(c->out[k], rounded[k]);
        em_tensor_release(c->out[k]);
        c->out[k] = rounded[k];
    }
}

/* Gives the results their history and their dtype. */
static em_status record(em_attempt *a, em_tensor *const *inputs)
{
    em_tensor *rounded[EM_MAX_OUT] = {NULL};
    em_status s = EM_OK;
    if (a->half != EM_DTYPES) s = round_results(a, rounded);
    if (!s && a->call.recorded) s = em__record(&a->call, inputs);
    if (!s) {
        take_rounded(&a->call, rounded);
        return EM_OK;
    }
    for (int k = 0; k < EM_MAX_OUT; k++) em_tensor_release(rounded[k]);
    return s;
}

/* ---- the call ------------------------------------------------------------------------------------------- */

em_status em__compute(em_attempt *a, em_tensor *const *inputs)
{
    em_call *c = &a->call;
    EM_TRY(c->op->check(c));
    if (c->op->forward) EM_TRY(c->op->forward(c));
    EM_TRY(write_back(a, inputs));
    if (a->half != EM_DTYPES) c->dtype = EM_F32;        /* of the gradients, whatever forward has moved */
    return em__stop ? em__fail(EM_EINTERRUPT, "interrupted!") : EM_OK;
}

void em__drop_outputs(em_call *c, int from)
{
    for (int k = from; k < EM_MAX_OUT; k++) {
        em_tensor_release(c->out[k]);
        c->out[k] = NULL;
    }
}

em_tensor *const *em__pad(const em_info *f, em_tensor *const *inputs, int *n, em_tensor *padded[EM_MAX_INPUTS])
{
    if (f->any_number || *n < f->least || *n >= f->most) return inputs;
    for (int i = 0; i < f->most; i++) padded[i] = i < *n ? inputs[i] : NULL;
    *n = f->most;
    return padded;
}

em_status em_apply(const em_op *op, em_tensor *const *inputs, int n, const em_opts *opts, em_rng *rng,
                   em_tensor **outputs)
{
    if (!op) return em__fail(EM_EVALUE, "there is no such operation");
    const em_info *f = em__info(op);
    em_attempt a;
    em_tensor *padded[EM_MAX_INPUTS];
    inputs = em__pad(f, inputs, &n, padded);
    const em_rng before = rng ? *rng : (em_rng){0};
    em_status s = em__prepare(&a, op, f, inputs, n, opts, rng);
    if (!s) s = em__compute(&a, inputs);
    if (!s) s = record(&a, inputs);
    if (!s && (op->flags & EM_OP_VIEW) && em_tensor_same_storage(a.call.out[0], inputs[0]))
        em__view_made(a.call.out[0], inputs[0]);
    if (s && rng) *rng = before;
    em__drop_inputs(&a);
    em__drop_outputs(&a.call, s ? 0 : f->named);
    for (int k = 0; k < f->named; k++) outputs[k] = a.call.out[k];
    return s;
}
