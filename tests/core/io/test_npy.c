/* NPY: headers by hand, each type in both orders, each way to be malformed, every cut and every flipped bit. */
#include "io/npy.h"

#include <stdio.h>
#include <unistd.h>

#include "temporary_file.h"

/* A file of version 1.0 with this header and these elements; returns its length. */
static size_t compose(unsigned char *to, const char *header, const void *data, size_t bytes)
{
    const size_t n = strlen(header);
    memcpy(to, "\x93NUMPY\1\0", 8);
    to[8] = (unsigned char)n;
    to[9] = (unsigned char)(n >> 8);
    memcpy(to + 10, header, n);
    if (bytes) memcpy(to + 10 + n, data, bytes);
    return 10 + n + bytes;
}

static void put_file(const char *header, const void *data, size_t bytes)
{
    unsigned char all[4096];
    put_bytes(all, compose(all, header, data, bytes));
}

static em_status load(em_tensor **out)
{
    em_content *c;
    *out = NULL;
    const em_status s = em_format_find("npy")->read(&c, path, NULL);
    if (s) {
        assert_null(c);
        return s;
    }
    assert_int_equal(em_content_count(c), 1);
    em_tensor_retain(*out = em_content_find(c, "data")->tensor);
    em_content_release(c);
    return EM_OK;
}

static em_status save(em_tensor *t)
{
    em_content *c;
    assert_ok(em_content_new(&c));
    assert_ok(em_content_add(c, "data", &(em_value){.kind = EM_VALUE_TENSOR, .tensor = t}));
    const em_status s = em_format_find("npy")->write(path, c, NULL);
    em_content_release(c);
    return s;
}

