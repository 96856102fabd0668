/* Lines of files of text. */
#include "handle.h"

#define LINES "embla.core.Lines"
EML_HANDLE(em_lines, lines, LINES)

static int lines_open(lua_State *L)
{
    const char *path = eml_checkpath(L, 1);
    em_lines **l = push_lines(L);
    eml_check(L, em_lines_open(l, path));
    return 1;
}

/* lines_next(lines): the next line, without its end; nothing behind the last one */
static int lines_next(lua_State *L)
{
    const char *text;
    size_t n = 0;
    em_lines *l = eml_checkhandle(L, 1, LINES);
    eml_check(L, em_lines_next(l, &text, &n));
    if (!text) return 0;
    lua_pushlstring(L, text, n);
    return 1;
}

void eml_open_lines(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"lines_open", lines_open}, {"lines_next", lines_next}, {"lines_close", collect_lines}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    open_lines(L, state);
}
