/* Operations over dims against a naive loop: a reference function of the elements that fold into one. */
#ifndef EMBLA_TESTS_OVER_DIMS_H
#define EMBLA_TESTS_OVER_DIMS_H

#include "op_call.h"

typedef double fold_reference(const double *x, int64_t n);

/* Runs `op` over every set of dims of shapes of all kinds (some long enough for several threads and pieces), with and
 * without keepdim, and compares with the reference; `more` are further options. */
void check_over_dims(const char *op, const char *more, em_dtype dtype, fold_reference *reference, double rtol);

#endif
