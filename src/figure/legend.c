/* The legend stands inside the axes where it hides the least, so that the eye has a short way; where it would hide a
 * good part of the curves, or there are too many names, it goes to the right of the axes. */
#include "figure/paint.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SWATCH   18 /* length of the line beside a name */
#define INDENT   (SWATCH + 6)
#define COLUMN   14   /* between two columns */
#define PAD      6    /* inside the legend's box */
#define INSET    8    /* from the axes */
#define HIDES    0.06 /* of the legend's own area: more, and it moves outside */
#define LARGEST  0.4  /* of the axes' area that a legend inside may take */
#define WIDEST   190  /* longer names are cut, */
#define READABLE 50   /* but not shorter than this */

static const char *name_at(const mli_paper *p, const mli_plot *plot, int i)
{
    return p->view->series[plot->panel->series[i]].name;
}

/* "test_acc" is said by "Test acc", too */
static bool says(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && text[i] &&
               (tolower((unsigned char)text[i]) == tolower((unsigned char)name[i]) ||
                (text[i] == ' ' && name[i] == '_')))
            i++;
        if (i == n) return true;
    }
    return false;
}

static bool is_needed(const mli_paper *p, const mli_plot *plot)
{
    if (plot->panel->n_series != 1) return plot->panel->n_series > 1;
    return !says(plot->title, name_at(p, plot, 0)) && !says(plot->panel->ylabel, name_at(p, plot, 0));
}

/* --- size --------------------------------------------------------------------------------------- */
static int columns_of(const mli_legend *l)
{
    return (l->n + l->rows - 1) / l->rows;
}

static void set_rows(mli_legend *l, int rows)
{
    l->rows  = rows;
    l->box.h = rows * l->entry_h + 2 * PAD;
    l->box.w = columns_of(l) * (l->entry_w + COLUMN) - COLUMN + 2 * PAD;
}

static void measure(mli_paper *p, const mli_plot *plot, mli_legend *l)
{
    double widest = 0;
    for (int i = 0; i < plot->panel->n_series; i++)
        widest = fmax(widest, mli_text_width(p, mli_font_legend, name_at(p, plot, i)));
    l->n       = plot->panel->n_series;
    l->entry_w = INDENT + fmin(ceil(widest) + 1, WIDEST);
    l->entry_h = ceil(mli_text_height(p, mli_font_legend)) + 1;
}

/* --- inside --------------------------------------------------------------------------------------- */
static int count_busy(const mli_box *axes, const mli_busy *busy, mli_box box)
{
    double sx = MLI_BUSY_COLS / axes->w, sy = MLI_BUSY_ROWS / axes->h;
    int    left = (int)fmax(floor((box.x - axes->x) * sx), 0);
    int    top  = (int)fmax(floor((box.y - axes->y) * sy), 0);
    int    n    = 0;
    for (int r = top; r < MLI_BUSY_ROWS && r < (box.y + box.h - axes->y) * sy; r++)
        for (int c = left; c < MLI_BUSY_COLS && c < (box.x + box.w - axes->x) * sx; c++) n += busy->at[r][c];
    return n;
}

/* The best place for a legend of this shape; *hidden is the share of its area that lies on curves. Of equally good
 * places the first wins, the corners, so that in a live window the legend seldom moves. */
static bool find_place(const mli_plot *plot, const mli_busy *busy, mli_legend *l, double *hidden)
{
    static const double order[] = { 1, 0, 0.5, 0.75, 0.25 };
    enum { SIDE = sizeof order / sizeof *order };
    mli_box b      = plot->box;
    double  room_x = b.w - 2 * INSET - l->box.w, room_y = b.h - 2 * INSET - l->box.h;
    if (room_x < 0 || room_y < 0 || l->box.w * l->box.h > LARGEST * b.w * b.h) return false;
    double cells = l->box.w * l->box.h / (b.w * b.h) * MLI_BUSY_COLS * MLI_BUSY_ROWS;
    int    best  = -1;
    for (int ring = 0; ring < SIDE; ring++)
        for (int i = 0; i < SIDE * SIDE; i++) {
            int at_x = i / SIDE, at_y = i % SIDE; /* x = 1 is right, y = 1 the top */
            if ((at_x > at_y ? at_x : at_y) != ring) continue;
            mli_box at = { b.x + INSET + order[at_x] * room_x, b.y + INSET + (1 - order[at_y]) * room_y,
                           l->box.w, l->box.h };
            int     n  = count_busy(&plot->box, busy, at);
            if (best >= 0 && n >= best) continue;
            best   = n;
            l->box = at;
        }
    *hidden = best / fmax(cells, 1);
    return true;
}

