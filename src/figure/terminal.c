/* Growing curves as text. A line of the page is made of pieces of the panels beside each other, each as wide as its panel. */
#include "figure/axis.h"
#include "figure/braille.h"
#include "figure/model.h"
#include "figure/terminal_words.h"
#include "run/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUTTER      10 /* columns left of the curves: numbers of the y axis, and its line */
#define LEAST_WIDTH 30 /* of a panel */
#define GOOD_WIDTH  44
#define LEAST_LINES 6
#define GOOD_LINES  14
#define MOST_PANELS (ML_FIGURE_SIDE * ML_FIGURE_SIDE)

struct ml_terminal {
    ml_figure *fig;
    mli_cells *cells[MOST_PANELS]; /* made when first needed */
    mli_text   text;
    mli_groups legend;
};

typedef struct chart {
    const mli_view  *view;
    const mli_panel *panel;
    mli_cells       *cells;
    mli_ruler        ruler[MLI_AXES];
    bool             has[MLI_AXES];
} chart;

/* --- ranges ------------------------------------------------------------------------------------------- */
static const mli_series *curve_of(const mli_view *view, const mli_mark *mark)
{
    return mark->series >= 0 ? &view->series[mark->series] : NULL;
}

static int y_axis_of(const mli_mark *mark)
{
    return mli_opt_flag(mark, "right") ? MLI_Y2 : MLI_Y;
}

static void reach(mli_range *r, ml_scale scale, double value)
{
    if (mli_can_show(scale, value)) mli_range_add(r, value);
}

static void reach_series(const mli_series *s, ml_scale xscale, ml_scale yscale, mli_range *x, mli_range *y)
{
    for (int64_t first = 0; first < s->n; first += MLI_CHUNK) {
        const mli_chunk  *c = s->chunks[first / MLI_CHUNK];
        const mli_extent *e = &c->extent;
        int64_t           n = s->n - first < MLI_CHUNK ? s->n - first : MLI_CHUNK;
        if (n == MLI_CHUNK && e->whole && mli_can_show(xscale, e->x_low) && mli_can_show(yscale, e->y_low)) {
            mli_range_add(x, e->x_low), mli_range_add(x, e->x_high);
            mli_range_add(y, e->y_low), mli_range_add(y, e->y_high);
            continue;
        }
        for (int64_t i = 0; i < n; i++) {
            if (!mli_can_show(xscale, c->x[i]) || !mli_can_show(yscale, c->y[i])) continue;
            reach(x, xscale, c->x[i]);
            reach(y, yscale, c->y[i]);
        }
    }
}

static void set_rulers(chart *c)
{
    mli_range ranges[MLI_AXES] = { MLI_NOTHING, MLI_NOTHING, MLI_NOTHING };
    for (int i = 0; i < c->panel->n_marks; i++) {
        const mli_mark   *mark = c->panel->marks[i];
        const mli_series *s    = curve_of(c->view, mark);
        if (!s) continue;
        int y = y_axis_of(mark);
        reach_series(s, c->panel->scale[MLI_X], c->panel->scale[y], &ranges[MLI_X], &ranges[y]);
        c->has[y] = true;
    }
    for (int i = 0; i < MLI_AXES; i++) {
        mli_axis axis;
        mli_axis_range(&axis, c->panel->scale[i], &ranges[i], c->panel->lim[i], 0);
        c->ruler[i] = axis.ruler;
        if (i == MLI_X) mli_ruler_set(&c->ruler[i], 0, 2 * c->cells->columns - 1);
        else mli_ruler_set(&c->ruler[i], 4 * c->cells->rows - 1, 0);
    }
}

/* --- curves ------------------------------------------------------------------------------------------- */
typedef struct stroke { /* all points in one column of dots: their range, the first and the last */
    bool drawing;
    int  x, first, last, low, high;
} stroke;

static int place(const mli_ruler *r, double value, int size)
{
    double at = mli_ruler_at(r, value);
    return (int)floor(fmin(fmax(at, -size), 2.0 * size) + 0.5); /* a little outside is as good as far */
}

static void go_on(mli_cells *cells, stroke *k, int ink, int x, int first, int last, int low, int high)
{
    if (k->drawing && k->x == x) {
        k->low  = low < k->low ? low : k->low;
        k->high = high > k->high ? high : k->high;
        k->last = last;
        return;
    }
    if (k->drawing) {
        mli_cells_line(cells, k->x, k->low, k->x, k->high, ink);
        mli_cells_line(cells, k->x, k->last, x, first, ink);
    }
    *k = (stroke){ true, x, first, last, low, high };
}

