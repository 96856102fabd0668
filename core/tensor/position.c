/* Ids checked and turned into positions; masks turned into positions. */
#include "tensor/position.h"

#include <string.h>

#include "parallel/parallel.h"

/* ---- ids ----------------------------------------------------------------------------------------------- */

const char *em__position_text(char buffer[EM_SHAPE_TEXT], const em_tensor *t, int64_t at)
{
    int64_t position[EM_MAX_DIMS];
    for (int d = t->dims - 1; d >= 0; d--) {
        position[d] = at % t->size[d];
        at /= t->size[d];
    }
    em__shape_text(buffer, t->dims, position);
    buffer[0] = '[';
    buffer[strlen(buffer) - 1] = ']';
    return buffer;
}

em_status em__fail_id(const char *name, const em_tensor *ids, int64_t at, int64_t size, const char *what)
{
    return em__fail(EM_ERANGE, "%s: index %lld at position %s is out of range for %s = %lld (ids count from 0)", name,
                    (long long)EM_DATA(int64_t, ids)[at], EM_POSITION(ids, at), what, (long long)size);
}

/* Whether all are in range: of an id that is not, it or its distance from the last row is negative. Vectors of any
 * processor can do that, but not compare 64 bits: so this runs at the speed of memory. */
static bool ids_fit(const int64_t *id, int64_t n, int64_t rows)
{
    uint64_t signs = 0;
    for (int64_t i = 0; i < n; i++) signs |= (uint64_t)id[i] | ((uint64_t)rows - 1 - (uint64_t)id[i]);
    return signs >> 63 == 0;
}

em_status em__check_ids(const char *name, const em_tensor *ids, int64_t size, const char *what)
{
    const int64_t *id = EM_DATA(int64_t, ids), n = ids->count;
    if (n < 8 * EM_GRAIN && ids_fit(id, n, size)) return EM_OK;
    int64_t bad = INT64_MAX;
    EM_PARALLEL_MIN(i, n, bad)
        if ((uint64_t)id[i] >= (uint64_t)size) bad = em__min(bad, i);
    if (bad == INT64_MAX) return EM_OK;
    return em__fail_id(name, ids, bad, size, what);
}

/* ---- ids that may count from the end ------------------------------------------------------------------- */

/* The lowest and highest, and where one stands that is out of range (the first; -1: none). */
static int64_t first_outside(const int64_t *id, int64_t n, int64_t size, int64_t *lowest)
{
    int64_t low = 0, high = 0;
    EM_PIECES(from, to, n)
        for (int64_t i = from; i < to; i++) {
            low = id[i] < low ? id[i] : low;
            high = id[i] > high ? id[i] : high;
        }
    *lowest = low;
    if (n == 0 || (low >= -size && high < size)) return -1;
    int64_t i = 0;
    while (id[i] >= -size && id[i] < size) i++;
    return i;
}

em_status em__positions_of_ids(em_tensor **out, em_tensor *ids, int64_t size, const char *name, const char *what)
{
    *out = NULL;
    int64_t lowest;
    const int64_t bad = first_outside(EM_DATA(int64_t, ids), ids->count, size, &lowest);
    if (bad >= 0) return em__fail_id(name, ids, bad, size, what);
    if (em__stop) return em__fail(EM_EINTERRUPT, "interrupted!");       /* not all were looked at */
    if (lowest == 0) {
        em_tensor_retain(*out = ids);
        return EM_OK;
    }
    EM_TRY(em__tensor_like(out, ids, EM_I64));
    const int64_t *id = EM_DATA(int64_t, ids);
    int64_t *position = EM_DATA(int64_t, *out);
    EM_PIECES(from, to, ids->count)
        for (int64_t i = from; i < to; i++) position[i] = id[i] < 0 ? id[i] + size : id[i];
    if (!em__stop) return EM_OK;
    em_tensor_release(*out);
    *out = NULL;
    return em__fail(EM_EINTERRUPT, "interrupted!");
}

/* ---- masks --------------------------------------------------------------------------------------------- */

enum { PIECES = 64 };

/* First element of piece k. */
static int64_t piece_start(int64_t n, int64_t k) { return k * (n / PIECES) + em__min(k, n % PIECES); }

em_status em__positions_of_mask(em_tensor **out, const em_tensor *mask)
{
    *out = NULL;
    em_tensor *hold;
    EM_TRY(em_tensor_contiguous(&hold, mask));
    const uint8_t *m = EM_DATA(uint8_t, hold);
    const int64_t n = mask->count;
    int64_t count[PIECES], total = 0;
    EM_PARALLEL_EACH(k, PIECES, n / PIECES) {
        int64_t sum = 0;
        if (!em__stop)
            for (int64_t i = piece_start(n, k); i < piece_start(n, k + 1); i++) sum += m[i] != 0;
        count[k] = sum;
    }
    int64_t start[PIECES];
    for (int k = 0; k < PIECES; k++) {
        start[k] = total;
        total += count[k];
    }
    em_status s = em__stop ? em__fail(EM_EINTERRUPT, "interrupted!") : em_tensor_empty(out, EM_I64, 1, &total);
    int64_t *position = s ? NULL : EM_DATA(int64_t, *out);
    if (!s)
        EM_PARALLEL_EACH(k, PIECES, n / PIECES) {
            int64_t to = start[k];
            const int64_t from = piece_start(n, k), length = piece_start(n, k + 1) - from;
            EM_PIECES(lo, hi, length)
                for (int64_t i = from + lo; i < from + hi; i++)
                    if (m[i]) position[to++] = i;
        }
    em_tensor_release(hold);
    if (s || !em__stop) return s;
    em_tensor_release(*out);
    *out = NULL;
    return em__fail(EM_EINTERRUPT, "interrupted!");             /* some positions are missing */
}
