/* Where the scripts lie: EMBLA_SCRIPT_DIR (share/lua/5.4) beside the folder of the program, in an installation as in
 * a build tree. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>

#include "program.h"

/* The folder above the one that holds the program; false where the system does not tell. */
static bool find_prefix(char prefix[PATH_MAX])
{
    const ssize_t length = readlink("/proc/self/exe", prefix, PATH_MAX - 1);
    if (length <= 0) return false;
    prefix[length] = '\0';
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(prefix, '/');
        if (!slash) return false;
        *slash = '\0';
    }
    return true;
}

void paths_find_scripts(lua_State *L)
{
    char prefix[PATH_MAX];
    if (!find_prefix(prefix)) return;
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s/%s/?.lua;%s/%s/?/init.lua;%s", prefix, EMBLA_SCRIPT_DIR, prefix, EMBLA_SCRIPT_DIR,
                    lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_pop(L, 2);
}
