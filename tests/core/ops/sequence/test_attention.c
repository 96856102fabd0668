/* Attention: values by hand, a naive loop in place of blocks, masks that let nothing through, dropout. */
#include <math.h>

#include "op_call.h"

#define ATTENTION "scaled_dot_product_attention"

static void values_by_hand(void **state)
{
    (void)state;
    em_tensor *q = tensor_of(EM_F64, SHAPE(2, 1), VALUES(0, 2));
    em_tensor *k = tensor_of(EM_F64, SHAPE(2, 1), VALUES(0, log(3) / 2));
    em_tensor *v = tensor_of(EM_F64, SHAPE(2, 2), VALUES(1, 10, 5, 50));
    em_tensor *y = op_call(ATTENTION, "", INPUTS(q, k, v));                 /* weights 1/2 1/2, and 1/4 3/4 */
    assert_tensor_close(1e-14, 0, y, EM_F64, SHAPE(2, 2), VALUES(3, 30, 4, 40));
    em_tensor_release(y);
    y = op_call(ATTENTION, "is_causal=true", INPUTS(q, k, v));
    assert_tensor_close(1e-14, 0, y, EM_F64, SHAPE(2, 2), VALUES(1, 10, 4, 40));
    em_tensor_release(y);
    y = op_call(ATTENTION, "scale=0", INPUTS(q, k, v));
    assert_tensor_close(1e-14, 0, y, EM_F64, SHAPE(2, 2), VALUES(3, 30, 3, 30));
    em_tensor_release(y);
    em_tensor_release(q);
    em_tensor_release(k);
    em_tensor_release(v);
}

/* ---- a naive loop -------------------------------------------------------------------------------------- */

typedef struct shape {
    int64_t B, L, S, E, V;
} shape;

/* Whether query i may see key s, and what is added to their score. */
typedef double mask_fn(const em_tensor *mask, const shape *z, int64_t i, int64_t s);

static double no_mask(const em_tensor *m, const shape *z, int64_t i, int64_t s)
{
    (void)m, (void)z, (void)i, (void)s;
    return 0;
}

static double causal(const em_tensor *m, const shape *z, int64_t i, int64_t s)
{
    (void)m, (void)z;
    return s <= i ? 0 : -INFINITY;
}

static double bool_mask(const em_tensor *m, const shape *z, int64_t i, int64_t s)
{
    return element(m, i * z->S + s) != 0 ? 0 : -INFINITY;
}

static double float_mask(const em_tensor *m, const shape *z, int64_t i, int64_t s) { return element(m, i * z->S + s); }

static void check_row(const em_tensor *y, const em_tensor *const *x, const shape *z, int64_t b, int64_t i, mask_fn *add,
                      const em_tensor *mask)
{
    double sum = 0;
    double *weight = calloc((size_t)z->S, sizeof *weight);
    assert_non_null(weight);
    for (int64_t s = 0; s < z->S; s++) {
        double score = 0;
        for (int64_t e = 0; e < z->E; e++)
            score += element(x[0], (b * z->L + i) * z->E + e) * element(x[1], (b * z->S + s) * z->E + e);
        sum += weight[s] = exp(score / sqrt((double)z->E) + add(mask, z, i, s));
    }
    for (int64_t v = 0; v < z->V; v++) {
        double want = 0;
        for (int64_t s = 0; s < z->S; s++) want += weight[s] / sum * element(x[2], (b * z->S + s) * z->V + v);
        assert_true(fabs(element(y, (b * z->L + i) * z->V + v) - want) < 1e-12);
    }
    free(weight);
}

static void check_naively(shape z, mask_fn *add, em_tensor *mask, const char *options)
{
    em_tensor *q = wave_of(EM_F64, SHAPE(z.B, z.L, z.E), -2, 2), *k = wave_of(EM_F64, SHAPE(z.B, z.S, z.E), -2, 2);
    em_tensor *v = wave_of(EM_F64, SHAPE(z.B, z.S, z.V), -2, 2);
    em_tensor *y = op_call(ATTENTION, options, INPUTS(q, k, v, mask));
    for (int64_t b = 0; b < z.B; b++)
        for (int64_t i = 0; i < z.L; i++) check_row(y, (const em_tensor *[]){q, k, v}, &z, b, i, add, mask);
    em_tensor_release(q);
    em_tensor_release(k);
    em_tensor_release(v);
    em_tensor_release(y);
}

