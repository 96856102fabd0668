/* Vocabularies, corpora and skip-gram batches. Each is a userdata that owns one handle of the core. */
#include <string.h>

#include "bindings.h"

#define VOCAB "embla.core.Vocab"
#define CORPUS "embla.core.Corpus"
#define SKIPGRAM "embla.core.SkipGram"
#define WORD2VEC "embla.core.Word2Vec"

/* ---- handles ------------------------------------------------------------------------------------------- */

/* Defines push_NAME (an empty box, to be filled through the pointer), check_NAME and NAME_gc. */
#define HANDLE(type, name, meta) \
    static type **push_##name(lua_State *L) \
    { \
        type **box = lua_newuserdatauv(L, sizeof *box, 0); \
        *box = NULL; \
        luaL_setmetatable(L, meta); \
        return box; \
    } \
    static type *check_##name(lua_State *L, int arg) \
    { \
        type *handle = *(type **)luaL_checkudata(L, arg, meta); \
        if (!handle) luaL_argerror(L, arg, "it was closed"); \
        return handle; \
    } \
    static void release_##name(void *handle) { type##_release(handle); } \
    static int name##_gc(lua_State *L) \
    { \
        type **box = luaL_checkudata(L, 1, meta), *handle = *box; \
        *box = NULL; \
        if (handle) eml_let_go(lua_touserdata(L, lua_upvalueindex(1)), release_##name, handle); \
        return 0; \
    }

HANDLE(em_vocab, vocab, VOCAB)
HANDLE(em_corpus, corpus, CORPUS)
HANDLE(em_skipgram, skipgram, SKIPGRAM)
HANDLE(em_word2vec, word2vec, WORD2VEC)

static void new_metatable(lua_State *L, int state, const char *name, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushvalue(L, state);
    lua_pushcclosure(L, gc, 1);
    lua_setfield(L, -2, "__gc");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

em_vocab *eml_checkvocab(lua_State *L, int arg) { return check_vocab(L, arg); }
em_vocab **eml_pushvocab(lua_State *L) { return push_vocab(L); }

const char *eml_checkpath(lua_State *L, int arg)
{
    size_t length;
    const char *path = luaL_checklstring(L, arg, &length);
    if (strlen(path) != length) eml_error(L, "a path has a zero byte in it: '%s...'", path);
    return path;
}

/* ---- vocabulary ---------------------------------------------------------------------------------------- */

static int vocab_new(lua_State *L)
{
    em_vocab **out = push_vocab(L);
    eml_check(L, em_vocab_new(out));
    return 1;
}

/* vocab_add(vocab, word, count): its id */
static int vocab_add(lua_State *L)
{
    em_vocab *v = check_vocab(L, 1);
    size_t length;
    const char *word = luaL_checklstring(L, 2, &length);
    int64_t id;
    eml_check(L, em_vocab_add(v, word, length, luaL_checkinteger(L, 3), &id));
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
}

/* vocab_special(vocab, count, unknown or -1) */
static int vocab_special(lua_State *L)
{
    em_vocab *v = check_vocab(L, 1);
    eml_check(L, em_vocab_set_special(v, luaL_checkinteger(L, 2)));
    eml_check(L, em_vocab_set_unknown(v, luaL_checkinteger(L, 3)));
    return 0;
}

/* vocab_trim(vocab, min_count, max_size or -1) */
static int vocab_trim(lua_State *L)
{
    em_vocab *v = check_vocab(L, 1);
    eml_check(L, em_vocab_trim(v, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), NULL));
    return 0;
}

/* vocab_info(vocab): size, total of the counts, special words, unknown id or -1 */
static int vocab_info(lua_State *L)
{
    const em_vocab *v = check_vocab(L, 1);
    lua_pushinteger(L, (lua_Integer)em_vocab_size(v));
    lua_pushinteger(L, (lua_Integer)em_vocab_total(v));
    lua_pushinteger(L, (lua_Integer)em_vocab_special(v));
    lua_pushinteger(L, (lua_Integer)em_vocab_unknown(v));
    return 4;
}

/* vocab_find(vocab, word): its id, or nil */
static int vocab_find(lua_State *L)
{
    const em_vocab *v = check_vocab(L, 1);
    size_t length;
    const char *word = luaL_checklstring(L, 2, &length);
    const int64_t id = em_vocab_find(v, word, length);
    if (id < 0) return 0;
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
}

/* vocab_word(vocab, id): word, count; nothing if there is no such id */
static int vocab_word(lua_State *L)
{
    const em_vocab *v = check_vocab(L, 1);
    const int64_t id = luaL_checkinteger(L, 2);
    if (id < 0 || id >= em_vocab_size(v)) return 0;
    size_t length;
    const char *word = em_vocab_word(v, id, &length);
    lua_pushlstring(L, word, length);
    lua_pushinteger(L, (lua_Integer)em_vocab_count(v, id));
    return 2;
}

/* vocab_counts(vocab): Tensor (V) int64 */
static int vocab_counts(lua_State *L)
{
    const em_vocab *v = check_vocab(L, 1);
    const int64_t size = em_vocab_size(v);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, EM_I64, 1, &size));
    int64_t *counts = em_tensor_data(*out);
    for (int64_t id = 0; id < size; id++) counts[id] = em_vocab_count(v, id);
    return 1;
}

static int vocab_save(lua_State *L)
{
    const em_vocab *v = check_vocab(L, 1);
    eml_check(L, em_vocab_save(v, eml_checkpath(L, 2)));
    return 0;
}

