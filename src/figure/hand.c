#include "figure/hand.h"

#include <math.h>
#include <string.h>

#define BESIDE   48   /* how far from the axes a place still belongs to one */
#define TITLE    30   /* how far above them to the title */
#define FLAT     6    /* a box less wide or high is a strip; less of both, a click */
#define NOTCH    1.25 /* what one notch of the wheel enlarges by */
#define LARGEST  1e300
#define CLOSEST  1e-9 /* of the values' size: nearer, doubles end */

/* --- what belongs together -------------------------------------------------------------------------- */
static bool share(const mli_view *view, int axis, const mli_panel *a, const mli_panel *b)
{
    return axis == MLI_X ? view->share_x && a->col == b->col && a->n_cols == b->n_cols
                         : view->share_y && a->row == b->row && a->n_rows == b->n_rows;
}

void mli_ties_of(const mli_view *view, mli_ties *ties)
{
    ties->smooth = 0;
    ties->n      = view->n_panels < MLI_PANELS ? view->n_panels : MLI_PANELS;
    for (int i = 0; i < ties->n; i++) {
        memcpy(ties->scale[i], view->panels[i].scale, sizeof ties->scale[i]);
        ties->smooth = fmax(ties->smooth, view->panels[i].smooth);
        for (int axis = MLI_X; axis <= MLI_Y; axis++) {
            int first = 0;
            while (first < i && !share(view, axis, &view->panels[first], &view->panels[i])) first++;
            ties->first[axis][i] = first;
        }
    }
}

/* Rows of cells count downwards and are not on any other scale. */
static bool counts_cells(const mli_seen_panel *panel)
{
    return panel->ruler[MLI_Y].from < panel->ruler[MLI_Y].to;
}

static bool is_tied(const mli_hand *h, int axis, int a, int b)
{
    if (a == b) return true;
    return axis <= MLI_Y && h->ties.first[axis][a] == h->ties.first[axis][b] && !counts_cells(&h->seen.panel[b]);
}

static bool is_in(mli_box b, double x, double y)
{
    return x >= b.x && x <= b.x + b.w && y >= b.y && y <= b.y + b.h;
}

mli_spot mli_spot_at(const mli_seen *seen, double x, double y)
{
    mli_spot spot = { .panel = -1 };
    for (int i = 0; i < seen->n_panels; i++) {
        const mli_seen_panel *p = &seen->panel[i];
        mli_box               b = p->box;
        if (b.w <= 0) continue;
        spot = (mli_spot){ .panel = i };
        if (is_in(b, x, y)) {
            spot.inside = true;
            memcpy(spot.axis, p->has, sizeof spot.axis);
            return spot;
        }
        if (is_in((mli_box){ b.x, b.y - TITLE, b.w, TITLE }, x, y)) {
            spot.title = true;
            return spot;
        }
        spot.axis[MLI_X]  = p->has[MLI_X] && is_in((mli_box){ b.x, b.y + b.h, b.w, BESIDE }, x, y);
        spot.axis[MLI_Y]  = p->has[MLI_Y] && is_in((mli_box){ b.x - BESIDE, b.y, BESIDE, b.h }, x, y);
        spot.axis[MLI_Y2] = p->has[MLI_Y2] && is_in((mli_box){ b.x + b.w, b.y, BESIDE, b.h }, x, y);
        if (spot.axis[MLI_X] || spot.axis[MLI_Y] || spot.axis[MLI_Y2]) return spot;
    }
    return (mli_spot){ .panel = -1 };
}

/* --- ranges ----------------------------------------------------------------------------------------- */
/* What lies between two places of an axis becomes all of it; not when doubles could not tell its values apart. */
static bool see(mli_hand *h, int panel, int axis, const mli_ruler *r, double from, double to)
{
    double low = mli_ruler_value(r, from), high = mli_ruler_value(r, to);
    double a = mli_on_scale(r, low), b = mli_on_scale(r, high);
    if (!(fabs(low) < LARGEST && fabs(high) < LARGEST && b - a > CLOSEST * fmax(fabs(a), fabs(b)))) return false;
    if (r->scale == ML_SCALE_LOG && !(low > 1 / LARGEST)) return false;
    for (int i = 0; i < h->ties.n; i++) {
        if (!is_tied(h, axis, panel, i)) continue;
        h->look.panel[i].range[axis][0] = low;
        h->look.panel[i].range[axis][1] = high;
    }
    return true;
}

