/* Colours: maps are even and rise in lightness, by another colour space than the one that they were made in; palettes can be told
 * apart, also by people who see two colours and by printers that have one. */
#include "figure/style.h"

#include <criterion/criterion.h>
#include <math.h>

typedef struct lab {
    double l, a, b;
} lab;

static double linear(double c)
{
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double bend(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* CIE 1976 L*a*b*, D65. */
static lab lab_of(double r, double g, double b)
{
    double x = bend((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    double y = bend(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
    double z = bend((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
    return (lab){ 116 * y - 16, 500 * (x - y), 200 * (y - z) };
}

static lab colour_lab(mli_colour c)
{
    return lab_of(linear(c.r), linear(c.g), linear(c.b));
}

static lab shade_lab(const uint32_t *map, int i)
{
    uint32_t p = map[i];
    return colour_lab((mli_colour){ (p >> 16 & 255) / 255.0, (p >> 8 & 255) / 255.0, (p & 255) / 255.0 });
}

static double distance(lab p, lab q)
{
    return sqrt((p.l - q.l) * (p.l - q.l) + (p.a - q.a) * (p.a - q.a) + (p.b - q.b) * (p.b - q.b));
}

/* Rises (or falls) from `from` to `to` by at least `by`, never the other way by more than rounding to bytes can do. */
static void expect_monotone(const char *name, const uint32_t *map, int from, int to, double by)
{
    int    step = from < to ? 1 : -1;
    double last = shade_lab(map, from).l, first = last;
    for (int i = from + step; i != to + step; i += step) {
        double l = shade_lab(map, i).l;
        cr_expect(l > last - 0.35, "%s: shade %d is darker than the one before: %.2f, %.2f", name, i, l, last);
        last = l;
    }
    cr_expect(last - first > by, "%s: from %.1f to %.1f", name, first, last);
}

/* Sixteen equal steps of the value are nearly equal steps to the eye; L*a*b* itself overstates those between vivid colours. */
static void expect_even(const char *name, const uint32_t *map, int from, int to)
{
    double least = INFINITY, most = 0;
    for (int k = 0; k < 16; k++) {
        double d =
            distance(shade_lab(map, from + k * (to - from) / 16), shade_lab(map, from + (k + 1) * (to - from) / 16));
        least = fmin(least, d), most = fmax(most, d);
    }
    cr_expect(most < 2.7 * least, "%s: steps from %.2f to %.2f", name, least, most);
}

Test(style, maps_rise_in_lightness_evenly)
{
    expect_monotone("viridis", mli_map_viridis, 0, 255, 65);
    expect_monotone("grey", mli_map_grey, 0, 255, 80);
    expect_even("viridis", mli_map_viridis, 0, 255);
    expect_even("grey", mli_map_grey, 0, 255);
}

Test(style, both_sides_of_a_diverging_map_are_alike)
{
    expect_monotone("diverging", mli_map_diverging, 0, 127, 40);
    expect_monotone("diverging", mli_map_diverging, 255, 128, 40);
    expect_monotone("diverging on dark", mli_map_diverging_dark, 127, 0, 35);
    expect_monotone("diverging on dark", mli_map_diverging_dark, 128, 255, 35);
    for (int i = 0; i < 128; i += 8) {
        double a = shade_lab(mli_map_diverging, i).l, b = shade_lab(mli_map_diverging, 255 - i).l;
        cr_expect(fabs(a - b) < 6, "as light on both sides: %d: %.1f, %.1f", i, a, b);
    }
    cr_expect(shade_lab(mli_map_diverging, 127).l > 94 && shade_lab(mli_map_diverging_dark, 127).l < 25,
              "the middle is the paper");
}

Test(style, a_cyclic_map_has_no_end)
{
    double least = INFINITY, most = 0;
    for (int i = 0; i < MLI_SHADES; i += 16) {
        double d = distance(shade_lab(mli_map_cyclic, i), shade_lab(mli_map_cyclic, (i + 16) % MLI_SHADES)),
               l = shade_lab(mli_map_cyclic, i).l;
        least = fmin(least, d), most = fmax(most, d);
        cr_expect(l > 60 && l < 75, "all as light: %.1f", l);
    }
    cr_expect(most < 2.2 * least, "steps from %.2f to %.2f, the last to the first like the others", least, most);
}

/* What somebody sees who lacks one kind of cone: Vienot, Brettel and Mollon 1999, in linear light. */
static lab seen_without(mli_colour c, bool red)
{
    double r = linear(c.r), g = linear(c.g), b = linear(c.b);
    double rg = red ? 0.11238 * r + 0.88762 * g : 0.29275 * r + 0.70725 * g;
    double bb = red ? 0.00401 * r - 0.00401 * g + b : -0.02234 * r + 0.02234 * g + b;
    return lab_of(rg, rg, fmin(fmax(bb, 0), 1));
}

Test(style, palettes_are_told_apart)
{
    for (int style = ML_STYLE_LIGHT; style < ML_STYLES; style++) {
        const mli_style *s = mli_style_of((ml_style)style);
        for (int i = 0; i < MLI_PALETTE; i++)
            for (int k = 0; k < i; k++) {
                mli_colour a = s->palette[i], b = s->palette[k];
                double     all    = distance(colour_lab(a), colour_lab(b));
                double     no_red = distance(seen_without(a, true), seen_without(b, true)),
                       no_green   = distance(seen_without(a, false), seen_without(b, false));
                cr_expect(all > 20, "style %d, colours %d and %d: %.1f", style, k, i, all);
                cr_expect(no_red > 8 && no_green > 8, "style %d, colours %d and %d for the colour-blind: %.1f, %.1f",
                          style, k, i, no_red, no_green);
            }
        for (int i = 0; i < MLI_PALETTE; i++) {
            double contrast = distance(colour_lab(s->palette[i]), colour_lab(s->paper));
            cr_expect(contrast > 25, "style %d, colour %d on its paper: %.1f", style, i, contrast);
        }
    }
    const mli_style *print = mli_style_of(ML_STYLE_PRINT); /* without colour: lightness, and dashes for what is near */
    cr_expect(print->dashes);
    for (int i = 1; i < MLI_PALETTE; i++) {
        double apart = fabs(colour_lab(print->palette[i]).l - colour_lab(print->palette[i - 1]).l);
        cr_expect(apart > 8, "neighbours %d and %d in print: %.1f", i - 1, i, apart);
    }
}
