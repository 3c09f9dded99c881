#include "run/text.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- growing -------------------------------------------------------------------------------------------- */
static bool make_room(mli_text *t, size_t n)
{
    if (t->failed) return false;
    if (n <= t->capacity - t->used) return true;
    size_t capacity = t->capacity + t->capacity / 2 + n + 256;
    char  *bytes    = ml_realloc(t->bytes, t->capacity, capacity);
    if (!bytes) {
        t->failed = true;
        return false;
    }
    t->bytes    = bytes;
    t->capacity = capacity;
    return true;
}

void mli_text_put(mli_text *t, const char *bytes, size_t n)
{
    if (n == 0 || !make_room(t, n)) return;
    memcpy(t->bytes + t->used, bytes, n);
    t->used += n;
}

void mli_text_puts(mli_text *t, const char *s)
{
    mli_text_put(t, s, strlen(s));
}

void mli_text_putf(mli_text *t, const char *format, ...)
{
    char    piece[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (n > 0) mli_text_put(t, piece, (size_t)n < sizeof piece ? (size_t)n : sizeof piece - 1);
}

void mli_text_put_utf8(mli_text *t, const char *s)
{
    while (*s) {
        uint32_t code;
        int      n = mli_utf8(s, &code);
        if (n)
            mli_text_put(t, s, (size_t)n);
        else
            mli_text_puts(t, "\xEF\xBF\xBD");
        s += n ? n : 1;
    }
}

void mli_text_free(mli_text *t)
{
    ml_realloc(t->bytes, t->capacity, 0);
    *t = (mli_text){ 0 };
}

char *mli_copy(const char *s)
{
    size_t n    = strlen(s) + 1;
    char  *copy = ml_realloc(NULL, 0, n);
    return copy ? memcpy(copy, s, n) : NULL;
}

void mli_copy_free(char *copy)
{
    if (copy) ml_realloc(copy, strlen(copy) + 1, 0);
}

/* --- numbers -------------------------------------------------------------------------------------------- */
/* An embedding program may have set a locale with a decimal comma, of one byte or of several. */
static void use_point(char *number)
{
    const char *point = localeconv()->decimal_point;
    char       *at    = strcmp(point, ".") == 0 ? NULL : strstr(number, point);
    if (!at) return;
    *at = '.';
    memmove(at + 1, at + strlen(point), strlen(at + strlen(point)) + 1);
}

const char *mli_number(char out[MLI_NUMBER], double v)
{
    if (isnan(v)) return strcpy(out, "nan");
    if (isinf(v)) return strcpy(out, v > 0 ? "inf" : "-inf");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, MLI_NUMBER, "%.*g", digits, v);
        if (digits == 17 || strtod(out, NULL) == v) break;
    }
    use_point(out);
    return out;
}

/* --- UTF-8 ---------------------------------------------------------------------------------------------- */
int mli_utf8(const char *s, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800,
                                      0x10000 }; /* anything smaller was written too long */
    unsigned char         first   = (unsigned char)s[0];
    int                   n       = first < 0x80                    ? 1
                                    : first >= 0xC2 && first < 0xE0 ? 2
                                    : (first & 0xF0) == 0xE0        ? 3
                                    : (first & 0xF8) == 0xF0        ? 4
                                                                    : 0;
    if (first == 0 || n == 0) return 0;
    *code = n == 1 ? first : first & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xC0) != 0x80) return 0; /* also stops at the end of s */
        *code = *code << 6 | ((unsigned char)s[i] & 0x3F);
    }
    bool surrogate = *code >= 0xD800 && *code <= 0xDFFF;
    return *code >= least[n] && *code <= 0x10FFFF && !surrogate ? n : 0;
}
