/* The palette is Okabe and Ito's (2008), which people with any common colour blindness can tell apart; yellow, too pale
 * for white paper, gives way to grey, and the dark style lifts each colour while it keeps its hue. The print style keeps
 * hues too, but its colours differ in lightness as well, so that they stay apart on a printer that has only black. */
#include "figure/style.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define HEX(rgb) { ((rgb) >> 16 & 255) / 255.0, ((rgb) >> 8 & 255) / 255.0, ((rgb) & 255) / 255.0 }
/* clang-format on */

static const mli_style light = {
    .line    = 1.6,
    .paper   = HEX(0xFFFFFF),
    .ink     = HEX(0x1F2328),
    .quiet   = HEX(0x57606A),
    .grid    = HEX(0xE7EAEE),
    .missing = HEX(0xD0D4DA),
    .palette = { HEX(0x0072B2), HEX(0xD55E00), HEX(0x009E73), HEX(0xCC79A7), HEX(0xE69F00), HEX(0x56B4E9),
                 HEX(0x6E7781) },
};

static const mli_style dark = {
    .dark    = true,
    .line    = 1.6,
    .paper   = HEX(0x16181D),
    .ink     = HEX(0xECEFF4),
    .quiet   = HEX(0xA4ADBA),
    .grid    = HEX(0x2B2F37),
    .missing = HEX(0x3A3F49),
    .palette = { HEX(0x4BA3E3), HEX(0xFF7F3F), HEX(0x2CC295), HEX(0xE493C3), HEX(0xF2B233), HEX(0x9AD8FF),
                 HEX(0xB4BBC6) },
};

static const mli_style print = {
    .dashes  = true,
    .line    = 1.0,
    .paper   = HEX(0xFFFFFF),
    .ink     = HEX(0x000000),
    .quiet   = HEX(0x000000),
    .grid    = HEX(0xE2E2E2),
    .missing = HEX(0xC8C8C8),
    .palette = { HEX(0x001D51), HEX(0xC16D45), HEX(0x006641), HEX(0xF197C2), HEX(0x513400), HEX(0x3BACDA), HEX(0x6F6F6F) },
};

const mli_style *mli_style_of(ml_style style)
{
    return style == ML_STYLE_DARK ? &dark : style == ML_STYLE_PRINT ? &print : &light;
}

mli_colour mli_colour_named(const mli_style *style, const char *name)
{
    static const char *const names[MLI_PALETTE] = { "blue", "orange", "green", "pink", "amber", "sky", "grey" };
    if (name[0] == '#') {
        uint32_t rgb = (uint32_t)strtoul(name + 1, NULL, 16);
        return (mli_colour)HEX(rgb);
    }
    for (int i = 0; i < MLI_PALETTE; i++)
        if (strcmp(name, names[i]) == 0) return style->palette[i];
    return style->ink;
}

mli_colour mli_mix(mli_colour a, mli_colour b, double t)
{
    return (mli_colour){ a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t };
}

const uint32_t *mli_map_of(mli_map map, bool on_dark)
{
    switch (map) {
    case MLI_MAP_DIVERGING: return on_dark ? mli_map_diverging_dark : mli_map_diverging;
    case MLI_MAP_CYCLIC: return mli_map_cyclic;
    case MLI_MAP_GREY: return mli_map_grey;
    default: return mli_map_viridis;
    }
}

mli_colour mli_map_at(mli_map map, bool on_dark, double t)
{
    uint32_t rgb = mli_map_of(map, on_dark)[(int)(fmin(fmax(t, 0), 1) * (MLI_SHADES - 1) + 0.5)];
    return (mli_colour)HEX(rgb);
}
