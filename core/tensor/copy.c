/* Elements read, written, copied and converted between layouts and dtypes. */
#include "tensor/copy.h"

#include <string.h>

#include "parallel/parallel.h"
#include "tensor/half.h"
#include "tensor/sparse/row_sparse.h"
#include "tensor/shape.h"

/* ---- one element --------------------------------------------------------------------------------------- */

static char *element(const em_tensor *t, int64_t at)
{
    em__apply_pending(t);
    int64_t offset = 0;
    if (t->contiguous)
        offset = at;
    else
        for (int d = t->dims - 1; d >= 0; d--) {
            offset += at % t->size[d] * t->stride[d];
            at /= t->size[d];
        }
    return t->data + offset * (int64_t)em_dtype_size(t->dtype);
}

/* Casts between numbers are defined for every value: floats outside the range of int64 or int32 go to its nearest end,
 * NaN to 0; integers too large for a narrower type keep their low bits; a bool is whether the number differs
 * from 0. A half is rounded from the nearest float32, as PyTorch does. */
static inline int64_t to_i64(double x)
{
    if (!(x > -9223372036854775808.0)) return x != x ? 0 : INT64_MIN;
    return x >= 9223372036854775808.0 ? INT64_MAX : (int64_t)x;
}
static inline float f64_to_EM_F32(double x) { return (float)x; }
static inline double f64_to_EM_F64(double x) { return x; }
static inline int64_t f64_to_EM_I64(double x) { return to_i64(x); }
static inline int32_t f64_to_EM_I32(double x)
{
    const int64_t i = to_i64(x);
    return i < INT32_MIN ? INT32_MIN : i > INT32_MAX ? INT32_MAX : (int32_t)i;
}
static inline uint8_t f64_to_EM_U8(double x) { return (uint8_t)to_i64(x); }
static inline uint8_t f64_to_EM_BOOL(double x) { return x != 0; }
static inline uint16_t f64_to_EM_F16(double x) { return em__write_f16((float)x); }
static inline uint16_t f64_to_EM_BF16(double x) { return em__write_bf16((float)x); }
static inline float i64_to_EM_F32(int64_t x) { return (float)x; }
static inline double i64_to_EM_F64(int64_t x) { return (double)x; }
static inline int64_t i64_to_EM_I64(int64_t x) { return x; }
static inline int32_t i64_to_EM_I32(int64_t x) { return (int32_t)x; }
static inline uint8_t i64_to_EM_U8(int64_t x) { return (uint8_t)x; }
static inline uint8_t i64_to_EM_BOOL(int64_t x) { return x != 0; }
static inline uint16_t i64_to_EM_F16(int64_t x) { return em__write_f16((float)x); }
static inline uint16_t i64_to_EM_BF16(int64_t x) { return em__write_bf16((float)x); }

#define SAME(x) (x)
#define read_EM_F32 SAME
#define read_EM_F64 SAME
#define read_EM_I64 SAME
#define read_EM_I32 SAME
#define read_EM_U8 SAME
#define read_EM_BOOL SAME
#define read_EM_F16 em__read_f16
#define read_EM_BF16 em__read_bf16

double em_tensor_get(const em_tensor *t, int64_t at)
{
    const void *p = element(t, at);
    switch (t->dtype) {
#define X(constant, type, name) case constant: return (double)read_##constant(*(const type *)p);
#include "tensor/dtype.def"
#undef X
    default: return 0;
    }
}

int64_t em_tensor_get_int(const em_tensor *t, int64_t at)
{
    if (t->dtype == EM_I64) return *(const int64_t *)(const void *)element(t, at);
    return to_i64(em_tensor_get(t, at));
}

void em_tensor_set(em_tensor *t, int64_t at, double value)
{
    void *p = element(t, at);
    switch (t->dtype) {
#define X(constant, type, name) case constant: *(type *)p = f64_to_##constant(value); break;
#include "tensor/dtype.def"
#undef X
    default: break;
    }
}

