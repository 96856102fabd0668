/* Classes of texts as fastText learns them (Joulin et al. 2017): a text is the mean of the rows of its words and
 * n-grams, and a linear layer with softmax tells its class. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "tensor/tensor.h"
#include "text/subwords.h"

static const char *const owner = "Classifier";

enum { TEXTS_BETWEEN_LOOKS = 64 };      /* for an interrupt */

/* ---- features ------------------------------------------------------------------------------------------ */

typedef struct feature_list {
    int64_t *ids;                       /* null: only counted */
    int64_t count, words;               /* rows so far; of the vocabulary */
    uint64_t buckets;
} feature_list;

static void put(feature_list *f, int64_t id)
{
    if (f->ids) f->ids[f->count] = id;
    f->count++;
}

static inline void put_ngram(void *to, uint32_t hash)
{
    feature_list *f = to;
    put(f, f->words + (int64_t)(hash % f->buckets));
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\v' || c == '\f' || c == 0;
}

/* The next word at or after *at; false at the end, which is the word </s>, once. */
static bool next_word(const em_word *text, size_t *at, em_word *word)
{
    while (*at < text->n && is_blank(text->at[*at])) ++*at;
    const size_t from = *at;
    while (*at < text->n && !is_blank(text->at[*at])) ++*at;
    if (*at > from) {
        *word = (em_word){text->at + from, *at - from};
        return true;
    }
    if (*at > text->n) return false;
    ++*at;
    *word = (em_word){"</s>", 4};
    return true;
}

/* fastText's hash of the words i .. j: hashes are numbers with a sign there. */
static uint64_t join_hash(uint64_t hash, uint32_t word) { return hash * 116049371u + (uint64_t)(int64_t)(int32_t)word; }

static void put_word_ngrams(feature_list *f, const uint32_t *hash, int64_t n, int64_t longest)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t joined = (uint64_t)(int64_t)(int32_t)hash[i];
        for (int64_t j = i + 1; j < n && j < i + longest; j++) {
            joined = join_hash(joined, hash[j]);
            put(f, f->words + (int64_t)(joined % f->buckets));
        }
    }
}

/* `hash` has room for a text's words. */
static void put_text(feature_list *f, const em_word *text, const em_vocab *vocab, const em_feature_opts *o,
                     uint32_t *hash)
{
    em_word word;
    size_t at = 0;
    int64_t n = 0;
    while (next_word(text, &at, &word)) {
        const int64_t id = em_vocab_find(vocab, word.at, word.n);
        if (id >= 0) put(f, id);
        if (o->maxn > 0) em__each_ngram(&word, o->minn, o->maxn, put_ngram, f);
        hash[n++] = em__hash_word(&word);
    }
    put_word_ngrams(f, hash, n, o->word_ngrams);
}

static em_status check_features(const em_feature_opts *o)
{
    if (o->word_ngrams < 1)
        return em__fail(EM_EVALUE, "%s: word_ngrams = %lld (expected >= 1)", owner, (long long)o->word_ngrams);
    if (o->minn < 0 || o->maxn < 0 || o->maxn > EM_SUBWORD_MAX)
        return em__fail(EM_EVALUE, "%s: n-grams of %lld to %lld characters (expected 0 to %d)", owner,
                        (long long)o->minn, (long long)o->maxn, EM_SUBWORD_MAX);
    const bool hashed = o->word_ngrams > 1 || o->maxn > 0;
    if (o->buckets < (hashed ? 1 : 0) || o->buckets > INT32_MAX)
        return em__fail(EM_EVALUE, "%s: buckets = %lld (expected 1 to 2^31 - 1)", owner, (long long)o->buckets);
    return EM_OK;
}

em_status em_features(em_tensor **ids, em_tensor **starts, const em_word *texts, int64_t n, const em_vocab *vocab,
                      const em_feature_opts *opts)
{
    *ids = *starts = NULL;
    EM_TRY(check_features(opts));
    size_t longest = 0;
    for (int64_t i = 0; i < n; i++) longest = texts[i].n > longest ? texts[i].n : longest;
    const size_t bytes = (longest / 2 + 2) * sizeof(uint32_t);
    uint32_t *hash = em__alloc(bytes);
    if (!hash) return em__fail_memory("words of a text", bytes);
    feature_list f = {.words = em_vocab_size(vocab), .buckets = (uint64_t)opts->buckets};
    em_status s = em_tensor_zeros(starts, EM_I64, 1, (int64_t[]){n + 1});
    for (int64_t i = 0; !s && i < n && !em__stop; i++) {
        put_text(&f, texts + i, vocab, opts, hash);
        ((int64_t *)em_tensor_data(*starts))[i + 1] = f.count;
    }
    if (!s) s = em_tensor_zeros(ids, EM_I64, 1, (int64_t[]){f.count});
    if (!s && !em_interrupted()) {
        f.ids = em_tensor_data(*ids);
        f.count = 0;
        for (int64_t i = 0; i < n && !em__stop; i++) put_text(&f, texts + i, vocab, opts, hash);
    }
    if (!s && em_interrupted()) s = em__fail(EM_EINTERRUPT, "%s: interrupted", owner);
    em__free(hash, bytes);
    if (s) {
        em_tensor_release(*ids);
        em_tensor_release(*starts);
        *ids = *starts = NULL;
    }
    return s;
}

