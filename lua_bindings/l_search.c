/* Searches in tables. */
#include "bindings.h"

static em_tensor *optional(lua_State *L, int arg) { return lua_isnoneornil(L, arg) ? NULL : eml_checktensor(L, arg); }

static em_metric check_metric(lua_State *L, int arg)
{
    static const char *const names[] = {"dot", "cosine", "l2", NULL};
    return (em_metric)luaL_checkoption(L, arg, NULL, names);
}

/* search_topk(queries, table, k, metric, first or -1, only, exclude, exclude ends, norms): scores, ids */
static int search_topk(lua_State *L)
{
    const em_tensor *queries = eml_checktensor(L, 1), *table = eml_checktensor(L, 2);
    const em_topk_opts opts = {.metric = check_metric(L, 4), .first = luaL_checkinteger(L, 5),
                               .only = optional(L, 6), .exclude = optional(L, 7), .exclude_ends = optional(L, 8),
                               .norms = optional(L, 9)};
    const lua_Integer k = luaL_checkinteger(L, 3);
    em_tensor **scores = eml_pushtensor(L), **ids = eml_pushtensor(L);
    eml_check(L, em_topk(scores, ids, queries, table, k, &opts));
    return 2;
}

/* search_hnsw_build(table, metric, M, ef_construction, seed): vectors, links, upper, first, entry */
static int search_hnsw_build(lua_State *L)
{
    const em_tensor *table = eml_checktensor(L, 1);
    const em_hnsw_opts opts = {check_metric(L, 2), luaL_checkinteger(L, 3), luaL_checkinteger(L, 4),
                               (uint64_t)luaL_checkinteger(L, 5)};
    em_tensor **vectors = eml_pushtensor(L), **links = eml_pushtensor(L), **upper = eml_pushtensor(L),
              **first = eml_pushtensor(L);
    em_hnsw h;
    eml_check(L, em_hnsw_build(&h, table, &opts));
    *vectors = h.vectors;
    *links = h.links;
    *upper = h.upper;
    *first = h.first;
    lua_pushinteger(L, h.entry);
    return 5;
}

/* search_hnsw_search(queries, k, ef, metric, vectors, links, upper, first, entry): scores, ids */
static int search_hnsw_search(lua_State *L)
{
    const em_tensor *queries = eml_checktensor(L, 1);
    const em_hnsw h = {check_metric(L, 4), eml_checktensor(L, 5), eml_checktensor(L, 6),
                       eml_checktensor(L, 7), eml_checktensor(L, 8), luaL_checkinteger(L, 9)};
    const lua_Integer k = luaL_checkinteger(L, 2), ef = luaL_checkinteger(L, 3);
    em_tensor **scores = eml_pushtensor(L), **ids = eml_pushtensor(L);
    eml_check(L, em_hnsw_search(scores, ids, &h, queries, k, ef));
    return 2;
}

void eml_open_search(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"search_topk", search_topk}, {"search_hnsw_build", search_hnsw_build},
                                         {"search_hnsw_search", search_hnsw_search}, {NULL, NULL}};
    eml_register(L, state, functions);
}
