/* The part of embla.h about text: vocabularies, corpora, word vectors, columns of text. Its conventions hold. */
#ifndef EMBLA_TEXT_H
#define EMBLA_TEXT_H

#include "embla.h"

/* ---- vocabularies and corpora ------------------------------------------------------------------------ */

/* Words and their ids. Ids are int32 at most: 0 .. size-1. Words are any bytes; those made from text are UTF-8. */
typedef struct em_vocab em_vocab;

em_status em_vocab_new(em_vocab **out);
void em_vocab_retain(em_vocab *v);
void em_vocab_release(em_vocab *v);             /* null is fine */

int64_t em_vocab_size(const em_vocab *v);
int64_t em_vocab_total(const em_vocab *v);      /* sum of the counts */
int64_t em_vocab_find(const em_vocab *v, const char *word, size_t length);     /* its id, or -1 */
const char *em_vocab_word(const em_vocab *v, int64_t id, size_t *length);      /* lent; not ended by 0; id in range */
int64_t em_vocab_count(const em_vocab *v, int64_t id);                         /* id in range */

/* Adds `count` to a word's count; a new word gets the next id. `id` may be null. EM_ENOMEM, EM_ERANGE, EM_EVALUE. */
em_status em_vocab_add(em_vocab *v, const char *word, size_t length, int64_t count, int64_t *id);

/* The first n words are special (padding, unknown): em_vocab_trim leaves them where they are. EM_ERANGE. */
em_status em_vocab_set_special(em_vocab *v, int64_t n);
int64_t em_vocab_special(const em_vocab *v);

/* The word that stands for those the vocabulary lacks, a special one; -1: there is none. EM_ERANGE. */
em_status em_vocab_set_unknown(em_vocab *v, int64_t id);
int64_t em_vocab_unknown(const em_vocab *v);

/* Renumbers: specials first, then by count, the most frequent first, equal ones in the order they were added. Words
 * counted less than min_count times go, and so do those after the first max_size words (specials counted; max_size < 0:
 * no limit); what they counted is added to the unknown word's count.
 *   new_ids  (old size) int32, new reference: the new id of each old one; the unknown one's, or -1, for words that
 *            went. May be null. */
em_status em_vocab_trim(em_vocab *v, int64_t min_count, int64_t max_size, em_tensor **new_ids);

/* Text: a line "embla-vocab 1 SIZE SPECIAL UNKNOWN", then a line "COUNT<tab>WORD" each (\\ \t \n \r escaped), in order
 * of id. Saving replaces the file at once or not at all. EM_EIO with the path, EM_EFORMAT with the byte offset. */
em_status em_vocab_save(const em_vocab *v, const char *path);
em_status em_vocab_load(em_vocab **out, const char *path);

/* The ids of words spelled like one, the nearest first, of equally near ones the lower: at most 2 bytes inserted, left
 * out or replaced, in long words a third of them.
 *   n      how many are wanted at `ids`; then how many there are
 *   fails  EM_ENOMEM */
em_status em_vocab_nearest(const em_vocab *v, const char *word, size_t length, int64_t *ids, int64_t *n);

/* ---- subwords ------------------------------------------------------------------------------------------ */

typedef struct em_word {
    const char *at;
    size_t n;
} em_word;

enum { EM_SUBWORD_MAX = 100 };  /* characters of an n-gram */

/* Words as fastText takes them apart (Bojanowski et al. 2017): the word between < and >, and of that all n-grams of
 * minn to maxn characters of UTF-8, but for < and > alone. An n-gram's row is its hash (FNV-1a of bytes with a sign, 32
 * bits) modulo the size of the table. "</s>" has no n-grams.
 *   buckets  (B, D) float32, contiguous
 *   fails    EM_ESHAPE, EM_EVALUE: minn, maxn; EM_EINTERRUPT */

/* Each row of a matrix, the word's own, becomes its mean with those of its n-grams.
 *   matrix  (V, D) float32, contiguous */
em_status em_subwords_compose(em_tensor *matrix, const em_vocab *words, const em_tensor *buckets, int64_t minn,
                              int64_t maxn);

/* The mean of the n-grams of n words; zeros for one that has none.
 *   out  (n, D), new reference */
em_status em_subwords_vectors(em_tensor **out, const em_word *words, int64_t n, const em_tensor *buckets, int64_t minn,
                              int64_t maxn);

