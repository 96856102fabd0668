#include "ops/index/axis_index.h"

#include <stdio.h>
#include <string.h>

#include "tensor/copy.h"

em_status em__axis_index(em_axis_index *a, const em_tensor *t, int64_t dim, const char *name)
{
    EM_TRY(em__wrap_dim(&a->dim, dim, t->dims, name));
    a->outer = a->inner = 1;
    for (int d = 0; d < a->dim; d++) a->outer *= t->size[d];
    a->size = t->dims ? t->size[a->dim] : 1;
    for (int d = a->dim + 1; d < t->dims; d++) a->inner *= t->size[d];
    return EM_OK;
}

em_axis_index em__axis_index_first(const em_tensor *t, int dims)
{
    em_axis_index a = {0, 1, 1, 1};
    for (int d = 0; d < t->dims; d++) *(d < dims ? &a.size : &a.inner) *= t->size[d];
    return a;
}

em_status em__check_axis_index(const em_call *c, const em_tensor *ids, const em_axis_index *a)
{
    char what[32];
    snprintf(what, sizeof what, "the size of dim %d", a->dim);
    return em__check_ids(c->op->name, ids, a->size, what);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

int64_t em__owners(int64_t outer, double work)
{
    const int team = em__team(work);
    int64_t owners = 1;
    if (outer < team)
        while (owners < team) owners *= 2;
    return owners;
}

static void copy_row(char *to, const char *from, size_t bytes)
{
    if (bytes == 4)
        memcpy(to, from, 4);
    else if (bytes == 8)
        memcpy(to, from, 8);
    else
        memcpy(to, from, bytes);
}

enum { AHEAD = 12 };            /* rows: what is asked for now is there when its turn comes */

static void take(const em_axis_index *a, char *to, const char *from, const int64_t *id, int64_t n, size_t row,
                 int64_t lo, int64_t hi)
{
    for (int64_t r = lo; r < hi; r++) {
        const char *source = from + (size_t)(r / n * a->size) * row;
        const int64_t i = r % n;
        if (i + AHEAD < n) __builtin_prefetch(source + (size_t)id[i + AHEAD] * row);
        copy_row(to + (size_t)r * row, source + (size_t)id[i] * row, row);
    }
}

void em__take_rows(const em_axis_index *a, char *to, const char *from, const int64_t *id, int64_t n, size_t bytes)
{
    const size_t row = (size_t)a->inner * bytes;
    const int64_t rows = a->outer * n;
    if (row == 0) return;
    if (em__team((double)(rows * a->inner)) == 1)
        take(a, to, from, id, n, row, 0, rows);
    else
        EM_PARALLEL_CHUNKS(lo, hi, rows, a->inner) take(a, to, from, id, n, row, lo, hi);
}

void em__put_rows(const em_axis_index *a, char *to, const char *from, bool one, const int64_t *id, int64_t n,
                  size_t bytes)
{
    const size_t row = (size_t)a->inner * bytes, step = one ? 0 : row;
    const double work = (double)(a->outer * n) * (double)a->inner;
    if (row == 0) return;
    const int64_t owners = em__owners(a->outer, work);
    EM_PARALLEL_EACH(k, a->outer * owners, (double)n * (double)a->inner / (double)owners) {
        const int64_t o = k / owners;
        char *target = to + (size_t)(o * a->size) * row;
        const char *source = from + (size_t)(o * n) * step;
        for (int64_t i = 0; i < n && !em__stop; i++)
            if ((id[i] & (owners - 1)) == k % owners)
                copy_row(target + (size_t)id[i] * row, source + (size_t)i * step, row);
    }
}

/* ---- slices -------------------------------------------------------------------------------------------- */

em_status em__check_slices(const em_call *c, const em_tensor *t, const char *t_name, const em_tensor *ids, int dim)
{
    bool fits = ids->dims == t->dims;
    for (int d = 0; fits && d < t->dims; d++) fits = d == dim || ids->size[d] <= t->size[d];
    if (!fits)
        return em__fail(EM_ESHAPE,
                        "%s: index %s against %s %s: expected as many dims, and no size larger except along dim %d",
                        c->op->name, EM_SHAPE(ids), t_name, EM_SHAPE(t), dim);
    em_axis_index a = {.dim = dim, .size = t->dims ? t->size[dim] : 1};
    return em__check_axis_index(c, ids, &a);
}

void em__slices(em_slices *l, const em_tensor *ids, const em_tensor *t, const em_tensor *third, int dim)
{
    const em_tensor *all[3] = {ids, t, third};
    int64_t size[EM_MAX_DIMS], stride[3][EM_MAX_DIMS];
    int n = 0;
    for (int d = 0; d < ids->dims; d++) {
        if (d == dim) continue;
        size[n] = ids->size[d];
        for (int k = 0; k < 3; k++) stride[k][n] = all[k]->dims ? all[k]->stride[d] : 0;
        n++;
    }
    em__iterator_init(&l->iterator, 3, n, size, (const int64_t *const[]){stride[0], stride[1], stride[2]});
    l->count = l->iterator.outer * l->iterator.inner;
    l->length = ids->dims ? ids->size[dim] : 1;
    for (int k = 0; k < 3; k++) l->step[k] = all[k]->dims ? all[k]->stride[dim] : 0;
    l->id = EM_DATA(int64_t, ids);
}

/* Where the slices of the next group begin. */
static bool next_group(em_pairs *p)
{
    if (p->slice >= p->end || em__stop) return false;
    p->group = (int)em__min(EM_PAIR_SLICES, p->end - p->slice);
    for (int k = 0; k < p->group; k++) em__iterator_point(&p->slices->iterator, p->slice + k, p->start[k]);
    p->slice += p->group;
    p->at = 0;
    return true;
}

void em__pairs_start(em_pairs *p, const em_slices *l, int64_t lo, int64_t hi, int64_t owners, int64_t owner)
{
    p->slices = l;
    p->slice = lo;
    p->end = hi;
    p->owners = owners;
    p->owner = owner;
    p->at = l->length;                  /* as if a group had just been done */
}

bool em__pairs_next(em_pairs *p)
{
    const em_slices *l = p->slices;
    if (l->length == 0 || em__stop) return false;
    p->n = 0;
    while (p->n + EM_PAIR_SLICES <= EM_PAIRS) {
        if (p->at == l->length && !next_group(p)) break;
        for (int k = 0; k < p->group; k++) {
            const int64_t id = l->id[p->start[k][0] + p->at * l->step[0]];
            if ((id & (p->owners - 1)) != p->owner) continue;
            p->there[p->n] = p->start[k][1] + id * l->step[1];
            p->here[p->n++] = p->start[k][2] + p->at * l->step[2];
        }
        p->at++;
    }
    return p->n > 0 || p->slice < p->end || p->at < l->length;
}

static em_status source_slope(const em_node *n, em_tensor **dx, em_tensor *picked)
{
    const em_tensor *src = n->x[2];
    bool same = src->dims == picked->dims;
    for (int d = 0; same && d < src->dims; d++) same = src->size[d] == picked->size[d];
    if (same) {
        em_tensor_retain(dx[2] = picked);
        return EM_OK;
    }
    if (src->dims == 0) return em__sum_to(&dx[2], picked, src);
    EM_TRY(em__dx_zeros(dx, n, 2));
    em_tensor corner = em__window(dx[2], 0, picked->dims, picked->size, dx[2]->stride);
    em__copy_strided(&corner, picked);
    return EM_OK;
}

em_status em__source_slope(const em_node *n, em_tensor **dx)
{
    em_tensor *picked;
    EM_TRY(em__run2("gather", n->dy[0], n->x[1], &n->opts, &picked));
    const em_status s = source_slope(n, dx, picked);
    em_tensor_release(picked);
    return s;
}
