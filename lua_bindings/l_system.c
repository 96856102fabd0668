/* Threads, memory, the clock, and what standard output is. */
#include <time.h>
#include <unistd.h>

#include "bindings.h"

static int set_num_threads(lua_State *L)
{
    const int64_t n = eml_tointeger(L, 1, "set_num_threads");
    if (n < 1 || n > EM_MAX_THREADS)
        return eml_error(L, "set_num_threads: expected 1 to %d, got %I", EM_MAX_THREADS, (LUAI_UACINT)n);
    if (em_set_threads((int)n)) eml_error(L, "set_num_threads: %s", em_error());
    return 0;
}

static int get_num_threads(lua_State *L)
{
    lua_pushinteger(L, em_threads());
    return 1;
}

/* core.in_parallel(): whether a parallel region is open, which no call may leave behind; for tests */
static int in_parallel(lua_State *L)
{
    lua_pushboolean(L, em_in_parallel());
    return 1;
}

/* core.memory(): bytes in tensors, bytes cached, most bytes ever, live blocks */
static int memory(lua_State *L)
{
    lua_pushinteger(L, em_memory_used());
    lua_pushinteger(L, em_memory_cached());
    lua_pushinteger(L, em_memory_peak());
    lua_pushinteger(L, em_memory_blocks());
    return 4;
}

/* core.fail_after(count[, sticky[, plausibly]]): an allocation fails, for tests */
static int fail_after(lua_State *L)
{
    em_memory_fail_after(luaL_checkinteger(L, 1), lua_toboolean(L, 2));
    em_memory_fail_plausibly(lua_toboolean(L, 3));
    return 0;
}

/* core.machine(): the BLAS, the kernels' instruction set */
static int machine(lua_State *L)
{
    lua_pushstring(L, em_blas());
    lua_pushstring(L, em_instructions());
    return 2;
}

/* embla.clock(): seconds that only ever grow, for timing */
static int monotonic(lua_State *L)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec * 1e-9);
    return 1;
}

/* is_terminal(number of a file descriptor) */
static int is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

void eml_open_system(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {{"memory", memory}, {"in_parallel", in_parallel}, {"fail_after", fail_after},
                                         {"machine", machine}, {"is_terminal", is_terminal}, {NULL, NULL}};
    static const eml_named named[] = {
        {"set_num_threads", set_num_threads, "count",
         "How many threads an operation may use.\n"
         "@param count integer >= 1"},
        {"get_num_threads", get_num_threads, "",
         "How many threads an operation may use.\n"
         "@return integer"},
        {"clock", monotonic, "",
         "Seconds that only ever grow, for timing: the difference of two calls is what passed between them.\n"
         "@return number"},
        {NULL, NULL, NULL, NULL},
    };
    eml_register(L, state, functions);
    eml_register_named(L, state, named);
    if (em_threads() == 1) em_start_threads();          /* under a stock lua5.4 nobody has chosen yet */
}
