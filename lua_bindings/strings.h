/* Columns of text in Lua. */
#ifndef EMBLA_STRINGS_H
#define EMBLA_STRINGS_H

#include "handle.h"

/* The column of text at `arg`, or an error, or null; an empty box for one, to be filled through the pointer. */
em_strings *eml_checkstrings(lua_State *L, int arg);
em_strings *eml_tostrings(lua_State *L, int arg);
em_strings **eml_pushstrings(lua_State *L);

#endif
