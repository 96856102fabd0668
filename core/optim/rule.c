/* From a rule's name and tensors to its kernel: check, prepare, run. */
#include "optim/rule.h"

#include <string.h>

#include "base/cpu.h"
#include "graph/op.h"
#include "optim/deferred.h"
#include "optim/rules.def"
#include "tensor/copy.h"
#include "tensor/half.h"

/* ---- the table ----------------------------------------------------------------------------------------- */

#define NOTHING(file)
enum {
#define RULE(name) RULE_##name,
    EM_RULE_LIST(NOTHING, RULE)
#undef RULE
    RULES
};

#define DECLARE(name) EM_DECLARE_VARIANTS(em_rule, em_rule_##name)
#define ENTRY(name) EM_VARIANTS(em_rule, em_rule_##name),
EM_RULE_LIST(NOTHING, DECLARE)
static const em_rule *const table[][EM_ISAS][2] = {EM_RULE_LIST(NOTHING, ENTRY)};

/* Descriptors that are read, not run: any variant's. */
static const em_rule *described(int index) { return table[index][0][0]; }

/* ---- asking -------------------------------------------------------------------------------------------- */

int em_rule_count(void) { return RULES; }
const em_rule *em_rule_at(int index) { return described(index); }
const char *em_rule_name(const em_rule *rule) { return rule->name; }
const char *em_rule_doc(const em_rule *rule) { return rule->doc; }
const em_opt_spec *em_rule_opts(const em_rule *rule) { return rule->opts; }
const char *em_rule_state(const em_rule *rule) { return rule->state; }
void em_rule_opts_default(em_opts *opts, const em_rule *rule) { em__opts_default(opts, rule->opts); }

static int index_of(const char *name)
{
    for (int i = 0; i < RULES; i++)
        if (!strcmp(described(i)->name, name)) return i;
    return -1;
}

const em_rule *em_rule_find(const char *name)
{
    const int i = index_of(name);
    return i < 0 ? NULL : described(i);
}

/* ---- checks of options --------------------------------------------------------------------------------- */

/* What PyTorch calls an option in its messages. */
static const char *words_for(char buffer[64], const char *name)
{
    static const char *const words[][2] = {
        {"lr", "learning rate"}, {"eps", "epsilon value"},
        {"betas[0]", "beta parameter at index 0"}, {"betas[1]", "beta parameter at index 1"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i][0], name)) return words[i][1];
    return strcat(strncat(buffer, name, 48), " value");
}

em_status em_rule_check(const em_rule *rule, const em_opts *opts)
{
    for (int i = 0; rule->opts[i].name; i++) {
        const em_opt_spec *spec = &rule->opts[i];
        if (spec->kind != EM_OPT_NUMBER || em_opt_in_range(spec, opts->at[i].x)) continue;
        return em__fail(EM_EVALUE, "%s: Invalid %s: %g (%s must be %s%s)", rule->name,
                        words_for((char[64]){0}, spec->name), opts->at[i].x, spec->name,
                        *spec->choices == '>' ? "" : *spec->choices ? "in " : "a number", spec->choices);
    }
    return rule->check ? rule->check(opts) : EM_OK;
}

static const int64_t MOST_STEPS = (int64_t)1 << 53;     /* rules compute with them in double */

/* ---- a step: what can fail ----------------------------------------------------------------------------- */

static em_status check_tensors(const em_rule *rule, const em_tensor *param, const em_tensor *grad)
{
    if (!em_dtype_is_float(param->dtype) || param->rows)
        return em__fail(EM_ETYPE, "%s: a parameter is a dense tensor of float32 or float64, given %s%s", rule->name,
                        param->rows ? "a sparse one of " : "", em_dtype_name(param->dtype));
    if (grad->dtype != param->dtype)
        return em__fail(EM_ETYPE, "%s: the parameter is %s, its gradient %s", rule->name, em_dtype_name(param->dtype),
                        em_dtype_name(grad->dtype));
    if (grad->dims != param->dims || memcmp(grad->size, param->size, (size_t)param->dims * sizeof *param->size))
        return em__fail(EM_ESHAPE, "%s: the parameter is %s, its gradient %s", rule->name, EM_SHAPE(param),
                        EM_SHAPE(grad));
    if (rule->flags & EM_RULE_SPARSE_ONLY && !grad->rows)
        return em__fail(EM_EVALUE, "%s does not support dense gradients, please consider Adam instead (the gradient of "
                        "a parameter %s is dense)", rule->name, EM_SHAPE(param));
    return EM_OK;
}

