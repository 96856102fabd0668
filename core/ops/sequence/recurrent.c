/* One direction of one recurrent layer over a whole sequence; h', c' the states before, u = W x + b, v = R h' + b':
 *
 *     rnn_layer   h = tanh(u + v), or relu
 *     lstm_layer  c = f c' + i g,  h = o tanh(c);  i f o = sigmoid(u + v),  g = tanh(u + v)
 *     gru_layer   h = (1 - z) n + z h';  r z = sigmoid(u + v),  n = tanh(u + r v) */

/* The input's share u of all gates is one product for all steps, the state's share v one product a step; what follows
 * is a formula by element, the cell. Backward fills du and dv from the last step to the first, dh' being R^T dv and
 * what the cell adds, then makes dW = du x^T, dR = dv h'^T, dx = W^T du in one product each. T steps, N samples, D
 * features in, H of the state, G gates; a sample's gates are a row of G H numbers, after which H more may be kept. */
#include <math.h>
#include <string.h>

#include "graph/op.h"

#include "math/gemm.h"
#include "math/vector_math.h"

/* What a cell works on: the rows of one sample at one step. */
typedef struct row {
    em_real *gates, *extra;                 /* before: the input's share; after: what backward needs */
    const em_real *rec, *bx, *bh;           /* the state's share, and the biases of either (G H) */
    const em_real *h_before, *c_before;
    em_real *h, *c;
    em_real *dh, *dc;                       /* of h and c; after: of h_before as far as no product is in it, c_before */
    em_real *dx, *drec;                     /* of the input's and of the state's share (the same memory, but for gru) */
} row;

typedef struct cell {
    int gates, extra;                       /* extra: 1 if H more numbers are kept */
    bool has_c, two_shares;                  /* two_shares: gradients of input's and state's share differ */
    void (*forward)(const row *, int64_t H);
    void (*backward)(const row *, int64_t H);
} cell;

/* ---- cells --------------------------------------------------------------------------------------------- */

/* h = tanh(x + rec) or relu(x + rec) */
static void tanh_forward(const row *r, int64_t H)
{
    em_real *restrict h = r->h, *restrict a = r->gates;
    for (int64_t k = 0; k < H; k++) h[k] = a[k] = em__tanh(a[k] + r->bx[k] + r->rec[k] + r->bh[k]);
}

static void tanh_backward(const row *r, int64_t H)
{
    em_real *restrict dx = r->dx, *restrict dh = r->dh;
    for (int64_t k = 0; k < H; k++) {
        dx[k] = dh[k] * (1 - r->gates[k] * r->gates[k]);
        dh[k] = 0;
    }
}

static void relu_forward(const row *r, int64_t H)
{
    for (int64_t k = 0; k < H; k++) {
        const em_real a = r->gates[k] + r->bx[k] + r->rec[k] + r->bh[k];
        r->h[k] = r->gates[k] = a < 0 ? 0 : a;
    }
}

static void relu_backward(const row *r, int64_t H)
{
    for (int64_t k = 0; k < H; k++) {
        r->dx[k] = r->gates[k] > 0 ? r->dh[k] : 0;
        r->dh[k] = 0;
    }
}

/* i, f, o = sigmoid(x + rec), g = tanh(x + rec);  c = f c_before + i g;  h = o tanh(c).  Kept: i f g o, and c. */
static void lstm_forward(const row *r, int64_t H)
{
    em_real *restrict a = r->gates, *restrict c = r->c, *restrict h = r->h, *restrict kept = r->extra;
    const em_real *rec = r->rec, *bx = r->bx, *bh = r->bh;
    for (int64_t k = 0; k < 2 * H; k++) a[k] = em__sigmoid(a[k] + bx[k] + rec[k] + bh[k]);
    for (int64_t k = 2 * H; k < 3 * H; k++) a[k] = em__tanh(a[k] + bx[k] + rec[k] + bh[k]);
    for (int64_t k = 3 * H; k < 4 * H; k++) a[k] = em__sigmoid(a[k] + bx[k] + rec[k] + bh[k]);
    for (int64_t k = 0; k < H; k++) {
        c[k] = kept[k] = a[H + k] * c[k] + a[k] * a[2 * H + k];
        h[k] = a[3 * H + k] * em__tanh(kept[k]);
    }
}

