/* Lua's collector sees a few bytes where a tensor holds megabytes: it is told of them. */
#include "bindings.h"

enum { ALLOWED = 64 << 20 };        /* bytes beyond twice what a full collection left, before the next */

/* Young objects are collected for little in the generational mode, so then temporaries go while they are still in the
 * processor's cache. The mode is the host's to choose; it can only be asked by setting it. */
void eml_suit_collector(lua_State *L, eml_collector *c)
{
    const bool generational = lua_gc(L, LUA_GCGEN, 0, 0) == LUA_GCGEN;
    if (!generational) lua_gc(L, LUA_GCINC, 0, 0, 0);
    c->slack = generational ? 2 << 20 : 24 << 20;
    c->share = generational ? 16 : 4;
}

/* It is driven on when the tensors have grown by a part of what there is, and by `slack` at least, since it last
 * ran; what has grown old is only collected in full. */
void eml_tell_collector(lua_State *L, eml_collector *c)
{
    const int64_t used = em_memory_used();
    if (used < c->told) c->told = used;
    const int64_t grown = used - c->told;
    if (grown < c->slack || grown < c->told / c->share) return;
    lua_gc(L, LUA_GCSTEP, (int)((grown < INT64_C(1) << 38 ? grown : INT64_C(1) << 38) >> 10));
    c->told = em_memory_used();
    if (c->told < 2 * c->left + ALLOWED) return;
    lua_gc(L, LUA_GCCOLLECT);
    c->told = c->left = em_memory_used();
}
