#include "op_check.h"

#include <math.h>

#define RESULT(name, options, inputs, ...) \
    do { \
        em_tensor *y = op_call(name, options, inputs); \
        assert_tensor(y, __VA_ARGS__); \
        em_tensor_release(y); \
    } while (0)

static void numbers_and_weights(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I32, SHAPE(5), VALUES(1, 3, 1, 0, 3)),
              *w = tensor_of(EM_F64, SHAPE(5), VALUES(0.5, 1, 2, 4, -1));
    em_tensor *none = tensor_of(EM_I64, SHAPE(0), NO_VALUES);
    RESULT("bincount", "", INPUTS(x), EM_I64, SHAPE(4), VALUES(1, 2, 0, 2));
    RESULT("bincount", "minlength=6", INPUTS(x), EM_I64, SHAPE(6), VALUES(1, 2, 0, 2, 0, 0));
    RESULT("bincount", "", INPUTS(x, w), EM_F64, SHAPE(4), VALUES(4, 2.5, 0, 0));
    RESULT("bincount", "", INPUTS(none), EM_I64, SHAPE(0), NO_VALUES);
    RESULT("bincount", "minlength=2", INPUTS(none), EM_I64, SHAPE(2), VALUES(0, 0));
    em_tensor_release(x);
    em_tensor_release(w);
    em_tensor_release(none);
}

static void bins(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F32, SHAPE(2, 4), VALUES(0, 1, 2, 3, 4, 4, -1, NAN)),
              *i = tensor_of(EM_I64, SHAPE(3), VALUES(1, 2, 4));
    em_tensor *same = tensor_of(EM_F32, SHAPE(2), VALUES(5, 5)), *none = tensor_of(EM_F32, SHAPE(0), NO_VALUES);
    RESULT("histc", "bins=4 min=0 max=4", INPUTS(x), EM_F32, SHAPE(4), VALUES(1, 1, 1, 3));
    RESULT("histc", "bins=3", INPUTS(i), EM_F32, SHAPE(3), VALUES(1, 1, 1));
    RESULT("histc", "bins=4", INPUTS(same), EM_F32, SHAPE(4), VALUES(0, 0, 2, 0));
    RESULT("histc", "bins=2", INPUTS(none), EM_F32, SHAPE(2), VALUES(0, 0));
    op_fails("histc", "bins=2", INPUTS(x), EM_EVALUE, "range");
    op_fails("histc", "bins=0", INPUTS(x), EM_EVALUE, "bins = 0");
    op_fails("histc", "min=2 max=1", INPUTS(x), EM_EVALUE, "2 to 1");
    op_fails("histc", "max=inf", INPUTS(x), EM_EVALUE, "finite");
    release_all(TENSORS(x, i, same, none));
}

/* Between numbers whose distance is infinite. */
static void bins_of_the_widest_range(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SHAPE(5), VALUES(-1.7e308, -1, 0, 1, 1.7e308));
    em_tensor *y = op_call("histc", "bins=4", INPUTS(x));
    assert_tensor(y, EM_F64, SHAPE(4), VALUES(1, 0, 3, 1));
    em_tensor_release(y);
    y = op_call("histc", "bins=2 min=-1.7e308 max=1.7e308", INPUTS(x));
    assert_tensor(y, EM_F64, SHAPE(2), VALUES(1, 4));    /* -1 is the middle, to 16 digits */
    release_all(TENSORS(x, y));
}

static void bad_counts_are_refused(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_I64, SHAPE(2), VALUES(1, -1)), *m = tensor_of(EM_I64, SHAPE(1, 2), VALUES(1, 1)),
              *w = tensor_of(EM_F32, SHAPE(1), VALUES(1));
    em_tensor *good = tensor_of(EM_I64, SHAPE(2), VALUES(1, 1)), *f = tensor_of(EM_F32, SHAPE(1), VALUES(1)), *far;
    assert_ok(em_tensor_clone(&far, good));
    em_tensor_set_int(far, 0, INT64_MAX);
    op_fails("bincount", "", INPUTS(x), EM_ERANGE, "input -1 at position [1] is negative");
    op_fails("bincount", "", INPUTS(m), EM_ESHAPE, "input must have 1 dims");
    op_fails("bincount", "", INPUTS(good, w), EM_ESHAPE, "weights (1): expected the shape of input (2)");
    op_fails("bincount", "minlength=-1", INPUTS(good), EM_EVALUE, "minlength = -1");
    op_fails("bincount", "", INPUTS(f), EM_ETYPE, "integer");
    op_fails("bincount", "", INPUTS(far), EM_ERANGE, "too large");
    release_all(TENSORS(x, m, w, good, f, far));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_weights), cmocka_unit_test(bins), cmocka_unit_test(bins_of_the_widest_range),
        cmocka_unit_test(bad_counts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
