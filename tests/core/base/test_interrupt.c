/* The interrupt flag and its count. */
#include "base/interrupt.h"

#include "support.h"

#include <signal.h>

static void interrupted(int signal)
{
    (void)signal;
    em_interrupt();
}

static void a_signal_handler_sets_it_until_it_is_cleared(void **state)
{
    (void)state;
    signal(SIGUSR1, interrupted);
    assert_false(em_interrupted());
    raise(SIGUSR1);
    assert_true(em_interrupted());
    assert_int_equal(em__stop, 1);
    em_clear_interrupt();
    assert_false(em_interrupted());
    assert_int_equal(em__stop, 0);
    signal(SIGUSR1, SIG_DFL);
}

static void interrupts_are_counted_though_they_be_cleared(void **state)
{
    (void)state;
    const int64_t before = em__interrupts;
    em_interrupt();
    em_interrupt();
    em_clear_interrupt();
    assert_int_equal(em__interrupts - before, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_handler_sets_it_until_it_is_cleared),
        cmocka_unit_test(interrupts_are_counted_though_they_be_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
