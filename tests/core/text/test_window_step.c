/* A training step against the numeric slope of its loss, and by hand. */
#include <math.h>

#include "support.h"
#include "text/window_step.h"

/* ---- memory of a step ---------------------------------------------------------------------------------- */

enum { MOST_ROWS = 12, MOST_WIDTH = 112 };

typedef struct step {
    double x[MOST_ROWS][MOST_WIDTH], y[MOST_ROWS][MOST_WIDTH];      /* values */
    double dx[MOST_ROWS][MOST_WIDTH], dy[MOST_ROWS][MOST_WIDTH];    /* changes so far, then after the step */
    int64_t inputs, targets, width;
    double lr, loss;
    bool mean;
} step;

static double noise(void)
{
    static uint32_t seed = 1;
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / 8388608.0 - 1;
}

static step random_step(int64_t inputs, int64_t targets, int64_t width, bool mean)
{
    step s = {.inputs = inputs, .targets = targets, .width = width, .lr = 0.1, .mean = mean};
    for (int64_t i = 0; i < MOST_ROWS; i++)
        for (int64_t d = 0; d < width; d++) {
            s.x[i][d] = (float)noise();
            s.y[i][d] = (float)noise();
            s.dx[i][d] = (float)(0.1 * noise());
            s.dy[i][d] = (float)(0.1 * noise());
        }
    return s;
}

/* ---- through the kernel -------------------------------------------------------------------------------- */

static em_tensor *rows_of(em_dtype dtype)
{
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, dtype, 2, (int64_t[]){MOST_ROWS + 1, MOST_WIDTH}));
    return t;
}

static void *row_of(const em_tensor *t, int64_t i)
{
    return (char *)em_tensor_data(t) + i * MOST_WIDTH * (int64_t)em_dtype_size(em_tensor_dtype(t));
}

static void run_as(em_dtype dtype, step *s, bool separate)
{
    em_tensor *const x = rows_of(dtype), *const y = rows_of(dtype);
    em_tensor *const dx = rows_of(dtype), *const dy = rows_of(dtype);
    em_tensor *const sx = rows_of(dtype), *const sy = rows_of(dtype), *const scores = rows_of(dtype);
    em__moving_row input[MOST_ROWS], target[MOST_ROWS];
    for (int64_t i = 0; i < MOST_ROWS; i++) {
        for (int64_t d = 0, at = i * MOST_WIDTH; d < MOST_WIDTH; d++, at++) {
            em_tensor_set(x, at, s->x[i][d] + (separate ? 0 : s->dx[i][d]));
            em_tensor_set(y, at, s->y[i][d] + (separate ? 0 : s->dy[i][d]));
            em_tensor_set(dx, at, s->dx[i][d]);
            em_tensor_set(dy, at, s->dy[i][d]);
        }
        input[i] = (em__moving_row){row_of(x, i), row_of(separate ? dx : x, i)};
        target[i] = (em__moving_row){row_of(y, i), row_of(separate ? dy : y, i)};
    }
    const em__window w = {
        .width = s->width, .write = separate ? em__padded_width(s->width) : s->width, .inputs = s->inputs,
        .targets = s->targets, .input = input, .target = target, .lr = s->lr,
        .scratch = {row_of(sx, 0), row_of(sy, 0), row_of(scores, 0)}};
    const em__window_step *kernel = em__window_step_find(dtype);
    s->loss = s->mean ? kernel->mean(&w) : kernel->each(&w);
    for (int64_t i = 0; i < MOST_ROWS; i++)
        for (int64_t d = 0, at = i * MOST_WIDTH; d < MOST_WIDTH; d++, at++) {
            s->dx[i][d] = separate ? em_tensor_get(dx, at) : em_tensor_get(x, at) - s->x[i][d];
            s->dy[i][d] = separate ? em_tensor_get(dy, at) : em_tensor_get(y, at) - s->y[i][d];
        }
    release_all(TENSORS(x, y, dx, dy, sx, sy, scores));
}

static void run_f32(step *s, bool separate) { run_as(EM_F32, s, separate); }
static void run_f64(step *s, bool separate) { run_as(EM_F64, s, separate); }

/* ---- the slow way -------------------------------------------------------------------------------------- */

