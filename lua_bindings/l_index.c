/* t[…] and t[…] = v. A number selects, a table {i, {start, stop}, ids, …} goes dim by dim, a bool tensor masks, an
 * integer tensor gathers rows. Positions count from 0 and, when negative, from the end; slices are half-open. */
#include "bindings.h"

#include <string.h>

/* ---- operations on the tensor at the top of the stack, which their result replaces --------------------- */

static void apply_top(lua_State *L, const char *name, em_tensor *other, const em_opts *opts)
{
    const em_op *op = em_op_find(name);
    em_tensor *in[] = {eml_checktensor(L, -1), other};
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_apply(op, in, other ? 2 : 1, opts, NULL, out));
    lua_replace(L, -2);
}

static em_opts int_opts(int n, const int64_t *values)
{
    em_opts o;
    memset(&o, 0, sizeof o);
    for (int k = 0; k < n; k++) o.at[k] = (em_opt){.given = true, .i = values[k], .x = (double)values[k]};
    return o;
}

static int64_t wrap_position(lua_State *L, int64_t i, int dim, int64_t n)
{
    if (i < -n || i >= n)
        eml_error(L, "index %I is out of range for dim %d of size %I (positions count from 0)", (LUAI_UACINT)i, dim,
                   (LUAI_UACINT)n);
    return i < 0 ? i + n : i;
}

static void select_top(lua_State *L, int dim, int64_t i)
{
    const em_tensor *t = eml_checktensor(L, -1);
    const em_opts o = int_opts(2, (int64_t[]){dim, wrap_position(L, i, dim, em_tensor_size(t, dim))});
    apply_top(L, "select", NULL, &o);
}

static int64_t bound(lua_State *L, int slice, int k, int64_t n, int64_t initial)
{
    lua_rawgeti(L, slice, k);
    int64_t i = lua_isnil(L, -1) ? initial : eml_tointeger(L, -1, "slice");
    lua_pop(L, 1);
    if (i < 0) i += n;
    return i < 0 ? 0 : i > n ? n : i;
}

/* {start, stop[, step]} at stack index `slice`; a nil at either end is the tensor's */
static void slice_top(lua_State *L, int dim, int slice)
{
    for (lua_pushnil(L); lua_next(L, slice); lua_pop(L, 1))
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > 3)
            eml_error(L, "index: a slice is {start, stop, step}, this one also holds %s", eml_valuetext(L, -2));
    const int64_t n = em_tensor_size(eml_checktensor(L, -1), dim);
    const int64_t start = bound(L, slice, 1, n, 0), stop = bound(L, slice, 2, n, n);
    lua_rawgeti(L, slice, 3);
    const int64_t step = lua_isnil(L, -1) ? 1 : eml_tointeger(L, -1, "slice step");
    lua_pop(L, 1);
    if (step < 1) eml_error(L, "slice step must be at least 1, got %I", (LUAI_UACINT)step);
    if (start == 0 && stop == n && step == 1) return;
    const em_opts o = int_opts(4, (int64_t[]){dim, start, stop < start ? start : stop, step});
    apply_top(L, "slice", NULL, &o);
}

/* ---- tensors as indices -------------------------------------------------------------------------------- */

/* Ids inside an index table, each along a dim, held by the Lua table at stack index `hold`. */
typedef struct picks {
    int hold, n;
    int dim[EM_MAX_DIMS];
    em_tensor *ids[EM_MAX_DIMS];
} picks;

/* Takes the ids on the top of the stack. */
static void add_pick(lua_State *L, picks *p, int dim)
{
    if (p->n == EM_MAX_DIMS) eml_error(L, "too many tensors in an index table: at most %d", EM_MAX_DIMS);
    p->ids[p->n] = eml_checktensor(L, -1);
    p->dim[p->n++] = dim;
    lua_rawseti(L, p->hold, p->n);
}

