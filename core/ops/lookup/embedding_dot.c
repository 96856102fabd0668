/* embedding_dot: scores of queries against rows of a table, y[b, k] = q[b] . w[id[b, k]], without making (B, K, D).
 * dq[b] = sum_k dy[b, k] w[id[b, k]], dw[id[b, k]] += dy[b, k] q[b]. Ids that all queries share, (K), make it a product
 * of matrices: y = q W^T, dq = dy W, dW = dy^T q with W = w[id]. */
#include "ops/lookup/lookup.h"

enum { PADDING_IDX, SPARSE };
enum { QUERY, IDS, TABLE };

static const em_opt_spec opts[] = {
    {"padding_idx", EM_OPT_INT, "", "", "id whose row gets no gradient from lookups; negative counts from the end"},
    {"sparse", EM_OPT_BOOL, "false", "", "make the table's gradient row-sparse"},
    {0},
};

static em_status check(em_call *c) { return lookup_check_query(c, PADDING_IDX); }

/* ---- ids of its own for each query --------------------------------------------------------------------- */

enum { AHEAD = 8 };

/* y[b, k] = sum_d query[b, d] * w[id[b, k], d] */
static void score(em_real *restrict y, const em_real *restrict query, const em_real *restrict w, const int64_t *id,
                  int64_t count, int64_t width, int64_t ahead)
{
    const em_real *row[4];
    em_real dot[4];
    for (int64_t k = 0; k < count; k += 4) {
        const int n = lookup_four(row, w, id, k, count, width);
        for (int64_t next = k + AHEAD; next < em__min(k + AHEAD + 4, ahead); next++)
            lookup_prefetch(w + id[next] * width, width);
        lookup_four_sums(LOOKUP_PRODUCT, dot, query, row, width);
        for (int i = 0; i < n; i++) y[k + i] = dot[i];
    }
}

static void scores(em_call *c)
{
    const int64_t n = c->in[QUERY]->size[0], width = c->in[QUERY]->size[1], count = c->in[IDS]->size[1];
    const em_real *query = EM_REALS(c->in[QUERY]), *w = EM_REALS(c->in[TABLE]);
    const int64_t *id = EM_DATA(int64_t, c->in[IDS]);
    em_real *y = EM_REALS(c->out[0]);
    EM_PARALLEL_CHUNKS(lo, hi, n, 2.0 * (double)(count * width))
        for (int64_t b = lo; b < hi; b++)
            score(y + b * count, query + b * width, w, id + b * count, count, width, (n - b) * count);
}

/* dquery[b, :] = sum_k dy[b, k] * w[id[b, k], :] */
static void query_grad(em_real *dquery, const em_node *n)
{
    const int64_t rows = n->x[QUERY]->size[0], width = n->x[QUERY]->size[1], count = n->x[IDS]->size[1];
    const em_real *dy = EM_REALS(n->dy[0]), *w = EM_REALS(n->x[TABLE]);
    const int64_t *id = EM_DATA(int64_t, n->x[IDS]);
    EM_PARALLEL_CHUNKS(lo, hi, rows, 2.0 * (double)(count * width))
        for (int64_t b = lo; b < hi; b++)
            lookup_sum(dquery + b * width, w, id + b * count, dy + b * count, count, (rows - b) * count, EM_TERM_ROW,
                       NULL, width);
}

/* dw[id[b, k], :] += dy[b, k] * query[b, :]: by reference to the queries, kept as they are now. */
static em_status own_part(em_row_part *part, const em_node *n)
{
    const int64_t entries = n->x[IDS]->count;
    part->every = n->x[IDS]->size[1] ? n->x[IDS]->size[1] : 1;
    EM_TRY(em__tensor_window(&part->ids, n->x[IDS], n->x[IDS]->data, 1, &entries, NULL));
    EM_TRY(em__tensor_window(&part->coef, n->dy[0], n->dy[0]->data, 1, &entries, NULL));
    em_tensor_retain(part->source = n->x[QUERY]);
    return EM_OK;
}

/* ---- the same ids for all: products of matrices -------------------------------------------------------- */

static em_status shared_rows(em_tensor **rows, em_tensor *ids, em_tensor *weight)
{
    return em__run2("embedding", ids, weight, NULL, rows);
}

static em_status shared_scores(em_call *c)
{
    em_tensor *rows, *y;
    EM_TRY(shared_rows(&rows, c->in[IDS], c->in[TABLE]));
    em_status s = em__run2("linear", c->in[QUERY], rows, NULL, &y);
    em_tensor_release(rows);
    if (s) return s;
    em_tensor_release(c->out[0]);
    c->out[0] = y;
    return EM_OK;
}

static em_status shared_query_grad(em_tensor **dquery, const em_node *n)
{
    em_tensor *rows;
    EM_TRY(shared_rows(&rows, n->x[IDS], n->x[TABLE]));
    em_status s = em__run2("mm", n->dy[0], rows, NULL, dquery);
    em_tensor_release(rows);
    return s;
}

static em_status shared_part(em_row_part *part, const em_node *n)
{
    const em_tensor *dy = n->dy[0];
    em_tensor *turned;
    em_tensor_retain(part->ids = n->x[IDS]);
    EM_TRY(em__tensor_window(&turned, dy, dy->data, 2, (int64_t[]){dy->size[1], dy->size[0]},
                             (int64_t[]){dy->stride[1], dy->stride[0]}));
    em_status s = em__run2("mm", turned, n->x[QUERY], NULL, &part->source);
    em_tensor_release(turned);
    return s;
}

/* ---- both ---------------------------------------------------------------------------------------------- */

static em_status forward(em_call *c)
{
    if (c->in[IDS]->dims == 1) return shared_scores(c);
    scores(c);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    const bool shared = n->x[IDS]->dims == 1;
    if (em__wants(n, QUERY)) {
        if (shared) {
            EM_TRY(shared_query_grad(&dx[QUERY], n));
        } else {
            EM_TRY(em__dx(dx, n, QUERY));
            query_grad(EM_REALS(dx[QUERY]), n);
        }
    }
    if (!em__wants(n, TABLE)) return EM_OK;
    em_row_part part = {.every = 1, .scale = 1};
    const em_status s = shared ? shared_part(&part, n) : own_part(&part, n);
    if (s) {
        em__row_part_release(&part);
        return s;
    }
    const int64_t padding = lookup_padding(&n->opts.at[PADDING_IDX], n->x[TABLE]->size[0]);
    return lookup_table_grad(&dx[TABLE], n->x[TABLE], &part, padding, n->opts.at[SPARSE].i != 0);
}

const em_op EM_OP(embedding_dot) = {
    .name = "embedding_dot",
    .inputs = "query ids# weight",
    .outputs = "scores",
    .doc = "Scores of queries against rows of a table: query[b] . weight[ids[b, k]], without making those rows.\n"
           "query: (B, D); ids: (B, K), or (K) shared by the batch, of integer dtype; weight: (V, D).\n"
           "Returns (B, K). Errors if an id is outside 0 .. V-1 or the sizes do not fit.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_LOOKUP,
    .saves = EM_SAVE_X(QUERY) | EM_SAVE_X(IDS) | EM_SAVE_X(TABLE),
    .check = check,
    .forward = forward,
    .backward = backward,
};
