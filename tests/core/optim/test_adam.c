/* Adam and AdamW against their recurrence. */
#include "by_hand.h"

static void adam(element_state *e, double g, const options *o, int64_t t)
{
    const double beta1 = opt(o, "betas[0]"), beta2 = opt(o, "betas[1]");
    e->s[0] = beta1 * e->s[0] + (1 - beta1) * g;
    e->s[1] = beta2 * e->s[1] + (1 - beta2) * g * g;
    e->s[2] = fmax(e->s[2], e->s[1]);
    const double over = opt(o, "amsgrad") != 0 ? e->s[2] : e->s[1];
    const double corrected = e->s[0] / (1 - pow(beta1, (double)t));
    e->p -= opt(o, "lr") * corrected / (sqrt(over / (1 - pow(beta2, (double)t))) + opt(o, "eps"));
}

static void adam_by_hand(element_state *e, double g, const options *o, int64_t t)
{
    if (opt(o, "maximize") != 0) g = -g;
    adam(e, g + opt(o, "weight_decay") * e->p, o, t);
}

static void adamw_by_hand(element_state *e, double g, const options *o, int64_t t)
{
    if (opt(o, "maximize") != 0) g = -g;
    e->p *= 1 - opt(o, "lr") * opt(o, "weight_decay");
    adam(e, g, o, t);
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "", "lr=0.1 amsgrad=1 betas[0]=0.8 betas[1]=0.5", "lr=0.1 weight_decay=0.5 maximize=1",
        "lr=0.1 eps=0.01 betas[0]=0 betas[1]=0",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        follows("Adam", cases[i], adam_by_hand, TAKES_ALL);
        follows("AdamW", cases[i], adamw_by_hand, TAKES_ALL);
    }
}

/* With eps = 0 the first step is lr times the sign of the gradient, however small. */
static void first_step_is_the_sign(void **context)
{
    (void)context;
    const options o = options_of("Adam", "lr=0.5 eps=0");
    em_tensor *p = tensor_of(EM_F64, SHAPE(3), VALUES(1, 1, 1));
    em_tensor *g = tensor_of(EM_F64, SHAPE(3), VALUES(1e-9, -3, 1e9));
    em_tensor *state[EM_MAX_STATE] = {NULL};
    assert_ok(em_rule_step(o.rule, p, g, &o.opts, state, 1));
    assert_tensor_close(1e-12, 0, p, EM_F64, SHAPE(3), VALUES(0.5, 1.5, 0.5));
    assert_null(state[2]);
    for (int k = 0; k < EM_MAX_STATE; k++) em_tensor_release(state[k]);
    em_tensor_release(p);
    em_tensor_release(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_its_recurrence),
        cmocka_unit_test(first_step_is_the_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
