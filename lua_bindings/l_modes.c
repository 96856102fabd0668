/* What a block of a script has switched, until it ends: recording of gradients, anomaly detection, scopes that free
 * tensors early; and what it keeps to put it back: the generator, the values of tensors.
 *
 * A mode belongs to the coroutine that opened it. Where a binding is called, that holds which the running coroutine
 * opened last; if it opened none, what held last in one of those coroutines that wait for it; else the default. So a
 * generator that is left in the middle of its block switches nothing for others.
 *
 * A mode is a userdata, a guard, whole before anything is switched, so that an error on the way changes nothing. It
 * ends with its `<close>` variable. Should that word be missing, it holds as long as some local variable of its
 * coroutine has it, which is looked up: `local _ = embla.no_grad()` ends with its block, a bare `embla.no_grad()`
 * switches nothing. Guards may end in any order, twice, and out of finalizers: each takes only itself off the list.
 * A guard owns its coroutine (a user value), so that its lua_State is there as long as the guard is. */
#include "bindings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define MODE "embla.Mode"
#define SCOPE "embla.Scope"
#define KEPT "embla.Kept"

enum { THREAD = 1, MADE, KEEPS };       /* user values of a guard; a scope's: the boxes made in it, those to keep */

/* ---- the list ------------------------------------------------------------------------------------------ */

void eml_open_mode(eml_state *s, eml_mode *mode)
{
    mode->open = true;
    mode->seen = ++s->looks;
    mode->older = s->modes;
    mode->newer = NULL;
    if (s->modes) s->modes->newer = mode;
    s->modes = mode;
    s->unsettled = true;
}

void eml_close_mode(eml_state *s, eml_mode *mode)
{
    if (!mode->open) return;
    mode->open = false;
    if (mode->older) mode->older->newer = mode->newer;
    *(mode->newer ? &mode->newer->older : &s->modes) = mode->older;
    if (s->now[mode->kind] == mode) s->now[mode->kind] = NULL;
    s->unsettled = true;                        /* what the core was told may be this mode's */
}

/* ---- the variable that holds a guard ------------------------------------------------------------------- */

/* The frames of a coroutine: most often as many as the last time, or nearly so. */
static int depth_of(lua_State *L, int guess)
{
    lua_Debug at;
    int low = guess, step = 1;                  /* there are at least `low` */
    while (low > 0 && !lua_getstack(L, low - 1, &at)) {
        low = low > step ? low - step : 0;
        step *= 2;
    }
    for (step = 1; lua_getstack(L, low + step - 1, &at); step *= 2) low += step;
    for (step /= 2; step > 0; step /= 2)
        if (lua_getstack(L, low + step - 1, &at)) low += step;
    return low;
}

/* Whether local variable `n` of a frame is the guard; *any: whether there is one of that number. */
static bool is_local(lua_State *L, const lua_Debug *at, int n, const eml_mode *m, bool *any)
{
    const char *name = lua_getlocal(L, at, n);
    if (any) *any = name;
    if (!name) return false;
    const bool variable = name[0] != '(' || name[1] == 'f';     /* "(for state)" is one, "(temporary)" is not */
    const bool found = variable && lua_touserdata(L, -1) == m;
    lua_pop(L, 1);
    return found;
}

static bool find_in_frame(lua_State *L, const lua_Debug *at, eml_mode *m)
{
    bool any = true;
    for (int n = 1; any; n++)
        if (is_local(L, at, n, m, &any)) {
            m->local = n;
            return true;
        }
    return false;
}

/* Looks through the frames around the one that opened it: a guard may be handed on as an argument or a result. */
static bool find_variable(lua_State *L, eml_mode *m)
{
    enum { INWARDS = 4, OUTWARDS = 32 };
    lua_Debug at;
    int from = m->opened + INWARDS, to = m->opened - OUTWARDS;
    if (from > m->depth) from = m->depth;
    if (to < 1) to = 1;
    for (int frame = from; frame >= to; frame--)
        if (lua_getstack(L, m->depth - frame, &at) && find_in_frame(L, &at, m)) {
            m->frame = frame;
            return true;
        }
    return false;
}

