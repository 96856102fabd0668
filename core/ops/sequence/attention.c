/* Scaled dot-product attention, in one, with q (L, E), k (S, E), v (S, V), and D dropout:
 *
 *     p = softmax(scale q k^T + mask),  y = D(p) v
 *     dv = D(p)^T dy,  dp = D(dy v^T),  ds = p (dp - sum(p dp)),  dq = scale ds k,  dk = scale ds^T q,  dmask = ds */

/* Queries are taken in blocks; the scores of one block and all keys it may see (with a causal mask, those up to its
 * last query) are all that is ever in memory. Backward computes them again from two numbers kept for each query.
 *
 * A task works on its own slice of the results, in the workspace of the worker it runs on, so that neither the number
 * of threads nor that of workers shows in them. Letters: B heads and samples, L queries, S keys, E features of a key, V
 * of a value. */
#include <math.h>
#include <string.h>

#include "ops/reduce/row_sums.h"
#include "ops/sequence/workspace.h"

#include "math/gemm.h"
#include "math/vector_math.h"
#include "random/rng.h"

enum { Q, K, VALUE, MASK, BLOCK = 64 };

typedef struct job {
    int64_t B, L, S, E, V, blocks;
    double scale, p;                        /* p: of dropout */
    bool causal, mask_is_bool;
    const uint64_t *draw;                   /* seed and position, or null: nothing is dropped */
    em_iterator iterator;                   /* from one b to the next, of q, k, v and the mask */
    const em_real *x[3];
    const void *mask;
    int64_t row[4], col[4];                 /* strides within one b */
    em_real *y, *max, *log_sum;             /* (B, L): softmax is exp((score - max) - log_sum) */
    const em_real *dy;
    em_real *dx[3], *dmask;                 /* dmask (B, L, S) */
} job;

/* ---- rows of scores ------------------------------------------------------------------------------------ */

/* Keys that query i may see. */
static int64_t seen_by(const job *j, int64_t i) { return j->causal ? em__min(i + 1, j->S) : j->S; }

static void add_mask(const job *j, em_real *score, int64_t n, int64_t at)
{
    const int64_t step = j->col[MASK];
    if (!j->mask) return;
    if (j->mask_is_bool) {
        const uint8_t *m = (const uint8_t *)j->mask + at;
        for (int64_t s = 0; s < n; s++) score[s] = m[s * step] ? score[s] : -(em_real)INFINITY;
    } else {
        const em_real *m = (const em_real *)j->mask + at;
        for (int64_t s = 0; s < n; s++)                 /* whatever the score of a hidden key is */
            score[s] = m[s * step] == -(em_real)INFINITY ? m[s * step] : score[s] + m[s * step];
    }
}

/* Scores to probabilities; a query that may see no key gets zeros. */
static void softmax_row(const job *j, int64_t row, em_real *x, int64_t n)
{
    const em_real max = em__row_max(n, x);
    const bool none = max == -(em_real)INFINITY && !isnan(em__row_sum(n, x));
    for (int64_t s = 0; s < n; s++) x[s] = none ? 0 : em__exp(x[s] - max);
    const em_real sum = none ? 1 : em__row_sum(n, x);
    for (int64_t s = 0; s < n; s++) x[s] /= sum;
    if (!j->max) return;
    j->max[row] = none ? 0 : max;
    j->log_sum[row] = none ? (em_real)INFINITY : em__log(sum);
}

static void softmax_row_again(const job *j, int64_t row, em_real *x, int64_t n)
{
    const em_real max = j->max[row], log_sum = j->log_sum[row];
    for (int64_t s = 0; s < n; s++) x[s] = em__exp(x[s] - max - log_sum);
}

/* Number row * S + s of the generator decides over key s. */
static void drop_row(const job *j, int64_t row, em_real *x, int64_t n)
{
    if (!j->draw) return;
    const uint32_t least = (uint32_t)(j->p * 0x1p32);
    const em_real scale = (em_real)(1 / (1 - j->p));
    uint64_t at = (uint64_t)row * (uint64_t)j->S;
    uint32_t bits[4];
    for (int64_t s = 0; s < n; s++, at++) {
        if (s == 0 || at % 4 == 0) em__rng_at(j->draw[0], j->draw[1] + at / 4, bits);
        x[s] = j->p >= 1 || bits[at % 4] < least ? 0 : x[s] * scale;
    }
}

