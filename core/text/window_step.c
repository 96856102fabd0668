/* One training step of word vectors in a window, compiled for each variant. */
#include "text/window_step.h"

#include "math/vector_math.h"
#include "parallel/parallel.h"
#include "tensor/scalar.h"

/* ---- rows ---------------------------------------------------------------------------------------------- */

static void read_row(em_real *restrict to, const em__moving_row *from, int64_t width, int64_t padded)
{
    const em_real *base = from->base, *change = from->change;
    if (base == change) {
        for (int64_t d = 0; d < width; d++) to[d] = base[d];
    } else {
        for (int64_t d = 0; d < width; d++) to[d] = base[d] + change[d];
    }
    for (int64_t d = width; d < padded; d++) to[d] = 0;
}

static void read_rows(em_real *to, const em__moving_row *from, int64_t count, int64_t width)
{
    const int64_t padded = em__padded_width(width);
    for (int64_t i = 0; i < count; i++) read_row(to + i * padded, from + i, width, padded);
}

/* ---- scores -------------------------------------------------------------------------------------------- */

/* Sums over many rows stay in registers only if they are named as vectors; small arrays go through memory. */
typedef em_real block __attribute__((vector_size(EM_ROW_BLOCK * sizeof(em_real)), aligned(sizeof(em_real)), may_alias));

/* A score of no effect: its loss and its slope are 0. */
#define NOTHING ((em_real)-1e4)

/* The sum of a block, by halves. */
static em_real fold(const em_real *p)
{
    em_real by8[8], by4[4];
    for (int i = 0; i < 8; i++) by8[i] = p[i] + p[i + 8];
    for (int i = 0; i < 4; i++) by4[i] = by8[i] + by8[i + 4];
    return (by4[0] + by4[2]) + (by4[1] + by4[3]);
}

/* s[0 .. 3] = x . y of four rows, and of one. */
static void dot_4(em_real *s, const em_real *x, const em_real *y, int64_t padded)
{
    block sum[4] = {0};
    for (int64_t d = 0; d < padded; d += EM_ROW_BLOCK) {
        const block at = *(const block *)(x + d);
        sum[0] += at * *(const block *)(y + d);
        sum[1] += at * *(const block *)(y + padded + d);
        sum[2] += at * *(const block *)(y + 2 * padded + d);
        sum[3] += at * *(const block *)(y + 3 * padded + d);
    }
    for (int i = 0; i < 4; i++) s[i] = fold((const em_real *)&sum[i]);
}

static em_real dot_1(const em_real *x, const em_real *y, int64_t padded)
{
    block sum = {0};
    for (int64_t d = 0; d < padded; d += EM_ROW_BLOCK) sum += *(const block *)(x + d) * *(const block *)(y + d);
    return fold((const em_real *)&sum);
}

/* s[a, b] = x_a . y_b */
static void score(em_real *restrict s, const em_real *restrict x, const em_real *restrict y, int64_t inputs,
                  int64_t targets, int64_t padded)
{
    const int64_t count = inputs * targets;
    for (int64_t a = 0; a < inputs; a++) {
        int64_t b = 0;
        for (; b + 4 <= targets; b += 4) dot_4(s + a * targets + b, x + a * padded, y + b * padded, padded);
        for (; b < targets; b++) s[a * targets + b] = dot_1(x + a * padded, y + b * padded, padded);
    }
    for (int64_t i = count; i < em__padded_width(count); i++) s[i] = NOTHING;
}

/* s becomes -lr dloss/ds: -lr sigmoid(s), and lr more where the target is the near one. Returns the loss. */
static double step_of_scores(em_real *restrict s, int64_t inputs, int64_t targets, em_real lr)
{
    const int64_t padded = em__padded_width(inputs * targets) & ~(int64_t)(EM_ROW_BLOCK - 1);
    em_real near = 0, loss = 0;
    for (int64_t a = 0; a < inputs; a++) near += s[a * targets];
    EM_SIMD_SUM(loss)
    for (int64_t i = 0; i < padded; i++) {
        const em_real e = em__exp(s[i] < 0 ? s[i] : -s[i]);
        loss += (s[i] > 0 ? s[i] : 0) + em__log(1 + e);
        s[i] = -lr * ((s[i] < 0 ? e : 1) / (1 + e));
    }
    for (int64_t a = 0; a < inputs; a++) s[a * targets] += lr;
    return (double)loss - (double)near;
}

/* ---- what is learnt ------------------------------------------------------------------------------------ */

/* to += sum_i k[i * stride] rows[i] */
static void add_rows(em_real *restrict to, int64_t write, const em_real *restrict k, int64_t stride,
                     const em_real *restrict rows, int64_t count, int64_t padded)
{
    int64_t from = 0;
    for (; from + EM_ROW_BLOCK <= write; from += EM_ROW_BLOCK) {
        block sum = *(const block *)(to + from);
        for (int64_t i = 0; i < count; i++) sum += k[i * stride] * *(const block *)(rows + i * padded + from);
        *(block *)(to + from) = sum;
    }
    for (; from < write; from++)
        for (int64_t i = 0; i < count; i++) to[from] += k[i * stride] * rows[i * padded + from];
}

static double each(const em__window *w)
{
    const int64_t padded = em__padded_width(w->width);
    em_real *x = w->scratch.x, *y = w->scratch.y, *s = w->scratch.score;
    read_rows(x, w->input, w->inputs, w->width);
    read_rows(y, w->target, w->targets, w->width);
    score(s, x, y, w->inputs, w->targets, padded);
    const double loss = step_of_scores(s, w->inputs, w->targets, (em_real)w->lr);
    for (int64_t a = 0; a < w->inputs; a++)
        add_rows(w->input[a].change, w->write, s + a * w->targets, 1, y, w->targets, padded);
    for (int64_t b = 0; b < w->targets; b++)
        add_rows(w->target[b].change, w->write, s + b, w->targets, x, w->inputs, padded);
    return loss;
}

/* x_0 = sum_a x_a / inputs */
static void average(em_real *x, int64_t inputs, int64_t padded)
{
    for (int64_t a = 1; a < inputs; a++)
        for (int64_t d = 0; d < padded; d++) x[d] += x[a * padded + d];
    for (int64_t d = 0; d < padded; d++) x[d] /= (em_real)inputs;
}

static double mean(const em__window *w)
{
    const int64_t padded = em__padded_width(w->width);
    const em_real share = 1 / (em_real)w->inputs;
    em_real *x = w->scratch.x, *y = w->scratch.y, *s = w->scratch.score, *dx = x + w->inputs * padded;
    read_rows(x, w->input, w->inputs, w->width);
    average(x, w->inputs, padded);
    read_rows(y, w->target, w->targets, w->width);
    score(s, x, y, 1, w->targets, padded);
    const double loss = step_of_scores(s, 1, w->targets, (em_real)w->lr);
    for (int64_t d = 0; d < padded; d++) dx[d] = 0;
    add_rows(dx, padded, s, 1, y, w->targets, padded);
    for (int64_t b = 0; b < w->targets; b++) add_rows(w->target[b].change, w->write, s + b, 1, x, 1, padded);
    for (int64_t a = 0; a < w->inputs; a++) add_rows(w->input[a].change, w->write, &share, 1, dx, 1, padded);
    return loss;
}

const em__window_step EM__NAME(em__window_, step, EM_VARIANT) = {each, mean};
