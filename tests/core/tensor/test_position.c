/* Positions of ids and masks, and the errors that name them. */
#include "tensor/position.h"

#include "support.h"

static void a_wrong_id_is_named_with_its_position(void **state)
{
    (void)state;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, 4, 7, -1));
    assert_fails(em__check_ids("f", ids, 5, "rows"), EM_ERANGE,
                 "f: index 7 at position [1, 0] is out of range for rows = 5");
    assert_fails(em__check_ids("f", ids, 8, "rows"), EM_ERANGE, "index -1 at position [1, 1]");
    em_tensor_release(ids);
}

static void ids_at_the_ends_of_their_range(void **state)
{
    (void)state;
    static const int64_t ids[] = {INT64_MIN, INT64_MIN + 1, -2, -1, 0, 1, 4, 5, 6, INT64_MAX - 1, INT64_MAX};
    static const int64_t rows[] = {0, 1, 5, 6, INT64_MAX - 1, INT64_MAX};
    em_tensor *id = tensor_of(EM_I64, SHAPE(1), VALUES(0));
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            *(int64_t *)em_tensor_data(id) = ids[i];
            assert_int_equal(em__check_ids("f", id, rows[r], "rows") == EM_OK, ids[i] >= 0 && ids[i] < rows[r]);
        }
    em_tensor_release(id);
}

static void ids_may_count_from_the_end(void **state)
{
    (void)state;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2, 2), VALUES(0, -1, -5, 4)), *positions;
    em_tensor *plain = tensor_of(EM_I64, SHAPE(2), VALUES(4, 0));
    assert_ok(em__positions_of_ids(&positions, ids, 5, "take", "elements"));
    assert_tensor(positions, EM_I64, SHAPE(2, 2), VALUES(0, 4, 0, 4));
    assert_tensor(ids, EM_I64, SHAPE(2, 2), VALUES(0, -1, -5, 4));
    em_tensor_release(positions);
    assert_ok(em__positions_of_ids(&positions, plain, 5, "take", "elements"));
    assert_ptr_equal(positions, plain);
    em_tensor_release(positions);
    em_tensor_release(ids);
    em_tensor_release(plain);
}

static void ids_beyond_are_refused(void **state)
{
    (void)state;
    em_tensor *high = tensor_of(EM_I64, SHAPE(1, 2), VALUES(0, 5)), *positions;
    em_tensor *low = tensor_of(EM_I64, SHAPE(2), VALUES(-6, 0));
    assert_fails(em__positions_of_ids(&positions, high, 5, "take", "elements"), EM_ERANGE,
                 "index 5 at position [0, 1]");
    assert_null(positions);
    assert_fails(em__positions_of_ids(&positions, low, 5, "take", "elements"), EM_ERANGE, "index -6 at position [0]");
    em_tensor_release(high);
    em_tensor_release(low);
}

static void masks_give_positions_in_order(void **state)
{
    (void)state;
    em_tensor *mask = tensor_of(EM_BOOL, SHAPE(2, 3), VALUES(0, 1, 0, 1, 0, 1)), *turned, *positions;
    assert_ok(em__positions_of_mask(&positions, mask));
    assert_tensor(positions, EM_I64, SHAPE(3), VALUES(1, 3, 5));
    em_tensor_release(positions);
    assert_ok(em_tensor_view(&turned, mask, 0, SHAPE(3, 2), (int64_t[]){1, 3}));       /* 0 1, 1 0, 0 1 */
    assert_ok(em__positions_of_mask(&positions, turned));
    assert_tensor(positions, EM_I64, SHAPE(3), VALUES(1, 2, 5));
    em_tensor_release(positions);
    em_tensor_release(turned);
    em_tensor_release(mask);
    em_tensor *none = tensor_of(EM_BOOL, SHAPE(2), VALUES(0, 0));
    assert_ok(em__positions_of_mask(&positions, none));
    assert_tensor(positions, EM_I64, SHAPE(0), NO_VALUES);
    em_tensor_release(positions);
    em_tensor_release(none);
}

/* Many chunks, each counted by itself: the positions run through. */
static void long_masks_are_counted_through(void **state)
{
    (void)state;
    const int64_t n = 300001;
    em_tensor *mask, *positions;
    assert_ok(em_tensor_zeros(&mask, EM_BOOL, 1, &n));
    for (int64_t i = 0; i < n; i += 7) em_tensor_set_int(mask, i, 1);
    for (int threads = 1; threads <= 4; threads += 3) {
        em_set_threads(threads);
        assert_ok(em__positions_of_mask(&positions, mask));
        assert_int_equal(em_tensor_count(positions), (n + 6) / 7);
        for (int64_t k = 0; k < em_tensor_count(positions); k++) assert_int_equal(element_int(positions, k), 7 * k);
        em_tensor_release(positions);
    }
    em_tensor_release(mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_id_is_named_with_its_position),
        cmocka_unit_test(ids_at_the_ends_of_their_range),
        cmocka_unit_test(ids_may_count_from_the_end),
        cmocka_unit_test(ids_beyond_are_refused),
        cmocka_unit_test(masks_give_positions_in_order),
        cmocka_unit_test(long_masks_are_counted_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
