#include "graph/registry.h"

#include "support.h"

extern const em_variants em__operations[];

static void the_registry_has_the_list(void **state)
{
    (void)state;
    assert_true(em_op_count() > 200);
    assert_string_equal(em_op_name(em_op_at(0)), "embedding");
    assert_ptr_equal(em_op_find("embedding"), em__operations[0].floats[0][0]);
    assert_string_equal(em_op_name(em_op_at(em_op_count() - 1)), "nll_loss");
}

static void kinds_are_compiled_for_what_they_ask(void **state)
{
    (void)state;
    const em_variants *real = &em__operations[em_op_index(em_op_find("exp"))];
    const em_variants *any = &em__operations[em_op_index(em_op_find("add"))];
    const em_variants *move = &em__operations[em_op_index(em_op_find("reshape"))];
    assert_non_null(real->floats[0][0]);
    assert_non_null(real->floats[0][1]);
    assert_null(real->i64);
    assert_null(real->move);
    assert_ptr_not_equal(any->floats[0][0], any->floats[0][1]);
    assert_ptr_not_equal(any->i64, any->i32);
    assert_ptr_not_equal(any->u8, any->boolean);
    assert_null(any->move);
    assert_non_null(move->move);
    assert_null(move->floats[0][0]);
}

static void every_variant_bears_its_operations_name(void **state)
{
    (void)state;
    for (int i = 0; i < em_op_count(); i++) {
        const em_variants *v = &em__operations[i];
        const em_op *const all[] = {v->floats[0][0], v->floats[0][1], v->i64, v->i32, v->u8, v->boolean, v->move};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            if (all[k]) assert_string_equal(em_op_name(all[k]), em_op_name(em_op_at(i)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registry_has_the_list),
        cmocka_unit_test(kinds_are_compiled_for_what_they_ask),
        cmocka_unit_test(every_variant_bears_its_operations_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