typedef struct state_spec {
    em_dtype dtype;
    int dims;
    const int64_t *sizes;
} state_spec;

static state_spec spec_of_state(const em_rule *rule, int k, const em_tensor *param)
{
    static const int64_t one = 1;
    const em_state_kind kind = rule->kinds[k];
    return (state_spec){.dtype = kind == EM_STATE_NUMBER ? EM_F32 : em__computed_in(param->dtype),
                        .dims = kind == EM_STATE_LIKE ? param->dims : kind == EM_STATE_ROW ? 1 : 0,
                        .sizes = param->dims ? param->size : &one};
}

static em_status make_state(em_update *u, int k)
{
    const state_spec f = spec_of_state(u->rule, k, u->param);
    const double initial = u->rule->initial ? u->rule->initial(u->opts, k) : 0;
    EM_TRY(em_tensor_zeros(&u->state[k], f.dtype, f.dims, f.sizes));
    u->fresh |= 1u << k;
    if (initial != 0) em_tensor_fill(u->state[k], initial);
    return EM_OK;
}

/* A state tensor that somebody else made. */
static em_status check_state(const em_rule *rule, int k, const em_tensor *param, const em_tensor *t)
{
    const state_spec f = spec_of_state(rule, k, param);
    if (em_dtype_is_float(t->dtype) && !t->rows && t->dims == f.dims &&
        !memcmp(t->size, f.sizes, (size_t)f.dims * sizeof *f.sizes))
        return EM_OK;
    return em__fail(EM_ESHAPE, "%s: state tensor %d (of: %s) is %s %s, expected %s %s", rule->name, k + 1, rule->state,
                    em_dtype_name(t->dtype), EM_SHAPE(t), em_dtype_name(f.dtype),
                    em__shape_text((char[EM_SHAPE_TEXT]){0}, f.dims, f.sizes));
}

em_status em_rule_copy_state(em_tensor **out, const em_rule *rule, int k, const em_tensor *param,
                             const em_tensor *given)
{
    *out = NULL;
    EM_TRY(check_state(rule, k, param, given));
    em_tensor *copy;
    EM_TRY(em__tensor_like(&copy, given, spec_of_state(rule, k, param).dtype));
    const em_status s = em_tensor_copy(copy, given);
    if (s)
        em_tensor_release(copy);
    else
        *out = copy;
    return s;
}

em_status em_rule_resize_state(em_tensor **out, const em_rule *rule, int k, const em_opts *opts,
                               const em_tensor *state, int64_t rows, int64_t kept)
{
    *out = NULL;
    if (rule->kinds[k] == EM_STATE_NUMBER || state->dims == 0) return em_tensor_clone(out, state);
    int64_t sizes[EM_MAX_DIMS];
    memcpy(sizes, state->size, sizeof sizes);
    sizes[0] = rows;
    em_tensor *t;
    EM_TRY(em_tensor_empty(&t, state->dtype, state->dims, sizes));
    const int64_t before = state->size[0], least = before < rows ? before : rows;
    if (kept > least) kept = least;
    const int64_t width = before ? state->count / before : 0;
    const size_t bytes = (size_t)(kept * width) * em_dtype_size(t->dtype);
    em_tensor_fill(t, rule->initial ? rule->initial(opts, k) : 0);
    em__apply_pending(state);
    if (bytes) memcpy(t->data, state->data, bytes);
    *out = t;
    return EM_OK;
}

static int state_count(const em_rule *rule)
{
    int n = *rule->state != 0;
    for (const char *c = rule->state; *c; c++) n += *c == ' ';
    return n;
}

