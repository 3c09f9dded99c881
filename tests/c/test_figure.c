/* What a figure holds, and the files it becomes. */
#define _GNU_SOURCE
#include "figure_samples.h"
#include "support.h"
#include "foreign_leaks.h"
#include "picture.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES(...) ((const char *[]){ __VA_ARGS__ })

static void expect_message(const char *part)
{
    cr_expect(strstr(ml_error_message(), part), "the message '%s' has '%s'", ml_error_message(), part);
    ml_error_clear();
}

/* A folder of its own for a test, removed by the second. */
static const char *folder_make(void)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "figure-XXXXXX");
    cr_assert(mkdtemp(folder));
    return folder;
}

static int folder_count(const char *folder)
{
    glob_t found;
    char   pattern[128];
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    int n = glob(pattern, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    globfree(&found);
    return n;
}

static void folder_remove(const char *folder)
{
    glob_t found;
    char   pattern[128];
    snprintf(pattern, sizeof pattern, "%s/*", folder);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) unlink(found.gl_pathv[i]);
    globfree(&found);
    rmdir(folder);
}

static char *read_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s is there", path);
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*n + 1);
    cr_assert(bytes && fread(bytes, 1, *n, file) == *n);
    bytes[*n] = '\0';
    fclose(file);
    return bytes;
}

/* --- mistakes ----------------------------------------------------------------------------------- */
Test(figure, sizes_out_of_range)
{
    cr_assert_null(ml_figure_new(0, 1, NULL));
    expect_message("rows and cols must be 1..8, got 0 x 1");
    cr_assert_null(ml_figure_new(1, 9, NULL));
    expect_message("got 1 x 9");
}

Test(figure, mistakes_in_lines_change_nothing)
{
    ml_figure *fig = ml_figure_new(1, 2, NULL);
    cr_assert(ml_figure_lines(fig, 0, NAMES("a"), 1, NULL));
    cr_expect_not(ml_figure_lines(fig, 2, NAMES("b"), 1, NULL));
    expect_message("panel 3 does not exist, the figure has 1..2");
    cr_expect_not(ml_figure_lines(fig, -1, NAMES("b"), 1, NULL));
    expect_message("panel 0 does not exist");
    cr_expect_not(ml_figure_lines(fig, 0, NAMES("b", "c", "b"), 3, NULL));
    expect_message("'b' is named twice");
    cr_expect_not(ml_figure_lines(fig, 0, NAMES("b", ""), 2, NULL));
    expect_message("the name of series 2 must have 1..95 bytes");
    cr_expect_not(ml_figure_lines(fig, 0, NAMES("b", NULL), 2, NULL));
    expect_message("series 2");
    cr_expect_not(ml_figure_lines(fig, 0, NULL, 1, NULL));
    expect_message("1 series without names");
    cr_expect_not(ml_figure_lines(fig, 0, NAMES("b"), 513, NULL));
    expect_message("at most 512 series, got 513");
    cr_expect_not(ml_figure_lines(fig, 0, NAMES("b"), 1, &(ml_panel_opts){ .ylim = { 1, 0 } }));
    expect_message("ylim must be two finite numbers, low then high; got 1, 0");
    cr_expect_not(ml_figure_lines(fig, 0, NAMES("b"), 1, &(ml_panel_opts){ .xlim = { 0, INFINITY } }));
    expect_message("xlim");
    cr_expect_not(
        ml_figure_lines(fig, 0, NAMES("b"), 1, &(ml_panel_opts){ .xlim = { 0, 9 }, .xscale = ML_SCALE_LOG }));
    expect_message("xlim starts at 0, a log axis needs a positive start");
    cr_expect_not(ml_figure_point(fig, "b", 1, 1));
    expect_message("no panel shows 'b'");
    cr_expect(ml_figure_shows(fig, "a") && !ml_figure_shows(fig, "b"));
    ml_figure_release(fig);
}

