/* RAdam against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    const double beta1 = opt(o, "betas[0]"), beta2 = opt(o, "betas[1]"), power = pow(beta2, (double)t);
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    e->s[0] = beta1 * e->s[0] + (1 - beta1) * g;
    e->s[1] = beta2 * e->s[1] + (1 - beta2) * g * g;
    const double mean = e->s[0] / (1 - pow(beta1, (double)t));
    const double most = 2 / (1 - beta2) - 1, rho = most - 2 * (double)t * power / (1 - power);
    if (rho > 5) {
        const double r = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
        e->p -= opt(o, "lr") * mean * r * sqrt(1 - power) / (sqrt(e->s[1]) + opt(o, "eps"));
    } else {
        e->p -= opt(o, "lr") * mean;
    }
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1 betas[0]=0.5 betas[1]=0.8 eps=0.001",
        "lr=0.1 betas[1]=0.7 weight_decay=0.1 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("RAdam", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
