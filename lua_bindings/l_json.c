/* JSON decoded to values of Lua. */
#include <jansson.h>

#include "handle.h"

#define JSON "embla.core.Json"
EML_HANDLE(em_json, json, JSON)

/* Pushes a value; `null` is the stack index of what stands for null. */
static void push_value(lua_State *L, const json_t *j, int null)
{
    luaL_checkstack(L, 8, "json.decode");
    switch (json_typeof(j)) {
    case JSON_STRING: lua_pushlstring(L, json_string_value(j), json_string_length(j)); return;
    case JSON_INTEGER: lua_pushinteger(L, (lua_Integer)json_integer_value(j)); return;
    case JSON_REAL: lua_pushnumber(L, json_real_value(j)); return;
    case JSON_TRUE:
    case JSON_FALSE: lua_pushboolean(L, json_is_true(j)); return;
    case JSON_NULL: lua_pushvalue(L, null); return;
    case JSON_ARRAY:
        lua_newtable(L);
        for (size_t i = 0; i < json_array_size(j); i++) {
            if (i % EML_LONG == 0) eml_checkinterrupt(L);
            push_value(L, json_array_get(j, i), null);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        eml_marklist(L);
        return;
    case JSON_OBJECT: break;
    }
    lua_newtable(L);
    json_t *object = (json_t *)(uintptr_t)j;            /* jansson's iterators read only */
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        lua_pushlstring(L, json_object_iter_key(at), json_object_iter_key_len(at));
        push_value(L, json_object_iter_value(at), null);
        lua_rawset(L, -3);
    }
}

/* json_decode(text, where, null[, line]): the value; `where` leads messages, `line` is that of the text's beginning */
static int json_decode(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n), *where = luaL_checkstring(L, 2);
    const lua_Integer line = luaL_optinteger(L, 4, 1);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    em_json **j = push_json(L);
    eml_check(L, em_json_decode(j, text, n, where, line));
    push_value(L, *j, 3);
    em_json *done = *j;
    *j = NULL;
    em_json_release(done);
    return 1;
}

void eml_open_json(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"json_decode", json_decode}, {NULL, NULL}};
    eml_register(L, state, functions);
    open_json(L, state);
}
