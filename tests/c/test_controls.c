/* Controls without a window: where they stand, what a hand there does, and that they are drawn where they are hit. */
#include "support.h"

#include "figure/control.h"

#include <stdio.h>
#include <stdlib.h>

static const mli_look plain;

/* --- a page to lay and draw on ---------------------------------------------------------------------------- */
typedef struct page {
    int              w, h;
    double           density;
    cairo_surface_t *surface;
    mli_paper        paper;
} page;

static page page_new(int w, int h, double density)
{
    page p = { .w = w, .h = h, .density = density };
    p.surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(w * density), (int)(h * density));
    cairo_t *cr = cairo_create(p.surface);
    cairo_scale(cr, density, density);
    p.paper = (mli_paper){ .cr = cr, .layout = mli_layout_make(cr), .style = mli_style_of(ML_STYLE_LIGHT), .look = &plain, .density = density };
    return p;
}

static void page_free(page *p)
{
    g_object_unref(p->paper.layout);
    cairo_destroy(p->paper.cr);
    cairo_surface_destroy(p->surface);
}

static uint32_t pixel(page *p, double x, double y)
{
    cairo_surface_flush(p->surface);
    const unsigned char *data = cairo_image_surface_get_data(p->surface);
    return ((const uint32_t *)(const void *)(data + (int)(y * p->density) * cairo_image_surface_get_stride(p->surface)))[(int)(x * p->density)] & 0xFFFFFF;
}

static uint32_t colour(mli_colour c)
{
    return (uint32_t)lround(c.r * 255) << 16 | (uint32_t)lround(c.g * 255) << 8 | (uint32_t)lround(c.b * 255);
}

/* --- samples ---------------------------------------------------------------------------------------------- */
static const char *const three[] = { "relu", "tanh", "gelu" };
static const char *const six[]   = { "two moons", "spirals", "checkerboard", "circles", "xor", "gaussian blobs" };

enum { LR, WIDTH, AUGMENT, ACT, DATA, RESET, SHIFT, N };

static mli_controls sample(void)
{
    return (mli_controls){
        .n_knobs = N,
        .knob    = {
            [LR]      = { .kind = ML_KNOB_SLIDER, .label = "lr", .from = 1e-4, .to = 1, .log = true, .value = 0.01, .start = 0.01 },
            [WIDTH]   = { .kind = ML_KNOB_SLIDER, .label = "width", .from = 4, .to = 64, .whole = true, .value = 8, .start = 8 },
            [AUGMENT] = { .kind = ML_KNOB_TOGGLE, .label = "augment" },
            [ACT]     = { .kind = ML_KNOB_CHOICE, .label = "activation", .choices = three, .n_choices = 3 },
            [DATA]    = { .kind = ML_KNOB_CHOICE, .label = "data", .choices = six, .n_choices = 6, .value = 2 },
            [RESET]   = { .kind = ML_KNOB_BUTTON, .label = "reset" },
            [SHIFT]   = { .kind = ML_KNOB_SLIDER, .label = "shift", .from = -1, .to = 1, .value = 0.25, .start = 0.25 },
        },
        .bar = true, .loop = true, .running = true, .curves = true,
    };
}

static void lay(mli_controls *c, int w, int h)
{
    page p = page_new(w, h, 1);
    mli_controls_lay(c, &p.paper, w, h);
    page_free(&p);
}

static mli_control find(const mli_controls *c, mli_control_kind kind, int knob, int part)
{
    const mli_control *at = mli_control_of(c, (mli_control_id){ kind, knob, part });
    cr_assert(at, "there is no control %d of knob %d", kind, knob);
    return *at;
}

static double mid_x(mli_box b)
{
    return b.x + b.w / 2;
}
static double mid_y(mli_box b)
{
    return b.y + b.h / 2;
}

static mli_act click(mli_controls *c, mli_control at)
{
    mli_controls_move(c, mid_x(at.box), mid_y(at.box));
    cr_expect_eq(mli_controls_down(c, mid_x(at.box), mid_y(at.box), 1).kind, MLI_ACT_LOOK, "buttons act when they come up");
    return mli_controls_up(c, mid_x(at.box), mid_y(at.box));
}

static void expect_turn(mli_act a, int knob, double value, bool goes_on)
{
    cr_expect(a.kind == MLI_ACT_TURN && a.knob == knob && a.value == value && a.goes_on == goes_on, "%d: knob %d to %.17g, %d", a.kind,
              a.knob, a.value, a.goes_on);
}

