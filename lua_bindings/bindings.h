/* Between Lua and the core. Every function registered here has the module's state as its first upvalue.
 *
 * Order inside a binding: parse (may raise, may call Lua), push the box, let the core fill it, raise or return. Nothing
 * from the core is ever held only by a C variable while Lua could raise. */
#ifndef EMBLA_BINDINGS_H
#define EMBLA_BINDINGS_H

#include <lauxlib.h>
#include <lua.h>
#include <math.h>

#include "embla.h"

/* What `embla.Tensor` userdata holds. */
typedef struct eml_box {
    em_tensor *tensor;          /* null once let go of */
    const void *meta;           /* identity of the tensors' metatable, by which a box is known among userdata */
    bool parameter;             /* made by nn.Parameter */
    bool lasting;               /* no scope empties it */
    bool waiting;               /* to be emptied when the running binding is done */
    bool lined, own_line;       /* its user value is a line of callbacks; one of its own (owner.c) */
    bool hooked;                /* a callback came: all that leads to the tensor has its own line */
    unsigned turn;              /* of the call that took the tensor out last: running.c */
    uint32_t serial;            /* among the boxes that can be found; 0: not among them */
} eml_box;

/* When Lua's collector hears of the tensors' bytes. */
typedef struct eml_collector {
    int64_t told;               /* bytes that it knows of */
    int64_t slack;              /* it is told once they have grown by so many */
    int64_t left;               /* bytes that the last full collection left */
    int clean;                  /* steps in a row that found nothing but garbage */
    bool generational;
} eml_collector;

/* What a block has switched, until it ends: l_modes.c. */
typedef enum eml_mode_kind { EML_GRAD, EML_ANOMALY, EML_SCOPE, EML_MODES } eml_mode_kind;
typedef struct eml_mode {
    struct eml_mode *older, *newer;     /* of those open */
    lua_State *thread;          /* the coroutine that opened it */
    eml_mode_kind kind;
    bool on, open;
    bool standing;              /* a call of C answers for its end; else it holds while a variable does */
    int depth;                  /* frames of `thread` when last counted */
    int opened, frame, local;   /* frames counted from the bottom: where it was opened, where its variable is */
    int misses;                 /* times that no variable was found */
    uint64_t seen;              /* when it was last in effect for a call of its coroutine: state.looks */
    int line;                   /* of `file`, where it was opened; 0: not noted */
    char file[LUA_IDSIZE];
} eml_mode;

/* What a call in the middle may still use, though its box has let go of it. */
typedef struct eml_left {
    void (*release)(void *);
    void *what;
} eml_left;

/* What belongs to one Lua state. */
typedef struct eml_state {
    const void *tensor_meta;    /* identity of the tensors' metatable */
    int tensor_meta_ref;        /* it, in the registry */
    em_rng rng;                 /* behind manual_seed */
    eml_collector collector;
    lua_State *running;         /* the coroutine that called last: for what the core calls back */
    bool lined;                 /* there has been a callback: boxes may have lines */
    bool finding;               /* boxes made now can be found (owner.c) */
    uint32_t serial;            /* of the box made last of these */
    int64_t strays, many_strays;        /* callbacks without a box; so many are worth a look */

    bool inside;                /* a binding is in the middle, or was left by an error */
    int waiting, callbacks;     /* calls of scripts out of a binding: one that holds tensors meanwhile; any */
    unsigned turn;              /* counts the calls that no other one is in the middle of */
    eml_left *left;             /* let go of since the last of them; `lefts` of `room` */
    int64_t lefts, room;
    bool closed;                /* the state is being closed */

    eml_mode *modes;            /* those open, newest first */
    uint64_t looks;             /* counts the times that they were looked through */
    const eml_mode *now[EML_MODES];     /* those in effect where the running call began; null: the default */
    bool unsettled;             /* that may have changed since; true while any is open */
    bool disturbed;             /* a finalizer has called in the middle of a call */
    bool anomaly, tracing;      /* anomaly detection: the default, and what the core was told */
    int scopes;                 /* registry reference: from an eml_mode to its scope */
    int depth;                  /* frames where the last mode was opened, which is a good guess for the next */
    const void *mode_meta;      /* identity of the guards' metatable */
    int mode_meta_ref;          /* it, in the registry */

    char library[256];          /* how the source names of the library's own Lua files begin; "" until known */
} eml_state;

static inline eml_state *eml_getstate(lua_State *L)
{
    eml_state *s = lua_touserdata(L, lua_upvalueindex(1));
    s->running = L;
    return s;
}

