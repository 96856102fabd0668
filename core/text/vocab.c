/* Vocabularies: a hash table of words, their ids and counts. */
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "tensor/tensor.h"
#include "text/splitter.h"

enum { FIRST_SLOTS = 256, FIRST_TEXT = 1024 };
static const int64_t most_words = INT32_MAX / 2;

/* ---- making and letting go ----------------------------------------------------------------------------- */

static em_status allocate(em_vocab *v)
{
    EM_TRY(EM_ARRAY_RESERVE(&v->text, FIRST_TEXT, "a vocabulary"));
    v->slots = em__alloc(FIRST_SLOTS * sizeof *v->slots);
    if (!v->slots) return em__fail_memory("a vocabulary", FIRST_SLOTS * sizeof *v->slots);
    v->slot_count = FIRST_SLOTS;
    memset(v->slots, 0xFF, FIRST_SLOTS * sizeof *v->slots);
    return EM_OK;
}

em_status em_vocab_new(em_vocab **out)
{
    *out = NULL;
    em_vocab *v = em__alloc_zeroed(sizeof *v);
    if (!v) return em__fail_memory("a vocabulary", sizeof *v);
    v->refs = 1;
    v->unknown = -1;
    v->key = (uint64_t)(uintptr_t)v * 0x9E3779B97F4A7C15u; /* differs from run to run: no text can be made to collide */
    const em_status s = allocate(v);
    if (s)
        em_vocab_release(v);
    else
        *out = v;
    return s;
}

void em_vocab_retain(em_vocab *v) { v->refs++; }

