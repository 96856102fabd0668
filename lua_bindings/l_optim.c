/* Optimizers: update rules and the state they keep for each parameter.
 *
 * A step is one call for all groups. It reads options and parameters from the tables that the script sees and may
 * change, then hands every update to the core at once: all are done or, if one cannot be, none. */
#include "bindings.h"

#include <string.h>

/* What is kept for one parameter. Updates so far: `step`; its state is for the rows after so many `resizes`. */
typedef struct slot {
    em_tensor *param;
    em_tensor *state[EM_MAX_STATE];
    int64_t step, resizes;
} slot;

/* A userdata; its blocks are userdata too, held as user values. */
typedef struct optimizer {
    const em_rule *rule;
    em_opts defaults;
    int64_t n, room;            /* slots */
    slot *slots;
    int64_t groups, updates;    /* room of the blocks below */
    em_opts *opts;              /* of each group, as read by the last step */
    em_step *steps;
    slot **stepped;             /* whose update is steps[i] */
} optimizer;

enum { SLOTS = 1, OPTS, STEPS, STEPPED };       /* user values */

static const int64_t MOST_STEPS = (int64_t)1 << 53;     /* rules compute with them in double */

static const char optimizer_key = 0;            /* registry: the metatable */

static optimizer *check_optimizer(lua_State *L, int arg)
{
    optimizer *o = lua_touserdata(L, arg);
    if (!o || !lua_getmetatable(L, arg)) luaL_typeerror(L, arg, "optimizer");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &optimizer_key);
    if (!lua_rawequal(L, -1, -2)) luaL_typeerror(L, arg, "optimizer");
    lua_pop(L, 2);
    return o;
}

/* Runs once, also for the optimizer of a closed state. */
static int optimizer_gc(lua_State *L)
{
    optimizer *o = check_optimizer(L, 1);
    const int64_t n = o->n;
    o->n = 0;
    for (int64_t i = 0; i < n; i++) {
        em_tensor_release(o->slots[i].param);
        for (int k = 0; k < EM_MAX_STATE; k++) em_tensor_release(o->slots[i].state[k]);
    }
    return 0;
}

/* core.new_optimizer(rule) */
static int new_optimizer(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const em_rule *rule = em_rule_find(name);
    if (!rule) return eml_error(L, "there is no update rule '%s'", name);
    optimizer *o = lua_newuserdatauv(L, sizeof *o, STEPPED);
    memset(o, 0, sizeof *o);
    o->rule = rule;
    em_rule_opts_default(&o->defaults, rule);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &optimizer_key);
    lua_setmetatable(L, -2);
    return 1;
}

/* ---- room: all that allocates comes before anything is read -------------------------------------------- */

/* A fresh block of `n` pieces, on the stack; keep_block makes it user value `at` of the optimizer at stack index 1. In
 * between finalizers may have run, and a step of this optimizer in one of them. */
static void *push_block(lua_State *L, int64_t n, size_t size)
{
    void *block = lua_newuserdatauv(L, (size_t)n * size, 0);
    memset(block, 0, (size_t)n * size);
    return block;
}

static void *keep_block(lua_State *L, int at, void *block)
{
    lua_setiuservalue(L, 1, at);
    return block;
}

static void *new_block(lua_State *L, int at, int64_t n, size_t size)
{
    void *block = push_block(L, n, size);
    return keep_block(L, at, block);
}

static void make_room_for_slots(lua_State *L, optimizer *o, int64_t more)
{
    while (o->n + more > o->room) {
        const int64_t n = o->n + more + (o->n + more) / 2;
        slot *block = push_block(L, n, sizeof *block);
        if (n < o->n) continue;
        if (o->n) memcpy(block, o->slots, (size_t)o->n * sizeof *block);
        o->slots = keep_block(L, SLOTS, block);
        o->room = n;
    }
}

