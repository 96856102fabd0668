#include "tensor/rows.h"

#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "parallel/parallel.h"
#include "tensor/copy.h"
#include "tensor/half.h"
#include "tensor/shape.h"

/* ---- parts --------------------------------------------------------------------------------------------- */

void em__part_release(em_part *p)
{
    em_tensor_release(p->ids);
    em_tensor_release(p->source);
    em_tensor_release(p->index);
    em_tensor_release(p->coef);
    em_tensor_release(p->table);
}

static void retain_part(const em_part *p)
{
    em_tensor_retain(p->ids);
    em_tensor_retain(p->source);
    if (p->index) em_tensor_retain(p->index);
    if (p->coef) em_tensor_retain(p->coef);
    if (p->table) em_tensor_retain(p->table);
}

static em_rows *new_rows(int n_parts)
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
    for (int i = 0; i < r->n_parts; i++) em__part_release(&r->parts[i]);
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

static int64_t width_of_tensor(const em_tensor *t) { return width_of(t->dims, t->size); }

/* Entries of other rows than `padding` and those marked in `dropped` (or null): ids and where each takes its row (and
 * coefficient) from. */
static bool is_out(int64_t id, int64_t padding, const uint8_t *dropped)
{
    return id == padding || (dropped && dropped[id]);
}

static em_status without(em_part *out, const em_part *p, int64_t padding, const uint8_t *dropped)
{
    const int64_t *id = EM_DATA(int64_t, p->ids), n = p->ids->count;
    int64_t kept = 0;
    for (int64_t e = 0; e < n; e++) kept += !is_out(id[e], padding, dropped);
    *out = *p;
    out->ids = out->index = out->coef = NULL;
    if (out->table) em_tensor_retain(out->table);
    if (kept == n) {
        em_tensor_release(out->table);
        *out = *p;
        retain_part(out);
        return EM_OK;
    }
    em_tensor_retain(out->source);
    em_status s = em_tensor_empty(&out->ids, EM_I64, 1, &kept);
    if (!s) s = em_tensor_empty(&out->index, EM_I64, 1, &kept);
    if (!s && p->coef) s = em_tensor_empty(&out->coef, p->coef->dtype, 1, &kept);
    if (s) {
        em__part_release(out);
        return s;
    }
    const int64_t *index = p->index ? EM_DATA(int64_t, p->index) : NULL;
    int64_t *new_id = EM_DATA(int64_t, out->ids), *new_index = EM_DATA(int64_t, out->index), k = 0;
    for (int64_t e = 0; e < n; e++) {
        if (is_out(id[e], padding, dropped)) continue;
        new_id[k] = id[e];
        new_index[k] = index ? index[e] : e / p->every;
        if (p->coef) {
            if (p->coef->dtype == EM_F32)
                EM_DATA(float, out->coef)[k] = EM_DATA(float, p->coef)[e];
            else
                EM_DATA(double, out->coef)[k] = EM_DATA(double, p->coef)[e];
        }
        k++;
    }
    return EM_OK;
}

static em_status rows_of_parts(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_rows *r)
{
    r->width = width_of(dims, sizes);
    r->entries = 0;
    for (int i = 0; i < r->n_parts; i++) r->entries += r->parts[i].ids->count;
    r->coalesced = r->entries <= 1;
    return em__tensor_rows(out, dtype, dims, sizes, r);
}

/* Entries are read when sums are asked for: until then what they refer to stays as it is now. */
static em_status keep_part(em_part *p)
{
    EM_TRY(em__keep(&p->ids));
    EM_TRY(em__keep(&p->source));
    EM_TRY(em__keep(&p->index));
    return em__keep(&p->coef);
}

