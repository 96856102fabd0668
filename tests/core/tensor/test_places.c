#include "tensor/places.h"

#include "support.h"

static void ids_may_count_from_the_end(void **state)
{
    (void)state;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, -1, -5, 4)), *places;
    em_tensor *plain = tensor_of(EM_I64, SHAPE(2), VALUES(4, 0));
    assert_ok(em__places_of_ids(&places, ids, 5, "take", "elements"));
    assert_tensor(places, EM_I64, SHAPE(2, 2), VALUES(0, 4, 0, 4));
    assert_tensor(ids, EM_I64, SHAPE(2, 2), VALUES(0, -1, -5, 4));
    em_tensor_release(places);
    assert_ok(em__places_of_ids(&places, plain, 5, "take", "elements"));
    assert_ptr_equal(places, plain);
    em_tensor_release(places);
    em_tensor_release(ids);
    em_tensor_release(plain);
}

static void ids_beyond_are_refused(void **state)
{
    (void)state;
    em_tensor *high = tensor_of(EM_I64, SHAPE(1, 2), VALUES(0, 5)), *places;
    em_tensor *low = tensor_of(EM_I64, SHAPE(2), VALUES(-6, 0));
    assert_fails(em__places_of_ids(&places, high, 5, "take", "elements"), EM_ERANGE, "index 5 at position [0, 1]");
    assert_null(places);
    assert_fails(em__places_of_ids(&places, low, 5, "take", "elements"), EM_ERANGE, "index -6 at position [0]");
    em_tensor_release(high);
    em_tensor_release(low);
}

static void masks_give_positions_in_order(void **state)
{
    (void)state;
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(2, 3), VALUES(0, 1, 0, 1, 0, 1)), *turned, *places;
    assert_ok(em__places_of_mask(&places, mask));
    assert_tensor(places, EM_I64, SHAPE(3), VALUES(1, 3, 5));
    em_tensor_release(places);
    assert_ok(em_tensor_view(&turned, mask, 0, SHAPE(3, 2), (int64_t[]){1, 3}));       /* 0 1, 1 0, 0 1 */
    assert_ok(em__places_of_mask(&places, turned));
    assert_tensor(places, EM_I64, SHAPE(3), VALUES(1, 2, 5));
    em_tensor_release(places);
    em_tensor_release(turned);
    em_tensor_release(mask);
    em_tensor *none = tensor_of(EM_BOOL, SHAPE(2), VALUES(0, 0));
    assert_ok(em__places_of_mask(&places, none));
    assert_tensor(places, EM_I64, SHAPE(0), NO_VALUES);
    em_tensor_release(places);
    em_tensor_release(none);
}

/* Many chunks, each counted by itself: the positions run through. */
static void long_masks_are_counted_through(void **state)
{
    (void)state;
    const int64_t n = 300001;
    em_tensor *mask, *places;
    assert_ok(em_tensor_zeros(&mask, EM_BOOL, 1, &n));
    for (int64_t i = 0; i < n; i += 7) em_tensor_set_int(mask, i, 1);
    for (int threads = 1; threads <= 4; threads += 3) {
        em_set_threads(threads);
        assert_ok(em__places_of_mask(&places, mask));
        assert_int_equal(em_tensor_count(places), (n + 6) / 7);
        for (int64_t k = 0; k < em_tensor_count(places); k++) assert_int_equal(element_int(places, k), 7 * k);
        em_tensor_release(places);
    }
    em_tensor_release(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_may_count_from_the_end),
        cmocka_unit_test(ids_beyond_are_refused),
        cmocka_unit_test(masks_give_positions_in_order),
        cmocka_unit_test(long_masks_are_counted_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