static em_status prepare_state(em_update *u, em_tensor *const *given)
{
    const int n = state_count(u->rule);
    const unsigned needed = u->rule->needs ? u->rule->needs(u->opts) : (1u << n) - 1;
    for (int k = 0; k < n; k++) {
        if (!(needed >> k & 1)) continue;
        if (!given[k]) {
            EM_TRY(make_state(u, k));
            continue;
        }
        EM_TRY(check_state(u->rule, k, u->param, given[k]));
        if (given[k]->dtype != spec_of_state(u->rule, k, u->param).dtype || !given[k]->contiguous)
            return em__fail(EM_ETYPE, "%s: state tensor %d (of: %s) is %s%s", u->rule->name, k + 1, u->rule->state,
                            given[k]->contiguous ? "" : "a strided ", em_dtype_name(given[k]->dtype));
        u->state[k] = given[k];
        em_tensor_retain(given[k]);
    }
    return EM_OK;
}

/* Whether rows that the gradient lacks are to move too. */
static bool is_exact(const em_update *u)
{
    const em_rule *rule = u->rule;
    return u->opts->at[rule->sparse_mode].i == EM_EXACT && (!rule->moves_absent || rule->moves_absent(u->opts));
}

/* Whether an update of the call before this one writes to the memory of its parameter. */
static bool comes_again(const em_step *step, const em_step *first)
{
    for (const em_step *s = first; s < step; s++)
        if (em_tensor_same_storage(s->param, step->param)) return true;
    return false;
}

/* Updates can be deferred where the rows lie together and no other update of the call may write to them. */
static bool can_defer(const em_update *u, const em_step *step, const em_step *first)
{
    return u->param == step->param && !comes_again(step, first);
}

static em_status make_dense(em_update *u)
{
    em_tensor *sparse = u->grad;
    u->defers = false;
    const em_status s = em_rows_to_dense(&u->grad, sparse);
    em_tensor_release(sparse);
    return s;
}

/* A user's vector and bias are looked up by the same ids: the groups of an update before this one, or null. */
static const em_groups *groups_of_same_ids(const em_update *u, const em_update *first)
{
    for (const em_update *other = first; other < u; other++)
        if (other->groups && em_tensor_is_sparse(other->grad) && em__rows_same_ids(other->grad->rows, u->grad->rows))
            return other->groups;
    return NULL;
}

static em_status prepare_sparse(em_update *u, const em_step *step, const em_step *first)
{
    EM_TRY(em_rows_to(&u->grad, step->grad, u->param->dtype));
    u->width = u->grad->rows->width;
    u->defers = is_exact(u) && u->param->count > 0;
    if (u->defers && !can_defer(u, step, first)) return make_dense(u);
    if (u->grad->rows->entries) {
        u->groups = groups_of_same_ids(u, u - (step - first));
        EM_TRY(u->groups ? em__rows_check(u->grad) : em__rows_groups(&u->groups, u->grad));
    }
    if (u->width <= EM_STACK_ROW) return EM_OK;
    u->scratch_step = (((size_t)u->width * em_dtype_size(u->param->dtype) + 63) & ~(size_t)63);
    u->scratch_bytes = u->scratch_step * (size_t)em_threads();
    u->scratch = em__alloc(u->scratch_bytes);
    return u->scratch ? EM_OK : em__fail_memory("sums of rows", u->scratch_bytes);
}

static em_status contiguous_in(em_tensor **out, em_tensor *t, em_dtype dtype)
{
    return t->dtype == dtype ? em_tensor_contiguous(out, t) : em_tensor_to(out, t, dtype);
}

/* *t becomes a copy. */
static em_status replace_by_copy(em_tensor **t)
{
    em_tensor *from = *t;
    const em_status s = em_tensor_clone(t, from);
    em_tensor_release(from);
    return s;
}

