/* Every mark of the table, and whole figures, against a stored picture, and the same figure in every format. The pictures are made by
 * tests/golden/figures.sh, and looked at before they are committed. */
#include "compare.h"
#include "foreign_leaks.h"
#include "mark_samples.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_MARKS 32
#define WIDTH      240
#define HEIGHT     180

static int times_of(int id) /* whole figures are larger */
{
    return id < ml_mark_count() ? 1 : 2;
}

static const char *const style_names[ML_STYLES] = { "", "light", "dark", "print" };

static void golden_path(char *path, size_t room, int mark, int style)
{
    const char *folder = getenv("MOONLAB_GOLDEN_WRITE");
    snprintf(path, room, "%s/%s-%s.png", folder ? folder : TESTS_GOLDEN "/figures", sample_name(mark),
             style_names[style]);
}

static void save(ml_figure *fig, const char *path, int style, int times)
{
    cr_assert(ml_figure_save(fig, path,
                             &(ml_save_opts){ .width = times * WIDTH, .height = times * HEIGHT, .dpi = 96, .style = (ml_style)style }),
              "%s", ml_error_message());
}

ParameterizedTestParameters(marks, golden)
{
    static int ids[MOST_MARKS];
    int        n = ml_mark_count() + WHOLE_FIGURES - 1;
    for (int i = 0; i < n; i++) ids[i] = i;
    return cr_make_param_array(int, ids, (size_t)n, NULL);
}

ParameterizedTest(int *id, marks, golden)
{
    char       path[512], stored[512];
    ml_figure *fig = sample_figure(*id);
    cr_assert(fig, "%s", ml_error_message());
    mkdir(MOONLAB_PICTURES, 0777);
    for (int style = ML_STYLE_LIGHT; style < ML_STYLES; style++) {
        golden_path(stored, sizeof stored, *id, style);
        if (getenv("MOONLAB_GOLDEN_WRITE")) {
            save(fig, stored, style, times_of(*id));
            continue;
        }
        snprintf(path, sizeof path, "%s/%s-%s.png", MOONLAB_PICTURES, sample_name(*id), style_names[style]);
        save(fig, path, style, times_of(*id));
        picture    got = picture_read(path), expected = picture_read(stored);
        difference d = compare(&got, &expected);
        cr_expect(looks_the_same(d), "%s differs from %s: %.3f at %d, %d, %.4f on average", path, stored, d.worst, d.x,
                  d.y, d.mean);
        picture_free(&got);
        picture_free(&expected);
    }
    ml_figure_release(fig);
}

/* What the comparison is worth: another mark, another style, and one with a single point moved are told apart. */
Test(marks, the_comparison_tells_pictures_apart)
{
    char    path[512];
    picture stored[MOST_MARKS];
    for (int i = 0; i < ml_mark_count(); i++) {
        golden_path(path, sizeof path, i, ML_STYLE_LIGHT);
        stored[i] = picture_read(path);
        golden_path(path, sizeof path, i, ML_STYLE_DARK);
        picture dark = picture_read(path);
        cr_expect_not(looks_the_same(compare(&stored[i], &dark)), "%s, light and dark", ml_mark_at(i)->name);
        picture_free(&dark);
        golden_path(path, sizeof path, i, ML_STYLE_PRINT);
        picture print = picture_read(path);
        for (int k = 0; k < i; k++)
            cr_expect_not(looks_the_same(compare(&stored[i], &stored[k])), "%s, %s", ml_mark_at(i)->name,
                          ml_mark_at(k)->name);
        picture_free(&print);
    }
    for (int i = 0; i < ml_mark_count(); i++) picture_free(&stored[i]);

    fill_samples();
    ml_figure *fig = ml_figure_new(1, 1, NULL);
    cr_assert(sample_scatter(fig));
    snprintf(path, sizeof path, "marks-%ld.png", (long)getpid());
    save(fig, path, ML_STYLE_LIGHT, 1);
    picture before = picture_read(path);
    ml_figure_clear(fig, 0);
    cloud_x[7] = -cloud_x[7];
    cr_assert(sample_scatter(fig));
    save(fig, path, ML_STYLE_LIGHT, 1);
    picture after = picture_read(path);
    cr_expect_not(looks_the_same(compare(&before, &after)), "a point has moved");
    unlink(path);
    picture_free(&before);
    picture_free(&after);
    ml_figure_release(fig);
}

