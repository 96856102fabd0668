/* Fields of tensors: t.shape, t.grad = … */
#include "bindings.h"

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
    const em_tensor *there = em_tensor_grad(eml_checktensor(L, 1));
    if (!there) return 0;
    if (eml_push_grad(L, 1, there)) return 1;
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

/* Whether other tensors hang on it. */
static bool leads_on(const em_tensor *t)
{
    return !em_tensor_is_sparse(t) && (em_tensor_requires_grad(t) || em_tensor_grad(t));
}

static int set_grad(lua_State *L)
{
    em_tensor *grad = lua_isnil(L, 3) ? NULL : eml_totensor(L, 3);
    if (!grad && !lua_isnil(L, 3)) eml_error(L, "grad: expected a tensor or nil, got %s", eml_valuetext(L, 3));
    em_tensor *t = eml_checktensor(L, 1), *values = grad;
    const bool untracked = grad && grad != t && leads_on(grad);
    if (untracked) {
        em_tensor **bare = eml_pushtensor(L);
        eml_check(L, em_tensor_detach(bare, grad));
        values = *bare;
    }
    eml_keep_grad(L, 1, untracked ? 3 : 0);
    eml_check(L, em_tensor_set_grad(t, values));
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

static const eml_named getters[] = {
    {"shape", get_shape, NULL,
     "The sizes, a fresh table.\n"
     "@return list of integers"},
    {"dtype", get_dtype, NULL,
     "The kind of the elements: \"float32\", \"float64\", \"int64\", \"int32\", \"uint8\", \"bool\", \"float16\", "
     "\"bfloat16\".\n"
     "@return text"},
    {"requires_grad", get_requires_grad, NULL,
     "Whether gradients are recorded for it. Can be set on a leaf of float dtype.\n"
     "@return boolean"},
    {"is_leaf", get_is_leaf, NULL,
     "Whether it was made by the script, not by a recorded operation.\n"
     "@return boolean"},
    {"is_sparse", get_is_sparse, NULL,
     "Whether it is row-sparse.\n"
     "@return boolean"},
    {"grad", get_grad, NULL,
     "What backward has brought so far; nil: nothing yet. Can be set, to nil or a tensor of the same shape and "
     "dtype.\n"
     "@return Tensor or nil"},
    {"data", eml_detach, NULL,
     "The same elements without history, as detach() gives them.\n"
     "@return Tensor"},
    {NULL, NULL, NULL, NULL},
};
static const luaL_Reg setters[] = {{"grad", set_grad}, {"requires_grad", set_requires_grad}, {NULL, NULL}};

void eml_open_fields(lua_State *L, int state)
{
    lua_newtable(L);
    eml_register_fields(L, state, getters);
    lua_setfield(L, -2, "getters");
    lua_newtable(L);
    eml_register(L, state, setters);
    lua_setfield(L, -2, "setters");
}
