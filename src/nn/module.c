/* Modules: what all layers share. A module never changes after it was made; only the values of its parameters and buffers do, and
 * whether it is in training. */
#include "nn/module.h"

#include "moonlab/transform.h"
#include "tensor/tensor_impl.h"

#include <stdio.h>
#include <string.h>

/* --- life ------------------------------------------------------------------------------------------------------------ */
static bool make_room(ml_tensor ***list, int n)
{
    *list = n ? ml_realloc(NULL, 0, (size_t)n * sizeof **list) : NULL;
    return n == 0 || *list;
}

static void give_room(ml_tensor **list, int n)
{
    if (list) ml_realloc(list, (size_t)n * sizeof *list, 0);
}

ml_module *mli_module_new(const mli_module_kind *kind, int n_params, int n_buffers)
{
    ml_module *m = ml_realloc(NULL, 0, sizeof *m);
    if (!m) return NULL;
    memset(m, 0, sizeof *m);
    m->kind = kind;
    atomic_init(&m->refs, 1);
    atomic_init(&m->evaluating, false);
    m->n_params = n_params;
    m->n_buffers  = n_buffers;
    if (make_room(&m->params, n_params) && make_room(&m->buffers, n_buffers)) return m;
    give_room(m->params, n_params);
    ml_realloc(m, sizeof *m, 0);
    return NULL;
}

typedef struct new_parameter {
    const mli_parameter *of;
    ml_dtype             dtype;
    int64_t              fan_in, fan_out;
} new_parameter;

static ml_tensor *draw_parameter(void *ctx, ml_key key)
{
    const new_parameter *p = ctx;
    ml_tensor           *w = ml_empty(p->of->shape, p->dtype);
    return w && mli_init_fill(w, p->of->init, key, p->fan_in, p->fan_out) ? w : NULL;
}

ml_module *mli_module_fill(ml_module *m, const mli_parameter *list, int n, ml_dtype dtype, int64_t fan_in, int64_t fan_out)
{
    if (!m) return NULL;
    ml_scope scope = ml_scope_begin();
    ml_key   first = ml_key_next();
    bool     ok    = true;
    ml_key_reset(first);
    for (int i = 0; ok && i < n; i++) {
        new_parameter p = { &list[i], dtype, fan_in, fan_out };
        ml_tensor    *w = ml_requires_grad(ml_draw(draw_parameter, &p), true);
        ok              = w != NULL;
        if (ok) m->params[m->n_own++] = ml_retain(w);
        else ml_key_reset(first);
    }
    ml_scope_end(&scope);
    if (ok) return m;
    ml_module_release(m);
    return NULL;
}

ml_module *ml_module_retain(ml_module *m)
{
    if (m) atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void ml_module_release(ml_module *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1) return;
    for (int i = 0; i < m->n_own; i++) ml_release(m->params[i]);
    for (int i = 0; i < m->n_own_buffers; i++) ml_release(m->buffers[i]);
    for (int i = 0; i < m->n_children; i++) ml_module_release(m->children[i]);
    give_room(m->params, m->n_params);
    give_room(m->buffers, m->n_buffers);
    if (m->factors) ml_realloc(m->factors, (size_t)m->n_own * sizeof *m->factors, 0);
    if (m->kind == &mli_custom_kind) mli_custom_release(m->custom);
    mli_hooks_release(m->hooks);
    if (m->children) ml_realloc(m->children, (size_t)m->n_children * sizeof *m->children, 0);
    ml_realloc(m, sizeof *m, 0);
}

/* --- using one --------------------------------------------------------------------------------------------------------- */
static bool check_params(const ml_module *m, ml_tensor *const *params, int n)
{
    if (n != m->n_params) return ml_fail("%s: it has %d parameters, %d were given", ml_module_text(m), m->n_params, n);
    for (int i = 0; i < n; i++) {
        if (!params[i]) return false;
        if (ml_shape_equal(&params[i]->shape, &m->params[i]->shape)) continue;
        char name[64] = "?";
        ml_module_parameter_name(m, i, name, sizeof name);
        return ml_fail("%s: parameter %s must have shape %s, got %s", ml_module_text(m), name,
                       ml_shape_text(&m->params[i]->shape), ml_shape_text(&params[i]->shape));
    }
    return true;
}

static bool check_buffers(const ml_module *m, const ml_apply_opts *o)
{
    if (!o->buffers) return true;
    if (o->n_buffers != m->n_buffers) return ml_fail("%s: it has %d buffers, %d were given", ml_module_text(m), m->n_buffers, o->n_buffers);
    for (int i = 0; i < m->n_buffers; i++) {
        if (!o->buffers[i]) return false;
        if (ml_shape_equal(&o->buffers[i]->shape, &m->buffers[i]->shape)) continue;
        char name[64] = "?";
        ml_module_buffer_name(m, i, name, sizeof name);
        return ml_fail("%s: buffer %s must have shape %s, got %s", ml_module_text(m), name, ml_shape_text(&m->buffers[i]->shape),
                       ml_shape_text(&o->buffers[i]->shape));
    }
    return true;
}

