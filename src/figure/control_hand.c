/* What the mouse and keys do to controls. Buttons, toggles and texts act when the button comes up where it went down. */
#include "figure/control.h"

#define NOTCH  0.02 /* of a slider's line: a notch of the wheel, an arrow key */
#define SCROLL 40   /* of the column, a notch */

static const mli_control_id nothing;

static mli_act act(mli_act_kind kind)
{
    return (mli_act){ .kind = kind };
}

/* A knob is turned, and shown so at once; unless it stands there already. */
static mli_act turn(mli_controls *c, int knob, double value, bool goes_on)
{
    ml_knob *k = &c->knob[knob];
    if (c->locked || (k->kind != ML_KNOB_BUTTON && k->value == value)) return act(MLI_ACT_LOOK);
    if (k->kind != ML_KNOB_BUTTON) k->value = value;
    return (mli_act){ MLI_ACT_TURN, knob, value, goes_on };
}

static mli_act smooth(mli_controls *c, double value)
{
    if (c->smoothing == value) return act(MLI_ACT_LOOK);
    c->smoothing = value;
    return (mli_act){ .kind = MLI_ACT_SMOOTH, .value = value };
}

/* --- sliders ----------------------------------------------------------------------------------------- */
static bool slides(mli_control_id id)
{
    return id.kind == MLI_CONTROL_SLIDER || id.kind == MLI_CONTROL_SMOOTHING;
}

static mli_act slide_to(mli_controls *c, const mli_control *at, double x)
{
    double place = (x - at->track.x) / at->track.w;
    if (at->id.kind == MLI_CONTROL_SMOOTHING) return smooth(c, mli_smoothing_value(place));
    mli_act a = turn(c, at->id.knob, mli_slider_value(&c->knob[at->id.knob], place, at->track.w), c->moved);
    if (a.kind == MLI_ACT_TURN) c->moved = true;
    return a;
}

/* Steps of a wheel or a key. */
static mli_act slide_by(mli_controls *c, const mli_control *at, double notches)
{
    if (at->id.kind == MLI_CONTROL_SMOOTHING) {
        double place = mli_smoothing_place(c->smoothing), value = c->smoothing;
        for (int i = 0; i < 9 && value == c->smoothing; i++) value = mli_smoothing_value(place += NOTCH * notches);
        return smooth(c, value);
    }
    const ml_knob *k = &c->knob[at->id.knob];
    return turn(c, at->id.knob, mli_slider_next(k, k->value, at->track.w, NOTCH * notches), false);
}

/* --- the mouse ------------------------------------------------------------------------------------------ */
static bool is_over(const mli_controls *c, double x, double y) /* the column or the bar, and not the figure */
{
    return (x < c->column && y < mli_column_height(c)) || (c->bar && y >= mli_column_height(c));
}

mli_act mli_controls_down(mli_controls *c, double x, double y, int clicks)
{
    const mli_control *at   = mli_control_at(c, x, y);
    int                list = c->list;
    c->held = c->focus = at ? at->id : nothing;
    c->moved = c->keyed = false;
    if (!at || at->id.kind != MLI_CONTROL_ENTRY) c->list = 0;
    if (!at) return act(list > 0 || is_over(c, x, y) ? MLI_ACT_LOOK : MLI_ACT_PASS);
    if (at->id.kind == MLI_CONTROL_SLIDER) {
        const ml_knob *k = &c->knob[at->id.knob];
        if (clicks == 2) {
            c->held = nothing;
            return turn(c, at->id.knob, k->start, true); /* takes the first click back */
        }
        c->began = k->value;
    }
    if (at->id.kind == MLI_CONTROL_SMOOTHING) c->began = c->smoothing;
    if (slides(at->id)) return slide_to(c, at, x);
    if (at->id.kind == MLI_CONTROL_LIST && !c->locked && list != at->id.knob + 1) {
        c->list  = at->id.knob + 1;
        c->first = (int)c->knob[at->id.knob].value - 3; /* the text chosen is seen, and some before it */
    }
    return act(MLI_ACT_LOOK);
}

