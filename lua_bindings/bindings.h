/* Between Lua and the core. Every function registered here has the module's state as its first upvalue.
 *
 * Order inside a binding: parse (may raise, may call Lua), push the box, let the core fill it, raise or return. Nothing
 * from the core is ever held only by a C variable while Lua could raise. */
#ifndef EMBLA_BINDINGS_H
#define EMBLA_BINDINGS_H

#include <lauxlib.h>
#include <lua.h>

#include "embla.h"

/* What `embla.Tensor` userdata holds. */
typedef struct eml_box {
    em_tensor *tensor;          /* null once finalized */
    bool parameter;             /* made by nn.Parameter */
} eml_box;

/* When Lua's collector hears of the tensors' bytes. */
typedef struct eml_collector {
    int64_t told;               /* bytes that it knows of */
    int64_t slack;              /* it is told once they have grown by so many */
    int64_t left;               /* bytes that the last full collection left */
    int clean;                  /* steps in a row that found nothing but garbage */
    bool generational;
} eml_collector;

/* What belongs to one Lua state. */
typedef struct eml_state {
    const void *tensor_meta;    /* identity of the tensors' metatable */
    int tensor_meta_ref;        /* it, in the registry */
    em_rng rng;                 /* behind manual_seed */
    eml_collector collector;
    int scope;                  /* registry reference to the list of the innermost embla.scope(), or LUA_NOREF */
    bool anomaly;               /* anomaly detection is on */
    lua_State *running;         /* the coroutine that called last: for what the core calls back */
    char library[256];          /* how the source names of the library's own Lua files begin; "" until known */
} eml_state;

static inline eml_state *eml_getstate(lua_State *L)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    s->running = L;
    return s;
}

/* The tensor at `arg`, or null / an error that names the argument. */
em_tensor *eml_totensor(lua_State *L, int arg);
em_tensor *eml_checktensor(lua_State *L, int arg);
eml_box *eml_checkbox(lua_State *L, int arg);

/* Pushes an empty box; the core fills it through the pointer returned. */
em_tensor **eml_pushtensor(lua_State *L);

/* The same of a state that the caller has at hand: to ask for it is a good part of the work. */
eml_box *eml_boxat(lua_State *L, const eml_state *s, int arg);
em_tensor **eml_pushbox(lua_State *L, eml_state *s);
static inline em_tensor *eml_tensorat(lua_State *L, const eml_state *s, int arg)
{
    const eml_box *box = eml_boxat(L, s, arg);
    return box ? box->tensor : NULL;
}

/* Pushes a tensor that the core lends (null: nil). */
void eml_pushlent(lua_State *L, em_tensor *t);

/* The innermost function of a script that is running; false if there is none. Allocates nothing. */
bool eml_findscript(lua_State *L, const eml_state *s, lua_Debug *at);

/* Raises an error at the line of the script that called the library. Formats are lua_pushfstring's. */
int eml_error(lua_State *L, const char *format, ...);

/* Raises em_error() unless `status` is EM_OK. */
void eml_check(lua_State *L, em_status status);

/* Raises the error "interrupted!" after Ctrl-C: for loops of the bindings' own, once in EML_LONG turns. */
enum { EML_LONG = 1 << 16 };
void eml_checkinterrupt(lua_State *L);

void eml_suit_collector(lua_State *L, eml_collector *c);
void eml_before_tensor(lua_State *L, eml_collector *c);
void eml_before_step(lua_State *L, eml_collector *c);

em_dtype eml_checkdtype(lua_State *L, int arg);

/* The string at `arg` as a path; an error if it has a zero byte in it. */
const char *eml_checkpath(lua_State *L, int arg);

/* The vocabulary at `arg`; an empty box for one, to be filled through the pointer. */
em_vocab *eml_checkvocab(lua_State *L, int arg);
em_vocab **eml_pushvocab(lua_State *L);

/* What a value is, in words for a message: "a" in quotes, a Linear, a table, nothing. May push. */
const char *eml_valuetext(lua_State *L, int arg);

/* Whether the table at `arg`, without a metatable, has names as keys or is empty: then it is one of options. */
bool eml_hasnames(lua_State *L, int arg);

/* An error unless the keys of the table at `table` are 1 to n: names and holes would be read as nothing. */
void eml_checkpositions(lua_State *L, int table, int64_t n, const char *what);

/* A list for a script, of the integers given: pushed, with the metatable that core.list_metatable is, by which it
 * prints as what it is. */
void eml_pushlist(lua_State *L, int n, const int64_t *values);
void eml_marklist(lua_State *L);            /* gives the table on the top that metatable */

/* Integers from a table at `arg` into `out` (at most `most`); returns how many. `what` for messages. */
int eml_checkints(lua_State *L, int arg, int64_t *out, int most, const char *what);

/* A number with an integral value at stack index `index`, or an error "WHAT: expected an integer, got …". */
int64_t eml_tointeger(lua_State *L, int index, const char *what);

/* Pushes a tensor made from the nested table (or number, or boolean) at `arg`; dtype -1: as API.md infers it. */
em_tensor *eml_pushfromtable(lua_State *L, int arg, int dtype, const char *what);

/* A Lua function that the core calls back: kept until eml_freecallback, which the core calls too. An error it raises
 * waits until the core has returned EM_ECALLBACK; eml_checkcallback raises it then, else does as eml_check. */
typedef struct eml_callback {
    lua_State *main;            /* outlives the callback */
    int function;               /* registry reference */
    eml_state *state;
} eml_callback;

/* Makes one of the function at `arg`, in a block of `bytes` that begins with it. */
void *eml_newcallback(lua_State *L, int arg, size_t bytes);
void eml_freecallback(void *callback);

/* Calls `body` protected, with light userdata `callback` and `argument` at 1 and 2, its function at 3. */
em_status eml_runcallback(eml_callback *callback, lua_CFunction body, void *argument);
void eml_checkcallback(lua_State *L, em_status s);

/* Inside such a body, which has no upvalues: pushes a tensor that the core lends. */
void eml_pushgiven(lua_State *L, const eml_state *s, em_tensor *t);

/* Registers functions into the table on the top of the stack, the state being at index `state`. */
void eml_register(lua_State *L, int state, const luaL_Reg *functions);

/* The same for functions that scripts call. `arguments` names them, "t dim", `t` being what a method is a method of:
 * they come by position or, from a last table, by name, and the function finds them at 1, 2, …. One too many, an
 * unknown name and a method called with a dot are errors. */
typedef struct eml_named {
    const char *name;
    lua_CFunction call;
    const char *arguments;
} eml_named;
void eml_register_named(lua_State *L, int state, const eml_named *functions);

/* Parts of the module: each adds its functions to the table on the top of the stack. */
void eml_open_tensor(lua_State *L, int state);
void eml_open_index(lua_State *L, int state);
void eml_open_sparse(lua_State *L, int state);
void eml_open_ops(lua_State *L, int state);
void eml_open_autograd(lua_State *L, int state);
void eml_open_function(lua_State *L, int state);
void eml_open_callback(lua_State *L);
void eml_open_random(lua_State *L, int state);
void eml_open_system(lua_State *L, int state);
void eml_open_describe(lua_State *L, int state);
void eml_open_optim(lua_State *L, int state);
void eml_open_gradients(lua_State *L, int state);
void eml_open_text(lua_State *L, int state);
void eml_open_io(lua_State *L, int state);
/* Each further part is one line here and one in module.c. */

int luaopen_embla_core(lua_State *L);

#endif