/* ---- classifier ------------------------------------------------------------------------------------------ */

typedef struct em_feature_opts {
    int64_t word_ngrams;        /* words of the longest n-gram of words, >= 1 */
    int64_t minn, maxn;         /* characters of the n-grams of a word; maxn = 0: none */
    int64_t buckets;            /* rows that n-grams share by their hash; 0 only where there are none */
} em_feature_opts;

/* Texts as rows of a table whose first rows are the words of the vocabulary, and the next the buckets, as fastText has
 * them. A text is split at ASCII whitespace, and ends with </s>; words that the vocabulary lacks have no row of theirs.
 *   ids, starts  int64 (T) and (n + 1), new references: text i has ids[starts[i] .. starts[i + 1] - 1]
 *   fails        EM_EVALUE naming the option, EM_EINTERRUPT, EM_ENOMEM */
em_status em_features(em_tensor **ids, em_tensor **starts, const em_word *texts, int64_t n, const em_vocab *vocab,
                      const em_feature_opts *opts);

/* Learns by stochastic gradient descent, text after text, with h the mean of a text's rows of `input` (R, D) and the
 * loss -log softmax(output h)[label], `output` (K, D); lr falls in a line to 0. On one thread: the result depends on
 * what is given alone. Interrupted (EM_EINTERRUPT) the tables stand after some text.
 *   labels  int64 (n), below K
 *   loss    mean loss of the last epoch's texts
 *   fails   EM_ETYPE, EM_ESHAPE, EM_ERANGE, EM_EVALUE; EM_ENOMEM before anything is changed */
em_status em_classifier_train(em_tensor *input, em_tensor *output, const em_tensor *ids, const em_tensor *starts,
                              const em_tensor *labels, int64_t epochs, double lr, double *loss);

/* Probabilities of the labels, float32 (n, K), a new reference; a text without rows has h = 0. */
em_status em_classifier_scores(em_tensor **out, const em_tensor *input, const em_tensor *output, const em_tensor *ids,
                               const em_tensor *starts);

/* ---- text ---------------------------------------------------------------------------------------------- */

typedef enum em_text_split {
    EM_SPLIT_WORDS,     /* letters, marks, digits; a lone ' or underscores between two of these belong to the word */
    EM_SPLIT_BLANKS,    /* whatever stands between spaces and other control characters of ASCII */
} em_text_split;

typedef enum em_text_sentence {
    EM_SENTENCE_LINE,           /* a sentence ends with its line */
    EM_SENTENCE_PARAGRAPH,      /* with an empty line */
    EM_SENTENCE_FILE,           /* with its file */
} em_text_sentence;

/* How text becomes words. Everywhere, a byte order mark at the start of a file is skipped, and a word of more than 255
 * bytes is cut there. EM_SPLIT_WORDS writes words in composed form (NFC) and U+2019 as ', drops format characters (soft
 * hyphens, joiners) and takes bytes that are not UTF-8 as whitespace; for EM_SPLIT_BLANKS each becomes U+FFFD. */
typedef struct em_text_opts {
    em_text_split split;
    em_text_sentence sentence;
    bool lower;                 /* words in lower case */
    bool digits;                /* EM_SPLIT_WORDS: digits belong to words; otherwise they are whitespace */
    bool punctuation;           /* EM_SPLIT_WORDS: every other visible character is a word; otherwise whitespace */
    const char *unknown;        /* word 0 of a new vocabulary, stands for words that went; null: they are skipped */
} em_text_opts;

/* How a corpus is read. */
typedef struct em_corpus_opts {
    em_text_opts text;
    em_vocab *vocab;            /* its words are encoded, others become its unknown word or are skipped; shared, not
                                 * changed. Null: the files' words are counted and make a new vocabulary, trimmed by
                                 * min_count and max_size (see em_vocab_trim) */
    int64_t min_count, max_size;
    int64_t max_words;          /* stop after so many, those skipped included; < 0: no limit */
} em_corpus_opts;

/* Text as word ids. Keeps no text. */
typedef struct em_corpus em_corpus;

/* Reads UTF-8 files, one after the other, and encodes them.
 *   fails  EM_EIO with the path, EM_ENOMEM, EM_EINTERRUPT */
em_status em_corpus_read(em_corpus **out, const char *const *paths, int64_t n_paths, const em_corpus_opts *opts);

