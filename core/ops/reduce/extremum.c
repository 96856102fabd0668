/* Greatest and least elements: amax amin max min, and with where they stand max_dim min_dim argmax argmin. NaN counts
 * as greater and as less than everything.
 *
 *     amax, amin, max, min  y = max x_i or min x_i, dx_i = dy / ties where x_i = y, else 0
 *     max_dim, min_dim      the same along one dim, with the index k of the first such; dx_k = dy, else 0 */
#include "ops/reduce/fold.h"
#include "ops/elementwise/integer.h"

/* First option of amax and amin is a list of dims, of the others one dim. */
enum { DIM, KEEPDIM };

EM_FOLD(max, em__greater(s, x), em__greater(s, t))
EM_FOLD(min, em__lesser(s, x), em__lesser(s, t))

#if EM_REAL_FLOAT
static const em_fold greatest = {EM_FOLD_OF(max), .start = -(em_acc)INFINITY, .store = em__store_real};
static const em_fold least = {EM_FOLD_OF(min), .start = (em_acc)INFINITY, .store = em__store_real};
#else
static const em_fold greatest = {EM_FOLD_OF(max), .start = INT64_MIN, .store = em__store_real};
static const em_fold least = {EM_FOLD_OF(min), .start = INT64_MAX, .store = em__store_real};
#endif

static inline bool same(em_scalar x, em_scalar value) { return (x == value) | (EM_IS_NAN(x) & EM_IS_NAN(value)); }

/* Fails where there is nothing to choose from. */
static em_status check_some(const em_call *c, unsigned mask)
{
    const em_tensor *x = c->in[0];
    for (int d = 0; d < x->dims; d++)
        if (!(mask & 1u << d) && x->size[d] == 0) return EM_OK;
    if (em__folded(x, mask)) return EM_OK;
    return em__fail(EM_EVALUE, "%s: there is no element to choose from in shape %s%s", c->op->name, EM_SHAPE(x),
                    mask == (1u << x->dims) - 1 ? "" : " along the given dim");
}

static em_status fold_into(const em_fold *kind, void *out, const em_lines *l)
{
    em_fold f = *kind;
    f.out = out;
    return em__fold(&f, l);
}

/* ---- positions ----------------------------------------------------------------------------------------- */

/* First of n elements that is the value, which is there: blocks without it are passed over in vectors. */
static int64_t find_first(const em_scalar *x, em_scalar value, int64_t n)
{
    enum { BLOCK = 64 };
    int64_t i = 0;
    for (int found = 0; i + BLOCK <= n; i += BLOCK) {
        EM_SIMD
        for (int j = 0; j < BLOCK; j++) found |= same(x[i + j], value);
        if (found) break;
    }
    while (i < n - 1 && !same(x[i], value)) i++;
    return i;
}

/* First row of each of n columns that holds the column's value; columns are K apart in memory. From the last row up, so
 * that there is nothing to decide. */
static void find_rows(int64_t *at, const em_scalar *x, const em_scalar *value, int64_t R, int64_t K, int64_t n)
{
    for (int64_t k = 0; k < n; k++) at[k] = 0;
    for (int64_t r = R - 1; r >= 0 && !em__stop; r--) {
        EM_SIMD
        for (int64_t k = 0; k < n; k++) at[k] = same(x[r * K + k], value[k]) ? r : at[k];
    }
}

/* Columns of tiles lo .. hi-1, of which there are `tiles` to each of O. */
static void find_tiles(int64_t *at, const em_lines *l, const em_scalar *value, int64_t tiles, int64_t lo, int64_t hi)
{
    const int64_t R = l->R, K = l->K;
    for (int64_t i = lo; i < hi; i++) {
        if (K == 1) {
            at[i] = find_first(EM_SCALARS(l->x) + i * R, value[i], R);
            continue;
        }
        const int64_t o = i / tiles, k = i % tiles * EM_FOLD_TILE;
        find_rows(at + o * K + k, EM_SCALARS(l->x) + o * R * K + k, value + o * K + k, R, K,
                  em__min(K - k, EM_FOLD_TILE));
    }
}

