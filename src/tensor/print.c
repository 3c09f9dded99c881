/* Printing as NumPy does: aligned columns, the middle of large tensors elided, shape and dtype at the end.
 *
 * All values of a tensor are written in one way: whole numbers ("3."), fixed point, or scientific when one is large
 * or tiny, so that nothing small is hidden. Of at most four decimals as many are shown as the values need: 0.1 in
 * f32 is "0.1", not the digits of its f64 neighbour. */
#include "tensor/tensor_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGE     3    /* items shown at each end of an elided dimension */
#define ELIDE_AT 1000 /* more values than this are elided */
#define COLUMNS  80   /* longer rows go on in the next line */
#define DECIMALS 4

/* --- growing text ------------------------------------------------------------------------------------------- */
typedef struct {
    char  *text;
    size_t used, capacity, line; /* line: where the current one starts */
    bool   failed;
} buffer;

static void put_text(buffer *b, const char *piece)
{
    size_t n = strlen(piece);
    if (b->failed) return;
    if (b->used + n + 1 > b->capacity) {
        size_t capacity = 2 * b->capacity + n + 256;
        char  *text     = ml_realloc(b->text, b->capacity, capacity);
        if (!text) {
            b->failed = true;
            return;
        }
        b->text     = text;
        b->capacity = capacity;
    }
    memcpy(b->text + b->used, piece, n + 1);
    b->used += n;
}

ML_PRINTF(2, 3) static void put(buffer *b, const char *format, ...)
{
    char    piece[512]; /* the longest is the shape: under 200 */
    va_list args;
    va_start(args, format);
    vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    put_text(b, piece);
}

static void break_line(buffer *b, int n_breaks, int indent)
{
    for (int i = 0; i < n_breaks; i++) put_text(b, "\n");
    b->line = b->used;
    put(b, "%*s", indent, "");
}

/* --- one value ---------------------------------------------------------------------------------------------- */
typedef struct {
    const ml_tensor *t;
    bool             elide;
    bool             whole;    /* every finite value is a whole number of moderate size */
    double           max, min; /* of the magnitudes that are finite and not 0 */
    bool             scientific;
    int              decimals, width;
} style;

static int64_t integer_at(const ml_tensor *t, const int64_t *at) /* exact, also beyond 2^53 */
{
    int64_t offset = t->offset;
    for (int i = 0; i < t->shape.n; i++) offset += at[i] * t->strides[i];
    return ((const int64_t *)t->storage->data)[offset];
}

static int value_text(const style *s, const int64_t *at, char out[64])
{
    if (s->t->dtype == ML_I64) return snprintf(out, 64, "%" PRId64, integer_at(s->t, at));
    double v = ml_tensor_at(s->t, at);
    if (s->t->dtype == ML_U8) return snprintf(out, 64, "%.0f", v);
    if (s->t->dtype == ML_BOOL) return snprintf(out, 64, "%s", v != 0 ? "true" : "false");
    if (isnan(v)) return snprintf(out, 64, "nan");
    if (isinf(v)) return snprintf(out, 64, v > 0 ? "inf" : "-inf");
    if (s->whole) return snprintf(out, 64, "%.0f.", v);
    return snprintf(out, 64, s->scientific ? "%.*e" : "%.*f", s->decimals, v);
}

static bool reads_back(const style *s, const char *text, double v)
{
    return s->t->dtype == ML_F32 ? (double)strtof(text, NULL) == v : strtod(text, NULL) == v;
}

/* The fewest decimals that say as much as DECIMALS do. */
static int decimals_of(const style *s, double v)
{
    const char *format = s->scientific ? "%.*e" : "%.*f";
    char        full[64], text[64];
    snprintf(full, sizeof full, format, DECIMALS, v);
    for (int d = 1; d < DECIMALS; d++) {
        snprintf(text, sizeof text, format, d, v);
        if (reads_back(s, text, v) || strtod(text, NULL) == strtod(full, NULL)) return d;
    }
    return DECIMALS;
}

