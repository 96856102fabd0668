/* What a matrix product does to elements of one type: for gemm.c, which includes this for each type REAL, with
 * TYPED(name) for the names of what is made and BLAS(name) for the functions of BLAS. */

/* y = alpha a x + beta y, a (m, k). */
static void TYPED(vector)(int m, int k, REAL alpha, const REAL *a, int64_t row, int64_t col, const REAL *x,
                          int x_step, REAL beta, REAL *y, int y_step)
{
    const view v = view_of(m, k, row, col);
    if (m == 1) {
        const REAL old = beta == 0 ? 0 : beta * *y;
        *y = old + alpha * BLAS(dot)(k, a, step(k, col), x, x_step);
    } else if (v.transpose == CblasNoTrans) {
        BLAS(gemv)(CblasRowMajor, CblasNoTrans, m, k, alpha, a, v.lead, x, x_step, beta, y, y_step);
    } else {
        BLAS(gemv)(CblasRowMajor, CblasTrans, k, m, alpha, a, v.lead, x, x_step, beta, y, y_step);
    }
}

/* k = 0: no sum to add. */
static void TYPED(scale)(int64_t m, int64_t n, REAL beta, REAL *c, int64_t c_row)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) c[i * c_row + j] = beta == 0 ? 0 : beta * c[i * c_row + j];
}

static void TYPED(tile)(const em_gemm *g, int m, int n, int k, const REAL *a, const REAL *b, double more, REAL *c)
{
    const REAL alpha = (REAL)g->alpha, beta = (REAL)more;
    if (k == 0) {
        TYPED(scale)(m, n, beta, c, g->c_row);
    } else if (n == 1) {
        TYPED(vector)(m, k, alpha, a, g->a_row, g->a_col, b, step(k, g->b_row), beta, c, step(m, g->c_row));
    } else if (m == 1) {
        TYPED(vector)(n, k, alpha, b, g->b_col, g->b_row, a, step(k, g->a_col), beta, c, 1);
    } else {
        const view va = view_of(m, k, g->a_row, g->a_col), vb = view_of(k, n, g->b_row, g->b_col);
        BLAS(gemm)(CblasRowMajor, va.transpose, vb.transpose, m, n, k, alpha, a, va.lead, b, vb.lead, beta, c,
                   m == 1 ? n : (int)g->c_row);
    }
}

/* c = beta c + the slices, in order. */
static void TYPED(add)(const em_gemm *g, const REAL *slice, int64_t slices, REAL *c)
{
    const int64_t n = g->n, count = g->m * n;
    const REAL beta = (REAL)g->beta;
    EM_PARALLEL_CHUNKS(lo, hi, count, slices)
        for (int64_t i = lo; i < hi; i++) {
            REAL *at = c + i / n * g->c_row + i % n, sum = beta == 0 ? 0 : beta * *at;
            for (int64_t p = 0; p < slices; p++) sum += slice[p * count + i];
            *at = sum;
        }
}

#undef REAL
#undef TYPED
#undef BLAS
