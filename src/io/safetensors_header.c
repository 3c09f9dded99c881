/* The header of a safetensors file, read by a strict grammar of its own:
 *
 *     {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
 *
 * Not through cJSON: its tree takes some thirty times the memory of a header made of small values, it drops what stands behind
 * a zero, keeps keys that are there twice, and its numbers are doubles. Here nothing is allocated but one entry a tensor: texts
 * are decoded where they stand, as a JSON text is never shorter than what it means. */
#include "io/safetensors.h"

#include <string.h>

static bool wrong(const mli_scan *s, const char *why)
{
    return mli_refuse(s->source, 8 + (uint64_t)(s->at - s->begin), "%s", why);
}

static void skip_space(mli_scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) s->at++;
}

static bool accept(mli_scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static bool expect(mli_scan *s, char c)
{
    char why[] = "a ' ' is missing here";
    why[3]     = c;
    return accept(s, c) || wrong(s, why);
}

/* --- texts -------------------------------------------------------------------------------------------------------- */
static bool four_digits(mli_scan *s, uint32_t *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char c = s->at < s->end ? *s->at : '\0';
        int  digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return wrong(s, "\\u needs four hexadecimal digits");
        *code = *code << 4 | (uint32_t)digit;
        s->at++;
    }
    return true;
}

static char *put_character(char *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    *out++   = (char)((0xFF00u >> (more + 1) & 0xFFu) | c >> 6 * more);
    while (more-- > 0) *out++ = (char)(0x80u | (c >> 6 * more & 0x3Fu));
    return out;
}

/* What follows a backslash. */
static bool escape(mli_scan *s, char **out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char              c     = s->at < s->end ? *s->at++ : '\0';
    const char       *known = c ? strchr(from, c) : NULL;
    uint32_t          code, low;
    if (known) {
        *(*out)++ = to[known - from];
        return true;
    }
    if (c != 'u') return wrong(s, "an unknown escape in a text");
    if (!four_digits(s, &code)) return false;
    if (code == 0) return wrong(s, "a zero in a text");
    if (code >= 0xDC00 && code <= 0xDFFF) return wrong(s, "half of a surrogate pair");
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u') return wrong(s, "half of a surrogate pair");
        s->at += 2;
        if (!four_digits(s, &low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return wrong(s, "half of a surrogate pair");
        code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF));
    }
    *out = put_character(*out, code);
    return true;
}

/* The text becomes a C string where it stands: its closing quote makes room for the zero. */
static bool string(mli_scan *s, char **text)
{
    if (!expect(s, '"')) return false;
    char *out = s->at;
    *text     = out;
    while (s->at < s->end && *s->at != '"') {
        char c = *s->at++;
        if ((unsigned char)c < 0x20) return s->at--, wrong(s, "a control character in a text");
        if (c != '\\') *out++ = c;
        else if (!escape(s, &out)) return false;
    }
    if (s->at == s->end) return wrong(s, "a text does not end");
    s->at++;
    *out = '\0';
    return true;
}

/* --- numbers -------------------------------------------------------------------------------------------------------- */
static bool whole(mli_scan *s, uint64_t *value)
{
    skip_space(s);
    const char *begin = s->at;
    for (*value = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if (__builtin_mul_overflow(*value, 10u, value) || __builtin_add_overflow(*value, (uint64_t)(*s->at - '0'), value) || *value > INT64_MAX)
            return wrong(s, "a number over 2^63 - 1");
    if (s->at == begin) return wrong(s, "a whole number, not negative, is missing here");
    if (*begin == '0' && s->at > begin + 1) return wrong(s, "a number that begins with 0");
    if (s->at < s->end && (*s->at == '.' || *s->at == 'e' || *s->at == 'E')) return wrong(s, "sizes and offsets are whole numbers");
    return true;
}

static bool numbers(mli_scan *s, uint64_t *values, int most, int *n)
{
    *n = 0;
    if (!expect(s, '[')) return false;
    if (accept(s, ']')) return true;
    do {
        if (*n == most) return wrong(s, most == 2 ? "data_offsets are two numbers" : "more than 8 dimensions");
        if (!whole(s, &values[(*n)++])) return false;
    } while (accept(s, ','));
    return expect(s, ']');
}

/* --- entries ---------------------------------------------------------------------------------------------------------- */
static bool element(mli_scan *s, mli_element *e)
{
    static const struct { const char *name; mli_element element; } known[] = {
        { "BOOL", MLI_BOOL }, { "U8", MLI_U8 },   { "I8", MLI_I8 },   { "U16", MLI_U16 }, { "I16", MLI_I16 },   { "U32", MLI_U32 },
        { "I32", MLI_I32 },   { "U64", MLI_U64 }, { "I64", MLI_I64 }, { "F16", MLI_F16 }, { "BF16", MLI_BF16 }, { "F32", MLI_F32 },
        { "F64", MLI_F64 },
    };
    char *name, why[128];
    if (!string(s, &name)) return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) != 0) continue;
        *e = known[i].element;
        return true;
    }
    snprintf(why, sizeof why, "the dtype '%.20s' is not read; BOOL, U8 to U64, I8 to I64, F16, BF16, F32 and F64 are", name);
    return wrong(s, why);
}

