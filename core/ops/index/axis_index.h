/* Ids along one dim of a tensor, for the operations that pick (index.c), place (assign.c) and add (scatter.c). */
#ifndef EM_OPS_AXIS_INDEX_H
#define EM_OPS_AXIS_INDEX_H

#include "graph/op.h"

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* A contiguous tensor seen as (outer, size, inner) around a dim; a 0-d one as (1, 1, 1). A row is `inner` elements. */
typedef struct em_axis_index {
    int dim;
    int64_t outer, size, inner;
} em_axis_index;

em_status em__axis_index(em_axis_index *a, const em_tensor *t, int64_t dim, const char *name);

/* The same for a mask that covers the first dims of t: they count as one. */
em_axis_index em__axis_index_first(const em_tensor *t, int dims);

/* Ids of 0 .. size-1 along the dim, or the error that says which is not. */
em_status em__check_axis_index(const em_call *c, const em_tensor *ids, const em_axis_index *a);

/* to (outer, n, inner) = rows id[0 .. n-1] of from (outer, size, inner); elements of `bytes`. */
void em__take_rows(const em_axis_index *a, char *to, const char *from, const int64_t *id, int64_t n, size_t bytes);

/* Rows id[0 .. n-1] of to = from (outer, n, inner), in this order; `one`: from is one row for all. */
void em__put_rows(const em_axis_index *a, char *to, const char *from, bool one, const int64_t *id, int64_t n,
                  size_t bytes);

/* Several threads may write rows that ids name if each row has one owner: row r belongs to owner r % owners (a power of
 * two), and each owner goes through all ids in order. The order in which a row is written is that of the ids whoever
 * owns it, so results do not depend on the number of owners. It is 1 where there is enough else (`outer`) to share out,
 * or little work. */
int64_t em__owners(int64_t outer, double work);

/* ---- slices -------------------------------------------------------------------------------------------- */

/* Ids of as many dims as the tensor they point into, as in gather: the positions that differ only along the dim make a
 * slice, and an id picks within its slice. Tensors of the iterator: the ids, the one pointed into, and one of ids'
 * shape. */
typedef struct em_slices {
    em_iterator iterator;               /* over slices */
    int64_t count;                      /* slices */
    int64_t length;                     /* ids a slice */
    int64_t step[3];                    /* along the dim, in elements */
    const int64_t *id;
} em_slices;

/* Fails unless ids have the dims of t, none larger but along the dim, and all are in range. */
em_status em__check_slices(const em_call *c, const em_tensor *t, const char *t_name, const em_tensor *ids, int dim);

/* `third` with 0 dims: one element for all. */
void em__slices(em_slices *l, const em_tensor *ids, const em_tensor *t, const em_tensor *third, int dim);

/* Whether each slice lies together in memory, in all three: then it is gone through from where em__slice says that it
 * starts in the ids, the tensor pointed into, and the third. */
static inline bool em__slices_contiguous(const em_slices *l)
{
    return l->step[0] == 1 && l->step[1] == 1 && l->step[2] == 1;
}

static inline const int64_t *em__slice(const em_slices *l, int64_t slice, int64_t start[EM_ITERATED])
{
    em__iterator_point(&l->iterator, slice, start);
    return l->id + start[0];
}

/* Goes through slices lo .. hi-1, a batch of pairs at a time: element `there` of the tensor pointed into belongs to
 * element `here` of the third. Within a slice the order is that of the ids.
 *
 *     em_pairs p;
 *     for (em__pairs_start(&p, &slices, lo, hi, 1, 0); em__pairs_next(&p);)
 *         for (int i = 0; i < p.n; i++) y[p.here[i]] = x[p.there[i]];                                             */
enum { EM_PAIR_SLICES = 32, EM_PAIRS = 256 };
typedef struct em_pairs {
    const em_slices *slices;
    int64_t slice, end, at, owners, owner;
    int group;                          /* slices gone through together: neighbours lie together in memory */
    int64_t start[EM_PAIR_SLICES][EM_ITERATED];
    int n;
    int64_t there[EM_PAIRS], here[EM_PAIRS];
} em_pairs;

void em__pairs_start(em_pairs *p, const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner);
bool em__pairs_next(em_pairs *p);

/* dx[2] of a source (input 2) whose elements went where ids (input 1) say: those of dy there. Zero where nothing was
 * read of a source that is larger than the ids, their sum where it is one element. */
em_status em__source_slope(const em_node *n, em_tensor **dx);

#endif
