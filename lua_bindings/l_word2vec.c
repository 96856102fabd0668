/* Word vectors learnt in one loop. */
#include "handle.h"
#include "option.h"

#define WORD2VEC "embla.core.Word2Vec"
EML_HANDLE(em_word2vec, word2vec, WORD2VEC)

static em_word2vec *check_word2vec(lua_State *L, int arg) { return eml_checkhandle(L, arg, WORD2VEC); }

#define AT(member) EM_FIELD(em_word2vec_opts, member)
static const em_field fields[] = {
    {{"model", EM_OPT_ENUM, "skipgram", "skipgram cbow",
      "each word of a window against its centre, or the mean of the window against it"}, AT(cbow)},
    {{"window", EM_OPT_INT, "5", "[1, 1000]", "contexts at most so many words off, drawn from 1 to this"}, AT(window)},
    {{"negative", EM_OPT_INT, "5", "[1, 1000]", "negatives drawn each time"}, AT(negative)},
    {{"shared_negatives", EM_OPT_BOOL, "true", "",
      "skipgram: one set of negatives for all words of a window; otherwise one for each"}, AT(shared)},
    {{"sample", EM_OPT_NUMBER, "1e-3", ">= 0", "threshold of leaving out frequent words; 0: none"}, AT(sample)},
    {{"lr", EM_OPT_NUMBER, "0.05", ">= 0", "step size, falling in a line to lr / 10000"}, AT(lr)},
    {{"epochs", EM_OPT_INT, "5", ">= 1", "times the corpus is gone through"}, AT(epochs)},
    {{"mode", EM_OPT_ENUM, "deterministic", "deterministic hogwild",
      "deterministic: the same bits for any number of threads; hogwild: threads write to the tables without locks"},
     AT(hogwild)},
    {{"seed", EM_OPT_INT, "", "", "of all draws; default: that of embla.manual_seed"}, AT(seed)},
    {{0}, 0, 0},
};

/* word2vec_new(corpus, vectors, contexts, options): each must be given */
static int word2vec_new(lua_State *L)
{
    em_corpus *c = eml_checkcorpus(L, 1);
    em_tensor *vectors = eml_checktensor(L, 2), *contexts = eml_checktensor(L, 3);
    em_word2vec_opts opts = {0};
    eml_readfields(L, 4, "Word2Vec", fields, &opts);
    if (opts.sample == 0) opts.sample = INFINITY;           /* every word stays */
    em_word2vec **out = push_word2vec(L);
    eml_check(L, em_word2vec_new(out, c, vectors, contexts, &opts));
    return 1;
}

/* word2vec_train(word2vec, words): words done, sum of the losses, pairs */
static int word2vec_train(lua_State *L)
{
    em_word2vec *w = check_word2vec(L, 1);
    em_word2vec_report report;
    eml_check(L, em_word2vec_train(w, luaL_checkinteger(L, 2), &report));
    lua_pushinteger(L, (lua_Integer)report.words_done);
    lua_pushnumber(L, report.loss);
    lua_pushinteger(L, (lua_Integer)report.pairs);
    return 3;
}

/* word2vec_where(word2vec): epoch, portion, word */
static int word2vec_where(lua_State *L)
{
    const em_word2vec_position at = em_word2vec_where(check_word2vec(L, 1));
    lua_pushinteger(L, (lua_Integer)at.epoch);
    lua_pushinteger(L, (lua_Integer)at.portion);
    lua_pushinteger(L, (lua_Integer)at.word);
    return 3;
}

/* word2vec_seek(word2vec, epoch, portion, word) */
static int word2vec_seek(lua_State *L)
{
    em_word2vec *w = check_word2vec(L, 1);
    const em_word2vec_position at = {luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), luaL_checkinteger(L, 4)};
    eml_check(L, em_word2vec_seek(w, at));
    return 0;
}

void eml_open_word2vec(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"word2vec_new", word2vec_new}, {"word2vec_train", word2vec_train}, {"word2vec_where", word2vec_where},
        {"word2vec_seek", word2vec_seek}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    eml_openfields(L, "word2vec_options", fields);
    open_word2vec(L, state);
}