/* Scores of one block */
static int64_t block_size(const job *j) { return em__min(BLOCK, j->L) * j->S; }

/* ---- one block of queries ------------------------------------------------------------------------------ */

static void product(int64_t m, int64_t n, int64_t k, double alpha, const em_real *a, int64_t a_row, int64_t a_col,
                    const em_real *b, int64_t b_row, int64_t b_col, double beta, em_real *c)
{
    const em_gemm g = {EM_REAL_DTYPE, m, n, k, a_row, a_col, b_row, b_col, n, alpha, beta};
    em__gemm_serial(&g, a, b, c);
}

typedef struct block {
    int64_t b, first, n, keys;              /* queries first .. first+n-1 */
    int64_t at[EM_ITERATED];                /* where b begins in q, k, v and the mask */
} block;

static block block_of(const job *j, int64_t b, int64_t index)
{
    block k = {.b = b, .first = index * BLOCK};
    k.n = em__min(BLOCK, j->L - k.first);
    k.keys = seen_by(j, k.first + k.n - 1);
    em__iterator_point(&j->iterator, b, k.at);
    return k;
}

/* scale q k^T + mask -> probabilities (n, keys); 0 where a query may not look */
static void probabilities(const job *j, const block *k, em_real *p, bool again)
{
    product(k->n, k->keys, j->E, j->scale, j->x[Q] + k->at[Q] + k->first * j->row[Q], j->row[Q], j->col[Q],
            j->x[K] + k->at[K], j->col[K], j->row[K], 0, p);
    for (int64_t r = 0; r < k->n; r++) {
        em_real *x = p + r * k->keys;
        const int64_t i = k->first + r, n = seen_by(j, i);
        add_mask(j, x, n, k->at[MASK] + i * j->row[MASK]);
        if (again)
            softmax_row_again(j, k->b * j->L + i, x, n);
        else
            softmax_row(j, k->b * j->L + i, x, n);
        for (int64_t s = n; s < k->keys; s++) x[s] = 0;
    }
}

static void drop(const job *j, const block *k, em_real *p)
{
    for (int64_t r = 0; r < k->n; r++) drop_row(j, k->b * j->L + k->first + r, p + r * k->keys, k->keys);
}

/* What is hidden counts for nothing, be it infinite or NaN, which 0 times it is not: rows of w (n, keys) b that came
 * out so are made again from the keys of a weight other than 0. */
static void without_hidden(const job *j, const block *k, double alpha, const em_real *w, const em_real *b, int input,
                           em_real *to, int64_t width)
{
    if (!j->mask && !j->causal) return;
    for (int64_t r = 0; r < k->n; r++, w += k->keys, to += width) {
        if (isfinite(em__row_sum(width, to))) continue;
        for (int64_t v = 0; v < width; v++) {
            em_real sum = 0;
            for (int64_t s = 0; s < k->keys; s++)
                if (w[s] != 0) sum += w[s] * b[s * j->row[input] + v * j->col[input]];
            to[v] = (em_real)alpha * sum;
        }
    }
}

static void forward_task(const void *context, int64_t task, em_real *workspace)
{
    const job *j = context;
    const block k = block_of(j, task / j->blocks, task % j->blocks);
    probabilities(j, &k, workspace, false);
    drop(j, &k, workspace);
    const em_real *v = j->x[VALUE] + k.at[VALUE];
    em_real *y = j->y + (k.b * j->L + k.first) * j->V;
    product(k.n, j->V, k.keys, 1, workspace, k.keys, 1, v, j->row[VALUE], j->col[VALUE], 0, y);
    without_hidden(j, &k, 1, workspace, v, VALUE, y, j->V);
}

/* dp -> ds = p (dp - sum(p dp)), in place */
static void softmax_gradient(const block *k, const em_real *p, em_real *dp)
{
    for (int64_t r = 0; r < k->n; r++, p += k->keys, dp += k->keys) {
        em_real sum = em__row_dot(k->keys, p, dp);
        if (!isfinite(sum)) {                           /* of hidden values? */
            for (int64_t s = 0; s < k->keys; s++) dp[s] = p[s] == 0 ? 0 : dp[s];
            sum = em__row_dot(k->keys, p, dp);
        }
        for (int64_t s = 0; s < k->keys; s++) dp[s] = p[s] * (dp[s] - sum);
    }
}