static void lstm_backward(const row *r, int64_t H)
{
    const em_real *i = r->gates, *f = i + H, *g = i + 2 * H, *o = i + 3 * H, *c_before = r->c_before;
    em_real *restrict dh = r->dh, *restrict dc = r->dc, *restrict d = r->dx;
    for (int64_t k = 0; k < H; k++) {
        const em_real tc = em__tanh(r->extra[k]), dck = dc[k] + dh[k] * o[k] * (1 - tc * tc);
        d[k] = dck * g[k] * i[k] * (1 - i[k]);
        d[H + k] = dck * c_before[k] * f[k] * (1 - f[k]);
        d[2 * H + k] = dck * i[k] * (1 - g[k] * g[k]);
        d[3 * H + k] = dh[k] * tc * o[k] * (1 - o[k]);
        dc[k] = dck * f[k];
        dh[k] = 0;
    }
}

/* r, z = sigmoid(x + rec), n = tanh(x + r rec);  h = (1 - z) n + z h_before.  Kept: r z n, and rec of n. */
static void gru_forward(const row *q, int64_t H)
{
    em_real *restrict a = q->gates, *restrict h = q->h, *restrict kept = q->extra;
    const em_real *rec = q->rec, *bx = q->bx, *bh = q->bh;
    for (int64_t k = 0; k < 2 * H; k++) a[k] = em__sigmoid(a[k] + bx[k] + rec[k] + bh[k]);
    for (int64_t k = 0; k < H; k++) {
        kept[k] = rec[2 * H + k] + bh[2 * H + k];
        a[2 * H + k] = em__tanh(a[2 * H + k] + bx[2 * H + k] + a[k] * kept[k]);
        h[k] = (1 - a[H + k]) * a[2 * H + k] + a[H + k] * h[k];
    }
}

static void gru_backward(const row *q, int64_t H)
{
    const em_real *r = q->gates, *z = r + H, *n = r + 2 * H, *before = q->h_before, *rec_n = q->extra;
    em_real *restrict dh = q->dh, *restrict dx = q->dx, *restrict drec = q->drec;
    for (int64_t k = 0; k < H; k++) {
        const em_real dn = dh[k] * (1 - z[k]) * (1 - n[k] * n[k]);
        dx[k] = drec[k] = dn * rec_n[k] * r[k] * (1 - r[k]);
        dx[H + k] = drec[H + k] = dh[k] * (before[k] - n[k]) * z[k] * (1 - z[k]);
        dx[2 * H + k] = dn;
        drec[2 * H + k] = dn * r[k];
        dh[k] *= z[k];
    }
}

static const cell tanh_cell = {1, 0, false, false, tanh_forward, tanh_backward};
static const cell relu_cell = {1, 0, false, false, relu_forward, relu_backward};
static const cell lstm_cell = {4, 1, true, false, lstm_forward, lstm_backward};
static const cell gru_cell = {3, 1, false, true, gru_forward, gru_backward};

/* ---- the layer ----------------------------------------------------------------------------------------- */

enum { X, W_IH, W_HH, B_IH, B_HH, H0, C0 };      /* lengths come last: after c0, or in its place */

typedef struct job {
    const cell *cell;
    bool reverse;
    int64_t T, N, D, H, GH, width;          /* width: of a kept row, GH or GH + H */
    const em_real *x, *w_ih, *w_hh, *h0, *c0;
    const int64_t *lengths;                 /* or null: all T */
    em_real *bx, *bh, *rec, *y, *h, *c, *kept;
    em_real *dh, *dc, *dx, *drec;           /* dx and drec (T, N, GH) */
    const em_real *dy;
} job;

static int64_t length_of(const job *j, int64_t n) { return j->lengths ? j->lengths[n] : j->T; }

static em_status product(int64_t m, int64_t n, int64_t k, const em_real *a, int64_t a_row, int64_t a_col,
                         const em_real *b, int64_t b_row, int64_t b_col, double beta, em_real *c, int64_t c_row)
{
    const em_gemm g = {EM_REAL_DTYPE, m, n, k, a_row, a_col, b_row, b_col, c_row, 1, beta};
    return em__gemm(&g, a, b, c);
}

/* The samples of one step, `work` on each. */
static void each_sample(const job *j, int64_t t, void (*work)(const job *, int64_t t, int64_t n))
{
    const double each = 20.0 * (double)j->GH;
    if (em__team(each * (double)j->N) == 1) {
        for (int64_t n = 0; n < j->N; n++) work(j, t, n);
        return;
    }
    EM_PARALLEL_CHUNKS(lo, hi, j->N, each)
        for (int64_t n = lo; n < hi; n++) work(j, t, n);
}

