/* Who keeps the callbacks. The core only points at them; Lua's collector must see that a tensor leads to the functions
 * that its history holds, and to what they reach, or it would never free a hook that reaches its own tensor. So the
 * user value of a box is a line: a table of callbacks and of other boxes' lines, `base` the box that it is a view of.
 * Results inherit the lines of what they were computed from, which costs nothing where there are none.
 *
 * A callback that comes late, when something has been computed from its tensor already, must be given to those boxes
 * too. For that boxes can be found, in a weak table, from the first such callback on. What happened before cannot be
 * made up for: such a callback, and one that a box unknown here still leads to, strays. It is kept until the core lets
 * go of it.
 *
 * A gradient that a script sets may lead back to its own tensor, a.grad = f(a). References of the core alone would make
 * that a cycle for ever, so the core gets its values, and the line its box: `grad`. */
#include "bindings.h"

static const char found_key = 0;        /* registry: serial -> box, weak */
static const char strays_key = 0;       /* registry: a userdata whose user value is the first stray */

enum { LINE = 1, NEXT = 2, FEW = 16 };

static eml_box *box_at(lua_State *L, int at) { return lua_touserdata(L, at); }

/* ---- lines --------------------------------------------------------------------------------------------- */

/* Pushes the box's own line, made if it has none. */
static void push_own(lua_State *L, int box)
{
    eml_box *b = box_at(L, box);
    if (b->own_line) {
        lua_getiuservalue(L, box, LINE);
        return;
    }
    lua_createtable(L, 2, 0);
    if (b->lined) {
        lua_getiuservalue(L, box, LINE);
        lua_rawseti(L, -2, 1);
    }
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, box, LINE);
    b->lined = b->own_line = true;
}

/* Adds the value on the top, which it pops, to the box's own line, unless it was the last to be added. */
static void add(lua_State *L, int box)
{
    push_own(L, box);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    lua_rawgeti(L, -1, n);
    const bool there = lua_rawequal(L, -1, -3);
    lua_pop(L, 1);
    if (there) {
        lua_pop(L, 2);
        return;
    }
    lua_insert(L, -2);
    lua_rawseti(L, -2, n + 1);
    lua_pop(L, 1);
}

/* The line on the top, which it pops, becomes one that the box leads to. */
static void join(lua_State *L, int box)
{
    eml_box *b = box_at(L, box);
    if (b->lined) {
        lua_getiuservalue(L, box, LINE);
        const bool same = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        if (same)
            lua_pop(L, 1);
        else
            add(L, box);
        return;
    }
    lua_setiuservalue(L, box, LINE);
    b->lined = true;
}

/* Replaces the view on the top by the box that it is a view of; nothing, and false, if that is none. */
static bool to_base(lua_State *L)
{
    if (!box_at(L, -1)->own_line) {
        lua_pop(L, 1);
        return false;
    }
    lua_getiuservalue(L, -1, LINE);
    const bool has_base = lua_getfield(L, -1, "base") == LUA_TUSERDATA;
    lua_replace(L, -3);                                         /* base, line */
    lua_pop(L, has_base ? 1 : 2);
    return has_base;
}

/* Whether `box` is a view of `base`, or of a view of it: what is changed in place may be changed by its own view. */
static bool is_view_of(lua_State *L, int box, int base)
{
    lua_pushvalue(L, box);
    while (!lua_rawequal(L, -1, base))
        if (!to_base(L)) return false;
    lua_pop(L, 1);
    return true;
}

void eml_inherit(lua_State *L, int to, int from)
{
    to = lua_absindex(L, to);
    from = lua_absindex(L, from);
    const eml_box *a = box_at(L, to), *b = box_at(L, from);
    if (a == b || !a->tensor || !b->tensor) return;
    const bool is_view = em_tensor_same_storage(a->tensor, b->tensor);
    if (b->lined && em_tensor_requires_grad(a->tensor)) {
        lua_getiuservalue(L, from, LINE);
        join(L, to);
    }
    if (!is_view || is_view_of(L, from, to)) return;
    push_own(L, to);
    lua_pushvalue(L, from);
    lua_setfield(L, -2, "base");
    lua_pop(L, 1);
}

void eml_lead_to(lua_State *L, int box, int line)
{
    box = lua_absindex(L, box);
    lua_pushvalue(L, line);
    join(L, box);
}

void eml_inherit_base(lua_State *L, int view)
{
    lua_pushvalue(L, view);
    while (box_at(L, -1)->own_line) {
        lua_getiuservalue(L, -1, LINE);                         /* view, line */
        if (lua_getfield(L, -1, "base") != LUA_TUSERDATA) {
            lua_pop(L, 2);
            break;
        }
        lua_insert(L, -2);                                      /* view, base, line */
        join(L, lua_gettop(L) - 1);
        lua_remove(L, -2);                                      /* base */
    }
    lua_pop(L, 1);
}

void eml_forget_line(lua_State *L, int box)
{
    eml_box *b = box_at(L, box);
    if (!b->lined) return;
    lua_pushnil(L);
    lua_setiuservalue(L, box, LINE);
    b->lined = b->own_line = b->hooked = false;
}

void eml_disown(lua_State *L, eml_state *s, int box)
{
    if (!box_at(L, box)->own_line) return;
    lua_getiuservalue(L, box, LINE);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    lua_Integer kept = 0;
    for (lua_Integer i = 1; i <= n; i++) {
        const int type = lua_rawgeti(L, -1, i);
        const eml_callback *c = type == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
        if (c && c->state == s && c->released)
            lua_pop(L, 1);
        else
            lua_rawseti(L, -2, ++kept);
    }
    for (lua_Integer i = kept + 1; i <= n; i++) {
        lua_pushnil(L);
        lua_rawseti(L, -2, i);
    }
    lua_pop(L, 1);
}

