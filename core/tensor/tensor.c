/* Handles: a shape, strides, and a counted storage that many of them may show. */
#include "tensor/tensor.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tensor/copy.h"
#include "tensor/sparse/row_sparse.h"

em_status em__count(int64_t *count, em_dtype dtype, int dims, const int64_t *sizes)
{
    if (dims < 0 || dims > EM_MAX_DIMS)
        return em__fail(EM_ESHAPE, "a tensor has at most %d dims, given %d", EM_MAX_DIMS, dims);
    char text[EM_SHAPE_TEXT];
    /* span: bytes, sizes of 0 counted as 1, so that strides cannot overflow either */
    int64_t n = 1, span = (int64_t)em_dtype_size(dtype);
    for (int d = 0; d < dims; d++) {
        if (sizes[d] < 0)
            return em__fail(EM_ESHAPE, "negative size %lld in shape %s", (long long)sizes[d],
                            em__shape_text(text, dims, sizes));
        if (__builtin_mul_overflow(span, sizes[d] ? sizes[d] : 1, &span) || span > INT64_MAX / 4)
            return em__fail(EM_ESHAPE, "shape %s has too many elements", em__shape_text(text, dims, sizes));
        n *= sizes[d];
    }
    *count = n;
    return EM_OK;
}

void em__strides(int64_t *strides, int dims, const int64_t *sizes)
{
    int64_t step = 1;
    for (int d = dims - 1; d >= 0; d--) {
        strides[d] = step;
        step *= sizes[d] ? sizes[d] : 1;
    }
}

bool em__is_contiguous(int dims, const int64_t *sizes, const int64_t *strides)
{
    int64_t step = 1;
    for (int d = 0; d < dims; d++)
        if (sizes[d] == 0) return true;
    for (int d = dims - 1; d >= 0; d--) {
        if (sizes[d] != 1 && strides[d] != step) return false;
        step *= sizes[d];
    }
    return true;
}

const char *em__shape_text(char buffer[EM_SHAPE_TEXT], int dims, const int64_t *sizes)
{
    size_t at = 0;
    buffer[at++] = '(';
    for (int d = 0; d < dims && at < EM_SHAPE_TEXT - 24; d++)
        at += (size_t)snprintf(buffer + at, EM_SHAPE_TEXT - at, d ? ", %lld" : "%lld", (long long)sizes[d]);
    buffer[at++] = ')';
    buffer[at] = 0;
    return buffer;
}

/* ---- making and letting go ----------------------------------------------------------------------------- */

static em_status new_handle(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes)
{
    *out = NULL;
    int64_t count;
    EM_TRY(em__count(&count, dtype, dims, sizes));
    em_tensor *t = em__alloc(sizeof *t);
    if (!t) return em__fail_memory("a tensor", sizeof *t);
    memset(t, 0, offsetof(em_tensor, size));
    t->refs = 1;
    t->dtype = dtype;
    t->dims = dims;
    t->count = count;
    for (int d = 0; d < dims; d++) t->size[d] = sizes[d];
    *out = t;
    return EM_OK;
}

static em_status new_tensor(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, bool zeroed)
{
    EM_TRY(new_handle(out, dtype, dims, sizes));
    em_tensor *t = *out;
    const em_status s = em__storage_new(&t->storage, (size_t)t->count * em_dtype_size(dtype), zeroed);
    if (s) {
        em_tensor_release(t);
        *out = NULL;
        return s;
    }
    t->data = t->storage->data;
    t->contiguous = true;
    em__strides(t->stride, dims, sizes);
    return EM_OK;
}

em_status em_tensor_empty(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes)
{
    return new_tensor(out, dtype, dims, sizes, false);
}

em_status em_tensor_zeros(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes)
{
    return new_tensor(out, dtype, dims, sizes, true);
}

static em_status check_memory(const em_tensor *t, const em_foreign *memory)
{
    const size_t each = em_dtype_size(t->dtype), bytes = (size_t)t->count * each;
    if (!memory->data || (uintptr_t)memory->data % each)
        return em__fail(EM_EVALUE, "from_memory: elements of %s lie at a multiple of %zu bytes, given %p",
                        em_dtype_name(t->dtype), each, memory->data);
    if (memory->bytes < bytes)
        return em__fail(EM_ESHAPE, "from_memory: shape %s of %s takes %zu bytes, given %zu", EM_SHAPE(t),
                        em_dtype_name(t->dtype), bytes, memory->bytes);
    return EM_OK;
}

em_status em_tensor_from_memory(em_tensor **out, const em_foreign *memory, em_dtype dtype, int dims,
                                const int64_t *sizes)
{
    em_storage *storage;
    *out = NULL;
    EM_TRY(em__storage_foreign(&storage, memory));
    em_status s = new_handle(out, dtype, dims, sizes);
    if (!s) s = check_memory(*out, memory);
    if (s) {
        em_tensor_release(*out);
        em__storage_release(storage);
        *out = NULL;
        return s;
    }
    em_tensor *t = *out;
    t->storage = storage;
    t->data = storage->data;
    t->contiguous = true;
    em__strides(t->stride, dims, sizes);
    return EM_OK;
}