static void lift(mli_cells *cells, stroke *k, int ink)
{
    if (k->drawing) mli_cells_line(cells, k->x, k->low, k->x, k->high, ink);
    k->drawing = false;
}

/* n points from one on, as a range, when a column of dots holds all of them. */
static bool draw_range(chart *c, stroke *k, const mli_chunk *chunk, int64_t first, int64_t n, double low, double high, int y_axis, int ink)
{
    int width = 2 * c->cells->columns, height = 4 * c->cells->rows, x = place(&c->ruler[MLI_X], chunk->x[first], width);
    if (place(&c->ruler[MLI_X], chunk->x[first + n - 1], width) != x) return false;
    const mli_ruler *r = &c->ruler[y_axis];
    go_on(c->cells, k, ink, x, place(r, chunk->y[first], height), place(r, chunk->y[first + n - 1], height), place(r, high, height),
          place(r, low, height));
    return true;
}

static void draw_points(chart *c, stroke *k, const mli_chunk *chunk, int64_t first, int64_t n, int y_axis, int ink)
{
    const mli_ruler *rx = &c->ruler[MLI_X], *ry = &c->ruler[y_axis];
    for (int64_t i = first; i < first + n; i++) {
        if (!mli_can_show(rx->scale, chunk->x[i]) || !mli_can_show(ry->scale, chunk->y[i])) {
            lift(c->cells, k, ink);
            continue;
        }
        int y = place(ry, chunk->y[i], 4 * c->cells->rows);
        go_on(c->cells, k, ink, place(rx, chunk->x[i], 2 * c->cells->columns), y, y, y, y);
    }
}

/* A chunk, or else a block of it, that a column of dots holds is one range: what a million points cost is their blocks. */
static void draw_curve(chart *c, const mli_series *s, int y_axis, int ink)
{
    stroke k = { 0 };
    for (int64_t first = 0; first < s->n; first += MLI_CHUNK) {
        const mli_chunk  *chunk = s->chunks[first / MLI_CHUNK];
        const mli_extent *e     = &chunk->extent;
        bool              full  = s->n - first >= MLI_CHUNK;
        bool              known = full && e->whole && e->rising && mli_can_show(c->ruler[MLI_X].scale, e->x_low) &&
                                  mli_can_show(c->ruler[y_axis].scale, e->y_low);
        if (!known) draw_points(c, &k, chunk, 0, full ? MLI_CHUNK : s->n - first, y_axis, ink);
        else if (!draw_range(c, &k, chunk, 0, MLI_CHUNK, e->y_low, e->y_high, y_axis, ink))
            for (int64_t i = 0; i < MLI_CHUNK; i += MLI_BLOCK)
                if (!draw_range(c, &k, chunk, i, MLI_BLOCK, e->low[i / MLI_BLOCK], e->high[i / MLI_BLOCK], y_axis, ink))
                    draw_points(c, &k, chunk, i, MLI_BLOCK, y_axis, ink);
    }
    lift(c->cells, &k, ink);
}

/* Without colours a letter says which curve it is, at its last point. */
static void put_letter(chart *c, const mli_series *s, int y_axis, int ink)
{
    for (int64_t i = s->n - 1; i >= 0; i--) {
        const mli_chunk *chunk = s->chunks[i / MLI_CHUNK];
        double           x = chunk->x[i % MLI_CHUNK], y = chunk->y[i % MLI_CHUNK];
        if (!mli_can_show(c->ruler[MLI_X].scale, x) || !mli_can_show(c->ruler[y_axis].scale, y)) continue;
        int column = place(&c->ruler[MLI_X], x, 2 * c->cells->columns), row = place(&c->ruler[y_axis], y, 4 * c->cells->rows);
        if (column < 0 || row < 0 || column / 2 >= c->cells->columns || row / 4 >= c->cells->rows) return;
        c->cells->letter[row / 4][column / 2] = (char)('a' + ink % 26);
        c->cells->ink[row / 4][column / 2]    = (unsigned char)ink;
        return;
    }
}

static void draw_chart(chart *c, const mli_pens *pens)
{
    int nth = 0;
    set_rulers(c);
    for (int letters = 0; letters <= (pens->n == 0); letters++) /* letters stand on top of all curves */
        for (int i = nth = 0; i < c->panel->n_marks; i++) {
            const mli_mark   *mark = c->panel->marks[i];
            const mli_series *s    = curve_of(c->view, mark);
            if (!s) continue;
            if (letters) put_letter(c, s, y_axis_of(mark), mli_ink_of(mark, nth++));
            else draw_curve(c, s, y_axis_of(mark), mli_ink_of(mark, nth++));
        }
}