void em_tensor_set_int(em_tensor *t, int64_t at, int64_t value)
{
    void *p = element(t, at);
    switch (t->dtype) {
#define X(constant, type, name) case constant: *(type *)p = i64_to_##constant(value); break;
#include "tensor/dtype.def"
#undef X
    default: break;
    }
}

/* ---- many ---------------------------------------------------------------------------------------------- */

/* One inner loop: n elements, steps in elements. */
typedef void copy_loop(void *to, int64_t to_step, const void *from, int64_t from_step, int64_t n);

#define EACH(to, value) for (int64_t i = 0; i < n; i++) to = (value)
#define LOOP(name, to_type, from_type, read, write) \
    static void name(void *to, int64_t a, const void *from, int64_t b, int64_t n) \
    { \
        to_type *restrict y = to; \
        const from_type *restrict x = from; \
        if (a == 1 && b == 1) EACH(y[i], write(read(x[i]))); \
        else if (a == 1 && b == 0) EACH(y[i], write(read(x[0]))); \
        else EACH(y[i * a], write(read(x[i * b]))); \
    }
LOOP(move_1, uint8_t, uint8_t, SAME, SAME)
LOOP(move_2, uint16_t, uint16_t, SAME, SAME)
LOOP(move_4, uint32_t, uint32_t, SAME, SAME)
LOOP(move_8, uint64_t, uint64_t, SAME, SAME)

