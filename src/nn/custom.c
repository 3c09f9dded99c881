/* Modules that a program defines: a function, and what it holds under names of its own. */
#include "nn/module.h"

#include "moonlab/transform.h"
#include "tensor/tensor_impl.h"

#include <string.h>

struct mli_custom {
    ml_tensor *(*forward)(void *ctx, ml_pass *pass, ml_tensor *x);
    void *(*copy)(void *ctx);
    void (*release)(void *ctx);
    void       *ctx;
    size_t      bytes;   /* of this and of the texts behind it */
    int         n_names; /* parameters', buffers', children's */
    int         n_parameters, n_buffers;
    const char *kind;
    const char *names[]; /* in that order; the texts follow them */
};

struct ml_pass {
    const ml_module *m;
    mli_args         a;     /* the place is its own */
    const mli_place *around; /* of an entered one: where it is run from */
    int              at;
    mli_place        place;
};

/* --- running ---------------------------------------------------------------------------------------------------------------- */
static ml_tensor *forward(const ml_module *m, const mli_args *a, ml_tensor *x)
{
    ml_pass    pass = { .m = m, .a = *a };
    ml_tensor *y    = m->custom->forward(m->custom->ctx, &pass, x);
    if (!y && !ml_failed()) return ml_fail("%s: its forward function failed without a message", ml_module_text(m));
    return y;
}

const mli_module_kind mli_custom_kind = { NULL, forward, NULL, { NULL }, { NULL } };

static bool has(const ml_pass *pass, const char *what, int i, int n)
{
    return (i >= 0 && i < n) || ml_fail("%s: there is no %s at position %d; it has %d", ml_module_text(pass->m), what, i, n);
}

ml_tensor *ml_pass_parameter(const ml_pass *pass, int i)
{
    return has(pass, "parameter", i, pass->m->n_own) ? pass->a.params[i] : NULL;
}

ml_tensor *ml_pass_buffer(const ml_pass *pass, int i)
{
    return has(pass, "buffer", i, pass->m->n_own_buffers) ? mli_buffer(&pass->a, i) : NULL;
}

bool ml_pass_set_buffer(ml_pass *pass, int i, ml_tensor *value)
{
    if (!value || !has(pass, "buffer", i, pass->m->n_own_buffers)) return false;
    const ml_tensor *own = pass->m->buffers[i];
    if (!ml_shape_equal(&own->shape, &value->shape))
        return ml_fail("%s: buffer %s has shape %s, not %s", ml_module_text(pass->m), mli_own_name(pass->m, true, i),
                       ml_shape_text(&own->shape), ml_shape_text(&value->shape));
    ml_scope scope = ml_scope_begin();
    bool     was   = ml_set_recording(false);
    bool     ok    = mli_becomes(pass->m, &pass->a, i, ml_cast(ml_detach(value), &(ml_cast_opts){ (ml_dtype)own->dtype }));
    ml_set_recording(was);
    ml_scope_end(&scope);
    return ok;
}

ml_tensor *ml_pass_child(ml_pass *pass, int i, ml_tensor *x)
{
    return x && has(pass, "child", i, pass->m->n_children) ? mli_run_child(pass->m, &pass->a, i, x) : NULL;
}

bool ml_pass_training(const ml_pass *pass) { return mli_trains(pass->m, &pass->a); }

ml_tensor *ml_pass_point(ml_pass *pass, const char *name, ml_tensor *value) { return mli_point(&pass->a, name, value); }

ml_module *ml_pass_module(const ml_pass *pass) { return (ml_module *)(uintptr_t)pass->m; }

ml_part ml_pass_find(const ml_pass *pass, const char *name, int *i)
{
    const ml_module *m = pass->m;
    for (*i = 0; *i < m->n_own; ++*i)
        if (strcmp(mli_own_name(m, false, *i), name) == 0) return ML_PART_PARAMETER;
    for (*i = 0; *i < m->n_own_buffers; ++*i)
        if (strcmp(mli_own_name(m, true, *i), name) == 0) return ML_PART_BUFFER;
    for (*i = 0; m->child_names && *i < m->n_children; ++*i)
        if (strcmp(m->child_names[*i], name) == 0) return ML_PART_CHILD;
    return ML_PART_NONE;
}

size_t ml_pass_bytes(void) { return sizeof(ml_pass); }

