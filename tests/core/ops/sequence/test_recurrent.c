/* Recurrent layers: steps by hand, a naive loop over the formulas, directions, lengths. */
#include <math.h>

#include "op_call.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* ---- a naive loop: one sample, one step ---------------------------------------------------------------- */

typedef struct layer {
    const char *name, *options;
    int64_t T, N, D, H, G;
    em_tensor *in[8];                       /* x w_ih w_hh b_ih b_hh h0 (c0) */
} layer;

enum { X, W_IH, W_HH, B_IH, B_HH, H0, C0, MOST_H = 8 };

/* Rows g * H + k of W_ih x + b_ih, and of W_hh h + b_hh. */
static double part_of_input(const layer *l, int64_t t, int64_t n, int64_t row)
{
    double sum = element(l->in[B_IH], row);
    for (int64_t d = 0; d < l->D; d++)
        sum += element(l->in[W_IH], row * l->D + d) * element(l->in[X], (t * l->N + n) * l->D + d);
    return sum;
}

static double part_of_state(const layer *l, const double *h, int64_t row)
{
    double sum = element(l->in[B_HH], row);
    for (int64_t k = 0; k < l->H; k++) sum += element(l->in[W_HH], row * l->H + k) * h[k];
    return sum;
}

static double gate(const layer *l, int64_t t, int64_t n, const double *h, int64_t g, int64_t k)
{
    return part_of_input(l, t, n, g * l->H + k) + part_of_state(l, h, g * l->H + k);
}

static double rnn_unit(const layer *l, int64_t t, int64_t n, const double *h, double *c, int64_t k)
{
    (void)c;
    const double a = gate(l, t, n, h, 0, k);
    return strstr(l->options, "relu") ? fmax(a, 0) : tanh(a);
}

static double lstm_unit(const layer *l, int64_t t, int64_t n, const double *h, double *c, int64_t k)
{
    const double i = sigmoid(gate(l, t, n, h, 0, k)), f = sigmoid(gate(l, t, n, h, 1, k));
    const double g = tanh(gate(l, t, n, h, 2, k)), o = sigmoid(gate(l, t, n, h, 3, k));
    c[k] = f * c[k] + i * g;
    return o * tanh(c[k]);
}

static double gru_unit(const layer *l, int64_t t, int64_t n, const double *h, double *c, int64_t k)
{
    (void)c;
    const double r = sigmoid(gate(l, t, n, h, 0, k)), z = sigmoid(gate(l, t, n, h, 1, k));
    const double m = tanh(part_of_input(l, t, n, 2 * l->H + k) + r * part_of_state(l, h, 2 * l->H + k));
    return (1 - z) * m + z * h[k];
}

typedef double unit_fn(const layer *l, int64_t t, int64_t n, const double *h, double *c, int64_t k);

static void assert_near(double got, double want) { assert_true(fabs(got - want) < 1e-12); }

static void check_sample(const layer *l, unit_fn *unit, em_tensor *const *out, int64_t n, int64_t length)
{
    double h[MOST_H] = {0}, c[MOST_H] = {0};
    const bool reverse = strstr(l->options, "reverse") != NULL, lstm = unit == lstm_unit;
    for (int64_t k = 0; k < l->H; k++) h[k] = element(l->in[H0], n * l->H + k);
    for (int64_t k = 0; lstm && k < l->H; k++) c[k] = element(l->in[C0], n * l->H + k);
    for (int64_t s = 0; s < length; s++) {
        const int64_t t = reverse ? length - 1 - s : s;
        double next[MOST_H] = {0};
        for (int64_t k = 0; k < l->H; k++) next[k] = unit(l, t, n, h, c, k);
        memcpy(h, next, sizeof h);
        for (int64_t k = 0; k < l->H; k++) assert_near(element(out[0], (t * l->N + n) * l->H + k), h[k]);
    }
    for (int64_t k = 0; k < l->H; k++) {
        assert_near(element(out[1], n * l->H + k), h[k]);
        if (lstm) assert_near(element(out[2], n * l->H + k), c[k]);
        for (int64_t t = length; t < l->T; t++) assert_near(element(out[0], (t * l->N + n) * l->H + k), 0);
    }
}