/* Every binding runs between these two; functions that eml_register registers need not say so. `begin` gives back what
 * `end` takes; an error in between needs no end. What scripts have switched holds from here on, and what they let go of
 * while the binding runs stays until it is done (running.c). */
void eml_begin_inside(lua_State *L, eml_state *s, bool *inside);
void eml_take_modes(lua_State *L, eml_state *s);
void eml_release_left(eml_state *s);

static inline bool eml_begin(lua_State *L, eml_state *s)
{
    bool inside = s->inside;
    s->running = L;
    if (inside) {
        eml_begin_inside(L, s, &inside);
    } else {
        s->inside = true;
        s->turn++;
        if (s->lefts) eml_release_left(s);
    }
    if (s->unsettled) eml_take_modes(L, s);
    return inside;
}

/* Where a box was made in the middle of it: finalizers may have run. */
void eml_after_finalizer(lua_State *L, eml_state *s);

static inline void eml_end(eml_state *s, bool inside) { s->inside = inside; }

/* Calls a Lua function like lua_call, for a binding that has taken tensors out of their boxes. */
void eml_call(lua_State *L, eml_state *s, int arguments, int results);

/* A box is emptied, when no binding may be using it any more; or it lets go of its tensor at once, which is freed by
 * then. Something else, not in a box, is let go of. */
void eml_empty_box(eml_state *s, eml_box *box);
void eml_drop_tensor(eml_state *s, eml_box *box);
void eml_let_go(eml_state *s, void (*release)(void *), void *what);

/* A mode that ends with a call of C: `mode` may lie on its stack. */
void eml_open_mode(eml_state *s, eml_mode *mode);
void eml_close_mode(eml_state *s, eml_mode *mode);

/* Notes the box on the top of the stack in the scope in effect, of which there is one. */
void eml_note_in_scope(lua_State *L, const eml_state *s);

/* The tensor at `arg`, or null / an error that names the argument. */
em_tensor *eml_totensor(lua_State *L, int arg);
em_tensor *eml_checktensor(lua_State *L, int arg);
eml_box *eml_checkbox(lua_State *L, int arg);

/* The box at `arg`, which may be empty, or null; it does not count as used by a binding. */
eml_box *eml_lookat(lua_State *L, const eml_state *s, int arg);

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

/* t:detach() and t.data */
int eml_detach(lua_State *L);

/* Pushes a tensor that the core lends (null: nil). */
void eml_pushlent(lua_State *L, em_tensor *t);

/* The innermost function of a script that is running; false if there is none. Allocates nothing. */
bool eml_findscript(lua_State *L, const eml_state *s, lua_Debug *at);

/* Pushes an element: NaN without a sign, which Lua would print. */
static inline void eml_pushfloat(lua_State *L, double x) { lua_pushnumber(L, x == x ? x : NAN); }

/* An error "WHAT: 256 does not fit a tensor of uint8" if such a tensor cannot hold the number or boolean at `arg`. */
void eml_checkinteger(lua_State *L, int arg, em_dtype dtype, const char *what);
static inline void eml_checkfits(lua_State *L, int arg, em_dtype dtype, const char *what)
{
    if (!em_dtype_is_float(dtype)) eml_checkinteger(L, arg, dtype, what);
}

/* Element `at` of a tensor, in row-major order, becomes the number or boolean at `arg`, which fits. */
static inline void eml_setelement(lua_State *L, em_tensor *t, int64_t at, int arg)
{
    if (lua_isboolean(L, arg))
        em_tensor_set_int(t, at, lua_toboolean(L, arg));
    else if (lua_isinteger(L, arg))
        em_tensor_set_int(t, at, lua_tointeger(L, arg));
    else
        em_tensor_set(t, at, lua_tonumber(L, arg));
}

/* Pushes element `at`. */
static inline void eml_pushelement(lua_State *L, const em_tensor *t, int64_t at)
{
    if (em_dtype_is_float(em_tensor_dtype(t)))
        eml_pushfloat(L, em_tensor_get(t, at));
    else if (em_tensor_dtype(t) == EM_BOOL)
        lua_pushboolean(L, em_tensor_get_int(t, at) != 0);
    else
        lua_pushinteger(L, em_tensor_get_int(t, at));
}

/* Pushes the number or boolean at `arg` (> 0) as a 0-d tensor of bool, int64 or float64. */
em_tensor *eml_pushscalar(lua_State *L, int arg);

/* Raises an error at the line of the script that called the library. Formats are lua_pushfstring's. The second is for
 * the bodies of callbacks, which have no upvalues. */
int eml_error(lua_State *L, const char *format, ...);
int eml_errorin(lua_State *L, eml_state *s, const char *format, ...);

