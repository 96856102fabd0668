/* The element type of a kernel: its file is compiled once for each. The build sets EM_REAL (float), EM_REAL_DTYPE
 * (EM_F32), EM_REAL_FLOAT (1 for float and double) and EM_VARIANT (f32_v3). Files for every dtype call the type
 * em_scalar, those for float and double alone em_real. */
#ifndef EM_TENSOR_SCALAR_H
#define EM_TENSOR_SCALAR_H

#include "tensor/tensor.h"

#ifdef EM_VARIANT
typedef EM_REAL em_scalar;
typedef EM_REAL em_real;
#define EM__JOIN(a, b, c) a##b##_##c
#define EM__NAME(a, b, c) EM__JOIN(a, b, c)
#if EM_REAL_DTYPE_IS_BOOL
#define EM_STORE(value) ((em_scalar)((value) != 0))     /* a bool holds 0 or 1 */
#else
#define EM_STORE(value) ((em_scalar)(value))
#endif
#define EM_SCALARS(t) ((em_scalar *)(void *)(t)->data)
#define EM_REALS(t) ((em_real *)(void *)(t)->data)
#endif

#endif
