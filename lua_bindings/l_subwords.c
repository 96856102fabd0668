/* Vectors of words by their n-grams. */
#include "bindings.h"

em_word *eml_checkwords(lua_State *L, int arg, const char *owner, lua_Integer *n)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    *n = (lua_Integer)lua_rawlen(L, arg);
    em_word *words = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *words, 0);
    for (lua_Integer i = 0; i < *n; i++, lua_pop(L, 1)) {
        if (lua_rawgeti(L, arg, i + 1) != LUA_TSTRING) eml_error(L, "%s: word %d is no string", owner, (int)i + 1);
        words[i].at = lua_tolstring(L, -1, &words[i].n);        /* the list keeps it */
    }
    return words;
}

/* subwords_vectors(list of n words, buckets, minn, maxn): Tensor (n, D) */
static int subwords_vectors(lua_State *L)
{
    lua_Integer n;
    const em_tensor *buckets = eml_checktensor(L, 2);
    const lua_Integer minn = luaL_checkinteger(L, 3), maxn = luaL_checkinteger(L, 4);
    const em_word *words = eml_checkwords(L, 1, "subwords_vectors", &n);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_subwords_vectors(out, words, n, buckets, minn, maxn));
    return 1;
}

void eml_open_subwords(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"subwords_vectors", subwords_vectors}, {NULL, NULL}};
    eml_register(L, state, functions);
}