static void make_room(lua_State *L, optimizer *o, int64_t groups, int64_t updates)
{
    make_room_for_slots(L, o, updates);
    if (groups > o->groups || !o->opts) {
        em_opts *block = push_block(L, groups, sizeof *block);
        if (o->groups) memcpy(block, o->opts, (size_t)(o->groups < groups ? o->groups : groups) * sizeof *block);
        o->opts = keep_block(L, OPTS, block);
        o->groups = groups;
    }
    if (updates > o->updates) {
        o->steps = new_block(L, STEPS, updates, sizeof *o->steps);
        o->stepped = new_block(L, STEPPED, updates, sizeof *o->stepped);
        o->updates = updates;
    }
}

/* ---- options from a group ------------------------------------------------------------------------------ */

/* The value is on the top of the stack. Of no group (0), the option is one that an optimizer is made with. */
static void wrong_option(lua_State *L, const em_rule *rule, int64_t group, const em_opt_spec *spec)
{
    const int value = lua_gettop(L);
    if (group == 0)
        eml_error(L, "%s: option %s: expected %s, got %s", em_rule_name(rule), spec->name, eml_expectstext(L, spec),
                  eml_valuetext(L, value));
    const char *expected = spec->kind == EM_OPT_BOOL     ? "true or false"
                           : spec->kind == EM_OPT_NUMBER ? "a number"
                                                         : lua_pushfstring(L, "one of: %s", spec->choices);
    eml_error(L, "%s: %s of param_groups[%d]: expected %s, got %s", em_rule_name(rule), spec->name, (int)group,
              expected, luaL_tolstring(L, value, NULL));
}

/* Pushes the group's field for an option: "lr", or for "betas[0]" the first of the pair. Raw reads run no script. */
static int push_field(lua_State *L, int table, const char *name)
{
    const char *bracket = strchr(name, '[');
    if (!bracket) {
        lua_pushstring(L, name);
        return lua_rawget(L, table);
    }
    lua_pushlstring(L, name, (size_t)(bracket - name));
    const int type = lua_rawget(L, table);
    if (type != LUA_TTABLE) return type == LUA_TNIL ? type : LUA_TNONE;
    lua_rawgeti(L, -1, bracket[1] - '0' + 1);
    lua_remove(L, -2);
    return lua_isnil(L, -1) ? LUA_TNONE : lua_type(L, -1);
}

static void read_option(lua_State *L, const em_rule *rule, int64_t group, int table, const em_opt_spec *spec,
                        em_opt *to)
{
    const int type = push_field(L, table, spec->name);
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        return;                                 /* the default stays */
    }
    switch (spec->kind) {
    case EM_OPT_BOOL:
        if (type != LUA_TBOOLEAN) wrong_option(L, rule, group, spec);
        to->i = lua_toboolean(L, -1);
        break;
    case EM_OPT_NUMBER:
        if (type != LUA_TNUMBER) wrong_option(L, rule, group, spec);
        to->x = lua_tonumber(L, -1);
        break;
    default:
        to->i = type == LUA_TSTRING ? em_opt_choice(spec, lua_tostring(L, -1)) : -1;
        if (to->i < 0) wrong_option(L, rule, group, spec);
    }
    to->given = true;
    lua_pop(L, 1);
}

static void read_group(lua_State *L, const optimizer *o, int64_t group, int table, em_opts *opts)
{
    const em_opt_spec *specs = em_rule_opts(o->rule);
    memcpy(opts, &o->defaults, sizeof *opts);
    for (int i = 0; specs[i].name; i++) read_option(L, o->rule, group, table, &specs[i], &opts->at[i]);
}

/* Reads the options of the group on the top of the stack into opts[group]; they are checked when they have changed. */
static void read_options(lua_State *L, optimizer *o, int64_t group)
{
    em_opts now;
    read_group(L, o, group, lua_gettop(L), &now);
    em_opts *last = &o->opts[group - 1];
    if (!memcmp(&now, last, sizeof now)) return;
    eml_check(L, em_rule_check(o->rule, &now));
    memcpy(last, &now, sizeof now);
}

/* ---- the step ------------------------------------------------------------------------------------------ */

