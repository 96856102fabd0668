/* Files of vectors, lists of files, and what standard output is. */
#include <unistd.h>

#include "bindings.h"

/* vectors_save(path, vocab, matrix, binary) */
static int vectors_save(lua_State *L)
{
    const char *path = eml_checkpath(L, 1);
    const em_vocab *v = eml_checkvocab(L, 2);
    const em_tensor *m = eml_checktensor(L, 3);
    eml_check(L, em_vectors_save(path, v, m, lua_toboolean(L, 4)));
    return 0;
}

/* vectors_load(path, binary): vocab, matrix */
static int vectors_load(lua_State *L)
{
    const char *path = eml_checkpath(L, 1);
    const bool binary = lua_toboolean(L, 2);
    em_vocab **v = eml_pushvocab(L);
    em_tensor **m = eml_pushtensor(L);
    eml_check(L, em_vectors_load(v, m, path, binary));
    return 2;
}

static int files_gc(lua_State *L)
{
    em_files **box = luaL_checkudata(L, 1, "embla.core.Files"), *files = *box;
    *box = NULL;
    em_files_release(files);
    return 0;
}

/* files(folder, suffix): table of paths */
static int files(lua_State *L)
{
    const char *folder = eml_checkpath(L, 1), *suffix = luaL_checkstring(L, 2);
    em_files **list = lua_newuserdatauv(L, sizeof *list, 0);
    *list = NULL;
    luaL_setmetatable(L, "embla.core.Files");
    eml_check(L, em_files_list(list, folder, suffix));
    const int64_t n = em_files_count(*list);
    lua_createtable(L, (int)(n < 1000000 ? n : 1000000), 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushstring(L, em_files_path(*list, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* is_terminal(number of a file descriptor) */
static int is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

void eml_open_io(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"vectors_save", vectors_save}, {"vectors_load", vectors_load}, {"files", files}, {"is_terminal", is_terminal},
        {NULL, NULL},
    };
    eml_register(L, state, functions);
    luaL_newmetatable(L, "embla.core.Files");
    lua_pushcfunction(L, files_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
