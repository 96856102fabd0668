/* From a name and tensors to a kernel: promotion, choice of the variant, check, forward, record. */
#include "ops/op.h"

#include <stdlib.h>
#include <string.h>

#include "autograd/var.h"
#include "base/cpu.h"
#include "base/cpu.h"
#include "ops/ops.def"
#include "tensor/copy.h"
#include "tensor/rows.h"

/* ---- the table ----------------------------------------------------------------------------------------- */

enum {
#define OP(name) OP_##name,
    EM_OP_LIST(OP, OP, OP)
#undef OP
    OPS
};

#define NONE(name) NULL,
#define SKIP(name)
#define VARIANT(name, variant) em_op_##name##_##variant
#define DECLARE_2(name, variant) extern const em_op VARIANT(name, variant);
#define ENTRY_2(name, variant) &VARIANT(name, variant),

#ifdef EM_ISA_base
#define DECLARE(name) DECLARE_2(name, f32_base) DECLARE_2(name, f64_base)
#define F32(name) ENTRY_2(name, f32_base)
#define F64(name) ENTRY_2(name, f64_base)
EM_OP_LIST(DECLARE, DECLARE, SKIP)
static const em_op *const f32_base[] = {EM_OP_LIST(F32, F32, NONE)};
static const em_op *const f64_base[] = {EM_OP_LIST(F64, F64, NONE)};
#undef DECLARE
#undef F32
#undef F64
#endif
#ifdef EM_ISA_v3
#define DECLARE(name) DECLARE_2(name, f32_v3) DECLARE_2(name, f64_v3)
#define F32(name) ENTRY_2(name, f32_v3)
#define F64(name) ENTRY_2(name, f64_v3)
EM_OP_LIST(DECLARE, DECLARE, SKIP)
static const em_op *const f32_v3[] = {EM_OP_LIST(F32, F32, NONE)};
static const em_op *const f64_v3[] = {EM_OP_LIST(F64, F64, NONE)};
#undef DECLARE
#undef F32
#undef F64
#endif
#ifdef EM_ISA_v4
#define DECLARE(name) DECLARE_2(name, f32_v4) DECLARE_2(name, f64_v4)
#define F32(name) ENTRY_2(name, f32_v4)
#define F64(name) ENTRY_2(name, f64_v4)
EM_OP_LIST(DECLARE, DECLARE, SKIP)
static const em_op *const f32_v4[] = {EM_OP_LIST(F32, F32, NONE)};
static const em_op *const f64_v4[] = {EM_OP_LIST(F64, F64, NONE)};
#undef DECLARE
#undef F32
#undef F64
#endif

