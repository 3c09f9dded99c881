/* Hooks: values seen and replaced on their way. A module with hooks is where names begin; every module that runs below it links a
 * place to that of the module around it, and a value at a place is shown to the hooks of all modules above. */
#include "nn/module.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_NAME 512

typedef struct hook {
    int64_t      number;
    ml_hook      is;
    bool         closed;
    struct hook *next;
} hook;

struct mli_hooks {
    int   asking; /* a hook may close another, or itself, while it is asked: then the list is swept afterwards */
    hook *first;
};

static void release_hook(hook *h)
{
    if (h->is.release) h->is.release(h->is.ctx);
    ml_realloc(h, sizeof *h, 0);
}

/* --- making and closing -------------------------------------------------------------------------------------------------- */
int64_t ml_module_hook(ml_module *m, const ml_hook *is)
{
    static _Atomic int64_t last;
    hook *h = m ? ml_realloc(NULL, 0, sizeof *h) : NULL;
    if (h && !m->hooks) {
        m->hooks = ml_realloc(NULL, 0, sizeof *m->hooks);
        if (m->hooks) *m->hooks = (struct mli_hooks){ 0 };
    }
    if (!h || !m->hooks) {
        if (h) ml_realloc(h, sizeof *h, 0);
        if (is->release) is->release(is->ctx);
        return 0;
    }
    *h         = (hook){ ++last, *is, false, NULL };
    hook **end = &m->hooks->first;
    while (*end) end = &(*end)->next;
    *end = h;
    return h->number;
}

/* Drops what was closed, when nobody walks along the list. */
static void sweep(ml_module *m)
{
    if (!m->hooks || m->hooks->asking) return;
    for (hook **at = &m->hooks->first; *at;) {
        hook *h = *at;
        if (!h->closed) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        release_hook(h);
    }
    if (m->hooks->first) return;
    ml_realloc(m->hooks, sizeof *m->hooks, 0);
    m->hooks = NULL;
}

void ml_module_unhook(ml_module *m, int64_t number)
{
    for (hook *h = m && m->hooks ? m->hooks->first : NULL; h; h = h->next)
        if (h->number == number) h->closed = true;
    if (m) sweep(m);
}

void mli_hooks_release(struct mli_hooks *hooks)
{
    if (!hooks) return;
    for (hook *h = hooks->first, *next; h; h = next) {
        next = h->next;
        release_hook(h);
    }
    ml_realloc(hooks, sizeof *hooks, 0);
}

/* --- names ------------------------------------------------------------------------------------------------------------------ */
/* Adds text; what does not fit is noticed by the length. */
static size_t add(char *to, size_t used, const char *text)
{
    size_t n = strlen(text);
    if (used + n < LONGEST_NAME) memcpy(to + used, text, n + 1);
    return used + n;
}

/* The way from below root down to place: "2.inner.1." */
static size_t add_path(char *to, const mli_place *place, const mli_place *root)
{
    char name[128];
    if (place == root) return to[0] = '\0', 0;
    size_t used = add_path(to, place->up, root);
    if (!ml_module_child_name(place->up->m, place->at, name, sizeof name)) return LONGEST_NAME;
    return add(to, add(to, used, name), ".");
}

static bool write_name(char *to, const mli_place *place, const mli_place *root, const char *name)
{
    size_t used = add(to, add_path(to, place, root), name);
    return used < LONGEST_NAME || ml_fail("%s: the name of a point has more than %d bytes", ml_module_text(place->m), LONGEST_NAME - 1);
}

static const char *kind_name(const ml_module *m, char *to, size_t bytes)
{
    const char *kind = ml_module_kind(m);
    size_t      i    = 0;
    for (; kind[i] && i + 1 < bytes; i++) to[i] = (char)tolower((unsigned char)kind[i]);
    to[i] = '\0';
    return to;
}

/* --- asking -------------------------------------------------------------------------------------------------------------------- */
static ml_tensor *ask(struct mli_hooks *hooks, const char *name, ml_tensor *value)
{
    for (hook *h = hooks->first; h && value; h = h->next)
        if (!h->closed && h->is.wants(h->is.ctx, name)) value = h->is.value(h->is.ctx, name, value);
    return value;
}

ml_tensor *mli_point_at(const mli_place *place, const char *name, ml_tensor *value)
{
    for (const mli_place *root = place; root && value; root = root->up) {
        char              full[LONGEST_NAME];
        struct mli_hooks *hooks = root->m->hooks;
        if (!hooks) continue;
        if (!write_name(full, place, root, name)) return NULL;
        hooks->asking++;
        value = ask(hooks, full, value);
        hooks->asking--;
        sweep((ml_module *)(uintptr_t)root->m);
    }
    return value;
}

ml_tensor *mli_module_point(const mli_place *place, ml_tensor *value)
{
    char kind[64];
    return value ? mli_point_at(place, kind_name(place->m, kind, sizeof kind), value) : NULL;
}

bool mli_wants_at(const mli_place *place, const char *name)
{
    for (const mli_place *root = place; root; root = root->up) {
        char full[LONGEST_NAME];
        if (!root->m->hooks) continue;
        if (!write_name(full, place, root, name)) return true; /* it is said again where it runs */
        for (hook *h = root->m->hooks->first; h; h = h->next)
            if (!h->closed && h->is.wants(h->is.ctx, full)) return true;
    }
    return false;
}

bool mli_wanted(const mli_place *around, const ml_module *m, int at)
{
    char kind[64];
    return mli_wants_at(&(mli_place){ around, m, at }, kind_name(m, kind, sizeof kind));
}