static void write_dmask(const job *j, const block *k, const em_real *ds)
{
    for (int64_t r = 0; r < k->n; r++) {
        em_real *to = j->dmask + (k->b * j->L + k->first + r) * j->S;
        memcpy(to, ds + r * k->keys, (size_t)k->keys * sizeof *to);
        for (int64_t s = k->keys; s < j->S; s++) to[s] = 0;
    }
}

/* With p = softmax(scale q k^T), d its dropout, ds as above:  dv = d(p)^T dy,  dq = scale ds k,  dk = scale ds^T q */
static void backward_block(const job *j, const block *k, em_real *p, em_real *ds)
{
    const em_real *dy = j->dy + (k->b * j->L + k->first) * j->V;
    const em_real *q = j->x[Q] + k->at[Q] + k->first * j->row[Q];
    probabilities(j, k, p, true);
    product(k->n, k->keys, j->V, 1, dy, j->V, 1, j->x[VALUE] + k->at[VALUE], j->col[VALUE], j->row[VALUE], 0, ds);
    drop(j, k, ds);
    softmax_gradient(k, p, ds);
    if (j->dmask) write_dmask(j, k, ds);
    drop(j, k, p);
    if (j->dx[VALUE])
        product(k->keys, j->V, k->n, 1, p, 1, k->keys, dy, j->V, 1, 1, j->dx[VALUE] + k->b * j->S * j->V);
    if (j->dx[Q]) {
        em_real *dq = j->dx[Q] + (k->b * j->L + k->first) * j->E;
        product(k->n, j->E, k->keys, j->scale, ds, k->keys, 1, j->x[K] + k->at[K], j->row[K], j->col[K], 0, dq);
        without_hidden(j, k, j->scale, ds, j->x[K] + k->at[K], K, dq, j->E);
    }
    if (j->dx[K])
        product(k->keys, j->E, k->n, j->scale, ds, 1, k->keys, q, j->row[Q], j->col[Q], 1,
                j->dx[K] + k->b * j->S * j->E);
}

/* All blocks of one b, in order: they add up in dk and dv. */
static void backward_task(const void *context, int64_t b, em_real *workspace)
{
    const job *j = context;
    for (int64_t i = 0; i < j->blocks && !em__stop; i++) {
        const block k = block_of(j, b, i);
        backward_block(j, &k, workspace, workspace + block_size(j));
    }
}

static double work_of(const job *j)
{
    return (double)(j->B * j->L) * (double)j->S * ((double)(j->E + j->V) / 8 + 8);
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

static const char *const names[] = {"query", "key", "value", "attn_mask"};

static em_status check_type(const em_call *c, int i)
{
    const em_tensor *t = c->in[i];
    if (!t || (i == MASK && t->dtype == EM_BOOL) || (t->dtype == c->dtype && em_dtype_is_float(t->dtype))) return EM_OK;
    return em__fail(EM_ETYPE, "%s: %s is %s, expected %s%s", c->op->name, names[i], em_dtype_name(t->dtype),
                    i == MASK ? "bool or " : "", em_dtype_name(c->dtype));
}

static em_status bad_shapes(const em_call *c)
{
    return em__fail(EM_ESHAPE, "%s: expected query (..., L, E), key (..., S, E) and value (..., S, V), got %s, %s "
                    "and %s", c->op->name, EM_SHAPE(c->in[Q]), EM_SHAPE(c->in[K]), EM_SHAPE(c->in[VALUE]));
}

static em_status check_shapes(const em_call *c)
{
    const em_tensor *q = c->in[Q], *k = c->in[K], *v = c->in[VALUE], *mask = c->in[MASK];
    const int dims = q->dims;
    if (dims < 2 || k->dims != dims || v->dims != dims) return bad_shapes(c);
    for (int d = 0; d < dims - 2; d++)
        if (k->size[d] != q->size[d] || v->size[d] != q->size[d]) return bad_shapes(c);
    if (k->size[dims - 1] != q->size[dims - 1] || v->size[dims - 2] != k->size[dims - 2]) return bad_shapes(c);
    int64_t scores[EM_MAX_DIMS];
    memcpy(scores, q->size, (size_t)dims * sizeof *scores);
    scores[dims - 1] = k->size[dims - 2];
    if (!mask || em__broadcasts_to(mask, dims, scores)) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: attn_mask of shape %s does not broadcast to the scores' shape %s", c->op->name,
                    EM_SHAPE(mask), em__shape_text((char[EM_SHAPE_TEXT]){0}, dims, scores));
}