/* ---- forward ------------------------------------------------------------------------------------------- */

static void forward_sample(const job *j, int64_t t, int64_t n)
{
    const int64_t at = t * j->N + n, H = j->H;
    em_real *kept = j->kept + at * j->width, *y = j->y + at * H;
    const row r = {.gates = kept, .extra = kept + j->GH, .rec = j->rec + n * j->GH, .bx = j->bx, .bh = j->bh,
                   .h = j->h + n * H, .c = j->c ? j->c + n * H : NULL};
    if (t >= length_of(j, n)) {
        memset(y, 0, (size_t)H * sizeof *y);
        return;
    }
    j->cell->forward(&r, H);
    memcpy(y, r.h, (size_t)H * sizeof *y);
}

static em_status forward_steps(const job *j)
{
    EM_TRY(product(j->T * j->N, j->GH, j->D, j->x, j->D, 1, j->w_ih, 1, j->D, 0, j->kept, j->width));
    for (int64_t s = 0; s < j->T && !em__stop; s++) {
        EM_TRY(product(j->N, j->GH, j->H, j->h, j->H, 1, j->w_hh, 1, j->H, 0, j->rec, j->GH));
        each_sample(j, j->reverse ? j->T - 1 - s : s, forward_sample);
    }
    return EM_OK;
}

/* ---- backward ------------------------------------------------------------------------------------------ */

/* State before step t of sample n: that after the step before, or the first one. */
static const em_real *before(const job *j, int64_t t, int64_t n, const em_real *states, int64_t width,
                             const em_real *first)
{
    const bool is_first = j->reverse ? t == length_of(j, n) - 1 : t == 0;
    return is_first ? first + n * j->H : states + ((j->reverse ? t + 1 : t - 1) * j->N + n) * width;
}

static void backward_sample(const job *j, int64_t t, int64_t n)
{
    const int64_t at = t * j->N + n, H = j->H;
    em_real *kept = j->kept + at * j->width;
    row r = {.gates = kept, .extra = kept + j->GH, .dh = j->dh + n * H, .dc = j->dc ? j->dc + n * H : NULL,
             .dx = j->dx + at * j->GH, .drec = j->drec + at * j->GH};
    if (t >= length_of(j, n)) {
        memset(r.dx, 0, (size_t)j->GH * sizeof *r.dx);
        memset(r.drec, 0, (size_t)j->GH * sizeof *r.drec);
        return;
    }
    r.h_before = before(j, t, n, j->y, H, j->h0);
    if (j->cell->has_c) r.c_before = before(j, t, n, j->kept + j->GH, j->width, j->c0);
    for (int64_t k = 0; j->dy && k < H; k++) r.dh[k] += j->dy[at * H + k];
    j->cell->backward(&r, H);
}

static em_status backward_steps(const job *j)
{
    for (int64_t s = 0; s < j->T && !em__stop; s++) {
        const int64_t t = j->reverse ? s : j->T - 1 - s;
        each_sample(j, t, backward_sample);
        EM_TRY(product(j->N, j->H, j->GH, j->drec + t * j->N * j->GH, j->GH, 1, j->w_hh, j->H, 1, 1, j->dh, j->H));
    }
    return EM_OK;
}

/* to (GH, columns) = d^T a, d (T N, GH), a (T N, columns) */
static em_status weight_gradient(const job *j, em_tensor *to, const em_real *d, const em_real *a, int64_t columns)
{
    if (!to) return EM_OK;
    return product(j->GH, columns, j->T * j->N, d, 1, j->GH, a, columns, 1, 0, EM_REALS(to), columns);
}

/* The states before each step, (T, N, H), into `to`. */
static void states_before(const job *j, em_real *to)
{
    for (int64_t t = 0; t < j->T; t++)
        for (int64_t n = 0; n < j->N; n++, to += j->H) {
            if (t < length_of(j, n))
                memcpy(to, before(j, t, n, j->y, j->H, j->h0), (size_t)j->H * sizeof *to);
            else
                memset(to, 0, (size_t)j->H * sizeof *to);
        }
}

/* ---- shapes -------------------------------------------------------------------------------------------- */

