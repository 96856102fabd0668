/* Products of matrices: mm bmm mv dot outer matmul addmm baddbmm linear.
 *
 * Each is c = a b for a batch of matrices that lie in tensors with some strides, and so are both gradients,
 *     da = dc b^T    db = a^T dc    (summed over the batch dims in which a, or b, was repeated),
 * where a transposed matrix is the same memory with its strides exchanged: nothing is copied unless BLAS cannot read
 * it as it lies. */
#include "math/gemm.h"
#include "ops/op.h"
#include "ops/whole.h"
#include "tensor/copy.h"

/* ---- shapes -------------------------------------------------------------------------------------------- */

typedef struct product {
    int dims;                           /* of the batch */
    int64_t size[EM_MAX_DIMS];
    int64_t count;                      /* product of the sizes */
    int64_t m, n, k;
    bool row, inner, col;               /* false: the tensors have no dim for m, k, n, whose size is then 1 */
    bool flipped;                       /* b is given as (N, K) */
} product;

/* A batch of matrices inside a tensor; the batch stride is 0 where the tensor repeats. */
typedef struct matrices {
    em_real *data;
    int64_t row, col, batch[EM_MAX_DIMS];
} matrices;

static em_status unfit(const char *name, const em_tensor *a, const em_tensor *b, int64_t ka, int64_t kb)
{
    return em__fail(EM_ESHAPE,
                    "%s: shapes %s and %s cannot be multiplied: expected equal inner sizes, got %lld and %lld", name,
                    EM_SHAPE(a), EM_SHAPE(b), (long long)ka, (long long)kb);
}

static int64_t size_of_batch(const em_tensor *t, int batch_dims, int dim_from_end)
{
    return dim_from_end > batch_dims ? 1 : t->size[batch_dims - dim_from_end];
}

static em_status plan_batch(product *p, const char *name, const em_tensor *a, int a_dims, const em_tensor *b,
                            int b_dims)
{
    p->dims = a_dims > b_dims ? a_dims : b_dims;
    p->count = 1;
    for (int d = 0; d < p->dims; d++) {
        const int64_t x = size_of_batch(a, a_dims, p->dims - d), y = size_of_batch(b, b_dims, p->dims - d);
        if (x != y && x != 1 && y != 1)
            return em__fail(EM_ESHAPE, "%s: batch dims of shapes %s and %s do not broadcast (sizes %lld and %lld)",
                            name, EM_SHAPE(a), EM_SHAPE(b), (long long)x, (long long)y);
        p->size[d] = x == 1 ? y : x;
        p->count *= p->size[d];
    }
    return EM_OK;
}

/* a (..., M, K) or (K), b (..., K, N) or (K); flipped: b (N, K). */
static em_status plan(product *p, const char *name, const em_tensor *a, const em_tensor *b, bool flipped)
{
    if (!a->dims || !b->dims)
        return em__fail(EM_ESHAPE, "%s: expected tensors of at least 1 dim, got shapes %s and %s", name, EM_SHAPE(a),
                        EM_SHAPE(b));
    *p = (product){.row = a->dims > 1, .inner = true, .col = b->dims > 1, .flipped = flipped};
    p->m = p->row ? a->size[a->dims - 2] : 1;
    p->k = a->size[a->dims - 1];
    p->n = p->col ? b->size[b->dims - (flipped ? 2 : 1)] : 1;
    const int64_t k = b->size[b->dims - (p->col && !flipped ? 2 : 1)];
    if (k != p->k) return unfit(name, a, b, p->k, k);
    return plan_batch(p, name, a, a->dims - 1 - p->row, b, b->dims - 1 - p->col);
}

static em_status result(em_call *c, const product *p)
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

/* ---- where matrices lie -------------------------------------------------------------------------------- */

static matrices lie(const em_tensor *t, const product *p, bool has_row, bool has_col)
{
    matrices f = {.data = EM_REALS(t), .row = 1, .col = 1};
    int dims = t->dims;
    if (has_col) f.col = t->stride[--dims];
    if (has_row) f.row = t->stride[--dims];
    for (int d = 0; d < p->dims; d++) {
        const int td = d - (p->dims - dims);
        f.batch[d] = td < 0 || t->size[td] == 1 ? 0 : t->stride[td];
    }
    return f;
}

static matrices transposed(matrices f)
{
    const int64_t row = f.row;
    f.row = f.col;
    f.col = row;
    return f;
}

