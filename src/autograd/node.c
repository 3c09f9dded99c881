#include "autograd/node.h"

#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static _Atomic uint64_t       counter; /* of all threads: a graph may be begun on one and continued on another */
static _Thread_local bool     anomaly;

void ml_detect_anomaly(bool on) { anomaly = on; }
bool ml_anomaly_detection(void) { return anomaly; }

bool mli_check_finite(const char *op, const ml_tensor *t, const char *phase, const char *site)
{
    if (!t || !t->storage || !ml_dtype_is_float((ml_dtype)t->dtype)) return true;
    ml_scope   scope = ml_scope_begin();
    ml_tensor *c     = mli_contiguous((ml_tensor *)(uintptr_t)t);
    int64_t    n     = ml_tensor_numel(t), bad = -1;
    if (!c) return ml_scope_end(&scope), false;
    for (int64_t i = 0; i < n && bad < 0; i++) {
        double v = t->dtype == ML_F32 ? (double)((const float *)mli_data(c))[i] : ((const double *)mli_data(c))[i];
        if (!isfinite(v)) bad = i;
    }
    double v = bad < 0 ? 0 : t->dtype == ML_F32 ? (double)((const float *)mli_data(c))[bad] : ((const double *)mli_data(c))[bad];
    ml_scope_end(&scope);
    if (bad < 0) return true;
    return ml_fail("%s: the %s made %s: value %lld of %lld, shape %s%s%s%s", op, phase, isnan(v) ? "NaN" : "an infinity",
                   (long long)bad + 1, (long long)n, ml_shape_text(&t->shape), site ? " (called at " : "", site ? site : "",
                   site ? ")" : "");
}

/* --- recording ------------------------------------------------------------------------------------------------ */
ml_node *mli_record(const ml_call *c)
{
    const ml_op_info *info = ml_op_info_at(c->id);
    size_t n = (size_t)c->n_in, bytes = sizeof(ml_node) + n * (sizeof(ml_tensor *) + sizeof(uint32_t)) + info->opts_bytes + 16;
    ml_node *node = ml_block_take(bytes);
    if (!node) return NULL;
    memset(node, 0, sizeof *node);
    atomic_init(&node->refs, 1);
    node->bytes      = bytes;
    node->id         = c->id;
    node->n_in       = c->n_in;
    node->needs      = c->needs;
    node->number     = ++counter;
    node->out_shape  = c->out->shape;
    node->out_dtype  = (ml_dtype)c->out->dtype;
    node->opts_bytes = info->opts_bytes;
    node->in         = (ml_tensor **)(void *)(node + 1);
    node->opts       = (char *)(node->in + n);
    node->versions   = (uint32_t *)(void *)((char *)node->opts + ((info->opts_bytes + 7) & ~(size_t)7));
    if (info->opts_bytes) memcpy(node->opts, c->opts, info->opts_bytes);
    ml_scope scope  = ml_scope_begin();
    bool     failed = false;
    for (int i = 0; i < c->n_in; i++) {
        ml_tensor *x = c->in[i];
        node->versions[i] = x->storage ? x->storage->version : 0;
        if (!mli_saves(c->op, i) && !x->requires_grad) x = mli_ghost(x);
        else if (x->defers) x = ml_detach(x); /* rules compute at once */
        node->in[i] = ml_retain(x);
        failed |= !x;
    }
    if (!failed && (c->op->saves & ML_SAVE_OUT)) {
        node->saved_out   = ml_retain(ml_detach(c->out));
        node->out_version = c->out->storage->version;
        failed            = !node->saved_out;
    }
    ml_scope_end(&scope);
    if (anomaly) {
        const char *site = ml_site();
        if (site && (node->site = ml_realloc(NULL, 0, strlen(site) + 1))) memcpy(node->site, site, strlen(site) + 1);
    }
    if (!failed && mli_group_note(node)) return node;
    mli_node_release(node);
    return NULL;
}

/* --- freeing: a chain of a million operations must not recurse --------------------------------------------------- */
static _Thread_local ml_node *waiting;
static _Thread_local bool     freeing;

void mli_node_retain(ml_node *node)
{
    atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
}

void mli_node_drop_inputs(ml_node *node)
{
    for (int i = 0; i < node->n_in; i++) {
        ml_release(node->in[i]);
        node->in[i] = NULL;
    }
    ml_release(node->saved_out);
    node->saved_out = NULL;
    node->freed     = true;
    mli_group_leave(node);
}

void mli_node_release(ml_node *node)
{
    if (!node || atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1) return;
    node->next = waiting;
    waiting    = node;
    if (freeing) return; /* the loop below, further up this stack, takes it */
    freeing = true;
    while (waiting) {
        ml_node *gone = waiting;
        waiting       = gone->next;
        mli_node_drop_inputs(gone);
        ml_release(gone->dy);
        if (gone->site) ml_realloc(gone->site, strlen(gone->site) + 1, 0);
        ml_block_give(gone, gone->bytes);
    }
    freeing = false;
}

bool mli_add_in_place(ml_tensor *sum, const ml_tensor *dx)
{
    if (sum->dtype != dx->dtype || !ml_shape_equal(&sum->shape, &dx->shape)) return false;
    if (sum->inner || dx->inner) return false;
    if (!ml_tensor_is_contiguous(sum) || !ml_tensor_is_contiguous(dx)) return false;
    int64_t n = ml_tensor_numel(sum);
    if (sum->dtype == ML_F32) mlk()->add_f32(n, mli_data(sum), 1, mli_data(dx), 1, mli_data(sum));
    else if (sum->dtype == ML_F64) mlk()->add_f64(n, mli_data(sum), 1, mli_data(dx), 1, mli_data(sum));
    else return false;
    return true;
}
