#include "figure/terminal_words.h"
#include "run/screen.h"

#include <stdio.h>

int mli_put_words(mli_text *to, const char *words, bool utf8, int room)
{
    char clean[MLI_TEXT + 64];
    int  used = 0;
    mli_clean(clean, sizeof clean, words, utf8);
    for (const char *at = clean; *at;) {
        uint32_t code = 0;
        int      n = mli_utf8(at, &code), width = mli_screen_columns(code);
        if (used + width > room) break;
        mli_text_put(to, at, (size_t)n);
        used += width;
        at += n;
    }
    return used;
}

void mli_put_spaces(mli_text *to, int n)
{
    for (int i = 0; i < n; i++) mli_text_put(to, " ", 1);
}

int mli_ink_of(const mli_mark *mark, int place)
{
    double group = mli_opt_number(mark, "group");
    return group >= 1 && group < 1e6 ? (int)group - 1 : place;
}

bool mli_is_grouped(const mli_mark *mark)
{
    return mark->series >= 0 && mli_opt_number(mark, "group") >= 1;
}

/* --- the legend of groups ------------------------------------------------------------------------------- */
#define APART 3 /* columns between two names */

void mli_find_groups(const mli_view *view, mli_groups *g)
{
    g->n = 0;
    for (int i = 0; i < view->n_panels; i++)
        for (int k = 0; k < view->panels[i].n_marks && g->n < MLI_GROUPS; k++) {
            const mli_mark *mark = view->panels[i].marks[k];
            int             at = 0, ink = mli_is_grouped(mark) ? mli_ink_of(mark, 0) : 0;
            if (!mli_is_grouped(mark) || !mli_opt_line(mark, "label", 0, g->name[g->n], MLI_TEXT)[0]) continue;
            while (at < g->n && g->ink[at] != ink) at++;
            if (at == g->n) g->ink[g->n++] = ink;
        }
}

int mli_put_groups(mli_text *to, const mli_groups *g, const mli_pens *pens, int columns, int most)
{
    int lines = 0, used = 0;
    for (int i = 0; i < g->n; i++) {
        mli_text name      = { 0 };
        char     letter[4] = "", rest[32] = "";
        if (pens->n == 0) snprintf(letter, sizeof letter, "%c ", 'a' + g->ink[i] % 26);
        int  width = mli_put_words(&name, letter, pens->braille, columns) + mli_put_words(&name, g->name[i], pens->braille, columns - 8);
        bool last  = lines + 1 >= most, fits = used == 0 || used + APART + width <= columns - (last && i + 1 < g->n ? 12 : 0);
        if (!fits && last) snprintf(rest, sizeof rest, "   +%d more", g->n - i);
        if (!fits && !last) {
            mli_text_puts(to, "\n");
            lines++;
            used = 0;
        }
        if (*rest) {
            mli_text_puts(to, rest);
            i = g->n;
        } else {
            if (used > 0) mli_put_spaces(to, APART);
            mli_pen_begin(pens, g->ink[i], to);
            if (name.bytes) mli_text_put(to, name.bytes, name.used);
            mli_pen_end(pens, to);
            used += width + (used > 0 ? APART : 0);
        }
        mli_text_free(&name);
    }
    if (g->n > 0) mli_text_puts(to, "\n");
    return g->n > 0 ? lines + 1 : 0;
}

