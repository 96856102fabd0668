/* Features by hand, one step by its formula, what is refused. */
#include <math.h>

#include "support.h"

static em_vocab *vocab_of_ab(void)
{
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    assert_ok(em_vocab_add(v, "a", 1, 1, NULL));
    assert_ok(em_vocab_add(v, "</s>", 4, 1, NULL));
    return v;
}

/* FNV-1a in 32 bits: "a" 3826002220, "b" 3876335077, "</s>" 3617362777, taken as numbers with a sign; joined as
 * hash * 116049371 + hash in 64 bits, modulo 1000, worked out with another program. */
static void features_are_words_and_ngrams(void **state)
{
    (void)state;
    em_vocab *v = vocab_of_ab();
    em_tensor *ids, *starts;
    const em_word texts[] = {{" a\tb ", 5}, {"", 0}};
    assert_ok(em_features(&ids, &starts, texts, 2, v, &(em_feature_opts){2, 0, 0, 1000}));
    assert_tensor_close(0, 0, starts, EM_I64, SHAPE(3), VALUES(0, 4, 5));
    assert_tensor_close(0, 0, ids, EM_I64, SHAPE(5), VALUES(0, 1, 2 + 201, 2 + 848, 1));
    em_tensor_release(ids);
    em_tensor_release(starts);
    em_vocab_release(v);
}

/* One text of rows 0 and 1: h = (2, 1). y_c moves by lr (1[c = label] - p_c) h, a row by the sum over c of the same
 * factor times y_c, halved. */
static void a_step_follows_its_formula(void **state)
{
    (void)state;
    em_tensor *input = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 0, 3, 2));
    em_tensor *output = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 0, -1, 0));
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1)), *starts = tensor_of(EM_I64, SHAPE(2), VALUES(0, 2));
    em_tensor *labels = tensor_of(EM_I64, SHAPE(1), VALUES(1)), *p;
    double loss;
    const double p0 = 1 / (1 + exp(-4.0)), step = 0.5 * p0;    /* scores 2 and -2; the label's slope is 1 - p1 = p0 */
    assert_ok(em_classifier_scores(&p, input, output, ids, starts));
    assert_tensor_close(1e-6, 0, p, EM_F32, SHAPE(1, 2), VALUES(p0, 1 - p0));
    em_tensor_release(p);
    assert_ok(em_classifier_train(input, output, ids, starts, labels, 1, 0.5, &loss));
    assert_true(fabs(loss + log(1 - p0)) < 1e-5);
    assert_tensor_close(1e-6, 1e-6, output, EM_F32, SHAPE(2, 2),
                        VALUES(1 - 2 * step, -step, -1 + 2 * step, step));
    assert_tensor_close(1e-6, 1e-6, input, EM_F32, SHAPE(2, 2), VALUES(1 - step, 0, 3 - step, 2));
    em_tensor_release(input);
    em_tensor_release(output);
    em_tensor_release(ids);
    em_tensor_release(starts);
    em_tensor_release(labels);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    em_vocab *v = vocab_of_ab();
    em_tensor *ids, *starts, *table = tensor_of(EM_F32, SHAPE(1, 1), VALUES(1));
    static const em_feature_opts bad[] = {{0, 0, 0, 1}, {1, -1, 2, 1}, {1, 1, 101, 1}, {2, 0, 0, 0}, {1, 2, 3, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(EM_EVALUE, em_features(&ids, &starts, NULL, 0, v, bad + i));
    em_tensor *outside = tensor_of(EM_I64, SHAPE(1), VALUES(1)), *one = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1)), *p;
    assert_int_equal(EM_ERANGE, em_classifier_scores(&p, table, table, outside, one));
    assert_int_equal(EM_ETYPE, em_classifier_scores(&p, table, table, table, one));
    em_tensor_release(outside);
    em_tensor_release(one);
    em_tensor_release(table);
    em_vocab_release(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_words_and_ngrams),
        cmocka_unit_test(a_step_follows_its_formula),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
