/* Counting, without gradients. bincount: y_k = how many input_i are k, or the sum of their weights; histc: y_k = how
 * many input_i lie in bin k of equal ones from min to max. */
#include <math.h>

#include "graph/op.h"

/* ---- bincount -------------------------------------------------------------------------------------------- */

static em_status bincount_check(em_call *c)
{
    const em_tensor *ids = c->in[0], *weights = c->n > 1 ? c->in[1] : NULL;
    const int64_t least = c->opts.at[0].i;
    EM_TRY(em__check_dims(c, ids, 1, "input"));
    if (weights && (weights->dims != 1 || weights->size[0] != ids->size[0]))
        return em__fail(EM_ESHAPE, "bincount: weights %s: expected the shape of input %s", EM_SHAPE(weights),
                        EM_SHAPE(ids));
    if (least < 0) return em__fail(EM_EVALUE, "bincount: minlength = %lld: expected a number >= 0", (long long)least);
    int64_t high = least - 1;
    EM_PIECES(lo, hi, ids->count)
        for (int64_t i = lo; i < hi; i++) {
            const int64_t id = EM_DATA(int64_t, ids)[i];
            if (id < 0)
                return em__fail(EM_ERANGE, "bincount: input %lld at position [%lld] is negative", (long long)id,
                                (long long)i);
            high = em__max(high, id);
        }
    if (em__stop) return em__fail(EM_EINTERRUPT, "interrupted!");
    if (high == INT64_MAX) return em__fail(EM_ERANGE, "bincount: input %lld is too large", (long long)high);
    return em__out(c, 0, weights ? c->dtype : EM_I64, 1, (int64_t[]){high + 1});
}

static em_status bincount_forward(em_call *c)
{
    const em_tensor *ids = c->in[0], *weights = c->n > 1 ? c->in[1] : NULL;
    const int64_t *id = EM_DATA(int64_t, ids);
    em_tensor_fill(c->out[0], 0);
    if (weights)
        EM_PIECES(lo, hi, ids->count)
            for (int64_t i = lo; i < hi; i++) EM_REALS(c->out[0])[id[i]] += EM_REALS(weights)[i];
    else
        EM_PIECES(lo, hi, ids->count)
            for (int64_t i = lo; i < hi; i++) EM_DATA(int64_t, c->out[0])[id[i]]++;
    return EM_OK;
}

/* ---- histc ----------------------------------------------------------------------------------------------- */

enum { BINS, MIN, MAX };

static em_status histc_check(em_call *c)
{
    const int64_t bins = c->opts.at[BINS].i;
    const double low = c->opts.at[MIN].x, high = c->opts.at[MAX].x;
    if (bins < 1) return em__fail(EM_EVALUE, "histc: bins = %lld: expected a number >= 1", (long long)bins);
    if (!(low <= high) || isinf(low) || isinf(high))
        return em__fail(EM_EVALUE, "histc: range %g to %g: expected finite numbers, the first not greater", low, high);
    return em__out(c, 0, c->dtype, 1, &bins);
}

/* The given range, or that of the elements; a range of one point is widened by 1 to each side. */
static em_status find_range(const em_call *c, double *low, double *high)
{
    const em_tensor *x = c->in[0];
    *low = c->opts.at[MIN].x;
    *high = c->opts.at[MAX].x;
    if (*low == *high && x->count) {
        *low = *high = (double)EM_REALS(x)[0];
        EM_PIECES(from, to, x->count)
            for (int64_t i = from; i < to; i++) {
                const double value = (double)EM_REALS(x)[i];
                if (value < *low || value != value) *low = value;
                if (value > *high || value != value) *high = value;
            }
        if (!(isfinite(*low) && isfinite(*high)))
            return em__fail(EM_EVALUE, "histc: the elements range from %g to %g; give a finite range", *low, *high);
    }
    if (*low == *high) {
        *low -= 1;
        *high += 1;
    }
    return EM_OK;
}

static em_status histc_forward(em_call *c)
{
    double low, high;
    EM_TRY(find_range(c, &low, &high));
    const em_tensor *x = c->in[0];
    const int64_t bins = c->opts.at[BINS].i;
    em_real *y = EM_REALS(c->out[0]);
    em_tensor_fill(c->out[0], 0);
    EM_PIECES(from, to, x->count)
        for (int64_t i = from; i < to; i++) {
            const double value = (double)EM_REALS(x)[i];
            if (!(value >= low && value <= high)) continue;
            const double share = (value / 2 - low / 2) / (high / 2 - low / 2);  /* the whole range may be infinite */
            y[em__min(bins - 1, (int64_t)(share * (double)bins))] += 1;
        }
    return EM_OK;
}

static const em_opt_spec bincount_opts[] = {{"minlength", EM_OPT_INT, "0", "", "the least number of results"}, {0}};
static const em_opt_spec histc_opts[] = {
    {"bins", EM_OPT_INT, "100", "", "number of bins"},
    {"min", EM_OPT_NUMBER, "0", "", "lower end; the same as max: that of the elements"},
    {"max", EM_OPT_NUMBER, "0", "", "upper end, which belongs to the last bin"},
    {0},
};

const em_op EM_OP(bincount) = {
    .name = "bincount", .inputs = "input# weights?", .outputs = "output",
    .doc = "How often each number occurs, from 0 to the largest: int64; or the sums of the weights of each.\n"
           "Sums are float32 for weights of float32, else float64. Fails if a number is negative.",
    .opts = bincount_opts, .types = EM_TYPES_FLOAT, .flags = EM_OP_WIDE, .check = bincount_check,
    .forward = bincount_forward,
};

const em_op EM_OP(histc) = {
    .name = "histc", .inputs = "input", .outputs = "output",
    .doc = "Numbers of elements in bins of equal width between min and max; others and NaN are not counted.\n"
           "Fails if the range is not finite.",
    .opts = histc_opts, .types = EM_TYPES_FLOAT, .check = histc_check, .forward = histc_forward,
};
