/* Preloaded into a program: one of its calls about files below a folder fails, or ends the process.
 *
 *   FAULTY_FOLDER  files below it are watched
 *   FAULTY_AT      number of the call, from 1; the calls are open, read, write, fsync, ftruncate, fchmod, close,
 *                  rename, mkdir, and their kin with a position
 *   FAULTY_HOW     kill: SIGKILL before it; an error by name (EIO, ENOSPC, EDQUOT, EINTR): it fails, this one alone;
 *                  with a + behind it, all such calls from there on; short: it reads or writes less
 *
 * What was done is told on standard error: "fault: write". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1024 };
static bool watched[MOST];
static long calls;

static bool below(const char *path)
{
    const char *folder = getenv("FAULTY_FOLDER");
    return folder && path && !strncmp(path, folder, strlen(folder));
}

static bool is_watched(int fd) { return fd >= 0 && fd < MOST && watched[fd]; }

/* What is to happen at this call: 0 nothing, -1 less than was asked for, else an error. */
static int fault(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR}, {"short", -1}};
    const char *at = getenv("FAULTY_AT"), *how = getenv("FAULTY_HOW");
    if (!at || !how) return 0;
    const bool sticky = strchr(how, '+') != NULL;
    calls++;
    if (calls != atol(at) && !(sticky && calls > atol(at))) return 0;
    char line[64] = "fault: ";
    strcat(strncat(line, name, 40), "\n");
    const ssize_t told = write(STDERR_FILENO, line, strlen(line));
    (void)told;
    if (!strcmp(how, "kill")) raise(SIGKILL);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (!strncmp(how, errors[i].name, strlen(errors[i].name))) return errors[i].number;
    return 0;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) *(void **)(void *)&real = dlsym(RTLD_NEXT, #name)

#define FAIL_IF(wanted, name) \
    do { \
        const int reason = (wanted) ? fault(name) : 0; \
        if (reason > 0) { \
            errno = reason; \
            return -1; \
        } \
    } while (0)

#pragma GCC visibility push(default)

int open(const char *path, int flags, ...)
{
    REAL(open);
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    FAIL_IF(below(path), "open");
    const int fd = real(path, flags, mode);
    if (fd >= 0 && fd < MOST) watched[fd] = below(path);
    return fd;
}

/* Whether n bytes may be moved, or fewer. */
static bool may_move(int fd, const char *name, size_t *n)
{
    const int reason = is_watched(fd) ? fault(name) : 0;
    if (reason < 0 && *n > 1) *n /= 2;
    if (reason > 0) errno = reason;
    return reason <= 0;
}

#define MOVE(name, parameters, arguments) \
    ssize_t name parameters \
    { \
        REAL(name); \
        return may_move(fd, #name, &n) ? real arguments : -1; \
    }
MOVE(read, (int fd, void *bytes, size_t n), (fd, bytes, n))
MOVE(write, (int fd, const void *bytes, size_t n), (fd, bytes, n))
MOVE(pread, (int fd, void *bytes, size_t n, off_t at), (fd, bytes, n, at))
MOVE(pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at))

int fsync(int fd)
{
    REAL(fsync);
    FAIL_IF(is_watched(fd), "fsync");
    return real(fd);
}

int ftruncate(int fd, off_t size)
{
    REAL(ftruncate);
    FAIL_IF(is_watched(fd), "ftruncate");
    return real(fd, size);
}

int fchmod(int fd, mode_t mode)
{
    REAL(fchmod);
    FAIL_IF(is_watched(fd), "fchmod");
    return real(fd, mode);
}

/* One that fails is closed all the same, as Linux does. */
int close(int fd)
{
    REAL(close);
    const bool is = is_watched(fd);
    const int reason = is ? fault("close") : 0;
    if (is) watched[fd] = false;
    const int result = real(fd);
    if (reason <= 0) return result;
    errno = reason;
    return -1;
}

int rename(const char *from, const char *to)
{
    REAL(rename);
    FAIL_IF(below(from), "rename");
    return real(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(mkdir);
    FAIL_IF(below(path), "mkdir");
    return real(path, mode);
}

#pragma GCC visibility pop
