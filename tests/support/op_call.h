/* Operations called in one line by C tests:
 *
 *     em_tensor *y = op_call("smooth_l1_loss", "reduction=sum beta=0.5", INPUTS(x, t));
 *     assert_ok(op_try(&y, "sum", "dim=0,2 keepdim=true", INPUTS(x)));
 *
 * Options as NAME=VALUE with a blank between; a list's numbers with a comma between. */
#ifndef EMBLA_TESTS_OP_CALL_H
#define EMBLA_TESTS_OP_CALL_H

#include "support.h"

#define INPUTS(...) TENSORS(__VA_ARGS__)

em_opts op_options(const em_op *op, const char *options);

/* `outputs` needs room for every named result; the generator has seed 1. */
em_status op_try(em_tensor **outputs, const char *name, const char *options, int n, em_tensor *const *inputs);

/* The first result of a call that must succeed. */
em_tensor *op_call(const char *name, const char *options, int n, em_tensor *const *inputs);

/* The tensor itself, now requiring grad. */
em_tensor *wanting_grad(em_tensor *t);

/* Sends ones (dims > 0) or one back from y and releases it. */
void op_backward(em_tensor *y);

/* Gradient of the sum of the first result for input i, by central differences in float64. */
em_tensor *numeric_gradient(const char *name, const char *options, int n, em_tensor *const *inputs, int i);

/* The gradients, from ones, of all inputs that want one, row-sparse ones too, against numeric_gradient. */
void check_gradients(const char *name, const char *options, int n, em_tensor *const *inputs);

/* A tensor of values between low and high, all different, the same at every run of a program. */
em_tensor *wave_of(em_dtype dtype, int dims, const int64_t *sizes, double low, double high);

/* Runs the call, and its backward from ones, with 1 thread and with 4: the same bits in results and gradients. */
void check_threads(const char *name, const char *options, int n, em_tensor *const *inputs);

#endif
