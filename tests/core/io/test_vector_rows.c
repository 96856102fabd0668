/* Rows as they come: words added or left out, memory that grows, each allocation failing. */
#include <stdio.h>

#include "text/splitter.h"
#include "vector_file.h"

static void rows_left_out_leave_no_gap(void **state)
{
    (void)state;
    em__rows r;
    em_content *content;
    em__vector_options o = vector_options();
    o.encoding_errors = EM_WORD_SKIP;
    o.duplicates = EM_DUPLICATES_FIRST;
    put_bytes("", 0);
    assert_ok(em__rows_open(&r, path, &o));
    r.dims = 2;
    static const struct {
        const char *word, *fault;
        bool kept;
    } rows[] = {{"a", NULL, true}, {"\xff", "no text", false}, {"a", NULL, false}, {"b", NULL, true}};
    for (int i = 0; i < 4; i++) {
        bool kept;
        assert_ok(em__rows_reserve(&r, 2));
        float *row = r.at + 2 * em_vocab_size(r.words);
        row[0] = (float)i;
        row[1] = (float)-i;
        const uint32_t hash = em__word_hash(r.words->key, rows[i].word, 1);
        assert_ok(em__rows_add(&r, rows[i].word, 1, hash, rows[i].fault, "row", &kept));
        assert_int_equal(kept, rows[i].kept);
    }
    assert_int_equal(r.read, 4);
    assert_ok(em__rows_take(&content, &r));
    em__rows_close(&r);
    assert_words(em_content_find(content, "vocab")->vocab, "a|b");
    assert_tensor(em_content_find(content, "matrix")->tensor, EM_F32, SHAPE(2, 2), VALUES(0, 0, 3, -3));
    em_content_release(content);
}

static void what_is_wanted_is_claim_or_limit(void **state)
{
    (void)state;
    em__rows r = {.claimed = 5, .o.limit = -1};
    assert_int_equal(em__rows_wanted(&r), 5);
    assert_false(em__rows_limited(&r));
    r.o.limit = 3;
    assert_int_equal(em__rows_wanted(&r), 3);
    assert_true(em__rows_limited(&r));
    r.o.limit = 5;
    assert_false(em__rows_limited(&r));
    r.claimed = -1;
    assert_int_equal(em__rows_wanted(&r), 5);
    assert_true(em__rows_limited(&r));
}

static em_status load(void *context, em_tensor *out[EM_MAX_OUT])
{
    const char *format = context;
    em_vocab *words;
    em__vector_options o = vector_options();
    o.encoding_errors = EM_WORD_REPLACE;
    EM_TRY(read_vectors(&words, out, format, &o));
    em_vocab_release(words);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    const char text[] = "2 2\na\xff 1 2\nb 3 4\n", binary[] = "1 1\na\xff \0\0\x80\x3F";
    put_bytes(text, sizeof text - 1);
    assert_true(each_allocation_fails(&(fallible){.call = load}, (void *)(uintptr_t)"word2vec") >= 8);
    assert_true(each_allocation_fails(&(fallible){.call = load}, (void *)(uintptr_t)"glove") >= 8);
    put_bytes(binary, sizeof binary - 1);
    assert_true(each_allocation_fails(&(fallible){.call = load}, (void *)(uintptr_t)"word2vec") >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(rows_left_out_leave_no_gap),
        cmocka_unit_test(what_is_wanted_is_claim_or_limit),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