/* ---- the model ----------------------------------------------------------------------------------------- */

typedef struct model {
    float *input, *output;
    const int64_t *ids, *starts;
    int64_t texts, width, classes;
} model;

static em_status check_list(const char *name, const em_tensor *t)
{
    if (t->rows || t->dtype != EM_I64 || t->dims != 1 || !em_tensor_is_contiguous(t))
        return em__fail(EM_ETYPE, "%s: %s: expected a contiguous int64 tensor of one dimension", owner, name);
    return EM_OK;
}

static em_status check_range(const char *name, const int64_t *at, int64_t n, int64_t below)
{
    for (int64_t i = 0; i < n; i++)
        if (at[i] < 0 || at[i] >= below)
            return em__fail(EM_ERANGE, "%s: %s: %lld at position %lld is not below %lld", owner, name,
                            (long long)at[i], (long long)i, (long long)below);
    return EM_OK;
}

static em_status check_model(model *m, const em_tensor *input, const em_tensor *output, const em_tensor *ids,
                             const em_tensor *starts)
{
    const em_tensor *const tables[] = {input, output};
    for (int i = 0; i < 2; i++)
        if (tables[i]->rows || tables[i]->dtype != EM_F32 || tables[i]->dims != 2 || tables[i]->size[0] < 1 ||
            tables[i]->size[1] != input->size[1] || !em_tensor_is_contiguous(tables[i]))
            return em__fail(EM_ESHAPE, "%s: expected contiguous float32 tables (R, D) and (K, D)", owner);
    EM_TRY(check_list("ids", ids));
    EM_TRY(check_list("starts", starts));
    if (starts->count < 1) return em__fail(EM_ESHAPE, "%s: starts is empty", owner);
    for (int i = 0; i < 2; i++) em_tensor_apply_pending(tables[i]);
    *m = (model){em_tensor_data((em_tensor *)input), em_tensor_data((em_tensor *)output), EM_DATA(const int64_t, ids),
                 EM_DATA(const int64_t, starts), starts->count - 1, input->size[1], output->size[0]};
    EM_TRY(check_range("ids", m->ids, ids->count, input->size[0]));
    EM_TRY(check_range("starts", m->starts, starts->count, ids->count + 1));
    for (int64_t i = 0; i < m->texts; i++)
        if (m->starts[i] > m->starts[i + 1]) return em__fail(EM_EVALUE, "%s: starts fall at %lld", owner, (long long)i);
    return EM_OK;
}

/* h = mean of the rows of text i */
static void read_text(const model *m, int64_t i, float *restrict h)
{
    const int64_t n = m->starts[i + 1] - m->starts[i];
    memset(h, 0, (size_t)m->width * sizeof *h);
    for (int64_t k = m->starts[i]; k < m->starts[i + 1]; k++) {
        const float *row = m->input + m->ids[k] * m->width;
        for (int64_t d = 0; d < m->width; d++) h[d] += row[d];
    }
    const float share = n ? 1 / (float)n : 0;
    for (int64_t d = 0; d < m->width; d++) h[d] *= share;
}

/* p = softmax(output h) */
static void softmax(const model *m, const float *restrict h, float *restrict p)
{
    float top = -INFINITY, total = 0;
    for (int64_t c = 0; c < m->classes; c++) {
        const float *y = m->output + c * m->width;
        float dot = 0;
        EM_SIMD_SUM(dot)
        for (int64_t d = 0; d < m->width; d++) dot += h[d] * y[d];
        p[c] = dot;
        top = dot > top ? dot : top;
    }
    for (int64_t c = 0; c < m->classes; c++) total += p[c] = expf(p[c] - top);
    for (int64_t c = 0; c < m->classes; c++) p[c] /= total;
}

