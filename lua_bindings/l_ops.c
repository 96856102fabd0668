/* Operations as Lua functions: positional and strict. Arguments are the inputs in order, then the options in order;
 * where the first option is a required dim, it stands right after the first input, as in PyTorch (gather(x, dim,
 * index)). A table of named options may end the arguments: the reader set with core.set_reader turns it into positions.
 */
#include "option.h"

#include <math.h>
#include <string.h>

/* One function's way of being called, read once from its descriptor. */
typedef struct signature {
    eml_state *state;
    const em_op *op;
    const em_opt_spec *opts;
    const em_opts *defaults;
    unsigned required;                  /* bits of the options that must be given */
    int n_opts, n_in, n_out;
    bool list;                          /* inputs are one table of tensors */
    bool dim_first;
    bool inplace;
    const em_input_spec *inputs;
    char title[48];
} signature;

static void read_signature(signature *s, eml_state *state, const em_op *op, bool inplace)
{
    memset(s, 0, sizeof *s);
    s->state = state;
    s->op = op;
    s->opts = em_op_opts(op);
    s->defaults = em_op_defaults(op);
    s->inplace = inplace;
    for (; s->opts[s->n_opts].name; s->n_opts++)
        if (!strcmp(s->opts[s->n_opts].initial, "!")) s->required |= 1u << s->n_opts;
    s->inputs = em_op_inputs(op);
    s->list = s->inputs[0].kind == EM_INPUT_LIST;
    while (!s->list && *s->inputs[s->n_in].name) s->n_in++;
    s->n_out = em_op_output_count(op);
    s->dim_first = s->n_in > 1 && s->n_opts && !strcmp(s->opts[0].name, "dim") && (s->required & 1);
    strncpy(s->title, em_op_title(op), sizeof s->title - 2);
    if (inplace) strcat(s->title, "_");
}

/* ---- one input ----------------------------------------------------------------------------------------- */

/* A number as a 0-d tensor that gives way to tensors in promotion: takes the place of stack index `arg`. */
static em_tensor *number_input(lua_State *L, int arg)
{
    em_tensor_mark_number(eml_pushscalar(L, arg));
    lua_replace(L, arg);
    return eml_totensor(L, arg);
}

/* "add: other", for messages */
enum { WHAT = 80 };
static const char *text_of(char what[WHAT], const signature *s, const char *argument)
{
    strcpy(what, s->title);
    strcat(what, ": ");
    strncat(what, argument, WHAT - strlen(what) - 1);
    return what;
}

/* Ids in a table, integers that may be written as floats, as a tensor in place of stack index `arg`. */
static em_tensor *ids_from_table(lua_State *L, const signature *s, int i, int arg)
{
    const bool empty = lua_rawlen(L, arg) == 0;
    char what[WHAT];
    text_of(what, s, s->inputs[i].name);
    const em_tensor *t = eml_pushfromtable(L, arg, empty ? EM_I64 : -1, what);
    if (em_dtype_is_float(em_tensor_dtype(t))) {
        const em_tensor *exact = eml_pushfromtable(L, arg, EM_F64, what);
        for (int64_t k = 0; k < em_tensor_count(exact); k++) {
            const double x = em_tensor_get(exact, k);
            if (!(x == floor(x) && fabs(x) < 0x1p63))
                eml_error(L, "%s: %s must hold integers, got %f", s->title, s->inputs[i].name, x);
        }
        em_tensor **ids = eml_pushtensor(L);
        eml_check(L, em_tensor_to(ids, exact, EM_I64));
        lua_replace(L, arg);
        lua_pop(L, 2);
    } else {
        lua_replace(L, arg);
    }
    return eml_totensor(L, arg);
}

#define SLIP " (write %s.%s with a dot, not a colon)"

/* Whether input i is what stands behind an arithmetic sign or a comparison. */
static bool is_operand(const signature *s, int i)
{
    const char *name = s->inputs[i].name;
    const bool second = i == 1 && (!strcmp(name, "other") || !strcmp(name, "exponent"));
    return second && em_op_inplace(s->op);
}

/* An error where input i is no tensor; `arg` 0: nothing was given for it. Called without anything, or with the table of
 * functions itself, a dot and a colon have been confused. */