/* Raises em_error() unless `call` returns EM_OK. A call that wants memory is made once more after a collection: having
 * failed, it has left its arguments as they were, and here nothing half-done is in the way of finalizers. */
#define eml_check(L, call) \
    do { \
        em_status eml__status = (call); \
        if (eml__status == EM_ENOMEM && eml_again(L)) eml__status = (call); \
        if (eml__status) eml_raise(L, eml__status); \
    } while (0)

/* After EM_ENOMEM: collects garbage; whether the call is then to be made once more. */
bool eml_again(lua_State *L);

/* Raises em_error() unless `status` is EM_OK. */
void eml_raise(lua_State *L, em_status status);

/* Raises the error "interrupted!" after Ctrl-C: for loops of the bindings' own, once in EML_LONG turns. */
enum { EML_LONG = 1 << 16 };
void eml_checkinterrupt(lua_State *L);

void eml_suit_collector(lua_State *L, eml_collector *c);
void eml_before_tensor(lua_State *L, eml_collector *c);
void eml_before_step(lua_State *L, eml_collector *c);

/* Collects all garbage, finalizers of finalizers too; where memory is wanting. For em_memory_set_collector as well. */
bool eml_collect_all(void *state);

em_dtype eml_checkdtype(lua_State *L, int arg);

/* The string at `arg` as a path; an error if it has a zero byte in it. */
const char *eml_checkpath(lua_State *L, int arg);

/* The vocabulary at `arg`; an empty box for one, to be filled through the pointer. */
em_vocab *eml_checkvocab(lua_State *L, int arg);

/* The strings of a list, lent by it; their array is left on the stack. */
em_word *eml_checkwords(lua_State *L, int arg, const char *owner, lua_Integer *n);
em_vocab **eml_pushvocab(lua_State *L);

/* The corpus at `arg`. */
em_corpus *eml_checkcorpus(lua_State *L, int arg);

/* What a message calls the argument at `arg` > 0 of the function that runs: "tolist: argument t". Pushes. */
const char *eml_pushargument(lua_State *L, int arg);

/* What an option expects, in words: "integer", "number >= 0", "one of sum, mean". May push. */
const char *eml_expectstext(lua_State *L, const em_opt_spec *spec);

/* What a value is, in words for a message: "a" in quotes, a Linear, a table, nothing. May push. */
const char *eml_valuetext(lua_State *L, int arg);

/* Whether the table at `arg`, without a metatable, has names as keys or is empty: then it is one of options. */
bool eml_hasnames(lua_State *L, int arg);

/* An error unless the keys of the table at `table` are 1 to n: names and holes would be read as nothing. */
void eml_checkpositions(lua_State *L, int table, int64_t n, const char *what);

/* What is wrong with a list that should have the keys 1 to n: nothing stands at one of them; or the key on the top of
 * the stack is none of them. */
int eml_wronggap(lua_State *L, int table, int64_t n, const char *what);
int eml_wrongkey(lua_State *L, int table, int64_t n, const char *what);

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

/* A Lua function that the core calls back: a userdata whose first user value it is. An error it raises waits until the
 * core has returned EM_ECALLBACK; eml_checkcallback raises it then, else does as eml_check. */
typedef struct eml_callback {
    eml_state *state;
    bool released;              /* the core has let go of it */
} eml_callback;

/* Pushes a table that keeps none of its values. */
void eml_pushweak(lua_State *L);

/* Pushes one of the function at `arg`, in a block of `bytes` that begins with it. */
void *eml_newcallback(lua_State *L, int arg, size_t bytes);
void eml_freecallback(void *callback);      /* what the core calls when it lets go */

/* owner.c: a callback lives as long as boxes lead to it.
 *   eml_own         the box at `box` gets the callback on the top of the stack, which it pops; so does each box that
 *                   leads there by now
 *   eml_own_all     boxes made since `serial` whose tensors have a history get the callback on the top, which it pops
 *   eml_disown      the box at `box` lets go of the callbacks that the core has let go of
 *   eml_inherit     the box at `to` leads to what the box at `from` leads to. For each result and tensor given, once
 *                   the result has its history, if there are lines at all
 *   eml_lead_to     the box at `box` leads to what the line at `line` holds
 *   eml_inherit_base the same for the tensor that the view at `view` shows, after a change of the view
 *   eml_find_boxes  from here on; returns the serial of the last box
 *   eml_forget_line of the box at `box`, whose tensor has no history any more
 *   eml_keep_grad   the box at `box` keeps the gradient at `grad`, of which the core has just the values; 0: none
 *   eml_push_grad   the gradient that the box keeps, if its values are those of `grad`; else nothing, and false
 *   eml_keep_stray  the callback at `callback`, which has no box: it is kept until the core lets go of it
 *   eml_push_stray  that callback if it is one, else nil */
