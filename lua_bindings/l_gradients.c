/* What is done to many tensors at once beside a step: gradients are cleared and clipped, parameters averaged. */
#include "bindings.h"

#include <string.h>

/* A row-sparse gradient without entries, of the shape of another. */
static em_status no_rows(em_tensor **out, const em_tensor *like)
{
    int64_t sizes[EM_MAX_DIMS];
    memcpy(sizes, em_tensor_sizes(like), (size_t)em_tensor_dims(like) * sizeof *sizes);
    const int64_t rows = sizes[0];
    sizes[0] = 0;
    em_tensor *ids = NULL, *values = NULL;
    em_status s = em_tensor_empty(&ids, EM_I64, 1, sizes);
    if (!s) s = em_tensor_empty(&values, em_tensor_dtype(like), em_tensor_dims(like), sizes);
    if (!s) s = em_rows_new(out, ids, values, rows);
    em_tensor_release(ids);
    em_tensor_release(values);
    return s;
}

static em_status zero_grad_of(em_tensor *param)
{
    em_tensor *grad = em_tensor_grad(param), *empty = NULL;
    if (!grad) return EM_OK;
    if (!em_tensor_is_sparse(grad)) return em_tensor_fill(grad, 0);
    em_status s = no_rows(&empty, grad);
    if (!s) s = em_tensor_set_grad(param, empty);
    em_tensor_release(empty);
    return s;
}

/* core.zero_grad(params, set_to_none) */
static int zero_grad(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    const int64_t n = (int64_t)lua_rawlen(L, 1);
    for (int64_t i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        em_tensor *param = eml_tensorat(L, s, -1);
        if (!param) return eml_error(L, "zero_grad: parameter %d is no tensor", (int)i);
        eml_check(L, lua_toboolean(L, 2) ? em_tensor_set_grad(param, NULL) : zero_grad_of(param));
        if (lua_toboolean(L, 2)) eml_keep_grad(L, -1, 0);
        lua_pop(L, 1);
    }
    eml_before_step(L, &s->collector);
    return 0;
}

/* The tensors in the table at `arg`, which keeps them. */
static em_tensor **read_tensors(lua_State *L, int arg, const char *name, const char *what, int *n)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    *n = (int)lua_rawlen(L, arg);
    em_tensor **list = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *list, 0);
    for (int i = 0; i < *n; i++) {
        lua_rawgeti(L, arg, i + 1);
        list[i] = eml_totensor(L, -1);
        if (!list[i]) eml_error(L, "%s: %s %d is no tensor", name, what, i + 1);
        lua_pop(L, 1);
    }
    return list;
}

/* core.clip_grad_norm(grads, max_norm, norm_type) -> total norm */
static int clip_grad_norm(lua_State *L)
{
    int n;
    double total;
    const double max_norm = luaL_checknumber(L, 2), norm_type = luaL_checknumber(L, 3);
    em_tensor **grads = read_tensors(L, 1, "clip_grad_norm_", "gradient", &n);
    eml_check(L, em_clip_grad_norm(grads, n, max_norm, norm_type, &total));
    lua_pushnumber(L, total);
    return 1;
}

/* core.clip_grad_value(grads, limit) */
static int clip_grad_value(lua_State *L)
{
    int n;
    const double limit = luaL_checknumber(L, 2);
    em_tensor **grads = read_tensors(L, 1, "clip_grad_value_", "gradient", &n);
    eml_check(L, em_clip_grad_value(grads, n, limit));
    return 0;
}

/* core.average(ema, decay): its `averages` take in its `params`, and its `num_updates` grows by one; all or nothing */
static int average(lua_State *L)
{
    int n, params;
    luaL_checktype(L, 1, LUA_TTABLE);
    const double decay = luaL_checknumber(L, 2);
    lua_settop(L, 2);
    lua_getfield(L, 1, "num_updates");
    const int64_t updates = eml_tointeger(L, -1, "EMA: num_updates");
    lua_getfield(L, 1, "averages");
    lua_getfield(L, 1, "params");
    em_tensor **values = read_tensors(L, 5, "EMA", "parameter", &params);
    em_tensor **averages = read_tensors(L, 4, "EMA", "average", &n);
    if (n != params) return eml_error(L, "EMA: %d averages of %d parameters", n, params);
    eml_check(L, em_average(averages, values, n, decay));
    lua_pushinteger(L, updates + 1);
    lua_setfield(L, 1, "num_updates");
    return 0;
}

void eml_open_gradients(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"zero_grad", zero_grad}, {"clip_grad_norm", clip_grad_norm}, {"clip_grad_value", clip_grad_value},
        {"average", average}, {NULL, NULL},
    };
    eml_register(L, state, functions);
}