/* --- words -------------------------------------------------------------------------------------------- */
static const char *number(char to[24], double value)
{
    bool whole = value == floor(value) && fabs(value) < 1e7; /* 2731, not 2.73e+03 */
    snprintf(to, 24, whole ? "%.0f" : "%.3g", value == 0 ? 0 : value); /* no -0 */
    return to;
}

/* The title, then the name of each curve in its colour. */
static void put_head(mli_text *to, const chart *c, const mli_pens *pens, int width)
{
    int left = width, nth = 0;
    mli_put_spaces(to, GUTTER);
    left -= GUTTER;
    if (c->panel->title[0]) left -= mli_put_words(to, c->panel->title, pens->braille, left / 2);
    for (int i = 0; i < c->panel->n_marks; i++) {
        const mli_series *s = curve_of(c->view, c->panel->marks[i]);
        char              entry[2 * MLI_TEXT], name[MLI_TEXT], low[24], high[24], letter[4] = "";
        if (!s) continue;
        int ink = mli_ink_of(c->panel->marks[i], nth++);
        if (mli_is_grouped(c->panel->marks[i])) continue;
        if (!mli_opt_line(c->panel->marks[i], "label", 0, name, sizeof name)[0]) snprintf(name, sizeof name, "%s", s->name);
        if (pens->n == 0) snprintf(letter, sizeof letter, "%c ", 'a' + ink % 26);
        if (y_axis_of(c->panel->marks[i]) == MLI_Y2)
            snprintf(entry, sizeof entry, "  %s%s (%s to %s)", letter, name, number(low, c->ruler[MLI_Y2].low),
                     number(high, c->ruler[MLI_Y2].high));
        else snprintf(entry, sizeof entry, "  %s%s", letter, name);
        mli_pen_begin(pens, ink, to);
        left -= mli_put_words(to, entry, pens->braille, left);
        mli_pen_end(pens, to);
    }
    mli_put_spaces(to, left);
}

static void put_row(mli_text *to, const chart *c, const mli_pens *pens, int row)
{
    char        digits[24];
    bool        ends = row == 0 || row == c->cells->rows - 1;
    const char *said = ends && c->has[MLI_Y] ? number(digits, row == 0 ? c->ruler[MLI_Y].high : c->ruler[MLI_Y].low) : "";
    mli_put_spaces(to, GUTTER - 2 - (int)strlen(said));
    int over = (int)strlen(said) > GUTTER - 2 ? (int)strlen(said) - (GUTTER - 2) : 0;
    mli_text_puts(to, said);
    if (over < 1) mli_put_spaces(to, 1);
    if (over < 2) mli_text_puts(to, !pens->braille ? "|" : ends && *said ? "\u2524" : "\u2502");
    mli_cells_put_row(c->cells, row, pens, to);
}

/* The line of the x axis with its ends, and its label between them. */
static void put_foot(mli_text *to, const chart *c, const mli_pens *pens, int width)
{
    char low[24], high[24];
    number(low, c->ruler[MLI_X].low), number(high, c->ruler[MLI_X].high);
    int      left  = width - GUTTER - (int)strlen(low) - (int)strlen(high);
    mli_text label = { 0 };
    int      said  = left > 4 ? mli_put_words(&label, c->panel->label[MLI_X], pens->braille, left - 4) : 0;
    mli_put_spaces(to, GUTTER);
    mli_text_puts(to, low);
    mli_put_spaces(to, (left - said) / 2);
    if (label.bytes) mli_text_put(to, label.bytes, label.used);
    mli_put_spaces(to, left - said - (left - said) / 2);
    mli_text_puts(to, high);
    mli_text_free(&label);
}

/* --- the page ----------------------------------------------------------------------------------------- */
typedef struct grid {
    int n, across, width, height; /* panels, side by side, and the size of each */
} grid;

static bool has_curves(const mli_panel *panel)
{
    for (int i = 0; i < panel->n_marks; i++)
        if (panel->marks[i]->series >= 0) return true;
    return false;
}

/* Panels beside each other where they stay wide enough, below each other while there are lines; the last ones are left out. */
static grid lay_out(int n, const ml_terminal_opts *opts)
{
    grid g   = { .across = opts->columns / GOOD_WIDTH };
    g.across = g.across < 1 ? 1 : g.across < n ? g.across : n;
    int down = (n + g.across - 1) / (g.across > 0 ? g.across : 1);
    if (down > opts->lines / LEAST_LINES) down = opts->lines / LEAST_LINES;
    g.n     = n < down * g.across ? n : down * g.across;
    g.width = g.across > 0 ? (opts->columns - 2 * (g.across - 1)) / g.across : 0;
    if (g.width > MLI_CELL_COLUMNS) g.width = MLI_CELL_COLUMNS;
    if (down > 0) g.height = opts->lines / down < GOOD_LINES ? opts->lines / down : GOOD_LINES;
    if (g.width < LEAST_WIDTH) g.n = 0;
    return g;
}

