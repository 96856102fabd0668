/* Tensors that show one memory, taken apart to be kept and put together again. */
#include <string.h>

#include "bindings.h"

/* stretch(first, last): the elements that lie in one memory from first's first to last's last, in one row; nil if the
 * two show two memories, or last lies before first */
static int stretch(lua_State *L)
{
    const em_tensor *first = eml_checktensor(L, 1), *last = eml_checktensor(L, 2);
    const size_t size = em_dtype_size(em_tensor_dtype(first));
    if (!em_tensor_same_storage(first, last) || em_tensor_dtype(first) != em_tensor_dtype(last)) return 0;
    const char *from = em_tensor_data(first), *till = em_tensor_data(last);
    for (int d = 0; d < em_tensor_dims(last); d++) {
        if (em_tensor_size(last, d) == 0 || em_tensor_stride(last, d) < 0) return 0;
        till += (em_tensor_size(last, d) - 1) * em_tensor_stride(last, d) * (int64_t)size;
    }
    if (till < from) return 0;
    const int64_t n = (till - from) / (int64_t)size + 1, one = 1;
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_view(out, first, 0, 1, &n, &one));
    return 1;
}

/* window(t, offset, sizes, strides): a view of a contiguous tensor; nil if that has not all the elements */
static int window(lua_State *L)
{
    const em_tensor *t = eml_checktensor(L, 1);
    const int64_t offset = luaL_checkinteger(L, 2);
    int64_t sizes[EM_MAX_DIMS], strides[EM_MAX_DIMS], last = offset;
    const int dims = eml_checkints(L, 3, sizes, EM_MAX_DIMS, "window: sizes");
    bool fits = eml_checkints(L, 4, strides, EM_MAX_DIMS, "window: strides") == dims && offset >= 0;
    fits = fits && !em_tensor_is_sparse(t) && em_tensor_is_contiguous(t);
    for (int d = 0; fits && d < dims; d++) {
        int64_t way;
        fits = sizes[d] > 0 && strides[d] >= 0 && !__builtin_mul_overflow(sizes[d] - 1, strides[d], &way) &&
               !__builtin_add_overflow(last, way, &last);
    }
    if (!fits || last >= em_tensor_count(t)) return 0;
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_view(out, t, offset, dims, sizes, strides));
    return 1;
}

/* bytes_tensor(text): its bytes, (n) uint8 */
static int bytes_tensor(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    const int64_t n = (int64_t)length;
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, EM_U8, 1, &n));
    if (length) memcpy(em_tensor_data(*out), text, length);
    return 1;
}

void eml_open_kept(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"stretch", stretch}, {"window", window}, {"bytes_tensor", bytes_tensor}, {NULL, NULL},
    };
    eml_register(L, state, functions);
}
