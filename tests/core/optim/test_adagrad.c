/* Adagrad against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    if (e->s[1] == 0) e->s[0] = opt(o, "initial_accumulator_value");
    e->s[1] = 1;
    e->s[0] += g * g;
    const double size = opt(o, "lr") / (1 + (double)(t - 1) * opt(o, "lr_decay"));
    if (g != 0) e->p -= size * g / (sqrt(e->s[0]) + opt(o, "eps"));
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1",
        "lr=0.5 lr_decay=0.1 weight_decay=0.2",
        "lr=0.1 initial_accumulator_value=0.5 eps=0.1 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("Adagrad", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
