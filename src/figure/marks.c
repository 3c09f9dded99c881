/* Marks as the core knows them: options and data, checked against the table. */
#include "figure/figure_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_VALUES ((int64_t)1 << 31) /* of one piece of data */

/* --- life ------------------------------------------------------------------------------------------- */
static size_t data_bytes(int64_t n)
{
    return sizeof(mli_data) + (size_t)n * sizeof(double);
}

static void data_release(mli_data *d)
{
    if (d && atomic_fetch_sub(&d->refs, 1) == 1) ml_realloc(d, data_bytes(d->n), 0);
}

void mli_mark_release(mli_mark *mark)
{
    if (!mark || atomic_fetch_sub(&mark->refs, 1) != 1) return;
    for (int i = 0; i < ML_MARK_SLOTS; i++) data_release(mark->data[i]);
    ml_realloc(mark, sizeof *mark + mark->text_bytes, 0);
}

static mli_mark *mark_new(int kind, size_t text_bytes)
{
    mli_mark *mark = ml_realloc(NULL, 0, sizeof *mark + text_bytes);
    if (!mark) return NULL;
    memset(mark, 0, sizeof *mark + text_bytes);
    atomic_init(&mark->refs, 1);
    mark->kind                  = kind;
    mark->series                = -1;
    mark->text_bytes            = text_bytes;
    const ml_mark_option *known = ml_mark_at(kind)->options;
    for (int i = 0; known[i].name; i++) mark->options[i] = (mli_value){ .number = { known[i].number }, .text = -1 };
    return mark;
}

bool mli_panel_reserve(mli_panel *panel, int more)
{
    int need = panel->n_marks + more;
    if (need > ML_PANEL_MARKS) return ml_fail("figure: a panel shows at most %d marks, got %d", ML_PANEL_MARKS, need);
    if (need <= panel->room) return true;
    int        room  = need < 4 ? 4 : need + need / 2;
    size_t     each  = sizeof(mli_mark *);
    mli_mark **fresh = ml_realloc(panel->marks, (size_t)panel->room * each, (size_t)room * each);
    if (!fresh) return false;
    panel->marks = fresh;
    panel->room  = room;
    return true;
}

void mli_panel_empty(mli_panel *panel)
{
    for (int i = 0; i < panel->n_marks; i++) mli_mark_release(panel->marks[i]);
    ml_realloc(panel->marks, (size_t)panel->room * sizeof(mli_mark *), 0);
    panel->marks   = NULL;
    panel->n_marks = panel->room = 0;
}

/* --- options ---------------------------------------------------------------------------------------- */
static int find_option(const ml_mark_info *info, const char *name)
{
    for (int i = 0; info->options[i].name; i++)
        if (strcmp(info->options[i].name, name) == 0) return i;
    const char *known[ML_MARK_OPTIONS];
    int         n = 0;
    for (; info->options[n].name; n++) known[n] = info->options[n].name;
    const char *nearest = ml_nearest_word(name, known, n);
    ml_fail("%s: unknown option '%s'%s%s%s", info->name, name, nearest ? "; did you mean '" : "",
            nearest ? nearest : "", nearest ? "'?" : "");
    return -1;
}

static bool among(const char *text, const char *words)
{
    size_t length = strlen(text);
    for (const char *w = words; *w; w += strspn(w, "|")) {
        size_t n = strcspn(w, "|");
        if (n == length && strncmp(w, text, n) == 0) return true;
        w += n;
    }
    return false;
}

static bool is_colour(const char *text)
{
    if (text[0] == '#') return strlen(text) == 7 && strspn(text + 1, "0123456789abcdefABCDEF") == 6;
    return among(text, "blue|orange|green|pink|amber|sky|grey|ink");
}

static bool check_option(const ml_mark_info *info, const ml_mark_option *known, const ml_given *given)
{
    const double *v = given->number;
    bool text       = known->kind == ML_OPTION_WORD || known->kind == ML_OPTION_TEXT || known->kind == ML_OPTION_TEXTS;
    if (text && !given->text) return ml_fail("%s: %s must be text", info->name, known->name);
    if (known->kind == ML_OPTION_WORD && !among(given->text, known->words))
        return ml_fail("%s: %s must be one of %s, got '%s'", info->name, known->name, known->words, given->text);
    if (strcmp(known->name, "colour") == 0 && !is_colour(given->text))
        return ml_fail(
            "%s: colour must be #rrggbb or one of blue, orange, green, pink, amber, sky, grey, ink; got '%s'",
            info->name, given->text);
    if (known->kind == ML_OPTION_REAL && !isfinite(v[0]))
        return ml_fail("%s: %s must be a finite number, got %g", info->name, known->name, v[0]);
    if (known->kind == ML_OPTION_PAIR && (!isfinite(v[0]) || !isfinite(v[1]) || v[0] >= v[1]))
        return ml_fail("%s: %s must be two finite numbers, low then high; got %g, %g", info->name, known->name, v[0],
                       v[1]);
    return true;
}

