/* Headers of safetensors, written by hand: what is read of a good one, and every way in which one can be bad. */
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "io/safetensors.h"
#include "temporary_file.h"

/* A file of a length, a header of n bytes, and as many data. */
static void put_file(uint64_t length, const char *header, size_t n, size_t data)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 8; i++) fputc((int)(length >> 8 * i & 0xFF), f);
    fwrite(header, 1, n, f);
    for (size_t i = 0; i < data; i++) fputc((int)i, f);
    fclose(f);
}

static em_status read_header(em__safetensors_header *h)
{
    em__source s;
    *h = (em__safetensors_header){0};
    EM_TRY(em__source_open(&s, path));
    const em_status status = em__safetensors_header_read(h, &s);
    em__source_close(&s);
    return status;
}

static const char *name_of(const em__safetensors_header *h, int64_t i)
{
    return h->names.at + h->tensors.at[h->order.at[i]].name;
}

static void a_header_is_read(void **state)
{
    (void)state;
    static const char text[] = " {\"b\\u00e9\": {\"shape\": [2, 3], \"dtype\": \"F32\", \"data_offsets\": [5, 29]},"
                               "\"__metadata__\": {\"k\": \"v\\n\", \"e\": \"\"}, "
                               "\"s\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[4,5]},"
                               "\"none\":{\"dtype\":\"I64\",\"shape\":[0,5],\"data_offsets\":[5,5]},"
                               "\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}   ";
    em__safetensors_header h;
    put_file(strlen(text + 1), text + 1, strlen(text + 1), 29);
    assert_ok(read_header(&h));
    const int64_t base = 8 + (int64_t)strlen(text + 1);
    static const char *const names[] = {"a", "s", "none", "b\xC3\xA9"};
    static const int64_t bytes[] = {0, 4, 5, 5, 29};
    static const em_stored stored[] = {EM_STORED_I8, EM_STORED_U8, EM_STORED_I64, EM_STORED_F32};
    assert_int_equal(h.order.n, 4);
    for (int64_t i = 0; i < 4; i++) {
        const em__stored_tensor *t = &h.tensors.at[h.order.at[i]];
        assert_string_equal(name_of(&h, i), names[i]);
        assert_int_equal(t->begin, base + bytes[i]);
        assert_int_equal(t->end, base + bytes[i + 1]);
        assert_int_equal(t->stored, stored[i]);
    }
    const em__stored_tensor *b = &h.tensors.at[h.order.at[3]];
    assert_int_equal(b->dims, 2);
    assert_int_equal(h.sizes.at[b->shape], 2);
    assert_int_equal(h.sizes.at[b->shape + 1], 3);
    assert_int_equal(h.tensors.at[h.order.at[1]].dims, 0);
    static const char metadata[] = "\x08\0\0\0metadata\x01\0\0\0k\x02\0\0\0v\n\x08\0\0\0metadata\x01\0\0\0e\0\0\0";
    assert_int_equal(h.metadata.n, sizeof metadata);
    assert_memory_equal(h.metadata.at, metadata, sizeof metadata);
    assert_int_equal(h.checksum, 0);
    em__safetensors_header_free(&h);
}

static void the_smallest_headers_are_read(void **state)
{
    (void)state;
    em__safetensors_header h;
    put_file(2, "{}", 2, 0);
    assert_ok(read_header(&h));
    assert_int_equal(h.order.n, 0);
    em__safetensors_header_free(&h);
    put_file(19, "{\"__metadata__\":{}}", 19, 0);
    assert_ok(read_header(&h));
    em__safetensors_header_free(&h);
}

#define ENTRY(dtype, shape, offsets) "{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define PAIR(a, b, first, second) "{\"" a "\":" first ",\"" b "\":" second "}"
#define F32(from, to) ENTRY("\"F32\"", "[1]", "[" #from "," #to "]")
#define GOOD ENTRY("\"F32\"", "[2]", "[0,8]")
#define META(pairs) "{\"__metadata__\":{" pairs "},\"t\":" GOOD "}"
#define T(dtype, shape, offsets) "{\"t\":" ENTRY(dtype, shape, offsets) "}"

