/* What all lookups in a table share: renormalizing rows (max_norm), and the gradient of the table. For kernels. */
#ifndef EM_OPS_LOOKUP_H
#define EM_OPS_LOOKUP_H

#include <float.h>
#include <math.h>

#include "graph/op.h"
#include "tensor/sparse/row_sparse.h"
#if EM_REAL_FLOAT
#include "tensor/sparse/row_sums.h"
#include "tensor/simd.h"
#endif

static inline em_status lookup_check_table(const em_tensor *weight, const char *name)
{
    if (weight->dims == 2) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: weight must have 2 dims (num_embeddings, embedding_dim), got shape %s", name,
                    EM_SHAPE(weight));
}

static inline em_status lookup_check_padding(const em_opt *padding, int64_t rows, const char *name)
{
    if (!padding->given || (padding->i >= -rows && padding->i < rows)) return EM_OK;
    return em__fail(EM_ERANGE, "%s: padding_idx %lld is out of range for num_embeddings = %lld", name,
                    (long long)padding->i, (long long)rows);
}

/* The row of padding_idx; -1 for none. */
static inline int64_t lookup_padding(const em_opt *padding, int64_t rows)
{
    return !padding->given ? -1 : padding->i < 0 ? padding->i + rows : padding->i;
}

/* query (B, D), ids (B, K) or (K), weight (V, D), for scores (B, K): inputs 0, 1, 2. */
static inline em_status lookup_check_query(em_call *c, int padding_opt)
{
    const em_tensor *query = c->in[0], *ids = c->in[1], *weight = c->in[2];
    const char *name = c->op->name;
    EM_TRY(lookup_check_table(weight, name));
    EM_TRY(lookup_check_padding(&c->opts.at[padding_opt], weight->size[0], name));
    EM_TRY(em__check_dims(c, query, 2, "query"));
    if (query->size[1] != weight->size[1])
        return em__fail(EM_ESHAPE, "%s: query has shape %s, weight %s; expected the same embedding_dim", name,
                        EM_SHAPE(query), EM_SHAPE(weight));
    if (ids->dims != 1 && (ids->dims != 2 || ids->size[0] != query->size[0]))
        return em__fail(EM_ESHAPE, "%s: ids must be (K) or (%lld, K), got shape %s", name, (long long)query->size[0],
                        EM_SHAPE(ids));
    EM_TRY(em__check_ids(name, ids, weight->size[0], "num_embeddings"));
    return em__out(c, 0, c->dtype, 2, (int64_t[]){query->size[0], ids->size[ids->dims - 1]});
}

/* Asks for a row early: a table larger than the caches answers late. */
static inline void lookup_prefetch_bytes(const void *row, int64_t bytes)
{
    for (int64_t at = 0; at < bytes && at < 1024; at += 64) __builtin_prefetch((const char *)row + at);
}

static inline void lookup_prefetch(const em_real *row, int64_t width)
{
    lookup_prefetch_bytes(row, width * (int64_t)sizeof *row);
}

#if EM_REAL_FLOAT
/* Rows of the ids from `k` on, four of them, the last one again for those beyond `count`; how many there are. */
static inline int lookup_four(const em_real *row[4], const em_real *w, const int64_t *id, int64_t k, int64_t count,
                              int64_t width)
{
    for (int i = 0; i < 4; i++) row[i] = w + id[em__min(k + i, count - 1)] * width;
    return (int)em__min(4, count - k);
}

/* A product, or the square or magnitude of a difference: each makes nothing of two zeros. */
typedef enum lookup_term { LOOKUP_PRODUCT, LOOKUP_SQUARE, LOOKUP_MAGNITUDE } lookup_term;
#define LOOKUP_TERM(term, q, x) \
    ((term) == LOOKUP_PRODUCT  ? (q) * (x) \
     : (term) == LOOKUP_SQUARE ? ((q) - (x)) * ((q) - (x)) \
                               : EM_MAGNITUDE((q) - (x)))

/* Sums over d of the term, known when this is compiled, of q[d] and row[i][d], for four rows side by side, so that none
 * waits for itself. */
EM_INLINE void lookup_four_sums(const lookup_term term, em_real to[4], const em_real *q, const em_real *const row[4],
                                int64_t width)
{
    em_vector sum[4] = {0};
    em_four tail[4] = {0}, a, x;
    int64_t d = 0;
    for (; d + EM_WIDE <= width; d += EM_WIDE)
        for (int i = 0; i < 4; i++) sum[i] += LOOKUP_TERM(term, EM_VECTOR_AT(q + d), EM_VECTOR_AT(row[i] + d));
    for (; d < width; d += 4) {
        em__read_few(&a, q + d, width - d);
        for (int i = 0; i < 4; i++) {
            em__read_few(&x, row[i] + d, width - d);
            tail[i] += LOOKUP_TERM(term, a, x);
        }
    }
    em__sum_four(to, sum, tail);
}

/* y (width) = the sum over k of what `term` makes of coef[k], row id[k] and q. `left`: how many ids there are from here
 * on, whose rows are asked for early. */
static inline void lookup_sum(em_real *y, const em_real *w, const int64_t *id, const em_real *coef, int64_t count,
                              int64_t left, em_row_term term, const em_real *q, int64_t width)
{
    em_row_list l;
    int64_t k = 0;
    do {
        l.n = em__min(EM_LIST, count - k);
        for (int64_t i = 0; i < l.n; i++) {
            l.row[i] = w + id[k + i] * width;
            l.coef[i] = coef[k + i];
            if (k + i + EM_LIST < left) lookup_prefetch(w + id[k + i + EM_LIST] * width, width);
        }
        em__list_sum(y, &l, term, q, width, k == 0);
        k += EM_LIST;
    } while (k < count);
}

