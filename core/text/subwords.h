/* The hashes of fastText: of words, and of the n-grams of characters of a word between < and >. */
#ifndef EM_TEXT_SUBWORDS_H
#define EM_TEXT_SUBWORDS_H

#include "embla.h"
#include "parallel/parallel.h"

#define EM_WORD_HASH_SEED 2166136261u

/* Byte `at` of the word between its signs. */
static inline unsigned char em__word_byte(const em_word *word, size_t at)
{
    return at == 0 ? '<' : at > word->n ? '>' : (unsigned char)word->at[at - 1];
}

static inline bool em__begins_character(unsigned char c) { return (c & 0xC0) != 0x80; }

static inline bool em__ends_sentence(const em_word *word)
{
    return word->n == 4 && word->at[0] == '<' && word->at[1] == '/' && word->at[2] == 's' && word->at[3] == '>';
}

/* FNV-1a, but for bytes with a sign. */
static inline uint32_t em__hash_on(uint32_t hash, unsigned char c)
{
    const int32_t with_sign = (c ^ 0x80) - 0x80;
    return (hash ^ (uint32_t)with_sign) * 16777619u;
}

static inline uint32_t em__hash_word(const em_word *word)
{
    uint32_t hash = EM_WORD_HASH_SEED;
    for (size_t i = 0; i < word->n; i++) hash = em__hash_on(hash, (unsigned char)word->at[i]);
    return hash;
}

/* Gives the hash of each n-gram of minn to maxn characters to `take`; </s> has none. */
EM_INLINE void em__each_ngram(const em_word *word, int64_t minn, int64_t maxn, void (*take)(void *to, uint32_t hash),
                              void *to)
{
    const size_t n = word->n + 2;
    if (em__ends_sentence(word)) return;
    for (size_t i = 0; i < n && !em__stop; i++) {
        uint32_t hash = EM_WORD_HASH_SEED;
        if (!em__begins_character(em__word_byte(word, i))) continue;
        size_t j = i;
        for (int64_t length = 1; j < n && length <= maxn; length++) {
            do
                hash = em__hash_on(hash, em__word_byte(word, j++));
            while (j < n && !em__begins_character(em__word_byte(word, j)));
            if (length >= minn && (length > 1 || (i > 0 && j < n))) take(to, hash);
        }
    }
}

#endif
