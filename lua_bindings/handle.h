/* Handles of the core other than tensors, in Lua: a vocabulary, a list of files. Each is a userdata that owns one. */
#ifndef EMBLA_HANDLE_H
#define EMBLA_HANDLE_H

#include "bindings.h"

/* What EML_HANDLE's functions do, for a handle of any type:
 *   eml_pushhandle    pushes an empty box; returns where the handle is to be put
 *   eml_checkhandle   the handle at `arg`, or an error
 *   eml_collecthandle __gc of a box
 *   eml_openhandle    makes the metatable of the boxes, named `name` */
void *eml_pushhandle(lua_State *L, const char *name);
void *eml_checkhandle(lua_State *L, int arg, const char *name);
int eml_collecthandle(lua_State *L, const char *name, void (*release)(void *handle));
void eml_openhandle(lua_State *L, int state, const char *name, lua_CFunction gc);

/* Defines push_NAME and open_NAME for handles of `type`, whose boxes have the metatable `meta`. */
#define EML_HANDLE(type, name, meta) \
    static type **push_##name(lua_State *L) { return eml_pushhandle(L, meta); } \
    static void release_##name(void *handle) { type##_release(handle); } \
    static int collect_##name(lua_State *L) { return eml_collecthandle(L, meta, release_##name); } \
    static void open_##name(lua_State *L, int state) { eml_openhandle(L, state, meta, collect_##name); }

#endif