/* Replaces each group's place on the stack, from `base` on, by its list of parameters; returns how many there are. */
static int64_t push_groups(lua_State *L, const optimizer *o, int groups_at, int64_t groups)
{
    int64_t updates = 0;
    luaL_checkstack(L, (int)groups + 10, "too many parameter groups");
    for (int64_t g = 1; g <= groups; g++) {
        if (lua_rawgeti(L, groups_at, g) != LUA_TTABLE)
            eml_error(L, "%s: param_groups[%d] is no table", em_rule_name(o->rule), (int)g);
        lua_pushliteral(L, "params");
        if (lua_rawget(L, -2) != LUA_TTABLE)
            eml_error(L, "%s: param_groups[%d].params is no table", em_rule_name(o->rule), (int)g);
        updates += (int64_t)lua_rawlen(L, -1);
        lua_remove(L, -2);
    }
    return updates;
}

/* The slot of a parameter: most often the one after the last. */
static slot *find_slot(optimizer *o, em_tensor *param, int64_t *hint)
{
    int64_t i = *hint;
    if (i >= o->n || o->slots[i].param != param)
        for (i = 0; i < o->n && o->slots[i].param != param;) i++;
    *hint = i + 1;
    if (i == o->n) {
        o->slots[o->n++] = (slot){.param = param, .resizes = em_tensor_resizes(param)};
        em_tensor_retain(param);
    }
    return &o->slots[i];
}

/* The state of a parameter that got other rows since: rows that stayed keep theirs. */
static em_status follow_resizes(const em_rule *rule, slot *s, const em_opts *opts)
{
    const int64_t rows = em_tensor_size(s->param, 0), kept = em_tensor_rows_kept(s->param, s->resizes);
    em_tensor *resized[EM_MAX_STATE] = {NULL};
    em_status status = EM_OK;
    for (int k = 0; k < EM_MAX_STATE && !status; k++)
        if (s->state[k]) status = em_rule_resize_state(&resized[k], rule, k, opts, s->state[k], rows, kept);
    for (int k = 0; k < EM_MAX_STATE; k++) {
        em_tensor_release(status ? resized[k] : s->state[k]);
        if (!status) s->state[k] = resized[k];
    }
    if (!status) s->resizes = em_tensor_resizes(s->param);
    return status;
}

/* Updates of the parameters that have a gradient, from the lists at stack indices base .. base + groups - 1. Nothing is
 * allocated from here to the end of the core's step, so no finalizer can take a gradient away. */
static int64_t collect(lua_State *L, optimizer *o, int base, int64_t groups)
{
    const eml_state *state = eml_getstate(L);
    int64_t n = 0, hint = 0, room = o->updates < o->room - o->n ? o->updates : o->room - o->n;
    for (int64_t g = 0; g < groups; g++) {
        const int64_t count = (int64_t)lua_rawlen(L, base + (int)g);
        room -= count;
        if (room < 0) return eml_error(L, "%s: a finalizer has changed param_groups", em_rule_name(o->rule));
        for (int64_t i = 1; i <= count; i++) {
            lua_rawgeti(L, base + (int)g, i);
            em_tensor *param = eml_tensorat(L, state, -1);
            if (!param) return eml_error(L, "%s: param_groups[%d].params[%d] is no tensor", em_rule_name(o->rule),
                                          (int)g + 1, (int)i);
            lua_pop(L, 1);
            slot *s = find_slot(o, param, &hint);
            if (s->resizes != em_tensor_resizes(param)) eml_check(L, follow_resizes(o->rule, s, &o->opts[g]));
            em_tensor *grad = em_tensor_grad(param);
            if (!grad) continue;
            o->stepped[n] = s;
            o->steps[n++] = (em_step){param, grad, &o->opts[g], s->state, s->step + 1};
        }
    }
    return n;
}

