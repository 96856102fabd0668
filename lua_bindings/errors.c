/* Raising: a Lua error at the script's line, from a sentence of a binding's own or from a status of the core. */
#include <stdarg.h>
#include <string.h>

#include "bindings.h"

/* The interrupt has become an error now: a script that catches it goes on undisturbed. The program's hook, on the
 * thread that runs or the main one, would raise it once more. */
static void forget_interrupt(lua_State *L)
{
    em_clear_interrupt();
    lua_sethook(L, NULL, 0, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_sethook(lua_tothread(L, -1), NULL, 0, 0);
    lua_pop(L, 1);
}

bool eml_findscript(lua_State *L, const eml_state *s, lua_Debug *at)
{
    const size_t length = strlen(s->library);
    for (int level = 0; lua_getstack(L, level, at); level++) {
        lua_getinfo(L, "Sl", at);
        if (at->currentline > 0 && (length == 0 || strncmp(at->source, s->library, length) != 0)) return true;
    }
    return false;
}

/* "train.lua:12: " of the innermost Lua function that is not one of the library's. */
static void push_script_position(lua_State *L, const eml_state *s)
{
    lua_Debug at;
    if (eml_findscript(L, s, &at))
        lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
    else
        lua_pushliteral(L, "");
}

/* Puts the way to the layer after the text on the top (core.set_network). Below it is the place. */
static void place_in_network(lua_State *L, const eml_state *s)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)s + 3) == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    lua_insert(L, -2);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -1))
        lua_pop(L, 1);
    else
        lua_replace(L, -3);                     /* the place of a forward that is gone from the stack */
}

static int raise(lua_State *L, const eml_state *s, const char *format, va_list values)
{
    push_script_position(L, s);
    luaL_gsub(L, lua_pushvfstring(L, format, values), " -nan", " nan");      /* C writes the sign of a NaN */
    lua_remove(L, -2);
    place_in_network(L, s);
    lua_concat(L, 2);
    return lua_error(L);
}

int eml_error(lua_State *L, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    raise(L, eml_getstate(L), format, values);
    va_end(values);
    return 0;
}

int eml_errorin(lua_State *L, eml_state *s, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    raise(L, s, format, values);
    va_end(values);
    return 0;
}

bool eml_again(lua_State *L)
{
    const em_collector before = em_memory_set_collector((em_collector){eml_collect_all, eml_getstate(L)});
    const bool again = em_memory_reclaim();
    em_memory_set_collector(before);
    return again;
}

void eml_raise(lua_State *L, em_status status)
{
    if (status == EM_OK) return;
    if (status == EM_EINTERRUPT) forget_interrupt(L);
    eml_error(L, "%s", em_error());
}

void eml_checkinterrupt(lua_State *L)
{
    if (!em_interrupted()) return;
    forget_interrupt(L);
    eml_error(L, "interrupted!");
}
