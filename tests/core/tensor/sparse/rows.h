/* Ids and a small row-sparse gradient for the tests of this folder. */
#ifndef EMBLA_TESTS_ROWS_H
#define EMBLA_TESTS_ROWS_H

#include "support.h"

static inline em_tensor *ids_of(int64_t n, const double *values) { return tensor_of(EM_I64, 1, &n, n, values); }
#define IDS(...) ids_of(VALUES(__VA_ARGS__))

/* Rows 2, 0, 2 of 4, of two columns. */
static inline em_tensor *example_rows(void)
{
    em_tensor *ids = IDS(2, 0, 2), *values = tensor_of(EM_F32, SHAPE(3, 2), VALUES(1, 2, 3, 4, 5, 6)), *t;
    assert_ok(em_rows_new(&t, ids, values, 4));
    em_tensor_release(ids);
    em_tensor_release(values);
    return t;
}

#endif
