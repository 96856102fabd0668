/* Searches in tables. */
#include "bindings.h"

static em_tensor *optional(lua_State *L, int arg) { return lua_isnoneornil(L, arg) ? NULL : eml_checktensor(L, arg); }

/* search_topk(queries, table, k, metric as a number, first or -1, only, exclude, exclude ends, norms): scores, ids */
static int search_topk(lua_State *L)
{
    const em_tensor *queries = eml_checktensor(L, 1), *table = eml_checktensor(L, 2);
    const em_topk_opts opts = {.metric = (em_metric)luaL_checkinteger(L, 4), .first = luaL_checkinteger(L, 5),
                               .only = optional(L, 6), .exclude = optional(L, 7), .exclude_ends = optional(L, 8),
                               .norms = optional(L, 9)};
    const lua_Integer k = luaL_checkinteger(L, 3);
    luaL_argcheck(L, opts.metric <= EM_L2, 4, "no such metric");
    em_tensor **scores = eml_pushtensor(L), **ids = eml_pushtensor(L);
    eml_check(L, em_topk(scores, ids, queries, table, k, &opts));
    return 2;
}

void eml_open_search(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"search_topk", search_topk}, {NULL, NULL}};
    eml_register(L, state, functions);
}