/* --- geometry ------------------------------------------------------------------------------------------- */
static bool apart(mli_box a, mli_box b)
{
    return a.x + a.w <= b.x + 0.01 || b.x + b.w <= a.x + 0.01 || a.y + a.h <= b.y + 0.01 || b.y + b.h <= a.y + 0.01;
}

Test(controls, stand_apart_and_are_hit_where_they_are)
{
    static const int sizes[][2] = { { 1400, 900 }, { 900, 500 }, { 640, 200 }, { 330, 150 }, { 200, 100 }, { 40, 20 }, { 1, 1 } };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        mli_controls c = sample();
        int          w = sizes[s][0], h = sizes[s][1];
        lay(&c, w, h);
        cr_expect(c.column <= w / 2.0 && (w < 330 || c.column > 150), "%d x %d: %g", w, h, c.column);
        for (int i = 0; i < c.n; i++) {
            mli_box b = c.at[i].box;
            mli_box t = c.at[i].track;
            cr_expect(t.w == 0 || (t.x >= b.x && t.x + t.w <= b.x + b.w && t.y >= b.y && t.y + t.h <= b.y + b.h), "the track is in it");
            cr_expect(b.w > 4 && b.h > 4, "%d x %d: control %d is %g x %g", w, h, i, b.w, b.h);
            for (int k = 0; k < i; k++)
                cr_expect(apart(b, c.at[k].box) || (c.at[i].id.kind >= MLI_CONTROL_PAUSE && c.at[k].id.kind < MLI_CONTROL_PAUSE),
                          "%d x %d: %d over %d", w, h, i, k);
            const mli_control *hit = mli_control_at(&c, mid_x(b), mid_y(b));
            bool seen = c.at[i].id.kind >= MLI_CONTROL_PAUSE || mid_y(b) < mli_column_height(&c);
            if (seen && w >= 330) cr_expect(hit && mli_control_same(hit->id, c.at[i].id), "%d x %d: %d", w, h, i);
            if (c.at[i].id.kind < MLI_CONTROL_PAUSE) cr_expect(b.x >= 0 && b.x + b.w <= c.column, "within the column");
        }
        cr_expect(c.status.w >= 0);
    }
}

Test(controls, choices_are_segments_where_they_fit)
{
    mli_controls c = sample();
    lay(&c, 900, 700);
    mli_control first = find(&c, MLI_CONTROL_SEGMENT, ACT, 0), last = find(&c, MLI_CONTROL_SEGMENT, ACT, 2);
    cr_expect(fabs(first.box.x - first.words.x) < 0.01 && fabs(last.box.x + last.box.w - first.words.x - first.words.w) < 0.01, "over the whole row");
    find(&c, MLI_CONTROL_LIST, DATA, 0);
    mli_controls tight = sample();
    lay(&tight, 330, 700);
    cr_expect(tight.column <= 165);
    find(&tight, MLI_CONTROL_LIST, DATA, 0);
}

/* What is drawn is where it is hit: the slider's handle, the switch, the segment. */
Test(controls, are_drawn_where_they_are_hit)
{
    static const double densities[] = { 1, 1.5, 2 };
    for (int d = 0; d < 3; d++) {
        page         p = page_new(900, 500, densities[d]);
        mli_controls c = sample();
        c.knob[AUGMENT].value = 1;
        mli_controls_lay(&c, &p.paper, 900, 500);
        mli_controls_draw(&c, &p.paper, "step 5 of 10");
        uint32_t    blue = colour(p.paper.style->palette[0]), paper = colour(p.paper.style->paper);
        mli_control lr   = find(&c, MLI_CONTROL_SLIDER, LR, 0), toggle = find(&c, MLI_CONTROL_TOGGLE, AUGMENT, 0);
        double      at   = lr.track.x + lr.track.w * mli_slider_place(&c.knob[LR], 0.01);
        cr_expect_eq(pixel(&p, at, lr.track.y), paper, "the handle");
        cr_expect_eq(pixel(&p, at - 20, lr.track.y), blue, "what lies before it");
        cr_expect_neq(pixel(&p, at + 20, lr.track.y), blue);
        cr_expect_eq(pixel(&p, toggle.track.x + 6, mid_y(toggle.box)), blue, "on");
        mli_box chosen = find(&c, MLI_CONTROL_SEGMENT, ACT, 0).box, other = find(&c, MLI_CONTROL_SEGMENT, ACT, 2).box;
        cr_expect_eq(pixel(&p, chosen.x + 5, mid_y(chosen)), blue);
        cr_expect_neq(pixel(&p, other.x + 5, mid_y(other)), blue);
        mli_box stop = find(&c, MLI_CONTROL_STOP, 0, 0).box;
        cr_expect_neq(pixel(&p, mid_x(stop), mid_y(stop)), paper, "a square");
        cr_expect_eq(pixel(&p, stop.x + 3, mid_y(stop)), paper);
        cr_expect_eq(fmod(c.column * densities[d], 1), 0, "the figure begins at a whole pixel");
        page_free(&p);
    }
}