static matrices left_of(const em_tensor *t, const product *p) { return lie(t, p, p->row, p->inner); }

static matrices right_of(const em_tensor *t, const product *p)
{
    return p->flipped ? transposed(lie(t, p, p->col, p->inner)) : lie(t, p, p->inner, p->col);
}

static matrices result_of(const em_tensor *t, const product *p) { return lie(t, p, p->row, p->col); }

/* A tensor whose matrices BLAS can read: `t` or a copy of it, a new reference. */
static em_status readable(em_tensor **out, em_tensor *t, matrices f, int64_t rows, int64_t cols)
{
    if (EM_REAL_FLOAT && !em__gemm_takes(rows, cols, f.row, f.col)) return em_tensor_clone(out, t);
    em_tensor_retain(*out = t);
    return EM_OK;
}

/* ---- arithmetic ---------------------------------------------------------------------------------------- */

#if EM_REAL_FLOAT

/* Takes the last dim of the batch into the rows of a and c, where b is the same for all of it. */
static bool fold_rows(em_gemm *g, int64_t size, int64_t a, int64_t b, int64_t c)
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
static bool fold_sum(em_gemm *g, int64_t size, int64_t a, int64_t b, int64_t c)
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

/* Walks over those dims of the batch along which c moves (`moves`), or stays. */
static void walk_batch(em_walk *w, const product *p, int dims, const matrices *a, const matrices *b, const matrices *c,
                       bool moves)
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
    em__walk_init(w, 3, n, size, (const int64_t *const[]){stride[0], stride[1], stride[2]});
}

/* c (M, N) = alpha a b + beta c for each of the batch. */
static em_status multiply(const product *p, int64_t m, int64_t n, int64_t k, matrices a, matrices b, matrices c,
                     double alpha, double beta)
{
    if (n > 1 && c.col != 1)            /* c lies transposed: c^T = b^T a^T */
        return multiply(p, n, m, k, transposed(b), transposed(a), transposed(c), alpha, beta);
    if (m == 1 && n == 1 && p->count == 1) {
        const double old = beta == 0 ? 0 : beta * (double)*c.data;
        *c.data = (em_real)(old + alpha * em__dot(EM_REAL_DTYPE, k, a.data, k == 1 ? 1 : a.col, b.data,
                                                  k == 1 ? 1 : b.row));
        return EM_OK;
    }
    em_gemm g = {EM_REAL_DTYPE, m, n, k, a.row, a.col, b.row, b.col, c.row, alpha, beta};
    int dims = p->dims;
    while (dims > 0) {
        const int d = dims - 1;
        if (p->size[d] != 1 && !fold_rows(&g, p->size[d], a.batch[d], b.batch[d], c.batch[d]) &&
            !fold_sum(&g, p->size[d], a.batch[d], b.batch[d], c.batch[d]))
            break;
        dims--;
    }
    em_walk each, sum;
    walk_batch(&each, p, dims, &a, &b, &c, true);
    walk_batch(&sum, p, dims, &a, &b, &c, false);
    return em__gemm_batch(&g, &each, &sum, a.data, b.data, c.data);
}

#else

/* Whole numbers, modulo the size of their type. */
static em_status multiply(const product *p, int64_t m, int64_t n, int64_t k, matrices a, matrices b, matrices c,
                     double alpha, double beta)
{
    const uint64_t by = (uint64_t)(int64_t)alpha, keep = (uint64_t)(int64_t)beta;
    em_walk w;
    em__walk_init(&w, 3, p->dims, p->size, (const int64_t *const[]){a.batch, b.batch, c.batch});
    EM_PARALLEL_CHUNKS(lo, hi, p->count * m, (double)n * (double)k)
        for (int64_t i = lo; i < hi; i++) {
            int64_t at[EM_WALK];
            em__walk_point(&w, i / m, at);
            const em_real *x = a.data + at[0] + i % m * a.row;
            em_real *z = c.data + at[2] + i % m * c.row;
            for (int64_t j = 0; j < n; j++) {
                const em_real *y = b.data + at[1] + j * b.col;
                uint64_t sum = 0;
                for (int64_t l = 0; l < k; l++) sum += (uint64_t)x[l * a.col] * (uint64_t)y[l * b.row];
                z[j * c.col] = (em_real)(by * sum + (keep ? keep * (uint64_t)z[j * c.col] : 0));
            }
        }
    return EM_OK;
}

#endif

