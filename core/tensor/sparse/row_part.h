/* A part of a row-sparse gradient: what one lookup contributes. Entry e adds
 *
 *     scale * coef[e] * source[index[e]]   to row   ids[e]
 *
 * (or what its term says, where the slope depends on the row itself, as that of a distance does),
 *
 * where source is the upstream gradient, or the rows that it weights, by reference: nothing of size (entries, D) is
 * made. */
#ifndef EM_TENSOR_ROW_PART_H
#define EM_TENSOR_ROW_PART_H

#include "tensor/tensor.h"

typedef enum em_row_term {
    EM_TERM_ROW,                /* coef * source */
    EM_TERM_SIGN,               /* coef * sign(source - the row itself) */
    EM_TERM_DIFFERENCE,         /* coef * (the row itself - source) */
} em_row_term;

typedef struct em_row_part {
    em_tensor *ids;             /* (n) int64, contiguous */
    em_tensor *source;          /* (m, D): rows contiguous inside, any row stride (0: one row for all) */
    em_tensor *index;           /* (n) int64: row of source of each entry; null: e / every */
    int64_t every;
    em_tensor *coef;            /* (n) of source's dtype; null: ones */
    double scale;
    em_row_term term;
    em_tensor *table;           /* where the row itself is read: (V, D) contiguous; null for EM_TERM_ROW */
    int64_t version;            /* of the table's storage: an entry is worth nothing once the table has changed */
} em_row_part;

/* Sets p->source (and p->coef, if that saves memory) to the rows of `dy` (…, width), n of them, without copying where
 * its strides allow. */
em_status em__row_part_source(em_row_part *p, em_tensor *dy, int64_t n, int64_t width);

void em__row_part_release(em_row_part *p);
void em__row_part_retain(const em_row_part *p);

/* Entries are read when sums are asked for: until then the tensors they come from stay as they are now (em__keep). */
em_status em__row_part_keep(em_row_part *p);

/* The entries of other rows than `padding` (-1: none) and those marked in `dropped` (or null), with references of their
 * own. On failure there is nothing in `out` to release. */
em_status em__row_part_without(em_row_part *out, const em_row_part *p, int64_t padding, const uint8_t *dropped);

#endif
