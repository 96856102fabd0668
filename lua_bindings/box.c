/* The box that holds a tensor, and errors. */
#include "bindings.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- errors -------------------------------------------------------------------------------------------- */

/* The interrupt has become an error now: a script that catches it goes on undisturbed. The program's hook, on the
 * thread that runs or the main one, would raise it once more. */
static void forget_interrupt(lua_State *L)
{
    em_clear_interrupt();
    lua_sethook(L, NULL, 0, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_sethook(lua_tothread(L, -1), NULL, 0, 0);
    lua_pop(L, 1);
}

bool eml_findscript(lua_State *L, const eml_state *s, lua_Debug *at)
{
    const size_t length = strlen(s->library);
    for (int level = 0; lua_getstack(L, level, at); level++) {
        lua_getinfo(L, "Sl", at);
        if (at->currentline > 0 && (length == 0 || strncmp(at->source, s->library, length) != 0)) return true;
    }
    return false;
}

/* "train.lua:12: " of the innermost Lua function that is not one of the library's. */
static void push_script_position(lua_State *L, const eml_state *s)
{
    lua_Debug at;
    if (eml_findscript(L, s, &at))
        lua_pushfstring(L, "%s:%d: ", at.short_src, at.currentline);
    else
        lua_pushliteral(L, "");
}

/* Puts the name of the function that the script called before the text on the top, and the way to the layer after it
 * (core.set_lead). Below it is the place. */
static void lead_by_called(lua_State *L, const eml_state *s)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)s + 3) == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    lua_insert(L, -2);
    lua_call(L, 1, 2);
    if (lua_isnil(L, -1))
        lua_pop(L, 1);
    else
        lua_replace(L, -3);                     /* the place of a forward that is gone from the stack */
}

static int raise(lua_State *L, const eml_state *s, const char *format, va_list values)
{
    push_script_position(L, s);
    luaL_gsub(L, lua_pushvfstring(L, format, values), " -nan", " nan");      /* C writes the sign of a NaN */
    lua_remove(L, -2);
    lead_by_called(L, s);
    lua_concat(L, 2);
    return lua_error(L);
}

int eml_error(lua_State *L, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    raise(L, eml_getstate(L), format, values);
    va_end(values);
    return 0;
}

int eml_errorin(lua_State *L, eml_state *s, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    raise(L, s, format, values);
    va_end(values);
    return 0;
}

bool eml_again(lua_State *L)
{
    const em_collector before = em_memory_set_collector((em_collector){eml_collect_all, eml_getstate(L)});
    const bool again = em_memory_make_room();
    em_memory_set_collector(before);
    return again;
}

void eml_raise(lua_State *L, em_status status)
{
    if (status == EM_OK) return;
    if (status == EM_EINTERRUPT) forget_interrupt(L);
    eml_error(L, "%s", em_error());
}

void eml_checkinterrupt(lua_State *L)
{
    if (!em_interrupted()) return;
    forget_interrupt(L);
    eml_error(L, "interrupted!");
}

/* ---- the box ------------------------------------------------------------------------------------------- */

eml_box *eml_lookat(lua_State *L, const eml_state *s, int arg)
{
    eml_box *box = lua_touserdata(L, arg);
    if (!box || !lua_getmetatable(L, arg)) return NULL;
    const bool ours = lua_topointer(L, -1) == s->tensor_meta;
    lua_pop(L, 1);
    return ours ? box : NULL;
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
    if (!box) eml_error(L, "argument %d: expected a tensor, got %s", arg, eml_valuetext(L, arg));
    return box;
}

em_tensor *eml_checktensor(lua_State *L, int arg) { return eml_checkbox(L, arg)->tensor; }

