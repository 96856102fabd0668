/* Lua with the bindings, and an allocator that a script can have fail: fail_lua(k) lets k allocations succeed, k < 0
 * all. Runs the script given. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

int luaopen_embla_core(lua_State *L);

static lua_Integer left = -1;

static void *allocate(void *context, void *block, size_t before, size_t bytes)
{
    (void)context;
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    if (left >= 0 && (!block || bytes > before)) {
        if (left == 0) return NULL;
        left--;
    }
    return realloc(block, bytes);
}

static int fail_lua(lua_State *L)
{
    left = luaL_checkinteger(L, 1);
    return 0;
}

int main(int argc, char **argv)
{
    lua_State *L = argc == 2 ? lua_newstate(allocate, NULL) : NULL;
    if (!L) return EXIT_FAILURE;
    luaL_openlibs(L);
    lua_register(L, "fail_lua", fail_lua);
    luaL_requiref(L, "embla.core", luaopen_embla_core, 0);
    lua_createtable(L, 0, 1);
    lua_pushstring(L, argv[1]);
    lua_rawseti(L, -2, 0);
    lua_setglobal(L, "arg");
    const bool failed = luaL_dofile(L, argv[1]);
    if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_close(L);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
