/* Where a binding begins and ends, and when it is safe to free what a script lets go of.
 *
 * A binding takes tensors out of their boxes and uses them while it makes other boxes, which lets Lua's collector run
 * finalizers, which may do anything: close the scope that owns one of those boxes, close a coroutine that does, call
 * __gc. Hence the rule: what such a one lets go of waits in a list until the next turn, if it was taken out of its box
 * in the turn that still goes on. A turn begins with a binding that no other one can be in the middle of. Such are
 *   - one called while none is (`inside` is false), and
 *   - one called while there is one, but neither by a finalizer, in the middle of anything, nor by a function that one
 *     has called through eml_call, holding tensors. What else calls a script, a hook of backward say, holds references
 *     of its own by then, or nothing; or `inside` was left behind by an error.
 * A box that nobody took from in this turn is freed at once: nearly all that the collector finds, whose memory the
 * result under way is to have. */
#include "bindings.h"

#include <stdlib.h>

/* Finalizers run with the collector stopped, which it tells. */
static bool in_finalizer(lua_State *L)
{
    const int answer = lua_gc(L, LUA_GCISRUNNING);
    return LUA_VERSION_RELEASE_NUM >= 50404 ? answer < 0 : answer == 0;
}

void eml_begin_inside(lua_State *L, eml_state *s, bool *inside)
{
    if (in_finalizer(L)) {
        s->disturbed = true;
        return;
    }
    if (s->waiting) return;
    s->turn++;
    if (s->lefts) eml_release_left(s);
    if (!s->callbacks) *inside = false;
}

void eml_after_finalizer(lua_State *L, eml_state *s)
{
    s->disturbed = in_finalizer(L);
    if (s->unsettled) eml_take_modes(L, s);
}

/* An error passes through after the counter is right again. */
void eml_call(lua_State *L, eml_state *s, int arguments, int results)
{
    s->waiting++;
    const int status = lua_pcall(L, arguments, results, 0);
    s->waiting--;
    s->inside = true;
    s->running = L;
    if (status != LUA_OK) lua_error(L);
    if (s->unsettled) eml_take_modes(L, s);
}

/* ---- letting go ---------------------------------------------------------------------------------------- */

void eml_release_left(eml_state *s)
{
    while (s->lefts) {
        const eml_left last = s->left[--s->lefts];
        last.release(last.what);
    }
}

/* Without memory for the list its reference is never given back: better than a tensor that is gone too soon. */
static void wait_for_turn(eml_state *s, void (*release)(void *), void *what)
{
    if (s->lefts == s->room) {
        const int64_t room = s->room ? 2 * s->room : 64;
        eml_left *larger = realloc(s->left, (size_t)room * sizeof *larger);
        if (!larger) return;
        s->left = larger;
        s->room = room;
    }
    s->left[s->lefts++] = (eml_left){release, what};
}

void eml_let_go(eml_state *s, void (*release)(void *), void *what)
{
    if (s->inside && !s->closed)
        wait_for_turn(s, release, what);
    else
        release(what);
}

static void release_tensor(void *t) { em_tensor_release(t); }

static void empty(void *what)
{
    eml_box *box = what;
    em_tensor *t = box->tensor;
    box->tensor = NULL;
    box->waiting = false;
    em_tensor_release(t);
}

static bool in_use(const eml_state *s, const eml_box *box) { return s->inside && box->turn == s->turn; }

/* A binding may have made the box a moment ago, and look into it again. */
void eml_empty_box(eml_state *s, eml_box *box)
{
    if (!box->tensor || box->waiting) return;
    box->waiting = in_use(s, box);
    if (box->waiting)
        wait_for_turn(s, empty, box);
    else
        empty(box);
}

/* For a box that will be gone itself. */
void eml_drop_tensor(eml_state *s, eml_box *box)
{
    em_tensor *t = box->tensor;
    const bool waits = box->waiting, used = in_use(s, box);
    box->tensor = NULL;
    box->waiting = false;
    for (int64_t i = s->lefts - 1; waits && i >= 0; i--)
        if (s->left[i].what == box) {
            s->left[i] = (eml_left){release_tensor, t};
            return;
        }
    if (t && used && !s->closed)
        wait_for_turn(s, release_tensor, t);
    else
        em_tensor_release(t);
}

/* ---- the state and its functions ----------------------------------------------------------------------- */

/* Its finalizer runs after all others, which were made later. */
static int close_state(lua_State *L)
{
    eml_state *s = lua_touserdata(L, 1);
    s->closed = true;
    eml_release_left(s);
    free(s->left);
    s->left = NULL;
    s->room = 0;
    if (s->tracing) em_set_trace(NULL, NULL);
    return 0;
}

eml_state *eml_newstate(lua_State *L)
{
    eml_state *s = lua_newuserdatauv(L, sizeof *s, 0);
    *s = (eml_state){.turn = 1};
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_state);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return s;
}

/* Upvalues: the state, the function, which finds the state there too. */
static int enter(lua_State *L)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    const bool inside = eml_begin(L, s);
    const int n = lua_tocfunction(L, lua_upvalueindex(2))(L);
    eml_end(s, inside);
    return n;
}

/* Sets a field of the table on the top of the stack. */
static void set_binding(lua_State *L, int state, const char *name, lua_CFunction f)
{
    lua_pushvalue(L, state);
    lua_pushcfunction(L, f);
    lua_pushcclosure(L, enter, 2);
    lua_setfield(L, -2, name);
}

void eml_register(lua_State *L, int state, const luaL_Reg *functions)
{
    for (const luaL_Reg *f = functions; f->name; f++) set_binding(L, state, f->name, f->func);
}

void eml_register_fields(lua_State *L, int state, const eml_named *fields)
{
    for (const eml_named *f = fields; f->name; f++) set_binding(L, state, f->name, f->call);
    eml_note_rows(L, fields);
}
