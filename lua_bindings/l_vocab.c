/* Vocabularies. */
#include "handle.h"

#define VOCAB "embla.core.Vocab"
EML_HANDLE(em_vocab, vocab, VOCAB)

em_vocab *eml_checkvocab(lua_State *L, int arg) { return eml_checkhandle(L, arg, VOCAB); }
em_vocab **eml_pushvocab(lua_State *L) { return push_vocab(L); }

static int vocab_new(lua_State *L)
{
    em_vocab **out = eml_pushvocab(L);
    eml_check(L, em_vocab_new(out));
    return 1;
}

/* vocab_add(vocab, word, count): its id */
static int vocab_add(lua_State *L)
{
    em_vocab *v = eml_checkvocab(L, 1);
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
    em_vocab *v = eml_checkvocab(L, 1);
    eml_check(L, em_vocab_set_special(v, luaL_checkinteger(L, 2)));
    eml_check(L, em_vocab_set_unknown(v, luaL_checkinteger(L, 3)));
    return 0;
}

/* vocab_trim(vocab, min_count, max_size or -1) */
static int vocab_trim(lua_State *L)
{
    em_vocab *v = eml_checkvocab(L, 1);
    eml_check(L, em_vocab_trim(v, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), NULL));
    return 0;
}

/* vocab_info(vocab): size, total of the counts, special words, unknown id or -1 */
static int vocab_info(lua_State *L)
{
    const em_vocab *v = eml_checkvocab(L, 1);
    lua_pushinteger(L, (lua_Integer)em_vocab_size(v));
    lua_pushinteger(L, (lua_Integer)em_vocab_total(v));
    lua_pushinteger(L, (lua_Integer)em_vocab_special(v));
    lua_pushinteger(L, (lua_Integer)em_vocab_unknown(v));
    return 4;
}

/* vocab_find(vocab, word): its id, or nil */
static int vocab_find(lua_State *L)
{
    const em_vocab *v = eml_checkvocab(L, 1);
    size_t length;
    const char *word = luaL_checklstring(L, 2, &length);
    const int64_t id = em_vocab_find(v, word, length);
    if (id < 0) return 0;
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
}

/* vocab_nearest(vocab, word, most): list of ids of words spelled like it */
static int vocab_nearest(lua_State *L)
{
    enum { MOST = 16 };
    const em_vocab *v = eml_checkvocab(L, 1);
    size_t length;
    const char *word = luaL_checklstring(L, 2, &length);
    int64_t ids[MOST], n = luaL_checkinteger(L, 3);
    if (n < 0 || n > MOST) n = MOST;
    eml_check(L, em_vocab_nearest(v, word, length, ids, &n));
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushinteger(L, (lua_Integer)ids[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* vocab_word(vocab, id): word, count; nothing if there is no such id */
static int vocab_word(lua_State *L)
{
    const em_vocab *v = eml_checkvocab(L, 1);
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
    const em_vocab *v = eml_checkvocab(L, 1);
    const int64_t size = em_vocab_size(v);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, EM_I64, 1, &size));
    int64_t *counts = em_tensor_data(*out);
    for (int64_t id = 0; id < size; id++) counts[id] = em_vocab_count(v, id);
    return 1;
}

static int vocab_save(lua_State *L)
{
    const em_vocab *v = eml_checkvocab(L, 1);
    eml_check(L, em_vocab_save(v, eml_checkpath(L, 2)));
    return 0;
}

static int vocab_load(lua_State *L)
{
    const char *path = eml_checkpath(L, 1);
    em_vocab **out = eml_pushvocab(L);
    eml_check(L, em_vocab_load(out, path));
    return 1;
}

void eml_open_vocab(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"vocab_new", vocab_new}, {"vocab_add", vocab_add}, {"vocab_special", vocab_special},
        {"vocab_trim", vocab_trim}, {"vocab_info", vocab_info}, {"vocab_find", vocab_find},
        {"vocab_word", vocab_word}, {"vocab_counts", vocab_counts}, {"vocab_save", vocab_save},
        {"vocab_load", vocab_load}, {"vocab_nearest", vocab_nearest}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    open_vocab(L, state);
}
