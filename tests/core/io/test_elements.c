/* Elements as files hold them: types that the core has not, swapped bytes, packed files, values without a place. */
#include "io/elements.h"

#include <stdio.h>

#include "base/memory.h"
#include "temporary_file.h"

static em_status load(em_tensor **out, em_stored stored, bool big, int64_t n)
{
    em__input in;
    assert_ok(em__input_open(&in, path));
    const em_status s = em__read_elements(out, &in, stored, big, 1, &n);
    em__input_close(&in);
    return s;
}

static const struct {
    em_stored stored;
    const char *big;            /* two elements, the high byte first */
    size_t size;
    em_dtype dtype;
    int64_t values[2];
} integers[] = {
    {EM_STORED_U8, "\x80\1", 1, EM_U8, {128, 1}},
    {EM_STORED_BOOL, "\0\1", 1, EM_BOOL, {0, 1}},
    {EM_STORED_I8, "\x80\1", 1, EM_I32, {-128, 1}},
    {EM_STORED_I16, "\x80\1\1\2", 2, EM_I32, {-32767, 258}},
    {EM_STORED_U16, "\x80\1\1\2", 2, EM_I32, {32769, 258}},
    {EM_STORED_I32, "\x80\0\0\1\1\2\3\4", 4, EM_I32, {-2147483647, 16909060}},
    {EM_STORED_U32, "\x80\0\0\1\1\2\3\4", 4, EM_I64, {2147483649, 16909060}},
    {EM_STORED_I64, "\x80\0\0\0\0\0\0\1\1\2\3\4\5\6\7\x08", 8, EM_I64, {INT64_MIN + 1, 72623859790382856}},
    {EM_STORED_U64, "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\2\3\4\5\6\7\x08", 8, EM_I64, {INT64_MAX, 72623859790382856}},
    {EM_STORED_F16, "\x3C\0\xC0\0", 2, EM_F16, {1, -2}},
    {EM_STORED_BF16, "\x3F\x80\xC0\0", 2, EM_BF16, {1, -2}},
};
enum { CASES = sizeof integers / sizeof *integers };

static void both_orders_of_bytes_are_read(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const size_t size = integers[i].size;
        char little[16];
        for (size_t k = 0; k < 2 * size; k++) little[k] = integers[i].big[k / size * size + size - 1 - k % size];
        for (int big = 0; big < 2; big++) {
            em_tensor *t, *copy;
            const char *bytes = big ? integers[i].big : little;
            put_bytes(bytes, 2 * size);
            assert_ok(load(&t, integers[i].stored, big, 2));
            const bool is_float = em_dtype_is_float(integers[i].dtype);
            for (int k = 0; k < 2; k++)
                if (is_float)
                    assert_true(element(t, k) == (double)integers[i].values[k]);
                else
                    assert_int_equal(element_int(t, k), integers[i].values[k]);
            assert_int_equal(em_tensor_dtype(t), integers[i].dtype);
            assert_ok(em_tensor_empty(&copy, integers[i].dtype, 1, (int64_t[]){2}));
            assert_ok(em__copy_elements(copy, bytes, integers[i].stored, big, "x", 0));
            assert_same_bits(copy, t);
            em_tensor_release(t);
            em_tensor_release(copy);
        }
        assert_int_equal(em__stored_size(integers[i].stored), size);
        assert_int_equal(em__stored_dtype(integers[i].stored), integers[i].dtype);
    }
    for (int d = 0; d < EM_DTYPES; d++) {
        assert_int_equal(em__stored_dtype(em__stored_of((em_dtype)d)), d);
        assert_int_equal(em__stored_size(em__stored_of((em_dtype)d)), em_dtype_size((em_dtype)d));
    }
}

static void many_elements_are_widened_block_by_block(void **state)
{
    (void)state;
    enum { N = 100001 };
    static unsigned char bytes[2 * N];
    for (int i = 0; i < N; i++) {
        bytes[2 * i] = (unsigned char)(i >> 8);
        bytes[2 * i + 1] = (unsigned char)i;
    }
    em_tensor *t;
    put_bytes(bytes, sizeof bytes);
    assert_ok(load(&t, EM_STORED_U16, true, N));
    for (int i = 0; i < N; i++) assert_int_equal(((int32_t *)em_tensor_data(t))[i], i & 0xFFFF);
    em_tensor_release(t);
}

