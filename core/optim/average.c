/* Running averages: average <- decay average + (1 - decay) value, of many tensors at once. An interrupt comes before
 * all of them or after. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"
#include "tensor/half.h"
#include "tensor/tensor.h"

enum { CHUNK = 1 << 14 };

#define SAME(x) (x)

#define AVERAGE(name, type, real, read, write) \
    static void name(type *y, const type *x, int64_t n, double decay) \
    { \
        const real kept = (real)decay, taken = (real)(1 - decay); \
        for (int64_t i = 0; i < n; i++) y[i] = write(kept * read(y[i]) + taken * read(x[i])); \
    }
AVERAGE(average_f32, float, float, SAME, SAME)
AVERAGE(average_f64, double, double, SAME, SAME)
AVERAGE(average_f16, uint16_t, float, em__read_f16, em__write_f16)
AVERAGE(average_bf16, uint16_t, float, em__read_bf16, em__write_bf16)

static void average_chunk(em_tensor *to, const em_tensor *from, int64_t lo, int64_t n, double decay)
{
    switch (to->dtype) {
    case EM_F32: average_f32(EM_DATA(float, to) + lo, EM_DATA(float, from) + lo, n, decay); break;
    case EM_F64: average_f64(EM_DATA(double, to) + lo, EM_DATA(double, from) + lo, n, decay); break;
    case EM_F16: average_f16(EM_DATA(uint16_t, to) + lo, EM_DATA(uint16_t, from) + lo, n, decay); break;
    default: average_bf16(EM_DATA(uint16_t, to) + lo, EM_DATA(uint16_t, from) + lo, n, decay); break;
    }
}

/* *from: the value as it can be read beside the average, which may be changed then. */
static em_status prepare(em_tensor **from, em_tensor *average, em_tensor *value, int64_t number)
{
    if (!em_dtype_is_float(average->dtype) || average->rows || !average->contiguous || value->rows)
        return em__fail(EM_ETYPE, "EMA: average %lld is no contiguous tensor of float dtype", (long long)number);
    if (average->dims != value->dims || memcmp(average->size, value->size, (size_t)value->dims * sizeof *value->size))
        return em__fail(EM_ESHAPE, "EMA: parameter %lld has shape %s, its average %s", (long long)number,
                        EM_SHAPE(value), EM_SHAPE(average));
    EM_TRY(em__before_change(average, "EMA"));
    em__apply_pending(average);
    em__apply_pending(value);
    if (value->dtype == average->dtype) return em_tensor_contiguous(from, value);
    return em_tensor_to(from, value, average->dtype);
}

em_status em_average(em_tensor *const *averages, em_tensor *const *values, int64_t n, double decay)
{
    const size_t bytes = (size_t)n * sizeof(em_tensor *);
    em_tensor **from = em__alloc_zeroed(bytes);
    if (!from) return em__fail_memory("averages", bytes);
    em_status s = EM_OK;
    for (int64_t i = 0; i < n && !s; i++) s = prepare(&from[i], averages[i], values[i], i + 1);
    if (!s && em_interrupted()) s = em__fail(EM_EINTERRUPT, "EMA: interrupted");
    for (int64_t i = 0; i < n && !s; i++) {
        const int64_t count = averages[i]->count, chunks = (count + CHUNK - 1) / CHUNK;
        EM_PARALLEL_EACH(c, chunks, (double)CHUNK)
            average_chunk(averages[i], from[i], c * CHUNK, em__min(CHUNK, count - c * CHUNK), decay);
        em_tensor_touch(averages[i]);
    }
    for (int64_t i = 0; i < n; i++) em_tensor_release(from[i]);
    em__free(from, bytes);
    return s;
}