#define JOIN_2(a, b) a##b
#define JOIN(a, b) JOIN_2(a, b)
#define FIRST(name, type) JOIN(JOIN(JOIN(em_op_, name), type), EM_FIRST_ISA)
#define WHOLE(type, array) \
    static const em_op *const array[] = {EM_OP_LIST(NONE, ENTRY_##type, NONE)};
#define DECLARE_WHOLE(name) \
    extern const em_op FIRST(name, _i64_), FIRST(name, _i32_), FIRST(name, _u8_), FIRST(name, _bool_);
#define DECLARE_MOVE(name) extern const em_op FIRST(name, _any_);
EM_OP_LIST(SKIP, DECLARE_WHOLE, DECLARE_MOVE)
#define ENTRY_i64(name) &FIRST(name, _i64_),
#define ENTRY_i32(name) &FIRST(name, _i32_),
#define ENTRY_u8(name) &FIRST(name, _u8_),
#define ENTRY_bool(name) &FIRST(name, _bool_),
WHOLE(i64, i64)
WHOLE(i32, i32)
WHOLE(u8, u8)
WHOLE(bool, boolean)
#define ENTRY_MOVE(name) &FIRST(name, _any_),
static const em_op *const moves[] = {EM_OP_LIST(NONE, NONE, ENTRY_MOVE)};
#define F32_FIRST(name) &FIRST(name, _f32_),
static const em_op *const described[] = {EM_OP_LIST(F32_FIRST, F32_FIRST, ENTRY_MOVE)};

static const em_op *const *table[EM_DTYPES];

/* The best this processor can run. */
static void choose_variants(void)
{
    table[EM_I64] = i64;
    table[EM_I32] = i32;
    table[EM_U8] = u8;
    table[EM_BOOL] = boolean;
#ifdef EM_ISA_base
    table[EM_F32] = f32_base;
    table[EM_F64] = f64_base;
#endif
#ifdef EM_ISA_v3
    if (em__cpu_level() >= 3) {
        table[EM_F32] = f32_v3;
        table[EM_F64] = f64_v3;
    }
#endif
#ifdef EM_ISA_v4
    if (em__cpu_level() >= 4) {
        table[EM_F32] = f32_v4;
        table[EM_F64] = f64_v4;
    }
#endif
}

static const em_op *variant(int index, em_dtype dtype)
{
    if (moves[index]) return moves[index];
    if (!table[EM_F32]) choose_variants();
    return table[EM_F32] ? table[dtype][index] : NULL;
}

/* ---- what a descriptor's text says, read once ---------------------------------------------------------- */

enum kind { VALUE, IDS, MASK };
enum { MOST_NAMED = 8 };                /* inputs of an operation that does not take any number */

typedef struct info {
    bool ready, any_number;
    signed char least, most;            /* inputs */
    signed char named;                  /* outputs that are not hidden */
    unsigned char kind[MOST_NAMED];
    bool optional[MOST_NAMED], contiguous[MOST_NAMED];    /* '=': contiguous although the op takes strides */
    em_opts defaults;
} info;

static info infos[OPS];

static void read_inputs(info *f, const char *text)
{
    if (!strcmp(text, "*")) {
        f->any_number = true;
        f->least = 1;
        return;
    }
    while (*text) {
        const size_t n = strcspn(text, " ");
        const int i = f->most++;
        for (size_t k = 0; k < n; k++) {
            if (text[k] == '#') f->kind[i] = IDS;
            if (text[k] == '!') f->kind[i] = MASK;
            if (text[k] == '?') f->optional[i] = true;
            if (text[k] == '=') f->contiguous[i] = true;
        }
        if (!f->optional[i]) f->least = f->most;
        text += n + (text[n] == ' ');
    }
}

static void read_outputs(info *f, const char *text)
{
    while (*text && *text != '[') {
        const size_t n = strcspn(text, " ");
        f->named++;
        text += n + (text[n] == ' ');
    }
}

static void read_default(em_opt *o, const em_opt_spec *spec)
{
    *o = (em_opt){0};
    const char *text = spec->initial;
    if (!*text || !strcmp(text, "!")) return;
    o->given = true;
    switch (spec->kind) {
    case EM_OPT_BOOL: o->i = !strcmp(text, "true"); break;
    case EM_OPT_INT: o->i = strtoll(text, NULL, 10); break;
    case EM_OPT_NUMBER: o->x = strtod(text, NULL); break;
    case EM_OPT_ENUM: o->i = em__choice(spec->choices, text, strlen(text)); break;
    default: o->given = false;
    }
    if (spec->kind == EM_OPT_INT) o->x = (double)o->i;
}

int em__choice(const char *choices, const char *word, size_t length)
{
    for (int i = 0; *choices; i++) {
        const size_t n = strcspn(choices, " ");
        if (n == length && !memcmp(choices, word, n)) return i;
        choices += n + (choices[n] == ' ');
    }
    return -1;
}

void em__opts_default(em_opts *opts, const em_opt_spec *specs)
{
    *opts = (em_opts){0};
    for (int i = 0; specs && specs[i].name; i++) read_default(&opts->at[i], &specs[i]);
}

static info *info_of(int index)
{
    info *f = &infos[index];
    if (f->ready) return f;
    const em_op *op = described[index];
    read_inputs(f, op->inputs);
    read_outputs(f, op->outputs);
    em__opts_default(&f->defaults, op->opts);
    f->ready = true;
    return f;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

int em_op_count(void) { return OPS; }
const em_op *em_op_at(int index) { return described[index]; }
const char *em_op_name(const em_op *op) { return op->name; }
const char *em_op_doc(const em_op *op) { return op->doc; }
const char *em_op_inputs(const em_op *op) { return op->inputs; }
const char *em_op_outputs(const em_op *op) { return op->outputs; }
bool em_op_differentiable(const em_op *op) { return op->backward != NULL; }
bool em_op_inplace(const em_op *op) { return (op->flags & EM_OP_INPLACE) != 0; }

const em_opt_spec *em_op_opts(const em_op *op)
{
    static const em_opt_spec none[] = {{0}};
    return op->opts ? op->opts : none;
}

/* Two small hash tables, filled on first use: by name and by descriptor. */
enum { SLOTS = 2048 };
static short by_name[SLOTS], by_address[SLOTS];         /* index + 1; 0 is free */
_Static_assert(OPS < SLOTS / 2, "the tables stay half empty");

static unsigned name_slot(const char *name)
{
    uint32_t h = 2166136261u;
    while (*name) h = (h ^ (unsigned char)*name++) * 16777619u;
    return (h ^ h >> 15) % SLOTS;
}

static unsigned address_slot(const em_op *op) { return (uint32_t)((uintptr_t)op >> 3) * 2654435761u >> 21; }

static void fill_slots(void)
{
    for (int i = 0; i < OPS; i++) {
        unsigned a = name_slot(described[i]->name), b = address_slot(described[i]);
        while (by_name[a]) a = (a + 1) % SLOTS;
        while (by_address[b]) b = (b + 1) % SLOTS;
        by_name[a] = by_address[b] = (short)(i + 1);
    }
}

const em_op *em_op_find(const char *name)
{
    static bool filled;
    if (!filled) fill_slots();
    filled = true;
    for (unsigned a = name_slot(name); by_name[a]; a = (a + 1) % SLOTS)
        if (!strcmp(described[by_name[a] - 1]->name, name)) return described[by_name[a] - 1];
    return NULL;
}

int em_op_index(const em_op *op)
{
    static bool filled;
    if (!filled) em_op_find(op->name);
    filled = true;
    unsigned b = address_slot(op);
    while (by_address[b] && described[by_address[b] - 1] != op) b = (b + 1) % SLOTS;
    return by_address[b] - 1;
}

void em_opts_default(em_opts *opts, const em_op *op)
{
    *opts = info_of(em_op_index(op))->defaults;
}

/* ---- promotion ----------------------------------------------------------------------------------------- */

static int category(em_dtype d) { return em_dtype_is_float(d) ? 2 : d == EM_BOOL ? 0 : 1; }

static em_dtype wider(em_dtype a, em_dtype b)
{
    if (category(a) != category(b)) return category(a) > category(b) ? a : b;
    if (category(a) == 2) return a == EM_F64 ? a : b;
    return a < b ? a : b;                       /* int64, int32, uint8 stand in this order */
}

/* Tensors with dims decide; 0-d ones, and then plain numbers, only where they are of a higher category. */
em_dtype em__promote(em_tensor *const *in, const bool *counts, int n)
{
    em_dtype best[3] = {EM_F32, EM_F32, EM_F32};
    bool seen[3] = {false};
    for (int i = 0; i < n; i++) {
        if (!in[i] || (counts && !counts[i])) continue;
        const int rank = in[i]->number ? 2 : in[i]->dims == 0 ? 1 : 0;
        const em_dtype d = in[i]->number && in[i]->dtype == EM_F64 ? EM_F32 : in[i]->dtype;
        best[rank] = seen[rank] ? wider(best[rank], d) : d;
        seen[rank] = true;
    }
    int low = 2;
    while (low > 0 && !seen[low]) low--;
    em_dtype d = best[low];
    while (low-- > 0)
        if (seen[low]) d = category(d) > category(best[low]) ? wider(d, best[low]) : best[low];
    return d;
}

/* ---- a call -------------------------------------------------------------------------------------------- */

enum { FEW = 16 };

typedef struct attempt {
    em_call call;
    em_tensor *few[FEW], **in;          /* inputs as the kernel sees them: new references */
    int n;
} attempt;

static em_status bad_count(const em_op *op, const info *f, int n)
{
    return em__fail(EM_EVALUE, "%s: expected %d%s inputs (%s), got %d", op->name, f->least,
                    f->any_number ? " or more" : f->most > f->least ? " at least" : "", op->inputs, n);
}

/* The name of input i, for messages. */
static const char *input_name(char buffer[48], const em_op *op, int i)
{
    const char *text = op->inputs;
    while (i-- > 0) {
        text += strcspn(text, " ");
        text += *text == ' ';
    }
    const size_t n = strcspn(text, " #!?=");
    memcpy(buffer, text, n < 47 ? n : 47);
    buffer[n < 47 ? n : 47] = 0;
    return *buffer == '*' ? "tensors" : buffer;
}

static enum kind kind_of(const info *f, int i) { return f->any_number ? VALUE : (enum kind)f->kind[i]; }

static em_status check_input(const em_op *op, const info *f, int i, const em_tensor *t)
{
    char name[48];
    if (!t) {
        if (!f->any_number && f->optional[i]) return EM_OK;
        return em__fail(EM_ETYPE, "%s: %s is missing", op->name, input_name(name, op, i));
    }
    if (t->rows)
        return em__fail(EM_ETYPE, "%s: %s is a row-sparse gradient; this takes dense tensors (use to_dense())",
                        op->name, input_name(name, op, i));
    if (kind_of(f, i) == IDS && (em_dtype_is_float(t->dtype) || t->dtype == EM_BOOL))
        return em__fail(EM_ETYPE, "%s: %s must be of an integer dtype (int64, int32, uint8), got %s", op->name,
                        input_name(name, op, i), em_dtype_name(t->dtype));
    if (kind_of(f, i) == MASK && t->dtype != EM_BOOL)
        return em__fail(EM_ETYPE, "%s: %s must be bool, got %s", op->name, input_name(name, op, i),
                        em_dtype_name(t->dtype));
    return EM_OK;
}

static em_dtype value_dtype(const em_op *op, const info *f, em_tensor *const *inputs, int n)
{
    em_dtype d = EM_F32;
    if (op->flags & EM_OP_NO_PROMOTE) {
        int first = 0;
        while (!f->any_number && first + 1 < n && f->kind[first] != VALUE) first++;
        d = inputs[first]->dtype;
    } else {
        bool few[FEW], any = f->any_number;
        if (!f->any_number)
            for (int i = 0; i < n; i++) {
                few[i] = f->kind[i] == VALUE;
                any |= few[i] && inputs[i];
            }
        if (any) d = em__promote(inputs, f->any_number ? NULL : few, n);
    }
    return op->types == EM_TYPES_FLOAT && !em_dtype_is_float(d) ? EM_F32 : d;
}

/* t as the kernel wants it: a new reference. */
static em_status convert(em_tensor **out, em_tensor *t, em_dtype dtype, bool strided)
{
    if (t->dtype != dtype) return em_tensor_to(out, t, dtype);      /* contiguous too */
    if (!strided) return em_tensor_contiguous(out, t);
    em_tensor_retain(*out = t);
    return EM_OK;
}

static em_status convert_inputs(attempt *a, const em_op *op, const info *f, em_tensor *const *inputs)
{
    for (int i = 0; i < a->n; i++) {
        a->in[i] = NULL;
        if (!inputs[i]) continue;
        const enum kind k = kind_of(f, i);
        const em_dtype d = k == IDS ? EM_I64 : k == MASK || (op->flags & EM_OP_NO_PROMOTE) ? inputs[i]->dtype
                                                                                              : a->call.dtype;
        const bool strided = (op->flags & EM_OP_STRIDED) && k != IDS && (f->any_number || !f->contiguous[i]);
        EM_TRY(convert(&a->in[i], inputs[i], d, strided));
    }
    return EM_OK;
}

static bool wants_history(const em_op *op, em_tensor *const *inputs, int n)
{
    if (!op->backward || !em_grad_enabled()) return false;
    for (int i = 0; i < n; i++)
        if (inputs[i] && em__requires_grad(inputs[i])) return true;
    return false;
}

/* Everything up to the kernel: a->call is complete but for its results. */
static em_status prepare(attempt *a, const em_op *op, em_tensor *const *inputs, int n, const em_opts *opts, em_rng *rng)
{
    if (!op) return em__fail(EM_EVALUE, "there is no such operation");
    const int index = em_op_index(op);
    const info *f = info_of(index);
    if (n < f->least || (!f->any_number && n > f->most)) return bad_count(op, f, n);
    for (int i = 0; i < n; i++) EM_TRY(check_input(op, f, i, inputs[i]));
    const em_dtype dtype = value_dtype(op, f, inputs, n);
    const em_op *v = variant(index, dtype);
    if (!v) return em__fail(EM_ETYPE, "%s: not defined for %s", op->name, em_dtype_name(dtype));
    if ((v->flags & EM_OP_RANDOM) && !rng) return em__fail(EM_EVALUE, "%s: needs a generator", op->name);
    a->n = n;
    a->in = a->few;
    if (n > FEW) {
        a->in = em__alloc((size_t)n * sizeof *a->in);
        if (!a->in) return em__fail_memory("a call's inputs", (size_t)n * sizeof *a->in);
    }
    memset(a->in, 0, (size_t)n * sizeof *a->in);
    a->call.op = v;
    a->call.n = n;
    a->call.in = a->in;
    a->call.opts = opts ? *opts : f->defaults;
    a->call.rng = rng;
    a->call.dtype = dtype;
    a->call.recorded = wants_history(v, inputs, n);
    a->call.saves = v->saves;
    for (int i = 0; a->call.recorded && i < n; i++)
        if (inputs[i]) EM_TRY(em__check_fresh(v, inputs[i]));
    return convert_inputs(a, v, f, inputs);
}

static void drop_inputs(attempt *a)
{
    for (int i = 0; a->in && i < a->n; i++) em_tensor_release(a->in[i]);
    if (a->in && a->in != a->few) em__free(a->in, (size_t)a->n * sizeof *a->in);
}

static em_status compute(attempt *a)
{
    em_call *c = &a->call;
    EM_TRY(c->op->check(c));
    if (c->op->forward) EM_TRY(c->op->forward(c));
    return em__stop ? em__fail(EM_EINTERRUPT, "interrupted!") : EM_OK;
}

static void drop_outputs(em_call *c, int from)
{
    for (int k = from; k < EM_MAX_OUT; k++) {
        em_tensor_release(c->out[k]);
        c->out[k] = NULL;
    }
}

static void start(attempt *a)
{
    a->in = NULL;
    a->call.into = NULL;
    memset(a->call.out, 0, sizeof a->call.out);
}

/* Kernels see every input, so optional ones left off at the end are given as null. */
static em_tensor *const *pad(const em_op *op, em_tensor *const *inputs, int *n, em_tensor *padded[MOST_NAMED])
{
    if (!op) return inputs;
    const info *f = info_of(em_op_index(op));
    if (f->any_number || *n < f->least || *n >= f->most) return inputs;
    for (int i = 0; i < f->most; i++) padded[i] = i < *n ? inputs[i] : NULL;
    *n = f->most;
    return padded;
}

em_status em_apply(const em_op *op, em_tensor *const *inputs, int n, const em_opts *opts, em_rng *rng,
                   em_tensor **outputs)
{
    attempt a;
    em_tensor *padded[MOST_NAMED];
    inputs = pad(op, inputs, &n, padded);
    start(&a);
    const em_rng before = rng ? *rng : (em_rng){0};
    em_status s = prepare(&a, op, inputs, n, opts, rng);
    if (!s) s = compute(&a);
    if (!s && a.call.recorded) s = em__record(&a.call, inputs);
    if (s && rng) *rng = before;
    drop_inputs(&a);
    const int named = op ? info_of(em_op_index(op))->named : 0;
    drop_outputs(&a.call, s ? 0 : named);
    for (int k = 0; k < named; k++) outputs[k] = a.call.out[k];
    return s;
}

/* ---- in place ------------------------------------------------------------------------------------------ */

static em_status check_inplace(const em_op *op, em_tensor *self, em_tensor *const *inputs, int n)
{
    if (!(op->flags & EM_OP_INPLACE))
        return em__fail(EM_EVALUE, "%s has no form that works in place", op->name);
    if (self->rows) return em__fail(EM_ETYPE, "%s_: works on dense tensors, not on a row-sparse gradient", op->name);
    if (wants_history(op, inputs, n) && em__requires_grad(self) && em_tensor_is_leaf(self))
        return em__fail(EM_EGRAD, "%s_: a leaf that requires grad cannot be changed in place while gradients are "
                        "recorded (use embla.no_grad)", op->name);
    if (!op->backward && em_grad_enabled() && em__requires_grad(self))
        return em__fail(EM_EGRAD,
                        "%s_: it has no gradient, so it cannot change a tensor whose history is recorded (use "
                        "embla.no_grad, or detach)",
                        op->name);
    return EM_OK;
}

/* Whether t is exactly the elements of self, not other ones of the same storage. */
static bool same_window(const em_tensor *t, const em_tensor *self)
{
    if (t->data != self->data || t->dtype != self->dtype || t->dims != self->dims) return false;
    for (int d = 0; d < t->dims; d++)
        if (t->size[d] != self->size[d] || t->stride[d] != self->stride[d]) return false;
    return true;
}

/* Whether the kernel may write straight over self: same layout and dtype, and nobody else reads that memory. */
static bool writes_over(const attempt *a, const em_tensor *self)
{
    if (!self->contiguous || self->dtype != a->call.dtype) return false;
    for (int i = 1; i < a->n; i++)
        if (a->in[i] && em_tensor_same_storage(a->in[i], self) && !same_window(a->in[i], self)) return false;
    return true;
}

/* Backward may want the old values, so while recording they are set apart first: *kept, a new reference. */
static em_status set_apart(attempt *a, em_tensor *self, em_tensor **kept)
{
    em_tensor *old;
    EM_TRY(em_tensor_clone(&old, self));
    *kept = old;
    for (int i = 0; i < a->n; i++) {
        if (!a->in[i] || !em_tensor_same_storage(a->in[i], self) || !same_window(a->in[i], self)) continue;
        em_tensor_release(a->in[i]);
        em_tensor_retain(a->in[i] = old);
    }
    return EM_OK;
}

static em_status copy_result(em_call *c, em_tensor *self)
{
    em_tensor *y = c->out[0];
    if (y->dims != self->dims || memcmp(y->size, self->size, (size_t)self->dims * sizeof(int64_t)))
        return em__fail(EM_ESHAPE, "%s_: the result has shape %s, which does not fit into %s", c->op->name, EM_SHAPE(y),
                        EM_SHAPE(self));
    if (category(y->dtype) > category(self->dtype))
        return em__fail(EM_ETYPE, "%s_: the result is %s, which cannot be kept in a tensor of %s", c->op->name,
                        em_dtype_name(y->dtype), em_dtype_name(self->dtype));
    em__copy_strided(self, y);
    em_tensor_release(y);
    em_tensor_retain(c->out[0] = self);
    return EM_OK;
}

static em_status compute_inplace(attempt *a, em_tensor *self)
{
    em_call *c = &a->call;
    if (writes_over(a, self)) c->into = self;
    EM_TRY(compute(a));
    return c->out[0] != self ? copy_result(c, self) : EM_OK;
}

/* While recording, a failure gives self its old values back. */
static em_status compute_recorded(attempt *a, em_tensor *self, em_tensor *const *inputs)
{
    em_tensor *old = NULL;
    EM_TRY(set_apart(a, self, &old));
    em_status s = compute_inplace(a, self);
    em_tensor_touch(self);
    if (!s) s = em__record(&a->call, inputs);
    if (s) {
        em__copy_strided(self, old);
        self->storage->version--;
    }
    em_tensor_release(old);
    return s;
}

em_status em_apply_inplace(const em_op *op, em_tensor *self, em_tensor *const *inputs, int n, const em_opts *opts,
                           em_rng *rng)
{
    EM_TRY(check_inplace(op, self, inputs, n));
    attempt a;
    em_tensor *padded[MOST_NAMED];
    inputs = pad(op, inputs, &n, padded);
    start(&a);
    const em_rng before = rng ? *rng : (em_rng){0};
    em_status s = prepare(&a, op, inputs, n, opts, rng);
    if (!s && a.call.recorded) {
        s = compute_recorded(&a, self, inputs);
    } else if (!s) {
        s = compute_inplace(&a, self);
        if (!s || s == EM_EINTERRUPT) em_tensor_touch(self);    /* interrupted: some of it is written */
    }
    if (s && rng) *rng = before;
    drop_inputs(&a);
    drop_outputs(&a.call, 0);
    return s;
}

/* ---- for check ----------------------------------------------------------------------------------------- */

em_status em__out(em_call *c, int k, em_dtype dtype, int dims, const int64_t *sizes)
{
    em_tensor *into = k == 0 ? c->into : NULL;
    if (into && into->dtype == dtype && into->dims == dims &&
        !memcmp(into->size, sizes, (size_t)dims * sizeof *sizes)) {
        em_tensor_retain(c->out[0] = into);
        return EM_OK;
    }
    return em_tensor_empty(&c->out[k], dtype, dims, sizes);
}

em_status em__out_like(em_call *c, int k, const em_tensor *t)
{
    return em__out(c, k, t->dtype, t->dims, t->size);
}

em_status em__check_dims(const em_call *c, const em_tensor *t, int dims, const char *what)
{
    if (t->dims == dims) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s must have %d dims, got shape %s", c->op->name, what, dims, EM_SHAPE(t));
}

em_status em__check_same_shape(const em_call *c, const em_tensor *a, const char *a_name, const em_tensor *b,
                               const char *b_name)
{
    if (a->dims == b->dims && !memcmp(a->size, b->size, (size_t)a->dims * sizeof *a->size)) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s has shape %s, %s has %s; expected the same", c->op->name, a_name, EM_SHAPE(a),
                    b_name, EM_SHAPE(b));
}

em_status em__dim_mask(const em_call *c, int opt, int dims, unsigned *mask)
{
    const em_opt *o = &c->opts.at[opt];
    *mask = 0;
    if (!o->given || o->i == 0) {
        *mask = dims ? (1u << dims) - 1 : 1;
        return EM_OK;
    }
    for (int64_t k = 0; k < o->i; k++) {
        int d;
        EM_TRY(em__wrap_dim(&d, c->opts.ints[k], dims, c->op->name));
        if (*mask & 1u << d) return em__fail(EM_EVALUE, "%s: dim %d is given twice", c->op->name, d);
        *mask |= 1u << d;
    }
    return EM_OK;
}

/* "[0, 3]": where element `at` stands in a tensor. */
static const char *position_text(char buffer[EM_SHAPE_TEXT], const em_tensor *t, int64_t at)
{
    int64_t where[EM_MAX_DIMS];
    for (int d = t->dims - 1; d >= 0; d--) {
        where[d] = at % t->size[d];
        at /= t->size[d];
    }
    em__shape_text(buffer, t->dims, where);
    buffer[0] = '[';
    buffer[strlen(buffer) - 1] = ']';
    return buffer;
}

/* Whether all are in range: no branch, so that it runs at the speed of memory. */
static bool ids_fit(const int64_t *id, int64_t n, int64_t rows)
{
    uint64_t most = 0;
    for (int64_t i = 0; i < n; i++) most = (uint64_t)id[i] > most ? (uint64_t)id[i] : most;
    return n == 0 || most < (uint64_t)rows;
}

em_status em__check_ids(const char *name, const em_tensor *ids, int64_t rows, const char *count)
{
    const int64_t *id = EM_DATA(int64_t, ids), n = ids->count;
    if (n < 2 * EM_GRAIN && ids_fit(id, n, rows)) return EM_OK;
    int64_t bad = INT64_MAX;
    EM_PARALLEL_MIN(i, n, bad)
        if ((uint64_t)id[i] >= (uint64_t)rows) bad = em__min(bad, i);
    if (bad == INT64_MAX) return EM_OK;
    char where[EM_SHAPE_TEXT];
    return em__fail(EM_ERANGE, "%s: index %lld at position %s is out of range for %s = %lld (ids count from 0)", name,
                    (long long)id[bad], position_text(where, ids, bad), count, (long long)rows);
}

/* ---- for backward -------------------------------------------------------------------------------------- */

em_status em__run(const char *name, em_tensor *const *in, int n, const em_opts *opts, em_tensor **out)
{
    const bool enabled = em_grad_enabled();
    em_set_grad_enabled(false);
    em_status s = em_apply(em_op_find(name), in, n, opts, NULL, out);
    em_set_grad_enabled(enabled);
    return s;
}

em_status em__run1(const char *name, em_tensor *x, const em_opts *opts, em_tensor **out)
{
    return em__run(name, &x, 1, opts, out);
}

em_status em__run2(const char *name, em_tensor *x, em_tensor *y, const em_opts *opts, em_tensor **out)
{
    return em__run(name, (em_tensor *[]){x, y}, 2, opts, out);
}

em_status em__sum_to(em_tensor **out, em_tensor *dy, const em_tensor *x)
{
    if (dy->dims == x->dims && !memcmp(dy->size, x->size, (size_t)x->dims * sizeof *x->size)) {
        em_tensor_retain(*out = dy);
        return EM_OK;
    }
    em_opts opts = {0};                 /* sum(dim, keepdim) over what was repeated, then x's shape */
    const int ahead = dy->dims - x->dims;
    for (int d = 0; d < dy->dims; d++)
        if (d < ahead || (x->size[d - ahead] == 1 && dy->size[d] != 1)) opts.ints[opts.at[0].i++] = d;
    opts.at[0].given = true;
    em_tensor *sum;
    EM_TRY(em__run1("sum", dy, &opts, &sum));
    em_status s = em__tensor_window(out, sum, sum->data, x->dims, x->size, NULL);
    em_tensor_release(sum);
    return s;
}
