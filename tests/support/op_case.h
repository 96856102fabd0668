/* Cases of tests/core/ops/cases.def: an operation, inputs written as text, options. */
#ifndef EMBLA_TESTS_OP_CASE_H
#define EMBLA_TESTS_OP_CASE_H

#include "op_call.h"

enum { MOST_INPUTS = 16 };

typedef struct op_case {
    const char *op, *inputs, *options;
} op_case;

/* A case's inputs. Built twice the same way, they hold the same values. */
typedef struct case_inputs {
    int n;
    em_tensor *in[MOST_INPUTS];         /* null where an optional one is left out */
    bool wanted[MOST_INPUTS];           /* whether a gradient is asked for */
} case_inputs;

/*   dtype     of the value inputs; values fit float32
 *   large     letters stand for the large sizes
 *   strided   same values, laid out with the dims reversed and gaps between */
void case_inputs_make(case_inputs *c, const op_case *k, em_dtype dtype, bool large, bool strided);
void case_inputs_free(case_inputs *c);

/* A tensor like `t` with numbers that depend on `seed` alone, rounded to float32. */
em_tensor *numbers_like(const em_tensor *t, unsigned seed, bool strided);

#endif
