/* Row-sparse gradients: made of parts, checked, grouped, and read out again. */
#include "tensor/sparse/row_sparse.h"

#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "parallel/parallel.h"
#include "tensor/half.h"
#include "tensor/position.h"

/* ---- making and letting go ----------------------------------------------------------------------------- */

em_rows *em__rows_alloc(int n_parts)
{
    em_rows *r = em__alloc_zeroed(sizeof *r);
    if (!r) return NULL;
    r->refs = 1;
    r->parts = em__alloc_zeroed((size_t)n_parts * sizeof *r->parts);
    if (!r->parts) {
        em__free(r, sizeof *r);
        return NULL;
    }
    r->n_parts = n_parts;
    return r;
}

void em__rows_retain(em_rows *r) { r->refs++; }

void em__rows_release(em_rows *r)
{
    if (!r || --r->refs) return;
    for (int i = 0; i < r->n_parts; i++) em__row_part_release(&r->parts[i]);
    em__free(r->parts, (size_t)r->n_parts * sizeof *r->parts);
    em__groups_free(r->groups);
    em__free(r, sizeof *r);
}

static int64_t width_of(int dims, const int64_t *sizes)
{
    int64_t w = 1;
    for (int d = 1; d < dims; d++) w *= sizes[d];
    return w;
}

em_status em__rows_of_parts(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_rows *r)
{
    r->width = width_of(dims, sizes);
    r->entries = 0;
    for (int i = 0; i < r->n_parts; i++) r->entries += r->parts[i].ids->count;
    r->coalesced = r->entries <= 1;
    return em__tensor_rows(out, dtype, dims, sizes, r);
}

em_status em__rows_from_part(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_row_part *part,
                             int64_t padding)
{
    *out = NULL;
    EM_TRY(em__row_part_keep(part));
    em_rows *r = em__rows_alloc(1);
    if (!r) return em__fail_memory("a row-sparse gradient", sizeof *r);
    em_status s = EM_OK;
    if (padding < 0) {
        r->parts[0] = *part;
        em__row_part_retain(part);
    } else {
        s = em__row_part_without(&r->parts[0], part, padding, NULL);
        if (s) r->n_parts = 0;
    }
    if (s) {
        em__free(r->parts, sizeof *r->parts);
        em__free(r, sizeof *r);
        return s;
    }
    return em__rows_of_parts(out, dtype, dims, sizes, r);
}

em_status em__rows_without(em_tensor **out, em_tensor *t, const uint8_t *dropped)
{
    *out = NULL;
    bool any = false;
    for (int i = 0; i < t->rows->n_parts && !any; i++) {
        const em_tensor *ids = t->rows->parts[i].ids;
        for (int64_t e = 0; e < ids->count && !any; e++) any = dropped[EM_DATA(int64_t, ids)[e]];
    }
    if (!any) {
        em_tensor_retain(*out = t);
        return EM_OK;
    }
    em_rows *r = em__rows_alloc(t->rows->n_parts);
    if (!r) return em__fail_memory("a row-sparse gradient", sizeof *r);
    for (int i = 0; i < t->rows->n_parts; i++) {
        const em_status s = em__row_part_without(&r->parts[i], &t->rows->parts[i], -1, dropped);
        if (!s) continue;
        memset(&r->parts[i], 0, sizeof *r->parts);
        em__rows_release(r);
        return s;
    }
    EM_TRY(em__rows_of_parts(out, t->dtype, t->dims, t->size, r));
    r->coalesced |= t->rows->coalesced;
    return EM_OK;
}