void eml_keep_grad(lua_State *L, int box, int grad)
{
    if (!grad && !box_at(L, box)->own_line) return;
    push_own(L, box);
    if (grad)
        lua_pushvalue(L, grad);
    else
        lua_pushnil(L);
    lua_setfield(L, -2, "grad");
    lua_pop(L, 1);
}

bool eml_push_grad(lua_State *L, int box, const em_tensor *grad)
{
    if (!box_at(L, box)->own_line) return false;
    lua_getiuservalue(L, box, LINE);
    lua_getfield(L, -1, "grad");
    lua_remove(L, -2);
    const em_tensor *kept = eml_totensor(L, -1);
    if (kept && em_tensor_same_storage(kept, grad) && em_tensor_data(kept) == em_tensor_data(grad)) return true;
    lua_pop(L, 1);
    return false;
}

/* ---- boxes that can be found ---------------------------------------------------------------------------- */

uint32_t eml_find_boxes(eml_state *s)
{
    s->finding = s->serial < UINT32_MAX;        /* else callbacks that come late stray */
    return s->serial;
}

void eml_note_box(lua_State *L, eml_state *s, eml_box *box)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &found_key);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, box->serial = ++s->serial);
    lua_pop(L, 1);
    if (s->serial == UINT32_MAX) s->finding = false;
}

static bool is_other(void *arg, void *context) { return arg != context; }

/* Whether the box leads to the callback: it is a result made after the callback's tensor, or the graph says so. */
static bool leads_to(const eml_box *box, const eml_callback *c, uint32_t since)
{
    int64_t passed = 0;
    if (!box->tensor || !em_tensor_requires_grad(box->tensor)) return false;
    if (box->serial > since && !em_tensor_is_leaf(box->tensor)) return true;
    if (em_contexts_of(box->tensor, is_other, (void *)c, &passed)) return false;
    em_contexts_start();                        /* what this search has seen does lead there, or may */
    return true;
}

/* The line on the top, which it pops, of the callback `c`, is joined by each box that leads to it. */
static void spread(lua_State *L, const eml_callback *c, uint32_t since)
{
    const int line = lua_gettop(L);
    em_contexts_start();
    lua_rawgetp(L, LUA_REGISTRYINDEX, &found_key);
    lua_pushnil(L);
    while (lua_next(L, line + 1)) {
        if (leads_to(box_at(L, -1), c, since)) {
            lua_pushvalue(L, line);
            join(L, lua_gettop(L) - 1);
        }
        lua_pop(L, 1);
    }
    lua_settop(L, line - 1);
}

void eml_own(lua_State *L, eml_state *s, int box)
{
    const eml_callback *c = lua_touserdata(L, -1);
    eml_box *b = box_at(L, box);
    const bool given = b->hooked && b->serial;
    box = lua_absindex(L, box);
    eml_disown(L, s, box);
    s->lined = true;
    b->hooked = true;
    if (!em_tensor_is_sole(b->tensor) && !given) {
        eml_find_boxes(s);
        if (!b->serial || !s->finding) eml_keep_stray(L, s, -1);
        lua_pushvalue(L, -1);
        add(L, box);
        lua_getiuservalue(L, box, LINE);
        spread(L, c, b->serial ? b->serial : s->serial);
        lua_pop(L, 1);
        return;
    }
    add(L, box);
}

void eml_own_all(lua_State *L, eml_state *s, uint32_t serial)
{
    const eml_callback *c = lua_touserdata(L, -1);
    s->lined = true;
    if (!s->finding) eml_keep_stray(L, s, -1);
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    spread(L, c, serial);
}

/* ---- strays -------------------------------------------------------------------------------------------- */

/* Lets go of those that the core has let go of. */
static void sweep(lua_State *L, eml_state *s)
{
    s->strays = 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &strays_key);
    int place = LINE;                                   /* of the next one in the value on the top */
    while (lua_getiuservalue(L, -1, place) == LUA_TUSERDATA) {
        const eml_callback *c = lua_touserdata(L, -1);
        if (c->released) {
            lua_getiuservalue(L, -1, NEXT);
            lua_setiuservalue(L, -3, place);
            lua_pop(L, 1);
            continue;
        }
        s->strays++;
        place = NEXT;
        lua_remove(L, -2);
    }
    lua_pop(L, 2);
    s->many_strays = 2 * s->strays + FEW;
}

/* Allocates nothing: finalizers call it. */
void eml_keep_stray(lua_State *L, eml_state *s, int callback)
{
    callback = lua_absindex(L, callback);
    if (s->strays >= s->many_strays) sweep(L, s);
    s->strays++;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &strays_key);
    lua_getiuservalue(L, -1, LINE);
    lua_setiuservalue(L, callback, NEXT);
    lua_pushvalue(L, callback);
    lua_setiuservalue(L, -2, LINE);
    lua_pop(L, 1);
}

void eml_push_stray(lua_State *L, const eml_callback *c)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &strays_key);
    int place = LINE;
    while (lua_getiuservalue(L, -1, place) == LUA_TUSERDATA && lua_touserdata(L, -1) != c) {
        place = NEXT;
        lua_remove(L, -2);
    }
    lua_remove(L, -2);
}

void eml_open_owner(lua_State *L)
{
    eml_pushweak(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &found_key);
    lua_newuserdatauv(L, 0, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &strays_key);
}
