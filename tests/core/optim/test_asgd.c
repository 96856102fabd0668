/* ASGD against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    const double lr = opt(o, "lr"), lambd = opt(o, "lambd");
    const float kept = (float)(t == 1 ? lr : lr / pow(1 + lambd * lr * (double)(t - 1), opt(o, "alpha")));
    const double eta = (double)kept;
    if (opt(o, "maximize") != 0) g = -g;
    g += opt(o, "weight_decay") * e->p;
    e->p *= 1 - lambd * eta;
    e->p -= eta * g;
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1 lambd=0.1 weight_decay=0.1",
        "lr=0.1 alpha=0.5 t0=2 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("ASGD", cases[i], by_hand, TAKES_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