/* A mask stands for ids along each of its dims: where it is true. `t` is what is indexed. */
static void add_mask(lua_State *L, picks *p, int dim, em_tensor *mask, const em_tensor *t)
{
    const int dims = em_tensor_dims(mask);
    for (int d = 0; d < dims; d++)
        if (dim + d >= em_tensor_dims(t) || em_tensor_size(mask, d) != em_tensor_size(t, dim + d))
            eml_error(L, "a mask of %I elements for dim %d of size %I", (LUAI_UACINT)em_tensor_size(mask, d), dim + d,
                      (LUAI_UACINT)(dim + d < em_tensor_dims(t) ? em_tensor_size(t, dim + d) : 0));
    em_tensor **positions = eml_pushtensor(L);
    eml_check(L, em_apply(em_op_find("nonzero"), &mask, 1, NULL, NULL, positions));
    const int64_t n = em_tensor_size(*positions, 0);
    for (int d = 0; d < dims; d++) {
        em_tensor **column = eml_pushtensor(L);
        eml_check(L, em_tensor_view(column, *positions, n ? d : 0, 1, &n, (int64_t[]){dims}));
        add_pick(L, p, dim + d);
    }
    lua_pop(L, 1);
}

/* Pushes the ids as int64 from 0 up to `size`. */
static em_tensor *push_wrapped(lua_State *L, em_tensor *ids, int dim, int64_t size)
{
    em_tensor **plain = eml_pushtensor(L), **own = eml_pushtensor(L);
    if (em_dtype_is_float(em_tensor_dtype(ids)))
        eml_error(L, "index: ids must be of an integer dtype (int64, int32, uint8), got %s",
                  em_dtype_name(em_tensor_dtype(ids)));
    eml_check(L, em_tensor_to(plain, ids, EM_I64));
    eml_check(L, em_tensor_clone(own, *plain));
    int64_t *id = em_tensor_data(*own);
    for (int64_t i = 0; i < em_tensor_count(*own); i++) id[i] = wrap_position(L, id[i], dim, size);
    lua_remove(L, -2);
    return *own;
}

static em_tensor *push_combined(lua_State *L, const char *name, em_tensor *a, em_tensor *b)
{
    em_tensor **y = eml_pushtensor(L);
    eml_check(L, em_apply(em_op_find(name), (em_tensor *[]){a, b}, 2, NULL, NULL, y));
    return *y;
}

/* Pushes ids in the dims of all picks joined into one: they are broadcast against each other. */
static em_tensor *push_joined(lua_State *L, const picks *p, const em_tensor *t)
{
    em_tensor *joined = NULL;
    luaL_checkstack(L, 5 * p->n + 5, "index");
    for (int k = 0; k < p->n; k++) {
        const int64_t size = em_tensor_size(t, p->dim[k]);
        em_tensor *ids = push_wrapped(L, p->ids[k], p->dim[k], size);
        if (joined) {
            em_tensor **factor = eml_pushtensor(L);
            eml_check(L, em_tensor_scalar_int(factor, EM_I64, size));
            ids = push_combined(L, "add", push_combined(L, "mul", joined, *factor), ids);
        }
        joined = ids;
    }
    return joined;
}

/* Picks from the tensor on top. Several ids go together, element by element: as in PyTorch their dims take the place of
 * the picked ones if these lie side by side, else the front. */
static void pick_top(lua_State *L, const picks *p)
{
    if (p->n == 0) return;
    if (p->n == 1) {
        const em_opts o = int_opts(1, (int64_t[]){p->dim[0]});
        apply_top(L, "index", p->ids[0], &o);
        return;
    }
    const em_tensor *t = eml_checktensor(L, -1);
    const int top = lua_gettop(L), dims = em_tensor_dims(t);
    em_tensor *ids = push_joined(L, p, t);
    lua_pushvalue(L, top);
    int first = p->dim[0];
    if (p->dim[p->n - 1] - first != p->n - 1) {
        em_opts order = {.at = {{.given = true, .i = dims}}};
        int n = 0;
        for (int k = 0; k < p->n; k++) order.ints[n++] = p->dim[k];
        for (int d = 0; d < dims; d++) {
            bool picked = false;
            for (int k = 0; k < p->n; k++) picked |= p->dim[k] == d;
            if (!picked) order.ints[n++] = d;
        }
        apply_top(L, "permute", NULL, &order);
        first = 0;
    }
    const em_opts join = int_opts(2, (int64_t[]){first, first + p->n - 1}), at = int_opts(1, (int64_t[]){first});
    apply_top(L, "flatten", NULL, &join);
    apply_top(L, "index", ids, &at);
    lua_replace(L, top);
    lua_settop(L, top);
}

