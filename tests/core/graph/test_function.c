/* Functions from outside the core: their backward, its checks, and their context. */
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

/* y = x k, with a gradient as `context` says. */
typedef struct outside {
    em_tensor *x, *k;
    int calls, released;
    bool none, wrong_shape, fails;
} outside;

static em_status backward(void *context, em_tensor *const *saved, int n_saved, em_tensor *const *dy, em_tensor **dx)
{
    outside *o = context;
    o->calls++;
    assert_int_equal(n_saved, 1);
    if (o->fails) return EM_ECALLBACK;
    if (o->none) return EM_OK;
    if (o->wrong_shape) return em_tensor_zeros(&dx[0], EM_F64, 0, NULL);
    return em_apply(em_op_find("mul"), (em_tensor *[]){dy[0], saved[0]}, 2, NULL, NULL, &dx[0]);
}

static void release(void *context) { ((outside *)context)->released++; }

static em_status call(outside *o, em_tensor **out)
{
    em_set_grad_enabled(false);
    em_status s = em_apply(em_op_find("mul"), (em_tensor *[]){o->x, o->k}, 2, NULL, NULL, out);
    em_set_grad_enabled(true);
    if (s) return s;
    s = em_function_record(&(em_function){
        .name = "Scale", .context = o, .backward = backward, .release = release, .in = (em_tensor *[]){o->x, NULL},
        .out = out, .saved = &o->k, .n_in = 2, .n_out = 1, .n_saved = 1, .materialize = true});
    if (!s) return EM_OK;
    em_tensor_release(*out);
    *out = NULL;
    return s;
}

static void setup(outside *o)
{
    *o = (outside){.x = leaf(SHAPE(2), VALUES(1, 2)), .k = tensor_of(EM_F64, SHAPE(2), VALUES(3, 5))};
}

static void clean(outside *o)
{
    em_tensor_release(o->x);
    em_tensor_release(o->k);
}

static void its_backward_is_called_and_its_context_released_once(void **state)
{
    (void)state;
    outside o;
    setup(&o);
    em_tensor *y, *g = tensor_of(EM_F64, SHAPE(2), VALUES(1, 10));
    assert_ok(call(&o, &y));
    assert_string_equal(em_tensor_origin_name(y), "Scale");
    assert_ok(em_backward(y, g, false));
    assert_tensor(em_tensor_grad(o.x), EM_F64, SHAPE(2), VALUES(3, 50));
    assert_int_equal(o.released, 0);
    assert_fails(em_backward(y, g, false), EM_EGRAD, "Scale were freed");
    em_tensor_release(y);
    assert_int_equal(o.calls, 1);
    assert_int_equal(o.released, 1);
    em_tensor_release(g);
    clean(&o);
}

static void what_comes_back_is_checked(void **state)
{
    (void)state;
    outside o;
    setup(&o);
    em_tensor *y, *g = tensor_of(EM_F64, SHAPE(2), VALUES(1, 10));
    assert_ok(call(&o, &y));
    o.wrong_shape = true;
    assert_fails(em_backward(y, g, true), EM_ESHAPE,
                 "Scale: backward gave a gradient of shape () for argument 1, which has shape (2)");
    o.wrong_shape = false;
    o.fails = true;
    assert_int_equal(em_backward(y, g, true), EM_ECALLBACK);
    o.fails = false;
    o.none = true;
    assert_ok(em_backward(y, g, true));
    assert_null(em_tensor_grad(o.x));
    em_tensor_touch(o.k);
    assert_fails(em_backward(y, g, true), EM_EGRAD, "tensor 1 that Scale saved");
    em_tensor_release(y);
    em_tensor_release(g);
    clean(&o);
}

static em_status call_and_go_back(void *context, em_tensor *out[EM_MAX_OUT])
{
    outside *o = context;
    em_tensor *y = NULL, *sum = NULL, *g[1] = {NULL};
    em_status s = call(o, &y);
    if (!s) s = em_apply(em_op_find("sum"), &y, 1, NULL, NULL, &sum);
    if (!s) s = em_grad(&sum, NULL, 1, &o->x, 1, false, g);
    em_tensor_release(y);
    em_tensor_release(sum);
    if (!s) out[0] = g[0];
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    outside o;
    setup(&o);
    assert_true(each_allocation_fails(&(fallible){.call = call_and_go_back}, &o) > 10);
    em_tensor *y = apply("neg", o.x, NULL);
    em_tensor_release(y);
    clean(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_backward_is_called_and_its_context_released_once),
        cmocka_unit_test(what_comes_back_is_checked),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