static double slow_pair(const step *s, const double *x, int64_t b)
{
    double dot = 0;
    for (int64_t d = 0; d < s->width; d++) dot += x[d] * (s->y[b][d] + s->dy[b][d]);
    return log1p(exp(b == 0 ? -dot : dot));
}

static double slow_loss(const step *s)
{
    double loss = 0, mean[MOST_WIDTH] = {0};
    for (int64_t a = 0; a < s->inputs; a++) {
        double x[MOST_WIDTH];
        for (int64_t d = 0; d < s->width; d++) {
            x[d] = s->x[a][d] + s->dx[a][d];
            mean[d] += x[d] / (double)s->inputs;
        }
        for (int64_t b = 0; b < s->targets && !s->mean; b++) loss += slow_pair(s, x, b);
    }
    for (int64_t b = 0; b < s->targets && s->mean; b++) loss += slow_pair(s, mean, b);
    return loss;
}

/* -lr dloss/dat, by differences. */
static double slow_change(const step *s, const double *at)
{
    step moved = *s;
    double *value = (double *)((char *)&moved + ((const char *)at - (const char *)s));
    const double h = 1e-6, was = *value;
    *value = was + h;
    const double above = slow_loss(&moved);
    *value = was - h;
    return -s->lr * (above - slow_loss(&moved)) / (2 * h);
}

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want)))) fail_msg("got %.9g, want %.9g", got, want);
}

static void assert_step(const step *before, const step *after, double tolerance)
{
    assert_near(after->loss, slow_loss(before), tolerance);
    for (int64_t i = 0; i < MOST_ROWS; i++)
        for (int64_t d = 0; d < MOST_WIDTH; d++) {
            const bool in = i < before->inputs && d < before->width, on = i < before->targets && d < before->width;
            const double x = in ? slow_change(before, &before->dx[i][d]) : 0;
            const double y = on ? slow_change(before, &before->dy[i][d]) : 0;
            assert_near(after->dx[i][d] - before->dx[i][d], x, tolerance);
            assert_near(after->dy[i][d] - before->dy[i][d], y, tolerance);
        }
}

static void steps_follow_the_slope_of_the_loss(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1}, {1, 6, 100}, {6, 6, 100}, {10, 6, 16}, {3, 2, 17}, {2, 11, 31}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int form = 0; form < 4; form++) {
            const step before = random_step(sizes[i][0], sizes[i][1], sizes[i][2], form & 1);
            step after = before;
            run_f64(&after, form & 2);
            assert_step(&before, &after, 1e-8);
            after = before;
            run_f32(&after, form & 2);
            assert_step(&before, &after, 3e-6);
        }
}

/* One number a row: x = 1, near y = 2, far y = -3. The loss is log(1 + e^-2) + log(1 + e^-3); with p = 1 / (1 + e^2)
 * and q = 1 / (1 + e^3), dloss/dx = -2 p - 3 q, dloss/dy = -p and q. */
static void a_step_by_hand(void **state)
{
    (void)state;
    step s = {.x = {{1}}, .y = {{2}, {-3}}, .inputs = 1, .targets = 2, .width = 1, .lr = 0.5};
    run_f64(&s, true);
    const double p = 0.11920292202211755, q = 0.04742587317756678;
    assert_near(s.loss, 0.1269280110429726 + 0.04858735157374196, 1e-14);
    assert_near(s.dx[0][0], 0.5 * (2 * p + 3 * q), 1e-14);
    assert_near(s.dy[0][0], 0.5 * p, 1e-14);
    assert_near(s.dy[1][0], -0.5 * q, 1e-14);
}

/* Vectors so long that exp would overflow: the slope is 0 or 1, the loss the score itself. */
static void large_scores_stay_finite(void **state)
{
    (void)state;
    step s = {.x = {{40}}, .y = {{-30}, {30}}, .inputs = 1, .targets = 2, .width = 1, .lr = 1};
    run_f32(&s, true);
    assert_near(s.loss, 2400, 1e-6);
    assert_near(s.dx[0][0], -60, 1e-6);
    assert_near(s.dy[0][0], 40, 1e-6);
    assert_near(s.dy[1][0], -40, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_slope_of_the_loss),
        cmocka_unit_test(a_step_by_hand),
        cmocka_unit_test(large_scores_stay_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
