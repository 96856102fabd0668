/* SGD against its recurrence; momentum worked out by hand. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    const double momentum = opt(o, "momentum"), lr = opt(o, "lr");
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    if (momentum != 0) {
        e->s[0] = t == 1 ? g : momentum * e->s[0] + (1 - opt(o, "dampening")) * g;
        g = opt(o, "nesterov") != 0 ? g + momentum * e->s[0] : e->s[0];
    }
    e->p -= lr * g;
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "lr=0.1", "lr=0.1 weight_decay=0.3", "lr=0.1 maximize=1", "lr=0.1 momentum=0.9",
        "lr=0.1 momentum=0.9 dampening=0.4", "lr=0.1 momentum=0.5 nesterov=1 weight_decay=0.1 maximize=1", "lr=0",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("SGD", cases[i], by_hand, TAKES_ALL);
}

/* Two steps of p = 1, g = 1: b = 1, 1.9; p = 1 - 0.1, 0.9 - 0.19. */
static void momentum_in_numbers(void **context)
{
    (void)context;
    options o = options_of("SGD", "lr=0.1 momentum=0.9");
    em_tensor *p = tensor_of(EM_F64, SCALAR, VALUES(1)), *g = tensor_of(EM_F64, SCALAR, VALUES(1));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 1));
    assert_tensor_close(1e-15, 0, p, EM_F64, SCALAR, VALUES(0.9));
    assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 2));
    assert_tensor_close(1e-15, 0, p, EM_F64, SCALAR, VALUES(0.71));
    assert_tensor_close(1e-15, 0, state[0], EM_F64, SCALAR, VALUES(1.9));
    em_tensor_release(state[0]);
    em_tensor_release(p);
    em_tensor_release(g);
}

/* The buffer is made at the step that first asks for it, and dampening does not apply to that one. */
static void momentum_switched_on_later(void **context)
{
    (void)context;
    options o = options_of("SGD", "lr=1"), heavy = options_of("SGD", "lr=1 momentum=0.5 dampening=0.5");
    em_tensor *p = tensor_of(EM_F32, SHAPE(1), VALUES(0)), *g = tensor_of(EM_F32, SHAPE(1), VALUES(1));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 1));
    assert_null(state[0]);
    assert_ok(em_rule_step(o.rule, p, g, &heavy.opts, state, 2));
    assert_tensor(p, EM_F32, SHAPE(1), VALUES(-2));
    assert_ok(em_rule_step(o.rule, p, g, &heavy.opts, state, 3));
    assert_tensor(p, EM_F32, SHAPE(1), VALUES(-3));
    em_tensor_release(state[0]);
    em_tensor_release(p);
    em_tensor_release(g);
}

static void nesterov_wants_momentum(void **context)
{
    (void)context;
    static const char *const cases[] = {"nesterov=1", "nesterov=1 momentum=0.9 dampening=0.1"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const options o = options_of("SGD", cases[i]);
        assert_fails(em_rule_check(o.rule, &o.opts), EM_EVALUE, "Nesterov momentum requires");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_its_recurrence),
        cmocka_unit_test(momentum_in_numbers),
        cmocka_unit_test(momentum_switched_on_later),
        cmocka_unit_test(nesterov_wants_momentum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