Test(figure, mistakes_in_marks)
{
    const double one[6] = { 1 };
    ml_figure   *fig = ml_figure_new(1, 2, NULL);
    cr_expect_eq(ml_figure_add(fig, 0, "pie", NULL, 0), 0);
    expect_message("no mark is called 'pie'");
    cr_expect_eq(ml_figure_add(fig, 5, "heatmap", NULL, 0), 0);
    expect_message("heatmap: panel 6 does not exist");
    cr_expect_eq(ml_figure_add(fig, 0, "heatmap", (ml_given[]){ { .name = "limit", .number = { 0, 1 } } }, 1), 0);
    expect_message("heatmap: unknown option 'limit'; did you mean 'limits'?");
    cr_expect_eq(ml_figure_add(fig, 0, "heatmap", (ml_given[]){ { .name = "limits", .number = { 2, 1 } } }, 1), 0);
    expect_message("limits must be two finite numbers, low then high; got 2, 1");
    cr_expect_eq(ml_figure_add(fig, 0, "heatmap", (ml_given[]){ { "map", { 0 }, "jet" } }, 1), 0);
    expect_message("map must be one of auto|viridis|diverging|cyclic|grey, got 'jet'");
    cr_expect_eq(ml_figure_add(fig, 0, "line", (ml_given[]){ { "colour", { 0 }, "mauve" } }, 1), 0);
    expect_message("colour must be #rrggbb or one of blue");
    cr_expect_eq(ml_figure_add(fig, 0, "line", (ml_given[]){ { .name = "width", .number = { NAN } } }, 1), 0);
    expect_message("width must be a finite number");

    int64_t map = ml_figure_add(fig, 0, "heatmap", NULL, 0), line = ml_figure_add(fig, 0, "line", NULL, 0);
    cr_assert(map > 0 && line > map);
    cr_expect_not(ml_figure_give(fig, 99, (ml_data[]){ { "values", 2, { 1, 1 }, one } }, 1));
    expect_message("there is no mark 99");
    cr_expect_not(ml_figure_give(fig, map, (ml_data[]){ { "values", 3, { 1, 1, 1 }, one } }, 1));
    expect_message("heatmap: values must have the dimensions (r?, c), got shape (1, 1, 1)");
    cr_expect_not(ml_figure_give(fig, map, (ml_data[]){ { "values", 2, { INT64_MAX, INT64_MAX }, one } }, 1));
    expect_message("more than 2^31 values");
    cr_expect_not(ml_figure_give(fig, map, (ml_data[]){ { "values", 2, { 1, 1 }, NULL } }, 1));
    expect_message("heatmap: values has no values");
    cr_expect_not(ml_figure_give(fig, map, (ml_data[]){ { "cells", 2, { 1, 1 }, one } }, 1));
    expect_message("heatmap: values is missing");
    cr_expect_not(ml_figure_give(fig, line, (ml_data[]){ { "x", 1, { 3 }, one }, { "y", 1, { 2 }, one } }, 2));
    expect_message("line: y has 2 where x has 3");
    cr_expect_not(ml_figure_give(fig, line, (ml_data[]){ { "x", 1, { 3 }, one }, { "y", 1, { 3 }, one }, { "z", 1, { 3 }, one } }, 3));
    expect_message("line: there is no data called 'z'");
    cr_expect(ml_figure_give(fig, map, (ml_data[]){ { "values", 1, { 3 }, one } }, 1), "a vector is one row");
    cr_expect(ml_figure_clear(fig, 0));
    cr_expect_not(ml_figure_give(fig, map, (ml_data[]){ { "values", 1, { 3 }, one } }, 1));
    expect_message("(any more)");
    ml_figure_release(fig);
}

Test(figure, mistakes_in_layouts)
{
    static const char *const wrong[] = { "", "aab ab", "aba", "ab ba", "aab aba", "....", "aaaaaaaaa", "a b c d e f g h i" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_null(ml_figure_make(&(ml_figure_opts){ .layout = wrong[i] }), "%s", wrong[i]);
        expect_message("layout");
    }
    ml_figure *fig = ml_figure_make(&(ml_figure_opts){ .layout = "aab ccb cc." });
    cr_expect_eq(ml_figure_panels(fig), 3);
    ml_figure_release(fig);
}

