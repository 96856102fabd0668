# Kernels are compiled once for each element type and instruction set; core/base/cpu.h lists the sets and says which to
# take.
#
# EMBLA_ISA lists the instruction sets to build: base (any x86-64, or the machine's own on other processors),
# v3 (AVX2, FMA) and v4 (AVX-512).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(EMBLA_ISA "base;v3;v4" CACHE STRING "Instruction sets of the kernels: base, v3, v4")
else()
  set(EMBLA_ISA "base" CACHE STRING "Instruction sets of the kernels: base")
endif()
set(EMBLA_FLAGS_base "")
set(EMBLA_FLAGS_v3 -march=x86-64-v3)
set(EMBLA_FLAGS_v4 -march=x86-64-v4 -mprefer-vector-width=512)

set(EMBLA_KERNEL_FLAGS -O3 -fno-math-errno -fno-trapping-math -ffp-contract=fast)

function(embla_variant objects name type isa sources)
  list(REMOVE_ITEM sources "")
  if(NOT sources)
    return()
  endif()
  string(REGEX MATCH "^f" is_float ${name})
  set(target kernels_${name}_${isa}_${objects})
  add_library(${target} OBJECT ${sources})
  string(TOUPPER EM_${name} dtype)
  string(REPLACE EM_ANY EM_U8 dtype ${dtype})
  target_compile_definitions(${target} PRIVATE EM_VARIANT=${name}_${isa} EM_REAL=${type} EM_REAL_DTYPE=${dtype}
    EM_REAL_FLOAT=$<BOOL:${is_float}> EM_REAL_DTYPE_IS_BOOL=$<STREQUAL:${name},bool>)
  target_compile_options(${target} PRIVATE ${EMBLA_WARNINGS} $<$<NOT:$<CONFIG:Debug>>:${EMBLA_KERNEL_FLAGS}>
    ${EMBLA_FLAGS_${isa}})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/core ${CMAKE_SOURCE_DIR}/core/include)
  target_link_libraries(${target} PRIVATE OpenMP::OpenMP_C embla::blas)
  set_property(GLOBAL APPEND PROPERTY EMBLA_KERNELS $<TARGET_OBJECTS:${target}>)
endfunction()

# embla_kernels(GROUP REAL files… ANY files… MOVE files…): float types in each instruction set, whole numbers and moves
# in the first of the list only.
function(embla_kernels group)
  cmake_parse_arguments(K "" "" "REAL;ANY;MOVE" ${ARGN})
  list(GET EMBLA_ISA 0 first)
  foreach(isa ${EMBLA_ISA})
    embla_variant(${group} f32 float ${isa} "${K_REAL};${K_ANY}")
    embla_variant(${group} f64 double ${isa} "${K_REAL};${K_ANY}")
  endforeach()
  embla_variant(${group} i64 int64_t ${first} "${K_ANY}")
  embla_variant(${group} i32 int32_t ${first} "${K_ANY}")
  embla_variant(${group} u8 uint8_t ${first} "${K_ANY}")
  embla_variant(${group} bool uint8_t ${first} "${K_ANY}")
  embla_variant(${group} any uint8_t ${first} "${K_MOVE}")
endfunction()
