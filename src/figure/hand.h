/* What a hand does to a figure on screen: its gestures change how the figure is looked at. Knows no window: places are
 * those of mli_seen, in the units of the last picture.
 *
 *     wheel      zooms around the pointer; beside an axis, that axis alone
 *     left       drags a box to zoom into; a strip when it is flat
 *     right      drags the values along (so do the middle button, and left with shift)
 *     click      on a name of the legend: its mark is hidden, or is seen again
 *     two clicks in the axes: all of the panel; on its title: the panel alone, or all panels again
 */
#ifndef MLI_FIGURE_HAND_H
#define MLI_FIGURE_HAND_H

#include "figure/paint.h"

typedef struct mli_ties { /* what a figure says about its panels' axes */
    int      n;
    int      first[2][MLI_PANELS];       /* x, y: the first of those that it shares the axis with */
    ml_scale scale[MLI_PANELS][MLI_AXES];
    double   smooth;                 /* the most that a panel has */
} mli_ties;

typedef struct mli_spot { /* what a place belongs to */
    int  panel;           /* -1 = none */
    bool inside;          /* the axes */
    bool title;
    bool axis[MLI_AXES];  /* those that a gesture here is about */
} mli_spot;

typedef enum mli_grip { MLI_GRIP_NONE, MLI_GRIP_BOX, MLI_GRIP_PAN } mli_grip;

typedef struct mli_hand {
    mli_look look;
    mli_seen seen; /* of the last picture */
    mli_ties ties;
    bool     points; /* at (x, y), in the units of seen */
    double   x, y;
    mli_grip       grip; /* what a button that is down does: from (from_x, from_y) on, in a panel as it was then */
    mli_spot       held;
    mli_seen_panel began;
    double         from_x, from_y;
} mli_hand;

void     mli_ties_of(const mli_view *view, mli_ties *ties);
mli_spot mli_spot_at(const mli_seen *seen, double x, double y);

/* True when the look has changed. pan: the button, or a key held with it, says that values are dragged. */
bool mli_hand_down (mli_hand *h, double x, double y, bool pan, int clicks);
bool mli_hand_move (mli_hand *h, double x, double y);
bool mli_hand_up   (mli_hand *h, double x, double y);
bool mli_hand_wheel(mli_hand *h, double x, double y, double turns); /* > 0 comes closer */

/* x, y: logarithmic or not; m: the panel alone; [ ]: smoothing; r: everything as the figure says; \x1b (Escape): lets go, or
 * all panels again. */
bool mli_hand_key(mli_hand *h, int key);

/* How much curves are smoothed, in all panels, 0 to below 1: for a slider. What it says goes before what the panels say. */
double mli_hand_smoothing(const mli_hand *h);
bool   mli_hand_smooth   (mli_hand *h, double past);

/* The box that is being dragged, within its panel; false: none. */
bool mli_hand_box(const mli_hand *h, mli_box *box);

#endif
