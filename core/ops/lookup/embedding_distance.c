/* embedding_distance: y[b, k] = || q[b] - w[id[b, k]] ||_p, p = 1 or 2, without making (B, K, D). With the slope
 * s = (q[b] - w[id[b, k]]) / y[b, k] for p = 2 (0 where y is), and its sign for p = 1:
 *
 *     dq[b] = sum_k dy[b, k] s,  dw[id[b, k]] -= dy[b, k] s */
#include "ops/lookup/lookup.h"
#include "ops/reduce/row_sums.h"

enum { P, PADDING_IDX, SPARSE };
enum { QUERY, IDS, TABLE };

static const em_opt_spec opts[] = {
    {"p", EM_OPT_NUMBER, "2", "", "which norm: 1 or 2"},
    {"padding_idx", EM_OPT_INT, "", "", "id whose row gets no gradient from lookups; negative counts from the end"},
    {"sparse", EM_OPT_BOOL, "false", "", "make the table's gradient row-sparse"},
    {0},
};

static em_status check(em_call *c)
{
    const double p = c->opts.at[P].x;
    if (p != 1 && p != 2) return em__fail(EM_EVALUE, "embedding_distance: p must be 1 or 2, got %g", p);
    return lookup_check_query(c, PADDING_IDX);
}

/* Ids of query b: its own, or those that all share. */
typedef struct lookups {
    const em_real *query, *w;
    const int64_t *id;
    int64_t n, count, width, id_step;
} lookups;

static lookups read_lookups(em_tensor *const *in)
{
    const bool shared = in[IDS]->dims == 1;
    const int64_t count = in[IDS]->size[in[IDS]->dims - 1];
    return (lookups){EM_REALS(in[QUERY]), EM_REALS(in[TABLE]), EM_DATA(int64_t, in[IDS]), in[QUERY]->size[0], count,
                     in[QUERY]->size[1], shared ? 0 : count};
}

enum { AHEAD = 8 };

static void fetch_four(const lookups *l, const int64_t *id, int64_t from)
{
    for (int64_t k = from; k < em__min(from + 4, l->count); k++) lookup_prefetch(l->w + id[k] * l->width, l->width);
}

/* y[b, k] = || query[b, :] - w[id[b, k], :] ||_p */
static em_status forward(em_call *c)
{
    const lookups l = read_lookups(c->in);
    const bool euclidean = c->opts.at[P].x == 2;
    em_real *y = EM_REALS(c->out[0]);
    EM_PARALLEL_CHUNKS(lo, hi, l.n, 3.0 * (double)(l.count * l.width))
        for (int64_t b = lo; b < hi; b++) {
            const int64_t *id = l.id + b * l.id_step;
            const em_real *q = l.query + b * l.width, *row[4];
            for (int64_t k = 0; k < l.count; k += 4) {
                em_real sum[4];
                const int n = lookup_four(row, l.w, id, k, l.count, l.width);
                fetch_four(&l, id, k + AHEAD);
                if (euclidean)
                    lookup_four_sums(LOOKUP_SQUARE, sum, q, row, l.width);
                else
                    lookup_four_sums(LOOKUP_MAGNITUDE, sum, q, row, l.width);
                for (int i = 0; i < n; i++)
                    y[b * l.count + k + i] =
                        euclidean ? (em_real)em__row_distance(sum[i], l.width, q, row[i]) : sum[i];
            }
        }
    return EM_OK;
}

/* What the sign of row - query is multiplied with: -dy; what query - row is: dy / y, and nothing at distance 0. */
static em_status coefficients(em_tensor **coef, const em_node *n)
{
    const int64_t count = n->y[0]->count;
    EM_TRY(em_tensor_empty(coef, EM_REAL_DTYPE, 1, &count));
    const em_real *dy = EM_REALS(n->dy[0]), *y = EM_REALS(n->y[0]);
    em_real *to = EM_REALS(*coef);
    const bool euclidean = n->opts.at[P].x == 2;
    for (int64_t i = 0; i < count; i++) to[i] = !euclidean ? -dy[i] : y[i] > 0 ? dy[i] / y[i] : 0;
    return EM_OK;
}