Test(figure, nothing_is_harmless)
{
    ml_figure_release(NULL);
    ml_window_close(NULL);
    ml_figure_set_style(NULL, ML_STYLE_DARK);
    cr_expect_null(ml_figure_retain(NULL));
    cr_expect_not(ml_figure_lines(NULL, 0, NAMES("a"), 1, NULL));
    cr_expect_not(ml_figure_point(NULL, "a", 1, 1));
    cr_expect_eq(ml_figure_add(NULL, 0, "heatmap", NULL, 0), 0);
    cr_expect_not(ml_figure_give(NULL, 1, NULL, 0));
    cr_expect_not(ml_figure_panel(NULL, 0, NULL));
    cr_expect_not(ml_figure_clear(NULL, 0));
    cr_expect_not(ml_figure_shows(NULL, "a"));
    cr_expect_not(ml_figure_save(NULL, "a.png", NULL));
    cr_expect_null(ml_window_open(NULL, NULL));
    cr_expect_not(ml_window_is_open(NULL));
    cr_expect(ml_window_wait(NULL, 1));
    cr_expect_eq(ml_window_frames(NULL), 0);
    cr_expect_eq(ml_figure_panels(NULL), 0);
}

Test(figure, mistakes_in_saving)
{
    ml_figure        *fig       = ml_figure_new(1, 1, NULL);
    const char *const unknown[] = { "a.jpg", "png", "a", "folder.png/a", "", "a.png.bak" };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        cr_expect_not(ml_figure_save(fig, unknown[i], NULL));
        cr_expect(strstr(ml_error_message(), unknown[i]));
        expect_message("does not end in .png, .svg or .pdf");
    }
    cr_expect_not(ml_figure_save(fig, NULL, NULL));
    expect_message(".png, .svg or .pdf");
    const ml_save_opts wrong[] = { { .width = 1e6 }, { .height = -5 }, { .width = NAN },
                                   { .dpi = -1 },    { .dpi = 1e9 },   { .height = INFINITY } };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(ml_figure_save(fig, "never.png", &wrong[i]), "%zu", i);
        expect_message("a picture has 1..32767 pixels a side");
    }
    cr_expect_not(ml_figure_save(fig, "no/such/folder/a.png", NULL));
    expect_message("cannot write 'no/such/folder/a.png': No such file or directory");
    ml_figure_release(fig);
}

/* --- files ---------------------------------------------------------------------------------------- */
/* Tags open and close in order, and the document ends with its root: what a parser would ask first. */
static bool well_formed(const char *xml, const char *root)
{
    char stack[64][32];
    int  depth = 0;
    bool seen  = false;
    for (const char *c = strchr(xml, '<'); c; c = strchr(c, '<')) {
        const char *end = strchr(c, '>');
        if (!end) return false;
        if (c[1] == '?' || c[1] == '!') {
            c = end;
            continue;
        }
        bool   closes = c[1] == '/';
        size_t length = strcspn(c + 1 + closes, " \t\r\n/>");
        if (length == 0 || length >= sizeof stack[0]) return false;
        if (closes) {
            if (depth == 0 || strncmp(stack[depth - 1], c + 2, length) != 0 || stack[depth - 1][length])
                return false;
            depth--;
        } else if (end[-1] != '/') {
            if (depth == 64 || (depth == 0 && seen)) return false;
            memcpy(stack[depth], c + 1, length);
            stack[depth++][length] = '\0';
            if (!seen && strcmp(stack[0], root) != 0) return false;
            seen = true;
        }
        c = end;
    }
    return seen && depth == 0;
}

static void check_pdf(const char *bytes, size_t n)
{
    cr_expect(n > 1000 && strncmp(bytes, "%PDF-1.", 7) == 0, "starts as a PDF");
    cr_expect(strncmp(bytes + n - 6, "%%EOF\n", 6) == 0 || strncmp(bytes + n - 5, "%%EOF", 5) == 0,
              "ends as a PDF");
    const char *start = NULL;
    for (size_t i = 0; i + 9 < n; i++)
        if (memcmp(bytes + i, "startxref", 9) == 0) start = bytes + i;
    cr_assert(start, "has a table of its objects");
    size_t at = strtoul(start + 9, NULL, 10);
    cr_assert(at > 0 && at < n);
    cr_expect(strncmp(bytes + at, "xref", 4) == 0 || isdigit((unsigned char)bytes[at]),
              "which is where it says");
}