void eml_own(lua_State *L, eml_state *s, int box);
void eml_own_all(lua_State *L, eml_state *s, uint32_t serial);
void eml_disown(lua_State *L, eml_state *s, int box);
void eml_inherit(lua_State *L, int to, int from);
void eml_lead_to(lua_State *L, int box, int line);
void eml_inherit_base(lua_State *L, int view);
uint32_t eml_find_boxes(eml_state *s);
void eml_forget_line(lua_State *L, int box);
void eml_keep_grad(lua_State *L, int box, int grad);
bool eml_push_grad(lua_State *L, int box, const em_tensor *grad);
void eml_keep_stray(lua_State *L, eml_state *s, int callback);
void eml_push_stray(lua_State *L, const eml_callback *c);
void eml_note_box(lua_State *L, eml_state *s, eml_box *box);    /* on the top of the stack, while boxes can be found */
void eml_open_owner(lua_State *L);

/* Calls `body` protected, with light userdata `callback` and `argument` at 1 and 2, its function at 3. */
em_status eml_runcallback(eml_callback *callback, lua_CFunction body, void *argument);
void eml_checkcallback(lua_State *L, em_status s);

/* Inside such a body, which has no upvalues: pushes a tensor that the core lends. No scope owns the box. */
void eml_pushgiven(lua_State *L, eml_state *s, em_tensor *t);

/* Pushes the state of one lua_State. */
eml_state *eml_newstate(lua_State *L);

/* Registers functions into the table on the top of the stack, the state being at index `state`. */
void eml_register(lua_State *L, int state, const luaL_Reg *functions);

/* The same for functions that scripts call. `arguments` names them, "t dim", `t` being what a method is a method of:
 * they come by position or, from a last table, by name, and the function finds them at 1, 2, …. One too many, an
 * unknown name and a method called with a dot are errors. */
typedef struct eml_named {
    const char *name;
    lua_CFunction call;
    const char *arguments;      /* null for a field */
    const char *doc;            /* for help: a sentence, then @param, @return, @raise as above a function in Lua */
} eml_named;
void eml_register_named(lua_State *L, int state, const eml_named *functions);

/* "tolist: argument t": an argument of the running function, if it is one of those; else "argument 1". On the stack. */
const char *eml_pushargument(lua_State *L, int arg);

/* The same for fields, each of which has a function that is called with the tensor. */
void eml_register_fields(lua_State *L, int state, const eml_named *fields);

/* For help: functions of these names in the table on the top of the stack were registered by these rows. Both of the
 * above say so themselves. */
void eml_note_rows(lua_State *L, const eml_named *rows);

/* What the doc says of a method that changes its tensor. */
#define EML_CHANGES \
    "\nWhile gradients are recorded, what was there before gets none.\n@return the tensor\n" \
    "@raise for a leaf that requires grad"

/* Parts of the module: each adds its functions to the table on the top of the stack. */
void eml_open_tensor(lua_State *L, int state);
void eml_open_fields(lua_State *L, int state);
void eml_open_index(lua_State *L, int state);
void eml_open_sparse(lua_State *L, int state);
void eml_open_ops(lua_State *L, int state);
void eml_open_autograd(lua_State *L, int state);
void eml_open_hooks(lua_State *L, int state);
void eml_open_function(lua_State *L, int state);
void eml_open_modes(lua_State *L, int state);
void eml_open_callback(lua_State *L);
void eml_open_random(lua_State *L, int state);
void eml_open_system(lua_State *L, int state);
void eml_open_describe(lua_State *L, int state);
void eml_open_optim(lua_State *L, int state);
void eml_open_gradients(lua_State *L, int state);
void eml_open_vocab(lua_State *L, int state);
void eml_open_corpus(lua_State *L, int state);
void eml_open_skipgram(lua_State *L, int state);
void eml_open_word2vec(lua_State *L, int state);
void eml_open_subwords(lua_State *L, int state);
void eml_open_classifier(lua_State *L, int state);
void eml_open_kg(lua_State *L, int state);
void eml_open_formats(lua_State *L, int state);
void eml_open_json(lua_State *L, int state);
void eml_open_kept(lua_State *L, int state);
void eml_open_lines(lua_State *L, int state);
void eml_open_list_files(lua_State *L, int state);
void eml_open_file(lua_State *L, int state);
void eml_open_strings(lua_State *L, int state);
void eml_open_search(lua_State *L, int state);
void eml_open_walks(lua_State *L, int state);
/* Each further part is one line here and one in module.c. */

int luaopen_embla_core(lua_State *L);

#endif
