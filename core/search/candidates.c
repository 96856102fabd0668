/* What every search reads and gives. */
#include "search/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/status.h"
#include "parallel/parallel.h"

EM_DECLARE_VARIANTS(em__scores, em__scores)

const em__scores *em__scores_find(em_dtype dtype)
{
    static const em__scores *const variants[][2] = EM_VARIANTS(em__scores, em__scores);
    return em__isa() < 0 ? NULL : variants[em__isa()][dtype == EM_F64];
}

/* ---- checks -------------------------------------------------------------------------------------------- */

em_status em__check_table(const em_tensor *table, const char *name)
{
    if (em_tensor_is_sparse(table))
        return em__fail(EM_ETYPE, "%s: argument table: expected a dense tensor, got a row-sparse one", name);
    if (!em_dtype_is_float(table->dtype))
        return em__fail(EM_ETYPE, "%s: argument table: expected floats, got %s", name, em_dtype_name(table->dtype));
    if (table->dims != 2)
        return em__fail(EM_ESHAPE, "%s: argument table: expected shape (V, D), got %s", name, EM_SHAPE(table));
    return EM_OK;
}

em_status em__check_queries(const em_tensor *queries, const em_tensor *table, const char *name)
{
    const int64_t width = table->size[1];
    if (em_tensor_is_sparse(queries))
        return em__fail(EM_ETYPE, "%s: argument queries: expected a dense tensor, got a row-sparse one", name);
    if (queries->dims < 1 || queries->dims > 2 || queries->size[queries->dims - 1] != width)
        return em__fail(EM_ESHAPE, "%s: argument queries: expected shape (Q, %lld) or (%lld), got %s", name,
                        (long long)width, (long long)width, EM_SHAPE(queries));
    return EM_OK;
}

em_status em__check_candidate_ids(const em_tensor *ids, int64_t least, int64_t rows, const char *name)
{
    if (em_tensor_is_sparse(ids) || ids->dtype != EM_I64 || ids->dims != 1)
        return em__fail(EM_ETYPE, "%s: expected ids (n) of int64, got %s of shape %s", name,
                        em_dtype_name(ids->dtype), EM_SHAPE(ids));
    for (int64_t i = 0; i < ids->count; i++) {
        const int64_t id = em_tensor_get_int(ids, i);
        if (id < least || id >= rows)
            return em__fail(EM_ERANGE, "%s: id %lld at position %lld is out of range for a table of %lld rows", name,
                            (long long)id, (long long)i, (long long)rows);
    }
    return EM_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void em__sort_ids(int64_t *ids, int64_t n) { qsort(ids, (size_t)n, sizeof *ids, by_id); }

/* Ascending, each once, of those below `first`. */
static em_status copy_only(em__candidates *r, const em_tensor *only, int64_t first)
{
    const size_t bytes = (size_t)em__max(only->count, 1) * sizeof *r->only;
    r->only = em__alloc(bytes);
    if (!r->only) return em__fail_memory("ids to search among", bytes);
    r->only_room = em__max(only->count, 1);
    int64_t n = 0;
    for (int64_t i = 0; i < only->count; i++) r->only[i] = em_tensor_get_int(only, i);
    em__sort_ids(r->only, only->count);
    for (int64_t i = 0; i < only->count; i++)
        if (r->only[i] < first && (!n || r->only[i] != r->only[n - 1])) r->only[n++] = r->only[i];
    r->n = n;
    return EM_OK;
}

em_status em__candidates_open(em__candidates *r, const em_tensor *table, const em_tensor *only, int64_t first,
                              const char *name)
{
    const int64_t rows = table->size[0];
    *r = (em__candidates){0};
    r->n = first < 0 ? rows : em__min(first, rows);
    if (only) {
        char argument[64] = "";
        strncat(strncat(argument, name, sizeof argument - 16), ": restrict", 15);
        EM_TRY(em__check_candidate_ids(only, 0, rows, argument));
    }
    em_tensor_apply_pending(table);
    EM_TRY(em_tensor_contiguous(&r->table, table));
    return only ? copy_only(r, only, r->n) : EM_OK;
}

void em__candidates_close(em__candidates *r)
{
    em_tensor_release(r->table);
    em__free(r->only, (size_t)r->only_room * sizeof *r->only);
    *r = (em__candidates){0};
}

static void copy_row(const em__candidates *r, int64_t id, char *to)
{
    const int64_t width = r->table->size[1], size = (int64_t)em_dtype_size(r->table->dtype);
    const char *from = r->table->data + id * width * size;
    if (r->table->dtype == EM_F16) {
        em__read_f16s((float *)(void *)to, (const uint16_t *)(const void *)from, width);
    } else if (r->table->dtype == EM_BF16) {
        const uint16_t *half = (const uint16_t *)(const void *)from;
        for (int64_t d = 0; d < width; d++) ((float *)(void *)to)[d] = em__read_bf16(half[d]);
    } else {
        memcpy(to, from, (size_t)(width * size));
    }
}

const void *em__candidates_at(const em__candidates *r, int64_t lo, int64_t n, void *to)
{
    const int64_t width = r->table->size[1];
    if (!em__candidates_are_copied(r)) return r->table->data + lo * width * (int64_t)em_dtype_size(r->table->dtype);
    const int64_t bytes = width * (int64_t)em_dtype_size(em__computed_in(r->table->dtype));
    for (int64_t i = 0; i < n; i++) copy_row(r, em__candidate_id(r, lo + i), (char *)to + i * bytes);
    return to;
}

/* ---- queries and results ------------------------------------------------------------------------------- */

em_status em__queries_of(em_tensor **out, const em_tensor *queries, em_dtype dtype, const em__scores *unit)
{
    em_tensor *converted = NULL;
    em_tensor_apply_pending(queries);
    EM_TRY(em_tensor_to(&converted, queries, dtype));
    const em_status s = unit ? em_tensor_clone(out, converted) : em_tensor_contiguous(out, converted);
    em_tensor_release(converted);
    const int64_t width = queries->size[queries->dims - 1];
    if (!s && unit && width) unit->to_unit((*out)->data, (*out)->count / width, width);
    return s;
}

void em__write_hits(em_tensor *scores, em_tensor *ids, int64_t i, int64_t k, const em__best *best, bool squares)
{
    for (int64_t j = 0; j < k; j++) {
        const bool found = j < best->n;
        double score = found ? best->at[j].score : -INFINITY;
        if (squares) score = sqrt(-score);
        if (scores->dtype == EM_F64)
            EM_DATA(double, scores)[i * k + j] = score;
        else
            EM_DATA(float, scores)[i * k + j] = (float)score;
        EM_DATA(int64_t, ids)[i * k + j] = found ? best->at[j].id : -1;
    }
}
