/* embedding: rows of a table w (V, D), by id: y[i, :] = w[id[i], :].
 * dw[id[i], :] += dy[i, :], over how often id[i] occurs if scale_grad_by_freq, and nothing for the padding; dense, or a
 * row-sparse gradient of the ids and a reference to dy. */
#include <string.h>

#include "ops/lookup/lookup.h"
#include "tensor/simd.h"

enum { PADDING_IDX, MAX_NORM, NORM_TYPE, SCALE_GRAD_BY_FREQ, SPARSE };

static const em_opt_spec opts[] = {
    {"padding_idx", EM_OPT_INT, "", "", "id whose row gets no gradient from lookups; negative counts from the end"},
    {"max_norm", EM_OPT_NUMBER, "", "", "rows looked up that are longer are shortened to this length, in place"},
    {"norm_type", EM_OPT_NUMBER, "2", "", "p of the norm that max_norm measures"},
    {"scale_grad_by_freq", EM_OPT_BOOL, "false", "", "divide gradients by how often their id occurs in the call"},
    {"sparse", EM_OPT_BOOL, "false", "", "make the table's gradient row-sparse"},
    {0},
};

static em_status check(em_call *c)
{
    em_tensor *ids = c->in[0], *weight = c->in[1];
    EM_TRY(lookup_check_table(weight, "Embedding"));
    EM_TRY(lookup_check_padding(&c->opts.at[PADDING_IDX], weight->size[0], "Embedding"));
    if (ids->dims == EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "Embedding: ids can have at most %d dims, got shape %s", EM_MAX_DIMS - 1,
                        EM_SHAPE(ids));
    EM_TRY(em__check_ids("Embedding", ids, weight->size[0], "num_embeddings"));
    if (c->opts.at[MAX_NORM].given && c->dtype != EM_F32 && c->dtype != EM_F64)
        return em__fail(EM_ETYPE, "Embedding: max_norm needs a table of float32 or float64, got %s",
                        em_dtype_name(c->dtype));
    int64_t sizes[EM_MAX_DIMS];
    for (int d = 0; d < ids->dims; d++) sizes[d] = ids->size[d];
    sizes[ids->dims] = weight->size[1];
    return em__out(c, 0, c->dtype, ids->dims + 1, sizes);
}

enum { AHEAD = 12 };

/* What rows are taken from and put to, in bytes. */
typedef struct row_gather {
    const char *table;
    char *to;
    const int64_t *id;
    int64_t n, row, step, item, inner;  /* ids; a row; from row to row, and from item to item, of the table */
} row_gather;

/* Rows lo .. hi-1. `known`: their length, a multiple of the machine's vectors, as known when this is compiled; or 0. */
static inline void copy_rows(const row_gather *g, int64_t lo, int64_t hi, const int64_t known)
{
    enum { WIDE = EM__VECTOR_BYTES };
    typedef char vector __attribute__((vector_size(WIDE), aligned(1), may_alias));
    typedef char few __attribute__((vector_size(16), aligned(1), may_alias));
    const char *const table = g->table;
    const int64_t *const id = g->id, step = g->step, last = g->n - 1, row = known ? known : g->row;
    char *restrict to = g->to + lo * row;
    for (int64_t i = lo; i < hi; i++, to += row) {
        const char *const from = table + id[i] * step;
        lookup_prefetch_bytes(table + id[em__min(i + AHEAD, last)] * step, row);
        int64_t at = 0;
        for (; at + WIDE <= row; at += WIDE) *(vector *)(to + at) = *(const vector *)(from + at);
        for (; at + 16 <= row; at += 16) *(few *)(to + at) = *(const few *)(from + at);
        for (; at + 4 <= row; at += 4) memcpy(to + at, from + at, 4);
        for (; at < row; at++) to[at] = from[at];
    }
}

/* Items of a row that do not lie together. */
static void collect_rows(const row_gather *g, int64_t lo, int64_t hi)
{
    for (int64_t i = lo; i < hi; i++) {
        const char *from = g->table + g->id[i] * g->step;
        char *to = g->to + i * g->row;
        for (int64_t at = 0; at < g->row; at += g->item, from += g->inner) memcpy(to + at, from, (size_t)g->item);
    }
}

/* y[i, :] = w[id[i], :] for i in lo .. hi-1; lengths that are powers of two are common. */
static void gather(const row_gather *g, int64_t lo, int64_t hi)
{
    if (g->inner != g->item) {
        collect_rows(g, lo, hi);
        return;
    }
    switch (g->row) {
    case 64: copy_rows(g, lo, hi, 64); break;
    case 128: copy_rows(g, lo, hi, 128); break;
    case 256: copy_rows(g, lo, hi, 256); break;
    case 512: copy_rows(g, lo, hi, 512); break;
    default: copy_rows(g, lo, hi, 0);
    }
}

static em_status forward(em_call *c)
{
    em_tensor *ids = c->in[0], *weight = c->in[1];
#if EM_REAL_FLOAT
    if (c->opts.at[MAX_NORM].given)
        EM_TRY(lookup_renorm(weight, ids, c->opts.at[MAX_NORM].x, c->opts.at[NORM_TYPE].x));
#endif
    const int64_t n = ids->count, width = weight->size[1], item = (int64_t)em_dtype_size(c->dtype);
    const row_gather g = {
        .table = weight->data, .to = c->out[0]->data, .id = EM_DATA(int64_t, ids), .n = n,
        .row = width * item, .step = weight->stride[0] * item, .item = item, .inner = weight->stride[1] * item,
    };
    if (n * width < 2 * EM_GRAIN)
        gather(&g, 0, n);
    else
        EM_PARALLEL_CHUNKS(lo, hi, n, width) gather(&g, lo, hi);
    return EM_OK;
}

#if EM_REAL_FLOAT
/* dW[id[i], :] += dy[i, :] / (how often id[i] occurs, if asked), where id[i] is not the padding */
static em_status table_grad(const em_node *n, em_tensor **dx)
{
    const em_tensor *weight = n->x[1];
    const bool by_freq = n->opts.at[SCALE_GRAD_BY_FREQ].i != 0;
    const int64_t rows = weight->size[0], count = n->x[0]->count;
    em_row_part part = {.every = 1, .scale = 1};
    em_status s = em__tensor_window(&part.ids, n->x[0], n->x[0]->data, 1, &count, NULL);
    if (!s) s = em__row_part_source(&part, n->dy[0], count, weight->size[1]);
    if (!s && by_freq) s = lookup_scale_by_freq(&part, part.ids, rows);
    if (s) {
        em__row_part_release(&part);
        return s;
    }
    return lookup_table_grad(&dx[1], weight, &part, lookup_padding(&n->opts.at[PADDING_IDX], rows),
                             n->opts.at[SPARSE].i != 0);
}
#else
#define table_grad NULL
#endif

const em_op EM_OP(embedding) = {
    .name = "Embedding",
    .key = "embedding",
    .inputs = "input# weight",
    .outputs = "output",
    .doc = "Rows of a table, by id.\n"
           "input: ids of any shape (*) and integer dtype, or a nested table of integers; weight: (V, D).\n"
           "Returns (*, D). Errors if an id is outside 0 .. V-1 (its value and position are named).",
    .opts = opts,
    .types = EM_TYPES_ALL,
    .flags = EM_OP_STRIDED | EM_OP_STRIDED_DY | EM_OP_HALF_AS_IT_IS | EM_OP_LOOKUP,
    .saves = EM_SAVE_X(0),
    .check = check,
    .forward = forward,
    .backward = table_grad,
};