/* What the layers handed over goes to the scope around, or, when something failed, nowhere. A buffer that none has set is as
 * it was. */
static bool hand_over(ml_tensor **new_buffers, ml_tensor *const *buffers, int n, bool ok)
{
    for (int i = 0; i < n; i++) {
        if (ok && !new_buffers[i]) new_buffers[i] = ml_retain(buffers[i]);
        if (ok && mli_scope_adopt(new_buffers[i])) continue;
        ml_release(new_buffers[i]);
        new_buffers[i] = NULL;
        ok           = false;
    }
    return ok;
}

ml_tensor *ml_module_apply_with(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x, const ml_apply_opts *opts)
{
    static const ml_apply_opts none = { 0 };
    const ml_apply_opts       *o    = opts ? opts : &none;
    if (!m || !x || !check_params(m, params, n) || !check_buffers(m, o)) return NULL;
    /* Also where nobody wants to know what buffers become: a layer that sets one reads it again. */
    ml_tensor *few[MLI_FEW], **become = o->new_buffers ? o->new_buffers : few;
    if (!o->new_buffers && m->n_buffers > MLI_FEW && !make_room(&become, m->n_buffers)) return NULL;
    for (int i = 0; i < m->n_buffers; i++) become[i] = NULL;
    ml_key     key   = o->key ? *o->key : (ml_key){ 0 };
    mli_args   a     = { .params = params, .buffers = o->buffers ? o->buffers : m->buffers, .new_buffers = become, .mode = o->mode,
                         .key = o->key ? &key : NULL };
    ml_scope   scope = ml_scope_begin();
    ml_tensor *y     = ml_scope_return(&scope, mli_run(m, &a, 0, x));
    if (o->new_buffers) return hand_over(become, a.buffers, m->n_buffers, y != NULL) ? y : NULL;
    for (int i = 0; i < m->n_buffers; i++) ml_release(become[i]);
    if (become != few) give_room(become, m->n_buffers);
    return y;
}

ml_tensor *ml_module_apply(ml_module *m, ml_tensor *const *params, int n, ml_tensor *x)
{
    return ml_module_apply_with(m, params, n, x, NULL);
}

ml_tensor *ml_module_forward(ml_module *m, ml_tensor *x)
{
    if (!m || !x) return NULL;
    mli_args a     = { .params = m->params, .buffers = m->buffers, .keep = true };
    ml_scope scope = ml_scope_begin();
    return ml_scope_return(&scope, mli_run(m, &a, 0, x));
}

/* --- for layers: what they are given, and what becomes of their buffers ------------------------------------------------------ */
bool mli_trains(const ml_module *m, const mli_args *a)
{
    return a->mode == ML_MODE_OWN ? !atomic_load_explicit(&m->evaluating, memory_order_relaxed) : a->mode == ML_MODE_TRAIN;
}

ml_key mli_next_key(const mli_args *a)
{
    ml_key key = *a->key;
    a->key->stream++;
    return key;
}

ml_tensor *mli_buffer(const mli_args *a, int i)
{
    return a->new_buffers && a->new_buffers[i] ? a->new_buffers[i] : a->buffers[i];
}

bool mli_becomes(const ml_module *m, const mli_args *a, int i, ml_tensor *value)
{
    if (!value) return false;
    if (a->new_buffers) {
        ml_tensor *before = a->new_buffers[i]; /* of a layer that runs twice */
        a->new_buffers[i] = ml_retain(value);
        ml_release(before);
    }
    if (!a->keep) return true;
    if (value->inner)
        return ml_fail("%s: inside vmap each of the batch has statistics of its own, which the layer cannot keep; give and take them with apply", ml_module_text(m));
    return value == m->buffers[i] || ml_copy_into(m->buffers[i], value);
}

void ml_module_train(ml_module *m, bool on)
{
    if (!m) return;
    atomic_store_explicit(&m->evaluating, !on, memory_order_relaxed);
    for (int i = 0; i < m->n_children; i++) ml_module_train(m->children[i], on);
}

bool ml_module_training(const ml_module *m)
{
    return m && !atomic_load_explicit(&m->evaluating, memory_order_relaxed);
}

ml_tensor *mli_blame(const ml_module *m, const char *op, ml_tensor *y)
{
    size_t      n       = strlen(op);
    const char *message = ml_error_message();
    if (!y && strncmp(message, op, n) == 0 && message[n] == ':') ml_fail("%s%s", ml_module_text(m), message + n);
    return y;
}

