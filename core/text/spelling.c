/* Words that are spelled much like another. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "embla.h"
#include "parallel/parallel.h"

enum { LONGEST = 64 };          /* bytes of a word that is compared */

/* Fewest insertions, deletions and replacements of bytes that turn one word into the other; > most: `most` + 1. */
static int distance(const char *a, size_t n, const char *b, size_t m, int most)
{
    uint8_t row[LONGEST + 1];
    for (size_t j = 0; j <= m; j++) row[j] = (uint8_t)j;
    for (size_t i = 1; i <= n; i++) {
        uint8_t diagonal = row[0], least = row[0] = (uint8_t)i;
        for (size_t j = 1; j <= m; j++) {
            const uint8_t replaced = (uint8_t)(diagonal + (a[i - 1] != b[j - 1]));
            const uint8_t other = (uint8_t)(1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]));
            diagonal = row[j];
            row[j] = replaced < other ? replaced : other;
            if (row[j] < least) least = row[j];
        }
        if (least > most) return most + 1;
    }
    return row[m] <= most ? row[m] : most + 1;
}

em_status em_vocab_nearest(const em_vocab *v, const char *word, size_t length, int64_t *ids, int64_t *n)
{
    const int64_t size = em_vocab_size(v), wanted = *n;
    *n = 0;
    if (length > LONGEST || !size) return EM_OK;
    const int most = length < 6 ? (length < 3 ? 1 : 2) : (int)(length / 3);
    uint8_t *far = em__alloc((size_t)size);
    if (!far) return em__fail_memory("distances of words", (size_t)size);
    memset(far, 0xFF, (size_t)size);
    EM_PARALLEL_CHUNKS(lo, hi, size, 200)
        for (int64_t id = lo; id < hi; id++) {
            size_t other;
            const char *text = em_vocab_word(v, id, &other);
            const size_t differ = other > length ? other - length : length - other;
            if (other <= LONGEST && differ <= (size_t)most)
                far[id] = (uint8_t)distance(word, length, text, other, most);
        }
    for (int d = 0; d <= most && *n < wanted; d++)
        for (int64_t id = 0; id < size && *n < wanted; id++)
            if (far[id] == d) ids[(*n)++] = id;
    em__free(far, (size_t)size);
    return EM_OK;
}
