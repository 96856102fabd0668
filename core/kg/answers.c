/* Known answers: pairs sorted by key, then value; a key is found by halving. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "kg/answers.h"
#include "tensor/tensor.h"

typedef struct pair {
    int64_t key, value;
} pair;

struct em_answers {
    int64_t count;              /* of keys */
    int64_t room;               /* pairs that the three were made for */
    int64_t *keys, *starts;     /* values[starts[i]] up to before values[starts[i + 1]] are those of keys[i] */
    int64_t *values;
};

static int compare(const void *a, const void *b)
{
    const pair *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

em_status em__check_keys(const em_tensor *t, int64_t n, const char *owner, const char *name)
{
    if (t->dtype != EM_I64)
        return em__fail(EM_ETYPE, "%s: argument %s: expected int64, got %s", owner, name, em_dtype_name(t->dtype));
    if (t->dims != 1 || !t->contiguous || (n >= 0 && t->count != n))
        return em__fail(EM_ESHAPE, "%s: argument %s: got shape %s", owner, name, EM_SHAPE(t));
    return EM_OK;
}

static em_status reserve(em_answers *a, int64_t n)
{
    const size_t bytes = (size_t)(n + 1) * sizeof(int64_t);
    a->room = n;
    a->keys = em__alloc(bytes);
    a->starts = em__alloc(bytes);
    a->values = em__alloc(bytes);
    return a->keys && a->starts && a->values ? EM_OK : em__fail_memory("known answers", 3 * bytes);
}

/* Lays sorted pairs down, each once. */
static void fill(em_answers *a, const pair *pairs, int64_t n)
{
    int64_t values = 0;
    for (int64_t i = 0; i < n; i++) {
        const bool is_new_key = i == 0 || pairs[i].key != pairs[i - 1].key;
        if (!is_new_key && pairs[i].value == pairs[i - 1].value) continue;
        if (is_new_key) {
            a->keys[a->count] = pairs[i].key;
            a->starts[a->count++] = values;
        }
        a->values[values++] = pairs[i].value;
    }
    a->starts[a->count] = values;
}

em_status em_answers_new(em_answers **out, const em_tensor *keys, const em_tensor *values)
{
    *out = NULL;
    EM_TRY(em__check_keys(keys, -1, "answers", "keys"));
    EM_TRY(em__check_keys(values, keys->count, "answers", "values"));
    const int64_t n = keys->count;
    const size_t bytes = (size_t)(n ? n : 1) * sizeof(pair);
    em_answers *a = em__alloc_zeroed(sizeof *a);
    if (!a) return em__fail_memory("known answers", sizeof *a);
    em_status s = reserve(a, n);
    pair *pairs = s ? NULL : em__alloc(bytes);
    if (!s && !pairs) s = em__fail_memory("known answers", bytes);
    if (s) {
        em_answers_release(a);
        return s;
    }
    for (int64_t i = 0; i < n; i++) pairs[i] = (pair){EM_DATA(int64_t, keys)[i], EM_DATA(int64_t, values)[i]};
    qsort(pairs, (size_t)n, sizeof *pairs, compare);
    fill(a, pairs, n);
    em__free(pairs, bytes);
    *out = a;
    return EM_OK;
}

void em_answers_release(em_answers *a)
{
    if (!a) return;
    const size_t bytes = (size_t)(a->room + 1) * sizeof(int64_t);
    if (a->keys) em__free(a->keys, bytes);
    if (a->starts) em__free(a->starts, bytes);
    if (a->values) em__free(a->values, bytes);
    em__free(a, sizeof *a);
}

/* The first of n ascending numbers that is >= x. */
static int64_t lower_bound(const int64_t *numbers, int64_t n, int64_t x)
{
    int64_t lo = 0;
    while (n > 0) {
        const int64_t half = n / 2;
        if (numbers[lo + half] < x) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return lo;
}

const int64_t *em_answers_find(const em_answers *a, int64_t key, int64_t *count)
{
    const int64_t i = lower_bound(a->keys, a->count, key);
    const bool found = i < a->count && a->keys[i] == key;
    *count = found ? a->starts[i + 1] - a->starts[i] : 0;
    return found ? a->values + a->starts[i] : a->values;
}

bool em_answers_has(const em_answers *a, int64_t key, int64_t value)
{
    int64_t n;
    const int64_t *values = em_answers_find(a, key, &n);
    const int64_t i = lower_bound(values, n, value);
    return i < n && values[i] == value;
}

em_status em_answers_list(em_tensor **values, em_tensor **ends, const em_answers *a, const em_tensor *keys)
{
    *values = *ends = NULL;
    EM_TRY(em__check_keys(keys, -1, "answers_list", "keys"));
    EM_TRY(em_tensor_empty(ends, EM_I64, 1, &keys->count));
    int64_t total = 0, n;
    for (int64_t b = 0; b < keys->count; b++) {
        em_answers_find(a, EM_DATA(int64_t, keys)[b], &n);
        EM_DATA(int64_t, *ends)[b] = total += n;
    }
    const em_status s = em_tensor_empty(values, EM_I64, 1, &total);
    if (s) {
        em_tensor_release(*ends);
        *ends = NULL;
        return s;
    }
    for (int64_t b = 0, at = 0; b < keys->count; b++, at += n) {
        const int64_t *found = em_answers_find(a, EM_DATA(int64_t, keys)[b], &n);
        if (n) memcpy(EM_DATA(int64_t, *values) + at, found, (size_t)n * sizeof *found);
    }
    return EM_OK;
}
