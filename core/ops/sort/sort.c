/* In order along a dim: sort argsort topk kthvalue median_dim, and the median of all. Equal elements stay in the order
 * of their positions; NaN is greater than everything. values_i = x[indices_i]; dx = 0 with dx[indices_i] = dy_i. */
#include <math.h>

#include "ops/index/axis_index.h"
#include "ops/sort/sort_keys.h"

/* ---- lines ----------------------------------------------------------------------------------------------- */

/* Work along a dim: each line of n elements gives `kept` results. */
typedef struct lines {
    const em_scalar *x;
    em_scalar *values;                  /* null: not wanted */
    int64_t *indices;
    em_axis_index axis_index;
    int64_t kept, nth;                  /* the first of a sort, or only its number nth (-1: not so) */
    bool descending, nan_wins;          /* nan_wins: a line with NaN gives it */
} lines;

/* Position of element i of a line. */
static int64_t offset(const lines *l, int64_t line, int64_t i, int64_t length)
{
    return (line / l->axis_index.inner * length + i) * l->axis_index.inner + line % l->axis_index.inner;
}

static void read_line(const lines *l, int64_t line, em_item *items)
{
    const uint64_t flip = l->descending ? ~(uint64_t)0 : 0;
    EM_PIECES(lo, hi, l->axis_index.size)
        for (int64_t i = lo; i < hi; i++)
            items[i] = (em_item){EM_KEY(l->x[offset(l, line, i, l->axis_index.size)]) ^ flip, i};
}

static int64_t first_nan(const lines *l, int64_t line)
{
#if EM_REAL_FLOAT
    EM_PIECES(lo, hi, l->axis_index.size)
        for (int64_t i = lo; i < hi; i++)
            if (isnan(l->x[offset(l, line, i, l->axis_index.size)])) return i;
#else
    (void)l, (void)line;
#endif
    return -1;
}

static void do_line(const lines *l, int64_t line, em_item *items, em_item *scratch)
{
    const int64_t n = l->axis_index.size, nan = l->nan_wins ? first_nan(l, line) : -1;
    read_line(l, line, items);
    if (nan >= 0)
        items[0].at = nan;
    else if (l->nth >= 0)
        items[0] = em__nth_item(items, n, l->nth);
    else
        em__first_items(items, scratch, n, l->kept);
    if (em__stop) return;
    EM_PIECES(lo, hi, l->kept)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t to = offset(l, line, i, l->kept);
            if (l->values) l->values[to] = l->x[offset(l, line, items[i].at, n)];
            if (l->indices) l->indices[to] = items[i].at;
        }
}

/* Lines are dealt out in pieces, each with scratch of its own. */
static em_status do_lines(const lines *l)
{
    const int64_t n = l->axis_index.size, count = l->axis_index.outer * l->axis_index.inner;
    if (count == 0 || n == 0 || l->kept == 0) return EM_OK;
    const int64_t pieces = em__min(count, em__team(16.0 * (double)count * (double)n));
    const size_t bytes = (size_t)(pieces * 2 * n) * sizeof(em_item);
    em_item *scratch = em__alloc(bytes);
    if (!scratch) return em__fail_memory("sorting", bytes);
    EM_PARALLEL_EACH(p, pieces, 16.0 * (double)count * (double)n / (double)pieces) {
        em_item *items = scratch + p * 2 * n;
        for (int64_t line = count * p / pieces; line < count * (p + 1) / pieces && !em__stop; line++)
            do_line(l, line, items, items + n);
    }
    em__free(scratch, bytes);
    return EM_OK;
}

