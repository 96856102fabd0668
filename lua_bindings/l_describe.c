/* What the core says of its operations and update rules, as tables: names, docs, options. */
#include "bindings.h"

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

/* Pushes {name, kind, initial, choices, doc}. */
static void push_option(lua_State *L, const em_opt_spec *spec)
{
    static const char *const kinds[] = {"bool", "int", "number", "enum", "dtype", "ints"};
    lua_createtable(L, 0, 6);
    set_text(L, "name", spec->name);
    set_text(L, "kind", kinds[spec->kind]);
    set_text(L, "initial", spec->initial);
    set_text(L, "choices", spec->choices);
    set_text(L, "doc", spec->doc);
}

/* core.op_spec(name): {inputs, outputs, doc, inplace, differentiable, opts = a list of options}, or nil */
static int op_spec(lua_State *L)
{
    const em_op *op = em_op_find(luaL_checkstring(L, 1));
    if (!op) return 0;
    lua_newtable(L);
    set_text(L, "inputs", em_op_inputs(op));
    set_text(L, "outputs", em_op_outputs(op));
    set_text(L, "doc", em_op_doc(op));
    set_flag(L, "inplace", em_op_inplace(op));
    set_flag(L, "differentiable", em_op_differentiable(op));
    lua_newtable(L);
    const em_opt_spec *specs = em_op_opts(op);
    for (int k = 0; specs[k].name; k++) {
        push_option(L, &specs[k]);
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
        push_option(L, &specs[k]);
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

void eml_open_describe(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"op_spec", op_spec}, {"rules", rules}, {"parameters", parameters},
                                         {NULL, NULL}};
    eml_register(L, state, functions);
}