/* The sample figure in every format and style, complete; kept in the build folder to be looked at. */
Test(figure, every_format_is_complete)
{
    static const char *const formats[] = { "png", "svg", "pdf" };
    ml_figure               *fig       = sample_grokking(10000);
    cr_assert(fig);
    mkdir(MOONLAB_PICTURES, 0777);
    for (int style = ML_STYLE_LIGHT; style <= ML_STYLE_PRINT; style++)
        for (int k = 0; k < 3; k++) {
            char   path[512];
            size_t n, again_n;
            snprintf(path, sizeof path, "%s/grokking-%s.%s", MOONLAB_PICTURES,
                     style == ML_STYLE_DARK ? "dark" : style == ML_STYLE_PRINT ? "print" : "light", formats[k]);
            cr_assert(ml_figure_save(fig, path, &(ml_save_opts){ .style = (ml_style)style }), "%s",
                      ml_error_message());
            char *bytes = read_file(path, &n);
            if (k == 0) {
                picture p = picture_read(path);
                cr_expect(p.surface && p.w == 1760 && p.h == 1320);
                picture_free(&p);
            }
            if (k == 1) cr_expect(strlen(bytes) == n && well_formed(bytes, "svg"), "%s", path);
            if (k == 2) check_pdf(bytes, n);
            cr_assert(ml_figure_save(fig, path, &(ml_save_opts){ .style = (ml_style)style }));
            char *again = read_file(path, &again_n);
            cr_expect(k == 1 || (n == again_n && memcmp(bytes, again, n) == 0),
                      "%s: the same figure, the same bytes", path);
            free(bytes);
            free(again);
        }
    ml_figure_release(fig);
}

Test(figure, the_end_of_a_path_may_be_in_capitals)
{
    const char *folder = folder_make();
    char        path[128];
    snprintf(path, sizeof path, "%s/A.b.PNG", folder);
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_expect(ml_figure_save(fig, path, &(ml_save_opts){ .width = 60, .height = 40, .dpi = 300 }), "%s",
              ml_error_message());
    picture p = picture_read(path);
    cr_expect(p.surface && p.w == 188 && p.h == 125, "60 x 40 / 96 inch at 300 dpi: %d x %d", p.w, p.h);
    picture_free(&p);
    ml_figure_release(fig);
    folder_remove(folder);
}

Test(figure, a_failed_save_leaves_the_old_file)
{
    static const char *const formats[] = { "png", "svg", "pdf" };
    const char              *folder    = folder_make();
    ml_figure               *fig       = sample_grokking(100);
    signal(SIGXFSZ, SIG_IGN); /* a full disk, as far as write() can tell */
    for (int k = 0; k < 3; k++) {
        char   path[128];
        size_t n, after_n;
        snprintf(path, sizeof path, "%s/a.%s", folder, formats[k]);
        cr_assert(ml_figure_save(fig, path, NULL));
        char         *before = read_file(path, &n);
        struct rlimit old, small = { 1000, 1000 };
        getrlimit(RLIMIT_FSIZE, &old);
        small.rlim_max = old.rlim_max;
        setrlimit(RLIMIT_FSIZE, &small);
        bool saved = ml_figure_save(fig, path, &(ml_save_opts){ .style = ML_STYLE_DARK });
        setrlimit(RLIMIT_FSIZE, &old);
        cr_expect_not(saved);
        expect_message("File too large");
        char *after = read_file(path, &after_n);
        cr_expect(n == after_n && memcmp(before, after, n) == 0, "%s is as it was", path);
        free(before);
        free(after);
    }
    cr_expect_eq(folder_count(folder), 3, "no temporary file stays");
    ml_figure_release(fig);
    folder_remove(folder);
}

/* --- texts ---------------------------------------------------------------------------------------- */
Test(figure, any_bytes_may_be_a_title)
{
    const char *const texts[] = { "<b>&amp; \"markup\" is text", "\xFF\xFE not utf-8 \xC3",
                                  "two\nlines\tand a tab",
                                  "\xE6\x99\x82\xE9\x96\x93 \xD8\xB2\xD9\x85\xD9\x86" };
    const char       *folder  = folder_make();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char       path[128];
        size_t     n;
        ml_figure *fig = ml_figure_new(1, 1, texts[i]);
        cr_assert(
            ml_figure_lines(fig, 0, &texts[i], 1,
                            &(ml_panel_opts){ .title = texts[i], .xlabel = texts[i], .ylabel = texts[i] }));
        cr_assert(ml_figure_point(fig, texts[i], 1, 1));
        snprintf(path, sizeof path, "%s/a.svg", folder);
        cr_expect(ml_figure_save(fig, path, NULL), "%s", ml_error_message());
        char *bytes = read_file(path, &n);
        cr_expect(well_formed(bytes, "svg"));
        free(bytes);
        snprintf(path, sizeof path, "%s/a.pdf", folder);
        cr_expect(ml_figure_save(fig, path, NULL), "%s", ml_error_message());
        ml_figure_release(fig);
    }
    folder_remove(folder);
}

