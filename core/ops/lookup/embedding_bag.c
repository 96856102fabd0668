/* embedding_bag: rows of a table w (V, D) brought together bag by bag, without making the rows. With weights a (1 if
 * none are given) and n members in bag b, padding left out:
 *
 *     y[b, :] = sum of a[e] w[id[e], :], over n for mean, the largest of each column for max
 *     dw[id[e], :] += a[e] dy[b, :] and da[e] = dy[b, :] . w[id[e], :], over n for mean; max: in the columns e won */
#include "ops/lookup/lookup.h"

enum { MODE, LAST_OFFSET, PADDING_IDX, MAX_NORM, NORM_TYPE, SCALE_GRAD_BY_FREQ, SPARSE };
enum { MEAN, SUM, MAX };
enum { IDS, TABLE, OFFSETS, WEIGHTS };

static const em_opt_spec opts[] = {
    {"mode", EM_OPT_ENUM, "mean", "mean sum max", "how a bag's rows become one"},
    {"include_last_offset", EM_OPT_BOOL, "false", "", "the last offset is the end of the last bag"},
    {"padding_idx", EM_OPT_INT, "", "", "id that is left out of its bag; negative counts from the end"},
    {"max_norm", EM_OPT_NUMBER, "", "", "rows looked up that are longer are shortened to this length, in place"},
    {"norm_type", EM_OPT_NUMBER, "2", "", "p of the norm that max_norm measures"},
    {"scale_grad_by_freq", EM_OPT_BOOL, "false", "", "divide gradients by how often their id occurs in the call"},
    {"sparse", EM_OPT_BOOL, "false", "", "make the table's gradient row-sparse"},
    {0},
};

/* ---- bags ---------------------------------------------------------------------------------------------- */

typedef struct bags {
    int64_t n, entries;                 /* bags; ids, those of no bag included */
    const int64_t *id, *offset;         /* offset null: bags of `length` */
    int64_t length, padding;
    bool last_offset;
    const em_real *weight;              /* per_sample_weights, or null */
} bags;

static int64_t first_of(const bags *b, int64_t k) { return b->offset ? b->offset[k] : k * b->length; }

static int64_t end_of(const bags *b, int64_t k)
{
    if (!b->offset) return (k + 1) * b->length;
    return k + 1 < b->n || b->last_offset ? b->offset[k + 1] : b->entries;
}

static int64_t members(const bags *b, int64_t k)
{
    int64_t count = 0;
    for (int64_t e = first_of(b, k); e < end_of(b, k); e++) count += b->id[e] != b->padding;
    return count;
}

/* From the inputs of a call or of its node. */
static bags read_bags(em_tensor *const *in, const em_opts *o)
{
    bags b = {.id = EM_DATA(int64_t, in[IDS]), .entries = in[IDS]->count, .last_offset = o->at[LAST_OFFSET].i != 0};
    if (in[OFFSETS]) {
        b.offset = EM_DATA(int64_t, in[OFFSETS]);
        b.n = in[OFFSETS]->count - (b.last_offset ? 1 : 0);
    } else {
        b.n = in[IDS]->size[0];
        b.length = in[IDS]->size[1];
    }
    b.padding = lookup_padding(&o->at[PADDING_IDX], in[TABLE]->size[0]);
    b.weight = in[WEIGHTS] ? EM_REALS(in[WEIGHTS]) : NULL;
    return b;
}

/* ---- check --------------------------------------------------------------------------------------------- */

static em_status check_offsets(const em_call *c, const em_tensor *offsets, int64_t entries)
{
    const int64_t *o = EM_DATA(int64_t, offsets), n = offsets->count;
    if (offsets->dims != 1)
        return em__fail(EM_ESHAPE, "EmbeddingBag: offsets must have 1 dim, got shape %s", EM_SHAPE(offsets));
    if (n == 0 && c->opts.at[LAST_OFFSET].i)
        return em__fail(EM_ESHAPE, "EmbeddingBag: include_last_offset needs at least 1 offset");
    if (n && o[0] != 0)
        return em__fail(EM_EVALUE, "EmbeddingBag: offsets[0] must be 0, where the first bag begins, got %lld",
                        (long long)o[0]);
    for (int64_t k = 1; k < n; k++)
        if (o[k] < o[k - 1])
            return em__fail(EM_EVALUE, "EmbeddingBag: offsets must not decrease: offsets[%lld] = %lld follows %lld",
                            (long long)k, (long long)o[k], (long long)o[k - 1]);
    if (n && o[n - 1] > entries)
        return em__fail(EM_EVALUE, "EmbeddingBag: offsets[%lld] = %lld lies beyond the %lld ids", (long long)(n - 1),
                        (long long)o[n - 1], (long long)entries);
    return EM_OK;
}