em_status em_rows_new(em_tensor **out, const em_tensor *ids, const em_tensor *values, int64_t rows)
{
    *out = NULL;
    const int64_t n = ids->count;
    if (em_dtype_is_float(ids->dtype) || ids->dtype == EM_BOOL)
        return em__fail(EM_ETYPE, "sparse: ids must be of an integer dtype, got %s", em_dtype_name(ids->dtype));
    if (!em_dtype_is_float(values->dtype))
        return em__fail(EM_ETYPE, "sparse: values must be float32 or float64, got %s", em_dtype_name(values->dtype));
    if (values->dims < 1 || values->size[0] != n)
        return em__fail(EM_ESHAPE, "sparse: %lld ids need values of shape (%lld, ...), got %s", (long long)n,
                        (long long)n, EM_SHAPE(values));
    em_row_part p = {.every = 1, .scale = 1};
    em_tensor *flat = NULL;
    em_status s = em_tensor_to(&flat, ids, EM_I64);
    if (!s) s = em_tensor_contiguous(&p.ids, flat);
    em_tensor_release(flat);
    if (!s) s = em__check_ids("sparse", p.ids, rows, "number of rows");
    em_tensor *whole = NULL;
    if (!s) s = em_dtype_is_half(values->dtype) ? em_tensor_to(&whole, values, EM_F32)
                                                : em_tensor_contiguous(&whole, values);
    const int64_t width = width_of(values->dims, values->size);
    if (!s) s = em__tensor_window(&p.source, whole, whole->data, 2, (int64_t[]){n, width}, NULL);
    em_tensor_release(whole);
    int64_t sizes[EM_MAX_DIMS];
    memcpy(sizes, values->size, sizeof sizes);
    sizes[0] = rows;
    if (!s) s = em__rows_from_part(out, values->dtype, values->dims, sizes, &p, -1);
    em__row_part_release(&p);
    return s;
}

int64_t em_rows_count(const em_tensor *t) { return t->rows->entries; }
bool em_rows_is_coalesced(const em_tensor *t) { return t->rows->coalesced; }

/* ---- grouping ------------------------------------------------------------------------------------------ */

em_status em__rows_check(const em_tensor *t)
{
    for (int i = 0; i < t->rows->n_parts; i++) {
        const em_row_part *p = &t->rows->parts[i];
        if (p->table && em_tensor_version(p->table) != p->version)
            return em__fail(EM_EGRAD,
                            "this row-sparse gradient refers to its table, which was changed in place since it "
                            "was made; coalesce() it before the table changes");
    }
    return EM_OK;
}

em_status em__rows_groups(const em_groups **out, em_tensor *t)
{
    em_rows *r = t->rows;
    *out = NULL;
    EM_TRY(em__rows_check(t));
    if (!r->groups) {
        enum { FEW = 8 };
        const int64_t *few_ids[FEW], **ids = few_ids;
        int64_t few_counts[FEW], *counts = few_counts;
        const size_t bytes = (size_t)r->n_parts * (sizeof *ids + sizeof *counts);
        void *block = NULL;
        if (r->n_parts > FEW) {
            block = em__alloc(bytes);
            if (!block) return em__fail_memory("grouping", bytes);
            ids = block;
            counts = (int64_t *)(void *)(ids + r->n_parts);
        }
        for (int i = 0; i < r->n_parts; i++) {
            ids[i] = EM_DATA(int64_t, r->parts[i].ids);
            counts[i] = r->parts[i].ids->count;
        }
        em_status s = em__group(&r->groups, ids, counts, r->n_parts, t->size[0]);
        em__free(block, bytes);
        if (s) return s;
    }
    *out = r->groups;
    return EM_OK;
}

bool em__rows_same_ids(const em_rows *a, const em_rows *b)
{
    if (a->n_parts != b->n_parts || a->entries != b->entries) return false;
    for (int i = 0; i < a->n_parts; i++)
        if (a->parts[i].ids->data != b->parts[i].ids->data || a->parts[i].ids->count != b->parts[i].ids->count)
            return false;
    return true;
}

