/* JSON: what is decoded, what is refused and where, members one after the other. */
#include "io/json.h"

#include <math.h>
#include <stdio.h>

#include "base/status.h"
#include "support.h"

static em_json *decoded(const char *text)
{
    em_json *j;
    assert_ok(em_json_decode(&j, text, strlen(text), "test", 1));
    return j;
}

static void values_are_decoded(void **state)
{
    (void)state;
    em_json *j = decoded(" {\"a\": [1, -0.0, 2.5e3, true, null], \"b\\u00e9\": \"x\\u0000y\"} ");
    json_t *a = json_object_get(j, "a");
    assert_int_equal(json_array_size(a), 5);
    assert_int_equal(json_integer_value(json_array_get(a, 0)), 1);
    assert_true(signbit(json_real_value(json_array_get(a, 1))));
    assert_true(json_real_value(json_array_get(a, 2)) == 2500);
    assert_true(json_is_true(json_array_get(a, 3)));
    assert_true(json_is_null(json_array_get(a, 4)));
    json_t *text = json_object_get(j, "b\xC3\xA9");
    assert_int_equal(json_string_length(text), 3);
    assert_memory_equal(json_string_value(text), "x\0y", 3);
    em_json_release(j);
    j = decoded("\"\\ud83d\\ude00\"");
    assert_string_equal(json_string_value(j), "\xF0\x9F\x98\x80");
    em_json_release(j);
    em_json_release(NULL);
}

/* Integers stay what they are up to the limits of int64; from there on they are reals. */
static void large_integers_become_reals(void **state)
{
    (void)state;
    em_json *j = decoded("[9223372036854775807, -9223372036854775808, 9223372036854775808, -9223372036854775809, "
                         "\"9223372036854775808\", 123456789012345678901234567890, \"\\\"99999999999999999999\"]");
    assert_true(json_integer_value(json_array_get(j, 0)) == INT64_MAX);
    assert_true(json_integer_value(json_array_get(j, 1)) == INT64_MIN);
    assert_true(json_real_value(json_array_get(j, 2)) == 0x1p63);
    assert_true(json_real_value(json_array_get(j, 3)) == -0x1p63);
    assert_string_equal(json_string_value(json_array_get(j, 4)), "9223372036854775808");
    assert_true(json_real_value(json_array_get(j, 5)) == 123456789012345678901234567890.0);
    assert_string_equal(json_string_value(json_array_get(j, 6)), "\"99999999999999999999");
    em_json_release(j);
}

static const struct {
    const char *text, *where, *what;
} bad[] = {
    {"", "line 1, column 1", "unexpected"},
    {"[1, 2", "line 1", "']' expected"},
    {"{\"a\": 1,\n \"b\": 2,\n  \"a\": 3}", "line 3, column", "duplicate object key"},
    {"[1] x", "line 1", "end of file expected"},
    {"[99999999999999999999, 99999999999999999999,\n  ?]", "line 2, column 3", "invalid token"},
    {"\"\xFF\"", "line 1", "unable to decode byte 0xff"},
    {"\"\xED\xA0\x80\"", "line 1", "unable to decode byte 0xed"},
    {"\"\xC0\x80\"", "line 1", "unable to decode byte 0xc0"},
    {"\"\\ud800\"", "line 1", "invalid Unicode"},
    {"\"\\udc00x\"", "line 1", "invalid Unicode"},
    {"{\"a\\u0000b\": 1}", "line 1", "NUL byte in object key"},
    {"[01]", "line 1", "invalid"},
    {"[+1]", "line 1", "invalid"},
    {"[.5]", "line 1", "invalid"},
    {"[1.]", "line 1", "invalid"},
    {"[NaN]", "line 1", "invalid"},
    {"[1,]", "line 1", "unexpected"},
    {"['a']", "line 1", "invalid"},
    {"[1e999]", "line 1", "real number overflow"},
    {"\"a\tb\"", "line 1", "control character"},
    {"// note\n1", "line 1", "invalid"},
    {"\xEF\xBB\xBF{}", "line 1", "invalid"},
};

static void what_is_malformed_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        em_json *j = (em_json *)1;
        assert_fails(em_json_decode(&j, bad[i].text, strlen(bad[i].text), "test", 1), EM_EFORMAT, bad[i].what);
        assert_non_null(strstr(em_error(), bad[i].where));
        assert_true(!strncmp(em_error(), "test: line ", 11));
        assert_null(j);
    }
    em_json *j;
    assert_fails(em_json_decode(&j, "1\n\0x", 4, "test", 1), EM_EFORMAT, "line 2, column 1: a zero byte");
    assert_fails(em_json_decode(&j, "[", 1, "f.jsonl", 17), EM_EFORMAT, "f.jsonl: line 17, column");
}

