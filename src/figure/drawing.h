/* The two halves of figures. What a figure holds is part of the core; what draws it stands in a shared object of its own,
 * moonlab_figure.so, loaded when the first picture is asked for: Pango, Cairo and SDL2 bring some eighty libraries,
 * which cost a process 10 ms before its first line, and most scripts start without them.
 *
 * The drawing half calls the core through a table (a static core inside a program or a Lua module has no symbols that
 * a shared object could find), so memory, messages and figures are those of the core that loaded it. */
#ifndef MLI_FIGURE_DRAWING_H
#define MLI_FIGURE_DRAWING_H

#include "figure/model.h"
#include "kernels/kernels.h"
#include "moonlab/run.h"

typedef struct mli_core { /* what drawing needs of the core */
    const char *version;
    size_t      core_bytes, drawing_bytes, view_bytes, panel_bytes, series_bytes, mark_bytes, knob_bytes; /* the two halves must mean the same structs */
    void       *(*fail)(const char *format, ...) ML_PRINTF(1, 2);
    bool        (*failed)(void);
    const char *(*error_message)(void);
    void        (*error_clear)(void);
    void       *(*realloc)(void *ptr, size_t old_bytes, size_t new_bytes);
    bool        (*file_write)(const char *path, const void *bytes, size_t n);
    double      (*clock)(void);
    ml_figure  *(*figure_retain)(ml_figure *fig);
    void        (*figure_release)(ml_figure *fig);
    bool        (*view_take)(ml_figure *fig, mli_view *view);
    void        (*view_drop)(mli_view *view);
    uint64_t    (*figure_version)(ml_figure *fig);
    ml_knobs   *(*figure_knobs)(ml_figure *fig);
    void        (*knobs_release)(ml_knobs *knobs);
    int         (*knobs_look)(const ml_knobs *knobs, ml_knob out[ML_KNOBS], bool *locked);
    uint64_t    (*knobs_version)(const ml_knobs *knobs);
    bool        (*knobs_turn)(ml_knobs *knobs, int knob, double value, bool goes_on);
    ml_loop     (*loop_look)(void);
    void        (*loop_watch)(ml_loop_watcher *watcher, char *text, size_t room);
    bool        (*loop_pause)(bool pause);
    bool        (*loop_advance)(void);
    void        (*interrupt_raise)(void);
    void        (*smooth)(int64_t n, const double *y, double *average, mlk_average *state);
    int64_t     (*smooth_width)(double past);
} mli_core;

typedef struct mli_drawing { /* what the core needs of drawing: the functions of figure.h */
    bool       (*save)(ml_figure *fig, const char *path, const ml_save_opts *opts);
    bool       (*pixels)(ml_figure *fig, int width, int height, uint32_t *pixels, const ml_save_opts *opts);
    ml_film *(*film_open)(ml_figure *fig, const char *path, const ml_save_opts *opts);
    bool       (*film_frame)(ml_film *recording);
    bool       (*film_close)(ml_film *recording);
    ml_window *(*window_open)(ml_figure *fig, const ml_window_opts *opts);
    bool       (*window_is_open)(const ml_window *window);
    bool       (*window_wait)(ml_window *window, double seconds);
    int64_t    (*window_frames)(const ml_window *window);
    void       (*window_close)(ml_window *window);
    const char *(*libraries)(void);
    const char *(*display)(void);
} mli_drawing;

/* The one symbol of moonlab_figure.so. NULL when it was built from other sources than the core. */
typedef const mli_drawing *mli_drawing_entry(const mli_core *core);
#define MLI_DRAWING_ENTRY "mli_drawing_start"

/* The functions themselves, inside moonlab_figure.so. */
bool       mli_save(ml_figure *fig, const char *path, const ml_save_opts *opts);
bool       mli_pixels(ml_figure *fig, int width, int height, uint32_t *pixels, const ml_save_opts *opts);
ml_film *mli_film_open(ml_figure *fig, const char *path, const ml_save_opts *opts);
bool       mli_film_frame(ml_film *recording);
bool       mli_film_close(ml_film *recording);
ml_window *mli_window_open(ml_figure *fig, const ml_window_opts *opts);
bool       mli_window_is_open(const ml_window *window);
bool       mli_window_wait(ml_window *window, double seconds);
int64_t    mli_window_frames(const ml_window *window);
void       mli_window_close(ml_window *window);
const char *mli_libraries(void);
const char *mli_display(void);

#endif
