#define _GNU_SOURCE         /* qsort_r */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static void free_lists(em_files *f)
{
    em__free(f->at, (size_t)f->room * sizeof *f->at);
    em__free(f->text, f->text_room);
}

void em_files_release(em_files *f)
{
    if (!f) return;
    free_lists(f);
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

/* ---- the walk ------------------------------------------------------------------------------------------ */

/* Paths that are yet to be looked at, the next one last; the first byte of each says what it is. */
enum { FILE_PATH = 'f', FOLDER_PATH = 'd' };

static em_status fail_io(const char *path) { return em__fail(EM_EIO, "%s: %s", path, strerror(errno)); }

static bool ends_in(const char *name, const char *suffix)
{
    const size_t n = strlen(suffix), length = strlen(name);
    return length >= n && !memcmp(name + length - n, suffix, n);
}

/* What an entry is, 0 for what is neither file nor folder. Links are not followed: they may lead in circles. */
static em_status kind_of(const char *path, unsigned char type, char *kind)
{
    struct stat info;
    *kind = 0;
    if (type == DT_UNKNOWN) {
        if (lstat(path, &info)) return fail_io(path);
        type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_FIFO;
    }
    if (type == DT_DIR) *kind = FOLDER_PATH;
    if (type == DT_REG) *kind = FILE_PATH;
    return EM_OK;
}

/* "KIND FOLDER/NAME" behind what waits. The folder's path lies in `waiting` itself, whose text may move. */
static em_status push(em_files *waiting, size_t folder, const struct dirent *e)
{
    const size_t n = strlen(waiting->text + folder), name = strlen(e->d_name);
    const bool slash = n == 0 || waiting->text[folder + n - 1] != '/';
    EM_TRY(grow(&waiting->text, waiting->used, waiting->used + n + name + 3, &waiting->text_room));
    char *to = waiting->text + waiting->used, kind;
    to[0] = ' ';
    memcpy(to + 1, waiting->text + folder, n);
    if (slash) to[n + 1] = '/';
    memcpy(to + n + 1 + slash, e->d_name, name + 1);
    EM_TRY(kind_of(to + 1, e->d_type, &kind));
    if (!kind) return EM_OK;
    to[0] = kind;
    return add(waiting, to, n + name + 1 + slash);
}

static int later_name_first(const void *a, const void *b, void *text)
{
    return strcmp((char *)text + *(const int64_t *)b + 1, (char *)text + *(const int64_t *)a + 1);
}

/* Opens a folder whose path lies at `folder` in the text of `waiting`, and puts what is in it on top of that. */
static em_status read_folder(em_files *waiting, size_t folder)
{
    const int64_t first = waiting->count;
    DIR *d = opendir(waiting->text + folder);
    if (!d) return fail_io(waiting->text + folder);
    em_status s = EM_OK;
    for (const struct dirent *e; !s && (errno = 0, e = readdir(d));) {
        if (em_interrupted())
            s = em__fail(EM_EINTERRUPT, "%s: listing was interrupted!", waiting->text + folder);
        else if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            s = push(waiting, folder, e);
    }
    if (!s && errno) s = fail_io(waiting->text + folder);
    closedir(d);
    if (!s)
        qsort_r(waiting->at + first, (size_t)(waiting->count - first), sizeof *waiting->at, later_name_first,
                waiting->text);
    return s;
}

/* The folder's own text stays below that of its entries until they are done: so it is popped as one that has been
 * read. */
static em_status walk(em_files *f, em_files *waiting, const char *suffix)
{
    enum { READ = 'r' };
    while (waiting->count) {
        const size_t at = (size_t)waiting->at[waiting->count - 1];
        char *path = waiting->text + at;
        if (path[0] == FOLDER_PATH) {
            path[0] = READ;
            EM_TRY(read_folder(waiting, at + 1));
            continue;
        }
        if (path[0] == FILE_PATH && ends_in(path + 1, suffix)) EM_TRY(add(f, path + 1, strlen(path + 1)));
        waiting->count--;
    }
    return EM_OK;
}

static em_status make_room(em_files *f)
{
    f->at = em__alloc(FIRST_ROOM * sizeof *f->at);
    f->text = em__alloc(FIRST_TEXT);
    f->room = f->at ? FIRST_ROOM : 0;
    f->text_room = f->text ? FIRST_TEXT : 0;
    return f->at && f->text ? EM_OK : em__fail_memory("a list of files", FIRST_TEXT);
}

/* A link in the place of the folder itself is followed. */
static em_status push_root(em_files *waiting, const char *folder)
{
    struct stat info;
    const size_t n = strlen(folder);
    if (stat(folder, &info)) return fail_io(folder);
    EM_TRY(grow(&waiting->text, waiting->used, n + 2, &waiting->text_room));
    memcpy(waiting->text + 1, folder, n + 1);
    waiting->text[0] = S_ISDIR(info.st_mode) ? FOLDER_PATH : FILE_PATH;
    waiting->at[waiting->count++] = 0;
    waiting->used = n + 2;
    return EM_OK;
}

static em_status list(em_files *f, const char *folder, const char *suffix)
{
    em_files waiting = {0};
    em_status s = make_room(f);
    if (!s) s = make_room(&waiting);
    if (!s) s = push_root(&waiting, folder);
    if (!s) s = walk(f, &waiting, suffix);
    free_lists(&waiting);
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
