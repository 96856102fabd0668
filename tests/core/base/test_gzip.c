/* Gzip unpacked: against bytes that the format's definition (RFC 1951, 1952) gives by hand, cuts and damage. */
#include "base/gzip.h"


#include "base/file.h"
#include "temporary_file.h"

typedef struct source {
    const unsigned char *at;
    size_t n, step;             /* at most `step` bytes are given at a time */
} source;

static em_status give(void *context, unsigned char *to, size_t most, size_t *got)
{
    source *s = context;
    *got = s->n < s->step ? s->n : s->step;
    if (*got > most) *got = most;
    memcpy(to, s->at, *got);
    s->at += *got;
    s->n -= *got;
    return EM_OK;
}

/* CRC-32 of IEEE 802.3, bit by bit. */
static uint32_t crc(const unsigned char *bytes, size_t n)
{
    uint32_t c = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        c ^= bytes[i];
        for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0);
    }
    return ~c;
}

/* A member of one stored block; returns its bytes. */
static size_t put_member(unsigned char *to, const char *text)
{
    const size_t n = strlen(text);
    const unsigned char head[] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1, (unsigned char)n, (unsigned char)(n >> 8),
                                  (unsigned char)~n, (unsigned char)(~n >> 8)};
    memcpy(to, head, sizeof head);
    memcpy(to + sizeof head, text, n);
    unsigned char *tail = to + sizeof head + n;
    const uint32_t c = crc((const unsigned char *)text, n);
    for (int k = 0; k < 4; k++) {
        tail[k] = (unsigned char)(c >> 8 * k);
        tail[4 + k] = (unsigned char)(n >> 8 * k);
    }
    return sizeof head + n + 8;
}

/* Unpacks in pieces of `most` bytes; the text is ended by 0. */
static em_status unpack(const unsigned char *bytes, size_t n, size_t step, size_t most, char *text)
{
    const size_t first = n < step ? n : step;
    source s = {bytes + first, n - first, step};
    em__gzip *g;
    size_t got, at = 0;
    *text = 0;
    assert_ok(em__gzip_new(&g, "x.gz", give, &s, bytes, first));
    em_status status;
    do {
        status = em__gzip_read(g, (unsigned char *)text + at, most, &got);
        if (!status) at += got;
    } while (!status && got == most);
    text[at] = 0;
    em__gzip_free(g);
    return status;
}

static void members_are_unpacked_one_after_the_other(void **state)
{
    (void)state;
    unsigned char file[200] = {0};
    char text[100];
    size_t n = put_member(file, "hello ");
    n += put_member(file + n, "");
    n += put_member(file + n, "world");
    for (size_t zeros = 0; zeros < 3; zeros++)
        for (size_t step = 2; step < 60; step++)
            for (size_t most = 1; most < 14; most++) {
                assert_ok(unpack(file, n + zeros, step, most, text));
                assert_string_equal(text, "hello world");
            }
}

static void fixed_codes_are_unpacked(void **state)
{
    (void)state;
    /* RFC 1951, fixed codes: 1, 01, then "a" (0x61: 8 bits 10010001), and the end (7 zeros). */
    const unsigned char file[] = {0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 0x04, 0x00,
                                  0x43, 0xBE, 0xB7, 0xE8, 1, 0, 0, 0};
    char text[10];
    assert_int_equal(crc((const unsigned char *)"a", 1), 0xE8B7BE43u);
    assert_ok(unpack(file, sizeof file, 100, 5, text));
    assert_string_equal(text, "a");
}

static void every_cut_is_found(void **state)
{
    (void)state;
    unsigned char file[100];
    char text[100];
    const size_t n = put_member(file, "hello world");
    for (size_t cut = 2; cut < n; cut++)
        assert_fails(unpack(file, cut, 7, 4, text), EM_EFORMAT, "the file ends in the middle of what gzip has packed");
}