int64_t em__groups_split(const em_groups *g, int64_t k, int64_t pieces)
{
    if (k <= 0) return 0;
    if (k >= pieces) return g->n;
    const int64_t target = (int64_t)((double)g->entries * (double)k / (double)pieces);
    int64_t lo = 0, hi = g->n;
    while (lo < hi) {
        const int64_t mid = (lo + hi) / 2;
        if (g->start[mid] < target)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* ---- out of it again ----------------------------------------------------------------------------------- */

em_status em_rows_indices(em_tensor **out, const em_tensor *t)
{
    EM_TRY(em_tensor_empty(out, EM_I64, 2, (int64_t[]){1, t->rows->entries}));
    int64_t *to = EM_DATA(int64_t, *out);
    for (int i = 0; i < t->rows->n_parts; i++) {
        const em_tensor *ids = t->rows->parts[i].ids;
        memcpy(to, ids->data, (size_t)ids->count * sizeof *to);
        to += ids->count;
    }
    return EM_OK;
}

EM_DECLARE_VARIANTS(em_rows_kernel, em_rows_kernel)

em_status em__rows_find_kernel(const em_rows_kernel **kernel, em_dtype dtype)
{
    static const em_rows_kernel *const table[EM_ISAS][2] = EM_VARIANTS(em_rows_kernel, em_rows_kernel);
    *kernel = NULL;
    if (em__isa() < 0) return em__fail(EM_EVALUE, "this build has no kernels for this processor");
    *kernel = table[em__isa()][em__computed_in(dtype) == EM_F64];
    return EM_OK;
}

em_status em__rows_round(em_tensor **t, em_dtype dtype)
{
    em_tensor *from = *t;
    const em_status s = em_tensor_to(t, from, dtype);
    em_tensor_release(from);
    return s;
}

/* Of `count` entries from `from` on. */
static em_status values_of(em_tensor **out, const em_tensor *t, int64_t from, int64_t count)
{
    int64_t sizes[EM_MAX_DIMS];
    memcpy(sizes, t->size, sizeof sizes);
    sizes[0] = count;
    *out = NULL;
    const em_rows_kernel *kernel;
    EM_TRY(em__rows_find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_check(t));
    EM_TRY(em_tensor_empty(out, em__computed_in(t->dtype), t->dims, sizes));
    kernel->values((*out)->data, t->rows, from, count);
    if (!em__stop) return em__rows_round(out, t->dtype);
    em_tensor_release(*out);
    *out = NULL;
    return em__fail(EM_EINTERRUPT, "interrupted!");
}

em_status em_rows_values(em_tensor **out, const em_tensor *t) { return values_of(out, t, 0, t->rows->entries); }

em_status em_rows_edges(em_tensor **ids, em_tensor **values, const em_tensor *t, int64_t edge)
{
    const int64_t last = t->rows->entries - edge;
    *ids = *values = NULL;
    if (edge < 1 || last < edge)
        return em__fail(EM_ERANGE, "edges of %lld entries are not to be had of %lld", (long long)edge,
                        (long long)t->rows->entries);
    em_tensor *ends[2] = {0};
    EM_TRY(values_of(&ends[0], t, 0, edge));
    em_status s = values_of(&ends[1], t, last, edge);
    int64_t sizes[EM_MAX_DIMS];
    memcpy(sizes, t->size, sizeof sizes);
    sizes[0] = 2 * edge;
    if (!s) s = em_tensor_empty(values, t->dtype, t->dims, sizes);
    if (!s) s = em_tensor_empty(ids, EM_I64, 2, (int64_t[]){1, 2 * edge});
    const size_t bytes = s ? 0 : (size_t)ends[0]->count * em_dtype_size(t->dtype);
    for (int k = 0; k < 2 && bytes; k++) memcpy((*values)->data + (size_t)k * bytes, ends[k]->data, bytes);
    int64_t first = 0;
    for (int i = 0; i < t->rows->n_parts && !s; i++) {
        const em_tensor *part = t->rows->parts[i].ids;
        for (int64_t k = 0; k < 2 * edge; k++) {
            const int64_t e = (k < edge ? k : last + k - edge) - first;
            if (e >= 0 && e < part->count) EM_DATA(int64_t, *ids)[k] = EM_DATA(int64_t, part)[e];
        }
        first += part->count;
    }
    em_tensor_release(ends[0]);
    em_tensor_release(ends[1]);
    if (!s) return EM_OK;
    em_tensor_release(*values);
    *values = NULL;
    return s;
}