/* The table at `key`, dim by dim, applied to the tensor on top. */
static void table_top(lua_State *L, int key)
{
    const int n = (int)lua_rawlen(L, key);
    int dim = 0;
    eml_checkpositions(L, key, n, "index");
    if (n == 0)
        eml_error(L, "index: a table without positions, or with nothing but nil (a whole dim is {}: t[{{}, 0}])");
    lua_newtable(L);
    lua_insert(L, -2);
    picks p = {.hold = lua_gettop(L) - 1};
    for (int k = 1; k <= n; k++) {
        const em_tensor *t = eml_checktensor(L, -1);
        if (dim >= em_tensor_dims(t))
            eml_error(L, "too many indices: %d for a tensor of %d dims", n, em_tensor_dims(t) + (k - 1 - dim));
        const int type = lua_rawgeti(L, key, k);
        lua_insert(L, -2);                              /* index below the tensor */
        const int at = lua_gettop(L) - 1;
        em_tensor *ids = eml_totensor(L, at);
        if (type == LUA_TNUMBER) {
            select_top(L, dim, eml_tointeger(L, at, "index"));
        } else if (type == LUA_TTABLE) {
            slice_top(L, dim++, at);
        } else if (ids && em_tensor_dtype(ids) == EM_BOOL && em_tensor_dims(ids)) {
            add_mask(L, &p, dim, ids, t);
            dim += em_tensor_dims(ids);
        } else if (ids) {
            lua_pushvalue(L, at);
            add_pick(L, &p, dim++);
        } else {
            eml_error(L, "index %d must be an integer, a {start, stop} slice or a tensor, got %s", k,
                      luaL_typename(L, at));
        }
        lua_remove(L, at);
    }
    pick_top(L, &p);
    lua_remove(L, p.hold);
}

/* A mask picks whole elements or, if it has fewer dims, rows. */
static void mask_top(lua_State *L, em_tensor *mask)
{
    const bool whole = em_tensor_dims(mask) == em_tensor_dims(eml_checktensor(L, -1));
    apply_top(L, whole ? "masked_select" : "index_mask", mask, NULL);
}

static bool is_whole(lua_State *L, int key, const em_tensor *t)
{
    if (lua_type(L, key) == LUA_TNUMBER) return em_tensor_dims(t) == 1;
    if (lua_type(L, key) != LUA_TTABLE || (int)lua_rawlen(L, key) != em_tensor_dims(t)) return false;
    for (int k = 1; k <= em_tensor_dims(t); k++) {
        const int type = lua_rawgeti(L, key, k);
        lua_pop(L, 1);
        if (type != LUA_TNUMBER) return false;
    }
    if (em_tensor_dims(t) == 0) return true;
    lua_pushinteger(L, em_tensor_dims(t));              /* no names behind, which table_top refuses */
    if (!lua_next(L, key)) return true;
    lua_pop(L, 2);
    return false;
}

/* Position of the single element that `key` names, in row-major order. */
static int64_t element_at(lua_State *L, int key, const em_tensor *t)
{
    if (lua_type(L, key) == LUA_TNUMBER)
        return wrap_position(L, eml_tointeger(L, key, "index"), 0, em_tensor_size(t, 0));
    int64_t at = 0;
    for (int d = 0; d < em_tensor_dims(t); d++) {
        lua_rawgeti(L, key, d + 1);
        at = at * em_tensor_size(t, d) + wrap_position(L, eml_tointeger(L, -1, "index"), d, em_tensor_size(t, d));
        lua_pop(L, 1);
    }
    return at;
}

/* Row i of a row-sparse gradient: the sum of its entries, zeros if there are none. */
static void push_sparse_row(lua_State *L, em_tensor *t, int64_t i)
{
    em_tensor **sum = eml_pushtensor(L), **ids = eml_pushtensor(L), **values = eml_pushtensor(L);
    eml_check(L, em_rows_coalesce(sum, t));
    eml_check(L, em_rows_indices(ids, *sum));
    const int64_t n = em_rows_count(*sum);
    int64_t at = 0;
    while (at < n && em_tensor_get_int(*ids, at) != i) at++;
    if (at < n) {
        eml_check(L, em_rows_values(values, *sum));
        select_top(L, 0, at);
    } else {
        eml_check(L, em_tensor_zeros(values, em_tensor_dtype(t), em_tensor_dims(t) - 1, em_tensor_sizes(t) + 1));
    }
}

