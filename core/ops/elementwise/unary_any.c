/* Elementwise operations of one tensor that integers know too: sign, rounding, bounds, and tests giving bool. y = f(x),
 * dx = dy f'(x), both in a row for each; rounding has gradient 0, the tests have none.
 *
 *     clamp  min(max(x, low), high)    dx = dy between the bounds and at them, else 0; hardtanh: 0 at them too
 *     threshold  x > a ? x : b         dx = x > a ? dy : 0;  nan_to_num: dx = dy where x is finite, else 0 */
#include <float.h>
#include <tgmath.h>

#include "ops/elementwise/unary.h"
#include "ops/elementwise/integer.h"

#if EM_REAL_FLOAT
#define FLOAT_OR_INTEGER(of_float, of_integer) (of_float)
#else
#define FLOAT_OR_INTEGER(of_float, of_integer) (of_integer)
#endif

static em_status no_bool_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, ""));
    return em__out_like(c, 0, c->in[0]);
}

static em_status neg_check(em_call *c)
{
    EM_TRY(em__check_not_bool(c, "; use logical_not"));
    return em__out_like(c, 0, c->in[0]);
}

/* name, value of x, gradient from dy and x or y, which of them, check, help */
#define ROWS(ROW) \
    ROW(neg, FLOAT_OR_INTEGER(-x, em__minus(0, x)), -dy, NOTHING, neg_check, "-input.") \
    ROW(abs, FLOAT_OR_INTEGER(fabs(x), em__below_0(x) ? em__minus(0, x) : x), x > 0 ? dy : x < 0 ? -dy : 0, X, \
        no_bool_check, "|input|; the gradient at 0 is 0.") \
    ROW(sign, FLOAT_OR_INTEGER(x > 0 ? 1 : x < 0 ? -1 : 0, (x > 0) - em__below_0(x)), 0, NOTHING, em__unary_check, \
        "-1, 0 or 1.") \
    ROW(square, em__times(x, x), 2 * dy * x, X, em__unary_check, "input * input.") \
    ROW(relu, em__below_0(x) ? 0 : x, y <= 0 ? 0 : dy, Y, no_bool_check, "max(input, 0); the gradient at 0 is 0.") \
    ROW(relu6, em__below_0(x) ? 0 : x > 6 ? 6 : x, x <= 0 || x >= 6 ? 0 : dy, X, no_bool_check, \
        "min(max(input, 0), 6); the gradient at 0 and 6 is 0.") \
    ROW(floor, FLOAT_OR_INTEGER(floor(x), x), 0, NOTHING, no_bool_check, "The greatest integer up to input.") \
    ROW(ceil, FLOAT_OR_INTEGER(ceil(x), x), 0, NOTHING, no_bool_check, "The least integer from input on.") \
    ROW(round, FLOAT_OR_INTEGER(rint(x), x), 0, NOTHING, no_bool_check, \
        "The nearest integer, the even one of two as near.") \
    ROW(trunc, FLOAT_OR_INTEGER(trunc(x), x), 0, NOTHING, no_bool_check, "input without what follows the point.")

/* Integers have no gradient; their backward is never called. */
#if EM_REAL_FLOAT
#define SLOPE(slope) slope
#else
#define SLOPE(slope) 0
#endif
#define STAMP(name, value, slope, saved, check, help) \
    EM_UNARY_LOOPS(name, value, SLOPE(slope)) \
    EM_UNARY_OP(name, EM_TYPES_ALL, saved, NULL, check, help)
ROWS(STAMP)

/* ---- clamp ----------------------------------------------------------------------------------------------- */

static em_status clamp_check(em_call *c)
{
    if (!c->opts.at[0].given && !c->opts.at[1].given)
        return em__fail(EM_EVALUE, "clamp: give min, max or both");
    EM_TRY(em__check_element(c, 0));
    EM_TRY(em__check_element(c, 1));
    return no_bool_check(c);
}

static void clamp_bounds(const em_opts *opts, em_scalar *low, em_scalar *high)
{
    *low = opts->at[0].given ? em__element(&opts->at[0]) : EM_LEAST;
    *high = opts->at[1].given ? em__element(&opts->at[1]) : EM_MOST;
}

/* NaN stays, and a bound of NaN makes all NaN. */
EM_UNARY_LOOPS(clamp, x < a || a != a ? (b < a ? b : a) : x > b || b != b ? b : x, x >= a && x <= b ? dy : 0)

static em_status clamp_forward(em_call *c)
{
    em_scalar low, high;
    clamp_bounds(&c->opts, &low, &high);
    em__unary_map(EM_SCALARS(c->out[0]), EM_SCALARS(c->in[0]), c->in[0]->count, clamp_map, low, high);
    return EM_OK;
}

