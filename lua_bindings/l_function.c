/* What autograd calls back in Lua beside hooks: functions with a backward of their own, checkpoints. */
#include "bindings.h"

/* ---- functions ------------------------------------------------------------------------------------------ */

typedef struct function {
    eml_callback callback;
    int n_in, n_out;
} function;

typedef struct function_call {
    em_tensor *const *saved, *const *dy;
    int n_saved;
    em_tensor **dx;
} function_call;

static void push_given_list(lua_State *L, eml_state *s, em_tensor *const *list, int n)
{
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        if (!list[i]) continue;
        eml_pushgiven(L, s, list[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/* f(saved, dy) -> list of gradients, one for each argument */
static int run_backward(lua_State *L)
{
    const function *f = lua_touserdata(L, 1);
    const function_call *c = lua_touserdata(L, 2);
    push_given_list(L, f->callback.state, c->saved, c->n_saved);
    push_given_list(L, f->callback.state, c->dy, f->n_out);
    lua_call(L, 2, 1);
    for (int i = 0; i < f->n_in; i++) {
        lua_rawgeti(L, -1, i + 1);
        em_tensor *g = eml_tensorat(L, f->callback.state, -1);
        if (!g && lua_toboolean(L, -1))
            return eml_errorin(L, f->callback.state, "backward: the gradient of argument %d is a %s, expected a tensor "
                               "or nil", i + 1, luaL_typename(L, -1));
        if (g) em_tensor_retain(c->dx[i] = g);
        lua_pop(L, 1);
    }
    return 0;
}

static em_status call_backward(void *context, em_tensor *const *saved, int n_saved, em_tensor *const *dy,
                               em_tensor **dx)
{
    return eml_runcallback(context, run_backward, &(function_call){saved, dy, n_saved, dx});
}

/* The tensors among elements 1 .. n of the table at `arg`, null for others: a userdata, left on the stack. */
static em_tensor **some_tensors(lua_State *L, int arg, int n)
{
    em_tensor **list = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *list, 0);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, arg, i + 1);
        list[i] = eml_totensor(L, -1);
        lua_pop(L, 1);
    }
    return list;
}

/* The results lead to the callback on the top, which it pops, and to what the arguments lead to. */
static void own_by_results(lua_State *L, const em_function *f)
{
    const int line = lua_gettop(L);
    eml_getstate(L)->lined = true;
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, line, 1);
    for (int i = 0, k = 1; i < f->n_in; i++) {
        lua_rawgeti(L, 3, i + 1);
        const eml_box *box = f->in[i] ? lua_touserdata(L, -1) : NULL;
        if (box && box->lined) {
            lua_getiuservalue(L, -1, 1);
            lua_rawseti(L, line, ++k);
        }
        lua_settop(L, line);
    }
    for (int i = 0; i < f->n_out; i++) {
        lua_rawgeti(L, 5, i + 1);
        if (f->out[i]) eml_lead_to(L, -1, line);
        lua_settop(L, line);
    }
    lua_pop(L, 1);
}

/* core.record_function(name, f, inputs, n_in, results, n_out, saved, materialize): the tensors among the results get
 * a history whose backward is f. */
static int record_function(lua_State *L)
{
    em_function record = {.name = luaL_checkstring(L, 1), .backward = call_backward, .release = eml_freecallback,
                          .n_in = (int)luaL_checkinteger(L, 4), .n_out = (int)luaL_checkinteger(L, 6),
                          .n_saved = (int)lua_rawlen(L, 7), .materialize = lua_toboolean(L, 8)};
    record.in = some_tensors(L, 3, record.n_in);
    record.out = some_tensors(L, 5, record.n_out);
    record.saved = some_tensors(L, 7, record.n_saved);
    for (int i = 0; i < record.n_saved; i++)
        if (!record.saved[i]) return eml_error(L, "%s: saved value %d is no tensor", record.name, i + 1);
    function *f = eml_newcallback(L, 2, sizeof *f);
    f->n_in = record.n_in;
    f->n_out = record.n_out;
    record.context = f;
    const em_status s = em_function_record(&record);
    if (s) eml_freecallback(f);
    eml_raise(L, s);
    own_by_results(L, &record);
    return 0;
}

/* ---- checkpoints ---------------------------------------------------------------------------------------- */

static int run_again(lua_State *L)
{
    lua_call(L, 0, 0);
    return 0;
}

static em_status call_again(void *context) { return eml_runcallback(context, run_again, NULL); }

/* core.checkpoint(again, f, …): f's results; what its gradients need is not kept, again() runs it once more */
static int checkpoint(lua_State *L)
{
    luaL_checkany(L, 2);
    eml_state *state = eml_getstate(L);
    const uint32_t serial = eml_find_boxes(state);
    eml_callback *again = eml_newcallback(L, 1, sizeof *again);
    lua_replace(L, 1);
    em_checkpoint *c;
    const em_status s = em_checkpoint_open(&c, call_again, eml_freecallback, again);
    if (s) eml_freecallback(again);
    eml_raise(L, s);
    const int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    em_checkpoint_close(c);
    lua_pushvalue(L, 1);
    eml_own_all(L, state, serial);
    if (status != LUA_OK) return lua_error(L);
    return lua_gettop(L) - 1;
}

void eml_open_function(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"record_function", record_function}, {"checkpoint", checkpoint},
                                         {NULL, NULL}};
    eml_register(L, state, functions);
}