static em_status check_shape(const em_call *c, int i, const char *name, int dims, int64_t rows, int64_t columns)
{
    const em_tensor *t = c->in[i];
    if (!t) return EM_OK;
    if (t->dims == dims && t->size[0] == rows && (dims == 1 || t->size[1] == columns)) return EM_OK;
    return em__fail(EM_ESHAPE, "%s: %s must have shape %s, got %s", c->op->name, name,
                    em__shape_text((char[EM_SHAPE_TEXT]){0}, dims, (int64_t[]){rows, columns}), EM_SHAPE(t));
}

static em_status check_lengths(const em_call *c, const em_tensor *lengths, int64_t T)
{
    for (int64_t n = 0; lengths && n < lengths->count; n++) {
        const int64_t length = EM_DATA(int64_t, lengths)[n];
        if (length < 0 || length > T)
            return em__fail(EM_ERANGE, "%s: length %lld at position [%lld] is not in 0 to %lld, the steps of the input",
                            c->op->name, (long long)length, (long long)n, (long long)T);
    }
    return EM_OK;
}

static em_status check_layer(em_call *c, const cell *k)
{
    const em_tensor *x = c->in[X], *w = c->in[W_HH];
    const int lengths = k->has_c ? C0 + 1 : C0;
    EM_TRY(em__check_dims(c, x, 3, "input"));
    EM_TRY(em__check_dims(c, w, 2, "weight_hh"));
    const int64_t T = x->size[0], N = x->size[1], H = w->size[1], GH = k->gates * H;
    EM_TRY(check_shape(c, W_HH, "weight_hh", 2, GH, H));
    EM_TRY(check_shape(c, W_IH, "weight_ih", 2, GH, x->size[2]));
    EM_TRY(check_shape(c, B_IH, "bias_ih", 1, GH, 0));
    EM_TRY(check_shape(c, B_HH, "bias_hh", 1, GH, 0));
    EM_TRY(check_shape(c, H0, "h0", 2, N, H));
    if (k->has_c) EM_TRY(check_shape(c, C0, "c0", 2, N, H));
    EM_TRY(check_shape(c, lengths, "lengths", 1, N, 0));
    EM_TRY(check_lengths(c, c->in[lengths], T));
    EM_TRY(em__out(c, 0, c->dtype, 3, (int64_t[]){T, N, H}));
    for (int state = 1; state <= 1 + k->has_c; state++) EM_TRY(em__out(c, state, c->dtype, 2, (int64_t[]){N, H}));
    return em__out(c, 2 + k->has_c, c->dtype, 3, (int64_t[]){T, N, GH + k->extra * H});
}

static const em_real *reals(const em_tensor *t) { return t ? EM_REALS(t) : NULL; }

static void plan(job *j, const cell *k, bool reverse, em_tensor *const *x, em_tensor *const *y)
{
    *j = (job){.cell = k, .reverse = reverse, .T = x[X]->size[0], .N = x[X]->size[1], .D = x[X]->size[2],
               .H = x[W_HH]->size[1], .x = reals(x[X]), .w_ih = reals(x[W_IH]), .w_hh = reals(x[W_HH]),
               .h0 = reals(x[H0]), .c0 = k->has_c ? reals(x[C0]) : NULL};
    const em_tensor *lengths = x[k->has_c ? C0 + 1 : C0];
    if (lengths) j->lengths = EM_DATA(int64_t, lengths);
    j->GH = k->gates * j->H;
    j->width = j->GH + k->extra * j->H;
    j->y = EM_REALS(y[0]);
    j->kept = EM_REALS(y[2 + k->has_c]);
}

static void start_state(em_tensor *state, const em_tensor *first)
{
    const size_t bytes = (size_t)state->count * sizeof(em_real);
    if (first)
        memcpy(state->data, first->data, bytes);
    else
        memset(state->data, 0, bytes);
}

/* ---- the three steps of the operations ----------------------------------------------------------------- */

static void copy_bias(em_real *to, const em_tensor *bias)
{
    if (bias) memcpy(to, bias->data, (size_t)bias->count * sizeof *to);
}

