/* NPZ: archives put together here byte by byte, whose members lie, are damaged, stand twice, or are no arrays. */
#include <stdio.h>
#include <unistd.h>

#include "base/status.h"
#include "temporary_file.h"

/* ---- a zip archive, after its description ---------------------------------------------------------------- */

typedef struct member {
    const char *name, *data;
    size_t bytes;
    int method;                 /* 0 stored, 8 deflated: a block of stored bytes */
    int flags;
    uint32_t wrong_crc;         /* xor */
    int64_t more;               /* promised size beyond the real one */
} member;

static unsigned char zip[1 << 16];
static size_t length;

static void put(uint64_t value, int bytes)
{
    for (; bytes > 0; bytes--, value >>= 8) zip[length++] = (unsigned char)value;
}

static void put_text(const char *text, size_t n)
{
    memcpy(zip + length, text, n);
    length += n;
}

static uint32_t crc_of(const char *data, size_t n)
{
    uint32_t c = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        c ^= (unsigned char)data[i];
        for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0);
    }
    return ~c;
}

/* The fields that both headers of a member have. */
static void put_common(const member *m)
{
    put(20, 2);
    put((uint64_t)m->flags, 2);
    put((uint64_t)m->method, 2);
    put(0, 2);
    put(33, 2);
    put(crc_of(m->data, m->bytes) ^ m->wrong_crc, 4);
    put(m->bytes + (m->method == 8 ? 5 : 0), 4);
    put(m->bytes + (uint64_t)m->more, 4);
    put(strlen(m->name), 2);
    put(0, 2);
}

static void put_zip(const member *members, int n)
{
    size_t begins[8];
    length = 0;
    for (int i = 0; i < n; i++) {
        begins[i] = length;
        put(0x04034B50, 4);
        put_common(&members[i]);
        put_text(members[i].name, strlen(members[i].name));
        if (members[i].method == 8) {
            put(1, 1);
            put(members[i].bytes, 2);
            put(~members[i].bytes, 2);
        }
        put_text(members[i].data, members[i].bytes);
    }
    const size_t central = length;
    for (int i = 0; i < n; i++) {
        put(0x02014B50, 4);
        put(20, 2);
        put_common(&members[i]);
        put(0, 10);
        length -= 2;            /* comment, disk, and two kinds of attributes: 2 + 2 + 2 + 4 */
        put(0, 2);
        put(begins[i], 4);
        put_text(members[i].name, strlen(members[i].name));
    }
    const size_t end = length;
    put(0x06054B50, 4);
    put(0, 4);
    put((uint64_t)n, 2);
    put((uint64_t)n, 2);
    put(end - central, 4);
    put(central, 4);
    put(0, 2);
    put_bytes(zip, length);
}

#define NPY(shape, data) "\x93NUMPY\1\0\x37\0{'descr': '|u1', 'fortran_order': False, 'shape': (" shape ",)}" data
#define BYTES(text) text, sizeof(text) - 1

/* ---- reading --------------------------------------------------------------------------------------------- */

static em_status load(em_content **out, const char *name)
{
    const struct { em_texts names; } options = {{name ? &name : NULL, name ? 1 : 0}};
    const em_status s = em_format_find("npz")->read(out, path, &options);
    if (s) assert_null(*out);
    return s;
}

static const member good[] = {
    {"x.npy", BYTES(NPY("3", "\1\2\3")), 0, 0, 0, 0},
    {"../../a.b.npy", BYTES(NPY("2", "\4\5")), 8, 0, 0, 0},
};

static void check_good(const em_content *c)
{
    assert_int_equal(em_content_count(c), 2);
    assert_string_equal(em_content_name(c, 0), "x");
    assert_tensor(em_content_at(c, 0)->tensor, EM_U8, SHAPE(3), VALUES(1, 2, 3));
    assert_string_equal(em_content_name(c, 1), "../../a.b");
    assert_tensor(em_content_at(c, 1)->tensor, EM_U8, SHAPE(2), VALUES(4, 5));
}

static void members_are_read_in_order_or_by_name(void **state)
{
    (void)state;
    em_content *c;
    put_zip(good, 2);
    assert_ok(load(&c, NULL));
    check_good(c);
    em_content_release(c);
    assert_ok(load(&c, "../../a.b"));
    assert_int_equal(em_content_count(c), 1);
    em_content_release(c);
    assert_fails(load(&c, "y"), EM_EVALUE, ": there is no array called y");
    put_zip(good, 0);
    assert_ok(load(&c, NULL));
    assert_int_equal(em_content_count(c), 0);
    em_content_release(c);
}

