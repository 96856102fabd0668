/* Help for the C tests: tensors out of lists, comparison with lists, and every allocation failing in turn.
 *
 *     em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
 *     assert_tensor(x, EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4));
 *     em_tensor_release(x);
 *
 * Builders and comparisons iterate over strides by themselves, so that they prove what the core does, not repeat it. */
#ifndef EMBLA_TESTS_SUPPORT_H
#define EMBLA_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "embla.h"

/* Each stands for two arguments: a count and an array. */
#define SHAPE(...) (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__}
#define SCALAR 0, NULL
#define VALUES(...) (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__}
#define NO_VALUES 0, NULL
#define TENSORS(...) (int)(sizeof((em_tensor *[]){__VA_ARGS__}) / sizeof(em_tensor *)), (em_tensor *[]){__VA_ARGS__}

/* New contiguous tensor holding the values in row-major order; the test fails unless they are as many as fit. */
em_tensor *tensor_of(em_dtype dtype, int dims, const int64_t *sizes, int64_t count, const double *values);

void release_all(int n, em_tensor *const *tensors);     /* release_all(TENSORS(x, y)); null is fine */

/* Element `at` in row-major order, by strides. Exact for 64-bit integers too with element_int. */
double element(const em_tensor *t, int64_t at);
int64_t element_int(const em_tensor *t, int64_t at);

/* What 16 bits mean as a float of one sign bit, so many exponent bits and so many fraction bits. */
double half_value(uint16_t bits, int exponent_bits, int fraction_bits);

/* The tensor must have this dtype and shape, and these values: exactly (NaN equals NaN), or |got - want| <= atol +
 * rtol |want|. */
#define assert_tensor(...) check_tensor(__FILE__, __LINE__, 0, 0, __VA_ARGS__)
#define assert_tensor_close(rtol, atol, ...) check_tensor(__FILE__, __LINE__, rtol, atol, __VA_ARGS__)
void check_tensor(const char *file, int line, double rtol, double atol, const em_tensor *t, em_dtype dtype, int dims,
                  const int64_t *sizes, int64_t count, const double *values);

/* Two tensors equal in dtype, shape and every bit. */
#define assert_same_bits(a, b) check_same_bits(__FILE__, __LINE__, a, b)
void check_same_bits(const char *file, int line, const em_tensor *a, const em_tensor *b);

/* The call must succeed, or fail with this code and a sentence holding `part`. */
#define assert_ok(call) check_status(__FILE__, __LINE__, call, EM_OK, "")
#define assert_fails(call, code, part) check_status(__FILE__, __LINE__, call, code, part)
void check_status(const char *file, int line, em_status got, em_status want, const char *part);

/* Something that can run out of memory. `prepare` and `clean` (each may be null) make and release its arguments and
 * run with no allocation failing; `call` puts what it made into `out`. */
typedef struct fallible {
    void (*prepare)(void *context);
    em_status (*call)(void *context, em_tensor *out[EM_MAX_OUT]);
    void (*clean)(void *context);
} fallible;

/* Runs it with its 1st, 2nd, … allocation failing (only that one; then that one and all later) until it succeeds.
 * Each failure must be EM_ENOMEM with a sentence that says so, null outputs, and no block left behind; nor may success
 * leave one once its outputs are released. Returns how many allocations failed in turn. */
int each_allocation_fails(const fallible *f, void *context);

#endif