/* --- memory --------------------------------------------------------------------------------------- */
Test(figure, release_gives_everything_back)
{
    const char *folder = folder_make();
    size_t      before = ml_memory().live;
    ml_figure  *fig    = sample_grokking(5000);
    cr_assert(ml_figure_lines(fig, 3, NAMES("train_acc", "other"), 2, NULL),
              "a panel may change what it shows");
    cr_assert(ml_figure_clear(fig, 0), "and be emptied");
    int64_t map = sample_heatmap(fig, 0, NULL, NULL, 0, 10, 10, (double[100]){ 0 });
    for (int i = 0; i < 3; i++) cr_assert(ml_figure_give(fig, map, (ml_data[]){ { "values", 2, { 10, 10 }, (double[100]){ 0 } } }, 1));
    size_t held = ml_memory().live;
    char   path[128];
    snprintf(path, sizeof path, "%s/a.png", folder);
    cr_assert(ml_figure_save(fig, path, NULL));
    snprintf(path, sizeof path, "%s/a.pdf", folder);
    cr_assert(ml_figure_save(fig, path, NULL));
    cr_expect_eq(ml_memory().live, held, "a save keeps nothing");
    cr_expect_eq(ml_figure_retain(fig), fig);
    ml_figure_release(fig);
    cr_expect_eq(ml_memory().live, held, "still retained");
    ml_figure_release(fig);
    cr_expect_eq(ml_memory().live, before);
    folder_remove(folder);
}

/* Builds a little of everything and saves it. */
static bool build_and_save(ml_figure **fig, const char *path)
{
    *fig = ml_figure_new(1, 2, "memory");
    if (!*fig) return false;
    if (!ml_figure_lines(*fig, 0, NAMES("a", "b"), 2, NULL)) return false;
    for (int i = 0; i < 3000; i++)
        if (!ml_figure_point(*fig, "a", i, i)) return false;
    const double cells[6] = { 1, 2, 3, 4, 5, 6 };
    if (!sample_heatmap(*fig, 1, NULL, (ml_given[]){ { "label", { 0 }, "cells" } }, 1, 2, 3, cells)) return false;
    return ml_figure_save(*fig, path, &(ml_save_opts){ .width = 500, .height = 250, .dpi = 96 });
}

Test(figure, every_allocation_may_fail)
{
    static const char *const formats[] = { "png", "svg", "pdf" };
    const char              *folder    = folder_make();
    for (int k = 0; k < 3; k++) {
        char path[128], other[128];
        snprintf(path, sizeof path, "%s/a.%s", folder, formats[k]);
        snprintf(other, sizeof other, "%s/b.%s", folder, formats[k]);
        size_t before  = ml_memory().live;
        int    refused = 0;
        for (int64_t n = 1;; n++) {
            ml_figure *fig;
            ml_error_clear();
            ml_memory_fail_after(n);
            bool ok = build_and_save(&fig, path);
            ml_memory_fail_after(0);
            if (ok) {
                ml_figure_release(fig);
                break;
            }
            refused++;
            expect_message("out of memory");
            if (fig)
                cr_expect(ml_figure_save(fig, other, &(ml_save_opts){ .dpi = 24 }),
                          "usable after allocation %ld: %s", (long)n, ml_error_message());
            ml_figure_release(fig);
            cr_expect_eq(ml_memory().live, before, "allocation %ld leaks", (long)n);
            cr_assert(n < 1000);
        }
        cr_expect(refused >= 12, "%s: only %d allocations were refused", formats[k], refused);
        cr_expect_eq(ml_memory().live, before);
    }
    folder_remove(folder);
}

