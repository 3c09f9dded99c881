#include "figure/braille.h"

#include <stdlib.h>
#include <string.h>

void mli_cells_clear(mli_cells *c, int columns, int rows)
{
    c->columns = columns < 0 ? 0 : columns < MLI_CELL_COLUMNS ? columns : MLI_CELL_COLUMNS;
    c->rows    = rows < 0 ? 0 : rows < MLI_CELL_ROWS ? rows : MLI_CELL_ROWS;
    for (int i = 0; i < c->rows; i++) {
        memset(c->dots[i], 0, sizeof c->dots[i]);
        memset(c->letter[i], 0, sizeof c->letter[i]);
    }
}

/* --- drawing ------------------------------------------------------------------------------------------ */
static void dot(mli_cells *c, int x, int y, int ink)
{
    static const unsigned char bits[4][2] = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } };
    if (x < 0 || y < 0 || x >= 2 * c->columns || y >= 4 * c->rows) return;
    c->dots[y / 4][x / 2] |= bits[y % 4][x % 2];
    c->ink[y / 4][x / 2] = (unsigned char)ink;
}

static int between(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

/* Upright lines are most of what is drawn (the range of a column), and may be far longer than the canvas is high. */
void mli_cells_line(mli_cells *c, int x0, int y0, int x1, int y1, int ink)
{
    int height = 4 * c->rows, width = 2 * c->columns;
    if ((y0 < 0 && y1 < 0) || (y0 >= height && y1 >= height) || (x0 < 0 && x1 < 0) || (x0 >= width && x1 >= width)) return;
    if (x0 == x1) y0 = between(y0, -1, height), y1 = between(y1, -1, height);
    int64_t dx = x1 - x0, dy = y1 - y0, steps = llabs(dx) > llabs(dy) ? llabs(dx) : llabs(dy);
    if (steps == 0) dot(c, x0, y0, ink);
    for (int64_t i = 0; steps > 0 && i <= steps; i++) { /* to the nearest dot, halves away from the start's side */
        int64_t rx = 2 * i * dx + (dx < 0 ? -steps : steps), ry = 2 * i * dy + (dy < 0 ? -steps : steps);
        dot(c, x0 + (int)(rx / (2 * steps)), y0 + (int)(ry / (2 * steps)), ink);
    }
}

/* --- as text ------------------------------------------------------------------------------------------ */
void mli_pen_begin(const mli_pens *pens, int ink, mli_text *to)
{
    if (pens->n > 0) mli_text_putf(to, "\033[%sm", pens->codes[ink % pens->n]);
}

void mli_pen_end(const mli_pens *pens, mli_text *to)
{
    if (pens->n > 0) mli_text_puts(to, "\033[0m");
}

static void put_cell(unsigned char dots, bool braille, mli_text *to)
{
    bool upper = dots & 0x1B, lower = dots & 0xE4;
    if (!braille) mli_text_put(to, upper && lower ? ":" : upper ? "'" : lower ? "." : " ", 1);
    else if (!dots) mli_text_put(to, " ", 1);
    else mli_text_put(to, (char[]){ '\xE2', (char)(0xA0 | dots >> 6), (char)(0x80 | (dots & 0x3F)) }, 3);
}

void mli_cells_put_row(const mli_cells *c, int row, const mli_pens *pens, mli_text *to)
{
    int pen = -1;
    for (int i = 0; i < c->columns; i++) {
        bool drawn = c->dots[row][i] || c->letter[row][i];
        if (pen >= 0 && (!drawn || c->ink[row][i] != pen)) {
            mli_pen_end(pens, to);
            pen = -1;
        }
        if (drawn && pen < 0) mli_pen_begin(pens, pen = c->ink[row][i], to);
        if (c->letter[row][i]) mli_text_put(to, &c->letter[row][i], 1);
        else put_cell(c->dots[row][i], pens->braille, to);
    }
    if (pen >= 0) mli_pen_end(pens, to);
}
