/* Negatives: one side changes, by the given chances; never a known triple. */
#include "support.h"

enum { NUM = 4000 };

static void one_side_changes_and_nothing_known_comes(void **state)
{
    (void)state;
    em_tensor *triple = tensor_of(EM_I64, SHAPE(1, 3), VALUES(1, 0, 2)),
              *share = tensor_of(EM_F64, SHAPE(1), VALUES(0.25)), *keys = tensor_of(EM_I64, SHAPE(3), VALUES(1, 1, 0)),
              *values = tensor_of(EM_I64, SHAPE(3), VALUES(2, 3, 2)), *out, *again;
    em_answers *known;
    em_rng rng = {.seed = 3}, same = {.seed = 3};
    assert_ok(em_answers_new(&known, keys, values));
    assert_ok(em_corrupt(&out, triple, NUM, 5, share, known, &rng));
    int heads = 0;
    for (int i = 0; i < NUM; i++) {
        const int64_t *t = (const int64_t *)em_tensor_data(out) + 3 * i;
        assert_int_equal(t[1], 0);
        assert_true((t[0] == 1) != (t[2] == 2));        /* the triple itself is known */
        assert_false(em_answers_has(known, t[0], t[2]));
        heads += t[0] != 1;
    }
    assert_in_range(heads, NUM / 4 - 150, NUM / 4 + 150);       /* five deviations */
    assert_ok(em_set_threads(1));
    assert_ok(em_corrupt(&again, triple, NUM, 5, share, known, &same));
    assert_same_bits(out, again);
    assert_int_equal(rng.position, NUM);
    em_answers_release(known);
    release_all(TENSORS(triple, share, keys, values, out, again));
}

static void what_cannot_be_is_an_error(void **state)
{
    (void)state;
    em_tensor *triple = tensor_of(EM_I64, SHAPE(1, 3), VALUES(0, 0, 0)),
              *far = tensor_of(EM_I64, SHAPE(1, 3), VALUES(0, 1, 0)), *share = tensor_of(EM_F64, SHAPE(1), VALUES(0)),
              *keys = tensor_of(EM_I64, SHAPE(2), VALUES(0, 0)), *values = tensor_of(EM_I64, SHAPE(2), VALUES(0, 1)),
              *out;
    em_answers *known;
    em_rng rng = {0};
    assert_ok(em_answers_new(&known, keys, values));
    assert_fails(em_corrupt(&out, triple, 1, 2, share, known, &rng), EM_EVALUE, "every entity in its place");
    assert_fails(em_corrupt(&out, far, 1, 2, share, NULL, &rng), EM_ERANGE, "id 1 at position [0, 1]");
    assert_fails(em_corrupt(&out, keys, 1, 2, share, NULL, &rng), EM_ESHAPE, "expected (B, 3)");
    assert_null(out);
    assert_int_equal(rng.position, 0);
    em_answers_release(known);
    release_all(TENSORS(triple, far, share, keys, values));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_side_changes_and_nothing_known_comes),
        cmocka_unit_test(what_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