/* Whether the mode is in effect in its coroutine. One whose variable is gone has ended; one that has never had one may
 * still get it, `local _ <close>, y = embla.no_grad(), x + 1`, for a few calls. */
static bool holds(eml_state *s, eml_mode *m)
{
    enum { PATIENCE = 16 };
    lua_State *L = m->thread;
    lua_Debug at;
    if (m->standing) return true;
    if (!lua_checkstack(L, 1)) return false;
    m->depth = depth_of(L, m->depth);
    if (m->local && m->frame <= m->depth && lua_getstack(L, m->depth - m->frame, &at) &&
        is_local(L, &at, m->local, m, NULL))
        return true;
    if (find_variable(L, m)) return true;
    if (m->local || ++m->misses == PATIENCE) eml_close_mode(s, m);
    return false;
}

/* ---- which are in effect ------------------------------------------------------------------------------- */

/* Whether a coroutine that does not run waits for one that does. */
static bool is_below(lua_State *thread)
{
    lua_Debug at;
    return lua_status(thread) == LUA_OK && lua_getstack(thread, 0, &at);
}

static void where_called(void *context, char *text, size_t room)
{
    const eml_state *s = context;
    lua_Debug at;
    if (eml_findscript(s->running, s, &at))
        snprintf(text, room, "%s:%d", at.short_src, at.currentline);
    else
        snprintf(text, room, "a line that is not known");
}

/* Finds the modes in effect for coroutine L, and tells the core. */
void eml_take_modes(lua_State *L, eml_state *s)
{
    eml_mode *now[EML_MODES] = {NULL}, *older;
    for (eml_mode *m = s->modes; m; m = older) {
        older = m->older;
        if (m->thread == L && !now[m->kind] && holds(s, m)) now[m->kind] = m;
    }
    bool own[EML_MODES];
    for (int k = 0; k < EML_MODES; k++) {
        own[k] = now[k] || k == EML_SCOPE;
        if (now[k]) now[k]->seen = ++s->looks;
    }
    for (eml_mode *m = s->modes; m; m = older) {
        older = m->older;
        if (m->thread == L || own[m->kind] || (now[m->kind] && now[m->kind]->seen >= m->seen)) continue;
        if (is_below(m->thread) && holds(s, m)) now[m->kind] = m;
    }
    for (int k = 0; k < EML_MODES; k++) s->now[k] = now[k];
    s->unsettled = s->modes;
    em_set_grad_enabled(now[EML_GRAD] ? now[EML_GRAD]->on : true);
    const bool tracing = now[EML_ANOMALY] ? now[EML_ANOMALY]->on : s->anomaly;
    if (tracing == s->tracing) return;
    s->tracing = tracing;
    em_set_trace(tracing ? where_called : NULL, s);
}

/* ---- guards -------------------------------------------------------------------------------------------- */

/* Pushes a guard, whole but not in the list yet. */
static eml_mode *push_guard(lua_State *L, eml_state *s, eml_mode_kind kind, bool on)
{
    eml_mode *m = lua_newuserdatauv(L, sizeof *m, kind == EML_SCOPE ? KEEPS : THREAD);
    memset(m, 0, offsetof(eml_mode, file));
    m->thread = L;
    m->kind = kind;
    m->on = on;
    lua_pushthread(L);
    lua_setiuservalue(L, -2, THREAD);
    if (kind == EML_SCOPE)
        luaL_setmetatable(L, SCOPE);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->mode_meta_ref), lua_setmetatable(L, -2);
    s->depth = m->depth = m->opened = depth_of(L, s->depth);
    return m;
}

static void note_place(lua_State *L, const eml_state *s, eml_mode *m)
{
    lua_Debug at;
    if (!eml_findscript(L, s, &at)) return;
    m->line = at.currentline;
    memcpy(m->file, at.short_src, sizeof m->file);
}

/* core.open_grad(on, noted) -> guard; `noted`: errors shall name the line */
static int open_grad(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    eml_mode *m = push_guard(L, s, EML_GRAD, lua_toboolean(L, 1));
    if (lua_toboolean(L, 2)) note_place(L, s, m);
    eml_open_mode(s, m);
    return 1;
}

