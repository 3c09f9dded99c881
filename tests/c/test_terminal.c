/* Curves as text: the canvas of braille cells, and the pages made of it. */
#define _GNU_SOURCE
#include "figure/braille.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "moonlab/figure.h"

static const mli_pens plain = { .braille = true }, ascii = { .braille = false };
static const char *const codes[] = { "31", "32" };
static const mli_pens coloured = { .braille = true, .n = 2, .codes = codes };
static mli_cells cells;
static size_t    live_before;

static void begin(void) { live_before = ml_memory().live; }
static void end(void) { cr_expect_eq(ml_memory().live, live_before); }
TestSuite(terminal, .init = begin, .fini = end);

static void expect_row(int row, const mli_pens *pens, const char *expected)
{
    mli_text t = { 0 };
    mli_cells_put_row(&cells, row, pens, &t);
    mli_text_put(&t, "", 1);
    cr_expect_str_eq(t.bytes, expected, "row %d: '%s', not '%s'", row, t.bytes, expected);
    mli_text_free(&t);
}

Test(terminal, each_dot_has_its_place_in_its_cell)
{
    static const char *const glyph[4][2] = { { "\u2801", "\u2808" }, { "\u2802", "\u2810" }, { "\u2804", "\u2820" }, { "\u2840", "\u2880" } };
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 2; x++) {
            char expected[16];
            mli_cells_clear(&cells, 3, 2);
            mli_cells_line(&cells, 2 + x, 4 + y, 2 + x, 4 + y, 0);
            snprintf(expected, sizeof expected, " %s ", glyph[y][x]);
            expect_row(1, &plain, expected);
            expect_row(0, &plain, "   ");
        }
}

Test(terminal, lines_reach_both_ends_in_every_direction)
{
    mli_cells_clear(&cells, 2, 1);
    mli_cells_line(&cells, 0, 0, 3, 3, 0);
    expect_row(0, &plain, "\u2811\u2884");
    mli_cells_clear(&cells, 2, 1);
    mli_cells_line(&cells, 3, 3, 0, 0, 0);
    expect_row(0, &plain, "\u2811\u2884");
    mli_cells_clear(&cells, 2, 1);
    mli_cells_line(&cells, 0, 3, 3, 0, 0);
    expect_row(0, &plain, "\u2860\u280A");
    mli_cells_clear(&cells, 2, 1);
    mli_cells_line(&cells, 1, 0, 1, 3, 0);
    mli_cells_line(&cells, 0, 0, 3, 0, 0);
    expect_row(0, &plain, "\u28B9\u2809");
}

Test(terminal, what_is_outside_is_not_drawn)
{
    mli_cells_clear(&cells, 2, 1);
    mli_cells_line(&cells, 1, -1000000, 1, 1000000, 0);
    expect_row(0, &plain, "\u28B8 ");
    mli_cells_clear(&cells, 2, 1);
    mli_cells_line(&cells, -1000000, 2, 1000000, 2, 0);
    expect_row(0, &plain, "\u2824\u2824");
    mli_cells_clear(&cells, 2, 1);
    mli_cells_line(&cells, -5, -5, -1, 10, 0);
    mli_cells_line(&cells, 4, 0, 9, 3, 0);
    expect_row(0, &plain, "  ");
    mli_cells_clear(&cells, 100000, 100000); /* cut to what there is room for */
    cr_expect_eq(cells.columns, MLI_CELL_COLUMNS);
    cr_expect_eq(cells.rows, MLI_CELL_ROWS);
    mli_cells_clear(&cells, -1, -1);
    mli_cells_line(&cells, 0, 0, 9, 9, 0);
    expect_row(0, &plain, "");
}

Test(terminal, without_utf8_there_are_points_and_with_colours_runs_of_them)
{
    mli_cells_clear(&cells, 4, 1);
    mli_cells_line(&cells, 0, 0, 0, 0, 0);
    mli_cells_line(&cells, 2, 3, 2, 3, 1);
    mli_cells_line(&cells, 4, 0, 4, 3, 1);
    expect_row(0, &ascii, "'.: ");
    expect_row(0, &coloured, "\033[31m\u2801\033[0m\033[32m\u2840\u2847\033[0m ");
}

/* --- pages ---------------------------------------------------------------------------------------------- */
static char page[1 << 16];

static int draw(ml_figure *fig, int columns, int lines, int colours, bool utf8)
{
    ml_terminal_opts opts = { columns, lines, colours, utf8 };
    ml_terminal     *t    = ml_terminal_new(fig);
    int              n;
    const char      *text = ml_terminal_draw(t, &opts, &n);
    cr_assert(!text || strlen(text) < sizeof page);
    strcpy(page, text ? text : "");
    ml_terminal_free(t);
    return n;
}