/* dx = zeros with dy at the positions in results 1, which has x's dims, or lacks the dim. */
static em_status place_back(const em_node *n, em_tensor **dx, int opt)
{
    const em_tensor *x = n->x[0], *dy = n->dy[0];
    int dim;
    EM_TRY(em__wrap_dim(&dim, n->opts.at[opt].i, x->dims, n->op->name));
    int64_t size[EM_MAX_DIMS];
    for (int d = 0; d < x->dims; d++) size[d] = dy->dims == x->dims ? dy->size[d] : d == dim ? 1 : x->size[d];
    em_tensor *values = NULL, *indices = NULL;
    EM_TRY(em__dx_zeros(dx, n, 0));
    em_status s = em__tensor_window(&values, dy, dy->data, x->dims, size, NULL);
    if (!s) s = em__tensor_window(&indices, n->y[1], n->y[1]->data, x->dims, size, NULL);
    const em_op *scatter = em_op_find("scatter_add");
    em_opts opts;
    em_opts_default(&opts, scatter);
    opts.at[0] = (em_opt){.given = true, .i = dim, .x = dim};
    if (!s) s = em_apply_inplace(scatter, dx[0], (em_tensor *[]){dx[0], indices, values}, 3, &opts, NULL);
    em_tensor_release(values);
    em_tensor_release(indices);
    return s;
}

/* ---- sort argsort ---------------------------------------------------------------------------------------- */

enum { SORT_DIM, SORT_DESCENDING };

static em_status sort_check(em_call *c)
{
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[SORT_DIM].i, c->in[0]->dims, "sort"));
    EM_TRY(em__out_like(c, 0, c->in[0]));
    return em__out(c, 1, EM_I64, c->in[0]->dims, c->in[0]->size);
}

static em_status argsort_check(em_call *c)
{
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[SORT_DIM].i, c->in[0]->dims, "argsort"));
    return em__out(c, 0, EM_I64, c->in[0]->dims, c->in[0]->size);
}

static em_status sort_into(em_call *c, em_scalar *values, int64_t *indices)
{
    lines l = {.x = EM_SCALARS(c->in[0]), .values = values, .indices = indices, .nth = -1};
    EM_TRY(em__axis_index(&l.axis_index, c->in[0], c->opts.at[SORT_DIM].i, c->op->name));
    l.kept = l.axis_index.size;
    l.descending = c->opts.at[SORT_DESCENDING].i;
    return do_lines(&l);
}

static em_status sort_forward(em_call *c) { return sort_into(c, EM_SCALARS(c->out[0]), EM_DATA(int64_t, c->out[1])); }
static em_status argsort_forward(em_call *c) { return sort_into(c, NULL, EM_DATA(int64_t, c->out[0])); }
static em_status sort_backward(const em_node *n, em_tensor **dx) { return place_back(n, dx, SORT_DIM); }

/* ---- topk ------------------------------------------------------------------------------------------------ */

enum { TOPK_K, TOPK_DIM, TOPK_LARGEST };

static em_status topk_check(em_call *c)
{
    em_axis_index a;
    const em_tensor *x = c->in[0];
    const int64_t k = c->opts.at[TOPK_K].i;
    EM_TRY(em__axis_index(&a, x, c->opts.at[TOPK_DIM].i, "topk"));
    if (k < 0 || k > a.size)
        return em__fail(EM_ERANGE, "topk: k = %lld is out of range for dim %d of size %lld", (long long)k, a.dim,
                        (long long)a.size);
    int64_t size[EM_MAX_DIMS];
    for (int d = 0; d < x->dims; d++) size[d] = d == a.dim ? k : x->size[d];
    EM_TRY(em__out(c, 0, c->dtype, x->dims, size));
    return em__out(c, 1, EM_I64, x->dims, size);
}

static em_status topk_forward(em_call *c)
{
    lines l = {.x = EM_SCALARS(c->in[0]),
               .values = EM_SCALARS(c->out[0]),
               .indices = EM_DATA(int64_t, c->out[1]),
               .nth = -1};
    EM_TRY(em__axis_index(&l.axis_index, c->in[0], c->opts.at[TOPK_DIM].i, "topk"));
    l.kept = c->in[0]->dims ? c->opts.at[TOPK_K].i : 1;         /* a 0-d tensor has no dim to shorten */
    l.descending = c->opts.at[TOPK_LARGEST].i;
    return do_lines(&l);
}

static em_status topk_backward(const em_node *n, em_tensor **dx) { return place_back(n, dx, TOPK_DIM); }

/* ---- one of each line: kthvalue median_dim --------------------------------------------------------------- */

