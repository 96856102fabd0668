/* SparseAdam against its recurrence. */
#include "by_hand.h"

static void by_hand(element_state *e, double g, const options *o, int64_t t)
{
    const double beta1 = opt(o, "betas[0]"), beta2 = opt(o, "betas[1]");
    if (opt(o, "maximize") != 0) g = -g;
    e->s[0] = beta1 * e->s[0] + (1 - beta1) * g;
    e->s[1] = beta2 * e->s[1] + (1 - beta2) * g * g;
    const double size = opt(o, "lr") * sqrt(1 - pow(beta2, (double)t)) / (1 - pow(beta1, (double)t));
    e->p -= size * e->s[0] / (sqrt(e->s[1]) + opt(o, "eps"));
}

static void follows_its_recurrence(void **context)
{
    (void)context;
    static const char *const cases[] = {
        "",
        "lr=0.1",
        "lr=0.1 betas[0]=0.5 betas[1]=0.9 eps=0.01",
        "lr=0.1 betas[0]=0 betas[1]=0 maximize=1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) follows("SparseAdam", cases[i], by_hand, TAKES_LAZY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_recurrence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