static void damage_is_found_with_its_place(void **state)
{
    (void)state;
    unsigned char file[200] = {0};
    char text[100];
    const size_t n = put_member(file, "hello world");
    for (size_t at = 15; at < n; at++)          /* the text, its checksum, its size */
        for (int bit = 0; bit < 8; bit++) {
            file[at] ^= (unsigned char)(1 << bit);
            assert_fails(unpack(file, n, 9, 50, text), EM_EFORMAT, "x.gz: byte ");
            file[at] ^= (unsigned char)(1 << bit);
        }
    memcpy(file + n, "garbage", 7);
    assert_fails(unpack(file, n + 7, 100, 50, text), EM_EFORMAT, "incorrect header check");
    memcpy(file + n, "\0\0g", 3);
    assert_fails(unpack(file, n + 3, 100, 50, text), EM_EFORMAT,
                 "byte 36 of the packed file: something that is not gzip follows");
}

/* ---- through a file ------------------------------------------------------------------------------------ */

/* Read from its end and again from its beginning; a plain file is read as it lies there. */
static void what_is_packed_can_be_read_to_and_fro(void **state)
{
    (void)state;
    unsigned char file[100];
    char text[100];
    em__input in;
    size_t got;
    const size_t n = put_member(file, "PK\3\4 and more");
    for (int packed = 0; packed < 2; packed++) {
        if (packed) put_bytes(file, n);
        else put_bytes("PK\3\4 and more", 13);
        assert_ok(em__input_open_seekable(&in, path));
        assert_int_equal(in.size, 13);
        assert_ok(em__input_seek(&in, 9));
        assert_ok(em__input_read(&in, text, 50, &got));
        assert_int_equal(got, 4);
        assert_memory_equal(text, "more", 4);
        assert_ok(em__input_seek(&in, 0));
        assert_ok(em__input_read(&in, text, 50, &got));
        assert_int_equal(got, 13);
        assert_memory_equal(text, "PK\3\4 and more", 13);
        em__input_close(&in);
    }
    put_bytes(file, n - 1);
    assert_fails(em__input_open_seekable(&in, path), EM_EFORMAT, "the file ends in the middle");
    put_bytes(file, n);
    setenv("TMPDIR", "/no/such/folder", 1);
    assert_fails(em__input_open_seekable(&in, path), EM_EIO, "/no/such/folder: No such file");
    unsetenv("TMPDIR");
    assert_fails(em__input_open_seekable(&in, "/dev/null"), EM_EIO, "must be a regular file or a pipe");
}

static void files_are_unpacked_by_their_content(void **state)
{
    (void)state;
    unsigned char file[100];
    char text[100];
    em__input in;
    size_t got;
    int byte;
    const size_t n = put_member(file, "hello world");
    put_bytes(file, n);
    assert_ok(em__input_open(&in, path));
    assert_int_equal(in.size, -1);
    assert_ok(em__input_byte(&in, &byte));
    assert_int_equal(byte, 'h');
    assert_int_equal(em__input_offset(&in), 1);
    assert_ok(em__input_read(&in, text, 50, &got));
    assert_int_equal(got, 10);
    assert_memory_equal(text, "ello world", 10);
    assert_ok(em__input_byte(&in, &byte));
    assert_int_equal(byte, -1);
    assert_int_equal(em__input_offset(&in), 11);
    em__input_close(&in);
    assert_ok(em__input_open_raw(&in, path));
    assert_int_equal(in.size, n);
    assert_ok(em__input_read(&in, text, 100, &got));
    assert_int_equal(got, n);
    assert_memory_equal(text, file, n);
    em__input_close(&in);
    put_bytes(file, n - 3);
    assert_fails(em__input_open(&in, path), EM_EFORMAT, "the file ends in the middle of what gzip has packed");
    em__input_close(&in);
}

static em_status read_all(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    (void)out;
    em__input in;
    char text[100];
    size_t got;
    EM_TRY(em__input_open(&in, path));
    const em_status s = em__input_read(&in, text, sizeof text, &got);
    em__input_close(&in);
    return s;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    unsigned char file[100];
    put_bytes(file, put_member(file, "hello world"));
    assert_true(each_allocation_fails(&(fallible){.call = read_all}, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_unpacked_one_after_the_other),
        cmocka_unit_test(fixed_codes_are_unpacked),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(damage_is_found_with_its_place),
        FILE_TEST(files_are_unpacked_by_their_content),
        FILE_TEST(what_is_packed_can_be_read_to_and_fro),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