/* Columns of the widest line of the page, whose characters are all one column wide, and what colours them none. */
static int widest(void)
{
    int most = 0, at = 0;
    for (const char *c = page; *c; c++) {
        if (*c == '\033') {
            c = strchr(c, 'm');
            continue;
        }
        if (*c == '\n') at = 0;
        else at += ((unsigned char)*c & 0xC0) != 0x80;
        most = at > most ? at : most;
    }
    return most;
}

static ml_figure *curve(int n, double (*y)(int i), const ml_panel_opts *opts)
{
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(ml_figure_lines(fig, 0, (const char *[]){ "loss" }, 1, opts));
    for (int i = 1; i <= n; i++) ml_figure_point(fig, "loss", i, y(i));
    return fig;
}

static double straight(int i) { return i; }
static double with_spike(int i) { return i == 7777 ? 1 : 0; }
static double broken(int i) { return i % 2 ? NAN : INFINITY; }
static double hundredth(int i) { return i == 1 ? 1 : i == 10 ? 10 : NAN; }

Test(terminal, a_page_has_the_ends_of_its_axes_and_fits)
{
    ml_figure *fig = curve(20000, straight, &(ml_panel_opts){ .title = "falling", .xlabel = "step" });
    for (int columns = 30; columns <= 200; columns += 17)
        for (int lines = 6; lines <= 30; lines += 5)
            for (int colours = 0; colours <= 8; colours += 8) {
                int n = draw(fig, columns, lines, colours, true);
                cr_expect(n >= 6 && n <= lines, "%d of %d lines", n, lines);
                cr_expect_eq(widest(), columns, "%d of %d columns:\n%s", widest(), columns, page);
            }
    draw(fig, 60, 10, 0, true);
    cr_expect(strstr(page, "falling  a loss"), "%s", page);
    cr_expect(strstr(page, "   20000 \u2524"), "%s", page);
    cr_expect(strstr(page, "       1 \u2524"), "%s", page);
    cr_expect(strstr(page, "a\n"), "the curve ends in the last column:\n%s", page);
    cr_expect(strstr(page, " step ") && strstr(page, "20000\n"), "%s", page);
    cr_expect_not(strchr(page, '\033'));
    draw(fig, 60, 10, 256, false);
    for (const char *c = page; *c; c++) cr_assert((unsigned char)*c < 0x80, "%s", page);
    ml_figure_release(fig);
}

Test(terminal, a_spike_among_many_points_is_seen)
{
    ml_figure *fig = curve(20000, with_spike, NULL); /* whole chunks lie in one column of dots */
    draw(fig, 40, 8, 8, true);
    const char *top = strchr(page, '\n') + 1;
    cr_expect(strstr(top, "\u2847") || strstr(top, "\u28B8"), "%s", page); /* an upright line, left or right in its cell */
    int upright = 0;
    for (const char *c = top; (c = strstr(c, "\u2847")); c++) upright++;
    for (const char *c = top; (c = strstr(c, "\u28B8")); c++) upright++;
    cr_expect(upright == 5 || upright == 6, "%d cells of the spike:\n%s", upright, page);
    ml_figure_release(fig);
}

Test(terminal, axes_follow_their_scales)
{
    ml_panel_opts both = { .xscale = ML_SCALE_LOG, .yscale = ML_SCALE_LOG };
    ml_figure    *line = curve(1000, straight, &both); /* on two log axes: the diagonal, as on two linear ones */
    draw(line, 50, 10, 0, true);
    const char *row = page;
    for (int i = 0; i < 5; i++) row = strchr(row, '\n') + 1;
    const char *dots = strstr(row, "\u2502") + 3;
    int         before = (int)strspn(dots, " ");
    cr_expect(before > 12 && before < 24, "halfway up is half of the way, not %d of 40:\n%s", before, page);
    ml_figure_release(line);
    ml_figure *half = curve(1000, straight, &(ml_panel_opts){ .xscale = ML_SCALE_LOG });
    draw(half, 50, 10, 0, true);
    row = page;
    for (int i = 0; i < 5; i++) row = strchr(row, '\n') + 1;
    dots   = strstr(row, "\u2502") + 3;
    before = (int)strspn(dots, " ");
    cr_expect(before > 30, "halfway up is at the end of a log axis, not %d of 40:\n%s", before, page);
    ml_figure_release(half);
}

