/* embedding: rows of a table, by id. */
#include "ops/lookup.h"

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

/* y[i, :] = w[id[i], :] */
#define STAMP_GATHER(name, type) \
    static void name(const em_tensor *y, const em_tensor *weight, const int64_t *id, int64_t lo, int64_t hi, \
                     int64_t n) \
    { \
        const int64_t width = weight->size[1], step = weight->stride[0], inner = weight->stride[1]; \
        const type *w = EM_DATA(type, weight); \
        for (int64_t i = lo; i < hi; i++) { \
            const type *row = w + id[i] * step; \
            type *restrict to = EM_DATA(type, y) + i * width; \
            if (i + AHEAD < n) lookup_prefetch_bytes(w + id[i + AHEAD] * step, width * (int64_t)sizeof *w); \
            if (inner == 1) \
                for (int64_t d = 0; d < width; d++) to[d] = row[d]; \
            else \
                for (int64_t d = 0; d < width; d++) to[d] = row[d * inner]; \
        } \
    }
STAMP_GATHER(gather, em_real)
STAMP_GATHER(gather_halves, uint16_t)

static em_status forward(em_call *c)
{
    em_tensor *ids = c->in[0], *weight = c->in[1];
#if EM_REAL_FLOAT
    if (c->opts.at[MAX_NORM].given)
        EM_TRY(lookup_renorm(weight, ids, c->opts.at[MAX_NORM].x, c->opts.at[NORM_TYPE].x));
#endif
    const int64_t n = ids->count, width = weight->size[1];
    const em_tensor *y = c->out[0];
    void (*const take)(const em_tensor *, const em_tensor *, const int64_t *, int64_t, int64_t, int64_t) =
        em_dtype_is_half(c->dtype) ? gather_halves : gather;
    if (n * width < 2 * EM_GRAIN)
        take(y, weight, EM_DATA(int64_t, ids), 0, n, n);
    else
        EM_PARALLEL_CHUNKS(lo, hi, n, width) take(y, weight, EM_DATA(int64_t, ids), lo, hi, n);
    return EM_OK;
}

#if EM_REAL_FLOAT
/* dW[id[i], :] += dy[i, :] / (how often id[i] occurs, if asked), where id[i] is not the padding */
static em_status table_grad(const em_node *n, em_tensor **dx)
{
    const em_tensor *weight = n->x[1];
    const bool by_freq = n->opts.at[SCALE_GRAD_BY_FREQ].i != 0;
    const int64_t rows = weight->size[0], count = n->x[0]->count;
    em_part part = {.every = 1, .scale = 1};
    em_status s = em__tensor_window(&part.ids, n->x[0], n->x[0]->data, 1, &count, NULL);
    if (!s) s = em__part_source(&part, n->dy[0], count, weight->size[1]);
    if (!s && by_freq) s = lookup_scale_by_freq(&part, part.ids, rows);
    if (s) {
        em__part_release(&part);
        return s;
    }
    return lookup_table_grad(&dx[1], weight, &part, lookup_padding(&n->opts.at[PADDING_IDX], rows),
                             n->opts.at[SPARSE].i != 0);
}
#else
#define table_grad NULL
#endif

const em_op EM_OP(embedding) = {
    .name = "embedding",
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
