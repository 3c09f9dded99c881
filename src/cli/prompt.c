/* One line of input: libedit on a terminal, getline elsewhere.
 *
 * Ctrl-C while typing is a key like any other: the terminal's interrupt character is off during editing, so no signal
 * arrives in the middle of libedit, and the line is dropped by the function bound to the key. (libedit's own setting of
 * terminal characters, EL_SETTY, has no effect on this one.) */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <lauxlib.h>

#define HISTORY_LINES 2000
#define COLUMN        20

struct prompt {
    lua_State  *L;
    EditLine   *edit; /* NULL: no terminal */
    History    *history;
    const char *label;
    bool        cancelled;
    cc_t        interrupt_key; /* of the terminal, as it was */
    char       *line;
    size_t      line_bytes;
    char        history_path[1024]; /* "" = nowhere */
};

/* --- where the history is kept -------------------------------------------------------------------------------------- */
static bool make_folders(char *path) /* all that lead to the file */
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash   = '\0';
        bool bad = mkdir(path, 0700) != 0 && errno != EEXIST;
        *slash   = '/';
        if (bad) return false;
    }
    return true;
}

static void find_history(prompt *p)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int         n     = 0;
    if (state && *state == '/') n = snprintf(p->history_path, sizeof p->history_path, "%s/moonlab/history", state);
    else if (home && *home) n = snprintf(p->history_path, sizeof p->history_path, "%s/.local/state/moonlab/history", home);
    if (n <= 0 || (size_t)n >= sizeof p->history_path - 16 || !make_folders(p->history_path)) p->history_path[0] = '\0';
}

static void save_history(prompt *p) /* beside the old one, then in its place */
{
    char      temporary[sizeof p->history_path + 16];
    HistEvent event;
    if (!p->history_path[0]) return;
    snprintf(temporary, sizeof temporary, "%s.tmp", p->history_path);
    if (history(p->history, &event, H_SAVE, temporary) < 0 || rename(temporary, p->history_path) != 0) unlink(temporary);
}

/* --- keys ------------------------------------------------------------------------------------------------------------ */
static prompt *prompt_of(EditLine *edit)
{
    void *p = NULL;
    el_get(edit, EL_CLIENTDATA, &p);
    return p;
}

static char *label_of(EditLine *edit)
{
    return (char *)(uintptr_t)prompt_of(edit)->label; /* libedit only reads it */
}

static unsigned char cancel(EditLine *edit, int key)
{
    (void)key;
    prompt_of(edit)->cancelled = true;
    return CC_NEWLINE;
}

static void print_candidates(lua_State *L, int list)
{
    int n = (int)lua_rawlen(L, list), used = 0, width = 80;
    putchar('\n');
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, list, i);
        const char *name = lua_tostring(L, -1);
        int         room = ((int)strlen(name) / COLUMN + 1) * COLUMN;
        if (used > 0 && used + room > width) {
            putchar('\n');
            used = 0;
        }
        printf("%-*s", room, name);
        used += room;
        lua_pop(L, 1);
    }
    putchar('\n');
}

/* Tab: asks moonlab.repl what could follow; indents where nothing was typed yet. */
static unsigned char complete(EditLine *edit, int key)
{
    (void)key;
    const LineInfo *at = el_line(edit);
    size_t          n  = (size_t)(at->cursor - at->buffer);
    if (strspn(at->buffer, " \t") >= n) return el_insertstr(edit, "  ") == 0 ? CC_REFRESH : CC_ERROR;
    lua_State    *L    = prompt_of(edit)->L;
    int           top  = lua_gettop(L);
    unsigned char what = CC_ERROR;
    lua_getglobal(L, "require");
    lua_pushstring(L, "moonlab.repl");
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_getfield(L, -1, "complete") == LUA_TFUNCTION) {
        lua_pushlstring(L, at->buffer, n);
        if (lua_pcall(L, 1, 2, 0) == LUA_OK) {
            const char *rest = lua_tostring(L, -2);
            if (*rest) {
                what = el_insertstr(edit, rest) == 0 ? CC_REFRESH : CC_ERROR;
            } else if (lua_rawlen(L, -1) > 1) {
                print_candidates(L, lua_gettop(L));
                what = CC_REDISPLAY;
            }
        }
    }
    lua_settop(L, top);
    return what;
}