static void check_naively(const char *name, const char *options, int64_t G, unit_fn *unit, bool with_lengths)
{
    layer l = {name, options, 4, 3, 5, 6, G, {NULL}};
    em_tensor *out[EM_MAX_OUT] = {NULL};
    const double lengths[] = {4, 0, 2};
    const int states = unit == lstm_unit ? 2 : 1;
    l.in[X] = wave_of(EM_F64, SHAPE(l.T, l.N, l.D), -1, 1);
    l.in[W_IH] = wave_of(EM_F64, SHAPE(G * l.H, l.D), -1, 1);
    l.in[W_HH] = wave_of(EM_F64, SHAPE(G * l.H, l.H), -1, 1);
    for (int i = B_IH; i <= B_HH; i++) l.in[i] = wave_of(EM_F64, SHAPE(G * l.H), -1, 1);
    for (int i = 0; i < states; i++) l.in[H0 + i] = wave_of(EM_F64, SHAPE(l.N, l.H), -1, 1);
    if (with_lengths) l.in[H0 + states] = tensor_of(EM_I64, SHAPE(3), 3, lengths);
    assert_ok(op_try(out, name, options, H0 + states + 1, l.in));
    for (int64_t n = 0; n < l.N; n++) check_sample(&l, unit, out, n, with_lengths ? (int64_t)lengths[n] : l.T);
    for (int i = 0; i < 8; i++) em_tensor_release(l.in[i]);
    for (int k = 0; k < EM_MAX_OUT; k++) em_tensor_release(out[k]);
}

static void a_naive_loop_agrees(void **state)
{
    (void)state;
    for (int with_lengths = 0; with_lengths < 2; with_lengths++) {
        check_naively("rnn_layer", "", 1, rnn_unit, with_lengths);
        check_naively("rnn_layer", "nonlinearity=relu reverse=true", 1, rnn_unit, with_lengths);
        check_naively("lstm_layer", "", 4, lstm_unit, with_lengths);
        check_naively("lstm_layer", "reverse=true", 4, lstm_unit, with_lengths);
        check_naively("gru_layer", "", 3, gru_unit, with_lengths);
        check_naively("gru_layer", "reverse=true", 3, gru_unit, with_lengths);
    }
}

/* ---- edges --------------------------------------------------------------------------------------------- */

/* Weights of 0: every sigmoid is 1/2, every tanh 0. */
static void weights_of_zero_by_hand(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 1, 1), VALUES(7, 8));
    em_tensor *w = tensor_of(EM_F32, SHAPE(4, 1), VALUES(0, 0, 0, 0));
    em_tensor *c0 = tensor_of(EM_F32, SHAPE(1, 1), VALUES(4)), *out[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(out, "lstm_layer", "", INPUTS(x, w, w, NULL, NULL, NULL, c0)));
    assert_tensor_close(1e-6, 0, out[0], EM_F32, SHAPE(2, 1, 1), VALUES(0.5 * tanh(2), 0.5 * tanh(1)));
    assert_tensor_close(1e-6, 0, out[1], EM_F32, SHAPE(1, 1), VALUES(0.5 * tanh(1)));
    assert_tensor(out[2], EM_F32, SHAPE(1, 1), VALUES(1));
    for (int k = 0; k < 3; k++) em_tensor_release(out[k]);
    em_tensor *w3 = tensor_of(EM_F32, SHAPE(3, 1), VALUES(0, 0, 0));
    em_tensor *y = op_call("gru_layer", "", INPUTS(x, w3, w3, NULL, NULL, c0));
    assert_tensor(y, EM_F32, SHAPE(2, 1, 1), VALUES(2, 1));
    em_tensor_release(y);
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(w3);
    em_tensor_release(c0);
}