/* --- values ------------------------------------------------------------------------------------------------ */
Test(controls, values_and_places)
{
    mli_controls c = sample();
    for (int k = 0; k < N; k++) {
        const ml_knob *knob = &c.knob[k];
        if (knob->kind != ML_KNOB_SLIDER) continue;
        double before = -INFINITY;
        for (int i = 0; i <= 180; i++) {
            double value = mli_slider_value(knob, i / 180.0, 180);
            cr_expect(value >= before && value >= knob->from && value <= knob->to, "%s at %d: %g after %g", knob->label, i, value, before);
            cr_expect(fabs(mli_slider_place(knob, value) - i / 180.0) < 1.2 / 60, "%s at %d: %g", knob->label, i, value);
            if (knob->whole) cr_expect_eq(value, round(value));
            before = value;
        }
        cr_expect(mli_slider_value(knob, -3, 180) == knob->from && mli_slider_value(knob, 7, 180) == knob->to);
        cr_expect(mli_slider_value(knob, NAN, 180) == knob->from);
    }
    ml_knob plain_one = { .kind = ML_KNOB_SLIDER, .from = 0, .to = 1 };
    cr_expect_eq(mli_slider_value(&plain_one, 0.3, 180), 0.3, "as it is written, not 3 * 0.1");
    cr_expect_eq(mli_slider_value(&c.knob[LR], 0.5, 180), 0.01);
    for (double v = c.knob[LR].from, next; v < 1; v = next) {
        next = mli_slider_next(&c.knob[LR], v, 180, 0.02);
        cr_assert_gt(next, v, "a key always turns");
    }
    for (double v = 64, next; v > 4; v = next) {
        next = mli_slider_next(&c.knob[WIDTH], v, 180, -0.02);
        cr_assert(next < v && next == round(next));
    }
    for (int i = 0; i <= 100; i++) {
        double s = mli_smoothing_value(i / 100.0);
        cr_expect(s >= 0 && s <= 0.999 && fabs(mli_smoothing_place(s) - i / 100.0) < 0.012, "%d: %g", i, s);
    }
    cr_expect(mli_smoothing_value(0) == 0 && mli_smoothing_value(1) == 0.999);
}

static void expect_text(ml_knob k, double value, const char *text)
{
    char got[64];
    k.kind = ML_KNOB_SLIDER;
    mli_slider_text(&k, value, got, sizeof got);
    cr_expect_str_eq(got, text);
}

Test(controls, values_have_as_many_digits_as_can_be_chosen)
{
    expect_text((ml_knob){ .from = 1e-4, .to = 1, .log = true }, 0.01, "0.01");
    expect_text((ml_knob){ .from = 1e-4, .to = 1, .log = true }, 0.012345, "0.0123");
    expect_text((ml_knob){ .from = 1e-8, .to = 1, .log = true }, 2e-8, "2e-08");
    expect_text((ml_knob){ .from = 0, .to = 2 }, 1, "1.00");
    expect_text((ml_knob){ .from = 100, .to = 101 }, 100.25, "100.25");
    expect_text((ml_knob){ .from = 0, .to = 1000 }, 333.3, "333");
    expect_text((ml_knob){ .from = -1, .to = 1 }, -0.0001, "-0.00");
    expect_text((ml_knob){ .from = -500, .to = 500 }, -0.1, "0");
    expect_text((ml_knob){ .from = 0, .to = 1e9 }, 123456789, "1.235e+08");
    expect_text((ml_knob){ .from = 4, .to = 64, .whole = true }, 8, "8");
}

