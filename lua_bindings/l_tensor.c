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
    const bool integer = lua_isinteger(L, 2) && lua_isinteger(L, 3);
    for (int end = 0; end < 2 && count; end++) {
        const int64_t i = end ? count - 1 : 0;
        const uint64_t way = integer ? (uint64_t)lua_tointeger(L, 3) * (uint64_t)i : 0;
        if (integer)
            lua_pushinteger(L, (lua_Integer)((uint64_t)lua_tointeger(L, 2) + way));
        else
            lua_pushnumber(L, luaL_checknumber(L, 2) + luaL_checknumber(L, 3) * (double)i);
        eml_checkfits(L, -1, dtype, "arange");
    }
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, dtype, 1, &count));
    if (integer) {
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
    eml_pushelement(L, t, 0);
    return 1;
}

static void push_nested(lua_State *L, const em_tensor *t, int dim_at, int64_t *at)
{
    if (dim_at == em_tensor_dims(t)) {
        eml_pushelement(L, t, (*at)++);
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

/* t[…] = the number at stack index `value`, recorded where t has a history. */
static void fill(lua_State *L, em_tensor *t, int value)
{
    eml_checkfits(L, value, em_tensor_dtype(t), "fill_: value");
    em_tensor *number = eml_pushscalar(L, value);
    eml_check(L, em_apply_inplace(em_op_find("copy"), t, (em_tensor *[]){t, number}, 2, NULL, NULL));
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

int eml_detach(lua_State *L)
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

/* These two are asked at every turn, and take no tensor out of its box: they need no eml_begin. */

static int is_tensor(lua_State *L)
{
    const eml_box *box = eml_lookat(L, eml_getstate(L), 1);
    lua_pushboolean(L, box && box->tensor);
    return 1;
}

/* core.dtype_of(value) -> a tensor's dtype; nothing for another value */
static int dtype_of(lua_State *L)
{
    const eml_box *box = eml_lookat(L, eml_getstate(L), 1);
    if (!box || !box->tensor) return 0;
    lua_pushstring(L, em_dtype_name(em_tensor_dtype(box->tensor)));
    return 1;
}

static int mark_parameter(lua_State *L)
{
    eml_box *box = eml_checkbox(L, 1);
    box->parameter = box->lasting = true;
    return 0;
}

static int is_parameter(lua_State *L)
{
    lua_pushboolean(L, eml_totensor(L, 1) && ((eml_box *)lua_touserdata(L, 1))->parameter);
    return 1;
}

/* ---- registration -------------------------------------------------------------------------------------- */

static const eml_named methods[] = {
    {"size", size, "t dim",
     "The sizes, or that of one dim.\n"
     "@param dim integer, negative from the end; nil: all\n"
     "@return list, or integer\n"
     "@raise if there is no such dim"},
    {"stride", stride, "t dim",
     "How many elements further on the next one of a dim lies.\n"
     "@param dim integer, or nil: all\n"
     "@return list, or integer"},
    {"dim", dim, "t",
     "The number of dims.\n"
     "@return integer"},
    {"numel", numel, "t",
     "The number of elements.\n"
     "@return integer"},
    {"is_contiguous", is_contiguous, "t",
     "Whether the elements lie in row-major order without gaps.\n"
     "@return boolean"},
    {"item", item, "t",
     "The single element. Indexing down to one element, t[i] of 1 dim and t[{i, j}] of 2, gives a Lua number\n"
     "already: there item() is left out.\n"
     "@return number or boolean\n"
     "@raise if there are more, or none"},
    {"tolist", tolist, "t",
     "The elements as nested tables, a number for 0 dims.\n"
     "@return table or number"},
    {"tobytes", tobytes, "t",
     "The elements' bytes in row-major order, in the machine's byte order.\n"
     "@return text"},
    {"fill_", fill_, "t value",
     "Sets every element." EML_CHANGES "\n"
     "@param value number, boolean, or 0-d tensor"},
    {"zero_", zero_, "t",
     "Sets every element to 0; of a row-sparse tensor the entries." EML_CHANGES},
    {"detach", eml_detach, "t",
     "The same elements without history: a change of one shows in the other.\n"
     "@return Tensor"},
    {NULL, NULL, NULL, NULL},
};
static const luaL_Reg functions[] = {
    {"tensor", new_tensor}, {"empty", empty}, {"zeros", zeros}, {"arange", arange},
    {"version", version}, {"become", become}, {"address", address},
    {"set_default_dtype", set_default_dtype}, {"get_default_dtype", get_default_dtype},
    {"mark_parameter", mark_parameter}, {"is_parameter", is_parameter}, {NULL, NULL},
};
static const luaL_Reg questions[] = {{"is_tensor", is_tensor}, {"dtype_of", dtype_of}, {NULL, NULL}};
static const eml_named is_tensor_row[] = {
    {"is_tensor", is_tensor, "value", "Whether a value is a tensor.\n@param value anything\n@return boolean"},
    {NULL, NULL, NULL, NULL},
};
static const luaL_Reg metamethods[] = {{"__len", length}, {"__eq", same_tensor}, {NULL, NULL}};

void eml_open_tensor(lua_State *L, int state)
{
    eml_register(L, state, functions);
    lua_pushvalue(L, state);
    luaL_setfuncs(L, questions, 1);
    eml_note_rows(L, is_tensor_row);
    lua_getfield(L, -1, "methods");
    eml_register_named(L, state, methods);
    lua_pop(L, 1);
    lua_getfield(L, -1, "metatable");
    eml_register(L, state, metamethods);
    lua_pop(L, 1);
}
