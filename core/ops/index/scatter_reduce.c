/* Elements of src joined at positions that ids name, with x's own or without them, in the order of the ids for any
 * number of threads: y[k] = join of x[k] and all src[i] with index[i] = k. With dy = dy[k] and n how many meet there,
 *
 *     sum  dsrc[i] = dy;  mean  dy / n;  prod  dy (the product of the others);  amax, amin  dy / ties where src[i] = y
 *     dx[k] as dsrc; without x's own: 0 where an id points, dy elsewhere */
#include "ops/index/axis_index.h"
#include "ops/elementwise/integer.h"
#include "tensor/copy.h"

enum { DIM, REDUCE, INCLUDE_SELF };             /* options */
enum { SUM, PROD, MEAN, AMAX, AMIN };           /* choices of REDUCE */

#if EM_REAL_FLOAT
static inline bool is_nan(em_scalar x) { return x != x; }
#else
static inline bool is_nan(em_scalar x) { return (void)x, false; }
#endif

/* ---- going through the pairs of a position and an element of the source --------------------------------------- */

/* Up to three tensors of the layout of the positions, and two of src. */
typedef struct tables {
    em_scalar *at[3], *src[2];
} tables;

typedef void slice_loop(const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner, const tables *t);

/* What is done with each pair: y, p and g stand at the position, x and dx at the element, or are null. */
typedef void pair_step(em_scalar *y, em_scalar *p, em_scalar *g, const em_scalar *x, em_scalar *dx);

EM_INLINE void each_pair(pair_step *step, const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner,
                         const tables *t)
{
    em_pairs pair;
    for (em__pairs_start(&pair, l, lo, hi, owners, owner); em__pairs_next(&pair);)
        for (int i = 0; i < pair.n; i++) {
            const int64_t there = pair.there[i], here = pair.here[i];
            step(t->at[0] + there, t->at[1] ? t->at[1] + there : NULL, t->at[2] ? t->at[2] + there : NULL,
                 t->src[0] ? t->src[0] + here : NULL, t->src[1] ? t->src[1] + here : NULL);
        }
}

/* Function `name`: the statement for each pair. */
#define STAMP_SLICES(name, statement) \
    static inline void name##_step(em_scalar *y, em_scalar *p, em_scalar *g, const em_scalar *x, em_scalar *dx) \
    { \
        (void)y, (void)p, (void)g, (void)x, (void)dx, (statement); \
    } \
    static void name(const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner, const tables *t) \
    { \
        each_pair(name##_step, l, lo, hi, owners, owner, t); \
    }

static void run(const em_slices *l, slice_loop *loop, const tables *t)
{
    const int64_t owners = em__owners(l->count, 2.0 * (double)l->count * (double)l->length);
    if (owners == 1)
        EM_PARALLEL_CHUNKS(lo, hi, l->count, 2 * l->length) loop(l, lo, hi, 1, 0, t);
    else
        EM_PARALLEL_EACH(k, owners, 2 * l->count * l->length) loop(l, 0, l->count, owners, k, t);
}

STAMP_SLICES(set_0, *y = 0)
STAMP_SLICES(set_1, *y = 1)
STAMP_SLICES(set_least, *y = EM_LEAST)
STAMP_SLICES(set_most, *y = EM_MOST)
STAMP_SLICES(join_sum, *y = em__plus(*y, *x))
STAMP_SLICES(join_prod, *y = em__times(*y, *x))
STAMP_SLICES(join_amax, *y = ((*x > *y) | is_nan(*x)) ? *x : *y)
STAMP_SLICES(join_amin, *y = ((*x < *y) | is_nan(*x)) ? *x : *y)

/* ---- forward ------------------------------------------------------------------------------------------- */

static em_status scatter_reduce_check(em_call *c)
{
    const em_tensor *x = c->in[0], *ids = c->in[1], *src = c->in[2];
    int dim;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[DIM].i, x->dims, "scatter_reduce"));
    if (src->dtype != x->dtype)
        return em__fail(EM_ETYPE, "scatter_reduce: src is %s, input %s; expected the same", em_dtype_name(src->dtype),
                        em_dtype_name(x->dtype));
    EM_TRY(em__check_slices(c, x, "input", ids, dim));
    bool fits = src->dims == ids->dims;
    for (int d = 0; fits && d < ids->dims; d++) fits = ids->size[d] <= src->size[d];
    if (!fits)
        return em__fail(EM_ESHAPE, "scatter_reduce: src %s: expected as many dims as index %s, and no size smaller",
                        EM_SHAPE(src), EM_SHAPE(ids));
    if (c->opts.at[REDUCE].i == SUM || c->opts.at[REDUCE].i == MEAN) c->saves = EM_SAVE_X(1);
    return em__out_like(c, 0, x);
}

static slice_loop *neutral_of(int64_t reduce)
{
    return reduce == PROD ? set_1 : reduce == AMAX ? set_least : reduce == AMIN ? set_most : set_0;
}

static slice_loop *join_of(int64_t reduce)
{
    return reduce == PROD ? join_prod : reduce == AMAX ? join_amax : reduce == AMIN ? join_amin : join_sum;
}

