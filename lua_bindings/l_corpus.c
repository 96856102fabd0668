/* Corpora: text as word ids. */
#include "handle.h"
#include "option.h"

#define CORPUS "embla.core.Corpus"
EML_HANDLE(em_corpus, corpus, CORPUS)

em_corpus *eml_checkcorpus(lua_State *L, int arg) { return eml_checkhandle(L, arg, CORPUS); }

/* The strings of the table at `arg`, which keeps them alive; the list is a userdata left on the stack. */
static const char **check_paths(lua_State *L, int arg, int64_t *n)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    *n = (int64_t)lua_rawlen(L, arg);
    const char **paths = lua_newuserdatauv(L, (size_t)(*n + 1) * sizeof *paths, 0);
    for (int64_t i = 0; i < *n; i++) {
        if (lua_rawgeti(L, arg, (lua_Integer)i + 1) != LUA_TSTRING)
            eml_error(L, "Corpus: path %I is no string", (LUAI_UACINT)i + 1);
        paths[i] = eml_checkpath(L, -1);
        lua_pop(L, 1);
    }
    return paths;
}

#define AT(member) EM_FIELD(em_corpus_opts, member)
static const em_field fields[] = {
    {{"split", EM_OPT_ENUM, "words", "words blanks",
      "words: letters, digits, inner ' and _; blanks: whatever stands between blanks, as word2vec.c does"},
     AT(text.split)},
    {{"sentence", EM_OPT_ENUM, "line", "line paragraph file",
      "a sentence ends with its line, with an empty line, with its file"}, AT(text.sentence)},
    {{"lower", EM_OPT_BOOL, "", "", "words in lower case; default true, but false for split = 'blanks'"},
     AT(text.lower)},
    {{"digits", EM_OPT_BOOL, "true", "", "digits belong to words; otherwise they are blanks"}, AT(text.digits)},
    {{"punctuation", EM_OPT_BOOL, "false", "", "each other visible character is a word of its own"},
     AT(text.punctuation)},
    {{"min_count", EM_OPT_INT, "1", ">= 0", "a new vocabulary: words counted less often are left out"}, AT(min_count)},
    {{"max_size", EM_OPT_INT, "", ">= 0", "a new vocabulary: at most so many words"}, AT(max_size)},
    {{"max_words", EM_OPT_INT, "", ">= 0", "stop reading after so many words"}, AT(max_words)},
    {{0}, 0, 0},
};

/* corpus_read(paths, options, vocab or nil, unknown or nil) */
static int corpus_read(lua_State *L)
{
    em_corpus_opts opts = {.max_size = -1, .max_words = -1};
    eml_readfields(L, 2, "Corpus", fields, &opts);
    opts.vocab = lua_isnoneornil(L, 3) ? NULL : eml_checkvocab(L, 3);
    opts.text.unknown = luaL_optstring(L, 4, NULL);
    int64_t n;
    const char **paths = check_paths(L, 1, &n);
    em_corpus **out = push_corpus(L);
    eml_check(L, em_corpus_read(out, paths, n, &opts));
    return 1;
}

/* corpus_from_ids(ids, vocab, trim, min_count, max_size or -1): see em_corpus_from_ids */
static int corpus_from_ids(lua_State *L)
{
    const em_tensor *ids = eml_checktensor(L, 1);
    em_vocab *vocab = eml_checkvocab(L, 2);
    em_corpus **out = push_corpus(L);
    const em_status s = em_corpus_from_ids(out, ids, vocab, lua_toboolean(L, 3), luaL_checkinteger(L, 4),
                                           luaL_checkinteger(L, 5));
    if (s) eml_raise(L, s);     /* not made once more, as eml_check does: the ids may be those of before the trimming */
    return 1;
}

/* corpus_parts(corpus): vocab, words, bytes, number of ids, number of sentences */
static int corpus_parts(lua_State *L)
{
    const em_corpus *c = eml_checkcorpus(L, 1);
    em_vocab **v = eml_pushvocab(L);
    em_vocab_retain(*v = em_corpus_vocab(c));
    lua_pushinteger(L, (lua_Integer)em_corpus_words(c));
    lua_pushinteger(L, (lua_Integer)em_corpus_bytes(c));
    lua_pushinteger(L, (lua_Integer)em_tensor_count(em_corpus_ids(c)));
    lua_pushinteger(L, (lua_Integer)em_tensor_count(em_corpus_starts(c)) - 1);
    return 5;
}

/* corpus_ids(corpus): ids, starts, as copies: a script may write to them, the corpus's own stay as they were checked */
static int corpus_ids(lua_State *L)
{
    const em_corpus *c = eml_checkcorpus(L, 1);
    em_tensor **ids = eml_pushtensor(L), **starts = eml_pushtensor(L);
    eml_check(L, em_tensor_clone(ids, em_corpus_ids(c)));
    eml_check(L, em_tensor_clone(starts, em_corpus_starts(c)));
    return 2;
}

void eml_open_corpus(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"corpus_read", corpus_read},   {"corpus_from_ids", corpus_from_ids}, {"corpus_parts", corpus_parts},
        {"corpus_ids", corpus_ids},     {NULL, NULL},
    };
    eml_register(L, state, functions);
    eml_openfields(L, "corpus_options", fields);
    open_corpus(L, state);
}
