/* Networks, and random walks over their nodes. */
#include "handle.h"

#define ADJACENCY "embla.core.Adjacency"
EML_HANDLE(em_adjacency, adjacency, ADJACENCY)

/* adjacency_new(sources, targets, weights or nil, nodes, directed) */
static int adjacency_new(lua_State *L)
{
    const em_tensor *sources = eml_checktensor(L, 1), *targets = eml_checktensor(L, 2);
    const em_tensor *weights = lua_isnoneornil(L, 3) ? NULL : eml_checktensor(L, 3);
    const int64_t nodes = luaL_checkinteger(L, 4);
    const bool directed = lua_toboolean(L, 5);
    em_adjacency **out = push_adjacency(L);
    eml_check(L, em_adjacency_new(out, sources, targets, weights, nodes, directed));
    return 1;
}

/* random_walks(adjacency, starts (W), length, p, q, seed): (W, length) */
static int random_walks(lua_State *L)
{
    const em_adjacency *a = eml_checkhandle(L, 1, ADJACENCY);
    const em_tensor *starts = eml_checktensor(L, 2);
    const em_walk_opts opts = {.length = luaL_checkinteger(L, 3), .p = luaL_checknumber(L, 4),
                               .q = luaL_checknumber(L, 5), .seed = (uint64_t)luaL_checkinteger(L, 6)};
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_random_walks(out, a, starts, &opts));
    return 1;
}

void eml_open_walks(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"adjacency_new", adjacency_new}, {"random_walks", random_walks}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    open_adjacency(L, state);
}