/* dquery[b, :] = sum_k coef[b, k] * sign(row - query), or * (query - row) */
static void query_grad(em_real *dquery, const em_node *n, const em_real *coef)
{
    const lookups l = read_lookups(n->x);
    const em_row_term term = n->opts.at[P].x == 2 ? EM_TERM_DIFFERENCE : EM_TERM_SIGN;
    EM_PARALLEL_CHUNKS(lo, hi, l.n, 3.0 * (double)(l.count * l.width))
        for (int64_t b = lo; b < hi; b++)
            lookup_sum(dquery + b * l.width, l.w, l.id + b * l.id_step, coef + b * l.count, l.count,
                       l.id_step ? (l.n - b) * l.count : l.count, term, l.query + b * l.width, l.width);
}

/* One id an entry: shared ids are repeated for each query. */
static em_status entry_ids(em_tensor **ids, const em_node *n)
{
    const em_tensor *given = n->x[IDS];
    const int64_t entries = n->y[0]->count, count = given->size[given->dims - 1];
    if (given->dims == 2) return em__tensor_window(ids, given, given->data, 1, &entries, NULL);
    EM_TRY(em_tensor_empty(ids, EM_I64, 1, &entries));
    for (int64_t e = 0; e < entries; e++) EM_DATA(int64_t, *ids)[e] = EM_DATA(int64_t, given)[e % count];
    return EM_OK;
}

/* dw[id[b, k], :] += coef[b, k] * sign(query - row), or * (row - query): worked out where it is summed, from the
 * queries, kept as they are now, and the row itself. */
static em_status table_part(em_row_part *part, const em_node *n, em_tensor *coef)
{
    const bool euclidean = n->opts.at[P].x == 2;
    const int64_t count = n->y[0]->size[1];
    part->every = count ? count : 1;
    part->term = euclidean ? EM_TERM_DIFFERENCE : EM_TERM_SIGN;
    part->scale = 1;
    em_tensor_retain(part->coef = coef);
    EM_TRY(em__tensor_shell(&part->table, n->x[TABLE], true));
    part->version = em_tensor_version(part->table);
    em_tensor_retain(part->source = n->x[QUERY]);
    return entry_ids(&part->ids, n);
}

static em_status table_grad(em_tensor **dw, const em_node *n, em_tensor *coef)
{
    em_row_part part = {0};
    const em_status s = table_part(&part, n, coef);
    if (s) {
        em__row_part_release(&part);
        return s;
    }
    const int64_t padding = lookup_padding(&n->opts.at[PADDING_IDX], n->x[TABLE]->size[0]);
    return lookup_table_grad(dw, n->x[TABLE], &part, padding, n->opts.at[SPARSE].i != 0);
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    em_tensor *coef;
    EM_TRY(coefficients(&coef, n));
    em_status s = EM_OK;
    if (em__wants(n, QUERY)) {
        s = em__dx(dx, n, QUERY);
        if (!s) query_grad(EM_REALS(dx[QUERY]), n, EM_REALS(coef));
    }
    if (!s && em__wants(n, TABLE)) s = table_grad(&dx[TABLE], n, coef);
    em_tensor_release(coef);
    return s;
}

const em_op EM_OP(embedding_distance) = {
    .name = "embedding_distance",
    .inputs = "query ids# weight",
    .outputs = "distances",
    .doc =
        "Distances of queries from rows of a table: || query[b] - weight[ids[b, k]] ||_p, without making those rows.\n"
        "query: (B, D); ids: (B, K), or (K) shared by the batch, of integer dtype; weight: (V, D).\n"
        "Returns (B, K); the gradient at distance 0 is 0. A sparse gradient refers to the table: it must be used\n"
        "before the table changes. Errors if an id is outside 0 .. V-1 or the sizes do not fit.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_LOOKUP,
    .saves = EM_SAVE_X(QUERY) | EM_SAVE_X(IDS) | EM_SAVE_X(TABLE) | EM_SAVE_Y(0),
    .check = check,
    .forward = forward,
    .backward = backward,
};