static em_status forward_layer(em_call *c, const cell *k, bool reverse)
{
    job j;
    plan(&j, k, reverse, c->in, c->out);
    const size_t bytes = (size_t)((2 + j.N) * j.GH) * sizeof(em_real);
    em_real *scratch = em__alloc_zeroed(bytes);
    if (!scratch) return em__fail_memory("gates of a step", bytes);
    j.bx = scratch;
    j.bh = scratch + j.GH;
    j.rec = scratch + 2 * j.GH;
    copy_bias(j.bx, c->in[B_IH]);
    copy_bias(j.bh, c->in[B_HH]);
    start_state(c->out[1], c->in[H0]);
    if (k->has_c) start_state(c->out[2], c->in[C0]);
    j.h = EM_REALS(c->out[1]);
    if (k->has_c) j.c = EM_REALS(c->out[2]);
    const em_status s = forward_steps(&j);
    em__free(scratch, bytes);
    return s;
}

static void copy_own_steps(const job *j, em_real *to)
{
    for (int64_t t = 0; t < j->T; t++)
        for (int64_t n = 0; n < j->N; n++) {
            const int64_t at = (t * j->N + n) * j->D;
            if (t < length_of(j, n)) memcpy(to + at, j->x + at, (size_t)j->D * sizeof *to);
        }
}

/* The workspace of backward, in one block: dh, dc, the first states where none were given, states before, dx, drec,
 * ones; and where samples have lengths, their own steps of the input: padding may hold anything, NaN too. */
typedef struct workspaces {
    em_real *all, *states, *ones;
    const em_real *x;
    size_t bytes;
} workspaces;

static em_status make_workspaces(workspaces *r, job *j)
{
    const int64_t state = j->N * j->H, steps = j->T * j->N;
    const int64_t own = j->lengths ? j->D : 0;
    const int64_t count = 3 * state + steps * (j->H + j->GH * (1 + j->cell->two_shares) + 1 + own);
    r->bytes = (size_t)count * sizeof(em_real);
    em_real *at = r->all = em__alloc_zeroed(r->bytes);
    if (!at) return em__fail_memory("gradients of gates", r->bytes);
    j->dh = at;
    j->dc = at + state;
    if (!j->h0) j->h0 = at + 2 * state;
    if (!j->c0) j->c0 = at + 2 * state;
    r->states = at + 3 * state;
    j->dx = r->states + steps * j->H;
    j->drec = j->cell->two_shares ? j->dx + steps * j->GH : j->dx;
    r->ones = j->drec + steps * j->GH;
    for (int64_t i = 0; i < steps; i++) r->ones[i] = 1;
    r->x = j->lengths ? r->ones + steps : j->x;
    if (j->lengths) copy_own_steps(j, r->ones + steps);
    return EM_OK;
}

static em_status weights_and_input(const job *j, const workspaces *r, em_tensor **dx)
{
    const int64_t steps = j->T * j->N;
    EM_TRY(weight_gradient(j, dx[W_IH], j->dx, r->x, j->D));
    if (dx[W_HH]) states_before(j, r->states);
    EM_TRY(weight_gradient(j, dx[W_HH], j->drec, r->states, j->H));
    EM_TRY(weight_gradient(j, dx[B_IH], j->dx, r->ones, 1));
    EM_TRY(weight_gradient(j, dx[B_HH], j->drec, r->ones, 1));
    if (!dx[X]) return EM_OK;
    return product(steps, j->D, j->GH, j->dx, j->GH, 1, j->w_ih, j->D, 1, 0, EM_REALS(dx[X]), j->D);
}

static void add_state_gradient(em_real *to, const em_tensor *dy)
{
    if (dy) memcpy(to, dy->data, (size_t)dy->count * sizeof *to);
}

static em_status backward_layer(const em_node *n, em_tensor **dx, const cell *k, bool reverse)
{
    job j;
    workspaces r = {0};
    plan(&j, k, reverse, n->x, n->y);
    for (int i = 0; i <= H0 + k->has_c; i++)
        if (em__wants(n, i)) EM_TRY(em__dx(dx, n, i));
    EM_TRY(make_workspaces(&r, &j));
    j.dy = reals(n->dy[0]);
    add_state_gradient(j.dh, n->dy[1]);
    if (k->has_c) add_state_gradient(j.dc, n->dy[2]);
    em_status s = backward_steps(&j);
    if (!s) s = weights_and_input(&j, &r, dx);
    if (dx[H0]) memcpy(dx[H0]->data, j.dh, (size_t)dx[H0]->count * sizeof(em_real));
    if (k->has_c && dx[C0]) memcpy(dx[C0]->data, j.dc, (size_t)dx[C0]->count * sizeof(em_real));
    em__free(r.all, r.bytes);
    return s;
}

/* ---- the operations ------------------------------------------------------------------------------------ */