static bool plan_inside(const mli_plot *plot, const mli_busy *busy, mli_legend *legend, double *hidden)
{
    mli_legend best  = *legend;
    double     least = INFINITY;
    int        last  = 0;
    for (int columns = 1; columns <= legend->n; columns++) {
        mli_legend try = *legend;
        double     hides;
        set_rows(&try, (legend->n + columns - 1) / columns);
        if (try.rows == last) continue; /* more columns, but not fewer rows */
        last = try.rows;
        if (!find_place(plot, busy, &try, &hides) || hides > least - 0.02) continue; /* tall is easier to read */
        best  = try;
        least = hides;
    }
    *hidden = least;
    if (isfinite(least)) *legend = best;
    return isfinite(least);
}

/* --- outside -------------------------------------------------------------------------------------- */
static bool plan_outside(mli_plot *plot, mli_legend *l)
{
    int fit = (int)((plot->box.h - 2 * PAD) / l->entry_h);
    if (fit < 1) return false;
    int wanted = (l->n + fit - 1) / fit, columns = wanted;
    set_rows(l, (l->n + columns - 1) / columns);
    while (columns > 1 && l->box.w > 0.5 * plot->box.w) {
        columns--;
        set_rows(l, (l->n + columns - 1) / columns);
    }
    if (l->box.w > 0.5 * plot->box.w) { /* one column, and still too wide: cut the names */
        l->entry_w = 0.4 * plot->box.w - 2 * PAD;
        if (l->entry_w < INDENT + READABLE) return false;
        set_rows(l, l->rows);
    }
    if (columns < wanted) { /* not all have room; the last line tells how many are missing */
        l->more = l->n - columns * fit + 1;
        l->n    = columns * fit;
        set_rows(l, fit);
    }
    plot->box.w -= l->box.w + INSET;
    l->box.x   = plot->box.x + plot->box.w + INSET;
    l->box.y   = plot->box.y;
    l->outside = true;
    return true;
}

void mli_legend_plan(mli_paper *p, mli_plot *plot, const mli_busy *busy, mli_legend *legend)
{
    memset(legend, 0, sizeof *legend);
    if (!is_needed(p, plot)) return;
    measure(p, plot, legend);
    mli_legend inside = *legend;
    double     hidden;
    bool       fits = plan_inside(plot, busy, &inside, &hidden);
    if (fits && hidden <= HIDES)
        *legend = inside;
    else if (plan_outside(plot, legend))
        return;
    else if (fits)
        *legend = inside;
    else
        legend->n = 0;
}

/* --- drawing ------------------------------------------------------------------------------------ */
void mli_legend_draw(mli_paper *p, const mli_plot *plot, const mli_legend *legend)
{
    if (legend->n == 0) return;
    const mli_box *b = &legend->box;
    if (!legend->outside) { /* what it hides shines through a little */
        mli_ink(p, p->theme->paper, 0.85);
        cairo_rectangle(p->cr, b->x, b->y, b->w, b->h);
        cairo_fill(p->cr);
    }
    for (int i = 0; i < legend->n; i++) {
        double x = b->x + PAD + (i / legend->rows) * (legend->entry_w + COLUMN);
        double y = b->y + PAD + (i % legend->rows + 0.5) * legend->entry_h;
        char   rest[32];
        bool   is_rest = legend->more && i == legend->n - 1;
        if (is_rest) {
            snprintf(rest, sizeof rest, "and %d more", legend->more);
        } else {
            mli_line_style(p, i);
            cairo_move_to(p->cr, x + 1, y);
            cairo_line_to(p->cr, x + SWATCH - 1, y);
            cairo_stroke(p->cr);
        }
        mli_ink(p, is_rest ? p->theme->quiet : p->theme->ink, 1);
        mli_text_draw(p, mli_font_legend, is_rest ? rest : name_at(p, plot, i), x + (is_rest ? 0 : INDENT), y,
                      0, 0.5, legend->entry_w - (is_rest ? 0 : INDENT), false);
    }
    cairo_set_dash(p->cr, NULL, 0, 0);
}
