/* Gradients: backward, grad, hooks, the recording mode, and scopes that free tensors early. */
#include "bindings.h"

/* ---- hooks --------------------------------------------------------------------------------------------- */

typedef struct hook_call {
    em_tensor *grad, **replacement;
} hook_call;

static int run_hook(lua_State *L)
{
    const eml_callback *c = lua_touserdata(L, 1);
    const hook_call *h = lua_touserdata(L, 2);
    eml_pushgiven(L, c->state, h->grad);
    lua_call(L, 1, 1);
    em_tensor *other = eml_tensorat(L, c->state, -1);
    if (other) em_tensor_retain(*h->replacement = other);
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
    eml_check(L, s);
    lua_pushinteger(L, id);
    return 1;
}

static int remove_hook(lua_State *L)
{
    em_tensor_remove_hook(eml_checktensor(L, 1), luaL_checkinteger(L, 2));
    return 0;
}

/* ---- backward ------------------------------------------------------------------------------------------ */

/* core.backward(t, grad | nil, retain_graph) */
static int backward(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1), *grad = lua_isnoneornil(L, 2) ? NULL : eml_checktensor(L, 2);
    em_tensor_retain(t);                        /* a hook may close the scope that owns it */
    if (grad) em_tensor_retain(grad);
    const em_status s = em_backward(t, grad, lua_toboolean(L, 3));
    em_tensor_release(t);
    em_tensor_release(grad);
    eml_checkcallback(L, s);
    return 0;
}

static em_tensor **tensor_list(lua_State *L, int arg, int *n, const char *what)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    *n = (int)lua_rawlen(L, arg);
    em_tensor **list = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *list, 0);
    for (int i = 0; i < *n; i++) {
        const int type = lua_rawgeti(L, arg, i + 1);
        list[i] = type == LUA_TBOOLEAN ? NULL : eml_totensor(L, -1);
        if (!list[i] && type != LUA_TBOOLEAN) eml_error(L, "grad: %s: element %d is not a tensor", what, i + 1);
        lua_pop(L, 1);
    }
    return list;
}

/* core.grad(outputs, inputs, grad_outputs | nil, retain_graph): table of gradients, false where there is none.
 * grad_outputs may hold false for "ones". */
static int grad(lua_State *L)
{
    int n_out, n_in, n_given = 0;
    em_tensor **out = tensor_list(L, 1, &n_out, "outputs"), **in = tensor_list(L, 2, &n_in, "inputs");
    em_tensor **given = lua_isnoneornil(L, 3) ? NULL : tensor_list(L, 3, &n_given, "grad_outputs");
    if (given && n_given != n_out)
        return eml_error(L, "grad: %d outputs but %d grad_outputs", n_out, n_given);
    em_tensor **grads = lua_newuserdatauv(L, (size_t)(n_in + 1) * sizeof *grads, 0);
    lua_createtable(L, n_in, 0);
    for (int i = 0; i < n_in; i++) {
        eml_pushtensor(L);
        lua_rawseti(L, -2, i + 1);
    }
    const em_status s = em_grad(out, given, n_out, in, n_in, lua_toboolean(L, 4), grads);
    for (int i = 0; i < n_in && !s; i++) {
        lua_rawgeti(L, -1, i + 1);
        ((eml_box *)lua_touserdata(L, -1))->tensor = grads[i];
        lua_pop(L, 1);
        if (grads[i]) continue;
        lua_pushboolean(L, 0);
        lua_rawseti(L, -2, i + 1);
    }
    eml_checkcallback(L, s);
    return 1;
}

static int retain_grad(lua_State *L)
{
    eml_check(L, em_tensor_retain_grad(eml_checktensor(L, 1)));
    lua_settop(L, 1);
    return 1;
}

static int detach_(lua_State *L)
{
    eml_check(L, em_tensor_detach_(eml_checktensor(L, 1)));
    lua_settop(L, 1);
    return 1;
}

