/* Lua functions that the core calls back. The core knows no Lua and is never jumped over: whatever the function raises
 * is kept until the core has returned. */
#include "bindings.h"

static const char error_key = 0;        /* registry: what the callback that failed last has raised; false: nothing */

void eml_open_callback(lua_State *L)
{
    lua_pushboolean(L, 0);              /* the place is there from now on: to set it needs no memory */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
}

/* The block is a userdata, kept in the registry under its own address. */
void *eml_newcallback(lua_State *L, int arg, size_t bytes)
{
    luaL_checktype(L, arg, LUA_TFUNCTION);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    eml_callback *c = lua_newuserdatauv(L, bytes, 0);
    *c = (eml_callback){.main = main, .function = LUA_NOREF, .state = eml_getstate(L)};
    lua_pushvalue(L, arg);
    c->function = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_rawsetp(L, LUA_REGISTRYINDEX, c);
    lua_pop(L, 1);
    return c;
}

void eml_freecallback(void *callback)
{
    const eml_callback *c = callback;
    luaL_unref(c->main, LUA_REGISTRYINDEX, c->function);
    lua_pushnil(c->main);
    lua_rawsetp(c->main, LUA_REGISTRYINDEX, c);
}

/* Upon the light userdata: the function; then the body. */
static int call_body(lua_State *L)
{
    const eml_callback *c = lua_touserdata(L, 1);
    const lua_CFunction body = lua_tocfunction(L, 3);
    lua_settop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->function);
    return body(L);
}

em_status eml_runcallback(eml_callback *callback, lua_CFunction body, void *argument)
{
    lua_State *L = callback->state->running;
    if (!lua_checkstack(L, 8)) return EM_ECALLBACK;
    eml_state *s = callback->state;
    const bool enabled = em_grad_enabled();
    eml_mode mode = {.thread = L, .kind = EML_GRAD, .on = enabled, .standing = true};
    lua_pushcfunction(L, call_body);
    lua_pushlightuserdata(L, callback);
    lua_pushlightuserdata(L, argument);
    lua_pushcfunction(L, body);
    eml_open_mode(s, &mode);                    /* what is set outside of the core's call does not count in it */
    s->callbacks++;
    const int status = lua_pcall(L, 3, 0, 0);
    s->callbacks--;
    eml_close_mode(s, &mode);
    s->inside = true;
    s->running = L;
    em_set_grad_enabled(enabled);
    if (status == LUA_OK) return EM_OK;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    return EM_ECALLBACK;
}

void eml_checkcallback(lua_State *L, em_status s)
{
    if (s != EM_ECALLBACK) {
        eml_check(L, s);
        return;
    }
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key) == LUA_TBOOLEAN)
        eml_error(L, "backward: the stack of Lua is full");
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    lua_error(L);
}

void eml_pushgiven(lua_State *L, const eml_state *s, em_tensor *t)
{
    eml_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (eml_box){0};
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->tensor_meta_ref);
    lua_setmetatable(L, -2);
    em_tensor_retain(t);
    box->tensor = t;
}