em_status em_tensor_scalar(em_tensor **out, em_dtype dtype, double value)
{
    EM_TRY(em_tensor_empty(out, dtype, 0, NULL));
    em_tensor_set(*out, 0, value);
    return EM_OK;
}

em_status em_tensor_scalar_int(em_tensor **out, em_dtype dtype, int64_t value)
{
    EM_TRY(em_tensor_empty(out, dtype, 0, NULL));
    em_tensor_set_int(*out, 0, value);
    return EM_OK;
}

em_status em__tensor_like(em_tensor **out, const em_tensor *t, em_dtype dtype)
{
    return em_tensor_empty(out, dtype, t->dims, t->size);
}

static void share_storage(em_tensor *t, em_storage *s)
{
    t->storage = s;
    if (s) s->refs++;
}

em_status em__tensor_window(em_tensor **out, const em_tensor *t, char *data, int dims, const int64_t *sizes,
                            const int64_t *strides)
{
    EM_TRY(new_handle(out, t->dtype, dims, sizes));
    share_storage(*out, t->storage);
    (*out)->data = data;
    if (strides)
        for (int d = 0; d < dims; d++) (*out)->stride[d] = strides[d];
    else
        em__strides((*out)->stride, dims, sizes);
    (*out)->contiguous = em__is_contiguous(dims, sizes, (*out)->stride);
    return EM_OK;
}

em_status em__tensor_shell(em_tensor **out, const em_tensor *t, bool with_data)
{
    em_tensor *s = em__alloc(sizeof *s);
    *out = s;
    if (!s) return em__fail_memory("a tensor", sizeof *s);
    memcpy(s, t, offsetof(em_tensor, size));
    for (int d = 0; d < t->dims; d++) {
        s->size[d] = t->size[d];
        s->stride[d] = t->stride[d];
    }
    s->refs = 1;
    s->origin = NULL;
    s->base = s->frozen = NULL;
    s->changes = 0;
    s->untracked = false;
    s->next_kept = NULL;
    s->kept_at = NULL;
    if (!with_data) {
        s->storage = NULL;
        s->data = NULL;
        s->rows = NULL;
    }
    if (s->storage) s->storage->refs++;
    if (s->rows) em__rows_retain(s->rows);
    return EM_OK;
}

/* ---- rows that are filled ------------------------------------------------------------------------------ */

em_status em__set_filled(em_tensor *t, em_groups *g) { return em__storage_set_filled(t->storage, g, t->size[0]); }

const em_groups *em__filled(const em_tensor *t)
{
    const em_storage *s = t->storage;
    const bool whole = s && t->contiguous && t->dims && (size_t)t->count * em_dtype_size(t->dtype) == s->bytes;
    return whole ? em__storage_filled(s, t->size[0]) : NULL;
}

/* ---- letting go ---------------------------------------------------------------------------------------- */

static void unlist(em_tensor *t)
{
    *t->kept_at = t->next_kept;
    if (t->next_kept) t->next_kept->kept_at = t->kept_at;
    t->kept_at = NULL;
    t->next_kept = NULL;
}

void em__tensor_become(em_tensor *t, const em_tensor *from)
{
    em_storage *before = t->storage;
    if (t->kept_at) unlist(t);
    share_storage(t, from->storage);
    em__storage_release(before);
    t->data = from->data;
    t->count = from->count;
    t->dims = from->dims;
    t->contiguous = from->contiguous;
    memcpy(t->size, from->size, sizeof t->size);
    memcpy(t->stride, from->stride, sizeof t->stride);
}

em_status em__tensor_rows(em_tensor **out, em_dtype dtype, int dims, const int64_t *sizes, em_rows *rows)
{
    em_status s = new_handle(out, dtype, dims, sizes);
    if (s) {
        em__rows_release(rows);
        return s;
    }
    (*out)->rows = rows;
    em__strides((*out)->stride, dims, sizes);
    return EM_OK;
}

void em_tensor_mark_number(em_tensor *t) { t->number = true; }
void em_tensor_retain(em_tensor *t) { t->refs++; }

void em__origin_release(em_origin *origin)
{
    if (origin && --origin->refs == 0) origin->release(origin);
}

static void dispose(em_tensor *t)
{
    if (t->kept_at) unlist(t);
    em__storage_release(t->storage);
    em__rows_release(t->rows);
    em__origin_release(t->origin);
    em_tensor_release(t->base);
    em_tensor_release(t->frozen);
    em__free(t, sizeof *t);
}

void em_tensor_release(em_tensor *t)
{
    if (t && --t->refs == 0) dispose(t);
}

/* ---- elements that are kept ---------------------------------------------------------------------------- */

em_status em__keep(em_tensor **t)
{
    em_tensor *own = *t;
    if (!own || own->kept_at || !own->storage) return EM_OK;
    if (own->refs > 1) {                                /* others may write through it */
        EM_TRY(em__tensor_shell(&own, *t, true));
        em_tensor_release(*t);
        *t = own;
    }
    em_storage *s = own->storage;
    if (s->refs == 1) return EM_OK;                     /* nobody else has it */
    own->next_kept = s->kept;
    own->kept_at = &s->kept;
    if (s->kept) s->kept->kept_at = &own->next_kept;
    s->kept = own;
    return EM_OK;
}

