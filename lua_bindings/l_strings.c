/* Columns of text. In Lua a missing text is false. */
#include "strings.h"

#define STRINGS "embla.core.Strings"
EML_HANDLE(em_strings, strings, STRINGS)

em_strings *eml_checkstrings(lua_State *L, int arg) { return eml_checkhandle(L, arg, STRINGS); }
em_strings **eml_pushstrings(lua_State *L) { return push_strings(L); }

em_strings *eml_tostrings(lua_State *L, int arg)
{
    em_strings **box = luaL_testudata(L, arg, STRINGS);
    return box ? *box : NULL;
}

/* strings_new(list): its texts, false for a missing one */
static int strings_new(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const int64_t n = (int64_t)lua_rawlen(L, 1);
    em_strings **out = eml_pushstrings(L);
    eml_check(L, em_strings_new(out));
    for (int64_t i = 1; i <= n; i++) {
        size_t length = 0;
        if (i % EML_LONG == 0) eml_checkinterrupt(L);
        const bool missing = lua_rawgeti(L, 1, (lua_Integer)i) == LUA_TBOOLEAN && !lua_toboolean(L, -1);
        if (!missing && lua_type(L, -1) != LUA_TSTRING)
            return eml_error(L, "Frame: text %d: expected a string, or false for a missing one, got %s", (int)i,
                             eml_valuetext(L, -1));
        const char *text = missing ? NULL : lua_tolstring(L, -1, &length);
        eml_check(L, em_strings_add(*out, text, length));
        lua_pop(L, 1);
    }
    return 1;
}

/* strings_info(s): how many, how many missing */
static int strings_info(lua_State *L)
{
    const em_strings *s = eml_checkstrings(L, 1);
    lua_pushinteger(L, (lua_Integer)em_strings_count(s));
    lua_pushinteger(L, (lua_Integer)em_strings_missing(s));
    return 2;
}

static void push_text(lua_State *L, const em_strings *s, int64_t at)
{
    size_t length;
    const char *text = em_strings_get(s, at, &length);
    if (text)
        lua_pushlstring(L, text, length);
    else
        lua_pushboolean(L, false);
}

/* strings_get(s, i): the text, or false */
static int strings_get(lua_State *L)
{
    const em_strings *s = eml_checkstrings(L, 1);
    const int64_t at = luaL_checkinteger(L, 2);
    if (at < 0 || at >= em_strings_count(s)) return 0;
    push_text(L, s, at);
    return 1;
}

/* strings_list(s): a table of all, false for those missing */
static int strings_list(lua_State *L)
{
    const em_strings *s = eml_checkstrings(L, 1);
    const int64_t n = em_strings_count(s);
    lua_createtable(L, n < INT32_MAX ? (int)n : INT32_MAX, 0);
    for (int64_t i = 0; i < n; i++) {
        if (i % EML_LONG == 0) eml_checkinterrupt(L);
        push_text(L, s, i);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    eml_marklist(L);
    return 1;
}

/* strings_select(s, ids) */
static int strings_select(lua_State *L)
{
    const em_strings *s = eml_checkstrings(L, 1);
    const em_tensor *ids = eml_checktensor(L, 2);
    em_strings **out = eml_pushstrings(L);
    eml_check(L, em_strings_select(out, s, ids));
    return 1;
}

/* strings_present(s): (n) bool, whether each is there */
static int strings_present(lua_State *L)
{
    const em_strings *s = eml_checkstrings(L, 1);
    const int64_t n = em_strings_count(s);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, EM_BOOL, 1, &n));
    bool *present = em_tensor_data(*out);
    for (int64_t i = 0; i < n; i++) {
        size_t length;
        present[i] = em_strings_get(s, i, &length) != NULL;
    }
    return 1;
}

/* strings_ids(s, vocab or nil): ids, vocab */
static int strings_ids(lua_State *L)
{
    const em_strings *s = eml_checkstrings(L, 1);
    em_vocab *given = lua_isnoneornil(L, 2) ? NULL : eml_checkvocab(L, 2);
    em_tensor **ids = eml_pushtensor(L);
    em_vocab **words = given ? &given : eml_pushvocab(L);
    if (given) lua_pushvalue(L, 2);
    eml_check(L, em_strings_ids(s, words, ids));
    return 2;
}

void eml_open_strings(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"strings_new", strings_new}, {"strings_info", strings_info}, {"strings_get", strings_get},
        {"strings_list", strings_list}, {"strings_select", strings_select}, {"strings_present", strings_present},
        {"strings_ids", strings_ids}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    open_strings(L, state);
}
