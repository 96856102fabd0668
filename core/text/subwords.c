/* Words by their n-grams of characters, as fastText has them (Bojanowski et al. 2017): "where" between < and > is <wh,
 * whe, her, ere, re> for n = 3, and each n-gram has a row by its hash. */
#include "embla.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"

static const char *const owner = "subwords";

typedef struct rule {
    const float *buckets;       /* (count, dims) */
    uint64_t count;
    int64_t dims, minn, maxn;
} rule;

/* Byte `at` of the word between its signs. */
static inline unsigned char byte_of(const em_word *word, size_t at)
{
    return at == 0 ? '<' : at > word->n ? '>' : (unsigned char)word->at[at - 1];
}

static inline bool begins_character(unsigned char c) { return (c & 0xC0) != 0x80; }

static bool ends_sentence(const em_word *word)
{
    return word->n == 4 && word->at[0] == '<' && word->at[1] == '/' && word->at[2] == 's' && word->at[3] == '>';
}

/* FNV-1a, but for bytes with a sign. */
static inline uint32_t hash_on(uint32_t hash, unsigned char c)
{
    const int32_t with_sign = (c ^ 0x80) - 0x80;
    return (hash ^ (uint32_t)with_sign) * 16777619u;
}

/* Adds the rows of the n-grams to a row; returns how many. */
static int64_t add_ngrams(const rule *r, const em_word *word, float *row)
{
    const size_t n = word->n + 2;
    int64_t added = 0;
    if (ends_sentence(word)) return 0;
    for (size_t i = 0; i < n && !em__stop; i++) {
        uint32_t hash = 2166136261u;
        if (!begins_character(byte_of(word, i))) continue;
        size_t j = i;
        for (int64_t length = 1; j < n && length <= r->maxn; length++) {
            do
                hash = hash_on(hash, byte_of(word, j++));
            while (j < n && !begins_character(byte_of(word, j)));
            if (length < r->minn || (length == 1 && (i == 0 || j == n))) continue;
            const float *from = r->buckets + (int64_t)(hash % r->count) * r->dims;
            for (int64_t d = 0; d < r->dims; d++) row[d] += from[d];
            added++;
        }
    }
    return added;
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
