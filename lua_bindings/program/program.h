/* Parts of the `embla` program. */
#ifndef EMBLA_PROGRAM_H
#define EMBLA_PROGRAM_H

#include <stdbool.h>

#include <lua.h>

/* run.c: calls the function under `arguments` values, like lua_pcall. An error becomes its text with a traceback;
 * Ctrl-C becomes the error "interrupted!", a second one before that has happened ends the process. */
int run_call(lua_State *L, int arguments, int results);

/* run.c: lets Ctrl-C find the coroutine that is running: coroutine.resume and wrap do as before, and note it. */
void run_follow_coroutines(lua_State *L);

/* run.c: prints the error on the top of the stack to standard error and removes it, unless `status` is LUA_OK.
 * Returns whether it was. */
bool run_report(lua_State *L, int status);

/* caps.c: Lua's allocator */
void *caps_allocate(void *context, void *block, size_t old, size_t size);

/* paths.c: lets require find Embla's scripts beside the program, wherever that lies. */
void paths_find_scripts(lua_State *L);

/* repl.c: reads, runs and prints until the end of input. */
void repl(lua_State *L);

/* prompt.c: lines from the terminal, edited, with a history that outlives the program. */
typedef struct prompt prompt;
typedef enum prompt_event { PROMPT_LINE, PROMPT_CANCEL, PROMPT_END } prompt_event;

prompt *prompt_open(void);                      /* null if there is no memory */
void prompt_close(prompt *p);

/* One line, without its newline, valid until the next call. `more`: it continues a statement. */
prompt_event prompt_read(prompt *p, bool more, const char **line);

/* Adds a statement, of one or several lines, to the history. */
void prompt_remember(prompt *p, const char *statement);

#endif
