/* Ranks by hand: ties, the filter, NaN. */
#include <math.h>

#include "support.h"

static void ties_filter_and_nan(void **state)
{
    (void)state;
    em_tensor *scores = tensor_of(EM_F32, SHAPE(4, 4), VALUES(1, 3, 2, 3, 1, 3, 2, 3, NAN, 3, 2, 1, 0, NAN, 0, 0)),
              *targets = tensor_of(EM_I64, SHAPE(4), VALUES(2, 1, 2, 1)),
              *keys = tensor_of(EM_I64, SHAPE(4), VALUES(0, 5, 0, 0)),
              *known_keys = tensor_of(EM_I64, SHAPE(3), VALUES(5, 5, 5)),
              *known_values = tensor_of(EM_I64, SHAPE(3), VALUES(1, 3, 99)), *better, *equal;
    em_answers *known;
    assert_ok(em_answers_new(&known, known_keys, known_values));
    assert_ok(em_rank_counts(&better, &equal, scores, targets, keys, known));
    assert_tensor(better, EM_I64, SHAPE(4), VALUES(2, 0, 2, 3));        /* the known 3 of row 1 left out */
    assert_tensor(equal, EM_I64, SHAPE(4), VALUES(0, 0, 0, 0));
    release_all(TENSORS(better, equal));
    assert_ok(em_rank_counts(&better, &equal, scores, targets, keys, NULL));
    assert_tensor(better, EM_I64, SHAPE(4), VALUES(2, 0, 2, 3));
    assert_tensor(equal, EM_I64, SHAPE(4), VALUES(0, 1, 0, 0));
    em_answers_release(known);
    release_all(TENSORS(scores, targets, keys, known_keys, known_values, better, equal));
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    em_tensor *scores = tensor_of(EM_F32, SHAPE(1, 2), VALUES(1, 2)), *far = tensor_of(EM_I64, SHAPE(1), VALUES(2)),
              *one = tensor_of(EM_I64, SHAPE(1), VALUES(0)), *two = tensor_of(EM_I64, SHAPE(2), VALUES(0, 0)), *b, *e;
    assert_fails(em_rank_counts(&b, &e, scores, far, one, NULL), EM_ERANGE, "target 2 at position 0");
    assert_fails(em_rank_counts(&b, &e, scores, two, one, NULL), EM_ESHAPE, "targets");
    assert_fails(em_rank_counts(&b, &e, one, one, one, NULL), EM_ETYPE, "expected float32, got int64");
    assert_null(b);
    release_all(TENSORS(scores, far, one, two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_filter_and_nan),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
