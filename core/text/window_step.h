/* One step of learning: some input vectors against some target vectors, of which the first should be near each input
 * (score high) and the others far. With s = x_a . y_b the loss is the sum over all a and b of log(1 + exp(-s)) for
 * b = 0 and of log(1 + exp(s)) for the others.
 *
 * The file is compiled for each variant as kernels are; em__window_step_find chooses. */
#ifndef EM_TEXT_WINDOW_STEP_H
#define EM_TEXT_WINDOW_STEP_H

#include "embla.h"

/* A vector: its value is base + change, or base alone where both are the same. What is learnt is added to change. */
typedef struct em__moving_row {
    const void *base;
    void *change;
} em__moving_row;

/* Elements that a row takes in scratch memory, and in a worker's changes: a multiple of EM_ROW_BLOCK. */
enum { EM_ROW_BLOCK = 16 };
static inline int64_t em__padded_width(int64_t width)
{
    return (width + EM_ROW_BLOCK - 1) & ~(int64_t)(EM_ROW_BLOCK - 1);
}

typedef struct em__window_scratch {
    void *x, *y;                /* (inputs + 1, padded), (targets, padded) */
    void *score;                /* (inputs * targets, rounded up to EM_ROW_BLOCK) */
} em__window_scratch;

typedef struct em__window {
    int64_t width;              /* of a row */
    int64_t write;              /* elements of a change to write: the width, or the padded width */
    int64_t inputs, targets;    /* how many, at least one each */
    const em__moving_row *input, *target;
    double lr;
    em__window_scratch scratch;
} em__window;

/* Each moves inputs and targets by -lr times the gradient of the loss, all taken at the values before the step, and
 * returns that loss. With `mean` the one input is the mean of the inputs given (CBOW). */
typedef struct em__window_step {
    double (*each)(const em__window *w);
    double (*mean)(const em__window *w);
} em__window_step;

/* For float32 or float64, for the best instruction set this processor runs; null if none was built that it can. */
const em__window_step *em__window_step_find(em_dtype dtype);

#endif
