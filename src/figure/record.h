/* Recordings: pictures of a figure one after the other, as an animated GIF or, through ffmpeg, as a film. */
#ifndef MLI_FIGURE_RECORD_H
#define MLI_FIGURE_RECORD_H

#include "figure/drawing.h"

/* One way of writing frames. open and frame are false with a message; close ends it, keeps the file if keep, and frees. */
typedef struct mli_film_kind {
    void *(*open)(const char *path, int width, int height, double rate);
    bool  (*frame)(void *film, const uint32_t *pixels, int times); /* shown for so many frames */
    bool  (*close)(void *film, bool keep);
} mli_film_kind;

extern const mli_film_kind mli_film_gif, mli_film_ffmpeg;

#endif
