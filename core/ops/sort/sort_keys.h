/* Putting numbers in order by keys: integers that compare as the elements do. */
#ifndef EM_OPS_SORT_KEYS_H
#define EM_OPS_SORT_KEYS_H

#include <stdint.h>
#include <string.h>

typedef struct em_item {
    uint64_t key;
    int64_t at;                         /* where the element stands */
} em_item;

/* An interrupt cuts these short; then the items are not to be used.
 *
 * Sorts by key; equal ones stay in order. `scratch` is scratch of n items. */
void em__sort_items(em_item *items, em_item *scratch, int64_t n);

/* The k (1 .. n) items that would come first in a sort, in that order, go to the front of `items`. */
void em__first_items(em_item *items, em_item *scratch, int64_t n, int64_t k);

/* The item that would be number k (0 .. n-1) in a sort. */
em_item em__nth_item(const em_item *items, int64_t n, int64_t k);

/* -0 is equal to 0, NaN greater than all and equal to itself. */
static inline uint64_t em__key_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x == 0) bits = 0;
    if (x != x) return UINT32_MAX;
    return bits >> 31 ? (uint32_t)~bits : bits | (uint32_t)1 << 31;
}

static inline uint64_t em__key_of_double(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x == 0) bits = 0;
    if (x != x) return UINT64_MAX;
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static inline uint64_t em__key_of_integer(int64_t x) { return (uint64_t)x ^ (uint64_t)1 << 63; }

/* Needs EM_VARIANT. */
#ifdef EM_VARIANT
#if EM_REAL_FLOAT
#define EM_KEY(x) (sizeof(em_scalar) == 4 ? em__key_of_float((float)(x)) : em__key_of_double((double)(x)))
#else
#define EM_KEY(x) em__key_of_integer((int64_t)(x))
#endif
#endif

#endif
