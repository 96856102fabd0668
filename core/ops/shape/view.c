/* Another shape for the same elements: reshape view flatten unflatten squeeze unsqueeze expand transpose t permute.
 * Results share the input's storage (reshape, flatten and unflatten copy where strides cannot say it). dx is dy seen in
 * x's shape, a view; of expand, dy summed over what was repeated. */
#include "graph/op.h"

enum { AS_VIEW = EM_OP_VIEW | EM_OP_STRIDED | EM_OP_STRIDED_DY };

static em_status share(em_call *c, int dims, const int64_t *sizes, const int64_t *strides)
{
    return em__tensor_window(&c->out[0], c->in[0], c->in[0]->data, dims, sizes, strides);
}

/* ---- reshaping ----------------------------------------------------------------------------------------- */

/* The dims of `t` from `from` on that lie together as one, of `*count` elements a stride of `*step` apart: returns
 * where the next such run begins. */
static int joined(const em_tensor *t, int from, int64_t *count, int64_t *step)
{
    int d = from;
    *count = t->size[d];
    *step = t->stride[d];
    while (++d < t->dims) {
        if (t->size[d] != 1) {
            if (*count != 1 && *step != t->size[d] * t->stride[d]) break;
            *step = t->stride[d];
            *count *= t->size[d];
        }
    }
    return d;
}

/* Strides of a view of `t` in another shape of as many elements; false if there is none. */
static bool view_strides(int64_t *strides, const em_tensor *t, int dims, const int64_t *sizes)
{
    if (t->contiguous || t->count == 0) {
        em__strides(strides, dims, sizes);
        return true;
    }
    int d = 0;
    for (int from = 0; from < t->dims;) {
        int64_t count, step, taken = 1;
        from = joined(t, from, &count, &step);
        const int first = d;
        while (d < dims && (taken < count || sizes[d] == 1)) taken *= sizes[d++];
        if (taken != count) return false;
        for (int k = d - 1; k >= first; k--) {
            strides[k] = step;
            step *= sizes[k];
        }
    }
    return true;
}

/* `t` in another shape, as a view if there is one, else of a copy. */
static em_status reshaped(em_tensor **out, em_tensor *t, int dims, const int64_t *sizes)
{
    int64_t strides[EM_MAX_DIMS], count;
    EM_TRY(em__count(&count, t->dtype, dims, sizes));           /* strides of sizes beside a 0 can be too large */
    if (view_strides(strides, t, dims, sizes)) return em__tensor_window(out, t, t->data, dims, sizes, strides);
    em_tensor *copy;
    EM_TRY(em_tensor_clone(&copy, t));
    em_status s = em__tensor_window(out, copy, copy->data, dims, sizes, NULL);
    em_tensor_release(copy);
    return s;
}

static em_status reshape_backward(const em_node *n, em_tensor **dx)
{
    return reshaped(&dx[0], n->dy[0], n->x[0]->dims, n->x[0]->size);
}

/* `sizes` with -1 replaced by what `count` elements leave for it. */
static em_status infer(const em_call *c, int64_t sizes[EM_MAX_DIMS], int *dims, const int64_t *given, int64_t n,
                       int64_t count)
{
    char text[EM_SHAPE_TEXT];
    if (n > EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "%s: a tensor has at most %d dims, given %lld", c->op->name, EM_MAX_DIMS,
                        (long long)n);
    int unknown = -1;
    int64_t known = 1;
    bool fits = true;
    *dims = (int)n;
    for (int d = 0; d < *dims; d++) {
        sizes[d] = given[d];
        if (given[d] == -1 && unknown < 0)
            unknown = d;
        else if (given[d] < 0)
            return em__fail(EM_ESHAPE, "%s: shape %s: expected sizes >= 0, and -1 at most once", c->op->name,
                            em__shape_text(text, *dims, given));
        else
            fits &= !__builtin_mul_overflow(known, given[d], &known);
    }
    if (unknown >= 0) {
        if (fits && known == 0)
            return em__fail(EM_ESHAPE, "%s: shape %s: -1 could be any size beside a size of 0", c->op->name,
                            em__shape_text(text, *dims, given));
        sizes[unknown] = fits ? count / known : 0;
        fits &= sizes[unknown] * known == count;
    }
    if (fits && (unknown >= 0 || known == count)) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: shape %s does not fit the %lld elements of input %s", c->op->name,
                    em__shape_text(text, *dims, given), (long long)count, EM_SHAPE(c->in[0]));
}

