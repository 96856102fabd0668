/* Formats of files: each reader and writer by its name, with the options that its descriptor lists. */
#include <string.h>

#include "option.h"
#include "strings.h"

#define CONTENT "embla.core.Content"
EML_HANDLE(em_content, content, CONTENT)

static const em_format *check_format(lua_State *L, int arg)
{
    const em_format *f = em_format_find(luaL_checkstring(L, arg));
    if (!f) eml_error(L, "no format is called %s", lua_tostring(L, arg));
    return f;
}

/* The struct that the table at `table` fills: space for it is a userdata, left on the stack with what it lends. */
static const void *check_options(lua_State *L, int table, const em_format *f, const em_options *options, bool writing)
{
    if (!options->fields) return NULL;
    void *to = lua_newuserdatauv(L, options->size, 0);
    memcpy(to, options->initial, options->size);
    const char *owner = lua_pushfstring(L, "%s.%s", f->name, writing ? "save" : "load");
    eml_readfields(L, table, owner, options->fields, to);
    return to;
}

static void push_value(lua_State *L, const em_value *value)
{
    switch (value->kind) {
    case EM_VALUE_TENSOR: em_tensor_retain(*eml_pushtensor(L) = value->tensor); return;
    case EM_VALUE_VOCAB: em_vocab_retain(*eml_pushvocab(L) = value->vocab); return;
    case EM_VALUE_STRINGS: em_strings_retain(*eml_pushstrings(L) = value->strings); return;
    case EM_VALUE_BYTES: lua_pushlstring(L, value->bytes, value->length); return;
    }
}

/* format_read(name, path, options): list of names, list of values */
static int format_read(lua_State *L)
{
    const em_format *f = check_format(L, 1);
    const char *path = eml_checkpath(L, 2);
    em_content **content = push_content(L);
    const int at = lua_gettop(L);
    const void *options = check_options(L, 3, f, &f->reading, false);
    eml_check(L, f->read(content, path, options));
    lua_settop(L, at);
    lua_newtable(L);
    lua_newtable(L);
    for (int64_t i = 0; i < em_content_count(*content); i++) {
        lua_pushstring(L, em_content_name(*content, i));
        lua_rawseti(L, at + 1, (lua_Integer)i + 1);
        push_value(L, em_content_at(*content, i));
        lua_rawseti(L, at + 2, (lua_Integer)i + 1);
    }
    return 2;
}

static em_value check_value(lua_State *L, int at)
{
    em_value value = {.kind = EM_VALUE_TENSOR, .tensor = eml_totensor(L, at)};
    if (value.tensor) return value;
    value.strings = eml_tostrings(L, at);
    if (value.strings) {
        value.kind = EM_VALUE_STRINGS;
    } else if (lua_type(L, at) == LUA_TSTRING) {
        value.kind = EM_VALUE_BYTES;
        value.bytes = lua_tolstring(L, at, &value.length);
    } else {
        value.kind = EM_VALUE_VOCAB;
        value.vocab = eml_checkvocab(L, at);
    }
    return value;
}

/* format_write(name, path, list of names, list of values, options) */
static int format_write(lua_State *L)
{
    const em_format *f = check_format(L, 1);
    const char *path = eml_checkpath(L, 2);
    if (!f->write) eml_error(L, "%s: files of this format are only read", f->name);
    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checktype(L, 4, LUA_TTABLE);
    em_content **content = push_content(L);
    eml_check(L, em_content_new(content));
    const int at = lua_gettop(L);
    const lua_Integer n = (lua_Integer)lua_rawlen(L, 3);
    for (lua_Integer i = 1; i <= n; i++, lua_settop(L, at)) {
        lua_rawgeti(L, 3, i);
        lua_rawgeti(L, 4, i);
        const em_value value = check_value(L, at + 2);
        const char *name = luaL_checkstring(L, at + 1);
        if (strlen(name) != lua_rawlen(L, at + 1)) eml_error(L, "%s.save: a name with a zero byte", f->name);
        eml_check(L, em_content_add(*content, name, &value));
    }
    const void *options = check_options(L, 5, f, &f->writing, true);
    eml_check(L, f->write(path, *content, options));
    return 0;
}

/* format_of(path): the name of the format that the file's first bytes show, or nil */
static int format_of(lua_State *L)
{
    const em_format *f;
    eml_check(L, em_format_recognize(&f, eml_checkpath(L, 1)));
    if (!f) return 0;
    lua_pushstring(L, f->name);
    return 1;
}

/* The table `formats` on the top: by name {name, doc, reading = rows, writing = rows or nil}. */
static void push_formats(lua_State *L)
{
    static const em_field none[] = {{{0}, 0, 0}};
    lua_newtable(L);
    for (int i = 0; i < em_format_count(); i++) {
        const em_format *f = em_format_at(i);
        lua_newtable(L);
        lua_pushstring(L, f->name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, f->doc);
        lua_setfield(L, -2, "doc");
        eml_openfields(L, "reading", f->reading.fields ? f->reading.fields : none);
        if (f->write) eml_openfields(L, "writing", f->writing.fields ? f->writing.fields : none);
        lua_setfield(L, -2, f->name);
    }
}

void eml_open_formats(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"format_read", format_read}, {"format_write", format_write}, {"format_of", format_of}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    push_formats(L);
    lua_setfield(L, -2, "formats");
    open_content(L, state);
}
