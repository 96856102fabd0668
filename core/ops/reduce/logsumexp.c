/* logsumexp: y = log sum_i exp x_i over dims, about the greatest element so that nothing overflows;
 * dx_i = dy exp(x_i - y). */
#include "math/vector_math.h"
#include "ops/reduce/fold.h"

enum { DIM, KEEPDIM };

EM_FOLD(greatest, em__greater(s, x), em__greater(s, t))
EM_FOLD(exps, s + (em_acc)em__exp((em_real)(x - p)), s + t)
EM_SPREAD(logsumexp, (em_acc)em__exp((em_real)(x - p)) * g)

/* The shift, unless it is infinite: then inf - inf would be NaN. */
static void store_shift(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_acc *)f->out)[at + j] = isinf(acc[j]) ? 0 : acc[j];
}

static void store_log(const em_fold *f, int64_t at, const em_acc *acc, int64_t n)
{
    for (int64_t j = 0; j < n; j++) ((em_real *)f->out)[at + j] = (em_real)(log(acc[j]) + f->p[at + j]);
}

static em_status check(em_call *c) { return em__fold_out(c, DIM, KEEPDIM, c->dtype); }

static em_status forward(em_call *c)
{
    unsigned mask;
    em_lines l;
    EM_TRY(em__dim_mask(c->op, &c->opts, DIM, c->in[0]->dims, &mask));
    EM_TRY(em__lines(&l, c->in[0], mask));
    const size_t bytes = (size_t)(l.O * l.K) * sizeof(em_acc);
    em_acc *shift = em__alloc(bytes);
    em_fold top = {EM_FOLD_OF(greatest), .start = -(em_acc)INFINITY, .store = store_shift, .out = shift};
    em_fold sum = {EM_FOLD_OF(exps), .store = store_log, .out = c->out[0]->data, .p = shift};
    em_status s = shift ? em__fold(&top, &l) : em__fail_memory("maxima", bytes);
    if (!s) s = em__fold(&sum, &l);
    em__free(shift, bytes);
    em_tensor_release(l.x);
    return s;
}

static em_status coefficients(const em_node *n, const em_lines *l, em_acc *p, em_acc *g)
{
    for (int64_t i = 0; i < l->O * l->K; i++) {
        p[i] = EM_REALS(n->y[0])[i];
        g[i] = EM_REALS(n->dy[0])[i];
    }
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    return em__fold_backward(dx, n, DIM, coefficients, logsumexp_spread, 0);
}

const em_op EM_OP(logsumexp) = {
    .name = "logsumexp",
    .inputs = "input",
    .outputs = "output",
    .doc = "log(sum of exp(input)) over dims, without overflow.",
    .opts = (const em_opt_spec[]){
        {"dim", EM_OPT_INTS, "", "", "dims to fold; all by default"},
        {"keepdim", EM_OPT_BOOL, "false", "", "whether they stay, with size 1"},
        {0},
    },
    .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_X(0) | EM_SAVE_Y(0),
    .check = check,
    .forward = forward,
    .backward = backward,
};