em_status em__rows_from_part(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_part *part,
                             int64_t padding)
{
    *out = NULL;
    EM_TRY(keep_part(part));
    em_rows *r = new_rows(1);
    if (!r) return em__fail_memory("a row-sparse gradient", sizeof *r);
    em_status s = EM_OK;
    if (padding < 0) {
        r->parts[0] = *part;
        retain_part(part);
    } else {
        s = without(&r->parts[0], part, padding, NULL);
        if (s) r->n_parts = 0;
    }
    if (s) {
        em__free(r->parts, sizeof *r->parts);
        em__free(r, sizeof *r);
        return s;
    }
    return rows_of_parts(out, dtype, dims, sizes, r);
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
    em_rows *r = new_rows(t->rows->n_parts);
    if (!r) return em__fail_memory("a row-sparse gradient", sizeof *r);
    for (int i = 0; i < t->rows->n_parts; i++) {
        const em_status s = without(&r->parts[i], &t->rows->parts[i], -1, dropped);
        if (!s) continue;
        memset(&r->parts[i], 0, sizeof *r->parts);
        em__rows_release(r);
        return s;
    }
    EM_TRY(rows_of_parts(out, t->dtype, t->dims, t->size, r));
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
    em_part p = {.every = 1, .scale = 1};
    em_tensor *flat = NULL;
    em_status s = em_tensor_to(&flat, ids, EM_I64);
    if (!s) s = em_tensor_contiguous(&p.ids, flat);
    em_tensor_release(flat);
    if (!s) s = em__check_row_ids("sparse", EM_DATA(int64_t, p.ids), n, rows);
    em_tensor *whole = NULL;
    if (!s) s = em_dtype_is_half(values->dtype) ? em_tensor_to(&whole, values, EM_F32)
                                                : em_tensor_contiguous(&whole, values);
    const int64_t width = width_of_tensor(values);
    if (!s) s = em__tensor_window(&p.source, whole, whole->data, 2, (int64_t[]){n, width}, NULL);
    em_tensor_release(whole);
    int64_t sizes[EM_MAX_DIMS];
    memcpy(sizes, values->size, sizeof sizes);
    sizes[0] = rows;
    if (!s) s = em__rows_from_part(out, values->dtype, values->dims, sizes, &p, -1);
    em__part_release(&p);
    return s;
}

em_status em__check_row_ids(const char *name, const int64_t *id, int64_t n, int64_t rows)
{
    for (int64_t i = 0; i < n; i++)
        if ((uint64_t)id[i] >= (uint64_t)rows)
            return em__fail(EM_ERANGE,
                            "%s: index %lld at position [%lld] is out of range for %lld rows (ids count from "
                            "0)",
                            name, (long long)id[i], (long long)i, (long long)rows);
    return EM_OK;
}

/* The value every row is made of, where each row of `dy` repeats one number: (n) of them, stride `step`. */
static em_status constant_rows(em_part *p, const em_tensor *dy, int64_t n, int64_t width, int64_t step)
{
    EM_TRY(em_tensor_empty(&p->source, dy->dtype, 2, (int64_t[]){1, width}));
    p->source->stride[0] = 0;
    p->source->contiguous = false;
    em_tensor_fill(p->source, 1);
    em_tensor *column;
    EM_TRY(em__tensor_window(&column, dy, dy->data, 1, &n, &step));
    em_status s = em_tensor_contiguous(&p->coef, column);
    em_tensor_release(column);
    return s;
}

em_status em__part_source(em_part *p, em_tensor *dy, int64_t n, int64_t width)
{
    em_walk w;
    const int last = dy->dims - 1;
    em__walk_init(&w, 1, last, dy->size, (const int64_t *const[]){dy->stride});
    const int64_t step = last ? w.stride[0][0] : 0, inner = dy->stride[last];
    if (n && width > 1 && w.dims == 1 && inner == 0) return constant_rows(p, dy, n, width, step);
    const bool rows = n == 0 || (w.dims == 1 && (inner == 1 || width <= 1));
    em_tensor *whole = NULL;
    if (!rows) EM_TRY(em_tensor_contiguous(&whole, dy));
    const em_tensor *from = rows ? dy : whole;
    em_status s = em__tensor_window(&p->source, from, from->data, 2, (int64_t[]){n, width},
                                    (int64_t[]){rows && n > 1 ? step : width, 1});
    em_tensor_release(whole);
    return s;
}

int64_t em_rows_count(const em_tensor *t) { return t->rows->entries; }
bool em_rows_is_coalesced(const em_tensor *t) { return t->rows->coalesced; }

/* ---- grouping ------------------------------------------------------------------------------------------ */

