/* CSV: lines of numbers. RFC 4180 (fields in quotes, "" for a quote in them, LF or CRLF), and what tables of numbers need: an
 * optional header, missing values (an empty field or NA, any case) as NaN, any number of lines. The memory is that of the
 * values, at most twice over while it grows.
 *
 * The grammar of numbers is our own, since that of strtod depends on the locale and takes hexadecimal ones and the like. */
#define _XOPEN_SOURCE 700
#include "io/io_impl.h"

#include "tensor/tensor_impl.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_FIELD MLI_LONGEST_NAME
#define MOST_COLUMNS  65536

typedef struct table {
    mli_stream *stream;
    char        delimiter;
    uint8_t     piece[16384];
    size_t      at, n;                    /* in the piece */
    int64_t     line, column;             /* of the field that is being read, from 1 */
    char        field[LONGEST_FIELD + 1];
    size_t      length;
    bool        quoted;
    double     *values;
    size_t      used, room;
    int64_t     columns, rows;            /* columns 0: not known yet */
} table;

static bool wrong(const table *t, const char *format, ...) ML_PRINTF(2, 3);
static bool wrong(const table *t, const char *format, ...)
{
    char    why[700];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return ml_fail("load: '%.700s', line %lld, column %lld: %s", t->stream->source->name, (long long)t->line, (long long)t->column, why);
}

/* --- characters and fields --------------------------------------------------------------------------------------------- */
/* The next character without taking it, -1 at the end; false when reading failed. */
static bool look(table *t, int *c)
{
    if (t->at == t->n) {
        t->at = t->n = 0;
        if (!mli_stream_some(t->stream, t->piece, sizeof t->piece, &t->n)) return false;
    }
    *c = t->n ? t->piece[t->at] : -1;
    return true;
}

static bool keep(table *t, int c)
{
    if (c < 0x20 && c != '\t' && !(t->quoted && (c == '\n' || c == '\r')))
        return wrong(t, "a control character, byte %d: this is no text", c);
    if (t->length == LONGEST_FIELD) return wrong(t, "a field of more than %d bytes", LONGEST_FIELD);
    t->field[t->length++] = (char)c;
    return true;
}

static bool quoted_field(table *t)
{
    int c;
    t->quoted = true;
    for (t->at++;; t->at++) { /* behind the quote */
        if (!look(t, &c)) return false;
        if (c < 0) return wrong(t, "a field in quotes that does not end");
        if (c == '"') {
            t->at++;
            if (!look(t, &c)) return false;
            if (c != '"') break;
        }
        if (!keep(t, c)) return false;
    }
    if (c >= 0 && c != t->delimiter && c != '\n' && c != '\r') return wrong(t, "something follows a closing quote");
    return true;
}

/* One field and what ends it, which is taken: the delimiter, '\n', or -1. */
static bool field(table *t, int *end)
{
    t->length = 0;
    t->quoted = false;
    if (!look(t, end)) return false;
    if (*end == '"') {
        if (!quoted_field(t) || !look(t, end)) return false;
    }
    while (*end >= 0 && *end != t->delimiter && *end != '\n' && *end != '\r') {
        if (!keep(t, *end)) return false;
        t->at++;
        if (!look(t, end)) return false;
    }
    if (*end >= 0) t->at++;
    if (*end == '\r') {
        if (!look(t, end)) return false;
        if (*end >= 0 && *end != '\n') return wrong(t, "a carriage return that ends no line");
        if (*end >= 0) t->at++;
    }
    t->field[t->length] = '\0';
    return true;
}

/* --- numbers --------------------------------------------------------------------------------------------------------------- */
static const char *digits(const char *p)
{
    while (*p >= '0' && *p <= '9') p++;
    return p;
}

static bool same_word(const char *p, const char *end, const char *word)
{
    for (; p < end && *word; p++, word++)
        if ((*p | 32) != *word) return false;
    return p == end && !*word;
}

/* The value of a field; false when it is none. Spaces around it do not count. */
static bool number(const char *field, size_t n, double *value)
{
    const char *p = field, *end = field + n;
    while (p < end && (*p == ' ' || *p == '\t')) p++;
    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) end--;
    *value = NAN;
    if (p == end || same_word(p, end, "na") || same_word(p, end, "nan")) return true;
    const char *sign = *p == '+' || *p == '-' ? p + 1 : p;
    if (same_word(sign, end, "inf") || same_word(sign, end, "infinity")) {
        *value = *p == '-' ? -INFINITY : INFINITY;
        return true;
    }
    const char *whole = digits(sign), *rest = whole < end && *whole == '.' ? digits(whole + 1) : whole;
    if (rest - sign - (rest > whole) < 1) return false; /* no digit at all */
    if (rest < end && (*rest == 'e' || *rest == 'E')) {
        const char *power = rest + 1 < end && (rest[1] == '+' || rest[1] == '-') ? rest + 2 : rest + 1;
        rest              = digits(power);
        if (rest == power) return false;
    }
    if (rest != end) return false;
    *value = strtod(p, NULL);
    return true;
}

/* --- lines ------------------------------------------------------------------------------------------------------------------- */
static bool push(table *t, double value)
{
    if (t->used == t->room) {
        size_t room = t->room ? 2 * t->room : 64;
        uint64_t limit = t->stream->source->limit;
        if (t->stream->unpacker && room > limit / sizeof *t->values)
            return wrong(t, "more values than fit into %llu bytes; the option limit, or MOONLAB_LOAD_LIMIT, allows more", (unsigned long long)limit);
        double *more = ml_realloc(t->values, t->room * sizeof *more, room * sizeof *more);
        if (!more) return false;
        t->values = more;
        t->room   = room;
    }
    t->values[t->used++] = value;
    return true;
}

