/* Tensors made, asked and converted. */
#include "bindings.h"

#include <string.h>

/* ---- making -------------------------------------------------------------------------------------------- */

/* core.tensor(data, dtype | nil, who asks, for messages) */
static int new_tensor(lua_State *L)
{
    luaL_checkany(L, 1);
    const em_tensor *given = eml_totensor(L, 1);
    const int dtype = lua_isnoneornil(L, 2) ? -1 : (int)eml_checkdtype(L, 2);
    if (!given) {
        eml_pushfromtable(L, 1, dtype, luaL_optstring(L, 3, "tensor: data"));
        return 1;
    }
    em_tensor **clone = eml_pushtensor(L);
    eml_check(L, em_tensor_clone(clone, given));
    if (dtype < 0) return 1;
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_to(out, *clone, (em_dtype)dtype));
    return 1;
}

typedef em_status make_fn(em_tensor **, em_dtype, int, const int64_t *);

static int make(lua_State *L, make_fn *fn, const char *what)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const em_dtype dtype = eml_checkdtype(L, 2);
    int64_t sizes[EM_MAX_DIMS];
    const int dims = eml_checkints(L, 1, sizes, EM_MAX_DIMS, what);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, fn(out, dtype, dims, sizes));
    return 1;
}

static int empty(lua_State *L) { return make(L, em_tensor_empty, "empty: sizes"); }         /* (sizes, dtype) */
static int zeros(lua_State *L) { return make(L, em_tensor_zeros, "zeros: sizes"); }

/* core.arange(dtype, start, step, count): start + step * i, in double or, if all are integers, exactly */
static int arange(lua_State *L)
{
    const em_dtype dtype = eml_checkdtype(L, 1);
    const int64_t count = luaL_checkinteger(L, 4);
    const bool whole = lua_isinteger(L, 2) && lua_isinteger(L, 3);
    for (int end = 0; end < 2 && count; end++) {
        const int64_t i = end ? count - 1 : 0;
        const uint64_t way = whole ? (uint64_t)lua_tointeger(L, 3) * (uint64_t)i : 0;
        if (whole)
            lua_pushinteger(L, (lua_Integer)((uint64_t)lua_tointeger(L, 2) + way));
        else
            lua_pushnumber(L, luaL_checknumber(L, 2) + luaL_checknumber(L, 3) * (double)i);
        eml_checkfits(L, -1, dtype, "arange");
    }
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, dtype, 1, &count));
    if (whole) {
        const uint64_t start = (uint64_t)lua_tointeger(L, 2), step = (uint64_t)lua_tointeger(L, 3);
        for (int64_t i = 0; i < count; i++) {
            if (i % EML_LONG == 0) eml_checkinterrupt(L);
            em_tensor_set_int(*out, i, (int64_t)(start + step * (uint64_t)i));
        }
    } else {
        const double start = luaL_checknumber(L, 2), step = luaL_checknumber(L, 3);
        for (int64_t i = 0; i < count; i++) {
            if (i % EML_LONG == 0) eml_checkinterrupt(L);
            em_tensor_set(*out, i, start + step * (double)i);
        }
    }
    return 1;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

static int dim_argument(lua_State *L, const em_tensor *t, int arg, const char *what)
{
    const int dims = em_tensor_dims(t);
    const int64_t d = eml_tointeger(L, arg, what);
    if (d < -dims || d >= dims)
        eml_error(L, "%s: dim %I is out of range for a tensor of %d dims", what, (LUAI_UACINT)d, dims);
    return (int)(d < 0 ? d + dims : d);
}

static int size(lua_State *L)
{
    const em_tensor *t = eml_checktensor(L, 1);
    if (lua_isnoneornil(L, 2))
        eml_pushlist(L, em_tensor_dims(t), em_tensor_sizes(t));
    else
        lua_pushinteger(L, em_tensor_size(t, dim_argument(L, t, 2, "size: dim")));
    return 1;
}

static int stride(lua_State *L)
{
    const em_tensor *t = eml_checktensor(L, 1);
    int64_t strides[EM_MAX_DIMS];
    for (int d = 0; d < em_tensor_dims(t); d++) strides[d] = em_tensor_stride(t, d);
    if (lua_isnoneornil(L, 2))
        eml_pushlist(L, em_tensor_dims(t), strides);
    else
        lua_pushinteger(L, strides[dim_argument(L, t, 2, "stride: dim")]);
    return 1;
}