static int vocab_load(lua_State *L)
{
    const char *path = eml_checkpath(L, 1);
    em_vocab **out = push_vocab(L);
    eml_check(L, em_vocab_load(out, path));
    return 1;
}

/* ---- corpus -------------------------------------------------------------------------------------------- */

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

/* corpus_read(paths, split, sentence, lower, digits, punctuation, unknown, vocab, min_count, max_size, max_words):
 * unknown and vocab may be nil; max_size and max_words -1 for no limit */
static int corpus_read(lua_State *L)
{
    static const char *const splits[] = {"words", "blanks", NULL};
    static const char *const sentences[] = {"line", "paragraph", "file", NULL};
    const em_text_opts opts = {
        .split = (em_text_split)luaL_checkoption(L, 2, NULL, splits),
        .sentence = (em_text_sentence)luaL_checkoption(L, 3, NULL, sentences),
        .lower = lua_toboolean(L, 4), .digits = lua_toboolean(L, 5), .punctuation = lua_toboolean(L, 6),
        .unknown = luaL_optstring(L, 7, NULL),
    };
    em_vocab *vocab = lua_isnil(L, 8) ? NULL : check_vocab(L, 8);
    const int64_t min_count = luaL_checkinteger(L, 9), max_size = luaL_checkinteger(L, 10),
                  max_words = luaL_checkinteger(L, 11);
    int64_t n;
    const char **paths = check_paths(L, 1, &n);
    em_corpus **out = push_corpus(L);
    eml_check(L, em_corpus_read(out, paths, n, &opts, vocab, min_count, max_size, max_words));
    return 1;
}

/* corpus_parts(corpus): vocab, words, bytes, number of ids, number of sentences */
static int corpus_parts(lua_State *L)
{
    const em_corpus *c = check_corpus(L, 1);
    em_vocab **v = push_vocab(L);
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
    const em_corpus *c = check_corpus(L, 1);
    em_tensor **ids = eml_pushtensor(L), **starts = eml_pushtensor(L);
    eml_check(L, em_tensor_clone(ids, em_corpus_ids(c)));
    eml_check(L, em_tensor_clone(starts, em_corpus_starts(c)));
    return 2;
}

/* ---- skip-gram ----------------------------------------------------------------------------------------- */

/* skipgram_new(corpus, window, negative, sample, batch_size, dtype, seed, prefetch): prefetch may be nil, for
 * whether the team leaves a processor free */
static int skipgram_new(lua_State *L)
{
    em_corpus *c = check_corpus(L, 1);
    const em_skipgram_opts opts = {
        .window = luaL_checkinteger(L, 2), .negative = luaL_checkinteger(L, 3), .sample = luaL_checknumber(L, 4),
        .batch_size = luaL_checkinteger(L, 5), .dtype = eml_checkdtype(L, 6), .seed = (uint64_t)luaL_checkinteger(L, 7),
        .prefetch = lua_isnil(L, 8) ? em_threads() < em_threads_available() : lua_toboolean(L, 8),
    };
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

/* ---- word2vec ------------------------------------------------------------------------------------------ */

/* word2vec_new(corpus, vectors, contexts, cbow, shared, hogwild, window, negative, sample, lr, epochs, seed) */
static int word2vec_new(lua_State *L)
{
    em_corpus *c = check_corpus(L, 1);
    em_tensor *vectors = eml_checktensor(L, 2), *contexts = eml_checktensor(L, 3);
    const em_word2vec_opts opts = {
        .cbow = lua_toboolean(L, 4), .shared = lua_toboolean(L, 5), .hogwild = lua_toboolean(L, 6),
        .window = luaL_checkinteger(L, 7), .negative = luaL_checkinteger(L, 8), .sample = luaL_checknumber(L, 9),
        .lr = luaL_checknumber(L, 10), .epochs = luaL_checkinteger(L, 11), .seed = (uint64_t)luaL_checkinteger(L, 12),
    };
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
    const em_word2vec_place at = em_word2vec_where(check_word2vec(L, 1));
    lua_pushinteger(L, (lua_Integer)at.epoch);
    lua_pushinteger(L, (lua_Integer)at.portion);
    lua_pushinteger(L, (lua_Integer)at.word);
    return 3;
}

/* word2vec_seek(word2vec, epoch, portion, word) */
static int word2vec_seek(lua_State *L)
{
    em_word2vec *w = check_word2vec(L, 1);
    const em_word2vec_place at = {luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), luaL_checkinteger(L, 4)};
    eml_check(L, em_word2vec_seek(w, at));
    return 0;
}

void eml_open_text(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"vocab_new", vocab_new}, {"vocab_add", vocab_add}, {"vocab_special", vocab_special},
        {"vocab_trim", vocab_trim}, {"vocab_info", vocab_info}, {"vocab_find", vocab_find},
        {"vocab_word", vocab_word}, {"vocab_counts", vocab_counts}, {"vocab_save", vocab_save},
        {"vocab_load", vocab_load}, {"corpus_read", corpus_read}, {"corpus_parts", corpus_parts},
        {"corpus_ids", corpus_ids},
        {"skipgram_new", skipgram_new}, {"skipgram_start", skipgram_start}, {"skipgram_next", skipgram_next},
        {"word2vec_new", word2vec_new}, {"word2vec_train", word2vec_train}, {"word2vec_where", word2vec_where},
        {"word2vec_seek", word2vec_seek}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    new_metatable(L, state, VOCAB, vocab_gc);
    new_metatable(L, state, CORPUS, corpus_gc);
    new_metatable(L, state, SKIPGRAM, skipgram_gc);
    new_metatable(L, state, WORD2VEC, word2vec_gc);
}
