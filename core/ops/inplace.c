/* The form of a call that writes its result over its first input. */
#include <string.h>

#include "autograd/var.h"
#include "ops/dispatch.h"
#include "tensor/copy.h"

static em_status check_inplace(const em_op *op, em_tensor *self, em_tensor *const *inputs, int n)
{
    if (!(op->flags & EM_OP_INPLACE))
        return em__fail(EM_EVALUE, "%s has no form that works in place", op->name);
    if (self->rows) return em__fail(EM_ETYPE, "%s_: works on dense tensors, not on a row-sparse gradient", op->name);
    EM_TRY(em__refresh_all(inputs, n));
    const bool left_out = em_grad_enabled() && em__is_left_out(self);
    if (left_out || em__wants_history(op, inputs, n)) EM_TRY(em__check_change(self, op->name));
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
static bool writes_over(const em_attempt *a, const em_tensor *self)
{
    if (!self->contiguous || self->dtype != a->call.dtype) return false;
    for (int i = 1; i < a->n; i++)
        if (a->in[i] && em_tensor_same_storage(a->in[i], self) && !same_window(a->in[i], self)) return false;
    return true;
}

/* Backward may want the old values, so while recording they are set apart first: *kept, a new reference. */
static em_status set_apart(em_attempt *a, em_tensor *self, em_tensor **kept)
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
    if (em__category(y->dtype) > em__category(self->dtype))
        return em__fail(EM_ETYPE, "%s_: the result is %s, which cannot be kept in a tensor of %s", c->op->name,
                        em_dtype_name(y->dtype), em_dtype_name(self->dtype));
    em__copy_strided(self, y);
    return EM_OK;
}

static em_status compute_inplace(em_attempt *a, em_tensor *self, em_tensor *const *inputs)
{
    em_call *c = &a->call;
    if (writes_over(a, self)) c->into = self;
    EM_TRY(em__compute(a, inputs));
    return c->out[0] != self ? copy_result(c, self) : EM_OK;
}

/* While recording, a failure gives self its old values and history back. */
static em_status compute_recorded(em_attempt *a, em_tensor *self, em_tensor *const *inputs)
{
    em_tensor *old = NULL;
    EM_TRY(set_apart(a, self, &old));
    em_origin *before = self->origin;
    if (before) before->refs++;
    em_status s = compute_inplace(a, self, inputs);
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
    em_tensor *padded[EM_MOST_NAMED];
    inputs = em__pad(f, inputs, &n, padded);
    const em_rng before = rng ? *rng : (em_rng){0};
    em_status s = em__prepare(&a, op, f, inputs, n, opts, rng);
    if (!s && a.call.recorded) {
        s = compute_recorded(&a, self, inputs);
    } else if (!s) {
        s = compute_inplace(&a, self, inputs);
        if (!s || s == EM_EINTERRUPT) em_tensor_touch(self);    /* interrupted: some of it is written */
    }
    if (s && rng) *rng = before;
    em__drop_inputs(&a);
    em__drop_outputs(&a.call, 0);
    return s;
}
