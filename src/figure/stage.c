/* What marks share: colours, noting where something is drawn, classes, shades. */
#include "figure/mark.h"

#include <string.h>

static const mli_mark_kind *const kinds[] = {
#define ML_MARK(name, doc, slots, options) &mli_mark_##name,
#include "moonlab/mark_list.h"
#undef ML_MARK
};

const mli_mark_kind *mli_mark_kind_of(const mli_mark *mark)
{
    return kinds[mark->kind];
}

const mli_series *mli_series_of(const mli_stage *s)
{
    return s->mark->series < 0 ? NULL : &s->p->view->series[s->mark->series];
}

/* --- how far ----------------------------------------------------------------------------------------- */
void mli_reach_point(mli_reach *r, double x, double y)
{
    if (!mli_can_show(r->xscale, x) || !mli_can_show(r->yscale, y)) return;
    if (r->window && (x < r->window[0] || x > r->window[1])) return;
    mli_range_add(&r->x, x);
    mli_range_add(&r->y, y);
}

static void reach_cells(mli_range *r, ml_scale scale, const mli_data *at)
{
    if (at->n == 0) return;
    double first = at->values[0], last = at->values[at->n - 1];
    double before = at->n > 1 ? (at->values[1] - first) / 2 : 0.5,
           after  = at->n > 1 ? (last - at->values[at->n - 2]) / 2 : 0.5;
    double low = fmin(first - before, last + after), high = fmax(first - before, last + after);
    if (scale == ML_SCALE_LOG && low <= 0) low = fmin(first, last); /* half a cell may reach past zero */
    mli_range_add(r, low);
    mli_range_add(r, high);
}

void mli_reach_grid(mli_reach *r, const mli_data *x, const mli_data *y)
{
    mli_range rx = MLI_NOTHING, ry = MLI_NOTHING;
    rx.tight = ry.tight = true;
    reach_cells(&rx, r->xscale, x);
    reach_cells(&ry, r->yscale, y);
    mli_range_join(&r->x, &rx);
    mli_range_join(&r->y, &ry);
}

/* --- colours ------------------------------------------------------------------------------------------ */
mli_colour mli_stage_colour(const mli_stage *s, int part)
{
    const char *named = mli_opt_text(s->mark, "colour");
    if (named[0]) return mli_colour_named(s->p->style, named);
    if (s->kind->plain) return s->p->style->ink;
    return s->p->style->palette[(s->place + part) % MLI_PALETTE];
}

double mli_stage_alpha(const mli_stage *s)
{
    return fmin(fmax(mli_opt_number(s->mark, "alpha"), 0), 1);
}

const double *mli_stage_dash(const mli_stage *s, int part)
{
    static const double dashes[][4] = { { 7, 3, 7, 3 }, { 1.6, 2.6, 1.6, 2.6 }, { 8, 3, 1.6, 3 }, { 14, 3, 14, 3 } };
    int                 at    = s->place + part;
    int                 dash  = s->p->style->dashes ? at % 5 : at / MLI_PALETTE; /* the colours come again, with dashes */
    const mli_value    *word  = mli_option(s->mark, "dash");
    if (word && word->text >= 0 && !mli_opt_word(s->mark, "dash", "auto"))
        dash = mli_opt_word(s->mark, "dash", "dashed")        ? 1
               : mli_opt_word(s->mark, "dash", "dotted")      ? 2
               : mli_opt_word(s->mark, "dash", "dash-dotted") ? 3
                                                              : 0;
    return dash ? dashes[(dash - 1) % 4] : NULL;
}