static em_status check_input(const em_call *c)
{
    const em_tensor *ids = c->in[IDS], *offsets = c->in[OFFSETS];
    if (ids->dims != 1 && ids->dims != 2)
        return em__fail(EM_ESHAPE, "EmbeddingBag: input must have 1 or 2 dims, got shape %s", EM_SHAPE(ids));
    if (ids->dims == 2 && offsets)
        return em__fail(EM_ESHAPE, "EmbeddingBag: input of 2 dims %s holds bags of equal length and takes no offsets",
                        EM_SHAPE(ids));
    if (ids->dims == 1 && !offsets)
        return em__fail(EM_ESHAPE, "EmbeddingBag: input of 1 dim needs offsets, where each bag begins");
    return offsets ? check_offsets(c, offsets, ids->count) : EM_OK;
}

static em_status check_weights(const em_call *c)
{
    const em_tensor *w = c->in[WEIGHTS], *ids = c->in[IDS];
    if (!w) return EM_OK;
    EM_TRY(em__check_same_shape(c, w, "per_sample_weights", ids, "input"));
    if (w->dtype == c->dtype) return EM_OK;
    return em__fail(EM_ETYPE, "EmbeddingBag: per_sample_weights must be of the table's dtype %s, got %s",
                    em_dtype_name(c->dtype), em_dtype_name(w->dtype));
}

static em_status check(em_call *c)
{
    EM_TRY(lookup_check_table(c->in[TABLE], "EmbeddingBag"));
    EM_TRY(lookup_check_padding(&c->opts.at[PADDING_IDX], c->in[TABLE]->size[0], "EmbeddingBag"));
    EM_TRY(check_input(c));
    EM_TRY(check_weights(c));
    EM_TRY(em__check_ids("EmbeddingBag", c->in[IDS], c->in[TABLE]->size[0], "num_embeddings"));
    if (c->opts.at[MODE].i == MAX && c->in[IDS]->count > INT32_MAX)
        return em__fail(EM_EVALUE, "EmbeddingBag: mode max takes at most %d ids, got %lld", INT32_MAX,
                        (long long)c->in[IDS]->count);
    if (!c->in[WEIGHTS]) c->saves &= ~EM_SAVE_X(TABLE);
    const int64_t sizes[] = {read_bags(c->in, &c->opts).n, c->in[TABLE]->size[1]};
    EM_TRY(em__out(c, 0, c->dtype, 2, sizes));
    return c->opts.at[MODE].i == MAX && c->recorded ? em__out(c, 1, EM_I64, 2, sizes) : EM_OK;
}

/* ---- forward ------------------------------------------------------------------------------------------- */

enum { AHEAD = 24, BLOCK = 64 };

typedef struct table {
    const em_real *at;
    int64_t width, step, inner;
} table;

typedef struct member {
    const em_real *row;
    em_real factor;
} member;

/* Entry e of a bag; false where it is the padding. In a bag's first block of columns, asks for a row ahead. */
static inline bool find_member(member *m, const table *w, const bags *b, int64_t e, int64_t d)
{
    if (d == 0 && e + AHEAD < b->entries) lookup_prefetch(w->at + b->id[e + AHEAD] * w->step, w->width);
    m->row = w->at + b->id[e] * w->step + d * w->inner;
    m->factor = b->weight ? b->weight[e] : (em_real)1;
    return b->id[e] != b->padding;
}

/* y[0 .. columns-1] = sum of weight[e] * w[id[e], :] over the members, from column d on, kept in registers meanwhile;
 * how many members there are */