/* An infinity must be spelled as one. */
static bool push_number(table *t, double value)
{
    if (isinf(value) && strpbrk(t->field, "0123456789")) return wrong(t, "'%.60s' is too large for a double", t->field);
    return push(t, value);
}

static bool take_number(table *t)
{
    double value;
    return number(t->field, t->length, &value) ? push_number(t, value) : wrong(t, "'%.60s' is no number", t->field);
}

/* The rest of a line whose first field is there. */
static bool numbers(table *t, int *end)
{
    for (;;) {
        if (t->columns && t->column > t->columns) return wrong(t, "the lines before have %lld fields", (long long)t->columns);
        if (!take_number(t)) return false;
        if (*end != t->delimiter) break;
        t->column++;
        if (!field(t, end)) return false;
    }
    if (t->columns && t->column < t->columns) return wrong(t, "the line ends here, the lines before have %lld fields", (long long)t->columns);
    t->columns = t->column;
    t->rows++;
    return true;
}

static bool name_column(table *t, ml_archive *into)
{
    char key[24];
    snprintf(key, sizeof key, "%lld", (long long)t->column);
    if (ml_archive_note(into, key, t->field)) return true;
    char why[300];
    snprintf(why, sizeof why, "%s", ml_error_message());
    return wrong(t, "%s", why);
}

/* The first line: names when one of its fields is no number. Only the whole of it tells, so names are kept until then. */
static bool first_line(table *t, ml_csv_header header, int *end, ml_archive *names, bool *is_header)
{
    double value;
    *is_header = header == ML_HEADER_YES;
    for (;;) {
        bool is_number = number(t->field, t->length, &value);
        if (!is_number && header == ML_HEADER_NO) return take_number(t); /* says what is wrong */
        *is_header |= !is_number;
        if (!name_column(t, names) || !push_number(t, is_number ? value : 0)) return false;
        if (*end != t->delimiter) break;
        if (t->column++ == MOST_COLUMNS) return wrong(t, "more than %d fields", MOST_COLUMNS);
        if (!field(t, end)) return false;
    }
    t->columns = t->column;
    if (*is_header) t->used = 0;
    else t->rows = 1;
    return true;
}

static bool lines(table *t, ml_csv_header header, ml_archive *into, ml_archive *names)
{
    int  end       = 0;
    bool is_header = false, first = true;
    for (t->line = 1; end >= 0; t->line++) {
        t->column = 1;
        if (!field(t, &end)) return false;
        if (t->length == 0 && !t->quoted && end != t->delimiter) continue; /* an empty line */
        if (!(first ? first_line(t, header, &end, names, &is_header) : numbers(t, &end))) return false;
        first = false;
    }
    for (int i = 0; is_header && i < ml_archive_n_notes(names); i++)
        if (!ml_archive_note(into, ml_archive_note_name(names, i), ml_archive_note_text(names, i))) return false;
    return true;
}

static bool finish(table *t, ml_archive *into)
{
    if (t->columns == 0) return mli_refuse(t->stream->source, 0, "there is nothing in it");
    ml_scope   scope = ml_scope_begin();
    ml_tensor *x     = ml_empty(ML_SHAPE(t->rows, t->columns), ML_F64);
    if (x && t->used) memcpy(mli_data(x), t->values, t->used * sizeof *t->values);
    bool ok = ml_archive_add(into, "", x);
    ml_scope_end(&scope);
    return ok;
}

static bool skip_mark(table *t) /* the byte order mark that some programs put before UTF-8 */
{
    int c;
    if (!look(t, &c)) return false;
    if (t->n - t->at >= 3 && memcmp(t->piece + t->at, "\xEF\xBB\xBF", 3) == 0) t->at += 3;
    return true;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), k = strlen(ending);
    return n >= k && strcmp(name + n - k, ending) == 0;
}

static bool read_all(mli_stream *s, const ml_load_opts *opts, ml_archive *into)
{
    const char *name  = s->source->name;
    ml_archive *names = ml_archive_new();
    table      *t     = names ? ml_realloc(NULL, 0, sizeof *t) : NULL;
    bool        ok    = t != NULL;
    if (ok) {
        memset(t, 0, sizeof *t);
        t->stream    = s;
        t->delimiter = opts->delimiter ? opts->delimiter : ends_with(name, ".tsv") || ends_with(name, ".tsv.gz") ? '\t' : ',';
        ok           = skip_mark(t) && lines(t, opts->header, into, names) && mli_stream_finish(s) && finish(t, into);
        ml_realloc(t->values, t->room * sizeof *t->values, 0);
        ml_realloc(t, sizeof *t, 0);
    }
    ml_archive_free(names);
    return ok;
}

static bool read_file(const mli_source *source, const ml_load_opts *opts, ml_archive *into)
{
    mli_stream s;
    locale_t   plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0); /* the decimal point is a point here */
    if (plain == (locale_t)0) return ml_fail("load: out of memory for a locale");
    locale_t was = uselocale(plain);
    bool     ok  = mli_stream_open_all(&s, source);
    if (ok) {
        ok = read_all(&s, opts, into);
        mli_stream_close(&s);
    }
    uselocale(was);
    freelocale(plain);
    return ok;
}

const mli_format mli_csv = { "csv", read_file, NULL };