static int wrong_input(lua_State *L, const signature *s, int i, int arg)
{
    const char *got = arg ? eml_valuetext(L, arg) : "nothing", *slip = "";
    if (i == 0 && !arg && lua_gettop(L) == 0)
        slip = lua_pushfstring(L, " (as a method it is called with a colon: t:%s())", s->title);
    else if (i == 0 && arg && luaL_getmetafield(L, arg, "__library") == LUA_TSTRING)
        slip = lua_pushfstring(L, SLIP, lua_tostring(L, -1), s->title);
    char what[WHAT];
    return eml_error(L, "%s must be a tensor%s, got %s%s", text_of(what, s, s->inputs[i].name),
                     is_operand(s, i) ? " or a number" : "", got, slip);
}

static em_tensor *get_input(lua_State *L, const signature *s, int i, int arg)
{
    em_tensor *t = eml_tensorat(L, s->state, arg);
    if (t) return t;
    const em_input_spec *input = &s->inputs[i];
    const int type = lua_type(L, arg);
    if ((type == LUA_TNIL || type == LUA_TNONE) && input->optional) return NULL;
    const bool plain = type == LUA_TTABLE && luaL_getmetafield(L, arg, "__name") == LUA_TNIL;
    if (plain && input->kind == EM_INPUT_IDS) return ids_from_table(L, s, i, arg);
    if (plain && input->kind != EM_INPUT_MASK) {
        char what[WHAT];
        eml_pushfromtable(L, arg, -1, text_of(what, s, input->name));
        lua_replace(L, arg);
        return eml_totensor(L, arg);
    }
    if ((type == LUA_TNUMBER && input->kind != EM_INPUT_MASK) ||
        (type == LUA_TBOOLEAN && input->kind == EM_INPUT_VALUE))
        return number_input(L, arg);
    wrong_input(L, s, i, arg);
    return NULL;
}

/* ---- one option ---------------------------------------------------------------------------------------- */

/* `expected` by position; of an option given by name what help says of it. */
static void wrong_option(lua_State *L, const signature *s, const em_opt_spec *spec, int arg, bool named,
                         const char *expected)
{
    eml_error(L, "%s: %s%s: expected %s, got %s", s->title, named ? "option " : "", spec->name,
              named ? eml_expectstext(L, spec) : expected, eml_valuetext(L, arg));
}

/* Integers into o->ints; returns how many. */
static int read_list(lua_State *L, const signature *s, int k, int arg, int last, em_opts *o)
{
    int n = 0;
    char what[WHAT];
    text_of(what, s, s->opts[k].name);
    if (lua_istable(L, arg)) {
        n = eml_checkints(L, arg, o->ints, EM_MAX_INTS, what);
    } else {
        for (int a = arg; a <= last; a++) {             /* view(2, 3) */
            if (n == EM_MAX_INTS) eml_error(L, "%s: too many numbers", what);
            o->ints[n++] = eml_tointeger(L, a, what);
        }
    }
    return n;
}

/* Option k from stack index `arg`: `named` if it came from a table, else numbers up to index `last` belong to it if it
 * is a list. */
static void read_option(lua_State *L, const signature *s, int k, int arg, int last, bool named, em_opts *o)
{
    const em_opt_spec *spec = &s->opts[k];
    em_opt *to = &o->at[k];
    if (spec->kind == EM_OPT_INTS) {
        to->i = read_list(L, s, k, arg, last, o);
        to->given = true;
        return;
    }
    if (spec->kind == EM_OPT_INT && lua_type(L, arg) == LUA_TTABLE && lua_rawlen(L, arg) == 1) {
        const char *what = lua_pushfstring(L, "%s: %s%s", s->title, named ? "option " : "", spec->name);
        eml_checkints(L, arg, &to->i, 1, what);             /* {3}: PyTorch's tuple of one size */
        to->x = (double)to->i;
        to->given = true;
        return;
    }
    const char *expected = eml_readoption(L, arg, spec, to);
    if (expected) wrong_option(L, s, spec, arg, named, expected);
}

/* ---- a call -------------------------------------------------------------------------------------------- */