/* out = alpha x y + beta out */
static em_status forward_into(em_tensor *out, const product *p, em_tensor *x, em_tensor *y, double alpha, double beta)
{
    em_tensor *a = NULL, *b = NULL;
    em_status s = readable(&a, x, left_of(x, p), p->m, p->k);
    if (!s) s = readable(&b, y, right_of(y, p), p->k, p->n);
    if (!s) s = multiply(p, p->m, p->n, p->k, left_of(a, p), right_of(b, p), result_of(out, p), alpha, beta);
    em_tensor_release(a);
    em_tensor_release(b);
    return s;
}

/* dx[i] = alpha dy y^T, where inputs i and i + 1 are x and y. */
static em_status backward_left(const em_node *n, em_tensor **dx, int i, const product *p, double alpha)
{
    em_tensor *y;
    EM_TRY(p->count ? em__dx(dx, n, i) : em__dx_zeros(dx, n, i));
    EM_TRY(readable(&y, n->x[i + 1], right_of(n->x[i + 1], p), p->k, p->n));
    em_status s = multiply(p, p->m, p->k, p->n, result_of(n->dy[0], p), transposed(right_of(y, p)), left_of(dx[i], p),
                           alpha, 0);
    em_tensor_release(y);
    return s;
}

/* dx[i + 1] = alpha x^T dy */
static em_status backward_right(const em_node *n, em_tensor **dx, int i, const product *p, double alpha)
{
    em_tensor *x;
    EM_TRY(p->count ? em__dx(dx, n, i + 1) : em__dx_zeros(dx, n, i + 1));
    EM_TRY(readable(&x, n->x[i], left_of(n->x[i], p), p->m, p->k));
    em_status s = multiply(p, p->k, p->n, p->m, transposed(left_of(x, p)), result_of(n->dy[0], p),
                           right_of(dx[i + 1], p), alpha, 0);
    em_tensor_release(x);
    return s;
}

static em_status backward_both(const em_node *n, em_tensor **dx, int i, const product *p, double alpha)
{
    if (em__wants(n, i)) EM_TRY(backward_left(n, dx, i, p, alpha));
    if (em__wants(n, i + 1)) EM_TRY(backward_right(n, dx, i, p, alpha));
    return EM_OK;
}

/* ---- matmul mm bmm mv dot ------------------------------------------------------------------------------ */

static em_status check_pair(em_call *c, int x_dims, const char *x, int y_dims, const char *y)
{
    product p;
    EM_TRY(em__check_dims(c, c->in[0], x_dims, x));
    EM_TRY(em__check_dims(c, c->in[1], y_dims, y));
    EM_TRY(plan(&p, c->op->name, c->in[0], c->in[1], false));
    return result(c, &p);
}

static em_status matmul_check(em_call *c)
{
    product p;
    EM_TRY(plan(&p, c->op->name, c->in[0], c->in[1], false));
    return result(c, &p);
}

static em_status mm_check(em_call *c) { return check_pair(c, 2, "input", 2, "mat2"); }
static em_status mv_check(em_call *c) { return check_pair(c, 2, "input", 1, "vec"); }
static em_status dot_check(em_call *c) { return check_pair(c, 1, "input", 1, "tensor"); }

static em_status check_batches(const em_call *c, const em_tensor *a, const em_tensor *b, const char *a_name,
                               const char *b_name)
{
    EM_TRY(em__check_dims(c, a, 3, a_name));
    EM_TRY(em__check_dims(c, b, 3, b_name));
    if (a->size[0] == b->size[0]) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s %s and %s %s: expected the same batch size, got %lld and %lld", c->op->name,
                    a_name, EM_SHAPE(a), b_name, EM_SHAPE(b), (long long)a->size[0], (long long)b->size[0]);
}

static em_status bmm_check(em_call *c)
{
    EM_TRY(check_batches(c, c->in[0], c->in[1], "input", "mat2"));
    return matmul_check(c);
}

static em_status matmul_forward(em_call *c)
{
    product p;
    EM_TRY(plan(&p, c->op->name, c->in[0], c->in[1], false));
    return forward_into(c->out[0], &p, c->in[0], c->in[1], 1, 0);
}

static em_status matmul_backward(const em_node *n, em_tensor **dx)
{
    product p;
    EM_TRY(plan(&p, n->op->name, n->x[0], n->x[1], false));
    return backward_both(n, dx, 0, &p, 1);
}

