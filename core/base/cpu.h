#ifndef EM_BASE_CPU_H
#define EM_BASE_CPU_H

/* Which instruction sets this processor runs: 4 for AVX-512, 3 for AVX2 and FMA, else 1. */
int em__cpu_level(void);

#endif
