/* Hooks: functions of Lua that see a tensor's gradient before it goes on, and may replace it. */
#include "bindings.h"

typedef struct hook_call {
    em_tensor *grad, **replacement;
} hook_call;

static int run_hook(lua_State *L)
{
    const eml_callback *c = lua_touserdata(L, 1);
    const hook_call *h = lua_touserdata(L, 2);
    eml_pushgiven(L, c->state, h->grad);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) return 0;
    em_tensor *other = eml_tensorat(L, c->state, -1);
    if (!other)
        return eml_errorin(L, c->state, "backward: a hook returned a %s, expected a tensor or nil",
                           luaL_typename(L, -1));
    em_tensor_retain(*h->replacement = other);
    return 0;
}

static em_status call_hook(void *context, em_tensor *grad, em_tensor **replacement)
{
    return eml_runcallback(context, run_hook, &(hook_call){grad, replacement});
}

/* t:register_hook(f) -> id for core.remove_hook(t, id) */
static int register_hook(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1);
    eml_callback *c = eml_newcallback(L, 2, sizeof *c);
    int64_t id;
    const em_status s = em_tensor_add_hook(t, call_hook, c, eml_freecallback, &id);
    if (s) eml_freecallback(c);
    eml_raise(L, s);
    eml_own(L, eml_getstate(L), 1);
    lua_pushinteger(L, id);
    return 1;
}

static int remove_hook(lua_State *L)
{
    em_tensor_remove_hook(eml_checktensor(L, 1), luaL_checkinteger(L, 2));
    eml_disown(L, eml_getstate(L), 1);
    return 0;
}

void eml_open_hooks(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"register_hook", register_hook}, {"remove_hook", remove_hook}, {NULL, NULL}};
    eml_register(L, state, functions);
}
