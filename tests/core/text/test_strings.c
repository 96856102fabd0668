/* Columns of text: what was added is there, chosen, and numbered. */
#include "text/strings.h"

#include <stdio.h>

#include "support.h"

/* Of a list ended by the text "end"; null is a missing one. */
static em_strings *strings_of(const char *const *texts)
{
    em_strings *s;
    assert_ok(em_strings_new(&s));
    for (; !*texts || strcmp(*texts, "end"); texts++) assert_ok(em_strings_add(s, *texts, *texts ? strlen(*texts) : 0));
    return s;
}
#define STRINGS(...) strings_of((const char *const[]){__VA_ARGS__, "end"})

static void assert_texts(const em_strings *s, const char *const *want)
{
    int64_t i = 0;
    for (; !want[i] || strcmp(want[i], "end"); i++) {
        size_t n;
        assert_true(i < em_strings_count(s));
        const char *got = em_strings_get(s, i, &n);
        if (!want[i]) {
            assert_null(got);
        } else {
            assert_int_equal(n, strlen(want[i]));
            assert_memory_equal(got, want[i], n);
        }
    }
    assert_int_equal(em_strings_count(s), i);
}
#define assert_strings(s, ...) assert_texts(s, (const char *const[]){__VA_ARGS__, "end"})

static void texts_are_kept(void **state)
{
    (void)state;
    em_strings *s = STRINGS("a", "", NULL, "long enough", NULL);
    assert_strings(s, "a", "", NULL, "long enough", NULL);
    assert_int_equal(em_strings_missing(s), 2);
    em_strings_release(s);
}

static void many_texts_are_found(void **state)
{
    (void)state;
    enum { MANY = 3000000 };            /* of three pieces */
    em_strings *s;
    char text[32];
    size_t n;
    assert_ok(em_strings_new(&s));
    for (int i = 0; i < MANY; i++) assert_ok(em_strings_add(s, text, (size_t)snprintf(text, sizeof text, "%d", i * 7)));
    assert_true(s->pieces.n > 2);
    for (int i = 0; i < MANY; i += 997) {
        const char *got = em_strings_get(s, i, &n);
        assert_int_equal(n, snprintf(text, sizeof text, "%d", i * 7));
        assert_memory_equal(got, text, n);
    }
    em_strings_release(s);
}

static void some_are_chosen(void **state)
{
    (void)state;
    em_strings *s = STRINGS("a", NULL, "c"), *t;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(4), VALUES(2, 0, 1, 2));
    assert_ok(em_strings_select(&t, s, ids));
    assert_strings(t, "c", "a", NULL, "c");
    em_strings_release(t);
    em_tensor *wrong = tensor_of(EM_I64, SHAPE(1), VALUES(3)), *floats = tensor_of(EM_F32, SHAPE(1), VALUES(0));
    assert_fails(em_strings_select(&t, s, wrong), EM_ERANGE, "id 3 is out of range for 3 rows");
    assert_null(t);
    assert_fails(em_strings_select(&t, s, floats), EM_ETYPE, "int64");
    release_all(TENSORS(ids, wrong, floats));
    em_strings_release(s);
}

static void words_get_numbers(void **state)
{
    (void)state;
    em_strings *s = STRINGS("b", "a", "c", "a", "c"), *t = STRINGS("c", "d"), *holes = STRINGS("a", NULL);
    em_vocab *words = NULL, *none = NULL;
    em_tensor *ids;
    assert_ok(em_strings_ids(s, &words, &ids));
    assert_tensor(ids, EM_I64, SHAPE(5), VALUES(2, 0, 1, 0, 1));        /* a and c twice, a first; then b */
    em_tensor_release(ids);
    assert_fails(em_strings_ids(t, &words, &ids), EM_EVALUE, "has no 'd' (row 1)");
    assert_fails(em_strings_ids(holes, &none, &ids), EM_EVALUE, "row 1 is missing");
    assert_null(ids);
    assert_null(none);
    em_vocab_release(words);
    em_strings_release(s);
    em_strings_release(t);
    em_strings_release(holes);
}

static em_status all_of_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_strings *s, *t = NULL;
    em_vocab *words = NULL;
    EM_TRY(em_strings_new(&s));
    em_status status = EM_OK;
    for (int i = 0; i < 300 && !status; i++) status = em_strings_add(s, "some text that is long", 10 + (size_t)i % 7);
    if (!status) status = em_strings_select(&t, s, context);
    if (!status) status = em_strings_ids(s, &words, &out[0]);
    em_strings_release(s);
    em_strings_release(t);
    em_vocab_release(words);
    return status;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(2), VALUES(5, 0));
    assert_true(each_allocation_fails(&(fallible){.call = all_of_it}, ids) > 8);
    em_tensor_release(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_kept),
        cmocka_unit_test(many_texts_are_found),
        cmocka_unit_test(some_are_chosen),
        cmocka_unit_test(words_get_numbers),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