em_status em__rows_check(const em_tensor *t)
{
    for (int i = 0; i < t->rows->n_parts; i++) {
        const em_part *p = &t->rows->parts[i];
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

static em_status find_kernel(const em_rows_kernel **kernel, em_dtype dtype)
{
    static const em_rows_kernel *const table[EM_ISAS][2] = EM_VARIANTS(em_rows_kernel, em_rows_kernel);
    *kernel = NULL;
    if (em__isa() < 0) return em__fail(EM_EVALUE, "this build has no kernels for this processor");
    *kernel = table[em__isa()][em__computed_in(dtype) == EM_F64];
    return EM_OK;
}

/* t in `dtype`, in place of t; on failure null. */
static em_status convert(em_tensor **t, em_dtype dtype)
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
    EM_TRY(find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_check(t));
    EM_TRY(em_tensor_empty(out, em__computed_in(t->dtype), t->dims, sizes));
    kernel->values((*out)->data, t->rows, from, count);
    if (!em__stop) return convert(out, t->dtype);
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

em_status em_rows_coalesce(em_tensor **out, em_tensor *t)
{
    *out = NULL;
    if (t->rows->coalesced) {
        em_tensor_retain(*out = t);
        return EM_OK;
    }
    const em_rows_kernel *kernel;
    const em_groups *g;
    EM_TRY(find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_groups(&g, t));
    em_part p = {.every = 1, .scale = 1};
    em_status s = em_tensor_empty(&p.ids, EM_I64, 1, &g->n);
    if (!s) s = em_tensor_empty(&p.source, em__computed_in(t->dtype), 2, (int64_t[]){g->n, t->rows->width});
    if (!s) {
        memcpy(p.ids->data, g->ids, (size_t)g->n * sizeof *g->ids);
        kernel->sums(p.source->data, t->rows, g, true);
        s = em__rows_from_part(out, t->dtype, t->dims, t->size, &p, -1);
        if (!s) (*out)->rows->coalesced = true;
    }
    em__part_release(&p);
    return s;
}

em_status em_rows_to_dense(em_tensor **out, em_tensor *t)
{
    *out = NULL;
    const em_rows_kernel *kernel;
    const em_groups *g;
    EM_TRY(find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_groups(&g, t));
    EM_TRY(em_tensor_zeros(out, em__computed_in(t->dtype), t->dims, t->size));
    kernel->sums((*out)->data, t->rows, g, false);
    return convert(out, t->dtype);
}

static em_status check_pair(const em_tensor *a, const em_tensor *b)
{
    if (a->dims != b->dims || memcmp(a->size, b->size, (size_t)a->dims * sizeof *a->size))
        return em__fail(EM_ESHAPE, "add: shapes %s and %s of a row-sparse gradient do not fit", EM_SHAPE(a),
                        EM_SHAPE(b));
    if (a->dtype != b->dtype)
        return em__fail(EM_ETYPE, "add: a row-sparse gradient of %s and a tensor of %s", em_dtype_name(a->dtype),
                        em_dtype_name(b->dtype));
    return EM_OK;
}

/* A new gradient with the parts of a and then b (b may be null), scaled. */
static em_status combine(em_tensor **out, const em_tensor *a, const em_tensor *b, double factor)
{
    *out = NULL;
    em_rows *r = new_rows(a->rows->n_parts + (b ? b->rows->n_parts : 0));
    if (!r) return em__fail_memory("a row-sparse gradient", sizeof *r);
    for (int k = 0; k < r->n_parts; k++) {
        const int from_b = k - a->rows->n_parts;
        r->parts[k] = from_b < 0 ? a->rows->parts[k] : b->rows->parts[from_b];
        r->parts[k].scale *= factor;
        retain_part(&r->parts[k]);
    }
    EM_TRY(rows_of_parts(out, a->dtype, a->dims, a->size, r));
    if (!b) r->coalesced = a->rows->coalesced;
    return EM_OK;
}

em_status em_rows_add(em_tensor **out, em_tensor *a, em_tensor *b)
{
    EM_TRY(check_pair(a, b));
    return combine(out, a, b, 1);
}

em_status em_rows_add_(em_tensor *t, em_tensor *more, double factor)
{
    em_tensor *scaled, *sum = NULL;
    EM_TRY(check_pair(t, more));
    EM_TRY(em_rows_scale(&scaled, more, factor));
    const em_status s = combine(&sum, t, scaled, 1);
    em_tensor_release(scaled);
    if (s) return s;
    em_rows *was = t->rows, *is = sum->rows, kept = *was;       /* whoever shares t's entries sees the new ones */
    *was = *is;
    *is = kept;
    is->refs = was->refs;
    was->refs = kept.refs;
    em_tensor_release(sum);
    return EM_OK;
}

em_status em_rows_scale(em_tensor **out, em_tensor *t, double factor) { return combine(out, t, NULL, factor); }

em_status em_rows_scale_(em_tensor *t, double factor)
{
    for (int i = 0; i < t->rows->n_parts; i++) t->rows->parts[i].scale *= factor;
    return EM_OK;
}

/* Whether entries are read from memory of `dense`, as those of a distance to its rows are. */
static bool reads_from(const em_rows *r, const em_tensor *dense)
{
    for (int i = 0; i < r->n_parts; i++) {
        const em_part *p = &r->parts[i];
        if (em_tensor_same_storage(p->source, dense) || (p->table && em_tensor_same_storage(p->table, dense)) ||
            (p->coef && em_tensor_same_storage(p->coef, dense)))
            return true;
    }
    return false;
}

em_status em_rows_add_to(em_tensor *dense, em_tensor *t, double factor)
{
    EM_TRY(check_pair(t, dense));
    EM_TRY(em__before_change(dense, "add_"));
    if (reads_from(t->rows, dense)) {                   /* read all of it before any of it is written */
        em_tensor *apart;
        EM_TRY(em__rows_clone(&apart, t));
        const em_status s = em_rows_add_to(dense, apart, factor);
        em_tensor_release(apart);
        return s;
    }
    em__settle(dense);
    const em_rows_kernel *kernel;
    const em_groups *g;
    em_tensor *scaled;
    EM_TRY(find_kernel(&kernel, t->dtype));
    EM_TRY(em__rows_groups(&g, t));
    EM_TRY(em_rows_scale(&scaled, t, factor));
    em_tensor *to = dense;
    em_status s = EM_OK;
    if (dense->contiguous && !em_dtype_is_half(dense->dtype))
        em_tensor_retain(to);
    else if (!(s = em__tensor_like(&to, dense, em__computed_in(dense->dtype))))
        em__copy_strided(to, dense);
    if (!s) {
        kernel->sums(to->data, scaled->rows, g, false);
        if (to != dense) em__copy_strided(dense, to);
        em_tensor_release(to);
        em_tensor_touch(dense);
    }
    em_tensor_release(scaled);
    return s;
}

em_status em__rows_clone(em_tensor **out, const em_tensor *t)
{
    *out = NULL;
    em_tensor *values, *ids = NULL;
    EM_TRY(em_rows_values(&values, t));
    em_status s = em_rows_indices(&ids, t);
    if (!s) s = em_rows_new(out, ids, values, t->size[0]);
    if (!s) (*out)->rows->coalesced = t->rows->coalesced;
    em_tensor_release(values);
    em_tensor_release(ids);
    return s;
}

em_status em_rows_to(em_tensor **out, em_tensor *t, em_dtype dtype)
{
    *out = NULL;
    if (t->dtype == dtype) {
        em_tensor_retain(*out = t);
        return EM_OK;
    }
    if (em__computed_in(t->dtype) == em__computed_in(dtype)) {
        EM_TRY(combine(out, t, NULL, 1));
        (*out)->dtype = dtype;
        return EM_OK;
    }
    em_tensor *values, *converted = NULL, *ids = NULL;
    EM_TRY(em_rows_values(&values, t));
    em_status s = em_tensor_to(&converted, values, dtype);
    if (!s) s = em_rows_indices(&ids, t);
    if (!s) s = em_rows_new(out, ids, converted, t->size[0]);
    if (!s) (*out)->rows->coalesced = t->rows->coalesced;
    em_tensor_release(values);
    em_tensor_release(converted);
    em_tensor_release(ids);
    return s;
}
