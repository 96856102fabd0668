/* The generator behind manual_seed, and tensors filled from it. */
#include "bindings.h"

static int manual_seed(lua_State *L)
{
    eml_getstate(L)->rng = (em_rng){.seed = (uint64_t)eml_tointeger(L, 1, "manual_seed: seed")};
    return 0;
}

static int initial_seed(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)eml_getstate(L)->rng.seed);
    return 1;
}

/* The state: seed, position */
static int get_rng_state(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)eml_getstate(L)->rng.seed);
    lua_pushinteger(L, (lua_Integer)eml_getstate(L)->rng.position);
    return 2;
}

static int set_rng_state(lua_State *L)
{
    const lua_Integer seed = luaL_checkinteger(L, 1), position = luaL_checkinteger(L, 2);
    eml_getstate(L)->rng = (em_rng){.seed = (uint64_t)seed, .position = (uint64_t)position};
    return 0;
}

/* The tensor to draw into: that at 1, or, while its history is recorded, a fresh one (pushed) to be copied into it. */
static em_tensor *start_draw(lua_State *L, const char *what)
{
    em_tensor *t = eml_checktensor(L, 1);
    if (em_tensor_is_sparse(t)) eml_error(L, "%s: not for a row-sparse gradient", what);
    const bool left_out = em_tensor_is_left_out(t);
    if (!em_grad_enabled() || !(left_out || em_tensor_requires_grad(t))) return t;
    if (!left_out && em_tensor_is_leaf(t))
        eml_error(L, "%s: a leaf that requires grad cannot be changed in place while gradients are recorded (use "
                   "embla.no_grad)", what);
    em_tensor **drawn = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(drawn, em_tensor_dtype(t), em_tensor_dims(t), em_tensor_sizes(t)));
    return *drawn;
}

static int end_draw(lua_State *L, em_tensor *drawn)
{
    em_tensor *t = eml_checktensor(L, 1);
    if (drawn != t)
        eml_check(L, em_apply_inplace(em_op_find("copy"), t, (em_tensor *[]){t, drawn}, 2, NULL, NULL));
    lua_settop(L, 1);
    return 1;
}

static double number_or(lua_State *L, int arg, double initial, const char *what)
{
    if (lua_isnoneornil(L, arg)) return initial;
    if (lua_type(L, arg) != LUA_TNUMBER)
        eml_error(L, "%s: expected a number, got %s", what, eml_valuetext(L, arg));
    return lua_tonumber(L, arg);
}

static int uniform_(lua_State *L)
{
    const double low = number_or(L, 2, 0, "uniform_: low"), high = number_or(L, 3, 1, "uniform_: high");
    if (!(low <= high)) return eml_error(L, "uniform_: expected low <= high, got %f and %f", low, high);
    em_tensor *t = start_draw(L, "uniform_");
    eml_check(L, em_tensor_fill_uniform(t, low, high, &eml_getstate(L)->rng));
    return end_draw(L, t);
}

/* core.fill_uniform(t, low, high, seed): from a generator of its own */
static int fill_uniform(lua_State *L)
{
    em_rng rng = {.seed = (uint64_t)luaL_checkinteger(L, 4)};
    em_tensor_fill_uniform(eml_checktensor(L, 1), luaL_checknumber(L, 2), luaL_checknumber(L, 3), &rng);
    return 0;
}

static int normal_(lua_State *L)
{
    const double mean = number_or(L, 2, 0, "normal_: mean"), std = number_or(L, 3, 1, "normal_: std");
    if (!(std >= 0)) return eml_error(L, "normal_: expected std >= 0, got %f", std);
    em_tensor *t = start_draw(L, "normal_");
    eml_check(L, em_tensor_fill_normal(t, mean, std, &eml_getstate(L)->rng));
    return end_draw(L, t);
}

/* random_(low, high): integers of [low, high) */
static int random_(lua_State *L)
{
    const int64_t low = eml_tointeger(L, 2, "random_: low"), high = eml_tointeger(L, 3, "random_: high");
    if (low >= high)
        return eml_error(L, "random_: expected low < high, got %I and %I", (LUAI_UACINT)low, (LUAI_UACINT)high);
    em_tensor *t = start_draw(L, "random_");
    eml_checkfits(L, 2, em_tensor_dtype(t), "random_: low");
    if (!em_dtype_holds_int(em_tensor_dtype(t), high - 1)) eml_checkfits(L, 3, em_tensor_dtype(t), "random_: high");
    eml_check(L, em_tensor_fill_integers(t, low, high, &eml_getstate(L)->rng));
    return end_draw(L, t);
}

/* core.randperm(n) */
static int randperm(lua_State *L)
{
    const int64_t n = eml_tointeger(L, 1, "randperm: n");
    if (n < 0) return eml_error(L, "randperm: expected n >= 0, got %I", (LUAI_UACINT)n);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_empty(out, EM_I64, 1, &n));
    eml_check(L, em_tensor_fill_permutation(*out, &eml_getstate(L)->rng));
    return 1;
}

void eml_open_random(lua_State *L, int state)
{
    static const luaL_Reg functions[] = {
        {"get_rng_state", get_rng_state}, {"set_rng_state", set_rng_state}, {"randperm", randperm},
        {"fill_uniform", fill_uniform}, {NULL, NULL},
    };
    static const eml_named named[] = {
        {"manual_seed", manual_seed, "seed",
         "Starts the generator anew.\n"
         "@param seed integer"},
        {"initial_seed", initial_seed, "",
         "The seed that the generator started from.\n"
         "@return integer"},
        {NULL, NULL, NULL, NULL},
    };
    static const eml_named methods[] = {
        {"uniform_", uniform_, "t low high",
         "Draws evenly from [low, high)." EML_CHANGES "\n"
         "@param low number, 0 if left out\n"
         "@param high number >= low, 1 if left out"},
        {"normal_", normal_, "t mean std",
         "Draws from a normal distribution." EML_CHANGES "\n"
         "@param mean number, 0 if left out\n"
         "@param std number >= 0, 1 if left out"},
        {"random_", random_, "t low high",
         "Draws integers from [low, high)." EML_CHANGES "\n"
         "@param low integer\n"
         "@param high integer > low"},
        {NULL, NULL, NULL, NULL},
    };
    eml_register(L, state, functions);
    eml_register_named(L, state, named);
    lua_getfield(L, -1, "methods");
    eml_register_named(L, state, methods);
    lua_pop(L, 1);
}
