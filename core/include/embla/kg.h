/* Knowledge graphs: which triples are known, negatives, ranks. Included by embla.h. */
#ifndef EMBLA_KG_H
#define EMBLA_KG_H

/* ---- known answers ------------------------------------------------------------------------------------- */

/* What is known to answer each question: numbers >= 0 by keys, as tails by head * relations + relation. */
typedef struct em_answers em_answers;

/* keys and values: (N) int64. A pair that comes again counts once. EM_ESHAPE, EM_ETYPE, EM_ENOMEM. */
em_status em_answers_new(em_answers **out, const em_tensor *keys, const em_tensor *values);
void em_answers_release(em_answers *a);         /* null is fine */

/* The values of a key, ascending, lent; none: *count is 0. */
const int64_t *em_answers_find(const em_answers *a, int64_t key, int64_t *count);
bool em_answers_has(const em_answers *a, int64_t key, int64_t value);

/* *values (T) int64: the answers of the first key, then those of the next; *ends (B) int64: where those of each end. */
em_status em_answers_list(em_tensor **values, em_tensor **ends, const em_answers *a, const em_tensor *keys);

/* ---- ranks --------------------------------------------------------------------------------------------- */

/* Into *better and *equal, (B) int64: how many of the scores (B, V), float32, are above that of targets[b] (B), and how
 * many others equal it. Known answers of keys[b], (B) int64, other than the target do not count; `known` may be null.
 * NaN is worst for who asks: others count as above if they or the target are NaN. EM_ERANGE for targets outside. */
em_status em_rank_counts(em_tensor **better, em_tensor **equal, const em_tensor *scores, const em_tensor *targets,
                         const em_tensor *keys, const em_answers *known);

/* ---- negatives ----------------------------------------------------------------------------------------- */

/* *out (B, num, 3) int64: triples (B, 3) int64 with the head, with the chance head_share[relation], (R) float64, or
 * else the tail, replaced by one of `entities` drawn evenly. With `known`, tails by head * R + relation, no known
 * triple comes out: who has drawn eight takes the next entity that makes an unknown one. EM_EVALUE if there is none. */
em_status em_corrupt(em_tensor **out, const em_tensor *triples, int64_t num, int64_t entities,
                     const em_tensor *head_share, const em_answers *known, em_rng *rng);

#endif
