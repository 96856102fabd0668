/* Operations called in one line: options read from text. */
#include "op_call.h"

#include <math.h>

static void read_list(em_opts *o, em_opt *at, char *text)
{
    at->i = 0;
    for (char *end; *text; text = *end == ',' ? end + 1 : end) o->ints[at->i++] = strtoll(text, &end, 10);
}

/* Number of the word `value` in "mean sum none"; the test fails if it is not there. */
static int64_t choice_of(const char *choices, const char *value)
{
    for (int64_t i = 0; *choices; i++) {
        const size_t n = strcspn(choices, " ");
        if (n == strlen(value) && !strncmp(choices, value, n)) return i;
        choices += n + (choices[n] == ' ');
    }
    fail_msg("no choice %s", value);
    return -1;
}

static void set_option(em_opts *o, const em_op *op, const char *name, char *value)
{
    const em_opt_spec *specs = em_op_opts(op);
    int k = 0;
    while (specs[k].name && strcmp(specs[k].name, name) != 0) k++;
    if (!specs[k].name) fail_msg("%s has no option %s", em_op_name(op), name);
    em_opt *at = &o->at[k];
    at->given = true;
    switch (specs[k].kind) {
    case EM_OPT_BOOL: at->i = !strcmp(value, "true"); break;
    case EM_OPT_INT: at->x = (double)(at->i = strtoll(value, NULL, 10)); break;
    case EM_OPT_NUMBER: at->x = strtod(value, NULL); break;
    case EM_OPT_ENUM: at->i = choice_of(specs[k].choices, value); break;
    case EM_OPT_INTS: read_list(o, at, value); break;
    case EM_OPT_DTYPE: {
        em_dtype dtype;
        assert_true(em_dtype_parse(&dtype, value));
        at->i = dtype;
        break;
    }
    case EM_OPT_TEXT:
    case EM_OPT_TEXTS: fail_msg("%s: option %s is a text, which operations have not", em_op_name(op), name);
    }
}

em_opts op_options(const em_op *op, const char *options)
{
    em_opts o;
    char text[256];
    em_opts_default(&o, op);
    assert_true(strlen(options) < sizeof text);
    strcpy(text, options);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        char *equals = strchr(word, '=');
        assert_non_null(equals);
        *equals = 0;
        set_option(&o, op, word, equals + 1);
    }
    return o;
}

em_status op_try(em_tensor **outputs, const char *name, const char *options, int n, em_tensor *const *inputs)
{
    const em_op *op = em_op_find(name);
    if (!op) fail_msg("no operation %s", name);
    const em_opts o = op_options(op, options);
    em_rng rng = {1, 0};
    return em_apply(op, inputs, n, &o, &rng, outputs);
}

em_tensor *op_call(const char *name, const char *options, int n, em_tensor *const *inputs)
{
    em_tensor *out[EM_MAX_OUT] = {NULL};
    assert_ok(op_try(out, name, options, n, inputs));
    for (int k = 1; k < EM_MAX_OUT; k++) em_tensor_release(out[k]);
    return out[0];
}

em_tensor *wanting_grad(em_tensor *t)
{
    assert_ok(em_tensor_set_requires_grad(t, true));
    return t;
}

void op_backward(em_tensor *y)
{
    em_tensor *ones;
    assert_ok(em_tensor_empty(&ones, em_tensor_dtype(y), em_tensor_dims(y), em_tensor_sizes(y)));
    em_tensor_fill(ones, 1);
    assert_ok(em_backward(y, ones, false));
    em_tensor_release(ones);
    em_tensor_release(y);
}

static double sum_of_call(const char *name, const char *options, int n, em_tensor *const *inputs)
{
    em_tensor *y = op_call(name, options, n, inputs);
    double sum = 0;
    for (int64_t k = 0; k < em_tensor_count(y); k++) sum += element(y, k);
    em_tensor_release(y);
    return sum;
}

