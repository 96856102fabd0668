/* Text in blocks: lines over the edges of blocks and batches, any number of threads, memory. */
#include <stdio.h>

#include "vector_file.h"

/* Numbers that differ in each place, exact in float32. */
static double value(int64_t row, int64_t column) { return (double)((row * 31 + column * 7) % 4096) / 8 - 200; }

static char *big_text(int64_t rows, int64_t dims, size_t *n)
{
    char *text = malloc((size_t)(rows * (dims * 10 + 40)));
    size_t at = (size_t)sprintf(text, "%lld %lld\n", (long long)rows, (long long)dims);
    for (int64_t i = 0; i < rows; i++) {
        at += (size_t)sprintf(text + at, "word%lld", (long long)i);
        for (int64_t k = 0; k < dims; k++) at += (size_t)sprintf(text + at, " %.3f", value(i, k));
        at += (size_t)sprintf(text + at, i % 5 ? "\n" : " \r\n\n");
    }
    *n = at;
    return text;
}

static void assert_big(const char *format, int64_t rows, int64_t dims)
{
    em_vocab *v;
    em_tensor *m;
    char name[32];
    assert_ok(read_vectors(&v, &m, format, NULL));
    assert_int_equal(em_vocab_size(v), rows);
    assert_int_equal(em_tensor_size(m, 1), dims);
    const float *x = em_tensor_data(m);
    for (int64_t i = 0; i < rows; i++) {
        assert_int_equal(em_vocab_find(v, name, (size_t)sprintf(name, "word%lld", (long long)i)), i);
        for (int64_t k = 0; k < dims; k++) assert_true((double)x[i * dims + k] == value(i, k));
    }
    em_vocab_release(v);
    em_tensor_release(m);
}

/* Several blocks of many lines, one line longer than a block, many short lines; one thread and three. */
static void blocks_are_cut_at_line_ends(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{3000, 200}, {3, 700000}, {40000, 1}};
    const int threads = em_threads();
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t n;
        char *text = big_text(shapes[i][0], shapes[i][1], &n);
        put_bytes(text, n);
        for (int t = 1; t <= 3; t += 2) {
            assert_ok(em_set_threads(t));
            const int64_t before = em_memory_used();
            assert_big("word2vec", shapes[i][0], shapes[i][1]);
            if (shapes[i][1] > 1) assert_big("glove", shapes[i][0], shapes[i][1]);
            assert_int_equal(em_memory_used(), before);
        }
        free(text);
    }
    assert_ok(em_set_threads(threads));
}

/* The first fault is told, whichever thread comes upon it. */
static void the_first_fault_is_told(void **state)
{
    (void)state;
    size_t n;
    em_vocab *v;
    em_tensor *m;
    char *text = big_text(3000, 50, &n);
    char *one = strstr(text, "word1777 "), *two = strstr(text, "word2500 ");
    one[9] = two[9] = 'x';
    put_bytes(text, n);
    int64_t line = 1;
    for (const char *p = text; p < one; p++) line += *p == '\n';
    char part[100];
    snprintf(part, sizeof part, "line %lld, byte %lld: a number was expected", (long long)line,
             (long long)(one - text) + 9);
    assert_fails(read_vectors(&v, &m, "word2vec", NULL), EM_EFORMAT, part);
    free(text);
}

/* Memory of claims is taken only where bytes stand for it. */
static void memory_is_bounded_by_the_file(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1000000000 1000000\na 1 2\n", "1 1000000000\na 1 2\n", "2 99999999\na 1\nb 2\n", "0 2000000000\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        em_vocab *v;
        em_tensor *m;
        put_bytes(texts[i], strlen(texts[i]));
        const em_status s = read_vectors(&v, &m, "word2vec", NULL);
        assert_true(em_memory_peak() < (int64_t)16 << 20);
        if (s) assert_int_equal(s, EM_EFORMAT);
        em_vocab_release(v);
        em_tensor_release(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(memory_is_bounded_by_the_file),
        FILE_TEST(blocks_are_cut_at_line_ends),
        FILE_TEST(the_first_fault_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
