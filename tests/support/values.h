/* Elementwise operations in tables: a row says one element's inputs and result. */
#ifndef EMBLA_TESTS_VALUES_H
#define EMBLA_TESTS_VALUES_H

#include "op_call.h"

typedef struct value_row {
    const char *op, *options;
    double x, y, want;                  /* y is left out of operations of one tensor */
    double dx, dy;                      /* gradients; NAN where they are not looked at (a true NaN is not in a table) */
} value_row;

#define NOT_LOOKED_AT NAN

/* Runs each row in float32 and float64, with `inputs` (1 or 2) tensors of one element. */
void check_value_rows(const value_row *rows, size_t n, int inputs);

#endif
