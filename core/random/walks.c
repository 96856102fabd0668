/* Random walks: edges sorted by the node they leave and the one they reach, with running sums of the weights. A second
 * order step proposes an edge by weight and takes it with the probability bias / greatest bias, so that no table for
 * each pair of edges is needed. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "random/rng.h"
#include "tensor/tensor.h"

enum {
    PROPOSALS = 32,             /* refused so often, a step adds up all biases instead: for extreme p and q */
    STEP_COST = 64,             /* of a step, in units of work */
};

static const double LEAST = 1e-9, MOST = 1e9;           /* p and q: a product of biases stays far from 0 */

typedef struct edge {
    int32_t source, target;
    double weight;
} edge;

struct em_adjacency {
    int64_t nodes, edges;
    int64_t *starts;            /* (nodes + 1): the edges of node v are starts[v] up to before starts[v + 1] */
    int32_t *targets;           /* ascending for each node, with room for `room` as the next */
    double *sums;               /* weights of the node's edges up to and with this one; null: all are 1 */
    int64_t room;
};

/* ---- building ------------------------------------------------------------------------------------------ */

static em_status check_nodes(const em_tensor *t, int64_t n, const char *owner, const char *name)
{
    if (em_tensor_is_sparse(t) || t->dtype != EM_I64)
        return em__fail(EM_ETYPE, "%s: argument %s: expected int64, got %s", owner, name, em_dtype_name(t->dtype));
    if (t->dims != 1 || !t->contiguous || (n >= 0 && t->count != n))
        return em__fail(EM_ESHAPE, "%s: argument %s: got shape %s", owner, name, EM_SHAPE(t));
    return EM_OK;
}

static em_status check_range(const em_tensor *t, int64_t nodes, const char *owner)
{
    const int64_t *ids = EM_DATA(int64_t, t);
    for (int64_t i = 0; i < t->count; i++)
        if (ids[i] < 0 || ids[i] >= nodes)
            return em__fail(EM_ERANGE, "%s: node %lld at position %lld is out of range for %lld nodes (they count "
                            "from 0)", owner, (long long)ids[i], (long long)i, (long long)nodes);
    return EM_OK;
}

static em_status check_weights(const em_tensor *t, int64_t n)
{
    if (em_tensor_is_sparse(t) || t->dtype != EM_F64)
        return em__fail(EM_ETYPE, "Graph: weights: expected float64, got %s", em_dtype_name(t->dtype));
    if (t->dims != 1 || !t->contiguous || t->count != n)
        return em__fail(EM_ESHAPE, "Graph: weights: expected shape (%lld), one for each edge, got %s", (long long)n,
                        EM_SHAPE(t));
    const double *weights = EM_DATA(double, t);
    for (int64_t i = 0; i < n; i++)
        if (!(weights[i] >= 0 && isfinite(weights[i])))
            return em__fail(EM_EVALUE, "Graph: weight %g of edge %lld: expected a finite number >= 0", weights[i],
                            (long long)i);
    return EM_OK;
}

static int compare(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    if (x->source != y->source) return x->source < y->source ? -1 : 1;
    if (x->target != y->target) return x->target < y->target ? -1 : 1;
    return (x->weight > y->weight) - (x->weight < y->weight);
}

static int64_t list_edges(edge *to, const em_tensor *sources, const em_tensor *targets, const em_tensor *weights,
                          bool directed)
{
    const int64_t *from = EM_DATA(int64_t, sources), *into = EM_DATA(int64_t, targets);
    int64_t n = 0;
    for (int64_t i = 0; i < sources->count; i++) {
        const double weight = weights ? EM_DATA(double, weights)[i] : 1;
        const int32_t source = (int32_t)from[i], target = (int32_t)into[i];
        if (weight == 0) continue;
        to[n++] = (edge){source, target, weight};
        if (!directed && source != target) to[n++] = (edge){target, source, weight};
    }
    return n;
}

static em_status reserve(em_adjacency *a, int64_t room, bool weighted)
{
    const size_t starts = (size_t)(a->nodes + 1) * sizeof *a->starts, n = (size_t)em__max(room, 1);
    a->room = (int64_t)n;
    a->starts = em__alloc_zeroed(starts);
    a->targets = em__alloc(n * sizeof *a->targets);
    if (weighted) a->sums = em__alloc(n * sizeof *a->sums);
    return a->starts && a->targets && (a->sums || !weighted)
               ? EM_OK
               : em__fail_memory("a graph", starts + n * (sizeof *a->targets + (weighted ? sizeof *a->sums : 0)));
}

