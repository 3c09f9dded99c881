/* Mathematical labels: 10^{-3}, w_{i}, \alpha, without LaTeX.
 *
 * ^ raises what is in braces behind it, or one letter, or a number with its sign; _ lowers what is in braces, and only that,
 * since names of metrics have a _ between words. A backslash and the name of a letter or sign give that sign; a backslash
 * before ^, _, {, } or another gives what stands behind it; any other backslash stays. */
#include "figure/paint.h"

#include <ctype.h>
#include <string.h>

#define DEEPEST 4 /* raised parts inside raised parts */

static const struct sign {
    const char *name, *is;
} signs[] = {
    { "alpha", "α" }, { "beta", "β" }, { "gamma", "γ" }, { "delta", "δ" }, { "epsilon", "ε" }, { "zeta", "ζ" }, { "eta", "η" },
    { "theta", "θ" }, { "iota", "ι" }, { "kappa", "κ" }, { "lambda", "λ" }, { "mu", "μ" }, { "nu", "ν" }, { "xi", "ξ" },
    { "pi", "π" }, { "rho", "ρ" }, { "sigma", "σ" }, { "tau", "τ" }, { "upsilon", "υ" }, { "phi", "φ" }, { "chi", "χ" },
    { "psi", "ψ" }, { "omega", "ω" }, { "Gamma", "Γ" }, { "Delta", "Δ" }, { "Theta", "Θ" }, { "Lambda", "Λ" }, { "Xi", "Ξ" },
    { "Pi", "Π" }, { "Sigma", "Σ" }, { "Phi", "Φ" }, { "Psi", "Ψ" }, { "Omega", "Ω" },
    { "times", "×" }, { "cdot", "·" }, { "pm", "±" }, { "leq", "≤" }, { "geq", "≥" }, { "neq", "≠" }, { "approx", "≈" },
    { "sim", "∼" }, { "propto", "∝" }, { "infty", "∞" }, { "partial", "∂" }, { "nabla", "∇" }, { "sum", "∑" }, { "prod", "∏" },
    { "int", "∫" }, { "sqrt", "√" }, { "in", "∈" }, { "to", "→" }, { "ell", "ℓ" }, { "degree", "°" }, { "dots", "…" },
    { "langle", "⟨" }, { "rangle", "⟩" }, { "top", "⊤" }, { "prime", "′" }, { "star", "⋆" },
};

typedef struct writer {
    GString       *text;
    PangoAttrList *how;
    double         size;         /* of the font */
    double         scale, rise;  /* of what is written now; rise in units of the font's size */
} writer;

static void put(writer *w, const char *text, size_t n)
{
    guint start = (guint)w->text->len;
    g_string_append_len(w->text, text, (gssize)n);
    if (w->scale == 1 && w->rise == 0) return;
    PangoAttribute *attributes[2] = { pango_attr_scale_new(w->scale),
                                      pango_attr_rise_new((int)(w->rise * w->size * PANGO_SCALE)) };
    for (int i = 0; i < 2; i++) {
        attributes[i]->start_index = start;
        attributes[i]->end_index   = (guint)w->text->len;
        pango_attr_list_insert(w->how, attributes[i]);
    }
}

static size_t letter_bytes(const char *c)
{
    size_t n = 1;
    while (((unsigned char)c[n] & 0xC0) == 0x80) n++;
    return n;
}

/* The sign whose name stands at c, the longest that fits; NULL when there is none. */
static const struct sign *find_sign(const char *c)
{
    size_t n = 0;
    while (isalpha((unsigned char)c[n])) n++;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strlen(signs[i].name) == n && strncmp(signs[i].name, c, n) == 0) return &signs[i];
    return NULL;
}

/* Behind a ^ without braces: a number with its sign, or one letter. */
static size_t plain_exponent(const char *c)
{
    size_t n = *c == '-' || *c == '+';
    if (isdigit((unsigned char)c[n])) {
        while (isdigit((unsigned char)c[n])) n++;
        return n;
    }
    return *c && *c != ' ' && *c != '\\' ? letter_bytes(c) : 0;
}

static void write_part(writer *w, const char *c, const char *end, int depth);

static const char *closing(const char *c, const char *end)
{
    for (int depth = 0; c < end; c++) {
        if (*c == '\\' && c + 1 < end) c++;
        else if (*c == '{') depth++;
        else if (*c == '}' && --depth == 0) return c;
    }
    return NULL;
}

static void write_shifted(writer *w, bool up, const char *c, const char *end, int depth)
{
    writer inner = *w;
    inner.rise += (up ? 0.36 : -0.18) * w->scale;
    inner.scale *= 0.72;
    if (*c == '-' && c + 1 < end) { /* a true minus */
        put(&inner, "\xE2\x88\x92", 3);
        c++;
    }
    write_part(&inner, c, end, depth + 1);
}

static void write_part(writer *w, const char *c, const char *end, int depth)
{
    while (c < end) {
        const char *close = (*c == '^' || *c == '_') && c + 1 < end && c[1] == '{' ? closing(c + 1, end) : NULL;
        if (close && depth < DEEPEST) {
            write_shifted(w, *c == '^', c + 2, close, depth);
            c = close + 1;
            continue;
        }
        size_t n = *c == '^' && depth < DEEPEST ? plain_exponent(c + 1) : 0;
        if (n && c + 1 + n <= end && depth < DEEPEST) {
            write_shifted(w, true, c + 1, c + 1 + n, depth);
            c += 1 + n;
            continue;
        }
        if (*c == '\\' && c + 1 < end) {
            const struct sign *sign = find_sign(c + 1);
            if (sign) {
                put(w, sign->is, strlen(sign->is));
                c += 1 + strlen(sign->name);
                continue;
            }
            if (strchr("^_{}\\", c[1])) c++;
        }
        n = letter_bytes(c);
        put(w, c, n);
        c += n;
    }
}

char *mli_words(const char *text, double size, PangoAttrList **how)
{
    if (!strpbrk(text, "^\\") && !strstr(text, "_{")) return NULL;
    writer w = { .text = g_string_new(NULL), .how = pango_attr_list_new(), .size = size, .scale = 1 };
    write_part(&w, text, text + strlen(text), 0);
    *how = w.how;
    return g_string_free(w.text, FALSE);
}
