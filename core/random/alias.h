/* Drawing from n numbers with given weights in constant time (Walker's alias method, tables built as by Vose 1991): a
 * column is drawn evenly, and holds at most two numbers: itself, and another one that fills it up. */
#ifndef EM_RANDOM_ALIAS_H
#define EM_RANDOM_ALIAS_H

#include "base/status.h"

typedef struct em__column {
    uint32_t own;               /* the probability of itself, times 2^32 */
    int32_t other;
} em__column;

typedef struct em__alias {
    int64_t n;
    em__column *columns;
} em__alias;

/* Weights finite and >= 0, at least one > 0; 1 <= n <= INT32_MAX. A number of weight 0 is never drawn. EM_ENOMEM. */
em_status em__alias_new(em__alias *a, const double *weights, int64_t n);
void em__alias_free(em__alias *a);              /* fine on a zeroed one, and again */

/* The high part of bits * n says which column, the low part where in it. */
static inline int32_t em__alias_draw(const em__alias *a, uint64_t bits)
{
    __extension__ typedef unsigned __int128 wide;
    const wide at = (wide)bits * (uint64_t)a->n;
    const int32_t column = (int32_t)(at >> 64);
    const uint32_t height = (uint32_t)((uint64_t)at >> 32);
    const em__column c = a->columns[column];
    const int32_t own = -(int32_t)(height < c.own);             /* all ones or 0: a branch would be guessed wrong */
    return c.other ^ ((c.other ^ column) & own);
}

#endif