static mli_mark *mark_make(int kind, const ml_given *options, int n)
{
    const ml_mark_info *info  = ml_mark_at(kind);
    size_t              bytes = 0;
    for (int i = 0; i < n; i++) {
        int at = find_option(info, options[i].name);
        if (at < 0 || !check_option(info, &info->options[at], &options[i])) return NULL;
        if (options[i].text) bytes += strlen(options[i].text) + 1;
    }
    mli_mark *mark = mark_new(kind, bytes);
    size_t    used = 0;
    for (int i = 0; mark && i < n; i++) {
        mli_value *v = &mark->options[find_option(info, options[i].name)];
        v->given     = true;
        memcpy(v->number, options[i].number, sizeof v->number);
        if (!options[i].text) continue;
        size_t length = strlen(options[i].text) + 1;
        memcpy(mark->texts + used, options[i].text, length);
        v->text = (int)used;
        used += length;
    }
    return mark;
}

mli_mark *mli_mark_of_series(ml_figure *fig, int series, const ml_given *options, int n)
{
    mli_mark *mark = mark_make(ml_mark_find("line"), options, n);
    if (!mark) return NULL;
    mark->id     = ++fig->last_id;
    mark->series = series;
    return mark;
}

int64_t ml_figure_add(ml_figure *fig, int panel, const char *kind, const ml_given *options, int n)
{
    if (!fig) return 0;
    int k = ml_mark_find(kind);
    if (k < 0) {
        ml_fail("figure: no mark is called '%s'", kind ? kind : "(nothing)");
        return 0;
    }
    if (!mli_check_panel(fig, kind, panel)) return 0;
    mli_mark *mark = mark_make(k, options, n);
    if (!mark) return 0;
    pthread_mutex_lock(&fig->lock);
    mli_panel *p  = &fig->now.panels[panel];
    bool       ok = mli_panel_reserve(p, 1);
    int64_t    id = 0;
    if (ok) {
        id = mark->id          = ++fig->last_id;
        p->marks[p->n_marks++] = mark;
    }
    pthread_mutex_unlock(&fig->lock);
    if (ok)
        mli_changed(fig);
    else
        mli_mark_release(mark);
    return id;
}

/* --- data --------------------------------------------------------------------------------------------- */
typedef struct sizes { /* what the letters of the dims stand for; -1 = not known yet */
    int64_t     of[26];
    const char *from[26]; /* the data that said so */
} sizes;

static bool bind(const ml_mark_info *info, sizes *s, char letter, int64_t size, const char *name)
{
    int i = letter - 'a';
    if (s->of[i] < 0) {
        s->of[i]   = size;
        s->from[i] = name;
        return true;
    }
    return s->of[i] == size || ml_fail("%s: %s has %lld where %s has %lld", info->name, name, (long long)size,
                                       s->from[i], (long long)s->of[i]);
}

static const char *shape_text(const ml_data *d, char text[96])
{
    int n = snprintf(text, 96, "(");
    for (int i = 0; i < d->n_dims && i < 3; i++)
        n += snprintf(text + n, 96 - (size_t)n, "%s%lld", i ? ", " : "", (long long)d->size[i]);
    snprintf(text + n, 96 - (size_t)n, d->n_dims > 3 ? ", ...)" : ")");
    return text;
}

/* Lines the sizes up with the dims of the slot, "n, k?": what may be missing is missing if there are too few. */
static bool fit(const ml_mark_info *info, const ml_mark_slot *slot, const ml_data *d, sizes *s,
                int64_t out[ML_MARK_DIMS])
{
    int     wanted = 1, most = 0, got = 0;
    int64_t n = 1;
    for (const char *c = slot->dims; *c; c++) wanted += *c == ',';
    for (const char *c = slot->dims; *c; c++) most += *c == '?';
    int missing = wanted - d->n_dims;
    if (missing < 0 || missing > most)
        return ml_fail("%s: %s must have the dimensions (%s), got shape %s", info->name, slot->name, slot->dims,
                       shape_text(d, (char[96]){ 0 }));
    int at = 0;
    for (const char *c = slot->dims; *c; c++) {
        if (*c < 'a' || *c > 'z') continue;
        bool    skip = c[1] == '?' && missing > 0;
        int64_t size = skip ? 1 : d->size[got++];
        missing -= skip;
        if (size < 0 || (size > 0 && n > MOST_VALUES / size))
            return ml_fail("%s: %s is too large: more than 2^31 values", info->name, slot->name);
        n *= size ? size : 1;
        if (!bind(info, s, *c, size, slot->name)) return false;
        out[at++] = size;
    }
    while (at < ML_MARK_DIMS) out[at++] = 1;
    return true;
}

static mli_data *data_copy(const double *values, const int64_t size[ML_MARK_DIMS])
{
    int64_t   n     = size[0] * size[1] * size[2];
    mli_data *fresh = ml_realloc(NULL, 0, data_bytes(n));
    if (!fresh) return NULL;
    atomic_init(&fresh->refs, 1);
    fresh->n = n;
    memcpy(fresh->size, size, sizeof fresh->size);
    if (n) memcpy(fresh->values, values, (size_t)n * sizeof(double));
    return fresh;
}

