/* Lua functions that the core calls back. The core knows no Lua and is never jumped over: whatever the function raises
 * is kept until the core has returned. */
#include "bindings.h"

static const char error_key = 0;        /* registry: what the callback that failed last has raised; false: nothing */
static const char callbacks_key = 0;    /* registry: address -> callback, weak */
static const char meta_key = 0;         /* registry: the metatable of callbacks */

enum { FUNCTION = 1, VALUES = 2 };      /* the second user value is the owner's */

/* No box leads to it any more, but the core may: then it is not garbage. */
static int callback_gc(lua_State *L)
{
    eml_callback *c = lua_touserdata(L, 1);
    if (!c->released) eml_keep_stray(L, c->state, 1);
    return 0;
}

void eml_pushweak(lua_State *L)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
}

void eml_open_callback(lua_State *L)
{
    lua_pushboolean(L, 0);              /* the place is there from now on: to set it needs no memory */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    eml_pushweak(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &callbacks_key);
    lua_newtable(L);
    lua_pushcfunction(L, callback_gc);
    lua_setfield(L, -2, "__gc");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
}

void *eml_newcallback(lua_State *L, int arg, size_t bytes)
{
    luaL_checktype(L, arg, LUA_TFUNCTION);
    eml_callback *c = lua_newuserdatauv(L, bytes, VALUES);
    *c = (eml_callback){.state = eml_getstate(L), .released = true};     /* until the core has it */
    lua_pushvalue(L, arg);
    lua_setiuservalue(L, -2, FUNCTION);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key);
    lua_setmetatable(L, -2);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &callbacks_key);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, c);
    lua_pop(L, 1);
    c->released = false;
    return c;
}

void eml_freecallback(void *callback) { ((eml_callback *)callback)->released = true; }

/* Pushes the callback, which stays on the stack while it runs: it may be let go of meanwhile. */
static void push_callback(lua_State *L, const eml_callback *c)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &callbacks_key);
    if (lua_rawgetp(L, -1, c) == LUA_TNIL) {
        lua_pop(L, 1);
        eml_push_stray(L, c);
    }
    lua_remove(L, -2);
}

/* Upon the light userdata: the callback, its function; then the body. */
static int call_body(lua_State *L)
{
    const lua_CFunction body = lua_tocfunction(L, 3);
    lua_settop(L, 2);
    push_callback(L, lua_touserdata(L, 1));
    if (lua_isnil(L, 3)) return luaL_error(L, "backward: a function that it needs is gone");
    lua_getiuservalue(L, 3, FUNCTION);
    return body(L);
}

em_status eml_runcallback(eml_callback *callback, lua_CFunction body, void *argument)
{
    eml_state *s = callback->state;
    lua_State *L = s->running;
    if (!lua_checkstack(L, 8)) return EM_ECALLBACK;
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
        eml_raise(L, s);
        return;
    }
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key) == LUA_TBOOLEAN)
        eml_error(L, "backward: the stack of Lua is full");
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    lua_error(L);
}

void eml_pushgiven(lua_State *L, eml_state *s, em_tensor *t)
{
    eml_box *box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = (eml_box){.meta = s->tensor_meta};
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->tensor_meta_ref);
    lua_setmetatable(L, -2);
    if (s->finding) eml_note_box(L, s, box);
    em_tensor_retain(t);
    box->tensor = t;
}