#define PRODUCT(label, in, check_it, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = in, .outputs = "y", .doc = text, .types = EM_TYPES_ALL, .flags = EM_OP_STRIDED, \
        .saves = EM_SAVE_X(0) | EM_SAVE_X(1), .check = check_it, .forward = matmul_forward, \
        .backward = matmul_backward, \
    };
PRODUCT(matmul, "input other", matmul_check,
        "Product of matrices: (..., M, K) and (..., K, N) give (..., M, N); the dims before the last two broadcast.\n"
        "A 1-d input is a row on the left and a column on the right, and its dim is missing in the result.\n"
        "Fails if the inner sizes differ or the batch dims do not broadcast.")
PRODUCT(mm, "input mat2", mm_check,
        "Product of two matrices: (M, K) and (K, N) give (M, N).\nFails if the inner sizes differ.")
PRODUCT(bmm, "input mat2", bmm_check,
        "Products of matrices in pairs: (B, M, K) and (B, K, N) give (B, M, N).\nFails if B or K differ.")
PRODUCT(mv, "input vec", mv_check,
        "Product of a matrix and a vector: (M, K) and (K) give (M).\nFails if the inner sizes differ.")
PRODUCT(dot, "input tensor", dot_check,
        "Sum of the products of two vectors: (K) and (K) give ().\nFails if the sizes differ.")

/* ---- outer: y_ij = a_i b_j ----------------------------------------------------------------------------- */

static product plan_outer(const em_tensor *a, const em_tensor *b)
{
    return (product){.count = 1, .m = a->size[0], .n = b->size[0], .k = 1, .row = true, .col = true};
}

static em_status outer_check(em_call *c)
{
    EM_TRY(em__check_dims(c, c->in[0], 1, "input"));
    EM_TRY(em__check_dims(c, c->in[1], 1, "vec2"));
    const product p = plan_outer(c->in[0], c->in[1]);
    return result(c, &p);
}

static em_status outer_forward(em_call *c)
{
    const em_tensor *x = c->in[0], *y = c->in[1];
    const int64_t n = y->size[0];
    EM_PARALLEL_CHUNKS(lo, hi, x->size[0], n)
        for (int64_t i = lo; i < hi; i++) {
            const em_real a = EM_REALS(x)[i * x->stride[0]];
            const em_real *b = EM_REALS(y);
            em_real *restrict z = EM_REALS(c->out[0]) + i * n;
            for (int64_t j = 0; j < n; j++) z[j] = em__times(a, b[j * y->stride[0]]);
        }
    return EM_OK;
}

static em_status outer_backward(const em_node *n, em_tensor **dx)
{
    const product p = plan_outer(n->x[0], n->x[1]);
    return backward_both(n, dx, 0, &p, 1);
}

const em_op EM_OP(outer) = {
    .name = "outer", .inputs = "input vec2", .outputs = "y",
    .doc = "Products of all pairs: (M) and (N) give (M, N), y_ij = input_i vec2_j.\nFails unless both have 1 dim.",
    .types = EM_TYPES_ALL, .flags = EM_OP_STRIDED, .saves = EM_SAVE_X(0) | EM_SAVE_X(1), .check = outer_check,
    .forward = outer_forward, .backward = outer_backward,
};

/* ---- addmm baddbmm: y = beta input + alpha a b --------------------------------------------------------- */

static const em_opt_spec scales[] = {
    {"beta", EM_OPT_NUMBER, "1", "", "factor of input; 0 leaves it unread"},
    {"alpha", EM_OPT_NUMBER, "1", "", "factor of the product"},
    {0},
};

static em_status check_added(em_call *c)
{
    product p;
    EM_TRY(em__check_element(c, 0));
    EM_TRY(em__check_element(c, 1));
    EM_TRY(plan(&p, c->op->name, c->in[1], c->in[2], false));
    int64_t size[EM_MAX_DIMS] = {p.m, p.n};
    if (p.dims) {
        size[0] = p.size[0];
        size[1] = p.m;
        size[2] = p.n;
    }
    if (!em__broadcasts_to(c->in[0], p.dims + 2, size)) {
        char text[EM_SHAPE_TEXT];
        return em__fail(EM_ESHAPE, "%s: input %s does not broadcast to the product's shape %s", c->op->name,
                        EM_SHAPE(c->in[0]), em__shape_text(text, p.dims + 2, size));
    }
    return result(c, &p);
}