static void each_type_is_read_in_both_orders(void **state)
{
    (void)state;
    static const struct {
        const char *descr;
        const char *big;        /* two elements, the high byte first */
        size_t size;
        em_dtype dtype;
        double values[2];
    } cases[] = {
        {"f2", "\x3C\0\xC0\0", 2, EM_F16, {1, -2}},
        {"f4", "\x3F\xC0\0\0\xC0\0\0\0", 4, EM_F32, {1.5, -2}},
        {"f8", "\x3F\xF8\0\0\0\0\0\0\xC0\0\0\0\0\0\0\0", 8, EM_F64, {1.5, -2}},
        {"i1", "\x80\1", 1, EM_I32, {-128, 1}},
        {"i2", "\x80\1\1\2", 2, EM_I32, {-32767, 258}},
        {"i4", "\x80\0\0\1\1\2\3\4", 4, EM_I32, {-2147483647, 16909060}},
        {"i8", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE\0\0\1\0\0\0\0\0", 8, EM_I64, {-2, 1099511627776}},
        {"u1", "\x80\1", 1, EM_U8, {128, 1}},
        {"u2", "\x80\1\1\2", 2, EM_I32, {32769, 258}},
        {"u4", "\x80\0\0\1\1\2\3\4", 4, EM_I64, {2147483649, 16909060}},
        {"u8", "\0\0\0\0\0\0\0\7\0\0\1\0\0\0\0\0", 8, EM_I64, {7, 1099511627776}},
        {"b1", "\0\1", 1, EM_BOOL, {0, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (const char *order = "><=|"; *order; order++) {
            const size_t size = cases[i].size;
            char header[128], data[16];
            const bool big = *order == '>';
            for (size_t k = 0; k < 2 * size; k++)
                data[k] = cases[i].big[big ? k : k / size * size + size - 1 - k % size];
            snprintf(header, sizeof header, "{'descr': '%c%s', 'fortran_order': False, 'shape': (2,), }\n", *order,
                     cases[i].descr);
            em_tensor *t;
            put_file(header, data, 2 * size);
            assert_ok(load(&t));
            assert_tensor(t, cases[i].dtype, SHAPE(2), 2, cases[i].values);
            em_tensor_release(t);
        }
}

/* What Python reads as the same dictionary. */
static void headers_may_be_written_in_many_ways(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }          \n",
        "{\"shape\":(2,3),\"descr\":\"|u1\",\"fortran_order\":False}",
        "  {'fortran_order' :\tFalse , 'shape' : ( 2 , 3 , ) , 'descr' : 'u1' , }\n\n",
        "{'descr': '<u1', 'shape': (2L, 3L), 'fortran_order': False}\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        em_tensor *t;
        put_file(headers[i], "\1\2\3\4\5\6", 6);
        assert_ok(load(&t));
        assert_tensor(t, EM_U8, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6));
        em_tensor_release(t);
    }
}

static void shapes_and_orders(void **state)
{
    (void)state;
    em_tensor *t;
    put_file("{'descr': 'u1', 'fortran_order': True, 'shape': (2, 3)}", "\1\2\3\4\5\6", 6);
    assert_ok(load(&t));
    assert_true(em_tensor_is_contiguous(t));
    assert_tensor(t, EM_U8, SHAPE(2, 3), VALUES(1, 3, 5, 2, 4, 6));
    em_tensor_release(t);
    put_file("{'descr': 'u1', 'fortran_order': True, 'shape': (2, 1, 2)}", "\1\2\3\4", 4);
    assert_ok(load(&t));
    assert_tensor(t, EM_U8, SHAPE(2, 1, 2), VALUES(1, 3, 2, 4));
    em_tensor_release(t);
    put_file("{'descr': 'u1', 'fortran_order': True, 'shape': (2, 0)}", "", 0);
    assert_ok(load(&t));
    assert_tensor(t, EM_U8, SHAPE(2, 0), NO_VALUES);
    em_tensor_release(t);
    put_file("{'descr': 'u1', 'fortran_order': False, 'shape': ()}", "\7", 1);
    assert_ok(load(&t));
    assert_tensor(t, EM_U8, SCALAR, VALUES(7));
    em_tensor_release(t);
    put_file("{'descr': 'u1', 'fortran_order': True, 'shape': (1,1,1,1,1,1,1,2)}", "\7\x08", 2);
    assert_ok(load(&t));
    assert_tensor(t, EM_U8, SHAPE(1, 1, 1, 1, 1, 1, 1, 2), VALUES(7, 8));
    em_tensor_release(t);
}

#define REST ", 'fortran_order': False, 'shape': (2,)}"
#define SHAPED(shape) "{'descr': '|u1', 'fortran_order': False, 'shape': " shape "}"

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *part;
    } cases[] = {
        {"", ": byte 10: the header should have '{', but has: its end"},
        {"{}", ": byte 11: the header should have the keys"},
        {"{'descr': '|u1'", ": byte 25: the header should have ','"},
        {"{'descr': '|u1', 'fortran_order': False}", "',' between keys, but has: }"},
        {"{'descr': '|u1', 'fortran_order': False,}",
         "the keys 'descr', 'fortran_order', 'shape', each once, but has: }"},
        {"{'descr': '|u1', 'descr': '|u1'" REST, ": byte 27: the header should have the keys"},
        {"{'descr': '|u1'" ", 'fortran_order': False, 'shape': (2,), 'x': 1}", "should have '}', but has: 'x': 1}"},
        {"{'descr': '|u1'" REST " x", "should have nothing behind '}', but has: x"},
        {"{'descr' '|u1'" REST, "should have ':', but has: '|u1'"},
        {"{'descr': '<c8'" REST, ": byte 20: the header should have a descr of one number"},
        {"{'descr': '<c8'" REST, "but has: '<c8'"},
        {"{'descr': '|O'" REST, "but has: '|O'"},
        {"{'descr': '<U4'" REST, "but has: '<U4'"},
        {"{'descr': '|S4'" REST, "but has: '|S4'"},
        {"{'descr': '<f16'" REST, "but has: '<f16'"},
        {"{'descr': '<M8[ns]'" REST, "but has: '<M8[ns]'"},
        {"{'descr': ''" REST, "but has: ''"},
        {"{'descr': '<'" REST, "but has: '<'"},
        {"{'descr': '<f4" REST, "a descr of one number"},
        {"{'descr': 'u\\x31'" REST, "a descr of one number"},
        {"{'descr': [('a', '<f4')]" REST, "but has: [('a', '<f4')]"},
        {"{'descr': '|u1', 'fortran_order': 0, 'shape': (2,)}", "True or False for fortran_order, but has: 0"},
        {"{'descr': '|u1', 'fortran_order': Falsex, 'shape': (2,)}", "',' between keys, but has: x"},
        {SHAPED("2"), "should have '(', but has: 2}"},
        {SHAPED("(2)"), "should have a tuple as shape"},
        {SHAPED("(-2,)"), "a size, an integer from 0 to 2^63 - 1, but has: -2,)}"},
        {SHAPED("(2.0,)"), "should have ',' between sizes, but has: .0,)}"},
        {SHAPED("(2 3)"), "',' between sizes"},
        {SHAPED("(,)"), "a size, an integer"},
        {SHAPED("(2,,)"), "a size, an integer"},
        {SHAPED("(02,)"), "a size, an integer"},
        {SHAPED("(0x2,)"), "',' between sizes"},
        {SHAPED("(9223372036854775808,)"), "a size, an integer from 0 to 2^63 - 1, but has: 9223372036854775808"},
        {SHAPED("(2"), "',' between sizes, but has: }"},
        {SHAPED("(1,1,1,1,1,1,1,1,2)"), "a shape of at most 8 dims, but has: 1,1,1,1,1,1,1,1,2)}"},
        {SHAPED("(9223372036854775807,)"), "a shape of too many elements"},
        {SHAPED("(4294967296, 4294967296)"), "a shape of too many elements"},
        {SHAPED("(4294967296, 4294967296, 0)"), "a shape of too many elements"},
        {SHAPED("(3,)"), ": byte 65: the file ends where 3 bytes of elements should follow"},
        {SHAPED("(1,)"), ": byte 66: more follows than the header says"},
        {SHAPED("(1099511627776,)"), "the file ends where 1099511627776 bytes of elements should follow"},
        {"{'descr': '|b1'" REST, "a bool that is neither 0 nor 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_tensor *t;
        put_file(cases[i].header, "\1\2", 2);
        assert_fails(load(&t), EM_EFORMAT, cases[i].part);
    }
}

