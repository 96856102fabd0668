/* Rprop against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    (void)t;
    if (opt(o, "maximize") != 0) g = -g;
    if (e->s[2] == 0) e->s[0] = opt(o, "lr");
    e->s[2] = 1;
    const double turn = g * e->s[1];
    if (turn > 0) e->s[0] *= opt(o, "etas[1]");
    if (turn < 0) e->s[0] *= opt(o, "etas[0]");
    e->s[0] = fmin(fmax(e->s[0], opt(o, "step_sizes[0]")), opt(o, "step_sizes[1]"));
    if (turn < 0) g = 0;
    e->p -= g > 0 ? e->s[0] : g < 0 ? -e->s[0] : 0;
    e->s[1] = g;
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1 etas[0]=0.3 etas[1]=1.5",
        "lr=0.1 step_sizes[0]=0.05 step_sizes[1]=0.12 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("Rprop", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
