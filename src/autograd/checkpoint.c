/* Checkpoints: a part of a graph that forgets its values and computes them again when a backward pass comes by.
 *
 * The operations of the function are recorded as ever. At its end each of their nodes lets go of the values that it saved, but
 * not of its place in the graph. When a pass visits one, the function runs again, recorded into a second graph that is made of
 * the same operations in the same order; its k-th node has the values that the k-th node of the first one lacks. So derivatives
 * of any order, vmap around or inside, and what the function closes over need nothing of their own. The second run meets the
 * same random numbers and the same levels of vmap. Values live until the outermost pass ends. */
#include "autograd/node.h"
#include "moonlab/transform.h"

#include <string.h>

struct mli_group {
    atomic_int     refs; /* its nodes', while it is recorded one of ours, while it has its values one of the list's */
    ml_again       again;
    ml_key         key;
    mli_levels    *levels;
    ml_node      **nodes; /* in the order of recording; NULL where one has gone */
    int           *ids;   /* their operations */
    int            n, capacity;
    bool           has_values;
    mli_group     *next;  /* in the list of those that have */
};

static _Thread_local mli_group *recorder;    /* notes the nodes that are recorded; NULL: nobody */
static _Thread_local mli_group *with_values; /* to be dropped when the outermost pass ends */
static _Thread_local int        passes;

/* --- life ----------------------------------------------------------------------------------------------------------------- */
static mli_group *group_new(const ml_again *again)
{
    mli_group *g = ml_realloc(NULL, 0, sizeof *g);
    if (!g) return NULL;
    memset(g, 0, sizeof *g);
    atomic_init(&g->refs, 1);
    if (again) g->again = *again;
    return g;
}

static void group_release(mli_group *g)
{
    if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1) return;
    mli_levels_free(g->levels);
    if (g->nodes) ml_realloc(g->nodes, (size_t)g->capacity * sizeof *g->nodes, 0);
    if (g->ids) ml_realloc(g->ids, (size_t)g->capacity * sizeof *g->ids, 0);
    if (g->again.release) g->again.release(g->again.ctx);
    ml_realloc(g, sizeof *g, 0);
}

bool mli_group_note(ml_node *node)
{
    mli_group *g = recorder;
    if (!g) return true;
    if (g->n == g->capacity) {
        int       capacity = g->capacity ? 2 * g->capacity : 32;
        ml_node **nodes    = ml_realloc(g->nodes, (size_t)g->capacity * sizeof *nodes, (size_t)capacity * sizeof *nodes);
        if (!nodes) return false;
        g->nodes = nodes;
        int *ids = ml_realloc(g->ids, (size_t)g->capacity * sizeof *ids, (size_t)capacity * sizeof *ids);
        if (!ids) { /* back to the size that both have; shrinking does not fail */
            g->nodes = ml_realloc(nodes, (size_t)capacity * sizeof *nodes, (size_t)g->capacity * sizeof *nodes);
            return false;
        }
        g->ids      = ids;
        g->capacity = capacity;
    }
    node->group      = g;
    node->place      = g->n;
    g->ids[g->n]     = node->id;
    g->nodes[g->n++] = node;
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return true;
}

void mli_group_leave(ml_node *node)
{
    mli_group *g = node->group;
    if (!g) return;
    node->group           = NULL;
    g->nodes[node->place] = NULL;
    group_release(g);
}

/* --- values: gone, and back ------------------------------------------------------------------------------------------------- */
static void replace(ml_tensor **place, ml_tensor *t)
{
    ml_release(*place);
    *place = t;
}

/* Leaves that want a gradient stay, for they are somebody's; a value that cannot be dropped for want of memory stays too. */
static void drop_values(mli_group *g)
{
    ml_scope scope = ml_scope_begin();
    for (int i = 0; i < g->n; i++) {
        ml_node *node = g->nodes[i];
        if (!node || node->freed) continue;
        for (int k = 0; k < node->n_in; k++) {
            ml_tensor *x = node->in[k], *ghost = x->storage && !x->requires_grad ? ml_retain(mli_ghost(x)) : NULL;
            if (ghost) replace(&node->in[k], ghost);
        }
        if (!node->saved_out) continue;
        ml_tensor *ghost = ml_retain(mli_ghost(node->saved_out));
        if (ghost) replace(&node->saved_out, ghost);
    }
    g->has_values = false;
    ml_scope_end(&scope);
}

/* The values of `from`, at the place in the graph of `ghost`. */
static ml_tensor *revived(const ml_tensor *ghost, const ml_tensor *from)
{
    ml_tensor *t = ml_retain(mli_view(from, from->shape, from->strides, from->offset));
    if (!t || !ghost->node) return t;
    t->node = ghost->node;
    mli_node_retain(t->node);
    return t;
}