/* With 8 bytes of data each. */
static const struct {
    const char *header, *what;
} bad[] = {
    {"[]", "byte 8: no header of safetensors"},
    {" {}", "byte 8: no header of safetensors"},
    {"{", "byte 9: "},
    {"{\"t\"}", "expected :"},
    {"{\"t\":1}", "byte 13: expected an object"},
    {"{}", "byte 10: bytes behind the last tensor"},
    {T("\"F32\"", "[2]", "[0,8]") "\n", "only spaces may follow"},
    {T("\"F32\"", "[2]", "[0,8]") "  x", "only spaces may follow"},
    {PAIR("t", "t", F32(0, 4), F32(4, 8)), "'t': the name stands twice"},
    {PAIR("t", "\\u0074", F32(0, 4), F32(4, 8)), "the name stands twice"},
    {PAIR("a", "b", F32(0, 4), F32(3, 7)), "'b': its bytes overlap"},
    {PAIR("a", "b", F32(0, 4), ENTRY("\"U8\"", "[3]", "[5,8]")), "'b': a hole before"},
    {T("\"F32\"", "[1]", "[4,8]"), "a hole before"},
    {T("\"F32\"", "[1]", "[0,4]"), "bytes behind the last tensor"},
    {T("\"F32\"", "[2]", "[8,0]"), "it ends before it begins"},
    {T("\"F32\"", "[4]", "[0,16]"), "behind the end of the file"},
    {T("\"F32\"", "[2]", "[-8,0]"), "a negative offset"},
    {T("\"F32\"", "[2]", "[0.0,8]"), "no two integers"},
    {T("\"F32\"", "[2]", "[0]"), "no two integers"},
    {T("\"F32\"", "[2]", "[0,8,8]"), "no two integers"},
    {T("\"F32\"", "[2]", "8"), "no two integers"},
    {T("\"F32\"", "[3]", "[0,8]"), "8 bytes where dtype and shape take 12"},
    {T("\"F32\"", "[-2]", "[0,8]"), "no integer from 0 on"},
    {T("\"F32\"", "[2.0]", "[0,8]"), "no integer from 0 on"},
    {T("\"F32\"", "[1.5]", "[0,8]"), "no integer from 0 on"},
    {T("\"F32\"", "[\"2\"]", "[0,8]"), "no integer from 0 on"},
    {T("\"F32\"", "[18446744073709551618]", "[0,8]"), "too big integer"},
    {T("\"F32\"", "[4294967296,4294967296]", "[0,8]"), "too many elements"},
    {T("\"F32\"", "[0,4611686018427387904,4]", "[0,0]"), "too many elements"},
    {T("\"U8\"", "[9223372036854775807]", "[0,8]"), "too many elements"},
    {T("\"I8\"", "[4611686018427387904]", "[0,8]"), "too many elements"},
    {T("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), "more than 8 dims"},
    {T("\"F32\"", "2", "[0,8]"), "the shape is no list"},
    {T("\"F32\"", "{}", "[0,8]"), "the shape is no list"},
    {T("\"F8_E4M3\"", "[8]", "[0,8]"), "'t': the dtype F8_E4M3 is none"},
    {T("\"F8_E5M2\"", "[8]", "[0,8]"), "the dtype F8_E5M2 is none"},
    {T("\"f32\"", "[2]", "[0,8]"), "the dtype f32 is none"},
    {T("32", "[2]", "[0,8]"), "the dtype no string is none"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[2]}}", "expected dtype, shape and data_offsets"},
    {"{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", "and nothing else"},
    {"{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "duplicate object key"},
    {"{\"t\xFF\":" GOOD "}", "unable to decode byte 0xff"},
    {"{\"t\\u0000\":" GOOD "}", "\\u0000 is not allowed"},
    {"{\"t\\ud800\":" GOOD "}", "invalid Unicode"},
    {"{\"__metadata__\":[]}", "expected {"},
    {"{\"__metadata__\":{\"a\":1}}", "expected a string"},
    {META("\"a\":\"\",\"b\":\"\",\"a\":\"\""), "key of the metadata stands twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", "the metadata stand twice"},
    {"{\"__metadata__\":{\"embla.checksum\":\"0\"}}", "a checksum that is too short"},
    {META("\"embla.checksum\":\"00000000000000000000000000000000\""),
     "the header's checksum does not match"},
    {META("\"embla.format\":\"1\""), "the header's checksum does not match"},
    {"{\"__metadata__\":{\"embla.format\":\"1\",\"embla.format\":\"1\"}}", "stands twice"},
};

static void what_is_bad_is_told(void **state)
{
    (void)state;
    em__safetensors_header h;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_file(strlen(bad[i].header), bad[i].header, strlen(bad[i].header), 8);
        assert_fails(read_header(&h), EM_EFORMAT, bad[i].what);
        assert_non_null(strstr(em_error(), path));
        assert_non_null(strstr(em_error(), ": byte "));
        em__safetensors_header_free(&h);
    }
}

static void lengths_are_checked(void **state)
{
    (void)state;
    em__safetensors_header h;
    put_file(3, "{}", 2, 0);
    assert_fails(read_header(&h), EM_EFORMAT, "byte 0: a header of 3 bytes, more than the file has");
    em__safetensors_header_free(&h);
    put_file(UINT64_MAX, "{}", 2, 0);
    assert_fails(read_header(&h), EM_EFORMAT, "a header of 18446744073709551615 bytes");
    em__safetensors_header_free(&h);
    put_file(0x00000003088B1F, "\0\0", 2, 0);
    assert_fails(read_header(&h), EM_EFORMAT, "is gzip-compressed; unpack it first");
    em__safetensors_header_free(&h);
    put_file(0, "", 0, 0);
    assert_fails(read_header(&h), EM_EFORMAT, "no header of safetensors");
    em__safetensors_header_free(&h);
    for (int n = 0; n < 8; n++) {
        assert_int_equal(truncate(path, n), 0);
        assert_fails(read_header(&h), EM_EFORMAT, "byte 0: the file ends inside the length");
        em__safetensors_header_free(&h);
    }
    put_file(100000001, "{", 1, 0);
    assert_int_equal(truncate(path, 200000000), 0);
    assert_fails(read_header(&h), EM_EFORMAT, "at most 100 MB");
    em__safetensors_header_free(&h);
}

/* A description as long as the header may be, of small values, is not built up in memory; nor is a list of sizes. */
static void memory_stays_small(void **state)
{
    (void)state;
    enum { N = 8 << 20 };
    static char text[N];
    em__safetensors_header h;
    memset(text, '1', sizeof text);
    static const char start[] = "{\"t\":{\"dtype\":\"F32\",\"shape\":[";
    memcpy(text, start, strlen(start));
    for (size_t i = strlen(start) + 1; i < N; i += 2) text[i] = ',';
    put_file(N, text, N, 0);
    em_memory_trim();
    const int64_t before = em_memory_peak();
    assert_fails(read_header(&h), EM_EFORMAT, "too long");
    em__safetensors_header_free(&h);
    assert_true(em_memory_peak() <= before + N + (16 << 20));
}

/* So many tensors of no elements, the last of them bad. */
static void many_tensors_take_no_more_than_their_text(void **state)
{
    (void)state;
    enum { N = 200000, ROOM = N * 64 };
    static char text[ROOM];
    em__safetensors_header h;
    size_t n = (size_t)snprintf(text, sizeof text, "{");
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "\"%x\":" ENTRY("\"U8\"", "[0]", "[0,0]") ",", i);
    n += (size_t)snprintf(text + n, sizeof text - n, "\"bad\":0}");
    put_file(n, text, n, 0);
    em_memory_trim();
    const int64_t before = em_memory_peak();
    assert_fails(read_header(&h), EM_EFORMAT, "expected an object");
    em__safetensors_header_free(&h);
    assert_true(em_memory_peak() <= before + 2 * (int64_t)n + (16 << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_header_is_read),   FILE_TEST(the_smallest_headers_are_read),
        FILE_TEST(what_is_bad_is_told), FILE_TEST(lengths_are_checked),
        FILE_TEST(memory_stays_small), FILE_TEST(many_tensors_take_no_more_than_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
