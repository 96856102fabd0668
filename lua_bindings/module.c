/* embla.core: everything of C that Lua sees. */
#include <lualib.h>
#include <time.h>

#include "bindings.h"

static int tensor_gc(lua_State *L)
{
    const eml_state *s = lua_touserdata(L, lua_upvalueindex(1));    /* nothing runs: the running coroutine stays */
    eml_box *box = eml_boxat(L, s, 1);
    if (!box) return 0;
    em_tensor *t = box->tensor;
    box->tensor = NULL;
    em_tensor_release(t);
    return 0;
}

/* Metatable of tensors; the parts add operators and indexing to it. */
static void new_metatable(lua_State *L, int state)
{
    static const luaL_Reg metamethods[] = {{"__gc", tensor_gc}, {"__close", tensor_gc}, {NULL, NULL}};
    eml_state *s = lua_touserdata(L, state);
    lua_newtable(L);
    s->tensor_meta = lua_topointer(L, -1);
    lua_pushvalue(L, -1);
    s->tensor_meta_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    eml_register(L, state, metamethods);
    lua_pushliteral(L, "embla.Tensor");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "embla.Tensor");
    lua_setfield(L, -2, "__metatable");
}

static eml_state *new_state(lua_State *L)
{
    eml_state *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (eml_state){.rng = {.seed = (uint64_t)time(NULL)}, .scope = LUA_NOREF};
    eml_suit_collector(L, &s->collector);
    return s;
}

__attribute__((visibility("default"))) int luaopen_embla_core(lua_State *L)
{
    luaL_checkversion(L);
    new_state(L);
    const int state = lua_gettop(L);
    lua_newtable(L);                            /* the module */
    new_metatable(L, state);
    lua_setfield(L, -2, "metatable");
    lua_newtable(L);
    lua_setfield(L, -2, "methods");
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const char *)lua_touserdata(L, state) + 6);
    lua_setfield(L, -2, "list_metatable");
    eml_open_tensor(L, state);
    eml_open_index(L, state);
    eml_open_sparse(L, state);
    eml_open_ops(L, state);
    eml_open_autograd(L, state);
    eml_open_function(L, state);
    eml_open_callback(L);
    eml_open_random(L, state);
    eml_open_system(L, state);
    eml_open_describe(L, state);
    eml_open_optim(L, state);
    eml_open_gradients(L, state);
    eml_open_text(L, state);
    eml_open_io(L, state);
    lua_pushliteral(L, EMBLA_VERSION);
    lua_setfield(L, -2, "version_text");
    return 1;
}
