/* Corpora for C tests: the file they are read from. */
#include "corpus_of.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

typedef struct draft {
    char path[32];
    FILE *file;
} draft;

static void begin(draft *d)
{
    strcpy(d->path, "/tmp/embla-test-XXXXXX");
    d->file = fdopen(mkstemp(d->path), "wb");
    assert_non_null(d->file);
}

static em_corpus *finish(draft *d)
{
    em_corpus *corpus;
    const em_corpus_opts opts = {.text = {.split = EM_SPLIT_BLANKS}, .min_count = 1, .max_size = -1, .max_words = -1};
    assert_int_equal(fclose(d->file), 0);
    assert_ok(em_corpus_read(&corpus, (const char *const[]){d->path}, 1, &opts));
    unlink(d->path);
    return corpus;
}

em_corpus *corpus_of(const char *text)
{
    draft d;
    begin(&d);
    fputs(text, d.file);
    return finish(&d);
}

em_corpus *zipf_corpus(int64_t count, double words, int64_t longest)
{
    draft d;
    begin(&d);
    uint32_t seed = 3;
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        const int word = (int)exp((double)(seed >> 8) / 16777216.0 * log(words));
        const int64_t at = i % longest;
        fprintf(d.file, "w%d%c", word, at == i / longest % longest || at == longest - 1 ? '\n' : ' ');
    }
    return finish(&d);
}