static bool field(mli_scan *s, mli_entry *e, int *seen)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
    char    *key;
    uint64_t sizes[ML_MAX_DIMS], offsets[2];
    int      n;
    if (!string(s, &key)) return false;
    int which = strcmp(key, "dtype") == 0 ? DTYPE : strcmp(key, "shape") == 0 ? SHAPE : strcmp(key, "data_offsets") == 0 ? OFFSETS : 0;
    if (!which) return wrong(s, "a field that is not dtype, shape or data_offsets");
    if (*seen & which) return wrong(s, "a field is there twice");
    *seen |= which;
    if (!expect(s, ':')) return false;
    if (which == DTYPE) return element(s, &e->element);
    if (which == SHAPE) {
        if (!numbers(s, sizes, ML_MAX_DIMS, &n)) return false;
        e->shape.n = n;
        for (int i = 0; i < n; i++) e->shape.size[i] = (int64_t)sizes[i];
        return true;
    }
    if (!numbers(s, offsets, 2, &n)) return false;
    if (n != 2) return wrong(s, "data_offsets are two numbers");
    e->begin = offsets[0];
    e->end   = offsets[1];
    return e->begin <= e->end || wrong(s, "data_offsets that end before they begin");
}

static bool tensor(mli_scan *s, mli_header *h, char *name)
{
    if (h->n == MLI_MOST_TENSORS) return wrong(s, "more than 65,536 tensors");
    if (strlen(name) > MLI_LONGEST_NAME) return wrong(s, "a name of more than 1024 bytes");
    if (h->n == h->room) {
        int        room    = h->room ? 2 * h->room : 16;
        mli_entry *entries = ml_realloc(h->entries, (size_t)h->room * sizeof *entries, (size_t)room * sizeof *entries);
        if (!entries) return false;
        h->entries = entries;
        h->room    = room;
    }
    mli_entry *e = &h->entries[h->n];
    memset(e, 0, sizeof *e);
    e->name  = name;
    int seen = 0;
    if (!expect(s, '{')) return false;
    do {
        if (!field(s, e, &seen)) return false;
    } while (accept(s, ','));
    if (!expect(s, '}')) return false;
    if (seen != 7) return wrong(s, "a tensor needs dtype, shape and data_offsets");
    uint64_t bytes;
    if (!mli_values_bytes(e->element, &e->shape, &bytes)) return wrong(s, "a shape that does not fit into any memory");
    if (bytes != e->end - e->begin) return wrong(s, "data_offsets that do not fit the shape and dtype");
    if (e->end > h->data_bytes) return wrong(s, "data_offsets beyond the end of the file");
    h->n++;
    return true;
}

static bool notes(mli_scan *s, ml_archive *into)
{
    char *key, *text;
    if (!expect(s, '{')) return false;
    if (accept(s, '}')) return true;
    do {
        if (!string(s, &key) || !expect(s, ':')) return false;
        skip_space(s);
        if (s->at < s->end && *s->at != '"') return wrong(s, "what __metadata__ holds must be text");
        if (!string(s, &text)) return false;
        if (ml_archive_note(into, key, text)) continue;
        char why[256];
        snprintf(why, sizeof why, "%s", ml_error_message());
        return wrong(s, why);
    } while (accept(s, ','));
    return expect(s, '}');
}

bool mli_header_read(mli_scan *s, mli_header *h, ml_archive *into)
{
    char  *name;
    size_t bad;
    bool   has_notes = false;
    if (s->at == s->end || *s->at != '{') return wrong(s, "the header must begin with {");
    if (!mli_is_utf8(s->begin, (size_t)(s->end - s->begin), &bad)) {
        s->at = s->begin + bad - 1;
        return wrong(s, "the header is not UTF-8");
    }
    s->at++;
    if (!accept(s, '}')) {
        do {
            if (!string(s, &name) || !expect(s, ':')) return false;
            bool is_notes = strcmp(name, "__metadata__") == 0;
            if (is_notes && has_notes) return wrong(s, "__metadata__ is there twice");
            has_notes |= is_notes;
            if (!(is_notes ? notes(s, into) : tensor(s, h, name))) return false;
        } while (accept(s, ','));
        if (!expect(s, '}')) return false;
    }
    skip_space(s);
    return s->at == s->end || wrong(s, "something follows the header's last bracket");
}
