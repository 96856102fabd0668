/* Adamax against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    const double beta1 = opt(o, "betas[0]");
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    e->s[0] = beta1 * e->s[0] + (1 - beta1) * g;
    e->s[1] = fmax(opt(o, "betas[1]") * e->s[1], fabs(g) + opt(o, "eps"));
    e->p -= opt(o, "lr") / (1 - pow(beta1, (double)t)) * e->s[0] / e->s[1];
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1 betas[0]=0.5 betas[1]=0.5 eps=0.1",
        "lr=0.1 weight_decay=0.1 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("Adamax", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