static int dim(lua_State *L)
{
    lua_pushinteger(L, em_tensor_dims(eml_checktensor(L, 1)));
    return 1;
}

static int numel(lua_State *L)
{
    lua_pushinteger(L, em_tensor_count(eml_checktensor(L, 1)));
    return 1;
}

static int is_contiguous(lua_State *L)
{
    lua_pushboolean(L, em_tensor_is_contiguous(eml_checktensor(L, 1)));
    return 1;
}

static int length(lua_State *L)
{
    const em_tensor *t = eml_checktensor(L, 1);
    if (em_tensor_dims(t) == 0) return eml_error(L, "#: a 0-d tensor has no length");
    lua_pushinteger(L, em_tensor_size(t, 0));
    return 1;
}

/* ---- elements ------------------------------------------------------------------------------------------ */

static void push_element(lua_State *L, const em_tensor *t, int64_t at)
{
    if (em_dtype_is_float(em_tensor_dtype(t)))
        eml_pushfloat(L, em_tensor_get(t, at));
    else if (em_tensor_dtype(t) == EM_BOOL)
        lua_pushboolean(L, em_tensor_get_int(t, at) != 0);
    else
        lua_pushinteger(L, em_tensor_get_int(t, at));
}

static const em_tensor *check_dense(lua_State *L, const char *what)
{
    const em_tensor *t = eml_checktensor(L, 1);
    if (em_tensor_is_sparse(t)) eml_error(L, "%s: not for a row-sparse gradient; use to_dense()", what);
    return t;
}

static int item(lua_State *L)
{
    const em_tensor *t = check_dense(L, "item");
    if (em_tensor_count(t) != 1)
        return eml_error(L, "item: only for a tensor of one element, this one has %I",
                          (LUAI_UACINT)em_tensor_count(t));
    push_element(L, t, 0);
    return 1;
}

static void push_nested(lua_State *L, const em_tensor *t, int dim_at, int64_t *at)
{
    if (dim_at == em_tensor_dims(t)) {
        push_element(L, t, (*at)++);
        return;
    }
    const int64_t n = em_tensor_size(t, dim_at);
    luaL_checkstack(L, 2, "tolist");
    lua_createtable(L, n < 1 << 27 ? (int)n : 1 << 27, 0);     /* to grow is one long step, deaf to Ctrl-C */
    for (int64_t i = 0; i < n; i++) {
        if (i % EML_LONG == 0) eml_checkinterrupt(L);
        push_nested(L, t, dim_at + 1, at);
        lua_rawseti(L, -2, i + 1);
    }
}

static int tolist(lua_State *L)
{
    int64_t at = 0;
    push_nested(L, check_dense(L, "tolist"), 0, &at);
    if (lua_istable(L, -1)) eml_marklist(L);
    return 1;
}

/* The elements' bytes in row-major order and the machine's byte order: what equal bits means. */
static int tobytes(lua_State *L)
{
    const em_tensor *t = check_dense(L, "tobytes");
    em_tensor **c = eml_pushtensor(L);
    eml_check(L, em_tensor_contiguous(c, t));
    lua_pushlstring(L, em_tensor_data(*c), (size_t)em_tensor_count(t) * em_dtype_size(em_tensor_dtype(t)));
    return 1;
}

/* ---- in place ------------------------------------------------------------------------------------------ */

static em_tensor *check_writable(lua_State *L, const char *what)
{
    em_tensor *t = eml_checktensor(L, 1);
    if (em_tensor_is_sparse(t)) eml_error(L, "%s: not for a row-sparse gradient", what);
    return t;
}

/* t[…] = the number at stack index `value`, noted down where t has a history. */
static void fill(lua_State *L, em_tensor *t, int value)
{
    eml_checkfits(L, value, em_tensor_dtype(t), "fill_: value");
    em_tensor **number = eml_pushtensor(L);
    if (lua_isboolean(L, value))
        eml_check(L, em_tensor_scalar_int(number, EM_BOOL, lua_toboolean(L, value)));
    else if (lua_isinteger(L, value))
        eml_check(L, em_tensor_scalar_int(number, EM_I64, lua_tointeger(L, value)));
    else
        eml_check(L, em_tensor_scalar(number, EM_F64, lua_tonumber(L, value)));
    eml_check(L, em_apply_inplace(em_op_find("copy"), t, (em_tensor *[]){t, *number}, 2, NULL, NULL));
}