/* core.open_anomaly() -> guard */
static int open_anomaly(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    eml_open_mode(s, push_guard(L, s, EML_ANOMALY, true));
    return 1;
}

static void end_mode(lua_State *L, eml_mode *m)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    if (!m->open) return;
    eml_close_mode(s, m);
    eml_take_modes(L, s);
}

/* guard:__close(), guard:__gc(): for one that has ended, in the middle of anything */
static int close_guard(lua_State *L)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    eml_mode *m = lua_touserdata(L, 1);
    if (!m || !lua_getmetatable(L, 1) || lua_topointer(L, -1) != s->mode_meta) return luaL_typeerror(L, 1, MODE);
    if (m->open) end_mode(L, m);
    return 0;
}

static int is_grad_enabled(lua_State *L)
{
    lua_pushboolean(L, em_grad_enabled());
    return 1;
}

/* core.set_anomaly(on): where nothing else is said */
static int set_anomaly(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    s->anomaly = lua_toboolean(L, 1);
    eml_take_modes(L, s);
    return 0;
}

/* ---- scopes -------------------------------------------------------------------------------------------- */

/* core.open_scope() -> guard */
static int open_scope(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    lua_settop(L, 0);
    eml_mode *m = push_guard(L, s, EML_SCOPE, true);
    lua_newtable(L);
    lua_setiuservalue(L, 1, MADE);
    lua_newtable(L);
    lua_setiuservalue(L, 1, KEEPS);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->scopes);
    lua_pushvalue(L, 1);
    lua_rawsetp(L, -2, m);
    lua_settop(L, 1);
    eml_open_mode(s, m);
    return 1;
}

/* The box on the top of the stack is noted in the scope that is in effect. */
void eml_note_in_scope(lua_State *L, const eml_state *s)
{
    const int box = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->scopes);
    lua_rawgetp(L, -1, s->now[EML_SCOPE]);
    if (lua_getiuservalue(L, -1, MADE) == LUA_TTABLE) {
        lua_pushvalue(L, box);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    lua_settop(L, box);
}

/* core.keep_in_scope(scope, tensor) */
static int keep_in_scope(lua_State *L)
{
    luaL_checkudata(L, 1, SCOPE);
    eml_checkbox(L, 2);
    lua_settop(L, 2);
    if (lua_getiuservalue(L, 1, KEEPS) != LUA_TTABLE) return 0;
    lua_insert(L, 2);
    lua_pushboolean(L, 1);
    lua_rawset(L, 2);
    return 0;
}

/* core.handle(tensor) -> the same in a box of its own, which no scope empties: for what the library keeps */
static int new_handle(lua_State *L)
{
    eml_pushgiven(L, eml_getstate(L), eml_checktensor(L, 1));
    return 1;
}

/* core.outlast(tensor) -> the tensor, which no scope empties from now on: for what belongs to a module */
static int outlast(lua_State *L)
{
    eml_checkbox(L, 1)->lasting = true;
    lua_settop(L, 1);
    return 1;
}

/* What a scope that is never closed has made is the collector's. */
static int forget_scope(lua_State *L)
{
    end_mode(L, luaL_checkudata(L, 1, SCOPE));
    return 0;
}

/* core.close_scope(scope): lets go of every tensor made in it, but for those to keep and those that last */
static int close_scope(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    end_mode(L, luaL_checkudata(L, 1, SCOPE));
    lua_settop(L, 1);
    if (lua_getiuservalue(L, 1, MADE) != LUA_TTABLE || lua_getiuservalue(L, 1, KEEPS) != LUA_TTABLE) return 0;
    lua_pushnil(L);
    lua_setiuservalue(L, 1, MADE);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        eml_box *box = eml_lookat(L, s, -1);
        if (box && lua_rawget(L, 3) == LUA_TNIL && !box->lasting) eml_empty_box(s, box);
        lua_settop(L, 3);
    }
    return 0;
}

/* ---- things put back ----------------------------------------------------------------------------------- */

/* What a block is about to change, as it was: put back by its `<close>`, and by nothing else. */
typedef struct kept {
    bool generator;
    em_rng rng;
    int64_t n;                  /* tensors, each followed by a copy of it */
    em_tensor *tensors[];
} kept;