/* A loss of the last state alone reaches all that came before. */
static void the_last_state_has_a_gradient_of_its_own(void **state)
{
    (void)state;
    em_tensor *x = wanting_grad(tensor_of(EM_F64, SHAPE(2, 1, 1), VALUES(0, 0)));
    em_tensor *w_ih = tensor_of(EM_F64, SHAPE(1, 1), VALUES(2)), *w_hh = tensor_of(EM_F64, SHAPE(1, 1), VALUES(3));
    em_tensor *out[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(out, "rnn_layer", "", INPUTS(x, w_ih, w_hh)));
    op_backward(out[1]);
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2, 1, 1), VALUES(6, 2));
    em_tensor_release(out[0]);
    em_tensor_release(x);
    em_tensor_release(w_ih);
    em_tensor_release(w_hh);
}

static void no_steps_leave_the_state(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(0, 1, 2), NO_VALUES), *w = tensor_of(EM_F64, SHAPE(1, 2), VALUES(1, 1));
    em_tensor *u = tensor_of(EM_F64, SHAPE(1, 1), VALUES(1));
    em_tensor *h0 = wanting_grad(tensor_of(EM_F64, SHAPE(1, 1), VALUES(9)));
    em_tensor *out[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(out, "rnn_layer", "", INPUTS(x, w, u, NULL, NULL, h0)));
    assert_tensor(out[0], EM_F64, SHAPE(0, 1, 1), NO_VALUES);
    assert_tensor(out[1], EM_F64, SHAPE(1, 1), VALUES(9));
    op_backward(out[1]);
    assert_tensor(em_tensor_grad(h0), EM_F64, SHAPE(1, 1), VALUES(1));
    em_tensor_release(out[0]);
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(u);
    em_tensor_release(h0);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = wave_of(EM_F32, SHAPE(2, 3, 4), -1, 1), *flat = wave_of(EM_F32, SHAPE(3, 4), -1, 1);
    em_tensor *w_ih = wave_of(EM_F32, SHAPE(8, 4), -1, 1), *w_hh = wave_of(EM_F32, SHAPE(8, 2), -1, 1);
    em_tensor *b = wave_of(EM_F32, SHAPE(7), -1, 1), *lengths = tensor_of(EM_I64, SHAPE(3), VALUES(1, 3, 2));
    em_tensor *y[EM_MAX_OUT];
    assert_fails(op_try(y, "lstm_layer", "", INPUTS(flat, w_ih, w_hh)), EM_ESHAPE, "input must have 3 dims");
    assert_fails(op_try(y, "lstm_layer", "", INPUTS(x, w_hh, w_hh)), EM_ESHAPE, "weight_ih must have shape (8, 4)");
    assert_fails(op_try(y, "gru_layer", "", INPUTS(x, w_ih, w_hh)), EM_ESHAPE, "weight_hh must have shape (6, 2)");
    assert_fails(op_try(y, "lstm_layer", "", INPUTS(x, w_ih, w_hh, b)), EM_ESHAPE, "bias_ih must have shape (8)");
    assert_fails(op_try(y, "lstm_layer", "", INPUTS(x, w_ih, w_hh, NULL, NULL, flat)), EM_ESHAPE, "h0 must have shape");
    assert_fails(op_try(y, "lstm_layer", "", INPUTS(x, w_ih, w_hh, NULL, NULL, NULL, NULL, lengths)), EM_ERANGE,
                 "length 3 at position [1] is not in 0 to 2");
    em_tensor_release(x);
    em_tensor_release(flat);
    em_tensor_release(w_ih);
    em_tensor_release(w_hh);
    em_tensor_release(b);
    em_tensor_release(lengths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_naive_loop_agrees),
        cmocka_unit_test(weights_of_zero_by_hand),
        cmocka_unit_test(the_last_state_has_a_gradient_of_its_own),
        cmocka_unit_test(no_steps_leave_the_state),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
