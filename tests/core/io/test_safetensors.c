/* Files of safetensors read: bytes written by hand, every dtype, mapped and copied; what fails. */
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "temporary_file.h"

static void put_file(const char *header, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 8; i++) fputc((int)(strlen(header) >> 8 * i & 0xFF), f);
    fwrite(header, 1, strlen(header), f);
    fwrite(data, 1, n, f);
    fclose(f);
}

/* As the format's options are: names, map, describe. */
typedef struct read_options {
    em_texts names;
    bool map, describe;
} read_options;

static em_status read_with(em_content **c, read_options o)
{
    return em_format_find("safetensors")->read(c, path, &o);
}

static em_tensor *tensor_at(const em_content *c, const char *name)
{
    const em_value *value = em_content_find(c, name);
    assert_non_null(value);
    assert_int_equal(value->kind, EM_VALUE_TENSOR);
    return value->tensor;
}

/* One dtype after the other, of two elements each; the first byte puts all out of line. */
static const struct {
    const char *name;
    const char *bytes;
    size_t size;
    em_dtype dtype;
    double values[2];
} types[] = {
    {"U8", "\x01\xFF", 1, EM_U8, {1, 255}},
    {"BOOL", "\x01\0", 1, EM_BOOL, {1, 0}},
    {"I8", "\x01\x80", 1, EM_I32, {1, -128}},
    {"I16", "\x02\x01\0\x80", 2, EM_I32, {258, -32768}},
    {"U16", "\x02\x01\xFF\xFF", 2, EM_I32, {258, 65535}},
    {"F16", "\0\x3C\0\xC1", 2, EM_F16, {1, -2.5}},
    {"BF16", "\x80\x3F\x20\xC0", 2, EM_BF16, {1, -2.5}},
    {"I32", "\x04\x03\x02\x01\xFF\xFF\xFF\xFF", 4, EM_I32, {16909060, -1}},
    {"U32", "\x04\x03\x02\x01\xFF\xFF\xFF\xFF", 4, EM_I64, {16909060, 4294967295.0}},
    {"F32", "\0\0\x80\x3F\0\0\x20\xC0", 4, EM_F32, {1, -2.5}},
    {"F64", "\0\0\0\0\0\0\xF0\x3F\0\0\0\0\0\0\x04\xC0", 8, EM_F64, {1, -2.5}},
    {"I64", "\0\0\0\0\x01\0\0\0\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, EM_I64, {4294967296.0, -2}},
    {"U64", "\0\0\0\0\x01\0\0\0\x07\0\0\0\0\0\0\0", 8, EM_I64, {4294967296.0, 7}},
};
enum { TYPES = (int)(sizeof types / sizeof *types) };

static void every_dtype_is_read(void **state)
{
    (void)state;
    for (int ahead = 0; ahead < 2; ahead++)             /* bytes before: aligned and not */
        for (int i = 0; i < TYPES; i++) {
            char header[400], data[32] = "\x05";
            const size_t n = 2 * types[i].size, base = ahead ? 1 : 0;
            const int length = snprintf(header, sizeof header,
                "{%s\"t\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[%zu,%zu]}}",
                ahead ? "\"x\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}," : "", types[i].name, base,
                base + n);
            memset(header + length, ' ', (size_t)(8 - length % 8));
            header[length + 8 - length % 8] = 0;
            memcpy(data + base, types[i].bytes, n);
            put_file(header, data, base + n);
            for (int map = 0; map < 2; map++) {
                em_content *c;
                assert_ok(read_with(&c, (read_options){.map = map}));
                assert_tensor(tensor_at(c, "t"), types[i].dtype, SHAPE(2), 2, types[i].values);
                em_content_release(c);
            }
        }
}

static void what_widens_is_noted(void **state)
{
    (void)state;
    em_content *c;
    put_file("{\"t\":{\"dtype\":\"I8\",\"shape\":[2],"
             "\"data_offsets\":[0,2]}}", "\1\2", 2);
    assert_ok(read_with(&c, (read_options){0}));
    const em_value *m = em_content_find(c, "__metadata__");
    static const char want[] = "\x07\0\0\0widened\x01\0\0\0t\x02\0\0\0I8";
    assert_int_equal(m->length, sizeof want - 1);
    assert_memory_equal(m->bytes, want, sizeof want - 1);
    em_content_release(c);
}

static void elements_that_have_no_place_are_refused(void **state)
{
    (void)state;
    em_content *c;
    for (int map = 0; map < 2; map++) {
        put_file("{\"t\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}", "\0\1\2", 3);
        assert_fails(read_with(&c, (read_options){.map = map}), EM_EFORMAT, "byte 65: a bool that is neither 0 nor 1");
        assert_null(c);
        put_file("{\"t\":{\"dtype\":\"U64\",\"shape\":[2],\"data_offsets\":[0,16]}}",
                 "\0\0\0\0\0\0\0\x7F\0\0\0\0\0\0\0\x80", 16);
        assert_fails(read_with(&c, (read_options){.map = map}), EM_EFORMAT, "byte 71: an integer of 2^63 or more");
    }
}

static const char pair[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                           "\"b\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[8,10]},"
                           "\"c\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[8,8]}}";

static void some_names_are_read(void **state)
{
    (void)state;
    em_content *c;
    const char *const b[] = {"b"}, *const missing[] = {"a", "x"};
    put_file(pair, "\0\0\x80\x3F\0\0\0\x40\7\x08", 10);
    for (int map = 0; map < 2; map++) {
        assert_ok(read_with(&c, (read_options){.names = {b, 1}, .map = map}));
        assert_int_equal(em_content_count(c), 2);       /* the metadata too */
        assert_tensor(tensor_at(c, "b"), EM_U8, SHAPE(2, 1), VALUES(7, 8));
        em_content_release(c);
        assert_ok(read_with(&c, (read_options){.map = map}));
        assert_int_equal(em_content_count(c), 4);
        assert_tensor(tensor_at(c, "a"), EM_F32, SHAPE(2), VALUES(1, 2));
        assert_tensor(tensor_at(c, "c"), EM_F64, SHAPE(0), NO_VALUES);
        em_content_release(c);
        assert_fails(read_with(&c, (read_options){.names = {missing, 2}, .map = map}), EM_EVALUE, "has no tensor 'x'");
        assert_null(c);
    }
    assert_ok(read_with(&c, (read_options){.names = {b, 0}}));
    assert_int_equal(em_content_count(c), 1);
    em_content_release(c);
    assert_ok(read_with(&c, (read_options){.describe = true}));
    const em_value *described = em_content_find(c, "b");
    char want[64];
    snprintf(want, sizeof want, "U8 %zu 2 2 1", 8 + strlen(pair) + 8);
    assert_string_equal(described->bytes, want);
    em_content_release(c);
}

/* What is written to a mapped tensor stays out of the file. */
static void mapped_tensors_may_be_written(void **state)
{
    (void)state;
    em_content *c;
    put_file(pair, "\0\0\x80\x3F\0\0\0\x40\7\x08", 10);
    assert_ok(read_with(&c, (read_options){.map = true}));
    assert_ok(em_tensor_fill(tensor_at(c, "a"), 9));
    assert_tensor(tensor_at(c, "a"), EM_F32, SHAPE(2), VALUES(9, 9));
    em_content_release(c);
    assert_ok(read_with(&c, (read_options){.map = true}));
    assert_tensor(tensor_at(c, "a"), EM_F32, SHAPE(2), VALUES(1, 2));
    em_content_release(c);
}

static void files_are_recognized(void **state)
{
    (void)state;
    const em_format *f;
    put_file("{}", "", 0);
    assert_ok(em_format_recognize(&f, path));
    assert_ptr_equal(f, em_format_find("safetensors"));
    put_file("[]", "", 0);
    assert_ok(em_format_recognize(&f, path));
    assert_null(f);
}

static em_status read_all(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_content *c;
    (void)out;
    EM_TRY(read_with(&c, *(read_options *)context));
    em_content_release(c);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    read_options plain = {0}, map = {.map = true}, describe = {.describe = true};
    put_file("{\"__metadata__\":{\"k\":\"v\"},\"b\":{\"dtype\":\"I8\",\"shape\":[2,1],\"data_offsets\":[8,10]},"
             "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "\0\0\x80\x3F\0\0\0\x40\1\0", 10);
    assert_true(each_allocation_fails(&(fallible){.call = read_all}, &plain) > 20);
    assert_true(each_allocation_fails(&(fallible){.call = read_all}, &map) > 20);
    assert_true(each_allocation_fails(&(fallible){.call = read_all}, &describe) > 20);
}

static void what_is_told_of_a_read_file_is_not_written_as_metadata(void **state)
{
    (void)state;
    em_content *c, *again;
    put_file("{\"__metadata__\":{\"t\":\"v\"},\"t\":{\"dtype\":\"I8\",\"shape\":[2],"
             "\"data_offsets\":[0,2]}}", "\1\2", 2);
    const em_format *f = em_format_find("safetensors");
    assert_int_equal(f->read(&c, path, f->reading.initial), EM_OK);
    assert_int_equal(f->write(path, c, f->writing.initial), EM_OK);
    assert_int_equal(f->read(&again, path, f->reading.initial), EM_OK);
    const em_value *m = em_content_find(again, "__metadata__");
    static const char want[] = "\x08\0\0\0metadata\x01\0\0\0t\x01\0\0\0v";
    assert_int_equal(m->length, sizeof want - 1);
    assert_memory_equal(m->bytes, want, sizeof want - 1);
    em_content_release(c);
    em_content_release(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(every_dtype_is_read),
        FILE_TEST(what_widens_is_noted),
        FILE_TEST(what_is_told_of_a_read_file_is_not_written_as_metadata),
        FILE_TEST(elements_that_have_no_place_are_refused),
        FILE_TEST(some_names_are_read),
        FILE_TEST(mapped_tensors_may_be_written),
        FILE_TEST(files_are_recognized),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