static void what_is_wrong_with_members(void **state)
{
    (void)state;
    static const struct {
        member members[2];
        const char *part;
    } cases[] = {
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"x.npy", BYTES(NPY("1", "\2")), 0, 0, 0, 0}},
         ": not a sound zip archive: a member stands twice"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"x", BYTES(NPY("1", "\2")), 0, 0, 0, 0}},
         ": x: a member that stands twice"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"notes.txt", BYTES("some text"), 0, 0, 0, 0}},
         ": notes.txt: byte 0: not the beginning of an npy file"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y/", BYTES(""), 0, 0, 0, 0}}, ": y/: byte 0: not the"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y.npy", BYTES(NPY("1", "\1")), 0, 0, 1, 0}},
         ": y.npy: not a sound zip archive: CRC error"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y.npy", BYTES(NPY("1", "\1")), 8, 0, 1, 0}},
         ": y.npy: not a sound zip archive: CRC error"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y.npy", BYTES(NPY("1", "\1")), 0, 1, 0, 0}},
         ": y.npy: the member is encrypted"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y.npy", BYTES(NPY("1", "\1")), 12, 0, 0, 0}},
         ": y.npy: the member is compressed by method 12"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y.npy", BYTES(NPY("1", "\1\2")), 0, 0, 0, 0}},
         ": y.npy: byte 66: more follows than the header says"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y.npy", BYTES(NPY("5", "\1\2")), 8, 0, 0, 0}},
         ": y.npy: byte 67: the file ends where 3 bytes of elements should follow"},
        {{{"x.npy", BYTES(NPY("1", "\1")), 0, 0, 0, 0}, {"y.npy", BYTES(NPY("1", "\1")), 8, 0, 0, 1000000000}},
         ": y.npy: byte 66: the member ends, but should have 1000000066 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_content *c;
        put_zip(cases[i].members, 2);
        assert_fails(load(&c, NULL), EM_EFORMAT, cases[i].part);
        if (i < 2) continue;
        assert_ok(load(&c, "x"));       /* the other member is not looked at */
        em_content_release(c);
    }
}

/* A header that promises a terabyte in a member that says it unpacks to as much. */
static void a_bomb_takes_no_memory_for_what_does_not_come(void **state)
{
    (void)state;
    em_content *c;
    const member bomb = {"x.npy", BYTES("\x93NUMPY\1\0\x43\0{'descr': '|u1', 'fortran_order': False, 'shape': "
                                        "(1099511627776,)}1"), 8, 0, 0, 0x7FFFFFFF};
    put_zip(&bomb, 1);
    const int64_t before = em_memory_peak();
    assert_fails(load(&c, NULL), EM_EFORMAT, ": x.npy: ");
    assert_true(em_memory_peak() - before < 1 << 22);
}

static void files_that_are_no_archives(void **state)
{
    (void)state;
    em_content *c;
    put_bytes("", 0);
    assert_fails(load(&c, NULL), EM_EFORMAT, path);
    put_bytes("PK\3\4 and so on", 14);
    assert_fails(load(&c, NULL), EM_EFORMAT, "not a sound zip archive: Not a zip archive");
    const struct { em_texts names; } options = {{NULL, 0}};
    assert_fails(em_format_find("npz")->read(&c, "/no/such/file", &options), EM_EIO, "/no/such/file: No such file");
    assert_fails(em_format_find("npz")->read(&c, "/dev/null", &options), EM_EIO, "must be a regular file");
    assert_fails(em_format_find("npz")->read(&c, "/usr", &options), EM_EIO, "/usr: ");
}

/* Every cut is an error; a flipped bit is one too, or stands where it says nothing about names and elements. */
static void cuts_and_flips(void **state)
{
    (void)state;
    em_content *c;
    put_zip(good, 2);
    const size_t n = length;
    for (size_t cut = 0; cut < n; cut++) {
        put_bytes(zip, cut);
        assert_int_equal(load(&c, NULL), EM_EFORMAT);
    }
    int harmless = 0;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        zip[bit / 8] ^= (unsigned char)(1 << bit % 8);
        put_bytes(zip, n);
        const em_status s = load(&c, NULL);
        if (s) {
            assert_int_equal(s, EM_EFORMAT);
        } else {
            check_good(c);
            em_content_release(c);
            harmless++;
        }
        zip[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_true(harmless < 400);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static em_content *content_of(em_tensor *x, em_tensor *y)
{
    em_content *c;
    assert_ok(em_content_new(&c));
    assert_ok(em_content_add(c, "x", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = x}));
    assert_ok(em_content_add(c, "\xC3\xA4.npy", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = y}));
    return c;
}

