/* The list of formats: complete descriptors, each found by its name. */
#include "support.h"

static void each_format_is_whole_and_found(void **state)
{
    (void)state;
    assert_true(em_format_count() >= 1);
    for (int i = 0; i < em_format_count(); i++) {
        const em_format *f = em_format_at(i);
        assert_ptr_equal(em_format_find(f->name), f);
        assert_true(strlen(f->doc) > 20);
        assert_non_null(f->read);
        const em_options *both[] = {&f->reading, &f->writing};
        for (int k = 0; k < 2; k++) {
            assert_true(!both[k]->fields == !both[k]->initial);
            assert_true(both[k]->size <= EM_MAX_OPTIONS);
            for (const em_field *at = both[k]->fields; at && at->spec.name; at++) {
                assert_true(at->at + at->size <= both[k]->size);
                assert_non_null(at->spec.doc);
            }
        }
    }
    assert_null(em_format_find("no such format"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_format_is_whole_and_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
