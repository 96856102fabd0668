/* Products of matrices that lie in tensors with some strides: what operations made of them share. Each is c = a b for a
 * batch of matrices, and so are both gradients,
 *     da = dc b^T    db = a^T dc    (summed over the batch dims in which a, or b, was repeated),
 * where a transposed matrix is the same memory with its strides exchanged: nothing is copied unless BLAS cannot read
 * it as it lies. Needs EM_VARIANT. */
#ifndef EM_OPS_PRODUCT_H
#define EM_OPS_PRODUCT_H

#include "math/gemm.h"
#include "graph/op.h"

/* ---- shapes -------------------------------------------------------------------------------------------- */

typedef struct em_product {
    int dims; /* of the batch */
    int64_t size[EM_MAX_DIMS];
    int64_t count; /* product of the sizes */
    int64_t m, n, k;
    bool row, inner, col; /* false: the tensors have no dim for m, k, n, whose size is then 1 */
    bool flipped;         /* b is given as (N, K) */
} em_product;

/* A number to multiply by: a double does not hold each of int64. */
#if EM_REAL_FLOAT
typedef double em_factor;
#else
typedef int64_t em_factor;
#endif

/* A batch of matrices inside a tensor; the batch stride is 0 where the tensor repeats. */
typedef struct em_matrices {
    em_scalar *data;
    int64_t row, col, batch[EM_MAX_DIMS];
} em_matrices;

static inline em_status em__unfit(const char *name, const em_tensor *a, const em_tensor *b, int64_t ka, int64_t kb)
{
    return em__fail(EM_ESHAPE,
                    "%s: shapes %s and %s cannot be multiplied: expected equal inner sizes, got %lld and %lld", name,
                    EM_SHAPE(a), EM_SHAPE(b), (long long)ka, (long long)kb);
}

static inline int64_t em__batch_size(const em_tensor *t, int batch_dims, int dim_from_end)
{
    return dim_from_end > batch_dims ? 1 : t->size[batch_dims - dim_from_end];
}

static inline em_status em__plan_batch(em_product *p, const char *name, const em_tensor *a, int a_dims,
                                       const em_tensor *b, int b_dims)
{
    p->dims = a_dims > b_dims ? a_dims : b_dims;
    p->count = 1;
    for (int d = 0; d < p->dims; d++) {
        const int64_t x = em__batch_size(a, a_dims, p->dims - d), y = em__batch_size(b, b_dims, p->dims - d);
        if (x != y && x != 1 && y != 1)
            return em__fail(EM_ESHAPE, "%s: batch dims of shapes %s and %s do not broadcast (sizes %lld and %lld)",
                            name, EM_SHAPE(a), EM_SHAPE(b), (long long)x, (long long)y);
        p->size[d] = x == 1 ? y : x;
        p->count *= p->size[d];
    }
    return EM_OK;
}

/* a (..., M, K) or (K), b (..., K, N) or (K); flipped: b (N, K). */
static inline em_status em__product_plan(em_product *p, const char *name, const em_tensor *a, const em_tensor *b,
                                         bool flipped)
{
    *p = (em_product){.row = a->dims > 1, .inner = true, .col = b->dims > 1, .flipped = flipped};
    if (!a->dims || !b->dims)
        return em__fail(EM_ESHAPE, "%s: expected tensors of at least 1 dim, got shapes %s and %s", name, EM_SHAPE(a),
                        EM_SHAPE(b));
    p->m = p->row ? a->size[a->dims - 2] : 1;
    p->k = a->size[a->dims - 1];
    p->n = p->col ? b->size[b->dims - (flipped ? 2 : 1)] : 1;
    const int64_t k = b->size[b->dims - (p->col && !flipped ? 2 : 1)];
    if (k != p->k) return em__unfit(name, a, b, p->k, k);
    return em__plan_batch(p, name, a, a->dims - 1 - p->row, b, b->dims - 1 - p->col);
}

static inline em_status em__product_out(em_call *c, const em_product *p)
{
    if (c->dtype == EM_BOOL)
        return em__fail(EM_ETYPE, "%s: bool tensors have no product; convert them to a number dtype", c->op->name);
    int64_t size[EM_MAX_DIMS];
    int dims = p->dims;
    for (int d = 0; d < dims; d++) size[d] = p->size[d];
    if (p->row) size[dims++] = p->m;
    if (p->col) size[dims++] = p->n;
    return em__out(c, 0, c->dtype, dims, size);
}

static inline em_status em__check_batches(const em_call *c, const em_tensor *a, const em_tensor *b, const char *a_name,
                                          const char *b_name)
{
    EM_TRY(em__check_dims(c, a, 3, a_name));
    EM_TRY(em__check_dims(c, b, 3, b_name));
    if (a->size[0] == b->size[0]) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s %s and %s %s: expected the same batch size, got %lld and %lld", c->op->name,
                    a_name, EM_SHAPE(a), b_name, EM_SHAPE(b), (long long)a->size[0], (long long)b->size[0]);
}

