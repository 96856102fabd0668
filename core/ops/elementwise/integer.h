/* Arithmetic that a file for every dtype writes once: integers wrap around instead of overflowing, which C leaves
 * undefined for signed ones, and a bool holds 0 or 1. Needs EM_VARIANT. */
#ifndef EM_OPS_INTEGER_H
#define EM_OPS_INTEGER_H

#include <math.h>

#include "graph/op.h"

#if EM_REAL_FLOAT

static inline em_scalar em__plus(em_scalar x, em_scalar y) { return x + y; }
static inline em_scalar em__minus(em_scalar x, em_scalar y) { return x - y; }
static inline em_scalar em__times(em_scalar x, em_scalar y) { return x * y; }
static inline bool em__below_0(em_scalar x) { return x < 0; }

/* Least and greatest value. */
#define EM_LEAST (-(em_scalar)INFINITY)
#define EM_MOST ((em_scalar)INFINITY)

/* Whether an option's number can be an element as it stands, and the nearest element. */
static inline bool em__is_element(const em_opt *o) { return (void)o, true; }
static inline em_scalar em__element(const em_opt *o) { return (em_scalar)o->x; }

#else

static inline em_scalar em__plus(em_scalar x, em_scalar y) { return EM_STORE((uint64_t)x + (uint64_t)y); }
static inline em_scalar em__minus(em_scalar x, em_scalar y) { return EM_STORE((uint64_t)x - (uint64_t)y); }
static inline em_scalar em__times(em_scalar x, em_scalar y) { return EM_STORE((uint64_t)x * (uint64_t)y); }

/* Widened, since of unsigned ones the compiler complains. */
static inline bool em__below_0(int64_t x) { return x < 0; }
static inline bool em__is_minus_1(int64_t x) { return x == -1; }

#define EM_LEAST _Generic((em_scalar)0, int64_t: INT64_MIN, int32_t: INT32_MIN, default: 0)
#define EM__MOST_OF_TYPE _Generic((em_scalar)0, int64_t: INT64_MAX, int32_t: INT32_MAX, default: 255)
#define EM_MOST (EM_REAL_DTYPE_IS_BOOL ? (em_scalar)1 : (em_scalar)EM__MOST_OF_TYPE)

/* An integer is taken as it was given: a double does not hold each of int64. */
static inline bool em__is_element(const em_opt *o)
{
    if ((double)o->i == o->x) return o->i >= EM_LEAST && o->i <= EM_MOST;
    return o->x == floor(o->x) && o->x >= (double)EM_LEAST && o->x < (double)EM_MOST + 1;
}

static inline em_scalar em__element(const em_opt *o)
{
    if ((double)o->i == o->x) return o->i <= EM_LEAST ? EM_LEAST : o->i >= EM_MOST ? EM_MOST : (em_scalar)o->i;
    if (o->x != o->x || o->x <= (double)EM_LEAST) return EM_LEAST;
    return o->x >= (double)EM_MOST ? EM_MOST : (em_scalar)o->x;
}

#endif

/* Fails unless option number `opt`, if given, can be an element. */
static inline em_status em__check_element(const em_call *c, int opt)
{
    const em_opt *o = &c->opts.at[opt];
    if (!o->given || em__is_element(o)) return EM_OK;
    return em__fail(EM_EVALUE, "%s: %s = %.17g does not fit a tensor of %s; convert the tensor to float32 first",
                    c->op->name, c->op->opts[opt].name, o->x, em_dtype_name(c->dtype));
}

/* Fails for bools, which an operation makes no sense of. */
static inline em_status em__check_not_bool(const em_call *c, const char *hint)
{
    if (!EM_REAL_DTYPE_IS_BOOL) return EM_OK;
    return em__fail(EM_ETYPE, "%s: tensors of bool are not supported%s", c->op->name, hint);
}

#endif
