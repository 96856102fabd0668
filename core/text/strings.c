/* Columns of text. */
#include "text/strings.h"

#include <string.h>

#include "tensor/tensor.h"

static int64_t texts_of(const em__strings_piece *p) { return p->starts.n - 1; }

em_status em_strings_new(em_strings **out)
{
    *out = em__alloc_zeroed(sizeof **out);
    if (!*out) return em__fail_memory("a column of text", sizeof **out);
    (*out)->refs = 1;
    return EM_OK;
}

void em_strings_retain(em_strings *s) { s->refs++; }

void em_strings_release(em_strings *s)
{
    if (!s || --s->refs) return;
    for (int64_t i = 0; i < s->pieces.n; i++) {
        EM_ARRAY_FREE(&s->pieces.at[i].starts);
        EM_ARRAY_FREE(&s->pieces.at[i].bytes);
    }
    EM_ARRAY_FREE(&s->pieces);
    em__free(s, sizeof *s);
}

int64_t em_strings_count(const em_strings *s) { return s->count; }
int64_t em_strings_missing(const em_strings *s) { return s->missing; }

const char *em_strings_get(const em_strings *s, int64_t at, size_t *length)
{
    int64_t low = 0, high = s->pieces.n;        /* the piece is among low .. high - 1 */
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        *(s->pieces.at[middle].first <= at ? &low : &high) = middle;
    }
    const em__strings_piece *p = &s->pieces.at[low];
    const uint32_t *start = p->starts.at + (at - p->first), from = *start & ~EM_STRINGS_MISSING;
    *length = (start[1] & ~EM_STRINGS_MISSING) - from;
    return *start & EM_STRINGS_MISSING ? NULL : p->bytes.at + from;
}

/* ---- adding ---------------------------------------------------------------------------------------------- */

em_status em__strings_piece_add(em_strings *s, int64_t texts, int64_t bytes)
{
    EM_TRY(EM_ARRAY_RESERVE(&s->pieces, 1, "a column of text"));
    em__strings_piece p = {.first = s->count};
    p.starts.at = em__alloc((size_t)(texts + 1) * sizeof *p.starts.at);
    p.bytes.at = em__alloc((size_t)bytes + 1);
    p.starts.capacity = texts + 1;
    p.bytes.capacity = bytes + 1;
    if (!p.starts.at || !p.bytes.at) {
        if (p.starts.at) EM_ARRAY_FREE(&p.starts);
        if (p.bytes.at) EM_ARRAY_FREE(&p.bytes);
        return em__fail_memory("a column of text", (size_t)(texts + 1) * sizeof *p.starts.at + (size_t)bytes);
    }
    p.starts.at[p.starts.n++] = 0;
    s->pieces.at[s->pieces.n++] = p;
    return EM_OK;
}

/* The piece that the next text goes to: a long one, and one after many others, begin a new one, so that little is moved
 * when it grows. */
static em_status last_piece(em_strings *s, size_t length, em__strings_piece **out)
{
    enum { FEW = 64, MANY = 1 << 20, LONG = 4 << 20 };
    em__strings_piece *last = s->pieces.n ? &s->pieces.at[s->pieces.n - 1] : NULL;
    if (!last || texts_of(last) >= MANY || (last->bytes.n && last->bytes.n + (int64_t)length > LONG)) {
        EM_TRY(em__strings_piece_add(s, FEW, (int64_t)length));
        last = &s->pieces.at[s->pieces.n - 1];
    }
    *out = last;
    return EM_OK;
}

em_status em_strings_add(em_strings *s, const char *text, size_t length)
{
    em__strings_piece *p;
    if (!text) length = 0;
    if (length > EM_STRINGS_MOST) return em__fail(EM_ERANGE, "a text of %zu bytes is too long for a column", length);
    EM_TRY(last_piece(s, length, &p));
    EM_TRY(EM_ARRAY_RESERVE(&p->starts, 1, "a column of text"));
    EM_TRY(EM_ARRAY_RESERVE(&p->bytes, (int64_t)length, "a column of text"));
    if (length) memcpy(p->bytes.at + p->bytes.n, text, length);
    p->bytes.n += (int64_t)length;
    if (!text) p->starts.at[p->starts.n - 1] |= EM_STRINGS_MISSING;
    p->starts.at[p->starts.n++] = (uint32_t)p->bytes.n;
    s->missing += !text;
    s->count++;
    return EM_OK;
}