static bool see_all(mli_hand *h, int panel)
{
    bool changed = false;
    for (int axis = MLI_X; axis < MLI_AXES; axis++)
        for (int i = 0; i < h->ties.n; i++) {
            double *range = h->look.panel[i].range[axis];
            if (!is_tied(h, axis, panel, i)) continue;
            changed |= range[0] != range[1];
            range[0] = range[1] = 0;
        }
    return changed;
}

static bool pan_to(mli_hand *h, double x, double y)
{
    bool changed = false;
    for (int axis = MLI_X; axis < MLI_AXES; axis++) {
        const mli_ruler *r    = &h->began.ruler[axis];
        double           move = axis == MLI_X ? x - h->from_x : y - h->from_y;
        if (h->held.axis[axis]) changed |= see(h, h->held.panel, axis, r, r->from - move, r->to - move);
    }
    return changed;
}

static bool zoom_into(mli_hand *h, mli_box b)
{
    bool changed = false;
    for (int axis = MLI_X; axis < MLI_AXES; axis++) {
        const mli_ruler *r    = &h->began.ruler[axis];
        double           size = axis == MLI_X ? b.w : b.h, low = axis == MLI_X ? b.x : b.y, high = low + size;
        if (!h->held.axis[axis] || size < FLAT) continue;
        changed |= see(h, h->held.panel, axis, r, r->from < r->to ? low : high, r->from < r->to ? high : low);
    }
    return changed;
}

/* --- marks and panels ----------------------------------------------------------------------------------- */
static void hide_or_show(mli_look *look, int64_t mark)
{
    for (int i = 0; i < look->n_hidden; i++) {
        if (look->hidden[i] != mark) continue;
        look->hidden[i] = look->hidden[--look->n_hidden];
        return;
    }
    if (look->n_hidden < MLI_HIDDEN) look->hidden[look->n_hidden++] = mark;
}

static const mli_seen_entry *entry_at(const mli_seen *seen, double x, double y)
{
    for (int i = 0; i < seen->n_entries; i++)
        if (is_in(seen->entry[i].box, x, y)) return &seen->entry[i];
    return NULL;
}

static bool stand_alone(mli_hand *h, int panel)
{
    if (h->seen.n_panels < 2) return false;
    h->look.alone = h->look.alone ? 0 : panel + 1;
    return true;
}

/* --- gestures ------------------------------------------------------------------------------------------- */
static void point(mli_hand *h, double x, double y)
{
    h->points = true;
    h->x      = x;
    h->y      = y;
}

bool mli_hand_down(mli_hand *h, double x, double y, bool pan, int clicks)
{
    point(h, x, y);
    h->grip                     = MLI_GRIP_NONE;
    const mli_seen_entry *entry = entry_at(&h->seen, x, y);
    if (entry && !pan) { /* each of two fast clicks is one: there and back */
        hide_or_show(&h->look, entry->mark);
        return true;
    }
    mli_spot spot = mli_spot_at(&h->seen, x, y);
    if (spot.panel < 0) return false;
    if (clicks % 2 == 0 && !pan) /* the fourth of four fast ones ends a second pair */
        return spot.title ? stand_alone(h, spot.panel) : see_all(h, spot.panel);
    if (spot.title) return false;
    h->grip   = pan || !spot.inside ? MLI_GRIP_PAN : MLI_GRIP_BOX;
    h->held   = spot;
    h->began  = h->seen.panel[spot.panel];
    h->from_x = x;
    h->from_y = y;
    return false;
}

bool mli_hand_move(mli_hand *h, double x, double y)
{
    point(h, x, y);
    return h->grip == MLI_GRIP_PAN && pan_to(h, x, y);
}

bool mli_hand_box(const mli_hand *h, mli_box *box)
{
    mli_box all = h->began.box;
    if (h->grip != MLI_GRIP_BOX) return false;
    double x  = fmin(fmax(h->x, all.x), all.x + all.w), y = fmin(fmax(h->y, all.y), all.y + all.h);
    double dx = fabs(x - h->from_x), dy = fabs(y - h->from_y);
    *box      = (mli_box){ fmin(x, h->from_x), fmin(y, h->from_y), dx, dy };
    return dx >= FLAT || dy >= FLAT;
}

bool mli_hand_up(mli_hand *h, double x, double y)
{
    mli_box box;
    point(h, x, y);
    bool changed = mli_hand_box(h, &box) && zoom_into(h, box);
    h->grip      = MLI_GRIP_NONE;
    return changed;
}