static em_status addmm_check(em_call *c)
{
    EM_TRY(em__check_dims(c, c->in[1], 2, "mat1"));
    EM_TRY(em__check_dims(c, c->in[2], 2, "mat2"));
    return check_added(c);
}

static em_status baddbmm_check(em_call *c)
{
    EM_TRY(check_batches(c, c->in[1], c->in[2], "batch1", "batch2"));
    return check_added(c);
}

static em_status added_forward(em_call *c)
{
    product p;
    EM_TRY(plan(&p, c->op->name, c->in[1], c->in[2], false));
    const double beta = c->opts.at[0].x;
    if (beta != 0) em__copy_strided(c->out[0], c->in[0]);
    return forward_into(c->out[0], &p, c->in[1], c->in[2], c->opts.at[1].x, beta);
}

static em_status scaled(em_tensor **out, em_tensor *t, double factor)
{
    em_tensor *number;
    EM_TRY(em_tensor_scalar(&number, t->dtype, factor));
    em_status s = em__run2("mul", t, number, NULL, out);
    em_tensor_release(number);
    return s;
}

static em_status added_backward(const em_node *n, em_tensor **dx)
{
    product p;
    EM_TRY(plan(&p, n->op->name, n->x[1], n->x[2], false));
    if (em__wants(n, 0)) {
        em_tensor *sum;
        EM_TRY(em__sum_to(&sum, n->dy[0], n->x[0]));
        em_status s = scaled(&dx[0], sum, n->opts.at[0].x);
        em_tensor_release(sum);
        if (s) return s;
    }
    return backward_both(n, dx, 1, &p, n->opts.at[1].x);
}

#define ADDED(label, in, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = in, .outputs = "y", .doc = text, .opts = scales, .types = EM_TYPES_ALL, \
        .flags = EM_OP_STRIDED, .saves = EM_SAVE_X(1) | EM_SAVE_X(2), .check = label##_check, \
        .forward = added_forward, .backward = added_backward, \
    };
ADDED(
    addmm, "input mat1 mat2",
    "beta input + alpha mat1 mat2: mat1 (M, K), mat2 (K, N), input broadcasts to (M, N).\nFails if shapes do not fit.")
ADDED(baddbmm, "input batch1 batch2",
      "beta input + alpha batch1 batch2: batch1 (B, M, K), batch2 (B, K, N), input broadcasts to (B, M, N).\n"
      "Fails if shapes do not fit.")

/* ---- linear: y = x w^T + b ----------------------------------------------------------------------------- */

static const em_tensor *bias_of(const em_call *c) { return c->n > 2 ? c->in[2] : NULL; }

static em_status linear_check(em_call *c)
{
    const em_tensor *x = c->in[0], *w = c->in[1], *b = bias_of(c);
    EM_TRY(em__check_dims(c, w, 2, "weight"));
    product p;
    EM_TRY(plan(&p, c->op->name, x, w, true));
    if (b && (b->dims != 1 || b->size[0] != p.n))
        return em__fail(EM_ESHAPE, "linear: bias %s: expected shape (%lld), the rows of weight %s", EM_SHAPE(b),
                        (long long)p.n, EM_SHAPE(w));
    return result(c, &p);
}

static em_status linear_forward(em_call *c)
{
    product p;
    EM_TRY(plan(&p, c->op->name, c->in[0], c->in[1], true));
    const em_tensor *b = bias_of(c);
    if (b) em__copy_strided(c->out[0], b);
    return forward_into(c->out[0], &p, c->in[0], c->in[1], 1, b ? 1 : 0);
}

static em_status linear_backward(const em_node *n, em_tensor **dx)
{
    product p;
    EM_TRY(plan(&p, n->op->name, n->x[0], n->x[1], true));
    if (n->n > 2 && em__wants(n, 2)) EM_TRY(em__sum_to(&dx[2], n->dy[0], n->x[2]));
    return backward_both(n, dx, 0, &p, 1);
}

const em_op EM_OP(linear) = {
    .name = "linear", .inputs = "input weight bias?", .outputs = "y",
    .doc = "input weight^T + bias: input (..., D), weight (K, D), bias (K) give (..., K).\nFails if D or K differ.",
    .types = EM_TYPES_ALL, .flags = EM_OP_STRIDED, .saves = EM_SAVE_X(0) | EM_SAVE_X(1), .check = linear_check,
    .forward = linear_forward, .backward = linear_backward,
};