#define FROM(constant, type, via) \
    LOOP(constant##_to_f32, float, type, read_##constant, (float)) \
    LOOP(constant##_to_f64, double, type, read_##constant, (double)) \
    LOOP(constant##_to_i64, int64_t, type, read_##constant, via##_to_EM_I64) \
    LOOP(constant##_to_i32, int32_t, type, read_##constant, via##_to_EM_I32) \
    LOOP(constant##_to_u8, uint8_t, type, read_##constant, via##_to_EM_U8) \
    LOOP(constant##_to_bool, uint8_t, type, read_##constant, via##_to_EM_BOOL) \
    LOOP(constant##_to_f16, uint16_t, type, read_##constant, via##_to_EM_F16) \
    LOOP(constant##_to_bf16, uint16_t, type, read_##constant, via##_to_EM_BF16)
FROM(EM_F32, float, f64)
FROM(EM_F64, double, f64)
FROM(EM_I64, int64_t, i64)
FROM(EM_I32, int32_t, i64)
FROM(EM_U8, uint8_t, i64)
FROM(EM_BOOL, uint8_t, i64)
FROM(EM_F16, uint16_t, f64)
FROM(EM_BF16, uint16_t, f64)

static void read_f16(void *to, int64_t a, const void *from, int64_t b, int64_t n)
{
    (a == 1 && b == 1) ? em__read_f16s(to, from, n) : EM_F16_to_f32(to, a, from, b, n);
}

static void write_f16(void *to, int64_t a, const void *from, int64_t b, int64_t n)
{
    (a == 1 && b == 1) ? em__write_f16s(to, from, n) : EM_F32_to_f16(to, a, from, b, n);
}

static copy_loop *loop_for(em_dtype to, em_dtype from)
{
#define X(constant, type, name) \
    [constant] = {constant##_to_f32, constant##_to_f64, constant##_to_i64, constant##_to_i32, constant##_to_u8, \
                  constant##_to_bool, constant##_to_f16, constant##_to_bf16},
    static copy_loop *const convert[EM_DTYPES][EM_DTYPES] = {
#include "tensor/dtype.def"
    };
#undef X
    if (to == EM_F32 && from == EM_F16) return read_f16;
    if (to == EM_F16 && from == EM_F32) return write_f16;
    if (to != from) return convert[from][to];
    const size_t size = em_dtype_size(to);
    return size == 1 ? move_1 : size == 2 ? move_2 : size == 4 ? move_4 : move_8;
}

enum { LONG = 4 * EM_GRAIN };       /* a row from here on is cut in pieces */

/* One row of n elements, `a` and `b` bytes apart, in parallel if it is long. */
static void copy_row(char *to, int64_t to_step, int64_t a, const char *from, int64_t from_step, int64_t b, int64_t n,
                     copy_loop *loop)
{
    if (n < LONG)
        loop(to, to_step, from, from_step, n);
    else
        EM_PARALLEL_CHUNKS(lo, hi, n, 1)
            loop(to + lo * to_step * a, to_step, from + lo * from_step * b, from_step, hi - lo);
}

/* ---- transposed copies: by tiles that fit into the nearest cache, since either side jumps ---------------- */

enum { TILE = 32 };

/* to[r * to_step + c] = from[c * from_step + r] for r < rows, c < columns */
#define TRANSPOSE(name, type) \
    static void name(void *to, int64_t to_step, const void *from, int64_t from_step, int64_t rows, int64_t columns) \
    { \
        type *restrict y = to; \
        const type *restrict x = from; \
        for (int64_t first = 0; first < columns; first += TILE) \
            for (int64_t r = 0; r < rows; r++) \
                for (int64_t c = first; c < em__min(columns, first + TILE); c++) \
                    y[r * to_step + c] = x[c * from_step + r]; \
    }
TRANSPOSE(transpose_2, uint16_t)
TRANSPOSE(transpose_4, uint32_t)
TRANSPOSE(transpose_8, uint64_t)

/* Whether rows of the last dim lie together in `to` and columns in `from`. */
static bool is_transposed(const em_iterator *w, const em_tensor *to, const em_tensor *from)
{
    const int last = w->dims - 1;
    return to->dtype == from->dtype && em_dtype_size(to->dtype) > 1 && last > 0 && w->stride[0][last] == 1 &&
           w->stride[1][last] != 1 && w->stride[1][last - 1] == 1 && w->inner >= TILE;
}

static void copy_transposed(em_tensor *to, const em_tensor *from, const em_iterator *w)
{
    const int last = w->dims - 1;
    const int64_t size = (int64_t)em_dtype_size(to->dtype), rows = w->size[last - 1];
    const int64_t strips = (rows + TILE - 1) / TILE;
    void (*const transpose)(void *, int64_t, const void *, int64_t, int64_t, int64_t) =
        size == 2 ? transpose_2 : size == 4 ? transpose_4 : transpose_8;
    EM_PARALLEL_CHUNKS(lo, hi, w->outer / rows * strips, TILE * w->inner)
        for (int64_t k = lo; k < hi; k++) {
            int64_t at[EM_ITERATED];
            const int64_t first = k % strips * TILE;
            em__iterator_at(w, k / strips * rows + first, at);
            transpose(to->data + at[0] * size, w->stride[0][last - 1], from->data + at[1] * size, w->stride[1][last],
                      em__min(TILE, rows - first), w->inner);
        }
}

/* Rows lo .. hi-1 of an iterator; `a` and `b` are the bytes of an element. */
static void copy_rows(const em_iterator *w, char *to, int64_t a, const char *from, int64_t b, copy_loop *loop,
                      int64_t lo, int64_t hi)
{
    const int64_t to_step = w->stride[0][w->dims - 1], from_step = w->stride[1][w->dims - 1];
    for (int64_t o = lo; o < hi; o++) {
        int64_t here[EM_ITERATED];
        em__iterator_at(w, o, here);
        loop(to + here[0] * a, to_step, from + here[1] * b, from_step, w->inner);
    }
}

void em__copy_strided(em_tensor *to, const em_tensor *from)
{
    copy_loop *const loop = loop_for(to->dtype, from->dtype);
    em__apply_pending(to);
    em__apply_pending(from);
    if (to->count == 0) return;
    const int64_t a = (int64_t)em_dtype_size(to->dtype), b = (int64_t)em_dtype_size(from->dtype);
    if (to->contiguous && from->contiguous && to->count == from->count) {
        copy_row(to->data, 1, a, from->data, 1, b, to->count, loop);
        return;
    }
    int64_t repeat[EM_MAX_DIMS];
    em__broadcast_strides(repeat, from, to->dims, to->size);
    em_iterator w;
    em__iterator_init(&w, 2, to->dims, to->size, (const int64_t *const[]){to->stride, repeat});
    const int64_t to_step = w.stride[0][w.dims - 1], from_step = w.stride[1][w.dims - 1];
    if (is_transposed(&w, to, from)) {
        copy_transposed(to, from, &w);
        return;
    }
    int64_t at[EM_ITERATED];
    if (w.outer == 1 || w.inner >= LONG) {
        for (int64_t o = 0; o < w.outer; o++) {
            em__iterator_at(&w, o, at);
            copy_row(to->data + at[0] * a, to_step, a, from->data + at[1] * b, from_step, b, w.inner, loop);
        }
        return;
    }
    if (to->count < 2 * EM_GRAIN)               /* for one thread, a team of one is a detour */
        copy_rows(&w, to->data, a, from->data, b, loop, 0, w.outer);
    else
        EM_PARALLEL_CHUNKS(lo, hi, w.outer, w.inner) copy_rows(&w, to->data, a, from->data, b, loop, lo, hi);
}

em_status em_tensor_clone(em_tensor **out, const em_tensor *t)
{
    *out = NULL;
    if (t->rows) return em__rows_clone(out, t);
    EM_TRY(em__tensor_like(out, t, t->dtype));
    em__copy_strided(*out, t);
    return EM_OK;
}

em_status em_tensor_contiguous(em_tensor **out, const em_tensor *t)
{
    if (!t->contiguous) return em_tensor_clone(out, t);
    *out = (em_tensor *)t;
    em_tensor_retain(*out);
    return EM_OK;
}

em_status em_tensor_to(em_tensor **out, const em_tensor *t, em_dtype dtype)
{
    *out = NULL;
    if (t->dtype == dtype) {
        *out = (em_tensor *)t;
        em_tensor_retain(*out);
        return EM_OK;
    }
    if (t->rows) return em_rows_to(out, (em_tensor *)t, dtype);
    EM_TRY(em__tensor_like(out, t, dtype));
    em__copy_strided(*out, t);
    return EM_OK;
}

static bool overlap(const em_tensor *to, const em_tensor *from)
{
    if (!em_tensor_same_storage(to, from)) return false;
    if (to->data != from->data) return true;
    for (int d = 0; d < to->dims; d++)
        if (d >= from->dims || to->stride[d] != from->stride[d]) return true;
    return to->dtype != from->dtype;
}

em_status em_tensor_copy(em_tensor *to, const em_tensor *from)
{
    if (to->rows || from->rows) return em__fail(EM_ETYPE, "copy_: dense tensors only, given a row-sparse one");
    if (!em__broadcasts_to(from, to->dims, to->size))
        return em__fail(EM_ESHAPE, "copy_: shape %s does not broadcast to %s", EM_SHAPE(from), EM_SHAPE(to));
    em_tensor *copy = NULL;
    EM_TRY(from->count == 1 ? em__spare_kept(to) : em__before_change(to, "copy_"));
    if (overlap(to, from)) {
        EM_TRY(em_tensor_clone(&copy, from));
        from = copy;
    }
    em__copy_strided(to, from);
    em_tensor_touch(to);
    em_tensor_release(copy);
    return EM_OK;
}

static em_status fill(em_tensor *to, const em_tensor *from)
{
    if (to->rows) return EM_OK;
    EM_TRY(em__spare_kept(to));
    em__copy_strided(to, from);
    em_tensor_touch(to);
    return EM_OK;
}

em_status em_tensor_fill(em_tensor *t, double value)
{
    const em_tensor from = {.dtype = EM_F64, .data = (char *)&value, .count = 1, .contiguous = true};
    if (value != 0 || 1 / value < 0 || !t->contiguous || !t->count || t->count >= LONG || !t->storage)
        return fill(t, &from);
    em__apply_pending(t);
    EM_TRY(em__spare_kept(t));
    memset(t->data, 0, (size_t)t->count * em_dtype_size(t->dtype));
    em_tensor_touch(t);
    return EM_OK;
}

em_status em_tensor_fill_int(em_tensor *t, int64_t value)
{
    const em_tensor from = {.dtype = EM_I64, .data = (char *)&value, .count = 1, .contiguous = true};
    return fill(t, &from);
}