static inline int64_t add_columns(em_real *restrict y, const table *w, const bags *b, int64_t k, int64_t d,
                                  const int64_t columns)
{
    em_real sum[BLOCK] = {0};
    int64_t count = 0;
    member m;
    for (int64_t e = first_of(b, k), end = end_of(b, k); e < end; e++) {
        if (!find_member(&m, w, b, e, d)) continue;
        count++;
        for (int64_t j = 0; j < columns; j++) sum[j] += m.factor * m.row[j];
    }
    for (int64_t j = 0; j < columns; j++) y[j] = sum[j];
    return count;
}

/* y[0 .. columns-1] = the largest weight[e] * w[id[e], :] over the members; the first of equals wins, NaN beats all;
 * won: which e it was, -1 without members */
static inline void max_columns(em_real *restrict y, int64_t *restrict won, const table *w, const bags *b, int64_t k,
                               int64_t d, const int64_t columns)
{
    const int64_t first = first_of(b, k);
    em_real best[BLOCK] = {0};
    int32_t at[BLOCK];
    bool any = false;
    member m;
    for (int64_t j = 0; j < columns; j++) at[j] = -1;
    for (int64_t e = first, end = end_of(b, k); e < end; e++) {
        if (!find_member(&m, w, b, e, d)) continue;
        const int32_t here = (int32_t)(e - first);
        for (int64_t j = 0; j < columns; j++) {
            const em_real x = m.factor * m.row[j];
            const bool better = !any | (x > best[j]) | ((x != x) & (best[j] == best[j]));
            best[j] = better ? x : best[j];
            at[j] = better ? here : at[j];
        }
        any = true;
    }
    for (int64_t j = 0; j < columns; j++) y[j] = best[j];
    for (int64_t j = 0; won && j < columns; j++) won[j] = at[j] < 0 ? -1 : first + at[j];
}

/* How many columns from d on are taken at once. */
static int64_t block_at(const table *w, int64_t d)
{
    const int64_t left = w->width - d;
    return w->inner != 1 || left < 4 ? 1 : left < 16 ? 4 : left < BLOCK ? 16 : BLOCK;
}

/* mean: the sum divided by how many members there are */
static void add_bag(em_real *restrict y, const table *w, const bags *b, int64_t k, bool mean)
{
    int64_t count = 0;
    for (int64_t d = 0, block; d < w->width; d += block) {
        block = block_at(w, d);
        switch (block) {
        case BLOCK: count = add_columns(y + d, w, b, k, d, BLOCK); break;
        case 16: count = add_columns(y + d, w, b, k, d, 16); break;
        case 4: count = add_columns(y + d, w, b, k, d, 4); break;
        default: count = add_columns(y + d, w, b, k, d, 1);
        }
    }
    if (mean && count)
        for (int64_t d = 0; d < w->width; d++) y[d] /= (em_real)count;
}

static void max_bag(em_real *restrict y, int64_t *restrict won, const table *w, const bags *b, int64_t k)
{
    for (int64_t d = 0, block; d < w->width; d += block) {
        int64_t *at = won ? won + d : NULL;
        block = block_at(w, d);
        switch (block) {
        case BLOCK: max_columns(y + d, at, w, b, k, d, BLOCK); break;
        case 16: max_columns(y + d, at, w, b, k, d, 16); break;
        case 4: max_columns(y + d, at, w, b, k, d, 4); break;
        default: max_columns(y + d, at, w, b, k, d, 1);
        }
    }
}

static em_status forward(em_call *c)
{
    em_tensor *weight = c->in[TABLE];
    if (c->opts.at[MAX_NORM].given)
        EM_TRY(lookup_renorm(weight, c->in[IDS], c->opts.at[MAX_NORM].x, c->opts.at[NORM_TYPE].x));
    const bags b = read_bags(c->in, &c->opts);
    const table w = {EM_REALS(weight), weight->size[1], weight->stride[0], weight->stride[1]};
    const int64_t mode = c->opts.at[MODE].i;
    em_real *y = EM_REALS(c->out[0]);
    int64_t *won = c->out[1] ? EM_DATA(int64_t, c->out[1]) : NULL;
    const double each = (double)w.width * (1 + (double)b.entries / (double)(b.n ? b.n : 1));
    EM_PARALLEL_CHUNKS(lo, hi, b.n, each)
        for (int64_t k = lo; k < hi; k++) {
            if (mode == MAX)
                max_bag(y + k * w.width, won ? won + k * w.width : NULL, &w, &b, k);
            else
                add_bag(y + k * w.width, &w, &b, k, mode == MEAN);
        }
    return EM_OK;
}

