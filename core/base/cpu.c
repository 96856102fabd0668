/* The instruction sets of this processor, and which of those that kernels were compiled for is used. */
#include "base/cpu.h"

#include <stdbool.h>
#include <string.h>

#include "embla.h"

int em__cpu_level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (!avx2) return 1;
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    return avx512 ? 4 : 3;
#else
    return 1;
#endif
}

static int find_isa(void)
{
#define LEVEL(type, name, isa, level) level,
    static const int needed[] = {EM__ISA_LIST(LEVEL, , )};
    const int level = em__cpu_level();
    int best = EM_ISAS - 1;
    while (best >= 0 && needed[best] > level) best--;
    return best;
}

int em__isa(void)
{
    static int found = EM_ISAS;
    if (found == EM_ISAS) found = find_isa();
    return found;
}

const char *em_instructions(void)
{
#define SPOKEN(type, name, isa, level) #isa,
    static const char *const names[] = {EM__ISA_LIST(SPOKEN, , )};
    const int isa = em__isa();
    if (isa < 0) return "none of those built";
    return !strcmp(names[isa], "v4") ? "AVX-512" : !strcmp(names[isa], "v3") ? "AVX2" : "base";
}