static bool is_options_table(lua_State *L, int arg) { return lua_type(L, arg) == LUA_TTABLE && eml_hasnames(L, arg); }

/* Whether an empty table at `arg` stands where a tensor or a list does, as in reshape({}): then it is that one. */
static bool is_empty_list(lua_State *L, const signature *s, int arg)
{
    const int k = arg - 1 - s->n_in;
    if (s->list || k >= s->n_opts || (arg > 1 && k < 0) || (k >= 0 && s->opts[k].kind != EM_OPT_INTS)) return false;
    lua_pushnil(L);
    if (!lua_next(L, arg)) return true;
    lua_pop(L, 2);
    return false;
}

typedef struct arguments {
    em_tensor *few[EM_MAX_INPUTS], **in;
    int n, first;                       /* where on the stack the first input stands */
    unsigned given;                     /* bits of the options given by position */
    em_opts opts;
} arguments;

/* The table of tensors of an operation that takes any number: their boxes stay in the table, which stays on the stack.
 */
static void read_list_inputs(lua_State *L, const signature *s, arguments *a)
{
    if (lua_type(L, 1) != LUA_TTABLE)
        eml_error(L, "%s: tensors: expected a table of them, as in %s({a, b}), got %s", s->title, s->title,
                  eml_valuetext(L, 1));
    a->n = (int)lua_rawlen(L, 1);
    if (luaL_getmetafield(L, 1, "__library") == LUA_TSTRING)
        eml_error(L, "%s: tensors: got the table %s itself" SLIP, s->title, lua_tostring(L, -1), lua_tostring(L, -1),
                  s->title);
    if (a->n == 0) eml_error(L, "%s: tensors: expected at least one, got an empty table", s->title);
    eml_checkpositions(L, 1, a->n, lua_pushfstring(L, "%s: tensors", s->title));
    lua_pop(L, 1);
    a->in = lua_newuserdatauv(L, (size_t)a->n * sizeof *a->in, 0);
    lua_insert(L, 1);
    lua_createtable(L, a->n, 0);                        /* holds the tensors whatever happens to the caller's table */
    lua_insert(L, 1);
    for (int i = 0; i < a->n; i++) {
        lua_rawgeti(L, 3, i + 1);
        a->in[i] = eml_totensor(L, -1);
        if (!a->in[i]) eml_error(L, "%s: tensors: element %d of the table must be a tensor, got %s", s->title, i + 1,
                                  eml_valuetext(L, -1));
        lua_rawseti(L, 1, i + 1);
    }
}

/* Inputs and options by name from the table at `arg`; the reader returns them in order, nil for absent ones. */
static void read_named(lua_State *L, const signature *s, int arg, arguments *a)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)s->state + 1) == LUA_TNIL)
        eml_error(L, "%s: named options need embla's Lua part", s->title);
    lua_pushstring(L, em_op_name(s->op));
    lua_pushvalue(L, arg);
    const int top = lua_gettop(L) - 3;
    eml_call(L, s->state, 2, LUA_MULTRET);
    luaL_checkstack(L, LUA_MINSTACK, s->title);
    int at = top + 1 + s->list;
    const int end = lua_gettop(L);
    for (int i = 0; i < s->n_in; i++, at++) {
        if (at > end || lua_isnil(L, at)) continue;
        if (a->in[i]) eml_error(L, "%s: %s is given twice, by position and by name", s->title, s->inputs[i].name);
        a->in[i] = get_input(L, s, i, at);
        if (i == 0) a->first = at;
    }
    for (int k = 0; k < s->n_opts; k++, at++) {
        if (at > end || lua_isnil(L, at)) continue;
        if (a->given >> k & 1)
            eml_error(L, "%s: option %s is given twice, by position and by name", s->title, s->opts[k].name);
        read_option(L, s, k, at, at, true, &a->opts);
    }
}

/* cat{tensors = {…}, dim = 1}: puts the list of tensors before the table of names. */
static void take_list_out(lua_State *L, const signature *s)
{
    if (lua_gettop(L) != 1 || !is_options_table(L, 1)) return;
    lua_pushliteral(L, "tensors");
    if (lua_rawget(L, 1) == LUA_TNIL && (lua_pushnil(L), lua_next(L, 1)))
        eml_error(L, "%s: tensors is missing (a table of them)", s->title);
    if (lua_isnil(L, -1))
        lua_pop(L, 1);                                  /* {}: the list itself, and empty */
    else
        lua_insert(L, 1);
}