/* ---- backward: the table ------------------------------------------------------------------------------- */

/* Entry e of bag b adds weight[e] / (mean: members of b) * dy[b, :] to row id[e]. */
static em_status summed_part(em_row_part *part, const em_node *n, const bags *b)
{
    const int64_t count = b->n ? end_of(b, b->n - 1) : 0;
    const bool mean = n->opts.at[MODE].i == MEAN;
    EM_TRY(em__tensor_window(&part->ids, n->x[IDS], n->x[IDS]->data, 1, &count, NULL));
    EM_TRY(em__row_part_source(part, n->dy[0], b->n, n->dy[0]->size[1]));
    em_status s = EM_OK;
    if (b->offset) s = em_tensor_empty(&part->index, EM_I64, 1, &count);
    part->every = b->offset ? 1 : b->length ? b->length : 1;
    if (!s && (b->weight || mean)) s = em_tensor_empty(&part->coef, EM_REAL_DTYPE, 1, &count);
    for (int64_t k = 0; k < b->n && !s; k++) {
        const int64_t used = mean ? members(b, k) : 1;
        const em_real share = (em_real)1 / (em_real)(used ? used : 1);
        for (int64_t e = first_of(b, k); e < end_of(b, k); e++) {
            if (part->index) EM_DATA(int64_t, part->index)[e] = k;
            if (part->coef) EM_REALS(part->coef)[e] = b->weight ? share * b->weight[e] : share;
        }
    }
    return s;
}

static void won_values(em_real *value, const em_real *dy, const int64_t *won, const bags *b, int64_t width)
{
    EM_PARALLEL_CHUNKS(lo, hi, b->n, (double)width * (double)(1 + b->entries / (b->n ? b->n : 1)))
        for (int64_t k = lo; k < hi; k++)
            for (int64_t e = first_of(b, k); e < end_of(b, k); e++)
                for (int64_t d = 0; d < width; d++)
                    value[e * width + d] = won[k * width + d] == e ? dy[k * width + d] : 0;
}

/* max: entry e adds weight[e] * dy[b, d] to column d of row id[e] where it won */
static em_status won_part(em_row_part *part, const em_node *n, const bags *b)
{
    const int64_t count = b->n ? end_of(b, b->n - 1) : 0, width = n->dy[0]->size[1];
    EM_TRY(em__tensor_window(&part->ids, n->x[IDS], n->x[IDS]->data, 1, &count, NULL));
    EM_TRY(em_tensor_empty(&part->source, EM_REAL_DTYPE, 2, (int64_t[]){count, width}));
    if (b->weight) EM_TRY(em__tensor_window(&part->coef, n->x[WEIGHTS], n->x[WEIGHTS]->data, 1, &count, NULL));
    won_values(EM_REALS(part->source), EM_REALS(n->dy[0]), EM_DATA(int64_t, n->y[1]), b, width);
    return EM_OK;
}

/* The same straight into a dense gradient: threads own columns, so each row's sums run in order of bags. */
enum { COLUMNS = 16 };
static void add_won(em_real *dw, const em_real *dy, const int64_t *won, const bags *b, int64_t width,
                    const em_real *coef)
{
    const int64_t blocks = (width + COLUMNS - 1) / COLUMNS;
    EM_PARALLEL_EACH(block, blocks, 8.0 * COLUMNS * (double)b->n) {
        const int64_t lo = block * COLUMNS, hi = em__min(lo + COLUMNS, width);
        for (int64_t k = 0; k < b->n; k++)
            for (int64_t d = lo; d < hi; d++) {
                const int64_t e = won[k * width + d];
                if (e < 0) continue;
                const em_real factor = (coef ? coef[e] : (em_real)1) * (b->weight ? b->weight[e] : (em_real)1);
                dw[b->id[e] * width + d] += factor * dy[k * width + d];
            }
    }
}

