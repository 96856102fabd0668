/* Lines of a file of text. */
#include <string.h>

#include "base/array.h"
#include "base/file.h"
#include "embla.h"

struct em_lines {
    em__input in;
    char *path;
    size_t path_bytes;
    EM_ARRAY(char) line;
};

em_status em_lines_open(em_lines **out, const char *path)
{
    em_lines *l = em__alloc_zeroed(sizeof *l);
    *out = NULL;
    if (!l) return em__fail_memory("the lines of a file", sizeof *l);
    l->path_bytes = strlen(path) + 1;
    l->path = em__alloc(l->path_bytes);
    em_status s = l->path ? EM_OK : em__fail_memory("a file's name", l->path_bytes);
    if (!s) s = em__input_open(&l->in, memcpy(l->path, path, l->path_bytes));
    if (s)
        em_lines_release(l);
    else
        *out = l;
    return s;
}

void em_lines_release(em_lines *l)
{
    if (!l) return;
    em__input_close(&l->in);
    EM_ARRAY_FREE(&l->line);
    em__free(l->path, l->path_bytes);
    em__free(l, sizeof *l);
}

em_status em_lines_next(em_lines *l, const char **text, size_t *n)
{
    em__input *in = &l->in;
    const unsigned char *end = NULL;
    l->line.n = 0;
    *text = NULL;
    while (!end) {
        if (in->at == in->end) EM_TRY(em__input_fill(in));
        if (in->at == in->end) break;
        const unsigned char *from = in->buffer + in->at;
        end = memchr(from, '\n', in->end - in->at);
        const size_t more = end ? (size_t)(end - from) : in->end - in->at;
        EM_TRY(EM_ARRAY_RESERVE(&l->line, (int64_t)more + 1, "a line"));
        memcpy(l->line.at + l->line.n, from, more);
        l->line.n += (int64_t)more;
        in->at += more + (end != NULL);
    }
    if (!end && !l->line.n) return EM_OK;
    if (end && l->line.n && l->line.at[l->line.n - 1] == '\r') l->line.n--;
    l->line.at[l->line.n] = 0;
    *text = l->line.at;
    *n = (size_t)l->line.n;
    return EM_OK;
}