static em_status one_of_each(em_call *c, int dim_opt, int keep_opt)
{
    em_axis_index a;
    const em_tensor *x = c->in[0];
    EM_TRY(em__axis_index(&a, x, c->opts.at[dim_opt].i, c->op->name));
    if (a.size == 0)
        return em__fail(EM_EVALUE, "%s: there is no element along dim %d of shape %s", c->op->name, a.dim, EM_SHAPE(x));
    int64_t size[EM_MAX_DIMS];
    int dims = 0;
    for (int d = 0; d < x->dims; d++)
        if (d != a.dim)
            size[dims++] = x->size[d];
        else if (c->opts.at[keep_opt].i)
            size[dims++] = 1;
    EM_TRY(em__out(c, 0, c->dtype, dims, size));
    return em__out(c, 1, EM_I64, dims, size);
}

static em_status pick_each(em_call *c, int dim_opt, int64_t nth, bool nan_wins)
{
    lines l = {.x = EM_SCALARS(c->in[0]),
               .values = EM_SCALARS(c->out[0]),
               .indices = EM_DATA(int64_t, c->out[1]),
               .kept = 1};
    EM_TRY(em__axis_index(&l.axis_index, c->in[0], c->opts.at[dim_opt].i, c->op->name));
    l.nth = nth < 0 ? (l.axis_index.size - 1) / 2 : nth;
    l.nan_wins = nan_wins;
    return do_lines(&l);
}

enum { KTH_K, KTH_DIM, KTH_KEEPDIM };

static em_status kthvalue_check(em_call *c)
{
    em_axis_index a;
    const int64_t k = c->opts.at[KTH_K].i;
    EM_TRY(em__axis_index(&a, c->in[0], c->opts.at[KTH_DIM].i, "kthvalue"));
    if (k < 1 || k > a.size)
        return em__fail(EM_ERANGE, "kthvalue: k = %lld is out of range for dim %d of size %lld (k counts from 1)",
                        (long long)k, a.dim, (long long)a.size);
    return one_of_each(c, KTH_DIM, KTH_KEEPDIM);
}

static em_status kthvalue_forward(em_call *c) { return pick_each(c, KTH_DIM, c->opts.at[KTH_K].i - 1, false); }
static em_status kthvalue_backward(const em_node *n, em_tensor **dx) { return place_back(n, dx, KTH_DIM); }

enum { MEDIAN_DIM, MEDIAN_KEEPDIM };

static em_status median_dim_check(em_call *c) { return one_of_each(c, MEDIAN_DIM, MEDIAN_KEEPDIM); }
static em_status median_dim_forward(em_call *c) { return pick_each(c, MEDIAN_DIM, -1, true); }
static em_status median_dim_backward(const em_node *n, em_tensor **dx) { return place_back(n, dx, MEDIAN_DIM); }

/* ---- median of all --------------------------------------------------------------------------------------- */

static em_status median_check(em_call *c)
{
    if (c->in[0]->count == 0 && !EM_REAL_FLOAT)
        return em__fail(EM_EVALUE, "median: shape %s has no element", EM_SHAPE(c->in[0]));
    return em__out(c, 0, c->dtype, 0, NULL);
}

static em_status median_forward(em_call *c)
{
    const em_tensor *x = c->in[0];
#if EM_REAL_FLOAT
    if (x->count == 0) *EM_SCALARS(c->out[0]) = (em_scalar)NAN;
#endif
    const lines l = {.x = EM_SCALARS(x), .values = EM_SCALARS(c->out[0]), .axis_index = {0, 1, x->count, 1}, .kept = 1,
                     .nth = (x->count - 1) / 2, .nan_wins = true};
    return do_lines(&l);
}

/* dx = dy / n at each of the n elements equal to the median */
static em_status median_backward(const em_node *n, em_tensor **dx)
{
    EM_TRY(em__dx(dx, n, 0));
    const em_scalar *x = EM_SCALARS(n->x[0]), y = *EM_SCALARS(n->y[0]);
    em_scalar *d = EM_SCALARS(dx[0]);
    const int64_t count = n->x[0]->count;
    int64_t same = 0;
    EM_PIECES(lo, hi, count)
        for (int64_t i = lo; i < hi; i++) same += x[i] == y || (isnan((double)x[i]) && isnan((double)y));
    const em_scalar share = (em_scalar)((double)*EM_SCALARS(n->dy[0]) / (double)em__max(1, same));
    EM_PIECES(lo, hi, count)
        for (int64_t i = lo; i < hi; i++) d[i] = x[i] == y || (isnan((double)x[i]) && isnan((double)y)) ? share : 0;
    return EM_OK;
}