/* More queries than a block holds, and keys that no block's size divides. */
static void a_naive_loop_agrees(void **state)
{
    (void)state;
    const shape z = {2, 133, 75, 5, 3};
    em_tensor *allowed, *added = wave_of(EM_F64, SHAPE(133, 75), -3, 3);
    assert_ok(em_tensor_empty(&allowed, EM_BOOL, SHAPE(133, 75)));
    for (int64_t i = 0; i < 133 * 75; i++) em_tensor_set_int(allowed, i, i % 3 != 1);
    check_naively(z, no_mask, NULL, "");
    check_naively(z, causal, NULL, "is_causal=true");
    check_naively(z, bool_mask, allowed, "");
    check_naively(z, float_mask, added, "");
    check_naively((shape){3, 1, 1, 1, 1}, no_mask, NULL, "");
    check_naively((shape){1, 64, 200, 8, 2}, causal, NULL, "is_causal=true");
    em_tensor_release(allowed);
    em_tensor_release(added);
}

/* Heads as views of (N, T, heads, E), the layout of a projection, need no copies and give the same. */
static void heads_may_be_views(void **state)
{
    (void)state;
    em_tensor *x = wave_of(EM_F64, SHAPE(2, 6, 3, 4), -2, 2), *heads, *copy;
    assert_ok(em_tensor_view(&heads, x, 0, SHAPE(2, 3, 6, 4), (int64_t[]){72, 4, 12, 1}));
    assert_ok(em_tensor_clone(&copy, heads));
    em_tensor *y = op_call(ATTENTION, "is_causal=true", INPUTS(heads, heads, heads));
    em_tensor *want = op_call(ATTENTION, "is_causal=true", INPUTS(copy, copy, copy));
    assert_same_bits(y, want);
    em_tensor_release(x);
    em_tensor_release(heads);
    em_tensor_release(copy);
    em_tensor_release(y);
    em_tensor_release(want);
}

/* ---- edges --------------------------------------------------------------------------------------------- */

static void a_query_that_sees_nothing_gets_zeros(void **state)
{
    (void)state;
    em_tensor *q = wanting_grad(tensor_of(EM_F64, SHAPE(2, 1), VALUES(1, 2)));
    em_tensor *k = wanting_grad(tensor_of(EM_F64, SHAPE(2, 1), VALUES(3, 4)));
    em_tensor *v = wanting_grad(tensor_of(EM_F64, SHAPE(2, 1), VALUES(5, 6)));
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(2, 2), VALUES(0, 0, 1, 0));
    em_tensor *y = op_call(ATTENTION, "", INPUTS(q, k, v, mask));
    assert_tensor(y, EM_F64, SHAPE(2, 1), VALUES(0, 5));
    op_backward(y);
    assert_tensor(em_tensor_grad(q), EM_F64, SHAPE(2, 1), VALUES(0, 0));
    assert_tensor(em_tensor_grad(v), EM_F64, SHAPE(2, 1), VALUES(1, 0));
    em_tensor_release(q);
    em_tensor_release(k);
    em_tensor_release(v);
    em_tensor_release(mask);
}

static void empty_sizes_are_fine(void **state)
{
    (void)state;
    em_tensor *q = wanting_grad(tensor_of(EM_F32, SHAPE(1, 2, 3), VALUES(1, 2, 3, 4, 5, 6)));
    em_tensor *none = tensor_of(EM_F32, SHAPE(1, 0, 3), NO_VALUES), *y = op_call(ATTENTION, "", INPUTS(q, none, none));
    assert_tensor(y, EM_F32, SHAPE(1, 2, 3), VALUES(0, 0, 0, 0, 0, 0));
    op_backward(y);
    assert_tensor(em_tensor_grad(q), EM_F32, SHAPE(1, 2, 3), VALUES(0, 0, 0, 0, 0, 0));
    y = op_call(ATTENTION, "", INPUTS(none, q, q));
    assert_tensor(y, EM_F32, SHAPE(1, 0, 3), NO_VALUES);
    em_tensor_release(y);
    em_tensor_release(q);
    em_tensor_release(none);
}