static void find_all(int64_t *at, const em_lines *l, const em_scalar *value)
{
    const em_scalar *x = EM_SCALARS(l->x);
    const int64_t R = l->R, tiles = (l->K + EM_FOLD_TILE - 1) / EM_FOLD_TILE, items = l->O * tiles;
    const double each = 2.0 * (double)R * (double)em__min(l->K, EM_FOLD_TILE);
    if (each * (double)items < 2.0 * EM_GRAIN) {
        find_tiles(at, l, value, tiles, 0, items);
    } else if (l->O * l->K == 1) {
        int64_t first = INT64_MAX;
        EM_PARALLEL_MIN(r, R, first)
            if (same(x[r], *value)) first = em__min(first, r);
        *at = first;
    } else {
        EM_PARALLEL_CHUNKS(lo, hi, items, each) find_tiles(at, l, value, tiles, lo, hi);
    }
}

/* ---- amax, amin, and max, min of the whole: the gradient is shared among ties -------------------------- */

static em_status over_dims_check(em_call *c)
{
    unsigned mask;
    EM_TRY(em__dim_mask(c->op, &c->opts, DIM, c->in[0]->dims, &mask));
    EM_TRY(check_some(c, mask));
    return em__fold_out(c, DIM, KEEPDIM, c->dtype);
}

static em_status over_dims_forward(em_call *c, em_fold f) { return em__fold_forward(c, DIM, &f); }

static em_status amax_forward(em_call *c) { return over_dims_forward(c, greatest); }
static em_status amin_forward(em_call *c) { return over_dims_forward(c, least); }

EM_FOLD(ties, s + same((em_scalar)x, (em_scalar)p), s + t)
EM_SPREAD(ties, same((em_scalar)x, (em_scalar)p) ? g : 0)

/* p = y, g = dy / number of ties */
static em_status ties_coefficients(const em_node *n, const em_lines *l, em_acc *p, em_acc *g)
{
    const em_scalar *y = EM_SCALARS(n->y[0]), *dy = EM_SCALARS(n->dy[0]);
    const int64_t results = l->O * l->K;
    em_fold count = {EM_FOLD_OF(ties), .store = em__store_wide, .out = g, .p = p};
    for (int64_t i = 0; i < results; i++) p[i] = (em_acc)y[i];
    EM_TRY(em__fold(&count, l));
    for (int64_t i = 0; i < results; i++) g[i] = (em_acc)dy[i] / (g[i] != 0 ? g[i] : 1);
    return EM_OK;
}

static em_status shared_backward(const em_node *n, em_tensor **dx)
{
    return em__fold_backward(dx, n, DIM, ties_coefficients, ties_spread, 0);
}

static const em_opt_spec dims_opts[] = {
    {"dim", EM_OPT_INTS, "", "", "dims to look along; all by default"},
    {"keepdim", EM_OPT_BOOL, "false", "", "whether they stay, with size 1"},
    {0},
};

#define OVER_DIMS(op_name, forwards, specs, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "output", \
        .doc = help, \
        .opts = specs, \
        .types = EM_TYPES_ALL, \
        .saves = EM_SAVE_X(0) | EM_SAVE_Y(0), \
        .check = over_dims_check, \
        .forward = forwards, \
        .backward = shared_backward, \
    };
OVER_DIMS(amax, amax_forward, dims_opts, "Greatest element over dims; ties share the gradient.")
OVER_DIMS(amin, amin_forward, dims_opts, "Least element over dims; ties share the gradient.")
OVER_DIMS(max, amax_forward, NULL, "Greatest of all elements; ties share the gradient.")
OVER_DIMS(min, amin_forward, NULL, "Least of all elements; ties share the gradient.")

/* ---- max_dim, min_dim, argmax, argmin: along one dim, with the index of the first ---------------------- */

/* The dim as a mask of one bit; all dims where none is given. */
static em_status one_dim_mask(const em_opts *opts, const em_tensor *x, const char *name, unsigned *mask)
{
    int d = 0;
    *mask = x->dims ? (1u << x->dims) - 1 : 1;
    if (!opts->at[DIM].given) return EM_OK;
    EM_TRY(em__wrap_dim(&d, opts->at[DIM].i, x->dims, name));
    *mask = 1u << d;
    return EM_OK;
}

