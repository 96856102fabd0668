/* Names of columns. */
#include "io/csv_names.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"

typedef struct list {
    em_vocab *known;            /* the count of each: how many times it was wanted */
    em_strings *names;
    EM_ARRAY(char) text;
} list;

/* The name in l->text, made one that there was not. */
static em_status add(list *l)
{
    enum { SUFFIX = 24 };
    const int64_t n = l->text.n;
    int64_t length = n, id = em_vocab_find(l->known, l->text.at, (size_t)n);
    EM_TRY(EM_ARRAY_RESERVE(&l->text, SUFFIX, "a name"));
    if (id >= 0) {
        int64_t k = em_vocab_count(l->known, id);
        const int64_t first = k;
        do
            length = n + snprintf(l->text.at + n, SUFFIX, ".%lld", (long long)k++);
        while (em_vocab_find(l->known, l->text.at, (size_t)length) >= 0);
        EM_TRY(em_vocab_add(l->known, l->text.at, (size_t)n, k - first, NULL));
    }
    EM_TRY(em_vocab_add(l->known, l->text.at, (size_t)length, 1, NULL));
    return em_strings_add(l->names, l->text.at, (size_t)length);
}

static em_status add_number(list *l)
{
    enum { LONGEST = 40 };
    l->text.n = 0;
    EM_TRY(EM_ARRAY_RESERVE(&l->text, LONGEST, "a name"));
    l->text.n = snprintf(l->text.at, LONGEST, "column_%lld", (long long)em_strings_count(l->names) + 1);
    return add(l);
}

static em_status add_cell(list *l, const em__csv_dialect *d, em__csv_cell *cell)
{
    if (!cell->quoted) em__csv_strip(&cell->at, &cell->n);
    if (!cell->n) return add_number(l);
    l->text.n = 0;
    EM_TRY(EM_ARRAY_RESERVE(&l->text, cell->n, "a name"));
    if (cell->doubled)
        l->text.n = em__csv_cell_copy(d, cell->at, cell->n, l->text.at);
    else
        memcpy(l->text.at, cell->at, (size_t)(l->text.n = cell->n));
    return add(l);
}

static em_status add_all(list *l, const em__csv_dialect *d, const char *p, const char *end, int64_t count)
{
    if (!p) {
        for (int64_t i = 0; i < count; i++) EM_TRY(add_number(l));
        return EM_OK;
    }
    if (d->runs)
        while (em__csv_is_blank(*p)) p++;
    em__csv_cell cell;
    do {
        em__csv_cell_read(d, p, end, &cell);
        EM_TRY(add_cell(l, d, &cell));
        p = cell.next;
    } while (em__csv_more(d, &p));
    return EM_OK;
}

em_status em__csv_names(em_strings **out, const em__csv_dialect *d, const char *p, const char *end, int64_t count)
{
    *out = NULL;
    list l = {0};
    em_status s = em_vocab_new(&l.known);
    if (!s) s = em_strings_new(&l.names);
    if (!s) s = add_all(&l, d, p, end, count);
    em_vocab_release(l.known);
    EM_ARRAY_FREE(&l.text);
    if (s)
        em_strings_release(l.names);
    else
        *out = l.names;
    return s;
}

/* "a, b, c", as many as fit. */
static const char *names_text(const em_strings *names, char *text, size_t size)
{
    size_t used = 0, n;
    text[0] = 0;
    for (int64_t i = 0; i < em_strings_count(names); i++) {
        const char *name = em_strings_get(names, i, &n);
        if (used + n + 8 > size) {
            snprintf(text + used, size - used, "%s...", i ? ", " : "");
            break;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", i ? ", " : "", (int)n, name);
    }
    return text;
}

em_status em__csv_find(const em_strings *names, const char *path, const char *column, const char *option, int64_t *at)
{
    char text[200];
    const int64_t count = em_strings_count(names);
    const char *name = column + (*column != 0);
    if (*column == '#') {
        const int64_t number = strtoll(name, NULL, 10);
        *at = number > 0 ? number - 1 : count;
        if (*at < count) return EM_OK;
        return em__fail(EM_EVALUE, "csv.read: option %s: there is no column %s: %s has %lld (counted from 1)",
                        option, name, path, (long long)count);
    }
    for (*at = 0; *at < count; ++*at) {
        size_t n;
        const char *there = em_strings_get(names, *at, &n);
        if (n == strlen(name) && !memcmp(there, name, n)) return EM_OK;
    }
    return em__fail(EM_EVALUE, "csv.read: option %s: there is no column '%.100s' (%s has %s)", option, name, path,
                    names_text(names, text, sizeof text));
}
