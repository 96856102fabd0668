/* Adadelta against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    (void)t;
    const double rho = opt(o, "rho"), eps = opt(o, "eps");
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    e->s[0] = rho * e->s[0] + (1 - rho) * g * g;
    const double step = sqrt(e->s[1] + eps) / sqrt(e->s[0] + eps) * g;
    e->s[1] = rho * e->s[1] + (1 - rho) * step * step;
    e->p -= opt(o, "lr") * step;
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.5 rho=0.5 eps=0.01 weight_decay=0.3",
        "maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("Adadelta", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
