/* More help for tests of operations: calls that must be refused, gradients of all inputs, and random tensors.
 *
 *     op_fails("narrow", "dim=5 start=0 length=2", INPUTS(x), EM_ERANGE, "dim 5");
 *     assert_gradient("narrow", "dim=1 start=0 length=2", INPUTS(x));      x in double */
#ifndef EMBLA_TESTS_OP_CHECK_H
#define EMBLA_TESTS_OP_CHECK_H

#include "op_call.h"

/* The call must fail with this code and a sentence holding the operation's name and `part`, and leave no result. */
void op_fails(const char *name, const char *options, int n, em_tensor *const *inputs, em_status code,
              const char *part);

/* Gradients of all float inputs (double) against central differences of the sum of weighted results. */
#define assert_gradient(...) check_gradient(__FILE__, __LINE__, __VA_ARGS__)
void check_gradient(const char *file, int line, const char *name, const char *options, int n, em_tensor *const *inputs);

/* Reproducible numbers of a tensor, between -1 and 1; whole ones between low and high. */
em_tensor *random_tensor(em_dtype dtype, int dims, const int64_t *sizes, uint64_t seed);
em_tensor *random_ids(int64_t high, int dims, const int64_t *sizes, uint64_t seed);

#endif