void mli_set_line(const mli_stage *s, int part)
{
    const double *dash = mli_stage_dash(s, part);
    mli_ink(s->p, mli_stage_colour(s, part), mli_stage_alpha(s));
    cairo_set_line_width(s->p->cr, s->p->style->line);
    cairo_set_line_join(s->p->cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_dash(s->p->cr, dash, dash ? 4 : 0, 0);
    cairo_set_line_cap(s->p->cr, dash ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
}

/* --- noting ------------------------------------------------------------------------------------------- */
static int clamp_index(double at, int n)
{
    return at < 0 ? 0 : at >= n ? n - 1 : (int)at;
}

bool mli_clip(double a, double b, double low, double high, double *t0, double *t1)
{
    double d = b - a;
    if (d == 0) return a >= low && a <= high;
    double at_low = (low - a) / d, at_high = (high - a) / d;
    *t0 = fmax(*t0, fmin(at_low, at_high));
    *t1 = fmin(*t1, fmax(at_low, at_high));
    return *t0 <= *t1;
}

void mli_note(mli_stage *s, double x0, double y0, double x1, double y1)
{
    mli_box b  = s->box;
    double  t0 = 0, t1 = 1;
    if (!isfinite(x0 + y0 + x1 + y1)) return;
    if (!mli_clip(x0, x1, b.x - 1, b.x + b.w + 1, &t0, &t1) || !mli_clip(y0, y1, b.y - 1, b.y + b.h + 1, &t0, &t1))
        return;
    s->touched++;
    if (!s->busy) return;
    double scale_x = MLI_BUSY_COLS / b.w, scale_y = MLI_BUSY_ROWS / b.h;
    double a = (x0 + t0 * (x1 - x0) - b.x) * scale_x, c = (x0 + t1 * (x1 - x0) - b.x) * scale_x;
    double d = (y0 + t0 * (y1 - y0) - b.y) * scale_y, e = (y0 + t1 * (y1 - y0) - b.y) * scale_y;
    int    steps = 1 + (int)(2 * fmax(fabs(c - a), fabs(e - d))); /* half a cell each */
    for (int i = 0; i <= steps; i++) {
        double t   = (double)i / steps;
        int    row = clamp_index(d + t * (e - d), MLI_BUSY_ROWS), col = clamp_index(a + t * (c - a), MLI_BUSY_COLS);
        s->busy->at[row][col] = true;
    }
}

void mli_note_box(mli_stage *s, mli_box box)
{
    mli_box b = s->box;
    if (!isfinite(box.x + box.y + box.w + box.h)) return;
    if (box.x > b.x + b.w || box.x + box.w < b.x || box.y > b.y + b.h || box.y + box.h < b.y) return;
    s->touched++;
    if (!s->busy) return;
    int left   = clamp_index((box.x - b.x) * MLI_BUSY_COLS / b.w, MLI_BUSY_COLS);
    int right  = clamp_index((box.x + box.w - b.x) * MLI_BUSY_COLS / b.w, MLI_BUSY_COLS);
    int top    = clamp_index((box.y - b.y) * MLI_BUSY_ROWS / b.h, MLI_BUSY_ROWS);
    int bottom = clamp_index((box.y + box.h - b.y) * MLI_BUSY_ROWS / b.h, MLI_BUSY_ROWS);
    for (int r = top; r <= bottom; r++)
        for (int c = left; c <= right; c++) s->busy->at[r][c] = true;
}

/* --- shapes and samples of them ------------------------------------------------------------------------ */
void mli_dot(cairo_t *cr, double x, double y, double r, int shape)
{
    static const struct {
        int    corners;
        double turn, size;
    } shapes[] = { { 0, 0, 1 },    { 4, 0.7853981633974483, 1.2 },  { 3, -1.5707963267948966, 1.35 },
                   { 4, 0, 1.35 }, { 3, 1.5707963267948966, 1.35 }, { 5, -1.5707963267948966, 1.25 },
                   { 6, 0, 1.2 } };
    int k      = shape % (int)(sizeof shapes / sizeof *shapes);
    if (shapes[k].corners == 0) {
        cairo_new_sub_path(cr);
        cairo_arc(cr, x, y, r, 0, 6.283185307179586);
        return;
    }
    for (int i = 0; i < shapes[k].corners; i++) {
        double a  = shapes[k].turn + i * 6.283185307179586 / shapes[k].corners;
        double px = x + r * shapes[k].size * cos(a), py = y + r * shapes[k].size * sin(a);
        if (i == 0)
            cairo_move_to(cr, px, py);
        else
            cairo_line_to(cr, px, py);
    }
    cairo_close_path(cr);
}

void mli_swatch_patch(const mli_stage *s, int part, mli_box b)
{
    mli_ink(s->p, mli_stage_colour(s, part), mli_stage_alpha(s));
    cairo_rectangle(s->p->cr, b.x + 2, b.y + b.h / 2 - 4.5, b.w - 4, 9);
    cairo_fill(s->p->cr);
}

void mli_swatch_line(const mli_stage *s, int part, mli_box b)
{
    mli_set_line(s, part);
    cairo_move_to(s->p->cr, b.x + 1, b.y + b.h / 2);
    cairo_line_to(s->p->cr, b.x + b.w - 1, b.y + b.h / 2);
    cairo_stroke(s->p->cr);
    cairo_set_dash(s->p->cr, NULL, 0, 0);
}

int mli_label_entry(const mli_stage *s, mli_entry *to)
{
    if (!mli_opt_line(s->mark, "label", 0, to->name, sizeof to->name)[0]) return 0;
    to->stage = s;
    to->part  = 0;
    return 1;
}

/* --- hiding ------------------------------------------------------------------------------------------- */
static int64_t group_of(const mli_mark *mark, const char *option)
{
    double group = mli_opt_number(mark, option);
    return group > 0 && group < 1e15 ? -(int64_t)group : 0;
}

int64_t mli_hides(const mli_mark *mark)
{
    int64_t group = group_of(mark, "group");
    return group ? group : mark->id;
}

bool mli_is_hidden(const mli_look *look, const mli_mark *mark)
{
    if (look->n_hidden == 0) return false;
    int64_t group = group_of(mark, "group"), subgroup = group_of(mark, "subgroup");
    for (int i = 0; i < look->n_hidden && i < MLI_HIDDEN; i++) {
        int64_t hidden = look->hidden[i];
        if (hidden == mark->id || (hidden < 0 && (hidden == group || hidden == subgroup))) return true;
    }
    return false;
}

/* --- classes ------------------------------------------------------------------------------------------ */
int mli_classes_of(const mli_data *values, double classes[MLI_CLASSES])
{
    int n = 0;
    for (int64_t i = 0; i < values->n; i++) {
        double v = values->values[i];
        if (isnan(v)) continue;
        if (v != round(v) || fabs(v) > 1e9) return 0;
        int at = 0;
        while (at < n && classes[at] < v) at++;
        if (at < n && classes[at] == v) continue;
        if (n == MLI_CLASSES) return 0;
        memmove(classes + at + 1, classes + at, (size_t)(n - at) * sizeof *classes);
        classes[at] = v;
        n++;
    }
    return n;
}

int mli_class_index(const double *classes, int n, double value)
{
    for (int i = 0; i < n; i++)
        if (classes[i] == value) return i;
    return -1;
}

/* Not the place among the classes that are there: marks of one panel may show different ones, in the same colours. */
int mli_class_part(const double *classes, double value)
{
    double part = value - fmin(classes[0], 1);
    return part < 1000 ? (int)part : 0;
}

/* --- shades --------------------------------------------------------------------------------------------- */
uint32_t mli_pixel(mli_colour c)
{
    return 0xFF000000u | (uint32_t)lround(c.r * 255) << 16 | (uint32_t)lround(c.g * 255) << 8 |
           (uint32_t)lround(c.b * 255);
}

uint32_t mli_shade(const mli_shades *s, double value)
{
    if (isnan(value)) return s->missing;
    double t = (value - s->low) / (s->high - s->low);
    return s->at[(int)(fmin(fmax(t, 0), 1) * (MLI_SHADES - 1) + 0.5)];
}

mli_colour mli_shade_colour(const mli_shades *s, double value)
{
    uint32_t p = mli_shade(s, value);
    return (mli_colour){ (p >> 16 & 255) / 255.0, (p >> 8 & 255) / 255.0, (p & 255) / 255.0 };
}

void mli_shades_fill(mli_shades *s, const mli_style *style, bool thin)
{
    const uint32_t *map    = mli_map_of(s->map, style->dark);
    bool            lifted = thin && (s->map == MLI_MAP_VIRIDIS || s->map == MLI_MAP_GREY); /* from dark to light */
    int             from = lifted && style->dark ? 56 : 0, to = lifted && !style->dark ? 230 : MLI_SHADES - 1;
    s->missing = mli_pixel(style->missing);
    for (int i = 0; i < MLI_SHADES; i++) s->at[i] = 0xFF000000u | map[from + (to - from) * i / (MLI_SHADES - 1)];
}

void mli_shades_for(const mli_stage *s, const mli_data *values, bool diverging, mli_map otherwise, bool thin,
                    mli_shades *shades)
{
    static const char *const names[] = { "viridis", "diverging", "cyclic", "grey" };
    mli_range                r       = MLI_NOTHING;
    const mli_value         *limits  = mli_option(s->mark, "limits");
    shades->map                      = diverging ? MLI_MAP_DIVERGING : otherwise;
    for (int i = 0; i < 4; i++)
        if (mli_opt_word(s->mark, "map", names[i])) shades->map = (mli_map)i;
    for (int64_t i = 0; i < values->n; i++)
        if (isfinite(values->values[i])) mli_range_add(&r, values->values[i]);
    if (shades->map == MLI_MAP_DIVERGING && r.low <= r.high) {
        r.high = fmax(fabs(r.low), fabs(r.high));
        if (r.high == 0) r.high = 1;
        r.low = -r.high;
    }
    mli_axis axis;
    r.tight = true;
    mli_axis_range(&axis, ML_SCALE_LINEAR, &r, limits && limits->given ? limits->number : NULL, 0);
    shades->low  = axis.ruler.low;
    shades->high = axis.ruler.high;
    mli_shades_fill(shades, s->p->style, thin);
}