/* ---- where matrices lie -------------------------------------------------------------------------------- */

static inline em_matrices em__matrices_of(const em_tensor *t, const em_product *p, bool has_row, bool has_col)
{
    em_matrices f = {.data = EM_SCALARS(t), .row = 1, .col = 1};
    int dims = t->dims;
    if (has_col) f.col = t->stride[--dims];
    if (has_row) f.row = t->stride[--dims];
    for (int d = 0; d < p->dims; d++) {
        const int td = d - (p->dims - dims);
        f.batch[d] = td < 0 || t->size[td] == 1 ? 0 : t->stride[td];
    }
    return f;
}

static inline em_matrices em__transposed(em_matrices f)
{
    const int64_t row = f.row;
    f.row = f.col;
    f.col = row;
    return f;
}

static inline em_matrices em__left_of(const em_tensor *t, const em_product *p)
{
    return em__matrices_of(t, p, p->row, p->inner);
}

static inline em_matrices em__right_of(const em_tensor *t, const em_product *p)
{
    return p->flipped ? em__transposed(em__matrices_of(t, p, p->col, p->inner))
                      : em__matrices_of(t, p, p->inner, p->col);
}

static inline em_matrices em__result_of(const em_tensor *t, const em_product *p)
{
    return em__matrices_of(t, p, p->row, p->col);
}

/* A tensor whose matrices BLAS can read: `t` or a copy of it, a new reference. */
static inline em_status em__readable(em_tensor **out, em_tensor *t, em_matrices f, int64_t rows, int64_t cols)
{
    if (EM_REAL_FLOAT && !em__gemm_takes(rows, cols, f.row, f.col)) return em_tensor_clone(out, t);
    em_tensor_retain(*out = t);
    return EM_OK;
}

/* ---- arithmetic ---------------------------------------------------------------------------------------- */

#if EM_REAL_FLOAT

/* Takes the last dim of the batch into the rows of a and c, where b is the same for all of it. */
static inline bool em__fold_rows(em_gemm *g, int64_t size, int64_t a, int64_t b, int64_t c)
{
    if (b != 0 || c == 0 || (g->m != 1 && (a != g->m * g->a_row || c != g->m * g->c_row))) return false;
    const int64_t a_row = g->m == 1 ? a : g->a_row;
    if (!em__gemm_takes(g->m * size, g->k, a_row, g->a_col)) return false;
    if (g->m == 1) g->c_row = c;
    g->a_row = a_row;
    g->m *= size;
    return true;
}

/* Takes it into the sum, where all of it is added into the same c. */
static inline bool em__fold_sum(em_gemm *g, int64_t size, int64_t a, int64_t b, int64_t c)
{
    if (c != 0 || (g->k != 1 && (a != g->k * g->a_col || b != g->k * g->b_row))) return false;
    const int64_t a_col = g->k == 1 ? a : g->a_col, b_row = g->k == 1 ? b : g->b_row;
    if (!em__gemm_takes(g->m, g->k * size, g->a_row, a_col) || !em__gemm_takes(g->k * size, g->n, b_row, g->b_col))
        return false;
    g->a_col = a_col;
    g->b_row = b_row;
    g->k *= size;
    return true;
}

/* Iterates over those dims of the batch along which c moves (`moves`), or stays. */
static inline void em__iterate_batch(em_iterator *w, const em_product *p, int dims, const em_matrices *a,
                                     const em_matrices *b, const em_matrices *c, bool moves)
{
    int n = 0;
    int64_t size[EM_MAX_DIMS], stride[3][EM_MAX_DIMS];
    for (int d = 0; d < dims; d++) {
        if (p->size[d] == 1 || (c->batch[d] != 0) != moves) continue;
        size[n] = p->size[d];
        stride[0][n] = a->batch[d];
        stride[1][n] = b->batch[d];
        stride[2][n++] = c->batch[d];
    }
    em__iterator_init(w, 3, n, size, (const int64_t *const[]){stride[0], stride[1], stride[2]});
}

