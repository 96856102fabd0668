/* Row-sparse gradients as tensors: their own methods, and what arithmetic they take. */
#include "bindings.h"

static em_tensor *check_sparse_at(lua_State *L, int arg, const char *what)
{
    em_tensor *t = eml_checktensor(L, arg);
    if (!em_tensor_is_sparse(t)) eml_error(L, "%s: only for row-sparse tensors, this one is dense", what);
    return t;
}

static em_tensor *check_sparse(lua_State *L, const char *what) { return check_sparse_at(L, 1, what); }

static void check_coalesced(lua_State *L, const em_tensor *t, const char *what)
{
    if (!em_rows_is_coalesced(t))
        eml_error(L, "%s: the tensor is not coalesced; call coalesce() first, or use _%s()", what, what);
}

typedef em_status part_fn(em_tensor **, const em_tensor *);

static int part(lua_State *L, part_fn *fn, const char *what, bool coalesced)
{
    const em_tensor *t = check_sparse(L, what);
    if (coalesced) check_coalesced(L, t, what);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, fn(out, t));
    return 1;
}

static int indices(lua_State *L) { return part(L, em_rows_indices, "indices", true); }
static int values(lua_State *L) { return part(L, em_rows_values, "values", true); }
static int raw_indices(lua_State *L) { return part(L, em_rows_indices, "_indices", false); }
static int raw_values(lua_State *L) { return part(L, em_rows_values, "_values", false); }

/* core.sparse_edges(t, n) -> indices (1, 2n), values (2n, ...) of the first and last n entries */
static int edges(lua_State *L)
{
    const em_tensor *t = check_sparse(L, "sparse_edges");
    em_tensor **ids = eml_pushtensor(L), **vals = eml_pushtensor(L);
    eml_check(L, em_rows_edges(ids, vals, t, luaL_checkinteger(L, 2)));
    return 2;
}

static int nnz(lua_State *L)
{
    lua_pushinteger(L, em_rows_count(check_sparse(L, "nnz")));
    return 1;
}

static int coalesce(lua_State *L)
{
    em_tensor *t = check_sparse(L, "coalesce"), **out = eml_pushtensor(L);
    eml_check(L, em_rows_coalesce(out, t));
    return 1;
}

static int is_coalesced(lua_State *L)
{
    lua_pushboolean(L, em_rows_is_coalesced(check_sparse(L, "is_coalesced")));
    return 1;
}

static int to_dense(lua_State *L)
{
    em_tensor *t = eml_checktensor(L, 1);
    if (!em_tensor_is_sparse(t)) {
        lua_settop(L, 1);
        return 1;
    }
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_rows_to_dense(out, t));
    return 1;
}

static int sparse_dim(lua_State *L)
{
    check_sparse(L, "sparse_dim");
    lua_pushinteger(L, 1);
    return 1;
}

static int dense_dim(lua_State *L)
{
    lua_pushinteger(L, em_tensor_dims(check_sparse(L, "dense_dim")) - 1);
    return 1;
}

/* core.sparse_new(ids, values, rows) */
static int sparse_new(lua_State *L)
{
    const em_tensor *ids = eml_checktensor(L, 1), *vals = eml_checktensor(L, 2);
    const int64_t rows = eml_tointeger(L, 3, "sparse_coo_tensor: rows");
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_rows_new(out, ids, vals, rows));
    return 1;
}

/* core.sparse_add(a, b, factor): a + factor * b, where at least one is sparse: sparse if both are, else dense */
static int sparse_add(lua_State *L)
{
    em_tensor *a = eml_checktensor(L, 1), *b = eml_checktensor(L, 2);
    const double factor = luaL_optnumber(L, 3, 1);
    if (em_tensor_is_sparse(b)) {
        em_tensor **scaled = eml_pushtensor(L), **out = eml_pushtensor(L);
        eml_check(L, em_rows_scale(scaled, b, factor));
        if (em_tensor_is_sparse(a)) {
            eml_check(L, em_rows_add(out, a, *scaled));
        } else {
            eml_check(L, em_tensor_clone(out, a));
            eml_check(L, em_rows_add_to(*out, *scaled, 1));
        }
        return 1;
    }
    check_sparse(L, "add");
    em_tensor **out = eml_pushtensor(L);                /* sparse + factor * dense */
    const em_op *mul = em_op_find("mul");
    em_tensor **k = eml_pushtensor(L);
    eml_check(L, em_tensor_scalar(k, EM_F64, factor));
    em_tensor_mark_number(*k);
    eml_check(L, em_apply(mul, (em_tensor *[]){b, *k}, 2, NULL, NULL, out));
    eml_check(L, em_rows_add_to(*out, a, 1));
    lua_pop(L, 1);
    return 1;
}