static int fill_(lua_State *L)
{
    em_tensor *t = check_writable(L, "fill_"), *value = eml_totensor(L, 2);
    if (value && em_tensor_dims(value))
        return eml_error(L, "fill_: value must be a number or have 0 dims, this one has %d", em_tensor_dims(value));
    if (value) {
        eml_check(L, em_apply_inplace(em_op_find("copy"), t, (em_tensor *[]){t, value}, 2, NULL, NULL));
        if (eml_getstate(L)->lined && em_grad_enabled()) {
            eml_inherit(L, 1, 2);
            eml_inherit_base(L, 1);
        }
    } else {
        if (!lua_isboolean(L, 2) && lua_type(L, 2) != LUA_TNUMBER)
            return eml_error(L, "fill_: value must be a number, got %s", eml_valuetext(L, 2));
        fill(L, t, 2);
    }
    lua_settop(L, 1);
    return 1;
}

static int zero_(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1);
    lua_settop(L, 1);
    if (em_tensor_is_sparse(t)) {
        eml_check(L, em_rows_scale_(t, 0));
    } else if (em_grad_enabled() && (em_tensor_requires_grad(t) || em_tensor_is_left_out(t))) {
        lua_pushinteger(L, 0);
        fill(L, t, 2);
    } else {
        eml_check(L, em_tensor_fill(t, 0));
    }
    lua_settop(L, 1);
    return 1;
}

static int detach(lua_State *L)
{
    const em_tensor *t = eml_checktensor(L, 1);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_detach(out, t));
    return 1;
}

/* core.version(t), core.address(t) */
static int version(lua_State *L)
{
    lua_pushinteger(L, em_tensor_version(eml_checktensor(L, 1)));
    return 1;
}

static int same_tensor(lua_State *L)
{
    const em_tensor *a = eml_totensor(L, 1), *b = eml_totensor(L, 2);
    lua_pushboolean(L, a && a == b);
    return 1;
}

/* core.become(t, other): t is from now on the tensor that `other` is, shape, history and all */
static int become(lua_State *L)
{
    eml_box *box = eml_checkbox(L, 1);
    em_tensor *other = eml_checktensor(L, 2);
    em_tensor_retain(other);
    eml_drop_tensor(eml_getstate(L), box);
    box->tensor = other;
    eml_forget_line(L, 1);
    if (((eml_box *)lua_touserdata(L, 2))->lined) {
        lua_getiuservalue(L, 2, 1);
        eml_lead_to(L, 1, -1);
    }
    lua_settop(L, 1);
    return 1;
}

static int address(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)(intptr_t)em_tensor_data(eml_checktensor(L, 1)));
    return 1;
}

/* core.set_default_dtype(dtype), core.get_default_dtype() */
static int set_default_dtype(lua_State *L)
{
    eml_check(L, em_set_default_dtype(eml_checkdtype(L, 1)));
    return 0;
}

static int get_default_dtype(lua_State *L)
{
    lua_pushstring(L, em_dtype_name(em_default_dtype()));
    return 1;
}

static int is_tensor(lua_State *L)
{
    lua_pushboolean(L, eml_totensor(L, 1) != NULL);
    return 1;
}

static int mark_parameter(lua_State *L)
{
    eml_checkbox(L, 1)->parameter = true;
    return 0;
}

static int is_parameter(lua_State *L)
{
    lua_pushboolean(L, eml_totensor(L, 1) && ((eml_box *)lua_touserdata(L, 1))->parameter);
    return 1;
}

/* ---- fields: t.shape … --------------------------------------------------------------------------------- */

static int get_shape(lua_State *L)
{
    const em_tensor *t = eml_checktensor(L, 1);
    eml_pushlist(L, em_tensor_dims(t), em_tensor_sizes(t));
    return 1;
}

