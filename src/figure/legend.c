/* The legend stands inside the axes where it hides the least, so that the eye has a short way; where it would hide a
 * good part of the curves, or there are too many names, it goes to the right of the axes. */
#include "figure/mark.h"

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

/* "test_acc" is said by "Test acc", too */
static bool says(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (; *text; text++) {
        size_t i = 0;
        while (
            i < n && text[i] &&
            (tolower((unsigned char)text[i]) == tolower((unsigned char)name[i]) || (text[i] == ' ' && name[i] == '_')))
            i++;
        if (i == n) return true;
    }
    return false;
}

/* All that has a name. */
static void collect(const mli_plot *plot, mli_legend *l)
{
    for (int i = 0; i < plot->n_stages && l->n < MLI_ENTRIES; i++) {
        const mli_stage *s   = &plot->stages[i];
        mli_entry       *to  = &l->entries[l->n];
        bool             can = mli_series_of(s) || mli_has_data(s->mark);
        l->n += can && s->kind->entries ? s->kind->entries(s, to, MLI_ENTRIES - l->n) : mli_label_entry(s, to);
    }
}

/* One curve needs no name where the title or the label of its axis says it. */
static bool is_needed(const mli_plot *plot, const mli_legend *l)
{
    if (l->n != 1 || !mli_series_of(l->entries[0].stage)) return l->n > 0;
    return !says(plot->title, l->entries[0].name) && !says(plot->panel->label[MLI_Y], l->entries[0].name);
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

static void measure(mli_paper *p, mli_legend *l)
{
    double widest = 0;
    for (int i = 0; i < l->n; i++) widest = fmax(widest, mli_text_width(p, mli_font_legend, l->entries[i].name));
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
            mli_box at = { b.x + INSET + order[at_x] * room_x, b.y + INSET + (1 - order[at_y]) * room_y, l->box.w,
                           l->box.h };
            int     n  = count_busy(&plot->box, busy, at);
            if (best >= 0 && n >= best) continue;
            best   = n;
            l->box = at;
        }
    *hidden = best / fmax(cells, 1);
    return true;
}

typedef struct shape {
    int     rows;
    mli_box box;
} shape;

/* With as many columns as hide the least; tall is easier to read. */
static bool plan_inside(const mli_plot *plot, const mli_busy *busy, mli_legend *l, double *hidden)
{
    shape  best  = { 0 };
    double least = INFINITY;
    int    last  = 0;
    for (int columns = 1; columns <= l->n; columns++) {
        double hides;
        set_rows(l, (l->n + columns - 1) / columns);
        if (l->rows == last) continue; /* more columns, but not fewer rows */
        last = l->rows;
        if (l->box.w > plot->box.w) break;
        if (!find_place(plot, busy, l, &hides) || hides > least - 0.02) continue;
        best  = (shape){ l->rows, l->box };
        least = hides;
    }
    *hidden = least;
    l->rows = best.rows;
    l->box  = best.box;
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
    double right = plot->box.x + plot->box.w + plot->right + plot->spare;
    plot->box.w -= fmax(l->box.w + INSET - plot->spare, 0);
    l->box.x = right - l->box.w;
    if (plot->spare > l->box.w + INSET) l->box.x = plot->box.x + plot->box.w + plot->right + INSET;
    l->box.y   = plot->box.y;
    l->outside = true;
    return true;
}

/* False: there is none. */
static bool begin(mli_paper *p, const mli_plot *plot, mli_legend *l)
{
    l->n = l->more = l->rows = 0;
    l->outside               = false;
    if (plot->panel->no_legend) return false;
    collect(plot, l);
    if (!is_needed(plot, l)) l->n = 0;
    if (l->n) measure(p, l);
    return l->n > 0;
}

double mli_legend_width(mli_paper *p, const mli_plot *plot)
{
    mli_legend l;
    return begin(p, plot, &l) ? l.entry_w + 2 * PAD + INSET : 0;
}

void mli_legend_plan(mli_paper *p, mli_plot *plot, const mli_busy *busy, mli_legend *l)
{
    if (!begin(p, plot, l)) return;
    double hidden;
    bool   fits   = plan_inside(plot, busy, l, &hidden);
    shape  inside = { l->rows, l->box };
    int    n      = l->n;
    if (fits && hidden <= HIDES) return;
    if (plan_outside(plot, l)) return;
    l->n    = fits ? n : 0;
    l->rows = inside.rows;
    l->box  = inside.box;
}

/* --- drawing ------------------------------------------------------------------------------------ */
void mli_legend_draw(mli_paper *p, const mli_plot *plot, const mli_legend *legend)
{
    if (legend->n == 0) return;
    const mli_box *b = &legend->box;
    if (!legend->outside) { /* what it hides shines through a little */
        mli_ink(p, p->style->paper, 0.85);
        cairo_rectangle(p->cr, b->x, b->y, b->w, b->h);
        cairo_fill(p->cr);
    }
    for (int i = 0; i < legend->n; i++) {
        const mli_entry *e = &legend->entries[i];
        double           x = b->x + PAD + (i / legend->rows) * (legend->entry_w + COLUMN);
        double           y = b->y + PAD + (i % legend->rows + 0.5) * legend->entry_h;
        char             rest[32];
        if (legend->more && i == legend->n - 1) {
            snprintf(rest, sizeof rest, "+%d more", legend->more);
            mli_ink(p, p->style->quiet, 1);
            mli_text_draw(p, mli_font_legend, rest, x, y, 0, 0.5, legend->entry_w, false);
            continue;
        }
        if (e->stage->hidden) cairo_push_group(p->cr);
        if (e->stage->kind->swatch) e->stage->kind->swatch(e->stage, e->part, (mli_box){ x, y - 8, SWATCH, 16 });
        mli_ink(p, p->style->ink, 1);
        mli_text_draw(p, mli_font_legend, e->name, x + INDENT, y, 0, 0.5, legend->entry_w - INDENT, false);
        if (e->stage->hidden) {
            cairo_pop_group_to_source(p->cr);
            cairo_paint_with_alpha(p->cr, 0.35);
        }
        if (p->seen && p->seen->n_entries < MLI_ENTRIES)
            p->seen->entry[p->seen->n_entries++] = (mli_seen_entry){
                { x, y - legend->entry_h / 2, legend->entry_w, legend->entry_h }, plot->index, mli_hides(e->stage->mark)
            };
    }
}