/* c (M, N) = alpha a b + beta c for each of the batch. */
static inline em_status em__multiply(const em_product *p, int64_t m, int64_t n, int64_t k, em_matrices a, em_matrices b,
                                     em_matrices c, em_factor alpha, em_factor beta)
{
    if (n > 1 && c.col != 1)            /* c lies transposed: c^T = b^T a^T */
        return em__multiply(p, n, m, k, em__transposed(b), em__transposed(a), em__transposed(c), alpha, beta);
    if (m == 1 && n == 1 && p->count == 1) {
        const double old = beta == 0 ? 0 : beta * (double)*c.data;
        *c.data = (em_scalar)(old + alpha * em__dot(EM_REAL_DTYPE, k, a.data, k == 1 ? 1 : a.col, b.data,
                                                    k == 1 ? 1 : b.row));
        return EM_OK;
    }
    em_gemm g = {EM_REAL_DTYPE, m, n, k, a.row, a.col, b.row, b.col, c.row, alpha, beta};
    int dims = p->dims;
    while (dims > 0) {
        const int d = dims - 1;
        if (p->size[d] != 1 && !em__fold_rows(&g, p->size[d], a.batch[d], b.batch[d], c.batch[d]) &&
            !em__fold_sum(&g, p->size[d], a.batch[d], b.batch[d], c.batch[d]))
            break;
        dims--;
    }
    em_iterator each, sum;
    em__iterate_batch(&each, p, dims, &a, &b, &c, true);
    em__iterate_batch(&sum, p, dims, &a, &b, &c, false);
    return em__gemm_batch(&g, &each, &sum, a.data, b.data, c.data);
}

#else

/* Integers, modulo the size of their type. */
static inline em_status em__multiply(const em_product *p, int64_t m, int64_t n, int64_t k, em_matrices a, em_matrices b,
                                     em_matrices c, em_factor alpha, em_factor beta)
{
    const uint64_t by = (uint64_t)alpha, keep = (uint64_t)beta;
    em_iterator w;
    em__iterator_init(&w, 3, p->dims, p->size, (const int64_t *const[]){a.batch, b.batch, c.batch});
    EM_PARALLEL_CHUNKS(lo, hi, p->count * m, (double)n * (double)k)
        for (int64_t i = lo; i < hi; i++) {
            int64_t at[EM_ITERATED];
            em__iterator_point(&w, i / m, at);
            const em_scalar *x = a.data + at[0] + i % m * a.row;
            em_scalar *z = c.data + at[2] + i % m * c.row;
            for (int64_t j = 0; j < n; j++) {
                const em_scalar *y = b.data + at[1] + j * b.col;
                uint64_t sum = 0;
                for (int64_t l = 0; l < k; l++) sum += (uint64_t)x[l * a.col] * (uint64_t)y[l * b.row];
                z[j * c.col] = (em_scalar)(by * sum + (keep ? keep * (uint64_t)z[j * c.col] : 0));
            }
        }
    return EM_OK;
}

#endif

/* out = alpha x y + beta out */
static inline em_status em__product_forward(em_tensor *out, const em_product *p, em_tensor *x, em_tensor *y,
                                            em_factor alpha, em_factor beta)
{
    em_tensor *a = NULL, *b = NULL;
    em_status s = em__readable(&a, x, em__left_of(x, p), p->m, p->k);
    if (!s) s = em__readable(&b, y, em__right_of(y, p), p->k, p->n);
    if (!s)
        s = em__multiply(p, p->m, p->n, p->k, em__left_of(a, p), em__right_of(b, p), em__result_of(out, p), alpha,
                         beta);
    em_tensor_release(a);
    em_tensor_release(b);
    return s;
}

/* dx[i] = alpha dy y^T, where inputs i and i + 1 are x and y. */
static inline em_status em__backward_left(const em_node *n, em_tensor **dx, int i, const em_product *p, em_factor alpha)
{
    em_tensor *y;
    EM_TRY(p->count ? em__dx(dx, n, i) : em__dx_zeros(dx, n, i));
    EM_TRY(em__readable(&y, n->x[i + 1], em__right_of(n->x[i + 1], p), p->k, p->n));
    em_status s = em__multiply(p, p->m, p->k, p->n, em__result_of(n->dy[0], p), em__transposed(em__right_of(y, p)),
                               em__left_of(dx[i], p), alpha, 0);
    em_tensor_release(y);
    return s;
}

/* dx[i + 1] = alpha x^T dy */
static inline em_status em__backward_right(const em_node *n, em_tensor **dx, int i, const em_product *p,
                                           em_factor alpha)
{
    em_tensor *x;
    EM_TRY(p->count ? em__dx(dx, n, i + 1) : em__dx_zeros(dx, n, i + 1));
    EM_TRY(em__readable(&x, n->x[i], em__left_of(n->x[i], p), p->m, p->k));
    em_status s = em__multiply(p, p->k, p->n, p->m, em__transposed(em__left_of(x, p)), em__result_of(n->dy[0], p),
                               em__right_of(dx[i + 1], p), alpha, 0);
    em_tensor_release(x);
    return s;
}

static inline em_status em__product_backward(const em_node *n, em_tensor **dx, int i, const em_product *p,
                                             em_factor alpha)
{
    if (em__wants(n, i)) EM_TRY(em__backward_left(n, dx, i, p, alpha));
    if (em__wants(n, i + 1)) EM_TRY(em__backward_right(n, dx, i, p, alpha));
    return EM_OK;
}

#endif
