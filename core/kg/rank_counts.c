/* Ranks: how many scores of a row are above the target's, and how many equal it. */
#include "base/status.h"
#include "kg/answers.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"

typedef struct counts {
    int64_t better, equal;
} counts;

/* Not "score > target": of NaN that is false, and it is to count as above. */
static inline void count_one(counts *c, float score, float target, int64_t weight)
{
    c->better += weight * !(score <= target);
    c->equal += weight * (score == target);
}

static counts count_row(const float *scores, int64_t n, int64_t target, const int64_t *known, int64_t knowns)
{
    const float limit = scores[target];
    counts c = {0, 0};
    for (int64_t lo = 0; lo < n; lo += EM_GRAIN) {              /* sums of 32 bits fill twice the lanes */
        const int64_t hi = em__min(n, lo + EM_GRAIN);
        int32_t better = 0, equal = 0;
        for (int64_t i = lo; i < hi; i++) {
            better += !(scores[i] <= limit);
            equal += scores[i] == limit;
        }
        c.better += better;
        c.equal += equal;
    }
    count_one(&c, limit, limit, -1);
    for (int64_t k = 0; k < knowns; k++)
        if (known[k] != target && known[k] >= 0 && known[k] < n) count_one(&c, scores[known[k]], limit, -1);
    return c;
}

static em_status check(const em_tensor *scores, const em_tensor *targets, const em_tensor *keys)
{
    if (scores->dtype != EM_F32)
        return em__fail(EM_ETYPE, "rank_counts: argument scores: expected float32, got %s",
                        em_dtype_name(scores->dtype));
    if (scores->dims != 2 || !scores->contiguous)
        return em__fail(EM_ESHAPE, "rank_counts: argument scores: expected a contiguous (B, V), got %s",
                        EM_SHAPE(scores));
    EM_TRY(em__check_keys(targets, scores->size[0], "rank_counts", "targets"));
    EM_TRY(em__check_keys(keys, scores->size[0], "rank_counts", "keys"));
    for (int64_t b = 0; b < targets->count; b++) {
        const int64_t id = EM_DATA(int64_t, targets)[b];
        if (id < 0 || id >= scores->size[1])
            return em__fail(EM_ERANGE, "rank_counts: target %lld at position %lld is out of range for %lld scores",
                            (long long)id, (long long)b, (long long)scores->size[1]);
    }
    return EM_OK;
}

em_status em_rank_counts(em_tensor **better, em_tensor **equal, const em_tensor *scores, const em_tensor *targets,
                         const em_tensor *keys, const em_answers *known)
{
    *better = *equal = NULL;
    EM_TRY(check(scores, targets, keys));
    const int64_t n = targets->count, width = scores->size[1];
    EM_TRY(em_tensor_empty(better, EM_I64, 1, &n));
    const em_status s = em_tensor_empty(equal, EM_I64, 1, &n);
    if (s) {
        em_tensor_release(*better);
        *better = NULL;
        return s;
    }
    const int64_t interrupts = em__interrupts;
    const float *x = EM_DATA(float, scores);
    const int64_t *target = EM_DATA(int64_t, targets), *key = EM_DATA(int64_t, keys);
    int64_t *above = EM_DATA(int64_t, *better), *same = EM_DATA(int64_t, *equal);
    EM_PARALLEL_CHUNKS(lo, hi, n, (double)width)
        for (int64_t b = lo; b < hi; b++) {
            int64_t knowns = 0;
            const int64_t *answers = known ? em_answers_find(known, key[b], &knowns) : NULL;
            const counts c = count_row(x + b * width, width, target[b], answers, knowns);
            above[b] = c.better;
            same[b] = c.equal;
        }
    if (em__interrupts == interrupts) return EM_OK;
    em_tensor_release(*better);
    em_tensor_release(*equal);
    *better = *equal = NULL;
    return em__fail(EM_EINTERRUPT, "interrupted!");
}