/* What stands among the ids given to em_corpus_from_ids: the place of a word left out, and what parts two sentences. */
enum { EM_CORPUS_SKIPPED = -1, EM_CORPUS_END = -2 };

/* A corpus of words that have their ids already.
 *   ids     (T) int32, contiguous, borrowed: ids of the vocabulary, EM_CORPUS_SKIPPED, EM_CORPUS_END; sentences with
 *           nothing in them are not counted
 *   vocab   shared; trimmed by min_count and max_size (see em_vocab_trim) if `trim`, when ids are numbered anew
 *   fails   EM_ETYPE, EM_ESHAPE, EM_ENOMEM; EM_ERANGE naming id and position. Then the vocabulary is as it was,
 *           unless memory ran out after the trimming */
em_status em_corpus_from_ids(em_corpus **out, const em_tensor *ids, em_vocab *vocab, bool trim, int64_t min_count,
                             int64_t max_size);
void em_corpus_retain(em_corpus *c);
void em_corpus_release(em_corpus *c);           /* null is fine */

em_tensor *em_corpus_ids(const em_corpus *c);   /* (T) int32, lent */
em_tensor *em_corpus_starts(const em_corpus *c);/* (S + 1) int64, lent: sentence s is ids[starts[s] .. starts[s+1]-1] */
em_vocab *em_corpus_vocab(const em_corpus *c);  /* lent */
int64_t em_corpus_words(const em_corpus *c);    /* words read, those skipped included */
int64_t em_corpus_bytes(const em_corpus *c);    /* bytes read */

/* ---- batches and word vectors ------------------------------------------------------------------------ */

/* Skip-gram with negative sampling (Mikolov et al. 2013) over a corpus, an endless supply of batches.
 *
 * A word w of frequency f is left out at random, for this epoch's occurrence, with probability
 * 1 - (sqrt(f / sample) + 1) sample / f. Of the words left each in turn is the centre, with a window drawn from 1 to
 * window; each other word of its sentence at most that many words off is a context, from left to right. Windows do not
 * reach over multiples of EM_PORTION words of the corpus. Negatives are drawn with probability proportional to
 * count^0.75; one that equals the pair's context is drawn again, up to 8 times.
 *
 * All this depends on seed, epoch and position in the corpus alone, so batches are the same for any number of threads,
 * and an epoch can be started anywhere. */
typedef struct em_skipgram em_skipgram;

enum { EM_PORTION = 1 << 16 };

typedef struct em_skipgram_opts {
    int64_t window;             /* 1 .. 1000 */
    int64_t negative;           /* 0 .. 1000 negatives a pair */
    double sample;              /* > 0; infinite: keep every word */
    int64_t batch_size;         /* pairs a batch, >= 1 */
    em_dtype dtype;             /* EM_I64 or EM_I32 */
    uint64_t seed;
    bool prefetch;              /* each next batch is drawn by a thread of its own, meanwhile */
} em_skipgram_opts;

/* Keeps the corpus. Fails: EM_EVALUE naming the option; EM_ENOMEM. */
em_status em_skipgram_new(em_skipgram **out, em_corpus *corpus, const em_skipgram_opts *opts);
void em_skipgram_release(em_skipgram *s);       /* null is fine */

/* Goes to the start of an epoch (>= 0). */
void em_skipgram_start(em_skipgram *s, int64_t epoch);

/* A place in an epoch: the pairs of each portion of the corpus are numbered from 0. */
typedef struct em_skipgram_position { int64_t portion, pair; } em_skipgram_position;

/* Where the next batch begins. */
em_skipgram_position em_skipgram_where(const em_skipgram *s);

/* Goes to a place in an epoch. Fails: EM_EVALUE if there is no such; EM_EINTERRUPT. Then it is at the epoch's start. */
em_status em_skipgram_seek(em_skipgram *s, int64_t epoch, em_skipgram_position at);

/* The next batch of the epoch; both null at its end. The last one may be smaller.
 *   centre   (B), new reference
 *   targets  (B, 1 + negative), new reference: the context, then the negatives */
em_status em_skipgram_next(em_skipgram *s, em_tensor **centre, em_tensor **targets);

/* Words of the corpus, from the epoch's start, whose pairs have all been given out (words left out count too). */
int64_t em_skipgram_done(const em_skipgram *s);

