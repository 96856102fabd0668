/* Linear equations by LU factors with exchanged rows (getrf, getrs): solve, X of A X = B, and inv, A^-1. With
 * G = A^-T dX
 *
 *     solve: dB = G, dA = -G X^T        inv: dA = -Y^T dY Y^T
 *
 * (M. Giles, Collected matrix derivative results for forward and reverse mode algorithmic differentiation, 2008). */
#include "ops/linalg/linalg.h"

/* The memory of one system: A, the right sides by columns, the rows exchanged. */
typedef struct scratch {
    em_real *a, *b;
    int *pivots;
    size_t bytes;
} scratch;

static em_status scratch_make(scratch *s, int64_t n, int64_t columns)
{
    const size_t reals = (size_t)(n * n + n * columns);
    s->bytes = reals * sizeof(em_real) + (size_t)n * sizeof(int);
    s->a = em__alloc(s->bytes);
    if (!s->a) return em__fail_memory("a system of linear equations", s->bytes);
    s->b = s->a + n * n;
    s->pivots = (int *)(void *)(s->a + reals);
    return EM_OK;
}

/* `right` null: the identity. By columns our A is A^T, so that the transposed system is ours. */
static em_status solve_one(const em_call *c, const scratch *s, int64_t batch, const em_real *right, em_real *out,
                           int columns)
{
    const int n = (int)linalg_rows(c->in[0]);
    char which[LINALG_WHICH];
    int info = 0;
    memcpy(s->a, EM_REALS(c->in[0]) + batch * n * n, (size_t)n * (size_t)n * sizeof(em_real));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < columns; j++) s->b[j * n + i] = right ? right[i * columns + j] : i == j;
    LAPACK(getrf)(&n, &n, s->a, &n, s->pivots, &info);
    if (info)
        return em__fail(EM_EVALUE, "%s: %s: matrix%s is singular: its factor U has a 0 at [%d, %d]",
                        c->op->name, c->n == 2 ? "A" : "input",
                        linalg_which(which, c->in[0], batch), info - 1, info - 1);
    LAPACK(getrs)("T", &n, &columns, s->a, &n, s->pivots, s->b, &n, &info, 1);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < columns; j++) out[i * columns + j] = s->b[j * n + i];
    return EM_OK;
}

static em_status solve_all(em_call *c, const em_tensor *right)
{
    const em_tensor *x = c->in[0], *y = c->out[0];
    const int64_t n = linalg_rows(x), columns = linalg_cols(y), size = n * columns;
    if (y->count == 0) return EM_OK;
    EM_TRY(linalg_ready(c, LAPACK(getrf) && LAPACK(getrs)));
    scratch work = {0};
    EM_TRY(scratch_make(&work, n, columns));
    em_status s = EM_OK;
    for (int64_t b = 0; b < linalg_batch(x) && !s && !em__stop; b++)
        s = solve_one(c, &work, b, right ? EM_REALS(right) + b * size : NULL, EM_REALS(y) + b * size, (int)columns);
    em__free(work.a, work.bytes);
    return s;
}

/* ---- solve ----------------------------------------------------------------------------------------------- */

static em_status solve_check(em_call *c)
{
    const em_tensor *a = c->in[0], *b = c->in[1];
    EM_TRY(linalg_check(c, a, true));
    EM_TRY(linalg_check(c, b, false));
    bool fits = a->dims == b->dims;
    for (int d = 0; fits && d < a->dims - 1; d++) fits = a->size[d] == b->size[d];
    if (!fits)
        return em__fail(EM_ESHAPE, "solve: right sides of shape %s do not fit matrices of shape %s", EM_SHAPE(b),
                        EM_SHAPE(a));
    return em__out_like(c, 0, b);
}

static em_status solve_forward(em_call *c) { return solve_all(c, c->in[1]); }

static em_status solve_backward(const em_node *n, em_tensor **dx)
{
    linalg_formula f = {0};
    em_tensor *g = linalg_two(&f, "solve", linalg_transposed(&f, n->x[0]), n->dy[0]), *da = NULL;
    if (em__wants(n, 0)) {
        da = linalg_product(&f, g, linalg_transposed(&f, n->y[0]));
        if (!f.status) f.status = em__run1("neg", da, NULL, &dx[0]);
    }
    return em__wants(n, 1) ? linalg_finish(&f, g, &dx[1]) : linalg_drop(&f);
}

/* ---- inv ------------------------------------------------------------------------------------------------- */

static em_status inv_check(em_call *c)
{
    EM_TRY(linalg_check(c, c->in[0], true));
    return em__out_like(c, 0, c->in[0]);
}

static em_status inv_forward(em_call *c) { return solve_all(c, NULL); }

static em_status inv_backward(const em_node *n, em_tensor **dx)
{
    linalg_formula f = {0};
    em_tensor *yt = linalg_transposed(&f, n->y[0]),
              *product = linalg_product(&f, yt, linalg_product(&f, n->dy[0], yt));
    return linalg_finish(&f, linalg_one(&f, "neg", product, 0, 0), dx);
}

const em_op EM_OP(solve) = {
    .name = "solve", .inputs = "A B", .outputs = "X",
    .doc = "X of A X = B: A (..., n, n), B (..., n, k) with the same batch. Fails if a matrix is singular.",
    .types = EM_TYPES_FLOAT, .saves = EM_SAVE_X(0) | EM_SAVE_Y(0), .check = solve_check, .forward = solve_forward,
    .backward = solve_backward,
};

const em_op EM_OP(inv) = {
    .name = "inv", .inputs = "input", .outputs = "output",
    .doc = "The inverses of matrices (..., n, n). Fails if one is singular.", .types = EM_TYPES_FLOAT,
    .saves = EM_SAVE_Y(0), .check = inv_check, .forward = inv_forward, .backward = inv_backward,
};