/* --- formats -------------------------------------------------------------------------------------------- */
static bool has(const char *program)
{
    char command[128];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    return system(command) == 0;
}

/* Of whole figures: words are seldom set to the same pixel, but with that allowed, no word may be another. */
static bool looks_alike(int id, difference d)
{
    return looks_the_same(d) && (id < ml_mark_count() || d.worst < 0.2);
}

/* The figure saved as a kind of file and turned into pixels by somebody else's program. */
static picture rendered(ml_figure *fig, const char *stem, const char *ending, int times)
{
    char file[256], png[256], command[600];
    snprintf(file, sizeof file, "%s.%s", stem, ending);
    snprintf(png, sizeof png, "%s-%s.png", stem, ending);
    save(fig, file, ML_STYLE_LIGHT, times);
    if (!strcmp(ending, "svg")) /* Cairo writes sizes in points or pixels, by its version */
        snprintf(command, sizeof command, "rsvg-convert -w %d -h %d -o %s %s", 2 * times * WIDTH, 2 * times * HEIGHT, png,
                 file);
    else
        snprintf(command, sizeof command, "pdftoppm -r 192 -png -singlefile %s %s-pdf", file, stem);
    cr_assert(system(command) == 0, "%s", command);
    picture p = picture_read(png);
    unlink(file);
    unlink(png);
    return p;
}

Test(marks, another_word_is_another_figure)
{
    char    path[64];
    picture p[2];
    snprintf(path, sizeof path, "words-%ld.png", (long)getpid());
    for (int i = 0; i < 2; i++) {
        ml_figure *fig = sample_words("title", i ? "bias" : "rate");
        cr_assert(fig && ml_figure_save(fig, path, &(ml_save_opts){ .width = 2 * WIDTH, .height = 2 * HEIGHT, .dpi = 192 }));
        p[i] = picture_read(path);
        ml_figure_release(fig);
    }
    unlink(path);
    difference d = compare_with(&p[0], &p[1], 1);
    cr_expect_not(looks_alike(ml_mark_count(), d), "%.3f", d.worst);
    picture_free(&p[0]);
    picture_free(&p[1]);
}

ParameterizedTestParameters(marks, formats_agree)
{
    static int ids[MOST_MARKS];
    int        n = ml_mark_count() + WHOLE_FIGURES;
    for (int i = 0; i < n; i++) ids[i] = i;
    return cr_make_param_array(int, ids, (size_t)n, NULL);
}

ParameterizedTest(int *id, marks, formats_agree)
{
    static const char *const endings[][2] = { { "svg", "rsvg-convert" }, { "pdf", "pdftoppm" } };
    char                     stem[64], path[128];
    ml_figure               *fig = sample_figure(*id);
    cr_assert(fig, "%s", ml_error_message());
    snprintf(stem, sizeof stem, "agree-%ld", (long)getpid());
    snprintf(path, sizeof path, "%s.png", stem);
    cr_assert(ml_figure_save(fig, path, &(ml_save_opts){ .width = times_of(*id) * WIDTH, .height = times_of(*id) * HEIGHT, .dpi = 192 }));
    picture png = picture_read(path);
    unlink(path);
    for (int k = 0; k < 2; k++) {
        if (!has(endings[k][1])) {
            if (*id == 0) cr_log_warn("no %s here: the %s of figures is not compared", endings[k][1], endings[k][0]);
            continue;
        }
        picture    other = rendered(fig, stem, endings[k][0], times_of(*id));
        difference d     = compare_with(&png, &other, *id < ml_mark_count() ? 0 : 1);
        cr_expect(looks_alike(*id, d), "%s as %s: %.3f at %d, %d, %.4f on average", sample_name(*id), endings[k][0],
                  d.worst, d.x, d.y, d.mean);
        picture_free(&other);
    }
    picture_free(&png);
    ml_figure_release(fig);
}
