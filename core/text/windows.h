/* Which words of a corpus learn from which: words left out at random, windows around the others, and words drawn to be
 * told apart from those in the window (negatives). All depends on seed, epoch and position in the corpus alone.
 *
 * The corpus is gone through in portions of EM_PORTION words. Loading one decides which of its words stay, and how far
 * the window of each reaches; windows do not leave their sentence or portion. */
#ifndef EM_TEXT_WINDOWS_H
#define EM_TEXT_WINDOWS_H

#include "parallel/parallel.h"
#include "random/alias.h"

typedef struct em__windows {
    em_corpus *corpus;
    int64_t reach;                      /* most words to either side */
    uint64_t seed;
    int64_t vocab;
    em__alias weights;                  /* of negatives: count^0.75 */
    uint32_t *stays;                    /* (V) probability of staying, of 2^32 - 1 */
    int64_t epoch;

    int64_t portion;                    /* that is loaded; -1: none */
    int64_t words, kept;                /* words of the corpus in it; words that stay */
    int64_t pairs;
    uint16_t *size;                     /* (EM_PORTION) of the window, by position in the portion; 0: left out */
    int32_t *id, *position;             /* (EM_PORTION) by number among the words that stay */
    int32_t *first, *last;              /* words of the window, by number; the centre is one of them */
    int64_t *pair;                      /* (EM_PORTION + 1) number of the first pair */
} em__windows;

/* Keeps the corpus. `owner` leads the messages.
 * Fails: EM_EVALUE if the corpus is empty, window is not 1 .. 1000 or sample is not > 0; EM_ENOMEM. */
em_status em__windows_new(em__windows *w, const char *owner, em_corpus *corpus, int64_t window, double sample,
                          uint64_t seed);
void em__windows_free(em__windows *w);          /* fine on a zeroed one, and again */

int64_t em__windows_portions(const em__windows *w);
void em__windows_epoch(em__windows *w, int64_t epoch);      /* no portion is loaded then */
void em__windows_load(em__windows *w, int64_t portion);     /* unless it is; interrupted, it may lack words */

/* The last word that stays whose pairs begin at number `pair` or before it. */
int64_t em__windows_word_of_pair(const em__windows *w, int64_t pair);

/* Draws n negatives for the word with number k. None equals `avoid`, unless 8 draws in a row did; then it is `avoid`.
 * Draws of one word with equal `which` are the same, so that each of its uses takes another: 0, 1, … below `uses`. */
void em__windows_negatives(const em__windows *w, int32_t *out, int64_t n, int64_t k, int64_t which, int64_t uses,
                           int32_t avoid);

#endif
