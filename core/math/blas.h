/* The library that multiplies matrices, and what has to be said to it first. Each call runs on one thread: the parallel
 * loops are ours. */
#ifndef EM_MATH_BLAS_H
#define EM_MATH_BLAS_H

#include "base/status.h"

/* Before calls of BLAS in a parallel loop, and outside of one: there is working memory for each thread of the team.
 * Fails: EM_ENOMEM. */
em_status em__blas_ready(void);

/* Keeps BLAS to one thread; em__blas_ready does it too. */
void em__blas_quiet(void);

#endif
