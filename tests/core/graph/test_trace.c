/* A backward that gives NaN names the call and where it was made. */
#include "graph/variable.h"

#include <string.h>

#include "support.h"

static em_tensor *leaf(int dims, const int64_t *sizes, int64_t count, const double *values)
{
    em_tensor *t = tensor_of(EM_F64, dims, sizes, count, values);
    assert_ok(em_tensor_set_requires_grad(t, true));
    return t;
}

static em_tensor *apply(const char *name, em_tensor *x, em_tensor *y)
{
    em_tensor *out;
    assert_ok(em_apply(em_op_find(name), (em_tensor *[]){x, y}, y ? 2 : 1, NULL, NULL, &out));
    return out;
}

static void place(void *context, char *text, size_t room)
{
    assert_true(room > 20);
    strcpy(text, context);
}

static void nan_names_call_and_place(void **state)
{
    (void)state;
    em_tensor *x = leaf(SHAPE(2), VALUES(0, 1)), *zero = tensor_of(EM_F64, SHAPE(2), VALUES(0, 0));
    em_tensor *before = apply("sqrt", x, NULL);
    char text[] = "net.lua:7";
    em_set_trace(place, text);
    em_tensor *after = apply("sqrt", x, NULL);
    assert_fails(em_backward(after, zero, true), EM_EGRAD,
                 "backward: sqrt gave NaN in the gradient of its input 0; sqrt was called at net.lua:7");
    assert_fails(em_backward(before, zero, true), EM_EGRAD, "sqrt was called while anomaly detection was off");
    assert_null(em_tensor_grad(x));
    em_set_trace(NULL, NULL);
    assert_ok(em_backward(after, zero, true));
    assert_tensor(em_tensor_grad(x), EM_F64, SHAPE(2), VALUES(0.0 / 0.0, 0));
    release_all(TENSORS(x, zero, before, after));
}

static em_status traced(void *context, em_tensor *out[EM_MAX_OUT])
{
    return em_apply(em_op_find("sqrt"), (em_tensor *const *)context, 1, NULL, NULL, out);
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_tensor *x = leaf(SHAPE(2), VALUES(1, 4));
    char text[] = "net.lua:7";
    em_set_trace(place, text);
    assert_true(each_allocation_fails(&(fallible){.call = traced}, &x) > 3);
    em_set_trace(NULL, NULL);
    em_tensor_release(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nan_names_call_and_place),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
