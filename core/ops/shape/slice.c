/* Slices of a tensor as views: select narrow slice diagonal. y = x[slice]; dx = 0 with dx[slice] = dy. */
#include "graph/op.h"
#include "tensor/copy.h"

enum { AS_VIEW = EM_OP_VIEW | EM_OP_STRIDED | EM_OP_STRIDED_DY };

/* Where a slice of `x` lies: `offset` elements from its first. */
typedef struct slice {
    int64_t offset;
    int dims;
    int64_t size[EM_MAX_DIMS], stride[EM_MAX_DIMS];
} slice;

static void start_with_all(slice *p, const em_tensor *x)
{
    p->offset = 0;
    p->dims = x->dims;
    for (int d = 0; d < x->dims; d++) {
        p->size[d] = x->size[d];
        p->stride[d] = x->stride[d];
    }
}

static void drop(slice *p, int dim)
{
    p->dims--;
    for (int d = dim; d < p->dims; d++) {
        p->size[d] = p->size[d + 1];
        p->stride[d] = p->stride[d + 1];
    }
}

static em_status take(em_tensor **out, const em_tensor *x, const slice *p)
{
    return em__tensor_window(out, x, x->data + p->offset * (int64_t)em_dtype_size(x->dtype), p->dims, p->size,
                             p->stride);
}

typedef em_status find_slice_fn(slice *p, const em_tensor *x, const em_opts *opts);

static em_status view_slice(em_call *c, find_slice_fn *find)
{
    slice p;
    EM_TRY(find(&p, c->in[0], &c->opts));
    return take(&c->out[0], c->in[0], &p);
}

static em_status fill_slice(const em_node *n, em_tensor **dx, find_slice_fn *find)
{
    slice p;
    em_tensor *inside;
    EM_TRY(em__dx_zeros(dx, n, 0));
    EM_TRY(find(&p, dx[0], &n->opts));
    EM_TRY(take(&inside, dx[0], &p));
    em__copy_strided(inside, n->dy[0]);
    em_tensor_release(inside);
    return EM_OK;
}

static em_status choose_dim(int *dim, const em_tensor *x, int64_t given, const char *name)
{
    if (!x->dims) return em__fail(EM_ESHAPE, "%s: input: expected a tensor of at least 1 dim, got shape ()", name);
    return em__wrap_dim(dim, given, x->dims, name);
}

static em_status find_select(slice *p, const em_tensor *x, const em_opts *opts)
{
    int dim;
    EM_TRY(choose_dim(&dim, x, opts->at[0].i, "select"));
    const int64_t i = opts->at[1].i, n = x->size[dim];
    if (i < -n || i >= n)
        return em__fail(EM_ERANGE,
                        "select: index %lld is out of range for dim %d of size %lld (positions count from 0)",
                        (long long)i, dim, (long long)n);
    start_with_all(p, x);
    p->offset = (i < 0 ? i + n : i) * x->stride[dim];
    drop(p, dim);
    return EM_OK;
}

static em_status find_narrow(slice *p, const em_tensor *x, const em_opts *opts)
{
    int dim;
    EM_TRY(choose_dim(&dim, x, opts->at[0].i, "narrow"));
    const int64_t n = x->size[dim], given = opts->at[1].i, length = opts->at[2].i;
    const int64_t start = given < 0 ? given + n : given;
    if (given < -n || start > n || length < 0 || length > n - start)
        return em__fail(EM_ERANGE,
                        "narrow: start %lld and length %lld do not lie in dim %d of size %lld (positions count "
                        "from 0)",
                        (long long)given, (long long)length, dim, (long long)n);
    start_with_all(p, x);
    p->offset = length ? start * x->stride[dim] : 0;
    p->size[dim] = length;
    return EM_OK;
}

/* Position `i` of 0..n, counted from the end if negative, moved to the nearest end if outside. */
static int64_t clamp(int64_t i, int64_t n)
{
    if (i < 0) i = i < -n ? 0 : i + n;
    return em__min(i, n);
}