/* core.sparse_add_(a, b, factor): a becomes a + factor * b, without history; b sparse, a either */
static int sparse_add_(lua_State *L)
{
    em_tensor *a = eml_checktensor(L, 1), *b = check_sparse_at(L, 2, "add_");
    const double factor = luaL_optnumber(L, 3, 1);
    eml_check(L, em_tensor_is_sparse(a) ? em_rows_add_(a, b, factor) : em_rows_add_to(a, b, factor));
    lua_settop(L, 1);
    return 1;
}

/* core.sparse_scale_(t, factor): in place */
static int sparse_scale_(lua_State *L)
{
    em_tensor *t = check_sparse(L, "mul_");
    eml_check(L, em_rows_scale_(t, luaL_checknumber(L, 2)));
    lua_settop(L, 1);
    return 1;
}

static int sparse_scale(lua_State *L)
{
    em_tensor *t = check_sparse(L, "mul"), **out;
    const double factor = luaL_checknumber(L, 2);
    out = eml_pushtensor(L);
    eml_check(L, em_rows_scale(out, t, factor));
    return 1;
}

static int sparse_clone(lua_State *L)
{
    const em_tensor *t = check_sparse(L, "clone");
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_tensor_clone(out, t));
    return 1;
}

static int sparse_to(lua_State *L)
{
    em_tensor *t = check_sparse(L, "to");
    const em_dtype dtype = eml_checkdtype(L, 2);
    em_tensor **out = eml_pushtensor(L);
    eml_check(L, em_rows_to(out, t, dtype));
    return 1;
}

#define NNZ_DOC "How many entries a row-sparse tensor has, those for one row counted each.\n@return integer"

void eml_open_sparse(lua_State *L, int state)
{
    static const eml_named methods[] = {
        {"indices", indices, "t",
         "The rows of the entries of a coalesced row-sparse tensor.\n"
         "@return Tensor (1, nnz) int64"},
        {"_indices", raw_indices, "t",
         "The rows of the entries, in order of entry, some perhaps twice.\n"
         "@return Tensor (1, nnz)"},
        {"values", values, "t",
         "The entries of a coalesced row-sparse tensor.\n"
         "@return Tensor (nnz, ...)"},
        {"_values", raw_values, "t",
         "The entries, in order of entry.\n"
         "@return Tensor (nnz, ...)"},
        {"nnz", nnz, "t", NNZ_DOC}, {"_nnz", nnz, "t", NNZ_DOC},
        {"coalesce", coalesce, "t",
         "One entry a row, the rows ascending, entries of one row added.\n"
         "@return Tensor"},
        {"is_coalesced", is_coalesced, "t",
         "Whether there is one entry a row, ascending.\n"
         "@return boolean"},
        {"to_dense", to_dense, "t",
         "All rows, zeros where there is no entry; a dense tensor as it is.\n"
         "@return Tensor"},
        {"sparse_dim", sparse_dim, "t",
         "1: the dim of the rows.\n"
         "@return integer"},
        {"dense_dim", dense_dim, "t",
         "The dims of an entry.\n"
         "@return integer"},
        {NULL, NULL, NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"sparse_new", sparse_new}, {"sparse_add", sparse_add}, {"sparse_scale", sparse_scale},
        {"sparse_add_", sparse_add_}, {"sparse_scale_", sparse_scale_},
        {"sparse_clone", sparse_clone}, {"sparse_to", sparse_to}, {"sparse_edges", edges}, {NULL, NULL},
    };
    eml_register(L, state, functions);
    lua_getfield(L, -1, "methods");
    eml_register_named(L, state, methods);
    lua_pop(L, 1);
}
