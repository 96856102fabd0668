/* Instruction sets: those of the processor, those that kernels are compiled for, and the choice between them. */
#ifndef EM_BASE_CPU_H
#define EM_BASE_CPU_H

/* Which instruction sets this processor runs: 4 for AVX-512, 3 for AVX2 and FMA, else 1. */
int em__cpu_level(void);

/* The instruction sets that kernels are compiled for, the poorest first, with the level that each needs. The build
 * defines EM_ISA_<isa> for those it has (cmake/Variants.cmake). */
#define EM__ISA_LIST(X, type, name) \
    EM__IF_BASE(X(type, name, base, 1)) EM__IF_V3(X(type, name, v3, 3)) EM__IF_V4(X(type, name, v4, 4))

#ifdef EM_ISA_base
#define EM__IF_BASE(row) row
#else
#define EM__IF_BASE(row)
#endif
#ifdef EM_ISA_v3
#define EM__IF_V3(row) row
#else
#define EM__IF_V3(row)
#endif
#ifdef EM_ISA_v4
#define EM__IF_V4(row) row
#else
#define EM__IF_V4(row)
#endif

#define EM__ISA_NUMBER(type, name, isa, level) EM_ISA_NUMBER_##isa,
enum { EM__ISA_LIST(EM__ISA_NUMBER, , ) EM_ISAS };

/* What a kernel's file exports under `name`: declarations of its variants, and the initializer of a table of them,
 * [EM_ISAS][2], for float and for double. */
#define EM__DECLARE_VARIANT(type, name, isa, level) extern const type name##_f32_##isa, name##_f64_##isa;
#define EM_DECLARE_VARIANTS(type, name) EM__ISA_LIST(EM__DECLARE_VARIANT, type, name)
#define EM__VARIANT_ROW(type, name, isa, level) {&name##_f32_##isa, &name##_f64_##isa},
#define EM_VARIANTS(type, name) {EM__ISA_LIST(EM__VARIANT_ROW, type, name)}

/* Number in such a table of the best that this processor runs; -1 if the build has none that it can. */
int em__isa(void);

#endif
