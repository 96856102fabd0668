/* Text into words: pure functions over bytes, fit for parallel loops. */
#ifndef EM_TEXT_SPLITTER_H
#define EM_TEXT_SPLITTER_H

#include "embla.h"

enum {
    EM_WORD_MAX = 255,   /* bytes of a word; what is longer is cut there, at a character */
    EM_SPLIT_GROWTH = 5, /* words of n bytes of text take at most this times n: composing grows UTF-8 by at most 3,
                          * lower case by 1.5, a bad byte becomes 3 */
};

/* What stood between two words. The greater says more. */
enum { EM_BREAK_NONE, EM_BREAK_LINE, EM_BREAK_PARAGRAPH, EM_BREAK_FILE };

typedef struct em__splitter {
    em_text_opts opts;
    uint64_t key;                       /* of the words' hashes */
    unsigned char class[256], lower[256];
} em__splitter;

typedef struct em__word {
    uint32_t at;                        /* first byte, in em__words.text */
    uint32_t hash;
    uint8_t length, before;             /* bytes; the break before it */
} em__word;

typedef struct em__words {
    char *text;                         /* room for EM_SPLIT_GROWTH * n + EM_WORD_MAX bytes */
    em__word *at;                       /* room for n words */
    int64_t count;
    uint8_t after;                      /* the break after the last word */
    bool line_blank;                    /* at the end: nothing but whitespace on the line so far */
} em__words;

void em__splitter_init(em__splitter *s, const em_text_opts *opts, uint64_t key);

/* Splits bytes[0 .. n-1], n < 2^29. `line_blank`: whether only whitespace stands before them on their line. */
void em__split(const em__splitter *s, const char *bytes, size_t n, bool line_blank, em__words *out);

/* Where to cut bytes[0 .. n-1] in two so that no word is cut: after the last whitespace; where there is none, before
 * the last character if that is not complete. 0 < result <= n. */
size_t em__split_point(const char *bytes, size_t n);

uint32_t em__word_hash(uint64_t key, const char *word, size_t length);

#endif
