/* A reader of files against whatever bytes libFuzzer finds: it fails cleanly, within its memory, or what it read is the
 * same when it is written and read again. Compiled for each format that formats.def lists, under the preset `fuzz`:
 *
 *     cmake --preset fuzz && cmake --build --preset fuzz
 *     build/fuzz/tests/fuzz/fuzz_safetensors -max_total_time=600 FOLDER        of inputs to begin with, which grows */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "embla.h"

enum { SLACK = 16 << 20 };

static char path[64];
static int fd;

static void must(bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "%s (%s)\n", what, em_error());
    abort();
}

/* Text keeps that an element is NaN, not which. */
static bool same_element(double x, double y)
{
    return x == y ? signbit(x) == signbit(y) : x != x && y != y;
}

static bool same_tensor(const em_tensor *a, const em_tensor *b)
{
    if (em_tensor_dtype(a) != em_tensor_dtype(b) || em_tensor_dims(a) != em_tensor_dims(b)) return false;
    for (int d = 0; d < em_tensor_dims(a); d++)
        if (em_tensor_sizes(a)[d] != em_tensor_sizes(b)[d]) return false;
    em_tensor *straight[2];
    must(!em_tensor_clone(&straight[0], a) && !em_tensor_clone(&straight[1], b), "no copy");
    const int64_t count = em_tensor_count(a);
    const size_t bytes = (size_t)count * em_dtype_size(em_tensor_dtype(a));
    bool same = !bytes || !memcmp(em_tensor_data(straight[0]), em_tensor_data(straight[1]), bytes);
    if (!same && em_dtype_is_float(em_tensor_dtype(a))) {
        same = true;
        for (int64_t i = 0; same && i < count; i++)
            same = same_element(em_tensor_get(straight[0], i), em_tensor_get(straight[1], i));
    }
    em_tensor_release(straight[0]);
    em_tensor_release(straight[1]);
    return same;
}

static bool same_words(const em_vocab *a, const em_vocab *b)
{
    bool same = em_vocab_size(a) == em_vocab_size(b);
    for (int64_t id = 0; same && id < em_vocab_size(a); id++) {
        size_t n, m;
        const char *x = em_vocab_word(a, id, &n), *y = em_vocab_word(b, id, &m);
        same = n == m && !memcmp(x, y, n);
    }
    return same;
}

static bool same_texts(const em_strings *a, const em_strings *b)
{
    bool same = em_strings_count(a) == em_strings_count(b);
    for (int64_t i = 0; same && i < em_strings_count(a); i++) {
        size_t n = 0, m = 0;
        const char *x = em_strings_get(a, i, &n), *y = em_strings_get(b, i, &m);
        same = !x == !y && n == m && (!x || !memcmp(x, y, n));
    }
    return same;
}

static bool same_value(const em_value *a, const em_value *b)
{
    if (!b || a->kind != b->kind) return false;
    switch (a->kind) {
    case EM_VALUE_TENSOR: return same_tensor(a->tensor, b->tensor);
    case EM_VALUE_VOCAB: return same_words(a->vocab, b->vocab);
    case EM_VALUE_STRINGS: return same_texts(a->strings, b->strings);
    default: return false;
    }
}

static void check_round_trip(const em_format *f, const em_content *c)
{
    char copy[64];
    em_content *again;
    snprintf(copy, sizeof copy, "/dev/shm/embla-fuzz-%ld", (long)getpid());
    if (!f->write || f->write(copy, c, f->writing.initial)) return;     /* not all that can be read can be written */
    must(!f->read(&again, copy, f->reading.initial), "what was written cannot be read");
    /* What csv guesses of a file (separator, header, types) may be otherwise in a copy: csv.lua beside tells it. */
    for (int64_t i = 0; strcmp(FORMAT, "csv") && i < em_content_count(c); i++)
        must(em_content_at(c, i)->kind == EM_VALUE_BYTES ||             /* texts may tell of the file itself */
             same_value(em_content_at(c, i), em_content_find(again, em_content_name(c, i))),
             "what was written is not what is read");
    em_content_release(again);
    unlink(copy);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    em_set_threads(1);
    fd = memfd_create("embla-fuzz", 0);
    must(fd >= 0, "no file in memory");
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t n)
{
    const em_format *f = em_format_find(FORMAT);
    em_content *c = NULL;
    must(!ftruncate(fd, 0) && pwrite(fd, bytes, n, 0) == (ssize_t)n, "no file in memory");
    const int64_t blocks = em_memory_blocks(), peak = em_memory_peak();
    const em_status s = f->read(&c, path, f->reading.initial);
    must(em_memory_peak() <= (peak > SLACK ? peak : SLACK) + 2 * (int64_t)n, "too much memory");
    if (s) {
        must(!c && strlen(em_error()) > 0, "an error that is none");
        must(s == EM_EFORMAT || s == EM_EIO || s == EM_ENOMEM, "an error of another kind");
    } else {
        check_round_trip(f, c);
        em_content_release(c);
    }
    must(em_memory_blocks() == blocks, "memory that is not given back");
    return 0;
}