/* Last index of the option that begins at `arg`: a list may be spread over several numbers, sum(0, 2, true). */
static int end_of_option(lua_State *L, em_opt_kind kind, int arg, int last)
{
    if (kind == EM_OPT_INTS && lua_type(L, arg) == LUA_TNUMBER)
        while (arg < last && lua_type(L, arg + 1) == LUA_TNUMBER) arg++;
    return arg;
}

static void read_by_position(lua_State *L, const signature *s, int k, int arg, int last, arguments *a)
{
    read_option(L, s, k, arg, last, false, &a->opts);
    a->given |= 1u << k;
}

static void read_arguments(lua_State *L, const signature *s, arguments *a)
{
    for (int i = 0; i < s->n_opts; i++) a->opts.at[i] = s->defaults->at[i];
    int arg = 1, k = 0, named = 0;
    a->given = 0;
    a->first = 1;
    if (s->list) {
        take_list_out(L, s);
        read_list_inputs(L, s, a);
        arg = 4;
    } else {
        a->in = a->few;
        a->n = s->n_in;
        for (int i = 0; i < s->n_in; i++) a->few[i] = NULL;
    }
    int last = lua_gettop(L);
    if (last >= arg && is_options_table(L, last) && !is_empty_list(L, s, last)) named = last--;
    if (!s->list) {
        for (int i = 0; i < s->n_in && arg <= last; i++) {
            if (i == 1 && s->dim_first) {
                if (!lua_isnil(L, arg)) read_by_position(L, s, k, arg, arg, a);
                k++, arg++;
                if (arg > last) break;
            }
            if (!named || !lua_isnil(L, arg)) a->in[i] = get_input(L, s, i, arg);
            arg++;
        }
    }
    for (; k < s->n_opts && arg <= last; k++) {
        const int end = end_of_option(L, s->opts[k].kind, arg, last);
        if (!lua_isnil(L, arg)) read_by_position(L, s, k, arg, end, a);
        arg = end + 1;
    }
    if (arg <= last) eml_error(L, "%s: too many arguments", s->title);
    if (named) read_named(L, s, named, a);
    for (int i = 0; (named || last <= s->n_in) && i < s->n_in; i++)     /* else each had its place */
        if (!a->in[i] && !s->inputs[i].optional) wrong_input(L, s, i, 0);
    for (k = 0; s->required >> k; k++)
        if (!a->opts.at[k].given && (s->required >> k & 1))
            eml_error(L, "%s: %s is missing (%s)", s->title, s->opts[k].name, s->opts[k].doc);
}

/* Row-sparse operands go to what Lua has for this operation (core.set_sparse), with the arguments as they are now:
 * numbers have become 0-d tensors. */
static bool any_sparse(const arguments *a)
{
    for (int i = 0; i < a->n; i++)
        if (a->in[i] && em_tensor_is_sparse(a->in[i])) return true;
    return false;
}

static int call_sparse(lua_State *L, const signature *s)
{
    const int n = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)s->state + 2);
    if (lua_isnil(L, -1) || lua_getfield(L, -1, s->title) == LUA_TNIL)
        return eml_error(L, "%s: takes dense tensors, not row-sparse ones (use to_dense())", s->title);
    lua_replace(L, -2);
    lua_insert(L, 1);
    lua_call(L, n, LUA_MULTRET);
    return lua_gettop(L);
}

/* The tensor at `to` leads to the callbacks that those given up to `last` lead to (owner.c). */
static void inherit(lua_State *L, const signature *s, int to, int last)
{
    if (!eml_boxat(L, s->state, to)) return;
    for (int at = 1; at <= last; at++)
        if (at != to && eml_boxat(L, s->state, at)) eml_inherit(L, to, at);
    const lua_Integer n = s->list ? (lua_Integer)lua_rawlen(L, 1) : 0;
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        eml_inherit(L, to, -1);
        lua_pop(L, 1);
    }
}

