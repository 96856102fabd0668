/* Options read from Lua as their descriptors say. */
#include "option.h"

#include <string.h>

const char *eml_readoption(lua_State *L, int arg, const em_opt_spec *spec, em_opt *to)
{
    const int type = lua_type(L, arg);
    em_dtype dtype;
    int ok = 0;
    to->given = true;
    switch (spec->kind) {
    case EM_OPT_BOOL:
        to->i = lua_toboolean(L, arg);
        return type == LUA_TBOOLEAN ? NULL : "true or false";
    case EM_OPT_INT:
        to->i = type == LUA_TNUMBER ? lua_tointegerx(L, arg, &ok) : 0;
        to->x = (double)to->i;
        return ok ? NULL : "an integer";
    case EM_OPT_NUMBER:
        if (type != LUA_TNUMBER) return "a number";
        to->x = lua_tonumber(L, arg);
        if (*spec->choices && !em_opt_in_range(spec, to->x)) return lua_pushfstring(L, "a number %s", spec->choices);
        to->real = !lua_isinteger(L, arg);
        to->i = to->real ? 0 : lua_tointeger(L, arg);
        return NULL;
    case EM_OPT_ENUM:
        to->i = type == LUA_TSTRING ? em_opt_choice(spec, lua_tostring(L, arg)) : -1;
        if (to->i >= 0) return NULL;
        return lua_pushfstring(L, "one of %s", luaL_gsub(L, spec->choices, " ", ", "));
    case EM_OPT_DTYPE:
        if (type != LUA_TSTRING || !em_dtype_parse(&dtype, lua_tostring(L, arg)))
            return "a dtype (float32, float64, int64, ...)";
        to->i = (int64_t)dtype;
        return NULL;
    case EM_OPT_INTS: return "no list";
    case EM_OPT_TEXT:
    case EM_OPT_TEXTS: break;
    }
    return "no text";
}

/* Puts a value where the struct has it: numbers as double, all else as an integer of its size. */
static void put(const em_field *field, const em_opt *value, char *to)
{
    const int narrow = (int)value->i;
    const bool flag = value->i != 0;
    const void *from = field->spec.kind == EM_OPT_NUMBER ? (const void *)&value->x
                       : field->size == sizeof flag      ? (const void *)&flag
                       : field->size == sizeof narrow    ? (const void *)&narrow
                                                         : (const void *)&value->i;
    memcpy(to + field->at, from, field->size);
}

/* The string at `at`; C's end at the first zero byte. */
static const char *check_text(lua_State *L, int at, const char *owner, const em_field *field)
{
    size_t n;
    const char *text = lua_type(L, at) == LUA_TSTRING ? lua_tolstring(L, at, &n) : NULL;
    if (!text || strlen(text) != n)
        eml_error(L, "%s: option %s: expected %s without zero bytes, got %s", owner, field->spec.name,
                  field->spec.kind == EM_OPT_TEXT ? "a string" : "a list of strings", eml_valuetext(L, at));
    return text;
}

/* The list of strings on the top, which is replaced by a userdata that holds where they are. */
static em_texts check_texts(lua_State *L, const char *owner, const em_field *field)
{
    const int list = lua_gettop(L);
    if (lua_type(L, list) != LUA_TTABLE)
        eml_error(L, "%s: option %s: expected a list of strings, got %s", owner, field->spec.name,
                  eml_valuetext(L, list));
    const lua_Integer n = (lua_Integer)lua_rawlen(L, list);
    const char **at = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *at, 1);
    lua_pushvalue(L, list);
    lua_setiuservalue(L, -2, 1);
    for (lua_Integer i = 0; i < n; i++, lua_pop(L, 1)) {
        lua_rawgeti(L, list, i + 1);
        at[i] = check_text(L, lua_gettop(L), owner, field);
    }
    lua_remove(L, list);
    return (em_texts){at, n};
}

void eml_readfields(lua_State *L, int table, const char *owner, const em_field *fields, void *to)
{
    luaL_checktype(L, table, LUA_TTABLE);
    for (; fields->spec.name; fields++) {
        const int at = lua_gettop(L) + 1;
        luaL_checkstack(L, 8, "options");
        lua_pushstring(L, fields->spec.name);
        if (lua_rawget(L, table) != LUA_TNIL) {
            if (fields->spec.kind == EM_OPT_TEXTS) {
                *(em_texts *)(void *)((char *)to + fields->at) = check_texts(L, owner, fields);
                continue;               /* its list stays */
            }
            if (fields->spec.kind == EM_OPT_TEXT) {
                *(const char **)(void *)((char *)to + fields->at) = check_text(L, at, owner, fields);
            } else {
                em_opt value = {0};
                const char *expected = eml_readoption(L, at, &fields->spec, &value);
                if (expected)
                    eml_error(L, "%s: option %s: expected %s, got %s", owner, fields->spec.name, expected,
                              eml_valuetext(L, at));
                put(fields, &value, to);
            }
        }
        lua_settop(L, at - 1);
    }
}
