/* Progress on stderr. A step costs next to nothing (most calls only count), a picture is one write: no flicker. */
#define _GNU_SOURCE
#include "moonlab/run.h"
#include "run/line.h"
#include "run/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_PERIOD   0.1   /* seconds between two pictures of the bar */
#define LINE_PERIOD  10.0  /* and between two plain lines */
#define LOOK_PERIOD  0.001 /* aim of the time between two looks at the clock */
#define MOST_UNSEEN  64    /* calls between two looks: few, lest the bar freeze when steps become slow */
#define MOST_SHOWN   16

typedef struct shown {
    char   name[48];
    double value;
} shown;

struct ml_progress {
    int64_t calls_left; /* until the next look at the clock */
    int64_t step, total;
    int64_t unseen; /* calls between the last two looks */
    double  began, looked, drawn;
    bool    quiet, bar, utf8;
    bool    counted;                             /* a step has been told */
    bool    on_line;                             /* the bar stands on the terminal's current line */
    mli_rate rate;
    int64_t  first_step;
    int     n_shown;
    shown   metrics[MOST_SHOWN];
};

/* --- characters ----------------------------------------------------------------------------------------- */
static bool locale_is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

/* Columns on a terminal: 0 for marks set over others, 2 for the wide scripts of East Asia and pictures. */
static int columns_of(uint32_t code)
{
    static const struct {
        uint32_t first, last;
        int      columns;
    } ranges[] = {
        { 0x0300, 0x036F, 0 },   { 0x1100, 0x115F, 2 }, { 0x200B, 0x200F, 0 }, { 0x20D0, 0x20FF, 0 },
        { 0x2E80, 0xA4CF, 2 },   { 0xAC00, 0xD7A3, 2 }, { 0xF900, 0xFAFF, 2 }, { 0xFE00, 0xFE0F, 0 },
        { 0xFE30, 0xFE6F, 2 },   { 0xFF00, 0xFF60, 2 }, { 0xFFE0, 0xFFE6, 2 }, { 0x1F300, 0x1FAFF, 2 },
        { 0x20000, 0x3FFFD, 2 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return ranges[i].columns;
    return 1;
}

/* A name as it may be shown: whole characters, no control characters, nothing that the terminal cannot read. */
static void clean(char *out, size_t bytes, const char *name, bool utf8)
{
    size_t used = 0;
    while (*name) {
        uint32_t code  = 0;
        int      n     = mli_utf8(name, &code);
        bool     plain = n == 1 && code >= 0x20 && code != 0x7F;
        bool     good  = plain || (n > 1 && utf8 && code >= 0xA0);
        int      width = good ? n : 1;
        if (used + (size_t)width >= bytes) break;
        if (good)
            memcpy(out + used, name, (size_t)n);
        else
            out[used] = '?';
        used += (size_t)width;
        name += n ? n : 1;
    }
    out[used] = '\0';
}

static void cut(mli_line *l, int columns)
{
    size_t at = 0;
    while (at < l->used) {
        uint32_t code;
        int      n = mli_utf8(l->bytes + at, &code);
        columns -= n ? columns_of(code) : 1;
        if (columns < 0) break;
        at += n ? (size_t)n : 1;
    }
    l->used      = at;
    l->bytes[at] = '\0';
}

/* --- pieces of a line ----------------------------------------------------------------------------------- */
static void put_bar(mli_line *l, double part, int cells, bool utf8)
{
    static const char *const eighths[] = { " ",      "\u258F", "\u258E", "\u258D", "\u258C",
                                           "\u258B", "\u258A", "\u2589", "\u2588" };
    int                      done      = (int)(part * cells * 8);
    mli_line_put(l, utf8 ? "\u2502" : "[");
    for (int i = 0; i < cells; i++) {
        int here = done - 8 * i;
        if (utf8)
            mli_line_put(l, "%s", eighths[here < 0 ? 0 : here > 8 ? 8 : here]);
        else
            mli_line_put(l, "%c", here >= 8 ? '#' : '-');
    }
    mli_line_put(l, utf8 ? "\u2502 " : "] ");
}

/* cells 0: no bar. ended: the average rate and the time taken, in place of the present rate and the time left. */
static void put_state(mli_line *l, const ml_progress *p, double now, int cells, bool ended)
{
    double seconds = now - p->began;
    bool   early   = p->rate.seconds < BAR_PERIOD; /* to tell a rate */
    double rate    = early ? 0 : mli_rate_of(&p->rate);
    if (ended) rate = seconds > 0 ? (double)(p->step - p->first_step) / seconds : 0;
    if (p->total > 0) {
        double part = p->step <= 0 ? 0 : p->step >= p->total ? 1 : (double)p->step / (double)p->total;
        mli_line_put(l, "%3d%% ", (int)(part * 100));
        if (cells > 0) put_bar(l, part, cells, p->utf8);
        mli_line_put(l, "%lld/%lld", (long long)p->step, (long long)p->total);
    } else {
        mli_line_put(l, "step %lld", (long long)p->step);
    }
    mli_line_rate(l, rate);
    if (ended || p->total <= 0) {
        mli_line_put(l, "  ");
        mli_line_duration(l, seconds);
    } else if (rate > 0 && p->step < p->total) {
        mli_line_put(l, "  ");
        mli_line_duration(l, (double)(p->total - p->step) / rate);
        mli_line_put(l, " left");
    }
    for (int i = 0; i < p->n_shown; i++) {
        mli_line_put(l, "  %s ", p->metrics[i].name);
        mli_line_number(l, p->metrics[i].value);
    }
}

/* --- drawing -------------------------------------------------------------------------------------------- */
static void show(const mli_line *l)
{
    ssize_t ignored = write(STDERR_FILENO, l->bytes, l->used); /* who cannot see it misses nothing else */
    (void)ignored;
}

static int terminal_columns(void)
{
    struct winsize size;
    int            columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    if (columns == 0) columns = 80;
    return columns < MLI_COLUMNS ? columns : MLI_COLUMNS;
}

static void draw(ml_progress *p, double now, bool ended)
{
    mli_line state = { .used = 0 }, all = { .used = 0 };
    int  columns = p->bar ? terminal_columns() : 0;
    put_state(&state, p, now, columns < 50 ? 0 : columns / 5 < 24 ? columns / 5 : 24, ended);
    if (p->bar) {
        cut(&state, columns - 1); /* a character in the last column starts a new line on some terminals */
        mli_line_put(&all, "\r%s\033[K%s", state.bytes, ended ? "\n" : "");
    } else {
        mli_line_put(&all, "%s\n", state.bytes);
    }
    show(&all);
    p->drawn   = now;
    p->on_line = p->bar && !ended;
}

/* --- public --------------------------------------------------------------------------------------------- */
ml_progress *ml_progress_new(int64_t total, bool quiet)
{
    ml_progress *p = ml_realloc(NULL, 0, sizeof *p);
    if (!p) return NULL;
    const char *terminal = getenv("TERM");
    bool        dumb     = terminal && strcmp(terminal, "dumb") == 0; /* knows no escape codes */
    *p                   = (ml_progress){ .total = total, .quiet = quiet, .calls_left = 1, .unseen = 1 };
    p->bar               = isatty(STDERR_FILENO) && !dumb;
    p->utf8              = locale_is_utf8();
    p->began = p->looked = p->rate.time = ml_clock();
    p->drawn = p->bar ? p->began - BAR_PERIOD : p->began; /* a bar at once, a line when there is news */
    return p;
}

static void look(ml_progress *p)
{
    double now = ml_clock();
    if (!p->counted) { /* a resumed run begins in the middle */
        p->counted    = true;
        p->first_step = p->rate.step = p->step > 0 ? p->step - 1 : 0;
    }
    double  a_call = (now - p->looked) / (double)p->unseen;
    int64_t most   = 2 * p->unseen < MOST_UNSEEN ? 2 * p->unseen : MOST_UNSEEN;
    double  aim    = LOOK_PERIOD / fmax(a_call, 1e-9);
    p->unseen      = aim < 1 ? 1 : aim < (double)most ? (int64_t)aim : most;
    p->calls_left  = p->unseen;
    p->looked      = now;
    if (now - p->drawn < (p->bar ? BAR_PERIOD : LINE_PERIOD)) return;
    mli_rate_measure(&p->rate, now, p->step);
    draw(p, now, false);
}

void ml_progress_step(ml_progress *p, int64_t step)
{
    if (!p) return;
    p->step = step < 0 ? 0 : step;
    if (--p->calls_left > 0 || p->quiet) return;
    look(p);
}

void ml_progress_waited(ml_progress *p, double seconds)
{
    if (!p) return;
    p->began += seconds;
    p->rate.time += seconds;
    p->looked += seconds;
}

void ml_progress_metrics(ml_progress *p, const char *const *names, const double *values, int n)
{
    if (!p || p->quiet) return;
    for (int i = 0; i < n; i++) {
        char name[sizeof p->metrics->name];
        int  at = 0;
        clean(name, sizeof name, names[i], p->utf8);
        while (at < p->n_shown && strcmp(p->metrics[at].name, name) != 0) at++;
        if (at == MOST_SHOWN) continue;
        if (at == p->n_shown) strcpy(p->metrics[p->n_shown++].name, name);
        p->metrics[at].value = values[i];
    }
}

void ml_progress_clear(ml_progress *p)
{
    if (!p || !p->on_line) return;
    mli_line l = { .used = 0 };
    mli_line_put(&l, "\r\033[K");
    show(&l);
    p->on_line = false;
}

void ml_progress_end(ml_progress *p)
{
    if (!p) return;
    if (!p->quiet && p->counted) draw(p, ml_clock(), true);
    ml_realloc(p, sizeof *p, 0);
}
