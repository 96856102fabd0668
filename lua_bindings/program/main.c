/* The program `embla`: options, the script and its arguments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

#include "embla.h"
#include "program.h"

int luaopen_embla_core(lua_State *L);

static const char usage[] =
    "usage: embla [options] [script.lua [arguments]]\n"
    "  -e CODE  run CODE (may be given several times)\n"
    "  -i       prompt after the script\n"
    "  -t N     use N threads\n"
    "  -v       show the version\n"
    "  -h       show this help\n"
    "  -        run standard input\n"
    "  --       end of the options\n"
    "Without a script: a prompt on a terminal, else standard input is run.\n";

typedef struct options {
    int script;         /* index of the script in argv; argc if there is none */
    bool code;          /* -e was given */
    bool prompt, version, help;
    int threads;        /* 0: default */
} options;

/* ---- options ------------------------------------------------------------------------------------------- */

static bool complain(const char *what, const char *option)
{
    fprintf(stderr, "embla: %s '%s'\n%s", what, option, usage);
    return false;
}

static bool read_threads(int *threads, const char *text)
{
    char *end;
    errno = 0;
    const long n = strtol(text, &end, 10);
    if (errno || end == text || *end || n < 1 || n > EM_MAX_THREADS) {
        fprintf(stderr, "embla: -t: expected a number of threads from 1 to %d, given '%s'\n", EM_MAX_THREADS, text);
        return false;
    }
    *threads = (int)n;
    return true;
}

/* The value of an option such as -e: the rest of its word, or the next word, to which *i then moves. */
static const char *option_value(char **argv, int *i)
{
    if (argv[*i][2]) return argv[*i] + 2;
    return argv[*i + 1] ? argv[++*i] : NULL;
}

static bool read_flag(options *o, const char *word)
{
    if (!strcmp(word, "-i"))
        o->prompt = true;
    else if (!strcmp(word, "-v") || !strcmp(word, "--version"))
        o->version = true;
    else if (!strcmp(word, "-h") || !strcmp(word, "--help"))
        o->help = true;
    else
        return complain("unknown option", word);
    return true;
}

static bool read_options(options *o, char **argv)
{
    int i = argv[0] ? 1 : 0;
    for (; argv[i] && argv[i][0] == '-' && argv[i][1]; i++) {
        const char *word = argv[i];
        if (!strcmp(word, "--")) {
            i++;
            break;
        }
        if (word[1] != 'e' && word[1] != 't') {
            if (!read_flag(o, word)) return false;
            continue;
        }
        const char *value = option_value(argv, &i);
        if (!value) return complain("a value is missing after", word);
        if (word[1] == 'e')
            o->code = true;
        else if (!read_threads(&o->threads, value))
            return false;
    }
    o->script = i;
    return true;
}

/* ---- running ------------------------------------------------------------------------------------------- */

/* The global `arg`: the script at 0, its arguments from 1, what came before it below 0. */
static void set_arg(lua_State *L, char **argv, int argc, int script)
{
    const int zero = script < argc ? script : 0;
    lua_createtable(L, argc - zero, zero + 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - zero);
    }
    lua_setglobal(L, "arg");
}

static bool run_code(lua_State *L, const char *code)
{
    int status = luaL_loadbuffer(L, code, strlen(code), "=(command line)");
    if (status == LUA_OK) status = run_call(L, 0, 0);
    return run_report(L, status);
}

/* Each -e in turn; stops at the first that fails. */
static bool run_codes(lua_State *L, char **argv, int end)
{
    for (int i = 1; i < end; i++) {
        if (argv[i][1] != 'e' && argv[i][1] != 't') continue;
        const bool is_code = argv[i][1] == 'e';
        const char *value = option_value(argv, &i);
        if (is_code && !run_code(L, value)) return false;
    }
    return true;
}

/* Runs a file with its arguments; `path` null: standard input. */
static bool run_file(lua_State *L, const char *path, char **arguments)
{
    int status = luaL_loadfile(L, path);
    if (status == LUA_OK) {
        int n = 0;
        for (; arguments[n]; n++) {
            luaL_checkstack(L, 2, "too many arguments");
            lua_pushstring(L, arguments[n]);
        }
        status = run_call(L, n, 0);
    }
    return run_report(L, status);
}

static bool run(lua_State *L, const options *o, char **argv, int argc)
{
    if (!run_codes(L, argv, o->script)) return false;
    if (o->script < argc) {
        const char *path = argv[o->script];
        if (!run_file(L, strcmp(path, "-") ? path : NULL, argv + o->script + 1)) return false;
    }
    const bool idle = o->script == argc && !o->code && !o->version;
    if (o->prompt || (idle && isatty(STDIN_FILENO)))
        repl(L);
    else if (idle)
        return run_file(L, NULL, argv + argc);
    return true;
}

static void open_libraries(lua_State *L)
{
    luaL_openlibs(L);
    run_follow_coroutines(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_embla_core);
    lua_setfield(L, -2, "embla.core");
    lua_pop(L, 1);
    paths_find_scripts(L);
    lua_warning(L, "@on", 0);
}

/* Everything that may raise an error for want of memory, behind one lua_pcall. */
static int protected_main(lua_State *L)
{
    const options *o = lua_touserdata(L, 1);
    char **argv = lua_touserdata(L, 2);
    const int argc = (int)lua_tointeger(L, 3);
    lua_settop(L, 0);
    lua_gc(L, LUA_GCGEN, 0, 0);         /* most tensors die young */
    open_libraries(L);
    set_arg(L, argv, argc, o->script);
    lua_pushboolean(L, run(L, o, argv, argc));
    return 1;
}

/* Idle threads of libgomp spin, for milliseconds by its default: on a machine that is busy with anything else they hold
 * up the very thread they wait for, and a run takes twenty times as long. It reads how long when it is loaded, before
 * main, so the program starts itself once more, unless somebody has said something. Should that fail, it goes on. */
static void spin_briefly(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
    if (setenv("GOMP_SPINCOUNT", "10000", 1) == 0) execv("/proc/self/exe", argv);
}

static void show_version(void)
{
    printf("Embla %s, %s, %s, %d %s, %s\n", EMBLA_VERSION, LUA_RELEASE, em_blas(), em_threads(),
           em_threads() == 1 ? "thread" : "threads", em_instructions());
}

/* Another OpenBLAS may be found when the program runs than when it was linked. */
static void warn_of_blas(void)
{
    const char *blas = em_blas();
    if (strstr(blas, "(plain threads)"))
        fprintf(stderr, "embla: %s: its threads compete with Embla's; on Debian the package libopenblas-openmp-dev "
                        "has the right one\n", blas);
}

int main(int argc, char **argv)
{
    spin_briefly(argv);
    options o = {0};
    if (!read_options(&o, argv)) return EXIT_FAILURE;
    if (o.help) return fputs(usage, stdout) < 0;
    if (o.threads && em_set_threads(o.threads)) {
        fprintf(stderr, "embla: -t: %s\n", em_error());
        return EXIT_FAILURE;
    }
    em_start_threads();
    if (o.version) show_version();
    warn_of_blas();

    lua_State *L = luaL_newstate();
    if (!L) {
        fputs("embla: not enough memory for a Lua state\n", stderr);
        return EXIT_FAILURE;
    }
    lua_setallocf(L, caps_allocate, NULL);
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, &o);
    lua_pushlightuserdata(L, argv);
    lua_pushinteger(L, argc);
    const bool good = run_report(L, lua_pcall(L, 3, 1, 0)) && lua_toboolean(L, -1);
    lua_close(L);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