#define BYTES(text) text, sizeof(text) - 1

static void what_stands_before_the_header(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *part;
    } cases[] = {
        {BYTES(""), ": byte 0: not the beginning of an npy file"},
        {BYTES("\x93NUMPX\1\0\0\0"), ": byte 0: not the beginning of an npy file"},
        {BYTES("\x93NUMPY\1"), ": byte 0: not the beginning of an npy file"},
        {BYTES("\x93NUMPY\0\0\0\0"), ": byte 6: version 0.0 of npy"},
        {BYTES("\x93NUMPY\4\0\0\0"), ": byte 6: version 4.0 of npy"},
        {BYTES("\x93NUMPY\1\1\0\0"), ": byte 6: version 1.1 of npy"},
        {BYTES("\x93NUMPY\1\0\0"), ": byte 8: the file ends in the length of the header"},
        {BYTES("\x93NUMPY\2\0\0\0\0"), ": byte 8: the file ends in the length of the header"},
        {BYTES("\x93NUMPY\1\0\5\0{}"), ": byte 12: the file ends in the header, which has 5 bytes"},
        {BYTES("\x93NUMPY\2\0\xFF\xFF\xFF\xFF{}"), ": byte 8: a header of 4294967295 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        em_tensor *t;
        put_bytes(cases[i].bytes, cases[i].n);
        assert_fails(load(&t), EM_EFORMAT, cases[i].part);
    }
    for (char version = 2; version <= 3; version++) {
        unsigned char all[256];
        const size_t n = compose(all, "  " SHAPED("(2,)"), "\1\2", 2);
        memcpy(all + 6, (unsigned char[]){(unsigned char)version, 0, (unsigned char)(n - 14), 0, 0, 0}, 6);
        em_tensor *t;
        put_bytes(all, n);
        assert_ok(load(&t));
        assert_tensor(t, EM_U8, SHAPE(2), VALUES(1, 2));
        em_tensor_release(t);
    }
}

/* Every cut is an error. A flipped bit in an element changes that element; one before is an error, but for '<' that
 * becomes '>' or '='. */
static void cuts_and_flips(void **state)
{
    (void)state;
    static const char header[] = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2)}    \n";
    enum { ORDER = 10 + 11, DATA = 10 + sizeof header - 1 };
    unsigned char all[256];
    const int64_t values[] = {1, 2, 3, 4};
    const size_t n = compose(all, header, "\1\0\2\0\3\0\4\0", 8);
    em_tensor *t;
    for (size_t cut = 0; cut < n; cut++) {
        put_bytes(all, cut);
        assert_fails(load(&t), EM_EFORMAT, path);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        const size_t at = bit / 8;
        all[at] ^= (unsigned char)(1 << bit % 8);
        put_bytes(all, n);
        const bool fits = at >= DATA || (at == ORDER && (all[at] == '>' || all[at] == '=' || all[at] == '|'));
        assert_int_equal(load(&t), fits ? EM_OK : EM_EFORMAT);
        for (int k = 0; fits && k < 4; k++) {
            const unsigned char *e = all + DATA + 2 * k;
            const int64_t swapped = all[ORDER] == '>' ? values[k] << 8 : values[k];
            assert_int_equal(element_int(t, k), at < DATA ? swapped : (int16_t)(e[0] | e[1] << 8));
        }
        em_tensor_release(t);
        all[at] ^= (unsigned char)(1 << bit % 8);
    }
}