static int requires_grad_(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1);
    if (!lua_isnoneornil(L, 2) && !lua_isboolean(L, 2))
        return eml_error(L, "requires_grad_: on: expected true or false, got %s", eml_valuetext(L, 2));
    eml_check(L, em_tensor_set_requires_grad(t, lua_isnoneornil(L, 2) || lua_toboolean(L, 2)));
    lua_settop(L, 1);
    return 1;
}

static int origin_name(lua_State *L)
{
    lua_pushstring(L, em_tensor_origin_name(eml_checktensor(L, 1)));
    return 1;
}

static int is_grad_enabled(lua_State *L)
{
    lua_pushboolean(L, em_grad_enabled());
    return 1;
}

/* core.set_grad_enabled(b) -> what it was */
static int set_grad_enabled(lua_State *L)
{
    lua_pushboolean(L, em_grad_enabled());
    em_set_grad_enabled(lua_toboolean(L, 1));
    return 1;
}

/* core.with_grad(b, f, …): f's results; the mode is put back whatever happens */
static int with_grad(lua_State *L)
{
    const bool before = em_grad_enabled();
    luaL_checkany(L, 2);
    em_set_grad_enabled(lua_toboolean(L, 1));
    const int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    em_set_grad_enabled(before);
    if (status != LUA_OK) return lua_error(L);
    return lua_gettop(L) - 1;
}

/* ---- scopes -------------------------------------------------------------------------------------------- */

/* core.open_scope() -> the list of boxes made from now on, and what core.close_scope needs to go back */
static int open_scope(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    const int before = s->scope;
    lua_newtable(L);
    lua_pushvalue(L, -1);
    s->scope = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushinteger(L, before);
    lua_pushinteger(L, s->scope);
    return 3;
}

/* core.close_scope(list, before, own, kept): frees every tensor in the list that is not a key of `kept`. */
static int close_scope(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    const int own = (int)luaL_checkinteger(L, 3);
    if (s->scope == own) s->scope = (int)luaL_checkinteger(L, 2);
    luaL_unref(L, LUA_REGISTRYINDEX, own);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        eml_box *box = lua_touserdata(L, -1);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 4) == LUA_TNIL && box && box->tensor && !box->parameter) {
            em_tensor *t = box->tensor;
            box->tensor = NULL;
            em_tensor_release(t);
        }
        lua_pop(L, 2);
    }
    return 0;
}

/* core.set_frozen_rows(tensor, mask or nil): see em_tensor_set_frozen_rows */
static int set_frozen_rows(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1);
    eml_check(L, em_tensor_set_frozen_rows(t, lua_isnoneornil(L, 2) ? NULL : eml_checktensor(L, 2)));
    return 0;
}

/* core.frozen_rows(tensor) -> a copy of its mask, or nil */
static int frozen_rows(lua_State *L)
{
    const em_tensor *mask = em_tensor_frozen_rows(eml_checktensor(L, 1));
    if (!mask) return 0;
    em_tensor **copy = eml_pushtensor(L);
    eml_check(L, em_tensor_clone(copy, mask));
    return 1;
}

void eml_open_autograd(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"backward", backward}, {"grad", grad}, {"origin_name", origin_name}, {"remove_hook", remove_hook},
        {"set_grad_enabled", set_grad_enabled}, {"with_grad", with_grad},
        {"set_frozen_rows", set_frozen_rows}, {"frozen_rows", frozen_rows},
        {"register_hook", register_hook}, {"open_scope", open_scope}, {"close_scope", close_scope}, {NULL, NULL},
    };
    static const eml_named named[] = {{"is_grad_enabled", is_grad_enabled, ""}, {NULL, NULL, NULL}};
    static const eml_named methods[] = {{"retain_grad", retain_grad, "t"}, {"requires_grad_", requires_grad_, "t on"},
                                        {"detach_", detach_, "t"}, {NULL, NULL, NULL}};
    eml_register(L, state, functions);
    eml_register_named(L, state, named);
    lua_getfield(L, -1, "methods");
    eml_register_named(L, state, methods);
    lua_pop(L, 1);
}
