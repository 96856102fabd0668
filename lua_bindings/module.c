/* embla.core: everything of C that Lua sees. */
#include <lualib.h>
#include <time.h>

#include "bindings.h"

/* The collector calls it in the middle of anything: no binding begins. */
static int tensor_gc(lua_State *L)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    eml_box *box = eml_lookat(L, s, 1);
    if (box) eml_drop_tensor(s, box);
    return 0;
}

static int tensor_close(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    eml_box *box = eml_lookat(L, s, 1);
    if (box) eml_empty_box(s, box);
    return 0;
}

/* Metatable of tensors; the parts add operators and indexing to it. */
static void new_metatable(lua_State *L, int state)
{
    static const luaL_Reg metamethods[] = {{"__close", tensor_close}, {NULL, NULL}};
    eml_state *s = lua_touserdata(L, state);
    lua_newtable(L);
    s->tensor_meta = lua_topointer(L, -1);
    lua_pushvalue(L, -1);
    s->tensor_meta_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    eml_register(L, state, metamethods);
    lua_pushvalue(L, state);
    lua_pushcclosure(L, tensor_gc, 1);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "embla.Tensor");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "embla.Tensor");
    lua_setfield(L, -2, "__metatable");
}

__attribute__((visibility("default"))) int luaopen_embla_core(lua_State *L)
{
    luaL_checkversion(L);
    eml_state *s = eml_newstate(L);
    s->rng.seed = (uint64_t)time(NULL);
    eml_suit_collector(L, &s->collector);
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
    eml_open_fields(L, state);
    eml_open_index(L, state);
    eml_open_sparse(L, state);
    eml_open_ops(L, state);
    eml_open_autograd(L, state);
    eml_open_hooks(L, state);
    eml_open_function(L, state);
    eml_open_callback(L);
    eml_open_owner(L);
    eml_open_modes(L, state);
    eml_open_random(L, state);
    eml_open_system(L, state);
    eml_open_describe(L, state);
    eml_open_optim(L, state);
    eml_open_gradients(L, state);
    eml_open_vocab(L, state);
    eml_open_corpus(L, state);
    eml_open_skipgram(L, state);
    eml_open_word2vec(L, state);
    eml_open_subwords(L, state);
    eml_open_classifier(L, state);
    eml_open_kg(L, state);
    eml_open_formats(L, state);
    eml_open_json(L, state);
    eml_open_kept(L, state);
    eml_open_lines(L, state);
    eml_open_list_files(L, state);
    eml_open_file(L, state);
    eml_open_strings(L, state);
    eml_open_search(L, state);
    eml_open_walks(L, state);
    lua_pushliteral(L, EMBLA_VERSION);
    lua_setfield(L, -2, "version_text");
    return 1;
}
