/* Singular values: A = U diag(S) Vh, by divide and conquer (gesdd). With W = U^T dU and Z = V^T dV
 *
 *     dA = U K Vh + (1 - U U^T) dU S^-1 Vh + U S^-1 dVh (1 - V V^T),
 *     K_ij = ((W - W^T)_ij s_j + s_i (Z - Z^T)_ij) / (s_j^2 - s_i^2),   K_ii = dS_i
 *
 * (J. Townsend, Differentiating the singular value decomposition, 2016). */
#include "ops/linalg/linalg.h"

static em_status check(em_call *c)
{
    const em_tensor *x = c->in[0];
    EM_TRY(linalg_check(c, x, false));
    const int64_t m = linalg_rows(x), n = linalg_cols(x), k = em__min(m, n);
    const bool full = c->opts.at[0].i;
    EM_TRY(linalg_out(c, 0, m, full ? m : k));
    EM_TRY(linalg_out(c, 1, k, -1));
    return linalg_out(c, 2, full ? n : k, n);
}

/* The memory of one decomposition, by its first part's address: reals, then integers. */
typedef struct scratch {
    em_real *a, *work;
    int *integers, lwork;
    size_t bytes;
} scratch;

static em_status scratch_make(scratch *s, int n, int m, const char *job)
{
    const int k = n < m ? n : m, query = -1;
    em_real best = 0;
    int info, none;
    LAPACK(gesdd)(job, &n, &m, &best, &n, &best, &best, &n, &best, &m, &best, &query, &none, &info, 1);
    if (!((double)best < (double)INT_MAX)) return em__fail(EM_ESHAPE, "svd: a matrix of %d x %d is too large", m, n);
    s->lwork = (int)ceil((double)best * (1 + 1e-6));    /* a float does not hold it exactly */
    const size_t reals = (size_t)n * (size_t)m + (size_t)s->lwork;
    s->bytes = reals * sizeof(em_real) + (size_t)k * 8 * sizeof(int);
    s->a = em__alloc(s->bytes);
    if (!s->a) return em__fail_memory("a singular value decomposition", s->bytes);
    s->work = s->a + (size_t)n * (size_t)m;
    s->integers = (int *)(void *)(s->a + reals);
    return EM_OK;
}

/* LAPACK takes the matrix for its transpose, V S U^T: its U is our Vh by rows, and its V^T is our U. */
static em_status decompose(const em_call *c, const scratch *s, int64_t b, int m, int n)
{
    const em_tensor *x = c->in[0], *u = c->out[0], *vh = c->out[2];
    const int64_t size = (int64_t)m * n, k = em__min(m, n);
    const int ldu = (int)linalg_cols(u);
    char which[LINALG_WHICH];
    int info = 0;
    bool finite = true;
    memcpy(s->a, EM_REALS(x) + b * size, (size_t)size * sizeof(em_real));
    for (int64_t i = 0; i < size; i++) finite &= isfinite(s->a[i]) != 0;
    if (!finite)
        return em__fail(EM_EVALUE, "svd: input: matrix%s holds NaN or an infinite number", linalg_which(which, x, b));
    LAPACK(gesdd)(c->opts.at[0].i ? "A" : "S", &n, &m, s->a, &n, EM_REALS(c->out[1]) + b * k,
                  EM_REALS(vh) + b * linalg_rows(vh) * n, &n, EM_REALS(u) + b * m * ldu, &ldu, s->work, &s->lwork,
                  s->integers, &info, 1);
    if (info) return em__fail(EM_EVALUE, "svd: input: matrix%s: LAPACK did not converge", linalg_which(which, x, b));
    return EM_OK;
}

/* Of matrices without elements the full factors are the identity. */
static void fill_identity(em_tensor *t)
{
    em_tensor_fill(t, 0);
    const int64_t n = linalg_cols(t);
    for (int64_t i = 0; n && i < t->count / n; i++) EM_REALS(t)[i * n + i % n] = 1;
}

static em_status forward(em_call *c)
{
    const em_tensor *x = c->in[0];
    const int m = (int)linalg_rows(x), n = (int)linalg_cols(x);
    if (x->count == 0) {
        fill_identity(c->out[0]);
        fill_identity(c->out[2]);
        return EM_OK;
    }
    EM_TRY(linalg_ready(c, LAPACK(gesdd) != NULL));
    scratch work = {0};
    EM_TRY(scratch_make(&work, n, m, c->opts.at[0].i ? "A" : "S"));
    em_status s = EM_OK;
    for (int64_t b = 0; b < linalg_batch(x) && !s && !em__stop; b++) s = decompose(c, &work, b, m, n);
    em__free(work.a, work.bytes);
    return s;
}