mli_act mli_controls_move(mli_controls *c, double x, double y)
{
    const mli_control *held = mli_control_of(c, c->held), *at = mli_control_at(c, x, y);
    mli_control_id     hover = at && (c->held.kind == MLI_CONTROL_NONE || mli_control_same(at->id, c->held) ||
                                      at->id.kind == MLI_CONTROL_ENTRY)
                                   ? at->id : nothing;
    c->hover = hover;
    if (held && slides(held->id)) return slide_to(c, held, x);
    return act(held || at || is_over(c, x, y) ? MLI_ACT_LOOK : MLI_ACT_PASS); /* what is hovered no more is drawn anyway */
}

/* What a click on it does; part: of a choice. */
static mli_act press(mli_controls *c, mli_control_id id)
{
    switch (id.kind) {
    case MLI_CONTROL_TOGGLE: return turn(c, id.knob, c->knob[id.knob].value == 0, false);
    case MLI_CONTROL_BUTTON: return turn(c, id.knob, 1, false);
    case MLI_CONTROL_ENTRY: c->list = 0; /* fall through */
    case MLI_CONTROL_SEGMENT: return turn(c, id.knob, id.part, false);
    case MLI_CONTROL_PAUSE: return act(MLI_ACT_PAUSE);
    case MLI_CONTROL_STEP: return act(MLI_ACT_STEP);
    case MLI_CONTROL_STOP: return act(MLI_ACT_STOP);
    default: return act(MLI_ACT_LOOK);
    }
}

mli_act mli_controls_up(mli_controls *c, double x, double y)
{
    mli_control_id     held = c->held;
    const mli_control *at   = mli_control_at(c, x, y);
    c->held                 = nothing;
    if (held.kind == MLI_CONTROL_NONE) return act(is_over(c, x, y) ? MLI_ACT_LOOK : MLI_ACT_PASS);
    bool from_list = held.kind == MLI_CONTROL_LIST && at && at->id.kind == MLI_CONTROL_ENTRY; /* pressed, dragged and let go */
    if (!at || !(mli_control_same(held, at->id) || from_list)) return act(MLI_ACT_LOOK);
    if (from_list || held.kind == MLI_CONTROL_ENTRY) c->focus = (mli_control_id){ MLI_CONTROL_LIST, at->id.knob, 0 };
    return press(c, at->id);
}

mli_act mli_controls_wheel(mli_controls *c, double x, double y, double turns)
{
    const mli_control *at = mli_control_at(c, x, y);
    if (at && at->id.kind == MLI_CONTROL_ENTRY) {
        c->first -= (int)(turns > 0 ? ceil(turns) : floor(turns));
        return act(MLI_ACT_LOOK);
    }
    if (at && slides(at->id)) return slide_by(c, at, turns);
    if (!is_over(c, x, y)) return act(MLI_ACT_PASS);
    if (x < c->column && y < mli_column_height(c)) c->scroll -= SCROLL * turns;
    c->list = 0;
    return act(MLI_ACT_LOOK);
}

void mli_controls_leave(mli_controls *c)
{
    c->hover = nothing;
}

/* --- keys ------------------------------------------------------------------------------------------------- */
/* The parts of one choice are one stop for Tab. */
static bool is_stop(const mli_controls *c, int i)
{
    mli_control_id id = c->at[i].id;
    if (id.kind == MLI_CONTROL_ENTRY || (c->locked && id.kind < MLI_CONTROL_PAUSE)) return false;
    return id.kind != MLI_CONTROL_SEGMENT || (int)c->knob[id.knob].value == id.part;
}

