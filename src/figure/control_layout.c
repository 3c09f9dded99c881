/* Where controls stand. From the top of the column: a knob's label, and below it what is turned. */
#include "figure/control.h"

#include <string.h>

#define MARGIN   14 /* of the column, left and right */
#define TOP      12
#define LEAST    132 /* width between the margins */
#define MOST     232
#define LINE     18 /* of a label */
#define ROW      22 /* of a track, of segments, of a list */
#define SWITCH   30 /* width of a toggle's switch */
#define GAP      10
#define HANDLE   7 /* radius */
#define PAD      7 /* of a segment's text, left and right */
#define ARROW    20 /* of a list's box */
#define VALUE    56 /* of a slider's value */
#define TRACK    96 /* of the bar's slider */
#define BUTTON_W 28

/* --- widths ------------------------------------------------------------------------------------------ */
static double segments_width(mli_paper *p, const ml_knob *k)
{
    double w = 0;
    for (int i = 0; i < k->n_choices; i++) w += mli_text_width(p, mli_font_legend, k->choices[i]) + 2 * PAD;
    return w;
}

static double natural_width(mli_paper *p, const ml_knob *k)
{
    double label = mli_text_width(p, mli_font_label, k->label);
    switch (k->kind) {
    case ML_KNOB_SLIDER: return label + 12 + VALUE;
    case ML_KNOB_TOGGLE: return label + 12 + SWITCH;
    case ML_KNOB_BUTTON: return label + 24;
    case ML_KNOB_CHOICE: break;
    }
    double side_by_side = segments_width(p, k), list = 0;
    for (int i = 0; i < k->n_choices; i++) list = fmax(list, mli_text_width(p, mli_font_label, k->choices[i]) + ARROW + 2 * PAD);
    return fmax(label, side_by_side <= MOST ? side_by_side : list);
}

static double column_width(mli_paper *p, const mli_controls *c)
{
    double w = LEAST;
    for (int i = 0; i < c->n_knobs; i++) w = fmax(w, natural_width(p, &c->knob[i]));
    return c->n_knobs > 0 ? ceil(fmin(w, MOST)) + 2 * MARGIN : 0;
}

/* --- the column ------------------------------------------------------------------------------------------ */
static mli_control *add(mli_controls *c, mli_control_kind kind, int knob, int part, mli_box box)
{
    static mli_control spare; /* more than there is room for cannot be: a segment has a width */
    mli_control       *at = c->n < MLI_CONTROLS ? &c->at[c->n++] : &spare;
    *at                   = (mli_control){ .id = { kind, knob, part }, .box = box };
    return at;
}

/* Side by side, each as wide as its text and what is left over shared out. */
static void lay_segments(mli_controls *c, mli_paper *p, int i, mli_box row)
{
    const ml_knob *k    = &c->knob[i];
    double         more = (row.w - segments_width(p, k)) / k->n_choices, x = row.x;
    for (int part = 0; part < k->n_choices; part++) {
        double w = mli_text_width(p, mli_font_legend, k->choices[part]) + 2 * PAD + more;
        add(c, MLI_CONTROL_SEGMENT, i, part, (mli_box){ x, row.y, w, row.h });
        x += w;
    }
}

/* Knob i from y on; returns where the next may begin. */
static double lay_knob(mli_controls *c, mli_paper *p, int i, double y)
{
    const ml_knob *k = &c->knob[i];
    double         w = c->column - 2 * MARGIN;
    mli_box        words = { MARGIN, y, w, LINE }, row = { MARGIN, y + LINE, w, ROW };
    int            from = c->n;
    switch (k->kind) {
    case ML_KNOB_SLIDER:
        add(c, MLI_CONTROL_SLIDER, i, 0, row)->track = (mli_box){ row.x + HANDLE, row.y + ROW / 2.0, w - 2 * HANDLE, 0 };
        break;
    case ML_KNOB_TOGGLE:
        words.h = ROW;
        row     = words;
        add(c, MLI_CONTROL_TOGGLE, i, 0, row)->track = (mli_box){ row.x + w - SWITCH, row.y + 3, SWITCH, ROW - 6 };
        break;
    case ML_KNOB_BUTTON:
        row = words = (mli_box){ MARGIN, y, w, ROW + 4 };
        add(c, MLI_CONTROL_BUTTON, i, 0, row);
        break;
    case ML_KNOB_CHOICE:
        if (segments_width(p, k) <= w + 0.5) lay_segments(c, p, i, row);
        else add(c, MLI_CONTROL_LIST, i, 0, row);
        break;
    }
    for (; from < c->n; from++) c->at[from].words = words;
    return row.y + row.h + GAP;
}

