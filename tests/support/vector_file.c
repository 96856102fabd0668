#include "vector_file.h"

#include <stdio.h>

void assert_file(const char *want, size_t n)
{
    char got[1000];
    FILE *f = fopen(path, "rb");
    assert_int_equal(fread(got, 1, sizeof got, f), n);
    fclose(f);
    assert_memory_equal(got, want, n);
}

em__vector_options vector_options(void) { return em__vector_defaults; }

em_status read_vectors(em_vocab **words, em_tensor **matrix, const char *format, const em__vector_options *o)
{
    em_content *content;
    *words = NULL;
    *matrix = NULL;
    const em_status s = em_format_find(format)->read(&content, path, o ? o : &em__vector_defaults);
    if (s) {
        assert_null(content);
        return s;
    }
    em_vocab_retain(*words = em_content_find(content, "vocab")->vocab);
    em_tensor_retain(*matrix = em_content_find(content, "matrix")->tensor);
    em_content_release(content);
    return EM_OK;
}

void assert_words(const em_vocab *v, const char *joined)
{
    char got[1000];
    size_t used = 0;
    for (int64_t id = 0; id < em_vocab_size(v); id++) {
        size_t n;
        const char *word = em_vocab_word(v, id, &n);
        assert_true(used + n + 2 < sizeof got);
        if (id) got[used++] = '|';
        memcpy(got + used, word, n);
        used += n;
    }
    got[used] = 0;
    assert_string_equal(got, joined);
}

static void read_once(const char *format, const em__vector_options *o)
{
    em_vocab *words;
    em_tensor *matrix;
    const int64_t blocks = em_memory_blocks();
    const em_status s = read_vectors(&words, &matrix, format, o);
    if (s) {
        assert_int_equal(s, EM_EFORMAT);
        assert_non_null(strstr(em_error(), path));
        assert_int_equal(em_memory_blocks(), blocks);
        return;
    }
    assert_int_equal(em_tensor_size(matrix, 0), em_vocab_size(words));
    em_vocab_release(words);
    em_tensor_release(matrix);
}

void read_damaged(const char *format, const em__vector_options *o, const char *bytes, size_t n)
{
    char *damaged = malloc(n);
    for (size_t cut = 0; cut < n; cut++) {
        put_bytes(bytes, cut);
        read_once(format, o);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        memcpy(damaged, bytes, n);
        damaged[bit / 8] = (char)(damaged[bit / 8] ^ 1 << bit % 8);
        put_bytes(damaged, n);
        read_once(format, o);
    }
    free(damaged);
}