/* --- figures that change their shape ------------------------------------------------------------------ */
Test(figure, panels_are_added_and_taken_away_behind_the_others)
{
    size_t         before  = ml_memory().live;
    ml_figure     *fig     = ml_figure_new(1, 1, NULL);
    const double   x[]     = { 1, 2, 3 };
    const ml_given label[] = { { "label", { 0 }, "a curve" }, { "dash", { 0 }, "dashed" } };
    cr_assert(ml_figure_curve(fig, 0, "a", label, 2) && ml_figure_points(fig, "a", x, x, 3));
    cr_assert(ml_figure_arrange(fig, 2, 3));
    cr_expect_eq(ml_figure_panels(fig), 6);
    cr_assert(ml_figure_lines(fig, 2, NAMES("b"), 1, NULL));
    cr_expect_not(ml_figure_arrange(fig, 1, 2));
    expect_message("figure: 1 x 2 is too little room for its 3 panels");
    cr_expect_not(ml_figure_arrange(fig, 9, 1));
    expect_message("rows and cols must be 1..8, got 9 x 1");
    cr_expect_eq(ml_figure_panels(fig), 6, "what fails changes nothing");
    cr_assert(ml_figure_arrange(fig, 1, 3), "empty ones go: %s", ml_error_message());
    cr_expect_eq(ml_figure_panels(fig), 3);
    ml_figure_set_title(fig, "a title");
    cr_expect(ml_figure_save(fig, "arranged.png", &(ml_save_opts){ .dpi = 24 }), "%s", ml_error_message());
    unlink("arranged.png");
    ml_figure_release(fig);
    cr_expect_eq(ml_memory().live, before);
}

Test(figure, mistakes_in_curves_change_nothing)
{
    ml_figure     *fig    = ml_figure_new(1, 1, NULL);
    const double   x[]    = { 1, 2 };
    const ml_given wrong[] = { { "colour", { 0 }, "purple-ish" } }, unknown[] = { { "lable", { 0 }, "x" } };
    cr_expect_not(ml_figure_curve(fig, 0, "a", wrong, 1));
    expect_message("colour must be");
    cr_expect_not(ml_figure_curve(fig, 0, "a", unknown, 1));
    expect_message("line: unknown option 'lable'; did you mean 'label'?");
    cr_expect_not(ml_figure_curve(fig, 0, "", NULL, 0));
    expect_message("curve: the name of series 1 must have 1..95 bytes, has 0");
    cr_expect_not(ml_figure_curve(fig, 1, "a", NULL, 0));
    expect_message("panel 2 does not exist");
    cr_expect_not(ml_figure_points(fig, "a", x, x, 2));
    expect_message("no panel shows 'a'");
    cr_expect_not(ml_figure_shows(fig, "a"));
    cr_expect_not(ml_figure_curve(NULL, 0, "a", NULL, 0));
    cr_expect_not(ml_figure_arrange(NULL, 1, 1));
    ml_figure_release(fig);
}

/* --- no display ------------------------------------------------------------------------------------- */
/* What a function writes to stderr. */
static size_t noise_of(void (*function)(void))
{
    FILE *file = tmpfile();
    cr_assert(file);
    fflush(stderr);
    int saved = dup(2);
    dup2(fileno(file), 2);
    function();
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    fseek(file, 0, SEEK_END);
    size_t n = (size_t)ftell(file);
    fclose(file);
    return n;
}

static void open_without_display(void)
{
    ml_figure *fig   = sample_grokking(10);
    double     began = ml_clock();
    unsetenv("SDL_VIDEODRIVER");
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    cr_expect_null(ml_display());
    expect_message("no display: ");
    cr_expect_null(ml_window_open(fig, NULL));
    expect_message("no display: ");
    setenv("DISPLAY", ":3277", 1);
    cr_expect_null(ml_display());
    expect_message("no display: ");
    cr_expect_null(ml_window_open(fig, NULL));
    cr_expect(strstr(ml_error_message(), ":3277") || strstr(ml_error_message(), "MOONLAB_WINDOW"), "%s",
              ml_error_message());
    expect_message("pictures go to files");
    cr_expect(is_quick(began, 2), "quickly: %.2f s", ml_clock() - began);
    cr_expect(ml_figure_point(fig, "train_acc", 11, 1), "life goes on");
    ml_figure_release(fig);
}

Test(figure, no_display_is_said_quickly_and_quietly)
{
    size_t before = ml_memory().live;
    cr_expect_eq(noise_of(open_without_display), 0);
    cr_expect_eq(ml_memory().live, before);
}