/* Pushes the view or copy that `key` names. */
static void push_picked(lua_State *L, int tensor, int key)
{
    em_tensor *t = eml_checktensor(L, tensor);
    if (em_tensor_is_sparse(t)) {
        if (lua_type(L, key) != LUA_TNUMBER)
            eml_error(L, "a row-sparse gradient is indexed by the number of a row; else use to_dense()");
        push_sparse_row(L, t, wrap_position(L, eml_tointeger(L, key, "index"), 0, em_tensor_size(t, 0)));
        return;
    }
    lua_pushvalue(L, tensor);
    em_tensor *picker = eml_totensor(L, key);
    if (picker && em_tensor_dtype(picker) == EM_BOOL) {
        mask_top(L, picker);
    } else if (picker) {
        apply_top(L, "index", picker, NULL);
    } else if (lua_type(L, key) == LUA_TNUMBER) {
        if (em_tensor_dims(t) == 0) eml_error(L, "a 0-d tensor cannot be indexed; use item()");
        select_top(L, 0, eml_tointeger(L, key, "index"));
    } else if (lua_type(L, key) == LUA_TTABLE) {
        table_top(L, key);
    } else {
        eml_error(L, "cannot index a tensor with a %s", luaL_typename(L, key));
    }
}

/* A name that tensors do not have: core.set_missing's function raises an error with the nearest one. */
static int missing(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, (const char *)eml_getstate(L) + 5);
    lua_pushvalue(L, 2);
    if (lua_isnil(L, -2)) return eml_error(L, "a tensor has no field or method '%s'", lua_tostring(L, 2));
    lua_call(L, 1, 0);
    return 0;
}

/* __index(t, key); upvalues: state, methods, getters */
static int get(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(3)) == LUA_TNIL) return missing(L);
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
        return 1;
    }
    eml_state *s = eml_getstate(L);
    const bool inside = eml_begin(L, s);
    const em_tensor *t = eml_checktensor(L, 1);
    if (!em_tensor_is_sparse(t) && is_whole(L, 2, t))
        eml_pushelement(L, t, element_at(L, 2, t));
    else {
        push_picked(L, 1, 2);
        if (s->lined && em_grad_enabled()) eml_inherit(L, -1, 1);
    }
    eml_end(s, inside);
    return 1;
}

/* ---- assignment ---------------------------------------------------------------------------------------- */

static void set_number(lua_State *L, em_tensor *t, int64_t at, int value)
{
    eml_checkfits(L, value, em_tensor_dtype(t), "assignment");
    eml_check(L, em_tensor_before_change(t, NULL));
    eml_setelement(L, t, at, value);
    em_tensor_touch(t);
}

/* What is to be put into `t`: a tensor as it is, numbers in t's own dtype. */
static em_tensor *push_value(lua_State *L, int value, const em_tensor *t)
{
    em_tensor *v = eml_totensor(L, value);
    if (v) {
        lua_pushvalue(L, value);
        return v;
    }
    const int type = lua_type(L, value);
    if (type != LUA_TNUMBER && type != LUA_TTABLE && type != LUA_TBOOLEAN)
        eml_error(L, "cannot put a %s into a tensor", luaL_typename(L, value));
    return eml_pushfromtable(L, value, (int)em_tensor_dtype(t), "assignment");
}

/* t[mask] = v or t[ids] = v: through an operation that writes where the key says. */
static void assign_picked(lua_State *L, em_tensor *t, em_tensor *key, int value)
{
    em_tensor *v = push_value(L, value, t);
    const bool mask = em_tensor_dtype(key) == EM_BOOL;
    const em_op *op = em_op_find(mask ? "masked_put" : "index_put");
    eml_check(L, em_apply_inplace(op, t, (em_tensor *[]){t, key, v}, 3, NULL, NULL));
}

