/* A = Q R with orthonormal columns of Q and R an upper triangle (geqrf, orgqr). Of matrices with no more columns than
 * rows
 *
 *     dA = (dQ + Q C) R^-T, C = the symmetric matrix with the lower triangle of R dR^T - dQ^T Q
 *
 * (S. Walter, L. Lehmann, Algorithmic differentiation of linear algebra functions, 2012). */
#include "ops/linalg/linalg.h"

static em_status check(em_call *c)
{
    const em_tensor *x = c->in[0];
    EM_TRY(linalg_check(c, x, false));
    const int64_t m = linalg_rows(x), n = linalg_cols(x), k = c->opts.at[0].i ? m : em__min(m, n);
    EM_TRY(linalg_out(c, 0, m, k));
    return linalg_out(c, 1, k, n);
}

typedef struct scratch {
    em_real *a, *tau, *work;            /* a: by columns, as wide as A or Q */
    int lwork;
    size_t bytes;
} scratch;

static em_status scratch_make(scratch *s, int m, int n, int columns)
{
    const int query = -1, least = m < n ? m : n, wide = n > columns ? n : columns;
    em_real best[2] = {0, 0}, none = 0;
    int info;
    LAPACK(geqrf)(&m, &n, &none, &m, &none, &best[0], &query, &info);
    LAPACK(orgqr)(&m, &columns, &least, &none, &m, &none, &best[1], &query, &info);
    const double most = best[0] > best[1] ? (double)best[0] : (double)best[1];
    if (!(most < (double)INT_MAX)) return em__fail(EM_ESHAPE, "qr: a matrix of %d x %d is too large", m, n);
    s->lwork = (int)ceil(most * (1 + 1e-6));            /* a float does not hold it exactly */
    s->bytes = ((size_t)m * (size_t)wide + (size_t)least + (size_t)s->lwork) * sizeof(em_real);
    s->a = em__alloc(s->bytes);
    if (!s->a) return em__fail_memory("a QR decomposition", s->bytes);
    s->tau = s->a + (size_t)m * (size_t)wide;
    s->work = s->tau + least;
    return EM_OK;
}

static void decompose(const scratch *s, const em_real *x, em_real *q, em_real *r, int m, int n, int columns)
{
    const int least = m < n ? m : n;
    int info;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) s->a[j * m + i] = x[i * n + j];
    LAPACK(geqrf)(&m, &n, s->a, &m, s->tau, s->work, &s->lwork, &info);
    for (int64_t i = 0; i < columns; i++)
        for (int64_t j = 0; j < n; j++) r[i * n + j] = i <= j ? s->a[j * m + i] : 0;
    LAPACK(orgqr)(&m, &columns, &least, s->a, &m, s->tau, s->work, &s->lwork, &info);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < columns; j++) q[i * columns + j] = s->a[j * m + i];
}

static em_status forward(em_call *c)
{
    const em_tensor *x = c->in[0], *q = c->out[0], *r = c->out[1];
    const int m = (int)linalg_rows(x), n = (int)linalg_cols(x), columns = (int)linalg_cols(q);
    if (x->count == 0) {                                /* Q of no columns of A is the identity's part */
        em_tensor_fill(c->out[0], 0);
        for (int64_t i = 0; columns && i < q->count / columns; i++)
            if (i % m < columns) EM_REALS(q)[i * columns + i % m] = 1;
        return EM_OK;
    }
    EM_TRY(linalg_ready(c, LAPACK(geqrf) && LAPACK(orgqr)));
    scratch work = {0};
    EM_TRY(scratch_make(&work, m, n, columns));
    for (int64_t b = 0; b < linalg_batch(x) && !em__stop; b++)
        decompose(&work, EM_REALS(x) + b * m * n, EM_REALS(q) + b * m * columns, EM_REALS(r) + b * columns * n, m, n,
                  columns);
    em__free(work.a, work.bytes);
    return EM_OK;
}

/* The symmetric matrices with t's lower triangles. */
static em_tensor *mirrored(linalg_formula *f, const em_tensor *t)
{
    em_tensor *out = f->status ? NULL : linalg_squares(f, t);
    if (!out) return NULL;
    const int64_t n = linalg_cols(t);
    for (int64_t at = 0; at < t->count; at++) {
        const int64_t b = at / (n * n), i = at / n % n, j = at % n;
        EM_REALS(out)[at] = EM_REALS(t)[b * n * n + em__max(i, j) * n + em__min(i, j)];
    }
    return out;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    em_tensor *q = n->y[0], *r = n->y[1], *dq = n->dy[0], *dr = n->dy[1];
    if (linalg_rows(r) != linalg_cols(r))
        return em__fail(EM_EGRAD, "qr: there is no gradient where R is not square, got shape %s", EM_SHAPE(r));
    if (n->x[0]->count == 0) return em__dx_zeros(dx, n, 0);
    linalg_formula f = {0};
    em_tensor *a = dr ? linalg_product(&f, r, linalg_transposed(&f, dr)) : NULL;
    em_tensor *b = dq ? linalg_product(&f, linalg_transposed(&f, dq), q) : NULL;
    em_tensor *m = !b ? a : a ? linalg_two(&f, "sub", a, b) : linalg_one(&f, "neg", b, 0, 0);
    em_tensor *sum = linalg_product(&f, q, mirrored(&f, m));
    if (dq) sum = linalg_two(&f, "add", sum, dq);       /* dA^T = R^-1 (dQ + Q C)^T */
    em_tensor *dat = linalg_two(&f, "solve", r, linalg_transposed(&f, sum));
    return linalg_finish(&f, linalg_one(&f, "transpose", dat, -2, -1), dx);
}

static const em_opt_spec opts[] = {
    {"complete", EM_OPT_BOOL, "false", "", "Q (..., m, m) and R (..., m, n); else min(m, n) columns and rows"},
    {0},
};

const em_op EM_OP(qr) = {
    .name = "qr", .inputs = "input", .outputs = "Q R",
    .doc = "Q with orthonormal columns and the upper triangle R of matrices (..., m, n), with A = Q R.\n"
           "Signs are LAPACK's: R's diagonal may be negative. Gradients need a square R.",
    .opts = opts, .types = EM_TYPES_FLOAT, .saves = EM_SAVE_Y(0) | EM_SAVE_Y(1), .check = check, .forward = forward,
    .backward = backward,
};