/* How many elements meet at each position of t's shape, its own one among them if it counts; at least 1. */
static em_status count_at_positions(em_tensor **out, const em_slices *l, const em_tensor *t, bool own)
{
    EM_TRY(em_tensor_zeros(out, EM_I64, t->dims, t->size));
    int64_t *count = EM_DATA(int64_t, *out);
    em_pairs pair;
    for (em__pairs_start(&pair, l, 0, l->count, 1, 0); em__pairs_next(&pair);)
        for (int i = 0; i < pair.n; i++) count[pair.there[i]]++;
    for (int64_t i = 0; i < t->count; i++) count[i] = own ? count[i] + 1 : em__max(count[i], 1);
    return EM_OK;
}

#if EM_REAL_FLOAT
static em_scalar quotient(em_scalar sum, int64_t n) { return sum / (em_scalar)n; }
#else
static em_scalar quotient(em_scalar sum, int64_t n)     /* towards minus infinity */
{
    const int64_t s = (int64_t)sum, q = s / n;
    return EM_STORE(q - (s % n < 0));
}
#endif

static em_status scatter_reduce_forward(em_call *c)
{
    const int64_t reduce = c->opts.at[REDUCE].i;
    const bool own = c->opts.at[INCLUDE_SELF].i != 0;
    int dim;
    em_slices l;
    em_tensor *src = c->in[2], *y = c->out[0], *count = NULL;
    EM_TRY(em__wrap_dim(&dim, c->opts.at[DIM].i, y->dims, "scatter_reduce"));
    em__slices(&l, c->in[1], y, src, dim);
    if (reduce == MEAN) EM_TRY(count_at_positions(&count, &l, y, own));
    em_tensor *copy = NULL;
    em_status s = em_tensor_same_storage(src, y) ? em_tensor_clone(&copy, src) : EM_OK;
    if (!s) {
        const tables t = {{EM_SCALARS(y)}, {EM_SCALARS(copy ? copy : src)}};
        if (y->data != c->in[0]->data) em__copy_strided(y, c->in[0]);
        if (!own) run(&l, neutral_of(reduce), &t);
        run(&l, join_of(reduce), &t);
        for (int64_t i = 0; count && i < y->count; i++)
            EM_SCALARS(y)[i] = quotient(EM_SCALARS(y)[i], EM_DATA(int64_t, count)[i]);
    }
    em_tensor_release(copy);
    em_tensor_release(count);
    return s;
}

/* ---- backward ------------------------------------------------------------------------------------------ */

#if EM_REAL_FLOAT

static inline bool alike(em_scalar a, em_scalar b) { return a == b || (is_nan(a) && is_nan(b)); }

/* Products: p counts the zeros, y multiplies the others. Extremes: g counts those that are what came out, y. */
STAMP_SLICES(count_zeros, *x == 0 ? (void)++*p : (void)(*y *= *x))
STAMP_SLICES(count_ties, *g += (em_scalar)alike(*x, *y))
/* What goes to an element: y itself; for a product p if it is the only 0, else y over it; a tie's share g. */
STAMP_SLICES(give, *dx = *y)
STAMP_SLICES(give_factor, *dx = *x == 0 ? *p : *y / *x)
STAMP_SLICES(give_tie, *dx = alike(*x, *y) ? *g : 0)

/* What the positions hold while gradients are shared out. */
typedef struct shares {
    em_tensor *y, *p, *g;
} shares;

/* To each element of a sum or mean goes y. */
static em_status share_sum(const em_node *n, const em_slices *l, bool own, shares *s)
{
    em_tensor *count = NULL;
    EM_TRY(em_tensor_clone(&s->y, n->dy[0]));
    if (n->opts.at[REDUCE].i != MEAN) return EM_OK;
    EM_TRY(count_at_positions(&count, l, s->y, own));
    for (int64_t i = 0; i < s->y->count; i++) EM_SCALARS(s->y)[i] /= (em_scalar)EM_DATA(int64_t, count)[i];
    em_tensor_release(count);
    return EM_OK;
}

/* Of a product: p to the only factor that is 0, y over the factor to one among others that are not. */
static em_status share_prod(const em_node *n, const em_slices *l, bool own, shares *s)
{
    const em_tensor *x = n->x[0];
    EM_TRY(em__tensor_like(&s->y, x, n->dtype));
    EM_TRY(em_tensor_zeros(&s->p, n->dtype, x->dims, x->size));
    em_scalar *y = EM_SCALARS(s->y), *p = EM_SCALARS(s->p);
    const em_scalar *dy = EM_SCALARS(n->dy[0]);
    for (int64_t i = 0; i < x->count; i++) {
        const em_scalar factor = own ? EM_SCALARS(x)[i] : 1;
        p[i] = factor == 0;
        y[i] = factor == 0 ? 1 : factor;
    }
    run(l, count_zeros, &(tables){{y, p}, {EM_SCALARS(n->x[2])}});
    for (int64_t i = 0; i < x->count; i++) {
        const em_scalar zeros = p[i], others = dy[i] * y[i];
        p[i] = zeros == 1 ? others : 0;
        y[i] = zeros == 0 ? others : 0;
    }
    return EM_OK;
}

