/* Lua's collector sees a few bytes where a tensor holds megabytes: it is told of them. */
#include "bindings.h"

enum {
    HOT = 512 << 10,            /* bytes that stay in a processor's own cache */
    WIDEST = 64 << 20,          /* the largest slack */
    AGED = 16 << 20,            /* bytes that may have grown old, at least, before a full collection */
    WORTH = 16,                 /* a full collection takes as long as it takes to fill so many times Lua's memory */
    PATIENCE = 8,               /* steps in a row that free all, before they come sooner */
    INCREMENT = 24 << 20,       /* the least slack in the incremental mode */
};

/* The mode is the host's to choose; it can only be asked by setting it. */
void eml_suit_collector(lua_State *L, eml_collector *c)
{
    c->generational = lua_gc(L, LUA_GCGEN, 0, 0) == LUA_GCGEN;
    if (!c->generational) lua_gc(L, LUA_GCINC, 0, 0, 0);
    c->slack = c->generational ? HOT : INCREMENT;
}

/* In the generational mode a step collects what is young, in less than a microsecond. The sooner it comes, the more of
 * the last results' memory is still in the cache for the next ones. But what is in use at two steps is old from then
 * on, and only collected in full: where graphs hold their tensors, the slack grows to more than they hold. */
static void adapt(eml_collector *c, int64_t grown, int64_t freed, bool aged)
{
    if (!c->generational) {
        c->slack = c->told / 4 > INCREMENT ? c->told / 4 : INCREMENT;
        return;
    }
    c->clean = freed >= grown - grown / 16 ? c->clean + 1 : 0;
    if (aged || freed < grown / 2) {
        if (c->slack < WIDEST) c->slack *= 2;
    } else if (c->clean == PATIENCE) {
        if (c->slack > HOT) c->slack /= 2;
        c->clean = 0;
    }
}

static int64_t collect_young(lua_State *L, eml_collector *c, int64_t grown)
{
    const int64_t used = c->told + grown;
    lua_gc(L, LUA_GCSTEP, (int)((grown < INT64_C(1) << 38 ? grown : INT64_C(1) << 38) >> 10));
    c->told = em_memory_used();
    return used - c->told;
}

/* A full collection if much has grown old; whether it has. */
static bool collect_old(lua_State *L, eml_collector *c)
{
    const int64_t worth = (int64_t)lua_gc(L, LUA_GCCOUNT) * 1024 * WORTH, before = c->told;
    if (before < c->left + AGED + (c->left < worth ? c->left : worth)) return false;
    lua_gc(L, LUA_GCCOLLECT);
    c->told = c->left = em_memory_used();
    return before - c->left > AGED / 2;
}

static int64_t grown_since(eml_collector *c)
{
    const int64_t used = em_memory_used();
    if (used < c->told) c->told = used;
    return used - c->told;
}

/* Before a tensor is made, so that it can take the place of one that is garbage. */
void eml_before_tensor(lua_State *L, eml_collector *c)
{
    const int64_t grown = grown_since(c);
    if (grown < c->slack) return;
    const int64_t freed = collect_young(L, c, grown);
    adapt(c, grown, freed, collect_old(L, c));
}

/* Where a training step begins, what the last one made is garbage. */
void eml_before_step(lua_State *L, eml_collector *c)
{
    const int64_t grown = grown_since(c);
    if (grown < HOT || !c->generational) return;
    collect_young(L, c, grown);
    collect_old(L, c);
}

/* Twice: what a finalizer lets go of is found by the second. */
bool eml_collect_all(void *state)
{
    eml_state *s = state;
    lua_gc(s->running, LUA_GCCOLLECT);
    lua_gc(s->running, LUA_GCCOLLECT);
    s->collector.told = s->collector.left = em_memory_used();
    return true;
}
