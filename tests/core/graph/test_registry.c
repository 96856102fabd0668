#include "ops/op.h"

#include "op_call.h"

#include <math.h>

static void every_operation_is_found_and_described(void **state)
{
    (void)state;
    assert_true(em_op_count() > 0);
    for (int i = 0; i < em_op_count(); i++) {
        const em_op *op = em_op_at(i);
        assert_ptr_equal(em_op_find(em_op_name(op)), op);
        assert_int_equal(em_op_index(op), i);
        assert_true(strlen(em_op_doc(op)) > 2);
        for (const em_opt_spec *o = em_op_opts(op); o->name; o++)
            if (!o->initial || !o->choices || !o->doc || !*o->doc)
                fail_msg("%s: option %s is not described", em_op_name(op), o->name);
    }
    assert_null(em_op_find("no_such_operation"));
}

static void defaults_are_read_from_their_text(void **state)
{
    (void)state;
    em_opts o;
    em_opts_default(&o, em_op_find("embedding"));
    assert_false(o.at[0].given);                        /* padding_idx: none */
    assert_true(o.at[2].given && o.at[2].x == 2);       /* norm_type */
    assert_true(o.at[3].given && o.at[3].i == 0);
    const em_opt_spec mode = {"mode", EM_OPT_ENUM, "mean", "mean sum max", ""};
    assert_int_equal(em_opt_choice(&mode, "mean"), 0);
    assert_int_equal(em_opt_choice(&mode, "sum"), 1);
    assert_int_equal(em_opt_choice(&mode, "su"), -1);
    assert_int_equal(em_opt_choice(&mode, ""), -1);
}

static void ranges_of_numbers(void **state)
{
    (void)state;
    const struct {
        const char *range;
        double x;
        bool inside;
    } cases[] = {{"", -1, true}, {"", NAN, false}, {">= 0", 0, true}, {"> 0", 0, false}, {"> 1", 1.5, true},
                 {"<= 2", 2, true}, {"< 2", 2, false}, {"~= 0", 0, false}, {"~= 0", -3, true}, {"[0, 1)", 0, true},
                 {"[0, 1)", 1, false}, {"(0, 1]", 0, false}, {"(0, 1]", 1, true}, {">= 0", NAN, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const em_opt_spec spec = {"x", EM_OPT_NUMBER, "", cases[k].range, ""};
        assert_int_equal(em_opt_in_range(&spec, cases[k].x), cases[k].inside);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_of_numbers),
        cmocka_unit_test(every_operation_is_found_and_described),
        cmocka_unit_test(defaults_are_read_from_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
