/* Files in one piece, files that grow at their ends, folders. */
#include "handle.h"

EML_HANDLE(em_bytes, bytes, "embla.core.Bytes")
EML_HANDLE(em_appender, appender, "embla.core.Appender")

static em_appender *check_appender(lua_State *L) { return eml_checkhandle(L, 1, "embla.core.Appender"); }

/* read_file(path): all its bytes */
static int read_file(lua_State *L)
{
    const char *path = eml_checkpath(L, 1);
    em_bytes **b = push_bytes(L);
    eml_check(L, em_bytes_read(b, path));
    lua_pushlstring(L, em_bytes_size(*b) ? em_bytes_data(*b) : "", em_bytes_size(*b));
    return 1;
}

/* write_file(path, bytes): whole or not at all */
static int write_file(lua_State *L)
{
    size_t n;
    const char *path = eml_checkpath(L, 1), *text = luaL_checklstring(L, 2, &n);
    eml_check(L, em_bytes_write(path, text, n));
    return 0;
}

/* append_open(path): a handle, how many bytes there are */
static int append_open(lua_State *L)
{
    const char *path = eml_checkpath(L, 1);
    int64_t size;
    em_appender **a = push_appender(L);
    eml_check(L, em_appender_open(a, path));
    eml_check(L, em_appender_size(*a, &size));
    lua_pushinteger(L, size);
    return 2;
}

/* append_cut(handle, size): leaves so many bytes */
static int append_cut(lua_State *L)
{
    const lua_Integer size = luaL_checkinteger(L, 2);
    luaL_argcheck(L, size >= 0, 2, "it is negative");
    eml_check(L, em_appender_cut(check_appender(L), size));
    return 0;
}

/* append_write(handle, bytes) */
static int append_write(lua_State *L)
{
    size_t n;
    const char *text = luaL_checklstring(L, 2, &n);
    eml_check(L, em_appender_write(check_appender(L), text, n));
    return 0;
}

/* append_sync(handle): returns once the bytes are on the disk */
static int append_sync(lua_State *L)
{
    eml_check(L, em_appender_sync(check_appender(L)));
    return 0;
}

/* append_close(handle) */
static int append_close(lua_State *L)
{
    eml_check(L, em_appender_close(check_appender(L)));
    return collect_appender(L);
}

/* make_folder(path): with those above it that are missing */
static int make_folder(lua_State *L)
{
    eml_check(L, em_make_folder(eml_checkpath(L, 1)));
    return 0;
}

/* remove_file(path): which need not be there */
static int remove_file(lua_State *L)
{
    eml_check(L, em_remove_file(eml_checkpath(L, 1)));
    return 0;
}

void eml_open_file(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"read_file", read_file},       {"write_file", write_file},     {"append_open", append_open},
        {"append_cut", append_cut},     {"append_write", append_write}, {"append_sync", append_sync},
        {"append_close", append_close}, {"make_folder", make_folder},   {"remove_file", remove_file},
        {NULL, NULL},
    };
    eml_register(L, state, functions);
    open_bytes(L, state);
    open_appender(L, state);
}
