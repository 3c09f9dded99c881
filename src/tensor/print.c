/* Printing as NumPy does: aligned columns, the middle of large tensors elided, shape and dtype at the end. */
#include "tensor/tensor_impl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EDGE      3    /* items shown at each end of an elided dimension */
#define ELIDE_AT  1000 /* more values than this are elided */

typedef struct {
    char  *text;
    size_t used, capacity;
    bool   failed;
} buffer;

ML_PRINTF(2, 3) static void put(buffer *b, const char *format, ...)
{
    char    piece[128];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    if (n < 0 || b->failed) return;
    if (b->used + (size_t)n + 1 > b->capacity) {
        size_t capacity = 2 * b->capacity + 256;
        char  *text     = ml_realloc(b->text, b->capacity, capacity);
        if (!text) {
            b->failed = true;
            return;
        }
        b->text     = text;
        b->capacity = capacity;
    }
    memcpy(b->text + b->used, piece, (size_t)n + 1);
    b->used += (size_t)n;
}

typedef struct {
    const ml_tensor *t;
    bool             elide, integer, scientific;
    int              decimals, width;
} style;

static int number_text(const style *s, double v, char out[64])
{
    if (s->t->dtype == ML_BOOL) return snprintf(out, 64, "%s", v != 0 ? "true" : "false");
    if (isnan(v)) return snprintf(out, 64, "nan");
    if (isinf(v)) return snprintf(out, 64, v > 0 ? "inf" : "-inf");
    if (s->integer) return snprintf(out, 64, s->t->dtype == ML_I64 || s->t->dtype == ML_U8 ? "%.0f" : "%.0f.", v);
    return snprintf(out, 64, s->scientific ? "%.*e" : "%.*f", s->decimals, v);
}

/* Calls visit for each value that will be shown. */
static void walk(const style *s, int dim, int64_t *at, void (*visit)(style *, double), style *into)
{
    if (dim == s->t->shape.n) {
        visit(into, ml_tensor_at(s->t, at));
        return;
    }
    int64_t n = s->t->shape.size[dim];
    for (at[dim] = 0; at[dim] < n; at[dim]++) {
        if (s->elide && n > 2 * EDGE && at[dim] == EDGE) at[dim] = n - EDGE;
        walk(s, dim + 1, at, visit, into);
    }
}

static void note_range(style *s, double v)
{
    if (!isfinite(v)) return;
    double a = fabs(v);
    if (v != floor(v) || a >= 1e9) s->integer = false;
    if (a != 0 && (a >= 1e6 || a < 1e-4)) s->scientific = true;
}

static void note_width(style *s, double v)
{
    char text[64];
    int  n = number_text(s, v, text);
    if (n > s->width) s->width = n;
}

static void print_dim(const style *s, buffer *b, int dim, int64_t *at)
{
    if (dim == s->t->shape.n) {
        char text[64];
        number_text(s, ml_tensor_at(s->t, at), text);
        put(b, "%*s", s->width, text);
        return;
    }
    int64_t n    = s->t->shape.size[dim];
    bool    last = dim == s->t->shape.n - 1;
    put(b, "[");
    for (at[dim] = 0; at[dim] < n; at[dim]++) {
        if (at[dim] > 0) {
            put(b, last ? ", " : ",\n");
            if (!last)
                for (int i = 0; i <= dim; i++) put(b, " ");
        }
        if (s->elide && n > 2 * EDGE && at[dim] == EDGE) {
            at[dim] = n - EDGE - 1;
            put(b, "...");
            continue;
        }
        print_dim(s, b, dim + 1, at);
    }
    put(b, "]");
}

char *ml_tensor_text(const ml_tensor *t)
{
    if (!t) return NULL;
    style   s                = { .t = t, .elide = ml_tensor_numel(t) > ELIDE_AT, .integer = true, .decimals = 4 };
    int64_t at[ML_MAX_DIMS]  = { 0 };
    buffer  b                = { 0 };
    if (ml_tensor_numel(t) > 0) {
        walk(&s, 0, at, note_range, &s);
        if (t->dtype == ML_I64 || t->dtype == ML_U8) s.integer = true;
        memset(at, 0, sizeof at);
        walk(&s, 0, at, note_width, &s);
    }
    memset(at, 0, sizeof at);
    print_dim(&s, &b, 0, at);
    put(&b, "  %s %s%s", ml_dtype_name((ml_dtype)t->dtype), ml_shape_text(&t->shape), mli_records(t) ? " recorded" : "");
    if (!b.failed && b.text) {
        char *fit = ml_realloc(b.text, b.capacity, b.used + 1);
        if (fit) return fit;
    }
    ml_realloc(b.text, b.capacity, 0);
    return NULL;
}
