/* Tensors from nested tables of numbers. */
#include "bindings.h"

typedef struct reader {
    lua_State *L;
    const char *what;           /* for messages */
    int dims;
    int64_t size[EM_MAX_DIMS];
    bool any_float, any_integer, any_bool;
    em_tensor *to;
    int64_t at;
} reader;

static void shape_of(reader *r)
{
    lua_State *L = r->L;
    luaL_checkstack(L, EM_MAX_DIMS + 8, "tensor");
    const int top = lua_gettop(L);
    while (lua_type(L, -1) == LUA_TTABLE) {
        if (r->dims == EM_MAX_DIMS) eml_error(L, "%s: a table nested more than %d deep", r->what, EM_MAX_DIMS);
        r->size[r->dims++] = (int64_t)lua_rawlen(L, -1);
        if (lua_rawgeti(L, -1, 1) == LUA_TNIL) break;
    }
    lua_settop(L, top);
}

static void look_at_number(reader *r)
{
    lua_State *L = r->L;
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: r->any_bool = true; break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            r->any_integer = true;
        else
            r->any_float = true;
        break;
    default:
        eml_error(L, "%s: expected numbers, booleans or nested tables of them, got a %s", r->what,
                  luaL_typename(L, -1));
    }
}

static void set_element(reader *r)
{
    eml_checkfits(r->L, -1, em_tensor_dtype(r->to), r->what);
    eml_setelement(r->L, r->to, r->at++, -1);
}

static void check_length(reader *r, int depth)
{
    lua_State *L = r->L;
    if (lua_type(L, -1) != LUA_TTABLE || (int64_t)lua_rawlen(L, -1) != r->size[depth])
        eml_error(L, "%s: ragged table: expected a table of %d elements at depth %d, got %s", r->what,
                   (int)r->size[depth], depth + 1, lua_type(L, -1) == LUA_TTABLE
                                  ? lua_pushfstring(L, "one of %d", (int)lua_rawlen(L, -1))
                                  : luaL_typename(L, -1));
}

/* The first pass, in any order: as many integers are keys as the table is long. The second, in order, finds that
 * none of its positions is empty, and so that there was nothing else. */
static void look_at_table(reader *r, int depth)
{
    lua_State *L = r->L;
    check_length(r, depth);
    const int table = lua_gettop(L);
    const bool last = depth + 1 == r->dims;
    int64_t found = 0;
    for (lua_pushnil(L); lua_next(L, table); found++) {
        if (found % EML_LONG == 0) eml_checkinterrupt(L);
        if (!lua_isinteger(L, -2)) {
            lua_pop(L, 1);
            eml_wrongkey(L, table, r->size[depth], r->what);
        }
        if (last)
            look_at_number(r);
        else
            look_at_table(r, depth + 1);
        lua_pop(L, 1);
    }
    if (found != r->size[depth]) eml_wronggap(L, table, r->size[depth], r->what);
    if (found == 0 && luaL_getmetafield(L, table, "__len") != LUA_TNIL)
        eml_error(L, "%s: a table whose elements are behind a metatable: give an ordinary list", r->what);
}

static void set_elements(reader *r, int depth)
{
    lua_State *L = r->L;
    if (depth == r->dims) {
        set_element(r);
        return;
    }
    for (int64_t i = 1; i <= r->size[depth]; i++) {
        if (i % EML_LONG == 1) eml_checkinterrupt(L);
        if (lua_rawgeti(L, -1, i) == LUA_TNIL) eml_wronggap(L, lua_gettop(L) - 1, r->size[depth], r->what);
        set_elements(r, depth + 1);
        lua_pop(L, 1);
    }
}

em_tensor *eml_pushfromtable(lua_State *L, int arg, int dtype, const char *what)
{
    reader r = {.L = L, .what = what};
    arg = lua_absindex(L, arg);
    lua_pushvalue(L, arg);
    shape_of(&r);
    if (r.dims)
        look_at_table(&r, 0);
    else
        look_at_number(&r);
    const em_dtype inferred = r.any_float ? em_default_dtype() : r.any_integer ? EM_I64
                              : r.any_bool ? EM_BOOL : em_default_dtype();
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, dtype < 0 ? inferred : (em_dtype)dtype, r.dims, r.size));
    r.to = *out;
    lua_insert(L, -2);
    set_elements(&r, 0);
    lua_pop(L, 1);
    return r.to;
}
