/* Files of safetensors written: their bytes, which come back, what is refused, checksums that find each flipped bit. */
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "temporary_file.h"

static const em_format *format(void) { return em_format_find("safetensors"); }

static void add(em_content *c, const char *name, em_tensor *t)
{
    const em_value value = {.kind = EM_VALUE_TENSOR, .tensor = t};
    assert_ok(em_content_add(c, name, &value));
    em_tensor_release(t);
}

static void add_metadata(em_content *c, const char *bytes, size_t n)
{
    const em_value value = {.kind = EM_VALUE_BYTES, .bytes = bytes, .length = n};
    assert_ok(em_content_add(c, "__metadata__", &value));
}

static em_content *sample(void)
{
    em_content *c;
    assert_ok(em_content_new(&c));
    add(c, "half", tensor_of(EM_F16, SHAPE(1, 3), VALUES(1, -2.5, 0)));
    add(c, "b\"", tensor_of(EM_F32, SHAPE(2), VALUES(1, 2)));
    add(c, "flag", tensor_of(EM_BOOL, SCALAR, VALUES(1)));
    add(c, "a", tensor_of(EM_F32, SHAPE(1), VALUES(-1)));
    add(c, "none", tensor_of(EM_I64, SHAPE(0, 2), NO_VALUES));
    add_metadata(c, "\x08\0\0\0metadata\x01\0\0\0k\x02\0\0\0v\n", 23);
    return c;
}

static size_t read_file(unsigned char *to, size_t most)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    const size_t n = fread(to, 1, most, f);
    fclose(f);
    return n;
}

static void put_file(const unsigned char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* The header begins and ends so; between lies the checksum, whose digits other tests prove. */
static void bytes_are_as_the_format_has_them(void **state)
{
    (void)state;
    unsigned char got[2000];
    em_content *c = sample();
    assert_ok(format()->write(path, c, NULL));
    em_content_release(c);
    const size_t n = read_file(got, sizeof got), header = got[0] | (size_t)got[1] << 8;
    static const char start[] = "{\"__metadata__\":{\"embla.checksum\":\"";
    static const char rest[] =
        "\",\"embla.format\":\"1\",\"k\":\"v\\n\"},"
        "\"none\":{\"dtype\":\"I64\",\"shape\":[0,2],\"data_offsets\":[0,0]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
        "\"b\\\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]},"
        "\"half\":{\"dtype\":\"F16\",\"shape\":[1,3],\"data_offsets\":[12,18]},"
        "\"flag\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[18,19]}}";
    static const char data[] = "\0\0\x80\xBF\0\0\x80\x3F\0\0\0\x40\0\x3C\0\xC1\0\0\x01";
    assert_memory_equal(got + 8, start, strlen(start));
    const size_t digits = 6 * 16, text = strlen(start) + digits + strlen(rest);
    assert_memory_equal(got + 8 + strlen(start) + digits, rest, strlen(rest));
    assert_int_equal((8 + header) % 64, 0);
    assert_in_range(header, text, text + 63);
    for (size_t i = text; i < header; i++) assert_int_equal(got[8 + i], ' ');
    assert_int_equal(n, 8 + header + 19);
    assert_memory_equal(got + 8 + header, data, 19);
}

static void what_is_no_dense_tensor_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } metadata[] = {
        {"\x08\0\0\0metadata\x0E\0\0\0embla.checksum\0\0\0\0", 34, "the key embla.checksum is the library's own"},
        {"\x08\0\0\0metadata\x01\0\0\0\xFF\0\0\0\0", 21, "a key is not UTF-8"},
        {"\x08\0\0\0metadata\x01\0\0\0k\x01\0\0\0\xFF", 22, "a text is not UTF-8"},
        {"\x08\0\0\0metadata\x01\0\0\0\0\0\0\0\0", 21, "a key with a zero byte"},
        {"\x08\0\0\0metadata\x01\0\0\0k\x09\0\0\0v", 22, "malformed metadata"},
        {"\x08\0", 2, "malformed metadata"},
    };
    em_content *c;
    unsigned char before[16] = "old";
    put_file(before, 3);
    for (size_t i = 0; i < sizeof metadata / sizeof *metadata; i++) {
        assert_ok(em_content_new(&c));
        add_metadata(c, metadata[i].bytes, metadata[i].n);
        assert_fails(format()->write(path, c, NULL), EM_EVALUE, metadata[i].what);
        em_content_release(c);
    }
    em_tensor *ids = tensor_of(EM_I64, SHAPE(1), VALUES(2)), *values = tensor_of(EM_F32, SHAPE(1, 1), VALUES(1)), *rows;
    assert_ok(em_rows_new(&rows, ids, values, 4));
    release_all(TENSORS(ids, values));
    assert_ok(em_content_new(&c));
    add(c, "g", rows);
    assert_fails(format()->write(path, c, NULL), EM_EVALUE, "tensor 'g' is row-sparse");
    em_content_release(c);
    assert_ok(em_content_new(&c));
    add(c, "\xFF", tensor_of(EM_F32, SCALAR, VALUES(1)));
    assert_fails(format()->write(path, c, NULL), EM_EVALUE, "a tensor's name is not UTF-8");
    em_content_release(c);
    assert_int_equal(read_file(before, sizeof before), 3);
    assert_memory_equal(before, "old", 3);
}

