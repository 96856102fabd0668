/* The part of embla.h about an approximate index of the rows of a table. Its conventions hold. */
#ifndef EMBLA_HNSW_H
#define EMBLA_HNSW_H

#include "embla.h"

/* A hierarchical navigable small world graph (Malkov and Yashunin, "Efficient and robust approximate nearest neighbor
 * search using hierarchical navigable small world graphs", 2016), as tensors that can be kept in a file. */
typedef struct em_hnsw {
    em_metric metric;
    em_tensor *vectors;         /* (V, D) float32 or float64: a copy of the table, for cosine of length 1 */
    em_tensor *links;           /* (V, 2 M) int32: the neighbours of each row on the ground, then -1 */
    em_tensor *upper;           /* (U, M) int32: of row i's levels 1 .. in the rows from first[i] to first[i + 1] - 1 */
    em_tensor *first;           /* (V + 1) int64 */
    int64_t entry;              /* a row of the highest level, where searches begin; -1: no row is linked */
} em_hnsw;

typedef struct em_hnsw_opts {
    em_metric metric;
    int64_t m;                  /* links of a row on each level above the ground, half of those on it; 2 .. 512 */
    int64_t ef_construction;    /* rows kept in sight while a row's neighbours are looked for, >= 1 */
    uint64_t seed;              /* of the rows' levels */
} em_hnsw_opts;

/* An index of the rows of a table (V, D) of a float dtype, V < 2^31; the same on any number of threads. A row with a
 * NaN or an infinity is left out. After a failure *h holds nothing: EM_ETYPE, EM_ESHAPE, EM_ERANGE, EM_ENOMEM,
 * EM_EINTERRUPT. */
em_status em_hnsw_build(em_hnsw *h, const em_tensor *table, const em_hnsw_opts *opts);
void em_hnsw_free(em_hnsw *h);

/* As em_topk, of the rows that a walk finds that keeps max(ef, k) in sight. What was read from a file need not be what
 * em_hnsw_build made: shapes are checked, links that lead nowhere are passed over. */
em_status em_hnsw_search(em_tensor **scores, em_tensor **ids, const em_hnsw *h, const em_tensor *queries, int64_t k,
                         int64_t ef);

#endif
