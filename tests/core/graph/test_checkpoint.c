/* Checkpoints: values computed again, and other calls refused. */
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

/* exp(sin(x)), made again on demand; `second` is what takes the place of sin then. */
typedef struct twice {
    em_tensor *x;
    const char *second;
    int reruns, released;
    bool more;
} twice;

static em_status chain(twice *c, const char *first, em_tensor **out)
{
    em_tensor *a = NULL;
    em_status s = em_apply(em_op_find(first), &c->x, 1, NULL, NULL, &a);
    if (!s) s = em_apply(em_op_find("exp"), &a, 1, NULL, NULL, out);
    em_tensor_release(a);
    return s;
}

static em_status again(void *context)
{
    twice *c = context;
    em_tensor *out = NULL;
    c->reruns++;
    em_status s = chain(c, c->second, &out);
    if (!s && c->more) {
        em_tensor *further = NULL;
        s = em_apply(em_op_find("exp"), &out, 1, NULL, NULL, &further);
        em_tensor_release(further);
    }
    em_tensor_release(out);
    return s;
}

static void release(void *context) { ((twice *)context)->released++; }

static em_status forward(twice *c, em_tensor **out)
{
    em_checkpoint *checkpoint;
    *out = NULL;
    em_status s = em_checkpoint_open(&checkpoint, again, release, c);
    if (s) return s;
    s = chain(c, "sin", out);
    em_checkpoint_close(checkpoint);
    return s;
}

static void the_values_are_made_again(void **state)
{
    (void)state;
    twice c = {.x = leaf(SHAPE(2), VALUES(0.3, 2)), .second = "sin"};
    em_tensor *y, *plain, *g = tensor_of(EM_F64, SHAPE(2), VALUES(1, 10)), *by_checkpoint, *by_plain;
    assert_ok(forward(&c, &y));
    assert_ok(chain(&c, "sin", &plain));
    assert_int_equal(c.reruns, 0);
    assert_null(em__var(y)->node->y[0]->storage);       /* exp keeps its result; here it does not */
    assert_ok(em_grad(&y, &g, 1, &c.x, 1, false, &by_checkpoint));
    assert_ok(em_grad(&plain, &g, 1, &c.x, 1, false, &by_plain));
    assert_int_equal(c.reruns, 1);
    assert_same_bits(by_checkpoint, by_plain);
    em_tensor *none;
    assert_fails(em_grad(&y, &g, 1, &c.x, 1, false, &none), EM_EGRAD, "freed by an earlier backward");
    assert_int_equal(c.released, 0);
    em_tensor_release(y);
    assert_int_equal(c.released, 1);
    release_all(TENSORS(plain, g, by_checkpoint, by_plain, c.x));
}

static void other_calls_are_refused(void **state)
{
    (void)state;
    twice c = {.x = leaf(SCALAR, VALUES(0.3)), .second = "cos"};
    em_tensor *y;
    assert_ok(forward(&c, &y));
    assert_fails(em_backward(y, NULL, false), EM_EGRAD, "its call 1 was sin, now it is cos");
    c.second = "sin";
    c.more = true;
    assert_fails(em_backward(y, NULL, false), EM_EGRAD, "makes more calls than the first time (exp)");
    assert_null(em_tensor_grad(c.x));
    c.more = false;
    assert_ok(em_backward(y, NULL, false));
    em_tensor *cosine = apply("cos", c.x, NULL), *slope = apply("mul", cosine, y);
    assert_tensor_close(1e-14, 0, em_tensor_grad(c.x), EM_F64, SCALAR, VALUES(element(slope, 0)));
    release_all(TENSORS(y, cosine, slope, c.x));
}

static em_status forward_and_back(void *context, em_tensor *out[EM_MAX_OUT])
{
    twice *c = context;
    em_tensor *y = NULL;
    em_status s = forward(c, &y);
    if (!s) s = em_grad(&y, NULL, 1, &c->x, 1, false, out);
    em_tensor_release(y);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    twice c = {.x = leaf(SCALAR, VALUES(0.3)), .second = "sin"};
    assert_true(each_allocation_fails(&(fallible){.call = forward_and_back}, &c) > 10);
    em_tensor_release(c.x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_values_are_made_again),
        cmocka_unit_test(other_calls_are_refused),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
