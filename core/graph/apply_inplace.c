/* Calls in place: the result is written over the first input. */
#include <string.h>

#include "graph/variable.h"
#include "graph/call.h"
#include "tensor/copy.h"

/* Whether it puts one number everywhere, so that elements which share their place do no harm. */
static bool fills(const em_op *op, em_tensor *const *inputs, int n)
{
    return !strcmp(op->name, "copy") && n == 2 && inputs[1] && inputs[1]->count == 1;
}

static em_status check_inplace(const em_op *op, em_tensor *self, em_tensor *const *inputs, int n)
{
    if (!(op->flags & EM_OP_INPLACE))
        return em__fail(EM_EVALUE, "%s has no form that works in place", op->name);
    if (self->rows) return em__fail(EM_ETYPE, "%s_: works on dense tensors, not on a row-sparse gradient", op->name);
    EM_TRY(em__refresh_all(inputs, n));
    const bool left_out = em_grad_enabled() && em__is_left_out(self);
    if (left_out || em__wants_history(op, inputs, n)) EM_TRY(em__check_change(self, op->name));
    if (!self->contiguous && em__repeats(self) && !fills(op, inputs, n)) return em__fail_repeats(self, op->name, "_");
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

/* Whether the kernel may write straight over self: same layout and dtype. */
static bool writes_over(const em_attempt *a, const em_tensor *self)
{
    return self->contiguous && self->dtype == a->call.dtype;
}

static void read_instead(em_attempt *a, int i, em_tensor *copy)
{
    em_tensor_release(a->in[i]);
    a->in[i] = copy;
}

/* What is read is what stood there before the call: inputs that lie elsewhere in self's storage are read from a copy.
 * Elementwise, one that is just self may be written over, unless backward wants the old values: then `old` has them. */
static em_status read_old_values(em_attempt *a, const em_tensor *self, em_tensor *old)
{
    const bool elementwise = !(a->call.op->flags & EM_OP_POSITIONS);
    for (int i = 0; i < a->n; i++) {
        em_tensor *t = a->in[i], *copy;
        if (!t || !em_tensor_same_storage(t, self)) continue;
        if (!same_window(t, self) || (i && !elementwise && !old)) {
            EM_TRY(em_tensor_clone(&copy, t));
            read_instead(a, i, copy);
        } else if (old) {
            em_tensor_retain(old);
            read_instead(a, i, old);
        }
    }
    return EM_OK;
}

static em_status copy_result(em_call *c, em_tensor *self)
{
    em_tensor *y = c->out[0];
    if (y->dims != self->dims || memcmp(y->size, self->size, (size_t)self->dims * sizeof(int64_t)))
        return em__fail(EM_ESHAPE, "%s_: the result has shape %s, which does not fit into %s", c->op->name, EM_SHAPE(y),
                        EM_SHAPE(self));
    if (em__category(y->dtype) > em__category(self->dtype))
        return em__fail(EM_ETYPE, "%s_: the result is %s, which cannot be kept in a tensor of %s", c->op->name,
                        em_dtype_name(y->dtype), em_dtype_name(self->dtype));
    em__copy_strided(self, y);
    return EM_OK;
}

static em_status compute_inplace(em_attempt *a, em_tensor *self, em_tensor *const *inputs, em_tensor *old)
{
    em_call *c = &a->call;
    if (writes_over(a, self)) c->into = self;
    EM_TRY(em__spare_kept(self));
    if (c->into || old) EM_TRY(read_old_values(a, self, old));
    EM_TRY(em__compute(a, inputs));
    return c->out[0] != self ? copy_result(c, self) : EM_OK;
}

/* Backward may want the old values, so while recording they are copied first; a failure gives self these and its
 * history back. */
static em_status compute_recorded(em_attempt *a, em_tensor *self, em_tensor *const *inputs)
{
    em_tensor *old = NULL;
    EM_TRY(em_tensor_clone(&old, self));
    em_origin *before = self->origin;
    if (before) before->refs++;
    em_status s = compute_inplace(a, self, inputs, old);
    em_tensor_touch(self);
    if (!s) s = em__record(&a->call, inputs);
    if (!s && a->call.out[0] != self) em__hand_over(a->call.out[0], self);
    if (!s) s = em__changed(self);
    if (s) {
        em__copy_strided(self, old);
        self->storage->version--;
        em__set_origin(self, (em_var *)(void *)before);
    } else {
        em__origin_release(before);
    }
    em_tensor_release(old);
    return s;
}

em_status em_apply_inplace(const em_op *op, em_tensor *self, em_tensor *const *inputs, int n, const em_opts *opts,
                           em_rng *rng)
{
    if (!op) return em__fail(EM_EVALUE, "there is no such operation");
    EM_TRY(check_inplace(op, self, inputs, n));
    const em_info *f = em__info(op);
    em_attempt a;
    em_tensor *padded[EM_MAX_INPUTS];
    inputs = em__pad(f, inputs, &n, padded);
    const em_rng before = rng ? *rng : (em_rng){0};
    em_status s = em__prepare(&a, op, f, inputs, n, opts, rng);
    if (!s && a.call.recorded) {
        s = compute_recorded(&a, self, inputs);
    } else if (!s) {
        s = compute_inplace(&a, self, inputs, NULL);
        if (!s || s == EM_EINTERRUPT) em_tensor_touch(self);    /* interrupted: some of it is written */
    }
    if (s && rng) *rng = before;
    em__drop_inputs(&a);
    em__drop_outputs(&a.call, 0);
    return s;
}