static void values_without_a_place_are_errors(void **state)
{
    (void)state;
    em_tensor *t;
    put_bytes("\0\1\2\0", 4);
    assert_fails(load(&t, EM_STORED_BOOL, false, 4), EM_EFORMAT, ": byte 2: a bool that is neither 0 nor 1");
    assert_null(t);
    put_bytes("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80", 16);
    assert_fails(load(&t, EM_STORED_U64, false, 2), EM_EFORMAT, ": byte 8: an integer of 2^63 or more");
}

static void no_memory_is_taken_for_what_is_not_there(void **state)
{
    (void)state;
    em_tensor *t;
    const int64_t before = em_memory_peak();
    put_bytes("1234", 4);
    assert_fails(load(&t, EM_STORED_F32, false, INT64_C(1) << 40), EM_EFORMAT, ": byte 0: the file ends where");
    assert_fails(load(&t, EM_STORED_F32, false, INT64_MAX), EM_EFORMAT, "a shape of too many elements");
    assert_true(em_memory_peak() - before < 1 << 20);
}

/* A packed file's size is not known: memory grows with what comes. The bytes are stored, 60,000 to a block. */
static void a_packed_file_grows_as_it_comes(void **state)
{
    (void)state;
    enum { BLOCKS = 60, EACH = 60000 };
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite("\x1F\x8B\x08\0\0\0\0\0\0\xFF", 1, 10, f);
    static unsigned char block[EACH];
    uint32_t c = 0xFFFFFFFFu;
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < EACH; i++) block[i] = (unsigned char)(b + i * 31 / 7);
        const unsigned char head[] = {b == BLOCKS - 1, EACH & 255, EACH >> 8, ~EACH & 255, ~EACH >> 8 & 255};
        fwrite(head, 1, 5, f);
        fwrite(block, 1, EACH, f);
        for (int i = 0; i < EACH; i++) {
            c ^= block[i];
            for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0);
        }
    }
    c = ~c;
    const uint32_t total = BLOCKS * EACH;
    fwrite(&c, 1, 4, f);
    fwrite(&total, 1, 4, f);
    fclose(f);
    em_tensor *t;
    assert_ok(load(&t, EM_STORED_U8, false, BLOCKS * EACH));
    for (int i = 0; i < BLOCKS * EACH; i += 997)
        assert_int_equal(((uint8_t *)em_tensor_data(t))[i], (i / EACH + i % EACH * 31 / 7) & 255);
    em_tensor_release(t);
    const int64_t before = em_memory_used();
    assert_fails(load(&t, EM_STORED_U8, false, INT64_C(1) << 50), EM_EFORMAT, ": byte 3600000: the file ends where");
    assert_int_equal(em_memory_used(), before);
}

static em_status own(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    const int64_t n = 2;
    float *at = em__alloc(16);
    if (!at) return em__fail_memory("elements", 16);
    at[0] = 1;
    at[1] = 2;
    return em__own_elements(&out[0], at, 16, EM_F32, 1, &n);
}

/* Whatever fails: nothing is left. */
static void memory_is_handed_over(void **state)
{
    (void)state;
    em_tensor *out[EM_MAX_OUT] = {NULL};
    const int64_t before = em_memory_used();
    assert_ok(own(NULL, out));
    assert_tensor(out[0], EM_F32, SHAPE(2), VALUES(1, 2));
    em_tensor_release(out[0]);
    assert_int_equal(em_memory_used(), before);
    assert_true(each_allocation_fails(&(fallible){.call = own}, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(both_orders_of_bytes_are_read),     FILE_TEST(many_elements_are_widened_block_by_block),
        FILE_TEST(values_without_a_place_are_errors), FILE_TEST(no_memory_is_taken_for_what_is_not_there),
        FILE_TEST(a_packed_file_grows_as_it_comes),   cmocka_unit_test(memory_is_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
