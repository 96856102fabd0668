/* Operations found by name, their options and the ranges of these. */
#include "graph/op.h"

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

static void assert_inputs(const char *op, int n, const em_input_spec *expected)
{
    const em_input_spec *inputs = em_op_inputs(em_op_find(op));
    for (int i = 0; i < n; i++) {
        assert_string_equal(inputs[i].name, expected[i].name);
        assert_int_equal(inputs[i].kind, expected[i].kind);
        assert_int_equal(inputs[i].optional, expected[i].optional);
    }
    assert_string_equal(inputs[n].name, "");
}

static void inputs_are_read_from_their_text(void **state)
{
    (void)state;
    assert_inputs("embedding_bag", 4, (em_input_spec[]){{"input", EM_INPUT_IDS, false},
                                                        {"weight", EM_INPUT_VALUE, false},
                                                        {"offsets", EM_INPUT_IDS, true},
                                                        {"per_sample_weights", EM_INPUT_VALUE, true}});
    const em_input_spec *masked = em_op_inputs(em_op_find("masked_fill"));
    assert_int_equal(masked[1].kind, EM_INPUT_MASK);
    assert_inputs("cat", 1, (em_input_spec[]){{"tensors", EM_INPUT_LIST, false}});
    for (int i = 0; i < em_op_count(); i++)
        if (!*em_op_inputs(em_op_at(i))->name) fail_msg("%s takes nothing", em_op_name(em_op_at(i)));
}

static void outputs_are_counted_without_hidden_ones(void **state)
{
    (void)state;
    assert_int_equal(em_op_output_count(em_op_find("sort")), 2);    /* values indices */
    assert_int_equal(em_op_output_count(em_op_find("embedding")), 1);
    assert_int_equal(em_op_output_count(em_op_find("layer_norm")), 1);      /* output [stats] */
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
        cmocka_unit_test(inputs_are_read_from_their_text),
        cmocka_unit_test(outputs_are_counted_without_hidden_ones),
        cmocka_unit_test(every_operation_is_found_and_described),
        cmocka_unit_test(defaults_are_read_from_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
