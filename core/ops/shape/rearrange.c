/* Copies in another order or frame: flip roll tile diag pad. y_i = x_k with k given by i, or a constant; dx_k is the
 * sum of the dy_i that came from it: flip and roll turned back, tiles added up, the diagonal, the frame cut off. */
#include "graph/op.h"
#include "tensor/copy.h"

/* ---- flip ------------------------------------------------------------------------------------------------ */

static em_status flip_check(em_call *c)
{
    unsigned mask;
    EM_TRY(em__dim_mask(c->op, &c->opts, 0, c->in[0]->dims, &mask));
    return em__out_like(c, 0, c->in[0]);
}

/* to = from with the given dims read from their ends */
static void flip(em_tensor *to, const em_tensor *from, const em_opts *opts)
{
    int64_t stride[EM_MAX_DIMS], offset = 0;
    for (int d = 0; d < from->dims; d++) stride[d] = from->stride[d];
    if (from->count == 0) return;
    for (int64_t k = 0; k < opts->at[0].i; k++) {
        const int64_t given = opts->ints[k];
        const int d = (int)(given < 0 ? given + from->dims : given);
        if (from->dims == 0) continue;
        stride[d] = -from->stride[d];
        offset += (from->size[d] - 1) * from->stride[d];
    }
    const em_tensor backwards = em__window(from, offset, from->dims, from->size, stride);
    em__copy_strided(to, &backwards);
}

static em_status flip_forward(em_call *c)
{
    if (c->opts.at[0].i == 0)
        em__copy_strided(c->out[0], c->in[0]);
    else
        flip(c->out[0], c->in[0], &c->opts);
    return EM_OK;
}

static em_status flip_backward(const em_node *n, em_tensor **dx)
{
    return em__run1("flip", n->dy[0], &n->opts, &dx[0]);
}

/* ---- roll ------------------------------------------------------------------------------------------------ */

static em_status roll_check(em_call *c)
{
    int dim;
    if (c->opts.at[1].given) EM_TRY(em__wrap_dim(&dim, c->opts.at[1].i, c->in[0]->dims, "roll"));
    return em__out_like(c, 0, c->in[0]);
}

/* to = from moved on (or back) by `shift` positions of a dim; what leaves at the end comes in at the front */
static void roll(const em_tensor *to, const em_tensor *from, int dim, int64_t shift, bool back_again)
{
    const int64_t n = from->size[dim];
    if (from->count == 0) return;
    const int64_t on = (shift % n + n) % n, by = back_again && on ? n - on : on;
    em_tensor front = em__stretch(to, dim, 0, by), back = em__stretch(to, dim, by, n - by);
    const em_tensor last = em__stretch(from, dim, n - by, by), first = em__stretch(from, dim, 0, n - by);
    em__copy_strided(&front, &last);
    em__copy_strided(&back, &first);
}

static void roll_by(const em_tensor *to, const em_tensor *from, const em_opts *opts, bool back_again)
{
    const int64_t shift = opts->at[0].i, given = opts->at[1].i;
    if (opts->at[1].given && from->dims) {
        roll(to, from, (int)(given < 0 ? given + from->dims : given), shift, back_again);
        return;
    }
    const em_tensor flat_to = em__window(to, 0, 1, &to->count, (int64_t[]){1});
    const em_tensor flat_from = em__window(from, 0, 1, &from->count, (int64_t[]){1});
    roll(&flat_to, &flat_from, 0, shift, back_again);
}

static em_status roll_forward(em_call *c)
{
    roll_by(c->out[0], c->in[0], &c->opts, false);
    return EM_OK;
}

static em_status roll_backward(const em_node *n, em_tensor **dx)
{
    EM_TRY(em__dx(dx, n, 0));
    roll_by(dx[0], n->dy[0], &n->opts, true);
    return EM_OK;
}

/* ---- tile ------------------------------------------------------------------------------------------------ */

