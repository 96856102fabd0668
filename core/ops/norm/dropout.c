/* dropout: y_i = x_i / (1 - p) where number i of the generator is at least p, else 0; dx_i the same of dy_i. Which
 * elements stay is a function of the generator's seed and position alone, so backward makes the same choice again
 * instead of keeping a mask. */
#include <string.h>

#include "graph/op.h"

#include "random/rng.h"

enum { BLOCKS = 64, BLOCK = 4 * BLOCKS };       /* numbers are drawn in fours */

/* y_i = x_i / (1 - p) where number i is at least p, else 0; elements lo .. hi-1, lo a multiple of 4. */
static void drop(em_real *y, const em_real *x, int64_t lo, int64_t hi, uint64_t seed, uint64_t position, double p)
{
    const uint32_t least = (uint32_t)(p * 0x1p32);
    const em_real scale = (em_real)(1 / (1 - p));
    uint32_t bits[BLOCK];
    for (int64_t at = lo; at < hi; at += BLOCK) {
        const int64_t n = em__min(BLOCK, hi - at);
        for (int64_t k = 0; 4 * k < n; k++) em__rng_at(seed, position + (uint64_t)(at / 4 + k), bits + 4 * k);
        for (int64_t i = 0; i < n; i++) y[at + i] = bits[i] < least ? 0 : x[at + i] * scale;
    }
}

static void drop_all(em_real *y, const em_real *x, int64_t n, const em_tensor *draw, double p)
{
    if (!draw || p >= 1) {
        if (draw)
            memset(y, 0, (size_t)n * sizeof *y);
        else if (y != x)
            memcpy(y, x, (size_t)n * sizeof *y);
        return;
    }
    const uint64_t *d = EM_DATA(uint64_t, draw);
    if (n < EM_GRAIN / 8) {
        drop(y, x, 0, n, d[0], d[1], p);
        return;
    }
    EM_PARALLEL_CHUNKS(lo, hi, n, 8)
        drop(y, x, lo, hi, d[0], d[1], p);
}

static bool drops(const em_opts *o) { return o->at[1].i && o->at[0].x > 0; }

static em_status check(em_call *c)
{
    const double p = c->opts.at[0].x;
    if (!(p >= 0 && p <= 1))
        return em__fail(EM_EVALUE, "%s: p must be a probability, 0 to 1, given %g", c->op->name, p);
    EM_TRY(em__out_like(c, 0, c->in[0]));
    return drops(&c->opts) ? em__out(c, 1, EM_I64, 1, (int64_t[]){2}) : EM_OK;
}

static em_status forward(em_call *c)
{
    if (c->out[1]) {
        EM_DATA(uint64_t, c->out[1])[0] = c->rng->seed;
        EM_DATA(uint64_t, c->out[1])[1] = c->rng->position;
        c->rng->position += (uint64_t)(c->in[0]->count + 3) / 4;
    }
    drop_all(EM_REALS(c->out[0]), EM_REALS(c->in[0]), c->in[0]->count, c->out[1], c->opts.at[0].x);
    return EM_OK;
}

static em_status backward(const em_node *n, em_tensor **dx)
{
    EM_TRY(em__dx(dx, n, 0));
    const em_tensor *draw = drops(&n->opts) ? n->y[1] : NULL;
    drop_all(EM_REALS(dx[0]), EM_REALS(n->dy[0]), dx[0]->count, draw, n->opts.at[0].x);
    return EM_OK;
}

static const em_opt_spec opts[] = {
    {"p", EM_OPT_NUMBER, "0.5", "", "probability with which an element becomes 0"},
    {"training", EM_OPT_BOOL, "true", "", "false: nothing is changed"},
    {0}};

const em_op EM_OP(dropout) = {
    .name = "dropout",
    .inputs = "input",
    .outputs = "output [draw]",
    .doc = "Sets elements to 0 at random and divides the others by 1 - p, so that the mean stays.\n"
           "Any shape. The same seed gives the same choice for any number of threads.",
    .opts = opts,
    .types = EM_TYPES_FLOAT,
    .flags = EM_OP_INPLACE | EM_OP_RANDOM,
    .saves = EM_SAVE_Y(1),
    .check = check,
    .forward = forward,
    .backward = backward,
};