static em_status one_dim_check(em_call *c, bool values)
{
    unsigned mask;
    int64_t sizes[EM_MAX_DIMS];
    EM_TRY(one_dim_mask(&c->opts, c->in[0], c->op->name, &mask));
    EM_TRY(check_some(c, mask));
    const int dims = em__kept_sizes(sizes, c->in[0], mask, c->opts.at[KEEPDIM].i);
    if (values) EM_TRY(em__out(c, 0, c->dtype, dims, sizes));
    return em__out(c, values, EM_I64, dims, sizes);
}

static em_status values_check(em_call *c) { return one_dim_check(c, true); }
static em_status indices_check(em_call *c) { return one_dim_check(c, false); }

static em_status values_forward(em_call *c, const em_fold *kind)
{
    unsigned mask;
    em_lines l;
    EM_TRY(one_dim_mask(&c->opts, c->in[0], c->op->name, &mask));
    EM_TRY(em__lines(&l, c->in[0], mask));
    const em_status s = fold_into(kind, c->out[0]->data, &l);
    if (!s) find_all(EM_DATA(int64_t, c->out[1]), &l, EM_SCALARS(c->out[0]));
    em_tensor_release(l.x);
    return s;
}

static em_status indices_forward(em_call *c, const em_fold *kind)
{
    unsigned mask;
    em_lines l;
    EM_TRY(one_dim_mask(&c->opts, c->in[0], c->op->name, &mask));
    const size_t bytes = (size_t)c->out[0]->count * sizeof(em_scalar);
    em_scalar *values = em__alloc(bytes);
    if (!values) return em__fail_memory("the greatest elements", bytes);
    em_status s = em__lines(&l, c->in[0], mask);
    if (!s) {
        s = fold_into(kind, values, &l);
        if (!s) find_all(EM_DATA(int64_t, c->out[0]), &l, values);
        em_tensor_release(l.x);
    }
    em__free(values, bytes);
    return s;
}

static em_status max_dim_forward(em_call *c) { return values_forward(c, &greatest); }
static em_status min_dim_forward(em_call *c) { return values_forward(c, &least); }
static em_status argmax_forward(em_call *c) { return indices_forward(c, &greatest); }
static em_status argmin_forward(em_call *c) { return indices_forward(c, &least); }

/* dx[index] = dy */
static em_status index_backward(const em_node *n, em_tensor **dx)
{
    unsigned mask;
    em_lines l;
    EM_TRY(em__dx_zeros(dx, n, 0));
    EM_TRY(one_dim_mask(&n->opts, dx[0], n->op->name, &mask));
    EM_TRY(em__lines(&l, dx[0], mask));
    const int64_t *at = EM_DATA(int64_t, n->y[1]), R = l.R, K = l.K;
    const em_scalar *dy = EM_SCALARS(n->dy[0]);
    em_scalar *to = EM_SCALARS(dx[0]);
    for (int64_t i = 0; i < l.O * K; i++) to[(i / K * R + at[i]) * K + i % K] = dy[i];
    em_tensor_release(l.x);
    return EM_OK;
}

#define DIM_OPTS(initial, text) \
    (const em_opt_spec[]){{"dim", EM_OPT_INT, initial, "", text}, \
                          {"keepdim", EM_OPT_BOOL, "false", "", "whether it stays, with size 1"}, \
                          {0}}

#define VALUES(op_name, title, help) \
    const em_op EM_OP(op_name) = { \
        .name = title, \
        .key = #op_name, \
        .inputs = "input", \
        .outputs = "values indices", \
        .doc = help, \
        .opts = DIM_OPTS("!", "the dim to look along"), \
        .types = EM_TYPES_ALL, \
        .saves = EM_SAVE_Y(1), \
        .check = values_check, \
        .forward = op_name##_forward, \
        .backward = index_backward, \
    };
VALUES(max_dim, "max", "Greatest element along a dim and the index of the first such; that one gets the gradient.")
VALUES(min_dim, "min", "Least element along a dim and the index of the first such; that one gets the gradient.")

#define INDICES(op_name, help) \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "indices", \
        .doc = help, \
        .opts = DIM_OPTS("", "the dim to look along; by default the position in row-major order among all"), \
        .types = EM_TYPES_ALL, \
        .check = indices_check, \
        .forward = op_name##_forward, \
    };
INDICES(argmax, "Index of the greatest element, the first of several.")
INDICES(argmin, "Index of the least element, the first of several.")