/* The input as a tensor of as many dims as the result, and how often each dim is repeated. */
static em_tensor tiled_shape(const em_tensor *x, const em_opts *opts, int64_t repeats[EM_MAX_DIMS])
{
    const int given = (int)opts->at[0].i, dims = given > x->dims ? given : x->dims;
    int64_t size[EM_MAX_DIMS], stride[EM_MAX_DIMS];
    for (int d = 0; d < dims; d++) {
        const int xd = d - (dims - x->dims), rd = d - (dims - given);
        size[d] = xd < 0 ? 1 : x->size[xd];
        stride[d] = xd < 0 ? x->count : x->stride[xd];
        repeats[d] = rd < 0 ? 1 : opts->ints[rd];
    }
    return em__window(x, 0, dims, size, stride);
}

static em_status tile_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    char text[EM_SHAPE_TEXT];
    if (c->opts.at[0].i > EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "tile: a tensor has at most %d dims, given %lld repeats", EM_MAX_DIMS,
                        (long long)c->opts.at[0].i);
    int64_t repeats[EM_MAX_DIMS], size[EM_MAX_DIMS];
    const em_tensor shape = tiled_shape(x, &c->opts, repeats);
    for (int d = 0; d < shape.dims; d++)
        if (repeats[d] < 0 || __builtin_mul_overflow(repeats[d], shape.size[d], &size[d]))
            return em__fail(EM_EVALUE,
                            "tile: repeats %s: expected numbers >= 0 such that the result of input %s has a size",
                            em__shape_text(text, (int)c->opts.at[0].i, c->opts.ints), EM_SHAPE(x));
    return em__out(c, 0, c->dtype, shape.dims, size);
}

/* What is there along a dim is copied behind itself, twice as much each time. */
static void repeat_dim(em_tensor *block, const em_tensor *whole, int dim)
{
    for (int64_t done = block->size[dim], all = whole->size[dim]; done < all; done = block->size[dim]) {
        const int64_t more = em__min(done, all - done);
        const em_tensor from = em__stretch(block, dim, 0, more);
        em_tensor to = em__window(block, done * block->stride[dim], block->dims, from.size, block->stride);
        em__copy_strided(&to, &from);
        *block = em__stretch(block, dim, 0, done + more);
    }
}

static em_status tile_forward(em_call *c)
{
    int64_t repeats[EM_MAX_DIMS];
    const em_tensor x = tiled_shape(c->in[0], &c->opts, repeats), *y = c->out[0];
    if (y->count == 0) return EM_OK;
    em_tensor block = em__window(y, 0, x.dims, x.size, y->stride);
    em__copy_strided(&block, &x);
    for (int d = x.dims - 1; d >= 0; d--) repeat_dim(&block, y, d);
    return EM_OK;
}

/* sum over the repeats of one dim: (outer, repeat * size, inner) -> (outer, size, inner) */
static em_status sum_repeats(em_tensor **sum, int64_t outer, int64_t repeat, int64_t size, int64_t inner)
{
    em_tensor *seen, *less;
    EM_TRY(em__tensor_window(&seen, *sum, (*sum)->data, 3, (int64_t[]){outer, repeat, size * inner}, NULL));
    const em_tensor shape = em__window(seen, 0, 3, (int64_t[]){outer, 1, size * inner}, seen->stride);
    em_status s = em__sum_to(&less, seen, &shape);
    em_tensor_release(seen);
    if (s) return s;
    em_tensor_release(*sum);
    *sum = less;
    return EM_OK;
}

static em_status tile_backward(const em_node *n, em_tensor **dx)
{
    int64_t repeats[EM_MAX_DIMS];
    const em_tensor x = tiled_shape(n->x[0], &n->opts, repeats);
    if (n->dy[0]->count == 0) return em__dx_zeros(dx, n, 0);
    em_tensor *sum = n->dy[0];
    em_tensor_retain(sum);
    em_status s = EM_OK;
    for (int d = 0; d < x.dims && !s; d++) {
        int64_t outer = 1, inner = 1;
        for (int k = 0; k < d; k++) outer *= x.size[k];
        for (int k = d + 1; k < x.dims; k++) inner *= x.size[k] * repeats[k];
        if (repeats[d] != 1) s = sum_repeats(&sum, outer, repeats[d], x.size[d], inner);
    }
    if (!s) s = em__tensor_window(&dx[0], sum, sum->data, n->x[0]->dims, n->x[0]->size, NULL);
    em_tensor_release(sum);
    return s;
}

