/* Elements of tensors as Lua's numbers and booleans. */
#include "bindings.h"

void eml_checkinteger(lua_State *L, int arg, em_dtype dtype, const char *what)
{
    const bool fits = lua_isboolean(L, arg)   ? true
                      : lua_isinteger(L, arg) ? em_dtype_holds_int(dtype, lua_tointeger(L, arg))
                                              : em_dtype_holds(dtype, lua_tonumber(L, arg));
    if (fits) return;
    eml_error(L, "%s: %s does not fit a tensor of %s", what, luaL_tolstring(L, arg, NULL), em_dtype_name(dtype));
}

em_tensor *eml_pushscalar(lua_State *L, int arg)
{
    em_tensor **t = eml_pushtensor(L);
    if (lua_isboolean(L, arg))
        eml_check(L, em_tensor_scalar_int(t, EM_BOOL, lua_toboolean(L, arg)));
    else if (lua_isinteger(L, arg))
        eml_check(L, em_tensor_scalar_int(t, EM_I64, lua_tointeger(L, arg)));
    else
        eml_check(L, em_tensor_scalar(t, EM_F64, lua_tonumber(L, arg)));
    return *t;
}
