#include "run/json.h"

#include <string.h>

#define DEPTH_LIMIT 64 /* of nesting: a hostile text must not use up the stack */

void mli_json_string(mli_text *t, const char *s)
{
    if (!s) {
        mli_text_puts(t, "null");
        return;
    }
    mli_text_puts(t, "\"");
    while (*s) {
        size_t plain = strcspn(
            s, "\"\\\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0B\x0C\r\x0E\x0F\x10\x11\x12\x13\x14\x15\x16"
               "\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F");
        mli_text_put(t, s, plain);
        s += plain;
        if (*s == '\n')
            mli_text_puts(t, "\\n");
        else if (*s == '"' || *s == '\\')
            mli_text_putf(t, "\\%c", *s);
        else if (*s)
            mli_text_putf(t, "\\u%04x", (unsigned)(unsigned char)*s);
        if (*s) s++;
    }
    mli_text_puts(t, "\"");
}

/* --- the strict look: each function returns what follows, or NULL with the place in error --------------- */
typedef struct {
    const char *start, *error; /* error: where the text stopped being JSON */
} scan;

static const char *value(scan *s, const char *p, int depth);

static const char *wrong(scan *s, const char *p)
{
    if (!s->error) s->error = p;
    return NULL;
}

static const char *space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

static const char *string(scan *s, const char *p)
{
    if (*p != '"') return wrong(s, p);
    for (p++; *p != '"'; p++) {
        if ((unsigned char)*p < 0x20) return wrong(s, p); /* also the end */
        if (*p != '\\') continue;
        p++;
        if (*p == 'u') {
            if (strspn(p + 1, "0123456789abcdefABCDEF") < 4) return wrong(s, p);
        } else if (!*p || !strchr("\"\\/bfnrt", *p)) {
            return wrong(s, p);
        }
    }
    return p + 1;
}

static const char *digits(scan *s, const char *p)
{
    size_t n = strspn(p, "0123456789");
    return n ? p + n : wrong(s, p);
}

static const char *number(scan *s, const char *p)
{
    if (*p == '-') p++;
    p = *p == '0' ? p + 1 : digits(s, p);
    if (p && *p == '.') p = digits(s, p + 1);
    if (p && (*p == 'e' || *p == 'E')) {
        p++;
        if (*p == '+' || *p == '-') p++;
        p = digits(s, p);
    }
    return p;
}

/* What stands between p, after the opening bracket, and close: values, or in an object "key": value. */
static const char *members(scan *s, const char *p, char close, int depth)
{
    if (depth > DEPTH_LIMIT) return wrong(s, p);
    p = space(p);
    if (*p == close) return p + 1;
    for (;;) {
        if (close == '}') {
            if (!(p = string(s, space(p)))) return NULL;
            p = space(p);
            if (*p++ != ':') return wrong(s, p - 1);
        }
        if (!(p = value(s, p, depth))) return NULL;
        p = space(p);
        if (*p == close) return p + 1;
        if (*p++ != ',') return wrong(s, p - 1);
    }
}

static const char *value(scan *s, const char *p, int depth)
{
    static const char *const words[] = { "true", "false", "null" };
    p                                = space(p);
    if (*p == '{') return members(s, p + 1, '}', depth + 1);
    if (*p == '[') return members(s, p + 1, ']', depth + 1);
    if (*p == '"') return string(s, p);
    for (int i = 0; i < 3; i++)
        if (strncmp(p, words[i], strlen(words[i])) == 0) return p + strlen(words[i]);
    return number(s, p);
}

bool mli_json_is_object(const char *text)
{
    scan        s    = { text, NULL };
    const char *open = space(text);
    const char *end  = *open == '{' ? members(&s, open + 1, '}', 1) : wrong(&s, open);
    if (end && *space(end)) end = wrong(&s, space(end));
    if (end) return true;
    int shown = 0; /* whole characters of what stands there */
    for (uint32_t code; shown < 20 && mli_utf8(s.error + shown, &code) && code >= 0x20;)
        shown += mli_utf8(s.error + shown, &code);
    return ml_fail("params must be a JSON object, went wrong at byte %lld%s%.*s%s",
                   (long long)(s.error - s.start) + 1, shown ? ": '" : "", shown, s.error, shown ? "'" : "");
}