/* ---- diag: a vector as the diagonal of a matrix, or the diagonal of a matrix ----------------------------- */

static em_status diag_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    const int64_t shift = c->opts.at[0].i, most = INT64_MAX / 4;
    if (x->dims != 1 && x->dims != 2)
        return em__fail(EM_ESHAPE, "diag: input: expected a tensor of 1 or 2 dims, got shape %s", EM_SHAPE(x));
    if (shift < -most || shift > most) return em__fail(EM_ERANGE, "diag: diagonal %lld is too far", (long long)shift);
    if (x->dims == 1) {
        const int64_t n = x->size[0] + (shift < 0 ? -shift : shift);
        return em__out(c, 0, c->dtype, 2, (int64_t[]){n, n});
    }
    const int64_t rows = em__max(0, x->size[0] + em__min(0, shift)), cols = em__max(0, x->size[1] - em__max(0, shift));
    const int64_t length = em__min(rows, cols);
    return em__out(c, 0, c->dtype, 1, &length);
}

/* The diagonal of a matrix that holds `length` elements. */
static em_tensor diagonal_of(const em_tensor *matrix, int64_t shift, int64_t length)
{
    const int64_t offset = shift < 0 ? -shift * matrix->stride[0] : shift * matrix->stride[1];
    return em__window(matrix, length ? offset : 0, 1, &length, (int64_t[]){matrix->stride[0] + matrix->stride[1]});
}

static em_status diag_forward(em_call *c)
{
    const em_tensor *x = c->in[0];
    em_tensor *y = c->out[0];
    const int64_t shift = c->opts.at[0].i;
    if (x->dims == 2) {
        const em_tensor line = diagonal_of(x, shift, y->count);
        em__copy_strided(y, &line);
    } else {
        em_tensor line = diagonal_of(y, shift, x->count);
        em_tensor_fill(y, 0);
        em__copy_strided(&line, x);
    }
    return EM_OK;
}

static em_status diag_backward(const em_node *n, em_tensor **dx)
{
    const int64_t shift = n->opts.at[0].i;
    if (n->x[0]->dims == 1) {
        EM_TRY(em__dx(dx, n, 0));
        const em_tensor line = diagonal_of(n->dy[0], shift, n->x[0]->count);
        em__copy_strided(dx[0], &line);
    } else {
        EM_TRY(em__dx_zeros(dx, n, 0));
        em_tensor line = diagonal_of(dx[0], shift, n->dy[0]->count);
        em__copy_strided(&line, n->dy[0]);
    }
    return EM_OK;
}

/* ---- pad: a constant around, or (negative) a margin cut off ---------------------------------------------- */

/* pad = {before the last dim, after it, before the one before it, …}: the stretch of each dim that both share. */
static void shared_part(const em_tensor *t, const em_opts *opts, bool padded, em_tensor *part)
{
    *part = em__window(t, 0, t->dims, t->size, t->stride);
    for (int k = 0; 2 * k + 1 < opts->at[0].i && part->count; k++) {
        const int d = t->dims - 1 - k;
        const int64_t before = padded ? opts->ints[2 * k] : -opts->ints[2 * k];
        const int64_t after = padded ? opts->ints[2 * k + 1] : -opts->ints[2 * k + 1];
        const int64_t start = em__max(0, before), stop = t->size[d] - em__max(0, after);
        *part = em__stretch(part, d, start, em__max(0, stop - start));
    }
}

/* Whether a number was given as a whole one, which a double may not hold. -0.0 is none. */
static bool is_integer(const em_opt *number) { return (double)number->i == number->x && number->i != 0; }

