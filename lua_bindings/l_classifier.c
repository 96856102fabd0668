/* Classes of texts. */
#include "bindings.h"

/* classifier_features(list of n texts, vocab, word_ngrams, minn, maxn, buckets): ids (T), starts (n + 1) */
static int classifier_features(lua_State *L)
{
    lua_Integer n;
    const em_vocab *vocab = eml_checkvocab(L, 2);
    const em_feature_opts opts = {luaL_checkinteger(L, 3), luaL_checkinteger(L, 4), luaL_checkinteger(L, 5),
                                  luaL_checkinteger(L, 6)};
    const em_word *texts = eml_checkwords(L, 1, "classifier_features", &n);
    em_tensor **ids = eml_pushtensor(L), **starts = eml_pushtensor(L);
    eml_check(L, em_features(ids, starts, texts, n, vocab, &opts));
    return 2;
}

/* classifier_train(input, output, ids, starts, labels, epochs, lr): mean loss of the last epoch */
static int classifier_train(lua_State *L)
{
    em_tensor *input = eml_checktensor(L, 1), *output = eml_checktensor(L, 2);
    const em_tensor *ids = eml_checktensor(L, 3), *starts = eml_checktensor(L, 4), *labels = eml_checktensor(L, 5);
    const lua_Integer epochs = luaL_checkinteger(L, 6);
    const lua_Number lr = luaL_checknumber(L, 7);
    double loss;
    eml_check(L, em_classifier_train(input, output, ids, starts, labels, epochs, lr, &loss));
    lua_pushnumber(L, loss);
    return 1;
}

/* classifier_scores(input, output, ids, starts): probabilities (n, K) */
static int classifier_scores(lua_State *L)
{
    const em_tensor *input = eml_checktensor(L, 1), *output = eml_checktensor(L, 2);
    const em_tensor *ids = eml_checktensor(L, 3), *starts = eml_checktensor(L, 4);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_classifier_scores(out, input, output, ids, starts));
    return 1;
}

void eml_open_classifier(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"classifier_features", classifier_features}, {"classifier_train", classifier_train},
        {"classifier_scores", classifier_scores}, {NULL, NULL},
    };
    eml_register(L, state, functions);
}
