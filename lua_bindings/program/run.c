/* Runs Lua functions for the program: tracebacks and Ctrl-C. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "embla.h"
#include "program.h"

static lua_State *volatile running;     /* for the signal handler, which is given no context */

/* ---- Ctrl-C -------------------------------------------------------------------------------------------- */

static void forget_interrupt(lua_State *L)
{
    lua_sethook(L, NULL, 0, 0);
    em_clear_interrupt();
}

static void stop_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    forget_interrupt(L);
    luaL_where(L, 0);           /* in a hook, level 0 is what was running */
    lua_pushliteral(L, "interrupted!");
    lua_concat(L, 2);
    lua_error(L);
}

/* Between two instructions the hook stops the script; inside a kernel em_interrupt does. The hook counts instructions
 * and nothing else, so that it does not fire in the calls that handle an error a kernel has raised. One that comes
 * before the last has become an error ends the process: something does not answer. */
static void on_interrupt(int number)
{
    if (em_interrupted()) {
        signal(number, SIG_DFL);
        raise(number);
    }
    em_interrupt();
    lua_sethook(running, stop_hook, LUA_MASKCOUNT, 1);
}

/* ---- coroutines ---------------------------------------------------------------------------------------- */

/* A hook stops the thread of Lua that it is set on, so `running` follows what resumes what. */
static lua_CFunction plain_resume;

static int resume(lua_State *L)
{
    lua_State *thread = lua_tothread(L, 1);
    if (thread) running = thread;
    const int n = plain_resume(L);
    running = L;
    if (em_interrupted()) lua_sethook(L, stop_hook, LUA_MASKCOUNT, 1);      /* it came back before the hook ran */
    return n;
}

/* What coroutine.wrap returns; upvalue: the thread. */
static int call_wrapped(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    const int n = resume(L);
    if (lua_toboolean(L, -n)) return n - 1;
    lua_State *thread = lua_tothread(L, lua_upvalueindex(1));
    if (lua_status(thread) != LUA_OK && lua_status(thread) != LUA_YIELD) {
        lua_xmove(L, thread, 1);        /* the error, for what the thread has to close */
        lua_resetthread(thread);
        lua_xmove(thread, L, 1);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *thread = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, thread, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

void run_follow_coroutines(lua_State *L)
{
    lua_getglobal(L, "coroutine");
    lua_getfield(L, -1, "resume");
    plain_resume = lua_tocfunction(L, -1);
    lua_pushcfunction(L, resume);
    lua_setfield(L, -3, "resume");
    lua_pushcfunction(L, wrap);
    lua_setfield(L, -3, "wrap");
    lua_pop(L, 2);
}

/* ---- calls --------------------------------------------------------------------------------------------- */

/* Whether the line of the script that failed asks a number for its item: t[{i, j}]:item(). Lua's own message cannot say
 * that the element is a number already. */
static bool asks_number_for_item(lua_State *L, const char *message)
{
    lua_Debug at;
    char line[512] = "";
    if (!strstr(message, "attempt to index a number value") || !lua_getstack(L, 1, &at)) return false;
    lua_getinfo(L, "Sl", &at);
    FILE *file = at.source[0] == '@' ? fopen(at.source + 1, "r") : NULL;
    if (!file) return strstr(at.source, ":item(") != NULL;
    for (int n = 0; n < at.currentline && fgets(line, sizeof line, file); n += strchr(line, '\n') != NULL) continue;
    fclose(file);
    return strstr(line, ":item(") != NULL;
}

/* Whether a message begins with the place of its error, as "script.lua:7: ". */
static bool has_place(const char *message)
{
    const char *end = message + strcspn(message, "\n");
    for (const char *at = message; (at = memchr(at, ':', (size_t)(end - at))); at++) {
        const size_t digits = strspn(at + 1, "0123456789");
        if (digits && at[1 + digits] == ':') return true;
    }
    return false;
}

/* A text that was raised without a place is meant for who runs the script, not for who writes it. */
static int add_traceback(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING && !has_place(lua_tostring(L, 1))) return 1;
    if (lua_type(L, 1) != LUA_TSTRING && !luaL_callmeta(L, 1, "__tostring"))
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    const char *message = lua_tostring(L, -1);
    if (message && asks_number_for_item(L, message))
        message = lua_pushfstring(L, "%s (an element of a tensor is a number already: leave out :item())", message);
    luaL_traceback(L, L, message ? message : "(error object without text)", 1);
    return 1;
}

int run_call(lua_State *L, int arguments, int results)
{
    const int handler = lua_gettop(L) - arguments;
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, handler);
    running = L;
    struct sigaction before;
    const struct sigaction ours = {.sa_handler = on_interrupt};         /* a read that waits is cut short */
    sigaction(SIGINT, &ours, &before);
    const int status = lua_pcall(L, arguments, results, handler);
    sigaction(SIGINT, &before, NULL);
    forget_interrupt(L);
    lua_remove(L, handler);
    return status;
}

bool run_report(lua_State *L, int status)
{
    if (status == LUA_OK) return true;
    const char *message = lua_tostring(L, -1);
    fflush(stdout);
    fprintf(stderr, "embla: %s\n", message ? message : "(error without text)");
    fflush(stderr);
    lua_pop(L, 1);
    return false;
}