static void focus_next(mli_controls *c, int by)
{
    int at = by > 0 ? -1 : c->n;
    for (int i = 0; i < c->n; i++)
        if (mli_control_same(c->at[i].id, c->focus)) at = i;
    do at += by;
    while (at >= 0 && at < c->n && !is_stop(c, at));
    c->focus = at >= 0 && at < c->n ? c->at[at].id : nothing;
    if (at < 0 || at >= c->n || c->focus.kind >= MLI_CONTROL_PAUSE) return;
    double top = c->at[at].words.y - 8, bottom = c->at[at].box.y + c->at[at].box.h + 8, h = mli_column_height(c);
    if (top < 0) c->scroll += top;
    else if (bottom > h) c->scroll += bottom - h;
}

static mli_act choose(mli_controls *c, mli_control_id id, int by)
{
    const ml_knob *k    = &c->knob[id.knob];
    int            part = (int)k->value + by;
    if (part < 0 || part >= k->n_choices) return act(MLI_ACT_LOOK);
    if (id.kind == MLI_CONTROL_SEGMENT) c->focus = (mli_control_id){ MLI_CONTROL_SEGMENT, id.knob, part };
    return turn(c, id.knob, part, false);
}

static mli_act arrow(mli_controls *c, int by)
{
    mli_control_id id = slides(c->hover) || c->focus.kind == MLI_CONTROL_NONE ? c->hover : c->focus;
    const mli_control *at = mli_control_of(c, id);
    if (!at) return act(MLI_ACT_PASS);
    switch (id.kind) {
    case MLI_CONTROL_SLIDER:
    case MLI_CONTROL_SMOOTHING: return slide_by(c, at, by);
    case MLI_CONTROL_TOGGLE: return turn(c, id.knob, by > 0, false);
    case MLI_CONTROL_SEGMENT:
    case MLI_CONTROL_LIST: return choose(c, id, by);
    default: return act(MLI_ACT_LOOK);
    }
}

static mli_act enter(mli_controls *c)
{
    if (c->focus.kind == MLI_CONTROL_NONE) return act(MLI_ACT_PASS);
    if (c->focus.kind != MLI_CONTROL_LIST) return press(c, c->focus);
    c->list  = c->list > 0 || c->locked ? 0 : c->focus.knob + 1;
    c->first = (int)c->knob[c->focus.knob].value - 3;
    return act(MLI_ACT_LOOK);
}

/* An open list is closed first; what is dragged goes back; then nothing has the keys any more. */
static mli_act escape(mli_controls *c)
{
    mli_control_id held = c->held;
    bool           had  = c->list > 0 || held.kind != MLI_CONTROL_NONE || c->focus.kind != MLI_CONTROL_NONE;
    c->held             = nothing;
    if (c->list == 0) c->focus = nothing;
    c->list = 0;
    if (held.kind == MLI_CONTROL_SLIDER) return turn(c, held.knob, c->began, c->moved);
    if (held.kind == MLI_CONTROL_SMOOTHING) return smooth(c, c->began);
    return act(had ? MLI_ACT_LOOK : MLI_ACT_PASS);
}

mli_act mli_controls_key(mli_controls *c, mli_control_key key)
{
    c->keyed = true;
    switch (key) {
    case MLI_KEY_LEFT:
    case MLI_KEY_RIGHT: return arrow(c, key == MLI_KEY_RIGHT ? 1 : -1);
    case MLI_KEY_UP:
    case MLI_KEY_DOWN: {
        bool list = c->focus.kind == MLI_CONTROL_LIST; /* down is the text below */
        return arrow(c, (key == MLI_KEY_UP) != list ? 1 : -1);
    }
    case MLI_KEY_ENTER: return enter(c);
    case MLI_KEY_TAB:
    case MLI_KEY_BACK_TAB: focus_next(c, key == MLI_KEY_TAB ? 1 : -1); return act(MLI_ACT_LOOK);
    case MLI_KEY_ESCAPE: return escape(c);
    }
    return act(MLI_ACT_PASS);
}