static em_status reshape_check(em_call *c)
{
    int dims;
    int64_t sizes[EM_MAX_DIMS];
    EM_TRY(infer(c, sizes, &dims, c->opts.ints, c->opts.at[0].i, c->in[0]->count));
    return reshaped(&c->out[0], c->in[0], dims, sizes);
}

static em_status view_check(em_call *c)
{
    int dims;
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS], count;
    EM_TRY(infer(c, sizes, &dims, c->opts.ints, c->opts.at[0].i, c->in[0]->count));
    EM_TRY(em__count(&count, c->dtype, dims, sizes));
    if (view_strides(strides, c->in[0], dims, sizes)) return share(c, dims, sizes, strides);
    char text[EM_SHAPE_TEXT];
    return em__fail(EM_ESHAPE, "view: input %s lies in memory such that shape %s would need a copy; use reshape",
                    EM_SHAPE(c->in[0]), em__shape_text(text, dims, sizes));
}

/* sizes of x with dims first..last replaced by others */
static em_status replace_dims(em_call *c, int first, int last, int n, const int64_t *others)
{
    const em_tensor *x = c->in[0];
    const int dims = x->dims - (last - first + 1) + n;
    if (dims > EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "%s: a tensor has at most %d dims, the result would have %d", c->op->name,
                        EM_MAX_DIMS, dims);
    int64_t sizes[EM_MAX_DIMS];
    int to = 0;
    for (int d = 0; d < first; d++) sizes[to++] = x->size[d];
    for (int k = 0; k < n; k++) sizes[to++] = others[k];
    for (int d = last + 1; d < x->dims; d++) sizes[to++] = x->size[d];
    return reshaped(&c->out[0], c->in[0], dims, sizes);
}

static em_status flatten_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    int first, last;
    EM_TRY(em__wrap_dim(&first, c->opts.at[0].i, x->dims, "flatten: start_dim"));
    EM_TRY(em__wrap_dim(&last, c->opts.at[1].i, x->dims, "flatten: end_dim"));
    if (first > last)
        return em__fail(EM_EVALUE, "flatten: start_dim %d comes after end_dim %d", first, last);
    if (x->dims == 0) return reshaped(&c->out[0], c->in[0], 1, (int64_t[]){1});
    int64_t count = 1;
    for (int d = first; d <= last; d++) count *= x->size[d];
    return replace_dims(c, first, last, 1, &count);
}

static em_status unflatten_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    if (!x->dims) return em__fail(EM_ESHAPE, "unflatten: input: expected a tensor of at least 1 dim, got shape ()");
    int dim, n;
    int64_t sizes[EM_MAX_DIMS];
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, x->dims, "unflatten"));
    if (c->opts.at[1].i == 0) return em__fail(EM_EVALUE, "unflatten: expected at least one size");
    EM_TRY(infer(c, sizes, &n, c->opts.ints, c->opts.at[1].i, x->size[dim]));
    return replace_dims(c, dim, dim, n, sizes);
}

static em_status squeeze_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    int only = -1, dims = 0;
    if (c->opts.at[0].given) EM_TRY(em__wrap_dim(&only, c->opts.at[0].i, x->dims, "squeeze"));
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS];
    for (int d = 0; d < x->dims; d++) {
        if (x->size[d] == 1 && (only < 0 || d == only)) continue;
        sizes[dims] = x->size[d];
        strides[dims++] = x->stride[d];
    }
    return share(c, dims, sizes, strides);
}