/* `first`: of the steps of the call, of which `step` is one; u is as far from the first update. */
static em_status prepare(em_update *u, const em_rule *const of_type[2], const em_step *step, const em_step *first)
{
    EM_TRY(check_tensors(of_type[0], step->param, step->grad));
    if (step->step < 1 || step->step > MOST_STEPS)
        return em__fail(EM_EVALUE, "%s: step = %lld (expected 1 to %lld)", of_type[0]->name, (long long)step->step,
                        (long long)MOST_STEPS);
    EM_TRY(em__before_change(step->param, of_type[0]->name));
    u->rule = of_type[step->param->dtype == EM_F64];
    u->opts = step->opts;
    u->step = step->step;
    u->frozen = em__frozen(step->param);
    const em_dtype dtype = em__computed_in(step->param->dtype);     /* a parameter of halves is updated by a copy */
    EM_TRY(contiguous_in(&u->param, step->param, dtype));
    EM_TRY(prepare_state(u, step->state));
    if (step->grad->rows) return prepare_sparse(u, step, first);
    const int64_t rows = step->param->dims ? step->param->size[0] : 1;
    u->width = rows ? step->param->count / rows : 0;
    EM_TRY(contiguous_in(&u->grad, step->grad, dtype));
    if (em_tensor_same_storage(u->grad, step->param)) EM_TRY(replace_by_copy(&u->grad));
    if (u->rule->moves_absent && !u->rule->moves_absent(u->opts)) u->groups = em__filled(u->grad);
    return EM_OK;
}

static void let_go(em_update *u)
{
    const em_storage *s = u->param ? u->param->storage : NULL;
    if (u->deferred && s->pending != (em_pending *)u->deferred) em__deferred_drop(u->deferred);
    for (int k = 0; k < EM_MAX_STATE; k++) em_tensor_release(u->state[k]);
    em_tensor_release(u->param);
    em_tensor_release(u->grad);
    em__free(u->scratch, u->scratch_bytes);
}

/* ---- a step: what cannot ------------------------------------------------------------------------------- */

/* `first` as in prepare. */
static void commit(em_update *u, const em_step *step, const em_step *first)
{
    const bool copied = u->param != step->param;
    if (copied && comes_again(step, first)) em__copy_strided(u->param, step->param);
    for (int k = 0; k < EM_MAX_STATE; k++)
        if (u->fresh >> k & 1) {
            em_tensor_release(step->state[k]);      /* null, unless a parameter comes twice */
            step->state[k] = u->state[k];
            em_tensor_retain(u->state[k]);
        }
    if (!u->deferred)
        em__apply_pending(u->param);
    else if (!em__deferred_attach(u))
        return;                                     /* interrupted */
    u->rule->run(u);
    u->deferred = NULL;                             /* the storage's now */
    if (copied) em__copy_strided(step->param, u->param);
    em_tensor_touch(step->param);
}

em_status em_rule_steps(const em_rule *rule, const em_step *steps, int64_t n)
{
    if (n <= 0) return EM_OK;
    if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: interrupted", rule->name);
    const int isa = em__isa();
    if (isa < 0) return em__fail(EM_EVALUE, "this build has no kernels for this processor");
    const em_rule *const *of_type = table[index_of(rule->name)][isa];
    const size_t bytes = (size_t)n * sizeof(em_update);
    em_update *updates = em__alloc_zeroed(bytes);
    if (!updates) return em__fail_memory("a step of an optimizer", bytes);
    em_status s = EM_OK;
    int64_t prepared = 0;
    while (prepared < n && !s) {
        s = prepare(&updates[prepared], of_type, &steps[prepared], steps);
        prepared++;
    }
    /* Last, as it lends what a storage owns until somebody reads that. */
    for (int64_t i = 0; i < n && !s; i++)
        if (updates[i].defers) s = em__deferred_prepare(&updates[i]);
    for (int64_t i = 0; i < n && !s; i++) commit(&updates[i], &steps[i], steps);
    for (int64_t i = 0; i < prepared; i++) let_go(&updates[i]);
    em__free(updates, bytes);
    if (!s && em_interrupted())
        return em__fail(EM_EINTERRUPT, "%s: interrupted within a step: some values are updated, some not", rule->name);
    return s;
}

em_status em_rule_step(const em_rule *rule, em_tensor *param, em_tensor *grad, const em_opts *opts,
                       em_tensor *state[EM_MAX_STATE], int64_t step)
{
    return em_rule_steps(rule, &(em_step){param, grad, opts, state, step}, 1);
}
