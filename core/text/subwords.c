/* Words by their n-grams of characters, as fastText has them (Bojanowski et al. 2017): "where" between < and > is <wh,
 * whe, her, ere, re> for n = 3, and each n-gram has a row by its hash. */
#include "text/subwords.h"

#include "tensor/tensor.h"

static const char *const owner = "subwords";

typedef struct rule {
    const float *buckets;       /* (count, dims) */
    uint64_t count;
    int64_t dims, minn, maxn;
} rule;

typedef struct sum {
    const rule *rule;
    float *row;
    int64_t added;
} sum;

static inline void add_ngram(void *to, uint32_t hash)
{
    sum *s = to;
    const float *from = s->rule->buckets + (int64_t)(hash % s->rule->count) * s->rule->dims;
    for (int64_t d = 0; d < s->rule->dims; d++) s->row[d] += from[d];
    s->added++;
}

/* Adds the rows of the n-grams to a row; returns how many. */
static int64_t add_ngrams(const rule *r, const em_word *word, float *row)
{
    sum s = {r, row, 0};
    em__each_ngram(word, r->minn, r->maxn, add_ngram, &s);
    return s.added;
}

static void scale(float *row, int64_t dims, int64_t parts)
{
    const float share = (float)(1.0 / (double)parts);
    for (int64_t d = 0; d < dims; d++) row[d] *= share;
}

static em_status make_rule(rule *r, const em_tensor *buckets, int64_t minn, int64_t maxn)
{
    if (buckets->rows || buckets->dims != 2 || buckets->dtype != EM_F32 || !em_tensor_is_contiguous(buckets))
        return em__fail(EM_ESHAPE, "%s: expected a contiguous float32 table of n-grams (B, D)", owner);
    if (buckets->size[0] < 1 || buckets->size[0] > INT32_MAX)
        return em__fail(EM_ESHAPE, "%s: a table of %lld n-grams (expected 1 to 2^31 - 1)", owner,
                        (long long)buckets->size[0]);
    if (minn < 0 || maxn < 1 || maxn > EM_SUBWORD_MAX)
        return em__fail(EM_EVALUE, "%s: n-grams of %lld to %lld characters (expected 0 to %d)", owner, (long long)minn,
                        (long long)maxn, EM_SUBWORD_MAX);
    em_tensor_apply_pending(buckets);
    *r = (rule){EM_DATA(const float, buckets), (uint64_t)buckets->size[0], buckets->size[1], minn, maxn};
    return EM_OK;
}

/* About what a word costs. */
static double work(const rule *r)
{
    enum { LETTERS = 10 };
    const double lengths = (double)em__max(r->maxn - r->minn + 1, 1);
    return LETTERS * (lengths < LETTERS ? lengths : LETTERS) * (double)(r->dims + 8);
}

em_status em_subwords_compose(em_tensor *matrix, const em_vocab *words, const em_tensor *buckets, int64_t minn,
                              int64_t maxn)
{
    rule r;
    EM_TRY(make_rule(&r, buckets, minn, maxn));
    const int64_t n = em_vocab_size(words);
    if (matrix->dims != 2 || matrix->dtype != EM_F32 || !em_tensor_is_contiguous(matrix) || matrix->size[0] != n ||
        matrix->size[1] != r.dims)
        return em__fail(EM_ESHAPE, "%s: expected a contiguous float32 matrix (%lld, %lld)", owner, (long long)n,
                        (long long)r.dims);
    float *rows = em_tensor_data(matrix);
    EM_PARALLEL_CHUNKS(lo, hi, n, work(&r))
        for (int64_t id = lo; id < hi; id++) {
            em_word word;
            word.at = em_vocab_word(words, id, &word.n);
            float *row = rows + id * r.dims;
            scale(row, r.dims, 1 + add_ngrams(&r, &word, row));
        }
    return em__stop ? em__fail(EM_EINTERRUPT, "interrupted!") : EM_OK;
}

em_status em_subwords_vectors(em_tensor **out, const em_word *words, int64_t n, const em_tensor *buckets, int64_t minn,
                              int64_t maxn)
{
    rule r;
    *out = NULL;
    EM_TRY(make_rule(&r, buckets, minn, maxn));
    EM_TRY(em_tensor_zeros(out, EM_F32, 2, (int64_t[]){n, r.dims}));
    float *rows = em_tensor_data(*out);
    EM_PARALLEL_CHUNKS(lo, hi, n, work(&r))
        for (int64_t i = lo; i < hi; i++) {
            const int64_t parts = add_ngrams(&r, words + i, rows + i * r.dims);
            if (parts) scale(rows + i * r.dims, r.dims, parts);
        }
    if (!em__stop) return EM_OK;
    em_tensor_release(*out);
    *out = NULL;
    return em__fail(EM_EINTERRUPT, "interrupted!");
}
