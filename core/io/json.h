/* JSON by jansson, strictly: names that stand twice or have zero bytes, bytes that are not UTF-8, lone surrogates, more
 * than 2048 levels and anything behind the value are errors. Its memory is the core's. */
#ifndef EM_IO_JSON_H
#define EM_IO_JSON_H

#include <jansson.h>

#include "base/array.h"
#include "embla.h"

/* An object's members one after the other, so that memory does not grow with their number: a key, then its value, which
 * may itself be walked through (its walker begins at this one's `at`, where this one then goes on).
 *   fails  EM_EFORMAT with path and byte, EM_ENOMEM */
typedef struct em__json_walker {
    const char *path;
    const char *text;           /* of `n` bytes; the first is byte `position` of the file */
    size_t n, at;
    int64_t position;
    bool inside;                /* a member has been met */
} em__json_walker;

/* `key` is null at the end of the object. Nothing is remembered of the keys: who needs it looks for those that stand
 * twice. */
em_status em__json_key(em__json_walker *w, json_t **key);
em_status em__json_open(em__json_walker *w);            /* the brace that the object begins with */

/* A string, or an object of at most so many bytes. */
em_status em__json_value(em__json_walker *w, json_type type, size_t most, json_t **value);

em_status em__json_fail(const em__json_walker *w, size_t at, const char *what);

/* Appends a text between quotes; EM_EVALUE, naming it by `what`, if it is not UTF-8. */
typedef EM_ARRAY(char) em__chars;
em_status em__json_quote(em__chars *to, const char *text, size_t n, const char *what);

#endif