static em_status unsqueeze_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[0].i, x->dims + 1, "unsqueeze: in the result"));
    if (x->dims == EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "unsqueeze: input %s has %d dims, the most there can be", EM_SHAPE(x), EM_MAX_DIMS);
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS];
    for (int d = 0, from = 0; d <= x->dims; d++) {
        sizes[d] = d == dim ? 1 : x->size[from];
        strides[d] = d == dim ? (from < x->dims ? x->size[from] * x->stride[from] : 1) : x->stride[from];
        from += d != dim;
    }
    return share(c, x->dims + 1, sizes, strides);
}

/* ---- repeating and reordering -------------------------------------------------------------------------- */

static em_status expand_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    char text[EM_SHAPE_TEXT];
    const int dims = (int)c->opts.at[0].i;
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS];
    if (c->opts.at[0].i > EM_MAX_DIMS || dims < x->dims)
        return em__fail(EM_ESHAPE, "expand: input %s: expected %d to %d sizes, got %lld", EM_SHAPE(x), x->dims,
                        EM_MAX_DIMS, (long long)c->opts.at[0].i);
    for (int d = 0; d < dims; d++) {
        const int xd = d - (dims - x->dims);
        const int64_t old = xd < 0 ? 1 : x->size[xd];
        sizes[d] = c->opts.ints[d] == -1 && xd >= 0 ? old : c->opts.ints[d];
        if (sizes[d] < 0 || (old != 1 && sizes[d] != old))
            return em__fail(EM_ESHAPE,
                            "expand: input %s cannot become %s: only a dim of size 1 can be repeated, and -1 "
                            "keeps a size",
                            EM_SHAPE(x), em__shape_text(text, dims, c->opts.ints));
        strides[d] = xd < 0 || (old == 1 && sizes[d] != 1) ? 0 : x->stride[xd];
    }
    return share(c, dims, sizes, strides);
}

static em_status expand_backward(const em_node *n, em_tensor **dx) { return em__sum_to(&dx[0], n->dy[0], n->x[0]); }

/* View of `t` whose dim d is t's dim order[d]. */
static em_status reordered(em_tensor **out, const em_tensor *t, const int *order)
{
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS];
    for (int d = 0; d < t->dims; d++) {
        sizes[d] = t->size[order[d]];
        strides[d] = t->stride[order[d]];
    }
    return em__tensor_window(out, t, t->data, t->dims, sizes, strides);
}

static em_status exchanged(em_tensor **out, const em_tensor *t, int64_t dim0, int64_t dim1, const char *what)
{
    int a, b, order[EM_MAX_DIMS];
    EM_TRY(em__wrap_dim(&a, dim0, t->dims, what));
    EM_TRY(em__wrap_dim(&b, dim1, t->dims, what));
    for (int d = 0; d < t->dims; d++) order[d] = d == a ? b : d == b ? a : d;
    return reordered(out, t, order);
}

static em_status transpose_check(em_call *c)
{
    return exchanged(&c->out[0], c->in[0], c->opts.at[0].i, c->opts.at[1].i, "transpose");
}

static em_status transpose_backward(const em_node *n, em_tensor **dx)
{
    return exchanged(&dx[0], n->dy[0], n->opts.at[0].i, n->opts.at[1].i, "transpose");
}

static em_status t_of(em_tensor **out, const em_tensor *t)
{
    return exchanged(out, t, 0, t->dims == 2 ? 1 : 0, "t");
}

static em_status t_check(em_call *c)
{
    if (c->in[0]->dims > 2)
        return em__fail(EM_ESHAPE, "t: input: expected at most 2 dims, got shape %s; use transpose or permute",
                        EM_SHAPE(c->in[0]));
    return t_of(&c->out[0], c->in[0]);
}

static em_status t_backward(const em_node *n, em_tensor **dx) { return t_of(&dx[0], n->dy[0]); }

static em_status permute_order(int order[EM_MAX_DIMS], const em_opts *opts, const em_tensor *x)
{
    char text[EM_SHAPE_TEXT];
    unsigned seen = 0;
    for (int d = 0; d < x->dims && opts->at[0].i == x->dims; d++) {
        EM_TRY(em__wrap_dim(&order[d], opts->ints[d], x->dims, "permute"));
        seen |= 1u << order[d];
    }
    if (opts->at[0].i == x->dims && seen == (1u << x->dims) - 1) return EM_OK;
    return em__fail(EM_EVALUE, "permute: dims %s: expected each of the %d dims of input %s once",
                    em__shape_text(text, (int)opts->at[0].i, opts->ints), x->dims, EM_SHAPE(x));
}