static int run(lua_State *L, const signature *s)
{
    arguments a;
    read_arguments(L, s, &a);
    if (any_sparse(&a)) return call_sparse(L, s);
    em_rng *rng = &s->state->rng;
    if (s->inplace) {
        if (!eml_tensorat(L, s->state, a.first)) return eml_error(L, "%s: works on a tensor", s->title);
        eml_check(L, em_apply_inplace(s->op, a.in[0], a.in, a.n, &a.opts, rng));
        if (s->state->lined && em_grad_enabled()) {
            inherit(L, s, a.first, lua_gettop(L));
            eml_inherit_base(L, a.first);
        }
        lua_settop(L, a.first);
        return 1;
    }
    em_tensor *out[EM_MAX_OUT] = {NULL}, **slot[EM_MAX_OUT];
    const int last = lua_gettop(L);
    for (int k = 0; k < s->n_out; k++) slot[k] = eml_pushbox(L, s->state);
    em_status status = em_apply(s->op, a.in, a.n, &a.opts, rng, out);
    if (status == EM_ENOMEM && eml_again(L)) status = em_apply(s->op, a.in, a.n, &a.opts, rng, out);
    for (int k = 0; k < s->n_out; k++) *slot[k] = out[k];
    eml_raise(L, status);
    if (s->state->lined && em_grad_enabled())
        for (int k = 1; k <= s->n_out; k++) inherit(L, s, last + k, last);
    return s->n_out;
}

/* op(…); upvalues: state, signature */
static int call(lua_State *L)
{
    const signature *s = lua_touserdata(L, lua_upvalueindex(2));
    const bool inside = eml_begin(L, s->state);
    const int n = run(L, s);
    eml_end(s->state, inside);
    return n;
}

/* ---- registration -------------------------------------------------------------------------------------- */

static void push_function(lua_State *L, int state, const em_op *op, bool inplace)
{
    lua_pushvalue(L, state);
    signature *s = lua_newuserdatauv(L, sizeof *s, 0);
    read_signature(s, lua_touserdata(L, state), op, inplace);
    lua_pushcclosure(L, call, 2);
}

/* The library's own Lua files are those of the folder "embla" that a function's file is in: errors do not point there.
 */
static void note_library(lua_State *L, int function)
{
    eml_state *s = eml_getstate(L);
    lua_Debug at;
    lua_pushvalue(L, function);
    lua_getinfo(L, ">S", &at);
    size_t length = 0;
    for (const char *next = at.source; (next = strstr(next, "/embla/")) != NULL; next++)
        length = (size_t)(next - at.source) + strlen("/embla/");
    if (length >= sizeof s->library) return;
    memcpy(s->library, at.source, length);
    s->library[length] = '\0';
}

/* core.set_reader(f): f(op name, table) -> inputs (one, if they are a list), then options, in order */
static int set_reader(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    note_library(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 1);
    return 0;
}

/* core.set_names(f): f(caller, "names of arguments", table) -> their values in order, nil for absent ones */
static int set_names(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 4);
    return 0;
}

/* core.set_missing(f): f(name), raises an error for a field that tensors do not have */
static int set_missing(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 5);
    return 0;
}

/* core.set_network(f): f(text of an error) -> the same with the way to the layer that raised it; a lost place or nil */
static int set_network(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 3);
    return 0;
}

/* core.set_sparse(t): t[name](…) is called where an operand of that operation is row-sparse */
static int set_sparse(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 2);
    return 0;
}

void eml_open_ops(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"set_reader", set_reader}, {"set_names", set_names},
                                         {"set_missing", set_missing},
                                         {"set_network", set_network}, {"set_sparse", set_sparse}, {NULL, NULL}};
    eml_register(L, state, functions);
    lua_newtable(L);
    for (int i = 0; i < em_op_count(); i++) {
        const em_op *op = em_op_at(i);
        push_function(L, state, op, false);
        lua_setfield(L, -2, em_op_name(op));
        if (!em_op_inplace(op)) continue;
        push_function(L, state, op, true);
        lua_pushfstring(L, "%s_", em_op_name(op));
        lua_insert(L, -2);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, "ops");
}