static em_status fill(em_adjacency *a, const edge *edges, int64_t n)
{
    double sum = 0;
    a->edges = n;
    for (int64_t i = 0; i < n; i++) {
        a->starts[edges[i].source + 1]++;
        a->targets[i] = edges[i].target;
        sum = (i && edges[i].source == edges[i - 1].source ? sum : 0) + edges[i].weight;
        if (!isfinite(sum))
            return em__fail(EM_EVALUE, "Graph: the weights at node %d add up to more than a number holds",
                            (int)edges[i].source);
        if (a->sums) a->sums[i] = sum;
    }
    for (int64_t v = 0; v < a->nodes; v++) a->starts[v + 1] += a->starts[v];
    return EM_OK;
}

em_status em_adjacency_new(em_adjacency **out, const em_tensor *sources, const em_tensor *targets,
                           const em_tensor *weights, int64_t nodes, bool directed)
{
    *out = NULL;
    if (nodes < 0 || nodes > INT32_MAX)
        return em__fail(EM_EVALUE, "Graph: expected 0 to %d nodes, got %lld", INT32_MAX, (long long)nodes);
    EM_TRY(check_nodes(sources, -1, "Graph", "sources"));
    EM_TRY(check_nodes(targets, sources->count, "Graph", "targets"));
    EM_TRY(check_range(sources, nodes, "Graph"));
    EM_TRY(check_range(targets, nodes, "Graph"));
    if (weights) EM_TRY(check_weights(weights, sources->count));
    const int64_t most = em__max(sources->count * (directed ? 1 : 2), 1);
    const size_t bytes = (size_t)most * sizeof(edge);
    em_adjacency *a = em__alloc_zeroed(sizeof *a);
    if (!a) return em__fail_memory("a graph", sizeof *a);
    a->nodes = nodes;
    edge *edges = em__alloc(bytes);
    em_status s = edges ? EM_OK : em__fail_memory("edges", bytes);
    if (!s) {
        const int64_t n = list_edges(edges, sources, targets, weights, directed);
        qsort(edges, (size_t)n, sizeof *edges, compare);
        s = reserve(a, n, weights != NULL);
        if (!s) s = fill(a, edges, n);
        em__free(edges, bytes);
    }
    if (s)
        em_adjacency_release(a);
    else
        *out = a;
    return s;
}

void em_adjacency_release(em_adjacency *a)
{
    if (!a) return;
    if (a->starts) em__free(a->starts, (size_t)(a->nodes + 1) * sizeof *a->starts);
    if (a->targets) em__free(a->targets, (size_t)a->room * sizeof *a->targets);
    if (a->sums) em__free(a->sums, (size_t)a->room * sizeof *a->sums);
    em__free(a, sizeof *a);
}

/* ---- walking ------------------------------------------------------------------------------------------- */

typedef struct walker {
    const em_adjacency *a;
    em_walk_opts o;
    double back, onward, greatest;      /* 1 / p, 1 / q, and the greatest bias */
} walker;