static void release_tensors(kept *k)
{
    for (; k->n > 0; k->n--) {
        em_tensor_release(k->tensors[2 * k->n - 2]);
        em_tensor_release(k->tensors[2 * k->n - 1]);
    }
}

static kept *push_kept(lua_State *L, int64_t tensors)
{
    const size_t bytes = sizeof(kept) + 2 * (size_t)tensors * sizeof(em_tensor *);
    kept *k = lua_newuserdatauv(L, bytes, 0);
    memset(k, 0, bytes);
    luaL_setmetatable(L, KEPT);
    return k;
}

/* core.keep_generator() -> guard */
static int keep_generator(lua_State *L)
{
    const eml_state *s = eml_getstate(L);
    kept *k = push_kept(L, 0);
    k->generator = true;
    k->rng = s->rng;
    return 1;
}

/* core.keep_values(list of tensors) -> guard */
static int keep_values(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    const int64_t n = (int64_t)lua_rawlen(L, 1);
    kept *k = push_kept(L, n);
    for (int64_t i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        em_tensor *t = eml_checktensor(L, -1);
        em_tensor *copy;
        eml_check(L, em_tensor_clone(&copy, t));
        em_tensor_retain(t);
        k->tensors[2 * i - 2] = t;
        k->tensors[2 * i - 1] = copy;
        k->n = i;
        lua_pop(L, 1);
    }
    return 1;
}

static int put_back(lua_State *L)
{
    eml_state *s = eml_getstate(L);
    kept *k = luaL_checkudata(L, 1, KEPT);
    em_status status = EM_OK;
    if (k->generator) s->rng = k->rng;
    k->generator = false;
    for (int64_t i = 0; i < k->n; i++) {
        const em_status one = em_tensor_copy(k->tensors[2 * i], k->tensors[2 * i + 1]);
        if (one) status = one;
    }
    release_tensors(k);
    eml_check(L, status);
    return 0;
}

static int forget_kept(lua_State *L)
{
    release_tensors(luaL_checkudata(L, 1, KEPT));
    return 0;
}

/* ---- registration -------------------------------------------------------------------------------------- */

static void new_metatable(lua_State *L, int state, const char *name, const luaL_Reg *metamethods)
{
    luaL_newmetatable(L, name);
    lua_pushvalue(L, state);
    luaL_setfuncs(L, metamethods, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

void eml_open_modes(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"open_grad", open_grad}, {"open_anomaly", open_anomaly}, {"set_anomaly", set_anomaly},
        {"open_scope", open_scope}, {"close_scope", close_scope}, {"keep_in_scope", keep_in_scope},
        {"handle", new_handle}, {"outlast", outlast}, {"keep_generator", keep_generator}, {"keep_values", keep_values},
        {NULL, NULL},
    };
    static const eml_named named[] = {
        {"is_grad_enabled", is_grad_enabled, "", "Whether gradients are being recorded.\n@return boolean"},
        {NULL, NULL, NULL, NULL},
    };
    static const luaL_Reg mode[] = {{"__close", close_guard}, {"__gc", close_guard}, {NULL, NULL}};
    static const luaL_Reg scope[] = {{"__close", close_scope}, {"__gc", forget_scope}, {NULL, NULL}};
    static const luaL_Reg kept_values[] = {{"__close", put_back}, {"__gc", forget_kept}, {NULL, NULL}};
    eml_state *s = lua_touserdata(L, state);
    eml_register(L, state, functions);
    eml_register_named(L, state, named);
    new_metatable(L, state, MODE, mode);
    s->mode_meta = lua_topointer(L, -1);
    lua_pushvalue(L, -1);
    s->mode_meta_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    new_metatable(L, state, KEPT, kept_values);
    new_metatable(L, state, SCOPE, scope);
    lua_newtable(L);                            /* the methods, which the Lua part defines */
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
    lua_setfield(L, -5, "scope_methods");
    lua_pop(L, 3);
    eml_pushweak(L);
    s->scopes = luaL_ref(L, LUA_REGISTRYINDEX);
}