static void set_interrupt_key(cc_t key)
{
    struct termios settings;
    if (tcgetattr(STDIN_FILENO, &settings) != 0) return;
    settings.c_cc[VINTR] = key;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
}

/* --- the prompt -------------------------------------------------------------------------------------------------------- */
static bool open_terminal(prompt *p)
{
    HistEvent      event;
    struct termios settings;
    if (tcgetattr(STDIN_FILENO, &settings) == 0) p->interrupt_key = settings.c_cc[VINTR];
    setlocale(LC_CTYPE, ""); /* so that libedit knows UTF-8; numbers keep their point */
    p->edit    = el_init("moonlab", stdin, stdout, stderr);
    p->history = history_init();
    if (!p->edit || !p->history) return false;
    el_set(p->edit, EL_CLIENTDATA, p);
    el_set(p->edit, EL_PROMPT, label_of);
    el_set(p->edit, EL_EDITOR, "emacs");
    el_set(p->edit, EL_SIGNAL, 1); /* the terminal is put right for Ctrl-Z and a change of its size */
    el_set(p->edit, EL_HIST, history, p->history);
    el_set(p->edit, EL_ADDFN, "moonlab-complete", "completes a name", complete);
    el_set(p->edit, EL_ADDFN, "moonlab-cancel", "drops the line", cancel);
    el_set(p->edit, EL_BIND, "^I", "moonlab-complete", NULL);
    el_set(p->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(p->edit, NULL); /* the user's ~/.editrc */
    el_set(p->edit, EL_BIND, "^C", "moonlab-cancel", NULL);
    history(p->history, &event, H_SETSIZE, HISTORY_LINES);
    history(p->history, &event, H_SETUNIQUE, 1);
    find_history(p);
    if (p->history_path[0]) history(p->history, &event, H_LOAD, p->history_path);
    return true;
}

prompt *prompt_open(lua_State *L)
{
    prompt *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->L = L;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || open_terminal(p)) return p;
    prompt_close(p);
    return NULL;
}

prompt_event prompt_read(prompt *p, const char *label, const char **line)
{
    ssize_t n = 0;
    if (p->edit) {
        int         typed;
        const char *text = NULL;
        p->label         = label;
        p->cancelled     = false;
        fflush(stdout);
        set_interrupt_key(_POSIX_VDISABLE);
        text = el_gets(p->edit, &typed);
        set_interrupt_key(p->interrupt_key);
        if (p->cancelled) return PROMPT_CANCELLED;
        if (!text || typed <= 0) return PROMPT_END;
        free(p->line);
        p->line = strdup(text);
        if (!p->line) return PROMPT_END;
        n = (ssize_t)strlen(p->line);
    } else {
        n = getline(&p->line, &p->line_bytes, stdin);
        if (n < 0) return PROMPT_END;
    }
    while (n > 0 && (p->line[n - 1] == '\n' || p->line[n - 1] == '\r')) p->line[--n] = '\0';
    *line = p->line;
    return PROMPT_LINE;
}

void prompt_remember(prompt *p, const char *text)
{
    HistEvent event;
    if (p->history && text[strspn(text, " \t")]) history(p->history, &event, H_ENTER, text);
}

bool prompt_is_terminal(const prompt *p)
{
    return p->edit != NULL;
}

void prompt_close(prompt *p)
{
    if (!p) return;
    if (p->history) save_history(p);
    if (p->edit) el_end(p->edit);
    if (p->history) history_end(p->history);
    free(p->line);
    free(p);
}
