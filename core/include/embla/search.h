/* The part of embla.h about search: the rows of a table that are nearest to a vector. Its conventions hold. */
#ifndef EMBLA_SEARCH_H
#define EMBLA_SEARCH_H

#include "embla.h"

/* How near a row x is to a query q; nothing here has gradients. In the order of the words "dot cosine l2".
 *   dot     q . x, the greatest first
 *   cosine  q . x / (|q| |x|), the greatest first; 0 if either is zeros
 *   l2      |q - x|, the least first */
typedef enum em_metric { EM_DOT, EM_COSINE, EM_L2 } em_metric;

/* Which rows are looked at. A null tensor: left out. */
typedef struct em_topk_opts {
    em_metric metric;
    int64_t first;                  /* the first so many rows alone; < 0: all */
    const em_tensor *only;          /* (n) int64: these rows alone, in any order; one given twice counts once */
    const em_tensor *exclude;       /* (n) int64: not these; -1 stands for none */
    const em_tensor *exclude_ends;  /* (Q) int64, ascending: query i leaves out those of `exclude` from ends[i - 1] to
                                       ends[i] - 1; null: each query leaves out all */
    const em_tensor *norms;         /* (V): the lengths of the rows, for cosine; null: they are worked out */
} em_topk_opts;

/* The k best rows of a table for each query, exactly; of equal ones (for l2: of equal squares) the lower id first. The
 * bits depend on the query and the row alone: not on other queries, nor on the number of threads.
 *   scores   (Q, K) or (K), K = min(k, rows looked at), new reference: of the table's dtype, of float32 for half ones
 *   ids      int64, of the same shape, new reference
 *   queries  (Q, D) or (D) of any dtype
 *   table    (V, D) of a float dtype
 * A row whose score is NaN is never among them. Where excluded rows and such leave fewer than K, the rest has the id -1
 * and the score -inf, of l2 inf. Fails: EM_ETYPE, EM_ESHAPE, EM_ERANGE for k < 0 and ids that there are not, EM_ENOMEM,
 * EM_EINTERRUPT. */
em_status em_topk(em_tensor **scores, em_tensor **ids, const em_tensor *queries, const em_tensor *table, int64_t k,
                  const em_topk_opts *opts);

#endif
