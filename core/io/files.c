#include <errno.h>
#include <fts.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

struct em_files {
    int64_t count, room;
    int64_t *at;                /* of each path in text, which are ended by 0 */
    char *text;
    size_t used, text_room;
};

enum { FIRST_ROOM = 64, FIRST_TEXT = 4096 };

int64_t em_files_count(const em_files *f) { return f->count; }
const char *em_files_path(const em_files *f, int64_t at) { return f->text + f->at[at]; }

void em_files_release(em_files *f)
{
    if (!f) return;
    em__free(f->at, (size_t)f->room * sizeof *f->at);
    em__free(f->text, f->text_room);
    em__free(f, sizeof *f);
}

/* The block itself if it has room for `need` bytes, or one of twice the bytes or more with the same beginning. */
static em_status grow(void *block, size_t used, size_t need, size_t *room)
{
    void *old, *more;
    memcpy(&old, block, sizeof old);
    size_t bytes = *room;
    while (bytes < need) bytes *= 2;
    if (bytes == *room) return EM_OK;
    more = em__alloc(bytes);
    if (!more) return em__fail_memory("a list of files", bytes);
    memcpy(more, old, used);
    em__free(old, *room);
    memcpy(block, &more, sizeof more);
    *room = bytes;
    return EM_OK;
}

static em_status add(em_files *f, const char *path, size_t length)
{
    size_t room = (size_t)f->room * sizeof *f->at;
    const size_t used = (size_t)f->count * sizeof *f->at;
    EM_TRY(grow(&f->text, f->used, f->used + length + 1, &f->text_room));
    EM_TRY(grow(&f->at, used, used + sizeof *f->at, &room));
    f->room = (int64_t)(room / sizeof *f->at);
    memcpy(f->text + f->used, path, length + 1);
    f->at[f->count++] = (int64_t)f->used;
    f->used += length + 1;
    return EM_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

static bool ends_in(const FTSENT *e, const char *suffix)
{
    const size_t n = strlen(suffix);
    return e->fts_namelen >= n && !memcmp(e->fts_name + e->fts_namelen - n, suffix, n);
}

static em_status walk(em_files *f, FTS *tree, const char *suffix)
{
    const FTSENT *e;
    while (errno = 0, (e = fts_read(tree))) {
        if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
            return em__fail(EM_EIO, "%s: %s", e->fts_path, strerror(e->fts_errno));
        if (em_interrupted()) return em__fail(EM_EINTERRUPT, "%s: listing was interrupted", e->fts_path);
        if (e->fts_info == FTS_F && ends_in(e, suffix)) EM_TRY(add(f, e->fts_path, e->fts_pathlen));
    }
    return errno ? em__fail(EM_EIO, "listing files: %s", strerror(errno)) : EM_OK;
}

static em_status list(em_files *f, const char *folder, const char *suffix)
{
    f->at = em__alloc(FIRST_ROOM * sizeof *f->at);
    f->text = em__alloc(FIRST_TEXT);
    f->room = FIRST_ROOM;
    f->text_room = FIRST_TEXT;
    if (!f->at || !f->text) return em__fail_memory("a list of files", FIRST_TEXT);
    char *const roots[] = {(char *)(uintptr_t)folder, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!tree) return em__fail(EM_EIO, "%s: %s", folder, strerror(errno));
    const em_status s = walk(f, tree, suffix);
    fts_close(tree);
    return s;
}

em_status em_files_list(em_files **out, const char *folder, const char *suffix)
{
    *out = NULL;
    em_files *f = em__alloc_zeroed(sizeof *f);
    if (!f) return em__fail_memory("a list of files", sizeof *f);
    const em_status s = list(f, folder, suffix);
    if (s)
        em_files_release(f);
    else
        *out = f;
    return s;
}
