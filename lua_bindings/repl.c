/* The prompt: statements are read, run, and their values printed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "embla.h"
#include "program.h"

/* ---- reading ------------------------------------------------------------------------------------------- */

/* Whether compiling failed only because the text, whose error message is on the top, ends too soon. */
static bool is_incomplete(lua_State *L, int status)
{
    static const char ending[] = "<eof>";
    const size_t tail = sizeof ending - 1;
    size_t length;
    if (status != LUA_ERRSYNTAX) return false;
    const char *message = lua_tolstring(L, -1, &length);
    return length >= tail && !strcmp(message + length - tail, ending);
}

static int load_expression(lua_State *L, const char *text)
{
    const char *chunk = lua_pushfstring(L, "return %s", text);
    const int status = luaL_loadbuffer(L, chunk, strlen(chunk), "=stdin");
    lua_remove(L, -2);
    return status;
}

/* Compiles `text`: an expression, else statements. Pushes a function or an error message; if the text is only a
 * beginning, pushes nothing and returns LUA_YIELD. */
static int load_text(lua_State *L, const char *text)
{
    int status = load_expression(L, text);
    if (status == LUA_OK) return status;
    bool incomplete = is_incomplete(L, status);
    lua_pop(L, 1);
    status = luaL_loadbuffer(L, text, strlen(text), "=stdin");
    if (status == LUA_OK) return status;
    incomplete = incomplete || is_incomplete(L, status);
    if (!incomplete) return status;
    lua_pop(L, 1);
    return LUA_YIELD;
}

/* Reads lines until they make a chunk or an error, which is pushed with its status. The text stays in stack slot 1. */
static prompt_event read_chunk(lua_State *L, prompt *p, int *status)
{
    const char *line;
    prompt_event event = prompt_read(p, false, &line);
    if (event != PROMPT_LINE) return event;
    lua_settop(L, 0);
    lua_pushstring(L, line);
    while ((*status = load_text(L, lua_tostring(L, 1))) == LUA_YIELD) {
        event = prompt_read(p, true, &line);
        if (event != PROMPT_LINE) return event;
        lua_pushfstring(L, "%s\n%s", lua_tostring(L, 1), line);
        lua_replace(L, 1);
    }
    return PROMPT_LINE;
}

/* ---- printing ------------------------------------------------------------------------------------------ */

/* Shows the `n` values on the top of the stack with the script's own print. */
static void print_values(lua_State *L, int n)
{
    if (n <= 0) return;
    luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
    lua_getglobal(L, "print");
    lua_insert(L, -(n + 1));
    run_report(L, run_call(L, n, 0));
    fflush(stdout);
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

/* The names that are global here, and only here. */
static void set_globals(lua_State *L)
{
    static const char code[] =
        "embla = require 'embla'\n"
        "nn, F, optim = embla.nn, embla.nn and embla.nn.functional, embla.optim\n";
    if (luaL_loadbuffer(L, code, sizeof code - 1, "=prompt") == LUA_OK) run_report(L, run_call(L, 0, 0));
}

static void greet(void)
{
    printf("Embla %s, %s, %d thread%s. Ctrl-D ends.\n", EMBLA_VERSION, LUA_RELEASE, em_threads(),
           em_threads() == 1 ? "" : "s");
}

/* Ctrl-C between reading and running has nothing to stop. */
static void do_nothing(int number) { (void)number; }

void repl(lua_State *L)
{
    prompt *p = prompt_open();
    if (!p) {
        fputs("embla: the prompt could not be opened\n", stderr);
        return;
    }
    void (*const before)(int) = signal(SIGINT, do_nothing);
    greet();
    set_globals(L);
    int status = LUA_OK;
    prompt_event event;
    while ((event = read_chunk(L, p, &status)) != PROMPT_END) {
        if (event == PROMPT_CANCEL) continue;
        if (lua_rawlen(L, 1)) prompt_remember(p, lua_tostring(L, 1));
        if (status == LUA_OK) status = run_call(L, 0, LUA_MULTRET);
        if (run_report(L, status)) print_values(L, lua_gettop(L) - 1);
    }
    lua_settop(L, 0);
    putchar('\n');
    signal(SIGINT, before);
    prompt_close(p);
}
