#define _GNU_SOURCE
#include "run/screen.h"

#include <stdlib.h>
#include <string.h>

#include "run/text.h"

bool mli_locale_is_utf8(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

int mli_screen_columns(uint32_t code)
{
    static const struct {
        uint32_t first, last;
        int      columns;
    } ranges[] = {
        { 0x0300, 0x036F, 0 },   { 0x1100, 0x115F, 2 }, { 0x200B, 0x200F, 0 }, { 0x20D0, 0x20FF, 0 },
        { 0x2E80, 0xA4CF, 2 },   { 0xAC00, 0xD7A3, 2 }, { 0xF900, 0xFAFF, 2 }, { 0xFE00, 0xFE0F, 0 },
        { 0xFE30, 0xFE6F, 2 },   { 0xFF00, 0xFF60, 2 }, { 0xFFE0, 0xFFE6, 2 }, { 0x1F300, 0x1FAFF, 2 },
        { 0x20000, 0x3FFFD, 2 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return ranges[i].columns;
    return 1;
}

void mli_clean(char *out, size_t bytes, const char *name, bool utf8)
{
    size_t used = 0;
    while (*name) {
        uint32_t code  = 0;
        int      n     = mli_utf8(name, &code);
        bool     plain = n == 1 && code >= 0x20 && code != 0x7F;
        bool     good  = plain || (n > 1 && utf8 && code >= 0xA0);
        int      width = good ? n : 1;
        if (used + (size_t)width >= bytes) break;
        if (good)
            memcpy(out + used, name, (size_t)n);
        else
            out[used] = '?';
        used += (size_t)width;
        name += n ? n : 1;
    }
    out[used] = '\0';
}