/* || row ||_p, in double: inf is the largest magnitude, -inf the smallest, 0 the count of non-zeros. */
static inline double lookup_row_norm(const em_real *row, int64_t step, int64_t width, double p)
{
    double n = p == -INFINITY ? INFINITY : 0;
    for (int64_t d = 0; d < width; d++) {
        const double a = fabs((double)row[d * step]);
        if (p == 2)
            n += a * a;
        else if (p == 1)
            n += a;
        else if (p == INFINITY)
            n = a > n || isnan(a) ? a : n;
        else if (p == -INFINITY)
            n = a < n || isnan(a) ? a : n;
        else if (p == 0)
            n += a != 0;
        else
            n += pow(a, p);
    }
    if (p == 2) return sqrt(n);
    return p == 1 || p == 0 || isinf(p) ? n : pow(n, 1 / p);
}

/* Each row looked up, once: if ||row||_p > max_norm, row *= max_norm / (||row||_p + 1e-7). In place. The norm may
 * exceed by a rounding of the row's elements, so that a row once shortened stays as it is. */
static inline em_status lookup_renorm(em_tensor *weight, const em_tensor *ids, double max_norm, double p)
{
    em_groups *g;
    const int64_t *id = EM_DATA(int64_t, ids);
    EM_TRY(em__before_change(weight, "max_norm"));
    EM_TRY(em__group(&g, &id, &ids->count, 1, weight->size[0]));
    const int64_t width = weight->size[1], step = weight->stride[1];
    const uint8_t *frozen = em__frozen(weight);
    const double limit = max_norm * (1 + (sizeof(em_real) == sizeof(float) ? FLT_EPSILON : DBL_EPSILON));
    EM_PARALLEL_CHUNKS(lo, hi, g->n, 4.0 * (double)width)
        for (int64_t u = lo; u < hi; u++) {
            if (frozen && frozen[g->ids[u]]) continue;
            em_real *row = EM_REALS(weight) + g->ids[u] * weight->stride[0];
            const double n = lookup_row_norm(row, step, width, p);
            if (!(n > limit)) continue;
            const em_real factor = (em_real)(max_norm / (n + 1e-7));
            for (int64_t d = 0; d < width; d++) row[d * step] *= factor;
        }
    em__groups_free(g);
    em_tensor_touch(weight);
    return EM_OK;
}

/* Each entry's coefficient divided by how often its id occurs among `ids`. */
static inline em_status lookup_scale_by_freq(em_row_part *part, const em_tensor *ids, int64_t rows)
{
    em_groups *g;
    const int64_t *id = EM_DATA(int64_t, ids), n = part->ids->count;
    em_tensor *coef;
    EM_TRY(em__group(&g, &id, &ids->count, 1, rows));
    em_status s = em_tensor_empty(&coef, EM_REAL_DTYPE, 1, &n);
    if (!s) {
        em_real *c = EM_REALS(coef);
        for (int64_t u = 0; u < g->n; u++)
            for (int64_t k = g->start[u]; k < g->start[u + 1]; k++) {
                const int64_t e = g->order[k];
                if (e >= n) continue;
                const em_real old = part->coef ? EM_REALS(part->coef)[e] : (em_real)1;
                c[e] = old / (em_real)(g->start[u + 1] - g->start[u]);
            }
        em_tensor_release(part->coef);
        part->coef = coef;
    }
    em__groups_free(g);
    return s;
}

/* dW, zeros, += entries of `part`, row by row. Unless all is small, dW then knows which rows it has. */
static inline em_status lookup_add_to(em_tensor *dw, const em_row_part *part, int64_t padding)
{
    const em_rows r = {.entries = part->ids->count, .width = dw->size[1], .n_parts = 1, .parts = (em_row_part *)part};
    const int64_t *id = EM_DATA(int64_t, part->ids), width = r.width;
    if ((double)em__max(dw->count, r.entries * width) < 2.0 * EM_GRAIN) {
        for (int64_t e = 0; e < r.entries; e++) {
            if (id[e] == padding) continue;
            em__add_entries(EM_REALS(dw) + id[e] * width, &r, &e, 1, 0, id[e], false);
        }
        return EM_OK;
    }
    em_groups *g;
    EM_TRY(em__group(&g, &id, &r.entries, 1, dw->size[0]));
    EM_PARALLEL_ROW_PIECES(lo, hi, g, (double)width)
        for (int64_t u = lo; u < hi; u++) {
            if (g->ids[u] == padding) continue;
            em__add_group(EM_REALS(dw) + g->ids[u] * width, &r, g, u, false);
        }
    return em__set_filled(dw, g);
}

/* The table's gradient from one lookup, sparse or dense. Releases what `part` holds, also on failure. */
static inline em_status lookup_table_grad(em_tensor **dw, const em_tensor *weight, em_row_part *part, int64_t padding,
                                          bool sparse)
{
    em_status s;
    if (sparse) {
        s = em__rows_from_part(dw, EM_REAL_DTYPE, 2, weight->size, part, padding);
    } else {
        s = em_tensor_zeros(dw, EM_REAL_DTYPE, 2, weight->size);
        if (!s) s = lookup_add_to(*dw, part, padding);
    }
    em__row_part_release(part);
    return s;
}
#endif

#endif
