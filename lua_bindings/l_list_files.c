/* Lists of files. */
#include "handle.h"

EML_HANDLE(em_files, files, "embla.core.Files")

/* files(folder, suffix, flat): table of paths; if flat, none of those in the folder's folders */
static int files(lua_State *L)
{
    const char *folder = eml_checkpath(L, 1), *suffix = luaL_checkstring(L, 2);
    const bool flat = lua_toboolean(L, 3);
    em_files **list = push_files(L);
    eml_check(L, em_files_list(list, folder, suffix, !flat));
    const int64_t n = em_files_count(*list);
    lua_createtable(L, (int)(n < 1000000 ? n : 1000000), 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushstring(L, em_files_path(*list, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void eml_open_list_files(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"files", files}, {NULL, NULL}};
    eml_register(L, state, functions);
    open_files(L, state);
}