/* Word vectors learnt from a corpus in one go (Mikolov et al. 2013): skip-gram or CBOW with negative sampling, forward,
 * backward and update of both tables in one loop. Each word that stays is a centre (see em_skipgram). Skip-gram: each
 * word of its window, by its row of `vectors`, should tell the centre, by its row of `contexts`, from the negatives;
 * CBOW: the mean of the window's vectors should. A step moves rows by -lr times the gradient of the sum of
 * -log sigmoid(score) of the centre and -log sigmoid(-score) of the negatives; lr falls in a line to lr / 10,000.
 *
 * The deterministic variant goes in rounds, see word2vec.c: the result depends on options and seed, not on the number
 * of threads. The Hogwild variant lets threads write to the tables at once, without locks: a little faster, and each
 * run different. */
typedef struct em_word2vec em_word2vec;

typedef struct em_word2vec_opts {
    bool cbow;                  /* otherwise skip-gram */
    bool shared;                /* skip-gram: one set of negatives for the window, otherwise one for each word in it */
    bool hogwild;               /* otherwise deterministic */
    int64_t window;             /* 1 .. 1000 */
    int64_t negative;           /* 1 .. 1000 */
    double sample;              /* > 0; infinite: keep every word */
    double lr;                  /* >= 0 */
    int64_t epochs;             /* >= 1 */
    uint64_t seed;
} em_word2vec_opts;

typedef struct em_word2vec_report {
    double loss;                /* summed over the pairs */
    int64_t pairs;              /* learnt from: a word and its centre; CBOW: windows */
    int64_t words_done, words_total;    /* words of the corpus, all epochs together, those left out counted too */
} em_word2vec_report;

/* Where training stands: to go on later with the same bits. After the last epoch {epochs, 0, 0}. */
typedef struct em_word2vec_position {
    int64_t epoch;
    int64_t portion, word;      /* of EM_PORTION words of the corpus; word among those that stay in it */
} em_word2vec_position;

/* Keeps corpus and tables.
 *   vectors, contexts  (V, D) of float32 or float64, contiguous; they are trained in place
 *   fails              EM_EVALUE naming the option, EM_ETYPE or EM_ESHAPE naming the table, EM_ENOMEM */
em_status em_word2vec_new(em_word2vec **out, em_corpus *corpus, em_tensor *vectors, em_tensor *contexts,
                          const em_word2vec_opts *opts);
void em_word2vec_release(em_word2vec *w);       /* null is fine */

/* Trains on at least so many words of the corpus more, or to the end. Interrupted (EM_EINTERRUPT) it stands between two
 * rounds and can be called again. Fails: EM_ENOMEM before anything is changed. */
em_status em_word2vec_train(em_word2vec *w, int64_t words, em_word2vec_report *report);

em_word2vec_position em_word2vec_where(const em_word2vec *w);
em_status em_word2vec_seek(em_word2vec *w, em_word2vec_position at);  /* EM_EVALUE if there is no such position */

/* ---- columns of text ----------------------------------------------------------------------------------- */

/* Texts in a row, any of which may be missing, held as bytes. */
typedef struct em_strings em_strings;

em_status em_strings_new(em_strings **out);
void em_strings_retain(em_strings *s);
void em_strings_release(em_strings *s);         /* null is fine */

int64_t em_strings_count(const em_strings *s);
int64_t em_strings_missing(const em_strings *s);                               /* how many are missing */
const char *em_strings_get(const em_strings *s, int64_t at, size_t *length);   /* lent; null: missing; `at` in range */

/* Adds one at the end; `text` null: a missing one. EM_ENOMEM; EM_ERANGE for more than 1 GiB. */
em_status em_strings_add(em_strings *s, const char *text, size_t length);

/* Those at `ids`, (n) int64, in their order. EM_ETYPE, EM_ESHAPE, EM_ERANGE. */
em_status em_strings_select(em_strings **out, const em_strings *s, const em_tensor *ids);

/* Each as its number in a vocabulary: ids (n) int64.
 *   words  null at first: it becomes a new one of all texts, the most frequent first, equal ones as they come first;
 *          else the one to look in, where its unknown word stands for those it lacks
 *   fails  EM_EVALUE for a missing text, and for one that the vocabulary lacks */
em_status em_strings_ids(const em_strings *s, em_vocab **words, em_tensor **ids);

#endif
