/* Gradients: backward and grad; which tensors get one, and for which rows. */
#include "bindings.h"

/* ---- backward ------------------------------------------------------------------------------------------ */

/* Raises what a backward has failed with; where something has no history, also why, if a block says so. */
static void check_backward(lua_State *L, em_status s, bool recorded)
{
    if (s == EM_OK) return;
    const eml_mode *off = eml_getstate(L)->now[EML_GRAD];
    if (s == EM_EGRAD && !recorded && off && !off->on && off->line)
        eml_error(L, "%s (gradients are off since %s:%d)", em_error(), off->file, off->line);
    eml_checkcallback(L, s);
}

/* core.backward(t, grad | nil, retain_graph) */
static int backward(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1), *grad = lua_isnoneornil(L, 2) ? NULL : eml_checktensor(L, 2);
    em_tensor_retain(t);                        /* a hook may close the scope that owns it */
    if (grad) em_tensor_retain(grad);
    const bool recorded = em_tensor_requires_grad(t);
    const em_collector before = em_memory_set_collector((em_collector){eml_collect_all, eml_getstate(L)});
    const em_status s = em_backward(t, grad, lua_toboolean(L, 3));
    em_memory_set_collector(before);
    em_tensor_release(t);
    em_tensor_release(grad);
    check_backward(L, s, recorded);
    return 0;
}

static em_tensor **tensor_list(lua_State *L, int arg, int *n, const char *what, bool holes)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    *n = (int)lua_rawlen(L, arg);
    em_tensor **list = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *list, 0);
    for (int i = 0; i < *n; i++) {
        const int type = lua_rawgeti(L, arg, i + 1);
        const bool hole = holes && type == LUA_TBOOLEAN;
        list[i] = hole ? NULL : eml_totensor(L, -1);
        if (!list[i] && !hole) eml_error(L, "grad: %s: element %d is not a tensor", what, i + 1);
        lua_pop(L, 1);
    }
    return list;
}

/* core.grad(outputs, inputs, grad_outputs | nil, retain_graph): table of gradients, false where there is none.
 * grad_outputs may hold false for "ones". */
static int grad(lua_State *L)
{
    int n_out, n_in, n_given = 0;
    em_tensor **out = tensor_list(L, 1, &n_out, "outputs", false);
    em_tensor **in = tensor_list(L, 2, &n_in, "inputs", false);
    em_tensor **given = lua_isnoneornil(L, 3) ? NULL : tensor_list(L, 3, &n_given, "grad_outputs", true);
    if (given && n_given != n_out)
        return eml_error(L, "grad: %d outputs but %d grad_outputs", n_out, n_given);
    em_tensor **grads = lua_newuserdatauv(L, (size_t)(n_in + 1) * sizeof *grads, 0);
    lua_createtable(L, n_in, 0);
    for (int i = 0; i < n_in; i++) {
        eml_pushtensor(L);
        lua_rawseti(L, -2, i + 1);
    }
    bool recorded = true;
    for (int i = 0; i < n_out; i++) recorded = recorded && em_tensor_requires_grad(out[i]);
    const em_collector before = em_memory_set_collector((em_collector){eml_collect_all, eml_getstate(L)});
    const em_status s = em_grad(out, given, n_out, in, n_in, lua_toboolean(L, 4), grads);
    em_memory_set_collector(before);
    for (int i = 0; i < n_in && !s; i++) {
        lua_rawgeti(L, -1, i + 1);
        ((eml_box *)lua_touserdata(L, -1))->tensor = grads[i];
        lua_pop(L, 1);
        if (grads[i]) continue;
        lua_pushboolean(L, 0);
        lua_rawseti(L, -2, i + 1);
    }
    check_backward(L, s, recorded);
    return 1;
}

/* ---- which tensors ------------------------------------------------------------------------------------- */

static int retain_grad(lua_State *L)
{
    eml_check(L, em_tensor_retain_grad(eml_checktensor(L, 1)));
    lua_settop(L, 1);
    return 1;
}

static int detach_(lua_State *L)
{
    eml_check(L, em_tensor_detach_(eml_checktensor(L, 1)));
    eml_forget_line(L, 1);
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

/* core.origin_name(t) -> name of the operation that made it, or nil; which of its inputs were numbers or left out, as
 * bits; whether its first option was given */
static int origin_name(lua_State *L)
{
    const em_tensor *t = eml_checktensor(L, 1);
    lua_pushstring(L, em_tensor_origin_name(t));
    lua_pushinteger(L, em_tensor_origin_numbers(t));
    lua_pushboolean(L, em_tensor_origin_option(t));
    return 3;
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
        {"backward", backward}, {"grad", grad}, {"origin_name", origin_name},
        {"set_frozen_rows", set_frozen_rows}, {"frozen_rows", frozen_rows}, {NULL, NULL},
    };
    static const eml_named methods[] = {
        {"retain_grad", retain_grad, "t",
         "Has backward leave the gradient of a result in its grad too.\n"
         "@return the tensor\n"
         "@raise if it does not require grad"},
        {"requires_grad_", requires_grad_, "t on",
         "Says whether gradients are recorded for a leaf.\n"
         "@param on boolean, true if left out\n"
         "@return the tensor\n"
         "@raise unless its dtype is float32 or float64; for false, unless it is a leaf"},
        {"detach_", detach_, "t",
         "Takes the history off: the tensor is a leaf then, and requires no grad.\n"
         "@return the tensor\n"
         "@raise for a view of another tensor"},
        {NULL, NULL, NULL, NULL},
    };
    eml_register(L, state, functions);
    lua_getfield(L, -1, "methods");
    eml_register_named(L, state, methods);
    lua_pop(L, 1);
}
