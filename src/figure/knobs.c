/* A board of knobs between two threads. One lock guards all of it; that something waits, and that something has changed, can
 * be asked without. */
#include "moonlab/knobs.h"

#include "moonlab/run.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef struct words { /* of one knob; never changed */
    size_t      bytes;
    const char *choices[ML_KNOB_CHOICES];
    char        text[];
} words;

struct ml_knobs {
    pthread_mutex_t      lock;
    atomic_int           refs, waiting;
    atomic_uint_fast64_t version;
    bool                 locked;
    int                  n, first; /* the turns that wait begin at first */
    ml_knob              knob[ML_KNOBS];
    words               *words[ML_KNOBS];
    ml_turn              turn[ML_KNOB_TURNS];
};

/* --- life ----------------------------------------------------------------------------------------- */
ml_knobs *ml_knobs_new(void)
{
    ml_knobs *k = ml_realloc(NULL, 0, sizeof *k);
    if (!k) return NULL;
    memset(k, 0, sizeof *k);
    pthread_mutex_init(&k->lock, NULL);
    atomic_init(&k->refs, 1);
    atomic_init(&k->waiting, 0);
    atomic_init(&k->version, 1);
    return k;
}

ml_knobs *ml_knobs_retain(ml_knobs *k)
{
    if (k) atomic_fetch_add(&k->refs, 1);
    return k;
}

void ml_knobs_release(ml_knobs *k)
{
    if (!k || atomic_fetch_sub(&k->refs, 1) != 1) return;
    for (int i = 0; i < k->n; i++) ml_realloc(k->words[i], k->words[i]->bytes, 0);
    pthread_mutex_destroy(&k->lock);
    ml_realloc(k, sizeof *k, 0);
}

/* --- adding --------------------------------------------------------------------------------------- */
double ml_knob_nearest(const ml_knob *knob, double value)
{
    switch (knob->kind) {
    case ML_KNOB_SLIDER:
        if (knob->whole) value = round(value);
        return fmin(fmax(value, knob->from), knob->to); /* also nan */
    case ML_KNOB_TOGGLE: return value != 0;
    case ML_KNOB_CHOICE: return fmin(fmax(floor(value), 0), knob->n_choices - 1);
    case ML_KNOB_BUTTON: break;
    }
    return value != 0;
}

static bool check_text(const char *what, const char *text)
{
    if (!text || !text[0]) return ml_fail("knob: %s has no letters", what);
    return strlen(text) < ML_KNOB_TEXT || ml_fail("knob: %s is too long: \"%.40s...\"; the most is %d bytes", what, text, ML_KNOB_TEXT - 1);
}

static bool check(const ml_knob *knob)
{
    if (!check_text("the label", knob->label)) return false;
    if (knob->kind == ML_KNOB_SLIDER) {
        if (!isfinite(knob->from) || !isfinite(knob->to) || !isfinite(knob->to - knob->from) || !(knob->from < knob->to))
            return ml_fail("knob: from must be less than to, both finite; got %g, %g", knob->from, knob->to);
        if (knob->log && !(knob->from > 0))
            return ml_fail("knob: a log scale begins above 0, got from = %g", knob->from);
        if (!(knob->value >= knob->from && knob->value <= knob->to))
            return ml_fail("knob: the value %g is not within %g..%g", knob->value, knob->from, knob->to);
    }
    if (knob->kind == ML_KNOB_CHOICE) {
        if (knob->n_choices < 1 || knob->n_choices > ML_KNOB_CHOICES)
            return ml_fail("knob: a choice has 1..%d texts, got %d", ML_KNOB_CHOICES, knob->n_choices);
        for (int i = 0; i < knob->n_choices; i++)
            if (!check_text("a choice", knob->choices[i])) return false;
    }
    return true;
}

static words *copy_words(const ml_knob *knob)
{
    int    n     = knob->kind == ML_KNOB_CHOICE ? knob->n_choices : 0;
    size_t bytes = sizeof(words) + strlen(knob->label) + 1;
    for (int i = 0; i < n; i++) bytes += strlen(knob->choices[i]) + 1;
    words *w = ml_realloc(NULL, 0, bytes);
    if (!w) return NULL;
    w->bytes = bytes;
    char *at = strcpy(w->text, knob->label) + strlen(knob->label) + 1;
    for (int i = 0; i < n; i++) {
        w->choices[i] = strcpy(at, knob->choices[i]);
        at += strlen(at) + 1;
    }
    return w;
}

