/* The order of a small graph. */
#include "graph/variable.h"

#include "support.h"

static em_tensor *apply(const char *name, em_tensor *x, em_tensor *y)
{
    em_tensor *out;
    assert_ok(em_apply(em_op_find(name), (em_tensor *[]){x, y}, y ? 2 : 1, NULL, NULL, &out));
    return out;
}

static int64_t index_of(const em_order *o, const em_tensor *t)
{
    for (int64_t i = 0; i < o->n; i++)
        if (o->at[i] == em__var(t)->node) return i;
    return -1;
}

static void inputs_come_before_results_each_once(void **state)
{
    (void)state;
    em_tensor *x = tensor_of(EM_F64, SCALAR, VALUES(1));
    assert_ok(em_tensor_set_requires_grad(x, true));
    em_tensor *a = apply("exp", x, NULL), *b = apply("neg", a, NULL), *c = apply("mul", a, b), *d = apply("mul", c, c);
    em_tensor *side = apply("neg", b, NULL), *unrelated = apply("neg", x, NULL);
    em_order o = {0};
    em__order_start();
    assert_ok(em__order_add(&o, em__var(d)));
    assert_int_equal(o.n, 4);
    assert_true(index_of(&o, a) < index_of(&o, b) && index_of(&o, b) < index_of(&o, c));
    assert_true(index_of(&o, c) < index_of(&o, d));
    assert_int_equal(index_of(&o, side), -1);
    assert_ok(em__order_add(&o, em__var(side)));        /* a second root adds what is new, after what it came from */
    assert_int_equal(o.n, 5);
    assert_true(index_of(&o, b) < index_of(&o, side));
    assert_ok(em__order_add(&o, em__var(c)));
    assert_ok(em__order_add(&o, em__var(x)));
    assert_int_equal(o.n, 5);
    em__order_free(&o);
    release_all(TENSORS(x, a, b, c, d, side, unrelated));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inputs_come_before_results_each_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