/* Checks everything, then copies: on failure nothing is left in `fresh`. */
static bool take_data(const ml_mark_info *info, const ml_data *data, int n, mli_data *fresh[ML_MARK_SLOTS])
{
    int64_t size[ML_MARK_SLOTS][ML_MARK_DIMS];
    int     from[ML_MARK_SLOTS];
    sizes   s;
    for (int i = 0; i < 26; i++) s.of[i] = -1;
    for (int i = 0; info->slots[i].name; i++) {
        from[i] = -1;
        for (int k = 0; k < n; k++)
            if (data[k].name && strcmp(data[k].name, info->slots[i].name) == 0) from[i] = k;
        if (from[i] >= 0 && !fit(info, &info->slots[i], &data[from[i]], &s, size[i])) return false;
        if (from[i] >= 0 && !data[from[i]].values && size[i][0] * size[i][1] * size[i][2] > 0)
            return ml_fail("%s: %s has no values", info->name, info->slots[i].name);
        if (from[i] < 0 && !info->slots[i].optional)
            return ml_fail("%s: %s is missing", info->name, info->slots[i].name);
    }
    for (int k = 0; k < n; k++) {
        bool known = false;
        for (int i = 0; info->slots[i].name; i++) known |= from[i] == k;
        if (!known)
            return ml_fail("%s: there is no data called '%s', or it is given twice", info->name,
                           data[k].name ? data[k].name : "(nothing)");
    }
    for (int i = 0; info->slots[i].name; i++) {
        if (from[i] < 0) continue;
        fresh[i] = data_copy(data[from[i]].values, size[i]);
        if (fresh[i]) continue;
        for (int k = 0; k < i; k++) data_release(fresh[k]);
        return false;
    }
    return true;
}

static mli_mark **find_mark(mli_view *now, int64_t id)
{
    for (int i = 0; i < now->n_panels; i++)
        for (int k = 0; k < now->panels[i].n_marks; k++)
            if (now->panels[i].marks[k]->id == id) return &now->panels[i].marks[k];
    return NULL;
}

/* The mark's successor: the same options, other data. Takes over what is in data, also when it fails. */
static mli_mark *successor(const mli_mark *old, mli_data *data[ML_MARK_SLOTS])
{
    mli_mark *mark = mark_new(old->kind, old->text_bytes);
    if (!mark) {
        for (int i = 0; i < ML_MARK_SLOTS; i++) data_release(data[i]);
        return NULL;
    }
    mark->id     = old->id;
    mark->series = old->series;
    memcpy(mark->options, old->options, sizeof mark->options);
    memcpy(mark->texts, old->texts, old->text_bytes);
    memcpy(mark->data, data, sizeof mark->data);
    return mark;
}

/* Says it when the mark has gone meanwhile. */
static void *no_mark(int64_t id)
{
    return ml_fail("figure: there is no mark %lld (any more)", (long long)id);
}

bool ml_figure_change(ml_figure *fig, int64_t id, const ml_given *options, int n)
{
    if (!fig) return false;
    pthread_mutex_lock(&fig->lock);
    mli_mark **place = find_mark(&fig->now, id);
    int        kind  = place ? (*place)->kind : -1;
    pthread_mutex_unlock(&fig->lock);
    mli_mark *next = kind < 0 ? no_mark(id) : mark_make(kind, options, n);
    if (!next) return false;

    pthread_mutex_lock(&fig->lock);
    place         = find_mark(&fig->now, id);
    mli_mark *old = place ? *place : NULL;
    if (old) {
        next->id     = id;
        next->series = old->series;
        for (int i = 0; i < ML_MARK_SLOTS; i++)
            if ((next->data[i] = old->data[i])) atomic_fetch_add(&next->data[i]->refs, 1);
        *place = next;
    }
    pthread_mutex_unlock(&fig->lock);
    mli_mark_release(old ? old : next);
    if (!old) return no_mark(id);
    mli_changed(fig);
    return true;
}

bool ml_figure_give(ml_figure *fig, int64_t id, const ml_data *data, int n)
{
    if (!fig) return false;
    pthread_mutex_lock(&fig->lock);
    mli_mark **place = find_mark(&fig->now, id);
    int        kind  = place ? (*place)->kind : -1;
    bool       grows = place && (*place)->series >= 0;
    pthread_mutex_unlock(&fig->lock);
    if (kind < 0) return no_mark(id);
    if (grows) return ml_fail("line: a curve that grows takes points, one by one");
    mli_data *fresh[ML_MARK_SLOTS] = { NULL };
    if (!take_data(ml_mark_at(kind), data, n, fresh)) return false; /* copies before the lock: no one waits */

    pthread_mutex_lock(&fig->lock);
    place          = find_mark(&fig->now, id);
    mli_mark *next = place ? successor(*place, fresh) : NULL, *old = NULL;
    if (next) old = *place, *place = next;
    pthread_mutex_unlock(&fig->lock);
    if (!place) {
        for (int i = 0; i < ML_MARK_SLOTS; i++) data_release(fresh[i]);
        return no_mark(id);
    }
    mli_mark_release(old);
    if (next) mli_changed(fig);
    return next != NULL;
}
