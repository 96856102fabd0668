/* Random walks over the nodes of a network. Included by embla.h. */
#ifndef EMBLA_WALKS_H
#define EMBLA_WALKS_H

/* The edges of a network of nodes 0, 1, …, by the node they leave. */
typedef struct em_adjacency em_adjacency;

/* Edges from `sources` to `targets`, (E) int64, in a network of `nodes`; unless `directed`, each leads both ways (one
 * from a node to itself once). `weights` (E) float64 are the shares in which walkers take them, null: equal ones. An
 * edge of weight 0 is none. Edges between the same nodes add up.
 * EM_ETYPE, EM_ESHAPE, EM_ENOMEM; EM_ERANGE: a node outside; EM_EVALUE: a weight negative or not finite. */
em_status em_adjacency_new(em_adjacency **out, const em_tensor *sources, const em_tensor *targets,
                           const em_tensor *weights, int64_t nodes, bool directed);
void em_adjacency_release(em_adjacency *a);     /* null is fine */

typedef struct em_walk_opts {
    int64_t length;             /* nodes in a walk, >= 1 */
    double p, q;                /* of node2vec, 1e-9 .. 1e9: 1 / p weighs the way back, 1 / q the ways further off */
    uint64_t seed;
} em_walk_opts;

/* *out (W, length) int64: a walk from each of `starts`, (W) int64. A walk ends early at a node that no edge leaves;
 * what follows is -1. From v, reached from t, an edge to x is taken in proportion to its weight, times 1 / p if x is t,
 * 1 if an edge leads from t to x, else 1 / q (Grover and Leskovec, "node2vec", 2016). Walk i depends on seed and i
 * alone. EM_ETYPE, EM_ESHAPE, EM_ERANGE, EM_EVALUE, EM_ENOMEM, EM_EINTERRUPT. */
em_status em_random_walks(em_tensor **out, const em_adjacency *a, const em_tensor *starts, const em_walk_opts *opts);

#endif
