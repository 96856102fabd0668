/* RMSprop against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    (void)t;
    const double alpha = opt(o, "alpha");
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    e->s[0] = alpha * e->s[0] + (1 - alpha) * g * g;
    e->s[1] = alpha * e->s[1] + (1 - alpha) * g;
    const double square = opt(o, "centered") != 0 ? e->s[0] - e->s[1] * e->s[1] : e->s[0];
    e->s[2] = opt(o, "momentum") * e->s[2] + g / (sqrt(square) + opt(o, "eps"));
    e->p -= opt(o, "lr") * e->s[2];
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1 alpha=0.5 eps=0.01 weight_decay=0.3",
        "lr=0.05 centered=1 momentum=0.9 eps=0.01 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("RMSprop", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