static bool take_values(ml_node *node, const ml_node *twin)
{
    for (int k = 0; k < node->n_in; k++) {
        if (node->in[k]->storage || !twin->in[k]->storage) continue;
        if (node->versions[k] != twin->versions[k])
            return ml_fail("backward: an input of '%s', shape %s, was modified after it was used in a checkpoint", ml_op_info_at(node->id)->name,
                           ml_shape_text(&node->in[k]->shape));
        ml_tensor *t = revived(node->in[k], twin->in[k]);
        if (!t) return false;
        replace(&node->in[k], t);
    }
    if (node->saved_out && !node->saved_out->storage && twin->saved_out) {
        replace(&node->saved_out, ml_retain(twin->saved_out));
        node->out_version = twin->out_version;
    }
    return true;
}

static bool same_operations(const mli_group *g, const mli_group *again)
{
    int n = g->n < again->n ? g->n : again->n, k = 0;
    while (k < n && g->ids[k] == again->ids[k]) k++;
    if (k == g->n && k == again->n) return true;
    return ml_fail("checkpoint: the function did something else when it was computed again: operation %d was %s, now it is %s; it may depend "
                   "on its arguments and on random numbers alone", k + 1, k < g->n ? ml_op_info_at(g->ids[k])->name : "none",
                   k < again->n ? ml_op_info_at(again->ids[k])->name : "none");
}

bool mli_group_fill(ml_node *asks)
{
    mli_group *g = asks->group;
    if (!g || g->has_values || g == recorder) return true;
    mli_group  *second = group_new(NULL), *was = recorder;
    mli_levels *levels = second ? mli_levels_copy(g->levels) : NULL; /* their random streams go on: not those that are kept */
    if (!levels) return group_release(second), false;
    ml_scope scope     = ml_scope_begin();
    ml_key   key       = ml_key_next();
    bool     recording = ml_set_recording(true);
    mli_levels_swap(levels);
    recorder = second;
    ml_key_reset(g->key);
    bool ok = g->again.call(g->again.ctx) && same_operations(g, second);
    ml_key_reset(key);
    recorder = was;
    mli_levels_swap(levels);
    mli_levels_free(levels);
    ml_set_recording(recording);
    for (int i = 0; ok && i < g->n; i++)
        if (g->nodes[i] && !g->nodes[i]->freed && second->nodes[i] && !second->nodes[i]->freed) ok = take_values(g->nodes[i], second->nodes[i]);
    g->has_values = true; /* or some, after a failure: they go with the others */
    g->next       = with_values;
    with_values   = g;
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    ml_scope_end(&scope);
    group_release(second);
    return ok;
}

void mli_pass_begins(void) { passes++; }

void mli_pass_ends(void)
{
    if (--passes > 0) return;
    while (with_values) {
        mli_group *g = with_values;
        with_values  = g->next;
        drop_values(g);
        group_release(g);
    }
}

/* --- a checkpoint ----------------------------------------------------------------------------------------------------------- */
bool ml_checkpoint_begin(const ml_again *again)
{
    if (!ml_recording() || recorder) { /* nothing will be asked for, or the one around it brings all back */
        if (again->release) again->release(again->ctx);
        return true;
    }
    mli_group *g = group_new(again);
    ml_key     key = ml_key_next();
    ml_key_reset(key);
    if (g && (g->levels = mli_levels_copy(NULL))) {
        g->key   = key;
        recorder = g;
        return true;
    }
    if (g) group_release(g);
    else if (again->release) again->release(again->ctx);
    return false;
}

void *mli_recorder(void) { return recorder; }

void mli_stop_recorder(void *keep)
{
    mli_group *g = recorder;
    if (g == keep || !g) return;
    recorder = keep;
    drop_values(g);
    group_release(g);
}

void ml_checkpoint_end(ml_transform_state before) { mli_stop_recorder(before.recorder); }

typedef struct {
    ml_function f;
    int         n;
    ml_tensor  *in[];
} saved_call;

static bool call_again(void *ctx)
{
    saved_call *s   = ctx;
    size_t      bytes = (size_t)s->f.n_out * sizeof(ml_tensor *);
    ml_tensor **out = ml_block_take(bytes);
    bool        ok  = out && s->f.call(s->f.ctx, s->in, out);
    if (out) ml_block_give(out, bytes);
    return ok;
}

static void release_call(void *ctx)
{
    saved_call *s = ctx;
    for (int i = 0; i < s->n; i++) ml_release(s->in[i]);
    ml_realloc(s, sizeof *s + (size_t)s->n * sizeof *s->in, 0);
}

bool ml_checkpoint(const ml_function *f, ml_tensor *const *in, ml_tensor **out)
{
    for (int i = 0; i < f->n_in; i++)
        if (!in[i]) return false;
    saved_call *s = ml_realloc(NULL, 0, sizeof *s + (size_t)f->n_in * sizeof *s->in);
    if (!s) return false;
    s->f = *f;
    s->n = f->n_in;
    for (int i = 0; i < s->n; i++) s->in[i] = ml_retain(in[i]);
    ml_transform_state before = ml_transform_save();
    if (!ml_checkpoint_begin(&(ml_again){ call_again, release_call, s })) return false;
    bool ok = f->call(f->ctx, in, out);
    ml_checkpoint_end(before);
    return ok;
}
