/* Known answers: what is found by key, by hand. */
#include "support.h"

static void answers_are_found_sorted_and_once(void **state)
{
    (void)state;
    em_tensor *keys = tensor_of(EM_I64, SHAPE(6), VALUES(7, 3, 7, 3, 7, 9)),
              *values = tensor_of(EM_I64, SHAPE(6), VALUES(5, 1, 2, 1, 5, 0)), *list, *ends;
    em_answers *a;
    int64_t n;
    assert_ok(em_answers_new(&a, keys, values));
    const int64_t *found = em_answers_find(a, 7, &n);
    assert_int_equal(n, 2);
    assert_int_equal(found[0], 2);
    assert_int_equal(found[1], 5);
    em_answers_find(a, 8, &n);
    assert_int_equal(n, 0);
    assert_true(em_answers_has(a, 3, 1));
    assert_false(em_answers_has(a, 3, 2));
    assert_false(em_answers_has(a, 10, 0));
    em_tensor *asked = tensor_of(EM_I64, SHAPE(3), VALUES(9, 8, 7));
    assert_ok(em_answers_list(&list, &ends, a, asked));
    assert_tensor(list, EM_I64, SHAPE(3), VALUES(0, 2, 5));
    assert_tensor(ends, EM_I64, SHAPE(3), VALUES(1, 1, 3));
    em_answers_release(a);
    release_all(TENSORS(keys, values, list, ends, asked));
}

static void none_and_what_does_not_fit(void **state)
{
    (void)state;
    em_tensor *none = tensor_of(EM_I64, SHAPE(0), NO_VALUES), *two = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)),
              *floats = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2));
    em_answers *a;
    assert_ok(em_answers_new(&a, none, none));
    assert_false(em_answers_has(a, 0, 0));
    em_answers_release(a);
    assert_fails(em_answers_new(&a, two, none), EM_ESHAPE, "values");
    assert_null(a);
    assert_fails(em_answers_new(&a, floats, two), EM_ETYPE, "expected int64, got float32");
    em_answers_release(NULL);
    release_all(TENSORS(none, two, floats));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_found_sorted_and_once),
        cmocka_unit_test(none_and_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