/* --- what all values need: three walks over those that will be shown ------------------------------------------ */
static void note_range(style *s, const int64_t *at)
{
    double v = ml_tensor_at(s->t, at), a = fabs(v);
    if (!isfinite(v)) return;
    if (v != floor(v) || a >= 1e9) s->whole = false;
    if (a > s->max) s->max = a;
    if (a != 0 && a < s->min) s->min = a;
}

static void note_decimals(style *s, const int64_t *at)
{
    double v = ml_tensor_at(s->t, at);
    int    d = isfinite(v) ? decimals_of(s, v) : 0;
    if (d > s->decimals) s->decimals = d;
}

static void note_width(style *s, const int64_t *at)
{
    char text[64];
    int  n = value_text(s, at, text);
    if (n > s->width) s->width = n;
}

static void walk(style *s, int dim, int64_t *at, void (*note)(style *, const int64_t *))
{
    if (dim == s->t->shape.n) {
        note(s, at);
        return;
    }
    int64_t n = s->t->shape.size[dim];
    for (at[dim] = 0; at[dim] < n; at[dim]++) {
        if (s->elide && n > 2 * EDGE && at[dim] == EDGE) at[dim] = n - EDGE;
        walk(s, dim + 1, at, note);
    }
}

static style style_for(const ml_tensor *t)
{
    style   s = { .t = t, .elide = ml_tensor_numel(t) > ELIDE_AT, .whole = true, .min = HUGE_VAL };
    int64_t at[ML_MAX_DIMS] = { 0 };
    if (ml_dtype_is_float((ml_dtype)t->dtype)) {
        walk(&s, 0, at, note_range);
        s.scientific = s.max >= 1e6 || s.min < 1e-4;
        if (!s.whole) walk(&s, 0, at, note_decimals);
        int digits = s.max < 1 ? 1 : 1 + (int)log10(s.max); /* f32 has eight in all: more would be invented */
        if (t->dtype == ML_F32 && !s.scientific && s.decimals > 8 - digits) s.decimals = 8 - digits;
    }
    walk(&s, 0, at, note_width);
    return s;
}

/* --- brackets ------------------------------------------------------------------------------------------------- */
/* Between two items: rows follow each other on lines, matrices after an empty line, and so on outwards. */
static void separate(const style *s, buffer *b, int dim, int width)
{
    put_text(b, ",");
    if (dim < s->t->shape.n - 1) break_line(b, s->t->shape.n - 1 - dim, dim + 1);
    else if (b->used - b->line + (size_t)width + 2 > COLUMNS) break_line(b, 1, dim + 1);
    else put_text(b, " ");
}

static void print_dim(const style *s, buffer *b, int dim, int64_t *at)
{
    if (dim == s->t->shape.n) {
        char text[64];
        value_text(s, at, text);
        put(b, "%*s", s->width, text);
        return;
    }
    int64_t n = s->t->shape.size[dim];
    put_text(b, "[");
    for (at[dim] = 0; at[dim] < n; at[dim]++) {
        bool skip = s->elide && n > 2 * EDGE && at[dim] == EDGE;
        if (at[dim] > 0) separate(s, b, dim, skip ? 3 : s->width);
        if (skip) {
            put_text(b, "...");
            at[dim] = n - EDGE - 1;
        } else {
            print_dim(s, b, dim + 1, at);
        }
    }
    put_text(b, "]");
}

char *ml_tensor_text(const ml_tensor *t)
{
    if (!t) return NULL;
    buffer b = { 0 };
    if (t->inner) {
        put(&b, "one of %lld inside vmap", (long long)t->inner->shape.size[0]);
    } else if (ml_tensor_numel(t) == 0) {
        put_text(&b, "[]"); /* a row of brackets for each of a million empty rows helps nobody */
    } else {
        style   s               = style_for(t);
        int64_t at[ML_MAX_DIMS] = { 0 };
        print_dim(&s, &b, 0, at);
    }
    put(&b, "  %s %s%s", ml_dtype_name((ml_dtype)t->dtype), ml_shape_text(&t->shape),
        mli_records(t) ? " recorded" : "");
    if (!b.failed) {
        char *fit = ml_realloc(b.text, b.capacity, b.used + 1);
        if (fit) return fit;
    }
    if (b.text) ml_realloc(b.text, b.capacity, 0);
    return NULL;
}