/* core.optimizer_step(optimizer, param_groups, loss) -> loss */
static int optimizer_step(lua_State *L)
{
    optimizer *o = check_optimizer(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    const int64_t groups = (int64_t)lua_rawlen(L, 2);
    make_room(L, o, groups, push_groups(L, o, 2, groups));
    for (int64_t g = 1; g <= groups; g++) {
        lua_rawgeti(L, 2, g);
        read_options(L, o, g);
        lua_pop(L, 1);
    }
    int64_t n = collect(L, o, 4, groups);
    em_status status = em_rule_steps(o->rule, o->steps, n);
    if (status == EM_ENOMEM && eml_again(L)) {
        n = collect(L, o, 4, groups);           /* a finalizer may have changed a gradient */
        status = em_rule_steps(o->rule, o->steps, n);
    }
    for (int64_t i = 0; i < n && !status; i++) o->stepped[i]->step++;
    eml_raise(L, status);
    lua_settop(L, 3);
    return 1;
}

/* core.check_options(optimizer, options, number): refuses options as a step would; `number` is that of their group, 0
 * before there is one. */
static int check_options(lua_State *L)
{
    optimizer *o = check_optimizer(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    const int64_t group = luaL_checkinteger(L, 3);
    lua_settop(L, 2);
    em_opts opts;
    read_group(L, o, group, 2, &opts);
    eml_check(L, em_rule_check(o->rule, &opts));
    return 0;
}

/* ---- state in and out ---------------------------------------------------------------------------------- */

static slot *slot_of(const optimizer *o, const em_tensor *param)
{
    for (int64_t i = 0; i < o->n; i++)
        if (o->slots[i].param == param) return &o->slots[i];
    return NULL;
}

/* Looked up anew after each allocation: a step in a finalizer may move the slots. */
static const em_tensor *state_of(const optimizer *o, const em_tensor *param, int k)
{
    const slot *s = slot_of(o, param);
    return s ? s->state[k] : NULL;
}

/* Name number k of the rule's state: its length; 0 past the end. */
static size_t state_name(const em_rule *rule, int k, const char **name)
{
    const char *at = em_rule_state(rule);
    for (; k > 0 && *at; k--) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    *name = at;
    return strcspn(at, " ");
}

/* core.optimizer_state(optimizer, param, group, its number): {step =, NAME = copy of the tensor, …}, nil before the
 * first update. The group has the options by which state begins in rows that are new. */
static int optimizer_state(lua_State *L)
{
    const optimizer *o = check_optimizer(L, 1);
    const em_tensor *param = eml_checktensor(L, 2);
    luaL_checktype(L, 3, LUA_TTABLE);
    const int64_t group = luaL_checkinteger(L, 4);
    slot *s = slot_of(o, param);
    if (!s || s->step == 0) return 0;
    em_tensor_apply_pending(s->param);          /* rows of deferred updates have old state */
    if (s->resizes != em_tensor_resizes(param)) {
        em_opts opts;
        read_group(L, o, group, 3, &opts);
        eml_check(L, follow_resizes(o->rule, s, &opts));
    }
    lua_createtable(L, 0, EM_MAX_STATE + 1);
    lua_pushinteger(L, s->step);
    lua_setfield(L, -2, "step");
    const char *name;
    for (int k = 0; k < EM_MAX_STATE && state_name(o->rule, k, &name); k++) {
        if (!state_of(o, param, k)) continue;
        lua_pushlstring(L, name, state_name(o->rule, k, &name));
        em_tensor **copy = eml_pushtensor(L);
        const em_tensor *state = state_of(o, param, k);
        if (!state) return eml_error(L, "%s: its state was changed by a finalizer", em_rule_name(o->rule));
        eml_check(L, em_tensor_clone(copy, state));
        lua_rawset(L, -3);
    }
    return 1;
}

/* The state that a table describes goes to the stack as copies, each in a box, nil where there is none. */
static void push_copies(lua_State *L, const optimizer *o, const em_tensor *param, int table)
{
    const char *name;
    for (int k = 0; k < EM_MAX_STATE; k++) {
        const size_t length = state_name(o->rule, k, &name);
        if (length == 0) {
            lua_pushnil(L);
            continue;
        }
        lua_pushlstring(L, name, length);
        if (lua_rawget(L, table) == LUA_TNIL) continue;
        const em_tensor *given = eml_totensor(L, -1);
        if (!given) eml_error(L, "%s: state %s is no tensor", em_rule_name(o->rule), lua_pushlstring(L, name, length));
        em_tensor **copy = eml_pushtensor(L);
        eml_check(L, em_rule_copy_state(copy, o->rule, k, param, given));
        lua_remove(L, -2);
    }
}

/* core.set_optimizer_state(optimizer, params, states): states[i] is a table as of optimizer_state, or false for none.
 * All or nothing. */
static int set_optimizer_state(lua_State *L)
{
    optimizer *o = check_optimizer(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    const int n = (int)lua_rawlen(L, 2);
    slot *fresh = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *fresh, 0);     /* lends what the boxes own */
    memset(fresh, 0, (size_t)(n + 1) * sizeof *fresh);
    luaL_checkstack(L, n * EM_MAX_STATE + 20, "too many parameters");
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        fresh[i].param = eml_totensor(L, -1);
        if (!fresh[i].param) return eml_error(L, "load_state_dict: parameter %d is no tensor", i + 1);
        lua_rawgeti(L, 3, i + 1);
        if (!lua_istable(L, -1)) {
            lua_pop(L, 2);
            continue;
        }
        const int table = lua_gettop(L);
        lua_getfield(L, table, "step");
        fresh[i].step = eml_tointeger(L, -1, "load_state_dict: step");
        if (fresh[i].step < 0 || fresh[i].step >= MOST_STEPS)
            return eml_error(L, "load_state_dict: step of parameter %d: expected 0 to %I, got %I", i + 1,
                             (LUAI_UACINT)MOST_STEPS - 1, (LUAI_UACINT)fresh[i].step);
        lua_pop(L, 1);
        push_copies(L, o, fresh[i].param, table);
        for (int k = 0; k < EM_MAX_STATE; k++) fresh[i].state[k] = eml_totensor(L, table + 1 + k);
        lua_remove(L, table);                   /* the copies stay on the stack until the end */
        lua_remove(L, table - 1);
    }
    make_room_for_slots(L, o, n);
    for (int i = 0; i < n; i++) {
        int64_t hint = i;
        slot *s = find_slot(o, fresh[i].param, &hint);
        em_tensor_apply_pending(s->param);      /* with the state that goes */
        s->step = fresh[i].step;
        s->resizes = em_tensor_resizes(s->param);
        for (int k = 0; k < EM_MAX_STATE; k++) {
            if (fresh[i].state[k]) em_tensor_retain(fresh[i].state[k]);
            em_tensor_release(s->state[k]);
            s->state[k] = fresh[i].state[k];
        }
    }
    return 0;
}

/* ---- other rows ---------------------------------------------------------------------------------------- */

/* core.replace_rows(param, table, grad, mask): gives a parameter other rows, see em_tensor_replace_rows. The optimizers
 * that hold it find that out by themselves. */
static int replace_rows(lua_State *L)
{
    eml_check(L, em_tensor_replace_rows(eml_checktensor(L, 1), eml_checktensor(L, 2),
                                        lua_isnoneornil(L, 3) ? NULL : eml_checktensor(L, 3),
                                        lua_isnoneornil(L, 4) ? NULL : eml_checktensor(L, 4)));
    return 0;
}

/* core.resizes(param): how often that was done */
static int resizes(lua_State *L)
{
    lua_pushinteger(L, em_tensor_resizes(eml_checktensor(L, 1)));
    return 1;
}

/* ---- registration -------------------------------------------------------------------------------------- */

void eml_open_optim(lua_State *L, int state)
{
    static const luaL_Reg metamethods[] = {{"__gc", optimizer_gc}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"new_optimizer", new_optimizer}, {"optimizer_step", optimizer_step}, {"check_options", check_options},
        {"optimizer_state", optimizer_state}, {"set_optimizer_state", set_optimizer_state},
        {"replace_rows", replace_rows}, {"resizes", resizes}, {NULL, NULL},
    };
    lua_newtable(L);
    eml_register(L, state, metamethods);
    lua_pushliteral(L, "embla.Optimizer");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "embla.Optimizer");
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &optimizer_key);
    eml_register(L, state, functions);
}
