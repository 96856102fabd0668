/* Inside of a vocabulary: an array of words and a hash table of their numbers. */
#ifndef EM_TEXT_VOCAB_H
#define EM_TEXT_VOCAB_H

#include "base/array.h"

typedef struct em__entry {
    int64_t count;
    uint64_t at;                /* first byte in text */
    uint32_t length, hash;
} em__entry;

struct em_vocab {
    int64_t refs;
    uint64_t key;               /* of the hashes */
    int64_t special, unknown;
    int64_t total;
    EM_ARRAY(em__entry) entries;        /* of the words, by id */
    EM_ARRAY(char) text;
    int32_t *slots;             /* open addressing: an id or -1; `slot_count` is a power of two */
    int64_t slot_count;
};

/* em_vocab_find and em_vocab_add for a word whose hash is known. */
int64_t em__vocab_find(const em_vocab *v, const char *word, size_t length, uint32_t hash);
em_status em__vocab_add(em_vocab *v, const char *word, size_t length, uint32_t hash, int64_t count, int64_t *id);

static inline void em__vocab_prefetch(const em_vocab *v, uint32_t hash)
{
    __builtin_prefetch(v->slots + (hash & (uint64_t)(v->slot_count - 1)));
}

#endif