static em_status find_slice(slice *p, const em_tensor *x, const em_opts *opts)
{
    int dim;
    EM_TRY(choose_dim(&dim, x, opts->at[0].i, "slice"));
    const int64_t n = x->size[dim], step = opts->at[3].i;
    if (step < 1) return em__fail(EM_EVALUE, "slice: step %lld: expected a step >= 1", (long long)step);
    const int64_t start = opts->at[1].given ? clamp(opts->at[1].i, n) : 0;
    const int64_t stop = opts->at[2].given ? clamp(opts->at[2].i, n) : n;
    start_with_all(p, x);
    p->size[dim] = stop > start ? (stop - start - 1) / step + 1 : 0;
    p->offset = p->size[dim] ? start * x->stride[dim] : 0;
    if (p->size[dim] > 1) p->stride[dim] = step * x->stride[dim];
    return EM_OK;
}

static em_status find_diagonal(slice *p, const em_tensor *x, const em_opts *opts)
{
    int a, b;
    if (x->dims < 2)
        return em__fail(EM_ESHAPE, "diagonal: input: expected a tensor of at least 2 dims, got shape %s", EM_SHAPE(x));
    EM_TRY(em__wrap_dim(&a, opts->at[1].i, x->dims, "diagonal: dim1"));
    EM_TRY(em__wrap_dim(&b, opts->at[2].i, x->dims, "diagonal: dim2"));
    if (a == b) return em__fail(EM_EVALUE, "diagonal: dim1 and dim2 are both dim %d", a);
    const int64_t rows = x->size[a], cols = x->size[b], shift = opts->at[0].i;
    const int64_t down = shift < 0 ? (shift < -rows ? rows : -shift) : 0, right = shift > 0 ? em__min(shift, cols) : 0;
    const int64_t length = em__min(rows - down, cols - right);
    start_with_all(p, x);
    p->offset = length ? down * x->stride[a] + right * x->stride[b] : 0;
    drop(p, a > b ? a : b);
    drop(p, a > b ? b : a);
    p->size[p->dims] = length;
    p->stride[p->dims++] = x->stride[a] + x->stride[b];
    return EM_OK;
}

static const em_opt_spec select_opts[] = {
    {"dim", EM_OPT_INT, "!", "", "the dim that goes"},
    {"index", EM_OPT_INT, "!", "", "position in it; negative: from the end"},
    {0},
};
static const em_opt_spec narrow_opts[] = {
    {"dim", EM_OPT_INT, "!", "", "the dim to cut"},
    {"start", EM_OPT_INT, "!", "", "first position; negative: from the end"},
    {"length", EM_OPT_INT, "!", "", "positions"},
    {0},
};
static const em_opt_spec slice_opts[] = {
    {"dim", EM_OPT_INT, "0", "", "the dim to cut"},
    {"start", EM_OPT_INT, "", "", "first position; negative: from the end; none given: 0"},
    {"stop", EM_OPT_INT, "", "", "first position left out; none given: the size"},
    {"step", EM_OPT_INT, "1", "", "distance between positions, >= 1"},
    {0},
};
static const em_opt_spec diagonal_opts[] = {
    {"offset", EM_OPT_INT, "0", "", "0 the main diagonal, above it if positive, below if negative"},
    {"dim1", EM_OPT_INT, "0", "", "the dim of rows"},
    {"dim2", EM_OPT_INT, "1", "", "the dim of columns"},
    {0},
};

#define SLICE(label, text) \
    static em_status label##_check(em_call *c) { return view_slice(c, find_##label); } \
    static em_status label##_backward(const em_node *n, em_tensor **dx) { return fill_slice(n, dx, find_##label); } \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = "input", .outputs = "output", .doc = text, .opts = label##_opts, \
        .types = EM_TYPES_MOVE, .flags = AS_VIEW, .check = label##_check, .backward = label##_backward, \
    };
SLICE(select, "One position of a dim, which goes: a view.\nFails if the position is out of range.")
SLICE(narrow, "length positions of a dim from start on: a view.\nFails if they do not lie inside.")
SLICE(slice, "Positions start, start + step, ... before stop of a dim: a view. What lies outside is left out.")
SLICE(diagonal,
     "The diagonal of dims dim1 and dim2, as the last dim of the result: a view.\nFails if the dims are the same.")
