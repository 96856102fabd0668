/* Named values in order: found by name, of every kind, many of them; what is given back. */
#include <stdio.h>

#include "support.h"

static void values_come_back_in_order_and_by_name(void **state)
{
    (void)state;
    em_content *c;
    em_vocab *v;
    em_strings *s;
    em_tensor *t = tensor_of(EM_F32, SHAPE(2), VALUES(1, 2));
    assert_ok(em_content_new(&c));
    assert_ok(em_vocab_new(&v));
    assert_null(em_content_find(c, "t"));
    assert_ok(em_content_add(c, "t", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = t}));
    assert_ok(em_content_add(c, "", &(em_value){.kind = EM_VALUE_BYTES, .bytes = "a\0b", .length = 3}));
    assert_ok(em_content_add(c, "v", &(em_value){.kind = EM_VALUE_VOCAB, .vocab = v}));
    assert_ok(em_strings_new(&s));
    assert_ok(em_strings_add(s, "text", 4));
    assert_ok(em_content_add(c, "s", &(em_value){.kind = EM_VALUE_STRINGS, .strings = s}));
    em_tensor_release(t);                       /* the content keeps them */
    em_strings_release(s);
    em_vocab_release(v);
    assert_int_equal(em_content_count(c), 4);
    assert_string_equal(em_content_name(c, 0), "t");
    assert_tensor(em_content_at(c, 0)->tensor, EM_F32, SHAPE(2), VALUES(1, 2));
    assert_memory_equal(em_content_find(c, "")->bytes, "a\0b", 4);
    assert_int_equal(em_content_find(c, "")->length, 3);
    assert_int_equal(em_vocab_size(em_content_find(c, "v")->vocab), 0);
    assert_int_equal(em_strings_count(em_content_find(c, "s")->strings), 1);
    assert_null(em_content_find(c, "w"));
    em_content_release(c);
    em_content_release(NULL);
}

static void a_name_stands_once(void **state)
{
    (void)state;
    em_content *c;
    const em_value value = {.kind = EM_VALUE_BYTES, .bytes = "", .length = 0};
    assert_ok(em_content_new(&c));
    assert_ok(em_content_add(c, "a.b", &value));
    assert_fails(em_content_add(c, "a.b", &value), EM_EVALUE, "the name 'a.b' stands twice");
    assert_int_equal(em_content_count(c), 1);
    em_content_release(c);
}

static void many_names_are_found(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    em_content *c;
    char name[16];
    assert_ok(em_content_new(&c));
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%d", i * 7919);
        assert_ok(em_content_add(c, name, &(em_value){.kind = EM_VALUE_BYTES, .bytes = name, .length = strlen(name)}));
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%d", i * 7919);
        assert_string_equal(em_content_find(c, name)->bytes, name);
        assert_string_equal(em_content_name(c, i), name);
    }
    assert_null(em_content_find(c, "1"));
    em_content_release(c);
}

static em_status fill(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    em_content *c;
    char name[16];
    em_status s = em_content_new(&c);
    for (int i = 0; !s && i < 20; i++) {
        snprintf(name, sizeof name, "%d", i);
        const em_value bytes = {.kind = EM_VALUE_BYTES, .bytes = name, .length = 2};
        const em_value tensor = {.kind = EM_VALUE_TENSOR, .tensor = context};
        s = em_content_add(c, name, i % 2 ? &bytes : &tensor);
    }
    em_content_release(c);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_tensor *t = tensor_of(EM_F32, SHAPE(1), VALUES(1));
    assert_true(each_allocation_fails(&(fallible){.call = fill}, t) > 30);
    em_tensor_release(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_in_order_and_by_name),
        cmocka_unit_test(a_name_stands_once),
        cmocka_unit_test(many_names_are_found),
        cmocka_unit_test(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