bool ml_pass_enter(ml_pass *pass, int child, ml_pass *to)
{
    if (!has(pass, "child", child, pass->m->n_children)) return false;
    *to        = (ml_pass){ .m = pass->m->children[child], .a = mli_args_of(pass->m, &pass->a, child), .around = pass->a.place, .at = child };
    to->place  = (mli_place){ to->around, to->m, child };
    to->a.place = to->around || to->m->hooks ? &to->place : NULL;
    return true;
}

ml_tensor *ml_pass_run(ml_pass *entered, ml_tensor *x)
{
    mli_args a = entered->a;
    a.place    = entered->around;
    return mli_run(entered->m, &a, entered->at, x);
}

/* --- runs to go through again ----------------------------------------------------------------------------------------------- */
typedef struct kept_pass {
    ml_pass    pass; /* first: it is given out as one */
    ml_key     first, next; /* of the draws */
    size_t     bytes;
    ml_tensor *held[]; /* parameters, buffers, what buffers become */
} kept_pass;

ml_pass *ml_pass_keep(const ml_pass *pass)
{
    const ml_module *m     = pass->m;
    size_t           bytes = sizeof(kept_pass) + (size_t)(m->n_params + 2 * m->n_buffers) * sizeof(ml_tensor *);
    kept_pass       *kept  = ml_realloc(NULL, 0, bytes);
    if (!kept) return NULL;
    *kept = (kept_pass){ .pass = *pass, .first = pass->a.key ? *pass->a.key : (ml_key){ 0 }, .bytes = bytes };
    for (int i = 0; i < m->n_params + 2 * m->n_buffers; i++) kept->held[i] = NULL;
    for (int i = 0; i < m->n_params; i++) kept->held[i] = ml_retain(pass->a.params[i]);
    /* The module's own buffers themselves: where one is written to in between, the checkpoint notices. */
    for (int i = 0; i < m->n_buffers; i++) kept->held[m->n_params + i] = ml_retain(mli_buffer(&pass->a, i));
    ml_module_retain((ml_module *)(uintptr_t)m);
    mli_args *a    = &kept->pass.a;
    a->params      = kept->held;
    a->buffers     = kept->held + m->n_params;
    a->new_buffers = kept->held + m->n_params + m->n_buffers;
    a->key         = pass->a.key ? &kept->next : NULL;
    a->keep        = false;
    a->place       = kept->pass.around = NULL;
    return &kept->pass;
}

void ml_pass_rewind(ml_pass *pass)
{
    kept_pass *kept = (kept_pass *)pass;
    kept->next      = kept->first;
    for (int i = 0; i < pass->m->n_buffers; i++) {
        ml_release(pass->a.new_buffers[i]);
        pass->a.new_buffers[i] = NULL;
    }
}

void ml_pass_drop(ml_pass *pass)
{
    kept_pass *kept = (kept_pass *)pass;
    if (!kept) return;
    ml_module *m = (ml_module *)(uintptr_t)pass->m;
    for (int i = 0; i < m->n_params + 2 * m->n_buffers; i++) ml_release(kept->held[i]);
    ml_module_release(m);
    ml_realloc(kept, kept->bytes, 0);
}

/* --- names --------------------------------------------------------------------------------------------------------------------- */
const char *mli_custom_name(const struct mli_custom *custom) { return custom->kind; }

const char *mli_custom_own(const struct mli_custom *custom, bool buffer, int i)
{
    return custom->names[buffer ? custom->n_parameters + i : i];
}

static size_t bytes_of_all(const char *const *names, int n)
{
    size_t bytes = 0;
    for (int i = 0; names && i < n; i++) bytes += strlen(names[i]) + 1;
    return bytes;
}

static const char *copy_text(char **to, const char *text)
{
    char  *at = *to;
    size_t n  = strlen(text) + 1;
    memcpy(at, text, n);
    *to += n;
    return at;
}

