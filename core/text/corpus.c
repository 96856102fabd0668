/* Corpora: files split into words and ids in parallel, chunk by chunk. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "parallel/parallel.h"
#include "tensor/tensor.h"
#include "text/splitter.h"
#include "text/vocab.h"

struct em_corpus {
    int64_t refs;
    em_tensor *ids, *starts;
    em_vocab *vocab;
    int64_t words, bytes;
};

/* A file is read in blocks, a block is split in chunks by several threads, and the words are then numbered in order by
 * one, so that ids do not depend on the number of threads. The tail of a block that may be half a word goes before the
 * next block. */
enum {
    CHUNK = 1 << 16,
    CHUNKS = 16,
    BLOCK = CHUNK * CHUNKS,
    AHEAD = 8,                  /* words whose slot in the vocabulary is fetched ahead */
    TEXT_ROOM = EM_SPLIT_GROWTH * CHUNK + EM_WORD_MAX,
};

/* Ids come to rest in pages until their number is known. An EM_CORPUS_END stands between sentences. */
enum { PAGE = 1 << 20 };

typedef struct page {
    struct page *next;
    int64_t count;
    int32_t ids[PAGE];
} page;

typedef struct chunk {
    const char *bytes;
    size_t n;
    bool line_blank;            /* before it */
    em__words words;
} chunk;

typedef struct reading {
    em__splitter splitter;
    em_vocab *vocab;
    bool count;                 /* words not known yet are added */
    int64_t max_words, words, bytes;
    uint8_t before;             /* the break since the last word */
    page *first, *last;
    char *block;
    chunk chunks[CHUNKS];
} reading;

/* ---- memory -------------------------------------------------------------------------------------------- */

static em_status reading_begin(reading *r)
{
    r->block = em__alloc(BLOCK);
    if (!r->block) return em__fail_memory("reading text", BLOCK);
    for (int i = 0; i < CHUNKS; i++) {
        em__words *w = &r->chunks[i].words;
        w->text = em__alloc(TEXT_ROOM);
        w->at = em__alloc(CHUNK * sizeof *w->at);
        if (!w->text || !w->at) return em__fail_memory("reading text", TEXT_ROOM);
    }
    return EM_OK;
}

static void free_pages(reading *r)
{
    while (r->first) {
        page *p = r->first;
        r->first = p->next;
        em__free(p, sizeof *p);
    }
}

static void reading_end(reading *r)
{
    em__free(r->block, BLOCK);
    for (int i = 0; i < CHUNKS; i++) {
        em__free(r->chunks[i].words.text, TEXT_ROOM);
        em__free(r->chunks[i].words.at, CHUNK * sizeof *r->chunks[i].words.at);
    }
    free_pages(r);
}

