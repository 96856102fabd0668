/* Options read from Lua as their descriptors say: of operations, and of classes that keep them in a struct of the core.
 */
#ifndef EMBLA_OPTION_H
#define EMBLA_OPTION_H

#include <stddef.h>

#include "bindings.h"

/* Reads the value at `arg` (> 0) of an option that is no list. Returns null, or in words what was expected; may push.
 */
const char *eml_readoption(lua_State *L, int arg, const em_opt_spec *spec, em_opt *to);

/* Pushes {name, kind, initial, doc, expects, range or choices = a list}, a row for options.rows (l_describe.c). */
void eml_pushoption(lua_State *L, const em_opt_spec *spec);

/* Reads those fields of a struct that stand in the table at index `table` (> 0); what does not stays as the struct has
 * it. Texts are lent by the table; lists of them are left on the stack, and lent too. */
void eml_readfields(lua_State *L, int table, const char *owner, const em_field *fields, void *to);

/* Gives the table on the top a field with the list of such rows. */
void eml_openfields(lua_State *L, const char *name, const em_field *fields);

#endif