Test(terminal, odd_data_give_a_page)
{
    ml_figure *fig = curve(100, broken, NULL);
    cr_expect_gt(draw(fig, 60, 10, 0, true), 0);
    ml_figure_release(fig);
    fig = curve(0, straight, &(ml_panel_opts){ .xscale = ML_SCALE_LOG, .yscale = ML_SCALE_SYMLOG });
    cr_expect_gt(draw(fig, 60, 10, 0, true), 0);
    ml_figure_release(fig);
    fig = curve(1, straight, NULL);
    cr_expect_gt(draw(fig, 60, 10, 0, true), 0);
    cr_expect(strchr(page, 'a'));
    ml_figure_release(fig);
    fig = curve(10, hundredth, &(ml_panel_opts){ .title = "\033[2J\u4E2D\u6587" });
    cr_expect_gt(draw(fig, 60, 10, 0, true), 0);
    cr_expect_not(strchr(page, '\033'), "a title cannot command the terminal");
    ml_figure_release(fig);
}

Test(terminal, panels_stand_beside_each_other_and_what_does_not_fit_is_left_out)
{
    ml_figure *fig = ml_figure_new(2, 2, NULL);
    static const char *const names[] = { "one", "two", "three" };
    for (int i = 0; i < 3; i++) {
        ml_figure_lines(fig, i, &names[i], 1, &(ml_panel_opts){ .right = i == 2 });
        ml_figure_point(fig, names[i], 1, i);
        ml_figure_point(fig, names[i], 2, i + 0.5);
    }
    cr_expect_eq(draw(fig, 100, 40, 8, true), 28);
    cr_expect(strstr(page, "one") && strstr(page, "two") && strstr(page, "three") && strstr(page, "(2 to 2.5)"), "%s", page);
    cr_expect_eq(draw(fig, 50, 13, 8, true), 12); /* below each other, two of them */
    cr_expect(strstr(page, "two") && !strstr(page, "three"), "%s", page);
    cr_expect_eq(draw(fig, 20, 40, 8, true), 0);
    cr_expect_eq(draw(fig, 100, 5, 8, true), 0);
    cr_expect_not(ml_failed());
    ml_figure_release(fig);
    fig = ml_figure_new(1, 1, NULL);
    cr_expect_eq(draw(fig, 100, 40, 8, true), 0);
    ml_figure_release(fig);
}

/* --- groups ------------------------------------------------------------------------------------------- */
static const char *page_of(ml_terminal *t, const ml_terminal_opts *opts, int *n)
{
    const char *text = ml_terminal_draw(t, opts, n);
    cr_assert(text, "%s", ml_error_message());
    return text;
}

Test(terminal, curves_in_groups_have_one_legend_below_all_panels)
{
    ml_figure *fig = ml_figure_new(1, 2, NULL);
    for (int panel = 0; panel < 2; panel++)
        for (int i = 1; i <= 30; i++) {
            char name[32], label[32];
            snprintf(name, sizeof name, "%d of %d", i, panel);
            snprintf(label, sizeof label, "group %d", i);
            ml_given options[] = { { "label", { 0 }, panel ? "" : label }, { "group", { i } } };
            cr_assert(ml_figure_curve(fig, panel, name, options, 2), "%s", ml_error_message());
            cr_assert(ml_figure_point(fig, name, 1, i) && ml_figure_point(fig, name, 2, i));
        }
    cr_assert(ml_figure_panel(fig, 0, &(ml_panel_opts){ .title = "left" }) && ml_figure_panel(fig, 1, &(ml_panel_opts){ .title = "right" }));
    ml_terminal     *t    = ml_terminal_new(fig);
    ml_terminal_opts opts = { .columns = 100, .lines = 20, .utf8 = true };
    int              n;
    const char      *text = page_of(t, &opts, &n);
    cr_expect(n <= 20, "%d lines", n);
    const char *first = strstr(text, "a group 1 "), *head = strstr(text, "left"), *line = strchr(text, '\n');
    cr_assert(first && head && head < line && strstr(text, "right") < line, "%s", text);
    cr_expect_null(memmem(text, (size_t)(line - text), "group", 5), "panels tell their titles alone");
    cr_expect_null(strstr(first + 1, "a group 1 "), "a group is named once");
    cr_expect(strstr(text, "\nk group 11") || strstr(text, "   k group 11"), "%s", text);
    int lines = 0, longest = 0, columns = 0;
    for (const char *c = text; *c; c++) {
        columns = *c == '\n' ? 0 : columns + ((*c & 0xC0) != 0x80);
        longest = columns > longest ? columns : longest;
        lines += *c == '\n';
    }
    cr_expect(lines == n && longest <= 100, "%d lines, not %d; %d columns", lines, n, longest);
    opts.lines = 8; /* two lines for names */
    text       = page_of(t, &opts, &n);
    cr_expect(n <= 8 && strstr(text, " more\n"), "%d: %s", n, text);
    opts.columns = 31;
    text         = page_of(t, &opts, &n);
    cr_expect(n <= 8 && strstr(text, "group 1") && strstr(text, " more\n"), "%d: %s", n, text);
    ml_terminal_free(t);
    ml_figure_release(fig);
}
