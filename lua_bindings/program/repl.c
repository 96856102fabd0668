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

/* ---- locals -------------------------------------------------------------------------------------------- */

/* A local of one statement would be lost to the next, and pasted code be broken. The locals that a statement declares
 * outside of all blocks are therefore kept: in a table that is the environment of every statement, before the globals,
 * so that nobody else sees them. */
static const char kept_key = 0;                 /* registry: that table */

static void make_kept(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 2);
    lua_pushglobaltable(L);
    lua_setfield(L, -2, "__index");
    lua_pushglobaltable(L);
    lua_setfield(L, -2, "__newindex");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
}

/* Says something the first time. */
static void say_once(bool *said, const char *text)
{
    if (!*said) fprintf(stderr, "(%s)\n", text);
    *said = true;
}

/* Pushes the names of the locals of `text`, a list. */
static void push_locals(lua_State *L, const char *text)
{
    static bool said;
    lua_getglobal(L, "require");
    lua_pushliteral(L, "embla.repl.locals");
    if (lua_pcall(L, 1, 1, 0) == LUA_OK) {
        lua_pushstring(L, text);
        if (lua_pcall(L, 1, 2, 0) == LUA_OK) {
            if (lua_toboolean(L, -1))
                say_once(&said, "at the prompt, <close> closes at the end of its line: put do … end around its use");
            lua_pop(L, 1);
            return;
        }
    }
    lua_pop(L, 1);
    lua_newtable(L);
}

/* Pushes the statement with a return of its locals behind it. */
static int load_with_return(lua_State *L, const char *text, int names)
{
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addstring(&b, text);
    for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, names); i <= n; i++) {
        luaL_addstring(&b, i == 1 ? "\n;return " : ", ");
        lua_rawgeti(L, names, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    size_t length;
    const char *chunk = lua_tolstring(L, -1, &length);
    const int status = luaL_loadbuffer(L, chunk, length, "=stdin");
    lua_remove(L, -2);
    return status;
}

/* Stack slot 1 is a statement, 2 its function. They become the statement, the list of its locals, its function; one
 * that has locals returns these. */
static void prepare_locals(lua_State *L)
{
    push_locals(L, lua_tostring(L, 1));
    lua_insert(L, 2);
    if (lua_rawlen(L, 2)) {
        if (load_with_return(L, lua_tostring(L, 1), 2) == LUA_OK) {
            lua_remove(L, 3);
        } else {                                /* 200 locals, say: as Lua itself would have it */
            lua_pop(L, 1);
            lua_newtable(L);
            lua_replace(L, 2);
        }
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key);
    if (!lua_setupvalue(L, 3, 1)) lua_pop(L, 1);
}

/* Keeps the values above the list of names in slot 2, and says so the first time. */
static void keep_locals(lua_State *L)
{
    static bool said;
    const int n = (int)lua_rawlen(L, 2);
    lua_settop(L, 2 + n);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        lua_pushvalue(L, 2 + i);
        lua_rawset(L, -3);
    }
    say_once(&said, "at the prompt, a local is kept for the lines that follow");
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
    make_kept(L);
    int status = LUA_OK;
    prompt_event event;
    while ((event = read_chunk(L, p, &status)) != PROMPT_END) {
        if (event == PROMPT_CANCEL) continue;
        if (lua_rawlen(L, 1)) prompt_remember(p, lua_tostring(L, 1));
        if (!run_report(L, status)) continue;
        prepare_locals(L);
        if (!run_report(L, run_call(L, 0, LUA_MULTRET))) continue;
        if (lua_rawlen(L, 2))
            keep_locals(L);
        else
            print_values(L, lua_gettop(L) - 2);
    }
    lua_settop(L, 0);
    putchar('\n');
    signal(SIGINT, before);
    prompt_close(p);
}
