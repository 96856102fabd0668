/* Tables of elementwise values: run forward and compared. */
#include "values.h"

#include <math.h>

static void expect(const value_row *r, const char *what, const em_tensor *t, double want)
{
    const double got = element(t, 0), tolerance = em_tensor_dtype(t) == EM_F32 ? 2e-6 : 1e-12;
    if (isnan(want) ? isnan(got) : got == want || fabs(got - want) <= tolerance * fmax(1, fabs(want))) return;
    fail_msg("%s(%g, %g) %s: %s is %.17g, want %.17g", r->op, r->x, r->y, r->options, what, got, want);
}

static void check_row(const value_row *r, int inputs, em_dtype dtype)
{
    em_tensor *in[2] = {tensor_of(dtype, SHAPE(1), VALUES(r->x)), tensor_of(dtype, SHAPE(1), VALUES(r->y))};
    const bool differentiable = !isnan(r->dx) || !isnan(r->dy);
    if (differentiable)
        for (int i = 0; i < inputs; i++) wanting_grad(in[i]);
    em_tensor *out = op_call(r->op, r->options, inputs, in);
    expect(r, "the result", out, r->want);
    if (!differentiable) {
        em_tensor_release(out);
    } else {
        op_backward(out);
        if (!isnan(r->dx)) expect(r, "dx", em_tensor_grad(in[0]), r->dx);
        if (!isnan(r->dy)) expect(r, "dy", em_tensor_grad(in[1]), r->dy);
    }
    em_tensor_release(in[0]);
    em_tensor_release(in[1]);
}

void check_value_rows(const value_row *rows, size_t n, int inputs)
{
    for (size_t i = 0; i < n; i++)
        for (em_dtype dtype = EM_F32; dtype <= EM_F64; dtype++) check_row(&rows[i], inputs, dtype);
}