static bool put_page(ml_terminal *t, const mli_view *view, const ml_terminal_opts *opts, int *n_lines)
{
    static const char *const few[] = { "36", "33", "32", "35", "31", "34" };
    static const char *const many[] = { "38;5;33", "38;5;208", "38;5;35", "38;5;161", "38;5;141", "38;5;37" };
    mli_pens pens = { opts->utf8, opts->colours > 0 ? 6 : 0, opts->colours >= 256 ? many : few };
    chart    charts[MOST_PANELS];
    int      n = 0;
    for (int i = 0; i < view->n_panels && n < MOST_PANELS; i++)
        if (has_curves(&view->panels[i])) charts[n++] = (chart){ .view = view, .panel = &view->panels[i] };
    mli_groups      *legend = &t->legend;
    mli_text         names  = { 0 };
    ml_terminal_opts left   = *opts;
    mli_find_groups(view, legend);
    int n_names = mli_put_groups(&names, legend, &pens, opts->columns, opts->lines / 4 > 1 ? opts->lines / 4 : 1);
    left.lines -= n_names;
    grid g = lay_out(n, &left);
    for (int i = 0; i < g.n; i++) {
        if (!t->cells[i] && !(t->cells[i] = ml_realloc(NULL, 0, sizeof *t->cells[i]))) {
            mli_text_free(&names);
            return false;
        }
        charts[i].cells = t->cells[i];
        mli_cells_clear(charts[i].cells, g.width - GUTTER, g.height - 2);
        draw_chart(&charts[i], &pens);
    }
    for (int first = 0; first < g.n; first += g.across)
        for (int line = 0; line < g.height; line++, ++*n_lines) {
            for (int i = first; i < g.n && i < first + g.across; i++) {
                if (i > first) mli_put_spaces(&t->text, 2);
                if (line == 0) put_head(&t->text, &charts[i], &pens, g.width);
                else if (line < g.height - 1) put_row(&t->text, &charts[i], &pens, line - 1);
                else put_foot(&t->text, &charts[i], &pens, g.width);
            }
            mli_text_put(&t->text, "\n", 1);
        }
    if (names.failed) t->text.failed = true;
    if (g.n > 0 && names.bytes) {
        mli_text_put(&t->text, names.bytes, names.used);
        *n_lines += n_names;
    }
    mli_text_free(&names);
    return true;
}

/* --- public --------------------------------------------------------------------------------------------- */
ml_terminal *ml_terminal_new(ml_figure *fig)
{
    if (!fig) return NULL;
    ml_terminal *t = ml_realloc(NULL, 0, sizeof *t);
    if (!t) return NULL;
    memset(t, 0, sizeof *t);
    t->fig = ml_figure_retain(fig);
    return t;
}

const char *ml_terminal_draw(ml_terminal *t, const ml_terminal_opts *opts, int *n_lines)
{
    mli_view view;
    *n_lines = 0;
    if (!t || !mli_view_take(t->fig, &view)) return NULL;
    t->text.used = 0;
    bool good = put_page(t, &view, opts, n_lines);
    mli_view_drop(&view);
    if (!good) return NULL;
    mli_text_put(&t->text, "", 1);
    if (!t->text.failed) return *n_lines > 0 ? t->text.bytes : NULL;
    mli_text_free(&t->text);
    return ml_fail("terminal: no memory for the curves");
}

const char *ml_terminal_rows(void *t, int columns, int most, int *n_lines)
{
    const char      *plain = getenv("NO_COLOR"), *term = getenv("TERM"), *more = getenv("COLORTERM");
    ml_terminal_opts opts  = { .columns = columns, .lines = most, .utf8 = mli_locale_is_utf8(), .colours = 8 };
    if ((term && strstr(term, "256")) || (more && *more)) opts.colours = 256;
    if ((plain && *plain) || !term || !*term || !strcmp(term, "dumb") || !strncmp(term, "vt", 2)) opts.colours = 0;
    return ml_terminal_draw(t, &opts, n_lines);
}

void ml_terminal_free(ml_terminal *t)
{
    if (!t) return;
    ml_figure_release(t->fig);
    mli_text_free(&t->text);
    for (int i = 0; i < MOST_PANELS; i++)
        if (t->cells[i]) ml_realloc(t->cells[i], sizeof *t->cells[i], 0);
    ml_realloc(t, sizeof *t, 0);
}
