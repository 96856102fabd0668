/* Row-sparse gradients in factored form. A part is what one lookup contributes: entry e adds
 *
 *     scale * coef[e] * source[index[e]]   to row   ids[e]
 *
 * (or what its form says, where the slope depends on the row itself, as that of a distance does),
 *
 * where source is the upstream gradient, or the rows that it weights, by reference: nothing of size (entries, D) is
 * made. Entries are grouped by id once, when somebody needs sums. Parts of a gradient of halves are float32; what is
 * read out of it is rounded. */
#ifndef EM_TENSOR_ROWS_H
#define EM_TENSOR_ROWS_H

#include "tensor/tensor.h"

typedef enum em_form {
    EM_FORM_ROW,                /* coef * source */
    EM_FORM_SIGN,               /* coef * sign(source - the row itself) */
    EM_FORM_DIFFERENCE,         /* coef * (the row itself - source) */
} em_form;

typedef struct em_part {
    em_tensor *ids;             /* (n) int64, contiguous */
    em_tensor *source;          /* (m, D): rows contiguous inside, any row stride (0: one row for all) */
    em_tensor *index;           /* (n) int64: row of source of each entry; null: e / every */
    int64_t every;
    em_tensor *coef;            /* (n) of source's dtype; null: ones */
    double scale;
    em_form form;
    em_tensor *table;           /* where the row itself is read: (V, D) contiguous; null for EM_FORM_ROW */
    int64_t version;            /* of the table's storage: an entry is worth nothing once the table has changed */
} em_part;

/* Entries sorted by id, equal ids in order of entry. Entry numbers run through the parts in order. */
struct em_groups {
    int64_t n;                  /* unique ids */
    int64_t entries;
    int64_t *ids;               /* (n) ascending */
    int64_t *start;             /* (n + 1) into order */
    int64_t *order;             /* (entries) entry numbers */
    size_t bytes;               /* of the one block that holds all three */
};

struct em_rows {
    int64_t refs;
    int64_t entries;
    int64_t width;              /* D: elements a row */
    bool coalesced;             /* ids ascending and unique */
    int n_parts;
    em_part *parts;
    em_groups *groups;          /* made when first needed; null until then */
};

/* Sets p->source (and p->coef, if that saves memory) to the rows of `dy` (…, width), n of them, without copying where
 * its strides allow. */
em_status em__part_source(em_part *p, em_tensor *dy, int64_t n, int64_t width);

void em__part_release(em_part *p);

/* Takes references to the part's tensors, which are kept (em__keep) from now on, in `part` too. `sizes` of the whole
 * table: (V, …), dims >= 1. Entries whose id is `padding` (-1: none) are left out. */
em_status em__rows_from_part(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_part *part,
                             int64_t padding);

/* t without the entries of rows marked in `dropped` (V); t itself if it has none. */
em_status em__rows_without(em_tensor **out, em_tensor *t, const uint8_t *dropped);

em_status em__rows_clone(em_tensor **out, const em_tensor *t);       /* entries and values copied */

void em__rows_retain(em_rows *r);
void em__rows_release(em_rows *r);              /* null is fine */

/* ids all in 0 .. rows-1, else EM_ERANGE. */
em_status em__check_row_ids(const char *name, const int64_t *id, int64_t n, int64_t rows);

/* EM_EGRAD if entries refer to a table that was changed since: call before reading them. */
em_status em__rows_check(const em_tensor *t);

/* Groups of t's entries, lent; made and kept on first use. Checks as em__rows_check does. */
em_status em__rows_groups(const em_groups **out, em_tensor *t);

/* Whether both take their ids from the same memory, so that the groups of one are those of the other. */
bool em__rows_same_ids(const em_rows *a, const em_rows *b);

/* Groups ids (n) of 0 .. rows-1: a stable sort on em_threads() threads. Free with em__groups_free. */
em_status em__group(em_groups **out, const int64_t *const *ids, const int64_t *counts, int lists, int64_t rows);
void em__groups_free(em_groups *g);

/* Threads get the same number of entries, not of rows: first group of piece k of `pieces`. */
int64_t em__groups_split(const em_groups *g, int64_t k, int64_t pieces);

/* What is compiled for each instruction set (rows_sum.c), for values of float (or double). */
typedef struct em_rows_kernel {
    void (*values)(void *to, const em_rows *r, int64_t from, int64_t count);    /* to: (count, width) */
    /* The sum of group u is added to row ids[u] of to; compact: it becomes row u. */
    void (*sums)(void *to, const em_rows *r, const em_groups *g, bool compact);
} em_rows_kernel;

#endif
