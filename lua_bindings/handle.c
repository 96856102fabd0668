/* Boxes of handles. The pointer in one has whatever type: here it is read and written as bytes. */
#include "handle.h"

#include <string.h>

void *eml_pushhandle(lua_State *L, const char *name)
{
    void *const none = NULL, *box = lua_newuserdatauv(L, sizeof none, 0);
    memcpy(box, &none, sizeof none);
    luaL_setmetatable(L, name);
    return box;
}

void *eml_checkhandle(lua_State *L, int arg, const char *name)
{
    void *handle;
    memcpy(&handle, luaL_checkudata(L, arg, name), sizeof handle);
    if (!handle) luaL_argerror(L, arg, "it was closed");
    return handle;
}

int eml_collecthandle(lua_State *L, const char *name, void (*release)(void *handle))
{
    void *const none = NULL, *box = luaL_checkudata(L, 1, name), *handle;
    memcpy(&handle, box, sizeof handle);
    memcpy(box, &none, sizeof none);
    if (handle) eml_let_go(lua_touserdata(L, lua_upvalueindex(1)), release, handle);
    return 0;
}

void eml_openhandle(lua_State *L, int state, const char *name, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushvalue(L, state);
    lua_pushcclosure(L, gc, 1);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
