/* The palette is Okabe and Ito's (2008), which people with any common colour blindness can tell apart; yellow, too pale
 * for white paper, gives way to grey, and the dark theme lifts each colour while it keeps its hue.
 *
 * The colour maps are formulas in OKLCH (Ottosson 2020): lightness rises evenly with the value, so equal steps of the
 * value look equal and a print in grey keeps the order. */
#include "figure/theme.h"

#include <math.h>

/* clang-format off */
#define HEX(rgb) { ((rgb) >> 16 & 255) / 255.0, ((rgb) >> 8 & 255) / 255.0, ((rgb) & 255) / 255.0 }
/* clang-format on */

static const mli_theme light = {
    .paper   = HEX(0xFFFFFF),
    .ink     = HEX(0x1F2328),
    .quiet   = HEX(0x57606A),
    .grid    = HEX(0xE7EAEE),
    .missing = HEX(0xD0D4DA),
    .palette = { HEX(0x0072B2), HEX(0xD55E00), HEX(0x009E73), HEX(0xCC79A7), HEX(0xE69F00), HEX(0x56B4E9),
                 HEX(0x6E7781) },
};

static const mli_theme dark = {
    .dark    = true,
    .paper   = HEX(0x16181D),
    .ink     = HEX(0xECEFF4),
    .quiet   = HEX(0xA4ADBA),
    .grid    = HEX(0x2B2F37),
    .missing = HEX(0x3A3F49),
    .palette = { HEX(0x4BA3E3), HEX(0xFF7F3F), HEX(0x2CC295), HEX(0xE493C3), HEX(0xF2B233), HEX(0x9AD8FF),
                 HEX(0xB4BBC6) },
};

const mli_theme *mli_theme_of(ml_theme theme)
{
    return theme == ML_THEME_DARK ? &dark : &light;
}

static double to_srgb(double linear)
{
    if (!(linear > 0)) return 0;
    if (linear >= 1) return 1;
    return linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
}

/* lightness 0..1, chroma 0..0.3, hue in degrees */
static mli_colour oklch(double lightness, double chroma, double hue)
{
    double a = chroma * cos(hue * 0.017453292519943295);
    double b = chroma * sin(hue * 0.017453292519943295);
    double l = pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
    double m = pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
    double s = pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
    return (mli_colour){
        .r = to_srgb(+4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
        .g = to_srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
        .b = to_srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s),
    };
}

mli_colour mli_map_sequential(double t)
{
    t = fmin(fmax(t, 0), 1);
    /* violet (305 degrees) through blue and green to yellow (105); the chroma dips where sRGB has little teal */
    double hue    = 305 - 200 * (0.75 * t + 0.25 * t * t);
    double chroma = 0.115 + 0.075 * t * t - 0.03 * sin(3.141592653589793 * t);
    return oklch(0.27 + 0.64 * t, chroma, hue);
}

mli_colour mli_map_diverging(double t, bool on_dark)
{
    double far = fmin(fabs(2 * t - 1), 1);
    double hue = t < 0.5 ? 250 : 40;
    if (on_dark) return oklch(0.26 + 0.46 * far, 0.165 * pow(far, 0.8), hue);
    return oklch(0.97 - 0.47 * far, 0.165 * pow(far, 0.8), hue);
}