/* --- hands --------------------------------------------------------------------------------------------------- */
Test(controls, a_slider_is_dragged)
{
    mli_controls c = sample();
    lay(&c, 900, 700);
    mli_control s    = find(&c, MLI_CONTROL_SLIDER, WIDTH, 0);
    double      unit = s.track.w / 60, y = s.track.y;
    expect_turn(mli_controls_down(&c, s.track.x + 10 * unit, y, 1), WIDTH, 14, false);
    expect_turn(mli_controls_move(&c, s.track.x + 20 * unit, y + 300), WIDTH, 24, true);
    cr_expect_eq(mli_controls_move(&c, s.track.x + 20.1 * unit, y).kind, MLI_ACT_LOOK, "the same value is no turn");
    expect_turn(mli_controls_move(&c, 5000, -10), WIDTH, 64, true);
    expect_turn(mli_controls_move(&c, -5000, -10), WIDTH, 4, true);
    cr_expect_eq(mli_controls_up(&c, -5000, -10).kind, MLI_ACT_LOOK);
    cr_expect_eq(mli_controls_move(&c, c.column + 50, 100).kind, MLI_ACT_PASS, "let go");
    cr_expect_eq(mli_controls_down(&c, c.column + 50, 100, 1).kind, MLI_ACT_PASS, "the figure's");
    cr_expect_eq(mli_controls_up(&c, c.column + 50, 100).kind, MLI_ACT_PASS);

    expect_turn(mli_controls_down(&c, s.track.x + 30 * unit, y, 1), WIDTH, 34, false);
    mli_controls_up(&c, s.track.x + 30 * unit, y);
    expect_turn(mli_controls_down(&c, s.track.x + 30 * unit, y, 2), WIDTH, 8, true); /* as it was at the start */
    cr_expect_eq(mli_controls_up(&c, s.track.x + 30 * unit, y).kind, MLI_ACT_LOOK);

    expect_turn(mli_controls_down(&c, s.track.x + 30 * unit, y, 1), WIDTH, 34, false);
    expect_turn(mli_controls_key(&c, MLI_KEY_ESCAPE), WIDTH, 8, true); /* as it was before the drag */
    cr_expect_neq(mli_controls_move(&c, s.track.x + 40 * unit, y).kind, MLI_ACT_TURN);

    c.locked = true;
    cr_expect_eq(mli_controls_down(&c, s.track.x, y, 1).kind, MLI_ACT_LOOK, "taken, and nothing turned");
    mli_controls_up(&c, s.track.x, y);
    cr_expect_eq(c.knob[WIDTH].value, 8);
}

Test(controls, wheel_and_keys_turn_what_is_under_the_pointer)
{
    mli_controls c = sample();
    lay(&c, 900, 700);
    mli_control s = find(&c, MLI_CONTROL_SLIDER, SHIFT, 0);
    mli_controls_move(&c, mid_x(s.box), mid_y(s.box));
    mli_act a = mli_controls_wheel(&c, mid_x(s.box), mid_y(s.box), 1);
    cr_expect(a.kind == MLI_ACT_TURN && a.knob == SHIFT && fabs(a.value - 0.29) < 0.011, "%g", a.value);
    a = mli_controls_key(&c, MLI_KEY_LEFT);
    cr_expect(a.kind == MLI_ACT_TURN && fabs(a.value - 0.25) < 0.011, "%g", a.value);
    mli_controls_move(&c, c.column + 10, 10);
    cr_expect_eq(mli_controls_key(&c, MLI_KEY_LEFT).kind, MLI_ACT_PASS, "nothing is meant");
    cr_expect_eq(mli_controls_wheel(&c, c.column + 10, 10, 1).kind, MLI_ACT_PASS);
}