/* K from W and Z^T, either of which may be null, and dS; s_row: S as (..., 1, k). */
static em_tensor *middle(linalg_formula *f, const em_tensor *s_row, const em_tensor *s, const em_tensor *w,
                         const em_tensor *zt, const em_tensor *ds)
{
    em_tensor *out = linalg_squares(f, s_row);
    if (!out) return NULL;
    const int64_t k = linalg_cols(out);
    for (int64_t at = 0; at < out->count; at++) {
        const int64_t b = at / (k * k), i = at / k % k, j = at % k, mirror = b * k * k + j * k + i;
        const em_real si = EM_REALS(s)[b * k + i], sj = EM_REALS(s)[b * k + j];
        em_real sum = 0;
        if (w) sum += (EM_REALS(w)[at] - EM_REALS(w)[mirror]) * sj;
        if (zt) sum += (EM_REALS(zt)[mirror] - EM_REALS(zt)[at]) * si;
        if (i == j) EM_REALS(out)[at] = ds ? EM_REALS(ds)[b * k + i] : 0;
        else if (w || zt) EM_REALS(out)[at] = sum / ((sj - si) * (sj + si));
    }
    return out;
}

/* The first k rows of matrices. */
static em_tensor *first_rows(linalg_formula *f, em_tensor *t, int64_t k)
{
    if (f->status || linalg_rows(t) == k) return t;
    em_opts opts;
    em_opts_default(&opts, em_op_find("narrow"));
    opts.at[0] = (em_opt){.given = true, .i = -2, .x = -2};
    opts.at[1] = (em_opt){.given = true};
    opts.at[2] = (em_opt){.given = true, .i = k, .x = (double)k};
    em_tensor *out = NULL;
    const em_status s = em__run1("narrow", t, &opts, &out);
    return linalg_kept(f, s, out);
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    const em_tensor *x = n->x[0];
    em_tensor *du = n->dy[0], *ds = n->dy[1], *dvh = n->dy[2], *s = n->y[1];
    const int64_t rows = linalg_rows(x), cols = linalg_cols(x), k = em__min(rows, cols);
    if (n->opts.at[0].i && rows != cols && (du || dvh))
        return em__fail(EM_EGRAD, "svd: U and Vh of full_matrices have no gradient unless the matrices are square");
    if (x->count == 0) return em__dx_zeros(dx, n, 0);
    linalg_formula f = {0};
    em_tensor *ut = first_rows(&f, linalg_transposed(&f, n->y[0]), k), *u = linalg_transposed(&f, ut);
    em_tensor *vh = first_rows(&f, n->y[2], k), *v = linalg_transposed(&f, vh);
    em_tensor *s_row = linalg_one(&f, "unsqueeze", s, -2, 0), *s_col = linalg_one(&f, "unsqueeze", s, -1, 0);
    em_tensor *w = du ? linalg_product(&f, ut, du) : NULL, *zt = dvh ? linalg_product(&f, dvh, v) : NULL;
    em_tensor *sum = linalg_product(&f, u, linalg_product(&f, middle(&f, s_row, s, w, zt, ds), vh));
    if (du && rows > k) {
        em_tensor *p = linalg_two(&f, "div", du, s_row);
        p = linalg_two(&f, "sub", p, linalg_product(&f, u, linalg_product(&f, ut, p)));
        sum = linalg_two(&f, "add", sum, linalg_product(&f, p, vh));
    }
    if (dvh && cols > k) {
        em_tensor *q = linalg_two(&f, "div", dvh, s_col);
        q = linalg_two(&f, "sub", q, linalg_product(&f, linalg_product(&f, q, v), vh));
        sum = linalg_two(&f, "add", sum, linalg_product(&f, u, q));
    }
    return linalg_finish(&f, sum, dx);
}

static const em_opt_spec opts[] = {
    {"full_matrices", EM_OPT_BOOL, "true", "", "U (..., m, m) and Vh (..., n, n); else only the first min(m, n)"},
    {0},
};

const em_op EM_OP(svd) = {
    .name = "svd", .inputs = "input", .outputs = "U S Vh",
    .doc = "Singular values S, descending, of matrices (..., m, n), with A = U diag(S) Vh. Signs are LAPACK's.\n"
           "Fails for NaN and infinite numbers. Gradients of U and Vh need singular values that differ.",
    .opts = opts, .types = EM_TYPES_FLOAT, .saves = EM_SAVE_Y(0) | EM_SAVE_Y(1) | EM_SAVE_Y(2), .check = check,
    .forward = forward, .backward = backward,
};