em_tensor **eml_pushbox(lua_State *L, eml_state *s)
{
    eml_before_tensor(L, &s->collector);
    eml_box *box = lua_newuserdatauv(L, sizeof *box, 1);
    *box = (eml_box){.turn = s->turn};
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

/* ---- arguments ----------------------------------------------------------------------------------------- */

em_dtype eml_checkdtype(lua_State *L, int arg)
{
    em_dtype d = EM_F32;
    const char *name = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : NULL;
    if (!name || !em_dtype_parse(&d, name))
        eml_error(L, "unknown dtype %s (float32, float64, float16, bfloat16, int64, int32, uint8, bool)",
                  luaL_tolstring(L, arg, NULL));
    return d;
}

const char *eml_valuetext(lua_State *L, int arg)
{
    const int type = lua_type(L, arg);
    if (type == LUA_TNONE || type == LUA_TNIL) return "nothing";
    if (type == LUA_TSTRING) return lua_pushfstring(L, "\"%s\"", lua_tostring(L, arg));
    if (type == LUA_TNUMBER && isnan(lua_tonumber(L, arg))) return "nan";
    if (type == LUA_TFUNCTION || type == LUA_TTHREAD) return lua_pushfstring(L, "a %s", lua_typename(L, type));
    if (type != LUA_TTABLE && type != LUA_TUSERDATA) return luaL_tolstring(L, arg, NULL);
    if (eml_totensor(L, arg)) return "a tensor";
    if (luaL_getmetafield(L, arg, "__library") == LUA_TSTRING)
        return lua_pushfstring(L, "the table %s itself", lua_tostring(L, -1));
    if (luaL_getmetafield(L, arg, "__name") == LUA_TSTRING) return lua_pushfstring(L, "a %s", lua_tostring(L, -1));
    return type == LUA_TTABLE ? "a table" : "userdata";
}

bool eml_hasnames(lua_State *L, int arg)
{
    if (lua_getmetatable(L, arg)) {
        lua_pop(L, 1);
        return false;
    }
    lua_pushnil(L);
    if (!lua_next(L, arg)) return true;
    const bool named = lua_type(L, -2) == LUA_TSTRING;
    lua_pop(L, 2);
    return named;
}

int64_t eml_tointeger(lua_State *L, int index, const char *what)
{
    int ok = 0;
    const lua_Integer i = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &ok) : 0;
    if (!ok) eml_error(L, "%s: expected an integer, got %s", what, eml_valuetext(L, index));
    return i;
}

/* ---- tables that are lists ----------------------------------------------------------------------------- */

static bool is_position(lua_State *L, int index, int64_t n)
{
    return lua_isinteger(L, index) && lua_tointeger(L, index) >= 1 && lua_tointeger(L, index) <= n;
}

static int wrong_gap(lua_State *L, int table, int64_t n, const char *what)
{
    int64_t gap = 1;
    while (gap <= n && lua_rawgeti(L, table, gap) != LUA_TNIL) gap++, lua_pop(L, 1);
    return eml_error(L, "%s: a table with a hole: nothing stands at position %I (from 1)", what, (LUAI_UACINT)gap);
}

/* The key on the top of the stack is none of 1 .. n. */
static int wrong_key(lua_State *L, int table, int64_t n, const char *what)
{
    if (lua_isinteger(L, -1)) return wrong_gap(L, table, n, what);
    if (lua_type(L, -1) == LUA_TSTRING)
        return eml_error(L, "%s: the name '%s' in a list (options stand in a table of their own)", what,
                         lua_tostring(L, -1));
    return eml_error(L, "%s: a key that is no position, %s, in a list", what, eml_valuetext(L, -1));
}

void eml_checkpositions(lua_State *L, int table, int64_t n, const char *what)
{
    table = lua_absindex(L, table);
    int64_t found = 0;
    for (lua_pushnil(L); lua_next(L, table); found++) {
        lua_pop(L, 1);
        if (!is_position(L, -1, n)) wrong_key(L, table, n, what);
    }
    if (found < n) wrong_gap(L, table, n, what);
}

