/* Named values in order, found by their names through a table of hashes. */
#include <string.h>

#include "base/array.h"
#include "embla.h"

typedef struct entry {
    char *name;
    em_value value;
} entry;

struct em_content {
    EM_ARRAY(entry) entries;
    EM_ARRAY(int64_t) slots;    /* a power of two: 1 + position, 0 for none; at least twice as many as entries */
};

em_status em_content_new(em_content **out)
{
    *out = em__alloc_zeroed(sizeof **out);
    return *out ? EM_OK : em__fail_memory("the content of a file", sizeof **out);
}

static void drop(entry *e)
{
    em_tensor_release(e->value.tensor);
    em_vocab_release(e->value.vocab);
    em_strings_release(e->value.strings);
    em__free((void *)(uintptr_t)e->value.bytes, e->value.length + 1);
    if (e->name) em__free(e->name, strlen(e->name) + 1);
}

void em_content_release(em_content *c)
{
    if (!c) return;
    for (int64_t i = 0; i < c->entries.n; i++) drop(&c->entries.at[i]);
    EM_ARRAY_FREE(&c->entries);
    EM_ARRAY_FREE(&c->slots);
    em__free(c, sizeof *c);
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash(const char *name)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001B3u;
    return h ^ h >> 32;
}

/* The slot that a name has, or would have. */
static int64_t *slot_of(const em_content *c, const char *name)
{
    const uint64_t mask = (uint64_t)c->slots.n - 1;
    uint64_t at = hash(name) & mask;
    while (c->slots.at[at] && strcmp(c->entries.at[c->slots.at[at] - 1].name, name)) at = (at + 1) & mask;
    return &c->slots.at[at];
}

static em_status widen_slots(em_content *c)
{
    const int64_t need = c->slots.n ? 2 * c->slots.n : 16;
    EM_TRY(EM_ARRAY_RESERVE(&c->slots, need - c->slots.n, "names"));
    c->slots.n = need;
    memset(c->slots.at, 0, (size_t)need * sizeof *c->slots.at);
    for (int64_t i = 0; i < c->entries.n; i++) *slot_of(c, c->entries.at[i].name) = i + 1;
    return EM_OK;
}

static em_status copy_bytes(char **out, const char *from, size_t n, const char *what)
{
    *out = em__alloc(n + 1);
    if (!*out) return em__fail_memory(what, n + 1);
    if (n) memcpy(*out, from, n);
    (*out)[n] = 0;
    return EM_OK;
}

em_status em_content_add(em_content *c, const char *name, const em_value *value)
{
    EM_TRY(EM_ARRAY_RESERVE(&c->entries, 1, "the content of a file"));
    if (2 * (c->entries.n + 1) > c->slots.n) EM_TRY(widen_slots(c));
    int64_t *slot = slot_of(c, name);
    if (*slot) return em__fail(EM_EVALUE, "the name '%s' stands twice", name);
    entry e = {.value = {.kind = value->kind}};
    em_status s = copy_bytes(&e.name, name, strlen(name), "a name");
    char *bytes = NULL;
    if (!s && value->kind == EM_VALUE_BYTES)
        s = copy_bytes(&bytes, value->bytes, value->length, "the content of a file");
    if (s) {
        drop(&e);
        return s;
    }
    e.value.bytes = bytes;
    e.value.length = bytes ? value->length : 0;
    if (value->kind == EM_VALUE_TENSOR) em_tensor_retain(e.value.tensor = value->tensor);
    if (value->kind == EM_VALUE_VOCAB) em_vocab_retain(e.value.vocab = value->vocab);
    if (value->kind == EM_VALUE_STRINGS) em_strings_retain(e.value.strings = value->strings);
    c->entries.at[c->entries.n++] = e;
    *slot = c->entries.n;
    return EM_OK;
}

int64_t em_content_count(const em_content *c) { return c->entries.n; }
const char *em_content_name(const em_content *c, int64_t at) { return c->entries.at[at].name; }
const em_value *em_content_at(const em_content *c, int64_t at) { return &c->entries.at[at].value; }

const em_value *em_content_find(const em_content *c, const char *name)
{
    if (!c->entries.n) return NULL;
    const int64_t at = *slot_of(c, name);
    return at ? &c->entries.at[at - 1].value : NULL;
}
