/* Controls in a window: a column of the run's knobs at the left of the figure, and the bar below both. Where everything stands is
 * computed by one function; what draws it and what the mouse hits are read from there. Knows no window: lengths are those of the
 * page, in 1/96 inch, and what a hand does comes back as an act, which the window performs. */
#ifndef MLI_FIGURE_CONTROL_H
#define MLI_FIGURE_CONTROL_H

#include "figure/paint.h"
#include "moonlab/knobs.h"

#define MLI_BAR 28 /* height of the bar */

typedef enum mli_control_kind {
    MLI_CONTROL_NONE,
    MLI_CONTROL_SLIDER, MLI_CONTROL_TOGGLE, MLI_CONTROL_BUTTON,
    MLI_CONTROL_SEGMENT,                                   /* one text of a choice, where all fit side by side */
    MLI_CONTROL_LIST, MLI_CONTROL_ENTRY,                   /* else: a box with the text chosen; the texts of the open list */
    MLI_CONTROL_PAUSE, MLI_CONTROL_STEP, MLI_CONTROL_STOP, /* of the bar */
    MLI_CONTROL_SMOOTHING
} mli_control_kind;

typedef struct mli_control_id {
    mli_control_kind kind;
    int              knob; /* of the bar's: 0 */
    int              part; /* segment, entry: which text */
} mli_control_id;

typedef struct mli_control {
    mli_control_id id;
    mli_box        box;   /* what a hand hits */
    mli_box        track; /* slider: the line that the middle of its handle runs along */
    mli_box        words; /* the label's line; the value stands at its end */
} mli_control;

#define MLI_CONTROLS 768

typedef struct mli_controls {
    /* what there is; set by the window */
    int     n_knobs;
    ml_knob knob[ML_KNOBS];
    bool    locked;          /* knobs are only looked at */
    bool    bar;             /* there is one */
    bool    loop;            /* with buttons, as a loop was under way */
    bool    running, paused; /* that loop */
    bool    curves;          /* with a slider for their smoothing */
    double  smoothing;
    /* where it stands, by mli_controls_lay */
    double      page_w, page_h;
    double      column, content; /* width of the column, 0: there is none; height of what is in it */
    mli_box     status;          /* of the bar's text */
    int         n;
    mli_control at[MLI_CONTROLS];
    /* what hands have done to the controls themselves */
    double         scroll; /* of the column */
    int            list;   /* the choice whose list is open, counted from 1; 0: none */
    int            first;  /* of its texts that is seen */
    mli_control_id hover, held, focus;
    bool           keyed;  /* the focus came by a key: it is shown */
    bool           moved; /* the slider that is held has moved: what comes goes on with it */
    double         began; /* its value before */
} mli_controls;

/* --- control_layout.c ----------------------------------------------------------------------------- */
void   mli_controls_lay(mli_controls *c, mli_paper *p, double page_w, double page_h);
const mli_control *mli_control_at(const mli_controls *c, double x, double y);   /* NULL: none */
const mli_control *mli_control_of(const mli_controls *c, mli_control_id id);    /* NULL: not there any more */
bool   mli_control_same(mli_control_id a, mli_control_id b);
double mli_column_height(const mli_controls *c);                                /* of what is seen of it */

/* --- control_value.c: along a slider: 0 at its left end, 1 at its right one --------------------------- */
double mli_slider_place(const ml_knob *knob, double value);
double mli_slider_value(const ml_knob *knob, double place, double length);      /* with the digits that so long a line can tell apart */
double mli_slider_next (const ml_knob *knob, double value, double length, double by); /* the next value, by so much of the line or more */
void   mli_slider_text (const ml_knob *knob, double value, char *text, size_t room);
double mli_smoothing_place(double smoothing);
double mli_smoothing_value(double place);
void   mli_smoothing_text(double smoothing, char *text, size_t room);

/* --- control_draw.c ------------------------------------------------------------------------------- */
void mli_controls_draw(const mli_controls *c, mli_paper *p, const char *status);

/* --- control_hand.c ------------------------------------------------------------------------------- */
typedef enum mli_act_kind {
    MLI_ACT_PASS, /* not for controls */
    MLI_ACT_LOOK, /* theirs, and done: draw them again */
    MLI_ACT_TURN, /* ml_knobs_turn */
    MLI_ACT_PAUSE, MLI_ACT_STEP, MLI_ACT_STOP,
    MLI_ACT_SMOOTH /* to value */
} mli_act_kind;

typedef struct mli_act {
    mli_act_kind kind;
    int          knob;
    double       value;
    bool         goes_on;
} mli_act;

typedef enum mli_control_key {
    MLI_KEY_LEFT, MLI_KEY_RIGHT, MLI_KEY_UP, MLI_KEY_DOWN, MLI_KEY_ENTER, MLI_KEY_TAB, MLI_KEY_BACK_TAB, MLI_KEY_ESCAPE
} mli_control_key;

mli_act mli_controls_down (mli_controls *c, double x, double y, int clicks); /* the left button */
mli_act mli_controls_move (mli_controls *c, double x, double y);
mli_act mli_controls_up   (mli_controls *c, double x, double y);
mli_act mli_controls_wheel(mli_controls *c, double x, double y, double turns);
mli_act mli_controls_key  (mli_controls *c, mli_control_key key);
void    mli_controls_leave(mli_controls *c);                                 /* the pointer has left the window */

#endif
