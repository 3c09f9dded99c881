/* moonlab/knobs.h - knobs: what a hand may change while a training runs.
 *
 *     ml_knobs *knobs = ml_knobs_new();
 *     int lr = ml_knobs_add(knobs, &(ml_knob){ .kind = ML_KNOB_SLIDER, .label = "lr", .from = 1e-4, .to = 1, .log = true,
 *                                              .value = 0.01 });
 *     ml_figure_set_knobs(fig, knobs);                 // its window shows them
 *     ml_turn turn;                                    // between two steps:
 *     while (ml_knobs_take(knobs, &turn)) apply(turn.knob, turn.value);
 *     ml_knobs_release(knobs);
 *
 * A hand turns a knob in the window's thread: the window shows the new value at once, and the turn waits in a queue until
 * the training takes it, between two steps. Knobs count from 0. Every function may be called from any thread.
 */
#ifndef MOONLAB_KNOBS_H
#define MOONLAB_KNOBS_H

#include "moonlab/base.h"

#define ML_KNOBS        64  /* most knobs of a board */
#define ML_KNOB_CHOICES 32  /* most texts of a choice */
#define ML_KNOB_TEXT    96  /* most bytes of a label or a choice, with its end */
#define ML_KNOB_TURNS   256 /* most turns that wait */

typedef struct ml_knobs ml_knobs; /* a board of knobs; opaque, counted */

typedef enum ml_knob_kind { ML_KNOB_SLIDER, ML_KNOB_TOGGLE, ML_KNOB_CHOICE, ML_KNOB_BUTTON } ml_knob_kind;

typedef struct ml_knob {
    ml_knob_kind       kind;
    const char        *label;
    double             from, to;  /* slider: finite, from < to; with log from > 0 */
    bool               log, whole; /* slider: its scale; only whole numbers */
    const char *const *choices;   /* choice: the texts */
    int                n_choices;
    double             value;     /* slider: a number; toggle: 0, 1; choice: which, from 0 on; button: 0 */
    double             start;     /* the value when it was added; not read by ml_knobs_add */
} ml_knob;

typedef struct ml_turn {
    int    knob;
    double value;   /* button: 1 */
    bool   goes_on; /* with the gesture of the turn before: a drag is one gesture */
} ml_turn;

/* --- for who has the knobs ---------------------------------------------------------------------- */
ml_knobs *ml_knobs_new(void); /* NULL with a message */
ml_knobs *ml_knobs_retain(ml_knobs *knobs);
void      ml_knobs_release(ml_knobs *knobs);                        /* NULL is fine */
int       ml_knobs_add(ml_knobs *knobs, const ml_knob *knob);       /* copies; -1 with a message */
bool      ml_knobs_set(ml_knobs *knobs, int knob, double value);    /* shown, and not queued; as near as the knob can */
void      ml_knobs_lock(ml_knobs *knobs, bool locked);              /* hands cannot turn it: shown faint */
bool      ml_knobs_waiting(const ml_knobs *knobs);                  /* a turn waits to be taken; NULL: none */
bool      ml_knobs_take(ml_knobs *knobs, ml_turn *turn);            /* the oldest; false: none waits */

/* --- for hands ---------------------------------------------------------------------------------- */
/* Shows the value, as near as the knob can, queues it, and wakes a paused loop. A turn that goes on takes the place of the last
 * one that waits, if that is of the same knob. False: locked, no such knob, or too many turns wait. */
bool     ml_knobs_turn(ml_knobs *knobs, int knob, double value, bool goes_on);
int      ml_knobs_look(const ml_knobs *knobs, ml_knob out[ML_KNOBS], bool *locked); /* how many; texts live as long as the board */
uint64_t ml_knobs_version(const ml_knobs *knobs);                   /* changes whenever what is shown would; NULL: 0 */
double   ml_knob_nearest(const ml_knob *knob, double value);        /* that it can have */

#endif
