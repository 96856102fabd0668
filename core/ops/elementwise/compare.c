/* Comparisons of two tensors that broadcast to one shape, x == y and the like: bool results without a gradient. */
#include "ops/elementwise/pointwise.h"

static em_status compare_check(em_call *c) { return em__pointwise_out(c, 0, 1, EM_BOOL); }

#define STAMP(name, value, help) EM_OP_OF_2(name, uint8_t, value, compare_check, EM_OP_COMPARES, help)
STAMP(eq, x == y, "input == other, element by element, broadcast. (Lua's == tells whether two are one tensor.)")
STAMP(ne, x != y, "input ~= other, element by element, broadcast.")
STAMP(lt, x < y, "input < other, element by element, broadcast. (Lua's < is an error: it could give one boolean only.)")
STAMP(le, x <= y, "input <= other, element by element, broadcast.")
STAMP(gt, x > y, "input > other, element by element, broadcast. (Lua's > is an error: it could give one boolean only.)")
STAMP(ge, x >= y, "input >= other, element by element, broadcast.")
STAMP(logical_and, (x != 0) & (y != 0), "Whether both are different from 0, broadcast.")
STAMP(logical_or, (x != 0) | (y != 0), "Whether one or both are different from 0, broadcast.")
STAMP(logical_xor, (x != 0) ^ (y != 0), "Whether just one is different from 0, broadcast.")
