/* Gradients of parameters between backward and step: clearing and clipping them. */
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
    luaL_checktype(L, 1, LUA_TTABLE);
    const int64_t n = (int64_t)lua_rawlen(L, 1);
    for (int64_t i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        em_tensor *param = eml_totensor(L, -1);
        if (!param) return eml_error(L, "zero_grad: parameter %d is no tensor", (int)i);
        eml_check(L, lua_toboolean(L, 2) ? em_tensor_set_grad(param, NULL) : zero_grad_of(param));
        lua_pop(L, 1);
    }
    eml_before_step(L, &eml_getstate(L)->collector);
    return 0;
}

/* The gradients in the table at index 1, which keeps them. */
static em_tensor **read_grads(lua_State *L, const char *name, int *n)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    *n = (int)lua_rawlen(L, 1);
    em_tensor **grads = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *grads, 0);
    for (int i = 0; i < *n; i++) {
        lua_rawgeti(L, 1, i + 1);
        grads[i] = eml_totensor(L, -1);
        if (!grads[i]) eml_error(L, "%s: gradient %d is no tensor", name, i + 1);
        lua_pop(L, 1);
    }
    return grads;
}

/* core.clip_grad_norm(grads, max_norm, norm_type) -> total norm */
static int clip_grad_norm(lua_State *L)
{
    int n;
    double total;
    const double max_norm = luaL_checknumber(L, 2), norm_type = luaL_checknumber(L, 3);
    em_tensor **grads = read_grads(L, "clip_grad_norm_", &n);
    eml_check(L, em_clip_grad_norm(grads, n, max_norm, norm_type, &total));
    lua_pushnumber(L, total);
    return 1;
}

/* core.clip_grad_value(grads, limit) */
static int clip_grad_value(lua_State *L)
{
    int n;
    const double limit = luaL_checknumber(L, 2);
    em_tensor **grads = read_grads(L, "clip_grad_value_", &n);
    eml_check(L, em_clip_grad_value(grads, n, limit));
    return 0;
}

void eml_open_gradients(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"zero_grad", zero_grad}, {"clip_grad_norm", clip_grad_norm}, {"clip_grad_value", clip_grad_value},
        {NULL, NULL},
    };
    eml_register(L, state, functions);
}