enum { DROPOUT_P, IS_CAUSAL, SCALE };

static em_status check(em_call *c)
{
    const double p = c->opts.at[DROPOUT_P].x;
    for (int i = Q; i <= MASK; i++) EM_TRY(check_type(c, i));
    EM_TRY(check_shapes(c));
    if (!(p >= 0 && p <= 1))
        return em__fail(EM_EVALUE, "%s: dropout_p must be a probability, 0 to 1, given %g", c->op->name, p);
    if (c->in[MASK] && c->opts.at[IS_CAUSAL].i)
        return em__fail(EM_EVALUE, "%s: give attn_mask or is_causal, not both", c->op->name);
    const em_tensor *q = c->in[Q], *v = c->in[VALUE];
    int64_t sizes[EM_MAX_DIMS], queries = 1;
    memcpy(sizes, q->size, (size_t)q->dims * sizeof *sizes);
    for (int d = 0; d < q->dims - 1; d++) queries *= sizes[d];
    sizes[q->dims - 1] = v->size[v->dims - 1];
    EM_TRY(em__out(c, 0, c->dtype, q->dims, sizes));
    if (c->recorded) EM_TRY(em__out(c, 1, c->dtype, 2, (int64_t[]){2, queries}));
    return p > 0 ? em__out(c, 2, EM_I64, 1, (int64_t[]){2}) : EM_OK;
}

static void plan(job *j, const em_opts *opts, em_tensor *const x[4])
{
    const int dims = x[Q]->dims, batch = dims - 2;
    *j = (job){.B = 1, .L = x[Q]->size[batch], .S = x[K]->size[batch], .E = x[Q]->size[dims - 1],
               .V = x[VALUE]->size[dims - 1], .p = opts->at[DROPOUT_P].x, .causal = opts->at[IS_CAUSAL].i};
    for (int d = 0; d < batch; d++) j->B *= x[Q]->size[d];
    j->blocks = (j->L + BLOCK - 1) / BLOCK;
    j->scale = opts->at[SCALE].given ? opts->at[SCALE].x : 1 / sqrt((double)j->E);
    int64_t strides[4][EM_MAX_DIMS] = {{0}}, scores[EM_MAX_DIMS];
    const int64_t *rows[4];
    memcpy(scores, x[Q]->size, (size_t)dims * sizeof *scores);
    scores[dims - 1] = j->S;
    for (int i = Q; i <= MASK; i++) {
        rows[i] = strides[i];
        if (i == MASK && x[MASK])
            em__broadcast_strides(strides[i], x[MASK], dims, scores);
        else if (i != MASK)
            memcpy(strides[i], x[i]->stride, (size_t)dims * sizeof(int64_t));
        j->row[i] = strides[i][batch];
        j->col[i] = strides[i][dims - 1];
        if (i != MASK) j->x[i] = EM_REALS(x[i]);
    }
    em__iterator_init(&j->iterator, 4, batch, x[Q]->size, rows);
    if (!x[MASK]) return;
    j->mask = x[MASK]->data;
    j->mask_is_bool = x[MASK]->dtype == EM_BOOL;
}

/* The tensors as BLAS can read them: themselves, or contiguous copies. New references; all null on failure. */
static em_status readable(em_tensor *to[4], em_tensor *const *x)
{
    memset(to, 0, 4 * sizeof *to);
    em_status s = EM_OK;
    for (int i = Q; i <= VALUE && !s; i++) {
        const int d = x[i]->dims - 2;
        if (em__gemm_takes(x[i]->size[d], x[i]->size[d + 1], x[i]->stride[d], x[i]->stride[d + 1]))
            em_tensor_retain(to[i] = x[i]);
        else
            s = em_tensor_clone(&to[i], x[i]);
    }
    if (x[MASK] && !s) em_tensor_retain(to[MASK] = x[MASK]);
    return s;
}

