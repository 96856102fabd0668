/* Corpora read from files: sentences, counts, vocabularies, long texts, interrupts. */
#include <stdio.h>
#include <unistd.h>

#include "support.h"

static char paths[2][64];

static int make_paths(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof paths[i], "/tmp/embla-test-XXXXXX");
        if (close(mkstemp(paths[i]))) return 1;
    }
    return 0;
}

static int remove_paths(void **state)
{
    (void)state;
    return unlink(paths[0]) | unlink(paths[1]);
}

static void put_bytes(int file, const char *bytes, size_t n)
{
    FILE *f = fopen(paths[file], "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void put_text(int file, const char *text) { put_bytes(file, text, strlen(text)); }

static const em_text_opts plain = {.split = EM_SPLIT_WORDS, .lower = true, .digits = true};
static const em_corpus_opts all_plain = {.text = {.split = EM_SPLIT_WORDS, .lower = true, .digits = true},
                                         .min_count = 1, .max_size = -1, .max_words = -1};

static em_corpus *read_with(int files, const em_text_opts *opts, em_vocab *vocab, int64_t min_count, int64_t max_size,
                            int64_t max_words)
{
    em_corpus *c;
    const char *const list[] = {paths[0], paths[1]};
    assert_ok(em_corpus_read(&c, list, files, &(em_corpus_opts){*opts, vocab, min_count, max_size, max_words}));
    return c;
}

/* The corpus as words, '/' after each sentence. */
static void assert_text(const em_corpus *c, const char *want)
{
    char got[4096] = "";
    const int32_t *ids = em_tensor_data(em_corpus_ids(c));
    const int64_t *starts = em_tensor_data(em_corpus_starts(c));
    const int64_t sentences = em_tensor_count(em_corpus_starts(c)) - 1;
    assert_int_equal(starts[0], 0);
    assert_int_equal(starts[sentences], em_tensor_count(em_corpus_ids(c)));
    for (int64_t s = 0; s < sentences; s++) {
        for (int64_t t = starts[s]; t < starts[s + 1]; t++) {
            size_t n;
            const char *word = em_vocab_word(em_corpus_vocab(c), ids[t], &n);
            strncat(got, word, n);
            strcat(got, t + 1 < starts[s + 1] ? " " : "/");
        }
    }
    assert_string_equal(got, want);
}

static void lines_paragraphs_and_files_end_sentences(void **state)
{
    (void)state;
    put_text(0, "\xEF\xBB\xBFOne two\nthree.\n\n\nFour\n  \nfive");
    put_text(1, "six\n");
    em_text_opts opts = plain;
    em_corpus *c = read_with(2, &opts, NULL, 1, -1, -1);
    assert_text(c, "one two/three/four/five/six/");
    assert_int_equal(em_corpus_words(c), 6);
    assert_int_equal(em_corpus_bytes(c), 36);
    em_corpus_release(c);
    opts.sentence = EM_SENTENCE_PARAGRAPH;
    c = read_with(2, &opts, NULL, 1, -1, -1);
    assert_text(c, "one two three/four/five/six/");
    em_corpus_release(c);
    opts.sentence = EM_SENTENCE_FILE;
    c = read_with(2, &opts, NULL, 1, -1, -1);
    assert_text(c, "one two three four five/six/");
    em_corpus_release(c);
}

static void rare_words_go_and_ids_follow_counts(void **state)
{
    (void)state;
    put_text(0, "b c a c\nd\nc b");
    em_corpus *c = read_with(1, &plain, NULL, 2, -1, -1);
    assert_text(c, "b c c/c b/");                         /* a sentence of which nothing is left is none */
    assert_int_equal(em_corpus_words(c), 7);
    assert_tensor(em_corpus_ids(c), EM_I32, SHAPE(5), VALUES(1, 0, 0, 0, 1));
    assert_int_equal(em_vocab_total(em_corpus_vocab(c)), 5);
    em_corpus_release(c);
}

static void an_unknown_word_stands_for_what_is_lost(void **state)
{
    (void)state;
    put_text(0, "b c a c\nd\nc b");
    em_text_opts opts = plain;
    opts.unknown = "<unk>";
    em_corpus *c = read_with(1, &opts, NULL, 2, 2, -1);
    assert_text(c, "<unk> c <unk> c/<unk>/c <unk>/");
    assert_int_equal(em_vocab_count(em_corpus_vocab(c), 0), 4);
    em_corpus_release(c);
}

static void a_given_vocabulary_is_used_and_not_changed(void **state)
{
    (void)state;
    put_text(0, "b c a c\nd\nc b");
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    assert_ok(em_vocab_add(v, "a", 1, 0, NULL));
    assert_ok(em_vocab_add(v, "b", 1, 0, NULL));
    em_corpus *c = read_with(1, &plain, v, 5, 0, -1);
    assert_text(c, "b a/b/");
    assert_int_equal(em_vocab_size(v), 2);
    assert_int_equal(em_vocab_total(v), 0);
    em_corpus_release(c);
    assert_ok(em_vocab_set_special(v, 1));
    assert_ok(em_vocab_set_unknown(v, 0));
    c = read_with(1, &plain, v, 5, 0, -1);
    assert_text(c, "b a a a/a/a b/");
    em_corpus_release(c);
    em_vocab_release(v);
}

static void reading_stops_after_max_words(void **state)
{
    (void)state;
    put_text(0, "a b c\nd e");
    put_text(1, "f g");
    em_corpus *c = read_with(2, &plain, NULL, 1, -1, 4);
    assert_text(c, "a b c/d/");
    em_corpus_release(c);
    c = read_with(2, &plain, NULL, 1, -1, 6);
    assert_text(c, "a b c/d e/f/");
    em_corpus_release(c);
    c = read_with(2, &plain, NULL, 1, -1, 0);
    assert_text(c, "");
    em_corpus_release(c);
}

static void nothing_to_read_is_an_empty_corpus(void **state)
{
    (void)state;
    put_text(0, "");
    put_text(1, " \n\n... \xFF");
    for (int files = 0; files < 3; files++) {
        em_corpus *c = read_with(files, &plain, NULL, 1, -1, -1);
        assert_tensor(em_corpus_ids(c), EM_I32, SHAPE(0), NO_VALUES);
        assert_tensor(em_corpus_starts(c), EM_I64, SHAPE(1), VALUES(0));
        em_corpus_release(c);
    }
}

static void missing_files_are_named(void **state)
{
    (void)state;
    put_text(0, "a");
    em_corpus *c = (em_corpus *)1;
    const int64_t blocks = em_memory_blocks();
    const char *const list[] = {paths[0], "/no/such/file"};
    assert_fails(em_corpus_read(&c, list, 2, &all_plain), EM_EIO, "/no/such/file: No such file");
    assert_null(c);
    assert_int_equal(em_memory_blocks(), blocks);
}

/* ---- long texts, against the words they were written from ---------------------------------------------- */

/* Text of n words w0, w1, … (numbers of a fixed sequence), over many blocks and chunks, parted in changing ways. */
enum { LONG = 700000 };
static int32_t expected[LONG];
static int64_t expected_lines, expected_paragraphs;

static void put_long_text(void)
{
    static const char *const gaps[] = {" ", "\n", "  ", "\n\n", ", ", " \xFF ", "\r\n", "\n \t \n"};
    FILE *f = fopen(paths[0], "wb");
    assert_non_null(f);
    uint32_t seed = 7;
    expected_lines = expected_paragraphs = 1;
    for (int i = 0; i < LONG; i++) {
        seed = seed * 1664525u + 1013904223u;
        expected[i] = (int32_t)((seed >> 8) % 5000);
        const int gap = (int)((seed >> 24) % 8);
        fprintf(f, "%s%d", seed >> 31 ? "word" : "\xC3\x96l", expected[i]);
        if (i % 50000 == 49999) fprintf(f, "%*s", 70000, "");           /* a long run of spaces */
        fputs(gaps[gap], f);
        if (i + 1 < LONG) {
            expected_lines += gap == 1 || gap == 3 || gap == 6 || gap == 7;
            expected_paragraphs += gap == 3 || gap == 7;
        }
    }
    fclose(f);
}

static void long_texts_come_out_whole(void **state)
{
    (void)state;
    put_long_text();
    em_text_opts opts = plain;
    em_tensor *first = NULL;
    for (int threads = 1; threads <= 5; threads += 2) {
        em_set_threads(threads);
        em_corpus *c = read_with(1, &opts, NULL, 1, -1, -1);
        const int32_t *ids = em_tensor_data(em_corpus_ids(c));
        assert_int_equal(em_tensor_count(em_corpus_ids(c)), LONG);
        assert_int_equal(em_tensor_count(em_corpus_starts(c)) - 1, expected_lines);
        for (int i = 0; i < LONG; i++) {
            size_t n;
            char word[32] = "";
            const char *got = em_vocab_word(em_corpus_vocab(c), ids[i], &n);
            memcpy(word, got, n);
            if (atoi(word + (word[0] == 'w' ? 4 : 3)) != expected[i])
                fail_msg("word %d is %s, not %d", i, word, expected[i]);
        }
        if (first) {
            assert_same_bits(em_corpus_ids(c), first);
        } else {
            first = em_corpus_ids(c);
            em_tensor_retain(first);
        }
        em_corpus_release(c);
    }
    opts.sentence = EM_SENTENCE_PARAGRAPH;
    em_corpus *c = read_with(1, &opts, NULL, 1, -1, -1);
    assert_int_equal(em_tensor_count(em_corpus_starts(c)) - 1, expected_paragraphs);
    em_corpus_release(c);
    em_tensor_release(first);
    em_set_threads(1);
}

/* Runs without any whitespace, longer than a block, must be read too. */
static void runs_without_whitespace_are_cut(void **state)
{
    (void)state;
    enum { N = 3000000 };
    char *text = malloc(N);
    memset(text, 'x', N);
    put_bytes(0, text, N);
    em_corpus *c = read_with(1, &plain, NULL, 1, -1, -1);
    assert_in_range(em_tensor_count(em_corpus_ids(c)), 1, N / 65536 + 1);
    assert_int_equal(em_vocab_size(em_corpus_vocab(c)), 1);
    em_corpus_release(c);
    for (size_t i = 0; i + 1 < N; i += 2) memcpy(text + i, "\xC3\xA9", 2);
    text[0] = text[1] = 'a';
    put_bytes(0, text + 1, N - 1);                           /* characters lie across the cuts */
    c = read_with(1, &plain, NULL, 1, -1, -1);
    assert_int_equal(em_vocab_size(em_corpus_vocab(c)), 2);  /* whole characters only: the first piece, the others */
    em_corpus_release(c);
    for (size_t i = 0; i < N; i++) text[i] = i % 65536 == 1 ? ' ' : 'x';     /* chunks of two bytes and whole ones */
    put_bytes(0, text, N);
    c = read_with(1, &plain, NULL, 1, -1, -1);
    assert_true(em_tensor_count(em_corpus_ids(c)) >= N / 65536);
    em_corpus_release(c);
    free(text);
}

static void an_interrupt_stops_the_reading(void **state)
{
    (void)state;
    put_text(0, "a");
    em_corpus *c;
    const char *const list[] = {paths[0]};
    em_interrupt();
    assert_fails(em_corpus_read(&c, list, 1, &all_plain), EM_EINTERRUPT, "interrupted");
    em_clear_interrupt();
}

static em_status read_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_corpus *c;
    const char *const list[] = {paths[0]};
    const em_corpus_opts opts = {.text = {.split = EM_SPLIT_WORDS, .unknown = "?"}, .vocab = context, .min_count = 1,
                                 .max_size = -1, .max_words = -1};
    const em_status s = em_corpus_read(&c, list, 1, &opts);
    if (s) {
        assert_null(c);
        return s;
    }
    em_tensor_retain(out[0] = em_corpus_ids(c));
    em_corpus_release(c);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    char text[4000] = "";
    for (int i = 0; i < 300; i++) sprintf(text + strlen(text), "%c%c%c ", 'a' + i % 26, 'a' + i / 26, 'z');
    put_text(0, text);
    assert_true(each_allocation_fails(&(fallible){.call = read_it}, NULL) > 40);
    em_vocab *v;
    assert_ok(em_vocab_new(&v));
    assert_true(each_allocation_fails(&(fallible){.call = read_it}, v) > 30);
    em_vocab_release(v);
}

static void ids_given_make_sentences(void **state)
{
    (void)state;
    em_vocab *v;
    em_tensor *ids;
    em_corpus *c;
    assert_ok(em_vocab_new(&v));
    assert_ok(em_vocab_add(v, "a", 1, 1, NULL));
    assert_ok(em_vocab_add(v, "b", 1, 2, NULL));
    assert_ok(em_tensor_empty(&ids, EM_I32, 1, (int64_t[]){6}));
    int32_t *id = em_tensor_data(ids);
    memcpy(id, (int32_t[]){1, EM_CORPUS_SKIPPED, 0, EM_CORPUS_END, EM_CORPUS_END, 1}, 6 * sizeof *id);
    assert_ok(em_corpus_from_ids(&c, ids, v, false, 1, -1));
    assert_text(c, "b a/b/");
    assert_int_equal(em_corpus_words(c), 4);
    em_corpus_release(c);
    id[2] = 2;
    assert_int_equal(em_corpus_from_ids(&c, ids, v, false, 1, -1), EM_ERANGE);
    assert_null(c);
    em_tensor_release(ids);
    em_vocab_release(v);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_paths, remove_paths)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(lines_paragraphs_and_files_end_sentences),
        FILE_TEST(rare_words_go_and_ids_follow_counts),
        FILE_TEST(an_unknown_word_stands_for_what_is_lost),
        FILE_TEST(a_given_vocabulary_is_used_and_not_changed),
        FILE_TEST(reading_stops_after_max_words),
        FILE_TEST(nothing_to_read_is_an_empty_corpus),
        FILE_TEST(missing_files_are_named),
        FILE_TEST(long_texts_come_out_whole),
        FILE_TEST(runs_without_whitespace_are_cut),
        FILE_TEST(an_interrupt_stops_the_reading),
        FILE_TEST(allocations_may_fail),
        cmocka_unit_test(ids_given_make_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