static bool has_edge(const em_adjacency *a, int64_t from, int32_t to)
{
    int64_t lo = a->starts[from], hi = a->starts[from + 1];
    while (lo < hi) {
        const int64_t mid = lo + (hi - lo) / 2;
        if (a->targets[mid] < to)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < a->starts[from + 1] && a->targets[lo] == to;
}

/* An edge of a node that has one, by weight. */
static int64_t propose(const em_adjacency *a, int64_t node, uint64_t bits)
{
    int64_t lo = a->starts[node], hi = a->starts[node + 1] - 1;
    if (!a->sums) return lo + (int64_t)em__bounded(bits, (uint64_t)(hi - lo + 1));
    const double at = em__uniform_f64(bits) * a->sums[hi];
    while (lo < hi) {
        const int64_t mid = lo + (hi - lo) / 2;
        if (a->sums[mid] > at)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static double bias(const walker *w, int64_t before, int32_t to)
{
    return to == before ? w->back : has_edge(w->a, before, to) ? 1 : w->onward;
}

/* Of edge i of a node, the bias divided by the greatest, so that sums stay finite. */
static double biased_weight(const walker *w, int64_t before, int64_t node, int64_t i)
{
    const em_adjacency *a = w->a;
    const double weight = !a->sums ? 1 : i == a->starts[node] ? a->sums[i] : a->sums[i] - a->sums[i - 1];
    return weight * (bias(w, before, a->targets[i]) / w->greatest);
}

/* An edge by weight times bias, by adding all of them up. */
static int64_t choose_of_all(const walker *w, int64_t before, int64_t node, double share)
{
    const em_adjacency *a = w->a;
    const int64_t first = a->starts[node], end = a->starts[node + 1];
    double total = 0, sum = 0;
    for (int64_t i = first; i < end; i++) total += biased_weight(w, before, node, i);
    int64_t last = first;
    for (int64_t i = first; i < end && sum <= share * total; i++) {
        const double part = biased_weight(w, before, node, i);
        if (part > 0) last = i;
        sum += part;
    }
    return last;
}

/* The node after `node`, which has an edge; `before` < 0: there is none. Each draw is a block of the walk's stream. */
static int64_t step(const walker *w, int64_t before, int64_t node, uint64_t stream, uint64_t *block)
{
    const em_adjacency *a = w->a;
    uint32_t bits[4];
    for (int i = 0; i < PROPOSALS; i++) {
        em__philox(w->o.seed, (*block)++, stream, bits);
        const int32_t to = a->targets[propose(a, node, em__join_bits(bits[0], bits[1]))];
        if (before < 0 || (w->back == 1 && w->onward == 1)) return to;
        if (em__uniform_f64(em__join_bits(bits[2], bits[3])) * w->greatest < bias(w, before, to)) return to;
    }
    em__philox(w->o.seed, (*block)++, stream, bits);
    return a->targets[choose_of_all(w, before, node, em__uniform_f64(em__join_bits(bits[0], bits[1])))];
}

static void walk(const walker *w, int64_t number, int64_t node, int64_t *to)
{
    const uint64_t stream = EM_STREAM_WALKS + ((uint64_t)number << 32);
    uint64_t block = 0;
    int64_t before = -1, n = 0;
    to[n++] = node;
    while (n < w->o.length && w->a->starts[node] < w->a->starts[node + 1] && !em__stop) {
        const int64_t next = step(w, before, node, stream, &block);
        before = node;
        to[n++] = node = next;
    }
    while (n < w->o.length) to[n++] = -1;
}

em_status em_random_walks(em_tensor **out, const em_adjacency *a, const em_tensor *starts, const em_walk_opts *o)
{
    *out = NULL;
    if (o->length < 1)
        return em__fail(EM_EVALUE, "random_walks: length must be >= 1, got %lld", (long long)o->length);
    const walker w = {a, *o, 1 / o->p, 1 / o->q, fmax(1, fmax(1 / o->p, 1 / o->q))};
    if (!(o->p >= LEAST && o->p <= MOST && o->q >= LEAST && o->q <= MOST))
        return em__fail(EM_EVALUE, "random_walks: p and q must be from %g to %g, got %g and %g", LEAST, MOST, o->p,
                       o->q);
    EM_TRY(check_nodes(starts, -1, "random_walks", "starts"));
    EM_TRY(check_range(starts, a->nodes, "random_walks"));
    if (starts->count > UINT32_MAX)
        return em__fail(EM_EVALUE, "random_walks: at most 2^32 - 1 walks at once, got %lld", (long long)starts->count);
    EM_TRY(em_tensor_empty(out, EM_I64, 2, (int64_t[]){starts->count, o->length}));
    const int64_t *from = EM_DATA(int64_t, starts), interrupts = em__interrupts;
    int64_t *to = EM_DATA(int64_t, *out);
    EM_PARALLEL_CHUNKS(lo, hi, starts->count, (double)o->length * STEP_COST)
        for (int64_t i = lo; i < hi; i++) walk(&w, i, from[i], to + i * o->length);
    if (!em_interrupted() && em__interrupts == interrupts) return EM_OK;
    em_tensor_release(*out);
    *out = NULL;
    return em__fail(EM_EINTERRUPT, "interrupted!");
}
