/* Batches of a skip-gram. */
#include "handle.h"
#include "option.h"

#define SKIPGRAM "embla.core.SkipGram"
EML_HANDLE(em_skipgram, skipgram, SKIPGRAM)

static em_skipgram *check_skipgram(lua_State *L, int arg) { return eml_checkhandle(L, arg, SKIPGRAM); }

#define AT(member) EM_FIELD(em_skipgram_opts, member)
static const em_field fields[] = {
    {{"window", EM_OPT_INT, "5", "[1, 1000]", "contexts at most so many words off, drawn from 1 to this"}, AT(window)},
    {{"negative", EM_OPT_INT, "5", "[0, 1000]", "negatives drawn for each pair"}, AT(negative)},
    {{"sample", EM_OPT_NUMBER, "1e-3", ">= 0", "threshold of leaving out frequent words; 0: none"}, AT(sample)},
    {{"batch_size", EM_OPT_INT, "1024", ">= 1", "pairs in a batch"}, AT(batch_size)},
    {{"seed", EM_OPT_INT, "", "", "of the draws; default: that of embla.manual_seed"}, AT(seed)},
    {{"dtype", EM_OPT_DTYPE, "int64", "int64 int32", "of the ids"}, AT(dtype)},
    {{"prefetch", EM_OPT_BOOL, "", "",
      "draw each batch while the one before it trains; default: if the threads leave a processor free for it"},
     AT(prefetch)},
    {{0}, 0, 0},
};

/* skipgram_new(corpus, options): each but prefetch must be given */
static int skipgram_new(lua_State *L)
{
    em_corpus *c = eml_checkcorpus(L, 1);
    em_skipgram_opts opts = {.prefetch = em_threads() < em_threads_available()};
    eml_readfields(L, 2, "SkipGram", fields, &opts);
    if (opts.sample == 0) opts.sample = INFINITY;           /* every word stays */
    em_skipgram **out = push_skipgram(L);
    eml_check(L, em_skipgram_new(out, c, &opts));
    return 1;
}

/* skipgram_start(skipgram, epoch) */
static int skipgram_start(lua_State *L)
{
    em_skipgram *s = check_skipgram(L, 1);
    const lua_Integer epoch = luaL_checkinteger(L, 2);
    luaL_argcheck(L, epoch >= 0, 2, "epochs count from 0");
    em_skipgram_start(s, epoch);
    return 0;
}

/* skipgram_where(skipgram): portion, pair */
static int skipgram_where(lua_State *L)
{
    const em_skipgram_position at = em_skipgram_where(check_skipgram(L, 1));
    lua_pushinteger(L, (lua_Integer)at.portion);
    lua_pushinteger(L, (lua_Integer)at.pair);
    return 2;
}

/* skipgram_seek(skipgram, epoch, portion, pair) */
static int skipgram_seek(lua_State *L)
{
    em_skipgram *s = check_skipgram(L, 1);
    const lua_Integer epoch = luaL_checkinteger(L, 2);
    luaL_argcheck(L, epoch >= 0, 2, "epochs count from 0");
    eml_check(L, em_skipgram_seek(s, epoch, (em_skipgram_position){luaL_checkinteger(L, 3), luaL_checkinteger(L, 4)}));
    return 0;
}

/* skipgram_next(skipgram): words done, centre, targets; after the last batch words done only */
static int skipgram_next(lua_State *L)
{
    em_skipgram *s = check_skipgram(L, 1);
    em_tensor **centre = eml_pushtensor(L), **targets = eml_pushtensor(L);
    eml_check(L, em_skipgram_next(s, centre, targets));
    lua_pushinteger(L, (lua_Integer)em_skipgram_done(s));
    lua_insert(L, -3);
    if (*centre) return 3;
    lua_pop(L, 2);
    return 1;
}

void eml_open_skipgram(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"skipgram_new", skipgram_new}, {"skipgram_start", skipgram_start}, {"skipgram_next", skipgram_next},
        {"skipgram_where", skipgram_where}, {"skipgram_seek", skipgram_seek}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    eml_openfields(L, "skipgram_options", fields);
    open_skipgram(L, state);
}