static void what_is_written_comes_back(void **state)
{
    (void)state;
    for (int compressed = 0; compressed < 2; compressed++) {
        em_tensor *x = tensor_of(EM_F32, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *y, *view;
        assert_ok(em_tensor_zeros(&y, EM_I64, 2, (int64_t[]){1000, 0}));
        assert_ok(em_tensor_view(&view, x, 0, SHAPE(2, 2), (int64_t[]){1, 2}));
        em_content *c = content_of(view, y), *back;
        const bool options = compressed;
        assert_ok(em_format_find("npz")->write(path, c, &options));
        assert_ok(load(&back, NULL));
        assert_tensor(em_content_find(back, "x")->tensor, EM_F32, SHAPE(2, 2), VALUES(1, 3, 2, 4));
        assert_same_bits(em_content_find(back, "\xC3\xA4.npy")->tensor, y);
        assert_int_equal(em_content_count(back), 2);
        em_content_release(c);
        em_content_release(back);
        release_all(TENSORS(x, y, view));
    }
    em_content *none;
    const bool options = false;
    assert_ok(em_content_new(&none));
    assert_ok(em_format_find("npz")->write(path, none, &options));
    em_content_release(none);
    assert_ok(load(&none, NULL));
    assert_int_equal(em_content_count(none), 0);
    em_content_release(none);
}

static void what_cannot_be_written_leaves_the_file(void **state)
{
    (void)state;
    em_content *c;
    const bool options = false;
    char name[70001], got[8];
    memset(name, 'a', 70000);
    name[70000] = 0;
    em_tensor *t = tensor_of(EM_F32, SHAPE(1), VALUES(1));
    const em_value tensor = {.kind = EM_VALUE_TENSOR, .tensor = t};
    const em_value bytes = {.kind = EM_VALUE_BYTES, .bytes = "b", .length = 1};
    const struct {
        const char *name;
        const em_value *value;
        const char *part;
    } cases[] = {
        {name, &tensor, "npz.save: a name of 70000 bytes"},
        {"\xFF", &tensor, "npz.save: \xFF: "},
        {"b", &bytes, "npz.save: b is not a tensor"},
    };
    put_bytes("old", 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(em_content_new(&c));
        assert_ok(em_content_add(c, "first", &tensor));
        assert_ok(em_content_add(c, cases[i].name, cases[i].value));
        assert_fails(em_format_find("npz")->write(path, c, &options), EM_EVALUE, cases[i].part);
        em_content_release(c);
        FILE *f = fopen(path, "rb");
        assert_int_equal(fread(got, 1, sizeof got, f), 3);
        fclose(f);
    }
    em_tensor_release(t);
}

static em_status load_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_content *c;
    (void)context;
    EM_TRY(load(&c, NULL));
    em_tensor_retain(out[0] = em_content_at(c, 0)->tensor);
    em_content_release(c);
    return EM_OK;
}

static em_status save_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    const bool compressed = true;
    (void)out;
    return em_format_find("npz")->write(path, context, &compressed);
}

static void allocations_may_fail(void **state)
{
    (void)state;
    put_zip(good, 2);
    assert_true(each_allocation_fails(&(fallible){.call = load_it}, NULL) >= 10);
    em_tensor *x = tensor_of(EM_BF16, SHAPE(2), VALUES(1, 2)), *y = tensor_of(EM_F32, SHAPE(1), VALUES(1));
    em_content *c = content_of(x, y);
    assert_true(each_allocation_fails(&(fallible){.call = save_it}, c) >= 3);
    em_content_release(c);
    release_all(TENSORS(x, y));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(members_are_read_in_order_or_by_name),
        FILE_TEST(what_is_wrong_with_members),
        FILE_TEST(a_bomb_takes_no_memory_for_what_does_not_come),
        FILE_TEST(files_that_are_no_archives),
        FILE_TEST(cuts_and_flips),
        FILE_TEST(what_is_written_comes_back),
        FILE_TEST(what_cannot_be_written_leaves_the_file),
        FILE_TEST(allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
