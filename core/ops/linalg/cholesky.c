/* Of a positive definite A the lower triangle L with A = L L^T (potrf; upper: A = U^T U, the same with U = L^T).
 *
 *     dA = 1/2 (X + X^T), X = L^-T P L^-1, P = the lower triangle of L^T dL, its diagonal halved
 *
 * (I. Murray, Differentiation of the Cholesky decomposition, 2016). */
#include "ops/linalg/linalg.h"

static em_status check(em_call *c)
{
    EM_TRY(linalg_check(c, c->in[0], true));
    return em__out_like(c, 0, c->in[0]);
}

/* By columns, as LAPACK sees it, a lower triangle by rows is an upper one. */
static em_status factorize(const em_call *c, int64_t b, int n)
{
    const bool upper = c->opts.at[0].i;
    em_real *y = EM_REALS(c->out[0]) + b * n * n;
    char which[LINALG_WHICH];
    int info = 0;
    LAPACK(potrf)(upper ? "L" : "U", &n, y, &n, &info, 1);
    for (int i = 0; i < n && !info; i++)                /* OpenBLAS lets NaN pass */
        if (!(y[(int64_t)i * n + i] > 0)) info = i + 1;
    if (info)
        return em__fail(EM_EVALUE, "cholesky: input: matrix%s is not positive definite: its leading minor of order %d "
                        "is not", linalg_which(which, c->in[0], b), info);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = upper ? 0 : i + 1; j < (upper ? i : n); j++) y[i * n + j] = 0;
    return EM_OK;
}

static em_status forward(em_call *c)
{
    const em_tensor *x = c->in[0];
    if (x->count == 0) return EM_OK;
    EM_TRY(linalg_ready(c, LAPACK(potrf) != NULL));
    memcpy(c->out[0]->data, x->data, (size_t)x->count * sizeof(em_real));
    em_status s = EM_OK;
    for (int64_t b = 0; b < linalg_batch(x) && !s && !em__stop; b++) s = factorize(c, b, (int)linalg_rows(x));
    return s;
}

/* P / 2, so that X needs no halving. */
static em_tensor *half_lower(linalg_formula *f, const em_tensor *t)
{
    em_tensor *out = linalg_squares(f, t);
    if (!out) return NULL;
    const int64_t n = linalg_cols(t);
    for (int64_t at = 0; at < t->count; at++) {
        const int64_t i = at / n % n, j = at % n;
        EM_REALS(out)[at] = EM_REALS(t)[at] * (em_real)(i > j ? 0.5 : i == j ? 0.25 : 0);
    }
    return out;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    if (n->x[0]->count == 0) return em__dx_zeros(dx, n, 0);
    linalg_formula f = {0};
    const bool upper = n->opts.at[0].i;
    em_tensor *l = upper ? linalg_transposed(&f, n->y[0]) : n->y[0], *lt = linalg_transposed(&f, l);
    em_tensor *dl = upper ? linalg_transposed(&f, n->dy[0]) : n->dy[0];
    em_tensor *p = half_lower(&f, linalg_product(&f, lt, dl));
    em_tensor *left = linalg_two(&f, "solve", lt, p);                   /* L^-T P, then X^T = L^-T (L^-T P)^T */
    em_tensor *xt = linalg_two(&f, "solve", lt, linalg_transposed(&f, left));
    return linalg_finish(&f, linalg_two(&f, "add", xt, linalg_transposed(&f, xt)), dx);
}

static const em_opt_spec opts[] = {{"upper", EM_OPT_BOOL, "false", "", "the triangle above: A = U^T U"}, {0}};

const em_op EM_OP(cholesky) = {
    .name = "cholesky", .inputs = "input", .outputs = "L",
    .doc = "The lower triangles L with A = L L^T of symmetric positive definite matrices (..., n, n), of which only\n"
           "the lower triangle (upper: the upper one) is read. Fails if a matrix is not positive definite, or has NaN.",
    .opts = opts, .types = EM_TYPES_FLOAT, .saves = EM_SAVE_Y(0), .check = check, .forward = forward,
    .backward = backward,
};