static void depth_is_limited(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    static char text[DEEP];
    em_json *j;
    memset(text, '[', sizeof text);
    assert_fails(em_json_decode(&j, text, sizeof text, "test", 1), EM_EFORMAT, "depth");
}

static em_status decode_all(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    (void)out;
    static const char text[] = "{\"a\": [1, 2.5, \"text\", {\"b\": null}], \"c\": 99999999999999999999, "
                               "\"d\": \"a string that makes the buffer grow\\n\"}";
    em_json *j;
    EM_TRY(em_json_decode(&j, text, strlen(text), "test", 1));
    em_json_release(j);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    assert_true(each_allocation_fails(&(fallible){.call = decode_all}, NULL) > 10);
}

/* ---- members one after the other -------------------------------------------------------------------------- */

static em__json_walker walker(const char *text)
{
    return (em__json_walker){.path = "file", .text = text, .n = strlen(text), .position = 8};
}

static void members_come_one_after_the_other(void **state)
{
    (void)state;
    em__json_walker w = walker("{ \"a\" : \"x\\u0000\" , \"a\":{\"n\": 2}} rest");
    json_t *key, *value;
    assert_ok(em__json_open(&w));
    assert_ok(em__json_key(&w, &key));
    assert_string_equal(json_string_value(key), "a");
    em_json_release(key);
    assert_ok(em__json_value(&w, JSON_STRING, SIZE_MAX, &value));
    assert_int_equal(json_string_length(value), 2);
    em_json_release(value);
    assert_ok(em__json_key(&w, &key));
    em_json_release(key);
    assert_ok(em__json_value(&w, JSON_OBJECT, 100, &value));
    assert_int_equal(json_integer_value(json_object_get(value, "n")), 2);
    em_json_release(value);
    assert_ok(em__json_key(&w, &key));
    assert_null(key);
    assert_string_equal(w.text + w.at, " rest");
}

static void malformed_members_are_told_with_their_byte(void **state)
{
    (void)state;
    json_t *key, *value;
    em__json_walker w = walker("[1]");
    assert_fails(em__json_open(&w), EM_EFORMAT, "file: byte 8: expected {");
    static const char *const keys[] = {"{1: 2}", "{\"a\" 1}", "{\"a\\u0000\": 1}", "{", "{\"a", "{,}"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        w = walker(keys[i]);
        assert_ok(em__json_open(&w));
        assert_fails(em__json_key(&w, &key), EM_EFORMAT, "file: byte ");
        assert_null(key);
    }
    w = walker("{\"a\": 1}");
    assert_ok(em__json_open(&w));
    assert_ok(em__json_key(&w, &key));
    em_json_release(key);
    assert_fails(em__json_value(&w, JSON_OBJECT, 100, &value), EM_EFORMAT, "file: byte 14: expected an object");
    w = walker("{\"abc\": [1, 2, 3, 4]}");
    assert_fails(em__json_value(&w, JSON_OBJECT, 12, &value), EM_EFORMAT, "too long");
    w = walker("{\"a\": \"x\" \"b\": 1}");
    assert_ok(em__json_open(&w));
    assert_ok(em__json_key(&w, &key));
    em_json_release(key);
    assert_ok(em__json_value(&w, JSON_STRING, SIZE_MAX, &value));
    em_json_release(value);
    assert_fails(em__json_key(&w, &key), EM_EFORMAT, "byte 18: expected , or }");
}

static void texts_are_quoted(void **state)
{
    (void)state;
    em__chars c = {0};
    assert_ok(em__json_quote(&c, "a\"b\\\n\0\xC3\xA9", 8, "a key"));
    static const char want[] = "\"a\\\"b\\\\\\n\\u0000\xC3\xA9\"";
    assert_int_equal(c.n, strlen(want));
    assert_memory_equal(c.at, want, strlen(want));
    assert_fails(em__json_quote(&c, "\xFF", 1, "a key"), EM_EVALUE, "a key is not UTF-8");
    EM_ARRAY_FREE(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_decoded),
        cmocka_unit_test(large_integers_become_reals),
        cmocka_unit_test(what_is_malformed_is_told_with_its_place),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(allocations_may_fail),
        cmocka_unit_test(members_come_one_after_the_other),
        cmocka_unit_test(malformed_members_are_told_with_their_byte),
        cmocka_unit_test(texts_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