static em_status dense_max(em_tensor **dw, const em_node *n, const bags *b, bool by_freq)
{
    const int64_t rows = n->x[TABLE]->size[0], width = n->x[TABLE]->size[1];
    em_row_part part = {.every = 1, .scale = 1};
    em_status s = em__tensor_window(&part.ids, n->x[IDS], n->x[IDS]->data, 1, &b->entries, NULL);
    if (!s && by_freq) s = lookup_scale_by_freq(&part, part.ids, rows);
    if (!s) s = em_tensor_zeros(dw, EM_REAL_DTYPE, 2, n->x[TABLE]->size);
    if (!s)
        add_won(EM_REALS(*dw), EM_REALS(n->dy[0]), EM_DATA(int64_t, n->y[1]), b, width,
                part.coef ? EM_REALS(part.coef) : NULL);
    em__row_part_release(&part);
    return s;
}

static em_status table_grad(em_tensor **dw, const em_node *n, const bags *b)
{
    const bool sparse = n->opts.at[SPARSE].i != 0, max = n->opts.at[MODE].i == MAX;
    const bool by_freq = n->opts.at[SCALE_GRAD_BY_FREQ].i != 0;
    if (max && !sparse) return dense_max(dw, n, b, by_freq);
    em_row_part part = {.every = 1, .scale = 1};
    em_status s = max ? won_part(&part, n, b) : summed_part(&part, n, b);
    if (!s && by_freq) s = lookup_scale_by_freq(&part, n->x[IDS], n->x[TABLE]->size[0]);
    if (s) {
        em__row_part_release(&part);
        return s;
    }
    return lookup_table_grad(dw, n->x[TABLE], &part, b->padding, sparse);
}

/* ---- backward: per_sample_weights ---------------------------------------------------------------------- */

/* dweight[e] = dy[b, :] . w[id[e], :] / (mean: members of b); max: only over the columns that e won; 0 at padding */
static void weight_grads(em_real *dweight, const em_node *n, const bags *b, int64_t k)
{
    const em_tensor *weight = n->x[TABLE];
    const int64_t width = weight->size[1], mode = n->opts.at[MODE].i;
    const em_real *dy = EM_REALS(n->dy[0]) + k * width;
    const int64_t *won = mode == MAX ? EM_DATA(int64_t, n->y[1]) + k * width : NULL;
    const int64_t used = mode == MEAN ? members(b, k) : 1;
    for (int64_t e = first_of(b, k); e < end_of(b, k); e++) {
        if (b->id[e] == b->padding) continue;
        const em_real *row = EM_REALS(weight) + b->id[e] * weight->stride[0];
        em_real dot = 0;
        for (int64_t d = 0; d < width; d++)
            if (!won || won[d] == e) dot += dy[d] * row[d * weight->stride[1]];
        dweight[e] = dot / (em_real)used;
    }
}

static em_status sample_weight_grad(em_tensor **dweight, const em_node *n, const bags *b)
{
    EM_TRY(em_tensor_zeros(dweight, EM_REAL_DTYPE, n->x[WEIGHTS]->dims, n->x[WEIGHTS]->size));
    const double each = (double)n->x[TABLE]->size[1] * (1 + (double)b->entries / (double)(b->n ? b->n : 1));
    EM_PARALLEL_CHUNKS(lo, hi, b->n, each)
        for (int64_t k = lo; k < hi; k++) weight_grads(EM_REALS(*dweight), n, b, k);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    const bags b = read_bags(n->x, &n->opts);
    if (em__wants(n, TABLE)) EM_TRY(table_grad(&dx[TABLE], n, &b));
    if (em__wants(n, WEIGHTS)) EM_TRY(sample_weight_grad(&dx[WEIGHTS], n, &b));
    return EM_OK;
}

const em_op EM_OP(embedding_bag) = {
    .name = "EmbeddingBag",
    .key = "embedding_bag",
    .inputs = "input# weight offsets#? per_sample_weights?=",
    .outputs = "output [won]",
    .doc = "Rows of a table, summed, averaged or maximized bag by bag.\n"
           "input: ids (B, L), or (N) with offsets (B), where each bag begins; weight: (V, D); per_sample_weights: of\n"
           "input's shape, the factor of each row before its bag is reduced (a mean divides by the number of rows).\n"
           "Returns (B, D); zeros for an empty bag. Errors if an id is outside 0 .. V-1 or the offsets decrease.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_STRIDED | EM_OP_NO_PROMOTE | EM_OP_LOOKUP,
    .saves = EM_SAVE_X(IDS) | EM_SAVE_X(TABLE) | EM_SAVE_X(OFFSETS) | EM_SAVE_X(WEIGHTS) | EM_SAVE_Y(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
