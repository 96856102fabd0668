/* Eigenvalues of symmetric matrices: A = V diag(L) V^T, by divide and conquer (syevd).
 *
 *     dA = V K V^T, K_ij = (V^T dV)_ij / (l_j - l_i), K_ii = dL_i
 *
 * (M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008). */
#include "ops/linalg/linalg.h"

static em_status check(em_call *c)
{
    EM_TRY(linalg_check(c, c->in[0], true));
    EM_TRY(linalg_out(c, 0, linalg_rows(c->in[0]), -1));
    return em__out_like(c, 1, c->in[0]);
}

typedef struct scratch {
    em_real *work;
    int *integers, lwork, liwork;
    size_t bytes;
} scratch;

static em_status scratch_make(scratch *s, int n)
{
    const int query = -1;
    em_real best = 0, none = 0;
    int info;
    LAPACK(syevd)("V", "L", &n, &none, &n, &none, &best, &query, &s->liwork, &query, &info, 1, 1);
    if (!((double)best < (double)INT_MAX)) return em__fail(EM_ESHAPE, "eigh: a matrix of %d x %d is too large", n, n);
    s->lwork = (int)ceil((double)best * (1 + 1e-6));    /* a float does not hold it exactly */
    s->bytes = (size_t)s->lwork * sizeof(em_real) + (size_t)s->liwork * sizeof(int);
    s->work = em__alloc(s->bytes);
    if (!s->work) return em__fail_memory("an eigenvalue decomposition", s->bytes);
    s->integers = (int *)(void *)(s->work + s->lwork);
    return EM_OK;
}

/* By columns, as LAPACK sees it, a lower triangle by rows is an upper one, and its vectors are our rows. */
static em_status decompose(const em_call *c, const scratch *s, int64_t b, int n)
{
    em_real *v = EM_REALS(c->out[1]) + b * n * n;
    const bool upper = c->opts.at[0].i;
    char which[LINALG_WHICH];
    bool finite = true;
    int info = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = upper ? i : 0; j < (upper ? n : i + 1); j++) finite &= isfinite(v[i * n + j]) != 0;
    if (!finite)
        return em__fail(EM_EVALUE, "eigh: input: matrix%s holds NaN or an infinite number",
                        linalg_which(which, c->in[0], b));
    LAPACK(syevd)("V", upper ? "L" : "U", &n, v, &n, EM_REALS(c->out[0]) + b * n, s->work, &s->lwork, s->integers,
                  &s->liwork, &info, 1, 1);
    if (info)
        return em__fail(EM_EVALUE, "eigh: input: matrix%s: LAPACK did not converge", linalg_which(which, c->in[0], b));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            const em_real t = v[i * n + j];
            v[i * n + j] = v[j * n + i];
            v[j * n + i] = t;
        }
    return EM_OK;
}

static em_status forward(em_call *c)
{
    const em_tensor *x = c->in[0];
    const int n = (int)linalg_rows(x);
    if (x->count == 0) return EM_OK;
    EM_TRY(linalg_ready(c, LAPACK(syevd) != NULL));
    scratch work = {0};
    EM_TRY(scratch_make(&work, n));
    memcpy(c->out[1]->data, x->data, (size_t)x->count * sizeof(em_real));
    em_status s = EM_OK;
    for (int64_t b = 0; b < linalg_batch(x) && !s && !em__stop; b++) s = decompose(c, &work, b, n);
    em__free(work.work, work.bytes);
    return s;
}

static em_tensor *middle(linalg_formula *f, const em_tensor *v, const em_tensor *l, const em_tensor *w,
                         const em_tensor *dl)
{
    em_tensor *out = linalg_squares(f, v);
    if (!out) return NULL;
    const int64_t n = linalg_cols(v);
    for (int64_t at = 0; at < out->count; at++) {
        const int64_t b = at / (n * n), i = at / n % n, j = at % n;
        if (i == j) EM_REALS(out)[at] = dl ? EM_REALS(dl)[b * n + i] : 0;
        else if (w) EM_REALS(out)[at] = EM_REALS(w)[at] / (EM_REALS(l)[b * n + j] - EM_REALS(l)[b * n + i]);
    }
    return out;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    if (n->x[0]->count == 0) return em__dx_zeros(dx, n, 0);
    linalg_formula f = {0};
    em_tensor *v = n->y[1], *vt = linalg_transposed(&f, v);
    em_tensor *w = n->dy[1] ? linalg_product(&f, vt, n->dy[1]) : NULL, *k = middle(&f, v, n->y[0], w, n->dy[0]);
    return linalg_finish(&f, linalg_product(&f, v, linalg_product(&f, k, vt)), dx);
}

static const em_opt_spec opts[] = {{"upper", EM_OPT_BOOL, "false", "", "read the upper triangle, not the lower"}, {0}};

const em_op EM_OP(eigh) = {
    .name = "eigh", .inputs = "input", .outputs = "L V",
    .doc = "Eigenvalues L, ascending, and eigenvectors, V's columns, of symmetric matrices (..., n, n), of which only\n"
           "one triangle is read. Signs are LAPACK's. Fails for NaN and infinite numbers.",
    .opts = opts, .types = EM_TYPES_FLOAT, .saves = EM_SAVE_Y(0) | EM_SAVE_Y(1), .check = check, .forward = forward,
    .backward = backward,
};