/* t's elements in a storage of their own, repeated where t repeats them. */
static em_status copy_to_own_storage(em_tensor **out, const em_tensor *t)
{
    em_tensor once = em__window(t, 0, t->dims, t->size, t->stride);
    for (int d = 0; d < t->dims; d++)
        if (t->stride[d] == 0 && t->size[d] > 1) once.size[d] = 1;
    once.contiguous = em__is_contiguous(t->dims, once.size, once.stride);
    EM_TRY(em_tensor_empty(out, t->dtype, t->dims, once.size));
    once.count = (*out)->count;
    em__copy_strided(*out, &once);
    for (int d = 0; d < t->dims; d++) {
        if (once.size[d] == t->size[d]) continue;
        (*out)->size[d] = t->size[d];
        (*out)->stride[d] = 0;
    }
    (*out)->count = t->count;
    (*out)->contiguous = em__is_contiguous(t->dims, (*out)->size, (*out)->stride);
    return EM_OK;
}

static bool shows_the_same(const em_tensor *a, const em_tensor *b)
{
    return a->data == b->data && a->dtype == b->dtype && a->dims == b->dims &&
           !memcmp(a->size, b->size, (size_t)a->dims * sizeof *a->size) &&
           !memcmp(a->stride, b->stride, (size_t)a->dims * sizeof *a->stride);
}

/* A vector and a bias looked up by the same ids share the copy as well: they are grouped once. */
em_status em__copy_kept(em_storage *s)
{
    while (s->kept) {
        em_tensor *copy;
        const em_tensor was = *s->kept;
        EM_TRY(copy_to_own_storage(&copy, &was));
        do em__tensor_become(s->kept, copy);
        while (s->kept && shows_the_same(s->kept, &was));
        em_tensor_release(copy);
    }
    return EM_OK;
}

bool em__repeats(const em_tensor *t)
{
    for (int d = 0; d < t->dims; d++)
        if (t->stride[d] == 0 && t->size[d] > 1) return t->count > 0;
    return false;
}

em_status em__fail_repeats(const em_tensor *t, const char *name, const char *rest_of_name)
{
    return em__fail(EM_EVALUE, "%s%s: several elements of the tensor written to, of shape %s, lie in one place (it is "
                    "expanded; clone it first)", name, rest_of_name, EM_SHAPE(t));
}

em_status em_tensor_before_change(em_tensor *t, const char *name)
{
    return name ? em__before_change(t, name) : em__spare_kept(t);
}

/* ---- asking -------------------------------------------------------------------------------------------- */

int em_tensor_dims(const em_tensor *t) { return t->dims; }
int64_t em_tensor_size(const em_tensor *t, int dim) { return t->size[dim]; }
int64_t em_tensor_stride(const em_tensor *t, int dim) { return t->stride[dim]; }
const int64_t *em_tensor_sizes(const em_tensor *t) { return t->size; }
int64_t em_tensor_count(const em_tensor *t) { return t->count; }
em_dtype em_tensor_dtype(const em_tensor *t) { return t->dtype; }
bool em_tensor_is_contiguous(const em_tensor *t) { return t->contiguous; }
bool em_tensor_is_sparse(const em_tensor *t) { return t->rows != NULL; }

void *em_tensor_data(const em_tensor *t)
{
    em__apply_pending(t);
    if (t->storage) em__storage_exposed(t->storage);    /* whoever asks may write */
    return t->data;
}

size_t em_tensor_bytes(const em_tensor *t) { return t->storage ? t->storage->bytes : 0; }
bool em_tensor_same_storage(const em_tensor *a, const em_tensor *b) { return a->storage && a->storage == b->storage; }
int64_t em_tensor_version(const em_tensor *t) { return t->storage ? t->storage->version : 0; }

void em_tensor_touch(em_tensor *t)
{
    if (t->storage) t->storage->version++;
}

/* ---- pending updates ----------------------------------------------------------------------------------- */

void em_tensor_apply_pending(const em_tensor *t) { em__apply_pending(t); }

void em__apply_pending_rows(const em_tensor *t, const em_tensor *ids)
{
    em_pending *p = t->storage ? t->storage->pending : NULL;
    if (!p) return;
    if (t->data == p->data && t->contiguous && t->dims == 2 && t->size[0] == p->rows && t->size[1] == p->width)
        p->apply(p, EM_DATA(int64_t, ids), ids->count);
    else
        em__storage_apply_pending(t->storage);
}

/* ---- views --------------------------------------------------------------------------------------------- */

em_status em_tensor_view(em_tensor **out, const em_tensor *t, int64_t offset, int dims, const int64_t *sizes,
                         const int64_t *strides)
{
    return em__tensor_window(out, t, t->data + offset * (int64_t)em_dtype_size(t->dtype), dims, sizes, strides);
}

em_status em_tensor_detach(em_tensor **out, const em_tensor *t)
{
    return em__tensor_shell(out, t, true);
}
