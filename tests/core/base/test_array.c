/* Arrays that grow: their elements, their capacity, and growing without memory. */
#include "base/array.h"

#include "support.h"

static void elements_stay_while_it_grows(void **state)
{
    (void)state;
    const int64_t blocks = em_memory_blocks();
    EM_ARRAY(int32_t) a = {0};
    int grown = 0;
    for (int32_t k = 0; k < 100000; k++) {
        const int64_t capacity = a.capacity;
        assert_ok(EM_ARRAY_RESERVE(&a, 1, "numbers"));
        grown += a.capacity != capacity;
        a.at[a.n++] = 3 * k;
    }
    for (int32_t k = 0; k < 100000; k++) assert_int_equal(a.at[k], 3 * k);
    assert_true(grown < 15);                            /* it doubles: 256 elements, 512, … */
    EM_ARRAY_FREE(&a);
    assert_int_equal(em_memory_blocks(), blocks);
}

static void there_is_as_much_room_as_asked_for(void **state)
{
    (void)state;
    struct wide { char bytes[5000]; };
    EM_ARRAY(struct wide) w = {0};
    assert_ok(EM_ARRAY_RESERVE(&w, 0, "nothing"));
    assert_null(w.at);
    assert_ok(EM_ARRAY_RESERVE(&w, 1, "wide ones"));
    assert_true(w.capacity >= 1);
    w.at[w.n++].bytes[4999] = 7;
    assert_ok(EM_ARRAY_RESERVE(&w, 900, "wide ones"));
    assert_true(w.capacity >= 901);
    assert_int_equal(w.at[0].bytes[4999], 7);
    const struct wide *const before = w.at;
    assert_ok(EM_ARRAY_RESERVE(&w, 900, "wide ones"));  /* none is needed: nothing moves */
    assert_ptr_equal(w.at, before);
    EM_ARRAY_FREE(&w);
}

static void without_memory_it_stays_as_it_was(void **state)
{
    (void)state;
    EM_ARRAY(char) text = {0};
    assert_ok(EM_ARRAY_RESERVE(&text, 4, "a text"));
    memcpy(text.at, "word", 4);
    text.n = 4;
    const int64_t capacity = text.capacity;
    em_memory_fail_after(0, false);
    assert_fails(EM_ARRAY_RESERVE(&text, capacity, "a text"), EM_ENOMEM, "a text");
    assert_int_equal(text.capacity, capacity);
    assert_memory_equal(text.at, "word", 4);
    EM_ARRAY_FREE(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_stay_while_it_grows),
        cmocka_unit_test(there_is_as_much_room_as_asked_for),
        cmocka_unit_test(without_memory_it_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
