#include "ops/sort/sort_keys.h"

#include "parallel/parallel.h"

enum { FEW = 40, DIGITS = 256 };

static void sort_few(em_item *items, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const em_item x = items[i];
        int64_t k = i;
        for (; k > 0 && items[k - 1].key > x.key; k--) items[k] = items[k - 1];
        items[k] = x;
    }
}

/* Bits in which the keys are not all the same. */
static uint64_t differing(const em_item *items, int64_t n)
{
    uint64_t any = 0;
    EM_PIECES(lo, hi, n)
        for (int64_t i = lo; i < hi; i++) any |= items[i].key ^ items[0].key;
    return any;
}

/* By one digit of the key; equal ones stay in order. */
static void sort_digit(em_item *to, const em_item *from, int64_t n, int shift)
{
    int64_t start[DIGITS + 1] = {0};
    EM_PIECES(lo, hi, n)
        for (int64_t i = lo; i < hi; i++) start[(from[i].key >> shift & (DIGITS - 1)) + 1]++;
    for (int d = 0; d < DIGITS; d++) start[d + 1] += start[d];
    EM_PIECES(lo, hi, n)
        for (int64_t i = lo; i < hi; i++) to[start[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
}

/* Digit by digit from the least, leaving out digits that all have in common. */
void em__sort_items(em_item *items, em_item *scratch, int64_t n)
{
    if (n <= FEW) {
        sort_few(items, n);
        return;
    }
    const uint64_t any = differing(items, n);
    em_item *from = items, *to = scratch;
    for (int shift = 0; shift < 64; shift += 8) {
        if (!(any >> shift & (DIGITS - 1))) continue;
        sort_digit(to, from, n, shift);
        if (em__stop) return;               /* what it has left out is not there to be read */
        em_item *swap = from;
        from = to;
        to = swap;
    }
    if (from == items) return;
    EM_PIECES(lo, hi, n) memcpy(items + lo, from + lo, (size_t)(hi - lo) * sizeof *items);
}

/* The key of number k of a sort, digit by digit from the greatest; *below: how many keys are less. */
static uint64_t nth_key(const em_item *items, int64_t n, int64_t k, int64_t *below)
{
    const uint64_t any = differing(items, n);
    uint64_t known = 0, value = items[0].key;           /* bits of the key that are settled */
    *below = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        const uint64_t digit = (uint64_t)(DIGITS - 1) << shift;
        if (any & digit) {
            int64_t count[DIGITS] = {0};
            EM_PIECES(lo, hi, n)
                for (int64_t i = lo; i < hi; i++)
                    if (!((items[i].key ^ value) & known)) count[items[i].key >> shift & (DIGITS - 1)]++;
            if (em__stop) return value;
            int d = 0;
            while (*below + count[d] <= k) *below += count[d++];
            value = (value & ~digit) | (uint64_t)d << shift;
        }
        known |= digit;
    }
    return value;
}

void em__first_items(em_item *items, em_item *scratch, int64_t n, int64_t k)
{
    if (n > FEW && k < n / 2) {
        int64_t below, kept = 0;
        const uint64_t last = nth_key(items, n, k - 1, &below);
        int64_t equal = k - below;
        EM_PIECES(lo, hi, n)
            for (int64_t i = lo; i < hi; i++)
                if (items[i].key < last || (items[i].key == last && equal-- > 0)) items[kept++] = items[i];
        if (em__stop) return;
        n = k;
    }
    em__sort_items(items, scratch, n);
}

em_item em__nth_item(const em_item *items, int64_t n, int64_t k)
{
    int64_t below;
    const uint64_t key = nth_key(items, n, k, &below);
    int64_t skip = k - below;
    EM_PIECES(lo, hi, n)
        for (int64_t i = lo; i < hi; i++)
            if (items[i].key == key && skip-- == 0) return items[i];
    return items[0];                        /* interrupted */
}