static em_status put_id(reading *r, int32_t id)
{
    if (!r->last || r->last->count == PAGE) {
        page *p = em__alloc(sizeof *p);
        if (!p) return em__fail_memory("a corpus's ids", sizeof *p);
        p->next = NULL;
        p->count = 0;
        if (r->last)
            r->last->next = p;
        else
            r->first = p;
        r->last = p;
    }
    r->last->ids[r->last->count++] = id;
    return EM_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static void note_break(reading *r, uint8_t what)
{
    if (what > r->before) r->before = what;
}

static bool ends_sentence(const reading *r)
{
    static const uint8_t least[] = {[EM_SENTENCE_LINE] = EM_BREAK_LINE, [EM_SENTENCE_PARAGRAPH] = EM_BREAK_PARAGRAPH,
                                    [EM_SENTENCE_FILE] = EM_BREAK_FILE};
    return r->before >= least[r->splitter.opts.sentence];
}

static em_status number_word(reading *r, const char *word, const em__word *w)
{
    int64_t id = -1;
    note_break(r, w->before);
    if (ends_sentence(r)) EM_TRY(put_id(r, EM_CORPUS_END));
    r->before = EM_BREAK_NONE;
    r->words++;
    if (r->count)
        EM_TRY(em__vocab_add(r->vocab, word, w->length, w->hash, 1, &id));
    else if ((id = em__vocab_find(r->vocab, word, w->length, w->hash)) < 0)
        id = r->vocab->unknown;
    return id < 0 ? EM_OK : put_id(r, (int32_t)id);
}

static bool enough(const reading *r) { return r->max_words >= 0 && r->words >= r->max_words; }

static em_status number_words(reading *r, const em__words *words)
{
    for (int64_t i = 0; i < words->count && !enough(r); i++) {
        if (i + AHEAD < words->count) em__vocab_prefetch(r->vocab, words->at[i + AHEAD].hash);
        EM_TRY(number_word(r, words->text + words->at[i].at, words->at + i));
    }
    note_break(r, words->after);
    return EM_OK;
}

/* Whether only whitespace stands between bytes[at] and the start of its line. */
static bool line_blank_before(const char *bytes, size_t at, bool at_start)
{
    while (at > 0) {
        const unsigned char c = (unsigned char)bytes[--at];
        if (c == '\n') return true;
        if (c > ' ' && c != 0x7f) return false;
    }
    return at_start;
}

/* Cuts the block's n bytes into chunks, as far as they go; returns how many. At the end of the file all is taken,
 * otherwise full chunks only. */
static int cut_block(reading *r, size_t n, bool at_end, bool line_blank)
{
    int count = 0;
    size_t at = 0;
    while (count < CHUNKS && at < n && (at_end || n - at >= CHUNK)) {
        chunk *c = &r->chunks[count++];
        c->bytes = r->block + at;
        c->n = n - at <= CHUNK && at_end ? n - at : em__split_point(c->bytes, CHUNK);
        c->line_blank = line_blank_before(r->block, at, line_blank);
        at += c->n;
    }
    return count;
}

/* Splits and numbers what it can of the block's n bytes; `taken` says how many that were. */
static em_status read_block(reading *r, size_t n, bool at_end, bool *line_blank, size_t *taken)
{
    const int count = cut_block(r, n, at_end, *line_blank);
    EM_PARALLEL_DYNAMIC(i, count, 4.0 * CHUNK)
        em__split(&r->splitter, r->chunks[i].bytes, r->chunks[i].n, r->chunks[i].line_blank, &r->chunks[i].words);
    *taken = 0;
    for (int i = 0; i < count; i++) {
        EM_TRY(number_words(r, &r->chunks[i].words));
        *taken += r->chunks[i].n;
    }
    if (count) *line_blank = r->chunks[count - 1].words.line_blank;
    return EM_OK;
}

static em_status read_input(reading *r, em__input *in)
{
    size_t held = 0;
    bool line_blank = true, start = true;
    note_break(r, EM_BREAK_FILE);
    while (!enough(r)) {
        size_t got, taken;
        EM_TRY(em__input_read(in, r->block + held, BLOCK - held, &got));
        r->bytes += (int64_t)got;
        const bool at_end = got < BLOCK - held;
        size_t n = held + got;
        if (start && n >= 3 && !memcmp(r->block, "\xEF\xBB\xBF", 3)) memmove(r->block, r->block + 3, n -= 3);
        start = false;
        EM_TRY(read_block(r, n, at_end, &line_blank, &taken));
        held = n - taken;
        memmove(r->block, r->block + taken, held);
        if (at_end && !held) break;
    }
    return EM_OK;
}

static em_status read_file(reading *r, const char *path)
{
    em__input in;
    EM_TRY(em__input_open(&in, path));
    const em_status s = read_input(r, &in);
    em__input_close(&in);
    return s;
}

/* ---- collecting ---------------------------------------------------------------------------------------- */

/* Visits the ids in order, old ones through `new_ids` (null: as they are). Without results it only counts; sentences
 * with nothing left in them are not counted. */
static void visit_ids(const page *p, const int32_t *new_ids, int32_t *ids, int64_t *starts, int64_t *n_ids,
                      int64_t *n_sentences)
{
    int64_t n = 0, sentences = 0;
    bool inside = false;
    for (; p; p = p->next)
        for (int64_t i = 0; i < p->count; i++) {
            int32_t id = p->ids[i];
            if (id == EM_CORPUS_END) {
                inside = false;
                continue;
            }
            if (new_ids && (id = new_ids[id]) < 0) continue;
            if (!inside && starts) starts[sentences] = n;
            sentences += !inside;
            inside = true;
            if (ids) ids[n] = id;
            n++;
        }
    if (starts) starts[sentences] = n;
    *n_ids = n;
    *n_sentences = sentences;
}

static em_status collect(em_corpus *c, reading *r, const em_corpus_opts *opts)
{
    em_tensor *renumbered = NULL;
    if (r->count) EM_TRY(em_vocab_trim(r->vocab, opts->min_count, opts->max_size, &renumbered));
    const int32_t *new_ids = renumbered ? em_tensor_data(renumbered) : NULL;
    int64_t n, sentences;
    visit_ids(r->first, new_ids, NULL, NULL, &n, &sentences);
    em_status s = em_tensor_empty(&c->ids, EM_I32, 1, (int64_t[]){n});
    if (!s) s = em_tensor_empty(&c->starts, EM_I64, 1, (int64_t[]){sentences + 1});
    if (!s)
        visit_ids(r->first, new_ids, em_tensor_data(c->ids), em_tensor_data(c->starts), &n, &sentences);
    em_tensor_release(renumbered);
    c->words = r->words;
    c->bytes = r->bytes;
    return s;
}

static em_status new_vocab(em_vocab **out, const char *unknown)
{
    em_vocab *v;
    EM_TRY(em_vocab_new(&v));
    em_status s = unknown ? em_vocab_add(v, unknown, strlen(unknown), 0, NULL) : EM_OK;
    if (unknown && !s) v->special = 1, v->unknown = 0;
    if (s)
        em_vocab_release(v);
    else
        *out = v;
    return s;
}

static em_status read_corpus(em_corpus *c, reading *r, const char *const *paths, int64_t n_paths,
                             const em_corpus_opts *opts)
{
    EM_TRY(reading_begin(r));
    for (int64_t i = 0; i < n_paths && !enough(r); i++) EM_TRY(read_file(r, paths[i]));
    return collect(c, r, opts);
}

em_status em_corpus_read(em_corpus **out, const char *const *paths, int64_t n_paths, const em_corpus_opts *opts)
{
    *out = NULL;
    em_corpus *c = em__alloc_zeroed(sizeof *c);
    if (!c) return em__fail_memory("a corpus", sizeof *c);
    c->refs = 1;
    em_status s = EM_OK;
    if (opts->vocab)
        em_vocab_retain(c->vocab = opts->vocab);
    else
        s = new_vocab(&c->vocab, opts->text.unknown);
    reading r = {.vocab = c->vocab, .count = !opts->vocab, .max_words = opts->max_words};
    if (!s) {
        em__splitter_init(&r.splitter, &opts->text, c->vocab->key);
        s = read_corpus(c, &r, paths, n_paths, opts);
    }
    reading_end(&r);
    if (s)
        em_corpus_release(c);
    else
        *out = c;
    return s;
}

/* ---- ids given ----------------------------------------------------------------------------------------- */

static em_status check_ids(const em_tensor *ids, int64_t words)
{
    if (em_tensor_dtype(ids) != EM_I32) return em__fail(EM_ETYPE, "Corpus: expected ids of int32");
    if (em_tensor_dims(ids) != 1 || !em_tensor_is_contiguous(ids))
        return em__fail(EM_ESHAPE, "Corpus: expected ids in one contiguous dimension");
    const int32_t *id = em_tensor_data(ids);
    for (int64_t i = 0, n = em_tensor_count(ids); i < n; i++)
        if (id[i] < EM_CORPUS_END || id[i] >= words)
            return em__fail(EM_ERANGE, "Corpus: id %d at position %lld is out of range for %lld words", (int)id[i],
                            (long long)i, (long long)words);
    return EM_OK;
}

static em_status put_ids(reading *r, const em_tensor *ids)
{
    const int32_t *id = em_tensor_data(ids);
    for (int64_t i = 0, n = em_tensor_count(ids); i < n; i++) {
        r->words += id[i] != EM_CORPUS_END;
        if (id[i] != EM_CORPUS_SKIPPED) EM_TRY(put_id(r, id[i]));
    }
    return EM_OK;
}

em_status em_corpus_from_ids(em_corpus **out, const em_tensor *ids, em_vocab *vocab, bool trim, int64_t min_count,
                             int64_t max_size)
{
    *out = NULL;
    EM_TRY(check_ids(ids, em_vocab_size(vocab)));
    em_corpus *c = em__alloc_zeroed(sizeof *c);
    if (!c) return em__fail_memory("a corpus", sizeof *c);
    c->refs = 1;
    em_vocab_retain(c->vocab = vocab);
    reading r = {.vocab = vocab, .count = trim};
    em_status s = put_ids(&r, ids);
    if (!s) s = collect(c, &r, &(em_corpus_opts){.min_count = min_count, .max_size = max_size});
    free_pages(&r);
    if (s)
        em_corpus_release(c);
    else
        *out = c;
    return s;
}

void em_corpus_retain(em_corpus *c) { c->refs++; }

void em_corpus_release(em_corpus *c)
{
    if (!c || --c->refs) return;
    em_tensor_release(c->ids);
    em_tensor_release(c->starts);
    em_vocab_release(c->vocab);
    em__free(c, sizeof *c);
}

em_tensor *em_corpus_ids(const em_corpus *c) { return c->ids; }
em_tensor *em_corpus_starts(const em_corpus *c) { return c->starts; }
em_vocab *em_corpus_vocab(const em_corpus *c) { return c->vocab; }
int64_t em_corpus_words(const em_corpus *c) { return c->words; }
int64_t em_corpus_bytes(const em_corpus *c) { return c->bytes; }