static em_status clamp_backward(const em_node *n, em_tensor **dx)
{
    em_scalar low, high;
    clamp_bounds(&n->opts, &low, &high);
    return em__unary_slope(n, dx, clamp_slope, n->x[0], low, high);
}

const em_op EM_OP(clamp) = {
    .name = "clamp",
    .inputs = "input",
    .outputs = "output",
    .doc = "min(max(input, min), max); the gradient goes through at the bounds themselves.\n"
           "Integers become floats where a bound is given as one.",
    .opts = (const em_opt_spec[]){
        {"min", EM_OPT_NUMBER, "", "", "least value; none by default"},
        {"max", EM_OPT_NUMBER, "", "", "greatest value; none by default"},
        {0},
    },
    .types = EM_TYPES_ALL,
    .flags = EM_OP_INPLACE | EM_OP_REAL_OPTS,
    .saves = EM_SAVE_X(0),
    .check = clamp_check,
    .forward = clamp_forward,
    .backward = clamp_backward,
};

/* ---- hardtanh: clamp with bounds by default and no gradient at them ----------------------------------------- */

static em_status hardtanh_check(em_call *c)
{
    EM_TRY(no_bool_check(c));
    EM_TRY(em__check_element(c, 0));
    return em__check_element(c, 1);
}

EM_UNARY_LOOPS(hardtanh, x > b ? b : x < a ? (a < b ? a : b) : x, SLOPE(x <= a || x >= b ? 0 : dy))

static em_status hardtanh_forward(em_call *c)
{
    const em_scalar low = em__element(&c->opts.at[0]), high = em__element(&c->opts.at[1]);
    em__unary_map(EM_SCALARS(c->out[0]), EM_SCALARS(c->in[0]), c->in[0]->count, hardtanh_map, low, high);
    return EM_OK;
}

static em_status hardtanh_backward(const em_node *n, em_tensor **dx)
{
    return em__unary_backward(n, dx, hardtanh_slope, n->x[0]);
}

const em_op EM_OP(hardtanh) = {
    .name = "hardtanh",
    .inputs = "input",
    .outputs = "output",
    .doc = "min(max(input, min_val), max_val).",
    .opts = (const em_opt_spec[]){
        {"min_val", EM_OPT_NUMBER, "-1", "", "least value"},
        {"max_val", EM_OPT_NUMBER, "1", "", "greatest value"},
        {0},
    },
    .types = EM_TYPES_ALL,
    .flags = EM_OP_INPLACE,
    .saves = EM_SAVE_X(0),
    .check = hardtanh_check,
    .forward = hardtanh_forward,
    .backward = hardtanh_backward,
};

/* ---- nan_to_num: integers stay as they are --------------------------------------------------------------- */

EM_UNARY_SLOPE(nan_to_num, SLOPE(fabs(x) < (em_scalar)INFINITY ? dy : 0))

#if EM_REAL_FLOAT
#define LARGEST _Generic((em_scalar)0, float: FLT_MAX, double: DBL_MAX)

static void replace(em_scalar *y, const em_scalar *from, int64_t lo, int64_t hi, em_scalar nan, em_scalar high,
                    em_scalar low)
{
    EM_SIMD
    for (int64_t i = lo; i < hi; i++) {
        const em_scalar x = from[i];
        y[i] = x != x ? nan : x == (em_scalar)INFINITY ? high : x == -(em_scalar)INFINITY ? low : x;
    }
}

static em_status nan_to_num_forward(em_call *c)
{
    em_scalar *y = EM_SCALARS(c->out[0]);
    const em_scalar *x = EM_SCALARS(c->in[0]);
    const em_opt *o = c->opts.at;
    const em_scalar nan = (em_scalar)o[0].x, high = o[1].given ? (em_scalar)o[1].x : LARGEST;
    const em_scalar low = o[2].given ? (em_scalar)o[2].x : -LARGEST;
    EM_PARALLEL_CHUNKS(lo, hi, c->in[0]->count, EM_UNARY_EACH) replace(y, x, lo, hi, nan, high, low);
    return EM_OK;
}
#else
EM_UNARY_MAP(nan_to_num, x)
static em_status nan_to_num_forward(em_call *c) { return em__unary_forward(c, nan_to_num_map); }
#endif

static em_status nan_to_num_backward(const em_node *n, em_tensor **dx)
{
    return em__unary_backward(n, dx, nan_to_num_slope, n->x[0]);
}