/* Larger than a chunk of the checksum, and strided. */
static void large_and_strided_tensors_come_back(void **state)
{
    (void)state;
    enum { ROWS = 700, COLUMNS = 900 };
    em_content *c;
    em_tensor *whole, *turned, *copy;
    em_rng rng = {1, 0};
    assert_ok(em_tensor_empty(&whole, EM_F32, SHAPE(ROWS, COLUMNS)));
    assert_ok(em_tensor_fill_normal(whole, 0, 1, &rng));
    assert_ok(em_tensor_view(&turned, whole, 0, 2, (int64_t[]){COLUMNS, ROWS}, (int64_t[]){1, COLUMNS}));
    assert_ok(em_tensor_clone(&copy, turned));
    assert_ok(em_content_new(&c));
    add(c, "whole", whole);
    em_tensor_retain(whole);
    add(c, "turned", turned);
    assert_ok(format()->write(path, c, NULL));
    for (int map = 0; map < 2; map++) {
        struct {
            em_texts names;
            bool map, describe;
        } o = {.map = map};
        em_content *back;
        assert_ok(format()->read(&back, path, &o));
        assert_same_bits(em_content_find(back, "whole")->tensor, whole);
        assert_same_bits(em_content_find(back, "turned")->tensor, copy);
        em_content_release(back);
    }
    em_content_release(c);
    release_all(TENSORS(whole, copy));
}

/* Each bit of a file, and each place where it can be cut. */
static void any_damage_is_found(void **state)
{
    (void)state;
    struct {
        em_texts names;
        bool map, describe;
    } o = {.map = false};
    unsigned char bytes[2000];
    em_content *c = sample();
    assert_ok(format()->write(path, c, NULL));
    em_content_release(c);
    const size_t n = read_file(bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        put_file(bytes, n);
        assert_fails(format()->read(&c, path, &o), EM_EFORMAT, ": byte ");
        assert_null(c);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < n; cut++) {
        put_file(bytes, cut);
        assert_fails(format()->read(&c, path, &o), EM_EFORMAT, ": byte ");
    }
    put_file(bytes, n);
    assert_ok(format()->read(&c, path, &o));
    em_content_release(c);
}

static em_status write_all(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)out;
    return format()->write(path, context, NULL);
}

static void allocations_may_fail(void **state)
{
    (void)state;
    em_content *c = sample();
    assert_true(each_allocation_fails(&(fallible){.call = write_all}, c) > 10);
    em_content_release(c);
}

static void what_cannot_be_written_is_told(void **state)
{
    (void)state;
    em_content *c = sample();
    assert_fails(format()->write("/no/such/folder/f", c, NULL), EM_EIO, "/no/such/folder/f: No such file");
    assert_fails(format()->write("/tmp", c, NULL), EM_EIO, "/tmp: Is a directory");
    if (!access("/dev/full", W_OK)) assert_fails(format()->write("/dev/full", c, NULL), EM_EIO, "No space left");
    em_content_release(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(bytes_are_as_the_format_has_them),
        FILE_TEST(what_is_no_dense_tensor_is_refused),
        FILE_TEST(large_and_strided_tensors_come_back),
        FILE_TEST(any_damage_is_found),
        FILE_TEST(allocations_may_fail),
        FILE_TEST(what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
