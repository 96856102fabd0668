/* NAdam against its recurrence. */
#include "by_hand.h"

static double momentum(const options *o, int64_t t)
{
    return opt(o, "betas[0]") * (1 - 0.5 * pow(0.96, (double)t * opt(o, "momentum_decay")));
}

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    const double beta1 = opt(o, "betas[0]"), beta2 = opt(o, "betas[1]");
    float product = 1;                          /* kept as such */
    for (int64_t k = 1; k <= t; k++) product *= (float)momentum(o, k);
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    e->s[0] = beta1 * e->s[0] + (1 - beta1) * g;
    e->s[1] = beta2 * e->s[1] + (1 - beta2) * g * g;
    const double now = momentum(o, t), next = momentum(o, t + 1);
    const double over = sqrt(e->s[1] / (1 - pow(beta2, (double)t))) + opt(o, "eps");
    e->p -=
        opt(o, "lr") * ((1 - now) / (1 - (double)product) * g + next / (1 - (double)product * next) * e->s[0]) / over;
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1 betas[0]=0.5 betas[1]=0.9 eps=0.01 weight_decay=0.1",
        "lr=0.1 momentum_decay=0.1 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("NAdam", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