/* ---- choosing -------------------------------------------------------------------------------------------- */

static em_status select_into(em_strings *out, const em_strings *s, const em_tensor *ids)
{
    const int64_t *at = EM_DATA(const int64_t, ids);
    for (int64_t i = 0; i < ids->count; i++) {
        size_t length;
        if (at[i] < 0 || at[i] >= s->count)
            return em__fail(EM_ERANGE, "rows: id %lld is out of range for %lld rows (ids count from 0)",
                            (long long)at[i], (long long)s->count);
        const char *text = em_strings_get(s, at[i], &length);
        EM_TRY(em_strings_add(out, text, length));
    }
    return EM_OK;
}

em_status em_strings_select(em_strings **out, const em_strings *s, const em_tensor *ids)
{
    *out = NULL;
    em_tensor *straight;
    if (ids->dtype != EM_I64 || ids->dims != 1)
        return em__fail(EM_ETYPE, "rows: expected ids of shape (n) and int64, got %s %s", EM_SHAPE(ids),
                        em_dtype_name(ids->dtype));
    EM_TRY(em_tensor_contiguous(&straight, ids));
    em_strings *chosen;
    em_status status = em_strings_new(&chosen);
    if (!status) {
        status = select_into(chosen, s, straight);
        if (status)
            em_strings_release(chosen);
        else
            *out = chosen;
    }
    em_tensor_release(straight);
    return status;
}

/* ---- as numbers of words --------------------------------------------------------------------------------- */

static em_status find_each(const em_strings *s, const em_vocab *words, int64_t *ids)
{
    for (int64_t i = 0; i < s->count; i++) {
        size_t length;
        const char *text = em_strings_get(s, i, &length);
        ids[i] = text ? em_vocab_find(words, text, length) : -1;
        if (text && ids[i] < 0) ids[i] = em_vocab_unknown(words);
        if (!text) return em__fail(EM_EVALUE, "ids: the text of row %lld is missing", (long long)i);
        if (ids[i] < 0)
            return em__fail(EM_EVALUE, "ids: the vocabulary has no '%.*s' (row %lld), and no unknown word",
                            length < 40 ? (int)length : 40, text, (long long)i);
    }
    return EM_OK;
}

/* A vocabulary of all texts; ids as they are before it is sorted. */
static em_status collect(const em_strings *s, em_vocab *words, int64_t *ids)
{
    for (int64_t i = 0; i < s->count; i++) {
        size_t length;
        const char *text = em_strings_get(s, i, &length);
        if (!text) return em__fail(EM_EVALUE, "ids: the text of row %lld is missing", (long long)i);
        EM_TRY(em_vocab_add(words, text, length, 1, &ids[i]));
    }
    em_tensor *now;
    EM_TRY(em_vocab_trim(words, 1, -1, &now));
    for (int64_t i = 0; i < s->count; i++) ids[i] = EM_DATA(const int32_t, now)[ids[i]];
    em_tensor_release(now);
    return EM_OK;
}

em_status em_strings_ids(const em_strings *s, em_vocab **words, em_tensor **ids)
{
    *ids = NULL;
    em_tensor *numbers;
    EM_TRY(em_tensor_empty(&numbers, EM_I64, 1, &s->count));
    em_vocab *made = NULL;
    em_status status;
    if (*words) {
        status = find_each(s, *words, EM_DATA(int64_t, numbers));
    } else {
        status = em_vocab_new(&made);
        if (!status) status = collect(s, made, EM_DATA(int64_t, numbers));
    }
    if (status) {
        em_vocab_release(made);
        em_tensor_release(numbers);
        return status;
    }
    if (made) *words = made;
    *ids = numbers;
    return EM_OK;
}
