/* Arguments of bindings: values, lists of integers, and arguments by name, read and checked. */
#include <math.h>
#include <string.h>

#include "bindings.h"

/* ---- values -------------------------------------------------------------------------------------------- */

em_dtype eml_checkdtype(lua_State *L, int arg)
{
    em_dtype d = EM_F32;
    const char *name = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : NULL;
    if (!name || !em_dtype_parse(&d, name))
        eml_error(L, "unknown dtype %s (float32, float64, float16, bfloat16, int64, int32, uint8, bool)",
                  luaL_tolstring(L, arg, NULL));
    return d;
}

const char *eml_valuetext(lua_State *L, int arg)
{
    const int type = lua_type(L, arg);
    if (type == LUA_TNONE || type == LUA_TNIL) return "nothing";
    if (type == LUA_TSTRING) return lua_pushfstring(L, "\"%s\"", lua_tostring(L, arg));
    if (type == LUA_TNUMBER && isnan(lua_tonumber(L, arg))) return "nan";
    if (type == LUA_TFUNCTION || type == LUA_TTHREAD) return lua_pushfstring(L, "a %s", lua_typename(L, type));
    if (type != LUA_TTABLE && type != LUA_TUSERDATA) return luaL_tolstring(L, arg, NULL);
    if (eml_totensor(L, arg)) return "a tensor";
    if (eml_lookat(L, eml_getstate(L), arg)) return "a tensor that was freed with its scope";
    if (luaL_getmetafield(L, arg, "__library") == LUA_TSTRING)
        return lua_pushfstring(L, "the table %s itself", lua_tostring(L, -1));
    if (luaL_getmetafield(L, arg, "__name") == LUA_TSTRING) return lua_pushfstring(L, "a %s", lua_tostring(L, -1));
    return type == LUA_TTABLE ? "a table" : "userdata";
}

bool eml_hasnames(lua_State *L, int arg)
{
    if (lua_getmetatable(L, arg)) {
        lua_pop(L, 1);
        return false;
    }
    lua_pushnil(L);
    if (!lua_next(L, arg)) return true;
    const bool named = lua_type(L, -2) == LUA_TSTRING;
    lua_pop(L, 2);
    return named;
}

int64_t eml_tointeger(lua_State *L, int index, const char *what)
{
    int ok = 0;
    const lua_Integer i = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &ok) : 0;
    if (!ok) eml_error(L, "%s: expected an integer, got %s", what, eml_valuetext(L, index));
    return i;
}

const char *eml_checkpath(lua_State *L, int arg)
{
    size_t length;
    const char *path = luaL_checklstring(L, arg, &length);
    if (strlen(path) != length) eml_error(L, "a path has a zero byte in it: '%s...'", path);
    return path;
}

/* ---- tables that are lists ----------------------------------------------------------------------------- */

static bool is_position(lua_State *L, int index, int64_t n)
{
    return lua_isinteger(L, index) && lua_tointeger(L, index) >= 1 && lua_tointeger(L, index) <= n;
}

int eml_wronggap(lua_State *L, int table, int64_t n, const char *what)
{
    int64_t gap = 1;
    while (gap <= n && lua_rawgeti(L, table, gap) != LUA_TNIL) gap++, lua_pop(L, 1);
    return eml_error(L, "%s: a table with a hole: nothing stands at position %I (from 1)", what, (LUAI_UACINT)gap);
}

int eml_wrongkey(lua_State *L, int table, int64_t n, const char *what)
{
    if (lua_isinteger(L, -1)) return eml_wronggap(L, table, n, what);
    if (lua_type(L, -1) == LUA_TSTRING)
        return eml_error(L, "%s: the name '%s' in a list (options stand in a table of their own)", what,
                         lua_tostring(L, -1));
    return eml_error(L, "%s: a key that is no position, %s, in a list", what, eml_valuetext(L, -1));
}

void eml_checkpositions(lua_State *L, int table, int64_t n, const char *what)
{
    table = lua_absindex(L, table);
    int64_t found = 0;
    for (lua_pushnil(L); lua_next(L, table); found++) {
        lua_pop(L, 1);
        if (!is_position(L, -1, n)) eml_wrongkey(L, table, n, what);
    }
    if (found < n) eml_wronggap(L, table, n, what);
}