static em_status pad_check(em_call *c)
{
    const em_tensor *x = c->in[0];
    const int64_t n = c->opts.at[0].i;
    char text[EM_SHAPE_TEXT];
    if (n % 2 || n > 2 * x->dims)
        return em__fail(EM_EVALUE, "pad: pad %s: expected a pair (before, after) for each of the last dims of input %s",
                        em__shape_text(text, (int)n, c->opts.ints), EM_SHAPE(x));
    const em_opt *value = &c->opts.at[2];
    if (is_integer(value) ? !em_dtype_holds_int(c->dtype, value->i) : !em_dtype_holds(c->dtype, value->x))
        return em__fail(EM_EVALUE, "pad: value = %.17g does not fit a tensor of %s", value->x, em_dtype_name(c->dtype));
    int64_t size[EM_MAX_DIMS];
    for (int d = 0; d < x->dims; d++) {
        const int k = x->dims - 1 - d;
        size[d] = x->size[d];
        if (2 * k >= n) continue;
        const int64_t *pair = c->opts.ints + 2 * k;
        const bool far =
            __builtin_add_overflow(size[d], pair[0], &size[d]) || __builtin_add_overflow(size[d], pair[1], &size[d]);
        if (far || size[d] < 0 || pair[0] < -x->size[d] || pair[1] < -x->size[d])
            return em__fail(EM_EVALUE, "pad: pad (%lld, %lld) leaves no size for dim %d of input %s",
                            (long long)pair[0], (long long)pair[1], d, EM_SHAPE(x));
    }
    return em__out(c, 0, c->dtype, x->dims, size);
}

static em_status pad_forward(em_call *c)
{
    em_tensor inside, kept;
    if (is_integer(&c->opts.at[2]))
        em_tensor_fill_int(c->out[0], c->opts.at[2].i);
    else
        em_tensor_fill(c->out[0], c->opts.at[2].x);
    shared_part(c->out[0], &c->opts, true, &inside);
    shared_part(c->in[0], &c->opts, false, &kept);
    if (kept.count) em__copy_strided(&inside, &kept);
    return EM_OK;
}

static em_status pad_backward(const em_node *n, em_tensor **dx)
{
    em_tensor inside, kept;
    EM_TRY(em__dx_zeros(dx, n, 0));
    shared_part(n->dy[0], &n->opts, true, &inside);
    shared_part(dx[0], &n->opts, false, &kept);
    if (kept.count) em__copy_strided(&kept, &inside);
    return EM_OK;
}

/* ---- descriptors ----------------------------------------------------------------------------------------- */

static const em_opt_spec flip_opts[] = {{"dims", EM_OPT_INTS, "!", "", "the dims to reverse"}, {0}};
static const em_opt_spec roll_opts[] = {
    {"shifts", EM_OPT_INT, "!", "", "positions to move on; negative: back"},
    {"dims", EM_OPT_INT, "", "", "the dim; none given: row-major over all elements"},
    {0},
};
static const em_opt_spec tile_opts[] = {
    {"repeats", EM_OPT_INTS, "!", "", "times each dim is repeated; for the last dims if fewer"},
    {0},
};
static const em_opt_spec diag_opts[] = {
    {"diagonal", EM_OPT_INT, "0", "", "0 the main one, above it if positive, below if negative"},
    {0},
};
static const em_opt_spec pad_opts[] = {
    {"pad", EM_OPT_INTS, "!", "", "before and after the last dim, then the one before it, ...; negative cuts off"},
    {"mode", EM_OPT_ENUM, "constant", "constant", "what the new elements are"},
    {"value", EM_OPT_NUMBER, "0", "", "the constant"},
    {0},
};

#define ARRANGE(label, how, text) \
    const em_op EM_OP(label) = { \
        .name = #label, .inputs = "input", .outputs = "output", .doc = text, .opts = label##_opts, \
        .types = EM_TYPES_MOVE, .flags = how, \
        .check = label##_check, .forward = label##_forward, .backward = label##_backward, \
    };
ARRANGE(flip, EM_OP_STRIDED, "The elements in reverse order along the dims.\nFails if a dim is given twice.")
ARRANGE(roll, 0, "The elements moved on along a dim; those that leave at its end come in at its front.")
ARRANGE(tile, 0, "The tensor repeated along each dim.\nFails if a number of repeats is negative.")
ARRANGE(diag, EM_OP_STRIDED,
        "A matrix with the given vector on a diagonal, or the diagonal of the given matrix.\nFails above 2 dims.")
ARRANGE(pad, EM_OP_STRIDED,
        "The tensor in a frame of a constant; a negative width cuts off instead.\nFails if nothing sensible is left.")