Test(controls, toggles_segments_and_buttons_act_when_they_come_up)
{
    mli_controls c = sample();
    lay(&c, 900, 700);
    expect_turn(click(&c, find(&c, MLI_CONTROL_TOGGLE, AUGMENT, 0)), AUGMENT, 1, false);
    expect_turn(click(&c, find(&c, MLI_CONTROL_TOGGLE, AUGMENT, 0)), AUGMENT, 0, false);
    expect_turn(click(&c, find(&c, MLI_CONTROL_SEGMENT, ACT, 2)), ACT, 2, false);
    cr_expect_eq(click(&c, find(&c, MLI_CONTROL_SEGMENT, ACT, 2)).kind, MLI_ACT_LOOK, "chosen already");
    expect_turn(click(&c, find(&c, MLI_CONTROL_BUTTON, RESET, 0)), RESET, 1, false);
    expect_turn(click(&c, find(&c, MLI_CONTROL_BUTTON, RESET, 0)), RESET, 1, false);
    cr_expect_eq(click(&c, find(&c, MLI_CONTROL_PAUSE, 0, 0)).kind, MLI_ACT_PAUSE);
    cr_expect_eq(click(&c, find(&c, MLI_CONTROL_STEP, 0, 0)).kind, MLI_ACT_STEP);
    cr_expect_eq(click(&c, find(&c, MLI_CONTROL_STOP, 0, 0)).kind, MLI_ACT_STOP);
    mli_box stop = find(&c, MLI_CONTROL_STOP, 0, 0).box;
    mli_controls_down(&c, mid_x(stop), mid_y(stop), 1);
    cr_expect_eq(mli_controls_up(&c, mid_x(stop) + 200, mid_y(stop)).kind, MLI_ACT_LOOK, "thought better of it");
    mli_control smoothing = find(&c, MLI_CONTROL_SMOOTHING, 0, 0);
    mli_act     a = mli_controls_down(&c, smoothing.track.x + smoothing.track.w / 3, smoothing.track.y, 1);
    cr_expect(a.kind == MLI_ACT_SMOOTH && fabs(a.value - 0.9) < 0.011, "%g", a.value);
    a = mli_controls_move(&c, 5000, 0);
    cr_expect(a.kind == MLI_ACT_SMOOTH && a.value == 0.999, "%g", a.value);
    mli_controls_up(&c, 5000, 0);
}

Test(controls, a_list_opens_and_closes)
{
    mli_controls c = sample();
    lay(&c, 900, 700);
    mli_control box = find(&c, MLI_CONTROL_LIST, DATA, 0);
    cr_expect_eq(click(&c, box).kind, MLI_ACT_LOOK);
    lay(&c, 900, 700);
    cr_assert_eq(c.list, DATA + 1);
    mli_control entry = find(&c, MLI_CONTROL_ENTRY, DATA, 4);
    cr_expect_eq(mli_control_at(&c, mid_x(entry.box), mid_y(entry.box))->id.kind, MLI_CONTROL_ENTRY, "it lies over what is below");
    expect_turn(click(&c, entry), DATA, 4, false);
    lay(&c, 900, 700);
    cr_expect(c.list == 0 && !mli_control_of(&c, entry.id));

    click(&c, box); /* a click elsewhere closes it, and does no more */
    lay(&c, 900, 700);
    cr_expect_eq(mli_controls_down(&c, 600, 300, 1).kind, MLI_ACT_LOOK);
    cr_expect_eq(c.list, 0);
    mli_controls_up(&c, 600, 300);

    mli_controls_down(&c, mid_x(box.box), mid_y(box.box), 1); /* pressed, dragged, let go */
    lay(&c, 900, 700);
    entry = find(&c, MLI_CONTROL_ENTRY, DATA, 0);
    mli_controls_move(&c, mid_x(entry.box), mid_y(entry.box));
    cr_expect(mli_control_same(c.hover, entry.id));
    expect_turn(mli_controls_up(&c, mid_x(entry.box), mid_y(entry.box)), DATA, 0, false);

    click(&c, box); /* a low window: part of it is seen, the wheel brings the rest */
    lay(&c, 900, 340);
    int seen = 0;
    for (int i = 0; i < c.n; i++) {
        if (c.at[i].id.kind != MLI_CONTROL_ENTRY) continue;
        seen++;
        cr_expect(c.at[i].box.y >= 0 && c.at[i].box.y + c.at[i].box.h <= 340);
    }
    cr_expect(seen >= 1 && seen <= 6, "%d", seen);
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < c.n; k++)
            if (c.at[k].id.kind == MLI_CONTROL_ENTRY) entry = c.at[k];
        mli_controls_wheel(&c, mid_x(entry.box), mid_y(entry.box), -1);
        lay(&c, 900, 340);
    }
    find(&c, MLI_CONTROL_ENTRY, DATA, 5);
    mli_controls_key(&c, MLI_KEY_ESCAPE);
    cr_expect_eq(c.list, 0);
}

Test(controls, the_column_scrolls_when_it_is_too_tall)
{
    mli_controls c = sample();
    lay(&c, 900, 200);
    cr_assert_gt(c.content, mli_column_height(&c));
    double top = c.at[0].box.y;
    mli_controls_wheel(&c, 5, 100, -2);
    lay(&c, 900, 200);
    cr_expect_eq(c.at[0].box.y, top - 80);
    mli_controls_wheel(&c, 5, 100, -100);
    lay(&c, 900, 200);
    cr_expect(fabs(c.scroll - (c.content - mli_column_height(&c))) < 0.01, "not beyond its end");
    mli_control last = find(&c, MLI_CONTROL_SLIDER, SHIFT, 0);
    cr_expect(last.box.y + last.box.h < mli_column_height(&c));
    lay(&c, 900, 900);
    cr_expect_eq(c.scroll, 0);
}