/* One step: every row of the text moves by -lr dloss/dh / n. Returns the loss. */
static double learn_text(const model *m, int64_t i, int64_t label, float lr, float *restrict h, float *restrict dh,
                         float *restrict p)
{
    const int64_t n = m->starts[i + 1] - m->starts[i];
    read_text(m, i, h);
    softmax(m, h, p);
    memset(dh, 0, (size_t)m->width * sizeof *dh);
    for (int64_t c = 0; c < m->classes; c++) {
        const float step = lr * ((c == label ? 1 : 0) - p[c]);
        float *y = m->output + c * m->width;
        for (int64_t d = 0; d < m->width; d++) {
            dh[d] += step * y[d];
            y[d] += step * h[d];
        }
    }
    for (int64_t d = 0; d < m->width; d++) dh[d] /= (float)n;
    for (int64_t k = m->starts[i]; k < m->starts[i + 1]; k++) {
        float *row = m->input + m->ids[k] * m->width;
        for (int64_t d = 0; d < m->width; d++) row[d] += dh[d];
    }
    return -log((double)p[label] + 1e-30);
}

static em_status learn(const model *m, const int64_t *labels, int64_t epochs, double lr, float *memory, double *loss)
{
    float *h = memory, *dh = h + m->width, *p = dh + m->width;
    for (int64_t e = 0; e < epochs; e++) {
        *loss = 0;
        for (int64_t i = 0; i < m->texts; i++) {
            if (i % TEXTS_BETWEEN_LOOKS == 0 && em_interrupted())
                return em__fail(EM_EINTERRUPT, "%s: interrupted", owner);
            if (m->starts[i] == m->starts[i + 1]) continue;
            const double done = ((double)e * (double)m->texts + (double)i) / ((double)epochs * (double)m->texts);
            *loss += learn_text(m, i, labels[i], (float)(lr * (1 - done)), h, dh, p) / (double)m->texts;
        }
    }
    return EM_OK;
}

em_status em_classifier_train(em_tensor *input, em_tensor *output, const em_tensor *ids, const em_tensor *starts,
                              const em_tensor *labels, int64_t epochs, double lr, double *loss)
{
    model m;
    *loss = 0;
    if (epochs < 1) return em__fail(EM_EVALUE, "%s: epochs = %lld (expected >= 1)", owner, (long long)epochs);
    if (!(lr >= 0)) return em__fail(EM_EVALUE, "%s: lr = %g (expected >= 0)", owner, lr);
    EM_TRY(check_model(&m, input, output, ids, starts));
    EM_TRY(check_list("labels", labels));
    if (labels->count != m.texts)
        return em__fail(EM_ESHAPE, "%s: %lld labels of %lld texts", owner, (long long)labels->count,
                        (long long)m.texts);
    EM_TRY(check_range("labels", EM_DATA(const int64_t, labels), labels->count, m.classes));
    if (em_tensor_same_storage(input, output))
        return em__fail(EM_EVALUE, "%s: the tables must not share memory", owner);
    const size_t bytes = (size_t)(2 * m.width + m.classes) * sizeof(float);
    float *memory = em__alloc(bytes);
    if (!memory) return em__fail_memory("a step of a classifier", bytes);
    em_status s = em__before_change(input, owner);
    if (!s) s = em__before_change(output, owner);
    m.input = em_tensor_data(input);
    m.output = em_tensor_data(output);
    if (!s) s = learn(&m, EM_DATA(const int64_t, labels), epochs, lr, memory, loss);
    em__free(memory, bytes);
    em_tensor_touch(input);
    em_tensor_touch(output);
    return s;
}

em_status em_classifier_scores(em_tensor **out, const em_tensor *input, const em_tensor *output, const em_tensor *ids,
                               const em_tensor *starts)
{
    model m;
    *out = NULL;
    EM_TRY(check_model(&m, input, output, ids, starts));
    const size_t bytes = (size_t)m.width * sizeof(float);
    float *h = em__alloc(bytes);
    if (!h) return em__fail_memory("scores of a classifier", bytes);
    em_status s = em_tensor_zeros(out, EM_F32, 2, (int64_t[]){m.texts, m.classes});
    for (int64_t i = 0; !s && i < m.texts && !em__stop; i++) {
        read_text(&m, i, h);
        softmax(&m, h, (float *)em_tensor_data(*out) + i * m.classes);
    }
    em__free(h, bytes);
    if (s || !em_interrupted()) return s;
    em_tensor_release(*out);
    *out = NULL;
    return em__fail(EM_EINTERRUPT, "%s: interrupted", owner);
}