/* --- looking inside ------------------------------------------------------------------------------------------------------ */
const char *ml_module_kind(const ml_module *m)
{
    if (!m) return "?";
    if (m->kind == &mli_custom_kind) return mli_custom_name(m->custom);
    return m->kind->name ? m->kind->name : m->activation.name;
}

const char *ml_module_text(const ml_module *m)
{
    static _Thread_local char text[128];
    if (!m || !m->kind->text) return ml_module_kind(m);
    m->kind->text(m, text, sizeof text);
    return text;
}

int ml_module_children(const ml_module *m)
{
    return m ? m->n_children : 0;
}

ml_module *ml_module_child(const ml_module *m, int i)
{
    if (!m) return NULL;
    if (i >= 0 && i < m->n_children) return m->children[i];
    return ml_fail("%s: there is no layer at position %d; it has %d", ml_module_text(m), i, m->n_children);
}

int ml_module_n_parameters(const ml_module *m)
{
    return m ? m->n_params : 0;
}

ml_tensor *const *ml_module_parameters(const ml_module *m)
{
    static ml_tensor *const none[1]; /* no parameters is no failure */
    if (!m) return NULL;
    return m->params ? m->params : none;
}

int ml_module_n_buffers(const ml_module *m)
{
    return m ? m->n_buffers : 0;
}

ml_tensor *const *ml_module_buffers(const ml_module *m)
{
    static ml_tensor *const none[1];
    if (!m) return NULL;
    return m->buffers ? m->buffers : none;
}

static bool has_parameter(const ml_module *m, int i)
{
    if (!m) return false;
    if (i >= 0 && i < m->n_params) return true;
    return ml_fail("%s: there is no parameter at position %d; it has %d", ml_module_text(m), i, m->n_params);
}

ml_tensor *ml_module_parameter(const ml_module *m, int i)
{
    return has_parameter(m, i) ? m->params[i] : NULL;
}

const char *mli_own_name(const ml_module *m, bool buffer, int i)
{
    if (m->kind == &mli_custom_kind) return mli_custom_own(m->custom, buffer, i);
    return buffer ? m->kind->buffers[i] : m->kind->own[i];
}

/* The name of a parameter or buffer, down to the child that has it. */
static bool write_name(const ml_module *m, bool buffer, int i, char *name, size_t bytes)
{
    size_t used = 0;
    for (int own; i >= (own = buffer ? m->n_own_buffers : m->n_own);) {
        int child = 0, n;
        for (i -= own; i >= (n = buffer ? m->children[child]->n_buffers : m->children[child]->n_params); child++) i -= n;
        if (m->child_names) used += (size_t)snprintf(name + used, bytes - used, "%s.", m->child_names[child]);
        else used += (size_t)snprintf(name + used, bytes - used, "%d.", child + 1);
        if (used >= bytes) break;
        m = m->children[child];
    }
    if (used < bytes) used += (size_t)snprintf(name + used, bytes - used, "%s", mli_own_name(m, buffer, i));
    if (used < bytes) return true;
    return ml_fail("parameter name: it needs more than %zu bytes", bytes);
}

ml_module *ml_module_child_named(const ml_module *m, const char *name)
{
    for (int i = 0; m && m->child_names && i < m->n_children; i++)
        if (strcmp(m->child_names[i], name) == 0) return m->children[i];
    return NULL;
}

bool ml_module_child_name(const ml_module *m, int i, char *name, size_t bytes)
{
    if (!ml_module_child(m, i)) return false;
    int used = m->child_names ? snprintf(name, bytes, "%s", m->child_names[i]) : snprintf(name, bytes, "%d", i + 1);
    return (size_t)used < bytes || ml_fail("child name: it needs more than %zu bytes", bytes);
}

bool ml_module_parameter_name(const ml_module *m, int i, char *name, size_t bytes)
{
    return has_parameter(m, i) && write_name(m, false, i, name, bytes);
}

bool ml_module_buffer_name(const ml_module *m, int i, char *name, size_t bytes)
{
    if (!m) return false;
    if (i < 0 || i >= m->n_buffers) return ml_fail("%s: there is no buffer at position %d; it has %d", ml_module_text(m), i, m->n_buffers);
    return write_name(m, true, i, name, bytes);
}

ml_tensor *ml_module_own(const ml_module *m, const char *name)
{
    for (int i = 0; m && i < m->n_own; i++)
        if (strcmp(mli_own_name(m, false, i), name) == 0) return m->params[i];
    for (int i = 0; m && i < m->n_own_buffers; i++)
        if (strcmp(mli_own_name(m, true, i), name) == 0) return m->buffers[i];
    return NULL;
}
