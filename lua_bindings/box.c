/* The box that holds a tensor. */
#include <assert.h>

#include "bindings.h"

eml_box *eml_lookat(lua_State *L, const eml_state *s, int arg)
{
    eml_box *box = lua_touserdata(L, arg);
    return box && lua_rawlen(L, arg) == sizeof *box && box->meta == s->tensor_meta ? box : NULL;
}

eml_box *eml_boxat(lua_State *L, const eml_state *s, int arg)
{
    eml_box *box = eml_lookat(L, s, arg);
    if (!box || !box->tensor) return NULL;
    assert(s->inside);                          /* who takes tensors out has said eml_begin */
    box->turn = s->turn;
    return box;
}

em_tensor *eml_totensor(lua_State *L, int arg) { return eml_tensorat(L, eml_getstate(L), arg); }

eml_box *eml_checkbox(lua_State *L, int arg)
{
    eml_box *box = eml_boxat(L, eml_getstate(L), arg);
    if (!box) eml_error(L, "%s: expected a tensor, got %s", eml_pushargument(L, arg), eml_valuetext(L, arg));
    return box;
}

em_tensor *eml_checktensor(lua_State *L, int arg) { return eml_checkbox(L, arg)->tensor; }

em_tensor **eml_pushbox(lua_State *L, eml_state *s)
{
    eml_before_tensor(L, &s->collector);
    eml_box *box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = (eml_box){.meta = s->tensor_meta, .turn = s->turn};
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->tensor_meta_ref);
    lua_setmetatable(L, -2);
    if (s->disturbed) eml_after_finalizer(L, s);
    if (s->now[EML_SCOPE]) eml_note_in_scope(L, s);
    if (s->finding) eml_note_box(L, s, box);
    return &box->tensor;
}

em_tensor **eml_pushtensor(lua_State *L) { return eml_pushbox(L, eml_getstate(L)); }

void eml_pushlent(lua_State *L, em_tensor *t)
{
    if (!t) {
        lua_pushnil(L);
        return;
    }
    em_tensor **slot = eml_pushtensor(L);
    em_tensor_retain(t);
    *slot = t;
}