/* Values of 1 and uniform weights: each result is the share that stayed, grown by 1 / (1 - p). */
static void dropout_keeps_the_mean(void **state)
{
    (void)state;
    enum { L = 100, S = 200 };
    em_tensor *q, *k, *v;
    assert_ok(em_tensor_zeros(&q, EM_F64, SHAPE(L, 1)));
    assert_ok(em_tensor_zeros(&k, EM_F64, SHAPE(S, 1)));
    assert_ok(em_tensor_zeros(&v, EM_F64, SHAPE(S, 1)));
    em_tensor_fill(v, 1);
    em_tensor *y = op_call(ATTENTION, "dropout_p=0.25", INPUTS(q, k, v));
    double mean = 0, spread = 0;
    for (int64_t i = 0; i < L; i++) mean += element(y, i) / L;
    for (int64_t i = 0; i < L; i++) spread += fabs(element(y, i) - mean) / L;
    assert_true(fabs(mean - 1) < 5 * sqrt(1.0 / 3 / (L * S)) && spread > 0.01);
    em_tensor_release(y);
    y = op_call(ATTENTION, "dropout_p=1", INPUTS(q, k, v));
    for (int64_t i = 0; i < L; i++) assert_true(element(y, i) == 0);
    em_tensor_release(y);
    em_tensor_release(q);
    em_tensor_release(k);
    em_tensor_release(v);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    em_tensor *x = wave_of(EM_F32, SHAPE(2, 3, 4), -1, 1), *other = wave_of(EM_F32, SHAPE(2, 3, 5), -1, 1);
    em_tensor *one = wave_of(EM_F32, SHAPE(1, 3, 4), -1, 1), *line = wave_of(EM_F32, SHAPE(4), -1, 1);
    em_tensor *wide = wave_of(EM_F64, SHAPE(2, 3, 4), -1, 1), *mask = wave_of(EM_F32, SHAPE(2, 2), -1, 1), *y;
    assert_fails(op_try(&y, ATTENTION, "", INPUTS(x, other, x)), EM_ESHAPE, "got (2, 3, 4), (2, 3, 5) and (2, 3, 4)");
    assert_fails(op_try(&y, ATTENTION, "", INPUTS(x, one, one)), EM_ESHAPE, "expected query (..., L, E)");
    assert_fails(op_try(&y, ATTENTION, "", INPUTS(line, line, line)), EM_ESHAPE, "expected query (..., L, E)");
    assert_fails(op_try(&y, ATTENTION, "", INPUTS(x, wide, x)), EM_ETYPE, "key is float64, expected float32");
    assert_fails(op_try(&y, ATTENTION, "", INPUTS(x, x, x, wide)), EM_ETYPE, "expected bool or float32");
    assert_fails(op_try(&y, ATTENTION, "", INPUTS(x, x, x, mask)), EM_ESHAPE, "the scores' shape (2, 3, 3)");
    assert_fails(op_try(&y, ATTENTION, "is_causal=true", INPUTS(x, x, x, x)), EM_ESHAPE, "attn_mask");
    assert_fails(op_try(&y, ATTENTION, "dropout_p=2", INPUTS(x, x, x)), EM_EVALUE, "dropout_p must be a probability");
    em_tensor_release(mask);
    mask = wave_of(EM_F32, SHAPE(3, 3), -1, 1);
    assert_fails(op_try(&y, ATTENTION, "is_causal=true", INPUTS(x, x, x, mask)), EM_EVALUE, "not both");
    em_tensor_release(x);
    em_tensor_release(other);
    em_tensor_release(one);
    em_tensor_release(line);
    em_tensor_release(wide);
    em_tensor_release(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(a_naive_loop_agrees),
        cmocka_unit_test(heads_may_be_views),
        cmocka_unit_test(a_query_that_sees_nothing_gets_zeros),
        cmocka_unit_test(empty_sizes_are_fine),
        cmocka_unit_test(dropout_keeps_the_mean),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
