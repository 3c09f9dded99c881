#include "io/io_impl.h"

/* Bytes of the character at s, of which n are there; 0 when there is none. A zero is none either: names are C strings. */
static size_t character(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* what is smaller was written too long */
    size_t size = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : (s[0] & 0xF8) == 0xF0 ? 4 : 0;
    if (s[0] == 0 || size == 0 || size > n) return 0;
    uint32_t code = size == 1 ? s[0] : s[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (s[i] & 0x3Fu);
    }
    bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code >= least[size] && code <= 0x10FFFF && !surrogate ? size : 0;
}

bool mli_is_utf8(const char *text, size_t n, size_t *wrong)
{
    for (size_t i = 0; i < n;) {
        size_t size = character((const unsigned char *)text + i, n - i);
        if (size == 0) {
            *wrong = i + 1;
            return false;
        }
        i += size;
    }
    return true;
}