static struct mli_custom *new_names(const ml_custom *c)
{
    int    n     = c->n_parameters + c->n_buffers + (c->child_names ? c->n_children : 0), at = 0;
    size_t bytes = sizeof(struct mli_custom) + (size_t)n * sizeof(char *) + strlen(c->kind) + 1 + bytes_of_all(c->parameter_names, c->n_parameters) +
                   bytes_of_all(c->buffer_names, c->n_buffers) + bytes_of_all(c->child_names, c->n_children);
    struct mli_custom *custom = ml_realloc(NULL, 0, bytes);
    if (!custom) return NULL;
    *custom    = (struct mli_custom){ .forward = c->forward, .copy = c->copy, .bytes = bytes, .n_names = n,
                                      .n_parameters = c->n_parameters, .n_buffers = c->n_buffers };
    char *text = (char *)(custom->names + n);
    custom->kind = copy_text(&text, c->kind);
    for (int i = 0; i < c->n_parameters; i++) custom->names[at++] = copy_text(&text, c->parameter_names[i]);
    for (int i = 0; i < c->n_buffers; i++) custom->names[at++] = copy_text(&text, c->buffer_names[i]);
    for (int i = 0; c->child_names && i < c->n_children; i++) custom->names[at++] = copy_text(&text, c->child_names[i]);
    return custom;
}

void mli_custom_release(struct mli_custom *custom)
{
    if (!custom) return;
    if (custom->release) custom->release(custom->ctx);
    ml_realloc(custom, custom->bytes, 0);
}

/* --- making one ---------------------------------------------------------------------------------------------------------------- */
static bool check_own(const ml_custom *c)
{
    if (!c->kind || !c->forward) return ml_fail("%s: a module needs a kind and a forward function", c->kind ? c->kind : "custom");
    for (int i = 0; i < c->n_parameters + c->n_buffers; i++) {
        bool             buffer = i >= c->n_parameters;
        const ml_tensor *t      = buffer ? c->buffers[i - c->n_parameters] : c->parameters[i];
        const char      *name   = buffer ? c->buffer_names[i - c->n_parameters] : c->parameter_names[i];
        if (!t) return false;
        if (mli_innermost(t)->node) return ml_fail("%s: %s is the result of a recorded operation; detach it first", c->kind, name);
        if (buffer) continue;
        if (!ml_dtype_is_float((ml_dtype)t->dtype))
            return ml_fail("%s: parameter %s must be f32 or f64, got %s", c->kind, name, ml_dtype_name((ml_dtype)t->dtype));
        if (!ml_tensor_is_contiguous(mli_innermost(t))) return ml_fail("%s: parameter %s is not contiguous; clone it first", c->kind, name);
    }
    return true;
}

static void take_own(ml_module *m, const ml_custom *c)
{
    for (int i = 0; i < c->n_parameters; i++) m->params[m->n_own++] = ml_retain(ml_requires_grad(c->parameters[i], true));
    for (int i = 0; i < c->n_buffers; i++) m->buffers[m->n_own_buffers++] = ml_retain(c->buffers[i]);
}

ml_module *ml_nn_custom(const ml_custom *c)
{
    bool               good   = check_own(c);
    struct mli_custom *custom = good ? new_names(c) : NULL;
    ml_module         *m      = NULL;
    if (custom) m = mli_container_new(&mli_custom_kind, c->children, c->n_children, c->n_parameters, c->n_buffers);
    else for (int i = 0; i < c->n_children; i++) ml_module_release(c->children[i]);
    if (!m) {
        mli_custom_release(custom);
        if (c->release) c->release(c->ctx);
        return NULL;
    }
    custom->ctx     = c->ctx; /* from here on the module releases it */
    custom->release = c->release;
    m->custom       = custom;
    m->child_names  = c->child_names ? custom->names + c->n_parameters + c->n_buffers : NULL;
    take_own(m, c);
    return m;
}

void *ml_custom_context(const ml_module *m, ml_tensor *(*run)(void *ctx, ml_pass *pass, ml_tensor *x))
{
    return m && m->kind == &mli_custom_kind && m->custom->forward == run ? m->custom->ctx : NULL;
}

bool mli_custom_copy(ml_module *to, const ml_module *from)
{
    const struct mli_custom *old = from->custom;
    if (old->ctx && !old->copy) return ml_fail("%s: it does not say how it is copied", ml_module_text(from));
    struct mli_custom *custom = ml_realloc(NULL, 0, old->bytes);
    if (!custom) return false;
    memcpy(custom, old, old->bytes);
    ptrdiff_t moved = (char *)custom - (const char *)old;
    custom->kind    = old->kind + moved;
    for (int i = 0; i < old->n_names; i++) custom->names[i] = old->names[i] + moved;
    custom->release = NULL;
    to->custom      = custom;
    to->child_names = from->child_names ? custom->names + old->n_parameters + old->n_buffers : NULL;
    if (!old->ctx) return true;
    custom->ctx     = old->copy(old->ctx);
    custom->release = custom->ctx ? old->release : NULL;
    return custom->ctx != NULL;
}
