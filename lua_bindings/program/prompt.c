/* Lines from the terminal, by libedit. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <histedit.h>

#include "program.h"

struct prompt {
    EditLine *editor;
    History *history;
    bool more;
    bool cancelled;                 /* Ctrl-C ended the line now being read */
    char *line;
    char path[PATH_MAX];            /* of the history; empty: it is not kept */
};

enum { KEPT_STATEMENTS = 500 };

/* ---- keys ---------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t cancel_asked, resize_asked;

static void on_signal(int number)
{
    if (number == SIGINT)
        cancel_asked = 1;
    else
        resize_asked = 1;
}

/* No SA_RESTART: a signal must wake the read below. */
static void catch_signals(struct sigaction saved[2])
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &saved[0]);
    sigaction(SIGWINCH, &action, &saved[1]);
}

static void restore_signals(const struct sigaction saved[2])
{
    sigaction(SIGINT, &saved[0], NULL);
    sigaction(SIGWINCH, &saved[1], NULL);
}

/* One byte: 1, 0 at the end of input, -1 when Ctrl-C was pressed or reading failed. */
static int read_byte(EditLine *editor, char *byte)
{
    for (;;) {
        if (cancel_asked) return -1;
        if (resize_asked) {
            resize_asked = 0;
            el_resize(editor);
        }
        const ssize_t n = read(STDIN_FILENO, byte, 1);
        if (n >= 0) return (int)n;
        if (errno != EINTR) return -1;
    }
}

/* libedit asks for characters here, of one or several bytes; a byte that is part of none is passed over. */
static int read_key(EditLine *editor, wchar_t *key)
{
    mbstate_t state = {0};
    char byte;
    for (;;) {
        const int n = read_byte(editor, &byte);
        if (n <= 0) return n;
        const size_t used = mbrtowc(key, &byte, 1, &state);
        if (used == (size_t)-1) state = (mbstate_t){0};
        if (used <= 1) return 1;
    }
}

/* ---- history ------------------------------------------------------------------------------------------- */

/* $XDG_STATE_HOME/embla/history where that variable is set, else ~/.embla_history; of what is typed, not piped. */
static void find_history(char path[PATH_MAX])
{
    if (!isatty(STDIN_FILENO)) return;
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int length = PATH_MAX;
    if (state && *state == '/') {
        length = snprintf(path, PATH_MAX, "%s/embla", state);
        if (length < PATH_MAX) mkdir(path, 0700);
        length = snprintf(path, PATH_MAX, "%s/embla/history", state);
    } else if (home && *home) {
        length = snprintf(path, PATH_MAX, "%s/.embla_history", home);
    }
    if (length >= PATH_MAX) path[0] = '\0';
}

static void load_history(prompt *p)
{
    HistEvent event;
    find_history(p->path);
    history(p->history, &event, H_SETSIZE, KEPT_STATEMENTS);
    history(p->history, &event, H_SETUNIQUE, 1);
    if (p->path[0]) history(p->history, &event, H_LOAD, p->path);
}

void prompt_remember(prompt *p, const char *statement)
{
    HistEvent event;
    history(p->history, &event, H_ENTER, statement);
    if (!p->path[0]) return;
    const mode_t mask = umask(077);
    history(p->history, &event, H_SAVE, p->path);
    umask(mask);
}

/* ---- opening, reading ---------------------------------------------------------------------------------- */

static char *prompt_text(EditLine *editor)
{
    static char first[] = "> ", next[] = ">> ";
    prompt *p = NULL;
    el_get(editor, EL_CLIENTDATA, &p);
    return p && p->more ? next : first;
}

static void set_keys(EditLine *editor)
{
    static const char *const keys[][2] = {
        {"\\e[H", "ed-move-to-beg"},     {"\\e[F", "ed-move-to-end"}, {"\\e[1~", "ed-move-to-beg"},
        {"\\e[4~", "ed-move-to-end"},    {"\\e[1;5C", "em-next-word"}, {"\\e[1;5D", "ed-prev-word"},
        {"\\e[3~", "ed-delete-next-char"}, {"^R", "em-inc-search-prev"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) el_set(editor, EL_BIND, keys[i][0], keys[i][1], NULL);
}

/* Text is UTF-8, whatever the locale says, unless it knows another encoding of several bytes. */
static void set_encoding(void)
{
    setlocale(LC_CTYPE, "");
    if (MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
}

prompt *prompt_open(void)
{
    prompt *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    set_encoding();
    p->editor = el_init("embla", stdin, stdout, stderr);
    p->history = history_init();
    if (!p->editor || !p->history) {
        prompt_close(p);
        return NULL;
    }
    load_history(p);
    el_set(p->editor, EL_CLIENTDATA, p);
    el_set(p->editor, EL_PROMPT, prompt_text);
    el_set(p->editor, EL_EDITOR, "emacs");
    el_set(p->editor, EL_SIGNAL, 0);
    el_set(p->editor, EL_GETCFN, read_key);
    el_set(p->editor, EL_HIST, history, p->history);
    set_keys(p->editor);
    el_source(p->editor, NULL);
    return p;
}

void prompt_close(prompt *p)
{
    if (!p) return;
    if (p->editor) el_end(p->editor);
    if (p->history) history_end(p->history);
    free(p->line);
    free(p);
}

prompt_event prompt_read(prompt *p, bool more, const char **line)
{
    struct sigaction saved[2];
    int length = 0;
    p->more = more;
    cancel_asked = 0;
    catch_signals(saved);
    const char *text = el_gets(p->editor, &length);
    restore_signals(saved);
    if (cancel_asked) {
        fputs("^C\n", stdout);
        el_reset(p->editor);
        return PROMPT_CANCEL;
    }
    if (!text || length <= 0) return PROMPT_END;
    free(p->line);
    p->line = strndup(text, (size_t)length);
    if (!p->line) return PROMPT_END;
    p->line[strcspn(p->line, "\n")] = '\0';
    *line = p->line;
    return PROMPT_LINE;
}
