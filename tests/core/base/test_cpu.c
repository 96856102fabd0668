/* The level of the processor against what the system says, and the choice of an instruction set. */
#include "base/cpu.h"

#include "support.h"

#include <stdio.h>

/* What the system says of the processor, where it says something. */
static bool has_flag(const char *flag)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f) return false;
    char line[8192];
    bool found = false;
    while (!found && fgets(line, sizeof line, f)) {
        if (strncmp(line, "flags", 5) != 0) continue;
        for (char *word = strtok(line, " \n"); word && !found; word = strtok(NULL, " \n")) found = !strcmp(word, flag);
        break;
    }
    fclose(f);
    return found;
}

static void the_level_is_what_the_processor_has(void **state)
{
    (void)state;
    const int level = em__cpu_level();
    assert_true(level == 1 || level == 3 || level == 4);
    if (!has_flag("fpu")) skip();           /* another processor or another system */
    assert_int_equal(level >= 3, has_flag("avx2") && has_flag("fma") && has_flag("bmi2"));
    assert_int_equal(level == 4, level >= 3 && has_flag("avx512f") && has_flag("avx512bw") && has_flag("avx512vl") &&
                                     has_flag("avx512dq") && has_flag("avx512cd"));
}

/* Of what was built, the last that the level allows. */
static void the_best_instruction_set_is_chosen(void **state)
{
    (void)state;
    const int level = em__cpu_level();
    int best = -1;
#ifdef EM_ISA_base
    best++;
#endif
#ifdef EM_ISA_v3
    best += level >= 3;
#endif
#ifdef EM_ISA_v4
    best += level >= 4;
#endif
    assert_int_equal(em__isa(), best);
    assert_in_range(best, 0, EM_ISAS - 1);
}

static void the_instruction_set_has_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {[1] = "base", [3] = "AVX2", [4] = "AVX-512"};
    const int level = em__cpu_level();
    bool known = false;                     /* the build may have fewer than the processor */
    for (int i = 1; i <= level; i++) known |= names[i] && !strcmp(em_instructions(), names[i]);
    assert_true(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_level_is_what_the_processor_has),
        cmocka_unit_test(the_best_instruction_set_is_chosen),
        cmocka_unit_test(the_instruction_set_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