#define REVERSE {"reverse", EM_OPT_BOOL, "false", "", "goes from the last step to the first"}

static const em_opt_spec rnn_opts[] = {
    {"nonlinearity", EM_OPT_ENUM, "tanh", "tanh relu", "function of the sum of the input's and the state's part"},
    REVERSE,
    {0}};
static const em_opt_spec opts[] = {REVERSE, {0}};

static const cell *rnn_cell(const em_opts *o) { return o->at[0].i ? &relu_cell : &tanh_cell; }

static em_status rnn_check(em_call *c) { return check_layer(c, rnn_cell(&c->opts)); }
static em_status rnn_forward(em_call *c) { return forward_layer(c, rnn_cell(&c->opts), c->opts.at[1].i); }
static em_status rnn_backward(const em_node *n, em_tensor **dx)
{
    return backward_layer(n, dx, rnn_cell(&n->opts), n->opts.at[1].i);
}

static em_status lstm_check(em_call *c) { return check_layer(c, &lstm_cell); }
static em_status lstm_layer_forward(em_call *c) { return forward_layer(c, &lstm_cell, c->opts.at[0].i); }
static em_status lstm_layer_backward(const em_node *n, em_tensor **dx)
{
    return backward_layer(n, dx, &lstm_cell, n->opts.at[0].i);
}

static em_status gru_check(em_call *c) { return check_layer(c, &gru_cell); }
static em_status gru_layer_forward(em_call *c) { return forward_layer(c, &gru_cell, c->opts.at[0].i); }
static em_status gru_layer_backward(const em_node *n, em_tensor **dx)
{
    return backward_layer(n, dx, &gru_cell, n->opts.at[0].i);
}

#define LAYER_DOC \
    "Input (T, N, D), weight_ih (G H, D), weight_hh (G H, H), biases (G H), states (N, H), zeros if left out; output " \
    "(T, N, H) and the last states. Steps from lengths[n] on are no part of sample n: their output is 0."

#define SAVED_INPUTS (EM_SAVE_X(X) | EM_SAVE_X(W_IH) | EM_SAVE_X(W_HH) | EM_SAVE_X(H0) | EM_SAVE_X(C0))

const em_op EM_OP(rnn_layer) = {
    .name = "RNN",
    .key = "rnn_layer",
    .inputs = "input weight_ih weight_hh bias_ih? bias_hh? h0? lengths#?",
    .outputs = "output h_n [kept]",
    .doc = "Elman's recurrent layer, one direction: h = tanh(W_ih x + b_ih + W_hh h + b_hh), G = 1.\n" LAYER_DOC,
    .opts = rnn_opts,
    .types = EM_TYPES_FLOAT,
    .saves = SAVED_INPUTS | EM_SAVE_Y(0) | EM_SAVE_Y(2),
    .check = rnn_check,
    .forward = rnn_forward,
    .backward = rnn_backward,
};

const em_op EM_OP(lstm_layer) = {
    .name = "LSTM",
    .key = "lstm_layer",
    .inputs = "input weight_ih weight_hh bias_ih? bias_hh? h0? c0? lengths#?",
    .outputs = "output h_n c_n [kept]",
    .doc = "Long short-term memory, one layer and direction, G = 4 gates in the order i f g o.\n"
           "c = f c + i g, h = o tanh(c); i, f, o sigmoids, g tanh of W_ih x + b_ih + W_hh h + b_hh.\n" LAYER_DOC,
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .saves = SAVED_INPUTS | EM_SAVE_X(C0 + 1) | EM_SAVE_Y(0) | EM_SAVE_Y(3),
    .check = lstm_check,
    .forward = lstm_layer_forward,
    .backward = lstm_layer_backward,
};

const em_op EM_OP(gru_layer) = {
    .name = "GRU",
    .key = "gru_layer",
    .inputs = "input weight_ih weight_hh bias_ih? bias_hh? h0? lengths#?",
    .outputs = "output h_n [kept]",
    .doc = "Gated recurrent unit, one layer and direction, G = 3 gates in the order r z n.\n"
           "h = (1 - z) n + z h; r, z sigmoids of the sum, n = tanh(W_in x + b_in + r (W_hn h + b_hn)).\n" LAYER_DOC,
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .saves = SAVED_INPUTS | EM_SAVE_Y(0) | EM_SAVE_Y(2),
    .check = gru_check,
    .forward = gru_layer_forward,
    .backward = gru_layer_backward,
};
