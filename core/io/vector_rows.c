/* Words and the memory of their vectors, which grows as they come. */
#include "io/vector_rows.h"

#include <string.h>

#include "embla.h"
#include "io/elements.h"
#include "parallel/parallel.h"

const em__vector_options em__vector_defaults = {.limit = -1, .binary = -1};

em_status em__rows_open(em__rows *r, const char *path, const em__vector_options *o)
{
    *r = (em__rows){.o = *o, .claimed = -1};
    EM_TRY(em_vocab_new(&r->words));
    return em__input_open(&r->in, path);
}

void em__rows_close(em__rows *r)
{
    em__input_close(&r->in);
    em_vocab_release(r->words);
    em__free(r->at, (size_t)r->capacity * sizeof *r->at);
    EM_ARRAY_FREE(&r->word);
    EM_ARRAY_FREE(&r->changed);
    *r = (em__rows){0};
}

/* How many numbers the file may have in all, to go by what has been read of it; 0: there is no telling. */
static int64_t guess(const em__rows *r, int64_t used)
{
    if (r->claimed >= 0 && r->in.size >= 0) return em__rows_wanted(r) * r->dims;
    const double done = (double)em__input_offset(&r->in), size = (double)r->in.size;
    return r->in.size < 0 || !used || done < 1 || done > size ? 0 : (int64_t)(1.02 * (double)used * size / done);
}

em_status em__rows_reserve(em__rows *r, int64_t more)
{
    enum { FIRST = 1 << 16 };
    const int64_t kept = em_vocab_size(r->words) * r->dims, need = kept + more;
    if (r->at && need <= r->capacity) return EM_OK;
    int64_t wider = em__max(em__max(need, guess(r, need)), r->capacity ? r->capacity + r->capacity / 2 : FIRST);
    const int64_t most = em__rows_wanted(r);
    if (most < wider / em__max(r->dims, 1)) wider = em__max(need, most * r->dims);
    float *at = em__alloc((size_t)wider * sizeof *at);
    if (!at) return em__fail_memory("word vectors", (size_t)wider * sizeof *at);
    if (r->capacity) memcpy(at, r->at, (size_t)r->capacity * sizeof *at);
    em__free(r->at, (size_t)r->capacity * sizeof *at);
    r->at = at;
    r->capacity = wider;
    return EM_OK;
}

em_status em__rows_check_claim(const em__rows *r, double least)
{
    if (r->claimed < 0 || r->in.size < 0 || (double)r->claimed * least <= (double)r->in.size) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: byte 0: the first line claims more than the file can hold", r->in.path);
}

em_status em__rows_add(em__rows *r, const char *word, size_t n, uint32_t hash, const char *fault, const char *at,
                       bool *kept)
{
    const int64_t next = em_vocab_size(r->words);
    int64_t id;
    r->read++;
    *kept = false;
    if (fault && (r->o.encoding_errors == EM_WORD_ERROR || n == 0 || n > EM_WORD_TEXT_MAX))
        return em__fail(EM_EFORMAT, "%s: %s: %s%s", r->in.path, at, fault,
                        n ? " (encoding_errors = 'replace' or 'skip' goes on)" : "");
    if (fault && r->o.encoding_errors == EM_WORD_SKIP) return EM_OK;
    if (fault) {
        EM_TRY(EM_ARRAY_RESERVE(&r->changed, 3 * (int64_t)n, "a word"));
        n = em__word_replace(r->changed.at, word, n);
        EM_TRY(em_vocab_add(r->words, r->changed.at, n, 0, &id));
    } else {
        EM_TRY(em__vocab_add(r->words, word, n, hash, 0, &id));
    }
    *kept = id == next;
    if (*kept || r->o.duplicates == EM_DUPLICATES_FIRST) return EM_OK;
    return em__fail(EM_EFORMAT, "%s: %s: a word stands twice (duplicates = 'first' keeps the first)", r->in.path, at);
}

/* ---- as a tensor --------------------------------------------------------------------------------------- */

static em_status take_matrix(em_tensor **out, em__rows *r)
{
    const int64_t shape[] = {em_vocab_size(r->words), r->dims};
    *out = NULL;
    if (!r->capacity) return em_tensor_empty(out, EM_F32, 2, shape);
    void *at = r->at;
    const size_t bytes = (size_t)r->capacity * sizeof *r->at;
    r->at = NULL;
    r->capacity = 0;
    return em__own_elements(out, at, bytes, EM_F32, 2, shape);
}

em_status em__rows_take(em_content **out, em__rows *r)
{
    em_value vocab = {.kind = EM_VALUE_VOCAB, .vocab = r->words}, matrix = {.kind = EM_VALUE_TENSOR};
    *out = NULL;
    EM_TRY(take_matrix(&matrix.tensor, r));
    em_status s = em_content_new(out);
    if (!s) s = em_content_add(*out, "vocab", &vocab);
    if (!s) s = em_content_add(*out, "matrix", &matrix);
    em_tensor_release(matrix.tensor);
    if (s) {
        em_content_release(*out);
        *out = NULL;
    }
    return s;
}