static void release(em_tensor *t[4])
{
    for (int i = Q; i <= MASK; i++) em_tensor_release(t[i]);
}

/* ---- the three steps of the operation ------------------------------------------------------------------ */

static void set_stats(job *j, const em_tensor *stats, const em_tensor *draw)
{
    if (stats) {
        j->max = EM_REALS(stats);
        j->log_sum = j->max + j->B * j->L;
    }
    if (draw) j->draw = EM_DATA(uint64_t, draw);
}

static em_status forward(em_call *c)
{
    job j;
    em_tensor *x[4];
    em_status s = readable(x, c->in);
    if (!s) {
        plan(&j, &c->opts, x);
        if (c->out[2]) {
            EM_DATA(uint64_t, c->out[2])[0] = c->rng->seed;
            EM_DATA(uint64_t, c->out[2])[1] = c->rng->position;
            c->rng->position += (uint64_t)(j.B * j.L * j.S + 3) / 4;
        }
        set_stats(&j, c->out[1], c->out[2]);
        j.y = EM_REALS(c->out[0]);
        s = em__in_workspaces(forward_task, &j, j.B * j.blocks, block_size(&j), work_of(&j), "scores");
    }
    release(x);
    return s;
}

static em_status make_gradients(job *j, em_tensor **full, const em_node *n, em_tensor **dx)
{
    for (int i = Q; i <= VALUE; i++) {
        if (!em__wants(n, i)) continue;
        EM_TRY(em__dx_zeros(dx, n, i));
        j->dx[i] = EM_REALS(dx[i]);
    }
    if (!em__wants(n, MASK)) return EM_OK;
    int64_t scores[EM_MAX_DIMS];
    const int dims = n->x[Q]->dims;
    memcpy(scores, n->x[Q]->size, (size_t)dims * sizeof *scores);
    scores[dims - 1] = j->S;
    EM_TRY(em_tensor_empty(full, n->dtype, dims, scores));
    j->dmask = EM_REALS(*full);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    job j;
    em_tensor *x[4], *full = NULL;
    em_status s = readable(x, n->x);
    if (!s) {
        plan(&j, &n->opts, x);
        set_stats(&j, n->y[1], j.p > 0 ? n->y[2] : NULL);
        j.dy = EM_REALS(n->dy[0]);
        s = make_gradients(&j, &full, n, dx);
    }
    if (!s) s = em__in_workspaces(backward_task, &j, j.B, 2 * block_size(&j), 2 * work_of(&j), "scores");
    if (!s && full) s = em__sum_to(&dx[MASK], full, n->x[MASK]);
    em_tensor_release(full);
    release(x);
    return s;
}

static const em_opt_spec opts[] = {
    {"dropout_p", EM_OPT_NUMBER, "0", "", "probability with which a weight of the softmax becomes 0"},
    {"is_causal", EM_OPT_BOOL, "false", "", "query i sees keys 0 to i only"},
    {"scale", EM_OPT_NUMBER, "", "", "factor of the scores; not given: 1 / sqrt(E)"},
    {0}};

const em_op EM_OP(scaled_dot_product_attention) = {
    .name = "scaled_dot_product_attention",
    .inputs = "query key value attn_mask?",
    .outputs = "output [stats] [draw]",
    .doc = "softmax(scale query key^T + attn_mask) value.\n"
           "Query (..., L, E), key (..., S, E), value (..., S, V), all of one float dtype, attn_mask broadcasting to "
           "(..., L, S): bool, true where attention is allowed, or float, added to the scores; the result is "
           "(..., L, V). A query that may see no key gets zeros.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_STRIDED | EM_OP_NO_PROMOTE | EM_OP_RANDOM,
    .saves = EM_SAVE_X(Q) | EM_SAVE_X(K) | EM_SAVE_X(VALUE) | EM_SAVE_X(MASK) | EM_SAVE_Y(1) | EM_SAVE_Y(2),
    .check = check,
    .forward = forward,
    .backward = backward,
};