int eml_checkints(lua_State *L, int arg, int64_t *out, int most, const char *what)
{
    if (!lua_istable(L, arg)) eml_error(L, "%s: expected a list of integers, got %s", what, eml_valuetext(L, arg));
    const lua_Unsigned n = lua_rawlen(L, arg);
    if (n > (lua_Unsigned)most) return eml_error(L, "%s: at most %d integers, got %d", what, most, (int)n);
    arg = lua_absindex(L, arg);
    int64_t found = 0;
    for (lua_pushnil(L); lua_next(L, arg); found++, lua_pop(L, 1)) {
        if (!is_position(L, -2, (int64_t)n)) {
            lua_pop(L, 1);
            eml_wrongkey(L, arg, (int64_t)n, what);
        }
        out[lua_tointeger(L, -2) - 1] = eml_tointeger(L, -1, what);
    }
    if (found < (int64_t)n) eml_wronggap(L, arg, (int64_t)n, what);
    return (int)n;
}

void eml_marklist(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 6);
    lua_setmetatable(L, -2);
}

void eml_pushlist(lua_State *L, int n, const int64_t *values)
{
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushinteger(L, values[i]);
        lua_rawseti(L, -2, i + 1);
    }
    eml_marklist(L);
}

/* ---- arguments by name --------------------------------------------------------------------------------- */

/* Puts the arguments that the table on the top of the stack names in their places (core.set_names). */
static void spread_names(lua_State *L, eml_state *s, const eml_named *f)
{
    const int named = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)s + 4);
    lua_pushstring(L, f->name);
    lua_pushstring(L, f->arguments);
    lua_pushvalue(L, named);
    eml_call(L, s, 3, LUA_MULTRET);
    const int n = lua_gettop(L) - named;
    for (int i = 1; i < named && i <= n; i++) {
        if (lua_isnil(L, i)) continue;
        if (!lua_isnil(L, named + i))
            eml_error(L, "%s: argument %d is given twice, by position and by name", f->name, i);
        lua_copy(L, i, named + i);
    }
    for (int i = 0; i < named; i++) lua_remove(L, 1);
}

static int call_named(lua_State *L)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    const eml_named *f = lua_touserdata(L, lua_upvalueindex(2));
    const bool inside = eml_begin(L, s);
    const int given = lua_gettop(L);
    int most = *f->arguments != '\0';
    for (const char *c = f->arguments; *c; c++) most += *c == ' ';
    if (given > 0 && lua_type(L, given) == LUA_TTABLE && eml_hasnames(L, given)) {
        if (given > most + 1) eml_error(L, "%s: too many arguments: (%s)", f->name, f->arguments);
        spread_names(L, s, f);
    } else if (given > most) {
        eml_error(L, "%s: too many arguments: %d given, %d expected (%s)", f->name, given, most, f->arguments);
    }
    if (f->arguments[0] == 't' && lua_isnoneornil(L, 1))
        eml_error(L, "%s: argument t: expected a tensor, got nothing (a method is called with a colon: t:%s())",
                  f->name, f->name);
    const int n = f->call(L);
    eml_end(s, inside);
    return n;
}

const char *eml_pushargument(lua_State *L, int arg)
{
    lua_Debug running;
    const eml_named *f = NULL;
    if (lua_getstack(L, 0, &running) && lua_getinfo(L, "f", &running) && lua_tocfunction(L, -1) == call_named &&
        lua_getupvalue(L, -1, 2))
        f = lua_touserdata(L, -1);
    if (!f) return lua_pushfstring(L, "argument %d", arg);
    const char *word = f->arguments;
    for (int i = 1; i < arg && *word; i++) word += strcspn(word, " "), word += *word == ' ';
    lua_pushlstring(L, word, strcspn(word, " "));
    return lua_pushfstring(L, "%s: argument %s", f->name, lua_tostring(L, -1));
}

void eml_register_named(lua_State *L, int state, const eml_named *functions)
{
    for (const eml_named *f = functions; f->name; f++) {
        lua_pushvalue(L, state);
        lua_pushlightuserdata(L, (void *)(uintptr_t)f);
        lua_pushcclosure(L, call_named, 2);
        lua_setfield(L, -2, f->name);
    }
    eml_note_rows(L, functions);
}
