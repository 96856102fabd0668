/* What occurs and where, without gradients: unique, the different elements in order, with input = output[inverse] and
 * how often each occurs; searchsorted, how many elements of a sorted row are less than a value, or with right not
 * greater. */
#include "graph/op.h"
#include "ops/sort/sort_keys.h"

/* ---- unique ---------------------------------------------------------------------------------------------- */

static bool same(em_scalar x, em_scalar y) { return x == y; }   /* NaN is none other's equal */

/* Items in order; group numbers go to their keys. Returns the number of groups. */
static int64_t number_groups(em_item *items, int64_t n, const em_scalar *x)
{
    int64_t groups = 0;
    EM_PIECES(lo, hi, n)
        for (int64_t i = lo; i < hi; i++) {
            if (i == 0 || !same(x[items[i].at], x[items[i - 1].at])) groups++;
            items[i].key = (uint64_t)(groups - 1);
        }
    return groups;
}

static em_status unique_from(em_call *c, em_item *items)
{
    const em_tensor *x = c->in[0];
    const int64_t n = x->count;
    EM_PIECES(lo, hi, n)
        for (int64_t i = lo; i < hi; i++) items[i] = (em_item){EM_KEY(EM_SCALARS(x)[i]), i};
    em__sort_items(items, items + n, n);
    const int64_t groups = number_groups(items, em__stop ? 0 : n, EM_SCALARS(x));
    if (em__stop) return em__fail(EM_EINTERRUPT, "interrupted!");
    EM_TRY(em__out(c, 0, c->dtype, 1, &groups));
    EM_TRY(em__out(c, 1, EM_I64, x->dims, x->size));
    EM_TRY(em_tensor_zeros(&c->out[2], EM_I64, 1, &groups));
    em_scalar *y = EM_SCALARS(c->out[0]);
    int64_t *inverse = EM_DATA(int64_t, c->out[1]), *count = EM_DATA(int64_t, c->out[2]);
    EM_PIECES(lo, hi, n)
        for (int64_t i = lo; i < hi; i++) {
            const uint64_t g = items[i].key;
            if (count[g]++ == 0) y[g] = EM_SCALARS(x)[items[i].at];
            inverse[items[i].at] = (int64_t)g;
        }
    return EM_OK;
}

/* How many there are is known only once all is done, so this is the whole of it. */
static em_status unique_check(em_call *c)
{
    const size_t bytes = (size_t)(2 * c->in[0]->count + 1) * sizeof(em_item);
    em_item *items = em__alloc(bytes);
    if (!items) return em__fail_memory("unique", bytes);
    em_status s = unique_from(c, items);
    em__free(items, bytes);
    return s;
}

/* ---- searchsorted ---------------------------------------------------------------------------------------- */

static em_status searchsorted_check(em_call *c)
{
    const em_tensor *row = c->in[0], *x = c->in[1];
    bool fits = row->dims == 1 || (row->dims == x->dims && row->dims > 0);
    for (int d = 0; fits && d < row->dims - 1; d++) fits = row->size[d] == x->size[d];
    if (!fits)
        return em__fail(
            EM_ESHAPE,
            "searchsorted: sorted_sequence %s: expected 1 dim, or the shape of input %s but for the last dim",
            EM_SHAPE(row), EM_SHAPE(x));
    return em__out(c, 0, EM_I64, x->dims, x->size);
}

/* How many of n ascending elements are less than x, or (right) not greater. */
static int64_t search(const em_scalar *row, int64_t n, em_scalar x, bool right)
{
    int64_t low = 0, high = n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (right ? !(row[middle] > x) : !(row[middle] >= x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static em_status searchsorted_forward(em_call *c)
{
    const em_tensor *row = c->in[0], *x = c->in[1];
    const int64_t n = row->size[row->dims - 1], each = row->dims == 1 ? 0 : x->size[x->dims - 1];
    const bool right = c->opts.at[0].i;
    int64_t *y = EM_DATA(int64_t, c->out[0]);
    EM_PARALLEL_CHUNKS(lo, hi, x->count, 32)
        for (int64_t i = lo; i < hi; i++)
            y[i] = search(EM_SCALARS(row) + (each ? i / each * n : 0), n, EM_SCALARS(x)[i], right);
    return EM_OK;
}

static const em_opt_spec unique_opts[] = {{"sorted", EM_OPT_BOOL, "true", "", "in ascending order; they always are"},
                                          {0}};
static const em_opt_spec search_opts[] = {
    {"right", EM_OPT_BOOL, "false", "", "behind elements equal to the value instead of before them"},
    {0},
};

const em_op EM_OP(unique) = {
    .name = "unique", .inputs = "input", .outputs = "output inverse_indices counts",
    .doc = "The different elements in ascending order (n), for each of input which of them it is, and how often each\n"
           "occurs (n). Each NaN is different.",
    .opts = unique_opts, .types = EM_TYPES_ALL, .check = unique_check,
};

const em_op EM_OP(searchsorted) = {
    .name = "searchsorted", .inputs = "sorted_sequence input", .outputs = "output",
    .doc = "Where each element of input would go in an ascending sequence: sorted_sequence (n), or (..., n) with a\n"
           "sequence for each row of input. int64 of input's shape. Fails if shapes do not fit.",
    .opts = search_opts, .types = EM_TYPES_ALL, .check = searchsorted_check, .forward = searchsorted_forward,
};
