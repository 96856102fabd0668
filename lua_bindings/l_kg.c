/* Knowledge graphs: known answers, ranks, negatives. */
#include "handle.h"

#define ANSWERS "embla.core.Answers"
EML_HANDLE(em_answers, answers, ANSWERS)

static em_answers *optanswers(lua_State *L, int arg)
{
    return lua_isnoneornil(L, arg) ? NULL : eml_checkhandle(L, arg, ANSWERS);
}

/* answers_new(keys, values): what is known, to be asked by key */
static int answers_new(lua_State *L)
{
    const em_tensor *keys = eml_checktensor(L, 1), *values = eml_checktensor(L, 2);
    em_answers **out = push_answers(L);
    eml_check(L, em_answers_new(out, keys, values));
    return 1;
}

/* answers_list(answers, keys (B)): values (T), ends (B) */
static int answers_list(lua_State *L)
{
    const em_answers *a = eml_checkhandle(L, 1, ANSWERS);
    const em_tensor *keys = eml_checktensor(L, 2);
    em_tensor **values = eml_pushtensor(L), **ends = eml_pushtensor(L);
    eml_check(L, em_answers_list(values, ends, a, keys));
    return 2;
}

/* rank_counts(scores, targets, keys, answers or nil): better (B), equal (B) */
static int rank_counts(lua_State *L)
{
    const em_tensor *scores = eml_checktensor(L, 1), *targets = eml_checktensor(L, 2), *keys = eml_checktensor(L, 3);
    const em_answers *known = optanswers(L, 4);
    em_tensor **better = eml_pushtensor(L), **equal = eml_pushtensor(L);
    eml_check(L, em_rank_counts(better, equal, scores, targets, keys, known));
    return 2;
}

/* corrupt(triples, num, entities, head_share, answers or nil): negatives (B, num, 3) */
static int corrupt(lua_State *L)
{
    const em_tensor *triples = eml_checktensor(L, 1), *head_share = eml_checktensor(L, 4);
    const int64_t num = luaL_checkinteger(L, 2), entities = luaL_checkinteger(L, 3);
    const em_answers *known = optanswers(L, 5);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_corrupt(out, triples, num, entities, head_share, known, &eml_getstate(L)->rng));
    return 1;
}

void eml_open_kg(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"answers_new", answers_new}, {"answers_list", answers_list}, {"rank_counts", rank_counts},
        {"corrupt", corrupt}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    open_answers(L, state);
}