int eml_checkints(lua_State *L, int arg, int64_t *out, int most, const char *what)
{
    const lua_Unsigned n = lua_rawlen(L, arg);
    if (n > (lua_Unsigned)most) return eml_error(L, "%s: at most %d integers, got %d", what, most, (int)n);
    arg = lua_absindex(L, arg);
    int64_t found = 0;
    for (lua_pushnil(L); lua_next(L, arg); found++, lua_pop(L, 1)) {
        if (!is_position(L, -2, (int64_t)n)) {
            lua_pop(L, 1);
            wrong_key(L, arg, (int64_t)n, what);
        }
        out[lua_tointeger(L, -2) - 1] = eml_tointeger(L, -1, what);
    }
    if (found < (int64_t)n) wrong_gap(L, arg, (int64_t)n, what);
    return (int)n;
}

void eml_checkwhole(lua_State *L, int arg, em_dtype dtype, const char *what)
{
    const bool fits = lua_isboolean(L, arg)   ? true
                      : lua_isinteger(L, arg) ? em_dtype_holds_int(dtype, lua_tointeger(L, arg))
                                              : em_dtype_holds(dtype, lua_tonumber(L, arg));
    if (fits) return;
    eml_error(L, "%s: %s does not fit a tensor of %s", what, luaL_tolstring(L, arg, NULL), em_dtype_name(dtype));
}

void eml_marklist(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 6);
    lua_setmetatable(L, -2);
}

void eml_pushlist(lua_State *L, int n, const int64_t *values)
{
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushinteger(L, values[i]);
        lua_rawseti(L, -2, i + 1);
    }
    eml_marklist(L);
}

/* ---- tensors from nested tables ------------------------------------------------------------------------ */

typedef struct reader {
    lua_State *L;
    const char *what;           /* for messages */
    int dims;
    int64_t size[EM_MAX_DIMS];
    bool any_float, any_integer, any_bool;
    em_tensor *to;
    int64_t at;
} reader;

static void shape_of(reader *r)
{
    lua_State *L = r->L;
    luaL_checkstack(L, EM_MAX_DIMS + 8, "tensor");
    const int top = lua_gettop(L);
    while (lua_type(L, -1) == LUA_TTABLE) {
        if (r->dims == EM_MAX_DIMS) eml_error(L, "%s: a table nested more than %d deep", r->what, EM_MAX_DIMS);
        r->size[r->dims++] = (int64_t)lua_rawlen(L, -1);
        if (lua_rawgeti(L, -1, 1) == LUA_TNIL) break;
    }
    lua_settop(L, top);
}

static void look_at_number(reader *r)
{
    lua_State *L = r->L;
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN: r->any_bool = true; break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1))
            r->any_integer = true;
        else
            r->any_float = true;
        break;
    default:
        eml_error(L, "%s: expected numbers, booleans or nested tables of them, got a %s", r->what,
                  luaL_typename(L, -1));
    }
}

static void set_element(reader *r)
{
    lua_State *L = r->L;
    eml_checkfits(L, -1, em_tensor_dtype(r->to), r->what);
    if (lua_isboolean(L, -1))
        em_tensor_set_int(r->to, r->at++, lua_toboolean(L, -1));
    else if (lua_isinteger(L, -1))
        em_tensor_set_int(r->to, r->at++, lua_tointeger(L, -1));
    else
        em_tensor_set(r->to, r->at++, lua_tonumber(L, -1));
}

static void check_length(reader *r, int depth)
{
    lua_State *L = r->L;
    if (lua_type(L, -1) != LUA_TTABLE || (int64_t)lua_rawlen(L, -1) != r->size[depth])
        eml_error(L, "%s: ragged table: expected a table of %d elements at depth %d, got %s", r->what,
                   (int)r->size[depth], depth + 1, lua_type(L, -1) == LUA_TTABLE
                                  ? lua_pushfstring(L, "one of %d", (int)lua_rawlen(L, -1))
                                  : luaL_typename(L, -1));
}

/* The first walk, in any order: as many whole numbers are keys as the table is long. The second, in order, finds that
 * none of its positions is empty, and so that there was nothing else. */
