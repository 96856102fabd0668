/* bilinear: y_nk = sum_ij a_ni W_kij b_nj + c_k, one k after another: a product with W_k and a scaling of rows.
 * da += dy_k (b W_k^T),  db += dy_k (a W_k),  dW_k = (dy_k a)^T b,  dc = sum_n dy_n. */
#include "math/gemm.h"
#include "graph/op.h"

typedef struct sizes {
    int64_t n, i, j, k;
} sizes;

static sizes sizes_of(const em_tensor *a, const em_tensor *w)
{
    return (sizes){w->size[1] ? a->count / w->size[1] : 0, w->size[1], w->size[2], w->size[0]};
}

static em_status check(em_call *c)
{
    const em_tensor *a = c->in[0], *b = c->in[1], *w = c->in[2], *bias = c->n > 3 ? c->in[3] : NULL;
    EM_TRY(em__check_dims(c, w, 3, "weight"));
    bool same = a->dims == b->dims && a->dims > 0;
    for (int d = 0; same && d < a->dims - 1; d++) same = a->size[d] == b->size[d];
    if (!same || a->size[a->dims - 1] != w->size[1] || b->size[b->dims - 1] != w->size[2])
        return em__fail(EM_ESHAPE,
                        "bilinear: input1 %s and input2 %s: expected (..., %lld) and (..., %lld) for weight %s",
                        EM_SHAPE(a), EM_SHAPE(b), (long long)w->size[1], (long long)w->size[2], EM_SHAPE(w));
    if (bias && (bias->dims != 1 || bias->size[0] != w->size[0]))
        return em__fail(EM_ESHAPE, "bilinear: bias %s: expected shape (%lld)", EM_SHAPE(bias), (long long)w->size[0]);
    if (w->size[1] == 0 || w->size[2] == 0)
        return em__fail(EM_ESHAPE, "bilinear: weight %s: expected at least one feature on each side", EM_SHAPE(w));
    int64_t size[EM_MAX_DIMS];
    for (int d = 0; d < a->dims - 1; d++) size[d] = a->size[d];
    size[a->dims - 1] = w->size[0];
    return em__out(c, 0, c->dtype, a->dims, size);
}

/* t (N, J) = a W_k, or (N, I) = b W_k^T */
static em_status project(const sizes *s, em_real *t, const em_real *x, const em_real *w, bool transposed)
{
    const int64_t from = transposed ? s->j : s->i, to = transposed ? s->i : s->j;
    const em_gemm g = {EM_REAL_DTYPE, s->n, to, from, from, 1, transposed ? 1 : s->j, transposed ? s->j : 1, to, 1, 0};
    return em__gemm(&g, x, w, t);
}

static em_status scratch(em_tensor **out, int64_t rows, int64_t cols)
{
    return em_tensor_empty(out, EM_REAL_DTYPE, 2, (int64_t[]){rows, cols});
}

static em_status forward_into(const em_call *c, const sizes *s, em_real *t)
{
    const em_tensor *bias = c->n > 3 ? c->in[3] : NULL;
    em_real *y = EM_REALS(c->out[0]);
    const em_real *b = EM_REALS(c->in[1]), *w = EM_REALS(c->in[2]);
    for (int64_t k = 0; k < s->k; k++) {
        EM_TRY(project(s, t, EM_REALS(c->in[0]), w + k * s->i * s->j, false));
        const em_real more = bias ? EM_REALS(bias)[k] : 0;
        EM_PARALLEL_CHUNKS(lo, hi, s->n, s->j)
            for (int64_t n = lo; n < hi; n++) {
                em_real sum = 0;
                for (int64_t j = 0; j < s->j; j++) sum += t[n * s->j + j] * b[n * s->j + j];
                y[n * s->k + k] = sum + more;
            }
    }
    return EM_OK;
}

static em_status forward(em_call *c)
{
    const sizes s = sizes_of(c->in[0], c->in[2]);
    em_tensor *hold;
    EM_TRY(scratch(&hold, s.n, s.j));
    em_status status = forward_into(c, &s, EM_REALS(hold));
    em_tensor_release(hold);
    return status;
}

/* to (N, C) += or = dy_nk from, row by row */
static void scale_rows(const sizes *s, em_real *restrict to, const em_real *restrict from, const em_real *dy, int64_t k,
                       int64_t cols, bool add)
{
    EM_PARALLEL_CHUNKS(lo, hi, s->n, cols)
        for (int64_t n = lo; n < hi; n++) {
            const em_real d = dy[n * s->k + k];
            for (int64_t i = 0; i < cols; i++)
                to[n * cols + i] = d * from[n * cols + i] + (add ? to[n * cols + i] : 0);
        }
}

/* da += dy_k (b W_k^T)    db += dy_k (a W_k)    dW_k = (dy_k a)^T b */
static em_status backward_into(const em_node *n, const sizes *s, em_tensor **dx, em_real *t)
{
    const em_real *a = EM_REALS(n->x[0]), *b = EM_REALS(n->x[1]), *dy = EM_REALS(n->dy[0]);
    for (int64_t k = 0; k < s->k; k++) {
        const em_real *w = EM_REALS(n->x[2]) + k * s->i * s->j;
        if (dx[0]) {
            EM_TRY(project(s, t, b, w, true));
            scale_rows(s, EM_REALS(dx[0]), t, dy, k, s->i, true);
        }
        if (dx[1]) {
            EM_TRY(project(s, t, a, w, false));
            scale_rows(s, EM_REALS(dx[1]), t, dy, k, s->j, true);
        }
        if (dx[2]) {
            scale_rows(s, t, a, dy, k, s->i, false);
            const em_gemm g = {EM_REAL_DTYPE, s->i, s->j, s->n, 1, s->i, s->j, 1, s->j, 1, 0};
            EM_TRY(em__gemm(&g, t, b, EM_REALS(dx[2]) + k * s->i * s->j));
        }
    }
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    const sizes s = sizes_of(n->x[0], n->x[2]);
    for (int i = 0; i < 2; i++)
        if (em__wants(n, i)) EM_TRY(em__dx_zeros(dx, n, i));
    if (em__wants(n, 2)) EM_TRY(em__dx(dx, n, 2));
    if (n->n > 3 && em__wants(n, 3)) EM_TRY(em__sum_to(&dx[3], n->dy[0], n->x[3]));
    em_tensor *hold;
    EM_TRY(scratch(&hold, s.n, em__max(s.i, s.j)));
    em_status status = backward_into(n, &s, dx, EM_REALS(hold));
    em_tensor_release(hold);
    return status;
}

const em_op EM_OP(bilinear) = {
    .name = "bilinear", .inputs = "input1 input2 weight bias?", .outputs = "output",
    .doc = "input1 weight input2 + bias: input1 (..., I), input2 (..., J), weight (K, I, J), bias (K) give (..., K).\n"
           "Fails if shapes do not fit.",
    .types = EM_TYPES_FLOAT, .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2), .check = check, .forward = forward,
    .backward = backward,
};
