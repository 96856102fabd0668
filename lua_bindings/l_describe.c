/* What C says of operations, update rules and options, as tables: names, docs, defaults; and of functions that are
 * registered here, by their rows. */
#include "option.h"

#include <string.h>

static void set_text(lua_State *L, const char *key, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

const char *eml_expectstext(lua_State *L, const em_opt_spec *spec)
{
    static const char *const words[] = {
        [EM_OPT_BOOL] = "boolean", [EM_OPT_INT] = "integer", [EM_OPT_NUMBER] = "number",
        [EM_OPT_DTYPE] = "a dtype (float32, float64, float16, bfloat16, int64, int32, uint8 or bool)",
        [EM_OPT_INTS] = "integer or a list of integers",
        [EM_OPT_TEXT] = "string", [EM_OPT_TEXTS] = "a list of strings",
    };
    const bool is_range = spec->kind == EM_OPT_NUMBER || spec->kind == EM_OPT_INT;
    if (!*spec->choices) return words[spec->kind];
    if (!is_range) return lua_pushfstring(L, "one of %s", luaL_gsub(L, spec->choices, " ", ", "));
    return lua_pushfstring(L, "%s %s%s", words[spec->kind], strchr("[(", *spec->choices) ? "in " : "", spec->choices);
}

/* Pushes the words of a text as a list. */
static void push_words(lua_State *L, const char *text)
{
    lua_newtable(L);
    for (int i = 1; *text; i++) {
        const size_t n = strcspn(text, " ");
        lua_pushlstring(L, text, n);
        lua_rawseti(L, -2, i);
        text += n + (text[n] == ' ');
    }
}

void eml_pushoption(lua_State *L, const em_opt_spec *spec)
{
    static const char *const kinds[] = {"bool", "int", "number", "enum", "dtype", "ints", "text", "texts"};
    const bool is_range = spec->kind == EM_OPT_NUMBER || spec->kind == EM_OPT_INT;
    lua_createtable(L, 0, 6);
    set_text(L, "name", spec->name);
    set_text(L, "kind", kinds[spec->kind]);
    set_text(L, "initial", spec->initial);
    set_text(L, "doc", spec->doc);
    const int top = lua_gettop(L);
    const char *expects = eml_expectstext(L, spec);
    lua_pushstring(L, expects);
    lua_setfield(L, top, "expects");
    lua_settop(L, top);
    if (*spec->choices && is_range) set_text(L, "range", spec->choices);
    if (!*spec->choices || is_range) return;
    push_words(L, spec->choices);
    lua_setfield(L, -2, "choices");
}

void eml_openfields(lua_State *L, const char *name, const em_field *fields)
{
    lua_newtable(L);
    for (int i = 0; fields[i].spec.name; i++) {
        eml_pushoption(L, &fields[i].spec);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, name);
}

/* Gives the table on the top the lists `inputs`, of their names, and `optional`, of those that may be left out. */
static void set_inputs(lua_State *L, const em_input_spec *specs)
{
    int optional = 0;
    lua_newtable(L);
    lua_newtable(L);
    for (int i = 0; *specs[i].name; i++) {
        lua_pushstring(L, specs[i].name);
        if (specs[i].optional) {
            lua_pushvalue(L, -1);
            lua_rawseti(L, -3, ++optional);
        }
        lua_rawseti(L, -3, i + 1);
    }
    lua_setfield(L, -3, "optional");
    lua_setfield(L, -2, "inputs");
}

/* core.op_spec(name): {inputs, optional, outputs, doc, inplace, differentiable, opts = a list of options}, or nil */
static int op_spec(lua_State *L)
{
    const em_op *op = em_op_find(luaL_checkstring(L, 1));
    if (!op) return 0;
    lua_newtable(L);
    set_inputs(L, em_op_inputs(op));
    set_text(L, "outputs", em_op_outputs(op));
    set_text(L, "doc", em_op_doc(op));
    set_flag(L, "inplace", em_op_inplace(op));
    set_flag(L, "differentiable", em_op_differentiable(op));
    lua_newtable(L);
    const em_opt_spec *specs = em_op_opts(op);
    for (int k = 0; specs[k].name; k++) {
        eml_pushoption(L, &specs[k]);
        lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, "opts");
    return 1;
}

static void push_default(lua_State *L, const em_opt_spec *spec, const em_opt *value)
{
    if (spec->kind == EM_OPT_BOOL)
        lua_pushboolean(L, (int)value->i);
    else if (spec->kind == EM_OPT_NUMBER)
        lua_pushnumber(L, value->x);
    else
        lua_pushstring(L, spec->initial);
}

static void push_rule(lua_State *L, const em_rule *rule)
{
    em_opts defaults;
    em_rule_opts_default(&defaults, rule);
    lua_newtable(L);
    set_text(L, "name", em_rule_name(rule));
    set_text(L, "doc", em_rule_doc(rule));
    set_text(L, "state", em_rule_state(rule));
    lua_newtable(L);
    const em_opt_spec *specs = em_rule_opts(rule);
    for (int k = 0; specs[k].name; k++) {
        eml_pushoption(L, &specs[k]);
        push_default(L, &specs[k], &defaults.at[k]);
        lua_setfield(L, -2, "default");
        lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, "opts");
}

/* core.rules(): a list of {name, doc, state, opts = a list of options, each with its default as a value} */
static int rules(lua_State *L)
{
    lua_newtable(L);
    for (int i = 0; i < em_rule_count(); i++) {
        push_rule(L, em_rule_at(i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* core.parameters(f): of a function written in Lua how many it has, whether it takes more, the first one's name; else
 * nothing. What debug.getinfo says in a table, for the thousand functions that are looked at when the library loads. */
static int parameters(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (lua_iscfunction(L, 1)) return 0;
    lua_Debug at;
    lua_settop(L, 1);
    const char *first = lua_getlocal(L, NULL, 1);
    lua_getinfo(L, ">u", &at);
    lua_pushinteger(L, at.nparams);
    lua_pushboolean(L, at.isvararg);
    lua_pushstring(L, first);
    return 3;
}

/* From functions to their rows, in the registry. */
#define ROWS "embla.rows"

void eml_note_rows(lua_State *L, const eml_named *rows)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, ROWS);
    for (; rows->name; rows++) {
        lua_getfield(L, -2, rows->name);
        lua_pushlightuserdata(L, (void *)(uintptr_t)rows);
        lua_rawset(L, -3);
    }
    lua_pop(L, 1);
}

/* core.row(f): name, names of arguments in one text (nil for a field) and doc of a function registered with these; of
 * another nothing */
static int row(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, ROWS);
    lua_insert(L, 1);
    if (lua_rawget(L, 1) != LUA_TLIGHTUSERDATA) return 0;
    const eml_named *f = lua_touserdata(L, -1);
    lua_pushstring(L, f->name);
    lua_pushstring(L, f->arguments);
    lua_pushstring(L, f->doc);
    return 3;
}

void eml_open_describe(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"op_spec", op_spec}, {"rules", rules}, {"parameters", parameters},
                                         {"row", row}, {NULL, NULL}};
    eml_register(L, state, functions);
}
