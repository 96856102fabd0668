#include "ops/op.h"

#include "op_call.h"

/* ---- the table ----------------------------------------------------------------------------------------- */

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
    assert_int_equal(em__choice("mean sum max", "sum", 3), 1);
    assert_int_equal(em__choice("mean sum max", "su", 2), -1);
}

/* ---- promotion ----------------------------------------------------------------------------------------- */

static em_tensor *of_dtype(em_dtype dtype, int dims, bool number)
{
    em_tensor *t;
    assert_ok(em_tensor_zeros(&t, dtype, dims, (int64_t[]){1, 1}));
    if (number) em_tensor_mark_number(t);
    return t;
}

/* PyTorch's result_type: dims beat 0-d tensors beat numbers, unless those are of a higher kind. */
static void dtypes_promote_as_in_pytorch(void **state)
{
    (void)state;
    static const struct {
        em_dtype a;
        int a_dims;
        em_dtype b;
        int b_dims;
        bool b_number;
        em_dtype want;
    } cases[] = {
        {EM_F32, 1, EM_F64, 1, false, EM_F64},    {EM_F32, 1, EM_F64, 0, false, EM_F32},
        {EM_F32, 1, EM_I64, 1, false, EM_F32},    {EM_I32, 1, EM_I64, 1, false, EM_I64},
        {EM_I32, 1, EM_I64, 0, false, EM_I32},    {EM_U8, 1, EM_I32, 1, false, EM_I32},
        {EM_BOOL, 1, EM_U8, 0, false, EM_U8},     {EM_I32, 1, EM_F64, 0, false, EM_F64},
        {EM_I32, 1, EM_F64, 0, true, EM_F32},     {EM_F64, 1, EM_F64, 0, true, EM_F64},
        {EM_F32, 1, EM_I64, 0, true, EM_F32},     {EM_U8, 1, EM_I64, 0, true, EM_U8},
        {EM_BOOL, 1, EM_I64, 0, true, EM_I64},    {EM_F32, 0, EM_F64, 0, true, EM_F32},
        {EM_BOOL, 1, EM_BOOL, 1, false, EM_BOOL},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        em_tensor *a = of_dtype(cases[k].a, cases[k].a_dims, false);
        em_tensor *b = of_dtype(cases[k].b, cases[k].b_dims, cases[k].b_number);
        assert_int_equal(em__promote((em_tensor *[]){a, b}, NULL, 2), cases[k].want);
        assert_int_equal(em__promote((em_tensor *[]){b, a}, NULL, 2), cases[k].want);
        em_tensor_release(a);
        em_tensor_release(b);
    }
}

/* ---- refusals ------------------------------------------------------------------------------------------ */

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *ids = tensor_of(EM_I64, SHAPE(1), VALUES(0)), *sparse,
              *y;
    em_tensor *values = tensor_of(EM_F32, SHAPE(1, 1), VALUES(1));
    assert_ok(em_rows_new(&sparse, ids, values, 3));
    assert_fails(op_try(&y, "add", "", INPUTS(x)), EM_EVALUE, "add: expected");
    assert_fails(op_try(&y, "add", "", INPUTS(x, NULL)), EM_ETYPE, "is missing");
    assert_fails(op_try(&y, "neg", "", INPUTS(sparse)), EM_ETYPE, "row-sparse");
    assert_fails(em_apply(NULL, &x, 1, NULL, NULL, &y), EM_EVALUE, "no such operation");
    assert_fails(op_try(&y, "where", "", INPUTS(x, x, x)), EM_ETYPE, "must be bool, got float32");
    em_tensor *all[] = {x, ids, sparse, values};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) em_tensor_release(all[k]);
}

static em_status inplace(const char *name, em_tensor *self, em_tensor *other)
{
    return em_apply_inplace(em_op_find(name), self, (em_tensor *[]){self, other}, other ? 2 : 1, NULL, NULL);
}

static void in_place_results_must_fit(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I64, SHAPE(2), VALUES(1, 2)), *half = tensor_of(EM_F32, SHAPE(2), VALUES(0.5, 0.5));
    em_tensor *grid = tensor_of(EM_I64, SHAPE(2, 2), VALUES(1, 2, 3, 4));
    assert_fails(inplace("add", x, half), EM_ETYPE, "float32, which cannot be kept in a tensor of int64");
    assert_fails(inplace("add", x, grid), EM_ESHAPE, "(2, 2), which does not fit into (2)");
    assert_tensor(x, EM_I64, SHAPE(2), VALUES(1, 2));
    assert_int_equal(em_tensor_version(x), 0);
    assert_ok(inplace("add", grid, x));
    assert_tensor(grid, EM_I64, SHAPE(2, 2), VALUES(2, 4, 4, 6));
    assert_int_equal(em_tensor_version(grid), 1);
    em_tensor_release(x);
    em_tensor_release(half);
    em_tensor_release(grid);
}

/* A strided tensor, and operands that share its memory. */
static void in_place_on_windows_of_one_storage(void **state)
{
    (void)state;
    em_tensor *base = tensor_of(EM_F32, SHAPE(4), VALUES(1, 2, 3, 4)), *even, *tail, *head;
    assert_ok(em_tensor_view(&even, base, 0, SHAPE(2), (int64_t[]){2}));
    assert_ok(inplace("neg", even, NULL));
    assert_tensor(base, EM_F32, SHAPE(4), VALUES(-1, 2, -3, 4));
    assert_ok(em_tensor_view(&head, base, 0, SHAPE(3), (int64_t[]){1}));
    assert_ok(em_tensor_view(&tail, base, 1, SHAPE(3), (int64_t[]){1}));
    assert_ok(inplace("add", tail, head));              /* reads what it overwrites */
    assert_tensor(base, EM_F32, SHAPE(4), VALUES(-1, 1, -1, 1));
    em_tensor *all[] = {base, even, head, tail};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) em_tensor_release(all[k]);
}

/* ---- interruption -------------------------------------------------------------------------------------- */

static void an_interrupt_ends_a_call(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)), *y;
    em_interrupt();
    assert_fails(op_try(&y, "neg", "", INPUTS(x)), EM_EINTERRUPT, "interrupted!");
    em_clear_interrupt();
    assert_ok(op_try(&y, "neg", "", INPUTS(x)));
    em_tensor_release(y);
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_found_and_described),
        cmocka_unit_test(defaults_are_read_from_their_text),
        cmocka_unit_test(dtypes_promote_as_in_pytorch),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(in_place_results_must_fit),
        cmocka_unit_test(in_place_on_windows_of_one_storage),
        cmocka_unit_test(an_interrupt_ends_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