/* ---- descriptors ----------------------------------------------------------------------------------------- */

static const em_opt_spec sort_opts[] = {
    {"dim", EM_OPT_INT, "-1", "", "the dim to sort along"},
    {"descending", EM_OPT_BOOL, "false", "", "from the greatest down"},
    {"stable", EM_OPT_BOOL, "false", "", "equal elements stay in order; they always do"},
    {0},
};
static const em_opt_spec topk_opts[] = {
    {"k", EM_OPT_INT, "!", "", "how many"},
    {"dim", EM_OPT_INT, "-1", "", "the dim along which they are looked for"},
    {"largest", EM_OPT_BOOL, "true", "", "the greatest; else the least"},
    {"sorted", EM_OPT_BOOL, "true", "", "in order; they always are"},
    {0},
};
static const em_opt_spec kth_opts[] = {
    {"k", EM_OPT_INT, "!", "", "1 the least, 2 the next, ..."},
    {"dim", EM_OPT_INT, "-1", "", "the dim along which it is looked for"},
    {"keepdim", EM_OPT_BOOL, "false", "", "the dim stays, with size 1"},
    {0},
};
static const em_opt_spec median_dim_opts[] = {
    {"dim", EM_OPT_INT, "!", "", "the dim along which it is looked for"},
    {"keepdim", EM_OPT_BOOL, "false", "", "the dim stays, with size 1"},
    {0},
};

const em_op EM_OP(sort) = {
    .name = "sort", .inputs = "input", .outputs = "values indices",
    .doc = "The elements in order along a dim, and where they stood. Equal ones stay in order, NaN counts as greatest.",
    .opts = sort_opts, .types = EM_TYPES_ALL, .saves = EM_SAVE_Y(1), .check = sort_check, .forward = sort_forward,
    .backward = sort_backward,
};

const em_op EM_OP(argsort) = {
    .name = "argsort", .inputs = "input", .outputs = "indices",
    .doc = "Positions that put the elements in order along a dim: int64.",
    .opts = sort_opts, .types = EM_TYPES_ALL, .check = argsort_check, .forward = argsort_forward,
};

const em_op EM_OP(topk) = {
    .name = "topk", .inputs = "input", .outputs = "values indices",
    .doc = "The k greatest (or least) elements along a dim, in order, and where they stand; of equal ones the first.\n"
           "Fails if k is larger than the dim.",
    .opts = topk_opts, .types = EM_TYPES_ALL, .saves = EM_SAVE_Y(1), .check = topk_check, .forward = topk_forward,
    .backward = topk_backward,
};

const em_op EM_OP(kthvalue) = {
    .name = "kthvalue", .inputs = "input", .outputs = "values indices",
    .doc = "The k-th least element along a dim, and where it stands.\nFails unless k is 1 .. size of the dim.",
    .opts = kth_opts, .types = EM_TYPES_ALL, .saves = EM_SAVE_Y(1), .check = kthvalue_check,
    .forward = kthvalue_forward, .backward = kthvalue_backward,
};

const em_op EM_OP(median_dim) = {
    .name = "median", .key = "median_dim", .inputs = "input", .outputs = "values indices",
    .doc = "The median along a dim (of an even number the lower one), and where it stands; NaN if there is one.\n"
           "Fails if there is no element.",
    .opts = median_dim_opts, .types = EM_TYPES_ALL, .saves = EM_SAVE_Y(1), .check = median_dim_check,
    .forward = median_dim_forward, .backward = median_dim_backward,
};

const em_op EM_OP(median) = {
    .name = "median", .inputs = "input", .outputs = "output",
    .doc = "The median of all elements (of an even number the lower one): (); NaN if there is one. The gradient is\n"
           "shared by elements equal to it. Fails for integers if there is no element.",
    .types = EM_TYPES_ALL, .saves = EM_SAVE_X(0) | EM_SAVE_Y(0), .check = median_check, .forward = median_forward,
    .backward = median_backward,
};