/* Those that are the extreme one share its gradient. */
static em_status share_extreme(const em_node *n, const em_slices *l, bool own, shares *s)
{
    const em_tensor *x = n->x[0];
    em_tensor_retain(s->y = n->y[0]);
    EM_TRY(em__tensor_like(&s->g, x, n->dtype));
    em_scalar *y = EM_SCALARS(s->y), *g = EM_SCALARS(s->g);
    for (int64_t i = 0; i < x->count; i++) g[i] = own && alike(EM_SCALARS(x)[i], y[i]);
    run(l, count_ties, &(tables){{y, NULL, g}, {EM_SCALARS(n->x[2])}});
    for (int64_t i = 0; i < x->count; i++) g[i] = EM_SCALARS(n->dy[0])[i] / g[i];
    return EM_OK;
}

/* The tensor's own elements: dy where none came, nothing where those that came took the place. */
static em_status own_gradient(em_tensor **dx, const em_node *n, const em_slices *l, bool own, const shares *s)
{
    const int64_t reduce = n->opts.at[REDUCE].i;
    if (!own) {
        EM_TRY(em_tensor_clone(&dx[0], n->dy[0]));
        run(l, set_0, &(tables){{EM_SCALARS(dx[0])}, {NULL}});
        return EM_OK;
    }
    if (reduce == SUM || reduce == MEAN) {
        em_tensor_retain(dx[0] = s->y);
        return EM_OK;
    }
    EM_TRY(em__dx(dx, n, 0));
    const em_scalar *x = EM_SCALARS(n->x[0]), *y = EM_SCALARS(s->y);
    em_scalar *to = EM_SCALARS(dx[0]);
    for (int64_t i = 0; i < dx[0]->count; i++) {
        if (reduce == PROD)
            to[i] = x[i] == 0 ? EM_SCALARS(s->p)[i] : y[i] / x[i];
        else
            to[i] = alike(x[i], y[i]) ? EM_SCALARS(s->g)[i] : 0;
    }
    return EM_OK;
}

static em_status source_gradient(em_tensor **dx, const em_node *n, const em_slices *l, const shares *s)
{
    const int64_t reduce = n->opts.at[REDUCE].i;
    EM_TRY(em__dx_zeros(dx, n, 2));                     /* where nothing was read */
    const bool sum = reduce == SUM || reduce == MEAN;
    const tables t = {{EM_SCALARS(s->y), s->p ? EM_SCALARS(s->p) : NULL, s->g ? EM_SCALARS(s->g) : NULL},
                      {sum ? NULL : EM_SCALARS(n->x[2]), EM_SCALARS(dx[2])}};
    run(l, sum ? give : reduce == PROD ? give_factor : give_tie, &t);
    return EM_OK;
}

static em_status scatter_reduce_backward(const em_node *n, em_tensor **dx)
{
    const int64_t reduce = n->opts.at[REDUCE].i;
    const bool own = n->opts.at[INCLUDE_SELF].i != 0;
    int dim;
    em_slices l;
    shares s = {NULL, NULL, NULL};
    EM_TRY(em__wrap_dim(&dim, n->opts.at[DIM].i, n->x[0]->dims, "scatter_reduce"));
    em__slices(&l, n->x[1], n->dy[0], n->x[2], dim);
    em_status st = (reduce == PROD ? share_prod : reduce == AMAX || reduce == AMIN ? share_extreme : share_sum)
        (n, &l, own, &s);
    if (!st && em__wants(n, 0)) st = own_gradient(dx, n, &l, own, &s);
    if (!st && em__wants(n, 2)) st = source_gradient(dx, n, &l, &s);
    em_tensor_release(s.y);
    em_tensor_release(s.p);
    em_tensor_release(s.g);
    return st;
}

#else
#define scatter_reduce_backward NULL
#endif

const em_op EM_OP(scatter_reduce) = {
    .name = "scatter_reduce",
    .inputs = "input index# src",
    .outputs = "output",
    .doc =
        "Puts elements together at ids along a dim: output[index[i][j]][j] is what the src[i][j] that go there make\n"
        "together, for dim 0; where none goes, input's own. index is no larger than src, nor than input except along\n"
        "the dim. Equal extremes share the gradient. Fails if an id is out of range, or src is of another dtype than\n"
        "input.",
    .opts = (const em_opt_spec[]){
        {"dim", EM_OPT_INT, "!", "", "the dim in which ids count"},
        {"reduce", EM_OPT_ENUM, "!", "sum prod mean amax amin", "how they become one"},
        {"include_self", EM_OPT_BOOL, "true", "", "whether input's own element is one of them"},
        {0},
    },
    .types = EM_TYPES_ALL,
    .flags = EM_OP_INPLACE | EM_OP_NO_PROMOTE,
    .saves = EM_SAVE_X(0) | EM_SAVE_X(1) | EM_SAVE_X(2) | EM_SAVE_Y(0),
    .check = scatter_reduce_check,
    .forward = scatter_reduce_forward,
    .backward = scatter_reduce_backward,
};