bool mli_hand_wheel(mli_hand *h, double x, double y, double turns)
{
    bool     changed = false;
    mli_spot spot    = mli_spot_at(&h->seen, x, y);
    double   part    = pow(NOTCH, -fmin(fmax(turns, -8), 8));
    point(h, x, y);
    for (int axis = MLI_X; axis < MLI_AXES && spot.panel >= 0; axis++) {
        mli_ruler *r  = &h->seen.panel[spot.panel].ruler[axis];
        double     at = axis == MLI_X ? x : y;
        if (!spot.axis[axis]) continue;
        double from = at + (r->from - at) * part, to = at + (r->to - at) * part;
        if (!see(h, spot.panel, axis, r, from, to)) continue;
        changed = true;
        r->low = h->look.panel[spot.panel].range[axis][0], r->high = h->look.panel[spot.panel].range[axis][1];
        mli_ruler_set(r, r->from, r->to); /* the next notch may come before the next picture */
    }
    return changed;
}

/* --- keys ------------------------------------------------------------------------------------------------- */
/* The panel that a key is about: the one pointed at, or the only one there is. */
static mli_spot meant(const mli_hand *h)
{
    mli_spot spot = { .panel = -1 };
    if (h->points) spot = mli_spot_at(&h->seen, h->x, h->y);
    if (spot.panel < 0 && h->look.alone) spot.panel = h->look.alone - 1;
    if (spot.panel < 0 && h->seen.n_panels == 1) spot.panel = 0;
    return spot;
}

static bool change_scale(mli_hand *h, int axis)
{
    mli_spot spot = meant(h);
    if (spot.panel < 0) return false;
    if (axis == MLI_Y && spot.axis[MLI_Y2] && !spot.inside) axis = MLI_Y2;
    const mli_seen_panel *panel = &h->seen.panel[spot.panel];
    if (!panel->has[axis] || counts_cells(panel)) return false;
    ml_scale own    = h->ties.scale[spot.panel][axis];
    ml_scale other  = own == ML_SCALE_SYMLOG ? ML_SCALE_SYMLOG : ML_SCALE_LOG;
    ml_scale chosen = panel->ruler[axis].scale == ML_SCALE_LINEAR ? other : ML_SCALE_LINEAR;
    for (int i = 0; i < h->ties.n; i++) {
        mli_panel_look *look = &h->look.panel[i];
        if (!is_tied(h, axis, spot.panel, i)) continue;
        look->scale[axis] = chosen;
        if (chosen == ML_SCALE_LOG && look->range[axis][0] <= 0) look->range[axis][0] = look->range[axis][1] = 0;
    }
    return true;
}

double mli_hand_smoothing(const mli_hand *h)
{
    double own = h->look.smoothing;
    return own > 0 ? own : own < 0 ? 0 : h->ties.smooth;
}

bool mli_hand_smooth(mli_hand *h, double past)
{
    double before     = h->look.smoothing;
    h->look.smoothing = past > 0 ? fmin(past, MLI_SMOOTHEST) : h->ties.smooth > 0 ? -1 : 0; /* 0: as the panels say */
    return h->look.smoothing != before;
}

static bool change_smoothing(mli_hand *h, int by)
{
    static const double levels[] = { 0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999 };
    enum { LAST = sizeof levels / sizeof *levels - 1 };
    int at = 0;
    while (at < LAST && levels[at] < mli_hand_smoothing(h)) at++;
    at += by;
    if (at < 0 || at > LAST) return false;
    return mli_hand_smooth(h, levels[at]);
}

static bool let_go(mli_hand *h)
{
    bool held = h->grip != MLI_GRIP_NONE, alone = h->look.alone > 0;
    h->grip = MLI_GRIP_NONE;
    if (!held) h->look.alone = 0;
    return held || alone;
}

bool mli_hand_key(mli_hand *h, int key)
{
    switch (key) {
    case 'x': return change_scale(h, MLI_X);
    case 'y': return change_scale(h, MLI_Y);
    case '[': return change_smoothing(h, -1);
    case ']': return change_smoothing(h, +1);
    case 'm': return h->look.alone || meant(h).panel >= 0 ? stand_alone(h, meant(h).panel) : false;
    case 'r': memset(&h->look, 0, sizeof h->look); return true;
    case '\x1b': return let_go(h);
    default: return false;
    }
}