em_tensor *numeric_gradient(const char *name, const char *options, int n, em_tensor *const *inputs, int i)
{
    const double step = 1e-6;
    em_tensor *x = inputs[i], *g;
    assert_int_equal(em_tensor_dtype(x), EM_F64);
    assert_ok(em_tensor_empty(&g, EM_F64, em_tensor_dims(x), em_tensor_sizes(x)));
    em_set_grad_enabled(false);
    for (int64_t k = 0; k < em_tensor_count(x); k++) {
        const double value = element(x, k);
        em_tensor_set(x, k, value + step);
        const double up = sum_of_call(name, options, n, inputs);
        em_tensor_set(x, k, value - step);
        const double down = sum_of_call(name, options, n, inputs);
        em_tensor_set(x, k, value);
        em_tensor_set(g, k, (up - down) / (2 * step));
    }
    em_set_grad_enabled(true);
    return g;
}

em_tensor *wave_of(em_dtype dtype, int dims, const int64_t *sizes, double low, double high)
{
    static int calls;               /* so that two tensors of one shape differ */
    em_tensor *t;
    assert_ok(em_tensor_empty(&t, dtype, dims, sizes));
    const double step = 0.7 + 0.01 * (calls++ % 50);
    for (int64_t i = 0; i < em_tensor_count(t); i++)
        em_tensor_set(t, i, low + (high - low) * (0.5 + 0.5 * sin(step * (double)(i + 1))));
    return t;
}

enum { MOST_INPUTS = 16 };

/* The first result, and the gradients of the inputs that want one, which start from none. */
static em_tensor *call_and_backward(const char *name, const char *options, int n, em_tensor *const *inputs,
                                    em_tensor *grads[MOST_INPUTS])
{
    for (int i = 0; i < n; i++)
        if (inputs[i] && em_tensor_requires_grad(inputs[i])) assert_ok(em_tensor_set_grad(inputs[i], NULL));
    em_tensor *y = op_call(name, options, n, inputs), *kept;
    assert_ok(em_tensor_detach(&kept, y));
    const bool recorded = em_tensor_requires_grad(y);
    if (recorded)
        op_backward(y);
    else
        em_tensor_release(y);
    for (int i = 0; i < n; i++) {
        grads[i] = recorded && inputs[i] ? em_tensor_grad(inputs[i]) : NULL;
        if (!grads[i]) continue;
        if (em_tensor_is_sparse(grads[i]))
            assert_ok(em_rows_to_dense(&grads[i], grads[i]));
        else
            em_tensor_retain(grads[i]);
        assert_ok(em_tensor_set_grad(inputs[i], NULL));
    }
    return kept;
}

void check_gradients(const char *name, const char *options, int n, em_tensor *const *in)
{
    em_tensor *got[MOST_INPUTS];
    em_tensor_release(call_and_backward(name, options, n, in, got));
    for (int i = 0; i < n; i++) {
        if (!in[i] || !em_tensor_requires_grad(in[i])) continue;
        assert_non_null(got[i]);
        em_tensor *want = numeric_gradient(name, options, n, in, i);
        assert_tensor_close(1e-6, 1e-7, got[i], EM_F64, em_tensor_dims(want), em_tensor_sizes(want),
                            em_tensor_count(want), em_tensor_data(want));
        em_tensor_release(want);
        em_tensor_release(got[i]);
    }
}

void check_threads(const char *name, const char *options, int n, em_tensor *const *inputs)
{
    em_tensor *one[MOST_INPUTS], *four[MOST_INPUTS];
    const int threads = em_threads();
    em_set_threads(1);
    em_tensor *y_one = call_and_backward(name, options, n, inputs, one);
    em_set_threads(4);
    em_tensor *y_four = call_and_backward(name, options, n, inputs, four);
    em_set_threads(threads);
    assert_same_bits(y_one, y_four);
    for (int i = 0; i < n; i++) {
        if (one[i]) assert_same_bits(one[i], four[i]);
        em_tensor_release(one[i]);
        em_tensor_release(four[i]);
    }
    em_tensor_release(y_one);
    em_tensor_release(y_four);
}
