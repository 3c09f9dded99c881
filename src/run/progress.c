/* Progress on stderr. A step costs next to nothing (most calls only count), a picture is one write: no flicker. */
#define _GNU_SOURCE
#include "moonlab/run.h"
#include "run/line.h"
#include "run/screen.h"
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
#define ROWS_PERIOD  0.25  /* and between two pictures of what stands above it, */
#define ROWS_SHARE   0.01  /* of which drawing takes this part of the time at most */
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
    char    told[256];                           /* stands in place of the bar; "" = the bar does */
    bool    counted;                             /* a step has been told */
    bool    on_line;                             /* the bar stands on the terminal's current line */
    mli_rate rate;
    int64_t  first_step;
    int     n_shown;
    shown   metrics[MOST_SHOWN];

    ml_progress_rows *rows; /* asked for what stands above the bar; NULL = nothing does */
    void             *rows_context;
    int               n_rows, rows_columns; /* of what stands there now, and of the terminal then */
    double            rows_next;            /* when they are asked for again */
};

/* --- lines -------------------------------------------------------------------------------------------- */
static void cut(mli_line *l, int columns)
{
    size_t at = 0;
    while (at < l->used) {
        uint32_t code;
        int      n = mli_utf8(l->bytes + at, &code);
        columns -= n ? mli_screen_columns(code) : 1;
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
    if (*p->told) {
        mli_line_put(l, "%s", p->told);
        return;
    }
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
static void show(const char *bytes, size_t n)
{
    ssize_t ignored = write(STDERR_FILENO, bytes, n); /* who cannot see it misses nothing else */
    (void)ignored;
}

static struct winsize terminal_size(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) size = (struct winsize){ 0 };
    if (size.ws_col == 0) size.ws_col = 80;
    if (size.ws_row == 0) size.ws_row = 24;
    return size;
}

static int terminal_columns(void)
{
    int columns = terminal_size().ws_col;
    return columns < MLI_COLUMNS ? columns : MLI_COLUMNS;
}

/* From the line of the bar to the first row above it. A terminal that became narrower has wrapped the rows. */
static void go_up(mli_text *t, const ml_progress *p, int columns)
{
    int wraps = p->rows_columns > columns ? (p->rows_columns + columns - 1) / columns : 1;
    if (p->on_line && p->n_rows > 0) mli_text_putf(t, "\r\033[%dA", p->n_rows * wraps);
}

/* The rows above the bar into t, if it is time for them; false when it is not. */
static bool put_rows(mli_text *t, ml_progress *p, int columns, double now, bool ended)
{
    if (!p->on_line) p->n_rows = 0; /* made room for what was printed since */
    if (!p->rows || !p->bar || (now < p->rows_next && p->on_line && !ended && columns == p->rows_columns)) return false;
    int         n, most = terminal_size().ws_row - 1;
    const char *text = p->rows(p->rows_context, columns - 1, most, &n);
    if (!text || n > most) return true;
    go_up(t, p, columns);
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        mli_text_put(t, text, (size_t)(end - text));
        mli_text_puts(t, "\033[K\n");
    }
    mli_text_puts(t, "\r\033[J");
    p->n_rows       = n;
    p->rows_columns = columns;
    return true;
}

static void draw(ml_progress *p, double now, bool ended)
{
    mli_line state = { .used = 0 };
    mli_text all   = { 0 };
    int      columns = p->bar ? terminal_columns() : 0;
    bool     rows    = put_rows(&all, p, columns, now, ended);
    put_state(&state, p, now, columns < 50 ? 0 : columns / 5 < 24 ? columns / 5 : 24, ended);
    if (p->bar) cut(&state, columns - 1); /* a character in the last column starts a new line on some terminals */
    if (p->bar) mli_text_puts(&all, "\r");
    mli_text_put(&all, state.bytes, state.used);
    if (p->bar) mli_text_puts(&all, "\033[K");
    if (!p->bar || ended) mli_text_puts(&all, "\n");
    show(all.bytes, all.used);
    mli_text_free(&all);
    if (rows) p->rows_next = now + fmax(ROWS_PERIOD, (ml_clock() - now) / ROWS_SHARE); /* a terminal may be slow to take them */
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
    p->utf8              = mli_locale_is_utf8();
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

void ml_progress_tell(ml_progress *p, const char *line)
{
    if (!p) return;
    mli_clean(p->told, sizeof p->told, line, p->utf8);
    p->counted = true; /* there is something to be seen */
    if (!p->quiet && ml_clock() - p->drawn >= (p->bar ? BAR_PERIOD : LINE_PERIOD)) draw(p, ml_clock(), false);
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
        mli_clean(name, sizeof name, names[i], p->utf8);
        while (at < p->n_shown && strcmp(p->metrics[at].name, name) != 0) at++;
        if (at == MOST_SHOWN) continue;
        if (at == p->n_shown) strcpy(p->metrics[p->n_shown++].name, name);
        p->metrics[at].value = values[i];
    }
}

void ml_progress_above(ml_progress *p, ml_progress_rows *rows, void *context)
{
    if (!p) return;
    p->rows         = rows;
    p->rows_context = context;
}

void ml_progress_clear(ml_progress *p)
{
    if (!p || !p->on_line) return;
    mli_text t = { 0 };
    go_up(&t, p, terminal_columns());
    mli_text_puts(&t, p->n_rows > 0 ? "\r\033[J" : "\r\033[K");
    show(t.bytes, t.used);
    mli_text_free(&t);
    p->on_line = false;
}

void ml_progress_end(ml_progress *p)
{
    if (!p) return;
    if (!p->quiet && p->counted) draw(p, ml_clock(), true);
    ml_realloc(p, sizeof *p, 0);
}