static void changed(ml_knobs *k)
{
    atomic_fetch_add(&k->version, 1);
}

int ml_knobs_add(ml_knobs *k, const ml_knob *knob)
{
    if (!k || !check(knob)) return -1;
    words *w = copy_words(knob);
    if (!w) return -1;
    pthread_mutex_lock(&k->lock);
    int i = k->n < ML_KNOBS ? k->n++ : -1;
    if (i >= 0) {
        k->words[i] = w;
        k->knob[i]  = *knob;
        k->knob[i].label   = w->text;
        k->knob[i].choices = w->choices;
        k->knob[i].value = k->knob[i].start = ml_knob_nearest(knob, knob->value);
    }
    pthread_mutex_unlock(&k->lock);
    changed(k);
    if (i >= 0) return i;
    ml_realloc(w, w->bytes, 0);
    ml_fail("knob: a run has %d knobs at most", ML_KNOBS);
    return -1;
}

/* --- turning and taking ------------------------------------------------------------------------------ */
bool ml_knobs_set(ml_knobs *k, int knob, double value)
{
    if (!k) return false;
    pthread_mutex_lock(&k->lock);
    bool known = knob >= 0 && knob < k->n;
    if (known) k->knob[knob].value = ml_knob_nearest(&k->knob[knob], value);
    pthread_mutex_unlock(&k->lock);
    if (!known) return ml_fail("knob: there is no knob %d", knob + 1);
    changed(k);
    return true;
}

void ml_knobs_lock(ml_knobs *k, bool locked)
{
    if (!k) return;
    pthread_mutex_lock(&k->lock);
    bool same = k->locked == locked;
    k->locked = locked;
    pthread_mutex_unlock(&k->lock);
    if (!same) changed(k);
}

bool ml_knobs_turn(ml_knobs *k, int knob, double value, bool goes_on)
{
    if (!k) return false;
    pthread_mutex_lock(&k->lock);
    int  n    = atomic_load(&k->waiting);
    bool good = !k->locked && knob >= 0 && knob < k->n && n < ML_KNOB_TURNS;
    if (good) {
        ml_turn *last = n > 0 ? &k->turn[(k->first + n - 1) % ML_KNOB_TURNS] : NULL;
        bool     same = goes_on && last && last->knob == knob; /* then nobody has seen that one, and the newer is what counts */
        value         = ml_knob_nearest(&k->knob[knob], value);
        if (k->knob[knob].kind != ML_KNOB_BUTTON) k->knob[knob].value = value;
        if (same) last->value = value;
        else k->turn[(k->first + n) % ML_KNOB_TURNS] = (ml_turn){ knob, value, goes_on };
        if (!same) atomic_store(&k->waiting, n + 1);
    }
    pthread_mutex_unlock(&k->lock);
    if (!good) return false;
    changed(k);
    ml_loop_wake();
    return true;
}

bool ml_knobs_waiting(const ml_knobs *k)
{
    return k && atomic_load(&k->waiting) > 0;
}

bool ml_knobs_take(ml_knobs *k, ml_turn *turn)
{
    if (!ml_knobs_waiting(k)) return false;
    pthread_mutex_lock(&k->lock);
    int n = atomic_load(&k->waiting);
    if (n > 0) {
        *turn    = k->turn[k->first];
        k->first = (k->first + 1) % ML_KNOB_TURNS;
        atomic_store(&k->waiting, n - 1);
    }
    pthread_mutex_unlock(&k->lock);
    return n > 0;
}

/* --- looking -------------------------------------------------------------------------------------- */
int ml_knobs_look(const ml_knobs *board, ml_knob out[ML_KNOBS], bool *locked)
{
    ml_knobs *k = (ml_knobs *)(uintptr_t)board; /* for its lock */
    if (!k) return 0;
    pthread_mutex_lock(&k->lock);
    int n   = k->n;
    *locked = k->locked;
    memcpy(out, k->knob, (size_t)n * sizeof *out);
    pthread_mutex_unlock(&k->lock);
    return n;
}

uint64_t ml_knobs_version(const ml_knobs *k)
{
    return k ? atomic_load(&k->version) : 0;
}
