/* The descriptor of comma-separated values: what its defaults read and write. */
#include <stdio.h>
#include <unistd.h>

#include "support.h"

static void defaults_read_what_defaults_write(void **state)
{
    (void)state;
    char path[] = "/tmp/embla-test-XXXXXX";
    const em_format *f = em_format_find("csv");
    em_content *c, *back;
    em_tensor *t = tensor_of(EM_F64, SHAPE(2), VALUES(1, 2.5));
    close(mkstemp(path));
    assert_non_null(f);
    assert_ok(em_content_new(&c));
    assert_ok(em_content_add(c, "a;b", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = t}));
    assert_ok(em_content_add(c, "n", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = t}));
    assert_ok(f->write(path, c, f->writing.initial));
    FILE *file = fopen(path, "rb");
    char text[64] = "";
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_string_equal(text, "a;b,n\n1.0,1.0\n2.5,2.5\n");
    assert_ok(f->read(&back, path, f->reading.initial));
    assert_int_equal(em_content_count(back), 2);
    assert_string_equal(em_content_name(back, 0), "a;b");
    assert_same_bits(em_content_find(back, "n")->tensor, t);
    unlink(path);
    em_content_release(c);
    em_content_release(back);
    em_tensor_release(t);
}

static void first_bytes_do_not_tell_it(void **state)
{
    (void)state;
    assert_null(em_format_find("csv")->recognize);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_read_what_defaults_write),
        cmocka_unit_test(first_bytes_do_not_tell_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