const em_op EM_OP(nan_to_num) = {
    .name = "nan_to_num",
    .inputs = "input",
    .outputs = "output",
    .doc = "NaN and infinities replaced by numbers, which get no gradient; integers as they are.",
    .opts = (const em_opt_spec[]){
        {"nan", EM_OPT_NUMBER, "0", "", "stands for NaN"},
        {"posinf", EM_OPT_NUMBER, "", "", "stands for infinity; the dtype's largest number by default"},
        {"neginf", EM_OPT_NUMBER, "", "", "stands for minus infinity; the dtype's least number by default"},
        {0},
    },
    .types = EM_TYPES_ALL,
    .flags = EM_OP_INPLACE,
    .saves = EM_SAVE_X(0),
    .check = em__unary_check,
    .forward = nan_to_num_forward,
    .backward = nan_to_num_backward,
};

/* ---- threshold -------------------------------------------------------------------------------------------- */

EM_UNARY_LOOPS(threshold, x <= a ? b : x, SLOPE(x <= a ? 0 : dy))

static em_status threshold_check(em_call *c)
{
    EM_TRY(em__check_element(c, 1));
    return no_bool_check(c);
}

/* Integers up to 2.5 are those up to 2; below all of them nothing is replaced. */
static em_status threshold_forward(em_call *c)
{
#if EM_REAL_FLOAT
    return em__unary_forward(c, threshold_map);
#else
    em_opt limit = c->opts.at[0];
    if ((double)limit.i != limit.x) limit.x = floor(limit.x);
    const bool none = limit.x < (double)EM_LEAST || limit.x != limit.x;
    em__unary_map(EM_SCALARS(c->out[0]), EM_SCALARS(c->in[0]), c->in[0]->count, none ? nan_to_num_map : threshold_map,
                  em__element(&limit), em__element(&c->opts.at[1]));
    return EM_OK;
#endif
}

static em_status threshold_backward(const em_node *n, em_tensor **dx)
{
    return em__unary_backward(n, dx, threshold_slope, n->x[0]);
}

const em_op EM_OP(threshold) = {
    .name = "threshold",
    .inputs = "input",
    .outputs = "output",
    .doc = "input where it is above threshold, else value.",
    .opts = (const em_opt_spec[]){
        {"threshold", EM_OPT_NUMBER, "!", "", "elements up to this are replaced"},
        {"value", EM_OPT_NUMBER, "!", "", "what they become"},
        {0},
    },
    .types = EM_TYPES_ALL,
    .flags = EM_OP_INPLACE,
    .saves = EM_SAVE_X(0),
    .check = threshold_check,
    .forward = threshold_forward,
    .backward = threshold_backward,
};

/* ---- tests: bool results --------------------------------------------------------------------------------- */

static em_status test_check(em_call *c) { return em__out(c, 0, EM_BOOL, c->in[0]->dims, c->in[0]->size); }

typedef uint8_t test_value(em_scalar x);
typedef void test_loop(uint8_t *y, const em_scalar *x, int64_t lo, int64_t hi);

EM_INLINE void test_each(test_value *value, uint8_t *y, const em_scalar *x, int64_t lo, int64_t hi)
{
    EM_SIMD
    for (int64_t i = lo; i < hi; i++) y[i] = value(x[i]);
}

static em_status test_forward(em_call *c, test_loop *loop)
{
    uint8_t *y = EM_DATA(uint8_t, c->out[0]);
    const em_scalar *x = EM_SCALARS(c->in[0]);
    const int64_t n = c->in[0]->count;
    if (EM_UNARY_SMALL(n))
        loop(y, x, 0, n);
    else
        EM_PARALLEL_CHUNKS(lo, hi, n, EM_UNARY_EACH) loop(y, x, lo, hi);
    return EM_OK;
}

#define TEST(op_name, value, help) \
    static inline uint8_t op_name##_value(em_scalar x) { return (void)x, (uint8_t)(value); } \
    static void op_name##_map(uint8_t *y, const em_scalar *x, int64_t lo, int64_t hi) \
    { \
        test_each(op_name##_value, y, x, lo, hi); \
    } \
    static em_status op_name##_forward(em_call *c) { return test_forward(c, op_name##_map); } \
    const em_op EM_OP(op_name) = { \
        .name = #op_name, \
        .inputs = "input", \
        .outputs = "output", \
        .doc = help, \
        .types = EM_TYPES_ALL, \
        .check = test_check, \
        .forward = op_name##_forward, \
    };

TEST(isnan, FLOAT_OR_INTEGER(x != x, 0), "Whether each element is NaN.")
TEST(isinf, FLOAT_OR_INTEGER(fabs(x) == (em_scalar)INFINITY, 0), "Whether each element is infinite.")
TEST(isfinite, FLOAT_OR_INTEGER(fabs(x) < (em_scalar)INFINITY, 1), "Whether each element is neither infinite nor NaN.")
TEST(logical_not, x == 0, "Whether each element is 0.")