Test(controls, tab_goes_through_all_and_keys_turn_them)
{
    mli_controls c = sample();
    int          kinds[16], n = 0;
    lay(&c, 900, 200);
    for (; n < 16; n++) {
        mli_controls_key(&c, MLI_KEY_TAB);
        lay(&c, 900, 200);
        if (c.focus.kind == MLI_CONTROL_NONE) break;
        kinds[n]              = c.focus.kind;
        const mli_control *at = mli_control_of(&c, c.focus);
        cr_expect(c.focus.kind >= MLI_CONTROL_PAUSE || (at->box.y >= 0 && at->box.y + at->box.h <= mli_column_height(&c)),
                  "%d is scrolled to where it is seen", n);
        if (c.focus.kind == MLI_CONTROL_SEGMENT) expect_turn(mli_controls_key(&c, MLI_KEY_RIGHT), ACT, 1, false);
        if (c.focus.kind == MLI_CONTROL_TOGGLE) expect_turn(mli_controls_key(&c, MLI_KEY_ENTER), AUGMENT, 1, false);
        if (c.focus.kind == MLI_CONTROL_LIST) expect_turn(mli_controls_key(&c, MLI_KEY_DOWN), DATA, 3, false);
        if (c.focus.kind == MLI_CONTROL_BUTTON) expect_turn(mli_controls_key(&c, MLI_KEY_ENTER), RESET, 1, false);
        if (c.focus.kind == MLI_CONTROL_STOP) cr_expect_eq(mli_controls_key(&c, MLI_KEY_ENTER).kind, MLI_ACT_STOP);
    }
    static const int wanted[] = { MLI_CONTROL_SLIDER, MLI_CONTROL_SLIDER, MLI_CONTROL_TOGGLE, MLI_CONTROL_SEGMENT, MLI_CONTROL_LIST,
                                  MLI_CONTROL_BUTTON, MLI_CONTROL_SLIDER, MLI_CONTROL_PAUSE, MLI_CONTROL_STEP, MLI_CONTROL_STOP,
                                  MLI_CONTROL_SMOOTHING };
    cr_assert_eq(n, 11);
    cr_expect_arr_eq(kinds, wanted, sizeof wanted);
    mli_controls_key(&c, MLI_KEY_BACK_TAB);
    cr_expect_eq(c.focus.kind, MLI_CONTROL_SMOOTHING);
}

/* Any gestures in any order, on pages of any size: no crash, no value out of its knob. */
Test(controls, a_storm_of_gestures_harms_nothing)
{
    mli_controls c = sample();
    page         p = page_new(900, 600, 1);
    srand(5);
    for (int i = 0; i < 20000; i++) {
        double x = rand() % 1000 - 50, y = rand() % 700 - 50;
        if (rand() % 4) x = rand() % 200; /* mostly in the column */
        mli_act a = { 0 };
        switch (rand() % 8) {
        case 0: a = mli_controls_down(&c, x, y, 1 + rand() % 2); break;
        case 1: a = mli_controls_up(&c, x, y); break;
        case 2: a = mli_controls_wheel(&c, x, y, rand() % 7 - 3); break;
        case 3: a = mli_controls_key(&c, (mli_control_key)(rand() % 8)); break;
        case 4: c.locked = rand() % 4 == 0; break;
        case 5: mli_controls_lay(&c, &p.paper, 1 + rand() % 900, 1 + rand() % 600); break;
        default: a = mli_controls_move(&c, x, y);
        }
        if (a.kind == MLI_ACT_TURN) {
            const ml_knob *k = &c.knob[a.knob];
            cr_assert(a.knob >= 0 && a.knob < N);
            if (k->kind == ML_KNOB_SLIDER) cr_assert(a.value >= k->from && a.value <= k->to);
            if (k->kind == ML_KNOB_CHOICE) cr_assert(a.value >= 0 && a.value < k->n_choices);
        }
        if (i % 50 == 0) mli_controls_draw(&c, &p.paper, "step 1");
    }
    page_free(&p);
}
