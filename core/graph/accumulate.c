/* Gradients are added: those that reach a variable from several uses, and at the end those of a backward to what its
 * leaves have already. That is done for all leaves or for none: what can fail is done for all of them first. */
#include "graph/variable.h"
#include "parallel/parallel.h"
#include "tensor/copy.h"
#include "tensor/half.h"
#include "tensor/sparse/row_sparse.h"

bool em__again(em_status s) { return s == EM_ENOMEM && em_memory_reclaim(); }

/* ---- on the way ---------------------------------------------------------------------------------------- */

/* *total = a + b, in the memory of one of them where nobody else can see that. */
static em_status add(em_tensor **total, em_tensor *a, em_tensor *b)
{
    em_status s = EM_OK;
    if (a->rows && b->rows) return em_rows_add(total, a, b);
    if (!a->rows && b->rows) return add(total, b, a);
    if (a->rows) {                  /* into whichever dense one is ours */
        if (em__is_own(b))
            em_tensor_retain(*total = b);
        else
            s = em_tensor_clone(total, b);
        if (!s) s = em_rows_add_to(*total, a, 1);
        if (s) em_tensor_release(*total);
        return s;
    }
    if (!em__is_own(a)) return em__run2("add", a, b, NULL, total);
    s = em_apply_inplace(em_op_find("add"), a, (em_tensor *[]){a, b}, 2, NULL, NULL);
    if (!s) em_tensor_retain(*total = a);
    return s;
}

em_status em__add_to(em_tensor **sum, em_tensor *t)
{
    if (!*sum) {
        *sum = t;
        return EM_OK;
    }
    em_tensor *total = NULL;
    em_status s = add(&total, *sum, t);
    if (em__again(s)) s = add(&total, *sum, t);
    em_tensor_release(t);
    if (s) return s;
    em_tensor_release(*sum);
    *sum = total;
    return EM_OK;
}

/* ---- leaves: what can fail ----------------------------------------------------------------------------- */

/* Whether gradients are added to g where it is: not if it is expanded, each of its elements being several. */
static bool adds_in_place(const em_tensor *g) { return g && !g->rows && !em__repeats(g); }

/* Whether that is done element by element, without a copy of g. */
static bool is_plain(const em_tensor *g) { return g->contiguous && !em_dtype_is_half(g->dtype); }

static em_status replace(em_tensor **t, em_tensor *other, em_status s)
{
    if (s) return s;
    em_tensor_release(*t);
    *t = other;
    return EM_OK;
}

/* *t, dense, becomes contiguous and of a dtype to compute in. */
static em_status make_plain(em_tensor **t)
{
    em_tensor *other;
    if (is_plain(*t)) return EM_OK;
    const em_status s = em_dtype_is_half((*t)->dtype) ? em_tensor_to(&other, *t, EM_F32)
                                                      : em_tensor_contiguous(&other, *t);
    return replace(t, other, s);
}

/* Makes v->pending what can be added to its gradient where that is. */
static em_status prepare_addend(em_var *v)
{
    em_tensor *g = v->grad, *other;
    const em_groups *groups;
    EM_TRY(em__before_change(g, "backward"));
    if (v->pending->rows && is_plain(g)) {
        if (em__rows_read(v->pending->rows, g)) {
            const em_status s = em__rows_clone(&other, v->pending);
            EM_TRY(replace(&v->pending, other, s));
        }
        return em__rows_groups(&groups, v->pending);
    }
    if (v->pending->rows) {
        const em_status s = em_rows_to_dense(&other, v->pending);
        EM_TRY(replace(&v->pending, other, s));
    } else if (em_tensor_same_storage(v->pending, g)) {
        const em_status s = em_tensor_clone(&other, v->pending);
        EM_TRY(replace(&v->pending, other, s));
    }
    return make_plain(&v->pending);
}

/* Makes v->pending what v->grad is to become. */
static em_status prepare_successor(em_var *v)
{
    em_tensor *g = v->grad, *created = NULL;
    if (v->pending->rows) EM_TRY(em__make_own(&v->pending));
    if (!g) {
        if (v->pending->rows || em__is_own(v->pending)) return EM_OK;
        const em_status s = em_tensor_clone(&created, v->pending);
        return replace(&v->pending, created, s);
    }
    em_tensor_retain(created = g);                          /* entries in order of appearance: what was there first */
    em_tensor_retain(v->pending);
    const em_status s = em__add_to(&created, v->pending);
    if (s) em_tensor_release(created);
    return replace(&v->pending, created, s);
}

static em_status prepare(em_var *v)
{
    return adds_in_place(v->grad) ? prepare_addend(v) : prepare_successor(v);
}

/* Bytes of a copy of the gradient that is made while another is added. */
static size_t bytes_beside(const em_var *v)
{
    const em_tensor *g = v->grad;
    if (!adds_in_place(g) || is_plain(g)) return 0;
    return (size_t)g->count * em_dtype_size(em__computed_in(g->dtype));
}

/* ---- leaves: what cannot ------------------------------------------------------------------------------- */

enum { CHUNK = 1 << 14 };

#define ADD(name, type) \
    static void name(type *restrict y, const type *restrict x, int64_t n) \
    { \
        for (int64_t i = 0; i < n; i++) y[i] += x[i]; \
    }
ADD(add_f32, float)
ADD(add_f64, double)

/* y += x, both plain */
static void add_values(em_tensor *y, const em_tensor *x)
{
    const int64_t chunks = (y->count + CHUNK - 1) / CHUNK;
    EM_PARALLEL_EACH(c, chunks, (double)CHUNK) {
        const int64_t lo = c * CHUNK, n = em__min(CHUNK, y->count - lo);
        if (y->dtype == EM_F32)
            add_f32(EM_DATA(float, y) + lo, EM_DATA(float, x) + lo, n);
        else
            add_f64(EM_DATA(double, y) + lo, EM_DATA(double, x) + lo, n);
    }
}

/* `scratch` for bytes_beside() */
static void add_in_place(em_tensor *g, em_tensor *addend, char *scratch)
{
    em__apply_pending(g);
    em__apply_pending(addend);
    if (addend->rows) {
        em_rows_add_to(g, addend, 1);
        return;
    }
    if (is_plain(g)) {
        add_values(g, addend);
    } else {
        em_tensor sum = *addend;
        sum.data = scratch;
        em__copy_strided(&sum, g);
        add_values(&sum, addend);
        em__copy_strided(g, &sum);
    }
    em_tensor_touch(g);
}

static void commit(em_var *v, char *scratch)
{
    if (adds_in_place(v->grad)) {
        add_in_place(v->grad, v->pending, scratch);
        return;
    }
    em_tensor_release(v->grad);
    v->grad = v->pending;
    v->pending = NULL;
}

em_status em__accumulate(em_var *leaves)
{
    size_t bytes = 0;
    char *scratch = NULL;
    for (em_var *v = leaves; v; v = v->next) {
        em_status s = prepare(v);
        if (em__again(s)) s = prepare(v);
        if (s) return s;
        if (bytes_beside(v) > bytes) bytes = bytes_beside(v);
    }
    if (bytes && !(scratch = em__alloc(bytes))) return em__fail_memory("the sum of gradients", bytes);
    em__hold_interrupts();
    const em_status s = em__stop ? em__fail(EM_EINTERRUPT, "interrupted!") : EM_OK;
    for (em_var *v = leaves; v && !s; v = v->next) commit(v, scratch);
    em__let_interrupts();
    em__free(scratch, bytes);
    return s;
}