static int get_dtype(lua_State *L)
{
    lua_pushstring(L, em_dtype_name(em_tensor_dtype(eml_checktensor(L, 1))));
    return 1;
}

static int get_requires_grad(lua_State *L)
{
    lua_pushboolean(L, em_tensor_requires_grad(eml_checktensor(L, 1)));
    return 1;
}

static int get_is_leaf(lua_State *L)
{
    lua_pushboolean(L, em_tensor_is_leaf(eml_checktensor(L, 1)));
    return 1;
}

static int get_is_sparse(lua_State *L)
{
    lua_pushboolean(L, em_tensor_is_sparse(eml_checktensor(L, 1)));
    return 1;
}

static int get_grad(lua_State *L)
{
    if (!em_tensor_grad(eml_checktensor(L, 1))) return 0;
    em_tensor **out = eml_pushtensor(L);        /* first, since a finalizer may give t another gradient */
    const eml_box *box = eml_checkbox(L, 1);
    em_tensor *grad = em_tensor_grad(box->tensor);
    if (!grad) return 0;
    em_tensor_retain(*out = grad);
    if (box->lined) {
        lua_getiuservalue(L, 1, 1);
        eml_lead_to(L, -2, -1);
        lua_pop(L, 1);
    }
    return 1;
}

static int set_grad(lua_State *L)
{
    em_tensor *grad = lua_isnil(L, 3) ? NULL : eml_totensor(L, 3);
    if (!grad && !lua_isnil(L, 3)) eml_error(L, "grad: expected a tensor or nil, got %s", eml_valuetext(L, 3));
    eml_check(L, em_tensor_set_grad(eml_checktensor(L, 1), grad));
    if (grad && ((eml_box *)lua_touserdata(L, 3))->lined) {
        lua_getiuservalue(L, 3, 1);
        eml_lead_to(L, 1, -1);
    }
    return 0;
}

static int set_requires_grad(lua_State *L)
{
    if (!lua_isboolean(L, 3)) eml_error(L, "requires_grad: expected true or false, got %s", eml_valuetext(L, 3));
    eml_check(L, em_tensor_set_requires_grad(eml_checktensor(L, 1), lua_toboolean(L, 3)));
    return 0;
}

static const luaL_Reg getters[] = {
    {"shape", get_shape}, {"dtype", get_dtype}, {"requires_grad", get_requires_grad}, {"is_leaf", get_is_leaf},
    {"is_sparse", get_is_sparse}, {"grad", get_grad}, {"data", detach}, {NULL, NULL},
};
static const luaL_Reg setters[] = {{"grad", set_grad}, {"requires_grad", set_requires_grad}, {NULL, NULL}};
static const eml_named methods[] = {
    {"size", size, "t dim"}, {"stride", stride, "t dim"}, {"dim", dim, "t"}, {"numel", numel, "t"},
    {"is_contiguous", is_contiguous, "t"}, {"item", item, "t"}, {"tolist", tolist, "t"}, {"tobytes", tobytes, "t"},
    {"fill_", fill_, "t value"}, {"zero_", zero_, "t"}, {"detach", detach, "t"}, {NULL, NULL, NULL},
};
static const luaL_Reg functions[] = {
    {"tensor", new_tensor}, {"empty", empty}, {"zeros", zeros}, {"arange", arange},
    {"version", version}, {"become", become}, {"address", address},
    {"set_default_dtype", set_default_dtype}, {"get_default_dtype", get_default_dtype}, {"is_tensor", is_tensor},
    {"mark_parameter", mark_parameter}, {"is_parameter", is_parameter}, {NULL, NULL},
};
static const luaL_Reg metamethods[] = {{"__len", length}, {"__eq", same_tensor}, {NULL, NULL}};

void eml_open_tensor(lua_State *L, int state)
{
    eml_register(L, state, functions);
    lua_getfield(L, -1, "methods");
    eml_register_named(L, state, methods);
    lua_pop(L, 1);
    lua_getfield(L, -1, "metatable");
    eml_register(L, state, metamethods);
    lua_pop(L, 1);
    lua_newtable(L);
    eml_register(L, state, getters);
    lua_setfield(L, -2, "getters");
    lua_newtable(L);
    eml_register(L, state, setters);
    lua_setfield(L, -2, "setters");
}