/* t[{…, ids, …}] = v: the key picks from the elements' positions, and v goes there in the flat tensor. */
static void assign_gathered(lua_State *L, em_tensor *t, int key, int value)
{
    em_tensor **own = eml_pushtensor(L), **flat = eml_pushtensor(L), **numbers = eml_pushtensor(L), *whole = t;
    const em_opts all = {.at = {{.given = true, .i = 1}}, .ints = {-1}};
    if (!em_tensor_is_contiguous(t)) {
        eml_check(L, em_apply(em_op_find("clone"), &t, 1, NULL, NULL, own));
        whole = *own;
    }
    eml_check(L, em_apply(em_op_find("view"), &whole, 1, &all, NULL, flat));
    eml_check(L, em_tensor_empty(numbers, EM_I64, em_tensor_dims(t), em_tensor_sizes(t)));
    int64_t *number = em_tensor_data(*numbers);
    const int64_t n = em_tensor_count(*numbers);
    for (int64_t i = 0; i < n; i++) number[i] = i;
    push_picked(L, lua_gettop(L), key);
    em_tensor *positions = eml_checktensor(L, -1), *v = push_value(L, value, t);
    if (n != em_tensor_count(*flat) || (whole == t && !em_tensor_same_storage(*flat, t)))
        eml_error(L, "assignment: a finalizer has given the tensor other rows");
    eml_check(L, em_apply_inplace(em_op_find("index_put"), *flat, (em_tensor *[]){*flat, positions, v}, 3, NULL, NULL));
    if (whole != t) eml_check(L, em_apply_inplace(em_op_find("copy"), t, (em_tensor *[]){t, whole}, 2, NULL, NULL));
}

/* What t leads to (owner.c), now that the value has become part of it. */
static void inherit_value(lua_State *L)
{
    if (!eml_getstate(L)->lined || !em_grad_enabled()) return;
    if (eml_totensor(L, 3)) eml_inherit(L, 1, 3);
    eml_inherit_base(L, 1);
}

static int assign(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1), *key = eml_totensor(L, 2);
    if (key) {
        assign_picked(L, t, key, 3);
        inherit_value(L);
        return 0;
    }
    const bool recorded = em_grad_enabled() && (em_tensor_requires_grad(t) || em_tensor_is_left_out(t));
    if (!recorded && !em_tensor_is_sparse(t) && is_whole(L, 2, t) && !eml_totensor(L, 3) && !lua_istable(L, 3)) {
        if (!lua_isnumber(L, 3) && !lua_isboolean(L, 3))
            return eml_error(L, "cannot put a %s into a tensor", luaL_typename(L, 3));
        set_number(L, t, element_at(L, 2, t), 3);
        return 0;
    }
    push_picked(L, 1, 2);
    em_tensor *part = eml_checktensor(L, -1);
    if (!em_tensor_same_storage(part, t) && em_tensor_count(part)) {
        assign_gathered(L, t, 2, 3);
        inherit_value(L);
        return 0;
    }
    em_tensor *v = push_value(L, 3, t);
    eml_check(L, em_apply_inplace(em_op_find("copy"), part, (em_tensor *[]){part, v}, 2, NULL, NULL));
    inherit_value(L);
    return 0;
}

/* __newindex(t, key, value); upvalues: state, setters */
static int set(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(2)) == LUA_TNIL)
            return eml_error(L, "a tensor has no field '%s' that can be set (grad, requires_grad)",
                              lua_tostring(L, 2));
        lua_insert(L, 1);
        lua_settop(L, 4);
        lua_call(L, 3, 0);
        return 0;
    }
    eml_state *s = eml_getstate(L);
    const bool inside = eml_begin(L, s);
    assign(L);
    eml_end(s, inside);
    return 0;
}

void eml_open_index(lua_State *L, int state)
{
    lua_getfield(L, -1, "metatable");
    lua_pushvalue(L, state);
    lua_getfield(L, -3, "methods");
    lua_getfield(L, -4, "getters");
    lua_pushcclosure(L, get, 3);
    lua_setfield(L, -2, "__index");
    lua_pushvalue(L, state);
    lua_getfield(L, -3, "setters");
    lua_pushcclosure(L, set, 2);
    lua_setfield(L, -2, "__newindex");
    lua_pop(L, 1);
}