void em_vocab_release(em_vocab *v)
{
    if (!v || --v->refs) return;
    EM_ARRAY_FREE(&v->entries);
    EM_ARRAY_FREE(&v->text);
    em__free(v->slots, (size_t)v->slot_count * sizeof *v->slots);
    em__free(v, sizeof *v);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

int64_t em_vocab_size(const em_vocab *v) { return v->entries.n; }
int64_t em_vocab_total(const em_vocab *v) { return v->total; }
int64_t em_vocab_special(const em_vocab *v) { return v->special; }
int64_t em_vocab_unknown(const em_vocab *v) { return v->unknown; }
int64_t em_vocab_count(const em_vocab *v, int64_t id) { return v->entries.at[id].count; }

const char *em_vocab_word(const em_vocab *v, int64_t id, size_t *length)
{
    *length = v->entries.at[id].length;
    return v->text.at + v->entries.at[id].at;
}

static bool is_word(const em_vocab *v, const em__entry *e, const char *word, size_t length, uint32_t hash)
{
    return e->hash == hash && e->length == length && !memcmp(v->text.at + e->at, word, length);
}

/* The slot that holds the word, or the empty one where it belongs. */
static uint64_t find_slot(const em_vocab *v, const char *word, size_t length, uint32_t hash)
{
    const uint64_t mask = (uint64_t)v->slot_count - 1;
    uint64_t slot = hash & mask;
    while (v->slots[slot] >= 0 && !is_word(v, v->entries.at + v->slots[slot], word, length, hash))
        slot = (slot + 1) & mask;
    return slot;
}

int64_t em__vocab_find(const em_vocab *v, const char *word, size_t length, uint32_t hash)
{
    return v->slots[find_slot(v, word, length, hash)];
}

int64_t em_vocab_find(const em_vocab *v, const char *word, size_t length)
{
    return em__vocab_find(v, word, length, em__word_hash(v->key, word, length));
}

/* ---- adding -------------------------------------------------------------------------------------------- */

static void fill_slots(const em_vocab *v, int32_t *slots, int64_t slot_count)
{
    const uint64_t mask = (uint64_t)slot_count - 1;
    memset(slots, 0xFF, (size_t)slot_count * sizeof *slots);
    for (int64_t id = 0; id < v->entries.n; id++) {
        uint64_t slot = v->entries.at[id].hash & mask;
        while (slots[slot] >= 0) slot = (slot + 1) & mask;
        slots[slot] = (int32_t)id;
    }
}

static em_status grow_slots(em_vocab *v)
{
    const int64_t more = 2 * v->slot_count;
    const size_t bytes = (size_t)more * sizeof *v->slots;
    int32_t *slots = em__alloc(bytes);
    if (!slots) return em__fail_memory("a vocabulary's index", bytes);
    fill_slots(v, slots, more);
    em__free(v->slots, (size_t)v->slot_count * sizeof *v->slots);
    v->slots = slots;
    v->slot_count = more;
    return EM_OK;
}

static em_status reserve(em_vocab *v, size_t length)
{
    if (v->entries.n == most_words)
        return em__fail(EM_ERANGE, "Vocab: more than %lld words", (long long)most_words);
    if (length > INT32_MAX) return em__fail(EM_EVALUE, "Vocab: a word of %zu bytes is too long", length);
    EM_TRY(EM_ARRAY_RESERVE(&v->entries, 1, "a vocabulary's words"));
    EM_TRY(EM_ARRAY_RESERVE(&v->text, (int64_t)length, "a vocabulary's words"));
    if (2 * v->entries.n >= v->slot_count) EM_TRY(grow_slots(v));
    return EM_OK;
}

em_status em__vocab_add(em_vocab *v, const char *word, size_t length, uint32_t hash, int64_t count, int64_t *id)
{
    int64_t total;
    if (count < 0 || __builtin_add_overflow(v->total, count, &total))
        return em__fail(EM_EVALUE, "Vocab: a count of %lld is not possible", (long long)count);
    uint64_t slot = find_slot(v, word, length, hash);
    if (v->slots[slot] < 0) {
        EM_TRY(reserve(v, length));
        slot = find_slot(v, word, length, hash);
        memcpy(v->text.at + v->text.n, word, length);
        v->entries.at[v->entries.n] = (em__entry){.at = (uint64_t)v->text.n, .length = (uint32_t)length, .hash = hash};
        v->text.n += (int64_t)length;
        v->slots[slot] = (int32_t)v->entries.n++;
    }
    v->entries.at[v->slots[slot]].count += count;
    v->total = total;
    if (id) *id = v->slots[slot];
    return EM_OK;
}

em_status em_vocab_add(em_vocab *v, const char *word, size_t length, int64_t count, int64_t *id)
{
    return em__vocab_add(v, word, length, em__word_hash(v->key, word, length), count, id);
}

em_status em_vocab_set_special(em_vocab *v, int64_t n)
{
    if (n < 0 || n > v->entries.n)
        return em__fail(EM_ERANGE, "Vocab: %lld special words, but it has %lld", (long long)n, (long long)v->entries.n);
    v->special = n;
    return EM_OK;
}

em_status em_vocab_set_unknown(em_vocab *v, int64_t id)
{
    if (id < -1 || id >= v->special)
        return em__fail(EM_ERANGE, "Vocab: the unknown word %lld is none of the %lld special ones", (long long)id,
                        (long long)v->special);
    v->unknown = id;
    return EM_OK;
}

/* ---- trimming ------------------------------------------------------------------------------------------ */

/* What is kept of a word while the vocabulary is renumbered. */
typedef struct ranked {
    int64_t count;
    int64_t old_id;
} ranked;

static int by_count(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x->old_id < y->old_id ? -1 : 1;
}

/* Fills `kept` with the words that stay, in their new order; returns how many. */
static int64_t rank(const em_vocab *v, int64_t min_count, int64_t max_size, ranked *kept)
{
    int64_t n = 0;
    for (int64_t id = 0; id < v->entries.n; id++)
        if (id < v->special || v->entries.at[id].count >= min_count) kept[n++] = (ranked){v->entries.at[id].count, id};
    qsort(kept + v->special, (size_t)(n - v->special), sizeof *kept, by_count);
    return max_size >= 0 && n > max_size ? max_size > v->special ? max_size : v->special : n;
}

/* Gives the vocabulary its `n` kept words; `entries` and `text` are as large as before, so nothing can fail. */
static void renumber(em_vocab *v, const ranked *kept, int64_t n, em__entry *entries, char *text)
{
    size_t used = 0;
    int64_t total = 0;
    for (int64_t id = 0; id < n; id++) {
        em__entry e = v->entries.at[kept[id].old_id];
        memcpy(text + used, v->text.at + e.at, e.length);
        e.at = used;
        used += e.length;
        total += e.count;
        entries[id] = e;
    }
    if (v->unknown >= 0) {
        entries[v->unknown].count += v->total - total;
        total = v->total;
    }
    EM_ARRAY_FREE(&v->entries);
    EM_ARRAY_FREE(&v->text);
    v->entries.at = entries;
    v->entries.n = n;
    v->text.at = text;
    v->text.n = (int64_t)used;
    v->total = total;
    fill_slots(v, v->slots, v->slot_count);
}

static void note_new_ids(const em_vocab *v, const ranked *kept, int64_t n, em_tensor *new_ids)
{
    int32_t *ids = EM_DATA(int32_t, new_ids);
    for (int64_t old = 0; old < new_ids->count; old++) ids[old] = (int32_t)v->unknown;
    for (int64_t id = 0; id < n; id++) ids[kept[id].old_id] = (int32_t)id;
}

em_status em_vocab_trim(em_vocab *v, int64_t min_count, int64_t max_size, em_tensor **new_ids)
{
    em_tensor *ids = NULL;
    if (new_ids) {
        *new_ids = NULL;
        EM_TRY(em_tensor_empty(&ids, EM_I32, 1, (int64_t[]){v->entries.n}));
    }
    const size_t ranked_bytes = ((size_t)v->entries.n + 1) * sizeof(ranked);
    const size_t entry_bytes = (size_t)v->entries.capacity * sizeof *v->entries.at;
    const size_t text_bytes = (size_t)v->text.capacity;
    ranked *kept = em__alloc(ranked_bytes);
    em__entry *entries = em__alloc(entry_bytes);
    char *text = em__alloc(text_bytes);
    if (!kept || !entries || !text) {
        em__free(kept, ranked_bytes);
        em__free(entries, entry_bytes);
        em__free(text, text_bytes);
        em_tensor_release(ids);
        return em__fail_memory("a vocabulary", ranked_bytes + text_bytes);
    }
    const int64_t n = rank(v, min_count, max_size, kept);
    renumber(v, kept, n, entries, text);
    if (ids) {
        note_new_ids(v, kept, n, ids);
        *new_ids = ids;
    }
    em__free(kept, ranked_bytes);
    return EM_OK;
}