static void look_at_table(reader *r, int depth)
{
    lua_State *L = r->L;
    check_length(r, depth);
    const int table = lua_gettop(L);
    const bool last = depth + 1 == r->dims;
    int64_t found = 0;
    for (lua_pushnil(L); lua_next(L, table); found++) {
        if (found % EML_LONG == 0) eml_checkinterrupt(L);
        if (!lua_isinteger(L, -2)) {
            lua_pop(L, 1);
            wrong_key(L, table, r->size[depth], r->what);
        }
        if (last)
            look_at_number(r);
        else
            look_at_table(r, depth + 1);
        lua_pop(L, 1);
    }
    if (found != r->size[depth]) wrong_gap(L, table, r->size[depth], r->what);
    if (found == 0 && luaL_getmetafield(L, table, "__len") != LUA_TNIL)
        eml_error(L, "%s: a table whose elements are behind a metatable: give an ordinary list", r->what);
}

static void set_elements(reader *r, int depth)
{
    lua_State *L = r->L;
    if (depth == r->dims) {
        set_element(r);
        return;
    }
    for (int64_t i = 1; i <= r->size[depth]; i++) {
        if (i % EML_LONG == 1) eml_checkinterrupt(L);
        if (lua_rawgeti(L, -1, i) == LUA_TNIL) wrong_gap(L, lua_gettop(L) - 1, r->size[depth], r->what);
        set_elements(r, depth + 1);
        lua_pop(L, 1);
    }
}

em_tensor *eml_pushfromtable(lua_State *L, int arg, int dtype, const char *what)
{
    reader r = {.L = L, .what = what};
    arg = lua_absindex(L, arg);
    lua_pushvalue(L, arg);
    shape_of(&r);
    if (r.dims)
        look_at_table(&r, 0);
    else
        look_at_number(&r);
    const em_dtype inferred = r.any_float ? em_default_dtype() : r.any_integer ? EM_I64
                              : r.any_bool ? EM_BOOL : em_default_dtype();
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, dtype < 0 ? inferred : (em_dtype)dtype, r.dims, r.size));
    r.to = *out;
    lua_insert(L, -2);
    set_elements(&r, 0);
    lua_pop(L, 1);
    return r.to;
}

/* Puts the arguments that the table on the top of the stack names in their places (core.set_names). */
static void spread_names(lua_State *L, eml_state *s, const eml_named *f)
{
    const int named = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)s + 4);
    lua_pushstring(L, f->name);
    lua_pushstring(L, f->arguments);
    lua_pushvalue(L, named);
    eml_call(L, s, 3, LUA_MULTRET);
    const int n = lua_gettop(L) - named;
    for (int i = 1; i < named && i <= n; i++) {
        if (lua_isnil(L, i)) continue;
        if (!lua_isnil(L, named + i))
            eml_error(L, "%s: argument %d is given twice, by position and by name", f->name, i);
        lua_copy(L, i, named + i);
    }
    for (int i = 0; i < named; i++) lua_remove(L, 1);
}

static int call_named(lua_State *L)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    const eml_named *f = lua_touserdata(L, lua_upvalueindex(2));
    const bool inside = eml_begin(L, s);
    const int given = lua_gettop(L);
    int most = *f->arguments != '\0';
    for (const char *c = f->arguments; *c; c++) most += *c == ' ';
    if (given > 0 && lua_type(L, given) == LUA_TTABLE && eml_hasnames(L, given)) {
        if (given > most + 1) eml_error(L, "%s: too many arguments: (%s)", f->name, f->arguments);
        spread_names(L, s, f);
    } else if (given > most) {
        eml_error(L, "%s: too many arguments: %d given, %d expected (%s)", f->name, given, most, f->arguments);
    }
    if (f->arguments[0] == 't' && lua_isnoneornil(L, 1))
        eml_error(L, "%s: argument t: expected a tensor, got nothing (a method is called with a colon: t:%s())",
                  f->name, f->name);
    const int n = f->call(L);
    eml_end(s, inside);
    return n;
}

void eml_register_named(lua_State *L, int state, const eml_named *functions)
{
    for (; functions->name; functions++) {
        lua_pushvalue(L, state);
        lua_pushlightuserdata(L, (void *)(uintptr_t)functions);
        lua_pushcclosure(L, call_named, 2);
        lua_setfield(L, -2, functions->name);
    }
}
