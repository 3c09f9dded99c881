/* Words of a page of curves in a terminal, and the legend of curves that are in groups. */
#ifndef MLI_FIGURE_TERMINAL_WORDS_H
#define MLI_FIGURE_TERMINAL_WORDS_H

#include "figure/braille.h"
#include "figure/model.h"

/* As much of the text as has room; returns the columns it took. */
int  mli_put_words (mli_text *to, const char *words, bool utf8, int room);
void mli_put_spaces(mli_text *to, int n);

/* The ink of a curve: by its place in the panel, or its group, then it is the same in all panels. */
int mli_ink_of(const mli_mark *mark, int place);

/* Curves in groups have one legend for all panels. */
#define MLI_GROUPS 256

typedef struct mli_groups {
    int  n, ink[MLI_GROUPS];
    char name[MLI_GROUPS][MLI_TEXT];
} mli_groups;

bool mli_is_grouped (const mli_mark *mark);
void mli_find_groups(const mli_view *view, mli_groups *g);
/* Lines of names, each in its colour; at most so many, and the last one says how many have no room. Returns how many. */
int  mli_put_groups (mli_text *to, const mli_groups *g, const mli_pens *pens, int columns, int most);

#endif
