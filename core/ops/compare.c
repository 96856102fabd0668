/* Comparisons of two tensors that broadcast to one shape: bool results. */
#include "ops/pointwise.h"

static em_status compare_check(em_call *c) { return em__pointwise_out(c, 0, 1, EM_BOOL); }

/* name, value of x and y, help */
#define ROWS(ROW) \
    ROW(eq, x == y, "x == y, element by element, broadcast.") \
    ROW(ne, x != y, "x ~= y, element by element, broadcast.") \
    ROW(lt, x < y, "x < y, element by element, broadcast.") \
    ROW(le, x <= y, "x <= y, element by element, broadcast.") \
    ROW(gt, x > y, "x > y, element by element, broadcast.") \
    ROW(ge, x >= y, "x >= y, element by element, broadcast.") \
    ROW(logical_and, (x != 0) & (y != 0), "Whether both are different from 0, broadcast.") \
    ROW(logical_or, (x != 0) | (y != 0), "Whether one or both are different from 0, broadcast.") \
    ROW(logical_xor, (x != 0) ^ (y != 0), "Whether just one is different from 0, broadcast.")

#define STAMP(op_name, value, help) \
    EM_ROW_OF_2(op_name, uint8_t, value) \
    static em_status op_name##_forward(em_call *c) \
    { \
        em__pointwise((em_tensor *[]){c->out[0], c->in[0], c->in[1]}, 3, op_name##_row, 0); \
        return EM_OK; \
    } \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "x y", \
        .outputs = "z", \
        .doc = help, \
        .types = EM_TYPES_ALL, \
        .flags = EM_OP_STRIDED | EM_OP_INPLACE, \
        .check = compare_check, \
        .forward = op_name##_forward, \
    };
ROWS(STAMP)