/* The texts of the open list, under its box or, where there is more room, above it. */
static void lay_list(mli_controls *c)
{
    const mli_control *box = mli_control_of(c, (mli_control_id){ MLI_CONTROL_LIST, c->list - 1, 0 });
    if (!box) {
        c->list = 0;
        return;
    }
    int     n     = c->knob[c->list - 1].n_choices;
    mli_box b     = box->box;
    double  below = c->page_h - (b.y + b.h) - 4, above = b.y - 4, room = fmax(below, above);
    int     seen  = (int)fmin(n, fmax(floor(room / ROW), 1));
    double  y     = seen * ROW <= below || below >= above ? b.y + b.h + 2 : b.y - 2 - seen * ROW;
    c->first      = (int)fmin(fmax(c->first, 0), n - seen);
    for (int i = 0; i < seen; i++)
        add(c, MLI_CONTROL_ENTRY, c->list - 1, c->first + i, (mli_box){ b.x, y + i * ROW, b.w, ROW });
}

/* --- the bar --------------------------------------------------------------------------------------------- */
static void lay_bar(mli_controls *c, mli_paper *p)
{
    double y = c->page_h - MLI_BAR, left = 14, right = c->page_w - 14;
    if (c->loop) {
        static const mli_control_kind kinds[] = { MLI_CONTROL_PAUSE, MLI_CONTROL_STEP, MLI_CONTROL_STOP };
        for (int i = 0; i < 3; i++) add(c, kinds[i], 0, 0, (mli_box){ 8 + i * BUTTON_W, y + 2, BUTTON_W, MLI_BAR - 4 });
        left = 8 + 3 * BUTTON_W + 8;
    }
    double words = mli_text_width(p, mli_font_label, "smoothing"), value = mli_text_width(p, mli_font_label, "0.9999");
    double needs = 2 * HANDLE + TRACK + 6 + value;
    if (c->curves && right - needs - left >= 60) { /* a narrow window has its words first, then the slider, then what the slider is for */
        bool    named = right - needs - words - 8 - left >= 200;
        double  x     = right - needs;
        mli_box box   = { x, y + 2, 2 * HANDLE + TRACK, MLI_BAR - 4 };
        mli_control *slider = add(c, MLI_CONTROL_SMOOTHING, 0, 0, box);
        slider->track = (mli_box){ x + HANDLE, y + MLI_BAR / 2.0, TRACK, 0 };
        slider->words = (mli_box){ named ? x - 8 - words : x, y, right - (named ? x - 8 - words : x), MLI_BAR };
        right         = slider->words.x - 14;
    }
    c->status = (mli_box){ left, y, fmax(right - left, 0), MLI_BAR };
}

/* --- all of it ------------------------------------------------------------------------------------------- */
double mli_column_height(const mli_controls *c)
{
    return fmax(c->page_h - (c->bar ? MLI_BAR : 0), 0);
}

void mli_controls_lay(mli_controls *c, mli_paper *p, double page_w, double page_h)
{
    c->page_w = page_w;
    c->page_h = page_h;
    c->n      = 0;
    c->column  = fmin(column_width(p, c), page_w / 2);
    c->content = 0;
    if (c->column < LEAST) c->column = 0; /* no room for any */
    c->column = round(c->column * p->density) / p->density; /* the figure begins at a whole pixel */
    if (c->column > 0) {
        double y = TOP;
        for (int i = 0; i < c->n_knobs; i++) y = lay_knob(c, p, i, y);
        c->content = y;
        c->scroll  = fmin(fmax(c->scroll, 0), fmax(c->content - mli_column_height(c), 0));
        for (int i = 0; i < c->n; i++) c->at[i].box.y -= c->scroll, c->at[i].track.y -= c->scroll, c->at[i].words.y -= c->scroll;
    }
    if (c->bar) lay_bar(c, p);
    if (c->list > 0) lay_list(c);
}

bool mli_control_same(mli_control_id a, mli_control_id b)
{
    return a.kind == b.kind && a.knob == b.knob && a.part == b.part;
}

const mli_control *mli_control_of(const mli_controls *c, mli_control_id id)
{
    for (int i = 0; i < c->n; i++)
        if (mli_control_same(c->at[i].id, id)) return &c->at[i];
    return NULL;
}

/* The open list lies over the rest, and the bar over the column. */
const mli_control *mli_control_at(const mli_controls *c, double x, double y)
{
    for (int i = c->n - 1; i >= 0; i--) {
        const mli_control *at = &c->at[i];
        bool in = x >= at->box.x && x < at->box.x + at->box.w && y >= at->box.y && y < at->box.y + at->box.h;
        if (!in) continue;
        bool scrolls = at->id.kind < MLI_CONTROL_PAUSE && at->id.kind != MLI_CONTROL_ENTRY;
        if (!scrolls || y < mli_column_height(c)) return at;
    }
    return NULL;
}