static em_status permute_check(em_call *c)
{
    int order[EM_MAX_DIMS];
    EM_TRY(permute_order(order, &c->opts, c->in[0]));
    return reordered(&c->out[0], c->in[0], order);
}

static em_status permute_backward(const em_node *n, em_tensor **dx)
{
    int order[EM_MAX_DIMS], back[EM_MAX_DIMS];
    EM_TRY(permute_order(order, &n->opts, n->x[0]));
    for (int d = 0; d < n->x[0]->dims; d++) back[order[d]] = d;
    return reordered(&dx[0], n->dy[0], back);
}

/* ---- descriptors --------------------------------------------------------------------------------------- */

static const em_opt_spec shape_opts[] = {{"shape", EM_OPT_INTS, "!", "", "new sizes; one may be -1: what is left"},
                                         {0}};
static const em_opt_spec expand_opts[] = {{"shape", EM_OPT_INTS, "!", "", "new sizes; -1 keeps a size"}, {0}};
static const em_opt_spec permute_opts[] = {{"dims", EM_OPT_INTS, "!", "", "each dim of input once, in the new order"},
                                           {0}};
static const em_opt_spec no_opts[] = {{0}};
static const em_opt_spec flatten_opts[] = {
    {"start_dim", EM_OPT_INT, "0", "", "first dim to join"},
    {"end_dim", EM_OPT_INT, "-1", "", "last dim to join"},
    {0},
};
static const em_opt_spec unflatten_opts[] = {
    {"dim", EM_OPT_INT, "!", "", "the dim to split"},
    {"sizes", EM_OPT_INTS, "!", "", "its new sizes; one may be -1: what is left"},
    {0},
};
static const em_opt_spec squeeze_opts[] = {{"dim", EM_OPT_INT, "", "",
                                            "the one dim to drop; none given: all of size 1"},
                                           {0}};
static const em_opt_spec unsqueeze_opts[] = {{"dim", EM_OPT_INT, "!", "", "where the new dim stands in the result"},
                                             {0}};
static const em_opt_spec transpose_opts[] = {
    {"dim0", EM_OPT_INT, "!", "", "a dim"},
    {"dim1", EM_OPT_INT, "!", "", "the dim to exchange it with"},
    {0},
};

#define VIEW(label, specs, back, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = "input", .outputs = "output", .doc = text, .opts = specs, .types = EM_TYPES_MOVE, \
        .flags = AS_VIEW, .check = label##_check, .backward = back, \
    };
VIEW(reshape, shape_opts, reshape_backward,
     "The same elements in another shape: a view if strides allow, else a copy.\nFails if the counts of elements "
     "differ.")
VIEW(view, shape_opts, reshape_backward,
     "The same elements in another shape, never a copy.\nFails if the counts of elements differ, or strides cannot say "
     "it.")
VIEW(flatten, flatten_opts, reshape_backward,
     "Joins dims start_dim .. end_dim into one.\nFails if start_dim comes after end_dim.")
VIEW(unflatten, unflatten_opts, reshape_backward,
     "Splits a dim into several.\nFails if the sizes do not multiply to its size.")
VIEW(squeeze, squeeze_opts, reshape_backward, "Drops dims of size 1: all of them, or one if it has size 1.")
VIEW(unsqueeze, unsqueeze_opts, reshape_backward, "Inserts a dim of size 1.")
VIEW(expand, expand_opts, expand_backward,
     "Repeats dims of size 1, and adds dims in front, without copying.\nFails if another dim would change.")
VIEW(transpose, transpose_opts, transpose_backward, "Exchanges two dims.")
VIEW(t, no_opts, t_backward, "The transposed matrix; a tensor of fewer dims as it is.\nFails above 2 dims.")
VIEW(permute, permute_opts, permute_backward, "Reorders the dims.\nFails unless each is named once.")
