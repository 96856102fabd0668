/* What decompositions share: batches of matrices, LAPACK by the element type, and formulas of their gradients, which
 * are written as products of tensors.
 *
 * A tensor's matrix by rows is for LAPACK its transpose by columns. LAPACK runs on one thread and matrix after matrix,
 * so that results are the same for any number of threads. */
#ifndef EM_OPS_LINALG_LINALG_H
#define EM_OPS_LINALG_LINALG_H

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/op.h"
#include "math/blas.h"
#include "math/lapack.h"

#define LAPACK(name) \
    _Generic((em_real)0, float: s##name##_, default: d##name##_)

/* Fails unless the input holds matrices that LAPACK's integers can count. */
static inline em_status linalg_check(const em_call *c, const em_tensor *x, bool square)
{
    if (x->dims < 2)
        return em__fail(EM_ESHAPE, "%s: input: expected a tensor of at least 2 dims, got shape %s", c->op->name,
                        EM_SHAPE(x));
    const int64_t m = x->size[x->dims - 2], n = x->size[x->dims - 1];
    if (square && m != n)
        return em__fail(EM_ESHAPE, "%s: input: expected square matrices, got shape %s", c->op->name, EM_SHAPE(x));
    if (m > INT_MAX || n > INT_MAX)
        return em__fail(EM_ESHAPE, "%s: input: matrices of %lld x %lld are too large for LAPACK", c->op->name,
                        (long long)m, (long long)n);
    return EM_OK;
}

static inline int64_t linalg_rows(const em_tensor *x) { return x->size[x->dims - 2]; }
static inline int64_t linalg_cols(const em_tensor *x) { return x->size[x->dims - 1]; }

/* Matrices of a tensor. */
static inline int64_t linalg_batch(const em_tensor *x)
{
    int64_t n = 1;
    for (int d = 0; d < x->dims - 2; d++) n *= x->size[d];
    return n;
}

/* Result k, of input 0's batch: matrices, or vectors if cols is -1. */
static inline em_status linalg_out(em_call *c, int k, int64_t rows, int64_t cols)
{
    const em_tensor *x = c->in[0];
    int64_t size[EM_MAX_DIMS];
    for (int d = 0; d < x->dims - 2; d++) size[d] = x->size[d];
    size[x->dims - 2] = rows;
    size[x->dims - 1] = cols;
    return em__out(c, k, c->dtype, cols < 0 ? x->dims - 1 : x->dims, size);
}

/* Before LAPACK is called. */
static inline em_status linalg_ready(const em_call *c, bool there)
{
    if (!there) return em__fail(EM_EVALUE, "%s: the BLAS of this build has no LAPACK; OpenBLAS does", c->op->name);
    return em__blas_ready();
}

/* Which matrix of a batch is meant, for messages: "" if there is but one. */
#define LINALG_WHICH 40
static inline const char *linalg_which(char *text, const em_tensor *x, int64_t b)
{
    text[0] = 0;
    if (x->dims > 2) snprintf(text, LINALG_WHICH, " %lld of the batch", (long long)b);
    return text;
}

/* ---- formulas -------------------------------------------------------------------------------------------- */

/* A formula in the making: the values between, and the first failure, after which nothing more is computed. */
typedef struct linalg_formula {
    em_status status;
    int n;
    em_tensor *kept[48];
} linalg_formula;

static inline em_tensor *linalg_kept(linalg_formula *f, em_status s, em_tensor *t)
{
    if (s) {
        f->status = s;
        return NULL;
    }
    return f->kept[f->n++] = t;
}

static inline em_tensor *linalg_two(linalg_formula *f, const char *name, em_tensor *a, em_tensor *b)
{
    em_tensor *out = NULL;
    if (f->status) return NULL;
    const em_status s = em__run2(name, a, b, NULL, &out);
    return linalg_kept(f, s, out);
}

/* An operation of one tensor with one or two integers as its first options. */
static inline em_tensor *linalg_one(linalg_formula *f, const char *name, em_tensor *a, int64_t first, int64_t second)
{
    if (f->status) return NULL;
    const em_op *op = em_op_find(name);
    em_opts opts;
    em_opts_default(&opts, op);
    opts.at[0] = (em_opt){.given = true, .i = first, .x = (double)first};
    opts.at[1] = (em_opt){.given = true, .i = second, .x = (double)second};
    em_tensor *out = NULL;
    const em_status s = em__run1(name, a, &opts, &out);
    return linalg_kept(f, s, out);
}

static inline em_tensor *linalg_transposed(linalg_formula *f, em_tensor *a)
{
    return linalg_one(f, "transpose", a, -2, -1);
}

static inline em_tensor *linalg_product(linalg_formula *f, em_tensor *a, em_tensor *b)
{
    return linalg_two(f, "matmul", a, b);
}

/* Zeros (..., k, k) for a tensor (..., any, k). */
static inline em_tensor *linalg_squares(linalg_formula *f, const em_tensor *t)
{
    if (f->status) return NULL;
    int64_t size[EM_MAX_DIMS];
    memcpy(size, t->size, (size_t)t->dims * sizeof *size);
    size[t->dims - 2] = size[t->dims - 1];
    em_tensor *out = NULL;
    const em_status s = em_tensor_zeros(&out, t->dtype, t->dims, size);
    return linalg_kept(f, s, out);
}

/* What lies between goes. */
static inline em_status linalg_drop(linalg_formula *f)
{
    for (int i = 0; i < f->n; i++) em_tensor_release(f->kept[i]);
    return f->status;
}

/* The formula's value as dx, dense. */
static inline em_status linalg_finish(linalg_formula *f, em_tensor *value, em_tensor **dx)
{
    if (!f->status) f->status = em__run1("clone", value, NULL, dx);
    return linalg_drop(f);
}

#endif