static void what_is_written(void **state)
{
    (void)state;
    static const char want[] = "\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    unsigned char got[256];
    em_tensor *t = tensor_of(EM_F32, SHAPE(2, 3), VALUES(1, 2, 3, 4, 5, 6)), *view, *back;
    assert_ok(save(t));
    FILE *f = fopen(path, "rb");
    assert_int_equal(fread(got, 1, sizeof got, f), 128 + 24);
    fclose(f);
    assert_memory_equal(got, want, sizeof want - 1);
    for (size_t i = sizeof want - 1; i < 127; i++) assert_int_equal(got[i], ' ');
    assert_int_equal(got[127], '\n');
    assert_memory_equal(got + 128, em_tensor_data(t), 24);
    assert_ok(em_tensor_view(&view, t, 0, SHAPE(3, 2), (int64_t[]){1, 3}));
    assert_ok(save(view));
    assert_ok(load(&back));
    assert_tensor(back, EM_F32, SHAPE(3, 2), VALUES(1, 4, 2, 5, 3, 6));
    release_all(TENSORS(t, view, back));
}

static void each_dtype_and_shape_comes_back(void **state)
{
    (void)state;
    for (int d = 0; d < EM_DTYPES; d++) {
        const em_dtype dtype = (em_dtype)d;
        em_tensor *tensors[] = {
            tensor_of(dtype, SCALAR, VALUES(1)), tensor_of(dtype, SHAPE(3), VALUES(1, 0, 1)),
            tensor_of(dtype, SHAPE(2, 0, 3), NO_VALUES),
            tensor_of(dtype, SHAPE(1, 1, 1, 1, 1, 1, 1, 2), VALUES(0, 1)),
        };
        for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
            em_tensor *back, *want;
            assert_ok(save(tensors[i]));
            assert_ok(load(&back));
            assert_ok(em_tensor_to(&want, tensors[i], dtype == EM_BF16 ? EM_F32 : dtype));
            assert_same_bits(back, want);
            release_all(TENSORS(tensors[i], back, want));
        }
    }
}

static void what_cannot_be_written_leaves_the_file(void **state)
{
    (void)state;
    em_tensor *ids = tensor_of(EM_I64, SHAPE(1), VALUES(0)), *values = tensor_of(EM_F32, SHAPE(1, 1), VALUES(1)), *rows;
    assert_ok(em_rows_new(&rows, ids, values, 5));
    put_bytes("old", 3);
    assert_fails(save(rows), EM_ETYPE, "npy.save: the tensor is row-sparse");
    char got[8];
    FILE *f = fopen(path, "rb");
    assert_int_equal(fread(got, 1, sizeof got, f), 3);
    fclose(f);
    em_content *c;
    assert_ok(em_content_new(&c));
    assert_fails(em_format_find("npy")->write(path, c, NULL), EM_EVALUE, "npy.save: expected one tensor");
    em_content_release(c);
    release_all(TENSORS(ids, values, rows));
}

static em_status load_it(void *context, em_tensor *out[EM_MAX_OUT])
{
    (void)context;
    return load(out);
}

static em_status save_view(void *context, em_tensor *out[EM_MAX_OUT])
{
    em_tensor *straight;
    char header[EM_NPY_HEADER];
    size_t n;
    (void)out;
    EM_TRY(em__npy_prepare(&straight, header, &n, context, "test"));
    em_tensor_release(straight);
    return EM_OK;
}

static void allocations_may_fail(void **state)
{
    (void)state;
    put_file("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2)}", "\0\1\0\2\0\3\0\4", 8);
    assert_true(each_allocation_fails(&(fallible){.call = load_it}, NULL) >= 7);
    em_tensor *t = tensor_of(EM_BF16, SHAPE(2, 2), VALUES(1, 2, 3, 4)), *view;
    assert_ok(em_tensor_view(&view, t, 0, SHAPE(2, 2), (int64_t[]){1, 2}));
    assert_true(each_allocation_fails(&(fallible){.call = save_view}, view) >= 2);
    release_all(TENSORS(t, view));
}

static void a_file_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    const em_format *f;
    put_file(SHAPED("(2,)"), "\1\2", 2);
    assert_ok(em_format_recognize(&f, path));
    assert_ptr_equal(f, em_format_find("npy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(each_type_is_read_in_both_orders),       FILE_TEST(headers_may_be_written_in_many_ways),
        FILE_TEST(shapes_and_orders),                      FILE_TEST(malformed_headers_are_refused),
        FILE_TEST(what_stands_before_the_header),          FILE_TEST(cuts_and_flips),
        FILE_TEST(what_is_written),                        FILE_TEST(each_dtype_and_shape_comes_back),
        FILE_TEST(what_cannot_be_written_leaves_the_file), FILE_TEST(allocations_may_fail),
        FILE_TEST(a_file_is_known_by_its_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
