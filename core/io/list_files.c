/* The regular files below a folder, in order of their names. */
#define _GNU_SOURCE         /* qsort_r */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"

struct em_files {
    EM_ARRAY(int64_t) paths;    /* where each begins in text, in which 0 ends it */
    EM_ARRAY(char) text;
};

int64_t em_files_count(const em_files *f) { return f->paths.n; }
const char *em_files_path(const em_files *f, int64_t at) { return f->text.at + f->paths.at[at]; }

static void free_lists(em_files *f)
{
    EM_ARRAY_FREE(&f->paths);
    EM_ARRAY_FREE(&f->text);
}

void em_files_release(em_files *f)
{
    if (!f) return;
    free_lists(f);
    em__free(f, sizeof *f);
}

static em_status need_text(em_files *f, size_t more)
{
    return EM_ARRAY_RESERVE(&f->text, (int64_t)more, "a list of files");
}

static em_status add(em_files *f, const char *path, size_t length)
{
    EM_TRY(need_text(f, length + 1));
    EM_TRY(EM_ARRAY_RESERVE(&f->paths, 1, "a list of files"));
    memcpy(f->text.at + f->text.n, path, length + 1);
    f->paths.at[f->paths.n++] = f->text.n;
    f->text.n += (int64_t)length + 1;
    return EM_OK;
}

/* ---- the traversal ------------------------------------------------------------------------------------- */

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
    const size_t n = strlen(waiting->text.at + folder), name = strlen(e->d_name);
    const bool slash = n == 0 || waiting->text.at[folder + n - 1] != '/';
    EM_TRY(need_text(waiting, n + name + 3));
    char *to = waiting->text.at + waiting->text.n, kind;
    to[0] = ' ';
    memcpy(to + 1, waiting->text.at + folder, n);
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
    const int64_t first = waiting->paths.n;
    DIR *d = opendir(waiting->text.at + folder);
    if (!d) return fail_io(waiting->text.at + folder);
    em_status s = EM_OK;
    for (const struct dirent *e; !s && (errno = 0, e = readdir(d));) {
        if (em_interrupted())
            s = em__fail(EM_EINTERRUPT, "%s: listing was interrupted!", waiting->text.at + folder);
        else if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            s = push(waiting, folder, e);
    }
    if (!s && errno) s = fail_io(waiting->text.at + folder);
    closedir(d);
    if (!s)
        qsort_r(waiting->paths.at + first, (size_t)(waiting->paths.n - first), sizeof *waiting->paths.at,
                later_name_first, waiting->text.at);
    return s;
}

/* The folder's own text stays below that of its entries until they are done: so it is popped as one that has been
 * read. */
static em_status traverse(em_files *f, em_files *waiting, const char *suffix, bool deep)
{
    enum { READ = 'r' };
    while (waiting->paths.n) {
        const size_t at = (size_t)waiting->paths.at[waiting->paths.n - 1];
        char *path = waiting->text.at + at;
        if (path[0] == FOLDER_PATH && (deep || at == 0)) {
            path[0] = READ;
            EM_TRY(read_folder(waiting, at + 1));
            continue;
        }
        if (path[0] == FILE_PATH && ends_in(path + 1, suffix)) EM_TRY(add(f, path + 1, strlen(path + 1)));
        waiting->paths.n--;
    }
    return EM_OK;
}

/* A link in the place of the folder itself is followed. */
static em_status push_root(em_files *waiting, const char *folder)
{
    struct stat info;
    const size_t n = strlen(folder);
    if (stat(folder, &info)) return fail_io(folder);
    EM_TRY(need_text(waiting, n + 2));
    memcpy(waiting->text.at + 1, folder, n + 1);
    waiting->text.at[0] = S_ISDIR(info.st_mode) ? FOLDER_PATH : FILE_PATH;
    return add(waiting, waiting->text.at, n + 1);
}

static em_status list(em_files *f, const char *folder, const char *suffix, bool deep)
{
    em_files waiting = {0};
    em_status s = push_root(&waiting, folder);
    if (!s) s = traverse(f, &waiting, suffix, deep);
    free_lists(&waiting);
    return s;
}

em_status em_files_list(em_files **out, const char *folder, const char *suffix, bool deep)
{
    *out = NULL;
    em_files *f = em__alloc_zeroed(sizeof *f);
    if (!f) return em__fail_memory("a list of files", sizeof *f);
    const em_status s = list(f, folder, suffix, deep);
    if (s)
        em_files_release(f);
    else
        *out = f;
    return s;
}
